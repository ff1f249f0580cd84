"""How often one client, and everybody together, may ask. Kept in the database, so that a restart forgets nothing.

The same algorithm as for letters (`veille.outbox.buckets`), with another burst: a class that subscribes in one lesson
comes from one address, so the whole count may be used at once. No address of a client is kept: a keyed hash stands in
its place, with a key of the day, and goes when its limit is free again (RGPD article 5.1.c and e).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from ipaddress import IPv6Address, ip_address
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from veille.outbox import schema
from veille.outbox.database import Database
from veille.rates import Rate

PREFIX = "signup/"
ALL = f"{PREFIX}all"
ALARM = f"{PREFIX}alarm"  # when the limit of all was last reached
_b = schema.bucket
_TINY = 1e-6  # seconds: rounding of a REAL


@dataclass(frozen=True)
class Limits:
    """What may be asked.

    Args:
        per_client: of one IPv4 address or IPv6 /64.
        all_together: confirmation mails of everybody.
    """

    per_client: tuple[Rate, ...]
    all_together: Rate


def client_of(address: str) -> str:
    """Whom an address stands for: an IPv4 address, or the /64 that one subscriber line has (RFC 6177).

    Anything else ("" when a proxy does not say, the name of a socket) is one client.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return "?"
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(IPv6Address(int(found) >> 64 << 64)) + "/64"


class Limit:
    """The limits of one transaction.

    Args:
        key: of the hashes of clients, `Keys.derive("clients")`.
        now: aware.
    """

    def __init__(self, connection: sa.Connection, key: bytes, now: datetime) -> None:
        self._connection = connection
        self._key = key
        self._now = now
        self._known: dict[str, float] = {}

    def exhausted(self, client: str, rates: Iterable[Rate]) -> bool:
        """Whether this client asked too often, in a transaction that only reads: a flood makes no writer wait."""
        names = self._names(client, rates)
        stored = sa.select(_b.c.name, _b.c.used_until).where(_b.c.name.in_(names))
        now = self._now.timestamp()
        found = [(names[row.name], float(row.used_until)) for row in self._connection.execute(stored)]
        return any(now < used + rate.spacing - _TINY and used <= now + rate.seconds for rate, used in found)

    def client(self, client: str, rates: Iterable[Rate]) -> bool:
        """Count one request of this client. False: it asked too often, and nothing was counted."""
        names = self._names(client, rates)
        if not all(self.free(name, rate) for name, rate in names.items()):
            return False
        for each, rate in names.items():
            self.take(each, rate)
        return True

    def free(self, name: str, rate: Rate) -> bool:
        """Whether one more is allowed; the row is locked until the end of the transaction."""
        return self._since(name, rate) + rate.spacing <= self._now.timestamp() + _TINY

    def take(self, name: str, rate: Rate) -> None:
        """Count one that `free` allowed."""
        self.mark(name, self._known[name] + rate.spacing)

    def mark(self, name: str, until: float) -> None:
        """Keep a moment under this name: seconds since 1970."""
        self._connection.execute(_keep(self._connection), {"name": name, "until": until})
        self._known.pop(name, None)

    def _names(self, client: str, rates: Iterable[Rate]) -> dict[str, Rate]:
        day = self._now.date().isoformat()
        name = PREFIX + hmac.digest(self._key, f"{day}\n{client}".encode(), hashlib.sha256).hex()[:32]
        return {f"{name}/{rate}": rate for rate in rates}

    def _since(self, name: str, rate: Rate) -> float:
        """The moment up to which it is used up; it lies behind the clock by the whole count at most.

        One that lies ahead by more was written while the clock was wrong, and counts for nothing.
        """
        now = self._now.timestamp()
        free = now - rate.seconds
        found = self._connection.execute(_look(self._connection), {"name": name, "until": free})
        used = float(found.scalar_one())
        self._known[name] = free if used > now + rate.seconds else min(max(used, free), now)
        return self._known[name]


@cache
def _statements(dialect: str) -> tuple[Any, Any]:
    """Look and keep, made once: for a flood, making them costs more than running them.

    The first makes the row when there is none, and locks it: of two first requests at the same moment, one waits.
    """
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    row = make(_b).values(name=sa.bindparam("name"), used_until=sa.bindparam("until"))
    look = row.on_conflict_do_update(index_elements=["name"], set_={"name": row.excluded.name})
    keep = row.on_conflict_do_update(index_elements=["name"], set_={"used_until": row.excluded.used_until})
    return look.returning(_b.c.used_until), keep


def _look(connection: sa.Connection) -> Any:
    return _statements(connection.dialect.name)[0]


def _keep(connection: sa.Connection) -> Any:
    return _statements(connection.dialect.name)[1]


def forget_clients(connection: sa.Connection, now: datetime) -> None:
    """Delete the hashes of clients whose limits are free again."""
    mine = sa.and_(_b.c.name.startswith(PREFIX), _b.c.name.not_in((ALL, ALARM)))
    connection.execute(sa.delete(_b).where(mine, _b.c.used_until <= now.timestamp() - 86_400))


def alarmed_at(database: Database, now: datetime) -> datetime | None:
    """When the limit of all was last reached, if that was in the last day."""
    with database.read() as connection:
        at = connection.execute(sa.select(_b.c.used_until).where(_b.c.name == ALARM)).scalar()
    moment = None if at is None else datetime.fromtimestamp(at, now.tzinfo)
    return moment if moment and abs(now - moment) < timedelta(hours=24) else None  # the clock may have been ahead


def from_one_client(database: Database, now: datetime) -> int:
    """How many asked for the letter in the last day, when all of them came from one client; else 0.

    Behind a proxy that is not trusted, every reader looks like the proxy.
    """
    mine = sa.and_(_b.c.name.startswith(PREFIX), _b.c.name.not_in((ALL, ALARM)))
    asked = schema.signup.c.asked_at >= now - timedelta(days=1)
    with database.read() as connection:
        names = connection.execute(sa.select(_b.c.name).where(mine)).scalars()
        clients = {name.removeprefix(PREFIX).partition("/")[0] for name in names}
        count = connection.execute(sa.select(sa.func.count()).select_from(schema.signup).where(asked)).scalar_one()
    return int(count) if len(clients) == 1 else 0
