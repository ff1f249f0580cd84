"""Room kept in reserve, so that answers which a server gave can still be written down when the disk is full.

A disk that fills up between a server's "250" and its record would cost that reader a second copy. So a file of nothing
lies beside the database; deleting it makes the room for what is in hand, and nothing more is claimed until there is
room again.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

NAME = "ballast"
SIZE = 16 << 20  # bytes
FLOOR = 64 << 20  # bytes that must be free before anything more is begun
_BLOCK = 1 << 20


class Ballast:
    """The reserve beside one database.

    Args:
        database_path: SQLite's file; None for a server, which keeps its own: then there is always room.
    """

    def __init__(self, database_path: Path | None) -> None:
        self._path = database_path.with_name(NAME) if database_path else None

    def ensure(self) -> None:
        """Make the reserve where it is missing and there is room for it; where there is none, nothing happens.

        It is made only where claims go on afterwards, so that making it is never what stops them.
        """
        if self._path is None or _holds(self._path) or not self._free(_least() + SIZE):
            return
        part = self._path.with_name(f"{NAME}.part")
        try:
            _fill(part)
            part.replace(self._path)
        except OSError:  # a quota, or a limit on files: as if the disk had no room
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def release(self) -> bool:
        """Give the reserve back to the disk. Returns whether there was one."""
        if self._path is None:
            return False
        try:
            self._path.unlink()
        except OSError:
            return False
        _sync(self._path.parent)
        return True

    def room(self) -> bool:
        """Whether there is enough room to begin something new: 64 MiB, or five times the reserve."""
        return self._free(_least())

    def _free(self, least: int) -> bool:
        try:
            return self._path is None or shutil.disk_usage(self._path.parent).free >= least
        except OSError:  # the next transaction says it better
            return True


def _least() -> int:
    return max(FLOOR, 5 * SIZE)


def _holds(path: Path) -> bool:
    try:
        return path.stat().st_size >= SIZE
    except OSError:
        return False


def _fill(path: Path) -> None:
    """Blocks of the disk, not a hole: a file with a hole in it gives nothing back."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, SIZE)
            if os.fstat(file.fileno()).st_blocks * 512 >= SIZE:
                return
        for _block in range(SIZE // _BLOCK):
            file.write(os.urandom(_BLOCK))  # a file system that compresses would keep zeros for nothing
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Bring the deletion to the disk: some file systems give blocks back only then."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
