"""How fast Meta lets us go: both usage headers of every answer, and the rests that follow from them.

Meta, "Rate limits" (developers.facebook.com/docs/graph-api/overview/rate-limiting, read 2026-09-11): the numbers are
percentages, the headers come when use is not negligible, and calls made while limited lengthen the block.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from veille.errors import RateLimited
from veille.i18n import gettext as _
from veille.timetable import Clock
from veille_publishers.graph_errors import wait_from

APP, BUSINESS = "X-App-Usage", "X-Business-Use-Case-Usage"
SLOW, FULL = 80.0, 100.0  # percent
MOST = 1e9  # percent; what is more was never meant
REST = timedelta(minutes=5)  # before the next post, while use is high
STOP = timedelta(hours=1)  # when all is used up and no answer says until when: use is counted over one hour


class Pace:
    """What the last answers said about our use of the API."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rest: datetime | None = None  # before this, nothing new begins
        self._stop: datetime | None = None  # before this, nothing is even read

    def heard(self, headers: Mapping[str, str]) -> None:
        """Take in the headers of an answer; without usable ones nothing changes."""
        used = max(_percentages(headers), default=None)
        wait = wait_from(headers.get(BUSINESS))
        if used is None and wait is None:
            return
        now, used = self._clock(), used or 0.0
        self._stop = now + (wait or STOP) if wait or used >= FULL else None
        self._rest = now + REST if used >= SLOW else None

    def check(self, *, reading: bool = False) -> None:
        """Whether something may begin now.

        Args:
            reading: nothing is written by it: high use alone does not keep it back.

        Raises:
            RateLimited: not yet.
        """
        now = self._clock()
        until = [moment for moment in (self._stop, None if reading else self._rest) if moment and moment > now]
        if until:
            raise RateLimited(
                _("Meta asks us to slow down"),
                hint=_("nothing to do: it is tried again later"),
                retry_after=max(until) - now,
                about_us=True,
            )


def _percentages(headers: Mapping[str, str]) -> Iterator[float]:
    """Every percentage of both headers; what cannot be read is left out."""
    for usage in (_json(headers.get(APP)), *_entries(_json(headers.get(BUSINESS)))):
        for name in ("call_count", "total_time", "total_cputime"):
            value = usage.get(name) if isinstance(usage, dict) else None
            if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MOST:
                yield float(value)


def _entries(values: Any) -> list[Any]:
    lists = values.values() if isinstance(values, dict) else ()
    return [entry for entries in lists if isinstance(entries, list) for entry in entries]


def _json(text: str | None) -> Any:
    try:
        return json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
