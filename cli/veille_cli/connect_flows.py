"""Which way leads a person to an access, and along it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from veille.errors import ConfigError
from veille.i18n import gettext as _
from veille_cli.connect_account import AccountFlow
from veille_cli.connect_flow import Wanted
from veille_cli.connect_page import PageFlow
from veille_cli.connecting import Connection, Dialogue

if TYPE_CHECKING:
    from veille_cli.wiring import Newsroom


def connected(room: Newsroom, channel: str, login: str, dialogue: Dialogue, wanted: Wanted) -> Connection:
    """Lead a person to an access for a channel, and look at it.

    Args:
        login: "facebook": through the page; "instagram": of the account alone.

    Raises:
        ConfigError: something is missing and nobody can be asked.
        VeilleError: what was given cannot serve, or Meta cannot be reached.
    """
    kind = AccountFlow if login == "instagram" else PageFlow
    return kind(room, channel, dialogue, wanted).run()


def chosen_login(room: Newsroom, dialogue: Dialogue, option: str) -> str:
    """Which login Instagram is connected with: as asked for, as set, else as the person says."""
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
