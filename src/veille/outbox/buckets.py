"""Rate limits, kept in the database so that a restart forgets none of them.

Generic cell rate algorithm: for each limit the moment up to which it is used up. It moves on by one spacing with each
letter, and lies behind the clock by one burst at most, so that no period holds more than the rate and its burst.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from veille.outbox import schema
from veille.rates import Rate

_b = schema.bucket
_TINY = 1e-6  # seconds: rounding of a REAL


class Buckets:
    """The limits of one transaction.

    Args:
        now: aware.
    """

    def __init__(self, connection: sa.Connection, channel: str, now: datetime) -> None:
        self._connection = connection
        self._channel = channel
        self._now = now.timestamp()
        names = sa.select(_b.c.name, _b.c.used_until).where(_b.c.name.startswith(f"{channel}/", autoescape=True))
        self._used = {row.name: row.used_until for row in connection.execute(names)}

    def allowed(self, lane: str, rates: Iterable[Rate], most: int) -> int:
        """How many letters may leave now, at most `most`."""
        return min([most, *(int((self._now - self._since(lane, rate) + _TINY) / rate.spacing) for rate in rates)])

    def take(self, lane: str, rates: Iterable[Rate], count: int) -> None:
        """These letters leave."""
        for rate in rates if count else ():
            name = self._name(lane, rate)
            until = self._since(lane, rate) + count * rate.spacing
            statement = sa.update(_b).where(_b.c.name == name) if name in self._used else sa.insert(_b)
            self._connection.execute(statement.values(name=name, used_until=until))
            self._used[name] = until

    def opens(self, lane: str, rates: Iterable[Rate]) -> float:
        """When the next letter may leave: seconds since 1970."""
        return max((self._since(lane, rate) + rate.spacing for rate in rates), default=self._now)

    def _since(self, lane: str, rate: Rate) -> float:
        """The moment up to which this limit is used up, as the burst and a clock that was set back allow.

        One that lies ahead by more than a burst was written while the clock was wrong, and counts for nothing.
        """
        used: float = self._used.get(self._name(lane, rate), float("-inf"))
        burst = rate.burst * rate.spacing
        return self._now - burst if used > self._now + burst else min(max(used, self._now - burst), self._now)

    def _name(self, lane: str, rate: Rate) -> str:
        return f"{self._channel}/{lane}/{rate}"
