"""What `veille run` does beside the sending: in a thread of its own, now and then, and never in its way."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

FAREWELL = 1.0  # seconds that a chore may take to end when `run` does: whatever it is, it can be broken off


@contextmanager
def beside(
    name: str, work: Callable[[], float | None], every: float, stop: threading.Event, *, farewell: float = FAREWELL
) -> Iterator[threading.Event]:
    """Do something now and again while the block runs; setting the event that it gives does it at once.

    Args:
        name: of the thread.
        work: says itself what goes wrong; a defect of it must not end the sending. Returns how many seconds until the
            next time, where that is not `every`.
        every: seconds between two times.
        stop: ends it between two times.
        farewell: seconds that it may take to end.
    """
    wake, over = threading.Event(), threading.Event()

    def ending() -> bool:
        return stop.is_set() or over.is_set()

    def again() -> None:
        while not ending():
            pause = every
            try:
                pause = work() or every
            except Exception:
                log.exception("%s failed", name)
            until = time.monotonic() + pause
            while not ending() and (left := until - time.monotonic()) > 0:
                if wake.wait(min(left, 1.0)):
                    break
            wake.clear()

    thread = threading.Thread(target=again, name=name, daemon=True)
    thread.start()
    try:
        yield wake
    finally:
        over.set()
        wake.set()
        thread.join(farewell)
