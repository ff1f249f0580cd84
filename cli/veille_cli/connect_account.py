"""Of an Instagram account alone, without a page: a token of 60 days, which veille renews."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit, urlunsplit

from veille.access_problems import SCOPES, other_account
from veille.errors import NotAuthorised, PublishError, Rejected, Unavailable
from veille.i18n import gettext as _
from veille.posts import SERVICES
from veille_cli import connect_steps as steps
from veille_cli.connect_flow import Flow
from veille_cli.connecting import Connection, NotUsable, pasted
from veille_publishers import http
from veille_publishers.access_check import instagram_login, secret
from veille_publishers.login_answers import Account, Given

PROFESSIONAL = ("", "business", "media_creator", "creator")  # "": Meta did not say


class AccountFlow(Flow):
    """Of an Instagram account alone: a token of 60 days, which veille renews."""

    login = "instagram"

    def run(self) -> Connection:
        self.dialogue.say(*steps.welcome(SERVICES["instagram"], page=False))
        given, account = self.dialogue.until(self._account)
        tokens = {"access_token": given.token}
        settings = {"user_id": account[1], "login": "instagram"}
        if self.settings.in_query:
            settings["token_in"] = self.settings.token_in
        if self.app is not None:
            tokens["app_secret"], settings["app_id"] = self.app[1], self.app[0]
        made = self.connection(tokens, settings, account)
        end = self.room.clock() + given.expires_in if given.expires_in else None
        return replace(made, standing=replace(made.standing, expires_at=end))

    def _account(self) -> tuple[Given, tuple[str, str]]:
        given = self._given()
        account = self._me(given.token)
        if account.kind.lower() not in PROFESSIONAL:
            raise NotUsable(
                _("the account {name} is a personal one: Instagram lets no program post there").format(
                    name=account.name
                ),
                hint=_("in the Instagram app: “Settings”, “Account type and tools”, “Switch to professional account”"),
            )
        if self.wanted.page and account.id != self.wanted.page:
            problem = other_account(account.name or account.id)
            raise NotUsable(problem.message, hint=problem.hint)
        return given, (account.name, account.id)

    def _me(self, token: str) -> Account:
        """The account of the token, which goes as a parameter if this host takes no header: no page of Meta says."""
        try:
            return instagram_login(self.settings, http.session()).me(token)
        except (NotAuthorised, Rejected) as error:
            if self.settings.in_query:
                raise
            other = self.settings.model_copy(update={"token_in": "query"})
            try:
                account = instagram_login(other, http.session()).me(token)
            except PublishError:
                raise error from None
            self.settings = other
            return account

    def _given(self) -> Given:
        """A lasting token out of what was pasted: a token, or the address with a code in it."""
        text = self.dialogue.token or self._from_environment()
        if not text:
            self.dialogue.say(*steps.account())
            missing = _("name the file that holds it: --token-file FILE")
            text = self.dialogue.ask_hidden(_("Access token, or the address"), missing)
        if text.startswith(("http://", "https://")):
            return self._redeemed(text)
        token = pasted(text)
        lacking = self._short_lived(token)
        return lacking or Given(token)

    def _from_environment(self) -> str:
        stored = ("instagram", "access_token") in self.room.config.from_store
        return "" if self.dialogue.interactive or stored else secret(self.settings, "access_token")

    def _short_lived(self, token: str) -> Given | None:
        """The lasting token for one of an hour; None: it lasts already, as those of the app's pages do."""
        if not (secret(self.settings, "app_secret")):
            return None
        try:
            return instagram_login(self.settings, http.session()).prolonged(token)
        except PublishError as error:
            if isinstance(error, Unavailable) and "code" not in error.detail:
                raise  # nobody answered
            return None

    def _redeemed(self, address: str) -> Given:
        parts = urlsplit(address)
        code = parse_qs(parts.query).get("code", [""])[0].removesuffix("#_")
        if not code:
            raise NotUsable(
                _("there is no “code=” in this address"),
                hint=_("copy the whole line of the browser's address bar after you allowed everything"),
            )
        app_id, app_secret = self.app_of(self.settings)
        section = self.with_({"app_secret": app_secret}, {"app_id": app_id})
        login = instagram_login(section, http.session())
        short = login.redeemed(code, urlunsplit((parts.scheme, parts.netloc, parts.path, "", "")))
        if short.permissions is not None:
            self._granted(short.permissions)
        return login.prolonged(short.token)

    def _granted(self, permissions: frozenset[str]) -> None:
        if lacking := [scope for scope in SCOPES["instagram", "instagram"] if scope not in permissions]:
            raise NotUsable(
                _("this token lacks the permissions: {names}").format(names=", ".join(lacking)),
                hint=_("log in again, and allow everything that is asked"),
            )
