"""Asking for what is still to do with posts that a service has: edit, comment, delete, replace."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from veille.outbox import schema
from veille.outbox.renditions import insert_once
from veille.publishing import FollowUp

_d, _f, _p = schema.delivery, schema.follow_up, schema.publication


def want(connection: sa.Connection, deliveries: Sequence[int], kind: FollowUp, now: datetime) -> None:
    """Ask for a follow-up, anew if it was asked for before. What is to be deleted needs nothing else."""
    if kind in (FollowUp.DELETE, FollowUp.REPLACE):
        gone = ("edit", "replace") if kind is FollowUp.DELETE else ("edit",)
        connection.execute(sa.delete(_f).where(_f.c.delivery_id.in_(deliveries), _f.c.kind.in_(gone)))
    for number in deliveries:
        connection.execute(insert_once(connection, _f).values(delivery_id=number, kind=kind.value, version=0))
        fresh = {"due_at": now, "version": _f.c.version + 1, "tries": 0, "last_code": "", "last_error": ""}
        connection.execute(sa.update(_f).where(_f.c.delivery_id == number, _f.c.kind == kind.value).values(**fresh))


def take_back_if_gone(connection: sa.Connection, delivery: int, now: datetime) -> None:
    """A service holds a post that was cancelled, or whose file was deleted, while it was being handed over."""
    gone = sa.or_(_p.c.cancelled == 1, _p.c.withdrawn == 1)
    mine = sa.select(_d.c.id).join(_p, _p.c.id == _d.c.publication_id).where(_d.c.id == delivery, gone)
    if connection.execute(mine).first():
        want(connection, [delivery], FollowUp.DELETE, now)


def forget(connection: sa.Connection, deliveries: Sequence[int], kind: FollowUp) -> None:
    """Nobody wants it any more, and it was never tried."""
    mine = (_f.c.delivery_id.in_(deliveries), _f.c.kind == kind.value, _f.c.begun_at.is_(None))
    connection.execute(sa.delete(_f).where(*mine))
