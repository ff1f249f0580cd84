"""Whatever Meta answers, and wherever we die: at most one visible post, one first comment, and a ledger that knows.

Each example is the life of one post on the Facebook page: what goes wrong with its calls, one after the other, where
the scheduler dies, and what people do meanwhile. `test_graph_mutants` breaks the code, and expects this to notice.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
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
DENIED = st.tuples(st.sampled_from(["GET", "DELETE"]), st.integers(1, 3))
CRASH = st.builds("{}:{}".format, st.sampled_from(POINTS), st.integers(1, 2))

WAYS = {
    "immediate": ({}, timedelta()),
    "native": ({"NATIVE_SCHEDULING": "true"}, timedelta(hours=3)),
    "draft": ({"DRAFT_FIRST": "true"}, timedelta()),
}
DEEDS = (
    *("edit", "edit", "new picture", "other time", "cancel", "cancel --public", "pause", "machine off", "wait"),
    *("retry", "drop", "answer"),
)
SOON, LATER, TOO_LATE = timedelta(seconds=1), timedelta(minutes=40), timedelta(hours=4)  # seen from a native post
MOMENTS = [SOON, timedelta(minutes=3), LATER, TOO_LATE]


@dataclass(frozen=True)
class Life:
    """What happens to one post.

    Args:
        way: by which it reaches the page.
        pictures: their number.
        comment: the first one.
        faults: of the calls in order, by name; None: it goes well.
        outage: looks at the scheduled posts that get no answer, the first ones.
        denied: calls that are answered "no such post", (method, which of them).
        crashes: where a scheduler dies, one each.
        lag: seconds until a list of Meta shows what is new.
        new_id: whether a scheduled post gets another number when it becomes public.
        deeds: of people, one after the other: (how long after the last, what).
    """

    way: str = "immediate"
    pictures: int = 1
    comment: str = ""
    faults: Sequence[str | None] = ()
    outage: int = 0
    denied: Sequence[tuple[str, int]] = ()
    crashes: Sequence[str] = ()
    lag: float = 0
    new_id: bool = False
    deeds: Sequence[tuple[timedelta, str]] = ()

    def live(self) -> None:
        """From the desk to the end, and look all the while.

        Raises:
            AssertionError: there was more than one post, or the ledger does not know.
        """
        try:
            self._live()
        except AssertionError as error:
            error.add_note(repr(self))  # whoever reads the failure can tell it again
            raise

    def _live(self) -> None:
        values, wait = WAYS[self.way]
        with facebook_walk(pictures=self.pictures, comment=self.comment, settings=values) as walk:
            self.mishaps(walk)
            walk.publish(wait=wait)
            for later, deed in self.deeds:
                walk.live(walk.now() + later)
                do(walk, deed)
            walk.live()
            walk.judge()

    def mishaps(self, walk: Walk) -> None:
        """What goes wrong: with the calls, with the process, with Meta's lists."""
        walk.fake.sequence(*(EVERY[name] if name else None for name in self.faults))
        for nth in range(self.outage):
            walk.fake.fault("GET", "scheduled_posts", EVERY["html-502"], nth + 1)
        for method, nth in self.denied:  # a post that is there, and is said not to be
            walk.fake.fault(method, "*", EVERY["not-found"], nth)
        walk.crash_at(*self.crashes)
        walk.fake.world.lag = timedelta(seconds=self.lag)
        walk.fake.world.new_id_when_published = self.new_id and self.way == "native"


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
    elif deed == "retry":
        walk.retry()
    elif deed == "drop":
        walk.drop()
    elif deed == "answer":
        walk.answer()
    elif deed.startswith("cancel"):
        walk.cancel(public=deed.endswith("public"))


def lives(ways: Sequence[str], deeds: Sequence[str] = ()) -> st.SearchStrategy[Life]:
    """Any life on these ways, with any of these deeds."""
    return st.builds(
        Life,
        way=st.sampled_from(ways),
        pictures=st.integers(0, 2) if not deeds else st.just(1),
        comment=st.sampled_from(["", COMMENT]),
        faults=st.lists(FAULT, max_size=14),
        outage=st.sampled_from([0, 0, 0, 2, 5]),
        denied=st.lists(DENIED, max_size=2, unique_by=lambda one: one[0]),
        crashes=st.lists(CRASH, max_size=3),
        lag=st.sampled_from([0, 0, 20, 90]),  # less than the last look comes after
        new_id=st.booleans(),
        deeds=st.lists(st.tuples(st.sampled_from(MOMENTS), st.sampled_from(deeds or [""])), max_size=4 if deeds else 0),
    )


HOPEFUL, CHANGED = lives(sorted(WAYS)), lives(["immediate", "native"], DEEDS)
common = settings(
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
brief = settings(common, max_examples=EXAMPLES, phases=[Phase.explicit, Phase.generate])
lasting = settings(common, max_examples=LONG, phases=[Phase.explicit, Phase.generate])


@brief
@given(HOPEFUL)
@example(Life())
@example(Life("native"))
@example(Life("native", pictures=2, comment=COMMENT, new_id=True))
@example(Life("draft", comment=COMMENT))
@example(Life(faults=["500-written"], pictures=0))
@example(Life(crashes=["settle.before:1"], pictures=0))
@example(Life("draft", pictures=0, comment=COMMENT, crashes=["follow-up.answered:1"]))
def test_at_most_one_post_whatever_happens(life: Life) -> None:
    life.live()


@brief
@given(CHANGED)
@example(Life("native", deeds=[(SOON, "edit")]))
@example(Life("native", faults=[None, "500-written"], deeds=[(LATER, "edit")]))
@example(Life("native", outage=5, new_id=True, deeds=[(TOO_LATE, "edit")]))
@example(Life("native", faults=["truncated-written"], outage=5, deeds=[(TOO_LATE, "new picture")]))
def test_at_most_one_post_whoever_changes_their_mind(life: Life) -> None:
    life.live()


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
    data.draw(lives([way])).live()


@pytest.mark.soak
@pytest.mark.parametrize("way", ["immediate", "native"])
@lasting
@given(st.data())
def test_at_most_one_post_for_long_whoever_changes_their_mind(way: str, data: st.DataObject) -> None:
    data.draw(lives([way], DEEDS)).live()
