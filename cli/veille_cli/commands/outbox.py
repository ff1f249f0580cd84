"""`veille outbox`: look at and act on publications and deliveries."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille_cli.history import event_words, state_word
from veille_cli.output import Answer, Talk, answers, table

PUBLICATION_STATES = ("queued", "running", "paused", "held", "done", "cancelled")

if TYPE_CHECKING:
    from rich.console import RenderableType

    from veille.outbox.report import Row, Status
    from veille_cli.wiring import Newsroom

Id = Annotated[str, typer.Argument(metavar="ID", help=_("p12 (a publication) or d345 (a delivery)."))]
Target = Annotated[str, typer.Argument(metavar="ID", help=_("p12 (a publication), or the name of a channel."))]


def make() -> typer.Typer:
    """The group, with its commands in the order in which people need them."""
    from veille_cli.usage import VeilleCommand, VeilleGroup

    group = typer.Typer(
        cls=VeilleGroup,
        help=_("Look at and act on publications and deliveries."),
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for function in (list_, show, retry, pause, resume, cancel, resolve):
        group.command(name=function.__name__.rstrip("_"), cls=VeilleCommand)(function)
    return group


@answers
def list_(
    state: Annotated[
        str | None, typer.Option("--state", help=_("Only this state: queued, running, paused, held, done, cancelled."))
    ] = None,
) -> Answer:
    """List publications with their ids."""
    from veille_cli.publication_words import as_data, by_hand_words, table_of
    from veille_cli.wiring import newsroom

    if state is not None and state not in PUBLICATION_STATES:
        words = _("{state} is no state of a publication; there are {known}")
        known = ", ".join(PUBLICATION_STATES)
        raise typer.BadParameter(words.format(state=state, known=known), param_hint="--state")
    with newsroom() as room:
        every = room.report.publications()
        found = [status for status in every if state in (None, status.state)]
        if every and not found:
            return Answer(data={"publications": []}, text=[_("No publication is in this state.")])
        text = [*table_of(found, room.config), *(w for one in found if one.by_hand for w in by_hand_words(one, room))]
        return Answer(data={"publications": [as_data(status, room.config) for status in found]}, text=text)


@answers
def show(
    name: Id,
    state: Annotated[
        list[str] | None, typer.Option("--state", help=_("Only deliveries in this state; may be given several times."))
    ] = None,
    csv: Annotated[
        bool, typer.Option("--csv", help=_("Exactly who got it: every delivery with its address, as CSV."))
    ] = False,
    to: Annotated[
        Path | None, typer.Option("--to", help=_("With --csv: the file to write (default: standard output)."))
    ] = None,
    *,
    talk: Talk,
) -> Answer:
    """Show one publication with its deliveries, or one delivery with all that happened to it."""
    from veille_cli.wiring import newsroom

    states = _known(state or [])
    if to is not None and not csv:
        raise typer.BadParameter(_("--to is for the table of --csv"), param_hint="--to")
    if csv and talk.json and to is None:
        raise typer.BadParameter(_("say with --to which file the table goes to"), param_hint="--csv")
    with newsroom() as room:
        if csv:
            return _who_got_it(room, name, states, to)
        if name.startswith("d") and name[1:].isdigit():
            return _one_delivery(room.report.delivery(name), room)
        return _one_publication(room, name, states, talk)


def _known(states: list[str]) -> tuple[str, ...]:
    """These states, if there are such."""
    from veille.outbox.schema import STATES

    if unknown := [state for state in states if state not in STATES]:
        raise typer.BadParameter(
            _("{state} is no state of a delivery; there are {known}").format(state=unknown[0], known=", ".join(STATES)),
            param_hint="--state",
        )
    return tuple(dict.fromkeys(states))


def _who_got_it(room: Newsroom, name: str, states: tuple[str, ...], to: Path | None) -> Answer:
    """The one table of the outbox with addresses in it."""
    from veille_cli.who_got_it import write

    status = room.report.publication(name)
    count = write(room.database, status.id, states, to, room.config.zone)
    if to is None:
        return Answer(data={"id": status.id, "deliveries": count})
    words = ngettext(
        "{n} delivery written to {file}, with its address: keep it as long as you need it, and no longer.",
        "{n} deliveries written to {file}, with their addresses: keep it as long as you need it, and no longer.",
        count,
    )
    data = {"id": status.id, "deliveries": count, "file": str(to)}
    return Answer(data=data, text=[words.format(n=count, file=to)])


def _one_publication(room: Newsroom, name: str, states: tuple[str, ...], talk: Talk) -> Answer:
    from veille.outbox.pending import pending
    from veille.timetable import in_words
    from veille_cli import hosted_words
    from veille_cli.letter_status import hold_words, standing
    from veille_cli.publication_words import as_data, counts_words, state_words

    status = room.report.publication(name)
    rows = room.report.deliveries(name, states=states)
    zone, language = room.config.zone, room.config.settings.workspace.language
    text: list[RenderableType] = [
        f"{status.id} · {status.channel} · {status.title}",
        _("leaves: {moment}").format(moment=in_words(status.due, zone, language)),
        f"{state_words(status, room.config)} · {counts_words(status, room.config)}",
    ]
    text += [hold_words(status.id, status.hold)] if status.hold else []
    text += [] if talk.json else standing(room, status)
    wanted = pending(room.database, name)
    text += [*_waiting(status, room), *hosted_words.pending_words(wanted, room)]
    if rows:
        lines = [(row.id, state_word(row.state, row.last_code), _said(row)) for row in rows]
        text += ["", table(_("id"), _("state"), _("what was said"), rows=lines)]
    text += _more(status.id, states, sum(status.counts[state] for state in states or status.counts) - len(rows))
    return Answer(
        data={
            **as_data(status, room.config),
            "deliveries": [_row_data(row) for row in rows],
            "follow_ups": [hosted_words.as_data(one, room) for one in wanted],
        },
        text=text,
    )


def _waiting(status: Status, room: Newsroom) -> list[RenderableType]:
    """What a post or page waits for, and which command ends that."""
    from veille_cli import hosted_words, trial_words
    from veille_cli.publication_words import by_hand_words, stop_words

    stops = [stop for stop in room.report.stops() if status.waiting and stop.channel == status.channel]
    return [
        *stop_words(stops),
        *trial_words.switched_words([status], room),
        *hosted_words.failed_words([status], room),
        *hosted_words.held_words([status], room),
        *(by_hand_words(status, room) if status.by_hand else ()),
        *hosted_words.again_words([status], room),
        *hosted_words.scheduled_words([status], room),
        *trial_words.tried_words([status], room),
    ]


def _said(row: Row) -> str:
    """Where it can be seen, and what else there is to know."""
    return " · ".join(filter(None, (_seen_at(row), row.last_error)))


def _seen_at(row: Row) -> str:
    """Its address, as long as something is there."""
    return "" if row.last_code == "deleted" else row.url


def _more(name: str, states: tuple[str, ...], count: int) -> list[RenderableType]:
    """How to see the deliveries that are not shown."""
    if count <= 0:
        return []
    chosen = "".join(f" --state {state}" for state in states)
    words = ngettext(
        "… and {n} more: veille outbox show {id}{chosen} --csv --to who.csv",
        "… and {n} more: veille outbox show {id}{chosen} --csv --to who.csv",
        count,
    )
    return [words.format(n=count, id=name, chosen=chosen)]


def _one_delivery(row: Row, room: Newsroom) -> Answer:
    from veille.outbox.pending import pending
    from veille_cli import hosted_words

    zone, wanted = room.config.zone, pending(room.database, row.id)
    text: list[RenderableType] = [
        f"{row.id} · {row.channel} · {state_word(row.state, row.last_code)} · {row.publication}"
    ]
    waits = _waiting(room.report.publication(row.publication), room) if row.channel != "newsletter" else []
    told = any(row.last_error in str(line) for line in waits)
    text += [*filter(None, (_seen_at(row), "" if told else row.last_error)), *waits]
    text += hosted_words.pending_words(wanted, room)
    events = [(f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}", event_words(event), said) for at, event, said in row.events]
    if events:
        text += ["", table(_("when"), _("what"), _("words"), rows=events)]
    data = _row_data(row) | {
        "events": [
            {"at": at.astimezone(zone).isoformat(), "event": event, "text": said} for at, event, said in row.events
        ],
        "follow_ups": [hosted_words.as_data(one, room) for one in wanted],
    }
    return Answer(data=data, text=text)


def _row_data(row: Row) -> dict[str, object]:
    return {
        "id": row.id,
        "publication": row.publication,
        "channel": row.channel,
        "state": row.state,
        "attempt": row.attempt,
        "remote_id": row.remote_id,
        "url": row.url,
        "last_code": row.last_code,
        "last_error": row.last_error,
    }


@answers
def retry(
    name: Id,
    failed: Annotated[
        bool, typer.Option("--failed", help=_("Only what failed; leave what is held or was cancelled."))
    ] = False,
    *,
    talk: Talk,
) -> Answer:
    """Send again what failed, was held or was cancelled; try now what waits for its next try. Never what may be out."""
    from veille_cli.standing_words import after_retry, nothing_words
    from veille_cli.wiring import newsroom

    states = ("failed",) if failed else ("failed", "held", "cancelled")
    with newsroom() as room:
        page, before = _page(room, name)
        tried = room.config.live(room.report.channel_of(name))
        with talk.progress(_("sending again"), _total(room, name, states)) as progress:
            count = room.actions.retry(name, room.clock(), failed=failed, tried=tried, progress=progress)
        back = page if before == "cancelled" != _page(room, name)[1] else ""
        left = room.report.publication(name).counts["failed"] if name.startswith("p") else 0
        text = after_retry(room, name, count) if count else nothing_words(room, name)
    text += [_("Its page on the web ({id}) comes back with it.").format(id=back)] if back else []
    if left:
        stay = ngettext(
            "{n} stays failed: its address does not exist, or the letter may be there already.",
            "{n} stay failed: their addresses do not exist, or the letter may be there already.",
            left,
        )
        text.append(stay.format(n=left))
    return Answer(data={"id": name, "changed": count, "page": back or None}, text=text)


@answers
def cancel(
    name: Id,
    public: Annotated[
        bool, typer.Option("--public", help=_("Delete also what everybody sees already, where the service can."))
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=_("Do not ask."))] = False,
    *,
    talk: Talk,
) -> Answer:
    """Cancel what has not left yet; with --public, delete also what is public."""
    from veille_cli import taking_down
    from veille_cli.standing_words import nothing_words
    from veille_cli.wiring import newsroom

    with newsroom() as room:
        if public:
            taking_down.confirm(room, name, talk, yes=yes)
        page, before = _page(room, name)
        with talk.progress(_("cancelling"), _total(room, name, ("claimed", "ready", "held"))) as progress:
            count = room.actions.cancel(name, room.clock(), public=public, progress=progress)
        gone = page if before != "cancelled" == _page(room, name)[1] else ""
        after = taking_down.words_after(room, name, public=public)
        words = ngettext("{n} cancelled.", "{n} cancelled.", count)
        text = [words.format(n=count)] if count else [] if after else nothing_words(room, name)
    text += [_("Its page on the web ({id}) is cancelled with it.").format(id=gone)] if gone else []
    return Answer(data={"id": name, "changed": count, "page": gone or None}, text=[*text, *after])


def _total(room: Newsroom, name: str, states: tuple[str, ...]) -> int | None:
    """How many deliveries of a publication are in these states."""
    if not name.startswith("p"):
        return None
    counts = room.report.publication(name).counts
    return sum(counts[state] for state in states)


def _page(room: Newsroom, name: str) -> tuple[str, str]:
    """The page on which a letter is read online, and where it stands; empty for anything else."""
    page = room.actions.page_of(name)
    return page, str(room.report.publication(page).state) if page else ""


@answers
def resolve(
    name: Id,
    address: Annotated[str, typer.Argument(metavar="[ADDRESS]", help=_("With --sent: where it can be seen."))] = "",
    *,
    sent: Annotated[bool, typer.Option("--sent", help=_("I looked: it is out."))] = False,
    again: Annotated[bool, typer.Option("--retry", help=_("I looked: it is not out. Send it."))] = False,
    drop: Annotated[bool, typer.Option("--cancel", help=_("I looked: it is not out. Drop it."))] = False,
    url: Annotated[str, typer.Option("--url", help=_("With --sent: where it can be seen."))] = "",
    talk: Talk,
) -> Answer:
    """Say what became of a delivery that veille cannot know about."""
    from veille.outbox.actions import Answer as Found
    from veille.outbox.pending import handed_over
    from veille_cli import taking_down
    from veille_cli.standing_words import after_resolve, nothing_words
    from veille_cli.wiring import newsroom

    chosen = [found for found, wanted in ((Found.SENT, sent), (Found.RETRY, again), (Found.CANCEL, drop)) if wanted]
    if len(chosen) != 1:
        raise typer.BadParameter(_("say one of --sent, --retry, --cancel"), param_hint="--sent")
    where = _web_address(address or url)
    if where and not sent:
        raise typer.BadParameter(_("an address is for --sent"), param_hint="--sent")
    with newsroom() as room:
        doubted = handed_over(room.database, name) if drop else []
        with talk.progress(_("resolving"), _total(room, name, ("held", "unknown"))) as progress:
            count = room.actions.resolve(name, chosen[0], room.clock(), url=where, progress=progress)
        words = ngettext("{n} resolved.", "{n} resolved.", count)
        text = [words.format(n=count), *after_resolve(room, name)] if count else nothing_words(room, name)
        text += [*taking_down.words_after(room, name), *taking_down.doubt_words(room, name, doubted)] if drop else []
    return Answer(data={"id": name, "changed": count}, text=text)


def _web_address(text: str) -> str:
    """An address as it may stand in `status` and on pages; "" for none."""
    from urllib.parse import urlsplit

    if text and (urlsplit(text).scheme not in ("http", "https") or re.search(r"\s", text)):
        raise typer.BadParameter(
            _("{text} is not the address of a page: it begins with https://").format(text=text), param_hint="--sent"
        )
    return text


@answers
def pause(name: Target) -> Answer:
    """Stop a publication, or a whole channel, until `resume`."""
    return _pause(name, paused=True)


@answers
def resume(name: Target) -> Answer:
    """Let a paused publication or a stopped channel go on."""
    return _pause(name, paused=False)


def _pause(name: str, *, paused: bool) -> Answer:
    from veille_cli.standing_words import nothing_words, taken_back_words
    from veille_cli.wiring import newsroom

    with newsroom() as room:
        if paused and name not in room.config.channels and _over(room, name):
            return Answer(data={"id": name, "paused": False}, text=nothing_words(room, name))
        room.actions.pause(name, room.clock(), paused=paused)
        after = taken_back_words(room, name) if paused else []
    words = _("{name} stands still until `veille outbox resume {name}`.") if paused else _("{name} goes on.")
    text = [words.format(name=name), *after]
    return Answer(data={"id": name, "paused": paused}, text=text)


def _over(room: Newsroom, name: str) -> bool:
    """Whether nothing of this publication is left to leave."""
    publication = room.report.delivery(name).publication if name.startswith("d") else name
    return room.report.publication(publication).state in ("done", "cancelled")
