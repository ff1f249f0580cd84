"""A person drops a post that Facebook may have for later: it does not come out behind their back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.graph_faults import EVERY
from tests.support.graph_walk import Walk, facebook_walk
from veille.outbox.actions import Answer
from veille.outbox.pending import handed_over, pending

HOURS = timedelta(hours=3)
NATIVE = {"NATIVE_SCHEDULING": "true"}


def scheduled(walk: Walk) -> None:
    """Facebook has it, for three hours from now."""
    walk.publish(wait=HOURS)
    walk.live(walk.now() + timedelta(minutes=1))
    assert walk.row().state == "scheduled"


def unreadable(walk: Walk) -> None:
    """Until a person is asked."""
    walk.fake.sequence(*[EVERY["html-502"]] * 200)
    walk.live()
    assert walk.row().state == "held"
    walk.fake.well()


def held(walk: Walk) -> None:
    """A colleague moved it to tomorrow, and nobody can read the page at its time."""
    (post,) = walk.fake.world.facebook.posts.values()
    walk.fake.world.clock.advance(hours=2, minutes=55)
    post.scheduled = walk.due + timedelta(days=1)
    unreadable(walk)


def test_what_facebook_still_has_is_taken_back() -> None:
    with facebook_walk(settings=NATIVE) as walk:
        scheduled(walk)
        held(walk)
        assert walk.actions.resolve("d1", Answer.CANCEL, walk.now()) == 1
        (wanted,) = pending(walk.database)
        assert wanted.kind.value == "delete"
        walk.fake.fault("DELETE", "*", EVERY["lost-written"])
        walk.live()
        walk.fake.world.clock.advance(days=3)
        assert walk.fake.ever_visible("facebook") == 0
        assert (walk.row().state, walk.row().last_code, pending(walk.database)) == ("cancelled", "deleted", [])


@pytest.mark.soak
def test_what_is_public_all_the_same_stays_and_is_said() -> None:
    with facebook_walk(settings=NATIVE) as walk:
        scheduled(walk)
        held(walk)
        walk.fake.world.clock.advance(days=2)
        assert walk.actions.resolve("d1", Answer.CANCEL, walk.now()) == 1
        walk.live()
        assert (walk.row().state, len(walk.mine)) == ("sent", 1)
        assert walk.report.publication("p1").receipts[0]["url"]


def test_dropped_before_its_time_while_nobody_knows_whether_facebook_has_it() -> None:
    with facebook_walk(settings=NATIVE) as walk:
        walk.fake.fault("POST", "feed", EVERY["lost-written"])
        walk.publish(wait=HOURS)
        walk.live(walk.now() + timedelta(seconds=1))
        assert walk.row().state == "unknown"
        assert walk.actions.resolve("p1", Answer.CANCEL, walk.now()) == 1
        walk.live()
        assert walk.row().state == "cancelled"
        assert walk.fake.ever_visible("facebook") == 0


@pytest.mark.soak
def test_what_was_handed_over_and_nobody_found_is_named() -> None:
    with facebook_walk(settings=NATIVE) as walk:
        walk.fake.fault("POST", "feed", EVERY["lost-written"])
        walk.publish(wait=HOURS)
        walk.fake.world.clock.advance(seconds=1)
        walk.live(walk.now())
        unreadable(walk)
        assert handed_over(walk.database, "p1") == handed_over(walk.database, "d1") == ["d1"]
        assert walk.actions.resolve("d1", Answer.CANCEL, walk.now()) == 1
        assert (walk.row().state, pending(walk.database)) == ("cancelled", [])
        assert handed_over(walk.database, "d1") == []


def test_what_is_wanted_after_all_is_not_deleted_when_it_is_out() -> None:
    with facebook_walk(settings=NATIVE) as walk:
        scheduled(walk)
        walk.cancel()
        unreadable(walk)  # so that nothing could be deleted there
        assert walk.actions.resolve("d1", Answer.RETRY, walk.now()) == 1
        walk.live()
        assert (walk.row().state, len(walk.mine), pending(walk.database)) == ("sent", 1, [])
