"""`veille subscribers`: who receives the letter."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille_cli.output import INVALID, PARTLY, Answer, Talk, answers, finding_data, findings_text, table

if TYPE_CHECKING:
    from veille.subscribers import Choice, Imported, Row, Rules
    from veille_cli.import_report import Refusals
    from veille_cli.wiring import Newsroom

Address = Annotated[str, typer.Argument(help=_("The e-mail address."))]
Town = Annotated[str, typer.Option("--town", help=_("Only whom a post for this town reaches: they chose it, or none."))]
ForAudience = Annotated[
    str,
    typer.Option("--audience", help=_("Only whom a post for young, families or professionals reaches.")),
]
Language = Annotated[str, typer.Option("--language", help=_("Only readers of this language: fr, en, ar…"))]
ConsentText = Annotated[
    str, typer.Option("--consent-text", help=_("Which version of the words they agreed to: form-2026-11."))
]


def make() -> typer.Typer:
    """The group."""
    from veille_cli.usage import VeilleCommand, VeilleGroup

    group = typer.Typer(
        cls=VeilleGroup, help=_("Who receives the letter."), no_args_is_help=True, rich_markup_mode=None
    )
    for function in (import_, export, add, remove, list_, show, erase):
        group.command(name=function.__name__.rstrip("_"), cls=VeilleCommand)(function)
    return group


@answers
def import_(
    file: Annotated[Path, typer.Argument(help=_("A CSV file with a column `email`."))],
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_("Check the file, and change nothing."))] = False,
    update: Annotated[
        bool, typer.Option("--update", help=_("Also change the choices of readers who are known; never their consent."))
    ] = False,
    report: Annotated[
        Path | None, typer.Option("--report", help=_("Write the refused lines, with their reasons, to this CSV file."))
    ] = None,
    consent_text: ConsentText = "",
    *,
    talk: Talk,
) -> Answer:
    """Add the readers of a CSV file who gave their consent. Twice does no harm."""
    from veille.subscribers import CHOICES, Table
    from veille_cli.import_report import Refusals
    from veille_cli.wiring import newsroom

    with (
        newsroom() as room,
        Table(file, str(file), _rules(room)) as lines,
        Refusals(lines, report, file) as refusals,
        talk.progress(_("reading"), lines.lines) as progress,
    ):
        done = room.subscribers.add(
            refusals.rows(),
            how="csv" if "@" in file.name else f"csv:{file.name}",  # a proof of consent names nobody else
            now=room.clock(),
            text=consent_text,
            update=[name for name in CHOICES if name in lines.header.at] if update else (),
            dry_run=dry_run,
            progress=progress,
        )
    return _imported(done, refusals, dry_run=dry_run)


def _imported(done: Imported, refusals: Refusals, *, dry_run: bool) -> Answer:
    valid = done.added + done.known + done.suppressed + done.duplicates
    findings = refusals.findings
    text = [_summary(done, refusals.count, dry_run=dry_run), *([findings_text(findings)] if findings else [])]
    return Answer(
        data=_import_data(done, refusals.count, dry_run=dry_run),
        text=[*text, *refusals.rest()],
        exit_code=(PARTLY if valid else INVALID) if refusals.count else 0,
        errors=[finding_data(finding) for finding in findings],
    )


def _rules(room: Newsroom) -> Rules:
    from veille.subscribers import Rules

    joint = room.config.settings.newsletter.minors == "parental_joint_consent"
    return Rules(room.config.towns, room.clock(), room.config.zone, joint_consent=joint)


def _summary(done: Imported, refused: int, *, dry_run: bool) -> str:
    counted = [
        (done.added, ngettext("{n} reader added", "{n} readers added", done.added)),
        (done.known, ngettext("{n} known already", "{n} known already", done.known)),
        (done.updated, ngettext("{n} of them updated", "{n} of them updated", done.updated)),
        (
            done.suppressed,
            ngettext("{n} stayed away: left the letter", "{n} stayed away: left the letter", done.suppressed),
        ),
        (
            done.duplicates,
            ngettext("{n} line for an address twice", "{n} lines for an address twice", done.duplicates),
        ),
        (refused, ngettext("{n} refused", "{n} refused", refused)),
    ]
    words = [text.format(n=n) for place, (n, text) in enumerate(counted) if n or place < 2]
    sentence = ", ".join(words) + "."
    return _("Only tried, nothing was changed: {result}").format(result=sentence) if dry_run else sentence


def _import_data(done: Imported, refused: int, *, dry_run: bool) -> dict[str, Any]:
    return {
        "added": done.added,
        "known": done.known,
        "updated": done.updated,
        "suppressed": done.suppressed,
        "duplicates": done.duplicates,
        "refused": refused,
        "dry_run": dry_run,
    }


@answers
def export(
    to: Annotated[Path | None, typer.Option("--to", help=_("The file to write (default: standard output)."))] = None,
    town: Town = "",
    audience: ForAudience = "",
    language: Language = "",
    *,
    talk: Talk,
) -> Answer:
    """Write the readers as CSV, safe to open in a spreadsheet."""
    from veille.subscribers import COLUMNS
    from veille_cli.private_file import private_file
    from veille_cli.wiring import newsroom

    with newsroom() as room:
        choice = _choice(room, town, audience, language)
        if to is None and talk.json:
            return Answer(data={"readers": room.subscribers.counts(choice)["subscribed"]})
        with private_file(to, "--to") if to else _standard_output() as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            count = 0
            for row in room.subscribers.export(choice):
                writer.writerow(row)
                count += 1
    if to is None:
        return Answer(data={"readers": count})
    words = ngettext("{n} reader written to {file}.", "{n} readers written to {file}.", count)
    return Answer(data={"readers": count, "file": str(to)}, text=[words.format(n=count, file=to)])


def _standard_output() -> Any:
    from contextlib import nullcontext

    return nullcontext(sys.stdout)


def _choice(room: Newsroom, town: str, audience: str, language: str) -> Choice:
    """The readers that options name; an unknown town or audience is not silently nobody."""
    from slugify import slugify

    from veille.posts import Audience
    from veille.subscribers import Choice

    slug = slugify(town)
    if town and slug not in room.config.towns:
        known = ", ".join(room.config.towns) or "-"
        raise typer.BadParameter(
            _("unknown town {town}; there are {known}").format(town=town, known=known), param_hint="--town"
        )
    if audience and audience not in set(Audience):
        words = _("unknown audience {audience}; there are {known}")
        raise typer.BadParameter(words.format(audience=audience, known=", ".join(Audience)), param_hint="--audience")
    return Choice(slug, audience, language.lower())


@answers
def add(
    address: Address,
    consent: Annotated[
        str, typer.Option("--consent", help=_("How the person agreed, for example: paper form of 2026-11-20."))
    ],
    language: Annotated[str, typer.Option("--language", help=_("The language of the reader: fr, en, ar…"))] = "fr",
    text_only: Annotated[bool, typer.Option("--text-only", help=_("Send the letter without HTML."))] = False,
    town: Annotated[list[str] | None, typer.Option("--town", help=_("A town of the reader; may be repeated."))] = None,
    audience: Annotated[str, typer.Option("--audience", help=_("young, families or professionals."))] = "",
    age: Annotated[str, typer.Option("--age", help=_("under-15 or 15-or-over; no other age is kept."))] = "",
    parental_consent: Annotated[
        str, typer.Option("--parental-consent", help=_("Under 15: how a parent agreed, without a name."))
    ] = "",
    consent_text: ConsentText = "",
) -> Answer:
    """Add one reader who gave consent, also one who had left and asks again."""
    from veille_cli.wiring import newsroom

    values = {
        "email": address,
        "consent": consent,
        "language": language,
        "text_only": str(text_only).lower(),
        "towns": ";".join(town or ()),
        "audience": audience,
        "age": age,
        "parental_consent": parental_consent,
        "consent_text": consent_text,
    }
    with newsroom() as room:
        row = _one_row(room, values)
        done = room.subscribers.welcome_back(row, how=row.consent, now=room.clock())
    words = _("Added.") if done.added else _("This person receives the letter already.")
    return Answer(data={"added": done.added, "known": done.known}, text=[words])


def _one_row(room: Newsroom, values: dict[str, str]) -> Row:
    """The same rules as for a line of a file."""
    from veille.errors import VeilleError
    from veille.subscribers import Reader, checked, read_header

    checked(values["email"])
    if not values["consent"].strip():
        raise typer.BadParameter(_("say how the person agreed"), param_hint="--consent")
    reader = Reader(read_header(list(values), "", 1), _rules(room))
    try:
        return reader.row(list(values.values()))
    except ValueError as error:
        raise VeilleError(_("this reader was not added"), hint=str(error)) from None


@answers
def remove(address: Address) -> Answer:
    """Unsubscribe one reader, at once, also from a letter on its way."""
    from veille_cli.wiring import newsroom

    with newsroom() as room:
        room.subscribers.remove(address, room.clock())
    return Answer(data={"removed": 1}, text=[_("Removed: no letter will be sent to this address any more.")])


@answers
def list_(town: Town = "", audience: ForAudience = "", language: Language = "") -> Answer:
    """Count the readers, by town, audience and language. No address is shown."""
    from veille_cli.wiring import newsroom

    with newsroom() as room:
        counts = room.subscribers.counts(_choice(room, town, audience, language))
    rows = [(_("readers"), "", str(counts["subscribed"]))]
    for label, key in ((_("town"), "towns"), (_("audience"), "audience"), (_("language"), "language")):
        rows += [(label, name, str(count)) for name, count in counts[key].items()]
    rows.append((_("text only"), "", str(counts["text_only"])))
    if not (town or audience or language):  # who left keeps no choices here
        rows.append((_("left"), "", str(counts["unsubscribed"])))
        rows += [(word, "", str(counts[key])) for key, word in _away_words() if counts[key]]
    return Answer(data=counts, text=[table("", "", _("number"), rows=rows, right=(2,))])


def _away_words() -> list[tuple[str, str]]:
    return [("bounced", _("mail came back")), ("complained", _("reported the letter as unwanted"))]


@answers
def show(address: Address) -> Answer:
    """Everything that is held about one person, to give to that person."""
    from veille.subscribers import held_about
    from veille_cli.person_words import about
    from veille_cli.wiring import newsroom

    with newsroom() as room:
        held = held_about(room.database, room.keys.derive("suppression"), address)
        text = about(held, room.config)
    return Answer(data=held, text=text)


@answers
def erase(
    address: Address,
    yes: Annotated[bool, typer.Option("--yes", help=_("Do not ask."))] = False,
    *,
    talk: Talk,
) -> Answer:
    """Erase one person for good: no byte of the address is left, and no CSV brings it back."""
    from veille_cli.wiring import newsroom

    if not yes:
        question = _("Erase everything about this person? It cannot be undone. [y/N]")
        talk.agree(question, _("this cannot be undone: confirm with --yes"))
    with newsroom() as room:
        first = room.erasure.erase(address, room.clock())
    words = _("Erased. A backup that is put back is erased again by itself; delete those that you need no longer.")
    return Answer(
        data={"erased": 1}, text=[words if first else _("Erased before; nothing is held about this address.")]
    )
