"""The call sheet: a week's messages, partners and help lines for mediators who telephone young people.

What it holds, not how it looks, and nothing about anybody who is called: it has no room for notes (CNIL, data that
nobody needs is not collected). Pure: no clock, no disk.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from veille.config import Config
from veille.contacts import mentions, record_of
from veille.editions import Edition
from veille.errors import Finding, Severity
from veille.library import HELPLINES, Library
from veille.outbox.queue import Queued
from veille.partners import HelpLine, Hours, Need, Partner
from veille.planning import as_moment, expires
from veille.posts import Audience, Post
from veille.rendering import Contact, contacts, labels
from veille.rendering.subjects import shorten
from veille.rendering.texts import document_of
from veille.timetable import day_in_words, localise
from veille.typography import french

SUMMARY = 240  # characters: one or two sentences
_SENTENCE_ENDS = re.compile(r"(?<=[.!?…])\s+(?=[«“]?\s?[A-ZÀ-Þ])")
_FAR = datetime.max.replace(tzinfo=UTC)
_FOLDERS = ("content/posts/", "content/partners/")


@dataclass(frozen=True)
class Week:
    """Seven days of the newsroom's calendar.

    Args:
        first: its Monday.
        start, end: aware; the end is the Monday after, at midnight.
    """

    first: date
    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True)
class Message:
    """One thing to say.

    Args:
        towns: names, with commas; "" for every town.
        sensitive: to be said only to somebody who can talk freely, and never written.
        contacts: whom to call about it, name and numbers.
    """

    source: str
    file: str
    title: str
    summary: str
    kind: str
    lang: str
    towns: str = ""
    when: str = ""
    where: str = ""
    urgent: bool = False
    sensitive: bool = False
    contacts: tuple[Contact, ...] = ()


@dataclass(frozen=True)
class Group:
    """The partners for one need.

    Args:
        people: those that stand here with all their details.
        others: names of those that help with this too and stand under another need.
    """

    need: str
    people: tuple[Contact, ...]
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """Everything on the page.

    Args:
        town: name; "" for all of the newsroom's.
        files: what it was made from; an error in one of them blocks it.
        shortened: some summaries were cut so that it fits.
        omitted: titles of messages that did not fit.
        unlisted: how many partners did not fit.
    """

    town: str
    week: Week
    week_words: str
    day_words: str
    language: str
    messages: tuple[Message, ...]
    groups: tuple[Group, ...]
    helplines: tuple[Contact, ...]
    files: frozenset[str] = frozenset()
    shortened: bool = False
    omitted: tuple[str, ...] = ()
    unlisted: int = 0

    @property
    def sensitive(self) -> bool:
        """Whether one of its messages must be said with care."""
        return any(message.sensitive for message in self.messages)


def week_of(day: date, config: Config) -> Week:
    """The week that a day lies in, from Monday to Sunday."""
    monday = day - timedelta(days=day.weekday())
    bounds = (localise(datetime.combine(d, time()), config.zone) for d in (monday, monday + timedelta(days=7)))
    return Week(monday, *bounds)


def call_sheet(
    library: Library,
    config: Config,
    queued: Sequence[Queued],
    *,
    week: Week,
    now: datetime,
    town: str = "",
    without: Set[str] = frozenset(),
) -> Sheet:
    """Gather the sheet of a week.

    Args:
        queued: everything in the outbox; empty where there is none, then a post's own date counts.
        now: aware; what is over by then is left out.
        town: slug; "" for all.
        without: files that may not be shown yet.
    """
    language = config.settings.workspace.language
    used = max(now.astimezone(config.zone).date(), week.first)  # the first day on which somebody calls
    shown = [p for p in library.posts if p.file not in without and _for_town(p.towns, town)]
    posts = [p for p in shown if _belongs(p, library, config, queued, week, now)]
    posts.sort(key=_Turn(config, week, now))
    partners = [
        p for p in library.partners.values() if _for_town(p.towns, town) and Hours("", None, p.valid_until).hold(used)
    ]
    called = {record.file for post in posts for record in _called(post, library) if isinstance(record, Partner)}
    return Sheet(
        town=config.towns.get(town, town),
        week=week,
        week_words=day_in_words(week.first, language),
        day_words=day_in_words(now.astimezone(config.zone).date(), language),
        language=language,
        messages=tuple(_message(post, library, config, used, town) for post in posts),
        groups=tuple(_groups(partners)),
        helplines=contacts.help_table(library, used),
        files=frozenset({*(post.file for post in posts), *(p.file for p in partners), *called, f"content/{HELPLINES}"}),
    )


def stops(sheet: Sheet, library: Library, findings: Iterable[Finding]) -> list[Finding]:
    """The errors that keep a sheet from being made: in what it shows, and in what could not be read.

    A record that cannot be read would be missing without anybody noticing.
    """
    read = {post.file for post in library.posts} | {partner.file for partner in library.partners.values()}
    errors = (finding for finding in findings if finding.severity is Severity.ERROR)
    return [e for e in errors if e.file in sheet.files or (e.file.startswith(_FOLDERS) and e.file not in read)]


# which posts


def _belongs(post: Post, library: Library, config: Config, queued: Sequence[Queued], week: Week, now: datetime) -> bool:
    """Whether a post is one of the week's messages, and still something to say.

    It reaches readers in that week; or it did before, and takes place or ends in it.
    """
    if post.draft or post.audience == (Audience.PROFESSIONALS,):
        return False
    over = _over(post, config)
    if over is not None and over <= max(now, week.start):
        return False
    moments = _moments(post, library, config, queued)
    published = any(moment < week.end for moment in moments)
    return any(moment in week for moment in moments) or (
        published and any(day in week for day in _days(post, config, end=False))
    )


def _over(post: Post, config: Config) -> datetime | None:
    """When nobody has anything of it any more: it expires, its event or the time to answer is past."""
    last = post.event.end or post.event.start if post.event else post.deadline
    ends = [expires(post, config), as_moment(last, config, end=True) if last else None]
    return min((end for end in ends if end), default=None)


def _days(post: Post, config: Config, *, end: bool) -> list[datetime]:
    """When it takes place, and until when one can answer; of a day without time its beginning, or its end."""
    days = (post.event.start if post.event else None, post.deadline)
    return [as_moment(day, config, end=end) for day in days if day]


def _moments(post: Post, library: Library, config: Config, queued: Sequence[Queued]) -> list[datetime]:
    """When it reaches readers: as the outbox says, else as its own file and those of letters made by hand do."""
    entries = [entry for entry in queued if entry.source == post.source or post.source in entry.members]
    if entries:
        return [e.due for e in entries if not e.withdrawn and (e.left or not e.cancelled)]
    letters = [e for e in library.editions if post.source in e.posts and not e.draft]
    sources: list[Post | Edition] = [post, *letters]
    stated = [source.publish_date or source.date for source in sources]
    return [as_moment(moment, config) for moment in stated if moment]


def _for_town(towns: Sequence[str], town: str) -> bool:
    return not town or not towns or town in towns


class _Turn:
    """The order on the page: urgent first; what has a day soon, the soonest first; then what is newest."""

    def __init__(self, config: Config, week: Week, now: datetime) -> None:
        self._config, self._from = config, max(now, week.start)

    def __call__(self, post: Post) -> tuple[bool, datetime, float, str]:
        coming = [day for day in _days(post, self._config, end=True) if day > self._from]
        stated = post.publish_date or post.date
        newest = -as_moment(stated, self._config).timestamp() if stated else 0.0
        return not post.urgent, min(coming, default=_FAR), newest, post.file


# what is said


def _message(post: Post, library: Library, config: Config, day: date, town: str) -> Message:
    language = config.settings.workspace.language
    return Message(
        source=post.source,
        file=post.file,
        title=french(post.title, post.lang),
        summary=two_sentences(french(post.summary, post.lang) or _opening(post, library, config, day)),
        kind=labels.kind_label(post.kind),
        lang=post.lang,
        towns="" if town else ", ".join(config.towns.get(name, name) for name in post.towns),
        when=labels.when(post, config.zone, language),
        where=french(labels.where(post.event), post.lang),
        urgent=post.urgent,
        sensitive=post.sensitive,
        contacts=tuple(
            contacts.partner_contact(r) if isinstance(r, Partner) else contacts.helpline_contact(r, day)
            for r in _called(post, library)
            if isinstance(r, HelpLine) or _for_town(r.towns, town)
        ),
    )


def _called(post: Post, library: Library) -> list[Partner | HelpLine]:
    """Whom the post names, in its front matter or its text; each once, and never an uncertain line."""
    references = dict.fromkeys(mention.reference for mention in mentions(post))
    records = [record for name in references if (record := record_of(library, name)) is not None]
    return [record for record in records if isinstance(record, Partner) or record.sure]


def _opening(post: Post, library: Library, config: Config, day: date) -> str:
    from veille import markdown

    body, file, line = post.body, post.file, post.body_line
    return markdown.first_paragraph(document_of(body, library, config, day=day, lang=post.lang, file=file, line=line))


def two_sentences(text: str, most: int = SUMMARY) -> str:
    """The beginning of a text: two sentences at most, and no more than `most` characters."""
    return shorten(" ".join(_SENTENCE_ENDS.split(text)[:2]), most)


def one_sentence(text: str, most: int) -> str:
    """The first sentence, cut between words when it is longer than `most` characters."""
    return shorten(_SENTENCE_ENDS.split(text)[0], most)


# who helps


def _groups(partners: Sequence[Partner]) -> Iterator[Group]:
    """By need, in the order of `Need`: a partner stands with its details under its first need only."""
    by_name = sorted(partners, key=lambda partner: french(partner.name).casefold())
    for need in Need:
        people = [partner for partner in by_name if partner.needs[:1] == (need,)]
        others = [partner for partner in by_name if need in partner.needs[1:]]
        if people or others:
            names = tuple(french(partner.name) for partner in others)
            yield Group(labels.need_label(need), tuple(map(contacts.partner_contact, people)), names)
