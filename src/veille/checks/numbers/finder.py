"""Everything in a text that looks like a telephone number, however it is written.

`phonenumbers.PhoneNumberMatcher` passes over short numbers and over wrong ones, which are those that hurt
(measured with 9.0.43: "0800 300 30" is silently skipped); this finds them all, and `verdicts` judges them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers

from veille.checks.numbers import cues
from veille.checks.numbers.noise import blotted

LENGTH = 10  # digits of a French number, the 0 in front included (Arcep, numbering plan, décision 2018-0881)
_LEAST = 8  # digits from which on something that begins like a number is an unfinished one
_LONGEST = 13
_LINK = "\u200b"  # an invisible character between digits

_SPACES = (9, 11, 12, 13, 0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)
_TABLE = dict.fromkeys(_SPACES, " ") | dict.fromkeys((0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF), _LINK)
_TABLE |= dict.fromkeys((*range(0x2010, 0x2016), 0x2212, 0xFF0D), "-")
_TABLE |= dict.fromkeys((0xB7, 0x2022, 0x2024, 0x2027, 0x2219, 0x30FB, 0xFF0E), ".")
_TABLE |= dict.fromkeys((0x41E, 0x39F), "O") | dict.fromkeys((0x43E, 0x3BF), "o") | {0xFF0B: "+", 0x7C: "l"}
_TABLE |= {
    zero + digit: str(digit) for zero in (0x660, 0x6F0, 0xFF10, 0x1D7CE, 0x1D7EC, 0x1D7F6) for digit in range(10)
}
_LETTERS = str.maketrans("OolI", "0011")

_GROUP = r"(?<!\w)(?:(?=[OolI]{0,3}\d)[\dOolI]+|O{1,3})(?!\w)"
_SEP = rf"[ \n{_LINK}]{{0,2}}[.\-/()]{{0,2}}[ \n{_LINK}]{{0,2}}"
_CHUNK = re.compile(rf"{_GROUP}(?:{_SEP}{_GROUP})*|(?<=[A-Za-zà-ÿ])0[1-9]\d{{8}}(?!\w)")
_ONE = re.compile(_GROUP + r"|(?<=[A-Za-zà-ÿ])0[1-9]\d{8}(?!\w)")
_HAS = re.compile(r"[\d\uff10-\uff19\u0660-\u06f9\U0001d7ce-\U0001d7ff]")
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
_ABROAD = ("32", "352", "41", "49")


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
class _Group:
    start: int
    end: int
    digits: str
    gap: str  # what stands before it, back to the group before
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


def find(text: str, known: Collection[str] = ()) -> list[Number]:
    """Every number of a text, in order.

    Args:
        text: what a reader sees, without markup.
        known: digits of records and of the deny-list: a short one is taken for a number with fewer signs.
    """
    if not _HAS.search(text):
        return []
    sight = plain(text)
    clean = blotted(sight)
    found = [_number(text, m.start(), m.end(), "08VICTIMES", False) for m in _WORDED.finditer(sight)]
    for chunk in _CHUNK.finditer(clean):
        if chunk.end() - chunk.start() > 1:
            groups = _groups(chunk[0], chunk.start())
            found += _of_chunk(text, clean, groups, known, found[-1:])
    return sorted(found, key=lambda number: number.start)


def _number(text: str, start: int, end: int, digits: str, letters: bool) -> Number:
    return Number(start, end, " ".join(text[start:end].split()), digits, letters)


def _groups(chunk: str, offset: int) -> list[_Group]:
    groups: list[_Group] = []
    before = 0
    for match in _ONE.finditer(chunk):
        digits = match[0].translate(_LETTERS)
        gap = chunk[before : match.start()] if groups else ""
        groups.append(_Group(offset + match.start(), offset + match.end(), digits, gap, digits != match[0]))
        before = match.end()
    return groups


def _of_chunk(
    text: str, clean: str, groups: Sequence[_Group], known: Collection[str], last: Sequence[Number]
) -> Iterator[Number]:
    """Long numbers first; what is left between them may be short ones."""
    at = rest = 0
    while at < len(groups):
        taken, digits, start = _long(clean, groups[at:], known, first=at == rest)
        if not taken:
            at += 1
            continue
        yield from _shorts(text, clean, groups[rest:at], known, last)
        end = groups[at + taken - 1].end
        yield _number(text, start, end, digits, any(group.letters for group in groups[at : at + taken]))
        at = rest = at + taken
    yield from _shorts(text, clean, groups[rest:], known, last)


# Long numbers ----


def _long(clean: str, groups: Sequence[_Group], known: Collection[str], *, first: bool) -> tuple[int, str, int]:
    """How many groups the number takes that begins here (0: none does), its digits, and where it starts."""
    head, start = groups[0].digits, groups[0].start
    plus = clean[max(0, start - 1) : start] == "+"
    if plus or head.startswith("00"):
        taken, digits = _international(groups, plus=plus)
        return taken, digits, start - plus
    if taken := _bare_code(groups) if first else 0:
        return taken, "0" + _joined(groups[:taken])[2:].removeprefix("0"), start
    if not _begins(groups):
        return 0, "", start
    taken = _national(clean, groups, known, first=first)
    return taken, _joined(groups[:taken]), start


def _joined(groups: Sequence[_Group]) -> str:
    return "".join(group.digits for group in groups)


def _begins(groups: Sequence[_Group]) -> bool:
    """Like a French number: 0 and a digit that is no 0."""
    head = groups[0].digits if len(groups[0].digits) > 1 else _joined(groups[:2])
    return head[0] == "0" and head[1:2] not in ("", "0")


def _is_free_call(groups: Sequence[_Group]) -> bool:
    """ "0800", "0 800": nobody begins anything else so."""
    head = _joined(groups[:2]) if groups[0].digits == "0" else groups[0].digits
    return len(head) >= 4 and len(head) != 5 and head.startswith("080") and len(_joined(groups)) > 4


def _national(clean: str, groups: Sequence[_Group], known: Collection[str], *, first: bool) -> int:
    sizes = list(_sums(groups))
    free = _is_free_call(groups)
    for taken, size in enumerate(sizes, 1):
        if size > 6 and _joined(groups[:taken]) in known:
            return taken
        if size == LENGTH:
            return 0 if _REFERENCE.search(clean, 0, groups[0].start) else taken + _too_many(clean, groups, taken)
    taken = _unfinished(groups, sizes)
    size = sizes[taken - 1] if taken else 0
    if free and size > 5:
        return taken
    slashed = all("/" in group.gap for group in groups[1:taken])
    dated = taken > 1 and slashed and size <= _LEAST
    if not first or size < _LEAST or dated or _REFERENCE.search(clean, 0, groups[0].start):
        return 0
    return taken


def _sums(groups: Sequence[_Group]) -> Iterator[int]:
    total = 0
    for group in groups:
        total += len(group.digits)
        yield total


def _unfinished(groups: Sequence[_Group], sizes: Sequence[int]) -> int:
    """How far a number goes that never has ten digits."""
    for taken, size in enumerate(sizes, 1):
        if size > LENGTH:
            alike = taken == 1 or groups[taken - 1].gap == groups[max(1, taken - 2)].gap
            return taken if size <= _LONGEST and alike and "\n" not in groups[taken - 1].gap else taken - 1
    return len(groups)


def _too_many(clean: str, groups: Sequence[_Group], taken: int) -> int:
    """1 when two more digits follow in the same rhythm and belong to nothing else: "01 99 00 12 34 56."."""
    if taken < 2 or taken >= len(groups) or taken + 1 < len(groups):
        return 0
    after, before = groups[taken], groups[taken - 1]
    same = after.gap == before.gap and after.gap in (" ", ".", "-") and len(after.digits) == len(before.digits) == 2
    return int(same and not _STREET.match(clean, after.end))


def _bare_code(groups: Sequence[_Group]) -> int:
    """Groups of a number that begins with 33 and no sign: "33 1 99 00 12 34"."""
    for taken, size in enumerate(_sums(groups), 1):
        digits = _joined(groups[:taken])
        if size == 11 and digits.startswith("33") and digits[2] != "0":
            return taken
        if size == 12 and digits.startswith("330") and taken > 1:
            return taken
    return 0


def _international(groups: Sequence[_Group], *, plus: bool) -> tuple[int, str]:
    digits = _joined(groups) if plus else _joined(groups)[2:]
    if digits.startswith("33"):
        return _french_abroad(groups, 2 if plus else 4)
    for taken in range(len(groups), 0, -1):
        joined = _joined(groups[:taken])
        number = "+" + (joined if plus else joined[2:])
        if valid_abroad(number) or (
            number[1:].startswith(_ABROAD) and taken == len(groups) and 10 <= len(number) <= 14
        ):
            return taken, number
    return 0, ""


def _french_abroad(groups: Sequence[_Group], prefix: int) -> tuple[int, str]:
    best = 0
    for taken, _size in enumerate(_sums(groups), 1):
        rest = _joined(groups[:taken])[prefix:].removeprefix("0")
        if len(rest) == LENGTH - 1:
            return taken, "0" + rest
        best = taken if len(rest) <= LENGTH + 1 else best
    rest = _joined(groups[:best])[prefix:].removeprefix("0")
    return (best, "0" + rest) if len(rest) >= 4 else (0, "")


@lru_cache(maxsize=1024)
def valid_abroad(number: str) -> bool:
    """Whether a number with "+" is valid where it says."""
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False


# Short numbers ----

_SHAPES = ((2, 2, 2), (3, 3), (2, 2), (1, 3), (6,), (4,), (3,), (2,))


def _shorts(
    text: str, clean: str, groups: Sequence[_Group], known: Collection[str], last: Sequence[Number]
) -> Iterator[Number]:
    at, before = 0, list(last)
    while at < len(groups):
        number = next(filter(None, (_short(text, clean, groups, at, shape, known, before) for shape in _SHAPES)), None)
        if number:
            yield number
            before = [number]
            at = next((i for i, group in enumerate(groups) if group.start >= number.end), len(groups))
        else:
            at += 1


def _short(
    text: str,
    clean: str,
    groups: Sequence[_Group],
    at: int,
    shape: tuple[int, ...],
    known: Collection[str],
    before: Sequence[Number],
) -> Number | None:
    parts = groups[at : at + len(shape)]
    if tuple(len(group.digits) for group in parts) != shape or not _stands_alone(groups, at, len(shape)):
        return None
    digits, start, end = _joined(parts), parts[0].start, parts[-1].end
    letters = any(group.letters for group in parts)
    inner = "".join(group.gap for group in parts[1:])
    if not _may_be(digits, shape, known, letters=letters) or (len(shape) == 1 and len(inner)):
        return None
    joined = not inner.strip(f" \n{_LINK}")
    in_chain = bool(before) and before[-1].short and cues.is_chained(clean[before[-1].end : start])
    named = digits in known
    meant = cues.meant(clean, start, end, digits, known=named, joined=joined, odd=shape == (1, 3))
    if meant or (in_chain and named):
        return _number(text, start, end, digits, letters)
    return None


def _stands_alone(groups: Sequence[_Group], at: int, size: int) -> bool:
    """Not a piece of a longer row of digits."""
    gaps = [groups[at].gap] if at else []
    gaps += [groups[at + size].gap] if at + size < len(groups) else []
    return all("\n" in gap or "/" in gap or gap.strip() in ("-", "(", ")") or gap == "" for gap in gaps)


def _may_be(digits: str, shape: tuple[int, ...], known: Collection[str], *, letters: bool) -> bool:
    if digits in known:
        return not letters or len(digits) > 3
    if (letters and len(digits) < 4) or shape in ((2, 2, 2), (1, 3)):
        return False
    if shape in ((3, 3), (6,)):
        return digits.startswith(("116", "118"))
    if shape == (2, 2):
        return digits[0] in "3" or digits.startswith("10")
    return digits[0] in {4: "13", 3: "19"}.get(len(digits), "1")
