"""What a person does with the outbox: retry, pause, resume, cancel, resolve. Publications and deliveries alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from veille.errors import VeilleError
from veille.i18n import gettext as _
from veille.outbox import schema
from veille.outbox.database import Database
from veille.outbox.report import number_of, unknown_id
from veille.outbox.schema import REWRITING, may_be_out
from veille.posts import CHANNELS

_d, _p = schema.delivery, schema.publication


class Answer(StrEnum):
    """What a person found out about a held delivery."""

    SENT = "sent"  # it is out
    RETRY = "retry"  # it is not out, and shall go
    CANCEL = "cancel"  # it is not out, and shall not go


@dataclass(frozen=True)
class _Named:
    """What an id stands for: one delivery, or a publication with all of its deliveries."""

    publication: Any  # its row
    rows: sa.ColumnElement[bool]  # which deliveries

    @property
    def waits(self) -> bool:
        """A letter that has no list of readers yet: what is done to it is done to the publication itself."""
        return self.publication.channel == "newsletter" and self.publication.expanded_at is None

    @property
    def rewriting(self) -> bool:
        """Whether this is on the feed or the web."""
        return self.publication.channel in REWRITING


class Actions:
    """Changes that a person asks for; each is one transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def page_of(self, name: str) -> str:
        """The id of the page on which a letter is read online; "" for anything else."""
        with self._db.read() as connection:
            page = _page_of(connection, _named(connection, name).publication)
        return f"p{page.id}" if page is not None else ""

    def retry(self, name: str, now: datetime) -> int:
        """Let failed, overdue and cancelled deliveries go, at their time or now when it is over.

        Never one that is out or may be: `resolve` decides about those, after a look. The page on which a letter is
        read online comes back with it. What stands on feed and web is written again: its folder may be lost.

        Returns:
            How many deliveries (or waiting letters) will go.
        """
        with self._db.write() as connection:
            named = _named(connection, name)
            if named.publication.withdrawn and not named.rewriting:
                return 0  # its file is gone, or its time is over
            _not_in_another_letter(connection, named)
            again = named.rows if named.rewriting else named.rows & ~may_be_out()
            states = ("failed", "held", "cancelled", *(("sent",) if named.rewriting else ()))
            moved = _move(connection, again, states, _again(now), now, "retry")
            moved += _let_go(connection, named, now, moved=moved)
            if moved:
                _bring_page_back(connection, named, now)
            return moved

    def cancel(self, name: str, now: datetime) -> int:
        """Cancel what has not left; a page that stands, stays.

        A letter that nobody has takes the page on which it is read online with it.

        Returns:
            How many deliveries (or waiting letters) were stopped; such a page is not counted.
        """
        with self._db.write() as connection:
            named = _named(connection, name)
            stands = sa.and_(_d.c.channel.in_(REWRITING), _d.c.sent_at.is_not(None))
            values = {"state": "cancelled", "owner": None}
            moved = _move(connection, named.rows & ~stands, ("ready", "claimed", "held"), values, now, "cancel")
            waits = named.waits and not named.publication.cancelled and name.startswith("p")
            whole = name.startswith("p") and (moved or waits or _in_flight(connection, named))
            if whole or (moved and _nothing_left(connection, named)):
                _set(connection, named, cancelled=1, hold="")
            if name.startswith("p") and (moved or waits):
                _cancel_page(connection, named, now)
            return moved + int(waits)

    def resolve(self, name: str, answer: Answer, now: datetime, *, url: str = "") -> int:
        """Record what a person found out about held or unknown deliveries. Returns how many."""
        values: dict[str, Any] = {
            Answer.SENT: {"state": "sent", "sent_at": now, "url": url, "last_code": "", "last_error": ""},
            Answer.RETRY: _again(now),
            Answer.CANCEL: {"state": "cancelled", "unknowns": 0, "last_code": "", "last_error": ""},
        }[answer]
        with self._db.write() as connection:
            named = _named(connection, name)
            moved = _move(connection, named.rows, ("held", "unknown"), values, now, f"resolved-{answer}")
            if answer is Answer.RETRY:
                return moved + _let_go(connection, named, now, moved=moved, cancelled=bool(moved))
            held = named.waits and bool(named.publication.hold)
            if held and answer is Answer.CANCEL:
                _set(connection, named, cancelled=1, hold="")
                _cancel_page(connection, named, now)
            elif held:  # a letter that left by another way: nobody is to be written to any more
                _set(connection, named, hold="", audience_at=now, expanded_at=now, started_at=now, candidates=0)
            return moved + int(held)

    def pause(self, name: str, now: datetime, *, paused: bool) -> None:
        """Stop a publication or a whole channel for a while, or let it go on.

        Grace of a publication counts anew from `resume`; what waited behind a stopped channel may be overdue by then.
        What a channel put off after a failure of its own is tried at once after `resume`.
        """
        with self._db.write() as connection:
            if name in CHANNELS:
                table = schema.channel
                connection.execute(sa.delete(table).where(table.c.name == name))
                if paused:
                    connection.execute(sa.insert(table).values(name=name, stopped_at=now, reason="paused"))
                else:  # whoever mended the channel need not wait for the next try
                    waits = _d.c.last_code.in_(("unavailable", "not-authorised"))
                    connection.execute(
                        sa.update(_d)
                        .where(_d.c.channel == name, _d.c.state == "ready", _d.c.due_at > now, waits)
                        .values(due_at=now, updated_at=now)
                    )
                return
            named = _named(connection, name)
            values: dict[str, Any] = {"paused": 1} if paused else {"paused": 0, "queued_at": now}
            _set(connection, named, **values)


def _named(connection: sa.Connection, name: str) -> _Named:
    number = number_of(name)
    rows = _d.c.publication_id == number
    owner = sa.select(_p).where(_p.c.id == number)
    if name.startswith("d"):
        rows = _d.c.id == number
        owner = sa.select(_p).join(_d, _d.c.publication_id == _p.c.id).where(rows)
    publication = connection.execute(owner).one_or_none()
    if publication is None:
        raise unknown_id(name)
    return _Named(publication, rows)


def _not_in_another_letter(connection: sa.Connection, named: _Named) -> None:
    """A letter that was cancelled, and whose posts joined the next one since: readers would have them twice."""
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


def _set(connection: sa.Connection, named: _Named, **values: Any) -> None:
    connection.execute(sa.update(_p).where(_p.c.id == named.publication.id).values(**values))


def _let_go(connection: sa.Connection, named: _Named, now: datetime, *, moved: int, cancelled: bool = True) -> int:
    """Take the hold (and the cancellation) off a publication. Returns 1 for a letter that goes because of it."""
    row = named.publication
    waits = named.waits and bool(row.hold or (cancelled and row.cancelled))
    if not (moved or waits):
        return 0
    values: dict[str, Any] = {"hold": "", "queued_at": now, "cancelled": 0}
    if waits:
        values["due_at"] = max(row.due_at, now)
    _set(connection, named, **values)
    return int(waits)


def _page_of(connection: sa.Connection, letter: Any) -> Any:
    """The page on which a letter is read online; None for anything but a letter."""
    same = (_p.c.source == letter.source, _p.c.occurrence == letter.occurrence, _p.c.kind == letter.kind)
    if letter.channel != "newsletter":
        return None
    return connection.execute(sa.select(_p).where(_p.c.channel == "web", *same)).one_or_none()


def _cancel_page(connection: sa.Connection, named: _Named, now: datetime) -> None:
    """A page does not appear without its letter, unless it stands already or somebody has the letter."""
    page = _page_of(connection, named.publication)
    left = sa.select(_d.c.id).where(_d.c.publication_id == named.publication.id, may_be_out())
    if page is None or connection.execute(left).first():
        return
    unseen = sa.and_(_d.c.publication_id == page.id, _d.c.sent_at.is_(None))
    values = {"state": "cancelled", "owner": None}
    if _move(connection, unseen, ("ready", "claimed", "held"), values, now, "cancel"):
        _set(connection, _Named(page, unseen), cancelled=1, hold="")


def _bring_page_back(connection: sa.Connection, named: _Named, now: datetime) -> None:
    page = _page_of(connection, named.publication)
    if page is not None and page.cancelled:
        mine = _d.c.publication_id == page.id
        _move(connection, mine, ("cancelled",), _again(now), now, "retry")
        _set(connection, _Named(page, mine), cancelled=0, queued_at=now)


def _in_flight(connection: sa.Connection, named: _Named) -> bool:
    """Whether something may still come back from a service and want to leave again."""
    flying = sa.select(_d.c.id).where(named.rows, _d.c.state.in_(("sending", "unknown", "scheduled")))
    return not named.rewriting and connection.execute(flying).first() is not None


def _nothing_left(connection: sa.Connection, named: _Named) -> bool:
    """Whether every delivery of a page or post is cancelled: then it is, too."""
    others = sa.select(_d.c.id).where(_d.c.publication_id == named.publication.id, _d.c.state != "cancelled")
    return named.publication.channel != "newsletter" and connection.execute(others).first() is None


def _move(
    connection: sa.Connection,
    which: sa.ColumnElement[bool],
    states: Iterable[str],
    values: dict[str, Any],
    now: datetime,
    event: str,
) -> int:
    rows = connection.execute(
        sa.update(_d)
        .where(which, _d.c.state.in_(tuple(states)))
        .values(**values, updated_at=now)
        .returning(_d.c.id, _d.c.attempt)
    ).all()
    if rows:
        history = [{"delivery_id": r.id, "attempt": r.attempt, "at": now, "event": f"by-hand: {event}"} for r in rows]
        connection.execute(sa.insert(schema.attempt_log), history)
    return len(rows)


def _again(now: datetime) -> dict[str, Any]:
    """A fresh start: at its time, or now when it is over; with a new Date, because nothing of it is out."""
    due = sa.case((_d.c.due_at > now, _d.c.due_at), else_=sa.literal(now, schema.Moment()))
    cleared = {"tries": 0, "unknowns": 0, "looks": 0, "blind": 0, "last_code": "", "last_error": ""}
    return {"state": "ready", "due_at": due, "owner": None, "first_at": None, **cleared}
