"""What Facebook and Instagram have in common: one post at a time, a sandbox, and a look instead of a guess."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, ClassVar

from veille.current import Current
from veille.errors import NotAuthorised, OutcomeUnknown, PublishError, RateLimited, Rejected
from veille.i18n import gettext as _
from veille.publishing import (
    STOOD_STILL,
    Delivery,
    FollowUp,
    Journal,
    OnUnknown,
    Outcome,
    Proof,
    ReadBack,
    Receipt,
    Rendition,
    Seen,
)
from veille_publishers.graph import Graph, access
from veille_publishers.pace import Pace
from veille_publishers.registry import Context
from veille_publishers.social import Showcase, require


class GraphPublisher(ABC):
    """A publisher of one page or account over the Graph API.

    A subclass names its `kind`, and the steps that make one post public.
    """

    kind: ClassVar[str]
    target_setting: ClassVar[str]  # the setting that names the page or account
    sandbox_target: ClassVar[str]  # the target in the sandbox, where none need be named
    on_unknown: ClassVar[OnUnknown] = OnUnknown.READ_BACK
    follow_ups: ClassVar[frozenset[FollowUp]] = frozenset()

    def __init__(self, context: Context) -> None:
        self._context = context
        self._settings: Any = context.config.channel(self.kind)
        self._showcase = Showcase(self.kind, context.config, context.clock)
        self.live = context.config.live(self.kind)
        self._current = Current(context.config)
        self._pace = Pace(context.clock)
        self._made: tuple[Any, Graph] | None = None

    def targets(self) -> Sequence[str]:
        """The page or account.

        Raises:
            ConfigError: the channel is live and none is named.
        """
        named = str(getattr(self._settings, self.target_setting))
        return (require(named, self.kind, self.target_setting) if self.live else named or self.sandbox_target,)

    def _placed(self, delivery: Delivery) -> Delivery:
        """The delivery with the page or account to which it goes: the one that the settings name now.

        But what was begun in public stays where it was begun, whatever the settings say since; what was prepared
        elsewhere is of no use. A post that was queued in the sandbox names none.
        """
        queued = "" if delivery.target == self.sandbox_target else delivery.target
        begun = str(delivery.checkpoint.get("target", "")) or queued
        named = str(getattr(self._settings, self.target_setting))
        if begun and (delivery.intent_at or delivery.remote_id or not named or begun == named):
            return replace(delivery, target=begun)
        return replace(delivery, target=self.targets()[0], checkpoint={} if begun else delivery.checkpoint)

    @abstractmethod
    def proof(self, rendition: Rendition) -> Proof:
        """What people will see of it."""

    @abstractmethod
    def requests(self, rendition: Rendition) -> Sequence[Mapping[str, Any]]:
        """The exact requests of a delivery, without the token."""

    @abstractmethod
    def _publish(self, delivery: Delivery, journal: Journal) -> Outcome | None:
        """Make one post public; None when the journal said to skip it."""

    def ahead(self) -> tuple[timedelta, timedelta] | None:
        """How long before its time a post is handed over; None: at its time."""
        return None

    def editable(self, before: Rendition, after: Rendition) -> bool:  # noqa: ARG002
        """Whether a public post can be made into the other."""
        return False

    def follow_up(
        self,
        delivery: Delivery,  # noqa: ARG002
        what: FollowUp,  # noqa: ARG002
        begun: datetime | None,  # noqa: ARG002
        *,
        again: bool = True,  # noqa: ARG002
    ) -> Receipt | None:
        """Do this with a post that the service has.

        Raises:
            PublishError: see `veille.publishing.RemotePublisher`.
        """
        raise Rejected(
            _("this cannot be done from here"), hint=_("do it in the app, or on the web pages of the service")
        )

    def deliver(self, deliveries: Sequence[Delivery], journal: Journal) -> None:
        """Publish each post, settling it through the journal."""
        for delivery in deliveries:
            try:
                outcome = self._deliver(delivery, journal)
            except PublishError as error:
                journal.settle(delivery, error)
            else:
                if outcome is not None:
                    journal.settle(delivery, outcome)

    def _deliver(self, delivery: Delivery, journal: Journal) -> Outcome | None:
        if self.live:
            self._pace.check()
            return self._publish(self._placed(delivery), journal)
        return self._showcase.deliver(delivery, self.requests(delivery.publication.rendition), journal)

    def _not_since(self, asked: datetime) -> None:
        """The last thing before the call that makes a post public: the ledger's yes does not keep.

        A laptop that slept, a machine that was frozen: by now another scheduler may have looked, and posted it.

        Args:
            asked: the moment before the ledger was asked.

        Raises:
            OutcomeUnknown: too long ago; nothing was sent, and a look says what others did.
        """
        if abs(self._context.clock() - asked) > STOOD_STILL:
            raise OutcomeUnknown(
                _("this machine stood still just before it posted"),
                hint=_("nothing to do: veille looks at the page before it tries again"),
            )

    def read_back(self, delivery: Delivery) -> ReadBack:
        """Look whether the service has the post.

        Raises:
            RateLimited: nothing was looked at.
            NotAuthorised: the access has ended.
        """
        if not self.live:
            return self._showcase.read_back(delivery)
        self._pace.check(reading=True)
        try:
            return self._seen(self._placed(delivery))
        except (RateLimited, NotAuthorised):
            raise
        except PublishError as error:
            return unreadable(error)

    @abstractmethod
    def _seen(self, delivery: Delivery) -> ReadBack:
        """What a look at the service shows; it may raise any `PublishError`."""

    @cached_property
    def _given(self) -> dict[str, str]:
        """Posts found since the ledger was asked whose are there: id of the post -> delivery."""
        return {}

    def rest(self) -> None:  # noqa: B027 (each call opens and closes its own connection)
        """Nothing is kept open."""

    def read_back_delays(self) -> Sequence[timedelta]:
        """How long after the intent each look comes."""
        delays: Sequence[timedelta] = self._settings.readback
        return delays

    @property
    def _graph(self) -> Graph:
        """With the newest token: one that was renewed meanwhile counts from this call on."""
        newest = self._current.settings(self.kind)
        if self._made is None or self._made[0] is not newest:
            graph = access(self.kind, newest, self._context.http)
            self._made = newest, replace(graph, heard=self._pace.heard)
        return self._made[1]


def unreadable(error: PublishError) -> ReadBack:
    """A look that failed: it proves nothing."""
    return ReadBack(Seen.UNREADABLE, detail=error.detail or error.message)
