"""The end of what is kept of those who left: a proof of consent is not needed for ever (RGPD article 5.1.e).

How long it is needed is for the data protection officer of each newsroom to say; no text gives a number. Five years,
after which hardly anybody can go to court over it, is where `veille doctor` asks.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from veille.outbox import schema
from veille.outbox.database import Database
from veille.subscribers.erasure import forget

LONG = timedelta(days=5 * 365)
AT_ONCE = 200  # readers in one transaction: nobody waits long for it

_s = schema.subscriber
_left = _s.c.state.in_(("unsubscribed", "complained"))  # a bounced address stays, so that somebody can mend it


def forget_left(database: Database, keep: timedelta, now: datetime) -> int:
    """Delete what is kept of some of those who left longer ago than `keep`: the proof, and the mail that came back.

    Their fingerprint stays, so that nobody adds them again, and each letter stays counted, without a person.

    Returns:
        How many were deleted, `AT_ONCE` at most: call again.

    Raises:
        LedgerError: the outbox cannot be used now.
    """
    over = sa.select(_s.c.id).where(_left, _s.c.left_at <= now - keep).order_by(_s.c.id).limit(AT_ONCE)
    with database.read() as connection:  # most looks find nothing: they must not wait for writers
        if connection.execute(over.limit(1)).first() is None:
            return 0
    with database.write() as connection:
        readers = connection.execute(over.with_for_update()).scalars().all()
        for reader in readers:
            forget(connection, reader)
    return len(readers)


def kept_for_long(database: Database, now: datetime) -> int:
    """Of how many who left more than five years ago the proof is still there."""
    with database.read() as connection:
        counted = sa.select(sa.func.count()).select_from(_s).where(_left, _s.c.left_at <= now - LONG)
        return int(connection.execute(counted).scalar_one())
