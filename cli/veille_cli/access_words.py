"""How the access of Facebook and Instagram stands, said to people and to programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from veille.errors import Severity
from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille.posts import SERVICES

if TYPE_CHECKING:
    from datetime import datetime

    from veille.access import Standing
    from veille.access_problems import Problem
    from veille.config import Config
    from veille_cli.wiring import Newsroom

RENEWS = ("access-ended", "access-scopes", "access-target", "access-task", "access-kind", "access-second")

SOON = 14  # days


def watched(config: Config) -> tuple[str, ...]:
    """The channels whose access is looked at: those that reach people through Meta."""
    return tuple(name for name in SERVICES if name in config.channels and config.channel(name).transport == "graph")


def standings(room: Newsroom) -> list[Standing]:
    """How these channels stand, as far as anybody looked."""
    from veille.outbox.access import Accesses

    names = watched(room.config)
    return [one for one in Accesses(room.database).all() if one.channel in names] if names else []


def any_urgent(room: Newsroom) -> bool:
    """Whether the access of a channel has ended, or ends within three days."""
    now = room.clock()
    return any(standing.urgent(now) for standing in standings(room))


def data(standing: Standing, room: Newsroom) -> dict[str, Any]:
    """For --json."""
    return {
        "channel": standing.channel,
        "valid": standing.valid,
        "days_left": standing.days_left(room.clock()),
        "ends_at": _local(standing.ends_at, room.config),
        "checked_at": _local(standing.checked_at, room.config),
        "renewed_at": _local(standing.refreshed_at, room.config),
        "problems": [
            {
                "code": one.code,
                "severity": one.severity.value,
                "message": one.message,
                "hint": remedy(one, standing.channel),
            }
            for one in standing.problems
        ],
    }


def _local(moment: datetime | None, config: Config) -> str | None:
    return moment.astimezone(config.zone).isoformat(timespec="seconds") if moment else None


def lines(room: Newsroom) -> Iterator[str]:
    """One line for each channel, and one for each thing that somebody must mend.

    Of a channel that its service stopped since the last look, nobody is told that its access works.
    """
    stopped = {stop.channel for stop in room.report.stops() if not stop.chosen}
    for standing in standings(room):
        left = standing.days_left(room.clock())
        if standing.channel not in stopped or (left is not None and left <= SOON):
            yield line(standing, room)
        for problem in standing.problems:
            if problem.severity is Severity.ERROR and problem.code != "access-ended":
                yield f"✗ {standing.channel}: {problem.message}\n    → {remedy(problem, standing.channel)}"


def line(standing: Standing, room: Newsroom) -> str:
    """ "! instagram: the access ends on …, in 7 days"."""
    left, name = standing.days_left(room.clock()), standing.channel
    if left == 0:
        return _("✗ {channel}: the access has ended; posts wait until `veille connect {channel}`").format(channel=name)
    if left is None or standing.ends_at is None:
        return _("· {channel}: the access works; no end is known").format(channel=name)
    moment = in_words(standing.ends_at, room.config)
    if left > SOON:
        return _("· {channel}: the access works until {moment}").format(channel=name, moment=moment)
    words = ngettext(
        "! {channel}: the access ends in {n} day, {moment}; renew it with `veille connect {channel}`",
        "! {channel}: the access ends in {n} days, {moment}; renew it with `veille connect {channel}`",
        left,
    )
    return words.format(channel=name, n=left, moment=moment)


def remedy(problem: Problem, channel: str) -> str:
    """What to do, with the command."""
    named = problem.hint.replace("`veille connect`", f"`veille connect {channel}`")
    if problem.code not in RENEWS or named != problem.hint:
        return named
    return problem.hint + _(": ") + f"`veille connect {channel}`"


def in_words(moment: datetime, config: Config) -> str:
    """A moment in the newsroom's zone and language."""
    from veille.timetable import in_words

    return in_words(moment, config.zone, config.settings.workspace.language)
