"""The deny-list and the ranges of numbers: `data/numbers.toml`, read once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from veille.checks.lists import data
from veille.checks.numbers.reasons import REASONS


@dataclass(frozen=True)
class Denied:
    """A number that must not be printed (see the head of the data file)."""

    number: str
    reason: str
    instead: str = ""
    sure: bool = True
    beside: tuple[str, ...] = ()
    country: str = ""
    source: str = ""

    @property
    def why(self) -> str:
        """The sentence, not translated."""
        return REASONS[self.reason]

    def holds(self, around: str) -> bool:
        """Whether the number is wrong among these words."""
        return not self.beside or any(word in around.lower() for word in self.beside)


@dataclass(frozen=True)
class Called:
    """What people call a service, and the numbers that may stand for it, the best first.

    Args:
        houses: what the places are called where it answers by a number of its own.
    """

    names: tuple[str, ...]
    numbers: tuple[str, ...]
    houses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lists:
    """What the data file holds."""

    denied: dict[str, Denied]
    called: tuple[Called, ...]
    fictional: tuple[str, ...]
    free: tuple[str, ...]
    national: tuple[str, ...]


@cache
def lists() -> Lists:
    """The data file."""
    values = data("numbers.toml")
    entries = [Denied(**{**entry, "beside": tuple(entry.get("beside", ()))}) for entry in values["denied"]]
    return Lists(
        {entry.number: entry for entry in entries},
        tuple(
            Called(*(tuple(entry.get(key, ())) for key in ("names", "numbers", "houses"))) for entry in values["called"]
        ),
        tuple(values["fictional"]),
        tuple(values["free"]),
        tuple(values["national"]),
    )


def fictional(digits: str) -> bool:
    """Whether it is in a range that Arcep keeps for fiction."""
    return len(digits) == 10 and digits.startswith(lists().fictional)


def costs_nothing(digits: str) -> bool:
    """Whether every call to this range is free of charge."""
    return len(digits) in (4, 6, 10) and digits.startswith(lists().free)
