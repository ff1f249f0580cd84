"""Posts that a service has, in words: what it publishes by itself, and what is still to do with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from veille.i18n import gettext as _
from veille.i18n import ngettext

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import RenderableType

    from veille.outbox.pending import Pending
    from veille.outbox.report import Row, Status
    from veille_cli.wiring import Newsroom

MOST = 10  # lines of one kind


def scheduled_words(statuses: Iterable[Status], room: Newsroom) -> list[RenderableType]:
    """Which posts leave without us, and when; not those that are taken back."""
    from veille.outbox.pending import pending
    from veille.timetable import in_words

    zone, language = room.config.zone, room.config.settings.workspace.language
    ahead = _("· {id}: {service} publishes it on {moment}, also when this machine is off")
    past = _("· {id}: {service} was to publish it on {moment}; it is looked for by itself")
    held = [status for status in statuses if status.counts["scheduled"]]
    back = (
        {one.publication for one in pending(room.database) if one.kind.value in ("delete", "replace")} if held else ()
    )
    held = [status for status in held if status.id not in back]
    lines: list[RenderableType] = [
        (ahead if s.due > room.clock() else past).format(
            id=s.id, service=s.channel.capitalize(), moment=in_words(s.due, zone, language)
        )
        for s in held[:MOST]
    ]
    if len(held) > MOST:
        more = len(held) - MOST
        lines.append(ngettext("  … and {n} more", "  … and {n} more", more).format(n=more))
    return lines


def again_words(statuses: Iterable[Status], room: Newsroom) -> list[RenderableType]:
    """Which posts did not get through yet, when each is looked at again, and why.

    Letters say it in their own way, and of a channel that stands still the reason is told once.
    """
    from veille.timetable import in_words

    zone, language = room.config.zone, room.config.settings.workspace.language
    sentence = _("· {id} on {channel}: {what}, looked at again on {moment}: {why}")
    known = {"unknown": _("unknown whether it left"), "ready": _("not through yet")}
    lines: list[RenderableType] = []
    for status in statuses:
        if status.channel == "newsletter" or status.stopped:
            continue
        if not status.counts["ready"] + status.counts["unknown"]:
            continue
        for row in room.report.deliveries(status.id, states=("ready", "unknown")):
            if row.last_error:
                moment = in_words(row.due, zone, language)
                values = {"id": row.id, "channel": row.channel, "what": known[row.state], "why": row.last_error}
                lines.append(sentence.format(moment=moment, **values))
    return lines[:MOST]


def held_words(statuses: Iterable[Status], room: Newsroom) -> list[RenderableType]:
    """Which posts wait for a person, why, and the command for each answer."""
    from veille.publishing import BY_HAND

    lines: list[RenderableType] = []
    for status in statuses:
        if status.channel == "newsletter" or status.hold or status.counts["held"] <= status.by_hand:
            continue
        rows = room.report.deliveries(status.id, states=("held",))
        lines += [_held(row) for row in rows if row.last_code != BY_HAND]
    return lines[:MOST]


def _held(row: Row) -> str:
    """Some of them did not leave, of the others nobody knows whether they are out."""
    from veille.outbox.report import PUT_OFF
    from veille_cli.letter_status import hold_words

    if row.last_code in ("overdue", "switched"):
        return hold_words(row.publication, row.last_code)
    if row.last_code in PUT_OFF:
        sentence = _(
            "! {id} on {channel} is held: {why}\n"
            "    → it did not leave: `veille outbox resolve {id} --retry` sends it now, --cancel drops it"
        )
    else:
        sentence = _(
            "! {id} on {channel} is held: {why}\n"
            "    → it is there: `veille outbox resolve {id} --sent ADDRESS`; "
            "else --retry (send it) or --cancel (drop it)"
        )
    why = row.last_error or _("nobody can know whether it is out")
    return sentence.format(id=row.id, channel=row.channel, why=why)


def failed_words(statuses: Iterable[Status], room: Newsroom) -> list[RenderableType]:
    """Which posts were refused or given up, why, and the command for each answer."""
    from veille.outbox.pending import hint_of
    from veille.posts import SERVICES

    sentence = _(
        "! {id} on {channel} failed: {why}\n"
        "    → change the post and publish it again, or `veille outbox retry {id}`; "
        "you posted it yourself: `veille outbox resolve {id} --sent ADDRESS`; not wanted any more: --cancel"
    )
    lines: list[RenderableType] = []
    for status in statuses:
        if status.channel not in SERVICES or not status.counts["failed"]:
            continue
        for row in room.report.deliveries(status.id, states=("failed",)):
            said = sentence.format(id=row.id, channel=row.channel, why=row.last_error)
            hint = hint_of(room.database, row)
            lines.append(f"{said}\n    → {hint}" if hint else said)
    return lines[:MOST]


def pending_words(found: Iterable[Pending], room: Newsroom) -> list[RenderableType]:
    """What is still to do with posts that are there, and what needs a person."""
    lines: list[RenderableType] = []
    for one in found:
        lines += _stuck(one) if one.due is None else [_waits(one, room)]
    return lines


def _waits(one: Pending, room: Newsroom) -> str:
    from veille.timetable import in_words

    zone, language = room.config.zone, room.config.settings.workspace.language
    what = what_words()[one.kind.value]
    if not one.error:
        return _("· {id} on {channel}: {what}, with the next `veille run`").format(
            id=one.delivery, channel=one.channel, what=what
        )
    assert one.due is not None
    return _("· {id} on {channel}: {what}; not done yet ({why}), tried again on {moment}").format(
        id=one.delivery, channel=one.channel, what=what, why=one.error, moment=in_words(one.due, zone, language)
    )


def _stuck(one: Pending) -> list[RenderableType]:
    sentence = _("! {id} on {channel}: {what}; it was not done: {why}. Tried again with: veille outbox retry {id}")
    what = what_words()[one.kind.value]
    said = sentence.format(id=one.delivery, channel=one.channel, what=what, why=one.error)
    return [said, f"    → {one.hint}"] if one.hint else [said]


def what_words() -> Mapping[str, str]:
    """What each follow-up does."""
    return {
        "edit": _("its text is changed where it stands"),
        "comment": _("its first comment is written"),
        "delete": _("it is deleted there"),
        "replace": _("it is taken back, then scheduled anew"),
    }


def done_words(kind: str, n: int) -> str:
    """ "2 texts changed": what was done in one pass."""
    words = {
        "edit": ngettext("{n} text changed where it stands", "{n} texts changed where they stand", n),
        "comment": ngettext("{n} first comment written", "{n} first comments written", n),
        "delete": ngettext("{n} post deleted there", "{n} posts deleted there", n),
        "replace": ngettext("{n} post taken back", "{n} posts taken back", n),
    }
    return words[kind].format(n=n)


def as_data(one: Pending, room: Newsroom) -> dict[str, object]:
    """As other programs read it."""
    due = one.due.astimezone(room.config.zone).isoformat(timespec="seconds") if one.due else None
    return {
        "delivery": one.delivery,
        "publication": one.publication,
        "channel": one.channel,
        "kind": one.kind.value,
        "next": due,
        "error": one.error,
        "hint": one.hint,
    }
