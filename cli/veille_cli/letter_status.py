"""How a letter in flight gets on: whom it left out, how fast it leaves, when it is over, and what it waits for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from veille.errors import VeilleError
from veille.i18n import gettext as _
from veille.i18n import ngettext

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from veille.outbox.report import Lane, Status
    from veille_cli.wiring import Newsroom

LONGEST = timedelta(days=30)  # an end further away is no estimate


def hold_words(name: str, hold: str) -> str:
    """Why a whole publication waits for a person, and what this person can do."""
    words = {
        "overdue": _(
            "! {id} is held: it should have left long ago. Send it with `veille outbox resolve {id} --retry`, "
            "or drop it with --cancel"
        ),
        "switched": _("! {id} is held: its channel was switched since it was queued. `veille publish` queues it again"),
        "bounces": _(
            "! {id} is held: more than 10, and more than 10 %, of its addresses do not exist. Look at them with "
            "`veille outbox show {id} --state failed --csv`; then `veille outbox resolve {id} --retry` goes on, "
            "or --cancel drops the rest"
        ),
    }
    return words.get(hold, _("! {id} is held: `veille outbox resolve {id}` decides")).format(id=name)


def excluded_words(excluded: Mapping[str, int]) -> str:
    """ "120 left out: 100 unsubscribed, 20 for whom nothing was in it"; "" when nobody was."""
    if not excluded:
        return ""
    count = sum(excluded.values())
    words = ngettext("{n} reader left out: {reasons}", "{n} readers left out: {reasons}", count)
    return words.format(n=count, reasons=", ".join(_reason(reason, n) for reason, n in excluded.items()))


def _reason(reason: str, n: int) -> str:
    words = {
        "no-post": ngettext("{n} for whom nothing is in it", "{n} for whom nothing is in it", n),
        "unsubscribed": ngettext("{n} unsubscribed", "{n} unsubscribed", n),
        "bounced": ngettext("{n} whose address does not exist", "{n} whose addresses do not exist", n),
        "complained": ngettext("{n} complained", "{n} complained", n),
    }
    return words.get(reason, f"{{n}} {reason}").format(n=n)


def standing(room: Newsroom, status: Status) -> list[str]:
    """What to know of a letter that has its readers, besides its counts; nothing for anything else."""
    if status.channel != "newsletter" or status.planned is None:
        return []
    lines = [f"· {status.id}: {words}" for words in [excluded_words(status.excluded)] if words]
    if status.state != "running" or status.stopped:
        return lines
    now = room.clock()
    lanes = room.report.lanes(status.id, now)
    return [*lines, *(f"· {status.id}: {words}" for words in (*_speed(room, lanes, now), *_waits(room, status, now)))]


def _speed(room: Newsroom, lanes: Iterable[Lane], now: datetime) -> list[str]:
    """ "120 letters a second, all out around 14:32"; nothing while none leaves."""
    from veille.timetable import in_words

    lanes = tuple(lanes)
    pace = sum(lane.pace for lane in lanes)
    if not pace:
        return []
    words = _("{pace} letters a second in the last minute").format(pace=pace_words(pace))
    ends = ending(lanes, now)
    if ends is None:
        return [words]
    moment = in_words(ends, room.config.zone, room.config.settings.workspace.language)
    return [_("{pace}; all out around {moment}, if nothing stops it").format(pace=words, moment=moment)]


def ending(lanes: Iterable[Lane], now: datetime) -> datetime | None:
    """When the slowest lane is over at its present pace; None: nobody can say."""
    spans = [lane.waiting / lane.pace if lane.pace else float("inf") for lane in lanes]
    longest = max(spans, default=0.0)
    return now + timedelta(seconds=longest) if longest < LONGEST.total_seconds() else None


def pace_words(pace: float) -> str:
    """ "120", "3.5" or "0.02": as many figures as say something."""
    return f"{pace:.0f}" if pace >= 10 else f"{pace:.1f}" if pace >= 1 else f"{pace:.2f}"


def _waits(room: Newsroom, status: Status, now: datetime) -> list[str]:
    """The mail server, the night, or a rate limit."""
    if not status.counts["ready"]:
        return []
    if not status.urgent and (opens := _night(room, now)) is not None:
        return [window_words(room, opens)]
    try:
        moment = room.deliveries.opens("newsletter", now)
    except VeilleError:  # a key is missing: `run` says so; how the letter stands can be told without it
        return []
    return [wait_words(room, moment)] if moment is not None and moment > now else []


def _night(room: Newsroom, now: datetime) -> datetime | None:
    """When the morning comes; None while letters may leave. A sandbox wakes nobody."""
    window = room.config.settings.newsletter.send_window
    if window is None or not room.config.live("newsletter") or window.open_at(now, room.config.zone):
        return None
    return window.next_opening(now, room.config.zone)


def wait_words(room: Newsroom, moment: datetime) -> str:
    """What a channel of letters waits for until this moment: its mail server, the morning, or a rate limit."""
    if room.deliveries.rests_until("newsletter", room.clock()) == moment:
        return rest_words(room, moment)
    return window_words(room, moment) if _night(room, room.clock()) == moment else rate_words(room, moment)


def rest_words(room: Newsroom, moment: datetime) -> str:
    """The mail server failed."""
    from veille.timetable import in_words

    words = _("the mail server failed; tried again {moment} (at once: `veille outbox resume newsletter`)")
    return words.format(moment=in_words(moment, room.config.zone, room.config.settings.workspace.language))


def window_words(room: Newsroom, moment: datetime) -> str:
    """It is night."""
    from veille.timetable import in_words

    words = _("waits for {moment}: no letter leaves at night ([newsletter] send_window)")
    return words.format(moment=in_words(moment, room.config.zone, room.config.settings.workspace.language))


def rate_words(room: Newsroom, moment: datetime) -> str:
    """A rate is used up."""
    local = moment.astimezone(room.config.zone)
    day = "" if local.date() == room.clock().astimezone(room.config.zone).date() else f"{local:%d/%m} "
    words = _("the rate limit is used up until {moment} ([newsletter] rate, rates)")
    return words.format(moment=f"{day}{local:%H:%M:%S}")
