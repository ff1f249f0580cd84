"""What one pass of `veille run` did, what stands still, and what waits, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from veille.i18n import gettext as _
from veille.i18n import ngettext

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from veille.dispatch import Tally
    from veille.outbox.report import Stop, Waiting
    from veille_cli.wiring import Newsroom

PROBLEMS = 10  # told one by one


def tally_words(tally: Tally) -> list[RenderableType]:
    """What was done, and what went wrong."""
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
    for name, error in tally.problems[:PROBLEMS]:
        lines.append(f"✗ {name}: {error.message}")
        if error.hint:
            lines.append(f"    → {error.hint}")
    more = len(tally.problems) - PROBLEMS
    if more > 0:
        words = ngettext("… and {n} more: `veille outbox list`", "… and {n} more: `veille outbox list`", more)
        lines.append(words.format(n=more))
    return lines


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


def still_words(tally: Tally, stops: Iterable[Stop]) -> list[RenderableType]:
    """Channels that wait for a person, and those that gave up for this time."""
    from veille_cli.publication_words import stop_words

    waiting = {stop.channel: stop for stop in stops}
    tired = {channel: why for channel, why in tally.stopped.items() if channel not in waiting}
    sentence = _("! {channel}: nothing more for now, tried again later: {why}")
    return [
        *stop_words(waiting.values()),
        *(sentence.format(channel=channel, why=why) for channel, why in tired.items()),
    ]


def held_back_words(tally: Tally, room: Newsroom) -> list[RenderableType]:
    """Channels that a rate limit or the night holds back."""
    from veille_cli.letter_status import wait_words

    return [f"· {channel} {wait_words(room, moment)}" for channel, moment in tally.waits.items()]


def waiting_words(waiting: Waiting, room: Newsroom) -> list[RenderableType]:
    """What is looked at again, and when."""
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


def next_words(room: Newsroom) -> str:
    """When the next publication leaves."""
    from veille.timetable import distance, in_words

    moment = room.deliveries.next_due()
    if moment is None:
        return _("Nothing is queued.")
    words = in_words(moment, room.config.zone, room.config.settings.workspace.language)
    return _("Next: {moment}, {distance}.").format(
        moment=words, distance=distance(moment, room.clock(), room.config.zone)
    )
