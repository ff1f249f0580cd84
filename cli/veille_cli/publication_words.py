"""Publications in words and as data: their state, their counts, what stands still and what waits for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille_cli.output import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import RenderableType

    from veille.config import Config
    from veille.outbox.report import Status, Stop
    from veille_cli.wiring import Newsroom

_ORDER = ("sent", "ready", "claimed", "sending", "unknown", "scheduled", "failed", "held", "cancelled")


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
