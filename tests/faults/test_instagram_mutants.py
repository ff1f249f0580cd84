"""The Instagram publisher with one guard taken away: the stories told in `test_instagram_faults` must notice each.

A mutant whose line is no longer in the source fails here, so that this list keeps up with the code.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.mutants import Edit, broken
from tests.support.workspace import REPOSITORY

pytestmark = pytest.mark.soak

MAIN, LOOK = "instagram.py", "instagram_look.py"
KEPT, CONTAINERS, ACCOUNT = "instagram_kept.py", "instagram_containers.py", "instagram_account.py"

# Where two lines guard the same, both are taken away: each alone suffices.
MUTANTS = {
    "the container is not kept before it is published": (
        Edit(CONTAINERS, "self._keep(self.kept.with_container(", "self.kept = (self.kept.with_container("),
    ),
    "a new container for every attempt": (
        Edit(KEPT, "    if tried and old.container:\n        return old\n", ""),
        Edit(KEPT, "young = old.at and", "young = False and"),
    ),
    "what is not shown to us is not there": (
        Edit(LOOK, 'code in ("FINISHED", *USELESS)', 'code in ("FINISHED", "HIDDEN", *USELESS)'),
        Edit(CONTAINERS, "if tried and found[0][1] == HIDDEN:", "if False:"),
    ),
    "no look before the next attempt": (
        Edit(MAIN, "if delivery.intent_at and (found := self._look_again(delivery)):", "if found := None:"),
        Edit(CONTAINERS, 'if status.code == "PUBLISHED":', "if False:"),
        Edit(CONTAINERS, 'return status.code == "FINISHED"', 'return status.code in ("FINISHED", "PUBLISHED")'),
    ),
    "the newest post of the account is ours": (Edit(LOOK, "social.fingerprint(post.words) in wanted)", "True)"),),
    "an older text cannot be public": (
        Edit(KEPT, "earlier=_with_current(old) if tried else old.earlier", "earlier=()"),
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_stories_notice(tmp_path: Path, name: str) -> None:
    source = _broken(tmp_path, MUTANTS[name])
    ran = _live(source)
    assert ran.returncode == 1, ran.stdout
    assert "1 failed" in ran.stdout


def test_the_package_as_it_is_passes(tmp_path: Path) -> None:
    ran = _live(_broken(tmp_path, ()))
    assert ran.returncode == 0, ran.stdout
    assert "1 passed" in ran.stdout


def _broken(folder: Path, edits: tuple[Edit, ...]) -> Path:
    """The source root of a copy of the publishers with these changes."""
    return broken(REPOSITORY / "publishers/veille_publishers", folder / "veille_publishers", edits).parent


def _live(source: Path) -> subprocess.CompletedProcess[str]:
    env = os.environ | {
        "PYTHONPATH": str(source),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(source / "hypothesis"),  # what a mutant fails on is no lesson for others
    }
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-k", "at_most_one_post"]
    command += ["-m", "not soak", "tests/faults/test_instagram_faults.py"]
    return subprocess.run(command, cwd=REPOSITORY, env=env, capture_output=True, text=True)
