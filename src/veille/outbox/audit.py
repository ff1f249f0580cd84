"""Who did what, and when: lines that are written once and never changed (triggers of the ledger refuse it).

No line names a reader: what stands here stays for as long as the ledger does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypedDict, Unpack

import sqlalchemy as sa

from veille.outbox import schema
from veille.outbox.database import Database

_a, _p = schema.audit, schema.publication


class Event(StrEnum):
    """What people do that others may ask about later. Stored and shown in JSON: never renamed."""

    ASKED = "asked"  # reviewers were asked by mail
    APPROVED = "approved"
    PUBLISHED = "published"  # queued; `text`: new, updated or rewrite
    WITHDRAWN = "withdrawn"  # its file is gone, over, or a draft again
    CANCELLED = "cancelled"
    PAUSED = "paused"
    RESUMED = "resumed"
    RETRIED = "retried"
    RESOLVED = "resolved"  # `text`: sent, retry or cancel
    CONFIRMED = "confirmed"  # a partner's record


@dataclass(frozen=True)
class Entry:
    """One line.

    Args:
        event: mostly of `Event`; a later veille may know more.
        source: of a post or edition, or the id of a partner.
        who: as they named themselves; `account`: of the operating system.
        digest: of everything that was approved (`veille.approval`).
        channel, title: of the publication that it is about.
    """

    id: int
    at: datetime
    event: str
    source: str = ""
    publication_id: int | None = None
    who: str = ""
    account: str = ""
    digest: str = ""
    text: str = ""
    channel: str = ""
    title: str = ""


class Told(TypedDict, total=False):
    """What a line may say besides its event and moment, as in `Entry`."""

    source: str
    publication_id: int | None
    who: str
    account: str
    digest: str
    text: str


def line(event: str, *, at: datetime, **told: Unpack[Told]) -> dict[str, Any]:
    """The values of one line, for `write`; `at`: aware."""
    nothing: Told = {"source": "", "publication_id": None, "who": "", "account": "", "digest": "", "text": ""}
    return {"event": str(event), "at": at, **nothing, **told}


def write(connection: sa.Connection, lines: Iterable[dict[str, Any]]) -> None:
    """Add lines in the transaction of what they tell: both are kept, or neither."""
    if values := list(lines):
        connection.execute(sa.insert(_a), values)


class Audit:
    """The lines, oldest first. Nothing here can change one."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def record(self, event: str, *, at: datetime, **told: Unpack[Told]) -> None:
        """Add one line, in a transaction of its own; `at`: aware.

        Raises:
            LedgerError: it was not written.
        """
        with self._db.write() as connection:
            write(connection, [line(event, at=at, **told)])

    def entries(self, *, source: str = "", event: str = "", limit: int | None = None) -> list[Entry]:
        """The lines, oldest first.

        Args:
            source: only of this one; a letter counts for each post in it.
            event: only of this kind.
            limit: the newest so many.
        """
        wanted = sa.select(_a, _p.c.channel, _p.c.title).outerjoin(_p, _p.c.id == _a.c.publication_id)
        if source:
            members = schema.edition_post
            letters = sa.select(members.c.publication_id).where(members.c.source == source)
            wanted = wanted.where(sa.or_(_a.c.source == source, _a.c.publication_id.in_(letters)))
        if event:
            wanted = wanted.where(_a.c.event == event)
        newest = wanted.order_by(_a.c.id.desc()).limit(limit)
        with self._db.read() as connection:
            rows = connection.execute(newest).all()
        return [_entry(row) for row in reversed(rows)]

    def latest(self, source: str, event: str) -> Entry | None:
        """The newest line of a kind about a source; None: there is none."""
        wanted = sa.select(_a, _p.c.channel, _p.c.title).outerjoin(_p, _p.c.id == _a.c.publication_id)
        mine = wanted.where(_a.c.source == source, _a.c.event == event).order_by(_a.c.id.desc()).limit(1)
        with self._db.read() as connection:
            row = connection.execute(mine).one_or_none()
        return _entry(row) if row is not None else None


def _entry(row: Any) -> Entry:
    return Entry(
        id=row.id,
        at=row.at,
        event=row.event,
        source=row.source,
        publication_id=row.publication_id,
        who=row.who,
        account=row.account,
        digest=row.digest,
        text=row.text,
        channel=row.channel or "",
        title=row.title or "",
    )
