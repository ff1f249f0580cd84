"""The ledger of every test that asks for `store`: on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import postgres
from tests.support.ledger import Ledger
from veille.outbox.database import open_database


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Server]:
    """One server for the whole run; a missing PostgreSQL is a failure, not a skip."""
    with postgres.server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger with a clock that tests move by hand."""
    url = "sqlite:///outbox.sqlite3"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_server").new_database()
    database = open_database(url, tmp_path)
    yield Ledger(database)
    database.close()


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Ledger]:
    """The same, on SQLite only: for what does not touch the database's dialect."""
    database = open_database("sqlite:///outbox.sqlite3", tmp_path)
    yield Ledger(database)
    database.close()
