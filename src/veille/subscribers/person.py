"""What is held about one person, for that person (RGPD articles 15 and 20)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from veille.errors import VeilleError
from veille.i18n import gettext as _
from veille.outbox import schema
from veille.outbox.database import Database
from veille.subscribers.addresses import checked, keyed_hash, marker
from veille.subscribers.leaving import letters_of

_s, _d, _p, _b = schema.subscriber, schema.delivery, schema.publication, schema.bounce


def held_about(database: Database, key: bytes, address: str) -> dict[str, Any]:
    """Everything that is held about the person with this address, ready for JSON.

    Raises:
        VeilleError: nothing is.
    """
    email = checked(address)
    digest = keyed_hash(key, email)
    with database.read() as connection:
        away = schema.suppression
        suppressed = connection.execute(sa.select(away.c.reason, away.c.at).where(away.c.hash == digest)).one_or_none()
        erased = connection.execute(sa.select(schema.erasure.c.at).where(schema.erasure.c.hash == digest)).scalar()
        mine = _s.c.email.in_((email, marker(digest)))
        reader = connection.execute(sa.select(_s).where(mine)).one_or_none()
        if reader is None and suppressed is None:
            raise VeilleError(_("nothing is held about this address"), hint=_("check how it is spelt"))
        return {
            "reader": _reader(reader) if reader else None,
            "deliveries": _deliveries(connection, reader.id) if reader else [],
            "bounces": _bounces(connection, reader.id) if reader else [],
            "stays_away": {"reason": suppressed.reason, "since": _moment(suppressed.at)} if suppressed else None,
            "erased_at": _moment(erased),
        }


def _reader(row: Any) -> dict[str, Any]:
    kept = row.email if "@" in row.email else ""  # given up when they left
    return {
        "email": kept,
        "state": row.state,
        "language": row.language,
        "towns": [town for town in row.towns.split(",") if town],
        "audience": row.audience,
        "text_only": bool(row.text_only),
        "age": row.age,
        "consent": {
            "at": _moment(row.consent_at),
            "how": row.consent_how,
            "text": row.consent_text,
            "parental": row.parental_consent,
        },
        "left_at": _moment(row.left_at),
    }


def _deliveries(connection: sa.Connection, reader: int) -> list[dict[str, Any]]:
    found = (
        sa.select(_d.c.id, _p.c.title, _d.c.state, _d.c.due_at, _d.c.sent_at, _d.c.last_error)
        .join(_p, _p.c.id == _d.c.publication_id)
        .where(letters_of(reader))
        .order_by(_d.c.id)
    )
    return [
        {
            "id": f"d{row.id}",
            "title": row.title,
            "state": row.state,
            "due": _moment(row.due_at),
            "sent": _moment(row.sent_at),
            "error": row.last_error,
        }
        for row in connection.execute(found)
    ]


def _bounces(connection: sa.Connection, reader: int) -> list[dict[str, Any]]:
    found = sa.select(_b).where(_b.c.subscriber_id == reader).order_by(_b.c.at, _b.c.id)
    return [
        {"at": _moment(row.at), "kind": row.kind, "code": row.code, "text": row.text}
        for row in connection.execute(found)
    ]


def _moment(value: datetime | None) -> str | None:
    return value.isoformat(timespec="seconds") if value else None
