"""`veille publish`: check, plan, render, queue. It never delivers."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille_cli.output import Answer, Talk, answers, findings_text

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import RenderableType

    from veille.errors import Finding
    from veille.planning import Plan
    from veille.queueing import Line, Prepared
    from veille_cli.wiring import Newsroom


def _channels() -> list[str]:
    from veille.posts import CHANNELS

    return list(CHANNELS)


@answers
def command(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help=_("Only these posts or editions (default: all)."))
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(
            "--channel",
            "-c",
            help=_("Only this channel; may be given several times."),
            autocompletion=_channels,
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="WHEN", help=_('Leave at this moment: "now", "2026-11-27 17:00", "17:00".')),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_("Say what would be queued, and queue nothing."))] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=_("Do not ask."))] = False,
    *,
    talk: Talk,
) -> Answer:
    """Check, plan, render and queue what is owed. Delivering is `veille run`."""
    from veille.queueing import enqueue, prepare
    from veille_cli.wiring import newsroom

    with newsroom() as room:
        plan, elsewhere = _plan(room, paths, channel, at)
        now = room.clock()  # one moment: a post without a date is rendered with the one that the outbox keeps
        with talk.progress(_("rendering"), len(plan.owed)) as progress:
            prepared = prepare(plan, room.library, room.config, room.publishers, room.queue, now, progress=progress)
        if elsewhere:
            talk.say(findings_text(elsewhere), _("These do not stand in the way of what is queued now."), "")
        text = [*_plan_words(prepared, room), *_left_out_words(plan, prepared)]
        if dry_run:
            text.append(_("Nothing was queued: this was a dry run."))
        else:
            changed = prepared_changes(prepared)
            if changed:
                _confirm(prepared, room, talk, text, yes=yes)
            # Also when nothing changed: a crash may have left the folder without what the outbox holds.
            enqueue(prepared, room.config, room.publishers, room.queue, now)
            text += _what_next(room) if changed else []
        return Answer(data=_data(prepared, plan, room, dry_run=dry_run), text=text)


def prepared_changes(prepared: Prepared) -> bool:
    """Whether queueing would change anything."""
    return bool(prepared.changes or prepared.withdrawn)


def _plan(
    room: Newsroom, paths: list[Path] | None, channels: list[str] | None, at: str | None
) -> tuple[Plan, list[Finding]]:
    """The plan, and findings that do not concern it.

    Raises:
        ContentError: something that it would queue is wrong.
    """
    from veille import checks
    from veille.errors import ContentError
    from veille.planning import plan
    from veille.queueing import blocking
    from veille.timetable import parse_when

    if channels and (unknown := [name for name in channels if name not in room.config.channels]):
        raise typer.BadParameter(
            _("{name} is not one of {known}").format(name=unknown[0], known=", ".join(room.config.channels)),
            param_hint="--channel",
        )
    now = room.clock()
    try:
        moment = parse_when(at, now, room.config.zone) if at else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--at") from None
    findings = checks.run(room.library, room.config)
    selection = [room.library.find(path) for path in paths] if paths else None
    made = plan(room.library, room.config, room.queue.all(), now, selection=selection, channels=channels, at=moment)
    if stops := blocking(made, room.library, findings, everything=paths is None):
        refusal = ContentError(stops)
        refusal.hint = _way_round(made, {finding.file for finding in stops})
        raise refusal
    return made, list(findings)


def _way_round(plan: Plan, broken: set[str]) -> str:
    """The command that leaves the broken files out."""
    new = [owed.file for owed in plan.owed if owed.post and owed.existing is None]
    files = dict.fromkeys(file for file in new if file not in broken)
    nothing = _("nothing was queued")
    if not files:
        return nothing
    return _("{nothing}; without these files: veille publish {files}").format(nothing=nothing, files=" ".join(files))


def _plan_words(prepared: Prepared, room: Newsroom) -> list[RenderableType]:
    """The plan, moment after moment, with local times in words."""
    from veille.timetable import distance, in_words

    if not prepared_changes(prepared):
        return [_("Nothing is owed: everything is in the outbox already.")]
    zone, language, now = room.config.zone, room.config.settings.workspace.language, room.clock()
    count = len(prepared.changes) + len(prepared.withdrawn)
    words: list[RenderableType] = [ngettext("{n} publication:", "{n} publications:", count).format(n=count)]
    changes = sorted(prepared.changes, key=lambda line: line.owed.due)
    for due, group in itertools.groupby(changes, key=lambda line: line.owed.due):
        words += ["", f"{in_words(due, zone, language)}, {distance(due, now, zone)}"]
        words += _lines(list(group), room)
    if prepared.withdrawn:
        words += ["", _("taken down")]
        words += [f"    {gone.channel:<22}{gone.title}" for gone in prepared.withdrawn]
    return words


def _lines(group: list[Line], room: Newsroom) -> list[str]:
    """One line for each source and change that leave at one moment, with their channels."""
    names = {"new": "", "updated": _("changed"), "rewrite": _("rewritten")}
    together: dict[tuple[str, str], list[Line]] = {}
    for line in group:
        together.setdefault((line.owed.source, line.change.value), []).append(line)
    lines = []
    for (_source, change), same in together.items():
        channels = ", ".join(f"{c}●" if c in room.live_channels else c for c in (line.owed.channel for line in same))
        note = f" ({names[change]})" if names[change] else ""
        lines.append(f"    {channels:<22}{same[0].owed.title}{note}")
    return lines


def _left_out_words(plan: Plan, prepared: Prepared) -> list[RenderableType]:
    """What is not queued, and why: nobody should have to wonder."""
    reasons = {
        "draft": _("draft: left out until `draft: false`"),
        "expired": _("expired: left out"),
        "too-old": _("too old for these channels; to send it anyway: veille publish {file} --at now"),
        "cancelled": _("cancelled by hand; `veille outbox retry` brings it back"),
        "in-edition": _("comes with an edition made by hand"),
    }
    words = [
        f"· {left.file}: "
        + reasons[left.reason.value].format(file=left.file)
        + (f" ({', '.join(left.channels)})" if left.channels else "")
        for left in plan.left_out
    ]
    words += [
        "! "
        + _("{file}: already left on {channel}; this change reaches nobody there any more").format(
            file=line.owed.file or line.owed.source, channel=line.owed.channel
        )
        for line in prepared.too_late
    ]
    return ["", *words] if words else []


def _confirm(prepared: Prepared, room: Newsroom, talk: Talk, text: list[RenderableType], *, yes: bool) -> None:
    """Ask once when this reaches people; never when it stays in the sandbox."""
    live = sorted({line.owed.channel for line in prepared.changes} & set(room.live_channels))
    if not live or yes:
        return
    if not talk.interactive:
        raise typer.BadParameter(
            _("{channels} reach people: confirm with --yes").format(channels=", ".join(live)), param_hint="--yes"
        )
    talk.say(*text)
    text.clear()
    typer.confirm(_("Queue this for {channels}?").format(channels=", ".join(live)), abort=True, err=True)


def _what_next(room: Newsroom) -> list[RenderableType]:
    from veille.outbox.lock import running

    folder = room.config.outbox_dir.relative_to(room.config.root).as_posix()
    words = ["", _("Queued. Look at it in {folder}/.").format(folder=folder)]
    if pid := running(room.config.outbox_dir):
        return [*words, _("A scheduler is running (process {pid}) and delivers it in time.").format(pid=pid)]
    return [*words, _("No scheduler is running: nothing leaves until `veille run`.")]


def _data(prepared: Prepared, plan: Plan, room: Newsroom, *, dry_run: bool) -> dict[str, object]:
    def moment(value: datetime) -> str:
        return value.astimezone(room.config.zone).isoformat(timespec="seconds")

    return {
        "dry_run": dry_run,
        "publications": [
            {
                "channel": line.owed.channel,
                "source": line.owed.source,
                "title": line.owed.title,
                "due": moment(line.owed.due),
                "change": line.change.value,
                "requests": list(room.publishers[line.owed.channel].requests(line.rendition)) if dry_run else [],
            }
            for line in prepared.lines
        ],
        "withdrawn": [{"channel": gone.channel, "source": gone.source} for gone in prepared.withdrawn],
        "left_out": [
            {"file": left.file, "reason": left.reason.value, "channels": list(left.channels)} for left in plan.left_out
        ],
    }
