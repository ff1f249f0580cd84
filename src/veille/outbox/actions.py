"""What a person does with the outbox: retry, pause, resume, cancel, resolve. Publications and deliveries alike."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from veille.errors import VeilleError
from veille.i18n import gettext as _
from veille.outbox import schema
from veille.outbox.database import Database
from veille.outbox.report import unknown_id

_d, _p = schema.delivery, schema.publication


class Answer(StrEnum):
    """What a person found out about a held delivery."""

    SENT = "sent"  # it is out
    RETRY = "retry"  # it is not out, and shall go
    CANCEL = "cancel"  # it is not out, and shall not go


class Actions:
    """Changes that a person asks for; each is one transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def retry(self, name: str, now: datetime) -> int:
        """Make failed, held and cancelled deliveries ready again, due now. Never one that may be out already.

        Returns:
            How many deliveries (or waiting letters) will go.
        """
        with self._db.write() as connection:
            count = self._move(connection, name, ("failed", "held", "cancelled"), _again(now), now)
            for publication_id in self._publications(connection, name):
                count += connection.execute(
                    sa.update(_p)
                    .where(_p.c.id == publication_id, sa.or_(_p.c.hold != "", _p.c.cancelled == 1))
                    .values(hold="", cancelled=0, queued_at=now, **_due_if_letter(now))
                ).rowcount and int(self._unexpanded(connection, publication_id))
                connection.execute(sa.update(_p).where(_p.c.id == publication_id).values(queued_at=now))
        return count

    def cancel(self, name: str, now: datetime) -> int:
        """Cancel what has not left. Returns how many deliveries (or letters not yet expanded) were stopped."""
        with self._db.write() as connection:
            count = self._move(
                connection, name, ("ready", "claimed", "held"), {"state": "cancelled", "owner": None}, now
            )
            if name.startswith("p"):
                waiting = self._unexpanded(connection, int(name[1:]))
                connection.execute(sa.update(_p).where(_p.c.id == int(name[1:])).values(cancelled=1))
                count += int(waiting)
        return count

    def resolve(self, name: str, answer: Answer, now: datetime, *, url: str = "") -> int:
        """Record what a person found out about held or unknown deliveries."""
        values: dict[str, Any] = {
            Answer.SENT: {"state": "sent", "sent_at": now, "url": url, "last_code": "", "last_error": ""},
            Answer.RETRY: _again(now),
            Answer.CANCEL: {"state": "cancelled"},
        }[answer]
        with self._db.write() as connection:
            count = self._move(connection, name, ("held", "unknown"), values, now, event=f"resolved-{answer}")
            for publication_id in self._publications(connection, name):
                released = connection.execute(
                    sa.update(_p)
                    .where(_p.c.id == publication_id, _p.c.hold != "")
                    .values(hold="", queued_at=now, cancelled=int(answer is not Answer.RETRY), **_due_if_letter(now))
                ).rowcount
                connection.execute(sa.update(_p).where(_p.c.id == publication_id).values(queued_at=now))
                count += released
        return count

    def pause(self, name: str, now: datetime, *, paused: bool) -> None:
        """Stop a publication or a whole channel for a while, or let it go on."""
        with self._db.write() as connection:
            if name in ("newsletter", "feed", "web", "facebook", "instagram"):
                table = schema.channel
                connection.execute(sa.delete(table).where(table.c.name == name))
                if paused:
                    connection.execute(sa.insert(table).values(name=name, stopped_at=now, reason="paused"))
                return
            (publication_id,) = self._publications(connection, name)
            connection.execute(sa.update(_p).where(_p.c.id == publication_id).values(paused=int(paused)))

    def _move(
        self,
        connection: sa.Connection,
        name: str,
        states: Iterable[str],
        values: dict[str, Any],
        now: datetime,
        *,
        event: str = "",
    ) -> int:
        self._publications(connection, name)  # refuses an unknown id
        which = _d.c.publication_id == int(name[1:]) if name.startswith("p") else _d.c.id == int(name[1:])
        rows = connection.execute(
            sa.update(_d)
            .where(which, _d.c.state.in_(tuple(states)))
            .values(**values, updated_at=now)
            .returning(_d.c.id, _d.c.attempt)
        ).all()
        if rows:
            label = event or values["state"]
            connection.execute(
                sa.insert(schema.attempt_log),
                [
                    {"delivery_id": row.id, "attempt": row.attempt, "at": now, "event": f"by-hand: {label}"}
                    for row in rows
                ],
            )
        return len(rows)

    def _publications(self, connection: sa.Connection, name: str) -> list[int]:
        if name[:1] not in ("p", "d") or not name[1:].isdigit():
            raise VeilleError(
                _("{id} is not an id of the outbox").format(id=name),
                hint=_("ids look like p12 (a publication) or d345 (a delivery); `veille outbox list` shows them"),
            )
        query = (
            sa.select(_p.c.id).where(_p.c.id == int(name[1:]))
            if name.startswith("p")
            else sa.select(_d.c.publication_id).where(_d.c.id == int(name[1:]))
        )
        found = list(connection.execute(query).scalars())
        if not found:
            raise unknown_id(name)
        return found

    def _unexpanded(self, connection: sa.Connection, publication_id: int) -> bool:
        row = connection.execute(sa.select(_p).where(_p.c.id == publication_id)).one()
        return row.channel == "newsletter" and row.expanded_at is None


def _again(now: datetime) -> dict[str, Any]:
    return {
        "state": "ready",
        "due_at": now,
        "owner": None,
        "tries": 0,
        "unknowns": 0,
        "looks": 0,
        "blind": 0,
        "last_code": "",
        "last_error": "",
    }


def _due_if_letter(now: datetime) -> dict[str, Any]:
    """A letter that is let go by hand is due now: grace counts from here."""
    return {"due_at": sa.case((_p.c.channel == "newsletter", sa.literal(now, schema.Moment())), else_=_p.c.due_at)}
