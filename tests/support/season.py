"""One letter to many readers, sent by the real command over several runs, and two accounts of it to compare."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.support.counting_sink import CountingSink
from tests.support.workspace import REPOSITORY, Workspace, mail_only, newsroom
from veille.outbox.actions import Actions, Answer
from veille.outbox.database import driver, open_database

CONNECTIONS = 4
LATENCY = 0.05  # seconds: the server's answer to a letter
WINDOWS = ("recovered", "outcome-unknown")  # events after which nobody can know whether a letter is out
OLD_SQLITE = {"PYTHONPATH": str(REPOSITORY / "tests/support/old_sqlite")}


@dataclass
class Season:
    """One letter to many readers, by runs that are killed."""

    workspace: Workspace
    sink: CountingSink
    readers: list[str]
    chance: random.Random
    kills: int = 0

    def killed(self, times: int, environments: Sequence[dict[str, str]] = ({},)) -> None:
        """Kill so many runs before the letter is through; the letter moves on about evenly."""
        for left in range(times, 0, -1):
            env = environments[(times - left) * len(environments) // times]
            process = self.workspace.start("run", "--once", **env)
            out = len(self.sink.letters)
            self._wait(process, out + int(self.chance.random() * 2 * (len(self.readers) - out) / (left + 1)))
            process.send_signal(signal.SIGKILL)
            _out, said = process.communicate(timeout=30)
            assert process.returncode == -signal.SIGKILL, f"the run ended before kill {self.kills + 1}: {said}"
            self.kills += 1

    def _wait(self, process: subprocess.Popen[str], letters: int) -> None:
        """Until so many letters are out and a moment more; one in eight dies in its start."""
        end = time.monotonic() + (self.chance.random() if self.chance.random() < 1 / 8 else 30)
        while len(self.sink.letters) < letters and process.poll() is None and time.monotonic() < end:
            time.sleep(0.001)
        time.sleep(self.chance.random() * LATENCY)

    def finish(self) -> None:
        """Run to the end; a person looks after what is held, and says the truth."""
        for _run in range(8):
            ran = self.workspace.veille("run", "--once")
            if not self.resolve() and ran.code == 0:
                return
        raise AssertionError(ran.said)

    def resolve(self) -> int:
        """What `veille outbox resolve` does, for each delivery that waits for a person. Returns how many did."""
        held = self.deliveries("held")
        database = open_database("sqlite:///outbox/outbox.sqlite3", self.workspace.root)
        for name, address in held.items():
            answer = Answer.SENT if self.sink.copies[address] else Answer.RETRY
            assert Actions(database).resolve(name, answer, datetime.now(UTC)) == 1
        database.close()
        return len(held)

    def deliveries(self, *states: str) -> dict[str, str]:
        """The addresses of deliveries in these states, by their names."""
        rows = self.ask("SELECT d.id, s.email, d.state FROM delivery d JOIN subscriber s ON s.id = d.target")
        return {f"d{number}": address for number, address, state in rows if not states or state in states}

    def windows(self) -> Counter[str]:
        """How often nobody could know whether a letter is out, by delivery."""
        marks = ", ".join("?" * len(WINDOWS))
        return Counter(
            f"d{row[0]}" for row in self.ask(f"SELECT delivery_id FROM attempt_log WHERE event IN ({marks})", *WINDOWS)
        )

    def recoveries(self) -> list[int]:
        """How many deliveries were found without an answer, each time that some were."""
        return list(Counter(self.ask("SELECT at FROM attempt_log WHERE event = 'recovered'")).values())

    def ask(self, statement: str, *values: Any) -> list[Any]:
        """The ledger's own words."""
        connection = driver().connect(str(self.workspace.root / "outbox/outbox.sqlite3"))
        try:
            found: list[Any] = connection.execute(statement, values).fetchall()
            return found
        finally:
            connection.close()

    def check(self) -> None:
        """The accounts of ledger and witness, one against the other."""
        copies, windows = self.sink.copies, self.windows()
        by_name = self.deliveries()
        assert sorted(by_name.values()) == sorted(self.readers)  # each once in the ledger
        assert [reader for reader in self.readers if not copies[reader]] == []  # nobody is lost
        assert set(self.deliveries("sent").values()) == set(self.readers)
        assert set(copies) <= set(self.readers)
        unexplained = {
            name: copies[address] for name, address in by_name.items() if copies[address] > 1 + windows[name]
        }
        assert not unexplained, f"second copies that no window explains: {unexplained}"
        assert max(copies.values()) <= 2
        letters = {(letter.recipient, letter.message_id, letter.digest) for letter in self.sink.letters}
        different = [address for address, count in Counter(letter[0] for letter in letters).items() if count > 1]
        assert different == []  # a second copy is the same letter, byte by byte
        assert max(self.recoveries(), default=0) <= CONNECTIONS  # one unknown for each connection, at most
        assert [status.balanced for status in self.workspace.ledger()] == [True]


def season(folder: Path, sink: CountingSink, readers: int, seed: int = 0) -> Season:
    """A newsroom whose letter is due now, to so many readers."""
    names = [f"reader{number}@example.org" for number in range(readers)]
    workspace = newsroom(folder / "newsroom", readers=names)
    mail_only(workspace, sink.url(CONNECTIONS))
    workspace.env |= {"VEILLE_NEWSLETTER__RESEND_AFTER": "0 s", "VEILLE_NEWSLETTER__SEND_WINDOW": ""}
    assert workspace.veille("publish", "--yes").code == 0
    return Season(workspace, sink, names, random.Random(seed))
