"""A mail server that follows a script: it refuses, goes away, hangs or talks nonsense exactly where a test says.

    with smtp_sink({"RCPT": "550 no such reader"}) as sink: ...
    with smtp_sink({"dot": Act.HANG}) as sink: ...
    with smtp_sink({("MAIL", 2): Act.DROP}) as sink: ...      # only the second MAIL, all connections counted
    with smtp_sink(offers=("PIPELINING", "CHUNKING")) as sink: ...

Commands are named by their verb; "connect" is the greeting, "dot" the end of a message (also of its last chunk),
"body" the middle of one, "lone dot" the end of a message that has no recipient.
"""

from __future__ import annotations

import re
import socket
import socketserver
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, cast


class Act(Enum):
    """What the server does instead of answering."""

    DROP = "close the connection"
    RESET = "reset the connection"
    HANG = "say nothing, until the sink is closed"
    HALF_CLOSE = "close its own side, and go on reading"


Key = str | tuple[str, int]
ANSWERS = {
    "connect": "220 sink",
    "HELO": "250 sink",
    "DATA": "354 go on",
    "dot": "250 taken",
    "body": "",
    "lone dot": "554 no valid recipients",
    "QUIT": "221 bye",
}
MIDDLE = 20  # bytes of content before "body" acts


@dataclass
class Sink:
    """The script, and what came.

    Args:
        offers: what EHLO announces.
        drips: each answer leaves byte by byte.
        slow: reads 4 KB at a time, with a pause before each.
    """

    script: Mapping[Key, str | Act]
    offers: Sequence[str] = ()
    drips: bool = False
    slow: bool = False
    port: int = 0
    heard: list[str] = field(default_factory=list)  # command lines
    story: list[tuple[int, str]] = field(default_factory=list)  # connection; verb, or answer with "<" before it
    whole: list[tuple[str, bytes]] = field(default_factory=list)  # recipient and message, once its end was seen
    taken: list[str] = field(default_factory=list)  # recipients whose message got a 2yz answer
    closing: threading.Event = field(default_factory=threading.Event)
    _count: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        """`smtp_url`."""
        return f"smtp://127.0.0.1:{self.port}?tls=none"

    @property
    def copies(self) -> Counter[str]:
        """How many whole messages came for each recipient."""
        return Counter(recipient for recipient, _content in self.whole)

    def times(self, verb: str) -> int:
        """How often this step came."""
        return self._count[verb]

    def answer(self, verb: str) -> str | Act:
        """What the script says for this step."""
        with self._lock:
            self._count[verb] += 1
            usual = ANSWERS.get(verb, "250 fine")
            if verb == "EHLO":
                usual = "\r\n".join(["250-sink", *(f"250-{offer}" for offer in self.offers), "250 HELP"])
            return self.script.get((verb, self._count[verb]), self.script.get(verb, usual))


class _Handler(socketserver.StreamRequestHandler):
    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sink = cast("_Server", self.server).sink
        self.recipient = ""
        self.begun = False  # MAIL was accepted

    def handle(self) -> None:
        if not self._answered("connect"):
            return
        while line := self.rfile.readline():
            command = line.decode(errors="replace").strip()
            self.sink.heard.append(command)
            verb = command.partition(" ")[0].upper()
            self.sink.story.append((id(self), verb))
            if not self._followed(verb, command):
                return

    def _followed(self, verb: str, command: str) -> bool:
        if verb == "BDAT":
            return self._end(self._chunk(int(command.split()[1])))
        if not self._answered(verb) or verb == "QUIT":
            return False
        accepted = str(self.last).startswith("2")
        if verb in ("MAIL", "RSET"):
            self.begun, self.recipient = accepted and verb == "MAIL", ""
        if verb == "RCPT":
            self.recipient = re.sub(r".*<(.*)>.*", r"\1", command) if accepted and self.begun else ""
        return self._end(self._lines()) if verb == "DATA" and str(self.last).startswith("354") else True

    def _end(self, content: bytes | None) -> bool:
        """The whole message came: remember and answer."""
        if content is None:
            return False  # the client, or we, went away before the end
        recipient, self.recipient = self.recipient, ""
        if not recipient:
            return self._answered("lone dot")
        self.sink.whole.append((recipient, content))
        if not self._answered("dot"):
            return False
        if str(self.last).startswith("2"):
            self.sink.taken.append(recipient)
        return True

    def _lines(self) -> bytes | None:
        content = bytearray()
        acted = False
        while (line := self._slowly(len(content) % 4096 < 80).readline()) != b".\r\n":
            content += line.removeprefix(b".") if line.startswith(b"..") else line
            if not line or (len(content) > MIDDLE and not acted and not self._answered("body")):
                return None
            acted = len(content) > MIDDLE
        return bytes(content)

    def _chunk(self, size: int) -> bytes | None:
        content = bytearray(self.rfile.read(min(MIDDLE, size)))
        if not self._answered("body"):
            return None
        while len(content) < size:
            piece = self._slowly(True).read1(min(size - len(content), 4096))
            if not piece:
                return None
            content += piece
        return bytes(content)

    def _slowly(self, pause: bool) -> Reader:
        if self.sink.slow and pause:
            time.sleep(0.0005)
        return cast("Reader", self.rfile)

    def _answered(self, verb: str) -> bool:
        self.last = self.sink.answer(verb)
        match self.last:
            case Act.DROP:
                return False
            case Act.RESET:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                return False
            case Act.HANG:
                self.sink.closing.wait()
                return False
            case Act.HALF_CLOSE:
                self.connection.shutdown(socket.SHUT_WR)
                while self.rfile.read(4096):
                    pass
                return False
        if self.last:
            self.sink.story.append((id(self), f"<{str(self.last)[:3]}"))
            self._say(f"{self.last}\r\n".encode())
        return not (self.last and verb == "body")

    def _say(self, words: bytes) -> None:
        size = 1 if self.sink.drips else len(words)
        for start in range(0, len(words), size):
            self.wfile.write(words[start : start + size])
            if self.sink.drips:
                time.sleep(0.0002)


class Reader(Protocol):
    """What is read from."""

    def readline(self) -> bytes:
        """One line."""

    def read1(self, size: int) -> bytes:
        """What is there."""


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    sink: Sink

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away are part of the tests."""


@contextmanager
def smtp_sink(
    script: Mapping[Key, str | Act] | None = None,
    *,
    offers: Sequence[str] = (),
    drips: bool = False,
    slow: bool = False,
) -> Iterator[Sink]:
    """Start a sink on loopback. The options are those of `Sink`."""
    sink = Sink(script or {}, offers, drips, slow)
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.sink = sink
        if slow:
            server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sink.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.003}, daemon=True)
        thread.start()
        try:
            yield sink
        finally:
            sink.closing.set()
            server.shutdown()
            thread.join()


def nobody_listens() -> int:
    """A port of loopback on which no server answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
