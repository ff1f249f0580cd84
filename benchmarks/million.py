"""One letter to a million readers: how long the list takes to freeze, how much memory, and who has to wait for whom.

    python -m benchmarks.million [--readers 1000000] [--sent 100000]

The run is stopped by SIGTERM once `--sent` letters have left; the whole ledger lies on disk. Linux only.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import senders, sink, workspace
from benchmarks.workspace import Newsroom

CONNECTIONS = 10
LONGEST = 3600.0  # seconds; a run that takes longer has failed
BARS = {
    "expansion, s": 60.0,
    "memory at its highest, MB": 200.0,
    "`veille status`, s": 1.0,
    "longest wait of a reader of the ledger, s": 1.0,
    "longest wait of an unsubscription, s": 1.0,
    "from SIGTERM to the end, s": 10.0,
}
EQUAL = (("sent", "letters that the sink took"), ("candidates", "deliveries and readers left out"))


class Memory(threading.Thread):
    """The resident memory of a process and its children, sampled until the process ends."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self.samples: list[tuple[float, float]] = []  # seconds since 1970, MB
        self.start()

    def run(self) -> None:
        """Sample ten times a second."""
        while total := sum(resident(pid) for pid in family(self._pid)):
            self.samples.append((time.time(), total))
            time.sleep(0.1)

    def highest(self) -> float:
        """MB."""
        return max(total for _moment, total in self.samples)

    def after(self, moment: float) -> float:
        """MB at the first sample from this moment on, else at the last."""
        return next((total for when, total in self.samples if when >= moment), self.samples[-1][1])


def family(pid: int) -> Iterator[int]:
    """A process and its children, grandchildren…"""
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return
    for child in children:
        yield from family(int(child))


def resident(pid: int) -> float:
    """MB of one process (VmRSS); 0 when it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0.0)


@contextmanager
def bystander(newsroom: Newsroom, last: int, waits: list[tuple[str, float, float]]) -> Iterator[None]:
    """Let `benchmarks.bystander` use the ledger meanwhile; fills `waits` at the end."""
    environ = {**newsroom.environ, "VEILLE_WORKSPACE": str(newsroom.root)}
    command = [sys.executable, "-m", "benchmarks.bystander", str(last)]
    process = subprocess.Popen(command, cwd=senders.HERE.parent, env=environ, stdout=subprocess.PIPE)
    try:
        yield
    finally:
        process.terminate()
        waits += json.loads(process.communicate(timeout=60)[0])


def one_row(newsroom: Newsroom, query: str) -> tuple[float, ...]:
    """The first row of a query on the ledger."""
    with sqlite3.connect(f"file:{newsroom.ledger}?mode=ro", uri=True, timeout=10) as ledger:
        row: tuple[float, ...] = ledger.execute(query).fetchone()
    return row


def run(newsroom: Newsroom, target: sink.Sink, enough: int) -> tuple[Memory, float]:
    """`veille run --once` until enough has left. Returns its memory, and how long the end took after SIGTERM."""
    process = subprocess.Popen(
        newsroom.command("run", "--once"), env=newsroom.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    memory = Memory(process.pid)
    deadline = time.monotonic() + LONGEST
    while target.taken() < enough and process.poll() is None:
        if time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"{target.taken()} letters after {LONGEST:.0f} s")
        time.sleep(0.2)
    start = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait()
    memory.join()
    return memory, time.monotonic() - start


def status_seconds(newsroom: Newsroom) -> float:
    """The whole process, the best of three: start-up is in it."""
    return min(senders.timed(newsroom.command("status"), newsroom.environ)[0] for _ in range(3))


def measure(folder: Path, readers: int, enough: int) -> dict[str, float]:
    """Import, publish, run; the figures by the words of the table."""
    with sink.running() as target:
        start = time.monotonic()
        newsroom = workspace.make(folder, readers, **workspace.smtp(target.port, CONNECTIONS))
        figures = {"import, s": time.monotonic() - start}
        newsroom.run("publish", newsroom.edition, "--at", "now", "--yes")
        waits: list[tuple[str, float, float]] = []
        with bystander(newsroom, readers, waits):
            memory, figures["from SIGTERM to the end, s"] = run(newsroom, target, enough)
        frozen, expanded = one_row(newsroom, "SELECT audience_at, expanded_at FROM publication")
        first, last = one_row(newsroom, "SELECT MIN(intent_at), MAX(sent_at) FROM delivery")
        (candidates,) = one_row(newsroom, "SELECT candidates FROM publication")
        (excluded,) = one_row(newsroom, "SELECT COALESCE(SUM(readers), 0) FROM exclusion")
        states = newsroom.states()
        figures |= {
            "expansion, s": (expanded - frozen) / 1000,
            "from the start to the first letter, s": first / 1000 - memory.samples[0][0],
            "memory when sending began, MB": memory.after(first / 1000),
            "memory at the end, MB": memory.samples[-2][1],
            "memory at its highest, MB": memory.highest(),
            "`veille status`, s": status_seconds(newsroom),
            "candidates": candidates,
            "deliveries and readers left out": sum(states.values()) + excluded,
            "sent": states.get("sent", 0),
            "letters that the sink took": target.taken(),
            "letters/s": states.get("sent", 0) / (last - first) * 1000,
            "unsubscribed meanwhile": one_row(newsroom, "SELECT COUNT(*) FROM subscriber WHERE state<>'subscribed'")[0],
            "ledger, MB": sum(f.stat().st_size for f in newsroom.ledger.parent.glob("outbox.sqlite3*")) / 1e6,
        }
    for what, words in (("read", "a reader of the ledger"), ("unsubscribe", "an unsubscription")):
        mine = [(at, wait) for kind, at, wait in waits if kind == what]
        figures[f"longest wait of {words}, s"] = max(wait for _at, wait in mine)
        before = [wait for at, wait in mine if at < first / 1000]
        figures["  before the first letter, s" + " " * (what == "read")] = max(before, default=0.0)
    return figures


def main() -> None:
    """Measure and print. Exit code 1: a bar is not met, or two counts of the same thing differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--readers", type=int, default=1_000_000)
    parser.add_argument("--sent", type=int, default=100_000)
    parser.add_argument("--keep", action="store_true", help="leave the newsroom in --folder, to look at it")
    parser.add_argument("--folder", help="where the ledger lies: a real disk with 3 GB free (default: the usual one)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="million-") as folder:
        figures = measure(Path(folder) / "newsroom", options.readers, options.sent)
        if options.keep:
            shutil.copytree(folder, f"{folder}-kept")
    met = all(figures[one] == figures[other] for one, other in EQUAL)
    for words, figure in figures.items():
        bar = BARS.get(words)
        met &= bar is None or figure < bar
        verdict = "" if bar is None else f"  < {bar:<5.0f} {'met' if figure < bar else 'NOT'}"
        print(f"{words:<45} {figure:>12,.2f}{verdict}")
    for one, other in EQUAL:
        if figures[one] != figures[other]:
            print(f"these differ: {one}, {other}")
    sys.exit(not met)


if __name__ == "__main__":
    main()
