"""The tables of the ledger, the same on SQLite and PostgreSQL.

SQLite tables are STRICT: only INTEGER, REAL, TEXT and BLOB exist there, so moments are UTC milliseconds.
A change here needs a migration in `migrations/versions` and a new `HEAD`; a test compares the two.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

from veille.publishing import FollowUp, State

HEAD = "0001"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class Moment(TypeDecorator[datetime]):
    """An aware datetime, stored as UTC milliseconds."""

    impl = BigInt
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:  # noqa: ARG002
        """Milliseconds since 1970; whole numbers, so that no fraction is lost."""
        return None if value is None else (value - EPOCH) // timedelta(milliseconds=1)

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:  # noqa: ARG002
        """An aware datetime in UTC."""
        return None if value is None else EPOCH + timedelta(milliseconds=value)


metadata = sa.MetaData()

REWRITING = ("feed", "web")  # channels on which delivering again does no harm
READER_STATES = ("subscribed", "unsubscribed", "bounced", "complained")
STATES = tuple(state.value for state in State)

FOLLOW_UPS = tuple(kind.value for kind in FollowUp)

# Conditions in these very words: with a bound value in its place, no database takes the small index.
READY = "delivery.state = 'ready'"
UNKNOWN = "delivery.state = 'unknown'"
IN_HAND = "delivery.state IN ('claimed', 'sending')"
SCHEDULED = "delivery.state = 'scheduled'"


def _table(name: str, *parts: Any, **options: Any) -> sa.Table:
    return sa.Table(name, metadata, *parts, sqlite_strict=True, **options)


def _words(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def _flag(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def _index(name: str, *columns: str, where: str) -> sa.Index:
    condition = sa.text(where.removeprefix("delivery."))
    return sa.Index(name, *columns, sqlite_where=condition, postgresql_where=condition)


rendition = _table(
    "rendition",
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),  # JSON
    sa.Column("created_at", Moment, nullable=False),
)

blob = _table(
    "blob",
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("content", sa.LargeBinary().with_variant(sa.BLOB(), "sqlite"), nullable=False),
)

rendition_file = _table(
    "rendition_file",
    sa.Column("rendition", sa.Text, sa.ForeignKey("rendition.digest"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("media_type", sa.Text, nullable=False),
    sa.Column("blob", sa.Text, sa.ForeignKey("blob.digest"), nullable=False),
)

publication = _table(
    "publication",
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    _text("occurrence"),
    sa.Column("kind", sa.Text, nullable=False),  # post | edition
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("slug", sa.Text, nullable=False),
    sa.Column("body_hash", sa.Text, nullable=False),  # of the source's body: finds renamed files
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("due_local", sa.Text, nullable=False),  # what the person meant, with the zone
    sa.Column("zone", sa.Text, nullable=False),
    sa.Column("first_queued_at", Moment, nullable=False),  # never changes: the date of a post that has none
    sa.Column("queued_at", Moment, nullable=False),  # the latest change by a person: grace counts from here
    sa.Column("expires_at", Moment),
    sa.Column("generation", sa.Integer, nullable=False, server_default="1"),
    sa.Column("rendition", sa.Text, sa.ForeignKey("rendition.digest"), nullable=False),
    sa.Column("started_at", Moment),  # when the first delivery was claimed or expansion began
    _text("hold"),  # why the whole publication waits for a person
    _flag("live"),  # queued while this channel reached people; a person confirmed that
    _flag("urgent"),  # leaves at night too
    _text("segments"),  # a letter: JSON of `veille.segments`, whom its posts are for; "" = everybody
    _text("contacts"),  # JSON of `veille.contacts`: each contact that it shows, as the record said
    _flag("paused"),
    _flag("cancelled"),
    _flag("withdrawn"),  # feed and web: expired, or the file was deleted
    # Expansion of a letter: the audience is whoever subscribed up to `audience_at`, in chunks behind `cursor`.
    sa.Column("audience_at", Moment),
    sa.Column("audience_id", BigInt),  # the newest subscriber at that moment
    sa.Column("cursor", BigInt, nullable=False, server_default="0"),
    sa.Column("expanded_at", Moment),
    sa.Column("candidates", sa.Integer),  # = deliveries + exclusions
    # Counted as answers come, because a million rows take too long to count at each of them.
    sa.Column("answered", sa.Integer, nullable=False, server_default="0"),
    sa.Column("bounced", sa.Integer, nullable=False, server_default="0"),  # addresses that do not exist
    sa.Column("active_at", Moment),  # when something of it was last in hand: what goes on is not overdue
    sa.UniqueConstraint("source", "channel", "occurrence"),
    sa.Index("publication_due", "channel", "due_at"),
)

edition_post = _table(
    "edition_post",
    sa.Column("publication_id", BigInt, sa.ForeignKey("publication.id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("source", sa.Text, nullable=False, index=True),
    _text("body_hash"),  # of the post's body when it went in: finds renamed files
)

delivery = _table(
    "delivery",
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("publication_id", BigInt, sa.ForeignKey("publication.id"), nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    _text("lane"),  # mail: the group of mailbox providers whose rate it counts against
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("due_at", Moment, nullable=False),  # when to look at it next
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),  # fencing token
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),  # temporary refusals of this target
    sa.Column("owner", sa.Text),
    sa.Column("intent_at", Moment),
    sa.Column("first_at", Moment),  # Date header; fixed at the first claim
    _text("message_id"),
    _text("checkpoint"),  # JSON
    sa.Column("unknowns", sa.Integer, nullable=False, server_default="0"),
    sa.Column("looks", sa.Integer, nullable=False, server_default="0"),
    _flag("blind"),  # a look failed: absence is not proven
    _text("remote_id"),
    _text("url"),
    _text("last_code"),
    _text("last_error"),
    sa.Column("sent_at", Moment),
    sa.Column("updated_at", Moment, nullable=False),
    sa.UniqueConstraint("publication_id", "target"),
    sa.CheckConstraint(f"state IN ({_words(STATES)})", name="delivery_state"),
    sa.Index("delivery_of", "publication_id", "state"),
    # Small ones, for what is not final: a million rows of a letter soon are.
    _index("delivery_ready", "publication_id", "lane", "due_at", where=READY),
    _index("delivery_unknown", "channel", "due_at", where=UNKNOWN),
    _index("delivery_in_hand", "channel", where=IN_HAND),
    _index("delivery_scheduled", "channel", "due_at", where=SCHEDULED),
)

follow_up = _table(  # what is still to do with a post that a service has: never more than one of a kind
    "follow_up",
    sa.Column("delivery_id", BigInt, sa.ForeignKey("delivery.id"), primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("due_at", Moment),  # of the next try; none: a person must look
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),  # rises when it is wanted anew
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("begun_at", Moment),  # since when a try may have been carried out without our knowing
    sa.Column("unknowns", sa.Integer, nullable=False, server_default="0"),  # how many such tries there were
    _text("last_code"),
    _text("last_error"),
    sa.CheckConstraint(f"kind IN ({_words(FOLLOW_UPS)})", name="follow_up_kind"),
)

attempt_log = _table(
    "attempt_log",
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("delivery_id", BigInt, sa.ForeignKey("delivery.id"), nullable=False, index=True),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    _text("code"),
    _text("text"),
    _text("hint"),  # what a person can do about it
)

channel = _table(
    "channel",
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("stopped_at", Moment),
    _text("reason"),
    _text("hint"),  # what a person can do about it
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),  # of its service, in a row
    sa.Column("rests_until", Moment),  # after a failure: the next try
)

access = _table(  # of a channel at its service: `veille.access`
    "access",
    sa.Column("channel", sa.Text, primary_key=True),
    _text("mark"),  # a digest of the token that this is about
    sa.Column("tried_at", Moment, nullable=False),  # the last look, also one that got no answer
    sa.Column("checked_at", Moment),  # the last look that got one
    sa.Column("valid", sa.Integer, nullable=False, server_default="1"),
    sa.Column("expires_at", Moment),  # NULL: never, or nobody knows
    sa.Column("data_access_expires_at", Moment),
    sa.Column("refreshed_at", Moment),  # when this token was given
    _text("problems"),  # JSON
    sa.Column("warned_days", sa.Integer),  # the last mail said that so many days are left
    sa.Column("warned_at", Moment),
)

subscriber = _table(
    "subscriber",
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("email", sa.Text, nullable=False, unique=True),
    sa.Column("domain", sa.Text, nullable=False),  # of the address, lower case and ASCII
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False, server_default="fr"),
    _text("towns"),  # slugs with commas
    _text("audience"),
    _flag("text_only"),
    _text("age"),  # "" not asked | under-15 | 15-or-over; never a date of birth
    sa.Column("consent_at", Moment, nullable=False),
    sa.Column("consent_how", sa.Text, nullable=False),
    _text("consent_text"),  # which version of the words the person agreed to
    _text("parental_consent"),  # how the parent agreed, under 15
    sa.Column("left_at", Moment),
    sa.CheckConstraint(f"state IN ({_words(READER_STATES)})", name="subscriber_state"),
    sa.Index("subscriber_choices", "towns", "audience", "language", "text_only", "state"),  # counts read it alone
    sqlite_autoincrement=True,  # the number of a person who was erased stands in letters: nobody else gets it
)

signup = _table(  # who asked for the letter and has not confirmed; one row for each address, by its hash, for a year
    "signup",
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("hash", sa.Text, nullable=False, unique=True),  # keyed
    _text("email"),  # "" once confirmed or given up, and of those who read the letter already
    sa.Column("language", sa.Text, nullable=False, server_default="fr"),
    _text("towns"),
    _text("audience"),
    _flag("text_only"),
    _text("age"),
    _text("consent_text"),  # which version of the words was shown
    sa.Column("state", sa.Text, nullable=False),  # wanted | sending | mailed | confirmed | given-up | reads
    sa.Column("asked_at", Moment, nullable=False),
    sa.Column("mailed_at", Moment),
    sa.Column("mails", sa.Integer, nullable=False, server_default="0"),  # in all: at most three
    sa.Index("signup_wanted", "state", "asked_at"),
    sqlite_autoincrement=True,  # its number stands in the link of the mail: nobody else gets it
)

suppression = _table(
    "suppression",
    sa.Column("hash", sa.Text, primary_key=True),  # keyed, so that the address cannot be read from it
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
)

erasure = _table(  # who was erased; the same list lies beside the database, and is applied again after a restore
    "erasure",
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("at", Moment, nullable=False),
)

exclusion = _table(  # candidates = deliveries + readers left out, by reason
    "exclusion",
    sa.Column("publication_id", BigInt, sa.ForeignKey("publication.id"), primary_key=True),
    sa.Column("reason", sa.Text, primary_key=True),
    sa.Column("readers", sa.Integer, nullable=False),
)

bounce = _table(  # what came back about a reader
    "bounce",
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("subscriber_id", BigInt, nullable=False, index=True),
    sa.Column("delivery_id", BigInt, index=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # hard | soft | complaint
    _text("code"),  # enhanced status code: 5.1.1
    _text("text"),  # redacted
)

audit = _table(  # who did what: triggers refuse to change or delete a row
    "audit",
    sa.Column("id", BigInt, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("event", sa.Text, nullable=False),  # asked | approved | published | confirmed | cancelled …
    _text("source"),  # of the post or edition, or the id of a partner
    sa.Column("publication_id", BigInt),
    _text("who"),  # as they named themselves
    _text("account"),  # of the operating system
    _text("digest"),  # of all renditions that were approved
    _text("text"),
    sa.Index("audit_of", "source", "event"),
)

alarm = _table(  # what people were written about, each thing once; never who they are
    "alarm",
    sa.Column("key", sa.Text, primary_key=True),  # of `veille.alarms`
    sa.Column("at", Moment, nullable=False),
)

bucket = _table(  # rate limits: the moment up to which a limit is used up (generic cell rate algorithm)
    "bucket",
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("used_until", sa.Float().with_variant(sa.REAL(), "sqlite"), nullable=False),  # seconds since 1970
)

# What a person may see, or may be seeing in a moment: nothing is sent again from these without looking first.
LEFT_STATES = ("claimed", "sending", "unknown", "scheduled", "sent")


def may_be_out() -> sa.ColumnElement[bool]:
    """Deliveries that are out, or of which nobody knows whether they are.

    A letter that was resent once, and then refused, may lie in the mailbox from the first time.
    """
    window = sa.and_(delivery.c.channel == "newsletter", delivery.c.unknowns > 0)
    doubtful = delivery.c.last_code.in_(("outcome-unknown", "by-hand"))
    return sa.or_(delivery.c.state.in_(LEFT_STATES), doubtful, window)
