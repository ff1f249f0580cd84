"""What the pages work with, made once, and how the database is asked: in threads of its own, a few at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import urlsplit

import anyio
import anyio.to_thread

from veille import i18n, tokens
from veille.config import Config
from veille.errors import RenderError
from veille.outbox.database import Database
from veille.posts import Audience
from veille.rendering.labels import audience_label
from veille.rendering.templating import Templates, shipped
from veille.signup import Signups
from veille.subscribers import Erasure, Subscribers
from veille.timetable import Clock
from veille.tokens import Keys, Purpose
from veille_web.site.alarms import Alarms
from veille_web.site.clients import Proxies
from veille_web.site.fields import Stamps
from veille_web.site.static import Document, Folders

T = TypeVar("T")
THREADS = 8  # that ask the database
_NAMES = {"fr": "Français", "en": "English"}

log = logging.getLogger("veille.serve")


@dataclass(frozen=True)
class Desk:
    """Everything that the pages need.

    Args:
        look: names of the files that each page loads: style, forms, icon, logo ("" for none).
        wake: called when a confirmation mail may be wanted.
        alarm: called with words for the operator.
        bound: host names, besides that of `base_url`, under which this machine may be called.
    """

    config: Config
    database: Database
    keys: Keys
    signups: Signups
    subscribers: Subscribers
    erasure: Erasure
    folders: Folders
    templates: Templates
    look: Mapping[str, str]
    clock: Clock
    wake: Callable[[], None]
    alarm: Callable[[str], None]
    bound: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def alarms(self) -> Alarms:
        """For what goes wrong at every request: told once in a while."""
        return Alarms(self.alarm, self.clock)

    @cached_property
    def proxies(self) -> Proxies:
        """Whose X-Forwarded-For is believed."""
        return Proxies(self.config.settings.serve.trusted_proxies)

    @cached_property
    def stamps(self) -> Stamps:
        """Of forms."""
        return Stamps(self.keys.derive("form"), self.config.settings.serve.max_age_of_form)

    @cached_property
    def root(self) -> str:
        """The path of the site's front page without its slash: "" or "/letter"."""
        return urlsplit(self.config.settings.workspace.base_url).path.rstrip("/")

    @cached_property
    def audiences(self) -> dict[str, str]:
        """Value -> words."""
        return {str(audience): audience_label(audience) for audience in Audience}

    @cached_property
    def languages(self) -> dict[str, str]:
        """Code -> its own name, of those that letters can be in."""
        return {code: _NAMES.get(code, code) for code in i18n.languages()}

    @cached_property
    def _shipped(self) -> Templates:
        """Templates without those of the newsroom."""
        return Templates(self.config.model_copy(update={"root": shipped()}))

    @cached_property
    def _threads(self) -> anyio.CapacityLimiter:
        return anyio.CapacityLimiter(THREADS)

    @cached_property
    def _writers(self) -> anyio.CapacityLimiter:
        """Only one writes into SQLite at a time, and whoever waits for its lock there is not served in order."""
        return anyio.CapacityLimiter(1) if self.database.is_sqlite else self._threads

    async def ask(self, function: Callable[..., T], *values: Any) -> T:
        """Call this in a thread, so that no other page waits for the database."""
        return await anyio.to_thread.run_sync(function, *values, limiter=self._threads)

    async def find(self, address: str) -> Document | str | None:
        """`Folders.find` in a thread. Not one of those that ask the database: pages are shown while it is away."""
        return await anyio.to_thread.run_sync(self.folders.find, address)

    async def write(self, function: Callable[..., T], *values: Any) -> T:
        """The same for what changes the database in one short transaction: in turn, so that nobody waits for long."""
        return await anyio.to_thread.run_sync(function, *values, limiter=self._writers)

    def page(self, template: str, **values: Any) -> str:
        """The HTML of a form or message.

        A template of the newsroom that fails is told to the operator, and ours stands in its place: whoever wants to
        leave must be able to.
        """
        values = {"link": self.link, "look": self.look, **values}
        try:
            return self.templates.render(f"forms/{template}", **values)
        except RenderError as error:
            self.alarms.say(error.message, error.message)
            return self._shipped.render(f"forms/{template}", **values)

    def link(self, target: str) -> str:
        """An address of the site, from its root: these pages stand at any depth."""
        return f"{self.root}/{target}"

    def subscriber(self, purpose: Purpose, token: str) -> int | None:
        """Whom or what a token names; None when it is forged or made for another purpose."""
        return tokens.read(self.keys, purpose, token) if len(token) < 64 else None

    def token(self, purpose: Purpose, number: int) -> str:
        """A token for this purpose."""
        return tokens.make(self.keys, purpose, number)
