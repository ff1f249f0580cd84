"""Group commit: one wait for the disk serves every connection that needs one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from veille.errors import PublishError
from veille.publishing import Journal, Receipt
from veille_publishers.smtp_feed import Letter

GATHER = 0.001  # seconds that a connection waits for others that will need the disk too
LINGER = 0.02  # seconds that a known outcome waits for company when no connection waits with it


class Commits:
    """Collects outcomes and wishes, and brings them to the journal together.

    The outcome of a letter is always in the same commit as the intent of its connection's next letter, or in an
    earlier one.

    Args:
        busy: how many connections have a letter in hand.
    """

    def __init__(self, journal: Journal, busy: Callable[[], int]) -> None:
        self._loop = asyncio.get_running_loop()
        self._journal = journal
        self._busy = busy
        self._outcomes: list[tuple[Letter, Receipt | PublishError]] = []
        self._waiting: list[tuple[Letter, asyncio.Future[bool]]] = []
        self._planned: asyncio.Handle | None = None
        self._soon = False  # planned for this very turn of the loop
        self._lingering: asyncio.TimerHandle | None = None
        self.failure: BaseException | None = None
        self.refused_in_a_row = 0

    def record(self, letter: Letter, outcome: Receipt | PublishError) -> None:
        """Note how a letter ended; the next commit takes it along."""
        self._outcomes.append((letter, outcome))
        if self._lingering is None:  # left to run: most outcomes leave with the next intent, before it fires
            self._lingering = self._loop.call_later(LINGER, self._lingered)

    async def intend(self, letter: Letter) -> bool:
        """Wait until the intent is committed. False: this letter does not go.

        Raises:
            BaseException: whatever the journal raised; nothing that waited may go.
        """
        if self.failure is not None:
            raise self.failure
        granted: asyncio.Future[bool] = self._loop.create_future()
        self._waiting.append((letter, granted))
        if 4 * len(self._waiting) < 3 * self._busy():
            if self._planned is None:
                self._planned = self._loop.call_later(GATHER, self.flush)
        elif not self._soon:
            self._unplan()
            self._planned, self._soon = self._loop.call_soon(self.flush), True
        return await granted

    def flush(self) -> None:
        """Commit what has gathered. After a failure nothing is tried again: the journal did what can be done."""
        self._unplan()
        waiting = [(letter, granted) for letter, granted in self._waiting if not granted.done()]
        outcomes, self._outcomes, self._waiting = self._outcomes, [], []
        if self.failure is not None or not (waiting or outcomes):
            return
        try:
            answers = self._journal.commit(
                [(letter.delivery, outcome) for letter, outcome in outcomes],
                [letter.delivery for letter, _granted in waiting],
            )
        except BaseException as error:  # also KeyboardInterrupt: it must not be taken for a grant
            self.failure = error
            for _letter, granted in waiting:
                granted.set_exception(error)
            return
        for (letter, granted), answer in zip(waiting, answers, strict=True):
            letter.intended = answer
            self.refused_in_a_row = 0 if answer else self.refused_in_a_row + 1
            granted.set_result(answer)

    def _lingered(self) -> None:
        self._lingering = None
        if self._outcomes:
            self.flush()

    def _unplan(self) -> None:
        if self._planned is not None:
            self._planned.cancel()
        self._planned, self._soon = None, False
