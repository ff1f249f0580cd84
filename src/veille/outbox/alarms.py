"""The facts of the ledger that people may have to be told of, and which they were told of.

They are read anew at each look, so that no crash loses one. Of a letter with a million readers, only counts are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from veille.alarms import BEGUN, PUT_OFF, Fact, Kind, judged, judged_letter, size_of
from veille.outbox import schema
from veille.outbox.database import Database
from veille.outbox.renditions import load_publications
from veille.publishing import BY_HAND, FollowUp, Publication

_d, _p, _f, _a, _l = schema.delivery, schema.publication, schema.follow_up, schema.alarm, schema.attempt_log

REMINDER = "reminder"  # begins the key of what is told to whoever posts by hand
LETTERS_FOR = timedelta(days=30)  # since a letter last moved: older ones were told of
_FEW = 500  # values in one statement
_UNDER_WAY = ("ready", "claimed", "sending", "unknown")


class AlarmBook:
    """What there is to tell, and what was told."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def facts(self, now: datetime) -> list[Fact]:
        """Everything that stands now, told or not."""
        with self._db.read() as connection:
            return [
                *_stops(connection),
                *_pages(connection, now),
                *_follow_ups(connection, now),
                *_letters(connection, now),
            ]

    def told(self, keys: Iterable[str]) -> set[str]:
        """Which of these people were told of."""
        every, found = list(keys), set[str]()
        with self._db.read() as connection:
            for start in range(0, len(every), _FEW):
                known = sa.select(_a.c.key).where(_a.c.key.in_(every[start : start + _FEW]))
                found.update(connection.execute(known).scalars())
        return found

    def tell(self, keys: Iterable[str], now: datetime) -> None:
        """Remember that a mail about these left."""
        rows = [{"key": key, "at": now} for key in dict.fromkeys(keys)]
        with self._db.write() as connection:
            connection.execute(sa.delete(_a).where(_a.c.key.in_([row["key"] for row in rows])))
            connection.execute(sa.insert(_a), rows)

    def last(self) -> datetime | None:
        """When operators last got a mail; None: never."""
        latest = sa.select(sa.func.max(_a.c.at)).where(_a.c.key.not_like(f"{REMINDER}:%"))
        with self._db.read() as connection:
            moment: datetime | None = connection.execute(latest).scalar()
        return moment

    def reminders(self, before: datetime) -> list[tuple[str, str, Publication]]:
        """(key, delivery, publication) of what a person was asked to post before this moment, and reminded of never."""
        waits = (_d.c.state == "held", _d.c.last_code == BY_HAND, _d.c.updated_at <= before)
        mine = _d.c.publication_id.in_(_of_pages())
        with self._db.read() as connection:
            columns = (_d.c.id, _d.c.attempt, _d.c.publication_id)
            rows = connection.execute(sa.select(*columns).where(mine, *waits).order_by(_d.c.id)).all()
            known = load_publications(connection, {row.publication_id for row in rows})
        keys = {row.id: f"{REMINDER}:d{row.id}:{row.attempt}" for row in rows}
        told = self.told(keys.values())
        return [(keys[row.id], f"d{row.id}", known[row.publication_id]) for row in rows if keys[row.id] not in told]


def _of_pages() -> sa.Select[tuple[int]]:
    return sa.select(_p.c.id).where(_p.c.channel != "newsletter")


def _ms(moment: datetime | None) -> int:
    return 0 if moment is None else (moment - schema.EPOCH) // timedelta(milliseconds=1)


def _stops(connection: sa.Connection) -> Iterator[Fact]:
    """Channels that stand still, but for those that a person paused."""
    table = schema.channel
    still = sa.select(table).where(table.c.stopped_at.is_not(None), table.c.reason != "paused")
    for row in connection.execute(still.order_by(table.c.name)):
        since: datetime = row.stopped_at
        mark = str(_ms(since))
        yield Fact(Kind.STOPPED, row.name, row.name, mark, since, why=row.reason, hint=row.hint)


def _pages(connection: sa.Connection, now: datetime) -> Iterator[Fact]:
    """Posts, pages and feed items that failed, are held, or do not get through."""
    hint = (
        sa.select(_l.c.hint)
        .where(_l.c.delivery_id == _d.c.id, _l.c.code == _d.c.last_code, _l.c.code != "")
        .order_by(_l.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = sa.select(_d, _p.c.title, _p.c.due_at.label("left_at"), hint.label("hint")).join(
        _p, _p.c.id == _d.c.publication_id
    )
    mine = _d.c.publication_id.in_(_of_pages())
    put_off = sa.and_(sa.text(schema.READY), _d.c.last_code.in_(PUT_OFF))
    for which in (_d.c.state == "failed", _d.c.state == "held", put_off):
        for row in connection.execute(rows.where(mine, which).order_by(_d.c.id)):
            if kind := judged(row.state, row.last_code, row.first_at, now):
                yield _page_fact(kind, row)


def _page_fact(kind: Kind, row: Any) -> Fact:
    late = kind is Kind.LATE
    since: datetime = row.first_at if late else row.updated_at
    return Fact(
        kind,
        f"d{row.id}",
        row.channel,
        mark=f"{_ms(since)}" if late else f"{row.attempt}:{_ms(since)}",
        since=since,
        title=row.title,
        why=row.last_error,
        hint=row.hint or "",
        due=row.left_at,
    )


def _follow_ups(connection: sa.Connection, now: datetime) -> Iterator[Fact]:
    """What could not be done with posts that are out."""
    hint = sa.select(_l.c.hint).where(_l.c.delivery_id == _d.c.id, _l.c.hint != "", _l.c.text == _f.c.last_error)
    rows = (
        sa.select(
            *(_f.c.kind, _f.c.version, _f.c.begun_at, _f.c.last_error, _d.c.id, _d.c.channel, _p.c.title, _p.c.due_at),
            hint.order_by(_l.c.id.desc()).limit(1).scalar_subquery().label("hint"),
        )
        .join(_d, _d.c.id == _f.c.delivery_id)
        .join(_p, _p.c.id == _d.c.publication_id)
        .where(_f.c.due_at.is_(None))
    )
    for row in connection.execute(rows.order_by(_d.c.id, _f.c.kind)):
        yield Fact(
            Kind.FOLLOW_UP,
            f"d{row.id}",
            row.channel,
            mark=f"{row.kind}:{row.version}",
            since=row.begun_at or now,
            title=row.title,
            why=row.last_error,
            hint=row.hint or "",
            due=row.due_at,
            follow_up=FollowUp(row.kind),
        )


def _letters(connection: sa.Connection, now: datetime) -> Iterator[Fact]:
    """Letters that were halted or held, and what became of their readers."""
    moved = sa.func.coalesce(_p.c.active_at, _p.c.due_at) > now - LETTERS_FOR
    rows = sa.select(_p).where(_p.c.channel == "newsletter", _p.c.cancelled == 0, sa.or_(_p.c.hold != "", moved))
    for row in connection.execute(rows.order_by(_p.c.id)).all():
        if row.hold:
            halted = row.hold == "bounces"
            readers, asked = (row.bounced, row.answered) if halted else (0, 0)
            yield _letter_fact(judged_letter(row.hold), row, readers, asked, f"hold:{row.hold}")
        if row.expanded_at is not None and _at_rest(connection, row, now):
            yield from _of_readers(connection, row)


def _of_readers(connection: sa.Connection, row: Any) -> Iterator[Fact]:
    planned = row.candidates - _left_out(connection, row.id)
    failed, held = (_count(connection, row.id, state) for state in ("failed", "held"))
    if failed and row.hold != "bounces":  # which says so already
        yield _letter_fact(Kind.READERS, row, failed, planned, f"{size_of(failed)}")
    if held:
        first = sa.select(_d.c.last_code).where(_d.c.publication_id == row.id, _d.c.state == "held").limit(1)
        code = str(connection.execute(first).scalar() or "")
        yield _letter_fact(judged_letter(code), row, held, planned, f"held:{size_of(held)}")


def _letter_fact(kind: Kind, row: Any, readers: int, planned: int, mark: str) -> Fact:
    since = row.active_at or row.due_at
    # Whoever acted on it since then is told again.
    mark = f"{_ms(row.queued_at)}:{mark}"
    return Fact(
        kind, f"p{row.id}", row.channel, mark, since, row.title, due=row.due_at, readers=readers, planned=planned
    )


def _at_rest(connection: sa.Connection, row: Any, now: datetime) -> bool:
    """Whether nothing of a letter is under way any more, or it has been for long."""
    if row.started_at is not None and now - row.started_at >= BEGUN:
        return True
    pending = sa.select(_d.c.id).where(_d.c.publication_id == row.id, _d.c.state.in_(_UNDER_WAY)).limit(1)
    return connection.execute(pending).first() is None


def _count(connection: sa.Connection, publication: int, state: str) -> int:
    mine = (_d.c.publication_id == publication, _d.c.state == state)
    return int(connection.execute(sa.select(sa.func.count()).select_from(_d).where(*mine)).scalar_one())


def _left_out(connection: sa.Connection, publication: int) -> int:
    table = schema.exclusion
    others = sa.select(sa.func.coalesce(sa.func.sum(table.c.readers), 0)).where(table.c.publication_id == publication)
    return int(connection.execute(others).scalar_one())
