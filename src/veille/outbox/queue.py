"""The planning side of the ledger: what is queued, what already left, and putting new work in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from veille.errors import Busy
from veille.failpoints import failpoint
from veille.i18n import gettext as _
from veille.outbox import audit, schema
from veille.outbox.audit import Audit, Event
from veille.outbox.database import Database
from veille.outbox.putting import Change, Item, put
from veille.outbox.renditions import load_payloads, load_publications, load_rendition
from veille.outbox.schema import REWRITING, may_be_out
from veille.outbox.upkeep import withdraw
from veille.publishing import Publication, Rendition

__all__ = ["REWRITING", "Change", "Item", "Queue", "Queued", "stamp"]

_TOLD = ("new", "updated", "rewrite", "edit", "replace")  # changes that the audit tells of
_PUTTING = 0x7665696C  # PostgreSQL's advisory lock: one `put` after the other, as SQLite does by itself


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
                publication_id, change = put(connection, item, now)
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
