"""The dispatch side of posts that a service has: what it holds for later, and what is still to do with them.

A follow-up never changes whether a post was delivered, and is tried again until the service answered. The delivery of
a deleted post that was public stays `sent`: it was seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from veille.errors import OutcomeUnknown, PublishError
from veille.failpoints import failpoint
from veille.outbox import schema
from veille.outbox.claims import Claims
from veille.outbox.follow_ups import leaving, want
from veille.outbox.renditions import load_publications
from veille.outbox.upkeep import log
from veille.publishing import Delivery, FollowUp

_d, _p, _f, _c = schema.delivery, schema.publication, schema.follow_up, schema.channel

MOST = 100  # of one pass: a page has few
RECENT = timedelta(days=30)  # since a publication was due: older ones are not read through
TOLD_WITHIN = timedelta(days=1)  # what a service has not told of a post by then, it never tells

# In which states of its delivery each comes: a comment has to wait until the post is public.
_WHEN = {
    FollowUp.EDIT: ("sent",),
    FollowUp.COMMENT: ("sent",),
    FollowUp.DELETE: ("scheduled", "sent"),
    # Its time may come before we do; or a person dropped it after a look, and the service may still have it.
    FollowUp.REPLACE: ("scheduled", "sent", "cancelled"),
}


@dataclass(frozen=True)
class Wanted:
    """A follow-up whose time has come."""

    delivery: Delivery
    kind: FollowUp
    version: int
    tries: int
    begun: datetime | None  # since when a try may have been carried out without our knowing
    unknowns: int  # how many such tries there were


@dataclass(frozen=True)
class Held:
    """A post that a service should have made public by now."""

    delivery: Delivery
    looks: int


class Hosted(Claims):
    """What `dispatch` asks about posts that a service has."""

    def due_follow_ups(self, channel: str, now: datetime, *, live: bool) -> list[Wanted]:
        """Those whose time has come, of a channel that goes on; the oldest post first."""
        states = sa.or_(*(sa.and_(_f.c.kind == k.value, _d.c.state.in_(when)) for k, when in _WHEN.items()))
        doubts = (_f.c.begun_at, _f.c.unknowns.label("doubts"))
        rows = (
            sa.select(_d, _f.c.kind, _f.c.version, _f.c.tries.label("tried"), *doubts)
            .join(_f, _f.c.delivery_id == _d.c.id)
            .where(_d.c.channel == channel, states, _f.c.due_at <= now, _d.c.remote_id != "", _live(live))
            .where(sa.or_(_goes_on(), sa.and_(_taken_back(), _goes_on(paused=True))))
            .where(_d.c.last_code != "deleted", sa.or_(_f.c.kind != FollowUp.COMMENT.value, ~leaving()))
            .order_by(_d.c.id, _f.c.kind.desc())
            .limit(MOST)
        )
        return [
            Wanted(delivery, FollowUp(row.kind), row.version, row.tried, row.begun_at, row.doubts)
            for row, delivery in self._with_posts(rows)
        ]

    def due_scheduled(self, channel: str, now: datetime, *, live: bool) -> list[Held]:
        """Posts that the service should have made public by now."""
        rows = sa.select(_d).where(_d.c.channel == channel, sa.text(schema.SCHEDULED), _d.c.due_at <= now)
        return [
            Held(delivery, row.looks)
            for row, delivery in self._with_posts(rows.where(_live(live), _goes_on()).order_by(_d.c.id).limit(MOST))
        ]

    def settle_scheduled(self, held: Held, values: Mapping[str, Any], now: datetime, event: str) -> bool:
        """Move a post that the service held on. False: a person was faster."""
        number = int(held.delivery.id[1:])
        with self._db.write() as connection:
            mine = (_d.c.id == number, _d.c.attempt == held.delivery.attempt, _d.c.state == "scheduled")
            changed = connection.execute(sa.update(_d).where(*mine).values(**values, updated_at=now)).rowcount
            if changed:
                log(connection, number, held.delivery.attempt, now, event, text=str(values.get("last_error", "")))
        failpoint("settle.after")
        return bool(changed)

    def due_addresses(self, channel: str, now: datetime) -> list[Held]:
        """Posts that are public, and whose id or address their service has not told yet; for a day."""
        recent = sa.select(_p.c.id).where(_p.c.channel == channel, _p.c.live == 1, _p.c.due_at > now - RECENT)
        mine = (_d.c.publication_id.in_(recent), _d.c.state == "sent", _d.c.last_code != "deleted")
        untold = (sa.or_(_d.c.remote_id == "", _d.c.url == ""), _d.c.due_at <= now, _d.c.sent_at > now - TOLD_WITHIN)
        rows = sa.select(_d).where(*mine, *untold).order_by(_d.c.id).limit(MOST)
        return [Held(delivery, row.looks) for row, delivery in self._with_posts(rows)]

    def tell_address(self, held: Held, values: Mapping[str, Any], now: datetime) -> None:
        """Write down what the service told of a public post, and when it is asked again."""
        mine = (_d.c.id == int(held.delivery.id[1:]), _d.c.attempt == held.delivery.attempt, _d.c.state == "sent")
        with self._db.write() as connection:
            connection.execute(sa.update(_d).where(*mine).values(**values, updated_at=now))

    def _with_posts(self, rows: sa.Select[Any]) -> list[tuple[Any, Delivery]]:
        with self._db.read() as connection:
            found = connection.execute(rows).all()
            publications = load_publications(connection, {row.publication_id for row in found})
            taken = self._taken(connection, found[0].channel) if found else frozenset()
            return [(row, self._delivery(row, publications[row.publication_id], None, taken)) for row in found]

    def begin_follow_up(self, wanted: Wanted, now: datetime, *, again: bool) -> bool:
        """Record that it is tried now. False: it is wanted differently since, or not at all, or another tries it.

        Args:
            again: whether it may be carried out, and not only looked for.
        """
        values: dict[str, Any] = {"tries": _f.c.tries + 1}
        if again:
            values |= {"begun_at": now, "unknowns": _f.c.unknowns + 1}
        with self._db.write() as connection:
            unbegun = (*_same(wanted), _f.c.tries == wanted.tries)
            changed = connection.execute(sa.update(_f).where(*unbegun).values(**values)).rowcount
        failpoint("follow-up.begun")
        return bool(changed)

    def end_follow_up(self, wanted: Wanted, now: datetime) -> None:
        """It is done; what a deletion leaves is cancelled, what is replaced is handed over anew."""
        failpoint("follow-up.answered")
        with self._db.write() as connection:
            done = connection.execute(sa.delete(_f).where(*_same(wanted))).rowcount
            number = int(wanted.delivery.id[1:])
            for state, values in _after(wanted.kind) if done else ():
                mine = (_d.c.id == number, _d.c.state.in_(state))
                connection.execute(sa.update(_d).where(*mine).values(**values, updated_at=now))
            log(connection, number, wanted.delivery.attempt, now, f"{wanted.kind.value}: done")
        failpoint("follow-up.done")

    def stands(self, wanted: Wanted, values: Mapping[str, Any], now: datetime) -> bool:
        """What was to be taken back is public by now: it is sent. Where it is wanted, its words are changed there.

        Returns:
            Whether this is news.
        """
        number = int(wanted.delivery.id[1:])
        mine = (_d.c.id == number, _d.c.state.in_(("scheduled", "cancelled")))
        with self._db.write() as connection:
            if not connection.execute(sa.delete(_f).where(*_same(wanted))).rowcount:
                return False
            state = connection.execute(sa.select(_d.c.state).where(_d.c.id == number)).scalar()
            changed = connection.execute(sa.update(_d).where(*mine).values(**values, updated_at=now)).rowcount
            if state != "cancelled":
                want(connection, [number], FollowUp.EDIT, now)
            log(connection, number, wanted.delivery.attempt, now, "found")
        failpoint("follow-up.done")
        return bool(changed)

    def put_off_follow_up(self, wanted: Wanted, when: datetime | None, now: datetime, error: PublishError) -> None:
        """It did not come about: when it is tried again; None: when a person asks for it."""
        number = int(wanted.delivery.id[1:])
        with self._db.write() as connection:
            values: dict[str, Any] = {"due_at": when, "last_code": error.code, "last_error": error.message}
            if not isinstance(error, OutcomeUnknown):  # nothing can have come of this try
                values |= {"begun_at": wanted.begun, "unknowns": wanted.unknowns}
            connection.execute(sa.update(_f).where(*_same(wanted)).values(**values))
            event = f"{wanted.kind.value}: {error.code}"
            hint = error.hint or ""
            log(connection, number, wanted.delivery.attempt, now, event, code=error.code, text=error.message, hint=hint)


def _live(live: bool) -> sa.ColumnElement[bool]:
    """Of publications for people, when the channel reaches people, and the other way round."""
    return _d.c.publication_id.in_(sa.select(_p.c.id).where(_p.c.live == int(live)))


def _goes_on(*, paused: bool = False) -> sa.ColumnElement[bool]:
    """Of a channel that does not stand still.

    Args:
        paused: also of one that a person stopped, and whose service still knows us.
    """
    stopped = sa.select(_c.c.name).where(_c.c.stopped_at.is_not(None))
    return _d.c.channel.not_in(stopped.where(_c.c.reason != "paused") if paused else stopped)


def _taken_back() -> sa.ColumnElement[bool]:
    """What is to be seen by nobody, or not yet: a pause does not keep that back."""
    return _f.c.kind.in_((FollowUp.DELETE.value, FollowUp.REPLACE.value))


def _same(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    number = int(wanted.delivery.id[1:])
    return [_f.c.delivery_id == number, _f.c.kind == wanted.kind.value, _f.c.version == wanted.version]


def _after(kind: FollowUp) -> list[tuple[tuple[str, ...], dict[str, Any]]]:
    """What becomes of a delivery whose post was taken back, by its state. Nothing of it is at the service any more."""
    unsent: dict[str, Any] = {
        "intent_at": None,
        "first_at": None,
        "sent_at": None,
        "checkpoint": "",
        "remote_id": "",
        "url": "",
    }
    unsent |= {"tries": 0, "unknowns": 0, "looks": 0, "blind": 0, "last_error": ""}
    cancelled = {**unsent, "state": "cancelled", "last_code": "deleted"}
    if kind is FollowUp.DELETE:
        return [(("scheduled",), cancelled), (("sent",), {"last_code": "deleted", "last_error": ""})]
    if kind is FollowUp.REPLACE:
        due = sa.select(_p.c.due_at).where(_p.c.id == _d.c.publication_id).scalar_subquery()
        ready = {**unsent, "state": "ready", "due_at": due, "last_code": ""}
        return [(("scheduled",), ready), (("cancelled",), cancelled)]
    return []
