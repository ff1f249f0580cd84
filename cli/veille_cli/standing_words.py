"""Where a post stands after `veille outbox retry`, `cancel` or `resolve`; why it changed nothing, and what would.

Letters and pages are told of in numbers; a post is one, so it is said when it leaves, and what keeps it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from veille.i18n import gettext as _
from veille.i18n import ngettext

if TYPE_CHECKING:
    from rich.console import RenderableType

    from veille.outbox.report import Row, Status
    from veille_cli.wiring import Newsroom


def after_retry(room: Newsroom, name: str, count: int) -> list[RenderableType]:
    """When what was let go leaves; what is done with a post that is out already."""
    from veille.outbox.pending import pending
    from veille_cli.hosted_words import pending_words

    return after_resolve(room, name) or pending_words(pending(room.database, name), room) or [_leaves(count)]


def _leaves(count: int) -> str:
    words = ngettext("{n} will leave with the next `veille run`.", "{n} will leave with the next `veille run`.", count)
    return words.format(n=count)


def after_resolve(room: Newsroom, name: str) -> list[RenderableType]:
    """When a post leaves, if it does."""
    from veille_cli.taking_down import posts_of

    status, rows = posts_of(room, name)
    return [line for row in rows if row.state == "ready" for line in _waits(room, status, row)]


def taken_back_words(room: Newsroom, name: str) -> list[RenderableType]:
    """What a service has of something that was paused.

    Args:
        name: an id, or the name of a channel.
    """
    from veille.outbox.pending import pending

    sentence = _(
        "· {id}: {service} has it for its time; the next `veille run` takes it back, and it is handed over anew after"
        " `resume`"
    )
    back = [one for one in pending(room.database) if one.kind.value == "replace" and one.due]
    mine = [one for one in back if name in (one.publication, one.channel, one.delivery)]
    return [sentence.format(id=one.delivery, service=one.channel.capitalize()) for one in mine]


def nothing_words(room: Newsroom, name: str) -> list[RenderableType]:
    """What stands in the way; of letters and pages, where to look."""
    from veille_cli.taking_down import posts_of

    status, rows = posts_of(room, name)
    words = [line for row in rows for line in _words(room, status, row)]
    return words or [_("Nothing to change in {id}: `veille outbox show {id}` says where it stands.").format(id=name)]


def _words(room: Newsroom, status: Status, row: Row) -> list[RenderableType]:
    from veille_cli import hosted_words
    from veille_cli.publication_words import by_hand_words

    match row.state:
        case "ready":
            return _waits(room, status, row)
        case "claimed" | "sending":
            return [_("{id} is leaving at this moment: look again in a minute").format(id=row.id)]
        case "unknown":
            return [*hosted_words.again_words([status], room), _or_look(row)]
        case "scheduled":
            return hosted_words.scheduled_words([status], room)
        case "held":
            return [*hosted_words.held_words([status], room), *by_hand_words(status, room)]
        case "sent":
            return [_out(status, row)]
        case "failed":
            return hosted_words.failed_words([status], room)
        case "cancelled":
            sentence = _("{id} is cancelled; `veille outbox retry {id}` brings it back, unless its file is gone")
            return [sentence.format(id=row.id)]
    return []


def _waits(room: Newsroom, status: Status, row: Row) -> list[RenderableType]:
    from veille.timetable import in_words
    from veille_cli.publication_words import stop_words
    from veille_cli.trial_words import only_tried, publish_words, switched_words

    if stops := [stop for stop in room.report.stops() if stop.channel == row.channel]:
        return stop_words(stops)
    if status.state == "paused":
        sentence = _("{id} is paused: `veille outbox resume {id}` lets it go on")
        return [sentence.format(id=status.id)]
    if only_tried(status, room.config):
        return [publish_words(status.id)]
    if switched := switched_words([status], room):
        return switched
    moment, now = max(status.due, row.due), room.clock()
    if moment <= now:
        return [_("{id} leaves with the next `veille run`").format(id=row.id)]
    sentence = _("{id} waits for its time, {moment}, and leaves by itself")
    if status.due <= now:
        sentence = _("{id} is tried again by itself on {moment}; at once with `veille outbox retry {id}`")
    local = in_words(moment, room.config.zone, room.config.settings.workspace.language)
    return [sentence.format(id=row.id, moment=local)]


def _or_look(row: Row) -> str:
    sentence = _(
        "{id} is looked for by itself; if you looked: `veille outbox resolve {id} --sent ADDRESS`, --retry or --cancel"
    )
    return sentence.format(id=row.id)


def _out(status: Status, row: Row) -> str:
    if not (status.live or row.url):
        return _("{id} was only written to outbox/, in the sandbox: nobody has seen it").format(id=row.id)
    if row.last_code == "deleted":
        sentence = _(
            "{id} was deleted there. To publish it anew, copy its file under another name, and give the copy an `id:`"
        )
        return sentence.format(id=row.id)
    where = f": {row.url}" if row.url else ""
    return _("{id} is out{where}").format(id=row.id, where=where)
