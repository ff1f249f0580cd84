"""The planning side of the ledger: what is queued, what already left, and putting new work in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from veille.errors import Busy
from veille.failpoints import failpoint
from veille.i18n import gettext as _
from veille.outbox import audit, schema
from veille.outbox.audit import Audit, Event
from veille.outbox.database import Database
from veille.outbox.follow_ups import forget, want
from veille.outbox.renditions import load_payloads, load_publications, load_rendition, store_rendition
from veille.outbox.schema import REWRITING, may_be_out
from veille.outbox.upkeep import withdraw
from veille.publishing import FollowUp, Publication, Rendition

__all__ = ["REWRITING", "Change", "Item", "Queue", "Queued", "stamp"]

_TOLD = ("new", "updated", "rewrite", "edit", "replace")  # changes that the audit tells of
_PUTTING = 0x7665696C  # PostgreSQL's advisory lock: one `put` after the other, as SQLite does by itself


@dataclass(frozen=True)
class Item:
    """What `publish` wants to be in the outbox: one source on one channel.

    Args:
        members: sources of the posts of an edition, in order; empty for a post.
        bodies: what `body_hash` gives for those members that were rendered now; the others keep theirs.
        targets: targets of the publication; empty for a letter, which is expanded when it is due.
        urgent: leaves at night too.
        segments: of a letter, whom its posts are for (`veille.segments.to_json`); "" = everybody.
        contacts: those that readers see of it, as their records say (`veille.contacts.to_json`).
        edits: what its service shows may be changed into it (`RemotePublisher.editable`).
        comment: its service gets a first comment after it.
    """

    source: str
    channel: str
    occurrence: str
    kind: str
    title: str
    slug: str
    body_hash: str
    due: datetime
    due_local: str
    zone: str
    rendition: Rendition
    targets: tuple[str, ...]
    members: tuple[str, ...] = ()
    bodies: Mapping[str, str] = field(default_factory=dict, compare=False)
    expires: datetime | None = None
    live: bool = False  # queued for people, not for a sandbox
    urgent: bool = False
    segments: str = ""
    contacts: str = ""
    edits: bool = False  # what its service shows can be made into this rendition
    comment: bool = False  # a first comment follows it

    @property
    def key(self) -> tuple[str, str, str]:
        """The identity: source, channel, occurrence."""
        return self.source, self.channel, self.occurrence


@dataclass(frozen=True)
class Queued:
    """A publication as planning needs it."""

    id: int
    source: str
    channel: str
    occurrence: str
    kind: str
    title: str
    slug: str
    body_hash: str
    due: datetime
    queued_at: datetime
    generation: int
    digest: str
    started: bool
    left: bool  # at least one delivery is out, or may be
    cancelled: bool
    withdrawn: bool
    members: tuple[str, ...]
    expires: datetime | None = None
    bodies: Mapping[str, str] = field(default_factory=dict, compare=False)  # member -> hash of its body
    live: bool = False
    contacts: str = ""  # as in `Item`
    scheduled: bool = False  # a service holds it for its time: not public yet
    there: bool = False  # public at a service, under an id that we know

    @property
    def fixed(self) -> bool:
        """Whether people have seen it, or may have: its time cannot change any more."""
        return self.left and not self.scheduled

    @property
    def key(self) -> tuple[str, str, str]:
        """The identity: source, channel, occurrence."""
        return self.source, self.channel, self.occurrence


class Change(StrEnum):
    """What queueing an item did."""

    NEW = "new"
    UPDATED = "updated"  # same row, next generation
    REWRITE = "rewrite"  # feed and web: stands already, will be rewritten
    EDIT = "edit"  # public at its service, where the words are changed
    REPLACE = "replace"  # its service holds it: taken back, then handed over anew
    SAME = "same"
    TOO_LATE = "too-late"  # it left, or is leaving, while we were planning


def stamp(queued: Iterable[Queued]) -> int:
    """A number that any change of the queue raises: rows are never taken away, generations only rise."""
    return sum(entry.generation for entry in queued)


class Queue:
    """What `publish` may ask of the ledger.

    Args:
        account: of the operating system, for the audit.
    """

    def __init__(self, database: Database, account: str = "") -> None:
        self._db = database
        self._account = account

    @property
    def audit(self) -> Audit:
        """Who did what."""
        return Audit(self._db)

    def all(self) -> list[Queued]:
        """Every publication, oldest first."""
        left = (
            sa.select(schema.delivery.c.id)
            .where(
                schema.delivery.c.publication_id == schema.publication.c.id,
                sa.or_(may_be_out(), schema.delivery.c.sent_at.is_not(None)),  # a page that is being rewritten stands
            )
            .exists()
        )
        table, deliveries = schema.publication, schema.delivery
        held = sa.select(deliveries.c.id).where(deliveries.c.publication_id == table.c.id, sa.text(schema.SCHEDULED))
        known = (deliveries.c.state == "sent", deliveries.c.remote_id != "", deliveries.c.last_code != "deleted")
        there = sa.select(deliveries.c.id).where(deliveries.c.publication_id == table.c.id, *known)
        columns = (table, left.label("left_already"), held.exists().label("scheduled"), there.exists().label("there"))
        with self._db.read() as connection:
            rows = connection.execute(sa.select(*columns).order_by(table.c.id)).all()
            members = _members(connection)
        return [_queued(row, members.get(row.id, {})) for row in rows]

    def stored(self, publication_id: int) -> Rendition:
        """The rendition that waits for a publication, with its files."""
        with self._db.read() as connection:
            digest = connection.execute(
                sa.select(schema.publication.c.rendition).where(schema.publication.c.id == publication_id)
            ).scalar_one()
            return load_rendition(connection, digest)

    def payloads(self, digests: Iterable[str]) -> dict[str, Rendition]:
        """Stored renditions by their digest, without their files."""
        with self._db.read() as connection:
            return load_payloads(connection, digests)

    def first_seen(self) -> dict[str, datetime]:
        """When each source was first queued on any channel: the date of a post that has none."""
        with self._db.read() as connection:
            rows = connection.execute(
                sa.select(schema.publication.c.source, sa.func.min(schema.publication.c.first_queued_at)).group_by(
                    schema.publication.c.source
                )
            ).all()
        return {row[0]: row[1] for row in rows}

    def put(
        self, items: Iterable[Item], withdrawn: Iterable[int], now: datetime, *, seen: int | None = None
    ) -> dict[int, Change]:
        """Queue everything of one `publish`, in one transaction: all of it or nothing.

        Args:
            items: what is owed; an item that is in the outbox unchanged makes no change.
            withdrawn: ids of publications whose source is gone.
            seen: `stamp` of the queue that this was planned on; None: whatever it is by now.

        Returns:
            What happened, by publication id, for the items in order.

        Raises:
            Busy: somebody else published since then: the slots are taken, the letter has other posts.
        """
        changes: dict[int, Change] = {}
        gone = list(withdrawn)
        with self._db.write() as connection:
            moved_on = seen is not None and _stamp(connection) != seen
            for item in items:
                publication_id, change = _put(connection, item, now)
                changes[publication_id] = change
            if moved_on and (gone or set(changes.values()) - {Change.SAME, Change.TOO_LATE}):
                raise Busy(
                    _("somebody else published at the same moment: nothing was queued"),
                    hint=_("run the same command again; it takes in what they did"),
                )
            withdraw(connection, gone, now, "withdrawn")
            _tell(connection, changes, gone, self._account, now)
            failpoint("enqueue.before-commit")
        failpoint("enqueue.after-commit")
        return changes

    def publications(self, ids: Sequence[int]) -> list[Publication]:
        """Publications with their renditions, in the order asked for."""
        with self._db.read() as connection:
            found = load_publications(connection, ids)
        return [found[publication_id] for publication_id in ids]


def _tell(
    connection: sa.Connection, changes: Mapping[int, Change], gone: Iterable[int], account: str, now: datetime
) -> None:
    """One line of the audit for each publication that changed, however many readers it has."""
    told = {number: (Event.PUBLISHED, str(change)) for number, change in changes.items() if change in _TOLD}
    told |= dict.fromkeys(gone, (Event.WITHDRAWN, ""))
    table = schema.publication
    named = connection.execute(sa.select(table.c.id, table.c.source).where(table.c.id.in_(list(told)))).all()
    sources = {row.id: row.source for row in named}
    lines = [
        audit.line(event, at=now, source=sources[number], publication_id=number, account=account, text=text)
        for number, (event, text) in told.items()
    ]
    audit.write(connection, lines)


def _stamp(connection: sa.Connection) -> int:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_PUTTING)))
    generations = sa.select(sa.func.coalesce(sa.func.sum(schema.publication.c.generation), 0))
    return int(connection.execute(generations).scalar_one())


def _put(connection: sa.Connection, item: Item, now: datetime) -> tuple[int, Change]:
    table = schema.publication
    source, channel, occurrence = item.key
    same_key = (table.c.source == source, table.c.channel == channel, table.c.occurrence == occurrence)
    row = connection.execute(sa.select(table).where(*same_key).with_for_update()).one_or_none()
    digest = store_rendition(connection, item.rendition, now)
    if row is None:
        return _insert(connection, item, digest, now), Change.NEW
    if row.cancelled:  # by a person: only `veille outbox retry` brings it back
        return row.id, Change.SAME
    stored = (row.rendition, row.due_at, row.expires_at, row.withdrawn, row.live)
    if stored == (digest, item.due, item.expires, 0, int(item.live)):
        return row.id, Change.SAME
    if channel not in REWRITING and (row.audience_at or _may_be_out(connection, row.id)):
        return row.id, _at_its_service(connection, row, item, digest, now)
    moved = row.due_at != item.due or row.live != int(item.live)
    connection.execute(
        sa.update(table)
        .where(table.c.id == row.id)
        .values(
            **_values(item, digest),
            generation=row.generation + 1,
            withdrawn=0,
            queued_at=now,
            hold="" if moved else row.hold,
        )
    )
    _set_members(connection, row.id, item)
    if channel in REWRITING:
        return row.id, _write_again(connection, row.id, item, now)
    _make_ready(connection, row, item, now, moved=moved)
    _comment(connection, row.id, item, now)
    return row.id, Change.UPDATED


def _at_its_service(connection: sa.Connection, row: Any, item: Item, digest: str, now: datetime) -> Change:
    """A post that is out, or may be: what its service holds is replaced, what it shows is edited if it can be."""
    table = schema.delivery
    mine = connection.execute(sa.select(table).where(table.c.publication_id == row.id)).all()
    states, numbers = {delivery.state for delivery in mine}, [delivery.id for delivery in mine]
    if any(delivery.last_code == "deleted" for delivery in mine):
        return Change.TOO_LATE
    if row.live != int(item.live) or row.withdrawn:
        return Change.TOO_LATE
    if states == {"scheduled"}:
        change, values = Change.REPLACE, {**_values(item, digest), "queued_at": now}
    elif states == {"sent"} and item.edits and row.rendition != digest and all(d.remote_id for d in mine):
        change, values = Change.EDIT, {**_values(item, digest), "due_at": row.due_at, "due_local": row.due_local}
    else:
        return Change.TOO_LATE
    values["generation"] = row.generation + 1
    connection.execute(sa.update(schema.publication).where(schema.publication.c.id == row.id).values(**values))
    want(connection, numbers, FollowUp(change.value), now)
    if change is Change.REPLACE:
        _comment(connection, row.id, item, now)
    return change


def _comment(connection: sa.Connection, publication_id: int, item: Item, now: datetime) -> None:
    """Ask for the first comment of a post that is not public yet, or for none."""
    table = schema.delivery
    mine = connection.execute(sa.select(table.c.id).where(table.c.publication_id == publication_id)).scalars().all()
    if item.comment:
        want(connection, mine, FollowUp.COMMENT, now)
    elif item.channel not in REWRITING:
        forget(connection, mine, FollowUp.COMMENT)


def _insert(connection: sa.Connection, item: Item, digest: str, now: datetime) -> int:
    values = {**_values(item, digest), "queued_at": now, "first_queued_at": now}
    inserted = connection.execute(sa.insert(schema.publication).values(**values)).inserted_primary_key
    assert inserted is not None
    publication_id = int(inserted[0])
    _add_targets(connection, publication_id, item, now)
    _set_members(connection, publication_id, item)
    if item.comment:
        _comment(connection, publication_id, item, now)
    return publication_id


def _may_be_out(connection: sa.Connection, publication_id: int) -> bool:
    """Locks its deliveries, so that none is claimed with the old bytes while they change."""
    table = schema.delivery
    connection.execute(sa.select(table.c.id).where(table.c.publication_id == publication_id).with_for_update())
    found = sa.select(table.c.id).where(table.c.publication_id == publication_id, may_be_out())
    return connection.execute(found.limit(1)).first() is not None


def _write_again(connection: sa.Connection, publication_id: int, item: Item, now: datetime) -> Change:
    """Feed and web: the files follow the change, at once when the page stands already."""
    table = schema.delivery
    mine = table.c.publication_id == publication_id
    stands = connection.execute(sa.select(table.c.id).where(mine, table.c.sent_at.is_not(None))).first()
    connection.execute(
        sa.update(table)
        .where(mine, table.c.state.in_(("sent", "ready", "cancelled", "failed", "held")))
        .values(state="ready", due_at=now if stands else item.due, updated_at=now, tries=0)
    )
    return Change.REWRITE if stands else Change.UPDATED


def _make_ready(connection: sa.Connection, row: Any, item: Item, now: datetime, *, moved: bool) -> None:
    """Let what has not left follow its publication.

    What waits for a person waits on unless it has a new time; what a person cancelled stays cancelled.
    """
    table = schema.delivery
    states = ["ready", "failed", *(["held"] if moved else []), *(["cancelled"] if row.withdrawn else [])]
    connection.execute(
        sa.update(table)
        .where(table.c.publication_id == row.id, table.c.state.in_(states))
        .values(state="ready", due_at=item.due, updated_at=now, tries=0, first_at=None, last_code="", last_error="")
    )


def _values(item: Item, digest: str) -> dict[str, Any]:
    return {
        "source": item.source,
        "channel": item.channel,
        "occurrence": item.occurrence,
        "kind": item.kind,
        "title": item.title,
        "slug": item.slug,
        "body_hash": item.body_hash,
        "due_at": item.due,
        "due_local": item.due_local,
        "zone": item.zone,
        "expires_at": item.expires,
        "live": int(item.live),
        "urgent": int(item.urgent),
        "segments": item.segments,
        "contacts": item.contacts,
        "rendition": digest,
    }


def _add_targets(connection: sa.Connection, publication_id: int, item: Item, now: datetime) -> None:
    for target in item.targets:
        connection.execute(
            sa.insert(schema.delivery).values(
                publication_id=publication_id,
                channel=item.channel,
                target=target,
                state="ready",
                due_at=item.due,
                updated_at=now,
            )
        )


def _set_members(connection: sa.Connection, publication_id: int, item: Item) -> None:
    table = schema.edition_post
    mine = table.c.publication_id == publication_id
    bodies = {row.source: row.body_hash for row in connection.execute(sa.select(table).where(mine))} | dict(item.bodies)
    connection.execute(sa.delete(table).where(mine))
    for position, source in enumerate(item.members):
        values = {"publication_id": publication_id, "position": position, "source": source}
        connection.execute(sa.insert(table).values(**values, body_hash=bodies.get(source, "")))


def _members(connection: sa.Connection) -> dict[int, dict[str, str]]:
    """The posts of each edition, in order, with the hash of their bodies."""
    table = schema.edition_post
    found: dict[int, dict[str, str]] = {}
    for row in connection.execute(sa.select(table).order_by(table.c.publication_id, table.c.position)):
        found.setdefault(row.publication_id, {})[row.source] = row.body_hash
    return found


def _queued(row: Any, members: Mapping[str, str]) -> Queued:
    return Queued(
        id=row.id,
        source=row.source,
        channel=row.channel,
        occurrence=row.occurrence,
        kind=row.kind,
        title=row.title,
        slug=row.slug,
        body_hash=row.body_hash,
        due=row.due_at,
        queued_at=row.queued_at,
        generation=row.generation,
        digest=row.rendition,
        started=row.started_at is not None,
        left=bool(row.left_already),
        cancelled=bool(row.cancelled),
        withdrawn=bool(row.withdrawn),
        live=bool(row.live),
        members=tuple(members),
        expires=row.expires_at,
        bodies=members,
        contacts=row.contacts,
        scheduled=bool(row.scheduled),
        there=bool(row.there),
    )
