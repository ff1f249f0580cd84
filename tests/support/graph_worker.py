"""A worker with a real ledger for the social channels, in this process or in one that a test kills.

python -m tests.support.graph_worker ROOT CHANNEL PICTURES
"""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from tests.support.graph_desk import desk, post
from tests.support.graph_life import FINAL, scheduler, social_item
from veille.config import load
from veille.dispatch import Pump
from veille.outbox.database import Database, open_database
from veille.outbox.pending import pending
from veille.outbox.queue import Queue
from veille.outbox.report import Report
from veille.publishing import Publisher, Rendition
from veille.rendering import Templates
from veille_publishers.http import session
from veille_publishers.registry import Context
from veille_publishers.registry import load as load_publisher


def now() -> datetime:
    """Real time, and what a test added to the fake's clock: VEILLE_TEST_LATER, in seconds."""
    return datetime.now(UTC) + timedelta(seconds=float(os.environ.get("VEILLE_TEST_LATER", "0")))


def due() -> datetime:
    """When the post is to appear: now, or VEILLE_TEST_DUE."""
    given = os.environ.get("VEILLE_TEST_DUE")
    return datetime.fromisoformat(given) if given else now() - timedelta(seconds=1)


def work(root: Path, channel: str, pictures: int) -> dict[str, int]:
    """Queue one post if it is not queued yet, then pump until it is in a final state.

    Returns:
        How many deliveries are in which state.
    """
    config = load(root, os.environ)
    context = Context(config, Templates(config), now, lambda: session((5.0, 10.0)), lambda _s: time.sleep(0.01))
    publisher = load_publisher(channel, context)
    database = open_database("sqlite:///outbox/outbox.sqlite3", root)
    try:
        _enqueue(Queue(database), publisher, channel, pictures)
        pump = scheduler(database, publisher, channel, uuid4().hex, now, time.sleep)
        return _until_final(pump, database)
    finally:
        database.close()


def _until_final(pump: Pump, database: Database) -> dict[str, int]:
    report, end = Report(database), time.monotonic() + 20
    while time.monotonic() < end:
        pump.once()
        (status,) = report.publications()
        counts = {state: number for state, number in status.counts.items() if number}
        counts.pop("planned", None)
        if set(counts) <= set(FINAL) and not pending(database):
            return counts
        if set(counts) == {"scheduled"} and now() < due():
            return counts
        time.sleep(0.05)
    raise AssertionError(f"no final state: {counts}")


def _enqueue(queue: Queue, publisher: Publisher, channel: str, pictures: int) -> None:
    rendition = publisher.render(post(pictures, facebook_comment=os.environ.get("VEILLE_TEST_COMMENT", "")))
    assert isinstance(rendition, Rendition)
    item = social_item(publisher, rendition, due(), comment=bool(rendition.payload.get("comment")))
    changed = queue.put([item], [], now())
    for publication in queue.publications(list(changed)):
        publisher.show(publication)


if __name__ == "__main__":
    desk(Path(sys.argv[1]))
    work(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
