"""Somebody else who needs the ledger while a letter leaves: reads it, and unsubscribes a reader, every quarter second.

    VEILLE_WORKSPACE=DIR python -m benchmarks.bystander LAST_READER

Reader ids are taken from LAST_READER downwards, so that their letters still wait. Ends at SIGTERM and prints the
waits as JSON: [what, seconds since 1970, seconds].
"""

from __future__ import annotations

import itertools
import json
import signal
import sys
import threading
import time
from collections.abc import Callable

import sqlalchemy as sa

from veille.outbox import schema
from veille_cli.wiring import Newsroom, newsroom

EVERY = 0.25  # seconds


def watch(room: Newsroom, last: int, stop: threading.Event) -> list[tuple[str, float, float]]:
    """Read and unsubscribe in turns until told to stop."""
    waits: list[tuple[str, float, float]] = []
    database, subscribers = room.database, room.subscribers
    someone = sa.select(schema.delivery.c.state).where(schema.delivery.c.target == str(last)).limit(1)
    letters = sa.select(schema.publication)
    readers = itertools.count(last, -1)

    def look() -> None:
        with database.read() as connection:
            connection.execute(letters).all()
            connection.execute(someone.where(schema.delivery.c.publication_id == 1)).all()

    def leave() -> None:
        subscribers.leave(next(readers), room.clock())

    def timed(what: str, act: Callable[[], object]) -> None:
        start = time.time()
        act()
        waits.append((what, start, time.time() - start))

    while not stop.wait(EVERY):
        timed("read", look)
        timed("unsubscribe", leave)
    return waits


def main() -> None:
    """Watch the workspace of the environment."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: stop.set())
    with newsroom() as room:
        print(json.dumps(watch(room, int(sys.argv[1]), stop)))


if __name__ == "__main__":
    main()
