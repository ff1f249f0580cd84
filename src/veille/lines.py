"""One publication of a plan as it would be queued, and what that changes in the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from veille.outbox.queue import REWRITING, Change, Queue
from veille.planning import CADENCED, Owed
from veille.publishing import Publisher, RemotePublisher, Rendition, Source
from veille.rendering import RenderedDirectory, RenderedEdition, RenderedPost
from veille.segments import to_json

FOLLOWED = timedelta(days=30)  # so long after its time, what a service shows follows a change of its file


@dataclass(frozen=True)
class Line:
    """One publication of the plan, as it is shown and queued."""

    owed: Owed
    change: Change
    rendition: Rendition | None = field(repr=False)  # None: what the outbox holds
    targets: tuple[str, ...] = ()
    live: bool = False  # reaches people
    urgent: bool = False
    segments: str = ""  # as in `Item`
    contacts: str = ""  # as in `Item`
    edits: bool = False  # as in `Item`

    @property
    def changes(self) -> bool:
        """Whether queueing it changes anything."""
        return self.change not in (Change.SAME, Change.TOO_LATE)


def line_of(
    owed: Owed,
    source: Source,
    rendition: Rendition,
    publisher: Publisher,
    queue: Queue,
    now: datetime,
    *,
    contacts: str = "",
) -> Line:
    """The line of what was rendered.

    Args:
        source: what it was rendered from.
        now: aware.
        contacts: as in `Item`.
    """
    edits = _edits(owed, rendition, publisher, queue, now)
    return Line(
        owed,
        change_of(owed, rendition.digest, live=publisher.live, edits=edits),
        rendition,
        tuple(publisher.targets()),
        publisher.live,
        urgent=any(post.urgent for post in _posts_of(source)),
        segments=to_json([post.segment for post in _posts_of(source)]) if owed.channel == CADENCED else "",
        contacts=contacts,
        edits=edits,
    )


def change_of(owed: Owed, digest: str, *, live: bool, edits: bool = False) -> Change:
    """What queueing changes, given what the outbox holds of it.

    Args:
        digest: of the rendition that would be queued.
        live: its channel reaches people now.
        edits: what its service shows can be made into that rendition.
    """
    existing = owed.existing
    if existing is None:
        return Change.NEW
    if existing.scheduled and existing.cancelled:
        return Change.SAME  # it is being taken back
    if owed.channel not in REWRITING and (existing.fixed or (owed.channel == CADENCED and existing.started)):
        changed = Change.EDIT if edits and existing.live == live else Change.TOO_LATE
        return Change.SAME if existing.digest == digest else changed
    stored = existing.digest, existing.due, existing.expires, existing.withdrawn, existing.live
    if stored == (digest, owed.due, owed.expires, False, live):
        return Change.SAME
    if existing.scheduled:
        return Change.REPLACE if existing.live == live else Change.TOO_LATE
    return Change.REWRITE if existing.left else Change.UPDATED


def _edits(owed: Owed, rendition: Rendition, publisher: Publisher, queue: Queue, now: datetime) -> bool:
    """Whether what its service shows can follow the change. A new template changes every post: old ones stay."""
    before = owed.existing
    if before is None or not before.there or before.cancelled or before.digest == rendition.digest:
        return False
    if now - before.due > FOLLOWED:
        return False
    return isinstance(publisher, RemotePublisher) and publisher.editable(queue.stored(before.id), rendition)


def _posts_of(source: Source) -> Sequence[RenderedPost]:
    if isinstance(source, RenderedDirectory):
        return ()
    return source.posts if isinstance(source, RenderedEdition) else (source,)
