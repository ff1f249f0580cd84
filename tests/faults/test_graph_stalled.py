"""A scheduler that stands still between its last look at the ledger and the call that makes a post public.

A laptop that sleeps, a machine that is frozen and moved: another one takes over meanwhile, looks, and posts.
What the first does when it goes on is not for the ledger to forbid: it has asked already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest

from tests.faults.test_graph_faults import WAYS
from tests.support.graph_season import Story, season
from tests.support.graph_walk import COMMENT, facebook_walk


@contextmanager
def standing_still(place: str, point: str, meanwhile: Callable[[], None]) -> Iterator[None]:
    """The first time that a scheduler passes this point, other things happen before it goes on."""
    passed: list[str] = []

    def stand(name: str) -> None:
        if name == point and not passed:
            passed.append(name)
            meanwhile()

    with patch(f"{place}.failpoint", stand):
        yield
    assert passed


@pytest.mark.parametrize("way", ["immediate", pytest.param("native", marks=pytest.mark.soak)])
def test_facebook_has_one_post_when_the_first_scheduler_goes_on(way: str) -> None:
    values, wait = WAYS[way]
    with facebook_walk(pictures=0, comment=COMMENT, settings=values) as walk:
        walk.publish(wait=wait)
        with standing_still("veille_publishers.facebook", "facebook.before-feed", walk.live):
            slow = walk.born()
            slow.once()
        walk.live()
        walk.judge()
        assert len(walk.mine) == 1
        assert walk.row().state == "sent"


@pytest.mark.parametrize("pictures", [1, pytest.param(2, marks=pytest.mark.soak)])
def test_instagram_has_one_post_when_the_first_scheduler_goes_on(pictures: int) -> None:
    with season(Story(pictures=pictures)) as one:
        with standing_still("veille_publishers.instagram", "instagram.before-publish", one.live_on):
            one.live_on()
        one.check()
        assert len(one.visible()) == 1


def test_a_machine_that_slept_over_the_time_of_a_post_does_not_send_it_late() -> None:
    """Alone on its ledger: it looks first, and then a person decides, as about everything that is overdue."""
    with facebook_walk(pictures=0) as walk:
        walk.publish()

        def asleep() -> None:
            walk.fake.world.clock.advance(hours=15)

        with standing_still("veille_publishers.facebook", "facebook.before-feed", asleep):
            walk.live()
        assert walk.mine == []
        assert (walk.row().state, walk.row().last_code) == ("held", "overdue")


def test_one_first_comment_when_the_first_scheduler_goes_on() -> None:
    with facebook_walk(pictures=0, comment=COMMENT) as walk:
        walk.publish()
        with standing_still("veille.outbox.hosted", "follow-up.begun", walk.live):
            slow = walk.born()
            slow.once()
            slow.once()
        walk.live()
        (seen,) = walk.mine
        assert [one.message for one in seen.comments] == [COMMENT]
