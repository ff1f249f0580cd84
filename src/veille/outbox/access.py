"""How the access of each channel stands, in the ledger: one row a channel, the newest look only."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from veille.access import Standing
from veille.access_problems import Problem
from veille.errors import Severity
from veille.outbox import schema
from veille.outbox.database import Database

_t = schema.access


class Accesses:
    """The rows."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def of(self, channel: str) -> Standing | None:
        """How a channel stands; None: nobody looked yet."""
        with self._db.read() as connection:
            row = connection.execute(sa.select(_t).where(_t.c.channel == channel)).one_or_none()
        return None if row is None else _standing(row)

    def all(self) -> list[Standing]:
        """Every channel that was looked at, by name."""
        with self._db.read() as connection:
            rows = connection.execute(sa.select(_t).order_by(_t.c.channel)).all()
        return [_standing(row) for row in rows]

    def keep(self, standing: Standing) -> None:
        """Replace what was known of this channel.

        Raises:
            LedgerError: it was not written.
        """
        values = {**vars(standing), "valid": int(standing.valid), "problems": _text(standing.problems)}
        with self._db.write() as connection:
            connection.execute(sa.delete(_t).where(_t.c.channel == standing.channel))
            connection.execute(sa.insert(_t).values(**values))

    def warned(self, channel: str, days: int, now: datetime) -> None:
        """Remember that the operators were told: each number of days is told once."""
        told = sa.update(_t).where(_t.c.channel == channel).values(warned_days=days, warned_at=now)
        with self._db.write() as connection:
            connection.execute(told)


def _text(problems: Iterable[Problem]) -> str:
    return json.dumps([asdict(problem) for problem in problems], ensure_ascii=False)


def _standing(row: Any) -> Standing:
    values = {name.name: getattr(row, name.name) for name in fields(Standing)}
    problems = json.loads(row.problems or "[]")
    values["problems"] = tuple(Problem(**{**one, "severity": Severity(one["severity"])}) for one in problems)
    return Standing(**{**values, "valid": bool(row.valid)})
