"""Words and phrases, found in one pass: each is filed under its rarest word, and looked at only where that stands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise

from veille.checks.french.lists import words
from veille.checks.french.pieces import Piece
from veille.checks.lists import data


@dataclass(frozen=True)
class Entry:
    """One phrase.

    Args:
        kind: which list it is from.
        slots: for each word of it, the forms that may stand there.
        better: what to write.
        since: day (`2024-01-01`) or year of a new name; "" otherwise.
    """

    kind: str
    slots: tuple[frozenset[str], ...]
    better: str
    since: str = ""

    @cached_property
    def anchor(self) -> int:
        """Which of its words is the rarest: the longest."""
        return max(range(len(self.slots)), key=lambda at: min(map(len, self.slots[at])))


@dataclass(frozen=True)
class Hit:
    """An entry where it stands in a piece."""

    entry: Entry
    start: int
    end: int


Index = Mapping[str, tuple[Entry, ...]]


def find(piece: Piece, index: Index) -> Iterator[Hit]:
    """Every phrase of the index in the piece, in order."""
    known = piece.known
    if index.keys().isdisjoint(known):
        return
    for at, word in enumerate(known):
        for entry in index.get(word, ()):
            first = at - entry.anchor
            if first >= 0 and _reads(known, entry, first) and (hit := _joined(piece, entry, first)):
                yield hit


def _reads(known: Sequence[str], entry: Entry, first: int) -> bool:
    words = known[first : first + len(entry.slots)]
    return len(words) == len(entry.slots) and all(word in slot for word, slot in zip(words, entry.slots, strict=True))


def _joined(piece: Piece, entry: Entry, first: int) -> Hit | None:
    """The hit, when nothing but spaces and apostrophes parts its words."""
    spans = piece.words[first : first + len(entry.slots)]
    if all(piece.plain[one[1] : other[0]].strip() in ("", "'") for one, other in pairwise(spans)):
        return Hit(entry, spans[0][0], spans[-1][1])
    return None


@cache
def plain_words() -> Index:
    """Words of the administration, and names that are no longer used."""
    listed = data("administrative.toml")
    found = [Entry("administrative", _slots(phrase, plural=True), better) for phrase, better in listed["nouns"].items()]
    found += [Entry("administrative", _slots(phrase), better) for phrase, better in listed["phrases"].items()]
    found += [Entry("administrative", (_conjugated(verb),), better) for verb, better in listed["verbs"].items()]
    for name in data("outdated.toml")["name"]:
        found += [Entry("outdated", _slots(old), name["now"], name["since"]) for old in name["old"]]
    return _index(found)


@cache
def spelling() -> Index:
    """Slips of the pen."""
    listed = data("slips.toml")
    return _index(
        Entry(kind, _slots(phrase), better)
        for kind in ("missing-accent", "misspelling")
        for phrase, better in listed[kind].items()
    )


def _slots(phrase: str, *, plural: bool = False) -> tuple[frozenset[str], ...]:
    slots = (word.split("/") for word in phrase.split())
    return tuple(frozenset(_with_plurals(forms) if plural else forms) for forms in slots)


def _with_plurals(forms: Iterable[str]) -> Iterator[str]:
    for form in forms:
        yield form
        if len(form) > 3 and form[-1] not in "sxz":
            yield f"{form}s"


def _conjugated(verb: str) -> frozenset[str]:
    return frozenset(verb.removesuffix("er") + ending for ending in words("verb_endings"))


def _index(entries: Iterable[Entry]) -> Index:
    index: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        for form in entry.slots[entry.anchor]:
            index[form].append(entry)
    return {form: tuple(found) for form, found in index.items()}
