"""One scheduler for each outbox: a lock held for life, which the system frees at any death.

The folder has one, and the ledger another when it lies elsewhere: a copied workspace, or a second machine, would take
what the first has in hand for the work of a dead process, and send it again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from veille.errors import Busy, LedgerError
from veille.i18n import gettext as _
from veille.i18n import why
from veille.outbox.database import Database
from veille.outbox.database_errors import worded

NAME = "run.lock"
_RUNNING = 0x7665696D  # PostgreSQL's advisory lock of the one scheduler
WAITS = (0.05, 0.1, 0.1)  # seconds: `running` holds the lock for a moment, too


@contextmanager
def scheduler_lock(folder: Path, database: Database) -> Iterator[Callable[[], None]]:
    """Hold the lock of `veille run`, in the outbox folder and on the ledger.

    Yields:
        What is to be called before each look at the outbox: it makes sure that the lock is still ours. A server that
        was started anew forgot it; a file that somebody deleted is none. Raises as this does.

    Raises:
        Busy: another process has it; the message names it.
        LedgerError: the folder cannot be written, or the server cannot be reached.
    """
    with ExitStack() as opened:
        locks: list[_FileLock | _ServerLock] = [_FileLock(folder / NAME)]
        if not database.is_sqlite:
            locks.append(_ServerLock(database))
        elif (ledger := Path(str(database.engine.url.database)).resolve()).parent != folder.resolve():
            locks.append(_FileLock(ledger.with_name(f"{ledger.name}.{NAME}")))

        def hold() -> None:
            for lock in locks:
                lock.hold()

        for lock in locks:
            opened.callback(lock.release)
        hold()
        yield hold


class _ServerLock:
    """A lock of the session: it ends with the connection, which is ours alone and in no transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: sa.Connection | None = None

    def hold(self) -> None:
        """Take it, unless it is ours."""
        if self._connection is not None:
            with suppress(SQLAlchemyError):
                self._connection.execute(sa.select(1))
                return
            self.release()
        try:
            self._take()
        except SQLAlchemyError as error:
            self.release()  # or a connection without the lock would be taken for it
            raise worded(error, None) from error

    def _take(self) -> None:
        connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()
        self._connection = connection
        if not connection.execute(sa.select(sa.func.pg_try_advisory_lock(_RUNNING))).scalar():
            self.release()
            raise Busy(
                _("another `veille run` is at work on this database, perhaps on another machine"),
                hint=_("let it work, or stop it first; two at once would get in each other's way"),
            )

    def release(self) -> None:
        """Give it back."""
        if self._connection is not None:
            with suppress(SQLAlchemyError):
                self._connection.close()
        self._connection = None


class _FileLock:
    """A lock on a file, which the system frees when this process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def hold(self) -> None:
        """Take it, unless it is ours."""
        if self._file is not None:
            with suppress(OSError):
                if os.path.samestat(os.fstat(self._file.fileno()), self._path.stat()):
                    return
            self.release()  # somebody deleted the file, perhaps to start another run
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a+", encoding="utf-8")
        except OSError as error:
            raise LedgerError(
                _("the outbox cannot be written: {path}: {error}").format(path=self._path, error=why(error)),
                hint=_("check the owner and the permissions of this folder, and the space on its disk"),
            ) from error
        self._take(self._file)

    def _take(self, file: IO[str]) -> None:
        if not any(_try_lock(file) or _sleep(wait) for wait in WAITS):
            self.release()
            raise Busy(
                _("another `veille run` is at work here (process {pid})").format(pid=_read(self._path) or "?"),
                hint=_("let it work, or stop it first; two at once would get in each other's way"),
            )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()

    def release(self) -> None:
        """Give it back."""
        if self._file is not None:
            self._file.close()
        self._file = None


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
