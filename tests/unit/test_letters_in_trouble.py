"""Letters in flight when something fails: every line, one line, the disk, the mail server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from tests.support.flight import Batches, flight_pump, fly, queue_letter
from tests.support.ledger import Ledger, Mail
from veille.dispatch import Pump
from veille.errors import LedgerError, LedgerFull, Rejected, Unavailable
from veille.outbox.ballast import Ballast
from veille.publishing import Delivery, Journal, Receipt

# failures about us


def test_a_line_that_fails_for_everybody_is_left_alone_after_a_few(store: Ledger) -> None:
    queue_letter(store, 200)
    lost = Unavailable("connection lost", about_us=True)
    tally = fly(store, Batches(lambda _delivery: lost))
    assert tally.stopped == {"newsletter": "connection lost"}
    assert tally.settled["ready"] == 30  # twenty, and the ten whose intents went with their outcomes
    assert {store.row(n).tries for n in range(1, 31)} == {0}


def test_a_server_that_refuses_everybody_is_left_alone_and_most_readers_wait_unharmed(store: Ledger) -> None:
    queue_letter(store, 200)
    listed = Rejected("554 5.7.1 your address is on a block list")
    tally = fly(store, Batches(lambda _delivery: listed))
    assert tally.stopped == {"newsletter": listed.message}
    assert store.counts() == {"failed": 30, "ready": 170}  # twenty, and the ten whose intents went with them
    later = fly(store, Batches())
    assert later.waits["newsletter"] == store.now + timedelta(minutes=5)
    store.later(minutes=5)
    fly(store, Batches())
    assert store.counts() == {"failed": 30, "sent": 170}
    assert store.actions.retry("p1", store.now, failed=True) == 30


def test_one_connection_that_is_cut_does_not_stop_the_others(store: Ledger) -> None:
    queue_letter(store, 100)
    lost = Unavailable("connection lost", about_us=True)
    tally = fly(store, Batches(lambda delivery: lost if int(delivery.id[1:]) % 10 == 3 else Receipt("250")))
    assert tally.stopped == {}
    assert store.counts() == {"sent": 90, "ready": 10}


# a disk that fails


class Broken:
    """The ledger's commit, failing when told."""

    def __init__(self, pump: Pump, errors: list[LedgerError | None]) -> None:
        self._commit, self._errors = pump._deliveries.commit, errors
        pump._deliveries.commit = self  # type: ignore[assignment]

    def __call__(self, *arguments: Any) -> Any:
        """As the real one, unless an error is next."""
        if self._errors and (error := self._errors.pop(0)):
            raise error
        return self._commit(*arguments)


def test_an_intent_whose_commit_failed_is_never_followed_by_the_letter(store: Ledger) -> None:
    queue_letter(store, 20)
    mail = Batches()
    pump = flight_pump(store, mail)
    Broken(pump, [None, LedgerError("disk")])
    with pytest.raises(LedgerError):
        pump.once()
    assert len(mail.sent) == 10
    assert store.counts() == {"sent": 10, "claimed": 10}  # the answers were written at the second try
    pump.once()
    assert store.counts() == {"sent": 20}
    assert len(mail.sent) == 20


def test_answers_find_room_on_a_full_disk_and_nothing_new_begins(store: Ledger) -> None:
    released: list[int] = []

    class Reserve(Ballast):
        def release(self) -> bool:
            released.append(1)
            return True

    queue_letter(store, 20)
    mail = Batches()
    pump = flight_pump(store, mail, ballast=Reserve(None))
    Broken(pump, [None, LedgerFull("the disk is full")])
    assert pump.once().stopped == {"newsletter": "the disk is full"}
    assert released == [1]
    assert len(mail.sent) == 10
    assert store.counts() == {"sent": 10, "ready": 10}


def test_nothing_is_claimed_while_there_is_no_room(store: Ledger) -> None:
    class Full(Ballast):
        def room(self) -> bool:
            return False

    queue_letter(store, 2)
    tally = fly(store, Batches(), ballast=Full(None))
    assert "newsletter" in tally.stopped
    assert store.counts() == {"ready": 2}


# a mail server that is away


def test_a_server_that_stays_away_is_tried_less_and_less_often_across_restarts(store: Ledger) -> None:
    queue_letter(store, 30)
    away = Unavailable("connection refused", about_us=True)
    waits: list[float] = []
    tried = store.now
    while len(waits) < 9:
        mail = Mail("newsletter", outcomes=[away, None])
        tally = fly(store, mail)
        if mail.outcomes != [away, None]:  # it was tried
            waits.append((store.now - tried).total_seconds() / 60)
            tried = store.now
            assert tally.stopped == {"newsletter": "connection refused"}
        else:
            assert tally.waits["newsletter"] > store.now
        store.later(minutes=5)
    assert waits == [0, 5, 10, 20, 40, 80, 160, 240, 240]
    assert {store.row(n).tries for n in range(1, 31)} == {0}


def test_a_server_that_dies_in_the_middle_is_knocked_at_once_more_and_not_twenty_times(store: Ledger) -> None:
    queue_letter(store, 60)
    away = Unavailable("connection refused", about_us=True)
    knocks: list[int] = []

    class Dying(Batches):
        def deliver(self, deliveries: Sequence[Delivery], journal: Journal) -> None:
            if not knocks:
                super().deliver(deliveries[:20], journal)
            knocks.append(len(deliveries))
            journal.settle(deliveries[20 if len(knocks) == 1 else 0], away)

    tally = fly(store, Dying())
    assert tally.stopped == {"newsletter": "connection refused"}
    assert len(knocks) == 2
    assert store.counts() == {"sent": 20, "ready": 40}
    assert store.worker().rests_until("newsletter", store.now) == store.now + timedelta(minutes=5)


def test_the_first_answer_ends_the_rest_and_a_person_may_end_it_at_once(store: Ledger) -> None:
    away = Unavailable("connection refused", about_us=True)
    queue_letter(store, 3)
    for _n in range(3):
        fly(store, Mail("newsletter", outcomes=[away, None]))
        store.later(hours=5)
    store.later(hours=-5)
    assert fly(store, Batches()).waits["newsletter"] == store.now + timedelta(minutes=20)
    store.actions.pause("newsletter", store.now, paused=False)
    fly(store, Batches())
    assert store.counts() == {"sent": 3}
    store.put(store.item("newsletter", source="second"))
    fly(store, Mail("newsletter", outcomes=[away, None]))
    assert store.worker().rests_until("newsletter", store.now) == store.now + timedelta(minutes=5)


def test_a_letter_behind_a_dead_server_is_held_whole_after_48_hours(store: Ledger) -> None:
    queue_letter(store, 40)
    away = Unavailable("connection refused", about_us=True)
    for _n in range(46):
        fly(store, Mail("newsletter", outcomes=[away, None]))
        store.later(hours=1)
    assert set(store.counts()) == {"ready"}
    for _n in range(8):
        fly(store, Mail("newsletter", outcomes=[away, None]))
        store.later(hours=1)
    counts = store.counts()
    assert counts["held"] >= 25
    assert counts["held"] + counts.get("ready", 0) == 40
