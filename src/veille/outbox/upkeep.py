"""Deliveries that no worker has in hand: taken over, expired, held, expanded to readers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from veille.failpoints import failpoint
from veille.outbox import schema
from veille.outbox.database import Database
from veille.outbox.schema import REWRITING

CHUNK = 20_000  # rows of one expansion step

_d, _p, _s = schema.delivery, schema.publication, schema.subscriber


class Upkeep:
    """What the pump asks of the ledger before it claims. `owner` names this worker in every row that it holds."""

    def __init__(self, database: Database, owner: str) -> None:
        self._db = database
        self._owner = owner

    def recover(self, channel: str, now: datetime, first_look: timedelta, *, rewrite: bool) -> int:
        """Take over what a dead worker left: claimed goes back, sending becomes unknown (files: ready).

        Only one worker runs on this ledger at a time (`veille run` holds a lock), so every other owner is dead.
        """
        stale = sa.and_(_d.c.channel == channel, sa.or_(_d.c.owner.is_(None), _d.c.owner != self._owner))
        after = "ready" if rewrite else "unknown"
        with self._db.write() as connection:
            lost = connection.execute(
                sa.update(_d)
                .where(stale, _d.c.state == "sending")
                .values(
                    state=after,
                    owner=None,
                    due_at=_d.c.due_at if rewrite else now + first_look,
                    unknowns=_d.c.unknowns + (0 if rewrite else 1),
                    looks=0,
                    blind=0,
                    updated_at=now,
                )
                .returning(_d.c.id, _d.c.attempt)
            ).all()
            connection.execute(
                sa.update(_d).where(stale, _d.c.state == "claimed").values(state="ready", owner=None, updated_at=now)
            )
            for row in lost:
                log(connection, row.id, row.attempt, now, "recovered", text=after)
        failpoint("recover.after")
        return len(lost)

    def expire(self, now: datetime) -> int:
        """Withdraw every post whose time is over; cancel what can never leave any more. Returns how many were over."""
        over = sa.and_(_p.c.expires_at <= now, _p.c.withdrawn == 0, _p.c.kind == "post")
        with self._db.write() as connection:
            ids = list(connection.execute(sa.select(_p.c.id).where(over)).scalars())
            withdraw(connection, ids, now, "expired")
            _cancel_stranded(connection, now)
        return len(ids)

    def hold_overdue(self, channel: str, now: datetime, grace: timedelta) -> list[str]:
        """Hold what should have left long ago: a backlog is never blasted. Returns the publications' ids.

        Grace counts from the later of the due time and the moment of queueing (or of a person's `resume`). What
        waits for a later try has a later due time of its own, and is not overdue.
        """
        late = sa.and_(
            _p.c.channel == channel,
            _p.c.due_at < now - grace,
            _p.c.queued_at < now - grace,
            *active(),
        )
        with self._db.write() as connection:
            rows = connection.execute(
                sa.update(_d)
                .where(
                    _d.c.publication_id.in_(sa.select(_p.c.id).where(late)),
                    _d.c.state == "ready",
                    _d.c.due_at < now - grace,
                )
                .values(state="held", last_code="overdue", updated_at=now)
                .returning(_d.c.publication_id)
            ).all()
            held = {row.publication_id for row in rows}
            if channel == "newsletter":  # not expanded to its last reader: the publication itself waits
                letters = connection.execute(
                    sa.update(_p).where(late, _p.c.expanded_at.is_(None)).values(hold="overdue").returning(_p.c.id)
                ).all()
                held |= {row.id for row in letters}
        return [f"p{publication_id}" for publication_id in sorted(held)]

    def hold_switched(self, channel: str, now: datetime, *, live: bool) -> list[str]:
        """Hold what was queued while this channel was a sandbox and now reaches people, or the other way round.

        Nobody confirmed the first, and the second would count as sent and reach nobody. `publish` queues both again.
        Returns the publications' ids.
        """
        switched = sa.and_(_p.c.channel == channel, _p.c.live != int(live), _p.c.due_at <= now, *active())
        with self._db.write() as connection:
            rows = connection.execute(
                sa.update(_d)
                .where(_d.c.publication_id.in_(sa.select(_p.c.id).where(switched)), _d.c.state == "ready")
                .values(state="held", last_code="switched", updated_at=now)
                .returning(_d.c.publication_id)
            ).all()
            letters = connection.execute(
                sa.update(_p)
                .where(switched, _p.c.channel == "newsletter", _p.c.expanded_at.is_(None))
                .values(hold="switched")
                .returning(_p.c.id)
            ).all()
        return [f"p{number}" for number in sorted({r.publication_id for r in rows} | {r.id for r in letters})]

    def to_expand(self, now: datetime) -> list[int]:
        """Letters that are due and have no complete list of deliveries yet."""
        with self._db.read() as connection:
            return list(
                connection.execute(
                    sa.select(_p.c.id)
                    .where(_p.c.channel == "newsletter", _p.c.due_at <= now, _p.c.expanded_at.is_(None), *active())
                    .order_by(_p.c.due_at)
                ).scalars()
            )

    def expand(self, publication_id: int, now: datetime) -> int | None:
        """One chunk of a letter's audience. Returns the number of deliveries when this completed it.

        The audience is whoever consents at the moment of the first chunk; no delivery is claimed before the last.
        """
        with self._db.write() as connection:
            letter = connection.execute(sa.select(_p).where(_p.c.id == publication_id).with_for_update()).one()
            frozen = letter.audience_at or now
            readers = _readers_after(connection, letter.cursor, frozen)
            _add_readers(connection, letter, readers, now)
            values: dict[str, Any] = {"audience_at": frozen, "cursor": readers[-1] if readers else letter.cursor}
            count = None
            if len(readers) < CHUNK:
                mine = _d.c.publication_id == publication_id
                count = connection.execute(sa.select(sa.func.count()).where(mine)).scalar_one()
                values |= {"expanded_at": now, "candidates": count, "started_at": now}
            connection.execute(sa.update(_p).where(_p.c.id == publication_id).values(**values))
        failpoint("expand.after-chunk" if count is None else "expand.after-count")
        return count

    def next_due(self) -> datetime | None:
        """When the next delivery or letter is due, to say how long nothing will happen."""
        stopped = sa.select(schema.channel.c.name).where(schema.channel.c.stopped_at.is_not(None))
        goes_on = (_p.c.paused == 0, _p.c.cancelled == 0, _p.c.hold == "", _p.c.channel.not_in(stopped))
        with self._db.read() as connection:
            rows = connection.execute(
                sa.select(sa.func.min(_d.c.due_at))
                .join(_p, _p.c.id == _d.c.publication_id)
                .where(_d.c.state.in_(("ready", "unknown")), *goes_on)
            ).scalar()
            letters = connection.execute(
                sa.select(sa.func.min(_p.c.due_at)).where(
                    _p.c.channel == "newsletter", _p.c.expanded_at.is_(None), _p.c.withdrawn == 0, *goes_on
                )
            ).scalar()
        return min((moment for moment in (rows, letters) if moment), default=None)


def active(*, withdrawn: bool = False) -> list[sa.ColumnElement[bool]]:
    """Publications that may go on. A withdrawn page has its own rewrite to do."""
    conditions = [_p.c.cancelled == 0, _p.c.paused == 0, _p.c.hold == ""]
    return conditions if withdrawn else [*conditions, _p.c.withdrawn == 0]


def withdraw(connection: sa.Connection, ids: Sequence[int], now: datetime, code: str) -> None:
    """Take pages and feed items down, and cancel what has not left.

    A page that stands is rewritten (into "no longer current"); one that never stood is not made for that. The
    generation rises, so that a page which a worker is writing at this moment is written once more.
    """
    if not ids:
        return
    connection.execute(
        sa.update(_p).where(_p.c.id.in_(ids)).values(withdrawn=1, hold="", generation=_p.c.generation + 1)
    )
    mine = _d.c.publication_id.in_(ids)
    stands = sa.and_(_d.c.channel.in_(REWRITING), _d.c.sent_at.is_not(None))
    connection.execute(
        sa.update(_d)
        .where(mine, _d.c.state.in_(("sent", "ready", "failed")), stands)
        .values(state="ready", due_at=now, tries=0, updated_at=now)
    )
    connection.execute(
        sa.update(_d)
        .where(mine, _d.c.state.in_(("ready", "held")), sa.not_(stands))
        .values(state="cancelled", last_code=kept_code(code), updated_at=now)
    )


def kept_code(code: str) -> Any:
    """A new last code; but that nobody knows whether something is out is never overwritten."""
    return sa.case((_d.c.last_code == "outcome-unknown", _d.c.last_code), else_=code)


def _cancel_stranded(connection: sa.Connection, now: datetime) -> None:
    """What became ready again after its publication was cancelled or withdrawn: nobody would ever claim it."""
    gone = sa.or_(_p.c.cancelled == 1, sa.and_(_p.c.withdrawn == 1, _p.c.channel.not_in(REWRITING)))
    connection.execute(
        sa.update(_d)
        .where(_d.c.state == "ready", _d.c.publication_id.in_(sa.select(_p.c.id).where(gone)))
        .values(state="cancelled", updated_at=now)
    )


def _readers_after(connection: sa.Connection, cursor: int, frozen: datetime) -> list[int]:
    consenting = (_s.c.id > cursor, _s.c.state == "subscribed", _s.c.consent_at <= frozen)
    return list(connection.execute(sa.select(_s.c.id).where(*consenting).order_by(_s.c.id).limit(CHUNK)).scalars())


def _add_readers(connection: sa.Connection, letter: Any, readers: Sequence[int], now: datetime) -> None:
    rows = [
        {
            "publication_id": letter.id,
            "channel": "newsletter",
            "target": str(reader),
            "state": "ready",
            "due_at": letter.due_at,
            "updated_at": now,
        }
        for reader in readers
    ]
    if rows:
        connection.execute(sa.insert(_d), rows)


def log(
    connection: sa.Connection,
    delivery_id: int,
    attempt: int,
    at: datetime,
    event: str,
    *,
    code: str = "",
    text: str = "",
) -> None:
    """One line of a delivery's history, never changed again."""
    connection.execute(
        sa.insert(schema.attempt_log).values(
            delivery_id=delivery_id, attempt=attempt, at=at, event=event, code=code, text=text
        )
    )
