"""`veille new`: a new post, edition or partner, asked for field by field when on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from veille.i18n import gettext as _
from veille.i18n import why
from veille_cli.form import Question, Values, filled, has, nested, slug
from veille_cli.output import Answer, Talk, answers

if TYPE_CHECKING:
    from pathlib import Path

    from veille.editions import Edition
    from veille.posts import Post
    from veille.reading.fields import Fields
    from veille_cli.wiring import Newsroom

Title = Annotated[str | None, typer.Argument(metavar="[TITLE]", help=_("The title."))]
TitleOption = Annotated[str | None, typer.Option("--title", help=_("The title, instead of the argument."))]
Towns = Annotated[list[str] | None, typer.Option("--town", help=_("A town; may be given several times."))]


def make() -> typer.Typer:
    """The group, with its commands in the order in which people need them."""
    from veille_cli.usage import VeilleCommand, VeilleGroup

    group = typer.Typer(
        cls=VeilleGroup, help=_("Make a new post, edition or partner."), no_args_is_help=True, rich_markup_mode=None
    )
    for function in (post, edition, partner):
        group.command(name=function.__name__, cls=VeilleCommand)(function)
    return group


@answers
def post(
    title: Title = None,
    title_option: TitleOption = None,
    kind: Annotated[str | None, typer.Option("--kind", help=_("News, event, service…"))] = None,
    town: Towns = None,
    audience: Annotated[
        list[str] | None,
        typer.Option("--audience", help=_("Young, families or professionals; several times for several.")),
    ] = None,
    date: Annotated[
        str | None, typer.Option("--date", metavar="DAY", help=_("Its date, if not the day it leaves."))
    ] = None,
    summary: Annotated[str | None, typer.Option("--summary", help=_("One or two sentences for lists."))] = None,
    picture: Annotated[str | None, typer.Option("--picture", help=_("The name of a picture in content/media."))] = None,
    alt: Annotated[str | None, typer.Option("--alt", help=_("What the picture shows, in a sentence."))] = None,
    start: Annotated[str | None, typer.Option("--start", metavar="WHEN", help=_("When it begins."))] = None,
    end: Annotated[str | None, typer.Option("--end", metavar="WHEN", help=_("When it ends."))] = None,
    place: Annotated[str | None, typer.Option("--place", help=_("Where it takes place."))] = None,
    deadline: Annotated[str | None, typer.Option("--deadline", metavar="WHEN", help=_("Until when to answer."))] = None,
    *,
    talk: Talk,
) -> Answer:
    """Make a new post. It is a draft until you say otherwise in the file."""
    from veille import starter
    from veille.reading.model import FrontMatter
    from veille_cli.wiring import newsroom

    given = {
        "title": title_option or title,
        "kind": kind,
        "towns": town,
        "audience": audience,
        "date": date,
        "summary": summary,
        "image.src": picture,
        "image.alt": alt,
        "event.start": start,
        "event.end": end,
        "event.place": place,
        "deadline": deadline,
    }
    with newsroom() as room:
        folder = room.config.root / "content" / "posts"
        values = filled(FrontMatter, _post_questions(room), given, room, folder, talk)
        path = _dated_path(folder, values["title"], room)
        front = {"title": values.pop("title"), "date": values.pop("date", None), "draft": True, **values}
        return _written(path, FrontMatter, front, room, starter.placeholder())


def _post_questions(room: Newsroom) -> Sequence[Question]:
    from veille.posts import Audience, Kind
    from veille.rendering.labels import audience_label, kind_label

    happens = ("event", "leisure", "training", "initiative")
    towns = ", ".join(room.config.towns.values())
    kinds = _choices({kind.value: kind_label(kind) for kind in Kind})
    audiences = _choices({audience.value: audience_label(audience) for audience in Audience})
    return (
        Question("title", _("TITLE"), _("Title")),
        Question("kind", "--kind", _("What is it? ({choices})").format(choices=kinds), default=Kind.NEWS.value),
        Question(
            "towns",
            "--town",
            _("For which towns? ({choices}; Enter for all)").format(choices=towns),
            several=True,
            when=lambda _values: bool(towns),
        ),
        Question(
            "audience", "--audience", _("For whom? ({choices}; Enter for all)").format(choices=audiences), several=True
        ),
        Question(
            "event.start",
            "--start",
            _("When does it begin? (2026-12-05 17:00; Enter if it has no time)"),
            when=lambda values: values.get("kind") in happens,
        ),
        Question("event.end", "--end", _("When does it end? (Enter if nobody knows)"), when=has("event.start")),
        Question("event.place", "--place", _("Where does it take place?"), when=has("event.start")),
        Question(
            "deadline",
            "--deadline",
            _("Until when can people answer? (Enter if there is no limit)"),
            when=lambda values: values.get("kind") in ("call-for-projects", "training"),
        ),
        Question("date", "--date", _("Its date? (Enter for the day it leaves)")),
        Question("summary", "--summary", _("In one sentence, for lists? (Enter to take the first lines of the text)")),
        Question("image.src", "--picture", _("A picture? (its name in content/media; Enter for none)")),
        Question(
            "image.alt", "--alt", _("What does the picture show, for those who do not see it?"), when=has("image.src")
        ),
    )


def _choices(labels: Mapping[str, str]) -> str:
    """ "event = Rendez-vous · service": what a file holds, and what readers see where that is another word."""
    from slugify import slugify

    return " · ".join(code if slugify(label) == code else f"{code} = {label}" for code, label in labels.items())


@answers
def edition(
    title: Title = None,
    title_option: TitleOption = None,
    posts: Annotated[
        list[str] | None, typer.Option("--post", help=_("A post; may be given several times (default: what waits)."))
    ] = None,
    date: Annotated[
        str | None, typer.Option("--date", metavar="DAY", help=_("Its date, if not the day it leaves."))
    ] = None,
    *,
    talk: Talk,
) -> Answer:
    """Make a new edition of the letter by hand, from the posts that are in no edition yet."""
    from veille.reading.model import EditionFrontMatter
    from veille_cli.wiring import newsroom

    with newsroom() as room:
        folder = room.config.root / "content" / "editions"
        waiting = _waiting(room)
        questions = (
            Question("title", _("TITLE"), _("Title")),
            Question("posts", "--post", _("Which posts, in which order?"), several=True, default=", ".join(waiting)),
            Question("date", "--date", _("Its date? (Enter for the day it leaves)")),
        )
        given = {"title": title_option or title, "posts": posts, "date": date}
        values = filled(EditionFrontMatter, questions, given, room, folder, talk)
        path = _dated_path(folder, values["title"], room)
        front = {
            "title": values["title"],
            "date": values.get("date"),
            "draft": True,
            "posts": values.get("posts") or waiting,
        }
        return _written(path, EditionFrontMatter, front, room, _("Write a few words of welcome here."))


def _waiting(room: Newsroom) -> list[str]:
    """The posts for the letter that no hand-made edition holds."""
    used = {name for made in room.library.editions for name in made.posts}
    return [
        found.source
        for found in room.library.posts
        if found.source not in used
        and not found.draft
        and (found.channels is None or "newsletter" in found.channels)
        and not _over(found.expiry_date, room)
    ]


def _over(moment: datetime | date | None, room: Newsroom) -> bool:
    now = room.clock().astimezone(room.config.zone)
    return moment is not None and (moment < now if isinstance(moment, datetime) else moment < now.date())


@answers
def partner(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help=_("The name of the organisation."))] = None,
    name_option: Annotated[
        str | None, typer.Option("--name", "--title", help=_("The name, instead of the argument."))
    ] = None,
    need: Annotated[
        list[str] | None, typer.Option("--need", help=_("Food, shelter, school…; several times for several."))
    ] = None,
    town: Towns = None,
    description: Annotated[str | None, typer.Option("--description", help=_("What it does, in a sentence."))] = None,
    phone: Annotated[str | None, typer.Option("--phone", help=_("As it is printed."))] = None,
    email: Annotated[str | None, typer.Option("--email", help=_("Its public address."))] = None,
    url: Annotated[str | None, typer.Option("--url", help=_("Its web site."))] = None,
    address: Annotated[str | None, typer.Option("--address", help=_("Street, postcode and town."))] = None,
    hours: Annotated[str | None, typer.Option("--hours", help=_("When it is open, in words."))] = None,
    verified_on: Annotated[
        str | None,
        typer.Option("--verified-on", metavar="DAY", help=_("When somebody last checked all this (default: today).")),
    ] = None,
    *,
    talk: Talk,
) -> Answer:
    """Make a new partner, to be named in posts."""
    from veille.reading.contact_model import PartnerFields
    from veille_cli.wiring import newsroom

    given = {
        "name": name_option or name,
        "needs": need,
        "towns": town,
        "description": description,
        "phone": phone,
        "email": email,
        "url": url,
        "address": address,
        "hours": hours,
        "verified_on": verified_on,
    }
    with newsroom() as room:
        folder = room.config.root / "content" / "partners"
        values = filled(PartnerFields, _partner_questions(room), given, room, folder, talk)
        return _written(folder / f"{slug(values['name'])}.yaml", PartnerFields, values, room, None)


def _partner_questions(room: Newsroom) -> Sequence[Question]:
    from veille.partners import Need
    from veille.rendering.labels import need_label

    towns = ", ".join(room.config.towns.values())
    today = room.clock().astimezone(room.config.zone).date().isoformat()
    needs = _choices({need.value: need_label(need) for need in Need})
    return (
        Question("name", _("NAME"), _("Name of the organisation")),
        Question("needs", "--need", _("What does it help with? ({choices})").format(choices=needs), several=True),
        Question(
            "towns",
            "--town",
            _("In which towns? ({choices}; Enter for all)").format(choices=towns),
            several=True,
            when=lambda _values: bool(towns),
        ),
        Question("description", "--description", _("What does it do, in a sentence?")),
        Question("phone", "--phone", _("Telephone? (Enter for none)")),
        Question("email", "--email", _("E-mail address? (Enter for none)")),
        Question("url", "--url", _("Web site? (Enter for none)")),
        Question("address", "--address", _("Street, postcode and town?")),
        Question("hours", "--hours", _("When is it open?")),
        Question("verified_on", "--verified-on", _("When did somebody check all this with them?"), default=today),
    )


def _dated_path(folder: Path, title: str, room: Newsroom) -> Path:
    """`2026-11-25-title.md`, with a number when another post has this name: names are identities."""
    from veille.reading import name_of

    today = room.clock().astimezone(room.config.zone).date()
    name = slug(title)
    path = folder / f"{today}-{name}.md"
    sources: list[Post | Edition] = [*room.library.posts, *room.library.editions]
    files = (room.config.root / "content").rglob("*.md")
    taken = {name_of(file) for file in files} | {n for s in sources for n in (s.source, s.slug)}
    number = 1
    while name in taken and not path.exists():
        number += 1
        name = f"{slug(title)}-{number}"
        path = folder / f"{today}-{name}.md"
    return path


def _written(path: Path, model: type[Fields], values: Values, room: Newsroom, body: str | None) -> Answer:
    """Write the file, once it reads back without a finding; never over another one."""
    from veille.errors import ContentError, VeilleError
    from veille.reading import examine, file_name, frontmatter, surroundings_of

    file = file_name(path, room.config.root)
    front = nested(values)
    text = frontmatter.dump_yaml(front) if body is None else frontmatter.dump(front, body)
    document = frontmatter.parse_yaml(text, file) if body is None else frontmatter.parse(text, file)
    if found := examine(document, model, surroundings_of(path, room.config)).findings:
        raise ContentError(found)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError:
        message = _("{file} exists already").format(file=file)
        raise VeilleError(message, hint=_("open it and go on there, or choose another name")) from None
    except OSError as error:
        message = _("{file} cannot be written: {reason}").format(file=file, reason=why(error))
        raise VeilleError(message, hint=_("check the folder and its permissions")) from None
    following = "veille check" if body is None else f"veille preview {file}"
    words = _("Next: {command}").format(command=following)
    return Answer(data={"file": file, "path": str(path), "next": following}, text=[file, words])
