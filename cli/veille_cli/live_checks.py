"""`veille doctor --live`: what only the live accounts can prove, asked of them. Nothing is posted or renewed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from veille.access_problems import Problem
from veille.current import Current
from veille.errors import Severity, VeilleError
from veille.i18n import gettext as _
from veille.posts import SERVICES
from veille_cli import connect_report as report
from veille_cli.access_watch import check
from veille_cli.connect_report import Row
from veille_publishers import live_reads
from veille_publishers.live_reads import Seen

if TYPE_CHECKING:
    from rich.console import RenderableType

    from veille.access import Standing
    from veille_cli.wiring import Newsroom


@dataclass(frozen=True)
class Live:
    """What one account answered."""

    channel: str
    rows: tuple[Row, ...]
    standing: Standing | None

    @property
    def failed(self) -> bool:
        """Whether posts cannot leave."""
        return any(row.problem and row.problem.severity is Severity.ERROR for row in self.rows)


def looks(room: Newsroom) -> Iterator[Live]:
    """Ask every account that somebody gave access to, in the sandbox too."""
    current = Current(room.config)
    for channel in SERVICES:
        settings = current.settings(channel)
        if channel in room.config.channels and settings.access_token is not None:
            yield _look(room, channel, settings)


def _look(room: Newsroom, channel: str, settings: Any) -> Live:
    account = settings.page_id if channel == "facebook" else settings.user_id
    try:
        looked = check(room, channel, always=True, renew=False)
    except VeilleError as error:
        return Live(channel, (_unread("access", _("access"), error),), None)
    if looked is None:
        return Live(channel, (), None)
    standing, place = looked.standing, report.named(looked.name, account)
    shown = report.rows(standing, room, place, settings)
    if channel == "instagram" and standing.valid:
        shown.append(_row("quota", _("posts of the last 24 hours"), lambda: live_reads.quota(settings)))
        shown.append(_row("pictures", _("pictures"), lambda: live_reads.picture(room.config)))
    return Live(channel, tuple(shown), standing)


def _row(name: str, label: str, read: Callable[[], Seen]) -> Row:
    try:
        seen = read()
    except VeilleError as error:
        return _unread(name, label, error)
    if seen.works:
        return Row(name, label, seen.words)
    hint = _("check media_base_url under [instagram], and that a web server shows the pictures to everybody")
    return Row(name, label, "", Problem(name, Severity.ERROR, seen.words, hint))


def _unread(name: str, label: str, error: VeilleError) -> Row:
    hint = error.hint or _("try again later")
    return Row(name, label, "", Problem(f"{name}-unread", Severity.ERROR, error.message, hint))


def text(found: list[Live]) -> list[RenderableType]:
    """One table for each account."""
    if not found:
        return [_("No account was asked: nobody gave veille access. `veille connect facebook` does.")]
    lines: list[RenderableType] = []
    for live in found:
        lines += [_("What {service} answers now:").format(service=SERVICES[live.channel])]
        lines += report.text(live.rows, live.channel)
    return lines


def as_data(found: list[Live]) -> dict[str, Any]:
    """For --json: channel -> what was looked at."""
    return {live.channel: report.as_data(live.rows, live.channel) for live in found}
