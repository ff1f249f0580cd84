"""Many connections to one mail server on one loop, always knowing how far each letter got.

ready letters ─► lanes (one connection each): envelope ─► intent ┐            ┌─► content ─► answer
                                                                 └─ journal ──┘   (one commit for all that wait)
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from veille.errors import PublishError, Unavailable
from veille.publishing import Delivery, Journal, Outcome, Publication, Receipt, Rendition
from veille_publishers.smtp import SmtpUrl
from veille_publishers.smtp_commits import Commits
from veille_publishers.smtp_door import Door
from veille_publishers.smtp_feed import Compose, Feed, Letter
from veille_publishers.smtp_lane import Lane
from veille_publishers.smtp_replies import Gone, about_us, lost_again_and_again
from veille_publishers.smtp_session import Mail, Session, Times
from veille_publishers.smtp_wire import Wire

__all__ = ["Mail", "Pool", "Times"]

TICK = 0.1  # seconds between looks at patience and at a wish to stop
REFUSALS = 20  # intents in a row: the letter was cancelled, or the channel closed
STRIKES = 3  # fresh connections in a row that end without an answer to their first letter


class Pool:
    """Sends letters over up to `url.connections` connections, and keeps these until `close`.

    Args:
        times: how long to wait for what.
    """

    def __init__(self, url: SmtpUrl, *, times: Times = Times()) -> None:  # noqa: B008 - frozen
        self._width = url.connections
        self._times = times
        self._door = Door(url, times)
        self._idle: list[Session] = []
        self._runner: asyncio.Runner | None = None

    def deliver(
        self,
        deliveries: Sequence[Delivery],
        compose: Compose,
        journal: Journal,
        *,
        threads: int = 0,
    ) -> None:
        """Send these, then what `journal.more()` gives, until there is nothing more; settle each.

        What nobody began when the server fails as a whole, or when a stop is asked for, stays unsettled.

        Args:
            compose: makes the mails of some deliveries; a PublishError in the place of one settles that one.
            threads: finish them in so many threads, ahead of need; 0: inline.

        Raises:
            LedgerError: the journal failed: nothing was sent whose intent is not committed.
        """
        self._within(_Run(self._door, self._idle, self._width, self._times, journal).go(deliveries, compose, threads))

    def send(self, mail: Mail) -> str:
        """Send one letter outside any ledger.

        Returns:
            The server's words.

        Raises:
            PublishError: it was not taken, or nobody knows.
        """
        outcome = self._alone(mail, _Alone())
        if isinstance(outcome, PublishError):
            raise outcome
        return outcome.remote_id if isinstance(outcome, Receipt) else ""

    def rehearse(self, mail: Mail) -> None:
        """Do as `send` does up to the envelope, and take that back: nothing leaves.

        Raises:
            PublishError: the server is away or does not let us in. What it says about this envelope does not count.
        """
        outcome = self._alone(mail, _Rehearsal())
        if isinstance(outcome, PublishError) and about_us(outcome):
            raise outcome

    def close(self) -> None:
        """Say goodbye to the server, within `times.goodbye` seconds."""
        if self._runner is None:
            return
        runner, self._runner = self._runner, None
        try:
            runner.run(self._farewell())
        finally:
            runner.close()

    def _alone(self, mail: Mail, journal: _Alone) -> Outcome:
        run = _Run(self._door, self._idle, 1, self._times, journal)
        self._within(run.go([_NO_DELIVERY], lambda _deliveries: lambda: [mail], 0))
        return journal.outcome

    async def _farewell(self) -> None:
        sessions = [session for session in self._idle if session.wire.still_good()]
        self._idle.clear()
        goodbyes = [asyncio.ensure_future(session.quit()) for session in sessions]
        if goodbyes:
            await asyncio.wait(goodbyes, timeout=self._times.goodbye)
        for session in sessions:
            session.wire.lose(Gone("closed"))
        await asyncio.gather(*goodbyes)

    def _within(self, work: Coroutine[Any, Any, None]) -> None:
        if self._runner is None:
            self._runner = asyncio.Runner(loop_factory=asyncio.SelectorEventLoop)
        self._runner.run(work)


class _Run:
    """One call of `deliver`."""

    feed: Feed
    commits: Commits

    def __init__(self, door: Door, idle: list[Session], width: int, times: Times, journal: Journal) -> None:
        self._door = door
        self._idle = idle
        self._width = width
        self._times = times
        self._journal = journal
        self._gate = asyncio.Lock()
        self._lanes: dict[asyncio.Task[None], Lane] = {}
        self._wires: set[Wire] = set()
        self._in_use = 0
        self._opening = 0
        self._strikes = 0
        self._widen_at = 0.0
        self._ask_at = 0.0
        self._stopped_at: float | None = None
        self.busy = 0

    async def go(self, deliveries: Sequence[Delivery], compose: Compose, threads: int) -> None:
        """Run the lanes to their end, and look after them."""
        ahead = 2 * self._width + 16 * threads
        self.feed = Feed(deliveries, self._journal.more, compose, threads=threads, ahead=ahead)
        self.commits = Commits(self._journal, lambda: self.busy)
        self._wires.update(session.wire for session in self._idle)
        try:
            for _n in range(self._width):
                self._start()
            while self._lanes:
                await self._tick()
        finally:
            await self._end()
        if self.commits.failure is not None:
            raise self.commits.failure

    # ---- what the lanes ask (see `smtp_lane.Run`)

    async def session(self) -> Session | None:
        """A connection that idles, or a new one. While none works, one lane tries for all."""
        if (session := self._rested()) is not None:
            return session
        async with self._gate:
            if self.feed.closed:
                return None
            if self._in_use == 0:
                return self._rested() or await self._opened()
        try:
            return await self._opened()
        except PublishError:
            # The server bears fewer connections than we wanted. Others work, or may yet, or have just come to rest.
            self._widen_at = asyncio.get_running_loop().time() + self._times.widen
            session = self._rested()
            if session is None and self._in_use == self._opening == 0:
                raise
            return session

    def settled(self, letter: Letter, outcome: Receipt | PublishError, lost: Session | None = None) -> None:
        """Record how a letter ended, and stop giving out letters when others would fare no better."""
        self.commits.record(letter, outcome)
        if isinstance(outcome, Receipt):
            self._strikes = 0
        elif lost is not None:  # another connection may well carry the next letter
            self._strikes += lost.letters == 0
            if self._strikes >= STRIKES:
                self._give_up()
        elif about_us(outcome) or not self._journal.goes_on():
            self.feed.close()

    def refused(self) -> None:
        """When the journal lets nothing go any more, stop asking: each question costs a connection."""
        if self.commits.refused_in_a_row >= REFUSALS or self._journal.stopping():
            self.feed.close()

    def silent(self, session: Session) -> None:
        """A server may announce PIPELINING and not bear it: then the next connection tries without."""
        if not self._door.proven:
            self._door.pipelining = not session.pipelining

    def leave(self, session: Session) -> None:
        """Keep the connection for the next run, if it is still one."""
        self._in_use -= 1
        self._door.proven |= session.pipelining and session.letters > 0
        if session.wire.gone is None:
            self._idle.append(session)

    # ---- looking after them

    def _start(self) -> None:
        lane = Lane(self)
        self._lanes[lane.task] = lane

    def _rested(self) -> Session | None:
        while self._idle:
            session = self._idle.pop()
            session.wire.latest = math.inf
            if session.wire.still_good():
                self._in_use += 1
                return session
        return None

    async def _opened(self) -> Session:
        self._opening += 1
        try:
            session = await self._door.open(self._wires)
        finally:
            self._opening -= 1
        self._in_use += 1
        return session

    async def _tick(self) -> None:
        now = asyncio.get_running_loop().time()
        done, _rest = await asyncio.wait(self._lanes, timeout=TICK, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            del self._lanes[task]
            if not task.cancelled():
                task.result()
        if self.commits.failure is not None:
            raise self.commits.failure
        for wire in list(self._wires):
            wire.check(now)
            if wire.gone is not None:
                self._wires.discard(wire)
        if self._widen_at and now > self._widen_at and len(self._lanes) < self._width and not self.feed.closed:
            self._widen_at = 0.0
            self._start()
        self._ask_again(now)
        if self._stopped_at is None and self._journal.stopping():
            self._stopped_at = now
            self.feed.close()
        if self._stopped_at is not None:
            self._drain(self._stopped_at + self._times.drain)

    def _ask_again(self, now: float) -> None:
        """A rate allows more with time: the others do not wait for one slow answer, which may take ten minutes."""
        free = len(self._idle) or int(not self._widen_at)
        room = min(free, self._width - len(self._lanes))
        if not self._lanes or room <= 0 or now < self._ask_at:
            return
        self._ask_at = now + TICK
        for _n in range(min(self.feed.again(), room)):
            self._start()

    def _drain(self, until: float) -> None:
        """A stop was asked for: what has no intent does not begin, what has one ends within seconds."""
        for task, lane in self._lanes.items():
            if lane.session is not None and lane.letter is not None and lane.letter.intended:
                lane.session.wire.latest = until
            else:
                task.cancel()

    def _give_up(self) -> None:
        """One delivery bears the word that stops the channel; the others stay as they are."""
        spare = self.feed.spare()
        if spare is not None and not self.feed.closed:
            error = lost_again_and_again()
            self.commits.record(Letter(spare, error), error)
        self.feed.close()

    async def _end(self) -> None:
        self.feed.close()
        lanes, self._lanes = list(self._lanes), {}
        for task in lanes:
            task.cancel()
        await asyncio.gather(*lanes, return_exceptions=True)
        self.commits.flush()
        self.feed.end()


class _Alone(Journal):
    """The journal of one letter that no ledger knows."""

    outcome: Outcome = Unavailable("")

    def intent(self, delivery: Delivery) -> bool:  # noqa: ARG002
        """It may always go."""
        return True

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:  # noqa: ARG002
        """Keep the answer."""
        self.outcome = outcome

    def checkpoint(self, delivery: Delivery, values: Mapping[str, Any]) -> None:
        """There are no steps."""

    def standing(self, channel: str) -> Sequence[Publication]:  # noqa: ARG002
        """There are no pages."""
        return ()


class _Rehearsal(_Alone):
    """Lets nothing go."""

    def intent(self, delivery: Delivery) -> bool:  # noqa: ARG002
        """Not this one."""
        return False


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_DELIVERY = Delivery(
    id="",
    publication=Publication("", "", "", "", "", "", _EPOCH, 0, Rendition("", {})),
    target="",
    attempt=0,
    date=_EPOCH,
)
