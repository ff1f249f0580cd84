"""Which pictures a channel has put on the web for its service to fetch, and which of them it may still need."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from veille.outbox import schema
from veille.outbox.database import Database

_d, _p, _f = schema.delivery, schema.publication, schema.rendition_file

_OVER = ("sent", "failed", "cancelled", "held", "scheduled")  # whoever takes one of these up again puts them back


class MediaUse:
    """Questions about the files of one channel's renditions."""

    def __init__(self, database: Database, channel: str) -> None:
        self._db = database
        self._channel = channel

    def known(self) -> set[str]:
        """The names of all files that its renditions ever had."""
        ours = sa.select(_f.c.name).join(schema.rendition, schema.rendition.c.digest == _f.c.rendition)
        with self._db.read() as connection:
            found = connection.execute(ours.where(schema.rendition.c.channel == self._channel).distinct())
            return set(found.scalars())

    def needed(self, since: datetime) -> set[str]:
        """The names of those that belong to a post which is on its way, or ended after `since`."""
        open_ = sa.or_(_d.c.state.not_in(_OVER), _d.c.updated_at > since)
        names = (
            sa.select(_f.c.name)
            .join(_p, _p.c.rendition == _f.c.rendition)
            .join(_d, _d.c.publication_id == _p.c.id)
            .where(_d.c.channel == self._channel, open_)
        )
        with self._db.read() as connection:
            return set(connection.execute(names.distinct()).scalars())
