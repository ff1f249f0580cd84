"""Which publications are owed: what goes to which channel, and when. Pure: no clock, no disk, no network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from veille.config import Config
from veille.editions import Edition
from veille.library import Library
from veille.outbox.queue import REWRITING, Queued, stamp
from veille.planning.directory import directory
from veille.planning.gathering import letters
from veille.planning.owed import CADENCED, Desk, LeftOut, Owed, Plan, Reason, as_moment, expires
from veille.posts import Post
from veille.timetable import first_slot_on, next_free

__all__ = ["CADENCED", "LeftOut", "Owed", "Plan", "Reason", "as_moment", "expires", "plan"]


def plan(
    library: Library,
    config: Config,
    queued: Sequence[Queued],
    now: datetime,
    *,
    selection: Sequence[Post | Edition] | None = None,
    channels: Sequence[str] | None = None,
    at: datetime | None = None,
) -> Plan:
    """Work out what is owed.

    Args:
        queued: everything in the outbox.
        selection: only these sources; None: the whole library, and what vanished from it.
        channels: only these channels.
        at: one moment for everything of this call, instead of dates, slots and cadence.
    """
    desk = Desk(library, config, queued, now, selection, tuple(channels or config.channels), at)
    current = [post for post in sorted(desk.selected(library.posts), key=_turn(desk)) if _current(desk, post)]
    slots = _Slots(desk)
    pages = [page for post in current for page in _pages(desk, post, slots)]
    editions, emptied = letters(desk, current)
    contacts, emptied_directory = directory(desk)
    owed = [*pages, *editions, *contacts]
    keys = {found.key for found in owed}
    gone = [entry for entry in queued if entry.key not in keys and _gone(desk, entry)]
    return Plan(
        owed=tuple(owed),
        left_out=tuple(desk.left_out.values()),
        withdrawn=(*gone, *emptied, *emptied_directory),
        seen=stamp(queued),
    )


def _turn(desk: Desk) -> Callable[[Post], tuple[bool, datetime, str]]:
    """Who takes the first free slot: urgent posts, then by date, then by file name."""

    def turn(post: Post) -> tuple[bool, datetime, str]:
        stated = post.publish_date or post.date
        return not post.urgent, as_moment(stated, desk.config) if stated else desk.now, post.file

    return turn


def _current(desk: Desk, post: Post) -> bool:
    """Neither draft nor over."""
    if post.draft or desk.over(post):
        desk.leave_out(post, Reason.DRAFT if post.draft else Reason.EXPIRED)
        return False
    return True


# posts on feed, web, facebook, instagram


class _Slots:
    """The slots of each channel, and which of them are taken."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._taken: dict[str, set[datetime]] = {}
        for entry in desk.queued:
            if entry.left or not (entry.cancelled or entry.withdrawn):
                self._taken.setdefault(entry.channel, set()).add(entry.due)

    def next(self, channel: str) -> datetime:
        """The next free slot, taken from now on; at once on a channel without slots."""
        slots = getattr(self._desk.config.channel(channel), "slots", ())
        if not slots:
            return self._desk.now
        taken = self._taken.setdefault(channel, set())
        due = next_free(slots, self._desk.now, self._desk.config.zone, taken)
        taken.add(due)
        return due


def _pages(desk: Desk, post: Post, slots: _Slots) -> Iterator[Owed]:
    for channel in desk.channels:
        if channel == CADENCED or not desk.wants(post, channel):
            continue
        existing = desk.by_key.get((post.source, channel, ""))
        if existing and existing.cancelled and not existing.left:
            desk.leave_out(post, Reason.CANCELLED, channel)
        elif existing is None and channel not in REWRITING and desk.too_old(post):
            desk.leave_out(post, Reason.TOO_OLD, channel)
        else:
            due = _due(desk, post, channel, existing, slots)
            end = expires(post, desk.config)
            if end and end <= due:
                desk.leave_out(post, Reason.EXPIRED, channel)
            else:
                yield Owed(channel, post.source, "", post.title, due, post=post, expires=end, existing=existing)


def _due(desk: Desk, post: Post, channel: str, existing: Queued | None, slots: _Slots) -> datetime:
    if existing and existing.fixed:
        return existing.due
    if desk.at:
        return desk.at
    stated = getattr(getattr(post, channel, None), "at", None) or post.publish_date
    if isinstance(stated, datetime):
        return stated.astimezone(UTC)
    if stated:
        times = getattr(desk.config.channel(channel), "slots", ())
        return first_slot_on(stated, times, desk.config.zone).astimezone(UTC)
    if existing and not existing.withdrawn:
        return existing.due
    return slots.next(channel)


# what is gone


def _gone(desk: Desk, entry: Queued) -> bool:
    """Whether what the outbox has is no longer to be published, and can still be stopped or taken down."""
    if entry.channel not in desk.channels or entry.withdrawn or entry.cancelled or entry.occurrence:
        return False
    if entry.fixed and entry.channel not in REWRITING:
        return False
    source = desk.posts.get(entry.source) if entry.kind == "post" else desk.editions.get(entry.source)
    if source is None:
        # A file that cannot be read at this moment is not a file that was deleted.
        return desk.selection is None and not desk.incomplete
    if not desk.is_selected(source):
        return False
    return source.draft or (isinstance(source, Post) and _not_for(desk, source, entry))


def _not_for(desk: Desk, post: Post, entry: Queued) -> bool:
    """A post that is over, will be over when it is due, or is no longer meant for this channel."""
    end = expires(post, desk.config)
    too_late = end is not None and end <= entry.due and not entry.left
    return too_late or desk.over(post) or not desk.wants(post, entry.channel)
