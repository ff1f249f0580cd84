"""The ticks of `veille run`: a look at the outbox every so often, until somebody stops it."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from veille.errors import LedgerError
from veille.i18n import gettext as _
from veille_cli.run_words import held_back_words, next_words, still_words, tally_words

if TYPE_CHECKING:
    import threading

    from veille.dispatch import Pump, Tally
    from veille_cli.output import Talk
    from veille_cli.wiring import Newsroom

FAILURES = 20  # ticks in a row on which the outbox could not be used
CLOCK_JUMP = 30.0  # seconds between the wall clock and the monotonic one


def forever(pump: Pump, room: Newsroom, stop: threading.Event, talk: Talk) -> Tally:
    """Tick until told to stop.

    Raises:
        LedgerError: the outbox could not be used for long.
    """
    _use_utc()
    ticks = _Ticks(pump, room, talk)
    ticks.until(stop)
    talk.say(_("Stopped. What is due later waits in the outbox."))
    return ticks.total


class _Ticks:
    """The looks at the outbox. What is due lives there; `schedule` is only the tick."""

    def __init__(self, pump: Pump, room: Newsroom, talk: Talk) -> None:
        import schedule

        from veille.dispatch import Tally

        self.total = Tally()
        self._pump = pump
        self._room = room
        self._talk = talk
        self._timer = schedule.Scheduler()
        self._every = max(1, int(room.config.settings.workspace.tick.total_seconds()))
        self._failures = 0
        self._soon = float("inf")  # on the monotonic clock: when more may leave, if that is before the next tick

    def until(self, stop: threading.Event) -> None:
        """Tick now, at every tick, when more may leave, and when the clock was set."""
        from veille.dispatch import Tally

        self._talk.say(
            _("Running: a look at the outbox every {seconds} s. Stop with Ctrl-C.").format(seconds=self._every),
            next_words(self._room),
            *still_words(Tally(), self._room.report.stops()),
        )
        self._begin()
        drift = _drift()
        while not stop.is_set():
            idle = min(max(self._timer.idle_seconds or 0.0, 0.05), 1.0)
            stop.wait(max(min(idle, self._soon - time.monotonic()), 0.0))
            if abs(_drift() - drift) > CLOCK_JUMP:
                # `schedule` waits for a time of day: after a clock set back by a day it would sleep for a day.
                drift = _drift()
                self._talk.say(_("The clock jumped; the outbox is looked at now."))
                self._begin()
            elif time.monotonic() >= self._soon and not stop.is_set():
                self._tick()
            self._timer.run_pending()

    def _begin(self) -> None:
        self._timer.clear()
        self._timer.every(self._every).seconds.do(self._tick)
        self._tick()

    def _tick(self) -> None:
        self._soon = float("inf")
        try:
            tally = self._pump.round()
        except LedgerError as error:  # a disk that is full or locked for a while: look again, not for ever
            self._failures += 1
            if self._failures >= FAILURES:
                raise
            self._talk.say(f"! {error.message}")
            return
        self._failures = 0
        if tally.moved:
            self._talk.say(*tally_words(tally))
        with suppress(LedgerError):  # words end nothing: what there is to do is looked for at the next tick
            self._tell_of(tally)
        self.total.add(tally)
        if tally.unfinished:
            self._soon = time.monotonic()
        elif tally.waits:
            wait = min(tally.waits.values()) - self._room.clock()
            self._soon = time.monotonic() + max(wait.total_seconds(), 0.05)

    def _tell_of(self, tally: Tally) -> None:
        """What stands still, and what holds channels back: said once, and not at every tick."""
        if tally.stopped:
            new = [stop for stop in self._room.report.stops() if stop.channel in tally.stopped]
            self._talk.say(*still_words(tally, new))
        if any(channel not in self.total.waits for channel in tally.waits):
            self._talk.say(*held_back_words(tally, self._room))


def _drift() -> float:
    """Between the wall clock and the monotonic one; it changes when somebody sets the first."""
    return time.time() - time.monotonic()


def _use_utc() -> None:
    """`schedule` counts in the process's local time, which stands still for an hour every October."""
    os.environ["TZ"] = "UTC"
    if hasattr(time, "tzset"):
        time.tzset()
