"""Where tokens are kept that `veille connect` was given, and that the daily check renews.

A file beside the ledger, `outbox/tokens.json`, for the eyes of its owner only; or the keyring of the operating system.
Names are those of the environment variables that would say the same: `VEILLE_FACEBOOK__ACCESS_TOKEN`.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal, Protocol

from veille.errors import ConfigError
from veille.i18n import gettext as _
from veille.i18n import why

SECTIONS = ("facebook", "instagram")
KEYS = ("access_token", "user_token", "app_secret")
SERVICE = "veille"
FILE = "outbox/tokens.json"
ASK_AGAIN = 30.0  # seconds between two questions to a keyring, which takes its time

Kind = Literal["file", "keyring"]


def variable(section: str, key: str) -> str:
    """The name under which a setting is kept, and the environment variable that says the same."""
    return f"VEILLE_{section}__{key}".upper()


NAMES = tuple(variable(section, key) for section in SECTIONS for key in KEYS)


class TokenStore(Protocol):
    """Keeps secrets by the name of their setting."""

    where: str  # as people know it: "outbox/tokens.json"

    def load(self) -> dict[str, str]:
        """Everything that is kept.

        Raises:
            ConfigError: it is there and cannot be read.
        """

    def save(self, changes: Mapping[str, str], instead_of: Mapping[str, str] | None = None) -> bool:
        """Keep these too. Each old value stays until the new one is kept.

        Args:
            instead_of: only while all of these are still kept: somebody may have connected anew meanwhile.

        Returns:
            Whether they are kept now.

        Raises:
            ConfigError: they cannot be kept; what was there is untouched.
        """

    def forget(self, names: Iterable[str]) -> None:
        """Forget these; names that are not kept are passed over.

        Raises:
            ConfigError: as `save`.
        """

    def stamp(self) -> object:
        """Differs once something else is kept; comparing it costs next to nothing."""


def opened(root: Path, kind: Kind = "file") -> TokenStore:
    """The store of a workspace.

    Args:
        root: the workspace's folder, absolute.
        kind: `[workspace] token_store`.
    """
    return KeyringStore(root) if kind == "keyring" else FileStore(root / FILE)


class FileStore:
    """A JSON object in a file of mode 0600, replaced as a whole."""

    where = FILE

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> dict[str, str]:
        """See `TokenStore`."""
        try:
            values = json.loads(self._path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError):
            values = None
        if not isinstance(values, dict):
            raise ConfigError(
                _("{file} cannot be read").format(file=FILE),
                hint=_("put it back from the backup, or delete it and connect again"),
            )
        return {str(name).upper(): str(value) for name, value in values.items()}

    def save(self, changes: Mapping[str, str], instead_of: Mapping[str, str] | None = None) -> bool:
        """See `TokenStore`."""
        with self._alone():
            known = self.load()
            if not (instead_of or {}).items() <= known.items():
                return False
            self._replace({**known, **changes})
            return True

    def forget(self, names: Iterable[str]) -> None:
        """See `TokenStore`."""
        gone = set(names)
        with self._alone():
            known = self.load()
            if known.keys() & gone:
                self._replace({name: value for name, value in known.items() if name not in gone})

    def stamp(self) -> object:
        """See `TokenStore`."""
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino, status.st_size

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """`connect` and the daily check may both change it: one after the other, or one of them would be lost."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with _made(self._path.with_name(".tokens.lock")) as lock:
                _wait_for(lock)
                yield
        except OSError as error:
            raise ConfigError(
                _("{file} cannot be written: {error}").format(file=FILE, error=why(error)),
                hint=_("free some space, or give this user the right to write there; the old access is untouched"),
            ) from None

    def _replace(self, values: Mapping[str, str]) -> None:
        """Write beside, wait for the disk, rename: whoever reads finds all of the old or all of the new."""
        part = self._path.with_name(".tokens.part")  # one name: what a killed process left is written over
        with _made(part) as stream:
            stream.write(json.dumps(dict(sorted(values.items())), indent=1).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(self._path)


def _made(path: Path) -> IO[bytes]:
    """A new file, readable by its owner only before anything is in it."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), 0o600)
    stream = os.fdopen(handle, "wb")
    path.chmod(0o600)
    return stream


def _wait_for(lock: IO[bytes]) -> None:
    try:
        import fcntl
    except ImportError:  # Windows: two changes in one moment are left to luck there
        return
    fcntl.flock(lock, fcntl.LOCK_EX)


class KeyringStore:
    """The keyring of the operating system: one entry for each name, because some take 1,280 characters at most.

    Args:
        root: the workspace's folder: two newsrooms of one account do not meet.
    """

    where = "keyring"

    def __init__(self, root: Path) -> None:
        self._service = f"{SERVICE} {root}"
        self._seen: tuple[float, object] | None = None  # when, what

    def load(self) -> dict[str, str]:
        """See `TokenStore`."""
        ring, errors = _keyring()
        try:
            found = {name: ring.get_password(self._service, name) for name in NAMES}
        except errors.KeyringError as error:
            raise _locked(error) from None
        return {name: value for name, value in found.items() if value}

    def save(self, changes: Mapping[str, str], instead_of: Mapping[str, str] | None = None) -> bool:
        """See `TokenStore`."""
        ring, errors = _keyring()
        if instead_of and not instead_of.items() <= self.load().items():
            return False
        try:
            for name, value in changes.items():
                ring.set_password(self._service, name, value)
        except errors.KeyringError as error:
            raise _locked(error) from None
        return True

    def forget(self, names: Iterable[str]) -> None:
        """See `TokenStore`."""
        ring, errors = _keyring()
        for name in names:
            try:
                ring.delete_password(self._service, name)
            except errors.PasswordDeleteError:
                continue  # it was not there
            except errors.KeyringError as error:
                raise _locked(error) from None

    def stamp(self) -> object:
        """See `TokenStore`. A keyring does not say when it changed: what it holds, asked for now and then."""
        if self._seen is None or time.monotonic() - self._seen[0] > ASK_AGAIN:
            self._seen = time.monotonic(), tuple(sorted(self.load().items()))
        return self._seen[1]


def _keyring() -> tuple[Any, Any]:
    """The package, loaded only for whoever asks for it.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import keyring
        from keyring import errors
    except ImportError:
        raise ConfigError(
            _('workspace.token_store is "keyring", but the package for it is not installed'),
            hint=_('install it with: pip install "veille[keyring]", or write token_store = "file"'),
        ) from None
    return keyring, errors


def _locked(error: Exception) -> ConfigError:
    """Its kind only: some keyrings repeat what they were given."""
    return ConfigError(
        _("the keyring of this computer cannot be used ({error})").format(error=type(error).__name__),
        hint=_('unlock it, or write token_store = "file" under [workspace] in veille.toml and connect again'),
    )
