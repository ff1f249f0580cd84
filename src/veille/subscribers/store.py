"""The table of readers: added by the million, counted, written out, and shown to the one person that a row is about."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from veille.errors import VeilleError
from veille.i18n import gettext as _
from veille.outbox import schema
from veille.outbox.database import Database
from veille.outbox.renditions import insert_once
from veille.subscribers.addresses import checked, domain_of, keyed_hash, marker
from veille.subscribers.cells import CHOICES, Row, defused
from veille.subscribers.leaving import came_back, put_away

CHUNK = 2_500  # rows of one transaction: nobody waits long for it
_s = schema.subscriber


@dataclass(frozen=True)
class Imported:
    """What an import did, or would do."""

    added: int = 0
    known: int = 0
    suppressed: int = 0  # unsubscribed or removed before: they do not come back by CSV
    duplicates: int = 0  # a second line for the same address: the first one counts
    updated: int = 0  # of the known: whose choices changed


@dataclass(frozen=True)
class Choice:
    """Some of the readers: whoever a post for this town, audience and language reaches. "" is all.

    As in `veille.segments`: a reader who chose no town receives what is for any of them.
    """

    town: str = ""
    audience: str = ""
    language: str = ""

    def where(self) -> sa.ColumnElement[bool]:
        """The readers who are subscribed, and among these."""
        every = [_s.c.state == "subscribed"]
        if self.town:
            listed = sa.literal(",").concat(_s.c.towns).concat(",")
            every.append(sa.or_(_s.c.towns == "", listed.contains(f",{self.town},", autoescape=True)))
        if self.audience:
            every.append(_s.c.audience.in_(("", self.audience)))
        if self.language:
            every.append(_s.c.language == self.language)
        return sa.and_(*every)


EVERYBODY = Choice()


class Subscribers:
    """The table of readers.

    Args:
        key: of the keyed hashes, `Keys.derive("suppression")`.
    """

    def __init__(self, database: Database, key: bytes) -> None:
        self._db = database
        self._key = key

    # coming

    def add(
        self,
        rows: Iterable[Row],
        *,
        how: str,
        now: datetime,
        text: str = "",
        update: Collection[str] = (),
        dry_run: bool = False,
        progress: Callable[[int], None] = lambda _done: None,
    ) -> Imported:
        """Add readers; whoever is known stays as they are, whoever left stays away.

        Each chunk is a transaction of its own: an import that was interrupted is run again, and goes on.

        Args:
            how: how consent was given, kept as its proof (RGPD article 7.1) where a row does not say it.
            text: which version of the words they agreed to, where a row does not say it.
            update: the choices (`cells.CHOICES`) that a row changes for a reader who is known; never the consent.
            dry_run: count, and change nothing.
            progress: called with the number of rows so far.
        """
        tally: Counter[str] = Counter()
        proof = {"consent_how": how, "consent_at": now, "consent_text": text}
        with closing(_Seen()) as seen:
            for chunk in _chunks(rows):
                fresh = seen.first(chunk, self._key)
                tally["rows"] += len(chunk)
                tally["duplicates"] += len(chunk) - len(fresh)
                with self._db.read() if dry_run else self._db.write() as connection:
                    tally += _Chunk(connection, fresh, dry_run=dry_run).add(proof, update)
                progress(tally["rows"])
        return Imported(**{name: count for name, count in tally.items() if name != "rows"})

    def welcome_back(self, row: Row, *, how: str, now: datetime, text: str = "") -> Imported:
        """Add one reader who asks for the letter again after leaving it; the new consent is kept as its proof.

        Raises:
            VeilleError: they complained about the letter, or were erased; only they themselves may come back.
        """
        digest = keyed_hash(self._key, row.email)
        with self._db.write() as connection:
            mine = _s.c.email.in_((row.email, marker(digest)))
            reader = connection.execute(sa.select(_s.c.state).where(mine).with_for_update()).one_or_none()
            away = schema.suppression
            reason = connection.execute(sa.select(away.c.reason).where(away.c.hash == digest)).scalar()
            _check_return(reader.state if reader else None, reason)
            let_in(connection, self._key, row, how=how, now=now, text=text)
        known = reader is not None and reader.state == "subscribed"
        return Imported(known=1) if known else Imported(added=1)

    def change(self, subscriber_id: int, choices: Mapping[str, Any]) -> bool:
        """Write what a reader chose themselves. Returns False when they do not receive the letter.

        Args:
            choices: of `cells.CHOICES`, valid.
        """
        values = {name: int(value) if name == "text_only" else value for name, value in choices.items()}
        mine = sa.and_(_s.c.id == subscriber_id, _s.c.state == "subscribed")
        with self._db.write() as connection:
            return bool(connection.execute(sa.update(_s).where(mine).values(**values)).rowcount)

    def look(self, subscriber_id: int) -> dict[str, Any] | None:
        """What one reader chose, for their own page, with their state; without the address. None: no such reader."""
        columns = (_s.c.state, *(_s.c[name] for name in CHOICES))
        with self._db.read() as connection:
            row = connection.execute(sa.select(*columns).where(_s.c.id == subscriber_id)).one_or_none()
        return None if row is None else dict(row._mapping)

    # leaving

    def leave(self, subscriber_id: int, now: datetime) -> bool:
        """Unsubscribe: at once, also from a letter that is on its way to being sent. Harmless twice."""
        with self._db.write() as connection:
            return put_away(connection, self._key, subscriber_id, "unsubscribed", "unsubscribed", now)

    def remove(self, address: str, now: datetime) -> None:
        """Unsubscribe somebody by address.

        Raises:
            VeilleError: this address does not receive the letter.
        """
        with self._db.read() as connection:
            mine = _s.c.email == checked(address)
            found = connection.execute(sa.select(_s.c.id).where(mine)).scalar()
        if found is None or not self.leave(found, now):
            raise VeilleError(
                _("this address does not receive the letter"),
                hint=_("`veille subscribers list` counts the readers; `export` writes their addresses to a file"),
            )

    def record_bounce(
        self, subscriber_id: int, delivery_id: int | None, kind: str, code: str, text: str, now: datetime
    ) -> str:
        """Keep what came back about a reader; suppress them when it says enough.

        A hard bounce suppresses at once, a complaint unsubscribes at once; soft ones do when three letters came back
        over 15 days or more, and none in between stayed where it was sent. The same report twice counts once.

        Args:
            delivery_id: the row of the delivery, if the report names it.
            kind: hard | soft | complaint.
            code: the enhanced status code (RFC 3463), or "".
            text: the server's words, redacted.

        Returns:
            "suppressed", "counted", "known" (this report came before) or "gone" (no such reader any more).
        """
        with self._db.write() as connection:
            return came_back(connection, self._key, subscriber_id, delivery_id, kind, code, text, now)

    # reading

    def counts(self, choice: Choice = EVERYBODY) -> dict[str, Any]:
        """How many read the letter, in all and by town, audience and language. No address."""
        columns = (_s.c.towns, _s.c.audience, _s.c.language, _s.c.text_only, _s.c.state)
        chosen = sa.or_(choice.where(), _s.c.state != "subscribed")
        with self._db.read() as connection:
            found = sa.select(*columns, sa.func.count().label("n")).where(chosen).group_by(*columns)
            rows = connection.execute(found).all()
        groups = [row for row in rows if row.state == "subscribed"]
        left, towns, audience, language = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
        for row in rows:
            left[row.state] += row.n
        for group in groups:
            towns.update(dict.fromkeys(group.towns.split(","), group.n))
            audience[group.audience] += group.n
            language[group.language] += group.n
        return {
            "subscribed": sum(group.n for group in groups),
            **{state: left[state] for state in schema.READER_STATES if state != "subscribed"},
            "towns": _sorted(towns),
            "audience": _sorted(audience),
            "language": _sorted(language),
            "text_only": sum(group.n for group in groups if group.text_only),
        }

    def export(self, choice: Choice = EVERYBODY) -> Iterator[dict[str, str]]:
        """Readers as rows of the same CSV, safe to open in a spreadsheet."""
        with self._db.read() as connection:
            found = sa.select(_s).where(choice.where()).order_by(_s.c.id)
            with connection.execution_options(yield_per=CHUNK).execute(found) as rows:  # closed when nobody reads on
                for row in rows:
                    yield {name: defused(value) for name, value in as_cells(row).items()}


def let_in(connection: sa.Connection, key: bytes, row: Row, *, how: str, now: datetime, text: str = "") -> int:
    """Make somebody a reader by their own word, whatever was before; the new consent is kept as its proof.

    Whoever receives the letter stays as they are.

    Args:
        key: of the keyed hashes, `Keys.derive("suppression")`.

    Returns:
        The reader's number.
    """
    digest = keyed_hash(key, row.email)
    connection.execute(sa.delete(schema.suppression).where(schema.suppression.c.hash == digest))
    mine = sa.select(_s.c.id, _s.c.state).where(_s.c.email.in_((row.email, marker(digest)))).with_for_update()
    values = {"state": "subscribed", **_values(row, {"consent_how": how, "consent_at": now, "consent_text": text})}
    reader = connection.execute(mine).first()
    if reader is None:
        connection.execute(insert_once(connection, _s).values(**values))
        reader = connection.execute(mine).one()
    elif reader.state != "subscribed":
        connection.execute(sa.update(_s).where(_s.c.id == reader.id).values(left_at=None, **values))
    return int(reader.id)


def as_cells(row: Any) -> dict[str, str]:
    """A row of the table in the columns of the CSV."""
    return {
        "email": row.email,
        "language": row.language,
        "towns": row.towns.replace(",", ";"),
        "audience": row.audience,
        "text_only": "true" if row.text_only else "false",
        "consent": row.consent_how,
        "consent_date": row.consent_at.isoformat(timespec="seconds"),
        "consent_text": row.consent_text,
        "age": row.age,
        "parental_consent": row.parental_consent,
    }


def _sorted(counter: Counter[str]) -> dict[str, int]:
    return {name: counter[name] for name in sorted(counter) if name}


def _check_return(state: str | None, reason: str | None) -> None:
    hint = _("they can subscribe again themselves, on the page of the letter; nobody else may do it for them")
    if "complained" in (state, reason):  # no row is left of those who left long ago (`retention`)
        raise VeilleError(_("this person reported the letter as unwanted"), hint=hint)
    if state is None and reason == "erased":
        raise VeilleError(_("this person asked to be erased"), hint=hint)


class _Seen:
    """Addresses of one import so far, in a temporary file: the memory of an import does not grow with it."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect("", isolation_level=None)
        self._rows.execute("PRAGMA journal_mode=OFF")
        self._rows.execute("PRAGMA cache_size=-32768")  # KiB: as much as it ever takes
        self._rows.execute("CREATE TABLE seen (hash BLOB PRIMARY KEY) WITHOUT ROWID")

    def first(self, rows: Iterable[Row], key: bytes) -> dict[str, Row]:
        """Those of these rows whose address did not come before, by keyed hash."""
        insert = "INSERT OR IGNORE INTO seen VALUES (?)"
        fresh = {}
        self._rows.execute("BEGIN")
        for row in rows:
            digest = keyed_hash(key, row.email)
            if self._rows.execute(insert, (bytes.fromhex(digest[:32]),)).rowcount:
                fresh[digest] = row
        self._rows.execute("COMMIT")
        return fresh

    def close(self) -> None:
        """The file is gone with it."""
        self._rows.close()


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    rest = iter(rows)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


class _Chunk:
    """Some rows by keyed hash, no address twice, in one transaction."""

    def __init__(self, connection: sa.Connection, rows: Mapping[str, Row], *, dry_run: bool) -> None:
        self._connection = connection
        self._dry_run = dry_run
        away = schema.suppression.c.hash
        found = connection.execute(sa.select(away).where(away.in_(list(rows)))).scalars()
        self._away = set(found)
        self._rows = [row for digest, row in rows.items() if digest not in self._away]
        emails = [row.email for row in self._rows]
        stored = sa.select(_s.c.id, _s.c.email, _s.c.state, *(_s.c[name] for name in CHOICES)).where(
            _s.c.email.in_(emails)
        )
        self._stored = {row.email: row for row in connection.execute(stored)}

    def add(self, proof: Mapping[str, Any], update: Collection[str]) -> Counter[str]:
        """Add what is new. Returns what was done, counted."""
        new = [row for row in self._rows if row.email not in self._stored]
        known = [row for row in self._rows if row.email in self._stored]
        reading = [row for row in known if self._stored[row.email].state == "subscribed"]
        if new and not self._dry_run:
            values = [{"state": "subscribed", **_values(row, proof)} for row in new]
            self._connection.execute(insert_once(self._connection, _s), values)
        return Counter(
            added=len(new),
            known=len(reading),
            suppressed=len(self._away) + len(known) - len(reading),
            updated=self._update(reading, update),
        )

    def _update(self, rows: Iterable[Row], columns: Collection[str]) -> int:
        """Write the choices that differ. Returns of how many readers."""
        changes = []
        for row in rows if columns else ():
            stored, chosen = self._stored[row.email], _choices(row)
            if any(getattr(stored, name) != chosen[name] for name in columns):
                changes.append({"reader": stored.id, **{f"new_{name}": chosen[name] for name in columns}})
        if changes and not self._dry_run:
            values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in columns}
            self._connection.execute(sa.update(_s).where(_s.c.id == sa.bindparam("reader")).values(values), changes)
        return len(changes)


def _choices(row: Row) -> dict[str, Any]:
    return {
        "language": row.language,
        "towns": row.towns,
        "audience": row.audience,
        "text_only": int(row.text_only),
    }


def _values(row: Row, proof: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "email": row.email,
        "domain": domain_of(row.email),
        **_choices(row),
        "age": row.age,
        "consent_how": row.consent or proof["consent_how"],
        "consent_at": row.consent_at or proof["consent_at"],
        "consent_text": row.consent_text or proof["consent_text"],
        "parental_consent": row.parental_consent,
    }
