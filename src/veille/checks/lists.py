"""The lists of words, numbers and programs that checks are shipped with, in `checks/data`: each is read once."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parent / "data"


@cache
def data(name: str) -> dict[str, Any]:
    """The values of a TOML or JSON file; not to be changed."""
    read = json.loads if name.endswith(".json") else tomllib.loads
    values: dict[str, Any] = read(_text(name))
    return values


@cache
def lines(name: str) -> tuple[str, ...]:
    """The lines of a text file, without empty ones and comments."""
    rows = (row.strip() for row in _text(name).splitlines())
    return tuple(row for row in rows if row and not row.startswith("#"))


def _text(name: str) -> str:
    return (_DATA / name).read_text(encoding="utf-8")
