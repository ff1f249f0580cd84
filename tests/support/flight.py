"""Letters to many at once: a publisher with many connections, and a pump with rates, hours and waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from tests.support.ledger import KEY, Ledger, Mail
from veille.dispatch import Pump, Tally
from veille.errors import PublishError
from veille.outbox.deliveries import Deliveries
from veille.publishing import Delivery, Journal, Receipt
from veille.rates import Limits
from veille.subscribers import Row


def queue_letter(store: Ledger, count: int, domain: str = "example.org", **changes: Any) -> None:
    """Subscribe so many readers and queue a letter to them."""
    rows = [Row(f"r{n}@{domain}", "fr", "", "", False) for n in range(count)]
    store.subscribers.add(rows, how="test", now=store.now)
    store.put(store.item("newsletter", **changes))


class Batches(Mail):
    """A publisher with many connections: commits in groups, and asks for more while there is more."""

    def __init__(self, outcome: Callable[[Delivery], Receipt | PublishError] = lambda _d: Receipt("250 ok")) -> None:
        super().__init__("newsletter")
        self.outcome = outcome
        self.groups: list[int] = []

    def deliver(self, deliveries: Sequence[Delivery], journal: Journal) -> None:
        """Ten at a time: outcomes of the last ones with the intents of the next."""
        ended: list[tuple[Delivery, Receipt | PublishError]] = []
        while deliveries:
            for start in range(0, len(deliveries), 10):
                group = deliveries[start : start + 10]
                allowed = journal.commit(ended, group)
                self.groups.append(len(ended))
                gone = [delivery for delivery, go in zip(group, allowed, strict=True) if go]
                self.sent += gone
                ended = [(delivery, self.outcome(delivery)) for delivery in gone]
            deliveries = journal.more()
        journal.commit(ended, ())


def flight_pump(store: Ledger, mail: Mail, chosen: Limits | None = None, **changes: Any) -> Pump:
    """A pump over this ledger.

    Args:
        chosen: how fast and at which hours.
        changes: of what the pump is made of; `waited`: a list for the seconds that it slept, which then pass.
    """
    waited = changes.pop("waited", None)

    def sleep(seconds: float) -> None:
        if waited is not None:
            waited.append(seconds)
            store.now += timedelta(seconds=seconds)

    deliveries = Deliveries(
        store.database, "w1", KEY, "letter.example.org", {"newsletter": chosen} if chosen else None, KEY
    )
    parts: dict[str, Any] = {
        "grace": {"newsletter": timedelta(hours=24)},
        "clock": lambda: store.now,
        "stop": lambda: False,
        "progress": lambda _channel, _count: None,
        "sleep": sleep,
    }
    return Pump(deliveries, {"newsletter": mail}, **(parts | changes))


def fly(store: Ledger, mail: Mail, chosen: Limits | None = None, **changes: Any) -> Tally:
    """One pass of such a pump."""
    return flight_pump(store, mail, chosen, **changes).once()
