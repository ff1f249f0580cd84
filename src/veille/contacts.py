"""Which contacts a publication shows, and with which details: kept beside it in the outbox.

When a record is corrected, this says which letters and posts carry the old number. The JSON of `publication.contacts`
is {source: {reference: {detail: value}}}, for example {"colis": {"partner:ccas-bagneux": {"phone": "01 99 00 10 11"}}};
the source "" stands for the emergency block, which nobody wrote into a post.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from veille.config import Config
from veille.editions import Edition
from veille.outbox.schema import REWRITING
from veille.partners import HelpLine, Partner
from veille.posts import SERVICES, Post
from veille.typography import french

if TYPE_CHECKING:
    from markdown_it.token import Token

    from veille.library import Library
    from veille.planning import Owed

Details = Mapping[str, str]  # detail -> value as the record has it; nothing empty
Carried = Mapping[str, Mapping[str, Details]]  # source -> reference -> details

DETAILS = ("name", "phone", "sms", "email", "url", "address", "hours")
TABLED = ("newsletter", "web")  # channels that always show the emergency block
CAPTIONED = tuple(SERVICES)  # channels of plain text, which show a part of the details
TABLE = ""  # the source of the emergency block
_NUMBERS = ("phone", "sms")
_NAMED = re.compile(r"\{\{\s*(partner|helpline)\s*:\s*([^{}\n]+?)\s*\}\}")
_IN_A_SENTENCE = ("name", *_NUMBERS)


@dataclass(frozen=True)
class Mention:
    """A contact that an author put in.

    Args:
        reference: "partner:ccas-bagneux".
        whole: with everything that its record says; False: inside a sentence, with name and number.
    """

    reference: str
    whole: bool


@dataclass(frozen=True)
class Correction:
    """A detail that differs from what readers were shown; `new` is "" when the record no longer has it."""

    detail: str
    old: str
    new: str


@dataclass(frozen=True)
class Carrying:
    """Says what posts and editions show of contacts.

    Args:
        day: on which readers see it.
    """

    library: Library
    day: date

    def of(self, sources: Iterable[Post | Edition], *, table: bool) -> dict[str, dict[str, Details]]:
        """Every contact in these texts, by source.

        Args:
            table: whether the emergency block is shown too.
        """
        from veille.rendering.contacts import emergency_lines

        found = {source.source: self._in(mentions(source)) for source in sources}
        if table:
            lines = emergency_lines(self.library, self.day)
            found[TABLE] = {line.reference: details(line, self.day) for line in lines}
        return {source: contacts for source, contacts in found.items() if contacts}

    def directory(self, source: str) -> dict[str, dict[str, Details]]:
        """Every contact of the directory, under its source."""
        lines = (line for line in self.library.helplines.values() if line.sure and line.answers_on(self.day))
        records: list[Partner | HelpLine] = [*self.library.partners.values(), *lines]
        return {source: {record.reference: details(record, self.day) for record in records}}

    def _in(self, mentioned: Iterable[Mention]) -> dict[str, Details]:
        found: dict[str, Details] = {}
        for mention in mentioned:
            if (record := record_of(self.library, mention.reference)) is not None:
                shown = details(record, self.day)
                kept = shown if mention.whole else {k: shown[k] for k in _IN_A_SENTENCE if k in shown}
                found[mention.reference] = {**found.get(mention.reference, {}), **kept}
        return found


def shown_on(owed: Owed, config: Config, now: datetime) -> date:
    """The day on which readers see it: a letter and a social post on theirs, a page on every day from its own."""
    moment = max(owed.due, now) if owed.channel in REWRITING else owed.due
    return moment.astimezone(config.zone).date()


def record_of(library: Library, reference: str) -> Partner | HelpLine | None:
    """The record that a reference means; None when there is none (any more)."""
    kind, _colon, name = reference.partition(":")
    return library.helplines.get(name) if kind == "helpline" else library.partners.get(name)


def details(record: Partner | HelpLine, day: date) -> Details:
    """What readers are shown of a record on a day."""
    if isinstance(record, Partner):
        values = {name: getattr(record, name) for name in DETAILS}
    else:
        called = {"phone": record.label if record.voice else "", "sms": record.label if record.sms else ""}
        values = {"name": record.name, **called, "url": record.chat, "hours": record.hours_on(day)}
    return {name: values[name] for name in DETAILS if values.get(name)}


def mentions(source: Post | Edition) -> list[Mention]:
    """The contacts that an author put into a text: those of the front matter first, then in reading order."""
    named: list[Mention] = []
    if isinstance(source, Post):
        named += [Mention(f"partner:{name}", whole=True) for name in source.partners]
        named += [Mention(f"helpline:{_digits(number)}", whole=True) for number in source.helplines]
    return [*named, *_in_text(source.body)]


def _in_text(body: str) -> Iterator[Mention]:
    if "{{" not in body:
        return
    from veille import markdown

    for token in markdown.parse(body).tokens:
        children = token.children or ()
        whole = all(_stands_alone(child) for child in children)
        for child in children:
            if child.type == "reference":
                yield Mention(str(child.meta["key"]), whole)


def _stands_alone(child: Token) -> bool:
    """As in `markdown`: a paragraph of nothing but references shows each as a block."""
    blank = child.type == "text" and not child.content.strip()
    return blank or child.type in ("reference", "softbreak", "hardbreak")


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number)


def in_caption(carried: Carried, caption: str) -> dict[str, dict[str, Details]]:
    """What of it really stands in the text of a social post, which may be its editor's own or shortened.

    A contact without its number, address on the web or mail address there is not carried.
    """
    text = _plain(caption)
    found: dict[str, dict[str, Details]] = {}
    for source, contacts in carried.items():
        for reference, shown in contacts.items():
            kept = {name: value for name, value in shown.items() if _stands_in(_plain(french(value)), text)}
            if any(name in kept for name in (*_NUMBERS, "email", "url")) and "name" in kept:
                found.setdefault(source, {})[reference] = kept
    return found


def _stands_in(value: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text) is not None


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).casefold()


def corrections(old: Details, record: Partner | HelpLine | None, day: date) -> tuple[Correction, ...]:
    """What readers were shown that the record does not say any more."""
    new = details(record, day) if record else {}
    return tuple(Correction(name, value, new.get(name, "")) for name, value in old.items() if new.get(name) != value)


def to_json(carried: Carried) -> str:
    """As the outbox keeps it; "" for nothing. The same contacts always give the same text."""
    return json.dumps(carried, ensure_ascii=False, sort_keys=True) if carried else ""


def from_json(text: str) -> dict[str, dict[str, Details]]:
    """The inverse of `to_json`."""
    values: dict[str, dict[str, Details]] = json.loads(text) if text else {}
    return values


def named(source: Post | Edition) -> set[str]:
    """References that a text seems to hold, without parsing it: also those in code, which readers see as typed."""
    found = {f"{kind}:{_digits(name) if kind == 'helpline' else name}" for kind, name in _NAMED.findall(source.body)}
    if isinstance(source, Post):
        found |= {f"partner:{name}" for name in source.partners}
        found |= {f"helpline:{_digits(number)}" for number in source.helplines}
    return found
