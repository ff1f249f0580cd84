"""The pump: what becomes of every delivery, whatever a publisher, a clock or another worker does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.ledger import LOOKS, Act, Ledger, Mail
from veille.errors import NotAuthorised, OutcomeUnknown, RateLimited, Rejected, Unavailable
from veille.publishing import Delivery, ReadBack, Receipt, Seen

UNKNOWN = OutcomeUnknown("no answer")
FOUND = ReadBack(Seen.FOUND, Receipt(remote_id="r1", url="https://x.example.org/1"))
BLIND = ReadBack(Seen.UNREADABLE)


def _ignore(result: object) -> None:
    """For lambdas that are called for what they do."""


# mail


def test_one_letter_each_and_nothing_the_second_time(store: Ledger) -> None:
    store.letter("amel", "bilal")
    mail = Mail("newsletter")
    assert store.pump(mail).expanded == {"p1": 2}
    assert not store.pump(mail).moved
    assert store.counts() == {"sent": 2}
    assert {delivery.recipient.address for delivery in mail.sent if delivery.recipient} == {
        "amel@example.org",
        "bilal@example.org",
    }


def test_no_reader_completes_with_none(store: Ledger) -> None:
    store.put(store.item("newsletter"))
    assert store.pump(Mail("newsletter")).expanded == {"p1": 0}
    assert (store.status().planned, store.status().state) == (0, "done")


def test_an_unknown_letter_is_resent_once_the_same_and_then_held(store: Ledger) -> None:
    store.letter("amel")
    copies: list[Delivery] = []
    mail = Mail("newsletter", outcomes=[UNKNOWN, UNKNOWN], after_intent=copies.append)
    store.pump(mail)
    store.later(minutes=14)
    assert not store.pump(mail).moved
    store.later(minutes=1)
    store.pump(mail)
    store.later(minutes=15)
    store.pump(mail)
    store.later(hours=9)
    store.pump(mail)
    assert store.counts() == {"held": 1}
    first, second = copies
    assert (first.message_id, first.date) == (second.message_id, second.date)
    assert first.attempt < second.attempt


def test_the_audience_is_frozen_and_consent_asked_again_before_the_dot(
    store: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("veille.outbox.upkeep.CHUNK", 2)
    store.letter("a", "b", "c", "d", "e")
    worker = store.worker()
    assert worker.expand(1, store.now) is None
    assert worker.claim("newsletter", store.now, 10) == []  # nobody before the last is counted
    store.later(seconds=1)
    store.readers("late")
    mail = Mail("newsletter", before_intent=lambda d: _ignore(store.subscribers.leave(2, store.now)))
    store.pump(mail)
    assert store.counts() == {"sent": 4, "cancelled": 1}
    assert store.status().planned == 5


def test_an_erased_reader_is_not_written_to(store: Ledger) -> None:
    import sqlalchemy as sa

    from veille.outbox import schema

    store.letter("amel", "bilal")
    store.worker().expand(1, store.now)
    with store.database.write() as connection:
        connection.execute(sa.delete(schema.subscriber).where(schema.subscriber.c.id == 1))
    store.pump(Mail("newsletter"))
    assert store.counts() == {"sent": 1, "cancelled": 1}


def test_back_off_doubles_to_four_hours_and_ends_after_two_days(store: Ledger) -> None:
    store.letter("amel")
    mail = Mail("newsletter", outcomes=[Unavailable("mailbox full")] * 99)
    waits = []
    store.pump(mail)
    while store.counts() == {"ready": 1}:
        wait = store.row().due_at - store.now
        waits.append(wait)
        store.later(seconds=wait.total_seconds())
        store.pump(mail)
    assert [wait.total_seconds() / 60 for wait in waits[:8]] == [5, 10, 20, 40, 80, 160, 240, 240]
    assert store.counts() == {"failed": 1}
    assert timedelta(hours=48) < sum(waits, timedelta()) < timedelta(hours=53)


def test_a_server_that_is_down_closes_the_lane_and_costs_no_reader_a_try(store: Ledger) -> None:
    store.letter("amel", "bilal")
    down = Unavailable("connection refused", about_us=True)
    mail = Mail("newsletter", outcomes=[down, down])
    tally = store.pump(mail)
    assert tally.stopped == {"newsletter": "connection refused"}
    assert store.row(1).tries == 0
    store.later(minutes=5)
    mail.outcomes = []
    store.pump(mail)
    assert store.counts() == {"sent": 2}


def test_a_server_that_stays_down_leaves_the_letter_to_a_person(store: Ledger) -> None:
    store.letter("amel")
    mail = Mail("newsletter", outcomes=[Unavailable("down", about_us=True)] * 999)
    for _ in range(55):
        store.pump(mail)
        store.later(hours=1)
    assert store.counts() == {"held": 1}
    assert store.actions.retry("p1", store.now) == 1


@pytest.mark.parametrize(("asked", "waited"), [(0, 30), (90, 90), (10**6, 86400)])
def test_a_service_says_when_but_never_at_once(store: Ledger, asked: int, waited: int) -> None:
    store.put(store.item())
    store.pump(Act("facebook", outcomes=[RateLimited("slow", retry_after=timedelta(seconds=asked))]))
    assert (store.row().due_at - store.now).total_seconds() == waited


def test_rejected_is_final(store: Ledger) -> None:
    store.letter("amel", "bilal")
    store.pump(Mail("newsletter", outcomes=[Rejected("no such mailbox")]))
    assert store.counts() == {"failed": 1, "sent": 1}
    assert store.status().state == "done"


def test_looks_come_at_30_seconds_2_and_5_minutes(store: Ledger) -> None:
    store.put(store.item())
    act = Act("facebook", outcomes=[UNKNOWN], seen=[BLIND] * 3)
    start = store.now
    store.pump(act)
    for expected, look in enumerate(LOOKS):
        store.now = start + look - timedelta(seconds=1)
        store.pump(act)
        assert len(act.looked) == expected
        store.now = start + look
        store.pump(act)
        assert len(act.looked) == expected + 1


def test_found_is_sent_with_its_url(store: Ledger) -> None:
    store.put(store.item())
    act = Act("facebook", outcomes=[UNKNOWN], seen=[ReadBack(Seen.ABSENT), FOUND])
    store.pump(act)
    store.looks(act)
    assert store.counts() == {"sent": 1}
    assert act.sent == []
    assert store.status().receipts[0]["url"].endswith("/1")


def test_absent_three_times_goes_once_more_and_then_to_a_person(store: Ledger) -> None:
    store.put(store.item())
    act = Act("facebook", outcomes=[UNKNOWN, UNKNOWN])
    store.pump(act)
    store.looks(act)
    assert store.counts() == {"unknown": 1}
    store.looks(act)
    assert store.counts() == {"held": 1}
    assert len(act.looked) == 6


@pytest.mark.parametrize("blind", [BLIND, Unavailable("x"), NotAuthorised("x"), KeyError("defect")])
@pytest.mark.parametrize("when", [0, 1, 2])
def test_one_blind_look_proves_nothing(store: Ledger, blind: ReadBack | Exception, when: int) -> None:
    store.put(store.item())
    seen: list[ReadBack | Exception] = [ReadBack(Seen.ABSENT)] * 3
    seen[when] = blind
    act = Act("facebook", outcomes=[UNKNOWN], seen=seen)
    store.pump(act)
    store.looks(act)
    assert store.counts() == {"held": 1}


def test_what_is_absent_after_days_of_standstill_is_held(store: Ledger) -> None:
    store.put(store.item())
    act = Act("facebook", outcomes=[UNKNOWN])
    store.pump(act)
    store.later(days=1)
    store.looks(act)
    assert store.counts() == {"held": 1}
    assert store.row().last_code == "overdue"
    assert store.actions.retry("d1", store.now) == 1  # three looks proved that it is not out


def test_access_gone_stops_the_channel_and_keeps_the_queue(store: Ledger) -> None:
    store.put(store.item(), store.item(source="deux"), store.item("instagram"))
    act = Act("facebook", outcomes=[NotAuthorised("token expired")])
    tally = store.pump(act, Act("instagram"))
    assert tally.stopped == {"facebook": "token expired"}
    assert [store.counts(p) for p in ("p1", "p2", "p3")] == [{"ready": 1}, {"ready": 1}, {"sent": 1}]
    assert store.pump(act).settled == {}
    store.actions.pause("facebook", store.now, paused=False)
    store.pump(act)
    assert [store.counts(p) for p in ("p1", "p2")] == [{"sent": 1}] * 2


# defects, stops, clocks


def test_a_publisher_that_raises_after_the_intent_leaves_an_unknown(store: Ledger) -> None:
    store.put(store.item(), store.item(source="deux"))
    tally = store.pump(Act("facebook", outcomes=[ZeroDivisionError()]), Act("instagram"))
    assert store.counts("p1") == {"unknown": 1}
    assert store.counts("p2") == {"sent": 1}
    assert tally.problems[0][1].code == "outcome-unknown"


def test_a_publisher_that_raises_before_the_intent_costs_a_back_off(store: Ledger) -> None:
    def fail(delivery: object) -> None:
        raise ZeroDivisionError

    store.put(store.item())
    store.pump(Act("facebook", before_intent=fail))
    assert store.counts() == {"ready": 1}
    assert store.row().due_at == store.now + timedelta(minutes=5)


def test_a_publisher_that_returns_early_is_not_asked_for_ever(store: Ledger) -> None:
    store.letter("amel", "bilal", "chloe")
    store.pump(Mail("newsletter", outcomes=[Receipt(), None, None, None]))
    assert store.counts() == {"sent": 1, "ready": 2}
    store.pump(Mail("newsletter"))
    assert store.counts() == {"sent": 3}


def test_stop_in_the_middle_of_a_batch_finishes_the_one_in_hand(store: Ledger) -> None:
    store.letter("amel", "bilal", "chloe")
    stopped: list[str] = []
    mail = Mail("newsletter", after_intent=lambda d: stopped.append(d.id))
    store.pump(mail, stop=lambda: bool(stopped))
    assert store.counts() == {"sent": 1, "ready": 2}
    assert stopped == ["d1"]


def test_a_clock_that_jumps_back_sends_nothing_again(store: Ledger) -> None:
    store.letter("amel")
    store.put(store.item(source="apres", due=store.now + timedelta(hours=1)))
    mail, page = Mail("newsletter"), Act("facebook")
    store.pump(mail, page)
    store.later(days=-1)
    store.pump(mail, page)
    store.later(days=1, hours=1)
    store.pump(mail, page)
    assert (len(mail.sent), len(page.sent)) == (1, 1)


def test_a_dead_worker_is_taken_over_and_its_ghost_is_not_heard(store: Ledger) -> None:
    store.letter("amel", "bilal")
    store.worker().expand(1, store.now)
    dead = store.worker("dead")
    first, second = dead.claim("newsletter", store.now, 2)
    assert dead.intent(first, store.now)
    mail = Mail("newsletter")
    assert store.make_pump(mail, worker="new").recover() == 1
    assert store.counts() == {"unknown": 1, "ready": 1}
    assert not dead.intent(second, store.now)
    assert not dead.settle(first, {"state": "sent"}, store.now, "sent")
    assert store.counts() == {"unknown": 1, "ready": 1}
    assert store.events("d1")[-1] == "dropped"
    store.pump(mail, worker="new")
    store.later(minutes=15)
    store.pump(mail, worker="new")
    assert store.counts() == {"sent": 2}


def test_a_ghost_of_the_same_name_is_fenced_by_the_attempt(store: Ledger) -> None:
    store.put(store.item())
    worker = store.worker()
    (old,) = worker.claim("facebook", store.now, 1)
    worker.settle(old, {"state": "ready"}, store.now, "released")
    (new,) = worker.claim("facebook", store.now, 1)
    assert not worker.intent(old, store.now)
    assert not worker.settle(old, {"state": "sent"}, store.now, "sent")
    assert worker.intent(new, store.now)
