"""What the id that a person typed stands for, and what is so of it: questions, before `veille.outbox.actions` acts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from veille.errors import HardBounce, OutcomeUnknown, VeilleError
from veille.i18n import gettext as _
from veille.outbox import schema
from veille.outbox.ids import number_of, unknown_id
from veille.outbox.schema import REWRITING, may_be_out
from veille.posts import SERVICES

_d, _p, _s = schema.delivery, schema.publication, schema.subscriber


@dataclass(frozen=True)
class Named:
    """What an id stands for: one delivery, or a publication with all of its deliveries."""

    publication: Any  # its row
    rows: sa.ColumnElement[bool]  # which deliveries
    whole: bool  # the publication was named

    @property
    def waits(self) -> bool:
        """A letter that has no list of readers yet: what is done to it is done to the publication itself."""
        return self.publication.channel == "newsletter" and self.publication.expanded_at is None

    @property
    def halted(self) -> bool:
        """A letter that stands still because too many of its addresses do not exist: a person lets it go on."""
        return self.whole and self.publication.hold == "bounces"

    @property
    def rewriting(self) -> bool:
        """Whether this is on the feed or the web."""
        return self.publication.channel in REWRITING

    @property
    def post(self) -> bool:
        """Whether this is a post on a page or account at a service."""
        return self.publication.channel in SERVICES

    @property
    def only_tried(self) -> bool:
        """Whether this post was queued in the sandbox, where nobody saw it."""
        return self.post and not self.publication.live


def find(connection: sa.Connection, name: str) -> Named:
    """What "p12" or "d345" stands for.

    Raises:
        VeilleError: there is nothing of this id.
    """
    number = number_of(name)
    rows = _d.c.publication_id == number
    owner = sa.select(_p).where(_p.c.id == number)
    if name.startswith("d"):
        rows = _d.c.id == number
        owner = sa.select(_p).join(_d, _d.c.publication_id == _p.c.id).where(rows)
    publication = connection.execute(owner).one_or_none()
    if publication is None:
        raise unknown_id(name)
    return Named(publication, rows, name.startswith("p"))


def page_of(connection: sa.Connection, letter: Any) -> Any:
    """The page on which a letter is read online; None for anything but a letter."""
    same = (_p.c.source == letter.source, _p.c.occurrence == letter.occurrence, _p.c.kind == letter.kind)
    if letter.channel != "newsletter":
        return None
    return connection.execute(sa.select(_p).where(_p.c.channel == "web", *same)).one_or_none()


def not_in_another_letter(connection: sa.Connection, named: Named) -> None:
    """Refuse a letter that was cancelled, and whose posts joined the next one since.

    Raises:
        VeilleError: readers would have them twice.
    """
    row = named.publication
    if row.channel != "newsletter" or not row.cancelled or not row.occurrence:
        return
    posts = schema.edition_post
    mine = sa.select(posts.c.source).where(posts.c.publication_id == row.id)
    found = connection.execute(
        sa.select(_p.c.id)
        .join(posts, posts.c.publication_id == _p.c.id)
        .where(_p.c.channel == "newsletter", _p.c.id != row.id, _p.c.cancelled == 0, _p.c.withdrawn == 0)
        .where(_p.c.occurrence != "", posts.c.source.in_(mine))
        .order_by(_p.c.id)
    ).first()
    if found:
        raise VeilleError(
            _("posts of {id} are in {other} by now: readers would have them twice").format(
                id=f"p{row.id}", other=f"p{found.id}"
            ),
            hint=_("let them leave with {other}, or cancel that one first: veille outbox cancel {other}").format(
                other=f"p{found.id}"
            ),
        )


def in_flight(connection: sa.Connection, named: Named) -> bool:
    """Whether something may still come back from a service and want to leave again."""
    flying = sa.select(_d.c.id).where(named.rows, _d.c.state.in_(("sending", "unknown", "scheduled")))
    return not named.rewriting and connection.execute(flying).first() is not None


def nothing_left(connection: sa.Connection, named: Named) -> bool:
    """Whether every delivery of a page or post is cancelled: then it is, too."""
    others = sa.select(_d.c.id).where(_d.c.publication_id == named.publication.id, _d.c.state != "cancelled")
    return named.publication.channel != "newsletter" and connection.execute(others).first() is None


def candidates(connection: sa.Connection, named: Named) -> int:
    """Readers whom a letter that is not expanded to its last one has counted so far."""
    number, left_out = named.publication.id, schema.exclusion
    rows = sa.select(sa.func.count()).select_from(_d).where(_d.c.publication_id == number)
    others = sa.select(sa.func.coalesce(sa.func.sum(left_out.c.readers), 0)).where(left_out.c.publication_id == number)
    return int(connection.execute(rows).scalar_one()) + int(connection.execute(others).scalar_one())


def resolvable(named: Named, *, again: bool) -> tuple[sa.ColumnElement[bool], tuple[str, ...]]:
    """What a person may decide about, and in which states: `retry` leaves a failed letter that may be out to them.

    That one is named by itself: whoever looks, looks at one mailbox. Of a post that has not left yet they may say that
    they posted it themselves, or that it is not wanted any more.

    Args:
        again: the answer is that it shall go.
    """
    if named.post and not again:
        return named.rows, ("held", "unknown", "ready", "failed")
    if named.whole:
        return named.rows, ("held", "unknown")
    doubtful = sa.or_(_d.c.state != "failed", may_be_out() & ~unreachable())
    return named.rows & doubtful, ("held", "unknown", "failed")


def unreachable() -> sa.ColumnElement[bool]:
    """Addresses that do not exist, but for readers who subscribed again since."""
    reader = sa.case((_d.c.channel == "newsletter", sa.cast(_d.c.target, schema.BigInt)))  # elsewhere it is a name
    back = sa.select(_s.c.id).where(_s.c.id == reader, _s.c.state == "subscribed").exists()
    return sa.and_(_d.c.last_code == HardBounce.code, ~back)


def posted_by_hand() -> sa.ColumnElement[bool]:
    """A post of the sandbox that people see all the same: somebody said so, and where, or before the sandbox had it."""
    return sa.and_(_d.c.state == "sent", sa.or_(_d.c.url != "", _d.c.intent_at.is_(None)))


def doubtful_post() -> sa.ColumnElement[bool]:
    """A post of which nobody knows whether everybody sees it: somebody looks, then `resolve`s it."""
    social = _d.c.channel.not_in(("newsletter", *REWRITING))
    return sa.and_(social, _d.c.state == "held", _d.c.last_code == OutcomeUnknown.code)
