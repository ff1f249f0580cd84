"""Drafts, links that Facebook cannot open, and limits of use."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.graph_faults import FAULTS, Fault
from tests.support.graph_hosted import calls, fault, long, settled
from tests.support.graph_walk import facebook_walk


def test_a_page_that_shows_no_drafts_gets_the_post_in_one_call() -> None:
    with facebook_walk(settings={"DRAFT_FIRST": "true"}) as walk:
        walk.fake.fault("POST", "*", FAULTS["invalid"])
        walk.publish()
        walk.live()
        walk.judge()
        assert walk.row().state == "sent"
        assert len(walk.fake.world.facebook.posts) == 1  # the draft is gone


@pytest.mark.soak
def test_a_draft_whose_showing_nobody_saw_is_shown_by_its_id() -> None:
    with facebook_walk(settings={"DRAFT_FIRST": "true"}) as walk:
        fault(walk, "POST", "*", "lost-written")
        walk.publish()
        walk.live()
        walk.judge()
        assert len(calls(walk, "POST", "/feed")) == 1


def test_a_link_that_does_not_open_twice_fails_the_post() -> None:
    with facebook_walk(pictures=0) as walk:
        fault(walk, "POST", "feed", "dead-link", 2)
        walk.publish()
        walk.live()
        assert (walk.row().state, walk.mine) == ("failed", [])
        assert len(calls(walk, "POST", "/feed")) == 2


@pytest.mark.soak
def test_high_use_slows_down_and_full_use_stops() -> None:
    with facebook_walk() as walk:
        walk.fake.usage["X-App-Usage"] = '{"call_count": 85, "total_time": 3, "total_cputime": 3}'
        walk.publish()
        settled(walk)
        assert walk.row().state == "sent"
        walk.twin()
        walk.live(walk.now() + timedelta(minutes=2))
        assert walk.row(2).state == "ready"
        walk.live(walk.now() + timedelta(minutes=10))
        assert walk.row(2).state == "sent"


@pytest.mark.parametrize(
    ("headers", "minutes"),
    [
        long({"X-App-Usage": '{"call_count": 100}'}, 60),
        ({"X-Business-Use-Case-Usage": '{"1": [{"type": "pages", "estimated_time_to_regain_access": 19}]}'}, 19),
    ],
)
def test_nothing_is_asked_while_all_is_used_up(headers: dict[str, str], minutes: int) -> None:
    with facebook_walk() as walk:
        walk.fake.usage |= headers
        walk.publish()
        settled(walk)
        walk.fake.usage.clear()
        before = len(walk.fake.record())
        walk.twin()
        walk.live(walk.now() + timedelta(minutes=minutes - 3))
        assert len(walk.fake.record()) == before
        walk.live(walk.now() + timedelta(minutes=10))
        assert walk.row(2).state == "sent"


@pytest.mark.soak
def test_a_throttled_look_is_no_look() -> None:
    with facebook_walk() as walk:
        fault(walk, "POST", "feed", "lost-written")
        busy = Fault(status=400, body=FAULTS["throttle"].body, headers=FAULTS["throttle"].headers)
        walk.fake.fault("GET", "scheduled_posts", busy)
        walk.publish()
        walk.live()
        walk.judge()
        assert walk.row().state == "sent"
