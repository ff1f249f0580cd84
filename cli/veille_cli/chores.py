"""What `veille run` does beside the sending: in a thread of its own, now and then, and never in its way."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

FAREWELL = 1.0  # seconds that a chore may take to end when `run` does: whatever it is, it can be broken off


@contextmanager
def beside(name: str, work: Callable[[], object], every: float, stop: threading.Event) -> Iterator[None]:
    """Do something now and again while the block runs.

    Args:
        name: of the thread.
        work: says itself what goes wrong; a defect of it must not end the sending.
        every: seconds between two times.
        stop: ends it between two times.
    """
    over = threading.Event()

    def again() -> None:
        while not (stop.is_set() or over.is_set()):
            try:
                work()
            except Exception:
                log.exception("%s failed", name)
            for _second in range(max(int(every), 1)):
                if over.wait(1.0) or stop.is_set():
                    return

    thread = threading.Thread(target=again, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(FAREWELL)
