"""Who waits for the same database is served together, and nobody pays for another's defect."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import sqlalchemy as sa

from tests.support.ledger import KEY, Ledger
from veille.errors import LedgerError
from veille.rates import Rate
from veille.signup import Answer, Limits, Signups
from veille.subscribers import Row
from veille_web.site.together import MOST, Together


class Work:
    """Doubles numbers, once it is let go; a negative one is a defect, and 13 a full disk."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.go = asyncio.Event()

    async def __call__(self, numbers: Sequence[int]) -> Sequence[int]:
        """Some of them."""
        self.calls.append(len(numbers))
        await self.go.wait()
        if 13 in numbers:
            raise LedgerError("full")
        if min(numbers) < 0:
            raise ZeroDivisionError
        return [2 * number for number in numbers]


async def _all(work: Work, *numbers: int) -> list[int | BaseException]:
    """One comes first, the others while it is being done."""
    together = Together(work)
    tasks = [asyncio.create_task(together.do(numbers[0]))]
    while not work.calls:
        await asyncio.sleep(0)
    tasks += [asyncio.create_task(together.do(number)) for number in numbers[1:]]
    await asyncio.sleep(0)
    work.go.set()
    return list(await asyncio.gather(*tasks, return_exceptions=True))


def _tried(*numbers: int) -> tuple[list[int], list[int | BaseException]]:
    async def run() -> tuple[list[int], list[int | BaseException]]:
        work = Work()
        return work.calls, await _all(work, *numbers)

    return asyncio.run(run())


def test_who_comes_meanwhile_shares_the_next_transaction() -> None:
    calls, answers = _tried(1, *range(20, 40))
    assert calls == [1, 20]
    assert answers == [2, *(2 * number for number in range(20, 40))]


def test_a_transaction_does_not_grow_without_end() -> None:
    calls, answers = _tried(1, *([2] * (2 * MOST + 3)))
    assert calls == [1, MOST, MOST, 3]
    assert len(answers) == 2 * MOST + 4


def test_a_full_disk_is_told_to_all_who_were_in_it_and_to_nobody_else() -> None:
    _calls, answers = _tried(1, 2, 13, 3)
    assert answers[0] == 2
    assert [type(answer) for answer in answers[1:]] == [LedgerError] * 3


def test_a_defect_meets_only_whom_it_is_about() -> None:
    calls, answers = _tried(1, 2, -1, 3)
    assert [answer if isinstance(answer, int) else type(answer) for answer in answers] == [2, 4, ZeroDivisionError, 6]
    assert calls == [1, 3, 1, 1, 1]


def test_who_hangs_up_costs_the_others_nothing() -> None:
    async def run() -> tuple[list[int], int]:
        work = Work()
        together = Together(work)
        first, second = (asyncio.create_task(together.do(number)) for number in (1, 2))
        await asyncio.sleep(0)
        first.cancel()
        work.go.set()
        return work.calls, await second

    assert asyncio.run(run()) == ([2], 4)


def test_many_sign_ups_are_one_transaction(store: Ledger) -> None:
    limits = Limits((Rate(20, 3600),), Rate(1000, 3600))
    signups = Signups(store.database, KEY, b"c" * 32, limits, lambda: store.now)
    done: list[str] = []
    sa.event.listen(store.database.engine, "commit", lambda _connection: done.append("commit"))
    answers = signups.ask_all([(Row(f"r{n}@example.org"), "192.0.2.1") for n in range(20)])
    assert [asked.answer for asked in answers] == [Answer.TAKEN] * 20
    assert done == ["commit"]


def test_limits_hold_within_a_transaction(sqlite_store: Ledger) -> None:
    limits = Limits((Rate(3, 3600),), Rate(4, 3600))
    signups = Signups(sqlite_store.database, KEY, b"c" * 32, limits, lambda: sqlite_store.now)
    first = [(Row(f"a{n}@example.org"), "192.0.2.1") for n in range(4)]
    second = [(Row(f"b{n}@example.org"), "192.0.2.2") for n in range(3)]
    found = signups.ask_all([*first, *second, (Row("a0@example.org"), "192.0.2.1")])
    taken, busy, full = Answer.TAKEN, Answer.CLIENT_BUSY, Answer.ALL_BUSY
    assert [asked.answer for asked in found] == [taken, taken, taken, busy, taken, full, full, busy]
    assert [asked.alarm for asked in found].count(True) == 1
    assert signups.claim()
