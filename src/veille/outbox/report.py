"""What the outbox says to people: every publication, its counts, the equation. Never an address."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from veille.errors import VeilleError
from veille.i18n import gettext as _
from veille.outbox import schema
from veille.outbox.database import Database
from veille.outbox.schema import REWRITING

_d, _p = schema.delivery, schema.publication

STARTED = ("claimed", "sending", "unknown", "sent", "failed")


@dataclass(frozen=True)
class Status:
    """One publication as `veille status` shows it."""

    id: str
    channel: str
    source: str
    occurrence: str
    title: str
    slug: str
    due: datetime
    due_local: str
    state: str  # queued | running | paused | held | done | cancelled
    planned: int | None  # None before a letter is expanded
    counts: dict[str, int]
    receipts: tuple[dict[str, str], ...] = ()
    hold: str = ""
    generation: int = 1
    stopped: str = ""  # why the whole channel stands still

    @property
    def balanced(self) -> bool:
        """planned = the sum of all states: nobody is lost."""
        return self.planned is None or self.planned == sum(self.counts.values())


@dataclass(frozen=True)
class Row:
    """One delivery as `veille outbox show` lists it."""

    id: str
    publication: str
    channel: str
    target: str
    state: str
    due: datetime
    attempt: int
    remote_id: str
    url: str
    last_code: str
    last_error: str
    events: tuple[tuple[datetime, str, str], ...] = field(default=())


class Report:
    """Read-only questions about the ledger."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def publications(self) -> list[Status]:
        """Every publication, by due time."""
        with self._db.read() as connection:
            counts: dict[int, dict[str, int]] = {}
            for row in connection.execute(
                sa.select(_d.c.publication_id, _d.c.state, sa.func.count().label("n")).group_by(
                    _d.c.publication_id, _d.c.state
                )
            ):
                counts.setdefault(row.publication_id, {})[row.state] = row.n
            receipts: dict[int, list[dict[str, str]]] = {}
            for row in connection.execute(
                sa.select(_d.c.publication_id, _d.c.remote_id, _d.c.url).where(
                    _d.c.channel != "newsletter", _d.c.state == "sent"
                )
            ):
                receipts.setdefault(row.publication_id, []).append({"remote_id": row.remote_id, "url": row.url})
            stopped = {
                row.name: row.reason
                for row in connection.execute(sa.select(schema.channel).where(schema.channel.c.stopped_at.is_not(None)))
            }
            rows = connection.execute(sa.select(_p).order_by(_p.c.due_at, _p.c.id)).all()
        return [
            _status(row, counts.get(row.id, {}), tuple(receipts.get(row.id, ())), stopped.get(row.channel, ""))
            for row in rows
        ]

    def publication(self, publication_id: str) -> Status:
        """One publication by its id.

        Raises:
            VeilleError: there is none.
        """
        for status in self.publications():
            if status.id == publication_id:
                return status
        raise unknown_id(publication_id)

    def has_letters(self) -> bool:
        """Whether letters with personal links may be out, or addresses must not come back: both need their key."""
        letters = sa.select(_d.c.id).where(_d.c.channel == "newsletter").limit(1)
        with self._db.read() as connection:
            found = (connection.execute(s).first() for s in (letters, sa.select(schema.suppression.c.hash).limit(1)))
            return any(found)

    def deliveries(self, publication_id: str, *, state: str | None = None, limit: int = 50) -> list[Row]:
        """Deliveries of a publication, at most `limit`, with their last words."""
        where = [_d.c.publication_id == number_of(publication_id)]
        if state:
            where.append(_d.c.state == state)
        with self._db.read() as connection:
            rows = connection.execute(sa.select(_d).where(*where).order_by(_d.c.id).limit(limit)).all()
        return [_row(row, ()) for row in rows]

    def delivery(self, delivery_id: str) -> Row:
        """One delivery with everything that happened to it.

        Raises:
            VeilleError: there is none.
        """
        with self._db.read() as connection:
            row = connection.execute(sa.select(_d).where(_d.c.id == number_of(delivery_id))).one_or_none()
            if row is None:
                raise unknown_id(delivery_id)
            log = schema.attempt_log
            events = connection.execute(
                sa.select(log.c.at, log.c.event, log.c.text).where(log.c.delivery_id == row.id).order_by(log.c.id)
            ).all()
        return _row(row, tuple((event.at, event.event, event.text) for event in events))

    def waiting(self) -> list[tuple[str, str, datetime]]:
        """(delivery, state, when it is looked at next) of everything unknown, or put off after a failure."""
        with self._db.read() as connection:
            rows = connection.execute(
                sa.select(_d.c.id, _d.c.state, _d.c.due_at)
                .where(
                    sa.or_(
                        _d.c.state == "unknown",
                        sa.and_(_d.c.state == "ready", _d.c.last_code.in_(("unavailable", "rate-limited"))),
                    )
                )
                .order_by(_d.c.due_at)
            ).all()
        return [(f"d{row.id}", row.state, row.due_at) for row in rows]


def number_of(name: str) -> int:
    """The number in "p12" or "d345".

    Raises:
        VeilleError: it is no id at all.
    """
    if not re.fullmatch(r"[pd][0-9]{1,18}", name):
        raise VeilleError(
            _("{id} is not an id of the outbox").format(id=name),
            hint=_("ids look like p12 (a publication) or d345 (a delivery); `veille outbox list` shows them"),
        )
    return int(name[1:])


def unknown_id(name: str) -> VeilleError:
    """The error for an id that is not in the ledger."""
    return VeilleError(
        _("there is no {id} in the outbox").format(id=name),
        hint=_("`veille outbox list` shows the ids"),
    )


def _status(row: Any, counts: dict[str, int], receipts: tuple[dict[str, str], ...], stopped: str) -> Status:
    full = {state: counts.get(state, 0) for state in schema.STATES}
    unexpanded = row.channel == "newsletter" and row.expanded_at is None
    planned = None if unexpanded else (row.candidates if row.candidates is not None else sum(full.values()))
    return Status(
        id=f"p{row.id}",
        channel=row.channel,
        source=row.source,
        occurrence=row.occurrence,
        title=row.title,
        slug=row.slug,
        due=row.due_at,
        due_local=row.due_local,
        state=_state(row, full),
        planned=planned,
        counts=full,
        receipts=receipts,
        hold=row.hold,
        generation=row.generation,
        stopped=stopped,
    )


def _state(row: Any, counts: dict[str, int]) -> str:
    pending = sum(counts[state] for state in ("ready", "claimed", "sending", "unknown", "scheduled"))
    expanded = row.channel != "newsletter" or row.expanded_at is not None
    if row.hold or (counts["held"] and not pending):
        return "held"
    gone = row.cancelled or (row.withdrawn and row.channel not in REWRITING) or (expanded and counts["cancelled"])
    if gone and not (pending or counts["sent"] or counts["failed"]):
        return "cancelled"
    if row.paused:
        return "paused"
    if expanded and not pending:
        return "done"
    started = row.started_at is not None and any(counts[state] for state in STARTED)
    return "running" if started or row.audience_at is not None else "queued"


def _row(row: Any, events: tuple[tuple[datetime, str, str], ...]) -> Row:
    return Row(
        id=f"d{row.id}",
        publication=f"p{row.publication_id}",
        channel=row.channel,
        target=row.target,
        state=row.state,
        due=row.due_at,
        attempt=row.attempt,
        remote_id=row.remote_id,
        url=row.url,
        last_code=row.last_code,
        last_error=row.last_error,
        events=events,
    )
