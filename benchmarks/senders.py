"""One run of one sender against the sink: what is timed, and what must be true afterwards."""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import peers, sink, workspace
from benchmarks.workspace import Newsroom

HERE = Path(__file__).parent
DELAY = 10  # milliseconds each way: 20 ms of round trip


@dataclass(frozen=True)
class Measure:
    """What one run gave.

    Args:
        rate: letters a second.
        whole: letters a second of the whole process, start to end, where that is another thing.
        cpu: own CPU time of one letter, microseconds, in all processes of the sender.
    """

    rate: float
    whole: float | None = None
    cpu: float | None = None


@dataclass(frozen=True)
class Sender:
    """Something that sends `letters` letters to a port."""

    name: str
    letters: int
    run: Callable[[int], Measure]
    delayed: bool = False
    missing: str = ""  # why it cannot run here
    bar: float | None = None  # at least this much of smtp-source -s 10 on the same way


def limit(letters: int, size: int, *, keeps: bool = False) -> Callable[[int], Measure]:
    """`smtp-source -s 10`, or with `-d`."""
    return lambda port: Measure(sink.limit(port, letters, size, keeps=keeps))


def ours(newsroom: Newsroom, letters: int, connections: int, **more: str) -> Callable[[int], Measure]:
    """`veille run --once` with the whole ledger, in a fresh copy of a newsroom in which one letter is due."""

    def run(port: int) -> Measure:
        with tempfile.TemporaryDirectory(dir=newsroom.root.parent) as folder:
            copy = newsroom.copy(Path(folder) / "newsroom", **workspace.smtp(port, connections), **more)
            seconds, cpu = timed(copy.command("run", "--once"), copy.environ)
            _seconds, idle = timed(copy.command("run", "--once"), copy.environ)  # must send nothing more
            states = copy.states()
            if states != {"sent": letters}:
                raise RuntimeError(f"the ledger says {states}, expected {letters} sent")
            return Measure(letters / sending_seconds(copy), letters / seconds, (cpu - idle) / letters * 1e6)

    return run


def sending_seconds(newsroom: Newsroom) -> float:
    """From the first intent to the last answer, as the ledger has them."""
    with sqlite3.connect(newsroom.ledger) as ledger:
        first, last = ledger.execute("SELECT MIN(intent_at), MAX(sent_at) FROM delivery").fetchone()
    return float(last - first) / 1000


def timed(command: list[str], environ: Mapping[str, str]) -> tuple[float, float]:
    """Wall and CPU seconds of one command with all its processes.

    Raises:
        RuntimeError: it failed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run(command, env=environ, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(
            f"exit {done.returncode}: {' '.join(command[-4:])}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def peer(name: str, letters: int, letter: Path) -> Callable[[int], Measure]:
    """One of `benchmarks.peers`, in a process of its own."""
    start = [sys.executable, "-m", "benchmarks.peers", name]
    return lambda port: _told([*start, str(port), str(letters), str(letter)], letters)


def nodemailer(letters: int, parts: Path) -> Callable[[int], Measure]:
    """nodemailer's pool; `parts` is what `node_parts` wrote."""
    start = ["node", str(HERE / "nodemailer_pool.cjs")]
    return lambda port: _told([*start, str(port), str(letters), str(parts)], letters)


def node_parts(letter: Path, to: Path, key: str = "") -> Path:
    """Write the letter as nodemailer takes it: texts, headers and what is personal in them."""
    whole = peers.Letter(letter.read_bytes())
    content = {
        "text": whole.text_of("plain"),
        "html": whole.text_of("html"),
        "headers": {name: str(value) for name, value in whole.message.items()},
        "slots": [slot.decode() for slot in whole.slots],
        "values": [[value.decode() for value in whole.values(reader)] for reader in range(1000)],
        "dkim": {"domainName": "example.org", "keySelector": "bench", "privateKey": key} if key else None,
    }
    to.write_text(json.dumps(content), encoding="utf-8")
    return to


def no_nodemailer() -> str:
    """Why nodemailer cannot run here; "" when it can."""
    if shutil.which("node") is None:
        return "not installed: node"
    folder = os.environ.get("VEILLE_BENCH_NODE_MODULES", "")
    if not (Path(folder) / "nodemailer").is_dir():
        return "not installed: set VEILLE_BENCH_NODE_MODULES"
    return ""


def no_module(name: str) -> str:
    """Why a Python peer cannot run here; "" when it can."""
    return "" if importlib.util.find_spec(name) else f"not installed: {name}"


def _told(command: list[str], letters: int) -> Measure:
    """Run a peer which prints its seconds."""
    environ = {**os.environ, "NODE_PATH": os.environ.get("VEILLE_BENCH_NODE_MODULES", "")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=environ, cwd=HERE.parent, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"exit {done.returncode}: {done.stderr[-500:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measure(letters / float(json.loads(done.stdout)["seconds"]), cpu=cpu / letters * 1e6)


@contextmanager
def delayed(port: int, milliseconds: float = DELAY) -> Iterator[int]:
    """A port behind which everything comes later, in a process of its own."""
    listen = sink.free_port()
    command = [sys.executable, "-m", "benchmarks.proxy", str(listen), str(port), str(milliseconds)]
    process = subprocess.Popen(command, cwd=HERE.parent)
    try:
        sink.wait_for(listen)
        yield listen
    finally:
        process.terminate()
        process.wait()
