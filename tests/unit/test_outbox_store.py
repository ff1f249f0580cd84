"""Opening the ledger: file modes, journal mode, integrity, versions, two processes at once."""

from __future__ import annotations

import multiprocessing
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tests.support.ledger import KEY, NOW, Ledger
from veille.errors import LedgerError
from veille.outbox import schema
from veille.outbox.database import APPLICATION_ID, driver, open_database, wal_is_safe
from veille.outbox.deliveries import Deliveries

URL = "sqlite:///outbox.sqlite3"


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 0), False),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 53, 4), True),
        ((4, 0, 0), True),
    ],
)
def test_wal_only_where_sqlite_has_the_fix(version: tuple[int, ...], safe: bool) -> None:
    assert wal_is_safe(version) is safe


def test_file_is_for_its_owner_and_settings_are_the_safe_ones(tmp_path: Path) -> None:
    database = open_database("sqlite:///deep/outbox.sqlite3", tmp_path)
    path = tmp_path / "deep/outbox.sqlite3"
    assert path.stat().st_mode & 0o777 == 0o600
    with database.read() as connection:
        told = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in (
                "journal_mode",
                "synchronous",
                "foreign_keys",
                "secure_delete",
                "busy_timeout",
                "application_id",
            )
        }
    database.close()
    wal = wal_is_safe(driver().sqlite_version_info)
    assert told == {
        "journal_mode": "wal" if wal else "delete",
        "synchronous": 3,
        "foreign_keys": 1,
        "secure_delete": 1,
        "busy_timeout": 10_000,
        "application_id": APPLICATION_ID,
    }


def test_every_table_is_strict(sqlite_store: Ledger) -> None:
    with sqlite_store.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT name, strict FROM pragma_table_list WHERE schema='main'").all()
    loose = {row[0] for row in rows if not row[1]} - {"sqlite_schema", "sqlite_sequence", "alembic_version"}
    assert not loose


def test_migrations_and_tables_agree(store: Ledger) -> None:
    with store.database.write() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})
        assert compare_metadata(context, schema.metadata) == []
        assert context.get_current_revision() == schema.HEAD


@pytest.mark.parametrize("place", [0, 20, 100, 4096 + 8, 8192 + 8])
def test_a_damaged_file_is_said_and_left_alone(tmp_path: Path, place: int) -> None:
    open_database(URL, tmp_path).close()
    path = tmp_path / "outbox.sqlite3"
    content = bytearray(path.read_bytes())
    content[place : place + 64] = b"\xff" * 64
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=r"damaged|cannot be used|another program") as refused:
        open_database(URL, tmp_path)
    assert refused.value.exit_code == 3
    assert refused.value.hint
    assert path.read_bytes() == content


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outbox.sqlite3").write_text("liste de courses\n" * 200)
    with pytest.raises(LedgerError, match="not a database"):
        open_database(URL, tmp_path)


def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "outbox.sqlite3")
    other.execute("CREATE TABLE publication (x)")
    other.commit()
    other.close()
    with pytest.raises(LedgerError, match="another program"):
        open_database(URL, tmp_path)


def test_a_newer_schema_is_refused(store: Ledger, tmp_path: Path) -> None:
    with store.database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    url = store.database.engine.url.set(drivername="postgresql")
    again = URL if store.database.is_sqlite else url.render_as_string(hide_password=False)
    with pytest.raises(LedgerError, match="newer veille"):
        open_database(again, tmp_path)


@pytest.mark.parametrize("url", ["mysql://x/y", "outbox.sqlite3", "", "postgres:/", "sqlite://"])
def test_an_odd_url_is_a_clear_error(tmp_path: Path, url: str) -> None:
    with pytest.raises(LedgerError):
        open_database(url, tmp_path)


def test_a_server_that_is_not_there_shows_no_password(tmp_path: Path) -> None:
    with pytest.raises(LedgerError) as refused:
        open_database("postgresql://u:hunter2@127.0.0.1:1/x", tmp_path)
    assert "hunter2" not in f"{refused.value.message}{refused.value.hint}"


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file stands where the folder should be")
    with pytest.raises(LedgerError, match="cannot be written"):
        open_database("sqlite:///outbox/outbox.sqlite3", tmp_path)


@pytest.mark.parametrize("folder", ["a b", "50%", "what?x=1", "été#2"])
def test_any_folder_name_will_do(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    open_database(URL, tmp_path / folder).close()
    assert (tmp_path / folder / "outbox.sqlite3").stat().st_size > 0


def test_a_failed_statement_shows_no_values(store: Ledger) -> None:
    store.readers("amel")
    again = sa.insert(schema.subscriber).values(
        email="amel@example.org", state="subscribed", consent_at=NOW, consent_how="x"
    )
    with pytest.raises(LedgerError) as refused, store.database.write() as connection:
        connection.execute(again)
    assert "amel" not in refused.value.message


def _claim_all(url: str, root: str, name: str, taken: multiprocessing.Queue[list[str]]) -> None:
    database = open_database(url, Path(root))
    worker = Deliveries(database, name, KEY, "example.org")
    mine: list[str] = []
    while batch := worker.claim("newsletter", NOW, 7):
        mine += [delivery.id for delivery in batch]
    taken.put(mine)
    database.close()


def test_two_processes_never_get_the_same_row(store: Ledger, tmp_path: Path) -> None:
    store.readers(*(f"r{n}" for n in range(300)))
    store.put(store.item("newsletter"))
    assert store.worker().expand(1, NOW) == 300
    url = store.database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    url = URL if store.database.is_sqlite else url
    spawn = multiprocessing.get_context("spawn")
    taken: multiprocessing.Queue[list[str]] = spawn.Queue()
    workers = [spawn.Process(target=_claim_all, args=(url, str(tmp_path), f"w{n}", taken)) for n in range(2)]
    for process in workers:
        process.start()
    lists = [taken.get(timeout=60) for _ in workers]
    for process in workers:
        process.join(60)
    both = [name for names in lists for name in names]
    assert len(both) == len(set(both)) == 300


def test_a_write_that_fails_half_way_leaves_nothing(sqlite_store: Ledger) -> None:
    twice = [sqlite_store.item(), sqlite_store.item(source="autre", rendition=None)]
    with pytest.raises(AttributeError):
        sqlite_store.put(*twice)
    assert sqlite_store.queue.all() == []
