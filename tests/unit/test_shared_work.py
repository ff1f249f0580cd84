"""Work shared with a second process: what comes out never depends on whether there was one."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.content import newsroom, write
from tests.support.desk import Desk
from veille import library, shared_work
from veille.queueing import prepare
from veille_web.preview import Preview

NOW = datetime(2026, 11, 26, 8, 0, tzinfo=UTC)
MANY = range(3 * shared_work.FEWEST)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere one process does everything")


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0, 1})
    monkeypatch.setattr(threading, "active_count", lambda: 1)


def _who(_thing: int) -> int:
    return os.getpid()


def test_many_things_are_made_by_two_processes_in_order() -> None:
    assert shared_work.each(str, MANY) == [str(number) for number in MANY]
    workers = shared_work.each(_who, MANY)
    assert workers[0] == os.getpid()
    assert len(set(workers)) == 2
    assert workers == sorted(workers, key=lambda who: who != os.getpid())


def test_few_things_one_core_or_another_thread_stay_here(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(shared_work.each(_who, MANY[: shared_work.FEWEST - 1])) == {os.getpid()}
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    assert set(shared_work.each(_who, MANY)) == {os.getpid()}
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0})
    assert set(shared_work.each(_who, MANY)) == {os.getpid()}


@pytest.mark.parametrize("wrong", [MANY[3], MANY[-3]])
def test_an_error_is_raised_here_whichever_half_it_is_in(wrong: int, monkeypatch: pytest.MonkeyPatch) -> None:
    copies: list[int] = []
    real = os.fork

    def noted() -> int:
        copies.append(real())
        return copies[-1]

    monkeypatch.setattr(os, "fork", noted)

    def work(thing: int) -> int:
        if thing == wrong:
            raise ValueError(f"no {thing}")
        return thing

    with pytest.raises(ValueError, match=f"no {wrong}"):
        shared_work.each(work, MANY)
    (copy,) = copies
    with pytest.raises(ChildProcessError):  # nobody is left behind
        os.waitpid(copy, os.WNOHANG)


def test_what_a_copy_that_dies_would_have_made_is_made_here() -> None:
    here = os.getpid()

    def work(thing: int) -> int:
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return thing

    assert shared_work.each(work, MANY) == list(MANY)


def test_what_cannot_be_sent_is_made_here() -> None:
    def work(thing: int) -> Callable[[], int]:
        return lambda: thing

    assert [made() for made in shared_work.each(work, MANY)] == list(MANY)


def test_without_room_for_a_copy_everything_is_made_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", refuse)
    assert set(shared_work.each(_who, MANY)) == {os.getpid()}


def _posts(root: Path) -> None:
    for number in range(6):
        write(
            root, f"title: Atelier {number}\ndate: 2026-11-2{number}", f"Texte {number}.", f"posts/atelier-{number}.md"
        )
    write(root, "title: Brouillon\ndraft: true\nkind: parti", name="posts/brouillon.md")


def test_a_preview_is_the_same_whoever_made_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = newsroom(tmp_path.resolve())
    _posts(config.root)
    alone = dict(Preview(lambda: NOW).build(config))
    monkeypatch.setattr(shared_work, "FEWEST", 2)
    preview = Preview(lambda: NOW)
    assert dict(preview.build(config)) == alone
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("nothing changed, so nothing is made"))
    assert dict(preview.build(config)) == alone


def test_an_archive_that_comes_in_at_once_is_made_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path.resolve(), NOW)
    _posts(desk.root)
    made = desk.plan(), library.load(desk.config), desk.config, desk.acts, desk.ledger.queue, desk.ledger.now
    alone = prepare(*made)
    real, copies = os.fork, []

    def counted() -> int:
        copies.append(1)
        return real()

    monkeypatch.setattr(os, "fork", counted)
    monkeypatch.setattr(shared_work, "FEWEST", 2)
    shared = prepare(*made)
    assert copies
    assert [line.rendition for line in shared.lines] == [line.rendition for line in alone.lines]
    assert len(alone.lines) > 6
