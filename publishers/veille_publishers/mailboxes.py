"""Where bounces lie: a Maildir, an mbox, or a mailbox on a server (`mailbox_servers`).

Nothing is deleted that was not understood, and nothing is put away before its outcome is committed
(`veille.bounces.collecting`). A Maildir is moved within, an mbox is never written.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from urllib.parse import unquote

from veille.bounces.collecting import PROCESSED, Mailbox, MailboxError
from veille.bounces.mime import SIZE
from veille.i18n import gettext as _
from veille.i18n import why
from veille_publishers.mailbox_url import parse_server

LOCK_WAIT = 5.0  # seconds that a mail server may hold an mbox before we come back later
_SEPARATOR = re.compile(
    rb"From \S+ +(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} +\d{1,2} "
)  # also without a blank line


def open_mailbox(url: str, root: Path) -> Mailbox:
    """The mailbox of `[newsletter] bounces_url`; nothing is connected yet.

    Args:
        root: the workspace, where relative paths start.

    Raises:
        ConfigError: the setting is not understood. The message does not repeat it: it holds a password.
    """
    scheme, colon, rest = url.partition(":")
    if scheme in ("maildir", "mbox") and colon and rest.strip("/"):
        path = root / unquote(rest.removeprefix("//") if rest.startswith("///") else rest)
        return Maildir(path) if scheme == "maildir" else Mbox(path)
    from veille_publishers import mailbox_servers

    parts = parse_server(url)
    return mailbox_servers.Imap(parts) if parts.scheme.startswith("imap") else mailbox_servers.Pop(parts)


class Maildir:
    """One file for each message; what was understood moves to the Maildir++ folder `.Processed`.

    Whether a person has looked at a message says nothing: everything in `new` and `cur` is read that is not trashed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = f"maildir:{path}"
        self._files: dict[str, Path] = {}

    def keys(self) -> list[str]:
        """Names without flags, oldest first."""
        if not (self._path / "new").is_dir() or not (self._path / "cur").is_dir():
            raise MailboxError(
                _("there is no Maildir at {path}").format(path=self._path),
                hint=_("give the folder that holds `new`, `cur` and `tmp`"),
            )
        try:
            files = [path for part in ("new", "cur") for path in (self._path / part).iterdir()]
        except OSError as error:
            raise _refused(self._path, error) from error
        found = [path for path in files if not path.name.startswith(".") and "T" not in _flags(path)]
        self._files = {path.name.partition(":")[0]: path for path in sorted(found, key=lambda path: path.name)}
        return list(self._files)

    def content(self, key: str) -> bytes | None:
        """See `Mailbox`."""
        try:
            with self._files[key].open("rb") as file:
                return file.read(SIZE)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _refused(self._files[key], error) from error

    def done(self, key: str) -> None:
        """Into the folder for what was understood, seen."""
        folder = self._path / f".{PROCESSED}"
        self._move(key, folder / "cur", "S", folder)

    def keep(self, key: str) -> None:
        """Flagged, so that a person finds it."""
        self._move(key, self._path / "cur", "F")

    def close(self) -> None:
        """Nothing is open."""

    def _move(self, key: str, to: Path, flag: str, folder: Path | None = None) -> None:
        path = self._files[key]
        flags = "".join(sorted({*_flags(path), flag}))
        try:
            for name in ("cur", "new", "tmp") if folder else ():
                (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)  # type: ignore[operator]
            path.rename(to / f"{key}:2,{flags}")
        except FileNotFoundError:  # somebody else moved it: what counts is committed
            return
        except OSError as error:
            raise _refused(path, error) from error


def _flags(path: Path) -> str:
    return path.name.partition(":2,")[2]


class Mbox:
    """One file of many messages, of which none is touched: what was read is remembered by its digest."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = f"mbox:{path}"
        self._places: dict[str, tuple[int, int]] = {}

    def keys(self) -> list[str]:
        """Digests, in the order of the file. The file is locked meanwhile, as mail servers lock it."""
        try:
            with self._path.open("rb") as file, _locked(self._path, file):
                self._places = {digest: (start, size) for digest, start, size in _messages(file)}
        except OSError as error:
            raise _refused(self._path, error) from error
        return list(self._places)

    def content(self, key: str) -> bytes | None:
        """See `Mailbox`. A file that was rewritten meanwhile is left for the next time."""
        start, size = self._places[key]
        try:
            with self._path.open("rb") as file:
                file.seek(start)
                content = file.read(size)
        except OSError as error:
            raise _refused(self._path, error) from error
        if _digest(content) != key:
            raise MailboxError(
                _("{path} changed while it was read").format(path=self._path), hint=_("run the same command again")
            )
        return content

    def done(self, key: str) -> None:
        """It stays."""

    def keep(self, key: str) -> None:
        """It stays."""

    def close(self) -> None:
        """Nothing is open."""


def _messages(file: IO[bytes]) -> Iterator[tuple[str, int, int]]:
    """Digest, start and size (at most a megabyte) of each message: from a "From " line to the next."""
    start, size, blank = -1, 0, True
    digest = hashlib.sha256()
    position = 0
    while line := file.readline(64 * 1024):
        if line.startswith(b"From ") and (blank or _SEPARATOR.match(line)):
            if start >= 0:
                yield digest.hexdigest()[:32], start, size
            start, size, digest = position, 0, hashlib.sha256()
        taken = line[: SIZE - size] if start >= 0 else b""
        digest.update(taken)
        size += len(taken)
        position += len(line)
        blank = line in (b"\n", b"\r\n")
    if start >= 0:
        yield digest.hexdigest()[:32], start, size


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


@contextlib.contextmanager
def _locked(path: Path, file: IO[bytes]) -> Iterator[None]:
    """Both locks that mail servers use: one on the file, and a file beside it where we may make one."""
    end = time.monotonic() + LOCK_WAIT
    dot = path.with_name(f"{path.name}.lock")
    mine = False
    try:
        while not (mine := _dot_lock(dot)) and dot.exists():
            _wait(path, end)
        while not _try_lock(file):
            _wait(path, end)
        yield
    finally:
        if mine:
            dot.unlink(missing_ok=True)


def _dot_lock(dot: Path) -> bool:
    try:
        os.close(os.open(dot, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError:  # it is held, or this folder is not ours to write into
        return False
    return True


def _try_lock(file: IO[bytes]) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows: no mail server delivers there
        return True
    try:
        fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _wait(path: Path, end: float) -> None:
    if time.monotonic() > end:
        raise MailboxError(
            _("{path} is locked by another program").format(path=path), hint=_("run the same command again later")
        )
    time.sleep(0.05)


def _refused(path: Path, error: OSError) -> MailboxError:
    return MailboxError(
        _("the mailbox cannot be used: {path}: {error}").format(path=path, error=why(error)),
        hint=_("check the path, the owner and the permissions"),
    )
