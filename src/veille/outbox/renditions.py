"""Renditions in the ledger: stored once by their digest, given back as a publisher sees them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from veille.outbox import schema
from veille.publishing import File, Publication, Rendition

_p = schema.publication


def insert_once(connection: sa.Connection, table: sa.Table) -> Any:
    """INSERT … ON CONFLICT DO NOTHING in the dialect of this connection."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return make(table).on_conflict_do_nothing()


def store_rendition(connection: sa.Connection, rendition: Rendition, now: datetime) -> str:
    """Keep a rendition and its files. Returns its digest; the same bytes are stored once."""
    digest = rendition.digest
    known = sa.select(schema.rendition.c.digest).where(schema.rendition.c.digest == digest)
    if connection.execute(known).first():
        return digest
    connection.execute(
        sa.insert(schema.rendition).values(
            digest=digest,
            channel=rendition.channel,
            payload=json.dumps(rendition.payload, ensure_ascii=False, sort_keys=True),
            created_at=now,
        )
    )
    for position, file in enumerate(rendition.files):
        connection.execute(insert_once(connection, schema.blob).values(digest=file.digest, content=file.content))
        connection.execute(
            sa.insert(schema.rendition_file).values(
                rendition=digest,
                position=position,
                name=file.name,
                media_type=file.media_type,
                blob=file.digest,
            )
        )
    return digest


def load_rendition(connection: sa.Connection, digest: str) -> Rendition:
    """A stored rendition with its files."""
    row = connection.execute(
        sa.select(schema.rendition.c.channel, schema.rendition.c.payload).where(schema.rendition.c.digest == digest)
    ).one()
    files = connection.execute(
        sa.select(schema.rendition_file.c.name, schema.rendition_file.c.media_type, schema.blob.c.content)
        .join(schema.blob, schema.blob.c.digest == schema.rendition_file.c.blob)
        .where(schema.rendition_file.c.rendition == digest)
        .order_by(schema.rendition_file.c.position)
    ).all()
    return Rendition(
        channel=row.channel,
        payload=json.loads(row.payload),
        files=tuple(File(f.name, f.media_type, bytes(f.content)) for f in files),
    )


def load_publications(connection: sa.Connection, ids: Iterable[int]) -> dict[int, Publication]:
    """Publications as publishers see them, by id; a rendition that several share is read once."""
    renditions: dict[str, Rendition] = {}
    found = {}
    for row in connection.execute(sa.select(_p).where(_p.c.id.in_(list(ids)))).all():
        if row.rendition not in renditions:
            renditions[row.rendition] = load_rendition(connection, row.rendition)
        found[row.id] = as_publication(row, renditions[row.rendition])
    return found


def as_publication(row: Any, rendition: Rendition) -> Publication:
    """A row of the table, with its rendition."""
    return Publication(
        id=f"p{row.id}",
        source=row.source,
        channel=row.channel,
        occurrence=row.occurrence,
        title=row.title,
        slug=row.slug,
        due=row.due_at,
        generation=row.generation,
        rendition=rendition,
        withdrawn=bool(row.withdrawn),
        first_due=row.due_at,
    )
