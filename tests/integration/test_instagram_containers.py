"""Instagram's containers: kept before they are published, used again, made anew when they are of no more use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.graph_desk import Desk, MemoryJournal, deliver, edges, post
from tests.support.graph_fake import GraphFake
from tests.support.graph_faults import FAULTS, error
from veille.errors import (
    OutcomeUnknown,
    PublishError,
    Rejected,
    Unavailable,
)
from veille.publishing import Receipt, Seen


def test_a_container_is_kept_before_it_is_published_and_published_again(office: Desk, fake: GraphFake) -> None:
    fake.fault("POST", "media_publish", FAULTS["code-2"])
    delivery = office.delivery("instagram")
    journal = deliver(office, delivery)
    assert journal.checkpoints[-1]["container"] == next(iter(fake.instagram.containers))
    assert office.publisher("instagram").read_back(journal.again(delivery)).seen is Seen.ABSENT
    assert isinstance(deliver(office, journal.again(delivery)).outcome, Receipt)
    assert (len(fake.instagram.containers), len(fake.visible_media())) == (1, 1)


@pytest.mark.parametrize("code", ["ERROR", "EXPIRED"])
def test_a_container_of_no_more_use_is_made_anew(office: Desk, fake: GraphFake, code: str) -> None:
    fake.fault("POST", "media_publish", FAULTS["code-2"])
    delivery = office.delivery("instagram")
    journal = deliver(office, delivery)
    if code == "ERROR":
        next(iter(fake.instagram.containers.values())).failed = "2207082"
    else:
        fake.world.clock.advance(hours=25)
    assert office.publisher("instagram").read_back(journal.again(delivery)).seen is Seen.ABSENT
    assert isinstance(deliver(office, journal.again(delivery)).outcome, Receipt)
    assert (len(fake.instagram.containers), len(fake.visible_media())) == (2, 1)


@pytest.mark.parametrize(("subcode", "wanted"), [("2207082", Unavailable), ("2207009", Rejected)])
def test_a_container_that_fails_says_why(
    office: Desk, fake: GraphFake, subcode: str, wanted: type[PublishError]
) -> None:
    fake.instagram.fail_next = subcode
    delivery = office.delivery("instagram")
    journal = deliver(office, delivery)
    assert type(journal.outcome) is wanted
    assert subcode in journal.outcome.detail
    if wanted is Unavailable:
        assert isinstance(deliver(office, journal.again(delivery)).outcome, Receipt)
        assert len(fake.visible_media()) == 1


def test_a_container_that_is_never_ready_is_kept_for_later(office: Desk, fake: GraphFake) -> None:
    fake.instagram.polls = 10
    delivery = office.delivery("instagram")
    journal = deliver(office, delivery)
    assert isinstance(journal.outcome, Unavailable)
    assert office.slept == [3, 5, 10, 20, 30, 60, 60, 60, 52]
    assert isinstance(deliver(office, journal.again(delivery)).outcome, Receipt)
    assert len(fake.instagram.containers) == 1


def test_an_unreadable_permalink_fails_no_post(office: Desk, fake: GraphFake) -> None:
    fake.fault("GET", "*", error(100, 33), nth=2)  # after the one status read
    outcome = deliver(office, office.delivery("instagram")).outcome
    assert isinstance(outcome, Receipt)
    assert (outcome.url, outcome.remote_id) == ("", fake.visible_media()[0].id)


def test_published_counts_as_found_even_when_the_list_cannot_be_read(office: Desk, fake: GraphFake) -> None:
    fake.fault("POST", "media_publish", FAULTS["lost-written"])
    delivery = office.delivery("instagram")
    journal = deliver(office, delivery)
    fake.fault("GET", "media", error(100, 33))
    look = office.publisher("instagram").read_back(journal.again(delivery))
    assert look.seen is Seen.FOUND


def test_another_post_of_the_account_is_never_taken_for_ours(office: Desk, fake: GraphFake) -> None:
    """The newest entry is not ours: data[0] would be wrong."""
    fake.fault("POST", "media_publish", FAULTS["lost-written"])
    delivery = office.delivery("instagram")
    journal = deliver(office, delivery)
    ours = fake.visible_media()[0].id
    fake.world.clock.advance(seconds=5)
    assert isinstance(deliver(office, office.delivery("instagram", post(title="Autre chose"))).outcome, Receipt)
    look = office.publisher("instagram").read_back(journal.again(delivery))
    assert look.receipt
    assert look.receipt.remote_id == ours


@pytest.mark.parametrize("written", [True, False])
def test_a_container_that_cannot_be_read_says_nothing(office: Desk, fake: GraphFake, written: bool) -> None:
    """100/33 is no proof of absence; the list of posts may still prove presence."""
    fake.fault("POST", "media_publish", FAULTS["lost-written" if written else "code-2"])
    delivery = office.delivery("instagram")
    journal = deliver(office, delivery)
    fake.fault("GET", "*", error(100, 33))
    look = office.publisher("instagram").read_back(journal.again(delivery))
    assert look.seen is (Seen.FOUND if written else Seen.UNREADABLE)


def test_every_child_is_kept_before_the_next_call_and_used_again(office: Desk, fake: GraphFake) -> None:
    delivery = office.delivery("instagram", post(3))
    fake.fault("POST", "media", FAULTS["code-2"], nth=3)
    journal = deliver(office, delivery)
    assert [sum(map(bool, one["children"])) for one in journal.checkpoints] == [1, 2]
    assert isinstance(deliver(office, journal.again(delivery)).outcome, Receipt)
    assert edges(fake).count("media") == 3 + 1 + 1  # one lost, one again, the parent
    (shown,) = fake.visible_media()
    assert shown.alts == [one.alt for one in post(3).instagram_pictures]


def test_children_that_are_nearly_a_day_old_are_made_again(office: Desk, fake: GraphFake) -> None:
    delivery = office.delivery("instagram", post(2))
    fake.fault("POST", "media", FAULTS["code-2"], nth=3)
    journal = deliver(office, delivery)
    fake.world.clock.advance(hours=21)
    assert isinstance(deliver(office, journal.again(delivery)).outcome, Receipt)
    assert edges(fake).count("media") == 6


def test_one_bad_child_is_made_again_and_the_others_stay(office: Desk, fake: GraphFake) -> None:
    delivery = office.delivery("instagram", post(3))
    fake.instagram.fail_next = "2207082"
    journal = deliver(office, delivery)
    assert type(journal.outcome) is Unavailable
    assert isinstance(deliver(office, journal.again(delivery)).outcome, Receipt)
    assert edges(fake).count("media") == 3 + 1 + 1


def test_what_is_still_being_prepared_is_kept_and_not_made_anew(office: Desk, fake: GraphFake) -> None:
    fake.instagram.polls = 12
    delivery = office.delivery("instagram")
    first = deliver(office, delivery)
    assert type(first.outcome) is Unavailable
    assert (first.outcome.retry_after, sum(office.slept)) == (None, 300)
    office.slept.clear()
    assert isinstance(deliver(office, first.again(delivery)).outcome, Receipt)
    assert sum(office.slept) <= 60
    assert edges(fake) == ["media", "media_publish"]


def test_a_stop_ends_the_wait(office: Desk, fake: GraphFake, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.instagram.polls = 100
    monkeypatch.setattr(MemoryJournal, "stopping", lambda _journal: True)
    journal = deliver(office, office.delivery("instagram"))
    assert type(journal.outcome) is Unavailable
    assert office.slept == [3]


def test_new_containers_are_tried_twice_and_again_when_a_person_asks(office: Desk, fake: GraphFake) -> None:
    delivery = office.delivery("instagram")
    outcomes: list[Any] = []
    for _attempt in range(4):
        fake.instagram.fail_next = "2207082"
        journal = deliver(office, delivery)
        outcomes.append(journal.outcome)
        delivery = journal.again(delivery)
    assert [type(one) for one in outcomes] == [Unavailable, Unavailable, Rejected, Unavailable]
    assert "outbox retry" in outcomes[2].hint
    fake.instagram.fail_next = ""
    assert isinstance(deliver(office, delivery).outcome, Receipt)


def test_a_container_that_a_restored_ledger_forgot_to_have_published(office: Desk, fake: GraphFake) -> None:
    """An old copy of the outbox knows the container and not the attempt."""
    delivery = office.delivery("instagram")
    journal = deliver(office, delivery)
    assert isinstance(journal.outcome, Receipt)
    restored = replace(journal.again(delivery), intent_at=None)
    again = deliver(office, restored)
    assert isinstance(again.outcome, OutcomeUnknown)
    look = office.publisher("instagram").read_back(again.again(restored))
    assert (look.seen, edges(fake)) == (Seen.FOUND, ["media", "media_publish"])
