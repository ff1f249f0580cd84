"""The composition root: settings, clock, ledger, publishers, made once for a command and closed at its end."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from veille import config as settings
from veille.config import Config
from veille.errors import ConfigError
from veille.i18n import gettext as _
from veille.timetable import Clock

if TYPE_CHECKING:
    import requests

    from veille.approval import Desk
    from veille.library import Library
    from veille.linking import Fetch
    from veille.outbox.actions import Actions
    from veille.outbox.audit import Audit
    from veille.outbox.database import Database
    from veille.outbox.deliveries import Deliveries
    from veille.outbox.queue import Queue
    from veille.outbox.report import Report
    from veille.publishing import Publisher
    from veille.rates import Limits
    from veille.signup import Signups
    from veille.subscribers import Erasure, Subscribers
    from veille.tokens import Keys
    from veille_publishers.notices import Notices

NOW = "VEILLE_NOW"


class Newsroom:
    """Everything a command may need of one workspace; each part is made when it is first asked for."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self.config = config
        self.clock = clock
        self.sleep: Callable[[float], object] = time.sleep  # `run` puts in one that a stop signal ends

    @cached_property
    def library(self) -> Library:
        """The content, read once."""
        from veille import library

        return library.load(self.config)

    @cached_property
    def keys(self) -> Keys:
        """The signing keys."""
        from veille import tokens

        key = self.config.settings.workspace.secret_key
        return tokens.load_keys(
            self.config.outbox_dir / "secret.key",
            key.get_secret_value() if key else None,
            in_use=lambda: self.report.has_letters(),
        )

    @cached_property
    def database(self) -> Database:
        """The ledger, opened and migrated; who was erased stays so, also in an old copy that was put back."""
        from veille.outbox.database import open_database

        database = open_database(self.config.settings.outbox.url, self.config.root)
        self.__dict__["database"] = database  # the key, which erasing again needs, may ask for it
        self.erasure.apply_again()
        return database

    @property
    def queue(self) -> Queue:
        """The ledger as planning sees it."""
        from veille.outbox.queue import Queue

        return Queue(self.database, account())

    @property
    def report(self) -> Report:
        """The ledger as people see it."""
        from veille.outbox.report import Report

        return Report(self.database)

    @property
    def actions(self) -> Actions:
        """What people do with the ledger."""
        from veille.outbox.actions import Actions

        return Actions(self.database, account=account())

    @property
    def audit(self) -> Audit:
        """Who did what."""
        from veille.outbox.audit import Audit

        return Audit(self.database)

    @property
    def notices(self) -> Notices:
        """Mails to colleagues and partners."""
        from veille_publishers.notices import Notices

        return Notices(self.config, self.clock)

    @property
    def approvals(self) -> Desk:
        """What was approved, and what must be."""
        from veille.approval import Desk

        return Desk(self.library, self.config, self.publishers, self.audit, self.clock())

    @cached_property
    def deliveries(self) -> Deliveries:
        """The ledger as dispatch sees it, under a name of our own."""
        from veille.outbox.deliveries import Deliveries

        owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        host = urlsplit(self.config.settings.workspace.base_url).hostname or "localhost"
        return Deliveries(
            self.database,
            owner,
            self.keys.derive("message-id"),
            host,
            limits=self._limits,
            reader_key=self.keys.derive("suppression"),
        )

    @property
    def _limits(self) -> dict[str, Limits]:
        """How fast letters may leave, and when; a sandbox reaches nobody's mailbox, at any speed and hour."""
        from veille.rates import limits

        newsletter = self.config.settings.newsletter
        if not self.config.live("newsletter"):
            return {}
        chosen = limits(newsletter.rate, newsletter.rates, newsletter.send_window, self.config.zone)
        return {"newsletter": chosen}

    @property
    def subscribers(self) -> Subscribers:
        """The readers."""
        from veille.subscribers import Subscribers

        return Subscribers(self.database, self.keys.derive("suppression"))

    @property
    def signups(self) -> Signups:
        """Who asks for the letter on the site."""
        from veille.rates import Rate
        from veille.signup import Limits, Signups

        serve = self.config.settings.serve
        return Signups(
            self.database,
            self.keys.derive("suppression"),
            self.keys.derive("clients"),
            Limits(serve.per_client, Rate(serve.per_hour, 3600)),
            self.clock,
        )

    @property
    def erasure(self) -> Erasure:
        """Erasing a person for good."""
        from veille.subscribers import Erasure

        return Erasure(self.database, lambda: self.keys.derive("suppression"), self.config.outbox_dir)

    @cached_property
    def publishers(self) -> Mapping[str, Publisher]:
        """The publishers of the configured channels."""
        from veille.rendering.templating import Templates
        from veille_publishers import registry

        context = registry.Context(
            config=self.config,
            templates=Templates(self.config),
            clock=self.clock,
            http=_http_session,
            sleep=self.sleep,
            keys=self.keys,
        )
        return {name: registry.load(name, context) for name in self.config.channels}

    @property
    def fetch(self) -> Fetch:
        """Opens links to see whether they lead somewhere."""
        from veille_publishers.link_fetch import LinkFetch

        settings = self.config.settings
        return LinkFetch(settings.checks.link_timeout.total_seconds(), settings.workspace.base_url)

    @property
    def grace(self) -> dict[str, timedelta]:
        """How late each channel may be before a person decides; feed and web may always be late."""
        channels = (name for name in self.config.channels if hasattr(self.config.channel(name), "grace"))
        return {name: self.config.channel(name).grace for name in channels}

    @property
    def live_channels(self) -> tuple[str, ...]:
        """The channels that reach people."""
        return tuple(name for name in self.config.channels if self.config.live(name))

    def close(self) -> None:
        """Give back what was opened."""
        if "database" in self.__dict__:
            self.database.close()


def account() -> str:
    """Who is logged in to this machine; "" where nobody knows (a container without a list of users)."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


@contextmanager
def newsroom(environ: Mapping[str, str] = os.environ) -> Iterator[Newsroom]:
    """Open the workspace at hand.

    Raises:
        ConfigError: there is none, or a setting is wrong.
    """
    chosen = environ.get("VEILLE_WORKSPACE")
    start = Path(chosen).absolute() if chosen else Path.cwd()
    config = settings.load(settings.find_root(start), environ)
    room = Newsroom(config, _clock(config, environ))
    _check_live(room)
    try:
        yield room
    finally:
        room.close()


def _check_live(room: Newsroom) -> None:
    if room.live_channels and "base_url" not in room.config.settings.workspace.model_fields_set:
        raise ConfigError(
            _("people would be reached ({channels}), but workspace.base_url is not set").format(
                channels=", ".join(room.live_channels)
            ),
            hint=_('write base_url = "https://the-address-of-your-site" under [workspace]: letters link to it'),
        )


def _clock(config: Config, environ: Mapping[str, str]) -> Clock:
    """The system's clock; for samples and tests, a fixed moment."""
    fixed = environ.get(NOW)
    if not fixed:
        return lambda: datetime.now(UTC)
    if live := [name for name in config.channels if config.live(name)]:
        raise ConfigError(
            _("{name} cannot be set while {channels} reach people").format(name=NOW, channels=", ".join(live)),
            hint=_("unset {name}").format(name=NOW),
        )
    try:
        moment = datetime.fromisoformat(fixed)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ConfigError(
            _("{name} is not a moment: {value}").format(name=NOW, value=fixed),
            hint=_("write it as 2026-11-25T09:00:00+01:00 (RFC 3339, with the offset)"),
        )
    return lambda: moment.astimezone(UTC)


def _http_session() -> requests.Session:
    from veille_publishers import http

    return http.session()
