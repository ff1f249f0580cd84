"""What the ledger tells the publisher of a page or account: whose posts are there already, and when all must wait."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from tests.support.ledger import LOOKS, Act, Ledger
from veille.errors import OutcomeUnknown
from veille.publishing import Delivery, FollowUp, ReadBack, Receipt, Rendition, Seen


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


class _Account(_Keen):
    """A service that lets people see posts, and tells their ids and addresses when it likes."""

    follow_ups: ClassVar[frozenset[FollowUp]] = frozenset()
    told: tuple[Receipt | None, ...] = ()

    def ahead(self) -> None:
        """At its time."""

    def editable(self, before: Rendition, after: Rendition) -> bool:
        return before == after

    def follow_up(self, delivery: Delivery, what: FollowUp, begun: datetime | None, *, again: bool = True) -> None:
        """Nothing."""

    def read_back(self, delivery: Delivery) -> ReadBack:
        self.looks.append(delivery)
        told = self.told[len(self.looks) - 1] if len(self.looks) <= len(self.told) else None
        return ReadBack(Seen.FOUND, told) if told else ReadBack(Seen.UNREADABLE)


def test_the_address_of_a_public_post_is_asked_for_until_it_is_told(store: Ledger) -> None:
    store.put(store.item(source="a", live=True))
    page = _Account("facebook", outcomes=[Receipt()], live=True)
    page.told = (None, Receipt("r9"), Receipt("r9", "https://p.example.org/9"), Receipt("r8", "https://no.example.org"))
    store.pump(page)
    seen = []
    for _pass in range(8):
        store.later(minutes=15)
        store.pump(page)
        seen.append((len(page.looks), store.row().remote_id, store.row().url))
    assert seen[0] == (1, "", "")
    assert seen[-1] == (3, "r9", "https://p.example.org/9")
    assert store.counts() == {"sent": 1}


def test_an_address_that_is_never_told_is_given_up_after_a_day(store: Ledger) -> None:
    store.put(store.item(source="a", live=True))
    page = _Account("facebook", outcomes=[Receipt("r1")], live=True)
    for _pass in range(60):
        store.pump(page)
        store.later(minutes=30)
    assert 5 < len(page.looks) < 15
    assert store.row().remote_id == "r1"
