"""What the lives of social posts in tests have in common: an empty ledger, a queued post, a scheduler, a sudden death.

Crashes happen in this process: an exception that nobody catches ends the worker without settling anything, as SIGKILL
would, and the next life begins with `recover`.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.support.fast_ledger import URL, empty, memory
from tests.support.graph_fake import GraphFake
from veille import failpoints
from veille.dispatch import Pump
from veille.outbox.database import Database, open_database
from veille.outbox.deliveries import Deliveries
from veille.outbox.queue import Item
from veille.outbox.report import Report
from veille.publishing import Publisher, Rendition

FINAL = ("sent", "failed", "held", "cancelled")
GRACE = timedelta(hours=2)


class Crash(BaseException):
    """The process died here: nothing catches it, nothing is tidied up."""


class Mortal:
    """What `failpoints` sees of the operating system: the next point at which a life ends.

    Args:
        points: a name and which time it is passed, "settle.before:2", one life after the other.
    """

    def __init__(self, points: Iterable[str] = ()) -> None:
        self.points = deque(points)
        failpoints._passed.clear()

    @property
    def environ(self) -> dict[str, str]:
        """The point of this life."""
        return {"VEILLE_FAILPOINT": self.points[0]} if self.points else {}

    def getpid(self) -> int:
        """Any number."""
        return 0

    def kill(self, _pid: int, _signal: int) -> None:
        """Die.

        Raises:
            Crash: instead of SIGKILL, from the very same place.
        """
        point = self.points.popleft()
        failpoints._passed.clear()
        raise Crash(point)

    @contextmanager
    def may_die(self) -> Iterator[None]:
        """While this lasts."""
        with patch.object(failpoints, "os", self):
            yield


@cache
def _ledger() -> Database:
    """One database for all lives of this process: its statements are made once."""
    folder = Path(tempfile.mkdtemp(dir=memory()))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "o.sqlite3").write_bytes(empty())
    return open_database(URL, folder)


@contextmanager
def empty_ledger() -> Iterator[Database]:
    """A ledger in which nothing has happened yet; one at a time."""
    database = _ledger()
    database.close()
    assert database.path
    for left in database.path.parent.glob("o.sqlite3-*"):
        left.unlink()
    database.path.write_bytes(empty())
    try:
        yield database
    finally:
        database.close()


def social_item(publisher: Publisher, rendition: Rendition, due: datetime, **changes: Any) -> Item:
    """A post for this channel's page or account, as `publish` would queue it."""
    values: dict[str, Any] = {
        "source": "repas",
        "channel": rendition.channel,
        "occurrence": "",
        "kind": "post",
        "title": "Un repas",
        "slug": "repas",
        "body_hash": "h",
        "due": due,
        "due_local": "",
        "zone": "Europe/Paris",
        "rendition": rendition,
        "targets": tuple(publisher.targets()),
        "live": publisher.live,
    }
    return Item(**(values | changes))


def scheduler(
    database: Database,
    publisher: Publisher,
    channel: str,
    name: str,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
) -> Pump:
    """A scheduler with one channel, which has looked after what a dead one left behind.

    Args:
        name: by which the ledger knows it from those before.
        sleep: seconds.
    """
    pump = Pump(
        Deliveries(database, name, b"k" * 32, "example.org"),
        {channel: publisher},
        grace={channel: GRACE},
        clock=clock,
        stop=lambda: False,
        progress=lambda _channel, _count: None,
        sleep=sleep,
    )
    pump.recover()
    return pump


def happened(fake: GraphFake, database: Database, deliveries: Iterable[int]) -> list[str]:
    """Requests and the ledger's events, for whoever reads a failure."""
    report = Report(database)
    calls = [f"{one['method']} {one['path']}" for one in fake.record()]
    return calls + [f"d{n} {event} {text}" for n in deliveries for _at, event, text in report.delivery(f"d{n}").events]
