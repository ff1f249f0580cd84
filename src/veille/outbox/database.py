"""Opening the ledger's database: pragmas, file modes, integrity, migrations.

SQLite rules and their reasons: https://sqlite.org/wal.html#walresetbug (read 2026-11), https://sqlite.org/pragma.html.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from veille.errors import LedgerError
from veille.i18n import gettext as _
from veille.outbox.database_errors import disk_failed, unwritable, worded
from veille.outbox.schema import HEAD

APPLICATION_ID = 0x7665696C  # "veil"
BUSY_MS = 10_000
CHECKED_AT_ONCE = 16 << 20  # bytes: a larger file is looked through by `veille run` alone, not by each command


def wal_is_safe(version: tuple[int, ...]) -> bool:
    """Whether this SQLite has the fix for the WAL-reset bug, which loses committed pages (fixed in 3.51.3)."""
    return version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)


def driver() -> ModuleType:
    """The standard library's SQLite when it is a fixed one, else the one that comes as a wheel."""
    if wal_is_safe(sqlite3.sqlite_version_info):
        return sqlite3
    try:
        from pysqlite3 import dbapi2
    except ImportError:
        return sqlite3
    return dbapi2  # type: ignore[no-any-return]


class Database:
    """An open ledger: `read()` and `write()` give connections inside a transaction."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._turn = threading.Lock()

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction that is committed at the end (SQLite: BEGIN IMMEDIATE).

        Raises:
            LedgerFull: there is no room; the same transaction may be tried again.
            LedgerError: the database refused; after a failed COMMIT nothing is known, so read the row again.
        """
        try:
            with self._in_turn(), self.engine.begin() as connection:
                yield connection
        except _refusals() as error:
            raise self._refused(error) from error

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """One thread of this process at a time: SQLite makes whoever waits for its lock sleep, and wakes nobody."""
        taken = self.is_sqlite and self._turn.acquire(timeout=BUSY_MS / 1000)
        try:
            yield  # not taken in that time: SQLite says what it says to other processes too
        finally:
            if taken:
                self._turn.release()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A snapshot that never blocks a writer."""
        try:
            with self.engine.connect().execution_options(veille_read=True) as connection:
                yield connection
        except _refusals() as error:
            raise self._refused(error) from error

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the one-file store."""
        return self.engine.dialect.name == "sqlite"

    @property
    def path(self) -> Path | None:
        """The file; None on a server."""
        return Path(str(self.engine.url.database)) if self.is_sqlite else None

    def check(self) -> None:
        """Read the whole file through, which takes a second for each 50 MB.

        Raises:
            LedgerError: it is damaged.
        """
        if not self.is_sqlite:
            return
        with self.read() as connection:
            damage = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if damage != "ok":
            raise LedgerError(
                _("the outbox file is damaged: {damage}").format(damage=str(damage).splitlines()[0]),
                hint=_("stop, keep the file, and put the last safe copy back"),
            )

    def _refused(self, error: Exception) -> LedgerError:
        if disk_failed(error):  # after a failed fsync memory and disk may differ: open the files anew
            self.engine.dispose()
        return worded(error, self.path)


def open_database(url: str, root: Path) -> Database:
    """Open the ledger, made on first use, migrated when it is older.

    Args:
        url: `sqlite:///path` (relative paths start at the workspace) or `postgresql://…`.
        root: the workspace folder.

    Raises:
        LedgerError: it cannot be read or written, is damaged, or was made by a newer veille.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        engine = _sqlite(root / (parsed.database or ""))
    else:
        engine = sa.create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"options": "-c lock_timeout=10000 -c idle_in_transaction_session_timeout=60000"},
        )
    database = Database(engine)
    try:
        if database.path and database.path.stat().st_size <= CHECKED_AT_ONCE:
            database.check()
        _migrate(database)
    except BaseException:
        database.close()
        raise
    return database


def _parse(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        parsed = None
    if parsed is None or parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise LedgerError(
            _("[outbox] url is not understood"),
            hint=_('write "sqlite:///outbox/outbox.sqlite3" or "postgresql://user@host/name"'),
        )
    return parsed


def _sqlite(path: Path) -> sa.Engine:
    _make_file(path)
    module = driver()
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),  # not by writing a URL: a path may hold "?" or "%"
        module=module,
        hide_parameters=True,  # an error of the database is shown with --debug; the values may be addresses
        connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False},
    )
    wal = wal_is_safe(module.sqlite_version_info)

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # BEGIN is ours: see _begin
        _configure(connection, wal=wal)

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        reading = connection.get_execution_options().get("veille_read")
        # A transaction that reads first and writes later cannot wait for the lock: it fails at once.
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def _configure(connection: Any, *, wal: bool) -> None:
    for pragma in (
        f"busy_timeout={BUSY_MS}",
        f"journal_mode={'WAL' if wal else 'DELETE'}",
        "synchronous=EXTRA",  # a lost `sending` would be a silent second copy
        "foreign_keys=ON",
        "trusted_schema=OFF",
        "cell_size_check=ON",
        "mmap_size=0",
        "secure_delete=ON",  # an erased address is gone from the file
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def _make_file(path: Path) -> None:
    """Make the file readable by its owner only, before SQLite makes it readable by all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        if sys.platform != "win32":
            path.chmod(0o600)
        probe = path.parent / f".{path.name}.write-test"
        probe.touch()
        probe.unlink(missing_ok=True)  # another process makes and takes away the same one
    except OSError as error:
        raise unwritable(path, error) from error


def _migrate(database: Database) -> None:
    version = _version(database)
    if version == HEAD:
        return
    if version is not None and version > HEAD:
        raise LedgerError(
            _("the outbox was made by a newer veille (schema {version}, this one knows {head})").format(
                version=version, head=HEAD
            ),
            hint=_("install the newer veille again; nothing was changed"),
        )
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with database.write() as connection:
        if database.is_sqlite:
            connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _version(database: Database) -> str | None:
    with database.read() as connection:
        if database.is_sqlite:
            _check_owner(connection)
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        version: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        return version


def _check_owner(connection: sa.Connection) -> None:
    """Refuse a file that another program made."""
    made_by = connection.exec_driver_sql("PRAGMA application_id").scalar()
    if made_by != APPLICATION_ID and sa.inspect(connection).get_table_names():
        raise LedgerError(
            _("this file is a database of another program"),
            hint=_("check [outbox] url; nothing was changed"),
        )


def _refusals() -> tuple[type[Exception], ...]:
    """What a database raises; opening a file that is none raises the driver's own error."""
    return SQLAlchemyError, driver().Error
