"""One look at a channel's access: whether it works, until when, and what it may do; what ends by itself is renewed.

Nothing becomes public here: tokens are examined and renewed, names are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import requests

from veille import access_problems as problems
from veille.access import Standing, mark_of, refresh_due
from veille.access_problems import SCOPES, Problem, Told
from veille.config import Config
from veille.credentials import variable
from veille.errors import NotAuthorised, PublishError, Rejected, Unavailable
from veille_publishers import graph_errors
from veille_publishers.graph_login import FacebookLogin, InstagramLogin, Watch
from veille_publishers.graph_table import TABLE, Reaction
from veille_publishers.login_answers import PageFound

ENDED = (102, 190)  # Meta's codes for a token that is over


@dataclass(frozen=True)
class Looked:
    """What one look found.

    Args:
        changes: what the token store must keep from now on.
        name: of the page or account; "" when it was not read.
    """

    standing: Standing
    changes: Mapping[str, str] = field(default_factory=dict, repr=False)
    name: str = ""


def secret(settings: Any, key: str) -> str:
    """A secret of a section as text; "" when it is not set."""
    value = getattr(settings, key)
    return value.get_secret_value() if value else ""


def facebook_login(settings: Any, http: requests.Session) -> FacebookLogin:
    """Calls about tokens of people and pages, as a section says."""
    app = (settings.app_id, secret(settings, "app_secret"))
    return FacebookLogin(http, settings.api_url, settings.api_version, *app, settings.in_query)


def instagram_login(settings: Any, http: requests.Session) -> InstagramLogin:
    """Calls about tokens of an account alone, as [instagram] says."""
    app = (settings.app_id, secret(settings, "app_secret"))
    return InstagramLogin(http, settings.api_url, settings.api_version, settings.oauth_url, *app, settings.in_query)


def login_of(settings: Any) -> str:
    """Which login a section's token comes from: "facebook" or "instagram"."""
    return str(getattr(settings, "login", "facebook"))


def look(
    channel: str,
    config: Config,
    settings: Any,
    http: requests.Session,
    clock: Callable[[], datetime],
    before: Standing | None = None,
    *,
    renew: bool = True,
) -> Looked:
    """Look at the access of a channel now.

    Args:
        channel: "facebook" or "instagram"; `settings`: its section, with the newest tokens.
        before: what was known.
        renew: renew what ends by itself and is kept in the token store.

    Raises:
        Unavailable: Meta gave no usable answer; nothing is known that was not known before.
    """
    kept = {key for section, key in config.from_store if section == channel} if renew else set()
    kind = _AccountLook if login_of(settings) == "instagram" else _PageLook
    watch = Watch(http, clock)
    looked = kind(channel, config, settings, http, clock(), kept).look(before)
    found = (*looked.standing.problems, *problems.skewed(watch.skew))
    standing = replace(looked.standing, problems=found).after(before, clock())
    return replace(looked, standing=standing)


@dataclass
class _Look:
    """What both logins have in common."""

    channel: str
    config: Config
    settings: Any
    http: requests.Session
    now: datetime
    kept: set[str]  # settings that lie in the token store: these may be renewed
    found: list[Problem] = field(default_factory=list)
    changes: dict[str, str] = field(default_factory=dict)
    valid: bool = True

    def __post_init__(self) -> None:
        self.token = secret(self.settings, "access_token")

    def find(self, found: Iterable[Problem]) -> None:
        self.found += found

    def read(self, asking: Callable[[], str]) -> str:
        """A name; "" when Meta refuses it, which is told."""
        try:
            return asking()
        except NotAuthorised as error:
            self.valid = code_of(error) not in ENDED
            self.find([problems.refused(error.message, error.hint) if self.valid else problems.ended(error.message)])
        except Rejected as error:
            self.find([problems.refused(error.message, error.hint)])
        return ""

    def renews(self, key: str, value: str) -> None:
        self.changes[variable(self.channel, key)] = value

    def looked(self, name: str, **values: Any) -> Looked:
        token = self.changes.get(variable(self.channel, "access_token"), self.token)
        common = {"checked_at": self.now, "valid": self.valid, "problems": tuple(self.found)}
        standing = Standing(self.channel, mark_of(token), self.now, **{**common, **values})
        return Looked(standing, self.changes, name)


class _PageLook(_Look):
    """Facebook Login: a page token, and the token of the person or system user behind it."""

    def look(self, before: Standing | None) -> Looked:
        self.login = facebook_login(self.settings, self.http)
        examined = bool(self.settings.app_id and self.login.app_secret)
        told = self._told() if examined else Told(valid=True)
        self.valid = told.valid
        self.find([] if examined else [problems.blind()])
        name = self.read(self._name) if told.valid else ""
        if examined and (user := secret(self.settings, "user_token")):
            told = self._second(user, told)
        given_at = self.now if self.changes else before.refreshed_at if before else None
        ends = {"expires_at": told.expires_at, "data_access_expires_at": told.data_access_expires_at}
        return self.looked(name, refreshed_at=given_at, **ends)

    def _told(self) -> Told:
        """What Meta says of the token; of one of an app that is not ours there is nothing to say."""
        told = self.login.told(self.token)
        page, account = self.config.settings.facebook.page_id, self.config.settings.instagram.user_id
        needed = SCOPES[self.channel, "facebook"]
        self.find(problems.judge(needed, told, page=page, account=account, app_id=self.settings.app_id))
        if self.channel == "facebook":
            self.find(problems.not_of_page(told))
        return told

    def _name(self) -> str:
        if self.channel == "facebook":
            return self.login.name(self.token, self.settings.page_id) if self.settings.page_id else ""
        if not self.settings.user_id:
            return ""
        try:
            return self.login.account(self.token, self.settings.user_id).name
        except NotAuthorised as error:
            other = secret(self.settings, "user_token")
            if not graph_errors.other_token_may_read(error) or not other:
                raise
            return self.login.account(other, self.settings.user_id).name  # Meta shows it to the person only

    def _second(self, user: str, told: Told) -> Told:
        """The token behind the page token: what its owner may do, and 60 more days in time.

        Returns:
            What Meta says of the page token that counts from now on.
        """
        theirs = self.login.told(user)
        if not theirs.valid:
            self.find(problems.second_ends(theirs, self.now))
            return told
        ends = theirs.expires_at and "user_token" in self.kept
        if ends and refresh_due(theirs.issued_at, theirs.expires_at, self.now):
            user, theirs, told = self._prolonged(user, theirs, told)
        self.find(problems.second_ends(theirs, self.now))
        if self.channel == "facebook":
            page = self._own_page(user)
            self.find(problems.lacks_task(page.tasks if page else None))
        return told

    def _prolonged(self, user: str, theirs: Told, told: Told) -> tuple[str, Told, Told]:
        """60 more days for the person's token, and with it a new page token if that one ends too."""
        try:
            given = self.login.prolonged(user, sixty_days=theirs.kind == "SYSTEM_USER").token
            fresh = self.login.told(given)
            if given == user or not fresh.valid:
                return user, theirs, told
            if told.expires_at is not None and "access_token" in self.kept:
                page = self._own_page(given)
                newer = self.login.told(page.token) if page and page.token else None
                if page and newer and newer.valid:
                    self.renews("access_token", page.token)
                    told = newer
            self.renews("user_token", given)
        except PublishError as error:
            self.find([problems.not_renewed(error.message)])
            return user, theirs, told
        return given, fresh, told

    def _own_page(self, user: str) -> PageFound | None:
        """Our page as its person sees it; None when Meta does not list it for them."""
        page_id, account = self.config.settings.facebook.page_id, self.config.settings.instagram.user_id
        try:
            pages = self.login.pages(user, accounts=self.channel == "instagram")
        except (NotAuthorised, Rejected):  # a system user to whom pages were assigned one by one
            pages = []
        own = [page for page in pages if page.id == page_id or (account and page.instagram_id == account)]
        if own:
            return own[0]
        try:
            return self.login.page(user, page_id) if page_id else None
        except (NotAuthorised, Rejected):
            return None


class _AccountLook(_Look):
    """Instagram Login: one token of 60 days, which Meta does not examine for us; its end is remembered."""

    def look(self, before: Standing | None) -> Looked:
        self.login = instagram_login(self.settings, self.http)
        known = before if before and before.mark == mark_of(self.token) else None
        expires, given_at = (known.expires_at, known.refreshed_at) if known else (None, None)
        name = self.read(self._name)
        if self.valid and "access_token" in self.kept and refresh_due(given_at, expires, self.now):
            try:
                given = self.login.renewed(self.token)
                self.renews("access_token", given.token)
                expires = self.now + given.expires_in if given.expires_in else None
                given_at = self.now
            except PublishError as error:
                if expires is not None or isinstance(error, Unavailable):  # one that is a day old is too young
                    self.find([problems.not_renewed(error.message)])
        elif self.valid and ("instagram", "access_token") not in self.config.from_store:
            self.find([problems.not_kept()])
        return self.looked(name, expires_at=expires, refreshed_at=given_at)

    def _name(self) -> str:
        account = self.login.me(self.token)
        if self.settings.user_id and account.id != self.settings.user_id:
            self.find([problems.other_account(account.name or account.id)])
        return account.name


def code_of(error: PublishError) -> int:
    """Meta's code behind one of our errors; 0 when it gave none."""
    found = re.match(r"code (-?\d+)", error.detail)
    return int(found[1]) if found else 0


def wants_a_person(reason: str) -> bool:
    """Whether a channel stopped because Meta restricts the account: a new access would not mend that."""
    rules = (rule for rule in TABLE.values() if Reaction.HUMAN in (rule.public, rule.hidden))
    return any(graph_errors.said(rule) in reason for rule in rules)
