"""`veille run`: the scheduler. It delivers what is due, and reads no content."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Annotated

import typer

from veille.errors import LedgerError
from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille_cli.output import FAILED, LATER, OK, PARTLY, Answer, Talk, answers

FAILURES = 20  # ticks in a row on which the outbox could not be used
CLOCK_JUMP = 30.0  # seconds between the wall clock and the monotonic one

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from rich.console import RenderableType

    from veille.dispatch import Pump, Tally
    from veille_cli.wiring import Newsroom


@answers
def command(
    once: Annotated[bool, typer.Option("--once", help=_("Deliver all that is due now, then stop."))] = False,
    *,
    talk: Talk,
) -> Answer:
    """Deliver what is due, when it is due, until it is stopped (Ctrl-C)."""
    from veille.outbox.lock import scheduler_lock
    from veille_cli.wiring import newsroom

    stop = threading.Event()
    _stop_on_signals(stop, talk)
    with (
        newsroom() as room,
        scheduler_lock(room.config.outbox_dir, room.database),
        talk.progress(_("delivering"), None) as progress,
    ):
        room.sleep = stop.wait
        pump = _pump(room, stop, talk, progress)
        if taken_over := pump.recover():
            talk.say(
                ngettext(
                    "{n} delivery was in hand when the last run ended: it is looked at first.",
                    "{n} deliveries were in hand when the last run ended: they are looked at first.",
                    taken_over,
                ).format(n=taken_over)
            )
        tally = pump.once() if once else _forever(pump, room, stop, talk)
        return _answer(tally, room)


def _pump(room: Newsroom, stop: threading.Event, talk: Talk, progress: Callable[[int], None]) -> Pump:
    from veille.dispatch import Pump

    done = 0

    def say(channel: str, count: int) -> None:
        nonlocal done
        done += count
        progress(done)
        if not talk.interactive:
            talk.say(f"· {channel}: {count}")

    return Pump(
        room.deliveries,
        room.publishers,
        grace=room.grace,
        clock=room.clock,
        stop=stop.is_set,
        progress=say,
    )


def _forever(pump: Pump, room: Newsroom, stop: threading.Event, talk: Talk) -> Tally:
    """Tick until told to stop. What is due lives in the outbox; `schedule` is only the tick."""
    _use_utc()
    import schedule

    from veille.dispatch import Tally

    total = Tally()
    failures = 0

    def tick() -> None:
        nonlocal failures
        try:
            tally = pump.once()
        except LedgerError as error:  # a disk that is full or locked for a while: look again, not for ever
            failures += 1
            if failures >= FAILURES:
                raise
            talk.say(f"! {error.message}")
            return
        failures = 0
        if tally.moved:
            talk.say(*_words(tally))
        total.add(tally)

    every = max(1, int(room.config.settings.workspace.tick.total_seconds()))
    timer = schedule.Scheduler()
    timer.every(every).seconds.do(tick)
    talk.say(_("Running: a look at the outbox every {seconds} s. Stop with Ctrl-C.").format(seconds=every), _next(room))
    tick()
    drift = time.time() - time.monotonic()
    while not stop.is_set():
        stop.wait(min(max(timer.idle_seconds or 0.0, 0.05), 1.0))
        if abs(time.time() - time.monotonic() - drift) > CLOCK_JUMP:
            # `schedule` waits for a time of day: after a clock set back by a day it would sleep for a day.
            drift = time.time() - time.monotonic()
            timer.clear()
            timer.every(every).seconds.do(tick)
            talk.say(_("The clock jumped; the outbox is looked at now."))
            tick()
        timer.run_pending()
    talk.say(_("Stopped. What is due later waits in the outbox."))
    return total


def _use_utc() -> None:
    """`schedule` counts in the process's local time, which stands still for an hour every October."""
    os.environ["TZ"] = "UTC"
    if hasattr(time, "tzset"):
        time.tzset()


def _stop_on_signals(stop: threading.Event, talk: Talk) -> None:
    def ask(_number: int, _frame: object) -> None:
        if stop.is_set():  # asked twice: a mail server may keep us waiting for ten minutes
            raise KeyboardInterrupt
        stop.set()
        talk.say(
            _("Stopping after the delivery in hand… (again: at once; what is in hand is looked at by the next run)")
        )

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)


def _answer(tally: Tally, room: Newsroom) -> Answer:
    waiting = room.report.waiting()
    code = LATER if waiting else _exit_code(tally)
    errors = [
        {"code": error.code, "message": f"{name}: {error.message}", "file": None, "line": None, "hint": error.hint}
        for name, error in tally.problems
    ]
    zone = room.config.zone
    data = {
        "settled": dict(tally.settled),
        "held": [*tally.held, *tally.switched],
        "expanded": tally.expanded,
        "stopped": tally.stopped,
        "waiting": [
            {"id": name, "state": state, "next": moment.astimezone(zone).isoformat(timespec="seconds")}
            for name, state, moment in waiting
        ],
    }
    return Answer(data=data, text=[*_words(tally), *_waiting_words(waiting, room)], exit_code=code, errors=errors)


def _exit_code(tally: Tally) -> int:
    if not (tally.settled["failed"] or tally.settled["held"] or tally.held or tally.switched or tally.stopped):
        return OK
    return PARTLY if tally.settled["sent"] else FAILED


def _words(tally: Tally) -> list[RenderableType]:
    lines: list[RenderableType] = []
    for name, count in tally.expanded.items():
        if count == 0:
            lines.append(
                _("! {id}: nobody receives the letter yet; `veille subscribers import` adds readers").format(id=name)
            )
    settled = [words for state, count in tally.settled.items() if count and (words := _settled(state, count))]
    lines.append(", ".join(settled) or _("Nothing was due."))
    lines += [
        _(
            "! {id} is held: it should have left long ago. Send it with `veille outbox resolve {id} --retry`, "
            "or drop it with --cancel"
        ).format(id=name)
        for name in tally.held
    ]
    lines += [
        _("! {id} is held: its channel was switched since it was queued. `veille publish` queues it again").format(
            id=name
        )
        for name in tally.switched
    ]
    for name, error in tally.problems[:10]:
        lines.append(f"✗ {name}: {error.message}")
        if error.hint:
            lines.append(f"    → {error.hint}")
    if len(tally.problems) > 10:
        more = len(tally.problems) - 10
        words = ngettext("… and {n} more: `veille outbox list`", "… and {n} more: `veille outbox list`", more)
        lines.append(words.format(n=more))
    for channel, why in tally.stopped.items():
        lines.append(_("! {channel} stands still: {why}").format(channel=channel, why=why))
    return lines


def _settled(state: str, n: int) -> str:
    """ "12 sent"; "" for a state that says nothing to people."""
    words = {
        "sent": ngettext("{n} sent", "{n} sent", n),
        "ready": ngettext("{n} to be tried again", "{n} to be tried again", n),
        "unknown": ngettext("{n} unknown", "{n} unknown", n),
        "failed": ngettext("{n} failed", "{n} failed", n),
        "held": ngettext("{n} held", "{n} held", n),
        "cancelled": ngettext("{n} cancelled", "{n} cancelled", n),
    }
    return words.get(state, "").format(n=n)


def _waiting_words(waiting: list[tuple[str, str, datetime]], room: Newsroom) -> list[RenderableType]:
    from veille.timetable import in_words

    zone, language = room.config.zone, room.config.settings.workspace.language
    words = {"unknown": _("unknown whether it left"), "ready": _("tried again")}
    return [
        _("· {id}: {what}, looked at again on {moment}").format(
            id=name, what=words[state], moment=in_words(moment, zone, language)
        )
        for name, state, moment in waiting[:10]
    ]


def _next(room: Newsroom) -> str:
    from veille.timetable import distance, in_words

    moment = room.deliveries.next_due()
    if moment is None:
        return _("Nothing is queued.")
    words = in_words(moment, room.config.zone, room.config.settings.workspace.language)
    return _("Next: {moment}, {distance}.").format(
        moment=words, distance=distance(moment, room.clock(), room.config.zone)
    )
