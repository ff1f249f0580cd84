"""What is still to do with posts that a service has, for people to read: what, when next, and why not yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from veille.errors import OutcomeUnknown
from veille.outbox import schema
from veille.outbox.database import Database
from veille.outbox.follow_ups import leaving
from veille.outbox.ids import number_of
from veille.outbox.report import Row
from veille.posts import SERVICES
from veille.publishing import FollowUp

_d, _p, _f, _l = schema.delivery, schema.publication, schema.follow_up, schema.attempt_log


@dataclass(frozen=True)
class Pending:
    """One thing that is still to do with a post.

    Args:
        due: of the next try; None: a person must look.
        error: why the last try did not do it; "" before the first.
        hint: what a person can do about it.
    """

    delivery: str
    publication: str
    channel: str
    title: str
    kind: FollowUp
    due: datetime | None
    error: str = ""
    hint: str = ""


def pending(database: Database, name: str = "") -> list[Pending]:
    """Everything that is still to do, oldest post first.

    A first comment whose post is not public yet is not late, and not told of.

    Args:
        name: "p12" or "d345": of this alone.
    """
    # A post that was resolved by hand has no id at its service, so that nothing can be done with it there.
    goes = sa.and_(_d.c.state == "cancelled", _f.c.kind == FollowUp.REPLACE.value)  # dropped by a person
    there = (_d.c.remote_id != "", _d.c.last_code != "deleted", sa.or_(_d.c.state.in_(("scheduled", "sent")), goes))
    public = sa.and_(_d.c.state == "sent", ~leaving())
    ripe = sa.or_(_f.c.kind != FollowUp.COMMENT.value, public, _f.c.due_at.is_(None))
    rows = sa.select(_f, _d.c.publication_id, _d.c.channel, _d.c.state, _p.c.title)
    rows = rows.join(_d, _d.c.id == _f.c.delivery_id).join(_p, _p.c.id == _d.c.publication_id).where(*there, ripe)
    if name:
        rows = rows.where((_d.c.id if name.startswith("d") else _p.c.id) == number_of(name))
    with database.read() as connection:
        found = connection.execute(rows.order_by(_f.c.delivery_id, _f.c.kind)).all()
        return [_pending(row, _hint(connection, row)) for row in found]


def handed_over(database: Database, name: str) -> list[str]:
    """Posts that a service was asked to publish at their time, and nobody knows whether it will: they were not found.

    Args:
        name: "p12" or "d345".
    """
    mine = (_d.c.id if name.startswith("d") else _p.c.id) == number_of(name)
    unseen = (_d.c.state.in_(("held", "unknown")), _d.c.last_code == OutcomeUnknown.code, _d.c.remote_id == "")
    rows = sa.select(_d.c.id).join(_p, _p.c.id == _d.c.publication_id).where(mine, *unseen)
    posts = rows.where(_d.c.channel.in_(tuple(SERVICES)), _d.c.intent_at < _p.c.due_at).order_by(_d.c.id)
    with database.read() as connection:
        return [f"d{number}" for number in connection.execute(posts).scalars()]


def hint_of(database: Database, row: Row) -> str:
    """What a person can do about how this delivery ended; "" when nothing special is known."""
    with database.read() as connection:
        return _told(connection, number_of(row.id), row.last_code)


def _hint(connection: sa.Connection, row: Any) -> str:
    return _told(connection, row.delivery_id, f"{row.kind}: {row.last_code}") if row.last_error else ""


def _told(connection: sa.Connection, delivery: int, event: str) -> str:
    """What was said to do when this last happened."""
    mine = (_l.c.delivery_id == delivery, _l.c.event == event)
    latest = sa.select(_l.c.hint).where(*mine).order_by(_l.c.id.desc()).limit(1)
    return str(connection.execute(latest).scalar() or "")


def _pending(row: Any, hint: str) -> Pending:
    return Pending(
        delivery=f"d{row.delivery_id}",
        publication=f"p{row.publication_id}",
        channel=row.channel,
        title=row.title,
        kind=FollowUp.DELETE if row.state == "cancelled" else FollowUp(row.kind),
        due=row.due_at,
        error=row.last_error,
        hint=hint,
    )
