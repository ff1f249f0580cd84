"""Who receives no letter any more: by their own word, because mail came back, or because they complained."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from veille.outbox import schema
from veille.outbox.renditions import insert_once
from veille.subscribers.addresses import keyed_hash, marker

SOFT_BOUNCES = 3  # letters that came back for a reason that may pass …
SOFT_SPAN = timedelta(days=15)  # … over at least this time, and the address is taken for dead
STILL_TRIED = timedelta(days=5)  # how long a mail server may try before it says so (RFC 5321, 4.5.4.1)

# A later word outweighs an earlier one, never the reverse: who complained did not merely move house.
_WEIGHT = {"subscribed": 0, "bounced": 1, "unsubscribed": 2, "complained": 3}

_s, _d, _p, _b = schema.subscriber, schema.delivery, schema.publication, schema.bounce


def put_away(connection: sa.Connection, key: bytes, subscriber_id: int, state: str, reason: str, now: datetime) -> bool:
    """Send this reader nothing any more, and let no CSV bring them back. Harmless twice.

    Who left on their own account keeps no address here (CNIL, retention): a keyed hash stands in its place, by which
    the proof of consent and the day of leaving are still found. A bounced address stays, so that somebody can mend it.

    Args:
        key: of the keyed hashes, `Keys.derive("suppression")`.
        state: unsubscribed | bounced | complained.
        reason: a word for the suppression list, never an address.

    Returns:
        Whether this changed anything.
    """
    found = sa.select(_s.c.email, _s.c.state).where(_s.c.id == subscriber_id).with_for_update()
    reader = connection.execute(found).one_or_none()
    if reader is None or _WEIGHT[state] <= _WEIGHT[reader.state]:
        return False
    values: dict[str, object] = {"state": state, "left_at": now}
    if "@" in reader.email:
        digest = keyed_hash(key, reader.email)
        suppress(connection, digest, reason, now)
        if state != "bounced":
            values |= {"email": marker(digest), "domain": "", "towns": "", "audience": "", "text_only": 0}
    connection.execute(sa.update(_s).where(_s.c.id == subscriber_id).values(**values))
    cancel_letters(connection, subscriber_id, state, now)
    return True


def suppress(connection: sa.Connection, digest: str, reason: str, now: datetime) -> None:
    """Remember an address by its keyed hash, with the latest reason."""
    table = schema.suppression
    again = sa.update(table).where(table.c.hash == digest).values(reason=reason, at=now)
    if not connection.execute(again).rowcount:
        connection.execute(insert_once(connection, table).values(hash=digest, reason=reason, at=now))


def letters_of(subscriber_id: int) -> sa.ColumnElement[bool]:
    """Deliveries to one reader: found letter by letter, because a million rows have no other index on the reader."""
    letters = sa.select(_p.c.id).where(_p.c.channel == "newsletter")
    return sa.and_(_d.c.publication_id.in_(letters), _d.c.target == str(subscriber_id))


def cancel_letters(connection: sa.Connection, subscriber_id: int, code: str, now: datetime) -> None:
    """Stop what has not left for this reader. What is being sent at this moment is stopped by the pump's last look."""
    connection.execute(
        sa.update(_d)
        .where(letters_of(subscriber_id), _d.c.state.in_(("ready", "claimed", "held")))
        .values(state="cancelled", owner=None, last_code=code, updated_at=now)
    )


def came_back(
    connection: sa.Connection,
    key: bytes,
    subscriber_id: int,
    delivery_id: int | None,
    kind: str,
    code: str,
    text: str,
    now: datetime,
) -> str:
    """Keep what came back about a reader, and draw the conclusion: see `Subscribers.record_bounce`."""
    if connection.execute(sa.select(_s.c.id).where(_s.c.id == subscriber_id)).first() is None:
        return "gone"
    same = (_b.c.subscriber_id == subscriber_id, _b.c.kind == kind, _b.c.code == code)
    report = _b.c.delivery_id == delivery_id if delivery_id else sa.and_(_b.c.delivery_id.is_(None), _b.c.at == now)
    if connection.execute(sa.select(_b.c.id).where(report, *same)).first():
        return "known"
    connection.execute(
        sa.insert(_b).values(
            subscriber_id=subscriber_id, delivery_id=delivery_id, at=now, kind=kind, code=code, text=text
        )
    )
    if kind == "soft" and not _dead(connection, subscriber_id, now):
        return "counted"
    state = "complained" if kind == "complaint" else "bounced"
    return "suppressed" if put_away(connection, key, subscriber_id, state, state, now) else "counted"


def _dead(connection: sa.Connection, subscriber_id: int, now: datetime) -> bool:
    """Whether soft bounces went on for long enough, with no letter in between that stayed where it was sent."""
    reported = sa.select(_b.c.delivery_id).where(_b.c.subscriber_id == subscriber_id, _b.c.delivery_id.is_not(None))
    arrived = connection.execute(
        sa.select(sa.func.max(_d.c.sent_at)).where(
            letters_of(subscriber_id),
            _d.c.state == "sent",
            _d.c.sent_at <= now - STILL_TRIED,
            _d.c.id.not_in(reported),
        )
    ).scalar()
    soft = sa.select(_b.c.at, _b.c.delivery_id).where(
        _b.c.subscriber_id == subscriber_id,
        _b.c.kind == "soft",
        _b.c.code.not_like("_.7.%"),  # refused for what we are or wrote: the mailbox is well
    )
    if arrived is not None:
        soft = soft.where(_b.c.at > arrived)
    rows = connection.execute(soft).all()
    letters = {row.delivery_id or f"at {row.at}" for row in rows}  # one letter may be reported more than once
    moments = [row.at for row in rows]
    return len(letters) >= SOFT_BOUNCES and max(moments) - min(moments) >= SOFT_SPAN
