"""What a person does: retry, cancel, resolve, pause, resume. What may be out never goes again by mistake."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.support.ledger import Act, Files, Ledger, Mail
from veille.errors import HardBounce, OutcomeUnknown, PublishError, Rejected, Unavailable, VeilleError
from veille.outbox import schema
from veille.outbox.actions import Answer
from veille.publishing import ByHand

UNKNOWN = OutcomeUnknown("no answer")


def _held_unknown(store: Ledger, act: Act) -> None:
    """d1 of p1: unknown, looked for, held."""
    act.outcomes.append(UNKNOWN)
    act.seen += [UNKNOWN] * 3
    store.pump(act)
    for minutes in (1, 2, 4):
        store.later(minutes=minutes)
        store.pump(act)
    assert store.counts() == {"held": 1}


@pytest.mark.parametrize("state", ["sending", "unknown", "sent"])
def test_retry_never_resends_what_may_be_out(store: Ledger, state: str) -> None:
    store.put(store.item())
    worker = store.worker()
    (delivery,) = worker.claim("facebook", store.now, 1)
    assert worker.intent(delivery, store.now)
    if state != "sending":
        worker.settle(delivery, {"state": state}, store.now, state)
    for name in ("p1", "d1"):
        assert store.actions.retry(name, store.now) == 0
    assert store.counts() == {state: 1}


def test_retry_leaves_a_held_unknown_to_resolve(store: Ledger) -> None:
    store.put(store.item())
    act = Act("facebook")
    _held_unknown(store, act)
    assert store.actions.retry("d1", store.now) == 0
    assert store.actions.cancel("d1", store.now) == 0  # it may be public: nobody calls that cancelled
    assert store.counts() == {"held": 1}
    assert store.actions.resolve("d1", Answer.CANCEL, store.now) == 1  # somebody looked
    assert store.actions.resolve("d1", Answer.RETRY, store.now) == 0  # what is cancelled is over


def test_an_edit_does_not_resend_a_held_unknown(store: Ledger) -> None:
    store.put(store.item())
    _held_unknown(store, Act("facebook"))
    assert store.put(store.item(text="Un repas, corrigé")) == ["too-late"]
    assert store.counts() == {"held": 1}


def test_resolve_retry_sends_once_more(store: Ledger) -> None:
    store.put(store.item())
    act = Act("facebook")
    _held_unknown(store, act)
    assert store.actions.resolve("p1", Answer.RETRY, store.now) == 1
    store.pump(act)
    assert store.counts() == {"sent": 1}
    assert len(act.sent) == 1


def test_resolve_sent_keeps_the_url(store: Ledger) -> None:
    store.put(store.item())
    _held_unknown(store, Act("facebook"))
    assert store.actions.resolve("d1", Answer.SENT, store.now, url="https://x.example.org/1") == 1
    status = store.status()
    assert status.state == "done"
    assert status.receipts[0]["url"] == "https://x.example.org/1"
    assert store.actions.resolve("d1", Answer.SENT, store.now) == 0


@pytest.mark.parametrize(("outcome", "state"), [(Unavailable("down"), "ready"), (Rejected("no"), "failed")])
@pytest.mark.parametrize(("answer", "after"), [(Answer.SENT, "sent"), (Answer.CANCEL, "cancelled")])
def test_whoever_posts_it_by_hand_or_gives_up_says_so_also_before_it_left(
    store: Ledger, outcome: PublishError, state: str, answer: Answer, after: str
) -> None:
    store.put(store.item())
    act = Act("facebook", outcomes=[outcome])
    store.pump(act)
    assert store.counts() == {state: 1}
    assert store.actions.resolve("d1", Answer.RETRY, store.now) == 0  # `retry` does that
    assert store.actions.resolve("d1", answer, store.now) == 1
    store.later(minutes=30)
    store.pump(act)
    assert (store.counts(), act.sent) == ({after: 1}, [])


def test_resolve_cancel_says_that_it_is_not_out_so_retry_may(store: Ledger) -> None:
    store.put(store.item())
    _held_unknown(store, Act("facebook"))
    assert store.actions.resolve("d1", Answer.CANCEL, store.now) == 1
    assert store.status().state == "cancelled"
    assert store.actions.retry("d1", store.now) == 1


def test_a_letter_refused_after_a_resend_may_lie_in_the_mailbox(store: Ledger) -> None:
    store.readers("amel")
    store.put(store.item("newsletter"))
    mail = Mail("newsletter", outcomes=[UNKNOWN, Rejected("no")])
    store.pump(mail)
    store.later(minutes=16)
    store.pump(mail)
    assert store.counts() == {"failed": 1}
    assert store.actions.retry("p1", store.now) == 0
    assert store.actions.resolve("p1", Answer.RETRY, store.now) == 0  # one look at one mailbox, not at all of them
    assert store.actions.resolve("d1", Answer.RETRY, store.now) == 1  # or nobody could ever send it again
    assert store.pump(mail).settled == {"sent": 1}


def test_a_failed_letter_that_cannot_be_out_is_not_resolved(store: Ledger) -> None:
    store.readers("amel", "bea")
    store.put(store.item("newsletter"))
    store.pump(Mail("newsletter", outcomes=[Rejected("no"), UNKNOWN]))
    store.later(minutes=16)
    store.pump(Mail("newsletter", outcomes=[HardBounce("no such mailbox")]))
    assert store.counts() == {"failed": 2}
    assert [store.actions.resolve(name, Answer.RETRY, store.now) for name in ("d1", "d2")] == [0, 0]


def test_retry_of_a_failed_letter_goes_with_a_new_date(store: Ledger) -> None:
    store.readers("amel")
    store.put(store.item("newsletter"))
    mail = Mail("newsletter", outcomes=[Rejected("no")])
    store.pump(mail)
    again = store.later(hours=72)
    assert store.actions.retry("p1", store.now) == 1
    mail.outcomes = [Unavailable("later")]
    store.pump(mail)
    assert store.counts() == {"ready": 1}  # the 48 hours begin anew
    store.later(minutes=6)
    store.pump(mail)
    assert [delivery.date for delivery in mail.sent] == [again]


def test_cancel_before_it_is_due_and_back_at_its_own_time(store: Ledger) -> None:
    due = store.now.replace(hour=18)
    store.put(store.item(due=due))
    assert store.actions.cancel("p1", store.now) == 1
    assert store.status().state == "cancelled"
    assert store.put(store.item(text="autre", due=due)) == ["same"]  # only retry brings it back
    assert store.actions.retry("p1", store.now) == 1
    assert store.row().due_at == due


def test_a_cancelled_letter_comes_back_at_its_own_time(store: Ledger) -> None:
    store.readers("amel")
    due = store.now.replace(hour=18)
    store.put(store.item("newsletter", due=due))
    assert store.actions.cancel("p1", store.now) == 1
    assert store.actions.cancel("p1", store.now) == 0
    store.pump(Mail("newsletter"))
    assert store.actions.retry("p1", store.now) == 1
    assert store.status().due == due
    store.pump(Mail("newsletter"))
    assert store.status().planned is None


def test_a_letter_held_overdue_is_not_expanded_until_resolved(store: Ledger) -> None:
    store.readers("amel", "bilal")
    store.put(store.item("newsletter"))
    store.later(hours=25)
    assert store.pump(Mail("newsletter")).held == ["p1"]
    assert (store.status().state, store.status().planned) == ("held", None)
    assert store.actions.resolve("p1", Answer.RETRY, store.now) == 1
    mail = Mail("newsletter")
    store.pump(mail)
    assert store.counts() == {"sent": 2}


@pytest.mark.parametrize(("answer", "state"), [(Answer.CANCEL, "cancelled"), (Answer.SENT, "done")])
def test_a_held_letter_that_shall_not_go(store: Ledger, answer: Answer, state: str) -> None:
    store.readers("amel")
    store.put(store.item("newsletter"))
    store.later(hours=25)
    store.pump(Mail("newsletter"))
    assert store.actions.resolve("p1", answer, store.now) == 1
    mail = Mail("newsletter")
    store.pump(mail)
    assert mail.sent == []
    assert store.status().state == state


def test_cancel_in_the_middle_of_a_letter(store: Ledger) -> None:
    store.readers("amel", "bilal", "chloe")
    store.put(store.item("newsletter"))
    mail = Mail("newsletter")
    mail.before_intent = lambda d: store.actions.cancel("p1", store.now) if d.id == "d2" else None  # type: ignore[assignment]
    store.pump(mail)
    assert store.counts() == {"sent": 1, "cancelled": 2}
    assert store.status().state == "done"
    (entry,) = store.queue.all()
    assert entry.left


def test_unknown_of_a_cancelled_letter_is_not_resent(store: Ledger) -> None:
    store.readers("amel")
    store.put(store.item("newsletter"))
    mail = Mail("newsletter", outcomes=[UNKNOWN])
    store.pump(mail)
    assert store.actions.cancel("p1", store.now) == 0
    store.later(minutes=20)
    store.pump(mail)
    assert store.counts() == {"cancelled": 1}
    assert mail.sent == []


def test_cancel_lets_a_standing_page_stand(store: Ledger) -> None:

    store.put(store.item("web"))
    store.pump(Files("web"))
    store.put(store.item("web", text="corrigé"))
    assert store.actions.cancel("p1", store.now) == 0
    store.pump(Files("web"))
    assert store.counts() == {"sent": 1}
    assert [page.title for page in store.worker().standing("web", store.now, live=False)] == ["repas"]


def test_cancelling_the_only_delivery_cancels_the_post(store: Ledger) -> None:
    store.put(store.item(due=store.now.replace(hour=20)))
    assert store.actions.cancel("d1", store.now) == 1
    assert store.put(store.item(text="corrigé", due=store.now.replace(hour=20))) == ["same"]
    assert store.status().state == "cancelled"


def test_cancel_of_what_is_out_changes_nothing(store: Ledger) -> None:
    store.put(store.item())
    store.pump(Act("facebook"))
    assert store.actions.cancel("p1", store.now) == 0
    assert store.status().state == "done"


def test_pause_stops_at_the_next_delivery_and_grace_counts_from_resume(store: Ledger) -> None:
    store.put(store.item())
    store.actions.pause("p1", store.now, paused=True)
    store.pump(Act("facebook"))
    assert store.status().state == "paused"
    store.later(hours=50)
    store.pump(Act("facebook"))
    assert store.counts() == {"ready": 1}
    store.actions.pause("p1", store.now, paused=False)
    store.pump(Act("facebook"))
    assert store.counts() == {"sent": 1}


def test_a_channel_that_was_mended_need_not_wait_for_the_next_try(store: Ledger) -> None:
    store.put(store.item())
    act = Act("facebook", outcomes=[Unavailable("down", about_us=True)])
    store.pump(act)
    assert store.counts() == {"ready": 1}
    store.pump(act)
    assert not act.sent  # five minutes have not passed
    store.actions.pause("facebook", store.now, paused=False)
    store.pump(act)
    assert store.counts() == {"sent": 1}


@pytest.mark.parametrize("name", ["p1", "d1"])
def test_a_post_that_waits_for_its_next_try_goes_at_once(store: Ledger, name: str) -> None:
    store.put(store.item())
    act = Act("facebook", outcomes=[Unavailable("down"), Unavailable("down")])
    store.pump(act)
    store.later(minutes=6)
    store.pump(act)
    store.later(minutes=1)
    assert store.counts() == {"ready": 1}
    assert store.actions.retry(name, store.now, failed=True) == 0  # it did not fail
    assert store.actions.retry(name, store.now) == 1
    assert store.actions.retry(name, store.now) == 0  # it is due already
    assert store.pump(act).settled == {"sent": 1}


def test_retry_takes_nothing_before_its_time(store: Ledger) -> None:
    due = store.now.replace(hour=18)
    store.put(store.item(due=due))
    assert [store.actions.retry(name, store.now) for name in ("p1", "d1")] == [0, 0]
    with store.database.write() as connection:  # handed over ahead, and put off: its next try is before its time
        put_off = {"last_code": "unavailable", "due_at": store.now.replace(hour=17)}
        connection.execute(sa.update(schema.delivery).values(**put_off))
    assert [store.actions.retry(name, store.now) for name in ("p1", "d1")] == [0, 0]
    assert store.row().due_at == store.now.replace(hour=17)


def test_readers_whose_server_asked_to_wait_wait_on(store: Ledger) -> None:
    store.readers("amel")
    store.put(store.item("newsletter"))
    store.pump(Mail("newsletter", outcomes=[Unavailable("greylisted")]))
    assert [store.actions.retry(name, store.now) for name in ("p1", "d1")] == [0, 0]


def test_a_paused_channel_stops_in_the_middle_of_a_batch(store: Ledger) -> None:
    store.readers("amel", "bilal", "chloe")
    store.put(store.item("newsletter"))
    mail = Mail("newsletter")
    mail.after_intent = lambda d: store.actions.pause("newsletter", store.now, paused=True)
    store.pump(mail)
    assert store.counts() == {"sent": 1, "ready": 2}
    assert store.status().stopped == "paused"
    store.actions.pause("newsletter", store.now, paused=False)
    store.pump(Mail("newsletter"))
    assert store.counts() == {"sent": 3}


@pytest.mark.parametrize("name", ["p9", "d9", "x1", "p", "", "p²", "d" + "9" * 30, "p1 ", "p-1", "d٣"])
def test_an_odd_id_is_a_clear_error(sqlite_store: Ledger, name: str) -> None:
    sqlite_store.put(sqlite_store.item())
    for act in (
        lambda: sqlite_store.actions.retry(name, sqlite_store.now),
        lambda: sqlite_store.actions.cancel(name, sqlite_store.now),
        lambda: sqlite_store.actions.resolve(name, Answer.SENT, sqlite_store.now),
        lambda: sqlite_store.actions.pause(name, sqlite_store.now, paused=True),
        lambda: sqlite_store.report.delivery(name),
    ):
        with pytest.raises(VeilleError):
            act()


def test_what_a_person_was_to_post_and_was_cancelled_can_come_back(store: Ledger) -> None:
    store.put(store.item())
    act = Act("facebook", outcomes=[ByHand("please post it")])
    store.pump(act)
    assert store.actions.retry("d1", store.now) == 0  # they may be posting it at this moment
    assert store.actions.cancel("d1", store.now) == 1
    assert store.actions.retry("d1", store.now) == 1
    assert store.pump(act).settled == {"sent": 1}
