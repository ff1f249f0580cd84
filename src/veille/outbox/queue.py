"""The planning side of the ledger: what is queued, what already left, and putting new work in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from veille.failpoints import failpoint
from veille.outbox import schema
from veille.outbox.database import Database
from veille.publishing import File, Publication, Rendition

REWRITING = ("feed", "web")  # channels on which delivering again does no harm


@dataclass(frozen=True)
class Item:
    """What `publish` wants to be in the outbox: one source on one channel.

    Args:
        members: sources of the posts of an edition, in order; empty for a post.
        targets: targets of the publication; empty for a letter, which is expanded when it is due.
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
    expires: datetime | None = None

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
    left: bool  # at least one delivery is past the point of no return
    cancelled: bool
    withdrawn: bool
    members: tuple[str, ...]
    expires: datetime | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """The identity: source, channel, occurrence."""
        return self.source, self.channel, self.occurrence


class Change(StrEnum):
    """What queueing an item did."""

    NEW = "new"
    UPDATED = "updated"  # same row, next generation
    REWRITE = "rewrite"  # feed and web: stands already, will be rewritten
    SAME = "same"
    TOO_LATE = "too-late"  # it left, or is leaving, while we were planning


_LEFT_STATES = ("claimed", "sending", "unknown", "scheduled", "sent")


class Queue:
    """What `publish` may ask of the ledger."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def all(self) -> list[Queued]:
        """Every publication, oldest first."""
        left = (
            sa.select(schema.delivery.c.id)
            .where(
                schema.delivery.c.publication_id == schema.publication.c.id,
                schema.delivery.c.state.in_(_LEFT_STATES),
            )
            .exists()
        )
        with self._db.read() as connection:
            rows = connection.execute(
                sa.select(schema.publication, left.label("left_already")).order_by(schema.publication.c.id)
            ).all()
            members = _members(connection)
        return [_queued(row, members.get(row.id, ())) for row in rows]

    def stored(self, publication_id: int) -> Rendition:
        """The rendition that waits for a publication, with its files."""
        with self._db.read() as connection:
            digest = connection.execute(
                sa.select(schema.publication.c.rendition).where(schema.publication.c.id == publication_id)
            ).scalar_one()
            return load_rendition(connection, digest)

    def first_seen(self) -> dict[str, datetime]:
        """When each source was first queued on any channel: the date of a post that has none."""
        with self._db.read() as connection:
            rows = connection.execute(
                sa.select(schema.publication.c.source, sa.func.min(schema.publication.c.queued_at)).group_by(
                    schema.publication.c.source
                )
            ).all()
        return {row[0]: row[1] for row in rows}

    def put(self, items: Iterable[Item], withdrawn: Iterable[int], now: datetime) -> dict[int, Change]:
        """Queue everything of one `publish`, in one transaction: all of it or nothing.

        Args:
            items: what is owed; an item that is in the outbox unchanged makes no change.
            withdrawn: ids of publications whose source is gone.

        Returns:
            What happened, by publication id, for the items in order.
        """
        changes: dict[int, Change] = {}
        with self._db.write() as connection:
            for item in items:
                publication_id, change = _put(connection, item, now)
                changes[publication_id] = change
            for publication_id in withdrawn:
                _withdraw(connection, publication_id, now)
            failpoint("enqueue.before-commit")
        failpoint("enqueue.after-commit")
        return changes

    def publications(self, ids: Sequence[int]) -> list[Publication]:
        """Publications with their renditions, in the order asked for."""
        with self._db.read() as connection:
            return [load_publication(connection, publication_id) for publication_id in ids]


def _put(connection: sa.Connection, item: Item, now: datetime) -> tuple[int, Change]:
    table = schema.publication
    row = connection.execute(
        sa.select(table).where(
            table.c.source == item.source,
            table.c.channel == item.channel,
            table.c.occurrence == item.occurrence,
        )
    ).one_or_none()
    digest = _store_rendition(connection, item.rendition, now)
    values = _values(item, digest)
    if row is None:
        inserted = connection.execute(sa.insert(table).values(**values, queued_at=now)).inserted_primary_key
        assert inserted is not None
        publication_id = int(inserted[0])
        _add_targets(connection, publication_id, item, now)
        _set_members(connection, publication_id, item.members)
        return publication_id, Change.NEW
    if (row.rendition, row.due_at, row.withdrawn) == (digest, item.due, 0):
        return row.id, Change.SAME
    if row.cancelled:  # by a person: only `veille outbox retry` brings it back
        return row.id, Change.SAME
    if item.channel not in REWRITING and (row.audience_at or _has_left(connection, row.id)):
        return row.id, Change.TOO_LATE
    connection.execute(
        sa.update(table)
        .where(table.c.id == row.id)
        .values(**values, generation=row.generation + 1, withdrawn=0, queued_at=now)
    )
    _set_members(connection, row.id, item.members)
    return row.id, _make_ready(connection, row.id, item, now)


def _has_left(connection: sa.Connection, publication_id: int) -> bool:
    table = schema.delivery
    found = sa.select(table.c.id).where(table.c.publication_id == publication_id, table.c.state.in_(_LEFT_STATES))
    return connection.execute(found.limit(1)).first() is not None


def _make_ready(connection: sa.Connection, publication_id: int, item: Item, now: datetime) -> Change:
    """Let the deliveries of a changed publication follow it."""
    table = schema.delivery
    mine = table.c.publication_id == publication_id
    if item.channel in REWRITING:
        sent = connection.execute(sa.select(table.c.id).where(mine, table.c.state == "sent")).first()
        connection.execute(
            sa.update(table)
            .where(mine, table.c.state.in_(("sent", "ready", "cancelled", "failed", "held")))
            .values(state="ready", due_at=max(item.due, now) if sent is None else now, updated_at=now, tries=0)
        )
        return Change.REWRITE if sent else Change.UPDATED
    connection.execute(
        sa.update(table)
        .where(mine, table.c.state.in_(("ready", "cancelled", "held", "failed")))
        .values(state="ready", due_at=item.due, updated_at=now, tries=0)
    )
    return Change.UPDATED


def _withdraw(connection: sa.Connection, publication_id: int, now: datetime) -> None:
    """Take a page or feed item down; cancel what has not left."""
    table, deliveries = schema.publication, schema.delivery
    channel = connection.execute(
        sa.update(table).where(table.c.id == publication_id).values(withdrawn=1).returning(table.c.channel)
    ).scalar_one()
    mine = deliveries.c.publication_id == publication_id
    stands = sa.and_(deliveries.c.sent_at.is_not(None), sa.literal(channel in REWRITING))
    if channel in REWRITING:
        connection.execute(
            sa.update(deliveries)
            .where(mine, deliveries.c.state == "sent")
            .values(state="ready", due_at=now, updated_at=now)
        )
    connection.execute(
        sa.update(deliveries)
        .where(mine, deliveries.c.state.in_(("ready", "held")), sa.not_(stands))
        .values(state="cancelled", updated_at=now)
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


def _set_members(connection: sa.Connection, publication_id: int, members: Sequence[str]) -> None:
    table = schema.edition_post
    connection.execute(sa.delete(table).where(table.c.publication_id == publication_id))
    for position, source in enumerate(members):
        connection.execute(sa.insert(table).values(publication_id=publication_id, position=position, source=source))


def _store_rendition(connection: sa.Connection, rendition: Rendition, now: datetime) -> str:
    digest = rendition.digest
    known = sa.select(schema.rendition.c.digest).where(schema.rendition.c.digest == digest)
    if connection.execute(known).first():
        return digest
    connection.execute(
        sa.insert(schema.rendition).values(
            digest=digest,
            channel=rendition.channel,
            payload=json.dumps(rendition.payload, ensure_ascii=False, sort_keys=True),
            created_at=now,
        )
    )
    for position, file in enumerate(rendition.files):
        connection.execute(insert_once(connection, schema.blob).values(digest=file.digest, content=file.content))
        connection.execute(
            sa.insert(schema.rendition_file).values(
                rendition=digest,
                position=position,
                name=file.name,
                media_type=file.media_type,
                blob=file.digest,
            )
        )
    return digest


def insert_once(connection: sa.Connection, table: sa.Table) -> Any:
    """INSERT … ON CONFLICT DO NOTHING in the dialect of this connection."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return make(table).on_conflict_do_nothing()


def load_rendition(connection: sa.Connection, digest: str) -> Rendition:
    """A stored rendition with its files."""
    row = connection.execute(
        sa.select(schema.rendition.c.channel, schema.rendition.c.payload).where(schema.rendition.c.digest == digest)
    ).one()
    files = connection.execute(
        sa.select(schema.rendition_file.c.name, schema.rendition_file.c.media_type, schema.blob.c.content)
        .join(schema.blob, schema.blob.c.digest == schema.rendition_file.c.blob)
        .where(schema.rendition_file.c.rendition == digest)
        .order_by(schema.rendition_file.c.position)
    ).all()
    return Rendition(
        channel=row.channel,
        payload=json.loads(row.payload),
        files=tuple(File(f.name, f.media_type, bytes(f.content)) for f in files),
    )


def load_publication(connection: sa.Connection, publication_id: int) -> Publication:
    """A publication as a publisher sees it."""
    row = connection.execute(sa.select(schema.publication).where(schema.publication.c.id == publication_id)).one()
    return as_publication(row, load_rendition(connection, row.rendition))


def as_publication(row: Any, rendition: Rendition) -> Publication:
    """A row of the table, with its rendition."""
    return Publication(
        id=f"p{row.id}",
        source=row.source,
        channel=row.channel,
        occurrence=row.occurrence,
        title=row.title,
        slug=row.slug,
        due=row.due_at,
        generation=row.generation,
        rendition=rendition,
        withdrawn=bool(row.withdrawn),
        first_due=row.due_at,
    )


def _members(connection: sa.Connection) -> Mapping[int, tuple[str, ...]]:
    table = schema.edition_post
    found: dict[int, list[str]] = {}
    for row in connection.execute(
        sa.select(table.c.publication_id, table.c.source).order_by(table.c.publication_id, table.c.position)
    ):
        found.setdefault(row.publication_id, []).append(row.source)
    return {key: tuple(value) for key, value in found.items()}


def _queued(row: Any, members: tuple[str, ...]) -> Queued:
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
        members=members,
        expires=row.expires_at,
    )
