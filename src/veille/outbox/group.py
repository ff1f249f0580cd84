"""One transaction for many deliveries: outcomes and intents of all connections, each fenced.

A disk takes a few hundred commits a second; a mail server takes thousands of letters. So what waits for the disk waits
together. The statements are made once: building them for each commit costs more than running them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from veille.errors import HardBounce
from veille.outbox import schema
from veille.outbox.follow_ups import take_back_if_gone
from veille.outbox.schema import REWRITING
from veille.publishing import Delivery
from veille.subscribers.leaving import put_away

_d, _p, _s, _c = schema.delivery, schema.publication, schema.subscriber, schema.channel

_MS = timedelta(milliseconds=1)
ANSWERED = ("sent", "failed")
MOST_ASKED = 250  # deliveries of one statement: SQLite bears less than 1,000, and each number of them is kept ready
HALT_COUNT = 10  # more addresses of a letter than this, and more than this share of the answers,
HALT_SHARE = 0.1  # do not exist: an old list; going on would cost us our name with every provider

_READER = sa.cast(sa.case((_d.c.channel == "newsletter", _d.c.target)), schema.BigInt)
_ROW = _d.c.id == sa.bindparam("row")
_NOW = sa.bindparam("now", type_=schema.Moment())
_INTEND = (
    sa.update(_d)
    .where(_ROW)
    .values(state="sending", intent_at=_NOW, updated_at=_NOW, message_id=sa.bindparam("message"))
)
_COUNT = (
    sa.update(_p)
    .where(_p.c.id == sa.bindparam("row"))
    .values(
        answered=_p.c.answered + sa.bindparam("more_answered"),
        bounced=_p.c.bounced + sa.bindparam("more_bounced"),
        active_at=_NOW,
    )
)
_LOG = sa.insert(schema.attempt_log).values(
    {name: sa.bindparam(name) for name in ("delivery_id", "attempt", "at", "event", "code", "text", "hint")}
)


@cache
def _in_hand(count: int) -> sa.Select[Any]:
    """What the ledger says about so many deliveries, as far as they are ours."""
    return (
        sa.select(
            *(_d.c[name] for name in ("id", "attempt", "state", "channel")),
            *(_p.c[name] for name in ("cancelled", "paused", "hold", "withdrawn")),
            _s.c.state.label("reader"),
            _c.c.stopped_at,
        )
        .join(_p, _p.c.id == _d.c.publication_id)
        .outerjoin(_s, _s.c.id == _READER)
        .outerjoin(_c, _c.c.name == _d.c.channel)
        .where(sa.or_(*(_d.c.id == sa.bindparam(f"id{n}") for n in range(count))), _d.c.owner == sa.bindparam("me"))
        .with_for_update(of=_d)
    )


@cache
def _ending(names: tuple[str, ...]) -> sa.Update:
    """The statement that sets these columns of a delivery which ended."""
    new = {name: sa.bindparam(f"new_{name}", type_=_d.c[name].type) for name in names}
    return sa.update(_d).where(_ROW).values(**new, owner=None, updated_at=_NOW)


@cache
def _compiled(
    statement: sa.UpdateBase | sa.Select[Any], dialect: sa.Dialect
) -> tuple[str, Sequence[str], dict[str, Any]]:
    """A statement as the driver takes it: its text, the order of its values if it has one, and the fixed ones."""
    compiled: Any = statement.compile(dialect=dialect)
    return str(compiled), tuple(compiled.positiontup or ()), compiled.params


def _run(
    connection: sa.Connection, statement: sa.UpdateBase | sa.Select[Any], *rows: Mapping[str, Any]
) -> sa.CursorResult[Any]:
    """Run a statement for each of these rows, past the layers that would work it out anew for each commit."""
    text, order, fixed = _compiled(statement, connection.dialect)
    ready = [fixed | {name: _plain(value) for name, value in row.items()} for row in rows]
    values: list[Any] = [tuple(row[name] for name in order) for row in ready] if order else ready
    return connection.exec_driver_sql(text, values[0] if isinstance(statement, sa.Select) else values)


def _plain(value: Any) -> Any:
    """A value as the driver takes it."""
    return (value - schema.EPOCH) // _MS if isinstance(value, datetime) else value


@dataclass(frozen=True)
class Settled:
    """How a delivery ended, as columns of its row, and the event for its history.

    Args:
        hint: what a person can do about it; kept in the history.
    """

    delivery: Delivery
    values: Mapping[str, Any]
    event: str
    hint: str = ""


@dataclass(frozen=True)
class Committed:
    """What one group commit did.

    Args:
        recorded: for each outcome, False: another worker took the delivery over, and this outcome is dropped.
        allowed: for each delivery wanted, whether its irreversible step may come now.
        halted: letters that are held from now on, because too many of their addresses do not exist.
    """

    recorded: tuple[bool, ...] = ()
    allowed: tuple[bool, ...] = ()
    halted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """The transaction of one commit.

    Args:
        owner: this worker.
        reader_key: of the keyed hashes of readers who are put away.
    """

    connection: sa.Connection
    owner: str
    reader_key: bytes
    now: datetime

    def commit(self, outcomes: Sequence[Settled], wanted: Sequence[Delivery]) -> Committed:
        """Record outcomes, then intents; the transaction is committed by whoever opened it."""
        rows = self.in_hand([*(o.delivery for o in outcomes), *wanted])
        recorded = [fenced(rows, o.delivery, ("claimed", "sending")) for o in outcomes]
        mine = [outcome for outcome, ours in zip(outcomes, recorded, strict=True) if ours]
        self._settle(mine)
        self._log_outcomes(outcomes, recorded)
        halted = self._count_answers([o for o in mine if o.delivery.publication.channel == "newsletter"])
        allowed = self._intend(wanted, rows, halted)
        return Committed(tuple(recorded), tuple(allowed), tuple(f"p{number}" for number in halted))

    def in_hand(self, deliveries: Sequence[Delivery]) -> dict[str, Any]:
        """What the ledger says now about these deliveries, as far as they are ours; nobody else can change it now."""
        rows: dict[str, Any] = {}
        for start in range(0, len(deliveries), MOST_ASKED):
            few = deliveries[start : start + MOST_ASKED]
            ids = {f"id{n}": number(delivery) for n, delivery in enumerate(few)}
            found = _run(self.connection, _in_hand(len(ids)), ids | {"me": self.owner})
            rows |= {f"d{row.id}": row for row in found}
        return rows

    def _settle(self, outcomes: Sequence[Settled]) -> None:
        """Outcomes of the same columns in one statement: nearly all of them are `sent`."""
        groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for outcome in outcomes:
            row = {f"new_{name}": value for name, value in outcome.values.items()}
            groups.setdefault(tuple(outcome.values), []).append(
                row | {"row": number(outcome.delivery), "now": self.now}
            )
        for names, rows in groups.items():
            _run(self.connection, _ending(names), *rows)
        for outcome in outcomes:
            if outcome.values["state"] == "sent" and outcome.delivery.publication.channel in REWRITING:
                self._write_again_if_changed(outcome.delivery)
            if outcome.values["state"] == "scheduled":
                take_back_if_gone(self.connection, number(outcome.delivery), self.now)
            if outcome.values.get("last_code") == HardBounce.code:
                reader = int(outcome.delivery.target)
                put_away(self.connection, self.reader_key, reader, "bounced", "bounced", self.now)

    def _write_again_if_changed(self, delivery: Delivery) -> None:
        """A page that was edited or withdrawn while it was being written is due once more."""
        publication = delivery.publication
        changed = sa.select(_p.c.id).where(
            _p.c.id == int(publication.id[1:]), _p.c.generation != publication.generation
        )
        again = sa.update(_d).where(_d.c.id == number(delivery), _d.c.publication_id.in_(changed))
        self.connection.execute(again.values(state="ready", due_at=self.now))

    def _count_answers(self, outcomes: Sequence[Settled]) -> list[int]:
        """Count what mail servers said about each letter. Returns the letters that are held from now on."""
        answered: Counter[int] = Counter()
        bounced: Counter[int] = Counter()
        for outcome in outcomes:
            if outcome.values["state"] in ANSWERED:
                letter = int(outcome.delivery.publication.id[1:])
                answered[letter] += 1
                bounced[letter] += outcome.values.get("last_code") == HardBounce.code
        return [letter for letter, count in answered.items() if self._halts(letter, count, bounced[letter])]

    def _halts(self, letter: int, answered: int, bounced: int) -> bool:
        more = {"row": letter, "more_answered": answered, "more_bounced": bounced, "now": self.now}
        _run(self.connection, _COUNT, more)
        if not bounced:
            return False
        mine = _p.c.id == letter
        sums = self.connection.execute(sa.select(_p.c.answered, _p.c.bounced).where(mine)).one()
        halts = bool(sums.bounced > HALT_COUNT and sums.bounced > HALT_SHARE * sums.answered)
        if halts:
            self.connection.execute(sa.update(_p).where(mine).values(hold="bounces"))
        return halts

    def _intend(self, wanted: Sequence[Delivery], rows: Mapping[str, Any], halted: Sequence[int]) -> list[bool]:
        stops = [self._stops(delivery, rows, halted) for delivery in wanted]
        go = [delivery for delivery, stop in zip(wanted, stops, strict=True) if not stop]
        if go:
            intents = [{"row": number(d), "message": d.message_id, "now": self.now} for d in go]
            _run(self.connection, _INTEND, *intents)
        self._log([self._event(delivery, "intent") for delivery in go if not _uneventful(delivery)])
        return [not stop for stop in stops]

    def _stops(self, delivery: Delivery, rows: Mapping[str, Any], halted: Sequence[int]) -> bool:
        """Whether this delivery is not to leave; then it is given up, if it is still ours."""
        if not fenced(rows, delivery, ("claimed",)):
            return True
        halts = int(delivery.publication.id[1:]) in halted
        if stop := "ready" if halts else _stop_state(rows[delivery.id]):
            values = {"state": stop, "owner": None, "updated_at": self.now}
            self.connection.execute(sa.update(_d).where(_d.c.id == number(delivery)).values(**values))
            self._log([self._event(delivery, stop)])
        return bool(stop)

    def _log_outcomes(self, outcomes: Sequence[Settled], recorded: Sequence[bool]) -> None:
        events = []
        for outcome, mine in zip(outcomes, recorded, strict=True):
            values = outcome.values
            if not (mine and values["state"] == "sent" and _uneventful(outcome.delivery)):
                said = {"code": str(values.get("last_code", "")), "text": str(values.get("last_error", ""))}
                said["hint"] = outcome.hint
                events.append(self._event(outcome.delivery, outcome.event if mine else "dropped") | said)
        self._log(events)

    def _event(self, delivery: Delivery, event: str) -> dict[str, Any]:
        where = {"delivery_id": number(delivery), "attempt": delivery.attempt}
        return where | {"at": self.now, "event": event, "code": "", "text": "", "hint": ""}

    def _log(self, events: Sequence[Mapping[str, Any]]) -> None:
        if events:
            _run(self.connection, _LOG, *events)


def number(delivery: Delivery) -> int:
    """The row of a delivery."""
    return int(delivery.id[1:])


def fenced(rows: Mapping[str, Any], delivery: Delivery, states: Sequence[str]) -> bool:
    """Whether a claim still holds: not taken over (attempt), and not ended."""
    row = rows.get(delivery.id)
    return row is not None and row.attempt == delivery.attempt and row.state in states


def _stop_state(row: Any) -> str | None:
    """What becomes of a claimed delivery that is not to leave; None: it goes."""
    if row.cancelled or (row.withdrawn and row.channel not in REWRITING):
        return "cancelled"
    if row.channel == "newsletter" and row.reader != "subscribed":
        return "cancelled"
    return "ready" if row.paused or row.hold or row.stopped_at is not None else None


def _uneventful(delivery: Delivery) -> bool:
    """A letter on its first way: its row tells all of it, and a million of them need no history beside."""
    return delivery.publication.channel == "newsletter" and delivery.attempt == 1
