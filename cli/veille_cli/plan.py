"""A plan in words, and as data: what leaves where and when, and what does not."""

from __future__ import annotations

import itertools
import shlex
from typing import TYPE_CHECKING

from veille.i18n import gettext as _
from veille.i18n import ngettext

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from rich.console import RenderableType

    from veille.lines import Line
    from veille.planning import Plan
    from veille.queueing import Prepared
    from veille_cli.wiring import Newsroom


def plan_words(prepared: Prepared, room: Newsroom) -> list[RenderableType]:
    """The plan, moment after moment, with local times in words."""
    from veille.timetable import distance, in_words

    if not prepared.changed:
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
        words += [f"    {gone.channel:<22}  {gone.title}" for gone in prepared.withdrawn]
    if {line.owed.channel for line in prepared.changes} & set(room.live_channels):
        words += ["", _("● reaches people")]
    return words


def _lines(group: list[Line], room: Newsroom) -> list[str]:
    """One line for each source and change that leave at one moment, with their channels."""
    names = {
        "new": "",
        "updated": _("changed"),
        "rewrite": _("rewritten"),
        "edit": _("its text is changed where it stands"),
        "replace": _("taken back, then scheduled anew"),
    }
    together: dict[tuple[str, str], list[Line]] = {}
    for line in group:
        together.setdefault((line.owed.source, line.change.value), []).append(line)
    lines = []
    for (_source, change), same in together.items():
        channels = ", ".join(f"{c}●" if c in room.live_channels else c for c in (line.owed.channel for line in same))
        note = f" ({names[change]})" if names[change] else ""
        lines.append(f"    {channels:<22}  {same[0].owed.title}{note}")
    return lines


def left_out_words(plan: Plan, prepared: Prepared, room: Newsroom) -> list[RenderableType]:
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
        + reasons[left.reason.value].format(file=shlex.quote(left.file))
        + (f" ({', '.join(left.channels)})" if left.channels else "")
        for left in plan.left_out
    ]
    words += [
        "! "
        + _("{file}: already left on {channel}; this change reaches nobody there any more").format(
            file=file, channel=channel
        )
        for file, channel in _too_late(prepared, room)
    ]
    words += _other_pictures(prepared, room)
    words += _over(prepared, room)
    return ["", *words] if words else []


def _too_late(prepared: Prepared, room: Newsroom) -> list[tuple[str, str]]:
    """(file, channel) of every edit that a channel cannot follow any more."""
    found = [(line.owed.file or line.owed.source, line.owed.channel) for line in prepared.too_late]
    letters = [entry for entry in room.queue.all() if entry.channel == "newsletter" and entry.left]
    in_letters = {source for letter in letters for source in letter.members}
    edited = [line.owed for line in prepared.changes if line.change.value == "rewrite" and line.owed.post]
    found += [(owed.file, "newsletter") for owed in edited if owed.source in in_letters]
    return list(dict.fromkeys(found))


def _other_pictures(prepared: Prepared, room: Newsroom) -> list[str]:
    """Where new words could follow, and new pictures keep them back."""
    from veille.publishing import FollowUp, RemotePublisher

    sentence = _(
        "    → on {channel} only words can be changed, never pictures. To show the new ones, delete the post there"
        " (veille outbox cancel {id} --public) and publish a copy of the file under another name"
    )
    words = []
    for line in prepared.too_late:
        publisher, before = room.publishers[line.owed.channel], line.owed.existing
        edits = isinstance(publisher, RemotePublisher) and FollowUp.EDIT in publisher.follow_ups
        if edits and before and before.there and line.rendition:
            now, then = line.rendition.files, room.queue.stored(before.id).files
            if [file.digest for file in now] != [file.digest for file in then]:
                words.append(sentence.format(channel=line.owed.channel.capitalize(), id=f"p{before.id}"))
    return words


def _over(prepared: Prepared, room: Newsroom) -> list[str]:
    """What invites people to something that is over when they read it."""
    from veille.planning import as_moment

    words = []
    for line in prepared.changes:
        event = line.owed.post.event if line.owed.post else None
        pages = line.owed.channel in ("feed", "web")
        if event and not pages and as_moment(event.end or event.start, room.config, end=True) <= line.owed.due:
            sentence = _("{file}: the event is over when this leaves on {channel}")
            words.append("! " + sentence.format(file=line.owed.file, channel=line.owed.channel))
    return words


def requests_of(line: Line, room: Newsroom) -> list[Mapping[str, Any]]:
    """What delivering this line would ask of its service, by the code that asks it; the access is left out."""
    from veille.outbox.queue import Change
    from veille.publishing import HandsOver

    publisher = room.publishers[line.owed.channel]
    if line.rendition is None:
        return []
    if isinstance(publisher, HandsOver):
        if line.change is Change.EDIT:
            return list(publisher.requests_to_edit(line.rendition))
        return list(publisher.requests_at(line.rendition, line.owed.due))
    return list(publisher.requests(line.rendition))


def _why_none(room: Newsroom) -> list[RenderableType]:
    """What a channel in the sandbox would ask is known once it has an account."""
    if room.config.live("facebook") and room.config.live("instagram"):
        return []
    return [_('Facebook and Instagram show theirs once they have transport = "graph".')]


def requests_words(prepared: Prepared, room: Newsroom) -> list[RenderableType]:
    """The exact requests of everything that would be queued, numbered, each value on lines of its own."""
    lines: list[RenderableType] = []
    for line in prepared.changes:
        requests = requests_of(line, room)
        if requests:
            lines += ["", f"{line.owed.channel} · {line.owed.title}"]
        for number, request in enumerate(requests, 1):
            lines.append(f"  {number}. {request['method']} {request['path']}")
            lines += [_parameter(name, str(value)) for name, value in request["parameters"].items()]
            lines += [_parameter(_("the picture"), request["file"])] if "file" in request else []
    if not lines:
        return [
            "",
            _("No service is asked for anything: files, letters and what a person posts need no request."),
            *_why_none(room),
        ]
    return [*lines, "", _("The access is left out. Names in <…> stand for what the service answers.")]


def _parameter(name: str, value: str) -> str:
    first, *others = value.splitlines() or [""]
    return "\n".join([f"       {name}: {first}", *(f"         {line}".rstrip() for line in others)])


def plan_data(prepared: Prepared, plan: Plan, room: Newsroom, *, dry_run: bool) -> dict[str, object]:
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
                "requests": requests_of(line, room) if dry_run else [],
            }
            for line in prepared.lines
        ],
        "withdrawn": [{"channel": gone.channel, "source": gone.source} for gone in prepared.withdrawn],
        "left_out": [
            {"file": left.file, "reason": left.reason.value, "channels": list(left.channels)} for left in plan.left_out
        ],
    }
