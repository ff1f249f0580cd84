"""A mail server in a process of its own, which writes down every letter at the moment that it accepts it.

python -m tests.support.counting_sink RECORDS LATENCY SEED

It knows nothing of veille, and outlives every kill of it: what it counted is what readers have.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import os
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_LIMIT = 8 << 20  # bytes of one letter
_OFFERS = ("sink.example.org", "PIPELINING", "8BITMIME", "SMTPUTF8", "CHUNKING")


@dataclass(frozen=True)
class Letter:
    """One letter as it was accepted for one reader."""

    recipient: str
    message_id: str
    digest: str  # SHA-256 of its bytes
    connection: int


@dataclass
class CountingSink:
    """The server as tests see it."""

    port: int
    records: Path
    _read: int = 0
    _letters: list[Letter] = field(default_factory=list)

    @property
    def letters(self) -> list[Letter]:
        """What was accepted so far, in order."""
        with self.records.open("rb") as file:
            file.seek(self._read)
            lines = file.read().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith(b"\n")]
        self._read += sum(map(len, whole))
        self._letters += [Letter(**json.loads(line)) for line in whole]
        return self._letters

    @property
    def copies(self) -> Counter[str]:
        """How many letters each reader has."""
        return Counter(letter.recipient for letter in self.letters)

    def url(self, connections: int = 1) -> str:
        """`smtp_url` for this server."""
        return f"smtp://127.0.0.1:{self.port}?tls=none&connections={connections}"


@contextmanager
def counting_sink(folder: Path, *, latency: float = 0.0, seed: int = 0) -> Iterator[CountingSink]:
    """Start the server.

    Args:
        latency: seconds between the final dot and its answer; the letter is accepted somewhere between them.
        seed: of where between them.
    """
    records = folder / "letters.jsonl"
    records.touch()
    command = [sys.executable, "-m", "tests.support.counting_sink", str(records), str(latency), str(seed)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield CountingSink(int(process.stdout.readline()), records)
    finally:
        process.kill()
        process.communicate()


class _Server:
    def __init__(self, records: Path, latency: float, seed: int) -> None:
        self._records = os.open(records, os.O_WRONLY | os.O_APPEND)
        self._latency = latency
        self._random = random.Random(seed)
        self._numbers = itertools.count(1)

    async def serve(self) -> None:
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0, limit=_LIMIT)
        print(server.sockets[0].getsockname()[1], flush=True)
        async with server:
            await server.serve_forever()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._session(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client was killed
        finally:
            writer.close()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = next(self._numbers)
        recipients: list[str] = []
        parts: list[bytes] = []
        writer.write(b"220 sink.example.org\r\n")
        while line := await reader.readuntil(b"\r\n"):
            verb, _space, rest = line.decode().strip().partition(" ")
            answer = "250 OK"
            match verb.upper():
                case "EHLO":
                    answer = "\r\n".join([*(f"250-{offer}" for offer in _OFFERS), "250 SIZE"])
                case "RCPT":
                    recipients.append(_address(rest))
                case "MAIL" | "RSET":
                    recipients, parts = [], []
                case "DATA":
                    writer.write(b"354 go on\r\n")
                    content = (await reader.readuntil(b"\r\n.\r\n"))[:-3]
                    await self._accept(number, recipients, content.replace(b"\r\n..", b"\r\n."))
                case "BDAT":
                    size, _space, last = rest.partition(" ")
                    parts.append(await reader.readexactly(int(size)))
                    if last:
                        await self._accept(number, recipients, b"".join(parts))
                        parts = []
                case "QUIT":
                    answer = "221 bye"
            writer.write(f"{answer}\r\n".encode())
            await writer.drain()
            if verb.upper() == "QUIT":
                return

    async def _accept(self, connection: int, recipients: list[str], content: bytes) -> None:
        """A server takes time before it accepts, and its answer takes time too."""
        before = self._random.random() * self._latency
        await asyncio.sleep(before)
        found = re.search(rb"^Message-ID:\s*(\S+)", content, re.IGNORECASE | re.MULTILINE)
        message_id = found[1].decode() if found else ""
        for recipient in recipients:
            letter = Letter(recipient, message_id, hashlib.sha256(content).hexdigest(), connection)
            os.write(self._records, (json.dumps(letter.__dict__) + "\n").encode())
        await asyncio.sleep(self._latency - before)


def _address(argument: str) -> str:
    found = re.search(r"<([^>]*)>", argument)
    return found[1] if found else ""


if __name__ == "__main__":
    asyncio.run(_Server(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])).serve())
