"""`veille publish`: check, plan, render, queue. It never delivers."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veille.i18n import gettext as _
from veille_cli.output import Answer, Talk, answers, finding_data, findings_text

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import RenderableType

    from veille.errors import Finding
    from veille.planning import Plan
    from veille.queueing import Prepared
    from veille_cli.wiring import Newsroom


def _channels() -> list[str]:
    from veille.posts import CHANNELS

    return list(CHANNELS)


Paths = Annotated[
    list[Path] | None, typer.Argument(metavar="[PATH]...", help=_("Only these posts or editions (default: all)."))
]
Channels = Annotated[
    list[str] | None,
    typer.Option("--channel", "-c", help=_("Only this channel; may be given several times."), autocompletion=_channels),
]


@answers
def command(
    paths: Paths = None,
    channel: Channels = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="WHEN", help=_('Leave at this moment: "now", "2026-11-27 17:00", "17:00".')),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_("Say what would be queued, and queue nothing."))] = False,
    requests: Annotated[
        bool, typer.Option("--requests", help=_("With --dry-run: print the exact requests to Facebook and Instagram."))
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=_("Do not ask."))] = False,
    *,
    talk: Talk,
) -> Answer:
    """Check, plan, render and queue what is owed. Delivering is `veille run`."""
    from veille.proofing import once
    from veille_cli.plan import left_out_words, plan_data, plan_words, requests_words
    from veille_cli.wiring import newsroom

    if requests and not dry_run:
        raise typer.BadParameter(_("--requests is for --dry-run"), param_hint="--requests")
    with newsroom() as room:
        plan, elsewhere = _plan(room, paths, channel, at)
        now = room.clock()  # one moment: a post without a date is rendered with the one that the outbox keeps
        prepared = _prepared(plan, room, talk, now)
        told = once([*elsewhere, *prepared.findings, *_follow_links(prepared, plan, room, talk)])
        if told:
            talk.say(findings_text(told), _("These do not stand in the way of what is queued now."), "")
        text = [*plan_words(prepared, room), *left_out_words(plan, prepared, room)]
        if dry_run:
            text += requests_words(prepared, room) if requests else []
            text.append(_("Nothing was queued: this was a dry run."))
        else:
            text = _queued(prepared, room, talk, text, now, yes=yes)
        data = plan_data(prepared, plan, room, dry_run=dry_run)
        return Answer(data={**data, "findings": [finding_data(finding) for finding in told]}, text=text)


def _plan(
    room: Newsroom, paths: list[Path] | None, channels: list[str] | None, at: str | None
) -> tuple[Plan, list[Finding]]:
    """The plan, and findings that do not concern it.

    Raises:
        ContentError: something that it would queue is wrong.
    """
    from veille import checks, crowding
    from veille.blocking import blocking, keeping_broken_records
    from veille.errors import ContentError
    from veille.planning import plan
    from veille.queueing import changing
    from veille.timetable import parse_when

    if channels and (unknown := [name for name in channels if name not in room.config.channels]):
        raise typer.BadParameter(
            _("{name} is not one of {known}").format(name=unknown[0], known=", ".join(room.config.channels)),
            param_hint="--channel",
        )
    if at and not paths:
        raise typer.BadParameter(_("name the posts that leave then: veille publish PATH --at WHEN"), param_hint="--at")
    now = room.clock()
    try:
        moment = parse_when(at, now, room.config.zone) if at else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--at") from None
    findings = checks.run(room.library, room.config, now)
    selection = [room.library.find(path) for path in paths] if paths else None
    made = plan(room.library, room.config, room.queue.all(), now, selection=selection, channels=channels, at=moment)
    made = keeping_broken_records(made, findings)
    queued = changing(made, room.library, room.config, room.publishers, room.queue, now)
    if stops := blocking(queued, room.library, findings, everything=paths is None):
        refusal = ContentError(stops)
        refusal.hint = _way_round(made, {finding.file for finding in stops}, room)
        raise refusal
    # Of crowds on one page, what is prepared knows more: it sees the outbox too.
    return made, [finding for finding in findings if finding.code not in crowding.CODES]


def _prepared(plan: Plan, room: Newsroom, talk: Talk, now: datetime) -> Prepared:
    """Everything rendered and looked at.

    Raises:
        ContentError: something may not leave; its hint says what can leave without it.
    """
    from veille.errors import ContentError
    from veille.queueing import prepare
    from veille_cli import too_large

    with talk.progress(_("rendering"), len(plan.owed)) as progress:
        try:
            return prepare(plan, room.library, room.config, room.publishers, room.queue, now, progress=progress)
        except ContentError as error:
            broken = {finding.file for finding in error.findings}
            error.hint = too_large.way_round(plan, error.findings, room) or _way_round(plan, broken, room)
            raise


def _follow_links(prepared: Prepared, plan: Plan, room: Newsroom, talk: Talk) -> list[Finding]:
    """Warnings about the links of what would be queued for people; also in a dry run, which says what would happen.

    Raises:
        ContentError: one leads nowhere.
    """
    from veille.errors import ContentError, Severity
    from veille_cli.links import follow_before_publishing

    found = follow_before_publishing(prepared, room, talk)
    errors = [finding for finding in found if finding.severity is Severity.ERROR]
    if errors:
        refusal = ContentError(errors)
        refusal.hint = _way_round(plan, {finding.file for finding in errors}, room)
        raise refusal
    return found


def _way_round(plan: Plan, broken: set[str], room: Newsroom) -> str:
    """The command that leaves out the broken files, and the posts that name a contact whose record is one of them."""
    from veille_cli.links import showing

    new = [owed.file for owed in plan.owed if owed.post and owed.existing is None]
    left_out = broken | showing(broken, room)
    files = dict.fromkeys(file for file in new if file not in left_out)
    nothing = _("nothing was queued")
    if not files:
        return nothing
    return _("{nothing}; without these files: veille publish {files}").format(nothing=nothing, files=shlex.join(files))


def _queued(
    prepared: Prepared, room: Newsroom, talk: Talk, text: list[RenderableType], now: datetime, *, yes: bool
) -> list[RenderableType]:
    """Queue it, once somebody agreed; what is left to tell of `text`, and what comes next."""
    from veille.queueing import enqueue

    changed = prepared.changed
    live = sorted({line.owed.channel for line in prepared.changes} & set(room.live_channels))
    if live and not yes:  # never asked about what stays in the sandbox
        text = _agreed(live, talk, text)
    # Also when nothing changed: a crash may have left the folder without what the outbox holds.
    enqueue(prepared, room.config, room.publishers, room.queue, now)
    return [*text, *(_what_next(room) if changed else [])]


def _agreed(live: list[str], talk: Talk, text: list[RenderableType]) -> list[RenderableType]:
    """Ask once, below what is to be agreed to; what was not told yet."""
    if talk.interactive:
        talk.say(*text)
        text = []
    question = _("Queue this for {channels}? [y/N]").format(channels=", ".join(live))
    talk.agree(question, _("this reaches people ({channels}): confirm with --yes").format(channels=", ".join(live)))
    return text


def _what_next(room: Newsroom) -> list[RenderableType]:
    from veille.outbox.lock import running

    folder = room.config.outbox_dir.relative_to(room.config.root).as_posix()
    words = ["", _("Queued. Look at it in {folder}/.").format(folder=folder)]
    if pid := running(room.config.outbox_dir):
        return [*words, _("A scheduler is running (process {pid}) and delivers it in time.").format(pid=pid)]
    return [*words, _("No scheduler is running: nothing leaves until `veille run`.")]
