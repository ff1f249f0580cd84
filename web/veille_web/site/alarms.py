"""What the operator is told, once for each cause and while: a full disk makes every request fail, and is one cause."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from veille.timetable import Clock

WHILE = timedelta(hours=1)  # after which the same is said again: it still stands


class Alarms:
    """Says what stands in the way, and not again at every request.

    Args:
        tell: words for the operator.
    """

    def __init__(self, tell: Callable[[str], None], clock: Clock) -> None:
        self._tell = tell
        self._clock = clock
        self._told: dict[str, datetime] = {}

    def say(self, cause: str, words: str) -> None:
        """Say it, unless this cause was told within `WHILE`.

        Args:
            cause: the same for what calls for the same answer; the words may differ from one time to the next.
        """
        now, last = self._clock(), self._told.get(cause)
        if last is None or abs(now - last) >= WHILE:  # the clock may have been ahead
            self._told[cause] = now
            self._tell(words)
