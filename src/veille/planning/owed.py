"""What planning is about: what is owed, what is left out and why, and the desk at which both are worked out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeVar

from veille.config import Config
from veille.editions import Edition
from veille.errors import Severity
from veille.library import HELPLINES, Library
from veille.outbox.queue import Queued
from veille.posts import Post
from veille.timetable import localise

CADENCED = "newsletter"
S = TypeVar("S", Post, Edition)


class Reason(StrEnum):
    """Why something is left out."""

    DRAFT = "draft"
    EXPIRED = "expired"
    TOO_OLD = "too-old"
    CANCELLED = "cancelled"  # by a person, in the outbox
    IN_EDITION = "in-edition"  # comes with a hand-made edition


@dataclass(frozen=True)
class LeftOut:
    """Something that is not owed, said so that nobody wonders."""

    file: str
    title: str
    reason: Reason
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Owed:
    """One publication that should be in the outbox.

    Args:
        post: the source, for a publication of a post.
        edition: the source, for a hand-made edition; None for one gathered at the cadence.
        members: sources of an edition's posts, in order.
        kept: members that nobody asked to publish now: they stay as they are stored. Of a directory, ids of partners
            whose record has an error.
        directory: this is the directory of partners and help lines.
        existing: what the outbox holds under the same key.
    """

    channel: str
    source: str
    occurrence: str
    title: str
    due: datetime
    post: Post | None = None
    edition: Edition | None = None
    members: tuple[str, ...] = ()
    kept: frozenset[str] = frozenset()
    expires: datetime | None = None
    existing: Queued | None = None
    directory: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """The identity: source, channel, occurrence."""
        return self.source, self.channel, self.occurrence

    @property
    def file(self) -> str:
        """The file to mend when something is wrong; empty for a gathered edition."""
        if self.directory:
            return f"content/{HELPLINES}"
        origin = self.post or self.edition
        return origin.file if origin else ""


@dataclass(frozen=True)
class Plan:
    """What `publish` will do."""

    owed: tuple[Owed, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    withdrawn: tuple[Queued, ...] = ()  # their files are gone, over, drafts now, or no longer for this channel
    seen: int | None = None  # the outbox that it was worked out on: `stamp`


@dataclass
class Desk:
    """One call of `plan`: its material, and the notes on what was left out.

    Args:
        queued: everything in the outbox.
        selection: only these sources; None: the whole library.
        channels: only these channels.
        at: one moment for everything, instead of dates, slots and cadence.
    """

    library: Library
    config: Config
    queued: Sequence[Queued]
    now: datetime
    selection: Sequence[Post | Edition] | None
    channels: tuple[str, ...]
    at: datetime | None
    left_out: dict[tuple[str, Reason], LeftOut] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_key = {entry.key: entry for entry in self.queued}
        self.posts = {post.source: post for post in self.library.posts}
        self.editions = {edition.source: edition for edition in self.library.editions}
        self._chosen = None if self.selection is None else {source.file for source in self.selection}
        self.holders: dict[str, list[Queued]] = {}  # post -> the letters that have it, oldest first
        for entry in self.queued:
            for source in entry.members if entry.channel == CADENCED else ():
                self.holders.setdefault(source, []).append(entry)

    @property
    def incomplete(self) -> bool:
        """Whether a file could not be read: then a source that is missing was perhaps not deleted."""
        return any(finding.severity is Severity.ERROR for finding in self.library.findings)

    def is_selected(self, source: Post | Edition) -> bool:
        """Whether this call is about this source."""
        return self._chosen is None or source.file in self._chosen

    def selected(self, sources: Iterable[S]) -> list[S]:
        """Those of the sources that this call is about."""
        return [source for source in sources if self.is_selected(source)]

    def leave_out(self, source: Post | Edition, reason: Reason, channel: str = "") -> None:
        """Note that something is not owed; for one channel, or for all."""
        known = self.left_out.get((source.file, reason))
        before = known.channels if known else ()
        channels = (*before, channel) if channel and channel not in before else before
        self.left_out[source.file, reason] = LeftOut(source.file, source.title, reason, channels)

    def wants(self, post: Post, channel: str) -> bool:
        """Whether a post is meant for a channel that there is."""
        return channel in self.config.channels and (post.channels is None or channel in post.channels)

    def over(self, post: Post) -> bool:
        """Whether its time is over now."""
        end = expires(post, self.config)
        return end is not None and end <= self.now

    def too_old(self, source: Post | Edition) -> bool:
        """Whether its day is further back than the backlog allows; a day counts to its end."""
        stated = source.publish_date or source.date
        if stated is None or self.at is not None:
            return False
        return as_moment(stated, self.config, end=True) < self.now - self.config.settings.workspace.backlog


def as_moment(value: datetime | date, config: Config, *, end: bool = False) -> datetime:
    """A front-matter date as a moment: midnight, or with `end` the end of that day."""
    if isinstance(value, datetime):
        return value
    day = value + timedelta(days=1) if end else value
    return localise(datetime.combine(day, time()), config.zone)


def expires(post: Post, config: Config) -> datetime | None:
    """When a post is over; a date without time counts to its end."""
    return as_moment(post.expiry_date, config, end=True) if post.expiry_date else None
