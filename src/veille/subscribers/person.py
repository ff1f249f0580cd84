"""What is held about one person, for that person (RGPD articles 15 and 20)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from veille.errors import VeilleError
from veille.i18n import gettext as _
from veille.outbox import schema
from veille.outbox.database import Database
from veille.subscribers.addresses import LEFT, checked, keyed_hash, marker
from veille.subscribers.leaving import letters_of

_s, _d, _p, _b, _g = schema.subscriber, schema.delivery, schema.publication, schema.bounce, schema.signup


def held_about(database: Database, key: bytes, address: str) -> dict[str, Any]:
    """Everything that is held about the person with this address, ready for JSON.

    Raises:
        VeilleError: nothing is.
    """
    held = _held(database, keyed_hash(key, checked(address)), checked(address))
    if held is None:
        raise VeilleError(_("nothing is held about this address"), hint=_("check how it is spelt"))
    return held


def held_of(database: Database, key: bytes, subscriber_id: int) -> dict[str, Any] | None:
    """The same for one reader by their number, as their own page asks; None: there is no such reader."""
    with database.read() as connection:
        email = connection.execute(sa.select(_s.c.email).where(_s.c.id == subscriber_id)).scalar()
    if email is None:
        return None
    digest = keyed_hash(key, email) if "@" in email else email.removeprefix(LEFT)
    return _held(database, digest, email)


def _held(database: Database, digest: str, email: str) -> dict[str, Any] | None:
    with database.read() as connection:
        away = schema.suppression
        suppressed = connection.execute(sa.select(away.c.reason, away.c.at).where(away.c.hash == digest)).one_or_none()
        erased = connection.execute(sa.select(schema.erasure.c.at).where(schema.erasure.c.hash == digest)).scalar()
        mine = _s.c.email.in_((email, marker(digest)))
        reader = connection.execute(sa.select(_s).where(mine)).one_or_none()
        request = connection.execute(sa.select(_g).where(_g.c.hash == digest)).one_or_none()
        if reader is None and suppressed is None and request is None:
            return None
        return {
            "reader": _reader(reader) if reader else None,
            "request": _request(request) if request else None,
            "deliveries": _deliveries(connection, reader.id) if reader else [],
            "bounces": _bounces(connection, reader.id) if reader else [],
            "stays_away": {"reason": suppressed.reason, "since": _moment(suppressed.at)} if suppressed else None,
            "erased_at": _moment(erased),
        }


def _request(row: Any) -> dict[str, Any]:
    """That they asked for the letter on the site; `email` is empty once it was confirmed or given up.

    Somebody who reads it already gets no mail about that (state `reads`): what the row counts did not leave.
    """
    none_left = row.state == "reads"
    return {
        "email": row.email,
        "asked_at": _moment(row.asked_at),
        "state": row.state,
        "mails": 0 if none_left else row.mails,
        "last_mail": None if none_left else _moment(row.mailed_at),
        "consent_text": row.consent_text,
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
