"""Exactly who got it: the deliveries of one publication with the readers' addresses, asked for by name.

The only place outside the list of readers from which addresses come out. A million rows pass through here one
portion at a time: no transaction is open while somebody reads them, so that a writer never waits (SQLite with a
rollback journal lets nobody write while a read lasts).
"""

from __future__ import annotations

import heapq
import itertools
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from veille.outbox import schema
from veille.outbox.database import Database
from veille.outbox.ids import number_of

_PORTION = 1_000  # rows of one short read
_d, _s = schema.delivery, schema.subscriber


@dataclass(frozen=True)
class Reached:
    """One delivery, and to whom."""

    id: str
    address: str = field(repr=False)  # "" on other channels, and for a reader who was erased since
    state: str
    sent_at: datetime | None
    attempt: int
    remote_id: str  # mail: the server's answer to the letter
    last_code: str
    last_error: str


def reached(database: Database, publication_id: str, states: Sequence[str] = ()) -> Iterator[Reached]:
    """Every delivery of a publication, each once, by id, in the state in which it is when its portion is read.

    Args:
        states: only these; all by default. What left them while the list is read is not in it.
    """
    wanted = tuple(states) or schema.STATES
    ids = heapq.merge(*_ids(database, number_of(publication_id), wanted))
    while portion := list(itertools.islice(ids, _PORTION)):
        with database.read() as connection:
            rows = connection.execute(_portion(portion, wanted)).all()
        yield from (_one(row) for row in rows)


def _ids(database: Database, publication: int, states: Sequence[str]) -> list[array[int]]:
    """Their ids by state, eight bytes each, from the index alone and as of one moment."""
    found = []
    with database.read() as connection:
        streaming = connection.execution_options(yield_per=20_000)
        for state in states:
            mine = sa.select(_d.c.id).where(_d.c.publication_id == publication, _d.c.state == state)
            found.append(array("q", streaming.execute(mine.order_by(_d.c.id)).scalars()))
    return found


def _portion(ids: list[int], states: Sequence[str]) -> sa.Select[Any]:
    # A target is a reader's number on this channel only; "folder" is no number anywhere.
    reader = sa.case((_d.c.channel == "newsletter", sa.cast(_d.c.target, schema.BigInt)))
    columns = (_d.c.id, _d.c.state, _d.c.sent_at, _d.c.attempt, _d.c.remote_id, _d.c.last_code, _d.c.last_error)
    return (
        sa.select(*columns, _s.c.email)
        .select_from(_d.outerjoin(_s, _s.c.id == reader))
        .where(_d.c.id.in_(ids), _d.c.state.in_(states))
        .order_by(_d.c.id)
    )


def _one(row: Any) -> Reached:
    return Reached(
        id=f"d{row.id}",
        address=row.email or "",
        state=row.state,
        sent_at=row.sent_at,
        attempt=row.attempt,
        remote_id=row.remote_id,
        last_code=row.last_code,
        last_error=row.last_error,
    )
