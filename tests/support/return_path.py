"""Which letter a return path names."""

from __future__ import annotations

from veille.bounces.verp import marks
from veille.tokens import Keys


def read_return_path(keys: Keys, address: str) -> str | None:
    """The delivery ("d345"); None when the address carries no mark, or not one of ours."""
    return next((found for found in marks(keys, address) if found), None)
