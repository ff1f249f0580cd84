"""The port between the core and the channels: what is published, to whom, and what came back.

`dispatch` owns the journal, states, fencing and commits; a publisher owns its connections and their order.
A publisher never sees the outbox, and the outbox never sees a publisher.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Protocol, runtime_checkable

from veille.errors import PublishError
from veille.rendering import RenderedDirectory, RenderedEdition, RenderedPost

Source = RenderedPost | RenderedEdition | RenderedDirectory


class State(StrEnum):
    """The state of a delivery; every delivery is always in exactly one."""

    READY = "ready"  # waits for its time
    CLAIMED = "claimed"  # a worker has it, nothing left yet
    SENDING = "sending"  # committed just before the irreversible step
    UNKNOWN = "unknown"  # the request left and no answer came
    SCHEDULED = "scheduled"  # the service holds it for a later time
    SENT = "sent"  # final: there is a receipt
    FAILED = "failed"  # final: the service said no
    CANCELLED = "cancelled"  # final: unsubscribed, erased or cancelled
    HELD = "held"  # waits for a person: `veille outbox resolve`


BY_HAND = "by-hand"  # the last code of what is held for the person who posts it, and no alarm


# No longer may lie between the ledger's yes and the step that everybody sees; others look for minutes before they post.
STOOD_STILL = timedelta(minutes=1)


class OnUnknown(StrEnum):
    """What a channel does when it cannot know whether a delivery was carried out."""

    RESEND = "resend"  # mail: one more time, then a person
    READ_BACK = "read-back"  # a public page: look, never guess
    REWRITE = "rewrite"  # files: the same bytes again do no harm


class FollowUp(StrEnum):
    """What is still to do with a post that a service has."""

    EDIT = "edit"  # it is public, and its words changed here
    COMMENT = "comment"  # its first comment
    DELETE = "delete"  # cancelled here, or its file is gone
    REPLACE = "replace"  # it changed here before its time: taken back, then handed over anew


@dataclass(frozen=True)
class File:
    """A file that belongs to a rendition: a picture, as bytes that no longer change."""

    name: str
    media_type: str
    content: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the content, hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content)


@dataclass(frozen=True)
class Rendition:
    """What a publisher made of a post or edition for one channel: immutable, content-hashed.

    Args:
        payload: JSON values only; what the publisher needs to deliver, without any reader's data.
        files: pictures and other bytes, in order.
    """

    channel: str
    payload: Mapping[str, Any]
    files: tuple[File, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 over the payload and the files' names and digests, hexadecimal."""
        names = [[f.name, f.media_type, f.digest] for f in self.files]
        text = json.dumps([self.channel, self.payload, names], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Proof:
    """What people will see of a rendition, laid out for checking: by our own checks, and by a reviewer.

    Args:
        heading: what a list of messages or items shows: subject, headline; "" where there is none.
        preheader: what a list of messages shows behind the subject of a letter.
        html: the whole letter or page, or the item of a feed, as it leaves, personal links leading nowhere; ""
            on channels of plain text.
        text: the plain-text part of the letter, the caption of a social post.
        alts: alternative texts that leave beside the pictures of a social post.
        weight: bytes of the HTML as one reader receives it; 0 without HTML.
    """

    heading: str = ""
    preheader: str = ""
    html: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    alts: tuple[str, ...] = ()
    weight: int = 0


@dataclass(frozen=True)
class Publication:
    """One source on one channel, once, as a publisher sees it."""

    id: str  # "p12", short and stable
    source: str
    channel: str
    occurrence: str
    title: str
    slug: str  # for folder and file names in the outbox
    due: datetime  # aware, UTC
    generation: int
    rendition: Rendition = field(repr=False)
    withdrawn: bool = False  # expired, or its file was deleted: feed and web take it down
    first_due: datetime | None = None  # feed and web: when it first appeared

    @property
    def key(self) -> str:
        """The identity that never changes: source, channel and occurrence."""
        return f"{self.source}/{self.channel}/{self.occurrence}"


@dataclass(frozen=True)
class Recipient:
    """The subscriber behind one mail delivery. Never stored with the delivery, never logged."""

    id: int
    address: str = field(repr=False)
    language: str = "fr"
    text_only: bool = False
    towns: tuple[str, ...] = ()  # slugs; empty: no choice made, so every town
    audience: str = ""


@dataclass(frozen=True)
class Delivery:
    """One publication to one target, claimed by this worker."""

    id: str  # "d345"
    publication: Publication
    target: str  # subscriber id, page id, or "folder"
    attempt: int  # the fencing token: +1 at each claim
    date: datetime  # fixed at the first claim: the Date header of every copy
    message_id: str = ""  # fixed likewise; mail only
    recipient: Recipient | None = None
    checkpoint: Mapping[str, Any] = field(default_factory=dict)  # ids kept from an earlier attempt
    intent_at: datetime | None = None  # when the irreversible step was last about to happen
    tries: int = 0  # temporary refusals of this target so far
    unknowns: int = 0  # windows in which nobody could know so far
    remote_id: str = ""  # of the post at its service, once it has it
    taken: frozenset[str] = frozenset()  # remote ids of all other posts on a page or account: none of them is ours


@dataclass(frozen=True)
class Receipt:
    """What the service answered."""

    remote_id: str = ""
    url: str = ""
    at: datetime | None = None
    detail: str = ""
    warning: str = ""  # what a person should know although it succeeded


@dataclass(frozen=True)
class Scheduled:
    """A service accepted a post for a later time, and publishes it even when this machine is off."""

    remote_id: str
    at: datetime  # its time there
    url: str = ""


@dataclass(frozen=True)
class ByHand:
    """A person was asked to post it, and says with `veille outbox resolve` when that is done."""

    words: str


AT_ITS_TIME = "at-its-time"  # the code of what a service did not take ahead


@dataclass(frozen=True)
class AtItsTime:
    """A service does not take a post ahead of its time: we publish it then. Nothing of it is there."""

    words: str


Outcome = Receipt | Scheduled | ByHand | AtItsTime | PublishError


class Journal(Protocol):
    """What a publisher may ask of dispatch while it delivers. Not for several threads at once."""

    def commit(self, outcomes: Sequence[tuple[Delivery, Outcome]], wanted: Sequence[Delivery]) -> Sequence[bool]:
        """Settle and intend for many connections in one transaction: one wait for the disk, not one each.

        Args:
            outcomes: deliveries that ended, and how.
            wanted: deliveries whose irreversible step comes next.

        Returns:
            For each of `wanted`: whether it may go (see `intent`). Returns once all of it is committed.

        Raises:
            LedgerError: nothing may be sent of `wanted`.
        """
        for delivery, outcome in outcomes:
            self.settle(delivery, outcome)
        return [self.intent(delivery) for delivery in wanted]

    def more(self) -> Sequence[Delivery]:
        """Further deliveries of the same channel that are due, claimed.

        Empty: there are none now, a rate limit says wait, other channels' turn has come, or a stop was asked for.
        """
        return ()

    def goes_on(self) -> bool:
        """Whether another delivery of this batch may begin: not after a stop, nor once its letter or lane is halted."""
        return not self.stopping()

    def stopping(self) -> bool:
        """Whether a stop was asked for: begin nothing, and bring what is in hand to an end within seconds."""
        return False

    def intent(self, delivery: Delivery) -> bool:
        """Record that the irreversible step comes next. Returns once this is committed.

        Returns:
            False: skip this delivery (consent gone, cancelled, or another worker has it).
        """
        ...

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        """Record how it ended. Called once for each delivery for which nothing was skipped."""
        ...

    def checkpoint(self, delivery: Delivery, values: Mapping[str, Any]) -> None:
        """Keep ids (photos, container) of invisible steps, committed before the next step."""
        ...

    def standing(self, channel: str) -> Sequence[Publication]:
        """Every publication of a feed or web channel that is due, withdrawn ones included, newest first."""
        ...


class Seen(StrEnum):
    """What a read-back saw."""

    FOUND = "found"
    ABSENT = "absent"  # every read succeeded and paged past the intent time
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class ReadBack:
    """The answer to "was it published after all?"."""

    seen: Seen
    receipt: Receipt | None = None  # when found, and public
    scheduled: Scheduled | None = None  # when found, and not public before its time
    detail: str = ""


class Publisher(Protocol):
    """The code that serves one kind of channel."""

    kind: ClassVar[str]
    on_unknown: ClassVar[OnUnknown]
    live: bool  # anything but the `file` transport

    def render(self, source: Source) -> Rendition | None:
        """Make the immutable rendition: no network, no clock. None: this source is not for this channel.

        Raises:
            ContentError: the post cannot be shown on this channel (for example its caption is too long).
            RenderError: a template or picture fails.
        """
        ...

    def targets(self) -> Sequence[str]:
        """The targets of a publication; empty when it is expanded to subscribers at the due time."""
        ...

    def show(self, publication: Publication) -> None:
        """Write what a person may look at into the outbox folder. Idempotent; rewrites only changed bytes."""
        ...

    def proof(self, rendition: Rendition) -> Proof:
        """What people will see of it: pure, like `render`."""
        ...

    def requests(self, rendition: Rendition) -> Sequence[Mapping[str, Any]]:
        """The exact requests that delivering would make, with the token left out; empty for mail and files."""
        ...

    def deliver(self, deliveries: Sequence[Delivery], journal: Journal) -> None:
        """Deliver a claimed batch, and `journal.more()` where that keeps connections busy; settle each."""
        ...

    def rest(self) -> None:
        """Nothing more comes for now: close connections that `deliver` kept."""
        ...

    def read_back(self, delivery: Delivery) -> ReadBack:
        """Look whether an unknown delivery was carried out. Only for `OnUnknown.READ_BACK`."""
        ...

    def read_back_delays(self) -> Sequence[timedelta]:
        """How long after the intent each look comes; for mail, the one wait before the resend."""
        ...


@runtime_checkable
class HandsOver(Protocol):
    """A publisher whose requests depend on when the post is due, and on whether it is there already."""

    def requests_at(self, rendition: Rendition, due: datetime) -> Sequence[Mapping[str, Any]]:
        """As `Publisher.requests`, for a post that is due then."""
        ...

    def requests_to_edit(self, rendition: Rendition) -> Sequence[Mapping[str, Any]]:
        """What changes a post that is public into this rendition."""
        ...


@runtime_checkable
class KeepsFiles(Publisher, Protocol):
    """A publisher whose files follow from everything that stands, and from more: settings, templates, the program."""

    def outdated(self) -> bool:
        """Whether its files would be others if they were written now, for another reason than what is published."""
        ...


@runtime_checkable
class RemotePublisher(Publisher, Protocol):
    """A publisher whose posts live at a service, where they can be scheduled, changed and deleted."""

    follow_ups: ClassVar[frozenset[FollowUp]]  # what the service can do

    def ahead(self) -> tuple[timedelta, timedelta] | None:
        """How long before its time a post is handed over, at least and at most; None: at its time."""
        ...

    def editable(self, before: Rendition, after: Rendition) -> bool:
        """Whether a public post can be made into the other: pure. The service may take new words only."""
        ...

    def follow_up(
        self, delivery: Delivery, what: FollowUp, begun: datetime | None, *, again: bool = True
    ) -> Receipt | None:
        """Do this with a post that the service has.

        Args:
            begun: since when a try may have been carried out without our knowing: look before anything visible.
            again: whether anything visible may be tried when that look finds nothing; else only the look is wanted.

        Returns:
            For `FollowUp.REPLACE`, what became public before we came, and was left as it stands; else None.

        Raises:
            Unavailable: nothing visible was tried; later.
            OutcomeUnknown: it may have been carried out, or an earlier try may and was not found.
            NotAuthorised: the access itself has ended; the channel stops.
            PublishError: anything else waits for a person.
        """
        ...
