"""A letter that went to four readers, and what reads its bounces into a real ledger."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from tests.support.bounce_samples import KEYS, sample
from tests.support.ledger import Ledger, Mail
from veille.bounces.collecting import Collector, Mailbox, Tally
from veille.outbox import schema
from veille.outbox.database import open_database

DEAD, FULL, COMPLAINS, AWAY = "lea", "jules", "ines", "noe"
ALL = [("ines", "complaint", ""), ("jules", "soft", ""), ("jules", "soft", "4.2.2"), ("lea", "hard", "5.1.1")]
FEW = [("lea", "hard", "5.1.1")]
STATES = {"lea": "bounced", "jules": "subscribed", "ines": "complained", "noe": "subscribed"}


@dataclass
class Desk:
    """A ledger with a letter that went to four readers, and what reads bounces into it."""

    ledger: Ledger
    folder: Path
    deliveries: dict[str, str]
    message_ids: dict[str, str]
    names: dict[int, str]  # by the reader's number: the address of who is put away is forgotten

    def collect(self, mailbox: Mailbox, *, dry_run: bool = False, most: int | None = None) -> Tally:
        """One look."""
        return self.collector().collect(mailbox, dry_run=dry_run, most=most)

    def collector(self) -> Collector:
        """As `veille bounces` makes it."""
        return Collector(self.ledger.database, KEYS, self.ledger.subscribers, lambda: self.ledger.now, self.folder)

    def mail(self, name: str, reader: str) -> bytes:
        """A sample about the letter to one reader, as it travels."""
        content = sample(name, self.deliveries[reader], self.message_ids[reader])
        return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

    def mails(self) -> list[bytes]:
        """Five that are understood, and two that are not."""
        return [
            self.mail("postfix-user-unknown", DEAD),
            self.mail("gmail-over-quota", FULL),
            self.mail("no-mark", FULL),
            self.mail("arf-signal-spam", COMPLAINS),
            self.mail("vacation-french", AWAY),
            self.mail("forged-mark", AWAY),
            self.mail("qmail-no-code", FULL),
        ]

    def few(self) -> list[bytes]:
        """The same in three: dead, not understood, an answer of a machine."""
        return [self.mails()[number] for number in (0, 2, 4)]

    def bounces(self) -> list[tuple[str, str, str]]:
        """Who, what and which code, as the ledger has it."""
        b = schema.bounce
        with self.ledger.database.read() as connection:
            rows = connection.execute(sa.select(b.c.subscriber_id, b.c.kind, b.c.code)).all()
        return sorted((self.names[row.subscriber_id], row.kind, row.code) for row in rows)

    def states(self) -> dict[str, str]:
        """Each reader's state."""
        with self.ledger.database.read() as connection:
            rows = connection.execute(sa.select(schema.subscriber.c.id, schema.subscriber.c.state)).all()
        return {self.names[row.id]: row.state for row in rows}

    def forget(self) -> None:
        """Before anything came back."""
        with self.ledger.database.write() as connection:
            connection.execute(sa.delete(schema.bounce))
            connection.execute(sa.delete(schema.suppression))
            for number, name in self.names.items():
                connection.execute(
                    sa.update(schema.subscriber)
                    .where(schema.subscriber.c.id == number)
                    .values(state="subscribed", left_at=None, email=f"{name}@example.org")
                )
        (self.folder / "bounces.json").unlink(missing_ok=True)
        shutil.rmtree(self.folder / "bounces", ignore_errors=True)


@contextmanager
def desk_in(folder: Path) -> Iterator[Desk]:
    """Make one; its disk is not waited for."""
    database = open_database("sqlite:///outbox.sqlite3", folder)
    sa.event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    database.engine.dispose()
    ledger = Ledger(database)
    ledger.readers(DEAD, FULL, COMPLAINS, AWAY)
    ledger.put(ledger.item("newsletter"))
    ledger.pump(Mail("newsletter"))
    d, s = schema.delivery, schema.subscriber
    query = sa.select(d.c.id, d.c.message_id, s.c.email, s.c.id.label("reader")).where(
        d.c.target == sa.cast(s.c.id, sa.Text)
    )
    with database.read() as connection:
        rows = connection.execute(query).all()
    names = {row.email.partition("@")[0]: row for row in rows}
    assert len(names) == 4
    yield Desk(
        ledger,
        folder,
        {name: f"d{row.id}" for name, row in names.items()},
        {name: row.message_id for name, row in names.items()},
        {row.reader: name for name, row in names.items()},
    )
    database.close()
