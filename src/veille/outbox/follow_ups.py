"""Asking for what is still to do with posts that a service has: edit, comment, delete, replace."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from veille.outbox import schema
from veille.outbox.renditions import insert_once
from veille.outbox.schema import REWRITING
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


def leaving() -> sa.ColumnElement[bool]:
    """Whether the post of a delivery is to be deleted, or replaced: nobody comments on it any more."""
    other = _f.alias()
    going = other.c.kind.in_((FollowUp.DELETE.value, FollowUp.REPLACE.value))
    return sa.select(other.c.kind).where(other.c.delivery_id == _d.c.id, going).exists()


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


def try_again(connection: sa.Connection, rows: sa.ColumnElement[bool], now: datetime) -> int:
    """What could not be done with these posts is tried once more. Returns how many."""
    mine = sa.select(_d.c.id).where(rows, _d.c.remote_id != "")
    again = sa.update(_f).where(_f.c.delivery_id.in_(mine), _f.c.due_at.is_(None))
    fresh = {"due_at": now, "tries": 0, "unknowns": 0, "version": _f.c.version + 1}
    return connection.execute(again.values(**fresh)).rowcount


def take_back(connection: sa.Connection, rows: sa.ColumnElement[bool], now: datetime, *, public: bool) -> int:
    """Ask for the deletion of what a service has of these deliveries.

    Args:
        public: also of what everybody sees, or may see.

    Returns:
        How many posts that is about.
    """
    states = ("scheduled", "sent") if public else ("scheduled",)
    there = sa.and_(_d.c.state.in_(states), _d.c.remote_id != "", _d.c.last_code != "deleted")
    if public:  # what may be out, too: as soon as it is found
        there = sa.or_(there, _d.c.state.in_(("sending", "unknown")))
    posts = sa.select(_d.c.id).where(rows, there, _d.c.channel.not_in(("newsletter", *REWRITING)))
    found = connection.execute(posts).scalars().all()
    want(connection, found, FollowUp.DELETE, now)
    return len(found)


def drop(connection: sa.Connection, rows: sa.ColumnElement[bool], now: datetime) -> None:
    """A person does not want these any more: what a service holds for later is taken back, what is public stays."""
    there = sa.select(_d.c.id).where(rows, _d.c.state == "cancelled", _d.c.remote_id != "")
    posts = there.where(_d.c.channel.not_in(("newsletter", *REWRITING)))
    want(connection, connection.execute(posts).scalars().all(), FollowUp.REPLACE, now)


def keep(connection: sa.Connection, rows: sa.ColumnElement[bool]) -> None:
    """These go after all: nobody wants them taken down any more, once they are out."""
    again = sa.select(_d.c.id).where(rows, _d.c.state == "ready")
    going = _f.c.kind.in_((FollowUp.DELETE.value, FollowUp.REPLACE.value))
    connection.execute(sa.delete(_f).where(_f.c.delivery_id.in_(again), going))


def hold_back(connection: sa.Connection, which: sa.ColumnElement[bool], now: datetime) -> None:
    """What a service holds of these deliveries for later would leave all the same: it is taken back."""
    held = sa.select(_d.c.id).where(which, sa.text(schema.SCHEDULED))
    want(connection, connection.execute(held).scalars().all(), FollowUp.REPLACE, now)
