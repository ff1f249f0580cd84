"""Getting, renewing and examining tokens: the calls of `veille connect` and of the daily check.

Meta, "Access tokens", "Get long-lived tokens", "Debugging" (developers.facebook.com/docs/facebook-login/guides) and
"Instagram Platform: access_token, refresh_access_token, me" (read 2026-09-11). Some of these calls have a secret among
their parameters: none of it is said, logged or shown by `repr`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from veille.access_problems import Told
from veille.errors import NotAuthorised, Unavailable
from veille.i18n import gettext as _
from veille_publishers.graph import Call, Graph
from veille_publishers.http import body_of
from veille_publishers.login_answers import (
    Account,
    Given,
    PageFound,
    app_refused,
    asked,
    code_refused,
    given,
    page,
    told,
)

PAGE_FIELDS = "id,name,access_token"
ACCOUNT_FIELD = "instagram_business_account"  # asked for where it is needed only: it may take a permission of its own


@dataclass(frozen=True)
class FacebookLogin:
    """Tokens of people, pages and system users.

    Args:
        http: the HTTP session.
        url, version: of the Graph API, as in `Graph`.
        app_id, app_secret: of our app; both are needed to exchange and to examine.
        in_query: as in `Graph`, for the reads that are made with a token.
    """

    http: requests.Session = field(repr=False)
    url: str
    version: str
    app_id: str = ""
    app_secret: str = field(default="", repr=False)
    in_query: bool = False

    def prolonged(self, token: str, *, sixty_days: bool = False) -> Given:
        """A token of a person for about 60 days, for a short one or one that still lives.

        Args:
            sixty_days: it is that of a system user, which ends after 60 days.

        Raises:
            NotAuthorised: the token has ended, or app id and app secret are not those of its app.
            Unavailable: no usable answer; later.
        """
        params = {
            "grant_type": "fb_exchange_token",
            "client_id": self.app_id,
            "client_secret": self.app_secret,
            "fb_exchange_token": token,
            **({"set_token_expires_in_60_days": True} if sixty_days else {}),
        }
        bare = Graph(self.http, self.url, self.version, "")  # no token of its own, so no proof
        return given(asked(bare, Call("GET", "/oauth/access_token", params)))

    def told(self, token: str) -> Told:
        """What Meta says of a token.

        Raises:
            NotAuthorised: app id and app secret do not belong together.
            Unavailable: no usable answer; later.
        """
        # Documented with the app token in the query; the examined token is there anyway.
        app = Graph(self.http, self.url, self.version, f"{self.app_id}|{self.app_secret}", in_query=True)
        try:
            answer = asked(app, Call("GET", "/debug_token", {"input_token": token})).get("data")
        except NotAuthorised as error:  # a token that has ended is an answer, and no error
            raise app_refused(error.detail) from None
        if not isinstance(answer, Mapping):
            raise Unavailable(_("Meta gave no usable answer"), detail="debug_token without data", about_us=True)
        return told(answer)

    def pages(self, token: str, *, accounts: bool = False) -> list[PageFound]:
        """Every page that the owner of a token may act for, with the token of each.

        Args:
            accounts: with the Instagram account of each.

        Raises:
            PublishError: as `Graph.call`.
        """
        fields = f"{PAGE_FIELDS},tasks" + (f",{ACCOUNT_FIELD}" if accounts else "")
        call = Call("GET", "/me/accounts", {"fields": fields, "limit": 100})
        return [page(row) for rows in self.graph(token).pages(call) for row in rows]

    def page(self, token: str, page_id: str, *, accounts: bool = False) -> PageFound:
        """One page; also for a system user, to whom a page was assigned. Arguments and errors as `pages`."""
        fields = PAGE_FIELDS + (f",{ACCOUNT_FIELD}" if accounts else "")
        return page(self.graph(token).call(Call("GET", f"/{page_id}", {"fields": fields})))

    def name(self, token: str, page_id: str) -> str:
        """What a page is called: the least that its access must be able to read.

        Raises:
            PublishError: as `Graph.call`.
        """
        return str(self.graph(token).call(Call("GET", f"/{page_id}", {"fields": "id,name"})).get("name", ""))

    def account(self, token: str, account_id: str) -> Account:
        """The Instagram account that is linked to a page.

        Raises:
            PublishError: as `Graph.call`.
        """
        answer = self.graph(token).call(Call("GET", f"/{account_id}", {"fields": "id,username"}))
        return Account(str(answer.get("id", account_id)), str(answer.get("username", "")))

    def graph(self, token: str) -> Graph:
        """The Graph API for a token, signed as all calls are."""
        return Graph(self.http, self.url, self.version, token, self.app_secret, self.in_query)


@dataclass(frozen=True)
class InstagramLogin:
    """Tokens of an account without a page.

    Args:
        http: the HTTP session.
        url: "https://graph.instagram.com"; version: for reads, the token addresses have none.
        oauth_url: "https://api.instagram.com": gives a token for a code.
        app_id, app_secret: of the Instagram app; needed for codes and short tokens only.
        in_query: as in `Graph`.
    """

    http: requests.Session = field(repr=False)
    url: str
    version: str
    oauth_url: str = ""
    app_id: str = ""
    app_secret: str = field(default="", repr=False)
    in_query: bool = False

    def redeemed(self, code: str, redirect_uri: str) -> Given:
        """A token of one hour for the code in the address to which Instagram sent the person.

        Args:
            redirect_uri: that address without its query.

        Raises:
            NotAuthorised: the code was used, is too old, or belongs to another app or address.
            Unavailable: no usable answer.
        """
        form = {
            "client_id": self.app_id,
            "client_secret": self.app_secret,
            "grant_type": "authorization_code",
            "redirect_uri": redirect_uri,
            "code": code,
        }
        try:
            url = f"{self.oauth_url.rstrip('/')}/oauth/access_token"
            answer = self.http.post(url, data=form, allow_redirects=False, stream=True)
            values = json.loads(body_of(answer))
        except (requests.RequestException, ValueError, RecursionError) as error:
            kind = type(error).__name__  # never the text: it may hold what was sent
            raise Unavailable(_("Instagram gave no usable answer"), detail=kind, about_us=True) from None
        finally:
            self.http.close()
        if isinstance(values, dict) and isinstance(values.get("data"), list) and values["data"]:
            values = values["data"][0]  # both shapes are documented
        if not isinstance(values, dict) or not values.get("access_token"):
            raise code_refused(values, answer.status_code)
        return given(values)

    def prolonged(self, token: str) -> Given:
        """A token of 60 days for one of an hour.

        Raises:
            NotAuthorised: the token has ended, or the secret is not that of its app.
            Unavailable: it is a long one already; or no usable answer.
        """
        params = {"grant_type": "ig_exchange_token", "client_secret": self.app_secret, "access_token": token}
        return given(asked(self._bare(), Call("GET", "/access_token", params)))

    def renewed(self, token: str) -> Given:
        """60 more days for a token of at least a day that has not ended.

        Raises:
            NotAuthorised: it has ended, or lacks the permission instagram_business_basic.
            PublishError: it is too young; or no usable answer.
        """
        params = {"grant_type": "ig_refresh_token", "access_token": token}
        return given(asked(self._bare(), Call("GET", "/refresh_access_token", params)))

    def me(self, token: str) -> Account:
        """The account of a token. Its `user_id` is the one for paths; `id` is another one for each app.

        Raises:
            PublishError: as `Graph.call`.
        """
        fields = {"fields": "user_id,username,account_type"}
        answer = self.graph(token).call(Call("GET", "/me", fields))
        rows = answer.get("data")
        answer = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else answer
        if not answer.get("user_id"):
            raise Unavailable(_("Meta gave no usable answer"), detail="me without user_id", about_us=True)
        return Account(str(answer["user_id"]), str(answer.get("username", "")), str(answer.get("account_type", "")))

    def graph(self, token: str) -> Graph:
        """The Graph API for a token; no page of Meta documents a signature there."""
        return Graph(self.http, self.url, self.version, token, in_query=self.in_query)

    def _bare(self) -> Graph:
        return Graph(self.http, self.url, "", "")


class Watch:
    """Compares this machine's clock with the one that Meta's answers carry.

    Args:
        http: whose answers are looked at.
        clock: aware.
    """

    def __init__(self, http: requests.Session, clock: Callable[[], datetime]) -> None:
        self.skew: timedelta | None = None  # ours minus Meta's; None: no answer said
        self._clock = clock
        http.hooks["response"].append(self._look)

    def _look(self, answer: requests.Response, *_args: Any, **_kwargs: Any) -> None:
        try:
            theirs = parsedate_to_datetime(answer.headers.get("Date", ""))
        except (ValueError, OverflowError, TypeError):
            return
        if theirs.tzinfo is not None:
            self.skew = self._clock() - theirs
