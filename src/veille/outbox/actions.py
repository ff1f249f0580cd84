"""What a person does with the outbox: retry, pause, resume, cancel, resolve. Publications and deliveries alike."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from veille.outbox import audit, schema
from veille.outbox.audit import Event
from veille.outbox.chunks import CHUNK, REST, Work, move
from veille.outbox.database import Database
from veille.outbox.follow_ups import drop, hold_back, keep, take_back, try_again
from veille.outbox.named import (
    Named,
    candidates,
    doubtful_post,
    find,
    in_flight,
    not_in_another_letter,
    nothing_left,
    page_of,
    posted_by_hand,
    resolvable,
    unreachable,
)
from veille.outbox.report import PUT_OFF
from veille.outbox.schema import REWRITING, may_be_out
from veille.posts import CHANNELS

_d, _p = schema.delivery, schema.publication
ONE = "one"  # in the audit: a single delivery, not the whole publication
_GONE = {"state": "cancelled", "owner": None}
_UNSEEN: dict[str, Any] = {"intent_at": None, "sent_at": None, "checkpoint": "", "remote_id": "", "url": ""}


def _silent(_done: int) -> None:
    """Nobody watches."""


class Answer(StrEnum):
    """What a person found out about a held delivery."""

    SENT = "sent"  # it is out
    RETRY = "retry"  # it is not out, and shall go
    CANCEL = "cancel"  # it is not out, and shall not go


class Actions:
    """Changes that a person asks for, also while `veille run` sends.

    What is said of the whole publication is committed first, with at most `CHUNK` rows; the rest follows in chunks,
    so that nobody waits a second for the ledger. Breaking off loses nothing: the same action again does the rest.

    Args:
        rest: called with seconds between two chunks: whoever waits for the ledger has it now.
        account: of the operating system, for the audit.
    """

    def __init__(self, database: Database, rest: Callable[[float], object] = time.sleep, *, account: str = "") -> None:
        self._db = database
        self._rest = rest
        self._account = account

    def page_of(self, name: str) -> str:
        """The id of the page on which a letter is read online; "" for anything else."""
        with self._db.read() as connection:
            page = page_of(connection, find(connection, name).publication)
        return f"p{page.id}" if page is not None else ""

    def retry(
        self,
        name: str,
        now: datetime,
        *,
        failed: bool = False,
        tried: bool = False,
        progress: Callable[[int], object] = _silent,
    ) -> int:
        """Let failed, overdue and cancelled deliveries go, at their time or now when it is over.

        Never one that is out or may be: `resolve` decides about those, after a look. Nor one to an address that does
        not exist, unless this reader subscribed again. The page on which a letter is read online comes back with it.
        What stands on feed and web is written again: its folder may be lost. A post that waits for its next try is
        tried now; letters are not, because mailbox providers who asked to wait mean it.

        Args:
            failed: only what failed.
            tried: its channel reaches people by now: a post that only the sandbox had waits again, for `publish`.
            progress: called with how many are done.

        Returns:
            How many deliveries (or waiting letters) will go.
        """
        with self._db.write() as connection:
            named = find(connection, name)
            if named.publication.withdrawn and not named.rewriting:
                return 0  # its file is gone, or its time is over
            not_in_another_letter(connection, named)
            unseen = tried and named.only_tried
            every = named.rewriting or unseen
            again = named.rows if every else named.rows & ~may_be_out() & ~unreachable()
            again &= ~posted_by_hand() if unseen else sa.true()
            states: tuple[str, ...] = ("failed",) if failed else ("failed", "held", "cancelled")
            states += ("sent",) if every and not failed else ()
            values = _again(now) | (_UNSEEN if unseen else {})
            work = Work(named.publication.id, again, states, values, now, "retry")
            moved = work.chunk(connection)
            moved += 0 if failed else _at_once(connection, named, now)
            waits = 0 if failed and not moved else _let_go(connection, named, now, moved=moved)
            if named.post:
                keep(connection, named.rows)
            moved += try_again(connection, named.rows, now)
            if moved or waits:
                _bring_page_back(connection, named, now)
                self._tell(connection, Event.RETRIED, named, now)
        return waits + self._rest_of(work, moved, progress, still=_p.c.cancelled == 0)

    def cancel(
        self, name: str, now: datetime, *, public: bool = False, progress: Callable[[int], object] = _silent
    ) -> int:
        """Cancel what has not left; a page that stands, stays. What a service holds for later is deleted there.

        A post that failed is not wanted any more either, and nobody is reminded of it.

        A letter that nobody has takes the page on which it is read online with it. From the first chunk on nothing of
        the publication leaves any more.

        Args:
            public: delete also what a service shows to everybody.
            progress: called with how many are done.

        Returns:
            How many deliveries (or waiting letters) were stopped, or are as soon as it is known whether they are out;
            such a page is not counted.
        """
        with self._db.write() as connection:
            named = find(connection, name)
            stands = sa.and_(_d.c.channel.in_(REWRITING), _d.c.sent_at.is_not(None))
            keeps = sa.or_(stands, doubtful_post())
            # What is in hand first: those few must be over before anybody asks whether the letter is out.
            states = ("claimed", "ready", "held", *(["failed"] if named.post else []))
            values = _GONE | ({"last_code": "", "last_error": ""} if named.post else {})
            work = Work(named.publication.id, named.rows & ~keeps, states, values, now, "cancel")
            moved = work.chunk(connection) + take_back(connection, named.rows, now, public=public)
            all_of_it = named.whole or named.post  # a post has one delivery
            waits = named.waits and not named.publication.cancelled and named.whole
            flies = in_flight(connection, named)
            whole = all_of_it and (moved or waits or flies)
            more = int(waits or (named.post and flies and not (moved or named.publication.cancelled)))
            if whole or (moved and nothing_left(connection, named)):
                _set(connection, named, cancelled=1, hold="")
            if named.whole and (moved or waits):
                _cancel_page(connection, named, now)
            if moved or waits or whole:
                self._tell(connection, Event.CANCELLED, named, now)
        return more + self._rest_of(work, moved, progress, still=_p.c.cancelled == 1)

    def resolve(
        self,
        name: str,
        answer: Answer,
        now: datetime,
        *,
        url: str = "",
        progress: Callable[[int], object] = _silent,
    ) -> int:
        """Record what a person found out about held or unknown deliveries, or about a letter that was halted.

        What a service was handed over for later, and a person drops, is taken back there.

        Args:
            url: with `Answer.SENT`: where it can be seen.
            progress: called with how many are done.

        Returns:
            How many deliveries (or waiting letters) this was about.
        """
        values: dict[str, Any] = {
            Answer.SENT: {"state": "sent", "sent_at": now, "url": url, "last_code": "", "last_error": ""},
            Answer.RETRY: _again(now),
            Answer.CANCEL: {"state": "cancelled", "unknowns": 0, "last_code": "", "last_error": ""},
        }[answer]
        with self._db.write() as connection:
            named = find(connection, name)
            # A post is not said to be dropped before everybody looked: a list may not show yet what is out.
            flies = named.post and in_flight(connection, named)
            dropped = answer is Answer.CANCEL and (named.halted or flies)
            which, states = resolvable(named, again=answer is Answer.RETRY)
            work = Work(named.publication.id, which, states, values, now, f"resolved-{answer}")
            moved = 0 if dropped else work.chunk(connection)
            if moved and answer is Answer.CANCEL:
                drop(connection, named.rows, now)
            elif moved and named.post:
                keep(connection, named.rows)
            whole = 0 if dropped else self._resolve_whole(connection, named, answer, now, moved)
            if moved or whole:
                self._tell(connection, Event.RESOLVED, named, now, answer)
        if dropped:
            return self.cancel(name, now, progress=progress)
        still = _p.c.cancelled == 0 if answer is Answer.RETRY else None
        return whole + self._rest_of(work, moved, progress, still=still)

    def _resolve_whole(self, connection: sa.Connection, named: Named, answer: Answer, now: datetime, moved: int) -> int:
        """The hold on the publication itself. Returns 1 for one that goes, or does not go, because of it."""
        if answer is Answer.RETRY:
            return _let_go(connection, named, now, moved=moved, cancelled=bool(moved), halted=True)
        held = named.waits and bool(named.publication.hold)
        if held and answer is Answer.CANCEL:
            _set(connection, named, cancelled=1, hold="")
            _cancel_page(connection, named, now)
        elif held:  # a letter that left by another way: nobody is to be written to any more
            known = candidates(connection, named)
            _set(connection, named, hold="", audience_at=now, expanded_at=now, started_at=now, candidates=known)
        return int(held)

    def pause(self, name: str, now: datetime, *, paused: bool) -> None:
        """Stop a publication or a whole channel for a while, or let it go on.

        Grace of a publication counts anew from `resume`; what waited behind a stopped channel may be overdue by then.
        What a channel put off after a failure of its own is tried at once after `resume`. What a service holds is taken
        back, and handed over anew after `resume`.
        """
        if name in CHANNELS:
            table = schema.channel
            with self._db.write() as connection:
                connection.execute(sa.delete(table).where(table.c.name == name))
                if paused:
                    connection.execute(sa.insert(table).values(name=name, stopped_at=now, reason="paused"))
                    hold_back(connection, _d.c.channel == name, now)
                event = Event.PAUSED if paused else Event.RESUMED
                audit.write(connection, [audit.line(event, at=now, account=self._account, text=name)])
            if not paused:
                self._try_at_once(name, now)
            return
        with self._db.write() as connection:
            named = find(connection, name)
            values: dict[str, Any] = {"paused": 1} if paused else {"paused": 0, "queued_at": now}
            _set(connection, named, **values)
            if paused:
                hold_back(connection, _d.c.publication_id == named.publication.id, now)
            self._tell(connection, Event.PAUSED if paused else Event.RESUMED, named, now)

    def _tell(self, connection: sa.Connection, event: Event, named: Named, now: datetime, answer: str = "") -> None:
        """One line of the audit, however many readers it is about; never which of them."""
        row, text = named.publication, " ".join(part for part in (answer, "" if named.whole else ONE) if part)
        told = audit.line(event, at=now, source=row.source, publication_id=row.id, account=self._account, text=text)
        audit.write(connection, [told])

    def _try_at_once(self, channel: str, now: datetime) -> None:
        """Whoever mended the channel need not wait for the next try."""
        mine = sa.select(_p.c.id).where(_p.c.channel == channel)
        waits = sa.and_(
            _d.c.publication_id.in_(mine),
            sa.text(schema.READY),
            _d.c.due_at > now,
            _d.c.last_code.in_(("unavailable", "not-authorised")),
        )
        with self._db.read() as connection:
            count = connection.execute(sa.select(sa.func.count()).select_from(_d).where(waits)).scalar_one()
        few = sa.select(_d.c.id).where(waits).limit(CHUNK)
        for chunk in range(-(-count // CHUNK)):  # not until none is left: a worker may put them off again meanwhile
            if chunk:
                self._rest(REST)
            with self._db.write() as connection:
                connection.execute(
                    sa.update(_d).where(_d.c.id.in_(few.scalar_subquery())).values(due_at=now, updated_at=now)
                )

    def _rest_of(
        self,
        work: Work,
        moved: int,
        progress: Callable[[int], object],
        *,
        still: sa.ColumnElement[bool] | None = None,
    ) -> int:
        """The chunks after the first. Returns how many were moved in all.

        Args:
            still: what must hold of the publication; nobody may have decided otherwise since.
        """
        progress(moved)
        while not work.done:
            self._rest(REST)
            with self._db.write() as connection:
                if still is not None and not work.holds(connection, still):
                    break
                moved += work.chunk(connection)
            progress(moved)
        return moved


def _set(connection: sa.Connection, named: Named, **values: Any) -> None:
    connection.execute(sa.update(_p).where(_p.c.id == named.publication.id).values(**values))


def _let_go(
    connection: sa.Connection,
    named: Named,
    now: datetime,
    *,
    moved: int,
    cancelled: bool = True,
    halted: bool = False,
) -> int:
    """Take the hold (and the cancellation) off a publication. Returns 1 for a letter that goes because of it.

    Args:
        halted: also off one that was halted after bounces: somebody looked at its list.
    """
    row = named.publication
    waits = named.waits and bool(row.hold or (cancelled and row.cancelled))
    goes_on = halted and named.halted
    if not (moved or waits or goes_on):
        return 0
    hold = row.hold if row.hold == "bounces" and not goes_on else ""
    values: dict[str, Any] = {"hold": hold, "queued_at": now, "cancelled": 0}
    if goes_on:  # or the next dead address would halt it anew
        values |= {"answered": 0, "bounced": 0}
    if waits:
        values["due_at"] = max(row.due_at, now)
    _set(connection, named, **values)
    return int(waits or goes_on)


def _at_once(connection: sa.Connection, named: Named, now: datetime) -> int:
    """What waits for its next try, and whose time is over, is due now. Returns how many that are."""
    if named.publication.channel == "newsletter" or named.publication.due_at > now:
        return 0
    waits = sa.and_(named.rows, _d.c.state == "ready", _d.c.due_at > now, _d.c.last_code.in_(PUT_OFF))
    return move(connection, waits, {"due_at": now}, now, "retry")


def _cancel_page(connection: sa.Connection, named: Named, now: datetime) -> None:
    """A page does not appear without its letter, unless it stands already or somebody has the letter."""
    page = page_of(connection, named.publication)
    left = sa.select(_d.c.id).where(_d.c.publication_id == named.publication.id, may_be_out())
    if page is None or connection.execute(left).first():
        return
    unseen = sa.and_(_d.c.publication_id == page.id, _d.c.sent_at.is_(None))
    if move(connection, unseen & _d.c.state.in_(("ready", "claimed", "held")), _GONE, now, "cancel"):
        _set(connection, Named(page, unseen, True), cancelled=1, hold="")


def _bring_page_back(connection: sa.Connection, named: Named, now: datetime) -> None:
    page = page_of(connection, named.publication)
    if page is not None and page.cancelled:
        mine = _d.c.publication_id == page.id
        move(connection, mine & (_d.c.state == "cancelled"), _again(now), now, "retry")
        _set(connection, Named(page, mine, True), cancelled=0, queued_at=now)


def _again(now: datetime) -> dict[str, Any]:
    """A fresh start: at its time, or now when it is over; with a new Date, because nothing of it is out."""
    due = sa.case((_d.c.due_at > now, _d.c.due_at), else_=sa.literal(now, schema.Moment()))
    cleared = {"tries": 0, "unknowns": 0, "looks": 0, "blind": 0, "last_code": "", "last_error": ""}
    return {"state": "ready", "due_at": due, "owner": None, "first_at": None, **cleared}
