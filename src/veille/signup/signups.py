"""The table of who asked for the letter: one row for each address, by its keyed hash, and what becomes of it.

wanted ─claim (committed)─► sending ─► mailed ─button─► confirmed. A mail leaves at most once: a crash in `sending` is
not repaired, because a second mail is worse than none; the person may ask again the next day.

Whoever reads the letter already goes the same way without an address, wanted ─► sending ─► reads, and no mail leaves:
the same rows are written, the same mail is made, and neither the answer nor how long the next one takes tells which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from veille.outbox import schema
from veille.outbox.database import Database
from veille.signup.consent import JOINT
from veille.signup.limits import ALARM, ALL, Limit, Limits, forget_clients
from veille.subscribers.addresses import keyed_hash
from veille.subscribers.cells import UNDER_15, Row
from veille.subscribers.store import let_in
from veille.timetable import Clock

BETWEEN = timedelta(hours=24)  # two mails to one address
MOST = 3  # mails to one address in `COUNT_KEPT`, until it confirms
LINK_LIVES = timedelta(hours=48)
ADDRESS_KEPT = timedelta(days=7)  # of somebody who does not confirm (facts/france.md, 1.3)
COUNT_KEPT = timedelta(days=365)  # how many mails an address got that did not confirm, by its hash
RETRY = timedelta(minutes=5)  # after the mail server said "not now"
STALE = timedelta(hours=24)  # a mail that could not leave for so long would come as a surprise

_g, _s, _b = schema.signup, schema.subscriber, schema.bucket
_READS_IT = sa.select(_s.c.id).where(_s.c.email == sa.bindparam("address"), _s.c.state == "subscribed")
_EMPTY: dict[str, Any] = {"email": "", "towns": "", "audience": "", "text_only": 0, "age": ""}
_READS = "reads"  # state of whoever reads the letter already; what is counted as mails did not leave


class Answer(StrEnum):
    """What became of a request. None of them says whether the address is known."""

    TAKEN = "taken"  # a mail leaves, if one is due
    CLIENT_BUSY = "client-busy"  # too many requests from this connection
    ALL_BUSY = "all-busy"  # too many mails to everybody in this hour


@dataclass(frozen=True)
class Asked:
    """The answer to a request.

    Args:
        alarm: the limit of all was reached just now, for the first time in an hour.
    """

    answer: Answer
    alarm: bool = False


@dataclass(frozen=True)
class Wanted:
    """A confirmation mail to send now.

    Args:
        signup: the number that its link names.
        email: "" for somebody who reads the letter already: make the mail, and send it to nobody.
    """

    signup: int
    email: str = field(repr=False)
    language: str

    @property
    def leaves(self) -> bool:
        """Whether anybody is to get it."""
        return self.email != ""


class Outcome(StrEnum):
    """What a link of a confirmation mail leads to."""

    OPEN = "open"  # the button may be pressed
    DONE = "done"  # it was pressed just now
    USED = "used"  # it was pressed before
    EXPIRED = "expired"
    VOID = "void"  # no such request


@dataclass(frozen=True)
class Confirmation:
    """What pressing the button did.

    Args:
        subscriber: the reader; None when nobody was added.
    """

    outcome: Outcome
    subscriber: int | None = None


class Signups:
    """Who asked, and who confirmed.

    Args:
        key: of the keyed hashes of addresses, `Keys.derive("suppression")`: erasing finds the same.
        client_key: of the hashes of clients, `Keys.derive("clients")`.
    """

    def __init__(self, database: Database, key: bytes, client_key: bytes, limits: Limits, clock: Clock) -> None:
        self._db = database
        self._key = key
        self._client_key = client_key
        self._limits = limits
        self._clock = clock

    # asking

    def ask(self, row: Row, client: str) -> Asked:
        """Take a request. The same statements run whether the address is new, known, waiting or away.

        A reader who receives the letter gets no mail about it: whoever looks at their phone learns nothing, and nobody
        can use the form to find out (facts/france.md, 6).

        Args:
            row: valid; `consent_text` is the version of the words that were shown.
            client: as `client_of` says.

        Raises:
            LedgerError: the outbox cannot be used now.
        """
        return self.ask_all([(row, client)])[0]

    def ask_all(self, requests: Sequence[tuple[Row, str]]) -> list[Asked]:
        """Take several requests, in one transaction: all of them or, when it fails, none.

        Args:
            requests: as `ask` takes them, in the order in which they came.

        Returns:
            The answer to each.

        Raises:
            LedgerError: the outbox cannot be used now.
        """
        now = self._clock()
        with self._db.read() as connection:  # a flood makes no writer wait
            limit = Limit(connection, self._client_key, now)
            busy = [limit.exhausted(client, self._limits.per_client) for _row, client in requests]
        if all(busy):
            return [Asked(Answer.CLIENT_BUSY)] * len(requests)
        with self._db.write() as connection:
            return [
                Asked(Answer.CLIENT_BUSY) if spent else self._take(connection, row, client, now)
                for (row, client), spent in zip(requests, busy, strict=True)
            ]

    def _take(self, connection: sa.Connection, row: Row, client: str, now: datetime) -> Asked:
        limit = Limit(connection, self._client_key, now)
        room = limit.free(ALL, self._limits.all_together)  # its lock comes first: nobody waits for anybody in a circle
        if not limit.client(client, self._limits.per_client):
            return Asked(Answer.CLIENT_BUSY)
        if not room:
            return Asked(Answer.ALL_BUSY, alarm=_raise_alarm(connection, limit, now))
        if self._note(connection, keyed_hash(self._key, row.email), row, now):
            limit.take(ALL, self._limits.all_together)
        return Asked(Answer.TAKEN)

    def _note(self, connection: sa.Connection, digest: str, row: Row, now: datetime) -> bool:
        """Write the wish down, if a mail may leave for it. Returns whether it counts as one.

        A reader who gets none counts like anybody, as often as a mail would leave: how much is left for others must
        not tell. Once they are no reader any more, what did not leave counts for nothing.
        """
        first = {"hash": digest, "state": "given-up", "asked_at": now - BETWEEN, **_EMPTY}
        stored = connection.execute(_row_of(connection.dialect.name), first).one()
        known = connection.execute(_READS_IT, {"address": row.email}).first() is not None
        returns = _is_of_a_reader(stored) and not known
        counts = returns or _may_leave(stored, now)
        values = _wish(row, now) | (_EMPTY if known else {}) | ({"mails": 0} if returns else {})
        values = values if counts else {"hash": digest}
        connection.execute(sa.update(_g).where(_g.c.id == stored.id).values(**values))
        return counts

    # mailing

    def claim(self) -> Wanted | None:
        """The next mail, marked as being sent in a transaction that is committed before this returns.

        Of several processes, one gets it. None: nothing is wanted.
        """
        now = self._clock()
        ahead = _g.c.mailed_at > now + RETRY  # written by a clock that was wrong
        rested = sa.or_(_g.c.mailed_at.is_(None), _g.c.mailed_at <= now - RETRY, ahead)
        first = sa.select(_g).where(_g.c.state == "wanted", _g.c.asked_at > now - STALE, rested)
        first = first.order_by(sa.func.coalesce(_g.c.mailed_at, _g.c.asked_at))  # nobody waits behind one refusal
        with self._db.read() as connection:  # most looks find nothing: they must not wait for writers
            if connection.execute(first.limit(1)).first() is None:
                return None
        with self._db.write() as connection:
            row = connection.execute(first.limit(1).with_for_update(skip_locked=True)).first()
            if row is None:
                return None
            sending = {"state": "sending", "mailed_at": now, "mails": _g.c.mails + 1}
            connection.execute(sa.update(_g).where(_g.c.id == row.id).values(**sending))
        return Wanted(row.id, row.email, row.language)

    def mailed(self, signup: int) -> None:
        """The mail left, or was made for a reader, who gets none."""
        self._settle(signup, {"state": sa.case((_g.c.email == "", _READS), else_="mailed")})

    def not_sent(self, signup: int, *, again: bool) -> None:
        """The mail did certainly not leave.

        Args:
            again: the mail server is to blame, and it is tried again within a day; else the address is.
        """
        back = {"state": "wanted", "mails": _g.c.mails - 1}
        self._settle(signup, back if again else {"state": "given-up", **_EMPTY})

    def _settle(self, signup: int, values: dict[str, Any]) -> None:
        with self._db.write() as connection:
            connection.execute(sa.update(_g).where(_g.c.id == signup, _g.c.state == "sending").values(**values))

    # confirming

    def look(self, signup: int) -> Outcome:
        """What the link leads to; changes nothing, because mail scanners open links too."""
        with self._db.read() as connection:
            row = connection.execute(sa.select(_g).where(_g.c.id == signup)).one_or_none()
        return _outcome(row, self._clock())

    def confirm(self, signup: int) -> Confirmation:
        """The button was pressed: add the reader, with the proof of consent. Once; also whoever left or was erased.

        Raises:
            LedgerError: the outbox cannot be used now.
        """
        now = self._clock()
        with self._db.write() as connection:
            row = connection.execute(sa.select(_g).where(_g.c.id == signup).with_for_update()).one_or_none()
            outcome = _outcome(row, now)
            if row is None or outcome is not Outcome.OPEN:
                return Confirmation(outcome)
            how = f"web form, asked {row.asked_at.isoformat(timespec='seconds')}, confirmed by mail"
            reader = let_in(connection, self._key, _row(row), how=how, now=now, text=row.consent_text)
            done = {"state": "confirmed", "mails": 0, **_EMPTY}
            connection.execute(sa.update(_g).where(_g.c.id == signup).values(**done))
        return Confirmation(Outcome.DONE, reader)

    # upkeep

    def upkeep(self) -> None:
        """Forget addresses that nobody confirmed, and clients; how many mails an address got is known by its hash.

        That too ends, a year after the last request (RGPD article 5.1.e).
        """
        now = self._clock()
        settled = ("confirmed", "given-up", _READS)
        old = sa.and_(_g.c.asked_at <= now - ADDRESS_KEPT, _g.c.state.not_in(settled))
        stale = sa.and_(_g.c.state == "wanted", _g.c.asked_at <= now - STALE)
        spent = sa.and_(_g.c.asked_at <= now - ADDRESS_KEPT, _g.c.mails == 0, _g.c.email == "")
        over = sa.and_(_g.c.asked_at <= now - COUNT_KEPT, _g.c.state.in_(settled))
        with self._db.write() as connection:
            connection.execute(sa.update(_g).where(sa.or_(old, stale)).values(state="given-up", **_EMPTY))
            connection.execute(sa.delete(_g).where(sa.or_(spent, over)))
            forget_clients(connection, now)


@cache
def _row_of(dialect: str) -> Any:
    """The row of an address, made when there is none, and locked. Built once: see `limits`."""
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    row = make(_g).values({name: sa.bindparam(name) for name in ("hash", "state", "asked_at", *_EMPTY)})
    same = row.on_conflict_do_update(index_elements=["hash"], set_={"hash": row.excluded.hash})
    return same.returning(*_g.c)


def _is_of_a_reader(stored: Any) -> bool:
    """Whether the mail that this row stands for leaves, or left, for nobody."""
    return stored.state == _READS or (stored.state in ("wanted", "sending") and not stored.email)


def _may_leave(stored: Any, now: datetime) -> bool:
    rested = stored.mailed_at is None or abs(now - stored.mailed_at) >= BETWEEN  # the clock may have been ahead
    waits = stored.state == "wanted" and stored.asked_at > now - STALE
    return bool(not waits and stored.mails < MOST and rested)


def _wish(row: Row, now: datetime) -> dict[str, Any]:
    return {
        "state": "wanted",
        "asked_at": now,
        "email": row.email,
        "language": row.language,
        "towns": row.towns,
        "audience": row.audience,
        "text_only": int(row.text_only),
        "age": row.age,
        "consent_text": row.consent_text,
    }


def _row(stored: Any) -> Row:
    return Row(
        email=stored.email,
        language=stored.language,
        towns=stored.towns,
        audience=stored.audience,
        text_only=bool(stored.text_only),
        age=stored.age,
        parental_consent=JOINT if stored.age == UNDER_15 else "",
    )


def _outcome(row: Any, now: datetime) -> Outcome:
    """A mail whose sending was cut short may have arrived all the same: its link counts."""
    if row is None:
        return Outcome.VOID
    if row.state == "confirmed" or _is_of_a_reader(row):
        return Outcome.USED
    if row.state not in ("sending", "mailed") or not row.email or row.mailed_at <= now - LINK_LIVES:
        return Outcome.EXPIRED
    return Outcome.OPEN


def _raise_alarm(connection: sa.Connection, limit: Limit, now: datetime) -> bool:
    """Remember that the limit of all was reached. Returns whether nobody was told in this hour."""
    found = connection.execute(sa.select(_b.c.used_until).where(_b.c.name == ALARM)).scalar()
    if found is not None and abs(found - now.timestamp()) < 3600:
        return False
    limit.mark(ALARM, now.timestamp())
    return True
