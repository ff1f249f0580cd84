"""The loop around the pump: it outlives a bad moment of the outbox, and a clock that jumps."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from veille.dispatch import Pump, Tally
from veille.errors import LedgerError
from veille_cli import ticking
from veille_cli.chores import FAREWELL
from veille_cli.output import Talk
from veille_publishers.smtp_session import Times

ROOM = cast(
    Any,
    SimpleNamespace(
        config=SimpleNamespace(settings=SimpleNamespace(workspace=SimpleNamespace(tick=timedelta(hours=1)))),
        deliveries=SimpleNamespace(next_due=lambda: None),
        report=SimpleNamespace(stops=list),
        clock=lambda: datetime.now(UTC),
    ),
)


@pytest.fixture(autouse=True)
def _same_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticking, "_use_utc", lambda: None)


def loop(once: Callable[[], Tally], stop: threading.Event) -> Tally:
    pump = cast(Pump, SimpleNamespace(round=once))
    return ticking.forever(pump, ROOM, stop, Talk(json=True, debug=False))


def test_a_bad_moment_of_the_outbox_is_outlived(monkeypatch: pytest.MonkeyPatch) -> None:
    ROOM.config.settings.workspace.tick = timedelta(seconds=1)
    stop = threading.Event()
    ticks: list[int] = []

    def once() -> Tally:
        ticks.append(1)
        if len(ticks) == 1:
            raise LedgerError("full")
        stop.set()
        return Tally()

    loop(once, stop)
    assert len(ticks) == 2


def test_an_outbox_that_never_answers_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticking, "FAILURES", 1)

    def once() -> Tally:
        raise LedgerError("damaged")

    with pytest.raises(LedgerError):
        loop(once, threading.Event())


def test_a_clock_set_back_by_a_day_does_not_stop_the_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    ROOM.config.settings.workspace.tick = timedelta(hours=1)
    stop = threading.Event()
    real = time.time
    ticks: list[int] = []

    def once() -> Tally:
        ticks.append(1)
        if len(ticks) == 1:
            threading.Timer(0.2, monkeypatch.setattr, (time, "time", lambda: real() - 86_400)).start()
        else:
            stop.set()
        return Tally()

    guard = threading.Timer(20, stop.set)
    guard.start()
    loop(once, stop)
    guard.cancel()
    assert len(ticks) == 2


def test_a_long_letter_goes_on_without_waiting_for_the_next_tick() -> None:
    ROOM.config.settings.workspace.tick = timedelta(hours=1)
    stop = threading.Event()
    rounds: list[int] = []

    def once() -> Tally:
        rounds.append(1)
        if len(rounds) == 5:
            stop.set()
        return Tally(unfinished=True)

    guard = threading.Timer(20, stop.set)
    guard.start()
    loop(once, stop)
    guard.cancel()
    assert len(rounds) == 5


def test_an_outbox_that_fails_while_words_are_sought_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ROOM.config.settings.workspace.tick = timedelta(hours=1)

    def broken(_tally: Tally, _room: object) -> list[str]:
        raise LedgerError("the server is started anew")

    monkeypatch.setattr(ticking, "held_back_words", broken)
    stop = threading.Event()
    rounds: list[int] = []

    def once() -> Tally:
        rounds.append(1)
        if len(rounds) == 3:
            stop.set()
        return Tally(waits={"newsletter": datetime.now(UTC)})

    guard = threading.Timer(20, stop.set)
    guard.start()
    loop(once, stop)
    guard.cancel()
    assert len(rounds) == 3


def test_a_rate_limit_is_looked_at_when_it_opens_and_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ROOM.config.settings.workspace.tick = timedelta(hours=1)
    said: list[str] = []

    def note(tally: Tally, _room: object) -> list[str]:
        said.extend(tally.waits)
        return []

    monkeypatch.setattr(ticking, "held_back_words", note)
    stop = threading.Event()
    rounds: list[float] = []

    def once() -> Tally:
        rounds.append(time.monotonic())
        if len(rounds) == 3:
            stop.set()
            return Tally()
        return Tally(waits={"newsletter": datetime.now(UTC) + timedelta(seconds=0.3)})

    guard = threading.Timer(20, stop.set)
    guard.start()
    loop(once, stop)
    guard.cancel()
    assert len(rounds) == 3
    assert all(later - earlier >= 0.29 for earlier, later in itertools.pairwise(rounds))
    assert said == ["newsletter"]


def test_a_stop_takes_less_than_ten_seconds_though_every_server_hangs() -> None:
    """Nothing else is waited for once a stop was asked for; what each wait does is tested where it is."""
    times = Times()
    assert times.drain + times.goodbye + FAREWELL <= 8  # and two for commits and the end of the process
