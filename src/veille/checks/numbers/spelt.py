"""Numbers in French words: "appelle le trente-neuf dix-neuf". They are read aloud so, and some type them so.

In words nearly everything is a date or a quantity: they are numbers for telephones only right behind a cue.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from veille.checks.numbers.cues import is_chained
from veille.checks.numbers.digits import Number, number_at

_SMALL = (
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize".split()  # noqa: SIM905
)
_VALUES = {word: value for value, word in enumerate(_SMALL)} | {"une": 1, "zero": 0}
_VALUES |= {"vingt": 20, "vingts": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60}
_VALUES |= {"cent": 100, "cents": 100, "mille": 1000, "septante": 70, "nonante": 90, "et": -1}
_WORD = rf"(?:{'|'.join(sorted(_VALUES, key=len, reverse=True))})(?!\w)"
# Most texts have none of these words, and a number for telephones has one of them.
_RARE = "trente quinze onze douze treize quatorze seize dix cent zéro zero mille un".split()  # noqa: SIM905
_CUES = ("ppel", "ompose", "ais le ", "aites le ", "aire le ", "ape", "oindre", "uméro", "umero")
_ROW = re.compile(rf"(?<![\w-]){_WORD}(?:[ \n\xa0-]+{_WORD})*", re.IGNORECASE)
_CUE = re.compile(
    r"(?:\b(?:r?appele[rz]|r?appelle[sz]?|compose[rz]?|fai(?:s|tes|re)|tape[rz]?|joindre)[ \n\xa0]"
    r"(?:(?:vite|aussi|vite aussi|alors|tout de suite)[ \n\xa0])?(?:le|au)[ \n\xa0]"
    r"|\bnum[ée]ro[ \n\xa0](?:[^\W\d][\w’']*[ \n\xa0]){0,3}?(?:est[ \n\xa0])?(?::[ \n\xa0]?)?(?:le[ \n\xa0])?)$",
    re.IGNORECASE,
)
_END = re.compile(
    r"[ \n\xa0]*(?:$|[.,;:!?)…»|]|(?:et|ou|puis|pour|si|en cas|dès|quand|sans|répond|est|tout de suite)\b)"
)
_LEAD = 60  # characters before it in which its cue stands


def spelt(text: str, known: Collection[str], found: Sequence[Number] = ()) -> Iterator[Number]:
    """The numbers that stand in words behind a cue.

    Args:
        known: digits of records and of the deny-list.
        found: the numbers in figures: those in words may follow them, "le 17 ou le dix-neuf".
    """
    if not any(cue in text for cue in _CUES):
        return
    small = text.lower()
    if not any(word in small for word in _RARE):
        return
    ends = [number.end for number in found]
    for row in _ROW.finditer(text):
        if not _END.match(text, row.end()) or not (_is_cued(text, row.start()) or _is_next(text, row.start(), ends)):
            continue
        digits = _digits([word.lower() for word in re.split(r"[ \n\xa0-]+", row[0])])
        if digits in known or _may_be(digits):
            ends.append(row.end())
            yield number_at(text, row.start(), row.end(), digits, False)


def _is_cued(text: str, start: int) -> bool:
    return _CUE.search(text, max(0, start - _LEAD), start) is not None


def _is_next(text: str, start: int, ends: Sequence[int]) -> bool:
    before = max((end for end in ends if end < start), default=start)
    return before < start and is_chained(text[before:start]) and text[before:start].rstrip().endswith(("le", "au"))


def _may_be(digits: str) -> bool:
    shapes = {2: ("1",), 4: ("30", "31", "39"), 6: ("116", "118"), 10: ("0",)}
    return digits.startswith(shapes.get(len(digits), "-")) or (digits.startswith("080") and 6 < len(digits) < 12)


def _digits(words: Sequence[str]) -> str:
    """What somebody dials who hears them: "trente-neuf", "dix-neuf" -> "3919"."""
    return "".join(str(value) for value in _cardinals([_VALUES[word] for word in words]))


def _cardinals(values: Sequence[int]) -> Iterator[int]:
    """One after the other, each as long as the words may be one: 30, 9, 10, 9 -> 39, 19."""
    total: int | None = None
    room = 0  # what comes next belongs to it when it is below this
    for value, after in pairwise((*_hundreds([value for value in values if value >= 0]), 0)):
        if total is not None and _multiplies(total, value):
            total, room = total + (total % 100) * (value - 1), value
        elif total is not None and 0 < value < room and not (value < 10 and after == 1000):
            total, room = total + value, _room(total + value, value)
        else:
            if total is not None:
                yield total
            total, room = value, _room(value, value)
    if total is not None:
        yield total


def _hundreds(values: Sequence[int]) -> Iterator[int]:
    """ "neuf cent" as one, so that "huit cents trois cents" are two."""
    for at, value in enumerate(values):
        if value == 100 and at and 1 < values[at - 1] < 10:
            continue
        times = 1 < value < 10 and values[at + 1 : at + 2] == [100]
        yield value * 100 if times else value


def _multiplies(total: int, value: int) -> bool:
    """ "quatre-vingt", "trois mille"."""
    return total % 100 == 4 if value == 20 else value == 1000 and 1 < total < 10


def _room(total: int, value: int) -> int:
    if value >= 100:
        return 1000 if value == 1000 else 100
    if value in (20, 30, 40, 50):
        return 10
    if value in (60, 80) or total % 100 == 80:
        return 20
    return 10 if value == 10 else 0
