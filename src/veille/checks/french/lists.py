"""Lists of words in `checks/data`, each read once."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parent.parent / "data"


@cache
def data(name: str) -> dict[str, Any]:
    """A TOML file."""
    return tomllib.loads((_DATA / name).read_text(encoding="utf-8"))


@cache
def lines(name: str) -> tuple[str, ...]:
    """The lines of a text file, without comments."""
    rows = (_DATA / name).read_text(encoding="utf-8").splitlines()
    return tuple(row for row in rows if row and not row.startswith("#"))


@cache
def words(name: str) -> frozenset[str]:
    """One list of french.toml."""
    return frozenset(data("french.toml")[name].split())
