"""Too much at once on one page: the same words again, two posts within the hour, more than Instagram takes in a day.

Warned of while there is time to change it. Only what `publish` would change is warned of: nobody reads the same
warning every day about posts that wait as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from veille import likeness, quotas
from veille.config import Config
from veille.contacts import CAPTIONED
from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille.posts import SERVICES
from veille.timetable import in_words

if TYPE_CHECKING:
    from veille.library import Library
    from veille.lines import Line
    from veille.outbox.queue import Queue, Queued
    from veille.posts import Post
    from veille.publishing import Publisher

APART = timedelta(hours=1)  # between two posts on one page
DAY = timedelta(hours=24)  # Instagram counts over a rolling day (Meta, "Content publishing limit", read 2026-09-11)
MEMORY = timedelta(days=30)  # between two posts whose words are compared
TOO_CLOSE, TOO_SIMILAR, OVER_QUOTA = "posts-too-close", "posts-too-similar", "posts-over-quota"
CODES = (TOO_CLOSE, TOO_SIMILAR, OVER_QUOTA)

_TEXTS = {"facebook": "facebook: text", "instagram": "instagram: caption"}
_SHOWN = 3  # titles in one message


@dataclass(frozen=True)
class Showing:
    """One post on one page: planned, waiting in the outbox, or out.

    Args:
        due: aware; when it leaves or left.
        file: where a person changes it; "" for what only the outbox has.
        lines: of its front matter, by key.
        changed: this call of `publish` would queue or change it.
        words: what people read; "" when it is not known.
    """

    channel: str
    source: str
    title: str
    due: datetime
    file: str = ""
    lines: Mapping[str, int] = field(default_factory=dict, repr=False)
    changed: bool = False
    out: bool = False
    words: str = field(default="", repr=False)

    def line(self, *keys: str) -> int | None:
        """The line of the first of these keys that its front matter has."""
        return next((self.lines[key] for key in keys if key in self.lines), None)


def look(
    lines: Iterable[Line],
    queued: Iterable[Queued],
    queue: Queue,
    publishers: Mapping[str, Publisher],
    library: Library,
    config: Config,
    now: datetime,
) -> list[Finding]:
    """Warnings about what would be queued, held against everything that waits, and what left lately.

    Args:
        lines: of the plan, rendered.
        queued: everything in the outbox.
    """
    changed = [line for line in lines if line.changes and line.owed.channel in CAPTIONED]
    if not changed:
        return []
    known = {post.source: post for post in library.posts}
    planned = [_planned(line, publishers, known, now) for line in changed]
    instead = {line.owed.key for line in changed}
    others = [e for e in queued if e.channel in publishers and e.key not in instead and _counts(e, now)]
    stored = queue.payloads(entry.digest for entry in others)
    waiting = [_waiting(e, publishers[e.channel].proof(stored[e.digest]).text, now) for e in others]
    everything = [*planned, *waiting]
    return [*too_similar(everything, config), *too_close(everything, config), *over_quota(everything, config)]


def _counts(entry: Queued, now: datetime) -> bool:
    if entry.channel not in CAPTIONED:
        return False
    return entry.due > now - MEMORY if entry.left else not (entry.cancelled or entry.withdrawn)


def _planned(line: Line, publishers: Mapping[str, Publisher], known: Mapping[str, Post], now: datetime) -> Showing:
    owed, post = line.owed, known.get(line.owed.source)
    words = publishers[owed.channel].proof(line.rendition).text if line.rendition else ""
    out = owed.existing is not None and owed.existing.left and line.change.value != "replace"
    return Showing(
        channel=owed.channel,
        source=owed.source,
        title=owed.title,
        due=owed.due if out else max(owed.due, now),
        file=owed.file,
        lines=post.lines if post else {},
        changed=True,
        out=out,
        words=words,
    )


def _waiting(entry: Queued, words: str, now: datetime) -> Showing:
    due = entry.due if entry.left else max(entry.due, now)
    return Showing(entry.channel, entry.source, entry.title, due, out=entry.left, words=words)


# posts within the hour ----


def too_close(showings: Iterable[Showing], config: Config) -> list[Finding]:
    """Posts that leave one page less than an hour apart: the second takes the readers of the first."""
    found: dict[tuple[str, ...], list[tuple[str, Sequence[Showing], Sequence[Showing]]]] = {}
    for channel, all_of_it in _by_channel(showings):
        for group in _groups(all_of_it):
            if len(group) > 1 and any(one.changed and not one.out for one in group):
                key = tuple(one.source for one in group)
                found.setdefault(key, []).append((channel, group, all_of_it))
    return [_close(pages, config) for pages in found.values()]


def _by_channel(showings: Iterable[Showing]) -> Iterator[tuple[str, list[Showing]]]:
    ordered = sorted(showings, key=lambda one: (one.due, one.source))
    for channel in CAPTIONED:
        yield channel, [one for one in ordered if one.channel == channel]


def _groups(ordered: Iterable[Showing]) -> Iterator[list[Showing]]:
    """Those that follow one another within the hour."""
    group: list[Showing] = []
    for one in ordered:
        if group and one.due - group[-1].due >= APART:
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _close(pages: Sequence[tuple[str, Sequence[Showing], Sequence[Showing]]], config: Config) -> Finding:
    """One warning for a group, at the last one that can still be moved."""
    channel, group, _all_of_it = pages[0]
    moved = next(one for one in reversed(group) if one.changed and not one.out)
    message = ngettext(
        "{n} post leaves on {pages} less than an hour apart: {titles}",
        "{n} posts leave on {pages} less than an hour apart: {titles}",
        len(group),
    ).format(n=len(group), pages=_pages(page for page, _group, _all in pages), titles=_titles(group))
    others = sorted(one.due for _page, _group, all_of_it in pages for one in all_of_it if one.source != moved.source)
    free = _free(moved.due, others).astimezone(config.zone)
    key = f"{channel}: {{at: {free:%Y-%m-%d %H:%M}}}" if len(pages) == 1 else f"publishDate: {free:%Y-%m-%d %H:%M}"
    hint = _("give this one another time: `{key}`, or the channel regular times: `slots` in veille.toml")
    line = moved.line(f"{channel}.at", "publishDate", "date", "title")
    return _warning(moved, line, TOO_CLOSE, message, hint.format(key=key))


def _free(moment: datetime, others: Iterable[datetime]) -> datetime:
    """The first moment from this one on with nothing within the hour, in whole minutes.

    Args:
        others: in order.
    """
    free = moment
    for other in others:
        if abs(other - free) < APART:
            free = other + APART
    whole = free.replace(second=0, microsecond=0)
    return whole if whole == free else whole + timedelta(minutes=1)


def _titles(group: Sequence[Showing]) -> str:
    shown = ", ".join(_("“{words}”").format(words=one.title) for one in group[:_SHOWN])
    more = len(group) - _SHOWN
    if more < 1:
        return shown
    return f"{shown} " + ngettext("and {n} more", "and {n} more", more).format(n=more)


def _pages(channels: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(SERVICES[channel] for channel in channels))


# more than Instagram takes ----


def over_quota(showings: Iterable[Showing], config: Config, quota: int = 0) -> list[Finding]:
    """More posts due on Instagram within any 24 hours than the account may publish; a carousel is one.

    Args:
        quota: that number; 0: what the account said last, 25 until it has said so.
    """
    quota = quota or quotas.known(config)
    ordered = dict(_by_channel(showings))["instagram"]
    found: list[Finding] = []
    told = False
    for number, one in enumerate(ordered):
        day = [other for other in ordered[: number + 1] if one.due - other.due < DAY]
        late = next((other for other in reversed(day) if other.changed and not other.out), None)
        if len(day) <= quota:
            told = False
        elif late and not told:
            found.append(_quota(late, len(day), quota, ordered[number - quota].due + DAY, config))
            told = True
    return found


def _quota(late: Showing, count: int, quota: int, free: datetime, config: Config) -> Finding:
    message = ngettext(
        "with this one, {n} post is due on Instagram within 24 hours; the account may publish {quota}",
        "with this one, {n} posts are due on Instagram within 24 hours; the account may publish {quota}",
        count,
    ).format(n=count, quota=quota)
    when = in_words(free, config.zone, config.settings.workspace.language)
    hint = _("let it leave later, from {when}, with `instagram: {{at: …}}`").format(when=when)
    return _warning(late, late.line("instagram.at", "publishDate", "date", "title"), OVER_QUOTA, message, hint)


# the same words again ----


def too_similar(showings: Iterable[Showing], config: Config) -> list[Finding]:
    """Texts that say nearly what another post on the same page says, within 30 days of it."""
    found: dict[tuple[str, str], list[tuple[Showing, Showing, bool]]] = {}
    for _channel, all_of_it in _by_channel(one for one in showings if one.words):
        for one, other, same in _pairs(all_of_it):
            found.setdefault((one.source, other.source), []).append((one, other, same))
    return [_similar(pages, config) for pages in found.values()]


def _similar(pages: Sequence[tuple[Showing, Showing, bool]], config: Config) -> Finding:
    one, other, same = pages[0]
    if not same:
        words = _("on {pages}, this says nearly what “{other}” says ({when})")
    elif any(shown.channel == "facebook" for shown, _other, _same in pages):
        words = _("on {pages}, this says word for word what “{other}” says ({when}); Facebook refuses that")
    else:
        words = _("on {pages}, this says word for word what “{other}” says ({when})")
    when = in_words(other.due, config.zone, config.settings.workspace.language)
    message = words.format(pages=_pages(shown.channel for shown, _other, _same in pages), other=other.title, when=when)
    hint = _("say it differently under `{key}`, or leave one of the two out").format(key=_TEXTS[one.channel])
    return _warning(one, one.line(_TEXTS[one.channel].replace(": ", "."), "title"), TOO_SIMILAR, message, hint)


def _pairs(ordered: Sequence[Showing]) -> Iterator[tuple[Showing, Showing, bool]]:
    """Each text that changes with the nearest one to it, if that is near enough, and whether they are the same.

    Of two texts that both change, the later one is named.
    """

    def comparable(number: int, other: int) -> bool:
        one, than = ordered[number], ordered[other]
        if one.source == than.source or abs(one.due - than.due) > MEMORY:
            return False
        return not than.changed or other < number

    texts = [likeness.groups_of_words(one.words) for one in ordered]
    changing = (number for number, one in enumerate(ordered) if one.changed)
    for number, other, near in likeness.nearest(texts, changing, comparable):
        yield ordered[number], ordered[other], near == 1


def _warning(one: Showing, line: int | None, code: str, message: str, hint: str) -> Finding:
    return Finding(one.file, line, None, message, hint, code, Severity.WARNING)
