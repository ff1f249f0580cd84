"""The numbers that the newsroom knows: those of its records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from veille.checks.numbers.called import Called
from veille.checks.numbers.denied import lists
from veille.checks.numbers.finder import canonical
from veille.library import Library
from veille.partners import HelpLine, Partner


@dataclass(frozen=True)
class Record:
    """A number with the record that holds it."""

    digits: str
    source: Partner | HelpLine

    @property
    def reference(self) -> str:
        """What an author writes: "{{ helpline: 3919 }}"."""
        if isinstance(self.source, HelpLine):
            return f"{{{{ helpline: {self.source.number} }}}}"
        return f"{{{{ partner: {self.source.id} }}}}"

    @property
    def file(self) -> str:
        """Where it stands."""
        return "content/helplines.yaml" if isinstance(self.source, HelpLine) else self.source.file

    def is_old(self, day: date, every: timedelta) -> bool:
        """Whether nobody confirmed it for longer than `every` on that day."""
        return day - self.source.verified_on > every


class Directory:
    """Every record of a library by its digits."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.records: dict[str, Record] = {}
        for record in _records(library):
            self.records.setdefault(record.digits, record)
        self.unsure = {line.number for line in library.helplines.values() if not line.sure}

    @cached_property
    def known(self) -> frozenset[str]:
        """Digits that the finder should recognise: of records, of the deny-list, and national ones."""
        return frozenset({*self.records, *self.unsure, *lists().denied, *lists().national})

    @cached_property
    def called(self) -> Called:
        """What services are called, and their numbers."""
        return Called(self.library)

    def of_reference(self, key: str) -> Record | None:
        """The record of "helpline:3919" or "partner:ccas-bagneux"."""
        kind, _sep, name = key.partition(":")
        found: Partner | HelpLine | None = None
        if kind == "helpline":
            found = self.library.helplines.get(name.replace(" ", ""))
        elif kind == "partner":
            found = self.library.partners.get(name)
        return Record(_digits(found), found) if found else None


def _digits(source: Partner | HelpLine) -> str:
    return canonical(source.number if isinstance(source, HelpLine) else source.phone or source.sms)


def _records(library: Library) -> Iterator[Record]:
    """Help lines first: a number that is both is one of them."""
    for line in library.helplines.values():
        if line.sure:
            yield Record(canonical(line.number), line)
    for partner in library.partners.values():
        for number in (partner.phone, partner.sms):
            if number:
                yield Record(canonical(number), partner)


_kept: list[Directory] = []


def directory(library: Library) -> Directory:
    """The numbers of this library, made once: checks ask for every post."""
    if not _kept or _kept[0].library is not library:
        _kept[:] = [Directory(library)]
    return _kept[0]
