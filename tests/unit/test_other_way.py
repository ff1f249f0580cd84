"""A page whose settings change while its service still has posts: posted by hand from now on, or a sandbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from tests.support.ledger import Act, Ledger, Mail
from tests.unit.test_hosting import DAY, Host, put, scheduled, sent
from veille.errors import OutcomeUnknown
from veille.outbox.pending import pending
from veille.publishing import Delivery, Journal


def by_hand() -> Act:
    """As `transport = "manual"`: a person is asked by mail."""
    return Mail("facebook", live=True)


def sandbox() -> Act:
    return Act("facebook")


BOTH = pytest.mark.parametrize(("other", "hours"), [(by_hand, 0), (sandbox, 2)])


@BOTH
def test_what_the_service_holds_is_not_forgotten(sqlite_store: Ledger, other: Callable[[], Act], hours: int) -> None:
    scheduled(sqlite_store, Host("facebook"))
    sqlite_store.later(days=1, minutes=1)
    sqlite_store.pump(other())
    assert sqlite_store.counts() == {"scheduled": 1}
    sqlite_store.later(hours=hours, minutes=2)
    sqlite_store.pump(other())
    assert sqlite_store.counts() == {"held": 1}
    assert sqlite_store.row().last_code == OutcomeUnknown.code


@BOTH
def test_what_was_to_be_deleted_there_is_said_to_stand(
    sqlite_store: Ledger, other: Callable[[], Act], hours: int
) -> None:
    host = Host("facebook")
    sent(sqlite_store, host)
    sqlite_store.actions.cancel("p1", sqlite_store.now, public=True)
    sqlite_store.later(hours=hours, minutes=1)
    sqlite_store.pump(other())
    (waits,) = pending(sqlite_store.database)
    assert (waits.due, waits.error) == (None, "this cannot be done from here")
    sqlite_store.actions.retry("p1", sqlite_store.now)  # connected again
    sqlite_store.pump(host)
    assert pending(sqlite_store.database) == []


def test_who_comes_back_from_a_trial_at_once_finds_everything_as_it_was(sqlite_store: Ledger) -> None:
    host = Host("facebook")
    scheduled(sqlite_store, host)
    put(sqlite_store, "2")
    sqlite_store.later(hours=1)
    sqlite_store.pump(sandbox())
    sqlite_store.pump(host)
    sqlite_store.pump(host)
    assert sqlite_store.counts() == {"scheduled": 1}
    assert len(host.done) == 1


class _Keeping(Host):
    """As Facebook: what a later look needs is kept before anything leaves."""

    def deliver(self, deliveries: Sequence[Delivery], journal: Journal) -> None:
        """Keep, then leave."""
        for delivery in deliveries:
            journal.checkpoint(delivery, {"since": delivery.publication.due.isoformat()})
        super().deliver(deliveries, journal)


def test_nobody_is_asked_to_post_what_may_be_public_already(sqlite_store: Ledger) -> None:
    """The answer was lost, then the app was given up: the mail "please post this" would make a second post."""
    put(sqlite_store, wait=-DAY / 96)
    host = _Keeping("facebook", handed=[OutcomeUnknown("no answer")], window=None)
    sqlite_store.pump(host)
    assert sqlite_store.counts() == {"unknown": 1}
    person = by_hand()
    for _look in range(3):
        sqlite_store.later(hours=1)
        sqlite_store.pump(person)
    assert sqlite_store.counts() == {"held": 1}
    assert person.sent == []


def test_nothing_is_posted_by_itself_while_somebody_may_have_been_asked_to(sqlite_store: Ledger) -> None:
    """The mail may have left, then the app was connected: the page shows nothing yet, and may before long."""
    put(sqlite_store, wait=-DAY / 96)
    sqlite_store.pump(Mail("facebook", live=True, outcomes=[OutcomeUnknown("no answer")]))
    assert sqlite_store.counts() == {"unknown": 1}
    host = Host("facebook", window=None)
    for _look in range(4):
        sqlite_store.later(minutes=16)
        sqlite_store.pump(host)
    assert sqlite_store.counts() == {"held": 1}
    assert len(host.looked) == 3
