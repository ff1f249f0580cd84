"""What the outbox says to people: every publication, its counts, the equation. Never an address.

A letter may have a million rows: what is asked here is answered from the index `delivery_of`, or is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from veille.outbox import schema
from veille.outbox.database import Database
from veille.outbox.ids import number_of, unknown_id
from veille.outbox.schema import REWRITING
from veille.publishing import BY_HAND

_d, _p = schema.delivery, schema.publication

STARTED = ("claimed", "sending", "unknown", "sent", "failed")
DELETED = "deleted"  # the last code of what was taken down
PUT_OFF = ("unavailable", "rate-limited")  # last codes of what is tried again
MINUTE = timedelta(minutes=1)
_TAIL = 5_000  # rows before a lane's first waiting one, in which its pace is read
_FEW = 500  # values in one statement


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
    excluded: Mapping[str, int] = field(default_factory=dict)  # readers left out, by reason
    urgent: bool = False  # leaves at night too
    by_hand: int = 0  # of those that are held: a person was asked to post them
    deleted: int = 0  # of those that were sent: they were seen, and are not there any more
    live: bool = False  # queued while its channel reached people

    @property
    def balanced(self) -> bool:
        """planned = the sum of all states: nobody is lost."""
        return self.planned is None or self.planned == sum(self.counts.values())

    @property
    def waiting(self) -> int:
        """Deliveries that are not final: still to leave, or on their way."""
        return sum(self.counts[state] for state in ("ready", "claimed", "sending", "unknown", "scheduled"))


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


@dataclass(frozen=True)
class Waiting:
    """What is looked at again later by itself.

    Args:
        counts: how many, by state: unknown, or ready again after a failure.
        first: (delivery, state, when it is looked at next) of those that come next, ten at most.
    """

    counts: Mapping[str, int]
    first: tuple[tuple[str, str, datetime], ...]

    def __bool__(self) -> bool:
        """Whether anything is."""
        return bool(self.first)


@dataclass(frozen=True)
class Stop:
    """A channel that stands still until somebody lets it go on.

    Args:
        reason: "paused" when a person stopped it; else what its service said.
        hint: what to do before.
    """

    channel: str
    reason: str
    hint: str
    at: datetime

    @property
    def chosen(self) -> bool:
        """Whether a person wanted it so."""
        return self.reason == "paused"


@dataclass(frozen=True)
class Lane:
    """Readers of a letter at one group of mailbox providers ("": all others)."""

    name: str
    waiting: int  # due, and not in hand
    pace: float  # letters a second that left during the last minute


class Report:
    """Read-only questions about the ledger."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def publications(self) -> list[Status]:
        """Every publication, by due time."""
        with self._db.read() as connection:
            return _statuses(connection, connection.execute(sa.select(_p).order_by(_p.c.due_at, _p.c.id)).all())

    def publication(self, publication_id: str) -> Status:
        """One publication by its id.

        Raises:
            VeilleError: there is none.
        """
        if not publication_id.startswith("p"):
            raise unknown_id(publication_id)
        with self._db.read() as connection:
            rows = connection.execute(sa.select(_p).where(_p.c.id == number_of(publication_id))).all()
            if not rows:
                raise unknown_id(publication_id)
            return _statuses(connection, rows)[0]

    def channel_of(self, name: str) -> str:
        """The channel of a publication or delivery.

        Raises:
            VeilleError: there is nothing of this id.
        """
        table = _d if name.startswith("d") else _p
        with self._db.read() as connection:
            found = connection.execute(sa.select(table.c.channel).where(table.c.id == number_of(name))).scalar()
        if found is None:
            raise unknown_id(name)
        return str(found)

    def stops(self) -> list[Stop]:
        """The channels that stand still."""
        table = schema.channel
        still = sa.select(table).where(table.c.stopped_at.is_not(None)).order_by(table.c.name)
        with self._db.read() as connection:
            return [Stop(row.name, row.reason, row.hint, row.stopped_at) for row in connection.execute(still)]

    def has_letters(self) -> bool:
        """Whether letters with personal links may be out, or addresses must not come back: both need their key."""
        letters = sa.select(_d.c.id).where(_d.c.channel == "newsletter").limit(1)
        with self._db.read() as connection:
            found = (connection.execute(s).first() for s in (letters, sa.select(schema.suppression.c.hash).limit(1)))
            return any(found)

    def deliveries(self, publication_id: str, *, states: Sequence[str] = (), limit: int = 50) -> list[Row]:
        """Deliveries of a publication, at most `limit`, with their last words."""
        mine = _d.c.publication_id == number_of(publication_id)
        found: list[Any] = []
        with self._db.read() as connection:
            for state in states or schema.STATES:  # one after the other: so the index gives them in order
                rows = sa.select(_d).where(mine, _d.c.state == state).order_by(_d.c.id).limit(limit)
                found += connection.execute(rows).all()
        return [_row(row, ()) for row in sorted(found, key=lambda row: int(row.id))[:limit]]

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

    def waiting(self) -> Waiting:
        """Everything unknown, or put off after a failure: how many, and the first ten."""
        put_off = sa.and_(sa.text(schema.READY), _d.c.last_code.in_(PUT_OFF))
        counts: dict[str, int] = {}
        first: list[Any] = []
        with self._db.read() as connection:
            for state, which in (("unknown", sa.text(schema.UNKNOWN)), ("ready", put_off)):
                if count := connection.execute(sa.select(sa.func.count()).select_from(_d).where(which)).scalar_one():
                    counts[state] = count
                    columns = sa.select(_d.c.id, _d.c.state, _d.c.due_at)
                    first += connection.execute(columns.where(which).order_by(_d.c.due_at, _d.c.id).limit(10)).all()
        first = sorted(first, key=lambda row: (row.due_at, int(row.id)))[:10]
        return Waiting(counts, tuple((f"d{row.id}", row.state, row.due_at) for row in first))

    def lanes(self, publication_id: str, now: datetime) -> list[Lane]:
        """How a letter gets on with each group of mailbox providers that still has readers due.

        Letters leave in the order of their ids within a lane, so that the last minute lies just before its first
        reader who waits: a few thousand rows tell the pace, whatever the size of the letter.
        """
        number, waits = number_of(publication_id), sa.text(schema.READY)
        mine = (_d.c.publication_id == number, waits, _d.c.due_at <= now)
        with self._db.read() as connection:
            counts = sa.select(_d.c.lane, sa.func.count().label("n")).where(*mine).group_by(_d.c.lane)
            return [
                Lane(row.lane, row.n, _pace(connection, number, row.lane, now))
                for row in connection.execute(counts.order_by(_d.c.lane)).all()
            ]

    def answered(self) -> int:
        """How many letters mail servers have answered, of all editions: what grows while `veille run` sends."""
        with self._db.read() as connection:
            return int(connection.execute(sa.select(sa.func.coalesce(sa.func.sum(_p.c.answered), 0))).scalar_one())


def counted(connection: sa.Connection, ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """Deliveries by state of these publications, from the index alone."""
    counts: dict[int, dict[str, int]] = {}
    for few in _portions(ids):
        states = sa.select(_d.c.publication_id, _d.c.state, sa.func.count().label("n"))
        mine = states.where(_d.c.publication_id.in_(few)).group_by(_d.c.publication_id, _d.c.state)
        for row in connection.execute(mine):
            counts.setdefault(row.publication_id, {})[row.state] = row.n
    return counts


def excluded(connection: sa.Connection, ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """Readers whom these letters left out, by reason."""
    table = schema.exclusion
    found: dict[int, dict[str, int]] = {}
    for few in _portions(ids):
        for row in connection.execute(sa.select(table).where(table.c.publication_id.in_(few)).order_by(table.c.reason)):
            if row.readers:
                found.setdefault(row.publication_id, {})[row.reason] = row.readers
    return found


def _statuses(connection: sa.Connection, rows: Sequence[Any]) -> list[Status]:
    """These rows of publications, counted."""
    counts = counted(connection, (row.id for row in rows))
    left_out = excluded(connection, (row.id for row in rows if row.channel == "newsletter"))
    others = [row.id for row in rows if row.channel != "newsletter"]
    receipts = _receipts(connection, others)
    asked, deleted = _coded(connection, others, "held", BY_HAND), _coded(connection, others, "sent", DELETED)
    halted = sa.select(schema.channel).where(schema.channel.c.stopped_at.is_not(None))
    stopped = {row.name: row.reason for row in connection.execute(halted)}
    return [
        _status(
            row,
            counts.get(row.id, {}),
            receipts=tuple(receipts.get(row.id, ())),
            stopped=stopped.get(row.channel, ""),
            left_out=left_out.get(row.id, {}),
            by_hand=asked.get(row.id, 0),
            deleted=deleted.get(row.id, 0),
        )
        for row in rows
    ]


def _coded(connection: sa.Connection, ids: Iterable[int], state: str, code: str) -> dict[int, int]:
    """How many deliveries of these publications are in this state, with this last code."""
    found: dict[int, int] = {}
    for few in _portions(ids):
        mine = (_d.c.publication_id.in_(few), _d.c.state == state, _d.c.last_code == code)
        rows = sa.select(_d.c.publication_id, sa.func.count().label("n")).where(*mine).group_by(_d.c.publication_id)
        found |= {row.publication_id: row.n for row in connection.execute(rows)}
    return found


def _receipts(connection: sa.Connection, ids: Iterable[int]) -> dict[int, list[dict[str, str]]]:
    """What services answered of what stands there; not of letters, whose rows are never read for this."""
    found: dict[int, list[dict[str, str]]] = {}
    for few in _portions(ids):
        sent = sa.select(_d.c.publication_id, _d.c.remote_id, _d.c.url).where(
            _d.c.publication_id.in_(few), _d.c.state == "sent", _d.c.last_code != DELETED
        )
        for row in connection.execute(sent.order_by(_d.c.id)):
            found.setdefault(row.publication_id, []).append({"remote_id": row.remote_id, "url": row.url})
    return found


def _pace(connection: sa.Connection, publication: int, lane: str, now: datetime) -> float:
    here = (_d.c.publication_id == publication, sa.text(schema.READY), _d.c.lane == lane)
    first = connection.execute(sa.select(_d.c.id).where(*here).order_by(_d.c.due_at, _d.c.id).limit(1)).scalar_one()
    columns = (_d.c.publication_id, _d.c.lane, _d.c.state, _d.c.sent_at)
    before = sa.select(*columns).where(_d.c.id < first).order_by(_d.c.id.desc()).limit(_TAIL).subquery()
    left = (before.c.publication_id == publication, before.c.lane == lane, before.c.state == "sent")
    count = sa.func.count().label("n")
    row = connection.execute(
        sa.select(count, sa.func.min(before.c.sent_at).label("since")).where(*left, before.c.sent_at > now - MINUTE)
    ).one()
    return row.n / max((now - row.since).total_seconds(), 1.0) if row.n else 0.0


def _portions(ids: Iterable[int]) -> Iterator[list[int]]:
    every = list(ids)
    return (every[start : start + _FEW] for start in range(0, len(every), _FEW))


def _status(
    row: Any,
    counts: dict[str, int],
    *,
    receipts: tuple[dict[str, str], ...],
    stopped: str,
    left_out: dict[str, int],
    by_hand: int,
    deleted: int,
) -> Status:
    full = {state: counts.get(state, 0) for state in schema.STATES}
    unexpanded = row.channel == "newsletter" and row.expanded_at is None
    known = sum(full.values()) if row.candidates is None else row.candidates - sum(left_out.values())
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
        planned=None if unexpanded else known,
        counts=full,
        receipts=receipts,
        hold=row.hold,
        generation=row.generation,
        stopped=stopped,
        excluded=left_out,
        urgent=bool(row.urgent),
        by_hand=by_hand,
        deleted=deleted,
        live=bool(row.live),
    )


def _state(row: Any, counts: dict[str, int]) -> str:
    pending = sum(counts[state] for state in ("ready", "claimed", "sending", "unknown", "scheduled"))
    expanded = row.channel != "newsletter" or row.expanded_at is not None
    if row.hold or (counts["held"] and not pending):
        return "held"
    gone = row.cancelled or (row.withdrawn and row.channel not in REWRITING) or (expanded and counts["cancelled"])
    if gone and not (pending or counts["sent"] or counts["failed"]):
        return "cancelled"
    if expanded and not pending:
        return "done"
    if row.paused:
        return "paused"
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
