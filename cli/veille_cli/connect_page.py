"""Through a page: a person's token, a lasting one for it, and that of the page; for Facebook, and for Instagram too."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from veille.access_problems import SCOPES, Told
from veille.errors import NotAuthorised, Rejected
from veille.i18n import gettext as _
from veille.posts import SERVICES
from veille_cli import connect_steps as steps
from veille_cli.connect_flow import Flow
from veille_cli.connecting import Connection, NotUsable, pasted
from veille_publishers import http
from veille_publishers.access_check import facebook_login, secret
from veille_publishers.graph_login import FacebookLogin
from veille_publishers.login_answers import PageFound

LONG = timedelta(days=30)  # a token with more than that left need not be prolonged


class PageFlow(Flow):
    """Through a page: a person's token, a lasting one for it, and that of the page."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._tried_kept = False
        self._accounts = self.channel == "instagram"
        self._pasted = bool(self.dialogue.token)

    def run(self) -> Connection:
        self.dialogue.say(*steps.welcome(SERVICES[self.channel], page=True))
        login, user, told = self.dialogue.until(self._user)
        self.dialogue.say(*(steps.page() if self._pasted else steps.known()))
        pages, page = self.dialogue.until(lambda: self._page(login, user, told))
        if not page.token:
            raise NotUsable(
                _("Facebook gives no access to the page {name}").format(name=page.name or page.id),
                hint=_("somebody with full control of the page gives you the task “Content”, then start again"),
            )
        app_id, app_secret = self.app_of()
        tokens = {"access_token": page.token, "app_secret": app_secret}
        if told.kind != "PAGE":
            tokens["user_token"] = user
        settings = {"app_id": app_id}
        if self.channel == "facebook":
            return self.connection(tokens, settings | {"page_id": page.id}, (page.name, page.id), pages=pages)
        settings |= {"user_id": page.instagram_id, "login": "facebook"}
        name = login.account(user if told.kind != "PAGE" else page.token, page.instagram_id).name
        return self.connection(tokens, settings, (name, page.instagram_id), pages=pages)

    # --- the person

    def _user(self) -> tuple[FacebookLogin, str, Told]:
        """A lasting token of the person, and what Meta says of it; a page's token as it is."""
        app_id, app_secret = self.app_of(self.settings, self.current.settings("facebook"))
        section = self.with_({"app_secret": app_secret}, {"app_id": app_id})
        login = facebook_login(section, http.session())
        try:
            token = pasted(self.dialogue.token or self._kept(login) or self._asked())
            told = login.told(token)
        except NotAuthorised:
            self.forget_app()
            raise
        self._usable(told)
        lasts = told.expires_at is None or told.expires_at - self.room.clock() > LONG
        if told.kind == "USER" and not lasts:
            token = login.prolonged(token).token
            told = login.told(token)
        return login, token, told

    def _asked(self) -> str:
        scopes = steps.FOR_PAGE if self.channel == "facebook" else (*steps.FOR_PAGE[:2], *steps.FOR_ACCOUNT)
        self.dialogue.say(*steps.person(scopes))
        self._pasted = True
        return self.dialogue.ask_hidden(_("Access token"), _("name the file that holds it: --token-file FILE"))

    def _kept(self, login: FacebookLogin) -> str:
        """A token that is there already, if nobody is to be asked or the other channel has a good one."""
        if self._tried_kept or (self.channel == "facebook" and self.dialogue.interactive):
            return ""
        self._tried_kept = True
        again = self.dialogue.interactive and secret(self.settings, "access_token")  # the person wants another one
        for channel in ("facebook",) if again else (self.channel, "facebook"):
            token = secret(self.current.settings(channel), "user_token")
            if token and (told := login.told(token)).valid and not self._lacking(told):
                return token
        return "" if again else secret(self.settings, "user_token")  # what is wrong with it is told

    def _usable(self, told: Told) -> None:
        """Raise what is wrong with a token, so that it can be mended at once."""
        if not told.valid:
            raise NotUsable(
                told.why or _("Meta does not accept this token"),
                hint=_("make a new one, copy all of it, and paste it within the hour"),
            )
        if lacking := self._lacking(told):
            raise NotUsable(
                _("this token lacks the permissions: {names}").format(names=", ".join(lacking)),
                hint=_("add them under “Permissions”, press “Generate Access Token” again, and paste the new one"),
            )

    def _lacking(self, told: Told) -> list[str]:
        return [scope for scope in SCOPES[self.channel, "facebook"] if scope not in told.scopes]

    # --- the page

    def _page(self, login: FacebookLogin, user: str, told: Told) -> tuple[tuple[PageFound, ...], PageFound]:
        """The page, and what there was to choose from."""
        if told.kind == "PAGE":
            own = replace(login.page(user, "me", accounts=self._accounts), token=user)
            return (own,), self._linked(own)
        pages = tuple(self._listed(login, user))
        if self.channel == "instagram":
            pages = tuple(page for page in pages if page.instagram_id)
        if self.wanted.page:
            return pages, self._linked(self._named(login, user, pages, self.wanted.page))
        if len(pages) > 1:
            return pages, self._chosen(pages)
        configured = getattr(self.settings, "page_id", "")
        return pages, pages[0] if pages else self._linked(self._named(login, user, pages, configured))

    def _listed(self, login: FacebookLogin, user: str) -> list[PageFound]:
        try:
            return login.pages(user, accounts=self._accounts)
        except (NotAuthorised, Rejected):  # pages_show_list is not needed for posting
            return []

    def _named(self, login: FacebookLogin, user: str, pages: tuple[PageFound, ...], name: str) -> PageFound:
        """A page by its id, or by that of its account; system users may see pages that are not listed for them."""
        if found := [page for page in pages if name and name in (page.id, page.instagram_id)]:
            return found[0]
        try:
            if name:
                return login.page(user, name, accounts=self._accounts)
        except (NotAuthorised, Rejected):
            pass
        raise NotUsable(
            _("Facebook shows no such page for this token") if name else self._nothing(),
            hint=_(
                "make a new token: log in as somebody who manages the page, and tick it when Facebook asks; "
                "if the page belongs to a business portfolio, add the permission business_management"
            ),
        )

    def _nothing(self) -> str:
        if self.channel == "instagram":
            return _("no page of this token has a professional Instagram account linked to it")
        return _("Facebook shows no page for this token")

    def _linked(self, page: PageFound) -> PageFound:
        if self.channel == "instagram" and not page.instagram_id:
            raise NotUsable(
                _("no professional Instagram account is linked to the page {name}").format(name=page.name or page.id),
                hint=_("link it in the settings of the page, “Linked accounts”, then start again"),
            )
        return page

    def _chosen(self, pages: tuple[PageFound, ...]) -> PageFound:
        configured = [getattr(self.settings, name, "") for name in ("page_id", "user_id")]
        for number, page in enumerate(pages, 1):
            may = page.tasks is None or "CREATE_CONTENT" in page.tasks
            note = "" if may else " · " + _("you may not publish there")
            self.dialogue.say(f"  {number}. {page.name} ({page.id}){note}")
        known = [page for page in pages if {page.id, page.instagram_id} & {*filter(None, configured)}]
        if known and not self.dialogue.interactive:
            return known[0]
        ids = ", ".join(page.id for page in pages)
        typed = self.dialogue.ask(
            _("Which page? Its number"), _("choose one: --page ID; there are {ids}").format(ids=ids)
        )
        if not typed.isdecimal() or not 1 <= int(typed) <= len(pages):
            raise NotUsable(_("there is no such number in the list"), hint=_("type the number before the page"))
        return pages[int(typed) - 1]
