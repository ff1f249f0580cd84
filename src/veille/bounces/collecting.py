"""From a mailbox into the ledger: each message once, and out of the mailbox only after its outcome is committed.

What is not understood stays where it is and is listed. Reading a message twice does no harm: the ledger counts one
bounce for each letter and kind. So the order is commit, then move; whatever fails in between is done again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from veille.bounces.codes import Kind
from veille.bounces.memory import Memory, write_whole
from veille.bounces.reading import Report, read
from veille.errors import VeilleError
from veille.outbox import schema
from veille.outbox.database import Database
from veille.timetable import Clock
from veille.tokens import Keys

PROCESSED = "Processed"  # the folder of a mailbox for what was understood
UNREAD_FOLDER = "bounces"  # of the outbox: what came by the pipe and was not understood

_EFFECTS = (Kind.HARD, Kind.SOFT, Kind.COMPLAINT)
_d = schema.delivery


class MailboxError(VeilleError):
    """The mailbox cannot be used now; what was read until then is recorded."""

    code = "mailbox"
    exit_code = 75


class Mailbox(Protocol):
    """Where returned messages lie."""

    name: str  # for people, without password

    def keys(self) -> Iterable[str]:
        """What lies there, each under a name that stays the same. Opens the connection."""
        ...

    def content(self, key: str) -> bytes | None:
        """The first megabyte of a message; None when somebody took it away meanwhile."""
        ...

    def done(self, key: str) -> None:
        """It was understood and its outcome is committed: put it away."""
        ...

    def keep(self, key: str) -> None:
        """It was not understood: mark it for people, and leave it."""
        ...

    def close(self) -> None:
        """Say goodbye; only now a POP server deletes."""
        ...


class Recorder(Protocol):
    """The readers (`veille.subscribers`)."""

    def record_bounce(
        self, subscriber_id: int, delivery_id: int | None, kind: str, code: str, text: str, now: datetime
    ) -> str:
        """Act on a bounce: "suppressed", "counted", "known" or "gone"."""
        ...

    def leave(self, subscriber_id: int, now: datetime) -> bool:
        """Unsubscribe at once. False: they had left before."""
        ...


@dataclass(frozen=True)
class Unread:
    """A message that a person should look at: where it lies and why."""

    where: str
    reason: str


@dataclass
class Tally:
    """What one look into a mailbox came to.

    Args:
        kinds: how many messages of each `Kind`.
        outcomes: what followed from them: suppressed, counted, known, gone.
        unread: what was not understood now; it lies where it lay.
        kept: how many were not understood earlier, and still lie there.
        problem: why it ended early; what was done until then is done.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    unread: list[Unread] = field(default_factory=list)
    kept: int = 0
    problem: VeilleError | None = None

    @property
    def read(self) -> int:
        """How many messages were read."""
        return self.kinds.total()


class Collector:
    """Reads returned messages and records what they mean."""

    def __init__(self, database: Database, keys: Keys, readers: Recorder, clock: Clock, folder: Path) -> None:
        self._db = database
        self._keys = keys
        self._readers = readers
        self._clock = clock
        self._folder = folder

    def collect(
        self, mailbox: Mailbox, *, dry_run: bool = False, most: int | None = None, stop: Callable[[], bool] = bool
    ) -> Tally:
        """Read what is new in a mailbox.

        Args:
            most: end after so many messages; the rest comes the next time.
            stop: asked between two messages.

        Returns:
            What was done, also when the mailbox failed half-way: `problem` says why.

        Raises:
            LedgerError: the ledger refused; the message in hand lies untouched in the mailbox.
        """
        tally, memory = Tally(), Memory(self._folder, mailbox.name)
        present: list[str] | None = None
        try:
            present = list(mailbox.keys())
            for key in present:
                if stop() or (most is not None and tally.read >= most):
                    break
                self._one(mailbox, key, memory, tally, dry_run=dry_run)
        except MailboxError as error:
            tally.problem = error
        finally:
            self._end(mailbox, tally)
            if not dry_run:
                memory.save(present)
        return tally

    def _end(self, mailbox: Mailbox, tally: Tally) -> None:
        try:
            mailbox.close()
        except MailboxError as error:
            tally.problem = tally.problem or error

    def take(self, raw: bytes, recipient: str, *, dry_run: bool = False) -> Tally:
        """Read one message that the mail server hands over; what is not understood goes to `outbox/bounces/`.

        Raises:
            LedgerError: the ledger refused; the mail server should try again.
        """
        tally = Tally()
        report = read(self._keys, raw, self._delivery_of, recipient)
        self._record(report, tally, dry_run=dry_run)
        if report.kind is Kind.UNREADABLE or report.personal:
            path = self._folder / UNREAD_FOLDER / f"{hashlib.sha256(raw).hexdigest()[:16]}.eml"
            if not dry_run:
                write_whole(path, raw)
            tally.unread.append(Unread(f"{self._folder.name}/{UNREAD_FOLDER}/{path.name}", report.reason))
        return tally

    def _one(self, mailbox: Mailbox, key: str, memory: Memory, tally: Tally, *, dry_run: bool) -> None:
        why = memory.entries.get(key)
        if why:
            tally.kept += 1
            return
        if why == "":  # committed earlier, but the connection was lost before it was put away
            if not dry_run:
                mailbox.done(key)
            return
        raw = mailbox.content(key)
        if raw is None:
            return
        report = read(self._keys, raw, self._delivery_of)
        self._record(report, tally, dry_run=dry_run)
        stays = report.kind is Kind.UNREADABLE or report.personal
        if stays:
            tally.unread.append(Unread(f"{mailbox.name} {key}", report.reason))
        if dry_run:
            return
        if not stays:
            memory.entries[key] = ""
            mailbox.done(key)
            return
        if report.kind is Kind.UNREADABLE:
            mailbox.keep(key)
        memory.entries[key] = report.reason

    def _record(self, report: Report, tally: Tally, *, dry_run: bool) -> None:
        tally.kinds[report.kind.value] += 1
        if report.subscriber_id is not None and not dry_run:
            left = self._readers.leave(report.subscriber_id, self._clock())
            tally.outcomes["suppressed" if left else "known"] += 1
        if report.kind not in _EFFECTS or report.delivery_id is None or dry_run:
            return
        delivery = int(report.delivery_id[1:])
        reader = self._reader_of(delivery)
        if reader is None:
            tally.outcomes["gone"] += 1
            return
        outcome = self._readers.record_bounce(
            reader, delivery, report.kind.value, report.code, report.text, self._clock()
        )
        tally.outcomes[outcome] += 1

    def _reader_of(self, delivery: int) -> int | None:
        query = sa.select(_d.c.target).where(_d.c.id == delivery, _d.c.channel == "newsletter")
        with self._db.read() as connection:
            target = connection.execute(query).scalar()
        return int(target) if target and target.isdecimal() else None

    def _delivery_of(self, message_id: str) -> str | None:
        query = sa.select(_d.c.id).where(_d.c.message_id == message_id, _d.c.channel == "newsletter")
        with self._db.read() as connection:
            found = connection.execute(query).scalars().first()
        return None if found is None else f"d{found}"


def unread(folder: Path, mailbox: str | None) -> list[Unread]:
    """What was not understood so far and waits for a person: of a mailbox, and of the pipe."""
    found = []
    if mailbox is not None:
        found = [Unread(f"{mailbox} {key}", why) for key, why in Memory(folder, mailbox).entries.items() if why]
    files = sorted((folder / UNREAD_FOLDER).glob("*.eml"))
    return found + [Unread(f"{folder.name}/{UNREAD_FOLDER}/{path.name}", "") for path in files]
