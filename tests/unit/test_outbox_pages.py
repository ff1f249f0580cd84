"""What the ledger tells the publisher of a page or account: whose posts are there already, and when all must wait."""

from __future__ import annotations

from typing import Any

from tests.support.ledger import LOOKS, Act, Ledger
from veille.errors import OutcomeUnknown
from veille.publishing import Delivery, ReadBack, Receipt, Seen


class _Keen(Act):
    """Finds what it looks for, and keeps what it was told."""

    def __init__(self, channel: str, **values: Any) -> None:
        super().__init__(channel, **values)
        self.looks: list[Delivery] = []

    def read_back(self, delivery: Delivery) -> ReadBack:
        self.looks.append(delivery)
        return ReadBack(Seen.FOUND, Receipt("r2"))


SPAM = OutcomeUnknown("taken for spam", hint="log in", stops=True)


def test_a_delivery_knows_which_posts_are_those_of_others(store: Ledger) -> None:
    store.put(store.item(source="a"), store.item(source="b"), store.item("instagram", source="c"))
    claimed: list[Delivery] = []
    page = _Keen("facebook", outcomes=[Receipt("r1"), OutcomeUnknown("x")], before_intent=claimed.append)
    store.pump(page, Act("instagram", outcomes=[Receipt("r3")]))
    store.later(seconds=30)
    store.pump(page)
    assert [delivery.taken for delivery in claimed] == [frozenset(), {"r1"}]
    assert [delivery.taken for delivery in page.looks] == [{"r1"}]


def test_an_answer_that_needs_a_person_stops_the_channel_and_is_looked_at_all_the_same(store: Ledger) -> None:
    store.put(store.item(source="a"), store.item(source="b"), store.item("instagram", source="c"))
    page = Act("facebook", outcomes=[SPAM])
    tally = store.pump(page, Act("instagram"))
    assert tally.stopped == {"facebook": "taken for spam"}
    assert [store.counts(name) for name in ("p1", "p2", "p3")] == [{"unknown": 1}, {"ready": 1}, {"sent": 1}]
    for delay in LOOKS:
        store.later(seconds=delay.total_seconds())
        store.pump(page)
    assert page.looked == ["d1"] * 3
    assert store.counts() == {"ready": 1}
    store.actions.pause("facebook", store.now, paused=False)
    store.pump(page)
    assert [delivery.id for delivery in page.sent] == ["d1", "d2"]
