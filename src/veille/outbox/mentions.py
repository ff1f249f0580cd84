"""Who carries a contact: the letters, pages and posts in the outbox that show it, with the details they show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from veille.contacts import TABLE, Details, from_json
from veille.outbox import schema
from veille.outbox.database import Database
from veille.outbox.schema import REWRITING, may_be_out

_d, _p = schema.delivery, schema.publication


class Where(StrEnum):
    """How far a publication has come, as far as its readers are concerned."""

    QUEUED = "queued"  # nobody has seen it yet
    SENT = "sent"  # a letter or social post that is out, or on its way: nothing can change it
    STANDS = "stands"  # a page or feed item that readers see now
    REWRITING = "rewriting"  # a page whose new form waits for `veille run`


@dataclass(frozen=True)
class Bearer:
    """One publication that shows a contact.

    Args:
        id: "p12".
        due: aware.
        url: where people see it; "" for letters and in a sandbox.
        carried: the details that it shows, by source of the post in it; `contacts.TABLE`: in the emergency block.
    """

    id: str
    channel: str
    kind: str  # post | edition
    source: str
    title: str
    due: datetime
    where: Where
    url: str
    carried: Mapping[str, Details]

    @property
    def named(self) -> bool:
        """Whether an author put it in; False: it stands in the emergency block only."""
        return any(source != TABLE for source in self.carried)


class Mentions:
    """Read-only questions about contacts in the ledger."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def of(self, reference: str) -> list[Bearer]:
        """The publications that show a contact, oldest first; not what was taken down or cancelled before it left.

        Args:
            reference: "partner:ccas-bagneux", "helpline:3919".
        """
        quoted = json.dumps(reference, ensure_ascii=False)
        carrying = _p.c.contacts.contains(quoted, autoescape=True)
        columns = sa.select(_p, _left().label("left_already"), _waits().label("waits"), _url().label("address"))
        with self._db.read() as connection:
            rows = connection.execute(columns.where(carrying).order_by(_p.c.due_at, _p.c.id)).all()
        return [bearer for row in rows if not _gone(row) and (bearer := _bearer(row, reference)).carried]


def _left() -> sa.ColumnElement[bool]:
    mine = _d.c.publication_id == _p.c.id
    return sa.select(_d.c.id).where(mine, sa.or_(may_be_out(), _d.c.sent_at.is_not(None))).exists()


def _waits() -> sa.ColumnElement[bool]:
    """A page that stands is written again: asked of pages only, a letter has a row for each reader."""
    mine = sa.and_(_d.c.publication_id == _p.c.id, _d.c.state != "sent", _p.c.channel.in_(REWRITING))
    return sa.select(_d.c.id).where(mine).exists()


def _url() -> sa.ScalarSelect[Any]:
    public = sa.and_(_d.c.publication_id == _p.c.id, _d.c.url != "", _p.c.channel != "newsletter")
    return sa.select(sa.func.max(_d.c.url)).where(public).scalar_subquery()


def _gone(row: Any) -> bool:
    if row.channel in REWRITING:
        return bool(row.withdrawn or row.cancelled)
    return bool((row.withdrawn or row.cancelled) and not row.left_already)


def _bearer(row: Any, reference: str) -> Bearer:
    carried = {source: shown[reference] for source, shown in from_json(row.contacts).items() if reference in shown}
    where = Where.QUEUED
    if row.left_already or row.audience_at is not None:
        where = Where.SENT
        if row.channel in REWRITING:
            where = Where.REWRITING if row.waits else Where.STANDS
    return Bearer(
        id=f"p{row.id}",
        channel=row.channel,
        kind=row.kind,
        source=row.source,
        title=row.title,
        due=row.due_at,
        where=where,
        url=row.address or "",
        carried=carried,
    )
