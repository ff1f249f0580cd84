"""`veille run`: the scheduler. It delivers what is due, and reads no content."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Annotated

import typer

from veille.errors import LedgerError
from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille_cli import run_words, ticking
from veille_cli.output import FAILED, LATER, OK, PARTLY, Answer, Talk, answers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

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
        return ticking.forever(pump, room, stop, talk)


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
    text = [*run_words.tally_words(tally), *run_words.still_words(tally, stops)]
    text += [*run_words.held_back_words(tally, room), *run_words.waiting_words(waiting, room)]
    text += held_words(room.report.publications(), room) if tally.settled["held"] else []
    text += pending_words(wanted, room)
    return Answer(data=data, text=text, exit_code=code, errors=errors)


def _exit_code(tally: Tally) -> int:
    wrong = tally.settled["failed"] or tally.settled["held"]
    if not (wrong or tally.held or tally.switched or tally.halted or tally.stopped):
        return OK
    return PARTLY if tally.settled["sent"] or tally.settled["scheduled"] else FAILED
