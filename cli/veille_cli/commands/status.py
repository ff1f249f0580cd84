"""`veille status`: every publication, its counts, the equation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille_cli.output import FAILED, OK, PARTLY, Answer, Talk, answers, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import RenderableType

    from veille.config import Config
    from veille.outbox.report import Status, Stop
    from veille_cli.wiring import Newsroom

_ORDER = ("sent", "ready", "claimed", "sending", "unknown", "scheduled", "failed", "held", "cancelled")


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


def stop_words(stops: Iterable[Stop]) -> list[RenderableType]:
    """Why channels stand still, what to do, and which command lets them go on."""
    lines: list[RenderableType] = []
    for stop in stops:
        why = _("paused") if stop.chosen else stop.reason
        sentence = _("! {channel} stands still: {why}; `veille outbox resume {channel}` lets it go on")
        lines.append(sentence.format(channel=stop.channel, why=why))
        lines += [f"    → {stop.hint}"] if stop.hint else []
    return lines


def by_hand_words(status: Status, room: Newsroom) -> list[str]:
    """What the person who posts by hand says when it is done; by each delivery that waits for that."""
    from veille.publishing import BY_HAND

    sentence = _("· {id} waits for a person to post it on {channel}; then: veille outbox resolve {id} --sent ADDRESS")
    rows = room.report.deliveries(status.id, states=("held",))
    return [sentence.format(id=row.id, channel=row.channel) for row in rows if row.last_code == BY_HAND]


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


def as_data(status: Status, config: Config) -> dict[str, object]:
    """A publication as other programs read it."""
    return {
        "id": status.id,
        "channel": status.channel,
        "source": status.source,
        "title": status.title,
        "due": status.due.astimezone(config.zone).isoformat(timespec="seconds"),
        "state": status.state,
        "counts": {"planned": status.planned, **status.counts},
        "receipts": list(status.receipts),
        "excluded": dict(status.excluded),
        "by_hand": status.by_hand,
        "deleted": status.deleted,
        "live": status.live,
    }


def table_of(publications: list[Status], config: Config) -> list[RenderableType]:
    """The publications as a table; a sentence when there is none."""
    if not publications:
        return [_("The outbox is empty. `veille publish` fills it.")]
    rows = []
    for status in publications:
        local = status.due.astimezone(config.zone)
        rows.append(
            (
                *(status.id, f"{local:%d/%m %H:%M}", status.channel),
                *(state_words(status, config), counts_words(status, config), status.title),
            )
        )
    return [table(_("id"), _("due"), _("channel"), _("state"), _("deliveries"), _("title"), rows=rows, cut=5)]


def state_words(status: Status, config: Config) -> str:
    """The state for people, with a sign that needs no colour."""
    from veille_cli.trial_words import does_not_leave

    names = {
        "queued": _("○ queued"),
        "running": _("▶ running"),
        "paused": _("‖ paused"),
        "held": _("! held"),
        "done": _("✓ done"),
        "cancelled": _("– cancelled"),
    }
    words = names[status.state]
    if status.counts["failed"]:
        words = _("✗ done, with failures") if status.state == "done" else words
    if status.by_hand:
        words = _("… to be posted")
    if status.deleted and status.deleted == sum(status.counts.values()):
        words = _("– deleted")
    if does_not_leave(status, config):
        return _("! does not leave")
    stopped = status.stopped and status.state in ("queued", "running")
    return _("! stands still") if stopped else words


def counts_words(status: Status, config: Config) -> str:
    """ "12 sent", "10 sent, 2 failed", or "at its time" before a letter has its readers."""
    from veille_cli.trial_words import only_tried

    if status.planned is None:
        return _("when it leaves")
    gone, n, sent = status.deleted, status.by_hand, status.counts["sent"] - status.deleted
    tried = sent if only_tried(status, config) else 0
    parts = [ngettext("{n} in the sandbox only", "{n} in the sandbox only", tried).format(n=tried)] * bool(tried)
    parts += [counted({**status.counts, "held": status.counts["held"] - n, "sent": sent - tried})]
    parts += [ngettext("{n} by hand", "{n} by hand", n).format(n=n)] * bool(n)
    parts += [ngettext("{n} deleted there", "{n} deleted there", gone).format(n=gone)] * bool(gone)
    return ", ".join(filter(None, parts)) or _("nobody to send to")


def counted(counts: Mapping[str, int]) -> str:
    """ "10 sent, 2 failed": the states in which there are deliveries, what was reached first."""
    parts = [_counted(state, counts.get(state, 0)) for state in _ORDER if counts.get(state)]
    return ", ".join(parts)


def _counted(state: str, n: int) -> str:
    words = {
        "sent": ngettext("{n} sent", "{n} sent", n),
        "ready": ngettext("{n} ready", "{n} ready", n),
        "claimed": ngettext("{n} in hand", "{n} in hand", n),
        "sending": ngettext("{n} leaving", "{n} leaving", n),
        "unknown": ngettext("{n} unknown", "{n} unknown", n),
        "scheduled": ngettext("{n} scheduled", "{n} scheduled", n),
        "failed": ngettext("{n} failed", "{n} failed", n),
        "held": ngettext("{n} held", "{n} held", n),
        "cancelled": ngettext("{n} cancelled", "{n} cancelled", n),
    }
    return words[state].format(n=n)


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
