"""A ledger to try things on: builders, a clock moved by hand, and a publisher that does what it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, ClassVar

import sqlalchemy as sa

from veille.dispatch import Pump, Tally
from veille.errors import PublishError
from veille.outbox import schema
from veille.outbox.actions import Actions
from veille.outbox.database import Database
from veille.outbox.deliveries import Deliveries
from veille.outbox.queue import Change, Item, Queue
from veille.outbox.report import Report, Status
from veille.publishing import (
    ByHand,
    Delivery,
    Journal,
    OnUnknown,
    Proof,
    Publication,
    ReadBack,
    Receipt,
    Rendition,
    Seen,
    Source,
)
from veille.subscribers import Row, Subscribers

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
KEY = b"k" * 32
LOOKS = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=5))
RESEND = (timedelta(minutes=15),)
GRACE = {"newsletter": timedelta(hours=24), "facebook": timedelta(hours=2), "instagram": timedelta(hours=2)}

Outcome = Receipt | ByHand | PublishError | Exception | None


@dataclass
class Act:
    """A publisher that plays one outcome after the other, then success.

    Args:
        outcomes: for the deliveries in turn: a receipt, an error settled, another exception raised, None = return.
        seen: what looks find, in turn; then ABSENT.
    """

    channel: str
    outcomes: list[Outcome] = field(default_factory=list)
    seen: list[ReadBack | Exception] = field(default_factory=list)
    before_intent: Callable[[Delivery], None] = lambda delivery: None
    after_intent: Callable[[Delivery], None] = lambda delivery: None
    sent: list[Delivery] = field(default_factory=list)  # what really left
    looked: list[str] = field(default_factory=list)
    live: bool = False
    kind: ClassVar[str] = "act"
    on_unknown: ClassVar[OnUnknown] = OnUnknown.READ_BACK

    def render(self, source: Source) -> Rendition | None:
        """The title is all that counts."""
        return Rendition(self.channel, {"title": source.title})

    def targets(self) -> Sequence[str]:
        """One, but for letters."""
        return () if self.channel == "newsletter" else ("page",)

    def show(self, publication: Publication) -> None:
        """Nothing to look at."""

    def proof(self, rendition: Rendition) -> Proof:
        """Nothing that a check could look at."""
        return Proof()

    def requests(self, rendition: Rendition) -> Sequence[Mapping[str, Any]]:
        """None."""
        return ()

    def deliver(self, deliveries: Sequence[Delivery], journal: Journal) -> None:
        """Play."""
        for delivery in deliveries:
            self.before_intent(delivery)
            outcome = self.outcomes.pop(0) if self.outcomes else Receipt(remote_id=f"r{delivery.id}")
            if outcome is None:
                return
            if not journal.intent(delivery):
                continue
            self.after_intent(delivery)
            if isinstance(outcome, Exception) and not isinstance(outcome, PublishError):
                raise outcome
            if isinstance(outcome, Receipt):
                self.sent.append(delivery)
            journal.settle(delivery, outcome)

    def rest(self) -> None:
        """Nothing is kept open."""

    def read_back(self, delivery: Delivery) -> ReadBack:
        """Look."""
        self.looked.append(delivery.id)
        found = self.seen.pop(0) if self.seen else ReadBack(Seen.ABSENT)
        if isinstance(found, Exception):
            raise found
        return found

    def read_back_delays(self) -> Sequence[timedelta]:
        """As the settings' defaults."""
        return RESEND if self.channel == "newsletter" else LOOKS


class Mail(Act):
    """As the letter."""

    on_unknown = OnUnknown.RESEND


class Files(Act):
    """As feed and web."""

    on_unknown = OnUnknown.REWRITE


class Ledger:
    """One ledger with everything that acts on it, and one clock."""

    def __init__(self, database: Database, now: datetime = NOW) -> None:
        self.database = database
        self.now = now
        self.queue = Queue(database)
        self.actions = Actions(database)
        self.report = Report(database)
        self.subscribers = Subscribers(database, KEY)

    def later(self, **span: float) -> datetime:
        """Let time pass (or run back). Returns the new moment."""
        self.now += timedelta(**span)
        return self.now

    def worker(self, name: str = "w1") -> Deliveries:
        """The ledger as a worker of this name sees it."""
        return Deliveries(self.database, name, KEY, "letter.example.org")

    def pump(self, *acts: Act, worker: str = "w1", stop: Callable[[], bool] = lambda: False) -> Tally:
        """One pass of a worker."""
        return self.make_pump(*acts, worker=worker, stop=stop).once()

    def make_pump(
        self,
        *acts: Act,
        worker: str = "w1",
        stop: Callable[[], bool] = lambda: False,
        zone: tzinfo = UTC,
        alone: Callable[[], None] = lambda: None,
    ) -> Pump:
        """A pump over these channels."""
        return Pump(
            self.worker(worker),
            {act.channel: act for act in acts},
            grace={name: span for name, span in GRACE.items() if name in {act.channel for act in acts}},
            clock=lambda: self.now,
            stop=stop,
            progress=lambda channel, count: None,
            zone=zone,
            alone=alone,
        )

    def item(self, channel: str = "facebook", source: str = "repas", text: str = "Un repas", **changes: Any) -> Item:
        """A post, or with the channel `newsletter` an edition."""
        letter = channel == "newsletter"
        values: dict[str, Any] = {
            "occurrence": "",
            "kind": "edition" if letter else "post",
            "title": source,
            "slug": source,
            "body_hash": text,
            "due": self.now,
            "due_local": "",
            "zone": "Europe/Paris",
            "rendition": Rendition(channel, {"title": text}),
            "targets": () if letter else ("page",),
        }
        return Item(source=source, channel=channel, **(values | changes))

    def put(self, *items: Item, withdrawn: Iterable[int] = ()) -> list[Change]:
        """Queue."""
        return list(self.queue.put(items, withdrawn, self.now).values())

    def readers(self, *names: str) -> None:
        """Subscribe some."""
        rows = [Row(f"{name}@example.org", "fr", "", "", False) for name in names]
        self.subscribers.add(rows, how="test", now=self.now)

    def letter(self, *names: str) -> None:
        """Queue a letter to these readers, who are subscribed first."""
        self.readers(*names)
        self.put(self.item("newsletter"))

    def looks(self, act: Act) -> None:
        """The looks that follow an answer that nobody understood, each at its time."""
        before = timedelta()
        for after in LOOKS:
            self.later(seconds=(after - before).total_seconds())
            self.pump(act)
            before = after

    def status(self, publication: str = "p1") -> Status:
        """One publication; the equation is checked with every look."""
        for status in self.report.publications():
            assert status.balanced, status
        return self.report.publication(publication)

    def counts(self, publication: str = "p1") -> dict[str, int]:
        """Its deliveries by state, without the zeros."""
        return {state: count for state, count in self.status(publication).counts.items() if count}

    def row(self, delivery: int = 1) -> Any:
        """All that the table says about a delivery."""
        with self.database.read() as connection:
            return connection.execute(sa.select(schema.delivery).where(schema.delivery.c.id == delivery)).one()

    def publication_row(self, publication: int = 1) -> Any:
        """All that the table says about a publication."""
        with self.database.read() as connection:
            return connection.execute(sa.select(schema.publication).where(schema.publication.c.id == publication)).one()

    def events(self, delivery: str = "d1") -> list[str]:
        """What happened to a delivery, in order."""
        return [event for _at, event, _text in self.report.delivery(delivery).events]
