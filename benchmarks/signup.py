"""Ten thousand people, or one program, ask for the letter at once: is everybody answered, how soon, in how much memory.

    python -m benchmarks.signup [--requests 10000] [--clients 50]

`veille serve` runs in a process of its own on a fresh SQLite outbox; 50 clients ask from 50 loopback addresses
(127.0.0.1 to 127.0.0.50), each on one line that it keeps, as fast as they are answered. Three times: with the limits as
they come, which is what an attack meets; without limits, each request another address, so that every one is written
down and its mail is made (in the sandbox, as a file); and the form only, for comparison. The clients share the machine.
"""

from __future__ import annotations

import argparse
import http.client
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.workspace import VEILLE, environment

HOST = "letter.example.org"
NO_LIMITS = {"VEILLE_SERVE__PER_CLIENT": "1000000/h", "VEILLE_SERVE__PER_HOUR": "1000000"}
AGE_OF_FORM = 2.1  # seconds: one that comes back sooner is only shown again
P99_BAR = 1.0  # seconds, with clients that never pause, on two cores that they share with the site
_TOML = f"""\
[workspace]
name = "Mesures"
base_url = "https://{HOST}"
towns = ["Bagneux"]

[newsletter]
from = "Mesures <lettre@example.org>"
reply_to = "redaction@example.org"

[web]
"""


@dataclass
class Measure:
    """What the clients saw.

    Args:
        waits: seconds from each request to its whole answer.
        statuses: how often each; 0 for a line that broke.
        seconds: of the whole run.
    """

    waits: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0


def addresses(clients: int) -> list[str]:
    """The loopback addresses that ask."""
    return [f"127.0.0.{number}" for number in range(1, clients + 1)]


@contextmanager
def site(folder: Path, environ: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """A site in this folder: its port, and the id of its process."""
    folder.mkdir()
    (folder / "veille.toml").write_text(_TOML, encoding="utf-8")
    command = [VEILLE, "-C", str(folder), "serve", "--port", "0"]
    process = subprocess.Popen(
        command, env=environment(**environ), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr
    found = None
    for line in process.stderr:
        if found := re.search(r"http://[^:]+:(\d+)/", line):
            break
    if found is None:
        raise RuntimeError("the site does not start")
    threading.Thread(target=process.stderr.read, daemon=True).start()
    try:
        yield int(found[1]), process.pid
    finally:
        process.terminate()
        process.wait(60)


def stamp(port: int) -> str:
    """Of a form that was shown long enough ago."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    line.request("GET", "/subscribe/", headers={"Host": HOST})
    found = re.search(r'name="stamp" value="([^"]+)"', line.getresponse().read().decode())
    line.close()
    assert found
    time.sleep(AGE_OF_FORM)
    return found[1]


def load(port: int, requests: int, clients: list[str], stamped: str) -> Measure:
    """Let all clients ask, together so many times.

    Args:
        stamped: of the form; "" to read the form only.
    """
    measure, each = Measure(), requests // len(clients)
    lock = threading.Lock()

    def ask(number: int, client: str) -> None:
        waits, statuses = _one_client(port, client, number, each, stamped)
        with lock:
            measure.waits += waits
            measure.statuses += statuses

    threads = [threading.Thread(target=ask, args=pair) for pair in enumerate(clients)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    measure.seconds = time.perf_counter() - begun
    return measure


def _one_client(port: int, client: str, number: int, each: int, stamped: str) -> tuple[list[float], Counter[int]]:
    waits, statuses = [], Counter[int]()
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60, source_address=(client, 0))
    for n in range(each):
        body = urlencode({"email": f"r{number}.{n}@example.org", "stamp": stamped})
        begun = time.perf_counter()
        try:
            _send(line, body if stamped else "")
            answer = line.getresponse()
            answer.read()
            statuses[answer.status] += 1
        except (OSError, http.client.HTTPException):
            statuses[0] += 1
            line.close()
        waits.append(time.perf_counter() - begun)
    line.close()
    return waits, statuses


def _send(line: http.client.HTTPConnection, body: str) -> None:
    if not body:
        line.request("GET", "/subscribe/", headers={"Host": HOST})
        return
    kind = {"Host": HOST, "Content-Type": "application/x-www-form-urlencoded"}
    line.request("POST", "/subscribe/", body, kind)


def memory(pid: int) -> float:
    """The most that a process ever had in memory, in MB (Linux)."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    return int(found[1]) / 1024 if found else 0.0


def mails(folder: Path) -> int:
    """How many confirmation mails were made so far."""
    return len(list((folder / "outbox/notices").glob("*.eml")))


def percentile(waits: list[float], per_cent: int) -> float:
    """Of so many waits in a hundred, the longest."""
    return statistics.quantiles(waits, n=100, method="inclusive")[per_cent - 1]


def report(name: str, measure: Measure, most: float, made: int) -> bool:
    """A row. Returns whether everybody was answered, soon enough, without failure of ours."""
    p50, p99 = (1000 * percentile(measure.waits, part) for part in (50, 99))
    answers = " ".join(f"{status}: {count:,}" for status, count in sorted(measure.statuses.items()))
    print(
        f"{name:<30} {len(measure.waits) / measure.seconds:>8,.0f} {p50:>8,.0f} {p99:>8,.0f} "
        f"{1000 * max(measure.waits):>8,.0f} {most:>8,.0f} {made:>8,}   {answers}"
    )
    answered = not (measure.statuses.keys() - {200, 429, 503})
    return answered and p99 <= 1000 * P99_BAR


def main() -> None:
    """Measure, print, and end with 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=50)
    options = parser.parse_args()
    print(f"{options.requests:,} requests by {options.clients} clients at once")
    head = ("per s", "p50 ms", "p99 ms", "max ms", "MB", "mails")
    print(f"{'':<30} {' '.join(f'{word:>8}' for word in head)}   answers")
    good = True
    runs: tuple[tuple[str, dict[str, str], bool], ...]
    runs = (("with the limits as they come", {}, True), ("no limits", NO_LIMITS, True), ("the form only", {}, False))
    with tempfile.TemporaryDirectory() as made:
        for number, (name, environ, asks) in enumerate(runs):
            folder = Path(made) / str(number)
            with site(folder, environ) as (port, pid):
                found = load(port, options.requests, addresses(options.clients), stamp(port) if asks else "")
                good &= report(name, found, memory(pid), mails(folder))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
