"""The ledger of tests that ask for `store`, on SQLite and on a real PostgreSQL; which files come first; Hypothesis."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support import postgres, warm_veille
from tests.support.fast_ledger import empty
from tests.support.ledger import Ledger
from veille.outbox.database import Database, open_database

_LONG_FIRST = ("faults", "wheel", "integration", "unit")

# A busy machine takes longer than the 200 ms that Hypothesis grants an example: no verdict hangs on that.
settings.register_profile("veille", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("veille")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """With `--dist loadfile`, take files in the order below, and not those with most tests first; choose the start."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False
    if config.option.markexpr == "soak":  # the long suite has the time to start every command as people do
        os.environ.setdefault(warm_veille.COLD, "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take a minute begin first: else one core waits for the other at the end. The rest stays as it was."""
    items.sort(key=lambda item: next((n for n, name in enumerate(_LONG_FIRST) if name in item.path.parts), len(items)))


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Server]:
    """One server for the whole run; a missing PostgreSQL is a failure, not a skip."""
    with postgres.server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger with a clock that tests move by hand; its tables are made once (test_outbox_store makes them)."""
    if request.param == "sqlite":
        database = _sqlite(tmp_path)
    else:
        database = open_database(request.getfixturevalue("postgres_server").new_ledger(), tmp_path)
    yield Ledger(database)
    database.close()


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Ledger]:
    """The same, on SQLite only: for what does not touch the database's dialect."""
    database = _sqlite(tmp_path)
    yield Ledger(database)
    database.close()


def _sqlite(folder: Path) -> Database:
    path = folder / "outbox.sqlite3"
    path.touch(0o600)  # as `veille` makes it
    path.write_bytes(empty())
    return open_database("sqlite:///outbox.sqlite3", folder)
