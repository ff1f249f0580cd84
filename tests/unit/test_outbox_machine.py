"""Workers whose every step may be their last, over the real ledger: nobody is lost, nothing public is out twice.

One rule is one step of one worker (claim; commit of what was answered and what comes next; effect), so that every
interleaving of several workers, ghosts that wake after their work was taken over, kills, recoveries, people and the
clock is tried. What may be out twice is what the machine saw die between a committed intent and its answer.
`tests/faults/test_mutants.py` breaks the ledger in the ways that count, and expects this walk to notice.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.support.fast_ledger import URL, empty, intruder, memory
from tests.support.ledger import LOOKS, RESEND, Act, Ledger, Mail, Outcome
from tests.support.postgres import Server
from veille.errors import LedgerError, OutcomeUnknown, Rejected, Unavailable
from veille.outbox import schema
from veille.outbox.actions import Answer
from veille.outbox.database import Database, open_database
from veille.outbox.deliveries import Deliveries, sent_values
from veille.outbox.group import Settled
from veille.outbox.schema import STATES
from veille.publishing import Delivery, ReadBack, Receipt, Seen

CHANNELS = ("newsletter", "facebook")
WAITING = ("ready", "claimed", "sending", "unknown")
BY_HAND = ("retry", "cancel", "pause", "resume")
ANSWERS = ("sent", "sent", "unknown", "unknown-but-out", "later", "refused")
EXAMPLES = int(os.environ.get("VEILLE_TEST_EXAMPLES", "15"))


class Machine(RuleBasedStateMachine):
    """Two workers of the scheduler at hand, and those of schedulers that died and do not know it."""

    def make_database(self) -> Database:
        """An empty ledger."""
        self.folder = tempfile.TemporaryDirectory(dir=memory())
        (Path(self.folder.name) / "o.sqlite3").write_bytes(empty())
        return open_database(URL, Path(self.folder.name))

    def drop_database(self) -> None:
        """Give it back."""
        self.store.database.close()
        self.folder.cleanup()

    @initialize()
    def open(self) -> None:
        """A ledger with three readers."""
        self.store = Ledger(self.make_database())
        self.store.readers("a", "b", "c")
        self.count = 0
        self.alive = "w0"
        self.slots: dict[int, Iterator[str]] = {}
        self.hands: dict[tuple[str, int], str] = {}  # deliveries that a worker holds by right -> claimed | sending
        self.out: Counter[str] = Counter()  # target -> copies in the world
        self.windows: Counter[str] = Counter()  # target -> times that nobody could know
        self.by_hand: Counter[str] = Counter()  # target -> times that a person let it go once more
        self.gone: set[str] = set()  # readers who left
        due = self.store.now - timedelta(minutes=10)  # also when the clock runs back
        posts = [self.store.item(source=name, text="1", due=due) for name in "vwxyz"]
        self.store.put(self.store.item("newsletter", source="x", text="1", due=due), *posts)
        self.store.worker(self.alive).expand(1, self.store.now)

    # work

    @rule(
        slot=st.integers(0, 2),
        channel=st.sampled_from(CHANNELS),
        steps=st.integers(1, 4),
        answers=st.lists(st.sampled_from(ANSWERS), min_size=2, max_size=2),
    )
    def advance(self, slot: int, channel: str, steps: int, answers: list[str]) -> None:
        """A few steps of a worker, also of a ghost."""
        if slot not in self.slots:
            self.slots[slot] = self._work(self.alive, channel, answers)
        for _ in range(steps):
            if next(self.slots[slot], "over") == "over":
                del self.slots[slot]
                return

    @rule(channel=st.sampled_from(CHANNELS), steps=st.integers(1, 5))
    def die(self, channel: str, steps: int) -> None:
        """The scheduler dies after so many steps, and the next one takes over."""
        work = self._work(self.alive, channel, ["sent", "sent"])
        for _ in range(steps):
            next(work, None)
        self.kill_and_recover()

    @rule(times=st.integers(1, 3), leaves=st.booleans())
    def bad_day(self, times: int, leaves: bool) -> None:
        """The scheduler dies over a letter that is just out, comes back later, and dies over it again."""
        for _ in range(times):
            self._died_over_a_letter()
        if leaves and (readers := {int(row.target) for row in self._rows("ready") if row.channel == "newsletter"}):
            self._leave(min(readers))

    @rule(steps=st.integers(1, 3))
    def a_ghost_wakes(self, steps: int) -> None:
        """Its letter is in the hands of the next scheduler by then."""
        ghost = self._died_over_a_letter()
        work = self._work(self.alive, "newsletter", ["sent", "sent"])
        for _ in range(steps):
            next(work, None)
        for _step in (*ghost, *work):
            pass

    def _died_over_a_letter(self) -> Iterator[str]:
        """What is left of the worker; its letter goes once more, if it may."""
        work = self._work(self.alive, "newsletter", ["sent", "sent"])
        for _step in range(3):
            next(work, None)
        self.kill_and_recover()
        self.store.later(minutes=20)
        self._pass_while_paused()
        return work

    def _pass_while_paused(self) -> None:
        """What is unknown is looked at; nothing is claimed."""
        for paused in (True, False):
            for channel in CHANNELS:
                self.store.actions.pause(channel, self.store.now, paused=paused)
            if paused:
                self._pass([Mail("newsletter"), Act("facebook")])

    def _work(self, owner: str, channel: str, answers: list[str]) -> Iterator[str]:
        """One connection: the answer of one delivery and the intent of the next are committed together."""
        ledger = self.store.worker(owner)
        batch = ledger.claim(channel, self.store.now, 2)
        self.hands.update(((d.id, d.attempt), "claimed") for d in batch)
        yield "claimed"
        answered: list[Settled] = []
        for delivery, answer in zip(batch, answers, strict=False):
            if not self._commit(ledger, answered, delivery):
                answered = []
                continue
            yield "committed"
            if (delivery.id, delivery.attempt) not in self.hands and channel == "facebook":
                return  # a ghost's call is the window itself; on a page the two-step publishing names its object
            self.out[_target(delivery)] += answer in ("sent", "unknown-but-out")
            answered = [self._answered(delivery, answer)]
            yield "effect"
        self._commit(ledger, answered, None)

    def _commit(self, ledger: Deliveries, answered: list[Settled], wanted: Delivery | None) -> bool:
        done = ledger.commit(answered, [wanted] if wanted else [], self.store.now)
        for outcome, recorded in zip(answered, done.recorded, strict=True):
            mine = self.hands.pop((outcome.delivery.id, outcome.delivery.attempt), None)
            assert recorded == (mine == "sending"), "an answer counts if and only if nobody took the delivery over"
            self.windows[_target(outcome.delivery)] += recorded and outcome.values["state"] == "unknown"
        if wanted is None:
            return False
        key = (wanted.id, wanted.attempt)
        if not done.allowed[0]:
            self.hands.pop(key, None)
            return False
        assert self.hands.get(key) == "claimed", "who lost the claim may not send"
        assert wanted.target not in self.gone or wanted.publication.channel != "newsletter"
        assert not ledger.intent(wanted, self.store.now), "once only, also for who holds it"
        self.hands[key] = "sending"
        return True

    def _answered(self, delivery: Delivery, answer: str) -> Settled:
        now = self.store.now
        unknown = {"state": "unknown", "unknowns": delivery.unknowns + 1, "looks": 0, "blind": 0}
        later = {"state": "ready", "tries": delivery.tries + 1, "last_code": "unavailable"}
        values: dict[str, dict[str, Any]] = {
            "sent": sent_values(Receipt(), now),
            "unknown": unknown | {"due_at": now + RESEND[0], "last_code": "outcome-unknown"},
            "later": later | {"due_at": now + timedelta(minutes=5)},
            "refused": {"state": "failed", "last_code": "rejected"},
        }
        return Settled(delivery, values[answer.removesuffix("-but-out")], answer)

    @rule(
        error=st.sampled_from([None, Unavailable("x"), Rejected("x"), OutcomeUnknown("x"), ZeroDivisionError()]),
        out=st.booleans(),
    )
    def whole_pass(self, error: Exception | None, out: bool) -> None:
        """A pass; perhaps the first delivery of each channel goes wrong, and where nobody knows, is out or not."""
        wrong: list[Outcome] = [error] if error else []
        self._pass([Mail("newsletter", outcomes=[*wrong]), Act("facebook", outcomes=[*wrong])], error, out=out)

    def _pass(self, acts: list[Act], error: Exception | None = None, *, out: bool = False) -> None:
        begun: list[Delivery] = []
        for act in acts:
            act.read_back = self._look  # type: ignore[method-assign]
            act.after_intent = begun.append
        self.store.pump(*acts, worker=self.alive)
        sent = [delivery for act in acts for delivery in act.sent]
        self.out.update(map(_target, sent))
        assert not [d for d in begun if d.target in self.gone], "who left gets nothing, not even a second copy"
        if isinstance(error, OutcomeUnknown | ZeroDivisionError):
            lost = [_target(delivery) for delivery in begun if delivery not in sent]
            self.windows.update(lost)
            self.out.update(lost if out else ())

    def _look(self, delivery: Delivery) -> ReadBack:
        return ReadBack(Seen.FOUND, Receipt()) if self.out[_target(delivery)] else ReadBack(Seen.ABSENT)

    @rule()
    def kill_and_recover(self) -> None:
        """The scheduler dies wherever it stands; the next one takes over. What it had in hand may be out."""
        self.count += 1
        self.alive = f"w{self.count}"
        self.store.make_pump(Mail("newsletter"), Act("facebook"), worker=self.alive).recover()
        targets = {f"d{row.id}": _place(row) for row in self._rows()}
        self.windows.update(targets[name] for (name, _attempt), state in self.hands.items() if state == "sending")
        self.hands.clear()

    # others at the same ledger

    @rule(slot=st.integers(0, 2))
    def somebody_writes_at_the_same_time(self, slot: int) -> None:
        """Another process writes between the first read and the first write of a worker's transaction: it waits."""
        with intruder(self.store.database) as writes:
            self.advance(slot, "newsletter", 1, ["sent", "sent"])
        assert not any(writes), "a worker's transaction is one step for everybody else"

    @rule(number=st.integers(1, 8))
    def somebody_adds_a_row_again(self, number: int) -> None:
        """A defect anywhere plans a delivery that there is already."""
        names = [column.name for column in schema.delivery.columns if column.name not in ("id", "state", "attempt")]
        columns = ", ".join(names)
        again = (
            f"INSERT INTO delivery (state, attempt, {columns}) SELECT 'ready', 0, {columns} FROM delivery WHERE id = "
        )
        known = any(row.id == number for row in self._rows())
        with pytest.raises(LedgerError) if known else nullcontext(), self.store.database.write() as connection:
            connection.exec_driver_sql(again + str(number))

    # people and time

    @rule(seconds=st.sampled_from([-60, 20, 120, 900, 7200]))
    def time_passes(self, seconds: int) -> None:
        """Also backwards."""
        self.store.later(seconds=seconds)

    @rule(what=st.sampled_from(["publish", "leave", *BY_HAND]), number=st.integers(1, 8), text=st.sampled_from("12"))
    def person(self, what: str, number: int, text: str) -> None:
        """An editor who publishes again, a reader who leaves, somebody at the keyboard who has not looked."""
        if what == "publish":
            channel = CHANNELS[number % 2]
            (entry,) = [e for e in self.store.queue.all() if e.key == ("x", channel, "")]
            self.store.put(self.store.item(channel, source="x", text=text, due=entry.due))
        elif what == "leave":
            self._leave(1 + number % 3)
        elif what in ("pause", "resume"):
            self.store.actions.pause(f"p{1 + number % 6}", self.store.now, paused=what == "pause")
        else:
            getattr(self.store.actions, what)(f"d{number}" if text == "1" else f"p{1 + number % 6}", self.store.now)

    def _leave(self, reader: int) -> None:
        self.store.subscribers.leave(reader, self.store.now)
        self.gone.add(str(reader))

    @precondition(lambda self: self._rows("held"))
    @rule()
    def resolve(self) -> None:
        """Somebody who has looked, and says the truth."""
        for row in self._rows("held"):
            answer = Answer.SENT if self.out[_place(row)] else Answer.RETRY
            self.by_hand[_place(row)] += answer is Answer.RETRY
            self.store.actions.resolve(f"d{row.id}", answer, self.store.now)

    def _rows(self, *states: str) -> list[Any]:
        with self.store.database.read() as connection:
            # Plain SQL: this is asked after every step, and takes a tenth of the time.
            rows = connection.exec_driver_sql("SELECT id, publication_id, channel, target, state FROM delivery").all()
        return [row for row in rows if not states or row.state in states]

    # what always holds

    @invariant()
    def nothing_out_twice(self) -> None:
        """A page shows a post once; a mailbox has one copy, and one more for each window, resent once at most.

        Every delivery has a name for its state, and `sent` means out.
        """
        for row in self._rows():
            place = _place(row)
            copies = self.out[place]
            assert row.state in STATES
            assert row.state != "sent" or copies >= 1, row
            if row.channel == "facebook":
                assert copies <= 1, row
            else:
                assert copies <= 1 + self.windows[place], row
                assert copies <= 2 * (1 + self.by_hand[place]), row  # one resend; a person's word begins anew

    @invariant()
    def the_equation_holds(self) -> None:
        """Planned = the sum of all states; nobody is lost."""
        for status in self.store.report.publications():
            assert status.balanced

    def teardown(self) -> None:
        """After enough healthy rounds everything is in a final state, or waits for its person."""
        try:
            self.settle()
        finally:  # a walk that failed leaves nothing behind either
            self.drop_database()

    def settle(self) -> None:
        """Enough healthy rounds."""
        for name in self.store.queue.all():
            self.store.actions.pause(f"p{name.id}", self.store.now, paused=False)
        self.kill_and_recover()
        for wait in (*LOOKS, *RESEND, *(timedelta(minutes=30),) * 4, timedelta(hours=4)):
            self.whole_pass(None, out=False)
            if not self._rows(*WAITING):
                break
            self.store.later(seconds=wait.total_seconds())
        self.whole_pass(None, out=False)
        self.nothing_out_twice()
        assert not self._rows(*WAITING)


class PostgreSQLMachine(Machine):
    """The same walk on the server; its tables are emptied between walks."""

    database: ClassVar[Database]

    def make_database(self) -> Database:
        """See `Machine`."""
        tables = ", ".join(table.name for table in schema.metadata.sorted_tables if table.name != "audit")  # kept
        with self.database.write() as connection:
            connection.exec_driver_sql(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
        return self.database

    def drop_database(self) -> None:
        """See `Machine`."""


def _place(row: Any) -> str:
    return f"p{row.publication_id}/{row.target}"


def _target(delivery: Delivery) -> str:
    return f"{delivery.publication.id}/{delivery.target}"


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=20,
        deadline=None,
        phases=[phase for phase in Phase if phase is not Phase.shrink],  # a failure is told at once
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def test_told_of_a_reader_who_leaves_while_nobody_knows_whether_the_letter_is_out() -> None:
    """Random walks come by here too rarely."""
    machine = Machine()
    machine.open()
    try:
        machine.die("newsletter", steps=3)
        machine.person("leave", 3, "1")
        assert machine.gone == {row.target for row in machine._rows("unknown")}
        machine.settle()
    finally:
        machine.drop_database()


TestMachine = Machine.TestCase
TestMachine.settings = _settings(EXAMPLES)


def test_the_same_walk_on_postgresql(postgres_server: Server, tmp_path: Path) -> None:
    PostgreSQLMachine.database = open_database(postgres_server.new_database(), tmp_path)
    run_state_machine_as_test(PostgreSQLMachine, settings=_settings(EXAMPLES // 5))
    PostgreSQLMachine.database.close()
