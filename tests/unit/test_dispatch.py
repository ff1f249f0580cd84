"""The pump: what becomes of every delivery, whatever a publisher, a clock or another worker does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.support.ledger import LOOKS, Act, Files, Ledger, Mail
from veille.errors import NotAuthorised, OutcomeUnknown, RateLimited, Rejected, Unavailable
from veille.publishing import Delivery, ReadBack, Receipt, Seen

PARIS = ZoneInfo("Europe/Paris")
UNKNOWN = OutcomeUnknown("no answer")
FOUND = ReadBack(Seen.FOUND, Receipt(remote_id="r1", url="https://x.example.org/1"))
BLIND = ReadBack(Seen.UNREADABLE)


def _ignore(result: object) -> None:
    """For lambdas that are called for what they do."""


def _letter(store: Ledger, *names: str) -> None:
    store.readers(*names)
    store.put(store.item("newsletter"))


# mail


def test_one_letter_each_and_nothing_the_second_time(store: Ledger) -> None:
    _letter(store, "amel", "bilal")
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
    _letter(store, "amel")
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
    _letter(store, "a", "b", "c", "d", "e")
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

    _letter(store, "amel", "bilal")
    store.worker().expand(1, store.now)
    with store.database.write() as connection:
        connection.execute(sa.delete(schema.subscriber).where(schema.subscriber.c.id == 1))
    store.pump(Mail("newsletter"))
    assert store.counts() == {"sent": 1, "cancelled": 1}


def test_back_off_doubles_to_four_hours_and_ends_after_two_days(store: Ledger) -> None:
    _letter(store, "amel")
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
    _letter(store, "amel", "bilal")
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
    _letter(store, "amel")
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
    _letter(store, "amel", "bilal")
    store.pump(Mail("newsletter", outcomes=[Rejected("no such mailbox")]))
    assert store.counts() == {"failed": 1, "sent": 1}
    assert store.status().state == "done"


# a public page


def _looks(store: Ledger, act: Act) -> None:
    before = timedelta()
    for after in LOOKS:
        store.later(seconds=(after - before).total_seconds())
        store.pump(act)
        before = after


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
    _looks(store, act)
    assert store.counts() == {"sent": 1}
    assert act.sent == []
    assert store.status().receipts[0]["url"].endswith("/1")


def test_absent_three_times_goes_once_more_and_then_to_a_person(store: Ledger) -> None:
    store.put(store.item())
    act = Act("facebook", outcomes=[UNKNOWN, UNKNOWN])
    store.pump(act)
    _looks(store, act)
    assert store.counts() == {"unknown": 1}
    _looks(store, act)
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
    _looks(store, act)
    assert store.counts() == {"held": 1}


def test_what_is_absent_after_days_of_standstill_is_held(store: Ledger) -> None:
    store.put(store.item())
    act = Act("facebook", outcomes=[UNKNOWN])
    store.pump(act)
    store.later(days=1)
    _looks(store, act)
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
    _letter(store, "amel", "bilal", "chloe")
    store.pump(Mail("newsletter", outcomes=[Receipt(), None, None, None]))
    assert store.counts() == {"sent": 1, "ready": 2}
    store.pump(Mail("newsletter"))
    assert store.counts() == {"sent": 3}


def test_stop_in_the_middle_of_a_batch_finishes_the_one_in_hand(store: Ledger) -> None:
    _letter(store, "amel", "bilal", "chloe")
    stopped: list[str] = []
    mail = Mail("newsletter", after_intent=lambda d: stopped.append(d.id))
    store.pump(mail, stop=lambda: bool(stopped))
    assert store.counts() == {"sent": 1, "ready": 2}
    assert stopped == ["d1"]


def test_a_clock_that_jumps_back_sends_nothing_again(store: Ledger) -> None:
    _letter(store, "amel")
    store.put(store.item(source="apres", due=store.now + timedelta(hours=1)))
    mail, page = Mail("newsletter"), Act("facebook")
    store.pump(mail, page)
    store.later(days=-1)
    store.pump(mail, page)
    store.later(days=1, hours=1)
    store.pump(mail, page)
    assert (len(mail.sent), len(page.sent)) == (1, 1)


def test_a_dead_worker_is_taken_over_and_its_ghost_is_not_heard(store: Ledger) -> None:
    _letter(store, "amel", "bilal")
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


# overdue, expired, withdrawn, edited


@pytest.mark.parametrize(("channel", "hours"), [("facebook", 2), ("instagram", 2), ("newsletter", 24)])
def test_grace_counts_from_the_later_of_due_and_queueing(store: Ledger, channel: str, hours: int) -> None:
    store.readers("amel")
    act = (Mail if channel == "newsletter" else Act)(channel)
    store.put(store.item(channel, due=store.now - timedelta(days=3)))
    store.later(hours=hours)
    store.put(store.item(channel, source="deux", due=store.now - timedelta(days=3)))
    assert store.pump(act).held == []
    assert store.counts("p1") == {"sent": 1}
    store.put(store.item(channel, source="trois"))
    store.later(hours=hours, milliseconds=1)
    assert store.pump(act).held == ["p3"]


def test_what_a_dead_worker_had_in_hand_is_overdue_too(store: Ledger) -> None:
    store.put(store.item())
    store.worker("dead").claim("facebook", store.now, 1)
    store.later(days=3)
    act = Act("facebook")
    pump = store.make_pump(act, worker="new")
    pump.recover()
    assert pump.once().held == ["p1"]
    assert act.sent == []


def test_a_half_expanded_letter_of_long_ago_is_held_whole(store: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veille.outbox.upkeep.CHUNK", 1)
    _letter(store, "amel", "bilal")
    store.worker().expand(1, store.now)
    store.later(days=3)
    mail = Mail("newsletter")
    store.pump(mail)
    assert mail.sent == []
    assert store.status().state == "held"
    assert store.actions.retry("p1", store.now) == 2  # one reader listed, and the letter itself
    store.pump(mail)
    assert store.counts() == {"sent": 2}


def test_a_delivery_in_its_back_off_is_not_overdue(store: Ledger) -> None:
    _letter(store, "amel")
    mail = Mail("newsletter", outcomes=[Unavailable("full")] * 12)
    for _ in range(12):
        store.pump(mail)
        store.later(hours=2)
    assert store.now - store.publication_row().due_at >= timedelta(hours=24)
    assert store.pump(mail).held == []


def test_expiry_while_queued_cancels_and_while_standing_takes_down(store: Ledger) -> None:
    over = store.now + timedelta(hours=1)
    due = store.now + timedelta(hours=2)
    store.put(store.item(due=due, expires=over), store.item("web", expires=over))
    store.put(store.item("web", source="jamais", due=due, expires=over))
    web = Files("web")
    store.pump(web, Act("facebook"))
    store.later(hours=1)
    store.pump(web, Act("facebook"))
    assert store.status("p1").state == "cancelled"
    standing = store.worker().standing("web", store.later(hours=2), live=False)
    assert [(page.title, page.withdrawn) for page in standing] == [("repas", True)]
    assert store.counts("p2") == {"sent": 1}
    assert store.status("p3").state == "cancelled"  # no tombstone for what was never there
    assert [delivery.publication.withdrawn for delivery in web.sent] == [False, True]


def test_what_is_unknown_when_it_expires_still_ends_in_a_named_state(store: Ledger) -> None:
    store.put(store.item(expires=store.now + timedelta(minutes=1)))
    act = Act("facebook", outcomes=[UNKNOWN])
    store.pump(act)
    _looks(store, act)
    store.pump(act)
    assert store.counts() == {"cancelled": 1}


def test_an_edit_while_the_page_is_being_written_writes_it_again(store: Ledger) -> None:
    store.put(store.item("web"))
    edits = ["un", "deux"]

    def edit(delivery: object) -> None:
        if edits:
            store.put(store.item("web", text=edits.pop()))

    web = Files("web", after_intent=edit)
    store.pump(web)
    assert store.counts() == {"sent": 1}
    assert [delivery.publication.generation for delivery in web.sent] == [1, 2, 3]


def test_a_page_withdrawn_while_it_is_being_written_is_taken_down(store: Ledger) -> None:
    store.put(store.item("web"))
    gone = [1]

    def delete(delivery: object) -> None:
        if gone:
            store.put(withdrawn=[gone.pop()])

    web = Files("web", after_intent=delete)
    store.pump(web)
    assert [delivery.publication.withdrawn for delivery in web.sent] == [False, True]


def test_files_are_never_given_up(store: Ledger) -> None:
    store.put(store.item("web"))
    web = Files("web", outcomes=[Unavailable("disk full")] * 15)
    for _ in range(15):  # 60 hours; letters are given up after 48
        store.pump(web)
        store.later(hours=4)
    store.pump(web)
    assert store.counts() == {"sent": 1}


def test_channels_know_nothing_of_each_other(store: Ledger) -> None:
    store.put(store.item(), store.item("instagram"))
    store.pump(Act("facebook", outcomes=[Rejected("no")]), Act("instagram"))
    assert [store.counts(p) for p in ("p1", "p2")] == [{"failed": 1}, {"sent": 1}]


def test_a_sandbox_is_not_asked_whether_a_live_post_is_out(sqlite_store: Ledger) -> None:
    sqlite_store.put(sqlite_store.item(live=True))
    act = Act("facebook", outcomes=[OutcomeUnknown("no answer")])
    act.live = True
    sqlite_store.pump(act)
    assert sqlite_store.counts() == {"unknown": 1}
    sandbox = Act("facebook")  # it knows nothing of the page, and would say "absent" with a good conscience
    for expected in ("unknown", "held"):  # a trial may be over soon; after that, a person looks
        sqlite_store.later(hours=1.5)
        sqlite_store.pump(sandbox)
        assert sqlite_store.counts() == {expected: 1}
    assert not sandbox.looked


# a new day


def test_the_first_pass_of_a_day_writes_pages_again_once(store: Ledger) -> None:
    store.now = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
    store.put(store.item("web"), store.item("web", source="autre"), store.item("feed"))
    acts = web, feed, page = Files("web"), Files("feed"), Act("facebook")
    pump = store.make_pump(*acts, zone=PARIS)
    pump.once()
    assert (len(web.sent), len(feed.sent)) == (2, 1)
    store.now = datetime(2026, 11, 25, 22, 59, tzinfo=UTC)  # 23:59 in Paris
    pump.once()
    assert len(web.sent) == 2
    store.later(minutes=1)
    assert pump.once().settled["sent"] == 2  # one page brings the whole site up to date
    store.make_pump(*acts, zone=PARIS).once()  # another process
    store.later(hours=23)
    pump.once()
    assert (len(web.sent), len(feed.sent), page.sent) == (3, 2, [])
    store.later(days=9)
    store.make_pump(*acts, zone=PARIS, worker="w2").once()  # it was off meanwhile
    assert (len(web.sent), len(feed.sent)) == (4, 3)


def test_a_day_on_which_pages_were_written_needs_no_more(store: Ledger) -> None:
    web = Files("web")
    store.put(store.item("web"))
    store.pump(web)
    store.later(days=1)
    store.put(store.item("web", source="autre"))
    store.make_pump(web).round()
    store.later(minutes=5)
    store.pump(web, worker="w2")
    assert len(web.sent) == 3  # the new page and one that stands, in one rewriting
    store.later(minutes=5)
    store.pump(web, worker="w3")
    assert len(web.sent) == 3


def test_a_new_day_wakes_nothing_that_a_person_or_a_failure_holds(store: Ledger) -> None:
    down = Unavailable("disk full")
    web = Files("web", outcomes=[Receipt(), *[down] * 50])
    store.put(store.item("web"))
    store.pump(web)
    for _hour in range(20):
        store.later(hours=1)
        store.pump(web)
    assert store.counts() == {"ready": 1}  # it is tried again by itself, and not each time anew
    waits = store.row().due_at
    store.pump(web, worker="w2")
    assert store.row().due_at == waits
    web.outcomes.clear()
    store.now = waits
    store.pump(web)
    store.actions.pause("p1", store.now, paused=True)
    sent = len(web.sent)
    store.later(days=1)
    store.pump(web)
    assert len(web.sent) == sent


def test_a_new_day_leaves_alone_what_was_written_for_the_sandbox(store: Ledger) -> None:
    web = Files("web")
    store.put(store.item("web"))
    store.pump(web)
    store.later(days=1)
    web.live = True
    tally = store.pump(web)
    assert (tally.switched, len(web.sent), store.counts()) == ([], 1, {"sent": 1})
