"""`veille connect`: gives veille access to a Facebook page or an Instagram account, step by step."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from veille.i18n import gettext as _
from veille_cli.output import Answer, Talk, answers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from veille.access import Standing
    from veille_cli.connecting import Connection, Dialogue
    from veille_cli.wiring import Newsroom


class Channel(StrEnum):
    """What can be connected."""

    FACEBOOK = "facebook"
    INSTAGRAM = "instagram"


@answers
def command(
    channel: Annotated[Channel, typer.Argument(metavar="facebook|instagram", help=_("What to connect."))],
    check: Annotated[bool, typer.Option("--check", help=_("Only look at the access that is there."))] = False,
    write: Annotated[
        bool, typer.Option("--write", help=_("Add the lines to veille.toml; else they are shown."))
    ] = False,
    page: Annotated[str, typer.Option("--page", metavar="ID", help=_("Which page or account, by its id."))] = "",
    app_id: Annotated[str, typer.Option("--app-id", metavar="ID", help=_("The app, by its id."))] = "",
    login: Annotated[
        Channel | None,
        typer.Option(
            "--login", metavar="LOGIN", help=_("Instagram: through the page (facebook), or alone (instagram).")
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option("--token-file", metavar="FILE", help=_("A file that holds the token; - for standard input.")),
    ] = None,
    *,
    talk: Talk,
) -> Answer:
    """Give veille access to the Facebook page or the Instagram account, step by step."""
    from veille_cli.connect_account import AccountFlow
    from veille_cli.connect_flow import Wanted
    from veille_cli.connect_page import PageFlow
    from veille_cli.connecting import Dialogue, from_file
    from veille_cli.wiring import newsroom

    if login and channel is Channel.FACEBOOK:
        raise typer.BadParameter(_("--login is for instagram"), param_hint="--login")
    with newsroom() as room:
        if check:
            return _checked(room, channel.value)
        dialogue = Dialogue(talk, from_file(token_file))
        alone = channel is Channel.INSTAGRAM and _login(room, dialogue, login or "") == "instagram"
        flow = AccountFlow if alone else PageFlow
        return _kept(room, flow(room, channel.value, dialogue, Wanted(page, app_id)).run(), write=write)


def _login(room: Newsroom, dialogue: Dialogue, option: str) -> str:
    """Which login Instagram is connected with: as asked for, as set, else as the person says."""
    from veille.errors import ConfigError

    section = room.config.settings.instagram
    if option or "login" in section.model_fields_set or not dialogue.interactive:
        return option or section.login
    dialogue.say(
        _("Is the Instagram account linked to a Facebook page that you manage? If nobody knows: it is not."),
    )
    answer = dialogue.ask(_("Linked to a page? yes or no"), _("say it: --login facebook, or --login instagram"))
    yes = answer.strip().lower()[:1] in ("y", "o")
    if not yes and answer.strip().lower()[:1] != "n":
        raise ConfigError(_("this is neither yes nor no"), hint=_("start again, and type yes or no"))
    return "facebook" if yes else "instagram"


def _checked(room: Newsroom, channel: str) -> Answer:
    """Look, and change nothing but what is known."""
    from veille.current import Current
    from veille.errors import ConfigError
    from veille_cli import connect_report as report
    from veille_cli.access_watch import check

    looked = check(room, channel, always=True, renew=False)
    if looked is None:
        raise ConfigError(
            _("nobody gave veille access to {channel} yet").format(channel=channel),
            hint=_("run `veille connect {channel}`").format(channel=channel),
        )
    standing, settings = looked.standing, Current(room.config).settings(channel)
    account = settings.page_id if channel == "facebook" else settings.user_id
    shown = report.rows(standing, room, report.named(looked.name, account), settings)
    return Answer(
        data={"channel": channel, "checks": report.as_data(shown, channel), "access": _access(standing, room)},
        text=report.text(shown, channel),
        exit_code=report.exit_code(shown, standing, room),
        errors=report.errors(shown, channel),
    )


def _kept(room: Newsroom, made: Connection, *, write: bool) -> Answer:
    """Keep an access that works; what does not work changes nothing."""
    from veille_cli import connect_report as report
    from veille_publishers.access_check import login_of

    shown = report.rows(made.standing, room, report.named(*made.account), made.section)
    failed = report.errors(shown, made.channel)
    data: dict[str, Any] = {
        "channel": made.channel,
        "login": login_of(made.section),
        "account": {"id": made.account[1], "name": made.account[0]},
        "pages": [{"id": one.id, "name": one.name, "instagram_id": one.instagram_id} for one in made.pages],
        "settings": {made.channel: dict(made.settings)},
        "checks": report.as_data(shown, made.channel),
        "access": _access(made.standing, room),
        "stored_in": None,
        "written": False,
        "resumed": False,
    }
    lines: list[RenderableType]
    if failed:
        lines = [_("Nothing was changed: with this access no post could leave.")]
    else:
        lines = _keep(room, made, data, write=write)
    code = report.exit_code(shown, made.standing, room)
    return Answer(data=data, text=[*report.text(shown, made.channel), *lines], exit_code=code, errors=failed)


def _keep(room: Newsroom, made: Connection, data: dict[str, Any], *, write: bool) -> list[RenderableType]:
    from veille.credentials import opened, variable
    from veille.outbox.access import Accesses
    from veille_cli.connect_steps import ends

    store = opened(room.config.root, room.config.settings.workspace.token_store)
    store.save({variable(made.channel, key): value for key, value in made.tokens.items()})
    Accesses(room.database).keep(made.standing)
    settled, written = _settled(room, _missing(room, made), write=write)
    data |= {"stored_in": store.where, "written": written, "resumed": _resumed(room, made.channel)}
    words = [_("The access is kept in {place}, for this user only.").format(place=store.where)]
    words += _shadowed(room, made)
    if data["resumed"]:
        words.append(_("{channel} goes on: what waited leaves with the next round.").format(channel=made.channel))
    words += settled
    if room.config.channel(made.channel).transport != "graph":
        words.append(
            _('Posts still go to the sandbox. When you are ready: transport = "graph" under [{channel}].').format(
                channel=made.channel
            )
        )
    return [*words, *ends(made.channel)]


def _missing(room: Newsroom, made: Connection) -> dict[str, dict[str, str]]:
    """What veille.toml does not say yet, whatever the environment says today."""
    from veille.config import FILE_NAME

    fields = type(room.config.channel(made.channel)).model_fields
    section = tomllib.loads((room.config.root / FILE_NAME).read_text(encoding="utf-8-sig")).get(made.channel, {})
    values = {key: value for key, value in made.settings.items() if section.get(key, fields[key].default) != value}
    return {made.channel: values} if values else {}


def _settled(room: Newsroom, missing: Mapping[str, Mapping[str, str]], *, write: bool) -> tuple[list[str], bool]:
    """The lines for veille.toml, and whether they are in it now."""
    from veille.config import FILE_NAME
    from veille.errors import VeilleError
    from veille_cli import toml_edit
    from veille_publishers import files

    if not missing:
        return [], False
    lines = [f"    {line}" for line in toml_edit.lines(missing)]
    if not write:
        return [_("veille.toml must say (or run this again with --write, which adds it):"), *lines], False
    path = room.config.root / FILE_NAME
    try:
        changed = toml_edit.changed(path.read_bytes().decode("utf-8-sig"), missing)
        files.write(path, changed.encode(), mode=path.stat().st_mode & 0o777)
    except VeilleError as error:  # the access is kept all the same
        return [f"! {error.message}", _("veille.toml must say:"), *lines], False
    return [_("Added to veille.toml:"), *lines], True


def _shadowed(room: Newsroom, made: Connection) -> list[str]:
    """What the environment says wins over what was kept now."""
    from veille.credentials import variable

    section = room.config.channel(made.channel)
    given = [key for key in made.tokens if getattr(section, key) and (made.channel, key) not in room.config.from_store]
    other = [key for key in given if getattr(section, key).get_secret_value() != made.tokens[key]]
    words = _("! {name} is set in the environment and wins over what was kept now: remove it")
    return [words.format(name=variable(made.channel, key)) for key in other]


def _resumed(room: Newsroom, channel: str) -> bool:
    """Let a channel go on that stood still for want of access; not one that a person paused, or that Meta restricts."""
    from veille_publishers.access_check import wants_a_person

    stops = [stop for stop in room.report.stops() if stop.channel == channel and not stop.chosen]
    if not stops or wants_a_person(stops[0].reason):
        return False
    room.actions.pause(channel, room.clock(), paused=False)
    return True


def _access(standing: Standing, room: Newsroom) -> dict[str, Any]:
    from veille_cli.access_words import data

    return data(standing, room)
