"""What keeps a page from two posts, taken away line by line: a life told in `test_graph_faults` must notice each time.

As in `test_mutants`: each mutant is a copy of the packages with lines changed; one whose lines are no longer in the
source fails here. What notices is told as an example there, so that it does not hang on a random life; that there are
random ones too is for what nobody thought of.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.mutants import Edit, broken, change
from tests.support.workspace import REPOSITORY

pytestmark = pytest.mark.soak


PUBLISHER = "publishers/veille_publishers/facebook.py"
BOTH = "publishers/veille_publishers/graph_publisher.py"
LOOK = "publishers/veille_publishers/facebook_look.py"
LATER = "publishers/veille_publishers/facebook_follow_ups.py"
DISPATCH, HOSTING = "src/veille/dispatch.py", "src/veille/hosting.py"
GROUP, DELIVERIES = "src/veille/outbox/group.py", "src/veille/outbox/deliveries.py"


def mutant(life: str, *edits: Edit) -> tuple[str, tuple[Edit, ...]]:
    """Which life notices, and what is changed. Where two places guard the same, both are taken away."""
    return life, edits


NO_LOOK_BEFORE = Edit(
    PUBLISHER, "if (delivery.intent_at or delivery.remote_id) and (found", "if delivery.remote_id and (found"
)
INTENT = """        asked = self._context.clock()
        if not journal.intent(delivery):
            return None
        failpoint("facebook.before-feed")
        self._not_since(asked)
"""
LIVES = "tests/faults/test_graph_faults.py"
ONE, MINDS = (
    f"{LIVES}::test_at_most_one_post_whatever_happens",
    f"{LIVES}::test_at_most_one_post_whoever_changes_their_mind",
)
# What no life of one post tells.
HOSTED, LOOKS = "tests/integration/test_facebook_hosted.py", "tests/integration/test_graph_publish.py"
BLIND = f"{LOOKS}::test_a_look_that_fails_proves_nothing"
FIRST_LOOK = "tests/unit/test_dispatch.py::test_one_blind_look_proves_nothing"
PUBLIC_BEFORE = f"{HOSTED}::test_what_became_public_before_we_came_is_changed_where_it_stands"
CANCELLED = f"{HOSTED}::test_cancelled_while_nobody_knew_whether_facebook_holds_it"

MUTANTS = {
    "tried again without a look": mutant(
        ONE,
        NO_LOOK_BEFORE,
        Edit(DISPATCH, "seen = publisher.read_back(unknown.delivery)", "seen = ReadBack(Seen.ABSENT)"),
        Edit(DISPATCH, "publishing import Delivery, ", "publishing import Delivery, ReadBack, "),
    ),
    "the first look is believed": mutant(
        FIRST_LOOK,
        Edit(DISPATCH, "        if looks < len(delays):\n", "        if False:\n"),
    ),
    "what is unknown is ready again at once": mutant(
        ONE,
        NO_LOOK_BEFORE,
        Edit(
            "src/veille/journal.py",
            '                    "state": "unknown",\n',
            '                    "state": "ready",\n',
        ),
    ),
    "what cannot be read is taken for absent": mutant(
        BLIND,
        Edit(BOTH, "return ReadBack(Seen.UNREADABLE, detail", "return ReadBack(Seen.ABSENT, detail"),
    ),
    "published before the intent is committed": mutant(
        ONE,
        Edit(PUBLISHER, f"{INTENT}        call =", "        call ="),
    ),
    "a list is left out": mutant(
        MINDS,
        Edit(LOOK, 'EDGES = ("scheduled_posts", "published_posts", "feed")', 'EDGES = ("published_posts",)'),
    ),
    "what is handed over for later leaves at once": mutant(
        ONE,
        Edit(PUBLISHER, "        if due <= now:\n", "        if due <= now + timedelta(hours=4):\n"),
    ),
    "a comment is made again without a look": mutant(
        ONE,
        Edit(LATER, "if begun and self._commented(", "if not begun and self._commented("),
    ),
    "handed over anew before the old one is gone": mutant(
        MINDS,
        Edit(LATER, "            self._must_be_deleted(sight.id)\n", "            pass\n"),
    ),
    "what is public is taken back": mutant(
        PUBLIC_BEFORE,
        Edit(LATER, "if sight is None or sight.public:", "if sight is None:"),
    ),
    "nobody deletes what was cancelled on its way": mutant(
        CANCELLED,
        Edit(DELIVERIES, '            if changed and values["state"] == "scheduled":\n', "            if False:\n"),
        Edit(GROUP, '            if outcome.values["state"] == "scheduled":\n', "            if False:\n"),
    ),
    "gone is believed when it is said": mutant(
        MINDS,
        Edit(LATER, "        if self.page.lists(delivery.remote_id, self.wanted.since):\n", "        if False:\n"),
        Edit(LATER, "return self.page.find(self.wanted) if other else None", "return None"),
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_life_notices(tmp_path: Path, name: str) -> None:
    which, edits = MUTANTS[name]
    _broken(tmp_path, edits)
    ran = _lives(tmp_path, which)
    assert ran.returncode == 1, ran.stdout[-3000:]
    assert "failed" in ran.stdout
    assert "AssertionError" in ran.stdout


def test_the_packages_as_they_are_pass(tmp_path: Path) -> None:
    _broken(tmp_path, ())
    for which in {which for which, _edits in MUTANTS.values()}:
        ran = _lives(tmp_path, which)
        assert ran.returncode == 0, ran.stdout[-3000:]


def _broken(folder: Path, edits: Sequence[Edit]) -> None:
    for package in ("src/veille", "publishers/veille_publishers"):
        broken(REPOSITORY / package, folder / package)
    (folder / "templates").symlink_to(REPOSITORY / "templates")  # looked for beside the packages
    change(folder, edits)


def _lives(folder: Path, which: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {
        "PYTHONPATH": os.pathsep.join(str(folder / root) for root in ("src", "publishers")),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis"),  # what a mutant fails on is no lesson for others
    }
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-m", "not soak"]
    return subprocess.run([*command, which], cwd=REPOSITORY, env=env, capture_output=True, text=True)
