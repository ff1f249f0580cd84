"""What a person does with a letter: its page goes with it, and its size changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from tests.support.ledger import Files, Ledger, Mail
from veille.errors import HardBounce, Rejected, Unavailable
from veille.outbox import chunks, schema
from veille.outbox.actions import Actions, Answer
from veille.publishing import Receipt

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
