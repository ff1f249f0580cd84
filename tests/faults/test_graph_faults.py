"""Whatever Meta answers, and wherever we die: at most one visible post, one first comment, and a ledger that knows.

Each example is the life of one post on the Facebook page: what goes wrong with its calls, one after the other, where
the scheduler dies, and what people do meanwhile. `test_graph_mutants` breaks the code, and expects this to notice.
"""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.graph_faults import EVERY, FAULTS
from tests.support.graph_walk import COMMENT, Walk, facebook_walk
from veille.failpoints import NAMES

EXAMPLES = int(os.environ.get("VEILLE_TEST_EXAMPLES", "9"))
LONG = int(os.environ.get("VEILLE_TEST_EXAMPLES", "100"))

POINTS = [
    *("claim.after", "intent.after", "settle.before", "settle.after", "recover.after", "draft.kept"),
    *(name for name in NAMES if name.startswith(("facebook.", "follow-up."))),
]
# Of the others: what Instagram alone says, what takes real time, reads that lag longer than we look, access that is
# gone for good.
BEYOND = {name for name in EVERY if name.startswith(("quota", "container", "in-progress", "token-", "captions"))}
BEYOND |= {*("late-written", "lag-400", "page-token-reads-nothing", "other-secret", "other-secret-104")}
BEYOND |= {*("header-ignored", "delete-refused")}
NAMED = sorted(EVERY.keys() - BEYOND)
# What hurts most comes most often: carried out, and not told.
UNTOLD = sorted(name for name in FAULTS if name.endswith("-written") and name not in BEYOND)
FAULT = st.one_of(st.none(), st.none(), st.sampled_from(UNTOLD), st.sampled_from(NAMED))
CRASH = st.builds("{}:{}".format, st.sampled_from(POINTS), st.integers(1, 2))
LAG = st.sampled_from([0, 0, 20, 90])  # seconds; less than the last look comes after

WAYS = {
    "immediate": ({}, timedelta()),
    "native": ({"NATIVE_SCHEDULING": "true"}, timedelta(hours=3)),
    "draft": ({"DRAFT_FIRST": "true"}, timedelta()),
}

common = settings(
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
brief = settings(common, max_examples=EXAMPLES, phases=[Phase.explicit, Phase.generate])
lasting = settings(common, max_examples=LONG, phases=[Phase.explicit, Phase.generate])


def life(data: st.DataObject, way: str) -> None:
    """One post, whatever happens to it."""
    values, wait = WAYS[way]
    pictures, comment = data.draw(st.integers(0, 2), "pictures"), data.draw(st.sampled_from(["", COMMENT]), "comment")
    with facebook_walk(pictures=pictures, comment=comment, settings=values) as walk:
        mishaps(data, walk)
        walk.fake.world.new_id_when_published &= way == "native"
        walk.publish(wait=wait)
        walk.live()
        walk.judge()


def mishaps(data: st.DataObject, walk: Walk) -> None:
    """What goes wrong: with the calls, with the process, with Meta's lists."""
    names = data.draw(st.lists(FAULT, max_size=14), "faults")
    walk.fake.sequence(*(EVERY[name] if name else None for name in names))
    for nth in range(data.draw(st.sampled_from([0, 0, 0, 2, 5]), "reads that fail")):  # an outage of reading alone
        walk.fake.fault("GET", "scheduled_posts", EVERY["html-502"], nth + 1)
    for method in ("GET", "DELETE"):  # a post that is there, and is said not to be
        for nth in data.draw(st.lists(st.integers(1, 3), max_size=1), f"{method} denied"):
            walk.fake.fault(method, "*", EVERY["not-found"], nth)
    walk.crash_at(*data.draw(st.lists(CRASH, max_size=3), "crashes"))
    walk.fake.world.lag = timedelta(seconds=data.draw(LAG, "lag"))
    walk.fake.world.new_id_when_published = data.draw(st.booleans(), "new id when published")


DEEDS = ("edit", "edit", "new picture", "other time", "cancel", "cancel --public", "pause", "machine off", "wait")
MOMENTS = [timedelta(seconds=1), timedelta(minutes=3), timedelta(minutes=40), timedelta(hours=4)]


def troubled_life(data: st.DataObject, way: str) -> None:
    """The same, and people change their minds."""
    values, wait = WAYS[way]
    with facebook_walk(
        pictures=1, comment=data.draw(st.sampled_from(["", COMMENT]), "comment"), settings=values
    ) as walk:
        mishaps(data, walk)
        walk.publish(wait=wait)
        for deed in data.draw(st.lists(st.sampled_from(DEEDS), max_size=4), "deeds"):
            walk.live(walk.now() + data.draw(st.sampled_from(MOMENTS), "later"))
            do(walk, deed)
        walk.live()
        walk.judge()


def do(walk: Walk, deed: str) -> None:
    """One deed of a person."""
    if deed == "edit":
        walk.edit(text=f"Version {len(walk.told)}")
    elif deed == "new picture":
        walk.edit(pictures=2)
    elif deed == "other time":
        walk.edit(later=timedelta(hours=1))
    elif deed == "machine off":
        walk.fake.world.clock.advance(hours=4)
    elif deed == "pause":
        walk.actions.pause("p1", walk.now(), paused=True)
        walk.live(walk.now() + timedelta(minutes=1))
        walk.actions.pause("p1", walk.now(), paused=False)
    elif deed.startswith("cancel"):
        walk.cancel(public=deed.endswith("public"))


@brief
@given(st.data(), st.sampled_from(sorted(WAYS)))
def test_at_most_one_post_whatever_happens(data: st.DataObject, way: str) -> None:
    life(data, way)


@brief
@given(st.data(), st.sampled_from(["immediate", "native"]))
def test_at_most_one_post_whoever_changes_their_mind(data: st.DataObject, way: str) -> None:
    troubled_life(data, way)


@pytest.mark.parametrize("way", ["immediate", "native"])
def test_a_post_that_the_lists_do_not_show_yet_is_not_believed_gone(way: str) -> None:
    values, wait = WAYS[way]
    with facebook_walk(comment=COMMENT, settings=values) as walk:
        walk.fake.sequence(EVERY["app-removed"], None)
        for method in ("GET", "DELETE"):
            walk.fake.fault(method, "*", EVERY["not-found"], 1)
        walk.crash_at("facebook.after-photo:2")
        walk.fake.world.lag = timedelta(seconds=90)
        walk.publish(wait=wait)
        for deed, later in (("cancel --public", 1), ("cancel", 2400)):
            walk.live(walk.now() + timedelta(seconds=later))
            do(walk, deed)
        walk.live()
        walk.judge()
        assert walk.mine == []


@pytest.mark.soak
@pytest.mark.parametrize("way", WAYS)
@lasting
@given(st.data())
def test_at_most_one_post_for_long(way: str, data: st.DataObject) -> None:
    life(data, way)


@pytest.mark.soak
@pytest.mark.parametrize("way", ["immediate", "native"])
@lasting
@given(st.data())
def test_at_most_one_post_for_long_whoever_changes_their_mind(way: str, data: st.DataObject) -> None:
    troubled_life(data, way)
