"""`veille log`: who did what, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from veille.i18n import gettext as _
from veille_cli.output import Answer, answers, table

if TYPE_CHECKING:
    from veille.outbox.audit import Entry
    from veille_cli.wiring import Newsroom

SHOWN = 50


@answers
def command(
    source: Annotated[
        str,
        typer.Option("--source", metavar="NAME", help=_("Only of this post, edition or partner: its file or name.")),
    ] = "",
    number: Annotated[int, typer.Option("-n", min=1, metavar="COUNT", help=_("How many lines, newest last."))] = SHOWN,
) -> Answer:
    """Show who approved, published, cancelled or confirmed what, newest last. These lines can never be changed."""
    from veille_cli.wiring import newsroom

    with newsroom() as room:
        entries = room.audit.entries(source=_source(room, source), limit=number)
        rows = [(_when(entry, room), entry.who or entry.account or "-", _words(entry)) for entry in entries]
        shown = table(_("when"), _("who"), _("what"), rows=rows) if rows else _("Nothing has happened yet.")
        return Answer(data={"entries": [_data(entry, room) for entry in entries]}, text=[shown])


def _source(room: Newsroom, typed: str) -> str:
    """The name of what a file holds; anything else as it is: its file may be gone."""
    from pathlib import Path

    from veille.errors import VeilleError

    if not typed.endswith((".md", ".yaml", ".yml")):
        return typed
    try:
        return room.library.find(Path(typed)).source
    except VeilleError:
        return Path(typed).stem


def _when(entry: Entry, room: Newsroom) -> str:
    return f"{entry.at.astimezone(room.config.zone):%Y-%m-%d %H:%M}"


def _words(entry: Entry) -> str:
    """One sentence."""
    what = f"{entry.source} ({entry.channel}, p{entry.publication_id})" if entry.publication_id else entry.source
    sentences = {
        "asked": _("asked {text} to approve {what}"),
        "approved": _("approved {what}"),
        "published": _("queued {what}"),
        "withdrawn": _("took {what} out or down"),
        "cancelled": _("cancelled {what}"),
        "paused": _("paused {what}"),
        "resumed": _("let {what} go on"),
        "retried": _("let {what} try again"),
        "resolved": _("decided about {what}"),
        "confirmed": _("confirmed the contact {what}"),
        "consent-words": _("new words beside the button “Subscribe” (version {version})"),
    }
    if entry.event == "published" and entry.text != "new":
        sentences["published"] = _("queued {what} again, changed")
    sentence = sentences.get(entry.event, f"{entry.event} {{what}}")
    return sentence.format(what=what or entry.text, text=entry.text, version=entry.digest) + _note(entry)


def _note(entry: Entry) -> str:
    answers_in_words = {"sent": _("it is out"), "retry": _("it goes again"), "cancel": _("it does not go")}
    if entry.event not in ("cancelled", "retried", "resolved"):
        return ""
    notes = [answers_in_words[word] for word in entry.text.split() if word in answers_in_words]
    notes += [_("one delivery only")] if "one" in entry.text.split() else []
    return f": {', '.join(notes)}" if notes else ""


def _data(entry: Entry, room: Newsroom) -> dict[str, object]:
    return {
        "id": entry.id,
        "at": entry.at.astimezone(room.config.zone).isoformat(timespec="seconds"),
        "event": entry.event,
        "source": entry.source,
        "publication": f"p{entry.publication_id}" if entry.publication_id else None,
        "channel": entry.channel or None,
        "title": entry.title or None,
        "who": entry.who,
        "account": entry.account,
        "digest": entry.digest,
        "text": entry.text,
    }
