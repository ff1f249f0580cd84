"""Putting one source on one channel into the ledger: a new row, or what its row has become since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from veille.outbox import schema
from veille.outbox.follow_ups import forget, want
from veille.outbox.renditions import store_rendition
from veille.outbox.schema import REWRITING, may_be_out
from veille.publishing import FollowUp, Rendition


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


class Change(StrEnum):
    """What queueing an item did."""

    NEW = "new"
    UPDATED = "updated"  # same row, next generation
    REWRITE = "rewrite"  # feed and web: stands already, will be rewritten
    EDIT = "edit"  # public at its service, where the words are changed
    REPLACE = "replace"  # its service holds it: taken back, then handed over anew
    SAME = "same"
    TOO_LATE = "too-late"  # it left, or is leaving, while we were planning


def put(connection: sa.Connection, item: Item, now: datetime) -> tuple[int, Change]:
    """Queue one source on one channel, or change what waits of it. Returns the publication, and what happened to it."""
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
