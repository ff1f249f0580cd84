"""Readers as tests add, read and look at them."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from tests.support.ledger import NOW, Ledger
from veille.outbox import schema
from veille.subscribers import Imported, Refused, Row, Rules, Table

TOWNS = {"bagneux": "Bagneux", "bourg-la-reine": "Bourg-la-Reine"}
RULES = Rules(TOWNS, NOW, ZoneInfo("Europe/Paris"))


def read(folder: Path, content: str | bytes, rules: Rules = RULES) -> tuple[list[Row], list[Refused]]:
    """What a file of readers says: the good lines and the refused ones."""
    path = folder / "r.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with Table(path, "r.csv", rules) as table:
        lines = list(table)
        assert len(lines) == table.lines
    return [x for x in lines if isinstance(x, Row)], [x for x in lines if isinstance(x, Refused)]


def add(ledger: Ledger, *rows: Row, **options: object) -> Imported:
    """Import them, as from a file."""
    return ledger.subscribers.add(rows, how="csv", now=ledger.now, **options)  # type: ignore[arg-type]


def person(ledger: Ledger, number: int = 1) -> sa.Row[tuple[object, ...]]:
    """All that the table says about a reader."""
    with ledger.database.read() as connection:
        return connection.execute(sa.select(schema.subscriber).where(schema.subscriber.c.id == number)).one()
