"""Erasing one person (RGPD article 17), so that no byte of the address is left, and no old copy brings it back.

A list of keyed hashes lies beside the database and is written first: what a crash interrupts, and what a restored
database has forgotten, is done (again) the next time the outbox is opened.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from veille.errors import LedgerError, VeilleError
from veille.i18n import gettext as _
from veille.i18n import why
from veille.outbox import schema
from veille.outbox.database import Database
from veille.outbox.renditions import insert_once
from veille.outbox.schema import EPOCH
from veille.subscribers.addresses import LEFT, checked, keyed_hash, marker
from veille.subscribers.leaving import letters_of, put_away, suppress

LIST = "erased.list"
_LINE = re.compile(r"([0-9a-f]{64}) (\d{1,15})")
_PATIENCE = 100  # looks at a letter that is leaving at this moment, 0.1 s apart
_s, _d, _e, _log, _g = schema.subscriber, schema.delivery, schema.erasure, schema.attempt_log, schema.signup


class Erasure:
    """Erases people, and does it again after a restore.

    Args:
        key: of the keyed hashes, `Keys.derive("suppression")`; asked for only when somebody is to be erased.
        folder: the outbox, where the list and the sandbox's letters lie.
    """

    def __init__(
        self,
        database: Database,
        key: Callable[[], bytes],
        folder: Path,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._db = database
        self._make_key = key
        self._folder = folder
        self._list = _List(folder / LIST)
        self._sleep = sleep

    def erase(self, address: str, now: datetime) -> bool:
        """Erase one person for good. Run again, it takes away what came too late for the first time.

        Returns:
            False: they were erased before.

        Raises:
            VeilleError: nothing is held about this address.
            LedgerError: a file cannot be written, or another process keeps the database's log from being emptied.
        """
        email = checked(address)
        digest = keyed_hash(self._make_key(), email)
        ids = self._readers((email, marker(digest)))
        before = self._was_erased(digest)
        if not ids and not before and not self._asked(digest):
            raise VeilleError(
                _("nothing is held about this address"), hint=_("check how it is spelt; other spellings may be held")
            )
        if ids or not before:
            self._list.append({digest: now})
        self._carry_out(digest, now, ids)
        self._sweep(email)
        self.empty_log()
        return not before

    def erase_reader(self, subscriber_id: int, now: datetime) -> bool:
        """Erase the person behind a number, as they asked on their own page.

        Returns:
            False: others are reading the outbox, and its log still holds the old pages: call `empty_log` later.

        Raises:
            LedgerError: a file cannot be written.
        """
        with self._db.read() as connection:
            email = connection.execute(sa.select(_s.c.email).where(_s.c.id == subscriber_id)).scalar()
        if email is None:
            return True
        digest = keyed_hash(self._make_key(), email) if "@" in email else email.removeprefix(LEFT)
        self._list.append({digest: now})
        self._carry_out(digest, now, [subscriber_id])
        if "@" in email:
            self._sweep(email)
        try:
            self.empty_log()
        except LedgerError:
            return False
        return True

    def apply_again(self) -> int:
        """Erase again whoever is on the list and came back with an old copy of the database. Cheap when nobody did.

        Returns:
            How many people are on the list and were not known as erased.
        """
        listed = self._list.read()
        with self._db.read() as connection:
            count, latest = connection.execute(sa.select(sa.func.count(), sa.func.max(_e.c.at))).one()
            if count == len(listed) and latest == max(listed.values(), default=None):
                return 0
            stored = {row.hash: row.at for row in connection.execute(sa.select(_e))}
        self._list.append(
            {digest: at for digest, at in stored.items() if digest not in listed or listed[digest] < at}
        )  # it was lost
        missing = {digest: at for digest, at in listed.items() if digest not in stored or stored[digest] < at}
        found = self._find(missing) if missing else {}
        for digest, at in missing.items():
            self._carry_out(digest, at, found.get(digest, []))
        if missing:
            self.empty_log()
        return len(missing)

    def _was_erased(self, digest: str) -> bool:
        with self._db.read() as connection:
            return connection.execute(sa.select(_e.c.hash).where(_e.c.hash == digest)).first() is not None

    def _asked(self, digest: str) -> bool:
        """Whether they asked for the letter and did not confirm."""
        with self._db.read() as connection:
            mine = sa.select(_g.c.id).where(_g.c.hash == digest, _g.c.email != "")
            return connection.execute(mine).first() is not None

    def _readers(self, emails: Collection[str]) -> list[int]:
        with self._db.read() as connection:
            return list(connection.execute(sa.select(_s.c.id).where(_s.c.email.in_(emails))).scalars())

    def _find(self, missing: Mapping[str, datetime]) -> dict[str, list[int]]:
        """The readers behind hashes: every address is hashed, because none can be read from a hash.

        Whoever agreed anew after being erased stays.
        """
        key = self._make_key()
        found: dict[str, list[int]] = {}
        with self._db.read() as connection:
            rows = connection.execution_options(yield_per=5000).execute(sa.select(_s.c.id, _s.c.email, _s.c.consent_at))
            for row in rows:
                digest = keyed_hash(key, row.email) if "@" in row.email else row.email[1:]
                if digest in missing and row.consent_at <= missing[digest] + timedelta(seconds=1):
                    found.setdefault(digest, []).append(row.id)
        return found

    def _carry_out(self, digest: str, now: datetime, ids: Collection[int]) -> None:
        """Stop their letters, take files away, then the row: killed anywhere, it can be done again."""
        for reader in ids:
            with self._db.write() as connection:
                put_away(connection, self._make_key(), reader, "unsubscribed", "erased", now)
            deliveries = self._settled(reader)
            for path in self._letters(deliveries):
                _remove(path)
        with self._db.write() as connection:
            for reader in ids:
                forget(connection, reader)
            forget_request(connection, digest)
            suppress(connection, digest, "erased", now)
            connection.execute(insert_once(connection, _e).values(hash=digest, at=now))
            connection.execute(sa.update(_e).where(_e.c.hash == digest).values(at=now))

    def _settled(self, reader: int) -> list[int]:
        """Their deliveries, once none of them is being sent: a sandbox writes its file at that moment."""
        mine = sa.select(_d.c.id, _d.c.state).where(letters_of(reader))
        for _look in range(_PATIENCE):
            with self._db.read() as connection:
                rows = connection.execute(mine).all()
            if not any(row.state == "sending" for row in rows):
                break
            self._sleep(0.1)
        return [row.id for row in rows]

    def _letters(self, deliveries: Collection[int]) -> Iterator[Path]:
        for folder in sorted((self._folder / "newsletter").glob("*/")):
            for delivery in deliveries:
                path = folder / f"d{delivery}.eml"
                if path.exists():
                    yield path

    def _sweep(self, email: str) -> None:
        """Test letters, confirmation mails, mail that came back and waits: found by the address itself."""
        needle = email.encode()
        for pattern in ("newsletter/*/test.eml", "notices/*", "bounces/**/*"):
            for path in sorted(self._folder.glob(pattern)):
                if path.is_file() and needle in path.read_bytes().lower():
                    _remove(path)

    def empty_log(self) -> None:
        """SQLite's write-ahead log holds old pages until it is copied into the file, where they are zeros.

        Raises:
            LedgerError: somebody is reading at this moment.
        """
        if not self._db.is_sqlite:
            return
        with self._db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            cursor = connection.connection.cursor()
            busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            cursor.close()
        if busy:
            raise LedgerError(
                _("erased, but another process is reading the outbox: its log still holds the old pages"),
                hint=_("run the same command again in a minute"),
            )


class _List:
    """The erased, on a file of their own: one line for each, `hash milliseconds`, only ever added to."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, datetime]:
        """Hash -> when. A line that a crash cut short was not carried out either."""
        try:
            text = self._path.read_text(encoding="ascii", errors="replace")
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._unusable(error) from error
        matches = (_LINE.fullmatch(line) for line in text.splitlines())
        return {match[1]: EPOCH + timedelta(milliseconds=int(match[2])) for match in matches if match}

    def append(self, erased: Mapping[str, datetime]) -> None:
        """Durable when this returns."""
        if not erased:
            return
        lines = "".join(f"{digest} {(at - EPOCH) // timedelta(milliseconds=1)}\n" for digest, at in erased.items())
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(handle, "r+b") as file:
                size = file.seek(0, os.SEEK_END)
                if size and (file.seek(size - 1), file.read(1))[1] != b"\n":
                    lines = f"\n{lines}"
                file.write(lines.encode())
                file.flush()
                os.fsync(file.fileno())
            _sync_folder(self._path.parent)
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> LedgerError:
        return LedgerError(
            _("the list of erased readers cannot be used: {path}: {error}").format(path=self._path, error=why(error)),
            hint=_("check its owner and permissions; nobody is erased, and nothing leaves, without it"),
        )


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # a folder cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise LedgerError(
            _("{path} cannot be removed: {error}").format(path=path, error=why(error)),
            hint=_("it holds the address: remove it by hand, then run the same command again"),
        ) from error


def forget_request(connection: sa.Connection, digest: str) -> None:
    """A request for the letter that was not confirmed: only how many mails it led to stays, by its hash."""
    none_left = sa.case((_g.c.state == "reads", 0), else_=_g.c.mails)  # a reader gets no such mail: it only counted
    nothing = {"email": "", "towns": "", "audience": "", "text_only": 0, "age": "", "state": "given-up"}
    nothing |= {"mails": none_left}
    connection.execute(sa.update(_g).where(_g.c.hash == digest).values(**nothing))


def forget(connection: sa.Connection, reader: int) -> None:
    """Everything of one reader but the bare fact of each delivery, which the counts of its letter need."""
    deliveries = sa.select(_d.c.id).where(letters_of(reader))
    cleared: dict[str, Any] = {"last_error": "", "checkpoint": "", "remote_id": "", "url": ""}
    connection.execute(sa.update(_log).where(_log.c.delivery_id.in_(deliveries)).values(text=""))
    connection.execute(sa.update(_d).where(letters_of(reader)).values(**cleared))
    connection.execute(sa.delete(schema.bounce).where(schema.bounce.c.subscriber_id == reader))
    connection.execute(sa.delete(_s).where(_s.c.id == reader))
