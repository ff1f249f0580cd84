"""Everything in a text that looks like a telephone number, however it is written.

`phonenumbers.PhoneNumberMatcher` passes over short numbers and over wrong ones, which are those that hurt
(measured with 9.0.43: "0800 300 30" is silently skipped); this finds them all, and `verdicts` judges them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache

import phonenumbers

from veille.checks.numbers.digits import LENGTH, LETTERS, LINK, Group, Number, canonical, joined, number_at, plain
from veille.checks.numbers.lists import listed
from veille.checks.numbers.noise import blotted
from veille.checks.numbers.shorts import shorts
from veille.checks.numbers.spelt import spelt

_LEAST = 8  # digits from which on something that begins like a number is an unfinished one
_LONGEST = 13
_REACH = 18  # groups in which a number ends for certain, however few digits each has
_LEAD = 60  # characters before a number that may say what it is

_GROUP = r"(?<!\w)(?:(?=[OolI]{0,3}\d)[\dOolI]+|O{1,3})(?!\w)"
# "Tél0800 300 30": a space was forgotten.
_GLUED = r"(?<=[A-Za-zà-ÿ])0(?:[1-9]\d{8}|80\d{1,7}|[1-9](?=(?:[ .]\d\d){3}))(?!\w)"
_SEP = rf"[ \n{LINK}]{{0,4}}[.\-/()_*~=’'\\\[\]]{{0,3}}[ \n{LINK}]{{0,4}}"
_CHUNK = re.compile(rf"{_GROUP}(?:{_SEP}{_GROUP})*|{_GLUED}(?:{_SEP}{_GROUP})*")
_ONE = re.compile(rf"{_GROUP}|{_GLUED}")
_LOOSE = re.compile(r"(?<!\w)0 ?80\d(?:[^\w\n\x01]{1,3}\d{1,3}){2,4}(?!\w)")
_HAS = re.compile(r"[\d⁰-₉①-⑨⓪²³¹]")
_WORDED = re.compile(r"(?<!\w)0 ?8[ .\-]?VICTIMES(?!\w)")
_REFERENCE = re.compile(
    r"\b(?:loi|décret|arrêté|dossier|facture|commande|référence|réf\.?|contrat|licence|agrément|marché|formulaire|"
    r"série|client|adhérent|allocataire|numéro d.inscription|délibération|parcelle|chèque|PC|DP)"
    r"(?:[ \n](?:client|dossier|commande))?[ \n]?(?:n°|no|numéro|:)?[ \n:]*$",
    re.IGNORECASE,
)
_STREET = re.compile(
    r",?[ \n](?:bis |ter )?(?:rue|avenue|av\.|bd|boulevard|place|allée|chemin|impasse|h\b|[a-z]{3,}s\b)"
)
__all__ = ["LENGTH", "Number", "canonical", "find", "plain", "valid_abroad"]
_ABROAD = ("32", "352", "41", "49")


def find(text: str, known: Collection[str] = ()) -> list[Number]:
    """Every number of a text, in order.

    Args:
        text: what a reader sees, without markup.
        known: digits of records and of the deny-list: a short one is taken for a number with fewer signs.
    """
    if not _HAS.search(text):
        return list(spelt(text, known))
    sight = plain(text)
    clean = blotted(sight)
    sure = listed(clean)
    found = [number_at(text, m.start(), m.end(), "08VICTIMES", False) for m in _WORDED.finditer(sight)]
    for chunk in _CHUNK.finditer(clean):
        if chunk.end() - chunk.start() > 1:
            groups = _groups(chunk[0], chunk.start())
            found += _of_chunk(text, clean, groups, known, found[-1:], sure)
    found += _loose(text, clean, found)
    found += spelt(text, known, found)
    return sorted(found, key=lambda number: number.start)


def _loose(text: str, clean: str, found: Sequence[Number]) -> Iterator[Number]:
    """Numbers beginning with 080 that are held apart by signs that no other number has: "0800 : 300 | 30"."""
    for match in _LOOSE.finditer(clean):
        if not any(number.start < match.end() and match.start() < number.end for number in found):
            yield number_at(text, match.start(), match.end(), re.sub(r"\D", "", match[0]), False)


def _groups(chunk: str, offset: int) -> list[Group]:
    groups: list[Group] = []
    before = 0
    for match in _ONE.finditer(chunk):
        digits = match[0].translate(LETTERS)
        gap = chunk[before : match.start()] if groups else ""
        groups.append(Group(offset + match.start(), offset + match.end(), digits, gap, digits != match[0]))
        before = match.end()
    return groups


def _of_chunk(
    text: str,
    clean: str,
    groups: Sequence[Group],
    known: Collection[str],
    last: Sequence[Number],
    sure: Collection[int],
) -> Iterator[Number]:
    """Long numbers first; what is left between them may be short ones."""
    at = rest = 0
    while at < len(groups):
        taken, digits, start = _long(clean, groups[at : at + _REACH], known, first=at == rest)
        if not taken:
            at += 1
            continue
        yield from shorts(text, clean, groups[rest:at], known, last, sure)
        end = groups[at + taken - 1].end
        start -= clean[start - 1 : start] == "(" and ")" in clean[start:end]
        yield number_at(text, start, end, digits, any(group.letters for group in groups[at : at + taken]))
        at = rest = at + taken
    yield from shorts(text, clean, groups[rest:], known, last, sure)


# Long numbers ----


def _long(clean: str, groups: Sequence[Group], known: Collection[str], *, first: bool) -> tuple[int, str, int]:
    """How many groups the number takes that begins here (0: none does), its digits, and where it starts."""
    head, start = groups[0].digits, groups[0].start
    plus = clean[max(0, start - 1) : start] == "+"
    if plus or head.startswith("00"):
        taken, digits = _international(groups, plus=plus)
        return taken, digits, start - plus
    if taken := _bare_code(groups) if first else 0:
        return taken, "0" + joined(groups[:taken])[2:].removeprefix("0"), start
    if not _begins(groups):
        return 0, "", start
    taken = _national(clean, groups, known, first=first)
    return taken, joined(groups[:taken]), start


def _begins(groups: Sequence[Group]) -> bool:
    """Like a French number: 0 and a digit that is no 0."""
    head = groups[0].digits if len(groups[0].digits) > 1 else joined(groups[:2])
    return head[0] == "0" and head[1:2] not in ("", "0")


def _is_free_call(groups: Sequence[Group]) -> bool:
    """ "0800", "0 800": nobody begins anything else so."""
    head = joined(groups[:2]) if groups[0].digits == "0" else groups[0].digits
    return len(head) >= 4 and len(head) != 5 and head.startswith("080") and len(joined(groups)) > 4


def _national(clean: str, groups: Sequence[Group], known: Collection[str], *, first: bool) -> int:
    sizes = list(_sums(groups))
    free = _is_free_call(groups)
    for taken, size in enumerate(sizes, 1):
        if size > 6 and joined(groups[:taken]) in known:
            return taken
        if size == LENGTH:
            return 0 if _is_reference(clean, groups[0].start) else taken + _too_many(clean, groups, taken)
    taken = _unfinished(groups, sizes)
    size = sizes[taken - 1] if taken else 0
    filed = _is_year(groups[:taken]) or (taken == 1 and size < _LEAST)
    if free and size > 5 and not (filed and _is_reference(clean, groups[0].start)):
        return taken
    slashed = all("/" in group.gap for group in groups[1:taken])
    dated = taken > 1 and slashed and size <= _LEAST
    if not first or size < _LEAST or dated or _is_reference(clean, groups[0].start):
        return 0
    return taken


def _is_year(groups: Sequence[Group]) -> bool:
    """ "0800 2026": no number for telephones is written so."""
    return len(groups) > 1 and len(groups[-1].digits) == 4 and groups[-1].digits.startswith(("19", "20"))


def _is_reference(clean: str, start: int) -> bool:
    """Whether the words before it say that it numbers a file, a law or a customer."""
    return _REFERENCE.search(clean, max(0, start - _LEAD), start) is not None


def _sums(groups: Sequence[Group]) -> Iterator[int]:
    total = 0
    for group in groups:
        total += len(group.digits)
        yield total


def _unfinished(groups: Sequence[Group], sizes: Sequence[int]) -> int:
    """How far a number goes that never has ten digits."""
    for taken, size in enumerate(sizes, 1):
        if size > LENGTH:
            alike = taken == 1 or groups[taken - 1].gap == groups[max(1, taken - 2)].gap
            return taken if size <= _LONGEST and alike and "\n" not in groups[taken - 1].gap else taken - 1
    return len(groups)


def _too_many(clean: str, groups: Sequence[Group], taken: int) -> int:
    """1 when two more digits follow in the same rhythm and belong to nothing else: "01 99 00 12 34 56."."""
    if taken < 2 or taken >= len(groups) or taken + 1 < len(groups):
        return 0
    after, before = groups[taken], groups[taken - 1]
    same = after.gap == before.gap and after.gap in (" ", ".", "-") and len(after.digits) == len(before.digits) == 2
    return int(same and not _STREET.match(clean, after.end))


def _bare_code(groups: Sequence[Group]) -> int:
    """Groups of a number that begins with 33 and no sign: "33 1 99 00 12 34"."""
    for taken, size in enumerate(_sums(groups), 1):
        digits = joined(groups[:taken])
        if size == 11 and digits.startswith("33") and digits[2] != "0":
            return taken
        if size == 12 and digits.startswith("330") and taken > 1:
            return taken
    return 0


def _international(groups: Sequence[Group], *, plus: bool) -> tuple[int, str]:
    digits = joined(groups) if plus else joined(groups)[2:]
    if digits.startswith("33"):
        return _french_abroad(groups, 2 if plus else 4)
    for taken in range(len(groups), 0, -1):
        row = joined(groups[:taken])
        number = "+" + (row if plus else row[2:])
        if valid_abroad(number) or (
            number[1:].startswith(_ABROAD) and taken == len(groups) and 10 <= len(number) <= 14
        ):
            return taken, number
    return 0, ""


def _french_abroad(groups: Sequence[Group], prefix: int) -> tuple[int, str]:
    best = 0
    for taken, _size in enumerate(_sums(groups), 1):
        rest = joined(groups[:taken])[prefix:].removeprefix("0")
        if len(rest) == LENGTH - 1:
            return taken, "0" + rest
        best = taken if len(rest) <= LENGTH + 1 else best
    rest = joined(groups[:best])[prefix:].removeprefix("0")
    return (best, "0" + rest) if len(rest) >= 4 else (0, "")


@lru_cache(maxsize=1024)
def valid_abroad(number: str) -> bool:
    """Whether a number with "+" is valid where it says."""
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False
