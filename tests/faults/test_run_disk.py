"""`veille run` in the middle of a letter when the disk fills up or breaks."""

from __future__ import annotations

import random
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.counting_sink import counting_sink
from tests.support.season import CONNECTIONS, LATENCY, OLD_SQLITE, Season, season
from tests.support.small_disk import fill, small_disk
from tests.support.workspace import (
    REPOSITORY,
    VEILLE,
    Ran,
    Workspace,
    clean_environment,
    finish,
    mail_only,
    wait_until,
)

pytestmark = pytest.mark.slow

READERS = [f"reader{number}@example.org" for number in range(8)]
LAST_RESERVE = {"PYTHONPATH": str(REPOSITORY / "tests/support/last_reserve")}


def _disturbed(letter: Season, disturb: Callable[[int], object], **environment: str) -> Ran:
    """A run to which something happens once 20 letters are out; `disturb` gets its process id."""
    process = letter.workspace.start("run", "--once", **environment)
    try:
        wait_until(lambda: len(letter.sink.letters) >= 20)
        disturb(process.pid)
    finally:
        ran = finish(process)
    assert ran.code not in (0, 3)
    assert "room" in ran.said
    return ran


def test_what_was_answered_is_recorded_on_a_full_disk(tmp_path: Path) -> None:
    with counting_sink(tmp_path, latency=LATENCY) as sink:
        letter = season(tmp_path, sink, 60)
        limit = (4096, resource.RLIM_INFINITY)
        _disturbed(letter, lambda pid: resource.prlimit(pid, resource.RLIMIT_FSIZE, limit), **LAST_RESERVE)
        assert not (letter.workspace.root / "outbox/ballast").exists()
        _stopped_with_a_record(letter)
        letter.finish()
        letter.check()
        assert (letter.workspace.root / "outbox/ballast").exists()


def _stopped_with_a_record(letter: Season) -> None:
    """The letter stands still in its middle, and the ledger says of every reader who has it that it is out."""
    assert 20 <= len(letter.sink.copies) < 60
    assert set(letter.sink.copies) == set(letter.deliveries("sent").values())


@pytest.mark.soak
def test_a_disk_that_somebody_else_fills(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 130 << 20) as disk, counting_sink(tmp_path, latency=LATENCY) as sink:
        letter = season(disk, sink, 60)
        _disturbed(letter, lambda _pid: _fill(disk))
        _stopped_with_a_record(letter)
        out = len(sink.letters)
        again = letter.workspace.veille("run", "--once")
        assert again.code not in (0, 3)
        assert "Traceback" not in again.said
        assert len(sink.letters) == out
        (disk / "somebody-elses-film").unlink()
        letter.finish()
        letter.check()


def test_a_disk_that_syncs_no_more(tmp_path: Path) -> None:
    with counting_sink(tmp_path, latency=LATENCY) as sink:
        unsynced(season(tmp_path, sink, 8), "15+", OLD_SQLITE)  # among the first intents


def _fill(disk: Path) -> None:
    """First nearly all of it, which takes a moment, then what the run has not written to meanwhile."""
    fill(disk, leave=1 << 20)
    fill(disk, leave=64 << 10)


# A run for eight readers syncs 12 times with a write-ahead log, and 49 times with a rollback journal.
SYNCS = [*((k, {}) for k in range(1, 14)), *((k, OLD_SQLITE) for k in range(1, 51, 2))]


@pytest.mark.soak
@pytest.mark.parametrize(("k", "environment"), SYNCS, ids=[f"{k}-{'old' if env else 'wal'}" for k, env in SYNCS])
def test_a_disk_that_refuses_to_sync(prepared: Workspace, tmp_path: Path, k: int, environment: dict[str, str]) -> None:
    for when in (f"{k}", f"{k}+"):
        folder = tmp_path / when
        folder.mkdir()
        with counting_sink(folder) as sink:
            workspace = prepared.copy(folder / "newsroom")
            mail_only(workspace, sink.url(CONNECTIONS))
            unsynced(Season(workspace, sink, READERS, random.Random()), when, environment)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A newsroom with a letter to eight readers that is due."""
    folder = tmp_path_factory.mktemp("prepared")
    with counting_sink(folder) as nobody:
        yield season(folder, nobody, 8).workspace


def unsynced(letter: Season, when: str, environment: dict[str, str]) -> None:
    """The k-th fsync fails, or all from the k-th on: an intent that is not on the disk is never followed by its letter.

    What COMMIT refused may be on the disk all the same (an fsync of the folder that fails comes after it).
    """
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    ran = _under_strace(letter, when, environment)
    intended = set(letter.deliveries("sending", "sent", "unknown").values())
    assert set(letter.sink.copies) <= intended, f"{when}: a letter left without a record of it: {ran}"
    assert "Traceback" not in ran.said
    assert ran.code in (0, 3, 75), ran
    letter.finish()
    letter.check()


def _under_strace(letter: Season, when: str, environment: dict[str, str]) -> Ran:
    inject = f"inject=fsync,fdatasync:error=EIO:when={when}"
    strace = ["strace", "-f", "-qqq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", inject]
    workspace = letter.workspace
    process = subprocess.Popen(
        [*strace, str(VEILLE), "run", "--once"],
        cwd=workspace.root,
        env=clean_environment(workspace.root, workspace.env | environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return finish(process)
