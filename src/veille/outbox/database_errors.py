"""What a database or disk refuses, as the error that calls for the right reaction.

A full disk is told from a broken one: the first is waited for, the second must be stopped at. SQLite's result codes:
https://sqlite.org/rescode.html, PostgreSQL's: https://www.postgresql.org/docs/current/errcodes-appendix.html (both
read 2026-11).
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from veille.errors import LedgerError, LedgerFull
from veille.i18n import gettext as _
from veille.i18n import why

NO_ROOM = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
_BUSY, _LOCKED, _IOERR, _CORRUPT, _FULL, _CANTOPEN, _NOTADB = 5, 6, 10, 11, 13, 14, 26
_PG_DISK_FULL, _PG_BROKEN = "53100", ("58030", "XX001", "XX002")  # io_error, data_corrupted, index_corrupted
_AHEAD, _PROBE = 16 << 20, 64 << 10  # bytes: how much further a file of ours may have wanted to grow; really written


def worded(error: Exception, path: Path | None) -> LedgerError:
    """The database's words without statement and values, which may hold an address.

    Args:
        path: SQLite's file; None for a server.
    """
    cause = _cause(error)
    words = str(cause).splitlines()[0] if str(cause) else type(cause).__name__
    if _is_full(cause, path):
        return full(words)
    return LedgerError(_("the outbox cannot be used: {words}").format(words=words), hint=_hint(cause, words))


def disk_failed(error: Exception) -> bool:
    """Whether SQLite could not read, write or sync its files."""
    return _sqlite_code(_cause(error)) == _IOERR


def unwritable(path: Path, error: OSError) -> LedgerError:
    """A file of the outbox that cannot be made or written."""
    if error.errno in NO_ROOM:
        return full(why(error))
    return LedgerError(
        _("the outbox cannot be written: {path}: {error}").format(path=path, error=why(error)),
        hint=_("check the owner and the permissions of this folder, and the space on its disk"),
    )


def full(words: str) -> LedgerFull:
    """No room: the one refusal after which the same transaction may be tried again."""
    return LedgerFull(
        _("there is no room left for the outbox: {words}").format(words=words),
        hint=_("make room on its disk, then run the same command again; nothing is sent until there is room"),
    )


def _cause(error: Exception) -> BaseException:
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error


def _is_full(cause: BaseException, path: Path | None) -> bool:
    if getattr(cause, "sqlstate", None) == _PG_DISK_FULL:
        return True
    code = _sqlite_code(cause)
    # A limit on the size of files, and some quotas, are told as an I/O error without saying which.
    return code == _FULL or (code in (_IOERR, _CANTOPEN) and path is not None and _no_room_beside(path))


def _no_room_beside(path: Path) -> bool:
    """Whether a file as long as the database, and longer, could be written here: tried, not asked for."""
    probe = path.parent / f".{path.name}.room-test"
    try:
        sizes = [file.stat().st_size for file in path.parent.iterdir() if file.name.startswith(path.name)]
        with probe.open("wb") as file:
            file.seek(max(sizes, default=0) + _AHEAD)
            file.write(b"\1" * _PROBE)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno in NO_ROOM
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
    return False


def _sqlite_code(cause: BaseException) -> int | None:
    """The primary result code: not every driver tells the extended one."""
    code = getattr(cause, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None


def _hint(cause: BaseException, words: str) -> str:
    code, state = _sqlite_code(cause), getattr(cause, "sqlstate", None)
    if code in (_CORRUPT, _NOTADB) or "not a database" in words or "malformed" in words:
        return _("the file is damaged: stop, keep it, and put the last safe copy back")
    if code == _IOERR or state in _PG_BROKEN:
        return _("its disk fails: stop, leave the outbox as it is, and have the disk looked at before the next run")
    if code in (_BUSY, _LOCKED) or "locked" in words:
        return _("another program holds the outbox; try again in a minute")
    return _("check [outbox] url, the owner and the permissions of the outbox folder")
