"""`veille subscribers`: who receives the letter."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from veille.i18n import gettext as _
from veille.i18n import ngettext, why
from veille_cli.output import INVALID, PARTLY, Answer, Talk, answers, finding_data, findings_text, table


def make() -> typer.Typer:
    """The group."""
    from veille_cli.usage import VeilleCommand, VeilleGroup

    group = typer.Typer(
        cls=VeilleGroup, help=_("Who receives the letter."), no_args_is_help=True, rich_markup_mode=None
    )
    for function in (import_, export, add, remove, list_):
        group.command(name=function.__name__.rstrip("_"), cls=VeilleCommand)(function)
    return group


@answers
def import_(
    file: Annotated[Path, typer.Argument(help=_("A CSV file with a column `email`."))],
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_("Check the file, and change nothing."))] = False,
) -> Answer:
    """Add the readers of a CSV file who gave their consent. Twice does no harm."""
    from veille.subscribers import Imported, read_csv
    from veille_cli.wiring import newsroom

    with newsroom() as room:
        rows, refused = read_csv(file, str(file), room.config.towns)
        if dry_run:
            done = Imported(len(rows), 0, 0, tuple(refused))
        else:
            how = f"csv:{file.name}"
            done = room.subscribers.add(rows, how=how, now=room.clock(), refused=tuple(refused))
    words = [
        ngettext("{n} reader added", "{n} readers added", done.added).format(n=done.added),
        ngettext("{n} known already", "{n} known already", done.known).format(n=done.known),
    ]
    if done.suppressed:
        away = ngettext("{n} stayed away: left the letter", "{n} stayed away: left the letter", done.suppressed)
        words.append(away.format(n=done.suppressed))
    if done.refused:
        count = len(done.refused)
        words.append(ngettext("{n} refused", "{n} refused", count).format(n=count))
    code = (PARTLY if rows else INVALID) if refused else 0
    return Answer(
        data={
            "added": done.added,
            "known": done.known,
            "suppressed": done.suppressed,
            "refused": len(done.refused),
            "dry_run": dry_run,
        },
        text=[", ".join(words) + ".", *([findings_text(done.refused)] if done.refused else [])],
        exit_code=code,
        errors=[finding_data(finding) for finding in done.refused],
    )


@answers
def export(
    to: Annotated[Path | None, typer.Option("--to", help=_("The file to write (default: standard output)."))] = None,
    *,
    talk: Talk,
) -> Answer:
    """Write the readers as CSV, safe to open in a spreadsheet."""
    from veille.subscribers import COLUMNS
    from veille_cli.wiring import newsroom

    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    with newsroom() as room:
        rows = list(room.subscribers.export())
    writer.writerows(rows)
    if to is None:
        if not talk.json:
            sys.stdout.write(buffer.getvalue())
        return Answer(data={"readers": len(rows)})
    _write_private(to, buffer.getvalue())
    words = ngettext("{n} reader written to {file}.", "{n} readers written to {file}.", len(rows))
    return Answer(data={"readers": len(rows), "file": str(to)}, text=[words.format(n=len(rows), file=to)])


def _write_private(path: Path, text: str) -> None:
    """Addresses are for the owner of the file only."""
    import os

    from veille.errors import VeilleError

    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise VeilleError(
            _("{file} cannot be written: {error}").format(file=path, error=why(error)),
            hint=_("choose another place with --to"),
        ) from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


@answers
def add(
    address: Annotated[str, typer.Argument(help=_("The e-mail address."))],
    consent: Annotated[
        str, typer.Option("--consent", help=_("How the person agreed, for example: paper form of 2026-11-20."))
    ],
    language: Annotated[str, typer.Option("--language", help=_("The language of the reader: fr, en, ar…"))] = "fr",
    text_only: Annotated[bool, typer.Option("--text-only", help=_("Send the letter without HTML."))] = False,
) -> Answer:
    """Add one reader who gave consent, also one who had left and asks again."""
    from veille.errors import VeilleError
    from veille.subscribers import Row, normalise
    from veille_cli.wiring import newsroom

    try:
        row = Row(normalise(address), language, "", "", text_only)
    except ValueError as error:
        raise VeilleError(_("this is not an e-mail address"), hint=str(error)) from None
    with newsroom() as room:
        done = room.subscribers.welcome_back(row, how=consent, now=room.clock())
    words = _("Added.") if done.added else _("This person receives the letter already.")
    return Answer(data={"added": done.added, "known": done.known}, text=[words])


@answers
def remove(address: Annotated[str, typer.Argument(help=_("The e-mail address."))]) -> Answer:
    """Unsubscribe one reader, at once, also from a letter on its way."""
    from veille_cli.wiring import newsroom

    with newsroom() as room:
        room.subscribers.remove(address, room.clock())
    return Answer(data={"removed": 1}, text=[_("Removed: no letter will be sent to this address any more.")])


@answers
def list_() -> Answer:
    """Count the readers, by town, audience and language. No address is shown."""
    from veille_cli.wiring import newsroom

    with newsroom() as room:
        counts = room.subscribers.counts()
    rows = [(_("readers"), "", str(counts["subscribed"]))]
    for label, key in ((_("town"), "towns"), (_("audience"), "audience"), (_("language"), "language")):
        rows += [(label, name, str(count)) for name, count in counts[key].items()]
    rows.append((_("text only"), "", str(counts["text_only"])))
    rows.append((_("left"), "", str(counts["unsubscribed"])))
    return Answer(data=counts, text=[table("", "", _("number"), rows=rows, right=(2,))])
