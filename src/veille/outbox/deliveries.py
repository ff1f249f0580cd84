"""The dispatch side of the ledger: every change of a delivery's state, fenced and committed.

The states and who may move between them: design section 6. Nothing here talks to the outside, and no transaction
stays open while something does.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from veille.errors import HardBounce
from veille.failpoints import failpoint
from veille.outbox import schema
from veille.outbox.claims import Claims
from veille.outbox.renditions import as_publication, load_publications, load_rendition
from veille.outbox.schema import REWRITING
from veille.outbox.upkeep import log
from veille.publishing import Delivery, Publication, Receipt

_d, _p, _s = schema.delivery, schema.publication, schema.subscriber

ANSWERED = ("sent", "failed")
MOST_LOOKS = 1_000
HALT_COUNT = 10  # more addresses of a letter than this, and more than this share of the answers,
HALT_SHARE = 0.1  # do not exist: an old list; going on would cost us our name with every provider


@dataclass(frozen=True)
class Unknown:
    """An unknown delivery whose time to be looked at has come."""

    id: int
    attempt: int
    unknowns: int
    looks: int
    blind: bool
    delivery: Delivery


@dataclass(frozen=True)
class Settled:
    """How a delivery ended, as columns of its row, and the event for its history."""

    delivery: Delivery
    values: Mapping[str, Any]
    event: str


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


class Deliveries(Claims):
    """What `dispatch` may ask of the ledger. `owner` names this worker in every row that it holds."""

    # the journal

    def commit(self, outcomes: Sequence[Settled], wanted: Sequence[Delivery], now: datetime) -> Committed:
        """Record outcomes and intents of many deliveries in one transaction, each fenced.

        An outcome ends what is `claimed` or `sending`; an intent makes `claimed` into `sending`, while its publication
        goes on and its reader still consents.
        """
        if outcomes:
            failpoint("settle.before")
        with self._db.write() as connection:
            rows = self._in_hand(connection, [*(o.delivery for o in outcomes), *wanted])
            recorded = [_fenced(rows, o.delivery, ("claimed", "sending")) for o in outcomes]
            _settle(connection, outcomes, recorded, now)
            halted = _count_answers(connection, outcomes, recorded, now)
            allowed = self._intend(connection, wanted, rows, halted, now)
        if outcomes:
            failpoint("settle.after")
        if wanted:
            failpoint("intent.after")
        return Committed(tuple(recorded), tuple(allowed), tuple(f"p{number}" for number in halted))

    def intent(self, delivery: Delivery, now: datetime) -> bool:
        """`commit` for one intent."""
        return self.commit((), (delivery,), now).allowed[0]

    def settle(self, delivery: Delivery, values: Mapping[str, Any], now: datetime, event: str) -> bool:
        """`commit` for one outcome."""
        return self.commit((Settled(delivery, values, event),), (), now).recorded[0]

    def _in_hand(self, connection: sa.Connection, deliveries: Sequence[Delivery]) -> dict[str, Any]:
        """What the ledger says now about these deliveries, as far as they are ours; no other worker can change it."""
        stopped = schema.channel
        reader = sa.cast(sa.case((_d.c.channel == "newsletter", _d.c.target)), schema.BigInt)
        rows = connection.execute(
            sa.select(
                *(_d.c[name] for name in ("id", "attempt", "state", "channel")),
                *(_p.c[name] for name in ("cancelled", "paused", "hold", "withdrawn")),
                _s.c.state.label("reader"),
                stopped.c.stopped_at,
            )
            .join(_p, _p.c.id == _d.c.publication_id)
            .outerjoin(_s, _s.c.id == reader)
            .outerjoin(stopped, stopped.c.name == _d.c.channel)
            .where(_d.c.id.in_([_number(d) for d in deliveries]), _d.c.owner == self._owner)
            .with_for_update(of=_d)
        )
        return {f"d{row.id}": row for row in rows}

    def _intend(
        self,
        connection: sa.Connection,
        wanted: Sequence[Delivery],
        rows: Mapping[str, Any],
        halted: Sequence[int],
        now: datetime,
    ) -> list[bool]:
        go: list[dict[str, Any]] = []
        allowed = []
        for delivery in wanted:
            stop = None
            if mine := _fenced(rows, delivery, ("claimed",)):
                halts = int(delivery.publication.id[1:]) in halted
                stop = "ready" if halts else _stop_state(rows[delivery.id])
                if stop:
                    _give_up(connection, delivery, stop, now)
                else:
                    go.append({"row": _number(delivery), "message": delivery.message_id})
            allowed.append(mine and not stop)
        if go:
            intent = {"state": "sending", "intent_at": now, "updated_at": now, "message_id": sa.bindparam("message")}
            connection.execute(sa.update(_d).where(_d.c.id == sa.bindparam("row")).values(**intent), go)
        _log(
            connection,
            [_event(d, now, "intent") for d, ok in zip(wanted, allowed, strict=True) if ok and not _uneventful(d)],
        )
        return allowed

    def checkpoint(self, delivery: Delivery, values: Mapping[str, Any], now: datetime) -> None:
        """Keep ids of invisible steps for the next attempt."""
        with self._db.write() as connection:
            connection.execute(
                sa.update(_d)
                .where(_d.c.id == _number(delivery), _d.c.attempt == delivery.attempt)
                .values(checkpoint=json.dumps(dict(values), sort_keys=True), updated_at=now)
            )

    def left_open(self, deliveries: Sequence[Delivery]) -> list[tuple[Delivery, str]]:
        """Which of these are still claimed or sending, after a publisher returned or failed."""
        with self._db.read() as connection:
            rows = self._in_hand(connection, deliveries)
        return [
            (delivery, rows[delivery.id].state)
            for delivery in deliveries
            if _fenced(rows, delivery, ("claimed", "sending"))
        ]

    # unknown

    def due_unknown(self, channel: str, now: datetime, *, live: bool) -> list[Unknown]:
        """Unknown deliveries whose next look is due, at most `MOST_LOOKS`.

        Args:
            live: whether the channel reaches people now; a sandbox knows nothing of a page, nor the reverse.
        """
        with self._db.read() as connection:
            rows = connection.execute(
                sa.select(_d)
                .join(_p, _p.c.id == _d.c.publication_id)
                .where(
                    _d.c.channel == channel,
                    sa.text(schema.UNKNOWN),
                    _d.c.due_at <= now,
                    _p.c.live == int(live),
                )
                .order_by(_d.c.id)
                .limit(MOST_LOOKS)
            ).all()
            publications = load_publications(connection, {row.publication_id for row in rows})
            return [
                Unknown(
                    id=row.id,
                    attempt=row.attempt,
                    unknowns=row.unknowns,
                    looks=row.looks,
                    blind=bool(row.blind),
                    delivery=self._delivery(row, publications[row.publication_id], None),
                )
                for row in rows
            ]

    def resolve(self, unknown: Unknown, values: Mapping[str, Any], now: datetime, event: str) -> bool:
        """Move an unknown delivery on. False: a person, or another worker, was faster."""
        with self._db.write() as connection:
            changed = connection.execute(
                sa.update(_d)
                .where(_d.c.id == unknown.id, _d.c.attempt == unknown.attempt, _d.c.state == "unknown")
                .values(**values, updated_at=now)
            ).rowcount
            if changed:
                log(connection, unknown.id, unknown.attempt, now, event, text=str(values.get("last_error", "")))
        return bool(changed)

    # feed and web

    def standing(self, channel: str, now: datetime, *, live: bool) -> list[Publication]:
        """Every publication of a rewriting channel that is due and not cancelled, newest first.

        Args:
            live: whether the channel reaches people now; what was queued for the other case does not stand.
        """
        with self._db.read() as connection:
            rows = connection.execute(
                sa.select(_p)
                .join(_d, _d.c.publication_id == _p.c.id)
                .where(
                    _p.c.channel == channel,
                    _p.c.due_at <= now,
                    _p.c.cancelled == 0,
                    _p.c.live == int(live),
                    _d.c.state != "cancelled",
                )
                .order_by(_p.c.due_at.desc(), _p.c.id.desc())
            ).all()
            return [as_publication(row, load_rendition(connection, row.rendition)) for row in rows]

    # channels

    def stop_channel(self, name: str, reason: str, now: datetime) -> None:
        """Stop a channel until a person resumes it; its queue stays."""
        table = schema.channel
        with self._db.write() as connection:
            connection.execute(sa.delete(table).where(table.c.name == name))
            connection.execute(sa.insert(table).values(name=name, stopped_at=now, reason=reason))


def _number(delivery: Delivery) -> int:
    return int(delivery.id[1:])


def _fenced(rows: Mapping[str, Any], delivery: Delivery, states: Sequence[str]) -> bool:
    """Whether this claim still holds: not taken over (attempt), and not ended."""
    row = rows.get(delivery.id)
    return row is not None and row.attempt == delivery.attempt and row.state in states


def _stop_state(row: Any) -> str | None:
    """What becomes of a claimed delivery that is not to leave; None: it goes."""
    if row.cancelled or (row.withdrawn and row.channel not in REWRITING):
        return "cancelled"
    if row.channel == "newsletter" and row.reader != "subscribed":
        return "cancelled"
    return "ready" if row.paused or row.hold or row.stopped_at is not None else None


def _give_up(connection: sa.Connection, delivery: Delivery, state: str, now: datetime) -> None:
    values = {"state": state, "owner": None, "updated_at": now}
    connection.execute(sa.update(_d).where(_d.c.id == _number(delivery)).values(**values))
    _log(connection, [_event(delivery, now, state)])


def _settle(connection: sa.Connection, outcomes: Sequence[Settled], recorded: Sequence[bool], now: datetime) -> None:
    """Outcomes of the same columns in one statement: nearly all of them are `sent`."""
    events = []
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for outcome, mine in zip(outcomes, recorded, strict=True):
        delivery, values = outcome.delivery, outcome.values
        if mine:
            row = {f"new_{name}": value for name, value in values.items()} | {"row": _number(delivery)}
            groups.setdefault(tuple(values), []).append(row)
        if not (mine and values["state"] == "sent" and _uneventful(delivery)):
            said = {"code": str(values.get("last_code", "")), "text": str(values.get("last_error", ""))}
            events.append(_event(delivery, now, outcome.event if mine else "dropped") | said)
    for names, rows in groups.items():
        new = {name: sa.bindparam(f"new_{name}", type_=_d.c[name].type) for name in names}
        change = sa.update(_d).where(_d.c.id == sa.bindparam("row")).values(**new, owner=None, updated_at=now)
        connection.execute(change, rows)
    _log(connection, events)
    for outcome, mine in zip(outcomes, recorded, strict=True):
        if mine and outcome.values["state"] == "sent" and outcome.delivery.publication.channel in REWRITING:
            _write_again_if_changed(connection, outcome.delivery, now)


def _count_answers(
    connection: sa.Connection, outcomes: Sequence[Settled], recorded: Sequence[bool], now: datetime
) -> list[int]:
    """Count what mail servers said about each letter. Returns the letters that are held from now on."""
    answered: Counter[int] = Counter()
    bounced: Counter[int] = Counter()
    for outcome, mine in zip(outcomes, recorded, strict=True):
        if mine and outcome.delivery.publication.channel == "newsletter" and outcome.values["state"] in ANSWERED:
            number = int(outcome.delivery.publication.id[1:])
            answered[number] += 1
            bounced[number] += outcome.values.get("last_code") == HardBounce.code
    halted = []
    for number, count in answered.items():
        sums = {"answered": _p.c.answered + count, "bounced": _p.c.bounced + bounced[number], "active_at": now}
        change = sa.update(_p).where(_p.c.id == number).values(**sums).returning(_p.c.answered, _p.c.bounced)
        row = connection.execute(change).one()
        if bounced[number] and row.bounced > HALT_COUNT and row.bounced > HALT_SHARE * row.answered:
            connection.execute(sa.update(_p).where(_p.c.id == number).values(hold="bounces"))
            halted.append(number)
    return halted


def _uneventful(delivery: Delivery) -> bool:
    """A letter on its first way: its row tells all of it, and a million of them need no history beside."""
    return delivery.publication.channel == "newsletter" and delivery.attempt == 1


def _event(delivery: Delivery, now: datetime, event: str) -> dict[str, Any]:
    where = {"delivery_id": _number(delivery), "attempt": delivery.attempt}
    return where | {"at": now, "event": event, "code": "", "text": ""}


def _log(connection: sa.Connection, events: Sequence[Mapping[str, Any]]) -> None:
    if events:
        connection.execute(sa.insert(schema.attempt_log), list(events))


def _write_again_if_changed(connection: sa.Connection, delivery: Delivery, now: datetime) -> None:
    """A page that was edited or withdrawn while it was being written is due once more."""
    changed = sa.select(_p.c.id).where(
        _p.c.id == int(delivery.publication.id[1:]), _p.c.generation != delivery.publication.generation
    )
    connection.execute(
        sa.update(_d)
        .where(_d.c.id == int(delivery.id[1:]), _d.c.publication_id.in_(changed))
        .values(state="ready", due_at=now)
    )


def sent_values(receipt: Receipt, now: datetime) -> dict[str, Any]:
    """The columns of a delivery that succeeded."""
    return {
        "state": "sent",
        "remote_id": receipt.remote_id,
        "url": receipt.url,
        "sent_at": receipt.at or now,
        "last_code": "",
        "last_error": "",
    }
