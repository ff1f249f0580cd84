"""Links that name a reader without showing an address: signed, bound to one purpose, with a key that can be changed.

A token is key id + purpose + subscriber + MAC, short enough that `<https://host/u/TOKEN>` stays below 78 characters:
longer List-Unsubscribe headers are damaged on the way (facts: Python's e-mail package folds them).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from veille.errors import LedgerError
from veille.i18n import gettext as _

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_CONFIGURED = "0"  # the id of the key that the environment gives
_KEY_BYTES = 32
_MAC_BYTES = 15  # 120 bits: 20 characters of base64url, or 24 of base32, without padding
_FORM = re.compile(r"([0-9a-z])([upc])([0-9a-z]+)-([A-Za-z0-9_-]{20})")
_BOUNCE = "b"  # not a purpose of a link: no link is made or read with it
_FOLDED_FORM = re.compile(rf"([0-9a-z]){_BOUNCE}([0-9a-z]{{1,13}})-([a-z2-7]{{24}})")


class Purpose(StrEnum):
    """What a link may do; a token made for one is void for the others."""

    UNSUBSCRIBE = "u"
    PREFERENCES = "p"
    CONFIRM = "c"


@dataclass(frozen=True)
class Keys:
    """Signing keys by id; the last one signs, all of them verify."""

    by_id: Mapping[str, bytes] = field(repr=False)

    @property
    def newest(self) -> str:
        """The id of the key that signs."""
        return list(self.by_id)[-1]

    def derive(self, use: str) -> bytes:
        """A key of its own for another use, for example Message-IDs, from the oldest one so that it never changes."""
        first = next(iter(self.by_id.values()))
        return hmac.new(first, f"veille/{use}".encode(), hashlib.sha256).digest()


def load_keys(path: Path, configured: str | None = None, *, in_use: Callable[[], bool] = lambda: False) -> Keys:
    """Read `outbox/secret.key`, made at first use (mode 0600); or the key that the environment gives.

    A key of the environment signs from now on; those of the file go on verifying the links in letters already sent.

    Args:
        path: one line for each key, `id:hex`, oldest first.
        configured: `VEILLE_WORKSPACE__SECRET_KEY`.
        in_use: whether the outbox holds what only the first key can read; asked when there is no key.

    Raises:
        LedgerError: the file cannot be made or read, is damaged, or is lost.
    """
    if configured and not path.exists():
        return Keys({_CONFIGURED: _from_words(configured)})
    try:
        if not path.exists():
            if in_use():  # a new one would void every link in letters already sent, and forget who must not be added
                raise FileNotFoundError(path)
            _make_file(path)
        keys = dict(_key(line) for line in path.read_text(encoding="ascii").split())
    except (OSError, ValueError) as error:
        raise LedgerError(
            _("the signing key cannot be read: {path}").format(path=path),
            hint=_("put it back from the backup: without it the links in letters already sent stop working"),
        ) from error
    if not keys:
        raise LedgerError(
            _("the signing key is empty: {path}").format(path=path), hint=_("put it back from the backup")
        )
    return Keys(keys | ({_CONFIGURED: _from_words(configured)} if configured else {}))


def _from_words(configured: str) -> bytes:
    return hashlib.sha256(configured.encode()).digest()


def _key(line: str) -> tuple[str, bytes]:
    key_id, _sep, text = line.partition(":")
    key = bytes.fromhex(text)
    if not re.fullmatch("[1-9a-z]", key_id) or len(key) < _KEY_BYTES:
        raise ValueError(key_id)  # a file cut short would sign with a key that anybody can guess
    return key_id, key


def _make_file(path: Path) -> None:
    """Whole or not at all: of two first commands at the same moment, one makes it and both use it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(f"1:{secrets.token_hex(_KEY_BYTES)}\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()


def make(keys: Keys, purpose: Purpose, subscriber: int) -> str:
    """The token of one subscriber for one purpose."""
    name = f"{keys.newest}{purpose}{_base36(subscriber)}"
    return f"{name}-{_mac(keys.by_id[keys.newest], name)}"


def read(keys: Keys, purpose: Purpose, token: str) -> int | None:
    """The subscriber that a token names; None when it is forged, damaged, or made for another purpose."""
    match = _FORM.fullmatch(token)
    if not match or match[2] != purpose or match[1] not in keys.by_id:
        return None
    name = token[: match.end(3)]
    if not hmac.compare_digest(match[4], _mac(keys.by_id[match[1]], name)):
        return None
    return int(match[3], 36)


def make_mark(keys: Keys, delivery: int) -> str:
    """What a return path says about its letter, where capital letters may become small ones on the way.

    At most 40 characters of `[0-9a-z-]`.
    """
    name = f"{keys.newest}{_BOUNCE}{_base36(delivery)}"
    return f"{name}-{_folded_mac(keys.by_id[keys.newest], name)}"


def read_mark(keys: Keys, mark: str) -> int | None:
    """The delivery that such a mark names, in whatever case it came back; None when it is not ours."""
    folded = mark.lower() if mark.isascii() else ""
    match = _FOLDED_FORM.fullmatch(folded)
    if not match or match[1] not in keys.by_id:
        return None
    if not hmac.compare_digest(match[3], _folded_mac(keys.by_id[match[1]], folded[: match.end(2)])):
        return None
    return int(match[2], 36)


def _folded_mac(key: bytes, name: str) -> str:
    digest = hmac.new(key, f"veille/bounce\n{name}".encode(), hashlib.sha256).digest()
    return base64.b32encode(digest[:_MAC_BYTES]).decode().lower()


def _mac(key: bytes, name: str) -> str:
    digest = hmac.digest(key, f"veille/link\n{name}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:_MAC_BYTES]).decode()


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
    return digits or "0"
