"""`veille partners`: who must be asked again, what they confirmed, and who was shown the old number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from veille.errors import ConfigError, VeilleError
from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille_cli.output import OK, PARTLY, Answer, answers, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from veille.confirming import Due
    from veille.partners import HelpLine, Partner
    from veille_cli.carried import Carrier
    from veille_cli.wiring import Newsroom

Id = Annotated[str, typer.Argument(metavar="ID", help=_("A partner's file name, or the number of a help line."))]


def make() -> typer.Typer:
    """The group, with its commands in the order in which people need them."""
    from veille_cli.usage import VeilleCommand, VeilleGroup

    group = typer.Typer(
        cls=VeilleGroup,
        help=_("Keep telephone numbers and opening hours right."),
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for function in (due, confirm, used_in, list_):
        group.command(name=function.__name__.strip("_").replace("_", "-"), cls=VeilleCommand)(function)
    return group


@answers
def due(
    days: Annotated[
        int | None,
        typer.Option(
            "--days",
            min=0,
            metavar="COUNT",
            help=_("Confirmed more than so many days ago (default: checks.verify_every)."),
        ),
    ] = None,
    mail: Annotated[
        bool, typer.Option("--mail", help=_("Write a mail to each of these partners, into outbox/notices/."))
    ] = False,
    send: Annotated[bool, typer.Option("--send", help=_("Send these mails now."))] = False,
) -> Answer:
    """List the contacts that must be asked again, the one that waits longest first."""
    from veille.confirming import due as waiting
    from veille_cli.wiring import newsroom

    with newsroom() as room:
        if send and room.config.settings.newsletter.transport != "smtp":
            raise ConfigError(
                _("no mail server is set up: newsletter.transport is not smtp"),
                hint=_("--mail writes the same mails into outbox/notices/, to be sent by hand"),
            )
        every = room.config.settings.checks.verify_every if days is None else timedelta(days=days)
        found = waiting(room.library, _today(room), every)
        mailed = _mail(room, found, send=send) if mail or send else []
    failed = [entry for entry in mailed if "error" in entry]
    return Answer(
        data={"due": [_due_data(entry) for entry in found], "mails": mailed},
        text=[*_due_words(found, room.config.settings.workspace.language), *_mail_words(mailed)],
        exit_code=PARTLY if failed else OK,
        errors=[entry["error"] for entry in failed],
    )


def _today(room: Newsroom) -> date:
    return room.clock().astimezone(room.config.zone).date()


def _due_data(entry: Due) -> dict[str, Any]:
    from veille.partners import Partner

    record = entry.record
    return {
        "id": entry.id,
        "kind": "partner" if isinstance(record, Partner) else "helpline",
        "name": record.name,
        "verified_on": record.verified_on.isoformat(),
        "verified_by": record.verified_by,
        "valid_until": record.valid_until.isoformat() if record.valid_until else None,
        "age": entry.age,
        "command": f"veille partners confirm {entry.id}",
    }


def _due_words(found: Sequence[Due], language: str) -> list[RenderableType]:
    if not found:
        return [_("Nobody must be asked: every contact is confirmed.")]
    rows = [(entry.id, entry.record.name, _why(entry, language)) for entry in found]
    words = ngettext("{n} contact must be asked again.", "{n} contacts must be asked again.", len(found))
    return [
        table(_("Contact"), _("Name"), _("Why"), rows=rows, cut=1),
        words.format(n=len(found)),
        _("Once somebody has answered, and the record says so: {command}").format(
            command=f"veille partners confirm {found[0].id} --by …"
        ),
    ]


def _why(entry: Due, language: str) -> str:
    from veille.confirming import SOON
    from veille.timetable import day_in_words

    end = day_in_words(entry.record.valid_until, language) if entry.record.valid_until else ""
    if entry.left is not None and entry.left < 0:
        return "! " + _("over since {day}").format(day=end)
    if entry.age < 0:
        return "! " + _("verified on a day that has not come yet")
    age = ngettext("confirmed {n} day ago", "confirmed {n} days ago", entry.age).format(n=entry.age)
    return age if entry.left is None or entry.left > SOON.days else _("{age}; ends on {day}").format(age=age, day=end)


def _mail(room: Newsroom, found: Sequence[Due], *, send: bool) -> list[dict[str, Any]]:
    """One mail to each partner that has an address; what became of it, by partner, never an address."""
    from veille.partners import Partner
    from veille_publishers.notices import Notices

    config = room.config
    if not send:
        newsletter = config.settings.newsletter.model_copy(update={"transport": "file"})
        config = config.model_copy(update={"settings": config.settings.model_copy(update={"newsletter": newsletter})})
    notices, made = Notices(config, room.clock), list[dict[str, Any]]()
    for entry in found:
        record = entry.record
        if not isinstance(record, Partner) or not record.email:
            asked = {"call": _number(record)} if isinstance(record, Partner) else {"source": record.source}
            made.append({"id": entry.id, "name": record.name, **asked})
            continue
        try:
            made.append({"id": entry.id, "name": record.name, "said": notices.send(_notice(room, record))})
        except VeilleError as error:
            told = {"code": error.code, "message": f"{record.name}: {error.message}", "file": record.file, "line": None}
            made.append({"id": entry.id, "name": record.name, "error": {**told, "hint": error.hint}})
    return made


def _number(record: Partner | HelpLine) -> str:
    from veille.partners import Partner

    return record.phone or record.sms if isinstance(record, Partner) else record.label


def _notice(room: Newsroom, record: Partner) -> Any:
    from veille.confirming import facts
    from veille.rendering.templating import Templates
    from veille.timetable import day_in_words
    from veille_publishers.notices import Notice

    language = room.config.settings.workspace.language
    text = Templates(room.config).render(
        "mail/partner_check.txt.j2",
        facts=list(facts(record)),
        since=day_in_words(record.verified_on, language),
        until=day_in_words(record.valid_until, language) if record.valid_until else "",
    )
    subject = _("{newsroom}: is what we say about {name} still right?")
    words = subject.format(newsroom=room.config.brand.name, name=record.name)
    return Notice(name=f"partner-{record.id}", to=record.email, subject=words, text=text)


def _mail_words(mailed: Sequence[dict[str, Any]]) -> Iterator[str]:
    for entry in mailed:
        if "error" in entry:
            yield f"✗ {entry['error']['message']}"
        elif "said" in entry:
            yield _("{label}: ").format(label=entry["name"]) + entry["said"]
        elif "source" in entry:  # nobody tries an emergency number: somebody else may need it now
            words = _("{name}: hold its record against its source, {source}")
            yield words.format(name=entry["name"], source=entry["source"])
        else:
            words = _("{name}: no mail address on file; call {number}")
            yield words.format(name=entry["name"], number=entry["call"] or "?")


@answers
def confirm(
    identity: Id,
    by: Annotated[
        str, typer.Option("--by", metavar="WHO", help=_("Who confirmed it: a function, such as “reception”."))
    ] = "",
) -> Answer:
    """Write down that a contact was asked today, and that its record is right as it stands."""
    from veille.confirming import confirmed, find
    from veille.confirming import identity as identity_of
    from veille.outbox.audit import Audit, Event
    from veille.reading import file_name
    from veille.timetable import day_in_words
    from veille_cli.carried import corrected
    from veille_cli.wiring import newsroom
    from veille_publishers import files

    with newsroom() as room:
        record, today = find(room.library, identity), _today(room)
        made = confirmed(record, room.config, today, by)
        files.write(made.path, made.content, mode=made.path.stat().st_mode & 0o777)
        file, before = file_name(made.path, room.config.root), record.verified_on.isoformat()
        text = f"verified_on: {before} → {today.isoformat()}"
        audit = Audit(room.database)
        audit.record(Event.CONFIRMED, at=room.clock(), source=identity_of(record), who=by, text=text)
        carriers = corrected(room, record)
    day = day_in_words(today, room.config.settings.workspace.language)
    words = [_("{name} is confirmed today, {day} ({file}).").format(name=record.name, day=day, file=file)]
    if record.valid_until and record.valid_until < today:
        words.append("! " + _("its record ended on {day}: correct valid_until").format(day=record.valid_until))
    data = {
        "id": identity_of(record),
        "file": file,
        "verified_on": today.isoformat(),
        "verified_by": made.record.verified_by,
    }
    return Answer(
        data={**data, "corrections": [carrier.data() for carrier in carriers]},
        text=[*words, *_correction_words(carriers)],
    )


def _correction_words(carriers: Sequence[Carrier]) -> Iterator[RenderableType]:
    from veille_cli.carried import advice, columns, rows

    if carriers:
        yield _("Since its details changed, these still show the old ones:")
        yield table(*columns(), rows=rows(carriers), cut=1)
        yield from advice(carriers)


@answers
def used_in(
    identity: Id,
    old: Annotated[bool, typer.Option("--old", help=_("Only what shows a detail that is no longer right."))] = False,
) -> Answer:
    """List the letters, pages and posts that show a contact, and those that show an old detail."""
    from veille_cli.carried import advice, carriers_of, columns, rows
    from veille_cli.wiring import newsroom

    with newsroom() as room:
        found = carriers_of(room, identity)
    shown = [carrier for carrier in found if carrier.corrections or not old]
    data = {"id": identity, "publications": [carrier.data() for carrier in shown]}
    if not shown:
        none = _("No publication shows an old detail of it.") if found else _("No publication shows it.")
        return Answer(data=data, text=[none])
    listed = [carrier for carrier in shown if carrier.bearer.named or carrier.corrections]
    text: list[RenderableType] = [table(*columns(), rows=rows(listed), cut=1)] if listed else []
    if block := len(shown) - len(listed):
        words = ngettext(
            "{n} publication shows it in the emergency block.",
            "{n} publications show it in the emergency block.",
            block,
        )
        text.append(words.format(n=block))
    return Answer(data=data, text=[*text, *advice(shown)])


@answers
def list_(
    need: Annotated[str, typer.Option("--need", help=_("Only for this need: food, shelter…"))] = "",
    town: Annotated[str, typer.Option("--town", help=_("Only those for this town."))] = "",
) -> Answer:
    """List the partners, by need and town."""
    from veille_cli.commands.export import town_of
    from veille_cli.wiring import newsroom

    with newsroom() as room:
        towns = room.config.towns
        wanted, place = _need(need), town_of(room, town)
        found = [
            partner
            for partner in room.library.partners.values()
            if (not wanted or wanted in partner.needs) and (not place or not partner.towns or place in partner.towns)
        ]
    lines: list[dict[str, Any]] = [
        {
            "id": partner.id,
            "name": partner.name,
            "phone": partner.phone or partner.sms,
            "needs": [need.value for need in partner.needs],
            "towns": [towns.get(slug, slug) for slug in partner.towns],
        }
        for partner in sorted(found, key=lambda partner: (partner.needs[0], partner.name))
    ]
    rows = [[p["id"], p["phone"], _for_what_and_where(p)] for p in lines]
    return Answer(
        data={"partners": lines},
        text=[table(_("Contact"), _("Phone"), _("For what, and where"), rows=rows, cut=2) if rows else _nobody()],
    )


def _nobody() -> str:
    return _("There is no such partner. `veille new partner` makes one.")


def _need(typed: str) -> str:
    """The code of a need, typed as a code or as pages call it; "" for all."""
    from slugify import slugify

    from veille.partners import Need
    from veille.rendering.labels import need_label

    wanted = str(slugify(typed))
    for need in Need:
        if wanted in (need.value, slugify(need_label(need))):
            return need.value
    if not wanted:
        return ""
    known = ", ".join(f"{need} ({need_label(need)})" for need in Need)
    words = _("{text} is no need; there are {known}")
    raise typer.BadParameter(words.format(text=typed, known=known), param_hint="--need")


def _for_what_and_where(partner: dict[str, Any]) -> str:
    """ "Food, Health · Bagneux", in the newsroom's language; the codes stay in JSON."""
    from veille.partners import Need
    from veille.rendering.labels import need_label

    needs = ", ".join(need_label(Need(need)) for need in partner["needs"])
    return " · ".join(part for part in (needs, ", ".join(partner["towns"])) if part)
