"""One scheduler for each outbox: a lock held for life, which the system frees at any death.

The folder has one, and the ledger another when it lies elsewhere: a copied workspace, or a second machine, would take
what the first has in hand for the work of a dead process, and send it again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import sqlalchemy as sa

from veille.errors import Busy, LedgerError
from veille.i18n import gettext as _
from veille.i18n import why
from veille.outbox.database import Database

NAME = "run.lock"
_RUNNING = 0x7665696D  # PostgreSQL's advisory lock of the one scheduler
WAITS = (0.05, 0.1, 0.1)  # seconds: `running` holds the lock for a moment, too


@contextmanager
def scheduler_lock(folder: Path, database: Database) -> Iterator[None]:
    """Hold the lock of `veille run`, in the outbox folder and on the ledger.

    Raises:
        Busy: another process has it; the message names it.
        LedgerError: the folder cannot be written.
    """
    with ExitStack() as held:
        held.enter_context(_file_lock(folder / NAME))
        if not database.is_sqlite:
            held.enter_context(_server_lock(database))
        elif (ledger := Path(str(database.engine.url.database)).resolve()).parent != folder.resolve():
            held.enter_context(_file_lock(ledger.with_name(f"{ledger.name}.{NAME}")))
        yield


@contextmanager
def _server_lock(database: Database) -> Iterator[None]:
    """A lock of the session: it ends with the connection, which is ours alone and in no transaction."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()
        if not connection.execute(sa.select(sa.func.pg_try_advisory_lock(_RUNNING))).scalar():
            raise Busy(
                _("another `veille run` is at work on this database, perhaps on another machine"),
                hint=_("let it work, or stop it first; two at once would get in each other's way"),
            )
        yield


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise LedgerError(
            _("the outbox cannot be written: {path}: {error}").format(path=path, error=why(error)),
            hint=_("check the owner and the permissions of this folder, and the space on its disk"),
        ) from error
    with file:
        if not any(_try_lock(file) or _sleep(wait) for wait in WAITS):
            raise Busy(
                _("another `veille run` is at work here (process {pid})").format(pid=_read(path) or "?"),
                hint=_("let it work, or stop it first; two at once would get in each other's way"),
            )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def running(folder: Path) -> str | None:
    """The process id of the scheduler that is at work here; None when there is none."""
    path = folder / NAME
    try:
        with path.open("r+", encoding="utf-8") as file:
            return None if _try_lock(file) else _read(path) or "?"
    except OSError:
        return None


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip()


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def _try_lock(file: IO[str]) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        return _try_lock_windows(file)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _try_lock_windows(file: IO[str]) -> bool:
    import msvcrt

    try:
        file.seek(1 << 20)  # far behind the text, which others may still read
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError:
        return False
    return True
