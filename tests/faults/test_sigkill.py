"""Killed at random, again and again, in the middle of one letter: nobody is lost, and every second copy has a name.

The witness is a mail server in another process that knows nothing of veille. Where the kill falls is chance, not a
failpoint: also between two failpoints, in the start, in a commit, in a write to a socket.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.support.counting_sink import counting_sink
from tests.support.season import LATENCY, OLD_SQLITE, season


def killed(folder: Path, readers: int, kills: int, *environments: dict[str, str]) -> None:
    """Kill so many runs of one letter, with these environments one after the other, and compare the accounts."""
    seed = random.SystemRandom().randrange(10**9)
    print(f"seed {seed}")  # shown when the test fails
    with counting_sink(folder, latency=LATENCY, seed=seed) as sink:
        letter = season(folder, sink, readers, seed)
        letter.killed(kills, environments)
        letter.finish()
        letter.check()
        assert len(letter.recoveries()) <= kills
        # The kills did fall where it matters: otherwise nothing of this was tried.
        assert sum(letter.windows().values()) >= kills / 4


@pytest.mark.slow
def test_six_kills_in_a_letter_to_120(tmp_path: Path) -> None:
    """Three with the write-ahead log, then three with a rollback journal, as on a machine with an older SQLite."""
    killed(tmp_path, 120, 6, {}, OLD_SQLITE)


@pytest.mark.soak
@pytest.mark.parametrize("environment", [{}, OLD_SQLITE], ids=["wal", "rollback-journal"])
def test_200_kills_in_a_letter_to_2000(tmp_path: Path, environment: dict[str, str]) -> None:
    killed(tmp_path, 2000, 200, environment)
