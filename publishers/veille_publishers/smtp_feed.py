"""Letters in the order in which they are due, composed ahead of need, and never many of them in memory."""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from veille.errors import PublishError
from veille.publishing import Delivery
from veille_publishers.smtp_session import Mail

_PER_JOB = 32  # letters: handing a job to a thread costs as much as filling in a letter


Composed = Sequence[Mail | PublishError]  # an error in the place of a letter concerns that letter alone
Compose = Callable[[Sequence[Delivery]], Callable[[], Composed]]  # what is called at last may take its time: it signs


@dataclass(slots=True, eq=False)
class Letter:
    """One delivery on its way."""

    delivery: Delivery
    mail: Mail | PublishError  # the error: it could not be composed
    meetings: int = 0  # with connections that ended before they took anything of it
    intended: bool = False


class Feed:
    """What the connections take their letters from.

    Args:
        deliveries: to begin with.
        more: further ones; empty: there are none now. Called on the loop.
        compose: makes the mails of deliveries; what it returns is called in a thread where there are threads.
        threads: in so many threads, ahead of need; 0: inline, when a connection asks.
        ahead: letters to have ready, at most, when threads compose.
    """

    def __init__(
        self,
        deliveries: Sequence[Delivery],
        more: Callable[[], Sequence[Delivery]],
        compose: Compose,
        *,
        threads: int,
        ahead: int,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._raw = deque(deliveries)
        self._more = more
        self._compose = compose
        self._ready: deque[Letter] = deque()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._exhausted = False
        self._threads = ThreadPoolExecutor(threads, "compose") if threads else None
        self._most_jobs = 2 * threads
        self._ahead = ahead
        self._jobs = 0
        self._failure: BaseException | None = None
        self.closed = False

    def take_now(self) -> Letter | None:
        """The next letter, unless none is ready at this moment."""
        if self.closed:
            return None
        if self._threads is not None:
            self._order()
        elif not self._ready and self._replenished():
            delivery = self._raw.popleft()
            return _letters([delivery], self._compose([delivery]))[0]
        return self._ready.popleft() if self._ready else None

    async def take(self) -> Letter | None:
        """The next letter; None: there is none left.

        Raises:
            Exception: composing failed with something else than PublishError.
        """
        while (letter := self.take_now()) is None:
            if self._failure is not None:
                raise self._failure
            if self.closed or not self._jobs:
                return None
            waiter: asyncio.Future[None] = self._loop.create_future()
            self._waiting.append(waiter)
            await waiter
        return letter

    def put_back(self, letter: Letter) -> None:
        """Its connection ended before it took anything: another one carries it, next."""
        self._ready.appendleft(letter)
        self._wake()

    def again(self) -> int:
        """Ask for further letters once more, after there were none. Returns how many there are."""
        if self.closed or not self._exhausted:
            return 0
        self._exhausted = False
        self._replenished()
        return len(self._raw)

    def spare(self) -> Delivery | None:
        """One delivery that nobody has begun."""
        if self._ready:
            return self._ready.popleft().delivery
        return self._raw.popleft() if self._raw else None

    def close(self) -> None:
        """Give out nothing more."""
        self.closed = True
        self._wake()

    def end(self) -> None:
        """Let the threads go."""
        self.close()
        if self._threads is not None:
            self._threads.shutdown(wait=True, cancel_futures=True)

    def _replenished(self) -> bool:
        if not self._raw and not self._exhausted:
            self._raw.extend(self._more())
            self._exhausted = not self._raw
        return bool(self._raw)

    def _order(self) -> None:
        """Have the threads compose as many as are wanted ahead."""
        assert self._threads is not None
        while (
            self._jobs < self._most_jobs
            and len(self._ready) + _PER_JOB * self._jobs < self._ahead
            and self._failure is None
            and self._replenished()
        ):
            batch = [self._raw.popleft() for _n in range(min(_PER_JOB, len(self._raw)))]
            finish = self._compose(batch)
            context = contextvars.copy_context()  # the language that is spoken
            self._jobs += 1
            job = self._loop.run_in_executor(self._threads, context.run, _letters, batch, finish)
            job.add_done_callback(self._arrived)

    def _arrived(self, job: asyncio.Future[list[Letter]]) -> None:
        self._jobs -= 1
        if job.cancelled():
            return
        if error := job.exception():
            self._failure = error
        else:
            self._ready.extend(job.result())
        self._wake()

    def _wake(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)


def _letters(deliveries: Sequence[Delivery], finish: Callable[[], Composed]) -> list[Letter]:
    return [Letter(delivery, mail) for delivery, mail in zip(deliveries, finish(), strict=True)]
