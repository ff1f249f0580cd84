"""A mail server that follows a script: it refuses, goes away, hangs or talks nonsense exactly where a test says.

    with smtp_sink({"RCPT": "550 no such reader"}) as sink: ...
    with smtp_sink({"dot": Act.HANG}) as sink: ...
    with smtp_sink({("MAIL", 2): Act.DROP}) as sink: ...      # only the second MAIL, all connections counted

Commands are named by their verb; "connect" is the greeting, "dot" the end of a message.
"""

from __future__ import annotations

import re
import socket
import socketserver
import struct
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import cast


class Act(Enum):
    """What the server does instead of answering."""

    DROP = "close the connection"
    RESET = "reset the connection"
    HANG = "say nothing, until the sink is closed"


Key = str | tuple[str, int]
ANSWERS = {
    "connect": "220 sink",
    "EHLO": "250 sink",
    "HELO": "250 sink",
    "DATA": "354 go on",
    "dot": "250 taken",
    "QUIT": "221 bye",
}


@dataclass
class Sink:
    """The script, and what came."""

    script: Mapping[Key, str | Act]
    port: int = 0
    heard: list[str] = field(default_factory=list)  # command lines
    whole: list[tuple[str, bytes]] = field(default_factory=list)  # recipient and message, once its dot was seen
    taken: list[str] = field(default_factory=list)  # recipients whose message got a 2yz answer
    closing: threading.Event = field(default_factory=threading.Event)
    _count: Counter[str] = field(default_factory=Counter)

    @property
    def url(self) -> str:
        """`smtp_url`."""
        return f"smtp://127.0.0.1:{self.port}?tls=none"

    @property
    def copies(self) -> Counter[str]:
        """How many whole messages came for each recipient."""
        return Counter(recipient for recipient, _content in self.whole)

    def answer(self, verb: str) -> str | Act:
        """What the script says for this step."""
        self._count[verb] += 1
        usual = ANSWERS.get(verb, "250 fine")
        return self.script.get((verb, self._count[verb]), self.script.get(verb, usual))


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        sink = cast("_Server", self.server).sink
        recipient = ""
        if not self._answered(sink, "connect"):
            return
        while line := self.rfile.readline():
            command = line.decode(errors="replace").strip()
            sink.heard.append(command)
            verb = command.partition(" ")[0].upper()
            if verb == "RCPT":
                recipient = re.sub(r".*<(.*)>.*", r"\1", command)
            if not self._answered(sink, verb) or verb == "QUIT":
                return
            went_on = verb == "DATA" and str(self.last).startswith("354")
            if went_on and not self._message(sink, recipient):
                return

    def _message(self, sink: Sink, recipient: str) -> bool:
        content = b""
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return False  # the client went away before the dot
            content += line.removeprefix(b".") if line.startswith(b"..") else line
        sink.whole.append((recipient, content))
        if not self._answered(sink, "dot"):
            return False
        if str(self.last).startswith("2"):
            sink.taken.append(recipient)
        return True

    def _answered(self, sink: Sink, verb: str) -> bool:
        self.last = sink.answer(verb)
        match self.last:
            case Act.DROP:
                return False
            case Act.RESET:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                return False
            case Act.HANG:
                sink.closing.wait()
                return False
        self.wfile.write(f"{self.last}\r\n".encode())
        return True


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    sink: Sink

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away are part of the tests."""


@contextmanager
def smtp_sink(script: Mapping[Key, str | Act] | None = None) -> Iterator[Sink]:
    """Start a sink on loopback."""
    sink = Sink(script or {})
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.sink = sink
        sink.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
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
