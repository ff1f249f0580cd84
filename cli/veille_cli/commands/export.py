"""`veille export`: what leaves on paper or for other sites. Call sheet, posters, a form to paste in."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from veille.errors import LedgerError, VeilleError
from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille_cli.output import PARTLY, Answer, Talk, answers, findings_text

if TYPE_CHECKING:
    from veille.callsheet import Sheet
    from veille.outbox.queue import Queued
    from veille.rendering import Contact
    from veille_cli.wiring import Newsroom

DANGER = ("17", "112", "114")  # in danger of violence: by voice, or by text message (facts: france.md, 2)
WORRIED = 6  # further help lines on a poster

Town = Annotated[str, typer.Option("--town", metavar="TOWN", help=_("Only this town (default: all of them)."))]
Pdf = Annotated[bool, typer.Option("--pdf", help=_("Make a PDF too; needs Chromium on this machine."))]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help=_("Where to write it (default: in outbox/paper/).")),
]


def make() -> typer.Typer:
    """The group."""
    from veille_cli.usage import VeilleCommand, VeilleGroup

    group = typer.Typer(
        cls=VeilleGroup,
        help=_("Make pages to print, and a sign-up form for other sites."),
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for function in (call_sheet, poster, form):
        group.command(name=function.__name__.replace("_", "-"), cls=VeilleCommand)(function)
    return group


@answers
def call_sheet(
    week: Annotated[
        str, typer.Option("--week", metavar="DAY", help=_("A day of the week meant: 2026-11-25 (default: today)."))
    ] = "",
    town: Town = "",
    text: Annotated[bool, typer.Option("--text", help=_("In plain text, to read aloud or for text messages."))] = False,
    pdf: Pdf = False,
    output: Output = None,
    *,
    talk: Talk,
) -> Answer:
    """Print the week's messages, partners and help lines on one page, for people who telephone."""
    from veille_cli.wiring import newsroom
    from veille_publishers.paper import Paper, fitted_sheet

    with newsroom() as room:
        slug = town_of(room, town)
        sheet = _sheet(room, _day(room, week), slug, talk)
        paper = Paper(room.config)
        if text:
            return _text(paper.call_sheet_text(sheet), output, _sheet_data(sheet))
        place = _place(room, output, "-".join(filter(None, ("call-sheet", sheet.week.first.isoformat(), slug))))
    fitting, _nothing = fitted_sheet(sheet, paper, None)
    made, trouble = b"", None
    if pdf or _is_pdf(output):
        try:
            fitting, made = fitted_sheet(sheet, paper, _printer())
        except VeilleError as error:  # the page itself can still be had
            trouble = error
    _write(_beside(place, "html"), paper.call_sheet(fitting).encode())
    return _written(place, made, trouble, _sheet_data(fitting), _left_out(fitting))


@answers
def poster(town: Town = "", pdf: Pdf = False, output: Output = None) -> Answer:
    """Print an A4 poster with a code to scan, one page for each town."""
    from veille_cli.wiring import newsroom
    from veille_publishers.paper import Paper, Poster

    with newsroom() as room:
        slug = town_of(room, town)
        danger, worried = _numbers(room)
        names = (room.config.towns[slug],) if slug else tuple(room.config.towns.values()) or ("",)
        paper = Paper(room.config)
        html = paper.posters(tuple(Poster(name, danger, worried) for name in names))
        place = _place(room, output, "-".join(filter(None, ("poster", slug))))
    _write(_beside(place, "html"), html.encode())
    made, trouble = b"", None
    if pdf or _is_pdf(output):
        try:
            made = _printer()(html)
        except VeilleError as error:
            trouble = error
    words = [_("The code opens {address}.").format(address=paper.subscribe_url)]
    return _written(place, made, trouble, {"towns": list(names), "address": paper.subscribe_url}, words)


@answers
def form(output: Output = None, *, talk: Talk) -> Answer:
    """Print a sign-up form in HTML, to be pasted into another site."""
    from veille_cli.wiring import newsroom
    from veille_publishers.paper import Paper
    from veille_web.site.fields import TRAP

    with newsroom() as room:
        html = Paper(room.config).form(TRAP)
    talk.say(_("Paste this into the page's HTML as it is. Whoever sends it lands on our own form."), "")
    return _text(html, output, {})


# the call sheet


def _sheet(room: Newsroom, day: date, town: str, talk: Talk) -> Sheet:
    """The whole sheet, before it is made to fit.

    Raises:
        ContentError: something that it shows is wrong.
    """
    from veille import callsheet, checks
    from veille.errors import ContentError

    now, queued = room.clock(), _queued(room, talk)
    waiting = _waiting(room, queued, talk)
    week = callsheet.week_of(day, room.config)
    made = callsheet.call_sheet(room.library, room.config, queued, week=week, now=now, town=town, without=waiting)
    if found := callsheet.stops(made, room.library, checks.run(room.library, room.config, now)):
        raise ContentError(found)
    return made


def _queued(room: Newsroom, talk: Talk) -> Sequence[Queued]:
    """What the outbox holds; nothing where there is none yet, which is not made for this."""
    from sqlalchemy import make_url

    try:
        url = make_url(room.config.settings.outbox.url)
        if url.get_backend_name() == "sqlite" and not (room.config.root / (url.database or "")).is_file():
            return ()
        return room.queue.all()
    except LedgerError as error:
        talk.say(_("The outbox cannot be read ({error}): posts are taken by their own dates.").format(error=error), "")
        return ()


def _waiting(room: Newsroom, queued: Sequence[Queued], talk: Talk) -> frozenset[str]:
    """Files that somebody must approve first: nobody says them on the telephone before."""
    if room.config.settings.approval.required == "none":
        return frozenset()
    found = list(room.approvals.waiting(queued))
    if found:
        talk.say(findings_text(found), _("They are not on the page."), "")
    return frozenset(finding.file for finding in found)


def _sheet_data(sheet: Sheet) -> dict[str, Any]:
    return {
        "week": sheet.week.first.isoformat(),
        "town": sheet.town,
        "messages": [{"source": m.source, "title": m.title, "urgent": m.urgent} for m in sheet.messages],
        "shortened": sheet.shortened,
        "omitted": list(sheet.omitted),
        "unlisted": sheet.unlisted,
    }


def _left_out(sheet: Sheet) -> list[str]:
    words = [ngettext("{n} message", "{n} messages", len(sheet.messages)).format(n=len(sheet.messages))]
    words += [_("Summaries were shortened so that it fits on two sides.")] if sheet.shortened else []
    words += [_("No room for: {titles}.").format(titles=" · ".join(sheet.omitted))] if sheet.omitted else []
    if sheet.unlisted:
        words.append(
            ngettext("{n} partner is not listed here.", "{n} partners are not listed here.", sheet.unlisted).format(
                n=sheet.unlisted
            )
        )
    return words


# posters


def _numbers(room: Newsroom) -> tuple[tuple[Contact, ...], tuple[Contact, ...]]:
    """The numbers for danger, and those of the emergency block beside them.

    Raises:
        ContentError: a help line is wrong: a poster hangs for months.
    """
    from veille import checks
    from veille.errors import ContentError, Severity
    from veille.library import HELPLINES
    from veille.rendering import contacts

    errors = [f for f in checks.run(room.library, room.config, room.clock()) if f.severity is Severity.ERROR]
    if found := [finding for finding in errors if finding.file == f"content/{HELPLINES}"]:
        raise ContentError(found)
    day = room.clock().astimezone(room.config.zone).date()
    known = {number: line for number, line in room.library.helplines.items() if line.sure and line.answers_on(day)}
    first = [known[number] for number in DANGER if number in known]
    others = [line for line in contacts.emergency_lines(room.library, day) if line not in first]
    shown = [tuple(contacts.helpline_contact(line, day) for line in lines) for lines in (first, others[:WORRIED])]
    return shown[0], shown[1]


# words and files


def town_of(room: Newsroom, typed: str) -> str:
    """The slug of a town, as it is called or as it is written; "" for all.

    Raises:
        typer.BadParameter: the newsroom has no such town.
    """
    from slugify import slugify

    from veille.reading.wording import did_you_mean

    towns, slug = room.config.towns, str(slugify(typed))
    if not typed or slug in towns:
        return slug
    known = ", ".join(towns.values()) or _("none; name them under [workspace] towns in veille.toml")
    hint = did_you_mean(typed, towns.values()) or _("the towns are: {names}").format(names=known)
    words = _("{text} is no town of this newsroom; {hint}")
    raise typer.BadParameter(words.format(text=typed, hint=hint), param_hint="--town")


def _day(room: Newsroom, typed: str) -> date:
    if not typed:
        return room.clock().astimezone(room.config.zone).date()
    try:
        return date.fromisoformat(typed)
    except ValueError:
        raise typer.BadParameter(_("write a day as 2026-11-25"), param_hint="--week") from None


def _printer() -> Callable[[str], bytes]:
    """Makes a PDF of a page.

    Raises:
        NoBrowser: this machine has no Chromium.
    """
    from veille_publishers.printing import find_chromium, pdf

    program = find_chromium(os.environ)
    return lambda html: pdf(html, program)


def _is_pdf(output: Path | None) -> bool:
    return output is not None and output.suffix.lower() == ".pdf"


def _place(room: Newsroom, output: Path | None, name: str) -> Path:
    """Where the files go, without suffix."""
    if output is None:
        return room.config.outbox_dir / "paper" / name
    return output.absolute().with_suffix("") if output.suffix.lower() in (".html", ".pdf") else output.absolute()


def _beside(place: Path, suffix: str) -> Path:
    return place.with_name(f"{place.name}.{suffix}")


def _write(path: Path, content: bytes) -> None:
    from veille_publishers import files

    files.write(path, content)


def _written(
    place: Path, made: bytes, trouble: VeilleError | None, data: Mapping[str, Any], words: Sequence[str]
) -> Answer:
    """What was written, and why the PDF was not."""
    paths = [_beside(place, "html")]
    if made:
        paths.append(_beside(place, "pdf"))
        _write(paths[-1], made)
    text = [*words, *(_("Written: {file}").format(file=_short(path)) for path in paths)]
    if trouble is None:
        return Answer({**data, "files": [str(path) for path in paths]}, text)
    said = {"code": trouble.code, "message": trouble.message, "file": None, "line": None, "hint": trouble.hint}
    text += ["", _("No PDF: {reason}").format(reason=trouble.message), f"    → {trouble.hint}"]
    return Answer({**data, "files": [str(path) for path in paths]}, text, PARTLY, [said])


def _text(content: str, output: Path | None, data: Mapping[str, Any]) -> Answer:
    """Text as the answer, or in a file."""
    if output is None:
        return Answer({**data, "text": content}, [content.rstrip("\n")])
    _write(output.absolute(), content.encode())
    return Answer({**data, "files": [str(output.absolute())]}, [_("Written: {file}").format(file=output)])


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
