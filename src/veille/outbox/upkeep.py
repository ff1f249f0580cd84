"""Deliveries that no worker has in hand: taken over, expired, held, expanded to readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from veille.failpoints import failpoint
from veille.outbox import schema
from veille.outbox.database import Database
from veille.outbox.follow_ups import want
from veille.outbox.renditions import insert_once
from veille.outbox.schema import REWRITING
from veille.publishing import FollowUp
from veille.rates import Limits
from veille.segments import Segment, from_json

CHUNK = 20_000  # rows of one step: nobody waits a second for it

_FREE = Limits()
FIRST_REST = timedelta(minutes=5)
LONGEST_REST = timedelta(hours=4)

_d, _p, _s, _x, _c = schema.delivery, schema.publication, schema.subscriber, schema.exclusion, schema.channel
_f = schema.follow_up
READY: sa.ColumnElement[bool] = sa.text(schema.READY)  # type: ignore[assignment]


class Upkeep:
    """What the pump asks of the ledger before it claims. `owner` names this worker in every row that it holds."""

    def __init__(self, database: Database, owner: str, limits: Mapping[str, Limits] | None = None) -> None:
        self._db = database
        self._owner = owner
        self._limits = limits or {}

    def _limits_of(self, channel: str) -> Limits:
        return self._limits.get(channel, _FREE)

    def recover(self, channel: str, now: datetime, first_look: timedelta, *, rewrite: bool) -> int:
        """Take over what a dead worker left, or we ourselves when the outbox failed in mid-delivery.

        Claimed goes back, sending becomes unknown (files: ready). To be called while this worker has nothing in hand;
        only one works on this ledger at a time (`veille run` holds a lock), so nobody else has either.
        """
        stale = sa.and_(_d.c.channel == channel, sa.text(schema.IN_HAND))
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
        self._cancel_stranded(now)
        return len(ids)

    def write_again(self, channel: str, now: datetime, midnight: datetime, *, live: bool) -> bool:
        """Make one page or feed item that stands ready again, if its channel was not written since midnight.

        Calendars, "what is on" and records that end follow the day, and one delivery rewrites the whole channel. What
        was written for the sandbox does not count for people, nor the other way round.

        Returns:
            Whether one was made ready.
        """
        stands = sa.select(_d.c.id).join(_p, _p.c.id == _d.c.publication_id)
        stands = stands.where(_p.c.channel == channel, _p.c.live == int(live), *active(withdrawn=True))
        stands = stands.where(_d.c.sent_at.is_not(None))
        begun = sa.and_(_d.c.state != "sent", sa.or_(_d.c.state != "failed", _d.c.updated_at >= midnight))
        with self._db.read() as connection:
            if connection.execute(stands.where(sa.or_(_d.c.intent_at >= midnight, begun)).limit(1)).first():
                return False
            latest = stands.where(_d.c.state == "sent").order_by(_d.c.sent_at.desc(), _d.c.id).limit(1)
            found = connection.execute(latest).scalar()
        if found is None:
            return False
        again = sa.update(_d).where(_d.c.id == found, _d.c.state == "sent")
        with self._db.write() as connection:
            changed = connection.execute(again.values(state="ready", due_at=now, tries=0, updated_at=now)).rowcount
        return bool(changed)

    def _cancel_stranded(self, now: datetime) -> None:
        """What became ready again after its publication was cancelled or withdrawn: nobody would ever claim it."""
        gone = sa.or_(_p.c.cancelled == 1, sa.and_(_p.c.withdrawn == 1, _p.c.channel.not_in(REWRITING)))
        stranded = [READY, _d.c.publication_id.in_(sa.select(_p.c.id).where(gone))]
        self._in_chunks(stranded, {"state": "cancelled", "updated_at": now})

    def hold_overdue(self, channel: str, now: datetime, grace: timedelta) -> list[str]:
        """Hold what should have left long ago: a backlog is never blasted. Returns the publications' ids.

        Grace counts from the later of the due time and the moment of queueing (or of a person's `resume`). What
        waits for a later try has a later due time of its own, and is not overdue.
        """
        limit = now - grace
        active_at = sa.func.coalesce(_p.c.active_at, _p.c.due_at)  # what goes on slowly is not overdue
        late = sa.and_(
            _p.c.channel == channel, _p.c.due_at < limit, _p.c.queued_at < limit, active_at < limit, *active()
        )
        held = set(self._hold(late, "overdue", [_d.c.due_at < limit], now))
        if channel == "newsletter":  # not expanded to its last reader: the publication itself waits
            held |= self._hold_waiting(late, "overdue")
        return [f"p{publication_id}" for publication_id in sorted(held)]

    def hold_switched(self, channel: str, now: datetime, *, live: bool) -> list[str]:
        """Hold what was queued while this channel was a sandbox and now reaches people, or the other way round.

        Nobody confirmed the first, and the second would count as sent and reach nobody. `publish` queues both again.
        Returns the publications' ids.
        """
        switched = sa.and_(_p.c.channel == channel, _p.c.live != int(live), _p.c.due_at <= now, *active())
        held = self._hold(switched, "switched", [], now)
        if channel == "newsletter":
            held |= self._hold_waiting(switched, "switched")
        return [f"p{publication_id}" for publication_id in sorted(held)]

    def _hold(
        self, which: sa.ColumnElement[bool], code: str, where: list[sa.ColumnElement[bool]], now: datetime
    ) -> set[int]:
        """Hold what is ready of these publications."""
        ready = [_d.c.publication_id.in_(sa.select(_p.c.id).where(which)), READY, *where]
        return self._in_chunks(ready, {"state": "held", "last_code": code, "updated_at": now})

    def _hold_waiting(self, which: sa.ColumnElement[bool], code: str) -> set[int]:
        """Hold letters that have no complete list of readers."""
        with self._db.write() as connection:
            waiting = sa.update(_p).where(which, _p.c.expanded_at.is_(None)).values(hold=code)
            return set(connection.execute(waiting.returning(_p.c.id)).scalars())

    def _in_chunks(self, where: list[sa.ColumnElement[bool]], values: Mapping[str, Any]) -> set[int]:
        """Change rows, few in each transaction: a million at once would keep everybody else waiting.

        Returns:
            Their publications.
        """
        touched: set[int] = set()
        some = sa.select(_d.c.id).where(*where).limit(CHUNK).scalar_subquery()
        change = sa.update(_d).where(_d.c.id.in_(some)).values(**values).returning(_d.c.publication_id)
        while True:
            with self._db.write() as connection:
                found = list(connection.execute(change).scalars())
            touched.update(found)
            if len(found) < CHUNK:
                return touched

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

        The audience is whoever is known at the moment of the first chunk; no delivery is claimed before the last.
        Each of them gets a delivery or is counted as left out, with the reason.
        """
        with self._db.write() as connection:
            letter = connection.execute(sa.select(_p).where(_p.c.id == publication_id).with_for_update()).one()
            newest = letter.audience_id
            if newest is None:
                newest = connection.execute(sa.select(sa.func.coalesce(sa.func.max(_s.c.id), 0))).scalar_one()
            values: dict[str, Any] = {"audience_at": letter.audience_at or now, "audience_id": newest}
            upper = _end_of_chunk(connection, letter.cursor, newest)
            self._add_readers(connection, letter, upper, now)
            values["cursor"] = upper
            count = None
            if upper == newest:
                count = _count(connection, publication_id)
                values |= {"expanded_at": now, "candidates": count + _excluded(connection, publication_id)}
                values |= {"started_at": now, "active_at": now}
            connection.execute(sa.update(_p).where(_p.c.id == publication_id).values(**values))
        failpoint("expand.after-chunk" if count is None else "expand.after-count")
        return count

    def _add_readers(self, connection: sa.Connection, letter: Any, upper: int, now: datetime) -> None:
        """Deliveries for one chunk of subscribers, made inside the database; the others are counted by reason."""
        chunk = sa.and_(_s.c.id > letter.cursor, _s.c.id <= upper)
        wanted = sa.and_(_s.c.state == "subscribed", _receives_a_post(letter.segments))
        domains = self._limits_of("newsletter").domains
        lane: Any = sa.case(dict(domains), value=_s.c.domain, else_="") if domains else sa.literal("")
        moment = schema.Moment()
        columns = {
            "publication_id": sa.literal(letter.id),
            "channel": sa.literal("newsletter"),
            "target": sa.cast(_s.c.id, sa.Text),
            "lane": lane,
            "state": sa.literal("ready"),
            "due_at": sa.literal(letter.due_at, moment),
            "updated_at": sa.literal(now, moment),
        }
        rows = sa.select(*(value.label(name) for name, value in columns.items())).where(chunk, wanted)
        connection.execute(sa.insert(_d).from_select(list(columns), rows.order_by(_s.c.id)))
        reason = sa.case((_s.c.state == "subscribed", "no-post"), else_=_s.c.state)
        others = sa.select(reason.label("reason"), sa.func.count().label("n")).where(chunk, sa.not_(wanted))
        for row in connection.execute(others.group_by(reason)).all():
            _exclude(connection, letter.id, row.reason, row.n)

    def rest_channel(self, name: str, now: datetime) -> None:
        """Its service failed as a whole: leave it alone, longer each time. `wake_channel` or a person ends it."""
        with self._db.write() as connection:
            connection.execute(insert_once(connection, _c).values(name=name))
            mine = _c.c.name == name
            before = connection.execute(sa.select(_c.c.failures).where(mine)).scalar_one()
            wait = min(FIRST_REST * 2 ** min(before, 10), LONGEST_REST)
            connection.execute(sa.update(_c).where(mine).values(failures=before + 1, rests_until=now + wait))

    def wake_channel(self, name: str) -> None:
        """Its service works again."""
        with self._db.write() as connection:
            connection.execute(sa.update(_c).where(_c.c.name == name).values(failures=0, rests_until=None))

    def failed_before(self, name: str) -> bool:
        """Whether its service failed when it was last tried."""
        with self._db.read() as connection:
            return bool(connection.execute(sa.select(_c.c.failures).where(_c.c.name == name)).scalar())

    def rests_until(self, name: str, now: datetime) -> datetime | None:
        """Until when a channel is left alone after a failure of its service; None: it is not."""
        with self._db.read() as connection:
            return rests(connection, name, now)

    def next_due(self) -> datetime | None:
        """When the next delivery or letter is due, to say how long nothing will happen."""
        stopped = sa.select(schema.channel.c.name).where(schema.channel.c.stopped_at.is_not(None))
        goes_on = (_p.c.paused == 0, _p.c.cancelled == 0, _p.c.hold == "", _p.c.channel.not_in(stopped))
        with self._db.read() as connection:
            first = [
                connection.execute(
                    sa.select(sa.func.min(_d.c.due_at)).join(_p, _p.c.id == _d.c.publication_id).where(state, *goes_on)
                ).scalar()
                for state in (READY, sa.text(schema.UNKNOWN), sa.text(schema.SCHEDULED))
            ]
            wanted = sa.select(sa.func.min(_f.c.due_at)).join(_d, _d.c.id == _f.c.delivery_id)
            there = (_d.c.state == "sent", _d.c.remote_id != "", _d.c.channel.not_in(stopped))
            first.append(connection.execute(wanted.where(*there)).scalar())
            letters = connection.execute(
                sa.select(sa.func.min(_p.c.due_at)).where(
                    _p.c.channel == "newsletter", _p.c.expanded_at.is_(None), _p.c.withdrawn == 0, *goes_on
                )
            ).scalar()
        return min((moment for moment in (*first, letters) if moment), default=None)


def rests(connection: sa.Connection, channel: str, now: datetime) -> datetime | None:
    """See `Upkeep.rests_until`. A clock that was set back makes no rest longer than the longest."""
    until: datetime | None = connection.execute(sa.select(_c.c.rests_until).where(_c.c.name == channel)).scalar()
    return until if until is not None and now < until <= now + LONGEST_REST else None


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
    held = connection.execute(sa.select(_d.c.id).where(mine, _d.c.state == "scheduled")).scalars().all()
    want(connection, held, FollowUp.DELETE, now)


def kept_code(code: str) -> Any:
    """A new last code; but that nobody knows whether something is out is never overwritten."""
    return sa.case((_d.c.last_code.in_(("outcome-unknown", "by-hand")), _d.c.last_code), else_=code)


def _end_of_chunk(connection: sa.Connection, cursor: int, newest: int) -> int:
    """The last subscriber of the next chunk; the newest of all when fewer are left."""
    behind = sa.select(_s.c.id).where(_s.c.id > cursor, _s.c.id < newest)
    last: int | None = connection.execute(behind.order_by(_s.c.id).offset(CHUNK - 1).limit(1)).scalar()
    return newest if last is None else last


def _receives_a_post(segments: str) -> sa.ColumnElement[bool]:
    """Whether at least one post of the letter is for this subscriber: `Segment.includes`, in SQL."""
    return sa.or_(*(_includes(segment) for segment in from_json(segments))) if segments else sa.true()


def _includes(segment: Segment) -> sa.ColumnElement[bool]:
    towns = [sa.literal(",").concat(_s.c.towns).concat(",").contains(f",{town},") for town in segment.towns]
    town = sa.or_(_s.c.towns == "", *towns) if towns else sa.true()
    audience = _s.c.audience.in_(["", *segment.audience]) if segment.audience else sa.true()
    return sa.and_(town, audience)


def _exclude(connection: sa.Connection, publication_id: int, reason: str, readers: int) -> None:
    mine = (_x.c.publication_id == publication_id, _x.c.reason == reason)
    known = connection.execute(sa.update(_x).where(*mine).values(readers=_x.c.readers + readers)).rowcount
    if not known:
        connection.execute(sa.insert(_x).values(publication_id=publication_id, reason=reason, readers=readers))


def _count(connection: sa.Connection, publication_id: int) -> int:
    mine = _d.c.publication_id == publication_id
    return connection.execute(sa.select(sa.func.count()).select_from(_d).where(mine)).scalar_one()


def _excluded(connection: sa.Connection, publication_id: int) -> int:
    mine = _x.c.publication_id == publication_id
    return int(connection.execute(sa.select(sa.func.coalesce(sa.func.sum(_x.c.readers), 0)).where(mine)).scalar_one())


def log(
    connection: sa.Connection,
    delivery_id: int,
    attempt: int,
    at: datetime,
    event: str,
    *,
    code: str = "",
    text: str = "",
    hint: str = "",
) -> None:
    """One line of a delivery's history, never changed again."""
    connection.execute(
        sa.insert(schema.attempt_log).values(
            delivery_id=delivery_id, attempt=attempt, at=at, event=event, code=code, text=text, hint=hint
        )
    )
