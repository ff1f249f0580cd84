"""The dispatch side of the ledger: every change of a delivery's state, fenced and committed.

The states and who may move between them: design section 6. Nothing here talks to the outside, and no transaction
stays open while something does.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from veille.failpoints import failpoint
from veille.outbox import schema
from veille.outbox.database import Database
from veille.outbox.renditions import as_publication, load_publications, load_rendition
from veille.outbox.schema import REWRITING
from veille.outbox.upkeep import Upkeep, active, log
from veille.publishing import Delivery, Publication, Receipt, Recipient

_d, _p, _s = schema.delivery, schema.publication, schema.subscriber


@dataclass(frozen=True)
class Unknown:
    """An unknown delivery whose time to be looked at has come."""

    id: int
    attempt: int
    unknowns: int
    looks: int
    blind: bool
    delivery: Delivery


class Deliveries(Upkeep):
    """What `dispatch` may ask of the ledger. `owner` names this worker in every row that it holds."""

    def __init__(self, database: Database, owner: str, message_key: bytes, mail_domain: str) -> None:
        super().__init__(database, owner)
        self._message_key = message_key
        self._mail_domain = mail_domain

    # claim

    def claim(self, channel: str, now: datetime, limit: int) -> list[Delivery]:
        """Take up to `limit` due deliveries of a channel; each claim raises the fencing token."""
        with self._db.write() as connection:
            if _stands_still(connection, channel):
                return []
            due = (
                sa.select(_d.c.id)
                .join(_p, _p.c.id == _d.c.publication_id)
                .where(
                    _d.c.channel == channel,
                    _d.c.state == "ready",
                    _d.c.due_at <= now,
                    sa.or_(_p.c.channel != "newsletter", _p.c.expanded_at.is_not(None)),
                    *active(withdrawn=channel in REWRITING),
                )
                .order_by(_d.c.due_at, _d.c.id)
                .limit(limit)
                .with_for_update(skip_locked=True, of=_d)
            )
            rows = connection.execute(
                sa.update(_d)
                .where(_d.c.id.in_(due.scalar_subquery()))
                .values(
                    state="claimed",
                    owner=self._owner,
                    attempt=_d.c.attempt + 1,
                    first_at=sa.func.coalesce(_d.c.first_at, sa.literal(now, schema.Moment())),
                    updated_at=now,
                )
                .returning(*_d.c)
            ).all()
            deliveries = self._claimed(connection, channel, rows, now)
        failpoint("claim.after")
        return sorted(deliveries, key=lambda delivery: int(delivery.id[1:]))

    def _claimed(self, connection: sa.Connection, channel: str, rows: Sequence[Any], now: datetime) -> list[Delivery]:
        """Claimed rows as deliveries, with what they need to leave."""
        publications = load_publications(connection, {row.publication_id for row in rows})
        started = sa.and_(_p.c.id.in_(list(publications)), _p.c.started_at.is_(None))
        connection.execute(sa.update(_p).where(started).values(started_at=now))
        mail = channel == "newsletter"
        readers = _recipients(connection, rows) if mail else {}
        erased = [row.id for row in rows if mail and row.target not in readers]
        if erased:
            connection.execute(sa.update(_d).where(_d.c.id.in_(erased)).values(state="cancelled", owner=None))
        deliveries = [
            self._delivery(row, publications[row.publication_id], readers.get(row.target))
            for row in rows
            if row.id not in erased
        ]
        self._fix_message_ids(connection, deliveries)
        return deliveries

    def _fix_message_ids(self, connection: sa.Connection, deliveries: Sequence[Delivery]) -> None:
        mails = [{"row": int(d.id[1:]), "message": d.message_id} for d in deliveries if d.message_id]
        if mails:
            connection.execute(
                sa.update(_d).where(_d.c.id == sa.bindparam("row")).values(message_id=sa.bindparam("message")),
                mails,
            )

    def _delivery(self, row: Any, publication: Publication, recipient: Recipient | None) -> Delivery:
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
        )

    def _message_id(self, key: str, target: str) -> str:
        """The same for every copy of a letter, so that a resend threads with the first (RFC 5322, 3.6.4)."""
        mac = hmac.new(self._message_key, f"{key}\n{target}".encode(), hashlib.sha256).digest()
        return f"<{base64.b32encode(mac)[:26].decode().lower()}@{self._mail_domain}>"

    # the journal

    def intent(self, delivery: Delivery, now: datetime) -> bool:
        """`claimed` -> `sending`, only while we hold the claim and the reader still consents."""
        row_id = int(delivery.id[1:])
        mine = sa.and_(
            _d.c.id == row_id,
            _d.c.attempt == delivery.attempt,
            _d.c.owner == self._owner,
            _d.c.state == "claimed",
        )
        with self._db.write() as connection:
            wanted = connection.execute(
                sa.select(_p.c.cancelled, _p.c.paused, _p.c.withdrawn, _p.c.channel)
                .join(_d, _d.c.publication_id == _p.c.id)
                .where(mine)
            ).one_or_none()
            if wanted is None:
                return False
            stop = self._stop_state(connection, wanted, delivery)
            values: dict[str, Any] = {"state": stop, "owner": None} if stop else {"state": "sending"}
            if not stop:
                values["intent_at"] = now
            connection.execute(sa.update(_d).where(mine).values(**values, updated_at=now))
            log(connection, row_id, delivery.attempt, now, stop or "intent")
        failpoint("intent.after")
        return stop is None

    def _stop_state(self, connection: sa.Connection, wanted: Any, delivery: Delivery) -> str | None:
        if wanted.cancelled or (wanted.withdrawn and wanted.channel not in REWRITING):
            return "cancelled"
        if wanted.paused or _stands_still(connection, wanted.channel):
            return "ready"
        if wanted.channel == "newsletter":
            consents = connection.execute(
                sa.select(_s.c.id).where(_s.c.id == int(delivery.target), _s.c.state == "subscribed")
            ).first()
            return None if consents else "cancelled"
        return None

    def settle(self, delivery: Delivery, values: Mapping[str, Any], now: datetime, event: str) -> bool:
        """Record an outcome. False: another worker took the delivery over, and this outcome is dropped."""
        row_id = int(delivery.id[1:])
        failpoint("settle.before")
        with self._db.write() as connection:
            changed = connection.execute(
                sa.update(_d)
                .where(
                    _d.c.id == row_id,
                    _d.c.attempt == delivery.attempt,
                    _d.c.owner == self._owner,
                    _d.c.state.in_(("claimed", "sending")),
                )
                .values(**values, owner=None, updated_at=now)
            ).rowcount
            log(
                connection,
                row_id,
                delivery.attempt,
                now,
                event if changed else "dropped",
                code=str(values.get("last_code", "")),
                text=str(values.get("last_error", "")),
            )
            if changed and values["state"] == "sent" and delivery.publication.channel in REWRITING:
                _write_again_if_changed(connection, delivery, now)
        failpoint("settle.after")
        return bool(changed)

    def checkpoint(self, delivery: Delivery, values: Mapping[str, Any], now: datetime) -> None:
        """Keep ids of invisible steps for the next attempt."""
        with self._db.write() as connection:
            connection.execute(
                sa.update(_d)
                .where(_d.c.id == int(delivery.id[1:]), _d.c.attempt == delivery.attempt)
                .values(checkpoint=json.dumps(dict(values), sort_keys=True), updated_at=now)
            )

    def unknowns(self, delivery: Delivery) -> int:
        """How often this delivery's outcome was unknown so far."""
        return self._number(delivery, _d.c.unknowns)

    def tries(self, delivery: Delivery) -> int:
        """How often this target was refused for now."""
        return self._number(delivery, _d.c.tries)

    def _number(self, delivery: Delivery, column: sa.Column[int]) -> int:
        with self._db.read() as connection:
            return connection.execute(sa.select(column).where(_d.c.id == int(delivery.id[1:]))).scalar_one()

    def held_by_me(self, deliveries: Sequence[Delivery]) -> list[tuple[Delivery, str]]:
        """Which of these are still claimed or sending, after a publisher returned or failed."""
        ids = {int(d.id[1:]): d for d in deliveries}
        with self._db.read() as connection:
            rows = connection.execute(
                sa.select(_d.c.id, _d.c.state).where(
                    _d.c.id.in_(list(ids)),
                    _d.c.owner == self._owner,
                    _d.c.state.in_(("claimed", "sending")),
                )
            ).all()
        return [(ids[row.id], row.state) for row in rows]

    # unknown

    def due_unknown(self, channel: str, now: datetime, *, live: bool) -> list[Unknown]:
        """Unknown deliveries whose next look is due.

        Args:
            live: whether the channel reaches people now; a sandbox knows nothing of a page, nor the reverse.
        """
        with self._db.read() as connection:
            rows = connection.execute(
                sa.select(_d)
                .join(_p, _p.c.id == _d.c.publication_id)
                .where(
                    _d.c.channel == channel,
                    _d.c.state == "unknown",
                    _d.c.due_at <= now,
                    _p.c.live == int(live),
                )
                .order_by(_d.c.id)
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


def _stands_still(connection: sa.Connection, channel: str) -> bool:
    """Whether a person paused this channel, or its service no longer accepts us."""
    table = schema.channel
    stopped = sa.select(table.c.name).where(table.c.name == channel, table.c.stopped_at.is_not(None))
    return connection.execute(stopped).first() is not None


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


def _recipients(connection: sa.Connection, rows: Sequence[Any]) -> dict[str, Recipient]:
    ids = [int(row.target) for row in rows]
    return {
        str(row.id): Recipient(row.id, row.email, row.language, bool(row.text_only))
        for row in connection.execute(sa.select(_s).where(_s.c.id.in_(ids)))
    }


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
