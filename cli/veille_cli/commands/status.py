"""`veille status`: every publication, its counts, the equation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille_cli.output import FAILED, OK, PARTLY, Answer, Talk, answers
from veille_cli.publication_words import as_data, by_hand_words, stop_words, table_of

if TYPE_CHECKING:
    from rich.console import RenderableType

    from veille.config import Config
    from veille.outbox.report import Status
    from veille_cli.wiring import Newsroom


@answers
def command(*, talk: Talk) -> Answer:
    """Show every publication: when it leaves, where it stands, and that nobody is lost."""
    from veille.outbox.pending import pending
    from veille_cli import access_words, hosted_words
    from veille_cli.wiring import newsroom

    with newsroom() as room:
        publications = room.report.publications()
        lost = [status for status in publications if not status.balanced]
        stopped = [stop for stop in room.report.stops() if not stop.chosen]
        needed = bool(stopped) or access_words.any_urgent(room)
        return Answer(
            data={
                "publications": [as_data(status, room.config) for status in publications],
                "follow_ups": [hosted_words.as_data(one, room) for one in pending(room.database)],
                "stopped": {stop.channel: stop.reason for stop in stopped},
                "access": [access_words.data(standing, room) for standing in access_words.standings(room)],
            },
            text=[] if talk.json else _text(publications, room),
            exit_code=FAILED if lost else PARTLY if needed else OK,
            errors=[
                {"code": "unbalanced", "message": status.id, "file": None, "line": None, "hint": None}
                for status in lost
            ],
        )


def _text(publications: list[Status], room: Newsroom) -> list[RenderableType]:
    from veille.outbox.pending import pending
    from veille_cli import access_words
    from veille_cli.hosted_words import again_words, failed_words, held_words, pending_words, scheduled_words
    from veille_cli.letter_status import hold_words, standing
    from veille_cli.trial_words import switched_words, tried_words

    text = [*table_of(publications, room.config), *equation(publications)]
    for status in publications:
        text += [hold_words(status.id, status.hold)] if status.hold and status.state == "held" else []
        text += standing(room, status) if status.waiting else []
    text += [words for status in publications if status.by_hand for words in by_hand_words(status, room)]
    recent = room.clock() - room.config.settings.workspace.backlog
    text += failed_words([status for status in publications if status.due >= recent], room)
    text += switched_words(publications, room)
    text += [*held_words(publications, room), *again_words(publications, room)]
    text += [*scheduled_words(publications, room)]
    text += pending_words(pending(room.database), room)
    text += [*stop_words(room.report.stops()), *access_words.lines(room)]
    return [*text, *tried_words(publications, room), *_notes(publications, room.config), *_alarm(room)]


def _alarm(room: Newsroom) -> list[RenderableType]:
    """Whether somebody may be flooding the form of the site."""
    from veille.signup import alarmed_at

    moment = alarmed_at(room.database, room.clock())
    if moment is None:
        return []
    words = _("! {moment}: more sign-ups than serve.per_hour ({most}) allows; is somebody filling in other people?")
    local = f"{moment.astimezone(room.config.zone):%d/%m %H:%M}"
    return [words.format(moment=local, most=room.config.settings.serve.per_hour)]


def _notes(publications: list[Status], config: Config) -> list[RenderableType]:
    """What must not be overlooked: channels on which "1 sent" reached nobody."""
    lines: list[RenderableType] = []
    names = [name for name in config.channels if not config.live(name)]
    if publications and names:
        lines.append(_("Sandbox: {channels} write to outbox/ and reach nobody.").format(channels=", ".join(names)))
    return lines


def equation(publications: list[Status]) -> list[RenderableType]:
    """planned = sent + failed + cancelled + held (+ what is still on its way), over all publications."""
    known = [status for status in publications if status.planned is not None]
    if not known:
        return []
    total = {name: sum(status.counts[name] for status in known) for name in known[0].counts}
    planned = sum(status.planned or 0 for status in known)
    waiting = planned - sum(total[name] for name in ("sent", "failed", "cancelled", "held"))
    sentence = _(
        "{planned} planned = {sent} sent + {failed} failed + {cancelled} cancelled + {held} held"
        " + {waiting} on their way"
    )
    values = {name: total[name] for name in ("sent", "failed", "cancelled", "held")}
    return [
        "",
        sentence.format(planned=planned, waiting=waiting, **values),
        *_deleted(known),
        *_candidates(known, planned),
    ]


def _deleted(known: list[Status]) -> list[RenderableType]:
    """How many of those that were sent are not there any more."""
    n = sum(status.deleted for status in known)
    words = ngettext("{n} of those sent was deleted since", "{n} of those sent were deleted since", n)
    return [words.format(n=n)] if n else []


def _candidates(known: list[Status], planned: int) -> list[RenderableType]:
    """candidates = deliveries + readers left out, when there are such."""
    left_out = sum(sum(status.excluded.values()) for status in known)
    if not left_out:
        return []
    words = ngettext(
        "{candidates} candidates = {planned} deliveries + {n} reader left out",
        "{candidates} candidates = {planned} deliveries + {n} readers left out",
        left_out,
    )
    return [words.format(candidates=planned + left_out, planned=planned, n=left_out)]
