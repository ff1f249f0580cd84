"""One change of many deliveries, in chunks: a letter may have a million rows, and nobody waits a second for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from veille.outbox import schema

CHUNK = 10_000  # rows of one transaction
REST = 0.11  # seconds between two: SQLite's waiters look for the lock every 0.1 s at the latest

_d, _p = schema.delivery, schema.publication


@dataclass
class Work:
    """A change by hand, and how far it is; every row is changed once at most, also when it comes back meanwhile.

    Args:
        publication: whose deliveries these are.
        which: of these deliveries.
        states: from these states, in this order.
        values: what they get.
        event: what their history says.
    """

    publication: int
    which: sa.ColumnElement[bool]
    states: Sequence[str]
    values: Mapping[str, Any]
    now: datetime
    event: str
    done: bool = False
    _place: int = 0  # in `states`
    _after: int = 0  # the last delivery that was looked at in this state

    def chunk(self, connection: sa.Connection) -> int:
        """Change the next rows, at most `CHUNK`. Returns how many."""
        moved = 0
        while moved < CHUNK and not self.done:
            state = _d.c.state == self.states[self._place]
            mine = sa.and_(_d.c.publication_id == self.publication, state, _d.c.id > self._after, self.which)
            few = sa.select(_d.c.id).where(mine).order_by(_d.c.id).limit(CHUNK - moved).subquery()
            last, count = connection.execute(sa.select(sa.func.max(few.c.id), sa.func.count(few.c.id))).one()
            if count:
                move(connection, mine & (_d.c.id <= last), self.values, self.now, self.event)
            if count < CHUNK - moved:
                self._place, self._after = self._place + 1, 0
                self.done = self._place == len(self.states)
            else:
                self._after = last
            moved += count
        return moved

    def holds(self, connection: sa.Connection, what: sa.ColumnElement[bool]) -> bool:
        """Whether this is still so of the publication."""
        return connection.execute(sa.select(_p.c.id).where(_p.c.id == self.publication, what)).first() is not None


def move(
    connection: sa.Connection, which: sa.ColumnElement[bool], values: Mapping[str, Any], now: datetime, event: str
) -> int:
    """Change these deliveries by hand, with a line in the history of each. Returns how many."""
    changed = sa.update(_d).where(which).values(**values, updated_at=now).returning(_d.c.id, _d.c.attempt)
    rows = connection.execute(changed).all()
    if rows:
        history = [{"delivery_id": r.id, "attempt": r.attempt, "at": now, "event": f"by-hand: {event}"} for r in rows]
        connection.execute(sa.insert(schema.attempt_log), history)
    return len(rows)
