"""Checks of the contacts that posts and editions refer to by name: none uncertain, none over, none asked too long ago.

Numbers that somebody typed are looked at elsewhere; references to nobody are found in `structure`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from veille.checks.rules import Check, Context, Rule, mark
from veille.checks.subjects import REFERRED, Subject, Text
from veille.config import Config
from veille.contacts import named, record_of
from veille.editions import Edition
from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille.library import HELPLINES, Library
from veille.partners import HelpLine, Hours, Partner
from veille.posts import Post
from veille.rendering.contacts import emergency_lines
from veille.timetable import day_in_words

FILE = f"content/{HELPLINES}"
F33954 = "https://www.service-public.fr/particuliers/vosdroits/F33954"

UNCERTAIN = Rule(
    code="contact-uncertain",
    title=mark("A help line that nobody vouches for"),
    why=mark("Its record says confidence: uncertain. Somebody in danger may call a number that nobody answers."),
    remedy=mark("Call the number and check its hours; then write confidence: sure, or take the line out of the text."),
    wrong="Appelle {{ helpline: 0800230000 }}.  (fiche : confidence: uncertain)",
    right="Appelle {{ helpline: 3919 }}.  (fiche : confidence: sure)",
    excusable=False,
    source="service-public.fr, fiche F33954, November 2026",
    link=F33954,
)
EXPIRED = Rule(
    code="contact-expired",
    title=mark("A contact that is not valid on the day on which it is shown"),
    why=mark("Its record says from when and until when it holds. Readers would call somebody who is not there."),
    remedy=mark("Ask again and correct valid_until in the record, or take the contact out of the text."),
    wrong="valid_until: 2026-11-30  (lettre du 4 décembre)",
    right="valid_until: 2027-06-30  (lettre du 4 décembre)",
    excusable=False,
)
STALE = Rule(
    code="contact-stale",
    title=mark("A contact that nobody has confirmed for long"),
    why=mark("Telephone numbers and opening hours change, and nobody tells us. An old number helps nobody."),
    remedy=mark("Ask again, then write the answer into the record and run `veille partners confirm`."),
    wrong="verified_on: 2026-04-02  (aujourd’hui : 22 novembre 2026)",
    right="verified_on: 2026-11-20  (aujourd’hui : 22 novembre 2026)",
    severity=Severity.WARNING,
)


@dataclass(frozen=True)
class _Use:
    """A contact where an author put it.

    Args:
        key: of the front matter; "" in the body.
        text, start: the piece of the body in which it stands, and where.
    """

    reference: str
    key: str = ""
    text: Text | None = None
    start: int = 0


def references(subject: Subject, context: Context) -> Iterator[Finding]:
    """Contacts in the front matter and in the text that may not be shown, or not on that day."""
    for use in _uses(subject):
        record = record_of(context.library, use.reference)
        if isinstance(record, HelpLine) and not record.sure:
            yield _at(UNCERTAIN, use, subject, *_uncertain(record))
        elif record and (words := _not_valid(record, context.shown_on(subject), context.config)):
            yield _at(EXPIRED, use, subject, *words)


def _uses(subject: Subject) -> Iterator[_Use]:
    source = subject.source
    if isinstance(source, Post):
        yield from (_Use(f"partner:{name}", f"partners.{n}") for n, name in enumerate(source.partners))
        yield from (_Use(f"helpline:{number}", f"helplines.{n}") for n, number in enumerate(source.helplines))
    if not isinstance(source, Post | Edition) or "{{" not in source.body:
        return
    written = (child for token in subject.tokens for child in token.children or () if child.type == "reference")
    places = ((text, at) for text in subject.body for at in text.references)
    for child, (text, at) in zip(written, places, strict=False):
        yield _Use(str(child.meta["key"]), text=text, start=at)


def _at(rule: Rule, use: _Use, subject: Subject, message: str, hint: str) -> Finding:
    if use.text is not None:
        found = rule.at(use.text, use.start, use.start + 1, message, hint)
        return replace(found, excerpt=found.excerpt.replace(REFERRED, "{{ " + use.reference.replace(":", ": ") + " }}"))
    key = use.key if use.key in subject.lines else use.key.partition(".")[0]
    return replace(rule.of(subject, key, message, hint), field=use.key.partition(".")[0])


def _uncertain(line: HelpLine) -> tuple[str, str]:
    message = _("{number} ({name}) is on file as uncertain: nobody vouches for it")
    hint = _("check it at its source; then write confidence: sure in {file}, line {line}, or take it out here")
    return message.format(number=line.label, name=line.name), hint.format(file=FILE, line=line.line)


def _not_valid(record: Partner | HelpLine, day: date, config: Config) -> tuple[str, str] | None:
    first = record.valid_from if isinstance(record, HelpLine) else None
    if Hours("", first, record.valid_until).hold(day):
        return None
    language = config.settings.workspace.language
    over = record.valid_until is not None and record.valid_until < day
    message = _("{name} is no longer valid when readers see this, on {shown}: its record ends on {day}")
    if not over:
        message = _("{name} is not valid yet when readers see this, on {shown}: its record begins on {day}")
    words = message.format(
        name=_called(record),
        shown=day_in_words(day, language),
        day=day_in_words(record.valid_until if over else first, language),
    )
    hint = _("ask again and correct valid_until in {file}, or take it out here")
    if not over:
        hint = _("publish later, or correct valid_from in {file}")
    return words, hint.format(file=_place(record)[0])


def not_valid_on(sources: Iterable[Post | Edition], library: Library, config: Config, day: date) -> Iterator[Finding]:
    """Contacts of a letter or social post that are not valid on the day it leaves, which only planning knows."""
    records: list[Partner | HelpLine] = [*library.partners.values(), *library.helplines.values()]
    limited = [record for record in records if _is_limited(record)]
    for source in sources if limited else ():
        for record in (r for r in limited if r.reference in named(source)):
            if words := _not_valid(record, day, config):
                yield EXPIRED.of(Subject(source, source.path, source.file), None, *words)


def _is_limited(record: Partner | HelpLine) -> bool:
    return bool(record.valid_until or (isinstance(record, HelpLine) and record.valid_from))


def emergency_line(subject: Subject, context: Context) -> Iterator[Finding]:
    """Lines of the emergency block that the block goes without. A warning: nothing wrong is shown."""
    line = subject.source
    if not isinstance(line, HelpLine) or not line.emergency:
        return
    if line.sure and line.answers_on(context.today):
        return
    rule = EXPIRED if line.sure else UNCERTAIN
    message = _("{name} is left out of the emergency block: its record is uncertain")
    if line.sure:
        message = _("{name} is left out of the emergency block: its record is not valid today")
    hint = _("check it at its source and correct the record, or delete emergency: true")
    found = rule.of(subject, "emergency", message.format(name=_called(line)), hint)
    yield replace(found, line=line.line, severity=Severity.WARNING)


def stale(context: Context) -> Iterator[Finding]:
    """Records that readers see and nobody confirmed within `checks.verify_every`: once each, at the record.

    With a web channel all partners, because its directory shows them all. Of help lines those of the emergency block:
    where a post names one, `checks.numbers` says so in the post.
    """
    if not (old := [record for record in _records(context) if _age(record, context) is not None]):
        return
    shown = {line.reference for line in emergency_lines(context.library)}
    shown |= {name for source in _published(context) for name in named(source) if name.startswith("partner:")}
    if "web" in context.config.channels:
        shown |= {partner.reference for partner in context.library.partners.values() if _stands(partner, context)}
    for record in old:
        if record.reference in shown:
            yield _stale(record, context)


def _stands(partner: Partner, context: Context) -> bool:
    """Whether the directory shows it today."""
    return Hours("", None, partner.valid_until).hold(context.today)


def _records(context: Context) -> Iterator[Partner | HelpLine]:
    yield from context.library.partners.values()
    yield from (line for line in context.library.helplines.values() if line.sure)


def _age(record: Partner | HelpLine, context: Context) -> int | None:
    """Days since it was confirmed, when that is too long ago or in the future; else None."""
    age = (context.today - record.verified_on).days
    return age if age < 0 or age > context.config.settings.checks.verify_every.days else None


def _published(context: Context) -> list[Post | Edition]:
    """What readers may see today or later: neither drafts nor what is over."""
    posts = [post for post in context.library.posts if not post.draft and not _over(post, context)]
    return [*posts, *(edition for edition in context.library.editions if not edition.draft)]


def _over(post: Post, context: Context) -> bool:
    ends = post.expiry_date
    if isinstance(ends, datetime):
        return ends < context.now
    return ends is not None and ends < context.today


def _stale(record: Partner | HelpLine, context: Context) -> Finding:
    age = (context.today - record.verified_on).days
    file, line = _place(record)
    identity = record.id if isinstance(record, Partner) else record.number
    hint = _("ask again, correct the record, then: veille partners confirm {id}").format(id=identity)
    if age < 0:
        message = _("{name} is said to be verified in the future").format(name=_called(record))
    else:
        words = ngettext("{name} was last confirmed {n} day ago", "{name} was last confirmed {n} days ago", age)
        message = words.format(name=_called(record), n=age)
    return Finding(file, line, "verified_on", message, hint, STALE.code, STALE.severity)


def editions(context: Context) -> Iterator[Finding]:
    """Posts of an edition made by hand whose contacts are no longer valid when the letter leaves."""
    limited = [record for record in _records(context) if _is_limited(record)]
    known = {post.source: post for post in context.library.posts}
    for edition in context.library.editions if limited else ():
        if edition.publish_date is None:
            continue
        subject = Subject(edition, edition.path, edition.file)
        day = context.shown_on(subject)
        for post in (known[name] for name in edition.posts if name in known):
            own_day = context.shown_on(Subject(post, post.path, post.file))
            for record in (r for r in limited if r.reference in named(post)):
                if (words := _not_valid(record, day, context.config)) and not _not_valid(
                    record, own_day, context.config
                ):
                    message = _("{post}: {problem}").format(post=post.source, problem=words[0])
                    yield EXPIRED.of(subject, "posts", message, words[1])


def _called(record: Partner | HelpLine) -> str:
    return record.name if isinstance(record, Partner) else f"{record.label} ({record.name})"


def _place(record: Partner | HelpLine) -> tuple[str, int | None]:
    if isinstance(record, Partner):
        return record.file, record.lines.get("verified_on")
    return FILE, record.line


def _each(subject: Subject, context: Context) -> Iterator[Finding]:
    yield from references(subject, context)
    yield from emergency_line(subject, context)


def _whole(context: Context) -> Iterator[Finding]:
    yield from stale(context)
    yield from editions(context)


CHECK = Check(rules=(UNCERTAIN, EXPIRED, STALE), each=_each, whole=_whole)
