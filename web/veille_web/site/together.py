"""Requests that wait for the same database are done together, in one transaction: many people, one wait for the disk.

Whoever comes while a transaction runs waits for its end in any case; those who wait then share the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from veille.errors import LedgerError

V = TypeVar("V")
R = TypeVar("R")
MOST = 50  # in one transaction: nobody else who writes waits long for it


class Together(Generic[V, R]):
    """Collects what comes on one event loop, and has it done by one call at a time.

    Args:
        work: does some, and gives an answer for each, in their order.
    """

    def __init__(self, work: Callable[[Sequence[V]], Awaitable[Sequence[R]]]) -> None:
        self._work = work
        self._waiting: list[tuple[V, asyncio.Future[R]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def do(self, value: V) -> R:
        """Wait for the answer to this one.

        Raises:
            LedgerError: the transaction failed, for all that were in it.
            Exception: whatever `work` raises for this one alone.
        """
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((value, answer))
        if self._worker is None:
            self._worker = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        try:
            while self._waiting:
                some, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._answer(some)
        finally:
            self._worker = None

    async def _answer(self, some: Sequence[tuple[V, asyncio.Future[R]]]) -> None:
        try:
            answers = await self._work([value for value, _answer in some])
        except Exception as error:
            if len(some) > 1 and not isinstance(error, LedgerError):  # a defect that meets one of them
                for one in some:
                    await self._answer([one])
                return
            for _value, waiting in some:
                if not waiting.done():
                    waiting.set_exception(error)
            return
        for (_value, waiting), answer in zip(some, answers, strict=True):
            if not waiting.done():  # else the client was too slow, or hung up
                waiting.set_result(answer)
