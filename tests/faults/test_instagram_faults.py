"""Instagram, whatever fails and wherever the scheduler dies: at most one visible post, and the ledger knows it.

Random stories: answers lost or wrong at any call, a world that changes under way, kills at any point, an editor who
publishes again in between, on both hosts, with one picture or several. What holds is in `Season.check`. The mutants
below are the publisher with one guard taken away; the same stories must notice each of them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.support.graph_fake import GraphFake
from tests.support.graph_faults import EVERY, Fault, error
from tests.support.graph_season import SOMEBODY_POSTS, Story, season

EXAMPLES = int(os.environ.get("VEILLE_TEST_EXAMPLES", "12"))


def nothing_is_shown(fake: GraphFake) -> None:
    """From now on the page's token sees no object, and lists lag behind by an hour."""
    fake.world.page_tokens_read_instagram, fake.world.lag = False, timedelta(hours=1)


MORE = {  # refusals of posts that were made all the same
    "expired-written": error(190, 463, written=True),
    "permission-written": error(10, written=True),
    "restricted-written": error(25, 2207050, written=True),
    "throttle-written": error(80002, written=True),
    "somebody-posts": SOMEBODY_POSTS,
    "lost-and-not-shown": Fault("lost", written=True, change=nothing_is_shown),
}
SHORT = MORE | {name: fault for name, fault in EVERY.items() if fault.way != "late"}  # nobody waits for real
WRITTEN = [fault for name, fault in SHORT.items() if fault.written and fault.way != "well"]
POINTS = (
    *("claim.after", "intent.after", "settle.before", "settle.after", "recover.after"),
    *("instagram.before-container", "instagram.after-container", "instagram.after-checkpoint"),
    *("instagram.before-publish", "instagram.after-publish"),
)

any_fault = st.sampled_from(sorted(SHORT)).map(SHORT.__getitem__)
call = st.one_of(st.none(), st.none(), st.none(), any_fault)
kill = st.tuples(st.sampled_from(POINTS), st.integers(1, 3))
stories = st.builds(
    Story,
    pictures=st.sampled_from([1, 1, 2]),
    host=st.sampled_from(["facebook", "facebook", "instagram"]),
    second_token=st.booleans(),
    faults=st.lists(call, max_size=20),
    public=st.lists(st.one_of(st.none(), st.sampled_from(WRITTEN), any_fault), max_size=3),
    kills=st.lists(kill, max_size=3),
    edit_after=st.sampled_from([0, 0, 1, 2, 4]),
)


def lived(story: Story) -> None:
    """Live through a story, look, let a person decide what is held, and look again."""
    with season(story) as one:
        one.live_on()
        one.check()
        one.resolve()
        one.check()


def told(public: Sequence[str | None], faults: Sequence[str | None] = (), **values: Any) -> Story:
    """A story with names in place of faults."""
    named = [[SHORT[name] if name else None for name in names] for names in (public, faults)]
    return Story(public=named[0], faults=named[1], **values)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # a failure is told at once
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(stories)
@example(told(public=["lost-written"]))
@example(told(public=["spam-written"], pictures=2))
@example(told(public=["code-2"], faults=["lag-400"], kills=[("instagram.after-publish", 1)]))
@example(told(public=["lost-and-not-shown"]))
@example(told(public=["lost-and-not-shown"], second_token=True))
@example(told(public=["expired-written"], faults=[*[None] * 4, "html-502"], edit_after=1))
@example(told(public=["code-2"], faults=["somebody-posts", *[None] * 3, "somebody-posts"]))
@example(told(public=["code-2"], faults=["captions-hidden", *[None] * 3, "somebody-posts"], host="instagram"))
def test_at_most_one_post_and_the_ledger_knows_it(story: Story) -> None:
    lived(story)


@pytest.mark.soak
def test_many_stories() -> None:
    many = settings(max_examples=150, deadline=None, suppress_health_check=[*HealthCheck])
    many(given(stories)(lived))()
