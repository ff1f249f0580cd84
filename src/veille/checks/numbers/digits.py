"""A number, the groups of digits that it is made of, and one form for comparing."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

LENGTH = 10  # digits of a French number, the 0 in front included (Arcep, numbering plan, décision 2018-0881)
LINK = "\u200b"  # an invisible character between digits

_SPACES = (9, 11, 12, 13, 0xA0, *range(0x2000, 0x200B), 0x2028, 0x202F, 0x205F, 0x2800, 0x3000, 0x3164)
_UNSEEN = (0xAD, 0x34F, 0x61C, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF)
_MARKS = (*range(0x300, 0x34F), *range(0x20D0, 0x20F1), *range(0xFE00, 0xFE10))  # accents, keycaps, variants
_TABLE = dict.fromkeys(_SPACES, " ") | dict.fromkeys((*_UNSEEN, *_MARKS, *range(0xE0000, 0xE0080)), LINK)
_TABLE |= dict.fromkeys((*range(0x2010, 0x2016), 0x2212, 0xFF0D), "-")
_TABLE |= dict.fromkeys((0xB7, 0x2022, 0x2024, 0x2027, 0x2219, 0x30FB, 0xFF0E), ".")
_TABLE |= dict.fromkeys((0x41E, 0x39F), "O") | dict.fromkeys((0x43E, 0x3BF), "o") | {0xFF0B: "+", 0x7C: "l"}
# The digits of every script, and those in circles.
_TABLE |= {
    code: str(unicodedata.digit(chr(code)))
    for code in (*range(0x660, 0x20000), 0x1F100)
    if unicodedata.category(chr(code)) == "Nd" or 0x2460 <= code <= 0x2468 or code in (0x24EA, 0x1F100)
}
_SMALL = {ord(sign): str(unicodedata.digit(sign)) for sign in "⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉"}
_ROW_OF_SMALL = re.compile("(?<![\\w⁰-₉])[⁰¹²³⁴-⁹₀-₉](?:[ \u00a0]?[⁰¹²³⁴-⁹₀-₉])+")
_NOTE = re.compile(r"(?<=\d)[⁰¹²³⁴-⁹₀-₉]{1,2}(?!\w)")  # "3919²": the mark of a note
_HAS_SMALL = re.compile("[⁰¹²³⁴-⁹₀-₉]")
_BAR = re.compile(r"(?<=[ \xa0])\|(?=[ \xa0])")  # between two cells; elsewhere it is taken for the letter l
_UNDERSCORES = re.compile(r"(?<!\w)\d+(?:_{1,2}\d+)+(?!\w)")
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
    if _HAS_SMALL.search(text):
        text = _NOTE.sub(lambda found: " " * len(found[0]), text)
        text = _ROW_OF_SMALL.sub(lambda found: found[0].translate(_SMALL), text)
    if "|" in text:
        text = _BAR.sub(":", text)
    if "_" in text:
        text = _UNDERSCORES.sub(lambda found: found[0].replace("_", "."), text)
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
