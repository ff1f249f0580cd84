"""The ledger broken in the ways that count: the tests that guard it must notice each of them.

A test that passes also on a broken ledger proves nothing. Each mutant is a copy of the package with one line changed;
a mutant whose line is no longer in the source fails here, so that this list keeps up with the code.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.test_run_disk import unsynced
from tests.faults.test_sigkill import killed
from tests.support.counting_sink import counting_sink
from tests.support.mutants import Edit, broken
from tests.support.season import OLD_SQLITE, season
from tests.support.workspace import REPOSITORY

pytestmark = pytest.mark.soak

EXAMPLES = 150  # walks; a mutant is noticed after a few, the package as it is passes all


GROUP, UPKEEP, JOURNAL = "outbox/group.py", "outbox/upkeep.py", "journal.py"
# Where two lines guard the same, both are taken away: each alone suffices.
MUTANTS = {
    "no fence: who was declared dead may still write": (
        Edit(GROUP, "row.attempt == delivery.attempt and row.state in states", "row.state in states"),
        Edit(GROUP, ', _d.c.owner == sa.bindparam("me"))', ")"),
    ),
    "what a dead worker was sending is ready again": (
        Edit(UPKEEP, 'after = "ready" if rewrite else "unknown"', 'after = "ready"'),
    ),
    "an intent is given twice": (
        Edit(
            GROUP,
            'if not fenced(rows, delivery, ("claimed",)):',
            'if not fenced(rows, delivery, ("claimed", "sending")):',
        ),
    ),
    "an intent leaves no trace": (
        Edit(GROUP, '.values(state="sending", intent_at=_NOW', '.values(state="claimed", intent_at=_NOW'),
    ),
    "an outcome counts whatever the state": (
        Edit(
            GROUP,
            'recorded = [fenced(rows, o.delivery, ("claimed", "sending")) for o in outcomes]',
            "recorded = [True for o in outcomes]",
        ),
    ),
    "a reader who left still gets the second copy": (
        Edit(GROUP, 'if row.channel == "newsletter" and row.reader != "subscribed":', "if False:"),
        Edit("outbox/claims.py", '_s.c.id.in_(ids), _s.c.state == "subscribed")', "_s.c.id.in_(ids))"),
    ),
    "a window is not counted": (
        Edit(UPKEEP, "unknowns=_d.c.unknowns + (0 if rewrite else 1)", "unknowns=_d.c.unknowns"),
    ),
    "a second copy for every window": (
        Edit("dispatch.py", "if unknown.unknowns < 2 else", "if unknown.unknowns < 9 else"),
    ),
    "two deliveries for one target": (
        Edit("outbox/migrations/versions/v0001_first.py", 'sa.UniqueConstraint("publication_id", "target"),', ""),
    ),
    "a transaction that reads first and locks later": (
        Edit("outbox/database.py", '"BEGIN" if reading else "BEGIN IMMEDIATE"', '"BEGIN"'),
    ),
    "claimed whatever the state": (
        Edit(
            "outbox/claims.py",
            "_d.c.publication_id.in_(publications), READY, ",
            "_d.c.publication_id.in_(publications), ",
        ),
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_walk_notices(tmp_path: Path, name: str) -> None:
    _broken(tmp_path, *MUTANTS[name])
    for seed in range(3):  # a walk is random: a rare path may need another one
        ran = _walk(tmp_path, seed)
        if ran.returncode:
            break
    assert ran.returncode == 1, ran.stdout
    assert "1 failed" in ran.stdout


def test_the_package_as_it_is_passes(tmp_path: Path) -> None:
    _broken(tmp_path)
    ran = _walk(tmp_path)
    assert ran.returncode == 0, ran.stdout
    assert "2 passed" in ran.stdout


def test_kills_notice_a_letter_that_leaves_before_its_intent_is_committed(tmp_path: Path) -> None:
    source = _broken(
        tmp_path,
        Edit(
            JOURNAL,
            "done = self._deliveries.commit(settled, begin, now)",
            "done = self._deliveries.commit(settled, (), now)",
        ),
        Edit(JOURNAL, "zip(begin, done.allowed, strict=True)", "zip(begin, done.allowed)"),
        Edit(JOURNAL, "return done.allowed if begin else", "return [True] * len(wanted) if begin else"),
    )
    with pytest.raises(AssertionError, match="second copies that no window explains"):
        killed(tmp_path, 120, 6, {"PYTHONPATH": str(source)})


def test_a_disk_that_syncs_no_more_shows_a_letter_that_leaves_all_the_same(tmp_path: Path) -> None:
    """With a rollback journal, what COMMIT refused is gone; which of the first intents it is, is seen by trying."""
    raises = """                raise
            return [False] * len(wanted)"""
    goes = raises.replace("raise\n", "return [True] * len(wanted)\n")
    source = _broken(tmp_path, Edit(JOURNAL, raises, goes))
    environment = {"PYTHONPATH": os.pathsep.join([OLD_SQLITE["PYTHONPATH"], str(source)])}
    with pytest.raises(AssertionError, match="without a record"):
        _unsynced_from(tmp_path, range(13, 21), environment)


def _unsynced_from(folder: Path, syncs: range, environment: dict[str, str]) -> None:
    for k in syncs:
        (place := folder / str(k)).mkdir()
        with counting_sink(place) as sink:
            unsynced(season(place, sink, 8), f"{k}+", environment)


def _broken(folder: Path, *edits: Edit) -> Path:
    """The source root of a copy of the package with these changes."""
    return broken(REPOSITORY / "src/veille", folder / "src/veille", edits).parent


def _walk(folder: Path, seed: int = 0) -> subprocess.CompletedProcess[str]:
    env = os.environ | {
        "PYTHONPATH": str(folder / "src"),
        "VEILLE_TEST_EXAMPLES": str(EXAMPLES),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis"),  # what a mutant fails on is no lesson for others
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-x", "-k", "TestMachine or told"]
    command += [f"--hypothesis-seed={seed}", "tests/unit/test_outbox_machine.py"]
    return subprocess.run(command, cwd=REPOSITORY, env=env, capture_output=True, text=True)
