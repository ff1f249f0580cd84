"""The first comment under a post of the page: once, whatever Meta answers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.graph_hosted import fault, long
from tests.support.graph_walk import COMMENT, facebook_walk
from veille.outbox.pending import pending


@pytest.mark.parametrize("name", ["lost-written", *map(long, ("code-2", "html-502-written", "throttle", "500"))])
@pytest.mark.parametrize("lag", [long(0), 90])
def test_one_first_comment_whatever_meta_answers(name: str, lag: int) -> None:
    with facebook_walk(comment=COMMENT) as walk:
        walk.fake.world.lag = timedelta(seconds=lag)
        fault(walk, "POST", "comments", name)
        walk.publish()
        walk.live()
        walk.judge()
        assert [one.message for one in walk.mine[0].comments] == [COMMENT]
        assert pending(walk.database) == []


def test_a_comment_that_nobody_saw_twice_waits_for_a_person() -> None:
    with facebook_walk(comment=COMMENT) as walk:
        fault(walk, "POST", "comments", "code-2", 2)
        walk.publish()
        walk.live()
        (wanted,) = pending(walk.database)
        assert (wanted.due, walk.row().state) == (None, "sent")
        assert "veille outbox retry d1" in wanted.hint
        walk.actions.retry("d1", walk.now())
        walk.live()
        assert [one.message for one in walk.mine[0].comments] == [COMMENT]


@pytest.mark.soak
def test_comments_that_cannot_be_read_are_not_written_again() -> None:
    with facebook_walk(comment=COMMENT) as walk:
        fault(walk, "POST", "comments", "lost-written")
        fault(walk, "GET", "comments", "html-502", *range(2, 5))
        walk.publish()
        walk.live()
        walk.judge()
        assert pending(walk.database) == []


def test_a_page_that_may_not_comment_has_its_post_all_the_same() -> None:
    with facebook_walk(comment=COMMENT) as walk:
        fault(walk, "POST", "comments", "permission-200")
        walk.publish()
        walk.live()
        assert (walk.row().state, len(walk.mine), walk.report.stops()) == ("sent", 1, [])
        (wanted,) = pending(walk.database)
        assert wanted.due is None
        assert "pages_manage_engagement" in wanted.hint
