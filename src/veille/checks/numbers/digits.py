"""A number, the groups of digits that it is made of, and one form for comparing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

LENGTH = 10  # digits of a French number, the 0 in front included (Arcep, numbering plan, décision 2018-0881)
LINK = "\u200b"  # an invisible character between digits

_SPACES = (9, 11, 12, 13, 0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)
_TABLE = dict.fromkeys(_SPACES, " ") | dict.fromkeys((0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF), LINK)
_TABLE |= dict.fromkeys((*range(0x2010, 0x2016), 0x2212, 0xFF0D), "-")
_TABLE |= dict.fromkeys((0xB7, 0x2022, 0x2024, 0x2027, 0x2219, 0x30FB, 0xFF0E), ".")
_TABLE |= dict.fromkeys((0x41E, 0x39F), "O") | dict.fromkeys((0x43E, 0x3BF), "o") | {0xFF0B: "+", 0x7C: "l"}
_TABLE |= {
    zero + digit: str(digit) for zero in (0x660, 0x6F0, 0xFF10, 0x1D7CE, 0x1D7EC, 0x1D7F6) for digit in range(10)
}
LETTERS = str.maketrans("OolI", "0011")


@dataclass(frozen=True)
class Number:
    """Something that looks like a number.

    Args:
        start, end: offsets in the text.
        written: as it stands there, on one line.
        digits: as one would dial it: "0652136577", "3919"; "+3280030030" for another country.
        letters: some of the digits are letters: O for 0, l or I for 1.
    """

    start: int
    end: int
    written: str
    digits: str
    letters: bool = False

    @property
    def short(self) -> bool:
        """Six digits at the most."""
        return len(self.digits) <= 6

    @property
    def abroad(self) -> bool:
        """Written with the code of another country."""
        return self.digits.startswith("+")


@dataclass(frozen=True)
class Group:
    """Digits without anything between them.

    Args:
        gap: what stands before it, back to the group before.
    """

    start: int
    end: int
    digits: str
    gap: str
    letters: bool


def plain(text: str) -> str:
    """The text with one kind of space, hyphen, dot and digit; offsets stay as they are."""
    return text.translate(_TABLE)


def canonical(number: str) -> str:
    """A number of a record or link as `Number.digits` has it: "+33 (0)1 99 00 12 34" -> "0199001234"."""
    digits = re.sub(r"[^\d+]", "", plain(number))
    for prefix in ("+33", "0033"):
        if digits.startswith(prefix) and len(digits) > len(prefix) + 6:
            return "0" + digits.removeprefix(prefix).removeprefix("0")
    return "+" + digits[2:] if digits.startswith("00") and len(digits) > LENGTH else digits


def joined(groups: Sequence[Group]) -> str:
    """Their digits in one row."""
    return "".join(group.digits for group in groups)


def number_at(text: str, start: int, end: int, digits: str, letters: bool) -> Number:
    """The number that stands between two offsets of a text as it was written."""
    return Number(start, end, " ".join(text[start:end].split()), digits, letters)
