"""Renditions in the ledger: stored once by their digest, given back as a publisher sees them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from veille.outbox import schema
from veille.publishing import File, Publication, Rendition

_p = schema.publication
_TOGETHER = 400  # digests in one question: SQLite knows at most 999 parameters where it is old


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


def load_payloads(connection: sa.Connection, digests: Iterable[str]) -> dict[str, Rendition]:
    """What many stored renditions say, by their digest; without their files."""
    wanted, made = list(dict.fromkeys(digests)), {}
    for start in range(0, len(wanted), _TOGETHER):
        group = schema.rendition.c.digest.in_(wanted[start : start + _TOGETHER])
        for row in connection.execute(sa.select(schema.rendition).where(group)):
            made[row.digest] = Rendition(row.channel, json.loads(row.payload))
    return made


class StoredFile(File):
    """A file whose bytes stay in the ledger until somebody asks: a site of 1,000 pictures writes few of them.

    Args:
        stored: SHA-256 of the content, hexadecimal.
        weight: its bytes.
        fetch: gives the content of a digest.
    """

    def __init__(self, name: str, media_type: str, stored: str, weight: int, fetch: Callable[[str], bytes]) -> None:
        for key, value in (("name", name), ("media_type", media_type), ("_stored", stored), ("_weight", weight)):
            object.__setattr__(self, key, value)  # frozen
        object.__setattr__(self, "_fetch", fetch)

    @property
    def content(self) -> bytes:
        """From the ledger, each time anew: nothing keeps all pictures in memory."""
        found: bytes = self._fetch(self._stored)  # type: ignore[attr-defined]
        return found

    @property
    def digest(self) -> str:
        """SHA-256 of the content, hexadecimal."""
        return str(self._stored)  # type: ignore[attr-defined]

    @property
    def size(self) -> int:
        """Bytes."""
        return int(self._weight)  # type: ignore[attr-defined]


def load_light(
    connection: sa.Connection, digests: Iterable[str], fetch: Callable[[str], bytes]
) -> dict[str, Rendition]:
    """Many stored renditions by their digest, in two questions for each few hundred; files without their bytes."""
    wanted, made = list(dict.fromkeys(digests)), {}
    for start in range(0, len(wanted), _TOGETHER):
        group = wanted[start : start + _TOGETHER]
        files: dict[str, list[File]] = {}
        for row in connection.execute(_files_of(group)):
            file = StoredFile(row.name, row.media_type, row.digest, row.weight, fetch)
            files.setdefault(row.rendition, []).append(file)
        for row in connection.execute(sa.select(schema.rendition).where(schema.rendition.c.digest.in_(group))):
            made[row.digest] = Rendition(row.channel, json.loads(row.payload), tuple(files.get(row.digest, ())))
    return made


def _files_of(digests: Sequence[str]) -> sa.Select[Any]:
    held = schema.rendition_file
    return (
        sa.select(
            held.c.rendition,
            held.c.name,
            held.c.media_type,
            schema.blob.c.digest,
            sa.func.length(schema.blob.c.content).label("weight"),
        )
        .join(schema.blob, schema.blob.c.digest == held.c.blob)
        .where(held.c.rendition.in_(digests))
        .order_by(held.c.rendition, held.c.position)
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
