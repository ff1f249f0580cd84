"""The dispatch side of the ledger: every change of a delivery's state, fenced and committed.

The states and who may move between them: design section 6. Nothing here talks to the outside, and no transaction
stays open while something does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from veille.failpoints import failpoint
from veille.outbox import schema
from veille.outbox.follow_ups import take_back_if_gone
from veille.outbox.group import Committed, Group, Settled, fenced, number
from veille.outbox.hosted import Hosted
from veille.outbox.renditions import as_publication, load_light, load_publications
from veille.outbox.upkeep import log
from veille.publishing import Delivery, Publication, Receipt, Scheduled

_d, _p, _s = schema.delivery, schema.publication, schema.subscriber

MOST_LOOKS = 1_000
VERIFY = timedelta(minutes=2)  # after its time, a scheduled post is looked for


@dataclass(frozen=True)
class Unknown:
    """An unknown delivery whose time to be looked at has come."""

    id: int
    attempt: int
    unknowns: int
    looks: int
    blind: bool
    delivery: Delivery


class Deliveries(Hosted):
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
            done = self._group(connection, now).commit(outcomes, wanted)
        if outcomes:
            failpoint("settle.after")
        if wanted:
            failpoint("intent.after")
        return done

    def intent(self, delivery: Delivery, now: datetime) -> bool:
        """`commit` for one intent."""
        return self.commit((), (delivery,), now).allowed[0]

    def settle(self, delivery: Delivery, values: Mapping[str, Any], now: datetime, event: str) -> bool:
        """`commit` for one outcome."""
        return self.commit((Settled(delivery, values, event),), (), now).recorded[0]

    def _group(self, connection: sa.Connection, now: datetime) -> Group:
        return Group(connection, self._owner, self._reader_key, now)

    def checkpoint(self, delivery: Delivery, values: Mapping[str, Any], now: datetime) -> None:
        """Keep ids of invisible steps for the next attempt."""
        with self._db.write() as connection:
            connection.execute(
                sa.update(_d)
                .where(_d.c.id == number(delivery), _d.c.attempt == delivery.attempt)
                .values(checkpoint=json.dumps(dict(values), sort_keys=True), updated_at=now)
            )

    def left_open(self, deliveries: Sequence[Delivery], now: datetime) -> list[tuple[Delivery, str]]:
        """Which of these are still claimed or sending, after a publisher returned or failed."""
        with self._db.read() as connection:
            rows = self._group(connection, now).in_hand(deliveries)
        return [(d, rows[d.id].state) for d in deliveries if fenced(rows, d, ("claimed", "sending"))]

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
            taken = self._taken(connection, channel) if rows else frozenset()
            return [
                Unknown(
                    id=row.id,
                    attempt=row.attempt,
                    unknowns=row.unknowns,
                    looks=row.looks,
                    blind=bool(row.blind),
                    delivery=self._delivery(row, publications[row.publication_id], None, taken),
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
            if changed and values["state"] == "scheduled":
                take_back_if_gone(connection, unknown.id, now)
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
            renditions = load_light(connection, (row.rendition for row in rows), self._content)
            return [as_publication(row, renditions[row.rendition]) for row in rows]

    def _content(self, digest: str) -> bytes:
        """The bytes of one stored file."""
        wanted = sa.select(schema.blob.c.content).where(schema.blob.c.digest == digest)
        with self._db.read() as connection:
            return bytes(connection.execute(wanted).scalar_one())

    # channels

    def stop_channel(self, name: str, reason: str, now: datetime, hint: str = "") -> None:
        """Stop a channel until a person resumes it; its queue stays.

        Args:
            hint: what this person can do before.
        """
        table = schema.channel
        with self._db.write() as connection:
            connection.execute(sa.delete(table).where(table.c.name == name))
            connection.execute(sa.insert(table).values(name=name, stopped_at=now, reason=reason, hint=hint))


def sent_values(receipt: Receipt, now: datetime) -> dict[str, Any]:
    """The columns of a delivery that succeeded."""
    return {
        "state": "sent",
        "remote_id": receipt.remote_id,
        "url": receipt.url,
        "sent_at": receipt.at or now,
        "last_code": "",
        "last_error": receipt.warning,
    }


def scheduled_values(scheduled: Scheduled) -> dict[str, Any]:
    """The columns of a delivery that its service holds for a later time."""
    return {
        "state": "scheduled",
        "remote_id": scheduled.remote_id,
        "url": scheduled.url,
        "due_at": scheduled.at + VERIFY,
        "looks": 0,
        "blind": 0,
        "last_code": "",
        "last_error": "",
    }
