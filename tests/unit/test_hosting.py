"""The ledger's side of posts that a service has: claimed ahead, verified, followed up, taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest

from tests.support.ledger import Act, Ledger
from veille.errors import NotAuthorised, OutcomeUnknown, PublishError, Rejected, Unavailable
from veille.outbox.follow_ups import want
from veille.outbox.pending import pending
from veille.outbox.queue import Change
from veille.publishing import (
    AtItsTime,
    Delivery,
    FollowUp,
    Journal,
    Outcome,
    ReadBack,
    Receipt,
    Rendition,
    Scheduled,
    Seen,
)

DAY = timedelta(days=1)


@dataclass
class Host(Act):
    """A page that takes posts ahead, and plays what it is told."""

    done: list[tuple[FollowUp, bool]] = field(default_factory=list)
    refusals: list[PublishError | Receipt] = field(default_factory=list)
    handed: list[Outcome] = field(default_factory=list)  # what comes of posts handed over ahead; then it holds them
    window: tuple[timedelta, timedelta] | None = (timedelta(minutes=20), 29 * DAY)
    live: bool = True
    follow_ups: ClassVar[frozenset[FollowUp]] = frozenset(FollowUp)

    def ahead(self) -> tuple[timedelta, timedelta] | None:
        """The window."""
        return self.window

    def editable(self, before: Rendition, after: Rendition) -> bool:
        """Always."""
        return True

    def deliver(self, deliveries: Sequence[Delivery], journal: Journal) -> None:
        """Hold what is claimed ahead."""
        for delivery in deliveries:
            if journal.intent(delivery):
                held = Scheduled(f"r{delivery.id}", delivery.publication.due)
                journal.settle(delivery, self.handed.pop(0) if self.handed else held)

    def follow_up(
        self, delivery: Delivery, what: FollowUp, begun: datetime | None, *, again: bool = True
    ) -> Receipt | None:
        """Do it, or what was told."""
        self.done.append((what, again))
        told = self.refusals.pop(0) if self.refusals else None
        if isinstance(told, PublishError):
            raise told
        return told


def put(store: Ledger, text: str = "1", wait: timedelta = DAY, **more: Any) -> Change:
    (change,) = store.put(store.item(text=text, due=store.now + wait, live=True, **more))
    return change


def scheduled(store: Ledger, host: Host, **more: Any) -> None:
    put(store, **more)
    store.pump(host)
    assert store.counts() == {"scheduled": 1}


def sent(store: Ledger, host: Host, **more: Any) -> None:
    scheduled(store, host, **more)
    host.seen.append(ReadBack(Seen.FOUND, Receipt("r1", "https://example.org/1")))
    store.later(days=1, minutes=5)
    store.pump(host)
    assert store.counts() == {"sent": 1}


def test_claimed_ahead_within_the_window_only(sqlite_store: Ledger) -> None:
    store = sqlite_store
    host = Host("facebook")
    put(store, wait=timedelta(days=29, minutes=2))
    store.pump(host)
    assert store.counts() == {"ready": 1}
    store.later(minutes=3)
    store.pump(host)
    assert store.counts() == {"scheduled": 1}
    assert store.status().state == "queued"


def test_too_near_waits_for_its_time(sqlite_store: Ledger) -> None:
    store = sqlite_store
    host = Host("facebook")
    put(store, wait=timedelta(minutes=19))
    store.pump(host)
    assert store.counts() == {"ready": 1}


def test_what_is_not_taken_ahead_is_claimed_once_and_again_at_its_time(store: Ledger) -> None:
    host = Host("facebook", handed=[AtItsTime("too far")])
    put(store)
    for _round in range(3):
        store.pump(host)
    row = store.row()
    assert (row.state, row.last_code, row.attempt) == ("ready", "at-its-time", 1)
    store.later(days=1)
    host.handed.append(Receipt("r9"))
    store.pump(host)
    assert store.counts() == {"sent": 1}


def test_a_try_put_off_into_the_last_minutes_waits_for_the_time_of_its_post(store: Ledger) -> None:
    host = Host("facebook", handed=[Unavailable("later", retry_after=timedelta(minutes=15))])
    put(store, wait=timedelta(minutes=30))
    store.pump(host)
    store.later(minutes=16)
    assert store.worker().opens("facebook", store.now) is None  # or the pump would wait for it without a rest
    store.pump(host)
    assert store.counts() == {"ready": 1}


def test_a_new_time_may_be_handed_over_again(sqlite_store: Ledger) -> None:
    store = sqlite_store
    host = Host("facebook", handed=[AtItsTime("too far")])
    put(store)
    store.pump(host)
    assert put(store, wait=2 * DAY) is Change.UPDATED
    store.pump(host)
    assert store.counts() == {"scheduled": 1}


def test_changed_before_its_time_is_taken_back_first(store: Ledger) -> None:
    host = Host("facebook")
    scheduled(store, host)
    assert put(store, text="2") is Change.REPLACE
    store.pump(host)
    assert [what for what, _again in host.done] == [FollowUp.REPLACE]
    assert store.counts() == {"scheduled": 1}
    assert store.row().attempt == 2


def test_what_is_public_by_then_is_edited(store: Ledger) -> None:
    host = Host("facebook")
    scheduled(store, host)
    put(store, text="2")
    host.refusals.append(Receipt("r7", "https://example.org/7"))
    store.pump(host)
    store.pump(host)
    assert [what for what, _again in host.done] == [FollowUp.REPLACE, FollowUp.EDIT]
    assert (store.row().state, store.row().remote_id) == ("sent", "r7")


def test_cancelled_while_it_is_handed_over(store: Ledger) -> None:
    host = Host("facebook")
    put(store)
    worker = store.worker()
    (delivery,) = worker.claim("facebook", store.now, 1, host.window)
    assert worker.intent(delivery, store.now)
    store.actions.cancel("p1", store.now)
    values = {"state": "scheduled", "remote_id": "r1", "due_at": store.now + DAY}
    worker.settle(delivery, values, store.now, "scheduled")
    store.pump(host)
    assert store.counts() == {"cancelled": 1}
    assert [what for what, _again in host.done] == [FollowUp.DELETE]


def test_a_file_that_is_gone_takes_its_scheduled_post_along(sqlite_store: Ledger) -> None:
    store = sqlite_store
    host = Host("facebook")
    scheduled(store, host)
    store.put(withdrawn=[1])
    store.pump(host)
    assert store.counts() == {"cancelled": 1}


@pytest.mark.parametrize("error", [Unavailable("later"), OutcomeUnknown("who knows")])
def test_a_follow_up_is_tried_again_and_in_the_end_by_a_person(sqlite_store: Ledger, error: PublishError) -> None:
    store = sqlite_store
    host = Host("facebook")
    sent(store, host)
    put(store, text="2", edits=True)
    host.refusals += [error] * 40
    for _round in range(40):
        store.pump(host)
        if (wanted := pending(store.database)[0]).due is None:
            break
        store.now = max(store.now, wanted.due)
    assert wanted.due is None
    assert 2 <= len(host.done) <= 13
    host.refusals.clear()
    assert store.actions.retry("d1", store.now) == 1
    store.pump(host)
    assert pending(store.database) == []
    assert store.counts() == {"sent": 1}


def test_a_refusal_waits_for_a_person_and_stops_nothing(store: Ledger) -> None:
    host = Host("facebook")
    sent(store, host)
    put(store, text="2", edits=True)
    host.refusals.append(Rejected("not by this app", hint="change it there"))
    store.pump(host)
    (wanted,) = pending(store.database, "p1")
    assert (wanted.due, wanted.error, wanted.hint) == (None, "not by this app", "change it there")
    assert store.report.stops() == []


def test_an_access_that_ended_stops_the_channel_and_keeps_what_is_to_do(sqlite_store: Ledger) -> None:
    store = sqlite_store
    host = Host("facebook")
    sent(store, host)
    put(store, text="2", edits=True)
    host.refusals.append(NotAuthorised("ended"))
    store.pump(host)
    store.pump(host)
    assert len(host.done) == 1
    store.actions.pause("facebook", store.now, paused=False)
    store.pump(host)
    assert pending(store.database) == []


def test_a_comment_nobody_saw_is_made_twice_at_most(store: Ledger) -> None:
    host = Host("facebook")
    host.refusals += [OutcomeUnknown("who knows")] * 20
    sent(store, host, comment=True)
    for _round in range(20):
        store.pump(host)
        store.later(minutes=1)
    tried = [again for what, again in host.done if what is FollowUp.COMMENT]
    assert tried.count(True) == 2
    assert tried.count(False) >= 4  # looked for after each
    assert [one.due for one in pending(store.database)] == [None]


def test_two_workers_do_not_comment_twice(store: Ledger) -> None:
    """As when the lock on a database server was lost with its connection."""
    host = Host("facebook")
    sent(store, host, comment=True)
    with store.database.write() as connection:
        want(connection, [1], FollowUp.COMMENT, store.now)
    workers = store.worker("w1"), store.worker("w2")
    found = [worker.due_follow_ups("facebook", store.now, live=True) for worker in workers]
    begun = [worker.begin_follow_up(one, store.now, again=True) for worker, (one,) in zip(workers, found, strict=True)]
    assert begun == [True, False]


def test_a_comment_waits_until_the_post_is_public_and_is_not_told_of(sqlite_store: Ledger) -> None:
    store = sqlite_store
    host = Host("facebook")
    scheduled(store, host, comment=True)
    store.pump(host)
    assert (host.done, pending(store.database)) == ([], [])


def test_a_defect_of_ours_waits_for_a_person(sqlite_store: Ledger) -> None:
    store = sqlite_store
    host = Host("facebook")
    sent(store, host)
    put(store, text="2", edits=True)
    host.follow_up = _broken  # type: ignore[method-assign]
    store.pump(host)
    assert [one.due for one in pending(store.database)] == [None]


def _broken(*_args: Any, **_more: Any) -> Receipt | None:
    raise ValueError("a defect")


def test_not_there_at_its_time(sqlite_store: Ledger) -> None:
    store = sqlite_store
    host = Host("facebook")
    scheduled(store, host)
    store.later(days=1, minutes=3)
    for _look in range(3):
        store.pump(host)
        store.later(minutes=5)
    assert store.counts() == {"held": 1}
    assert store.actions.retry("p1", store.now) == 0


def test_somebody_gave_it_a_later_time_there(sqlite_store: Ledger) -> None:
    store = sqlite_store
    host = Host("facebook")
    scheduled(store, host)
    store.later(days=1, minutes=3)
    host.seen.append(ReadBack(Seen.FOUND, scheduled=Scheduled("rd1", store.now + DAY)))
    store.pump(host)
    assert store.counts() == {"scheduled": 1}
    assert store.row().due_at > store.now + DAY


@pytest.mark.parametrize("name", ["p1", "facebook"])
def test_a_pause_takes_back_what_the_service_holds(sqlite_store: Ledger, name: str) -> None:
    store, host = sqlite_store, Host("facebook")
    scheduled(store, host)
    store.actions.pause(name, store.now, paused=True)
    store.pump(host)
    assert [what for what, _again in host.done] == [FollowUp.REPLACE]
    assert store.counts() == {"ready": 1}
    store.actions.pause(name, store.now, paused=False)
    store.pump(host)
    assert store.counts() == {"scheduled": 1}


def test_what_is_cancelled_in_a_pause_is_deleted_there(store: Ledger) -> None:
    host = Host("facebook")
    sent(store, host)
    store.actions.pause("facebook", store.now, paused=True)
    put(store, text="2", edits=True)
    store.actions.cancel("p1", store.now, public=True)
    store.pump(host)
    assert [what for what, _again in host.done] == [FollowUp.DELETE]
    assert store.row().last_code == "deleted"
