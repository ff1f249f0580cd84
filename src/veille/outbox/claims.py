"""Which deliveries a worker takes next: due, of a publication that goes on, and within the rates of their lanes."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from veille.failpoints import failpoint
from veille.outbox import schema
from veille.outbox.buckets import Buckets
from veille.outbox.database import Database
from veille.outbox.renditions import load_publications
from veille.outbox.schema import REWRITING
from veille.outbox.upkeep import READY, Upkeep, active, rests
from veille.publishing import AT_ITS_TIME, Delivery, Publication, Recipient
from veille.rates import Limits
from veille.segments import from_json

_d, _p, _s = schema.delivery, schema.publication, schema.subscriber
# Tries alone keep a letter from being overdue for a day; then answers must come, or grace, a day more, holds it.
TRIED_FOR = timedelta(hours=24)
_NEEDED = [
    _d.c[name]
    for name in (
        *("id", "publication_id", "channel", "target", "attempt", "first_at", "message_id"),
        *("checkpoint", "intent_at", "tries", "unknowns", "remote_id"),
    )
]


class Claims(Upkeep):
    """The claiming side of `Deliveries`."""

    def __init__(
        self,
        database: Database,
        owner: str,
        message_key: bytes,
        mail_domain: str,
        limits: Mapping[str, Limits] | None = None,
        reader_key: bytes = b"",
    ) -> None:
        super().__init__(database, owner, limits)
        self._message_key = message_key
        self._mail_domain = mail_domain
        self._reader_key = reader_key  # of the keyed hashes of readers who are put away
        self._letters: dict[tuple[int, int], Publication] = {}  # by id and generation

    def claim(
        self, channel: str, now: datetime, limit: int, ahead: tuple[timedelta, timedelta] | None = None
    ) -> list[Delivery]:
        """Take up to `limit` due deliveries of a channel; each claim raises the fencing token.

        Args:
            ahead: for a service that schedules by itself: how long before its time a post may be claimed.
        """
        with self._db.write() as connection:
            if channel == "newsletter":
                rows = self._letters_of(connection, self._going(connection, channel, now, limit), limit, now)
            else:
                rows = self._others(connection, channel, now, limit, ahead)
            deliveries = self._claimed(connection, channel, rows, now) if rows else []
        failpoint("claim.after")
        return sorted(deliveries, key=lambda delivery: int(delivery.id[1:]))

    def _others(
        self,
        connection: sa.Connection,
        channel: str,
        now: datetime,
        limit: int,
        ahead: tuple[timedelta, timedelta] | None,
    ) -> list[Any]:
        due = _due(now, ahead)
        going = self._going(connection, channel, now, limit, due=due)
        mine = sa.select(_p.c.id).where(_p.c.id == _d.c.publication_id, due).exists() if ahead else due
        return self._update(connection, going, [], limit, now, due=mine) if going else []

    def opens(self, channel: str, now: datetime) -> datetime | None:
        """When more of what is due may be claimed, if it waits for a rate limit, the morning or a rest."""
        limits = self._limits_of(channel)
        with self._db.read() as connection:
            rest = rests(connection, channel, now)
            if rest is not None:
                return rest if self._going(connection, channel, now, 1, awake=True) else None
            if channel != "newsletter":  # nothing holds a post back but its time, which may come after that of its try
                return None
            if self._going(connection, channel, now, 1):
                moments = self._openings(connection, channel, now)
                return datetime.fromtimestamp(min(moments), UTC) if moments else None
            if limits.window and self._going(connection, channel, now, 1, at_night=True):
                return limits.window.next_opening(now, limits.zone)
        return None

    def _openings(self, connection: sa.Connection, channel: str, now: datetime) -> list[float]:
        limits = self._limits_of(channel)
        buckets = Buckets(connection, channel, now)
        server = buckets.opens("", limits.server)
        moments = []
        for number in self._going(connection, channel, now, 10):
            for lane in self._lanes_waiting(connection, number, now):
                moments.append(max(server, buckets.opens(lane, limits.lanes.get(lane, ()))))
        return moments

    def _lanes_waiting(self, connection: sa.Connection, publication_id: int, now: datetime) -> list[str]:
        waiting = (_d.c.publication_id == publication_id, READY, _d.c.due_at <= now)
        lanes = sa.select(_d.c.lane).where(*waiting).distinct()
        return list(connection.execute(lanes).scalars())

    def _going(
        self,
        connection: sa.Connection,
        channel: str,
        now: datetime,
        limit: int,
        *,
        at_night: bool = False,
        awake: bool = False,
        due: sa.ColumnElement[bool] | None = None,
    ) -> list[int]:
        """Publications with something that may be claimed now, the longest due first.

        Args:
            at_night: as if it were day.
            awake: as if the channel did not rest after a failure.
            due: which deliveries those are; their time has come, unless this says otherwise.
        """
        if stands_still(connection, channel) or (not awake and rests(connection, channel, now)):
            return []
        mine = (_d.c.publication_id == _p.c.id, READY, _due(now) if due is None else due)
        where = [
            _p.c.channel == channel,
            sa.select(_d.c.id).where(*mine).exists(),
            *active(withdrawn=channel in REWRITING),
        ]
        if channel == "newsletter":
            where.append(_p.c.expanded_at.is_not(None))
        limits = self._limits_of(channel)
        if limits.window and not (at_night or awake) and not limits.window.open_at(now, limits.zone):
            where.append(_p.c.urgent == 1)
        return list(
            connection.execute(sa.select(_p.c.id).where(*where).order_by(_p.c.due_at, _p.c.id).limit(limit)).scalars()
        )

    def _letters_of(self, connection: sa.Connection, going: Sequence[int], limit: int, now: datetime) -> list[Any]:
        """Rows of letters, as many as the server's rate and those of the lanes allow."""
        limits = self._limits_of("newsletter")
        buckets = Buckets(connection, "newsletter", now)
        most = buckets.allowed("", limits.server, limit)
        rows: list[Any] = []
        for number in going:
            rows += self._by_lane(connection, number, most - len(rows), now, buckets)
        buckets.take("", limits.server, len(rows))
        return rows

    def _by_lane(
        self, connection: sa.Connection, publication_id: int, most: int, now: datetime, buckets: Buckets
    ) -> list[Any]:
        """Lanes with a rate of their own first: they take few. Each query reads the index in its order."""
        lanes = self._limits_of("newsletter").lanes
        rows: list[Any] = []
        for lane, rates in lanes.items():
            if (count := buckets.allowed(lane, rates, most - len(rows))) > 0:
                taken = self._update(connection, [publication_id], [_d.c.lane == lane], count, now)
                buckets.take(lane, rates, len(taken))
                rows += taken
        if most > len(rows):
            rows += self._update(connection, [publication_id], [_d.c.lane == ""], most - len(rows), now)
        if most > len(rows):  # lanes that lost their limit since
            other = [_d.c.lane != "", _d.c.lane.not_in(list(lanes))]
            rows += self._update(connection, [publication_id], other, most - len(rows), now)
        return rows

    def _update(
        self,
        connection: sa.Connection,
        publications: Sequence[int],
        lane: list[sa.ColumnElement[bool]],
        most: int,
        now: datetime,
        due: sa.ColumnElement[bool] | None = None,
    ) -> list[Any]:
        when = _due(now) if due is None else due
        few = (
            sa.select(_d.c.id)
            .where(_d.c.publication_id.in_(publications), READY, when, *lane)
            .order_by(_d.c.publication_id, _d.c.lane, _d.c.due_at, _d.c.id)
            .limit(most)
            .with_for_update(skip_locked=True, of=_d)
        )
        claimed = (
            sa.update(_d)
            .where(_d.c.id.in_(few.scalar_subquery()))
            .values(
                state="claimed",
                owner=self._owner,
                attempt=_d.c.attempt + 1,
                first_at=sa.func.coalesce(_d.c.first_at, sa.literal(now, schema.Moment())),
                updated_at=now,
            )
            .returning(*_NEEDED)
        )
        return list(connection.execute(claimed).all())

    def _claimed(self, connection: sa.Connection, channel: str, rows: Sequence[Any], now: datetime) -> list[Delivery]:
        """Claimed rows as deliveries, with what they need to leave."""
        publications = self._publications(connection, channel, {row.publication_id for row in rows})
        mine = _p.c.id.in_(list(publications))
        connection.execute(sa.update(_p).where(mine, _p.c.started_at.is_(None)).values(started_at=now))
        connection.execute(sa.update(_p).where(mine, _p.c.started_at > now - TRIED_FOR).values(active_at=now))
        mail = channel == "newsletter"
        readers = _recipients(connection, rows) if mail else {}
        gone = _not_for(connection, rows, readers) if mail else {}
        for code in sorted(set(gone.values())):
            ids = [number for number, why in gone.items() if why == code]
            left = {"state": "cancelled", "owner": None, "last_code": code}
            connection.execute(sa.update(_d).where(_d.c.id.in_(ids)).values(**left))
        taken = self._taken(connection, channel)
        return [
            self._delivery(row, publications[row.publication_id], readers.get(row.target), taken)
            for row in rows
            if row.id not in gone
        ]

    def _publications(self, connection: sa.Connection, channel: str, ids: set[int]) -> dict[int, Publication]:
        """Publications with their renditions; a letter is read once and not for each batch of its readers."""
        if channel != "newsletter":
            return load_publications(connection, ids)
        generations = connection.execute(sa.select(_p.c.id, _p.c.generation).where(_p.c.id.in_(ids))).all()
        wanted = {row.id: (row.id, row.generation) for row in generations}
        if missing := [number for number, key in wanted.items() if key not in self._letters]:
            kept = {key: letter for key, letter in self._letters.items() if key in wanted.values()}
            read = load_publications(connection, missing)
            self._letters = kept | {wanted[number]: letter for number, letter in read.items()}
        return {number: self._letters[key] for number, key in wanted.items()}

    def _taken(self, connection: sa.Connection, channel: str) -> frozenset[str]:
        """The remote ids of every post on a page or account: two posts may have the same words."""
        if channel == "newsletter" or channel in REWRITING:
            return frozenset()
        known = sa.select(_d.c.remote_id).join(_p, _p.c.id == _d.c.publication_id)
        return frozenset(connection.execute(known.where(_p.c.channel == channel, _d.c.remote_id != "")).scalars())

    def _delivery(
        self,
        row: Any,
        publication: Publication,
        recipient: Recipient | None,
        taken: frozenset[str] = frozenset(),
    ) -> Delivery:
        mail = row.channel == "newsletter"
        return Delivery(
            id=f"d{row.id}",
            publication=publication,
            target=row.target,
            attempt=row.attempt,
            date=row.first_at,
            message_id=(row.message_id or self._message_id(publication.key, row.target)) if mail else "",
            recipient=recipient,
            checkpoint=json.loads(row.checkpoint) if row.checkpoint else {},
            intent_at=row.intent_at,
            tries=row.tries,
            unknowns=row.unknowns,
            remote_id=row.remote_id,
            taken=taken - {row.remote_id},
        )

    def _message_id(self, key: str, target: str) -> str:
        """The same for every copy of a letter, so that a resend threads with the first (RFC 5322, 3.6.4)."""
        mac = hmac.digest(self._message_key, f"{key}\n{target}".encode(), "sha256")
        return f"<{mac.hex()[:32]}@{self._mail_domain}>"


def _due(now: datetime, ahead: tuple[timedelta, timedelta] | None = None) -> sa.ColumnElement[bool]:
    """Deliveries whose time has come; with a service that schedules by itself, also those that it takes already.

    A try that was put off comes before the time of its post, but too late for the service: then it waits for that time.
    """
    come = _d.c.due_at <= now
    if ahead is None:
        return come
    least, most = ahead
    takes = (_p.c.live == 1, _d.c.last_code != AT_ITS_TIME)
    window = sa.and_(_p.c.due_at >= now + least, _p.c.due_at <= now + most, *takes)
    return sa.or_(sa.and_(come, _p.c.due_at <= now), sa.and_(window, sa.or_(come, _d.c.due_at == _p.c.due_at)))


def stands_still(connection: sa.Connection, channel: str) -> bool:
    """Whether a person paused this channel, or its service no longer accepts us."""
    table = schema.channel
    stopped = sa.select(table.c.name).where(table.c.name == channel, table.c.stopped_at.is_not(None))
    return connection.execute(stopped).first() is not None


def _not_for(connection: sa.Connection, rows: Sequence[Any], readers: Mapping[str, Recipient]) -> dict[int, str]:
    """Deliveries that are for nobody any more, and why: the reader left, or chose otherwise since they were counted."""
    found = sa.select(_p.c.id, _p.c.segments).where(_p.c.id.in_({row.publication_id for row in rows}))
    segments = {row.id: from_json(row.segments) for row in connection.execute(found)}
    gone = {}
    for row in rows:
        reader, chosen = readers.get(row.target), segments[row.publication_id]
        if reader is None:
            gone[row.id] = "unsubscribed"
        elif chosen and not any(one.includes(reader.towns, reader.audience) for one in chosen):
            gone[row.id] = "no-post"
    return gone


def _recipients(connection: sa.Connection, rows: Sequence[Any]) -> dict[str, Recipient]:
    """Readers who still want the letter, by target."""
    columns = (_s.c.id, _s.c.email, _s.c.language, _s.c.text_only, _s.c.towns, _s.c.audience)
    ids = [int(row.target) for row in rows]
    readers = sa.select(*columns).where(_s.c.id.in_(ids), _s.c.state == "subscribed")
    return {
        str(row.id): Recipient(
            row.id,
            row.email,
            row.language,
            bool(row.text_only),
            tuple(row.towns.split(",")) if row.towns else (),
            row.audience,
        )
        for row in connection.execute(readers)
    }
