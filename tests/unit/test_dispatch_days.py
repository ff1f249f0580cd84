"""What time does to deliveries: overdue, expired, withdrawn, edited, and a new day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.support.ledger import Act, Files, Ledger, Mail
from veille.errors import OutcomeUnknown, Rejected, Unavailable
from veille.publishing import Receipt

PARIS = ZoneInfo("Europe/Paris")
UNKNOWN = OutcomeUnknown("no answer")


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
    store.letter("amel", "bilal")
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
    store.letter("amel")
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
    store.looks(act)
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


def test_files_that_cannot_be_looked_at_stop_no_other_channel(store: Ledger) -> None:
    class Broken(Files):
        def outdated(self) -> bool:
            raise OSError("the disk of the pages is away")

    web, act = Broken("web"), Act("facebook")
    store.put(store.item())
    store.pump(web, act)
    assert len(act.sent) == 1
