"""Killed at random, again and again, in the middle of one letter: nobody is lost, and every second copy has a name.

The witness is a mail server in another process that knows nothing of veille. Where the kill falls is chance, not a
failpoint: also between two failpoints, in the start, in a commit, in a write to a socket.
"""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.counting_sink import CountingSink, counting_sink
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
    environments: list[dict[str, str]] = field(default_factory=lambda: [{}])
    kills: int = 0

    def killed(self, times: int) -> None:
        """Kill so many runs before the letter is through; the letter moves on about evenly."""
        for left in range(times, 0, -1):
            env = self.environments[(times - left) * len(self.environments) // times]
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
        assert unexplained == {}
        assert max(copies.values()) <= 2
        letters = {(letter.recipient, letter.message_id, letter.digest) for letter in self.sink.letters}
        assert len(letters) == len(self.readers)  # a second copy is the same letter, byte by byte
        per_kill = Counter(at for (at,) in self.ask("SELECT at FROM attempt_log WHERE event = 'recovered'"))
        assert max(per_kill.values()) <= CONNECTIONS
        assert len(per_kill) <= self.kills
        # The kills did fall where it matters: otherwise nothing of this was tried.
        assert sum(windows.values()) >= self.kills / 4
        assert [status.balanced for status in self.workspace.ledger()] == [True]


def _season(folder: Path, sink: CountingSink, readers: int, seed: int) -> Season:
    names = [f"reader{number}@example.org" for number in range(readers)]
    workspace = newsroom(folder / "newsroom", readers=names)
    mail_only(workspace, sink.url(CONNECTIONS))
    workspace.env |= {"VEILLE_NEWSLETTER__RESEND_AFTER": "0 s", "VEILLE_NEWSLETTER__SEND_WINDOW": ""}
    assert workspace.veille("publish", "--yes").code == 0
    return Season(workspace, sink, names, random.Random(seed))


def _killed_season(folder: Path, readers: int, kills: int, change: Callable[[Season], None]) -> None:
    seed = random.SystemRandom().randrange(10**9)
    print(f"seed {seed}")  # shown when the test fails
    with counting_sink(folder, latency=LATENCY, seed=seed) as sink:
        season = _season(folder, sink, readers, seed)
        change(season)
        season.killed(kills)
        season.finish()
        season.check()


@pytest.mark.slow
def test_six_kills_in_a_letter_to_120(tmp_path: Path) -> None:
    """Three with the write-ahead log, then three with a rollback journal, as on a machine with an older SQLite."""

    def both(season: Season) -> None:
        season.environments = [{}, OLD_SQLITE]

    _killed_season(tmp_path, 120, 6, both)


@pytest.mark.soak
@pytest.mark.parametrize("env", [{}, OLD_SQLITE], ids=["wal", "rollback-journal"])
def test_200_kills_in_a_letter_to_2000(tmp_path: Path, env: dict[str, str]) -> None:
    def only(season: Season) -> None:
        season.environments = [env]

    _killed_season(tmp_path, 2000, 200, only)
