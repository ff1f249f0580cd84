"""`veille run`: the scheduler. It delivers what is due, and reads no content."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from veille.errors import LedgerError
from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille_cli.output import FAILED, LATER, OK, PARTLY, Answer, Talk, answers

FAILURES = 20  # ticks in a row on which the outbox could not be used
CLOCK_JUMP = 30.0  # seconds between the wall clock and the monotonic one

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from rich.console import RenderableType

    from veille.dispatch import Pump, Tally
    from veille.outbox.report import Stop, Waiting
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
        scheduler_lock(room.config.outbox_dir, room.database) as alone,
        talk.progress(_("delivering"), None) as progress,
    ):
        room.sleep = stop.wait
        room.database.check()
        pump = _pump(room, stop, talk, alone)
        if taken_over := pump.recover():
            talk.say(
                ngettext(
                    "{n} delivery was in hand when the last run ended: it is looked at first.",
                    "{n} deliveries were in hand when the last run ended: they are looked at first.",
                    taken_over,
                ).format(n=taken_over)
            )
        with _counting(room, talk, progress):
            tally = _all_due(pump, room, stop, talk) if once else _until_stopped(pump, room, stop, talk)
        return _answer(tally, room)


def _all_due(pump: Pump, room: Newsroom, stop: threading.Event, talk: Talk) -> Tally:
    """What is due now, what came back, and who wants to subscribe."""
    from veille_cli.access_watch import watch_once
    from veille_cli.alarm_mail import alarm_once
    from veille_cli.bounce_watch import read_once
    from veille_cli.confirm_mail import confirm_once
    from veille_cli.media_watch import take_away_once

    tally = pump.once()
    if not stop.is_set():
        read_once(room, stop, talk)
        confirm_once(room, stop, talk)
        take_away_once(room, talk)
        watch_once(room, stop, talk)
        alarm_once(room, talk)
    return tally


def _until_stopped(pump: Pump, room: Newsroom, stop: threading.Event, talk: Talk) -> Tally:
    from veille_cli.access_watch import watch_meanwhile
    from veille_cli.alarm_mail import alarm_meanwhile
    from veille_cli.bounce_watch import read_meanwhile
    from veille_cli.confirm_mail import confirm_meanwhile
    from veille_cli.media_watch import take_away_meanwhile

    kinds = (read_meanwhile, confirm_meanwhile, take_away_meanwhile, watch_meanwhile, alarm_meanwhile)
    chores = [kind(room, stop, talk) for kind in kinds]  # all are made before the first thread begins
    with ExitStack() as beside:
        for chore in chores:
            beside.enter_context(chore)
        return _forever(pump, room, stop, talk)


def _pump(room: Newsroom, stop: threading.Event, talk: Talk, alone: Callable[[], None]) -> Pump:
    from veille.dispatch import Pump
    from veille.outbox.ballast import Ballast

    def say(channel: str, count: int) -> None:
        if count and not talk.interactive:
            talk.say(f"· {channel}: {count}")

    return Pump(
        room.deliveries,
        room.publishers,
        grace=room.grace,
        clock=room.clock,
        stop=stop.is_set,
        progress=say,
        sleep=room.sleep,
        ballast=Ballast(room.database.path),
        zone=room.config.zone,
        alone=alone,
    )


@contextmanager
def _counting(room: Newsroom, talk: Talk, progress: Callable[[int], None]) -> Iterator[None]:
    """Show on a terminal how many letters left, and how fast; the ledger itself is asked, once a second."""
    if not talk.interactive:
        yield
        return
    over = threading.Event()
    begun = room.report.answered()

    def look() -> None:
        while not over.wait(1.0):
            with suppress(LedgerError):
                progress(max(room.report.answered() - begun, 0))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _forever(pump: Pump, room: Newsroom, stop: threading.Event, talk: Talk) -> Tally:
    """Tick until told to stop."""
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
            _next(self._room),
            *_still(Tally(), self._room.report.stops()),
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
            self._talk.say(*_words(tally))
        if tally.stopped:
            with suppress(LedgerError):
                new = [stop for stop in self._room.report.stops() if stop.channel in tally.stopped]
                self._talk.say(*_still(tally, new))
        if any(channel not in self.total.waits for channel in tally.waits):  # said once, and not at every tick
            self._talk.say(*_held_back(tally, self._room))
        self.total.add(tally)
        if tally.unfinished:
            self._soon = time.monotonic()
        elif tally.waits:
            wait = min(tally.waits.values()) - self._room.clock()
            self._soon = time.monotonic() + max(wait.total_seconds(), 0.05)


def _drift() -> float:
    """Between the wall clock and the monotonic one; it changes when somebody sets the first."""
    return time.time() - time.monotonic()


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
            _(
                "Stopping: nothing new begins, and what is in hand has a few seconds to end. "
                "(Again: at once; the next run looks at what was in hand.)"
            )
        )

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)


def _answer(tally: Tally, room: Newsroom) -> Answer:
    from veille.outbox.pending import pending
    from veille_cli.access_words import any_urgent
    from veille_cli.hosted_words import as_data, held_words, pending_words

    waiting, wanted = room.report.waiting(), pending(room.database)
    stops = room.report.stops()
    later = waiting or tally.waits or any(one.due for one in wanted)
    code = LATER if later else _exit_code(tally)
    needed = any_urgent(room) or any(not stop.chosen for stop in stops)
    code = PARTLY if code == OK and needed else code
    errors = [
        {"code": error.code, "message": f"{name}: {error.message}", "file": None, "line": None, "hint": error.hint}
        for name, error in tally.problems
    ]

    def local(moment: datetime) -> str:
        return moment.astimezone(room.config.zone).isoformat(timespec="seconds")

    data = {
        "settled": dict(tally.settled),
        "held": [*tally.held, *tally.switched],
        "halted": list(dict.fromkeys(tally.halted)),
        "expanded": tally.expanded,
        "stopped": {stop.channel: stop.reason for stop in stops if not stop.chosen} | dict(tally.stopped),
        "waits": {channel: local(moment) for channel, moment in tally.waits.items()},
        "waiting": [{"id": name, "state": state, "next": local(moment)} for name, state, moment in waiting.first],
        "waiting_counts": dict(waiting.counts),
        "followed_up": dict(tally.followed_up),
        "follow_ups": [as_data(one, room) for one in wanted],
    }
    still = _still(tally, stops)
    text = [*_words(tally), *still, *_held_back(tally, room), *_waiting_words(waiting, room)]
    text += held_words(room.report.publications(), room) if tally.settled["held"] else []
    text += pending_words(wanted, room)
    return Answer(data=data, text=text, exit_code=code, errors=errors)


def _exit_code(tally: Tally) -> int:
    wrong = tally.settled["failed"] or tally.settled["held"]
    if not (wrong or tally.held or tally.switched or tally.halted or tally.stopped):
        return OK
    return PARTLY if tally.settled["sent"] or tally.settled["scheduled"] else FAILED


def _words(tally: Tally) -> list[RenderableType]:
    from veille_cli.hosted_words import done_words
    from veille_cli.letter_status import hold_words

    lines: list[RenderableType] = []
    for name, count in tally.expanded.items():
        if count == 0:
            lines.append(
                _("! {id}: nobody receives the letter yet; `veille subscribers import` adds readers").format(id=name)
            )
    settled = [words for state, count in tally.settled.items() if count and (words := _settled(state, count))]
    settled += [done_words(kind, count) for kind, count in tally.followed_up.items()]
    lines.append(", ".join(settled) or _("Nothing was due."))
    held = {"overdue": tally.held, "switched": tally.switched, "bounces": dict.fromkeys(tally.halted)}
    lines += [hold_words(name, why) for why, names in held.items() for name in names]
    for name, error in tally.problems[:10]:
        lines.append(f"✗ {name}: {error.message}")
        if error.hint:
            lines.append(f"    → {error.hint}")
    if len(tally.problems) > 10:
        more = len(tally.problems) - 10
        words = ngettext("… and {n} more: `veille outbox list`", "… and {n} more: `veille outbox list`", more)
        lines.append(words.format(n=more))
    return lines


def _still(tally: Tally, stops: Iterable[Stop]) -> list[RenderableType]:
    """Channels that wait for a person, and those that gave up for this time."""
    from veille_cli.commands.status import stop_words

    waiting = {stop.channel: stop for stop in stops}
    tired = {channel: why for channel, why in tally.stopped.items() if channel not in waiting}
    sentence = _("! {channel}: nothing more for now, tried again later: {why}")
    return [
        *stop_words(waiting.values()),
        *(sentence.format(channel=channel, why=why) for channel, why in tired.items()),
    ]


def _held_back(tally: Tally, room: Newsroom) -> list[RenderableType]:
    """Channels that a rate limit or the night holds back."""
    from veille_cli.letter_status import wait_words

    return [f"· {channel} {wait_words(room, moment)}" for channel, moment in tally.waits.items()]


def _settled(state: str, n: int) -> str:
    """ "12 sent"; "" for a state that says nothing to people."""
    from veille.publishing import AT_ITS_TIME, BY_HAND

    words = {
        "scheduled": ngettext("{n} handed over for its time", "{n} handed over for their time", n),
        AT_ITS_TIME: ngettext("{n} not taken ahead, leaves at its time", "{n} not taken ahead, leave at their time", n),
        "sent": ngettext("{n} sent", "{n} sent", n),
        "ready": ngettext("{n} to be tried again", "{n} to be tried again", n),
        "unknown": ngettext("{n} unknown", "{n} unknown", n),
        BY_HAND: ngettext("{n} waits for a person to post it", "{n} wait for a person to post them", n),
        "failed": ngettext("{n} failed", "{n} failed", n),
        "held": ngettext("{n} held", "{n} held", n),
        "cancelled": ngettext("{n} cancelled", "{n} cancelled", n),
    }
    return words.get(state, "").format(n=n)


def _waiting_words(waiting: Waiting, room: Newsroom) -> list[RenderableType]:
    from veille.timetable import in_words

    zone, language = room.config.zone, room.config.settings.workspace.language
    words = {"unknown": _("unknown whether it left"), "ready": _("tried again")}
    lines: list[RenderableType] = [
        _("· {id}: {what}, looked at again on {moment}").format(
            id=name, what=words[state], moment=in_words(moment, zone, language)
        )
        for name, state, moment in waiting.first
    ]
    more = sum(waiting.counts.values()) - len(waiting.first)
    if more > 0:
        lines.append(ngettext("  … and {n} more", "  … and {n} more", more).format(n=more))
    return lines


def _next(room: Newsroom) -> str:
    from veille.timetable import distance, in_words

    moment = room.deliveries.next_due()
    if moment is None:
        return _("Nothing is queued.")
    words = in_words(moment, room.config.zone, room.config.settings.workspace.language)
    return _("Next: {moment}, {distance}.").format(
        moment=words, distance=distance(moment, room.clock(), room.config.zone)
    )
