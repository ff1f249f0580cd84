"""Lists of French words."""

from __future__ import annotations

from functools import cache

from veille.checks.lists import data


@cache
def words(name: str) -> frozenset[str]:
    """One list of french.toml."""
    return frozenset(data("french.toml")[name].split())
