"""Postfix' test server and test client: the sink that every sender of a run talks to, and the limit it allows.

`smtp-sink` takes letters and throws them away; `smtp-source` is the fastest sender that anybody ships for it.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

HOST = "127.0.0.1"
BACKLOG = "1000"
INSTALL = "install Postfix' test programs (Debian: apt-get install postfix)"


def found(program: str) -> str | None:
    """The path of one of Postfix' programs, which lie where only root looks."""
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin:/usr/libexec/postfix")


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, seconds: float = 5.0) -> None:
    """Return once somebody listens there.

    Raises:
        TimeoutError: nobody does.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"nobody listens on port {port}") from None
            time.sleep(0.02)


@dataclass
class Sink:
    """A running sink."""

    port: int
    process: subprocess.Popen[bytes]
    log: IO[bytes]

    def taken(self) -> int:
        """How many letters it took since it started."""
        self.log.seek(max(0, self.log.seek(0, os.SEEK_END) - 200))
        counts = re.findall(rb"mesg=\s*(\d+)", self.log.read())
        return int(counts[-1]) if counts else 0

    def seconds(self) -> float:
        """The CPU time it used so far (Linux; elsewhere 0)."""
        return cpu_seconds(self.process.pid)


def cpu_seconds(pid: int) -> float:
    """User and system time of one process."""
    if not sys.platform.startswith("linux"):
        return 0.0
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running() -> Iterator[Sink]:
    """A sink on a free port of loopback.

    Raises:
        FileNotFoundError: there is no `smtp-sink` here; the message says what to install.
    """
    program = found("smtp-sink")
    if program is None:
        raise FileNotFoundError(f"smtp-sink is not here: {INSTALL}")
    port = free_port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([program, "-c", *user, f"{HOST}:{port}", BACKLOG], stdout=log, stderr=log)
        try:
            wait_for(port)
            yield Sink(port, process, log)
        finally:
            process.terminate()
            process.wait()


def limit(port: int, letters: int, size: int, *, keeps: bool) -> float:
    """Letters a second of `smtp-source -s 10`: a connection for each letter, as it does by itself.

    Args:
        keeps: with `-d`, connections are kept from letter to letter.

    Raises:
        FileNotFoundError: there is no `smtp-source` here.
    """
    program = found("smtp-source")
    if program is None:
        raise FileNotFoundError(f"smtp-source is not here: {INSTALL}")
    addresses = ["-f", "letter@example.org", "-t", "reader@example.org"]
    amounts = [*(["-d"] if keeps else []), "-s", "10", "-m", str(letters), "-l", str(size)]
    start = time.perf_counter()
    subprocess.run([program, *amounts, *addresses, f"{HOST}:{port}"], check=True, stdout=subprocess.DEVNULL)
    return letters / (time.perf_counter() - start)
