"""A full disk: said as such, nothing lost, and room kept for what is in hand."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.ledger import Ledger
from tests.support.small_disk import fill, small_disk
from tests.support.workspace import REPOSITORY
from veille.errors import LedgerError, LedgerFull
from veille.outbox import ballast
from veille.outbox.ballast import Ballast
from veille.outbox.database import Database, open_database

URL = "sqlite:///outbox.sqlite3"
MIB = 1 << 20


def _insert(database: Database, rows: int = 1) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS load (content BLOB)")
        for _row in range(rows):
            connection.exec_driver_sql("INSERT INTO load VALUES (?)", (b"x" * 100_000,))


def _count(database: Database) -> int:
    with database.read() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM load").scalar_one())


def _until_full(database: Database) -> int:
    """Rows that were committed before the disk was full."""
    for count in range(10_000):
        try:
            _insert(database)
        except LedgerFull:
            return count
    raise AssertionError("the disk is not full")


def under_a_limit(folder: Path) -> None:
    """In a process of its own: no file may grow beyond 1 MiB, so the ledger is full soon."""
    import resource

    database = open_database(URL, folder)
    reserve = Ballast(database.path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, resource.RLIM_INFINITY))
    reserve.ensure()  # says nothing
    assert list(folder.glob("ballast*")) == []
    kept = _until_full(database)
    assert 5 < kept < 11
    assert _count(database) == kept
    with pytest.raises(LedgerFull):
        _insert(database, rows=20)  # a transaction is kept whole or not at all
    assert _count(database) == kept
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    _insert(database)  # the same process goes on
    assert _count(database) == kept + 1
    assert not list(folder.glob(".*"))  # nothing that was tried stays
    database.close()
    open_database(URL, folder).close()  # undamaged


def without_wal(folder: Path) -> None:
    """The same with a rollback journal: SQLite without the fix of its write-ahead log."""
    import veille.outbox.database

    veille.outbox.database.wal_is_safe = lambda version: False
    under_a_limit(folder)
    assert not list(folder.glob("*-wal"))


@pytest.mark.parametrize("case", [under_a_limit, without_wal])
def test_a_limit_on_files_is_a_full_disk(tmp_path: Path, case: Callable[[Path], None]) -> None:
    _in_a_process(case, tmp_path)


def _in_a_process(case: Callable[[Path], None], folder: Path) -> None:
    code = f"import pathlib, sys; from {__name__} import {case.__name__} as case; case(pathlib.Path(sys.argv[1]))"
    ran = subprocess.run([sys.executable, "-c", code, folder], cwd=REPOSITORY, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_the_reserve_makes_room_for_what_is_in_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ballast, "SIZE", 2 * MIB)
    monkeypatch.setattr(ballast, "FLOOR", 10 * MIB)
    with small_disk(tmp_path / "disk", 16 * MIB) as disk:
        database = open_database(URL, disk)
        reserve = Ballast(database.path)
        reserve.ensure()
        assert reserve.room()
        film = fill(disk, leave=MIB)
        kept = _until_full(database)
        assert not reserve.room()
        with pytest.raises(LedgerFull):
            open_database(URL, disk / "another")
        assert reserve.release()
        assert not reserve.release()
        _insert(database, rows=5)
        assert _count(database) == kept + 5
        reserve.ensure()  # no room for it, and none for claims
        assert not (disk / "ballast").exists()
        assert not reserve.room()
        film.unlink()
        reserve.ensure()
        assert (disk / "ballast").stat().st_blocks * 512 >= 2 * MIB
        assert reserve.room()
        database.close()


def test_the_reserve_is_real_private_and_made_once(tmp_path: Path) -> None:
    reserve = Ballast(tmp_path / "outbox.sqlite3")
    reserve.ensure()
    (made,) = tmp_path.iterdir()
    stat = made.stat()
    assert stat.st_blocks * 512 >= stat.st_size == ballast.SIZE == 16 * MIB
    assert stat.st_mode & 0o777 == 0o600
    reserve.ensure()
    assert made.stat().st_ino == stat.st_ino
    assert reserve.release()
    assert list(tmp_path.iterdir()) == []


def test_a_reserve_that_was_half_made_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.posix_fallocate")  # also where a file system cannot be asked for blocks
    (tmp_path / "ballast").write_bytes(b"short")
    (tmp_path / "ballast.part").write_bytes(b"killed here")
    Ballast(tmp_path / "outbox.sqlite3").ensure()
    (made,) = tmp_path.iterdir()
    assert made.stat().st_blocks * 512 >= made.stat().st_size == ballast.SIZE


def test_a_server_keeps_a_reserve_of_its_own() -> None:
    reserve = Ballast(None)
    reserve.ensure()
    assert reserve.room()
    assert not reserve.release()


def test_a_broken_disk_is_not_said_to_be_full(tmp_path: Path) -> None:
    database = open_database(URL, tmp_path)
    _insert(database)
    _spoil(tmp_path / "outbox.sqlite3-wal")
    with pytest.raises(LedgerError, match="I/O") as refused:
        _insert(database)
    assert not isinstance(refused.value, LedgerFull)
    assert "stop" in str(refused.value.hint)
    _insert(database)  # its files were opened anew
    assert _count(database) == 2
    database.close()


def _spoil(path: Path) -> None:
    """Nothing can be written any more through the handles that are open for this file."""
    blind = os.open(path, os.O_RDONLY)
    for handle in Path("/proc/self/fd").iterdir():
        if handle.name != str(blind) and handle.exists() and handle.readlink() == path:
            os.dup2(blind, int(handle.name))
    os.close(blind)


def test_a_full_database_server_is_a_full_disk(store: Ledger) -> None:
    full = "DO $$ BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = '53100'; END $$"
    with store.database.write() as connection:
        if store.database.is_sqlite:
            full = "CREATE TABLE load (content BLOB)"
            connection.exec_driver_sql("PRAGMA max_page_count = 1")
    with pytest.raises(LedgerFull, match="room") as refused:
        _run(store.database, full)
    assert refused.value.exit_code == 75
    assert "run the same command again" in str(refused.value.hint)


def _run(database: Database, statement: str) -> None:
    with database.write() as connection:
        connection.exec_driver_sql(statement)
