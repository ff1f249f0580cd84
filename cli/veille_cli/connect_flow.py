"""What both ways to an access have in common: the app, and a look at what was found. Nothing is kept here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from veille.current import Current
from veille.i18n import gettext as _
from veille.settings import INSTAGRAM_URL
from veille_cli import connect_steps as steps
from veille_cli.connecting import Connection, Dialogue
from veille_publishers import http
from veille_publishers.access_check import login_of, look, secret

if TYPE_CHECKING:
    from veille_cli.wiring import Newsroom


@dataclass(frozen=True)
class Wanted:
    """What the command line named beforehand.

    Args:
        page: id of the page or account; app_id: of the app.
    """

    page: str = ""
    app_id: str = ""


class Flow:
    """What both logins have in common."""

    login = "facebook"

    def __init__(self, room: Newsroom, channel: str, dialogue: Dialogue, wanted: Wanted) -> None:
        self.room = room
        self.channel = channel
        self.dialogue = dialogue
        self.wanted = wanted
        self.current = Current(room.config)
        self.settings: Any = self._of_login(self.current.settings(channel))
        self.app: tuple[str, str] | None = None  # id and secret
        self._ask_app = False  # those of the settings were refused

    def _of_login(self, section: Any) -> Any:
        """The section as it is for this login: `connect` may change it."""
        if login_of(section) == self.login:
            return section
        default = INSTAGRAM_URL if self.login == "instagram" else type(section).model_fields["api_url"].default
        chosen = {"login": self.login} | ({} if "api_url" in self._typed(section) else {"api_url": default})
        return section.model_copy(update=chosen)

    def _typed(self, section: Any) -> set[str]:
        """Settings that a person wrote: that of the host may have followed from the login."""
        return {key for key in section.model_fields_set if key != "api_url" or section.api_url != INSTAGRAM_URL}

    def app_of(self, *sections: Any) -> tuple[str, str]:
        """App id and secret: as set, or asked for."""
        if self.app is None:
            known = [] if self._ask_app else sections
            app_id = self.wanted.app_id or next((one.app_id for one in known if one.app_id), "")
            mine = [one for one in known if one.app_id in ("", app_id)]
            app_secret = next((value for one in mine if (value := secret(one, "app_secret"))), "")
            if not (app_id and app_secret):
                self.dialogue.say(*steps.app())
            app_id = app_id or self.dialogue.ask(_("App ID"), _("name it: --app-id 1234567890"))
            where = f"VEILLE_{self.channel}__APP_SECRET".upper()
            missing = _("set the environment variable {name} (or {name}_FILE)").format(name=where)
            app_secret = app_secret or self.dialogue.ask_hidden(_("App secret"), missing)
            self.app = app_id.strip(), app_secret.strip()
        return self.app

    def forget_app(self) -> None:
        """Meta refused it: a person may type another one."""
        self.app, self._ask_app = None, self.dialogue.interactive
        self.wanted = replace(self.wanted, app_id="" if self.dialogue.interactive else self.wanted.app_id)

    def with_(self, tokens: dict[str, str], settings: dict[str, str]) -> Any:
        """The section with what was found."""
        secrets = {key: SecretStr(value) for key, value in tokens.items()}
        return self.settings.model_copy(update={**secrets, **settings})

    def connection(
        self, tokens: dict[str, str], settings: dict[str, str], account: tuple[str, str], **more: Any
    ) -> Connection:
        """Look at what was found as the daily check will, without renewing anything."""
        section = self.with_(tokens, settings)
        chosen = self.room.config.settings.model_copy(update={self.channel: section})
        config = self.room.config.model_copy(
            update={"settings": chosen, "from_store": frozenset((self.channel, key) for key in tokens)}
        )
        looked = look(self.channel, config, section, http.session(), self.room.clock, renew=False)
        standing = replace(looked.standing, refreshed_at=self.room.clock())
        return Connection(self.channel, section, tokens, settings, account, standing, **more)
