"""What a person does: retry, cancel, resolve, pause, resume. What may be out never goes again by mistake."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from tests.support.ledger import Act, Files, Ledger, Mail
from veille.errors import HardBounce, OutcomeUnknown, Rejected, Unavailable, VeilleError
from veille.outbox import chunks, schema
from veille.outbox.actions import Actions, Answer
from veille.publishing import Receipt

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
    from tests.support.ledger import Files

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


# the page on which a letter is read online


def _letter_with_page(store: Ledger) -> None:
    """p1: a letter of this evening; p2: its page; p3, p4: pages of other things with almost the same name."""
    store.readers("amel")
    due = store.now.replace(hour=18)
    one: dict[str, Any] = {"source": "edition", "occurrence": "2026-11-25", "due": due}
    page: dict[str, Any] = {"kind": "edition", "targets": ("folder",)}
    store.put(
        store.item("newsletter", **one),
        store.item("web", **one, **page),
        store.item("web", **{**one, "occurrence": "2026-12-02"}, **page),
        store.item("feed", **one, **page),
    )


def _states(store: Ledger) -> dict[str, str]:
    return {status.id: status.state for status in store.report.publications()}


def test_the_page_of_a_letter_is_cancelled_and_comes_back_with_it(store: Ledger) -> None:
    _letter_with_page(store)
    assert store.actions.cancel("p1", store.now) == 1
    assert _states(store) == {"p1": "cancelled", "p2": "cancelled", "p3": "queued", "p4": "queued"}
    assert store.counts("p2") == {"cancelled": 1}
    store.later(hours=12)
    web = Files("web")
    store.pump(web, Mail("newsletter"))
    assert [delivery.publication.id for delivery in web.sent] == ["p3"]
    assert store.actions.retry("p1", store.now) == 1
    assert _states(store) == {"p1": "queued", "p2": "queued", "p3": "done", "p4": "queued"}
    mail = Mail("newsletter")
    store.pump(web, mail)
    assert [delivery.publication.id for delivery in (*web.sent, *mail.sent)] == ["p3", "p2", "p1"]


def test_a_page_that_stands_stays_without_its_letter(store: Ledger) -> None:
    _letter_with_page(store)
    store.later(hours=12)
    store.pump(Files("web"))
    assert store.actions.cancel("p1", store.now) == 1
    assert _states(store)["p2"] == "done"


def test_a_letter_that_somebody_has_keeps_its_page(store: Ledger) -> None:
    _letter_with_page(store)
    store.readers("bilal")
    store.later(hours=12)
    store.pump(Mail("newsletter", outcomes=[Receipt(), Unavailable("later")]))
    assert store.counts() == {"sent": 1, "ready": 1}
    assert store.actions.cancel("p1", store.now) == 1
    assert _states(store)["p2"] == "queued"
    assert store.actions.cancel("d4", store.now) == 0


def test_one_reader_or_the_page_alone_is_that_and_no_more(store: Ledger) -> None:
    _letter_with_page(store)
    assert store.actions.cancel("p2", store.now) == 1
    assert _states(store)["p1"] == "queued"
    assert store.actions.retry("p2", store.now) == 1
    store.later(hours=12)
    store.worker().expand(1, store.now)
    assert store.actions.cancel("d4", store.now) == 1  # one reader
    assert _states(store)["p2"] == "queued"


def test_the_page_of_a_held_letter_that_shall_not_go(store: Ledger) -> None:
    _letter_with_page(store)
    store.actions.pause("web", store.now, paused=True)
    store.later(hours=48)
    store.pump(Mail("newsletter"))
    assert _states(store)["p1"] == "held"
    assert store.actions.resolve("p1", Answer.CANCEL, store.now) == 1
    assert _states(store)["p2"] == "cancelled"


def test_a_page_whose_folder_was_lost_is_written_again_by_hand(store: Ledger) -> None:
    act = Files("web")
    store.put(store.item("web"))
    store.pump(act)
    assert store.actions.retry("p1", store.now) == 1
    store.pump(act)
    assert len(act.sent) == 2
    assert store.counts() == {"sent": 1}


# a letter of any size


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three rows in each transaction."""
    for module in ("chunks", "actions"):
        monkeypatch.setattr(f"veille.outbox.{module}.CHUNK", 3)


def _expanded(store: Ledger, readers: int) -> None:
    """p1: a letter of this moment, with its readers."""
    store.readers(*(f"reader{number:02}" for number in range(1, readers + 1)))
    store.put(store.item("newsletter"))
    while store.worker().expand(1, store.now) is None:
        pass


@pytest.mark.usefixtures("small_chunks")
def test_a_chunk_is_small_and_the_letter_is_cancelled_with_the_first(store: Ledger) -> None:
    _expanded(store, 10)
    seen: list[tuple[int, int, int]] = []

    def look(_seconds: float) -> None:  # between two chunks anybody may read and write, and nothing leaves
        assert store.worker("w2").claim("newsletter", store.now, 1) == []
        store.readers(f"late{len(seen)}")
        seen.append((store.publication_row().cancelled, store.counts()["cancelled"], store.counts().get("ready", 0)))

    done: list[int] = []
    assert Actions(store.database, look).cancel("p1", store.now, progress=done.append) == 10
    assert seen == [(1, 3, 7), (1, 6, 4), (1, 9, 1)]
    assert done == [3, 6, 9, 10]
    assert store.events("d10") == ["by-hand: cancel"]


class _Broken(Exception):
    """Ctrl-C."""


@pytest.mark.usefixtures("small_chunks")
def test_broken_off_in_the_middle_the_same_command_does_the_rest(store: Ledger) -> None:
    _expanded(store, 10)

    def interrupt(_seconds: float) -> None:
        raise _Broken

    with pytest.raises(_Broken):
        Actions(store.database, interrupt).cancel("p1", store.now)
    assert store.counts() == {"cancelled": 3, "ready": 7}
    assert store.worker().claim("newsletter", store.now, 10) == []  # nothing leaves from the first chunk on
    assert store.actions.cancel("p1", store.now) == 7
    assert store.status().state == "cancelled"
    with pytest.raises(_Broken):
        Actions(store.database, interrupt).retry("p1", store.now)
    assert store.counts() == {"cancelled": 7, "ready": 3}
    assert store.actions.retry("p1", store.now) == 7
    mail = Mail("newsletter")
    store.pump(mail)
    assert len(mail.sent) == 10


@pytest.mark.usefixtures("small_chunks")
def test_whoever_cancels_during_a_retry_has_the_last_word(store: Ledger) -> None:
    _expanded(store, 10)
    store.actions.cancel("p1", store.now)
    others: list[int] = []

    def cancel(_seconds: float) -> None:
        if not others:
            others.append(Actions(store.database, lambda _seconds: None).cancel("p1", store.now))

    assert Actions(store.database, cancel).retry("p1", store.now) == 3
    assert others == [3]
    assert store.counts() == {"cancelled": 10}


@pytest.mark.usefixtures("small_chunks")
def test_what_fails_again_during_a_retry_is_not_retried_for_ever(store: Ledger) -> None:
    _expanded(store, 7)
    store.pump(Mail("newsletter", outcomes=[Rejected("no")] * 7))
    assert store.counts() == {"failed": 7}

    rests: list[float] = []

    def fail(seconds: float) -> None:
        rests.append(seconds)
        assert len(rests) < 5, "it goes on for ever"
        store.pump(Mail("newsletter", outcomes=[Rejected("still no")] * 7))

    assert Actions(store.database, fail).retry("p1", store.now, failed=True) == 7


@pytest.mark.usefixtures("small_chunks")
def test_a_held_letter_is_resolved_in_chunks(store: Ledger) -> None:
    _expanded(store, 7)
    with store.database.write() as connection:
        connection.execute(sa.update(schema.delivery).values(state="held", last_code="overdue"))
    assert Actions(store.database, lambda _seconds: None).resolve("p1", Answer.RETRY, store.now) == 7
    assert store.counts() == {"ready": 7}


def test_a_letter_that_left_by_another_way_in_the_middle_of_its_expansion(
    store: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("veille.outbox.upkeep.CHUNK", 2)
    store.readers("amel", "bilal", "chloe", "dina")
    store.put(store.item("newsletter"))
    assert store.worker().expand(1, store.now) is None
    store.later(hours=25)
    with store.database.write() as connection:
        connection.execute(sa.update(schema.publication).values(hold="overdue"))
        connection.execute(sa.update(schema.delivery).values(state="held", last_code="overdue"))
    assert store.actions.resolve("p1", Answer.SENT, store.now) == 3
    assert (store.status().state, store.status().planned) == ("done", 2)


def test_only_what_failed_and_never_an_address_that_does_not_exist(store: Ledger) -> None:
    store.readers("amel", "bilal", "chloe", "dina", "elio")
    store.put(store.item("newsletter"))
    store.pump(Mail("newsletter", outcomes=[HardBounce("no such reader"), HardBounce("nor this"), Rejected("spam")]))
    assert store.counts() == {"failed": 3, "sent": 2}
    with store.database.write() as connection:  # bounces are suppressed; d1's reader subscribed again
        gone = sa.update(schema.subscriber).where(schema.subscriber.c.id == 2)
        connection.execute(gone.values(state="bounced"))
        connection.execute(sa.update(schema.subscriber).where(schema.subscriber.c.id == 1).values(state="subscribed"))
        held = sa.update(schema.delivery).where(schema.delivery.c.id == 4)
        connection.execute(held.values(state="held", last_code="overdue"))
    assert store.actions.retry("p1", store.now, failed=True) == 2
    assert [store.row(number).state for number in range(1, 6)] == ["ready", "failed", "ready", "held", "sent"]
    assert store.actions.retry("d2", store.now) == 0


def test_a_letter_halted_after_bounces_goes_on_when_a_person_says_so(store: Ledger) -> None:
    _expanded(store, 30)
    mail = Mail("newsletter", outcomes=[HardBounce("no such reader")] * 30)
    assert store.pump(mail).halted == ["p1"]
    assert store.counts() == {"failed": 11, "ready": 19}
    status = store.status()
    assert (status.state, status.hold) == ("held", "bounces")
    assert store.actions.retry("p1", store.now, failed=True) == 0
    store.pump(Mail("newsletter"))
    assert store.counts()["ready"] == 19
    assert store.actions.resolve("d20", Answer.RETRY, store.now) == 0  # one reader is not the letter
    assert store.status().hold == "bounces"
    assert store.actions.resolve("p1", Answer.RETRY, store.now) == 1
    store.pump(Mail("newsletter", outcomes=[HardBounce("nor this")]))  # one more does not halt it anew
    assert store.counts() == {"failed": 12, "sent": 18}


def test_a_letter_halted_after_bounces_may_be_dropped(store: Ledger) -> None:
    _expanded(store, 30)
    store.pump(Mail("newsletter", outcomes=[HardBounce("no such reader")] * 30))
    assert store.actions.resolve("p1", Answer.CANCEL, store.now) == 19
    assert store.counts() == {"failed": 11, "cancelled": 19}
    assert store.status().state == "done"


def test_chunks_are_within_the_bound_of_the_issue() -> None:
    assert 0 < chunks.CHUNK <= 20_000
    assert chunks.REST > 0.1  # SQLite's busy handler sleeps for 0.1 s between its looks
