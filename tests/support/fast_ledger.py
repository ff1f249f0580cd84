"""A SQLite ledger for walks of thousands of commits, and somebody who writes to it at the worst moment."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from veille.outbox.database import Database, driver, open_database

URL = "sqlite:///o.sqlite3"


def memory() -> str | None:
    """A folder that is not on a disk, if there is one: a walk of many commits waits for none."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@cache
def empty() -> bytes:
    """A new ledger, made once and not in each walk."""
    with tempfile.TemporaryDirectory(dir=memory()) as folder:
        open_database(URL, Path(folder)).close()
        return (Path(folder) / "o.sqlite3").read_bytes()


@contextmanager
def intruder(database: Database) -> Iterator[list[bool]]:
    """Somebody who tries to write after each statement of a worker, and does not wait. Gives whether it could."""
    could: list[bool] = []
    if database.path is None:  # rows are locked there, and not the whole ledger
        yield could
        return
    other = driver().connect(str(database.path), timeout=0, isolation_level=None)

    def write(connection: sa.Connection, *_args: Any) -> None:
        if connection.get_execution_options().get("veille_read"):
            return
        try:
            other.execute("UPDATE publication SET title = title")
            could.append(True)
        except driver().OperationalError:
            could.append(False)

    sa.event.listen(database.engine, "after_cursor_execute", write)
    try:
        yield could
    finally:
        sa.event.remove(database.engine, "after_cursor_execute", write)
        other.close()
