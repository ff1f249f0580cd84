"""An IMAP and a POP server on loopback with real state, which lose the connection exactly where a test says.

with imap_server(store) as server: ...        # server.url
store.drop = (7, "before")                    # the seventh command: the line goes dead before it takes effect

A POP server deletes at QUIT only (RFC 1939, 6); an IMAP server at once. What is dropped "after" took effect, and the
client never hears it.
"""

from __future__ import annotations

import base64
import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

USER, PASSWORD = "bounces@example.org", "sésame/42:?@#%"


@dataclass
class Stored:
    """One message in a folder."""

    uid: int
    content: bytes
    flags: set[str] = field(default_factory=set)


@dataclass
class Store:
    """What lies on the server, and how it behaves.

    Args:
        capabilities: of the IMAP server, beside the usual.
        drop: (command number, "before" or "after" its effect): the connection ends there, once.
        refuses: commands that are answered with NO or -ERR.
        folders_fixed: no folder can be made.
    """

    folders: dict[str, list[Stored]] = field(default_factory=lambda: {"INBOX": []})
    capabilities: tuple[str, ...] = ("MOVE", "UIDPLUS")
    drop: tuple[int, str] | None = None
    refuses: frozenset[str] = frozenset()
    folders_fixed: bool = False
    heard: list[str] = field(default_factory=list)
    password: str = "plain"
    next_uid: int = 1

    def put(self, content: bytes, folder: str = "INBOX") -> None:
        """A message arrives."""
        self.folders[folder].append(Stored(self.next_uid, content))
        self.next_uid += 1

    def contents(self, folder: str = "INBOX", flag: str = "") -> list[bytes]:
        """What lies in a folder; with a flag, what has it."""
        return [m.content for m in self.folders.get(folder, []) if not flag or flag in m.flags]


class _Dropped(Exception):
    pass


class _Handler(socketserver.StreamRequestHandler):
    greeting = b""

    def handle(self) -> None:
        self.store = cast("_Server", self.server).store
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.begin()
        self.wfile.write(self.greeting)
        try:
            while line := self.rfile.readline():
                if not self._one(line.decode().rstrip("\r\n")):
                    return
        except (_Dropped, ConnectionError, BrokenPipeError):
            return

    def begin(self) -> None:
        """Per connection."""

    def _one(self, line: str) -> bool:
        self.store.heard.append(line)
        here = self.store.drop if self.store.drop and self.store.drop[0] == len(self.store.heard) else None
        if here == (len(self.store.heard), "before"):
            raise _Dropped
        answer, goes_on = self.obey(line)
        if here:
            raise _Dropped
        self.wfile.write(answer)
        return goes_on

    def obey(self, line: str) -> tuple[bytes, bool]:
        """The answer, and whether more may come."""
        raise NotImplementedError


class _Imap(_Handler):
    greeting = b"* OK ready\r\n"
    folder = "INBOX"

    def obey(self, line: str) -> tuple[bytes, bool]:
        tag, _space, rest = line.partition(" ")
        verb, _space, values = rest.partition(" ")
        if verb.upper() == "UID":
            name, _space, values = values.partition(" ")
            verb = f"UID_{name}"
        verb = verb.upper()
        if verb in self.store.refuses or not hasattr(self, f"on_{verb.lower()}"):
            return f"{tag} NO not now\r\n".encode(), True
        answer = getattr(self, f"on_{verb.lower()}")(values)
        state = "NO" if answer is None else "OK"
        return (answer or b"") + f"{tag} {state} done\r\n".encode(), verb != "LOGOUT"

    def on_capability(self, _values: str) -> bytes:
        return f"* CAPABILITY IMAP4rev1 {' '.join(self.store.capabilities)}\r\n".encode()

    def on_login(self, values: str) -> bytes | None:
        return b"" if values == f'{USER} "{self.store.password}"' else None

    def on_authenticate(self, _values: str) -> bytes | None:
        self.wfile.write(b"+ \r\n")
        words = base64.b64decode(self.rfile.readline()).decode().split("\0")
        return b"" if words == ["", USER, self.store.password] else None

    def on_list(self, _values: str) -> bytes:
        return b'* LIST (\\Noselect) "/" ""\r\n'

    def on_select(self, values: str) -> bytes | None:
        self.folder = values.strip('"')
        if self.folder not in self.store.folders:
            return None
        return f"* {len(self._here)} EXISTS\r\n* OK [UIDVALIDITY 7] fine\r\n".encode()

    def on_create(self, values: str) -> bytes | None:
        if self.store.folders_fixed or values.strip('"') in self.store.folders:
            return None
        self.store.folders[values.strip('"')] = []
        return b""

    def on_status(self, values: str) -> bytes | None:
        return b"" if values.partition(" (")[0].strip('"') in self.store.folders else None

    def on_uid_search(self, values: str) -> bytes:
        without = {rf"\{word[2:].capitalize()}" for word in values.split()}
        found = " ".join(str(m.uid) for m in self._here if not m.flags & without)
        return f"* SEARCH {found}\r\n".encode()

    def on_uid_fetch(self, values: str) -> bytes:
        most = int(re.search(r"<0\.(\d+)>", values)[1])  # type: ignore[index]
        for number, message in enumerate(self._here, 1):
            if message.uid == int(values.split()[0]):
                part = message.content[:most]
                head = f"* {number} FETCH (UID {message.uid} BODY[]<0> {{{len(part)}}}\r\n".encode()
                return head + part + b")\r\n"
        return b""

    def on_uid_store(self, values: str) -> bytes:
        uid, _how, flags = values.split(" ", 2)
        for message in self._here:
            if message.uid == int(uid):
                message.flags |= set(flags.strip("()").split())
        return b""

    def on_uid_copy(self, values: str) -> bytes | None:
        uid, folder = values.split(" ", 1)
        if folder.strip('"') not in self.store.folders:
            return None
        for message in [m for m in self._here if m.uid == int(uid)]:
            self.store.put(message.content, folder.strip('"'))
        return b""

    def on_uid_move(self, values: str) -> bytes | None:
        done = self.on_uid_copy(values)
        self._here[:] = [m for m in self._here if m.uid != int(values.split()[0])]
        return done

    def on_uid_expunge(self, values: str) -> bytes:
        self._here[:] = [m for m in self._here if not (m.uid == int(values) and r"\Deleted" in m.flags)]
        return b""

    def on_logout(self, _values: str) -> bytes:
        return b"* BYE\r\n"

    @property
    def _here(self) -> list[Stored]:
        return self.store.folders[self.folder]


class _Pop(_Handler):
    greeting = b"+OK ready\r\n"

    def begin(self) -> None:
        self.messages = list(self.store.folders["INBOX"])
        self.deleted: set[int] = set()

    def obey(self, line: str) -> tuple[bytes, bool]:
        verb, *values = line.split(" ", 1)[0:2]
        if verb in self.store.refuses or not hasattr(self, f"on_{verb.lower()}"):
            return b"-ERR not now\r\n", True
        answer = getattr(self, f"on_{verb.lower()}")(values[0] if values else "")
        return answer, verb != "QUIT"

    def on_user(self, value: str) -> bytes:
        return b"+OK\r\n" if value == USER else b"-ERR\r\n"

    def on_pass(self, value: str) -> bytes:
        return b"+OK\r\n" if value == self.store.password else b"-ERR no\r\n"

    def on_list(self, _value: str) -> bytes:
        return self._lines([f"{n} {len(m.content)}".encode() for n, m in enumerate(self.messages, 1)])

    def on_uidl(self, _value: str) -> bytes:
        return self._lines([f"{n} id-{m.uid}".encode() for n, m in enumerate(self.messages, 1)])

    def on_retr(self, value: str) -> bytes:
        return self._lines(self.messages[int(value) - 1].content.split(b"\r\n"))

    def on_top(self, value: str) -> bytes:
        number, lines = map(int, value.split())
        return self._lines(self.messages[number - 1].content.split(b"\r\n")[:lines])

    def on_dele(self, value: str) -> bytes:
        self.deleted.add(self.messages[int(value) - 1].uid)
        return b"+OK\r\n"

    def on_quit(self, _value: str) -> bytes:
        inbox = self.store.folders["INBOX"]
        inbox[:] = [m for m in inbox if m.uid not in self.deleted]
        return b"+OK bye\r\n"

    def _lines(self, lines: list[bytes]) -> bytes:
        stuffed = [b"." + line if line.startswith(b".") else line for line in lines]
        return b"".join(line + b"\r\n" for line in [b"+OK", *stuffed, b"."])


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    store: Store
    tls: ssl.SSLContext | None = None

    def get_request(self) -> tuple[socket.socket, object]:
        """With implicit TLS where there is a certificate; a handshake that fails is the client's affair."""
        line, address = super().get_request()
        if self.tls is None:
            return line, address
        try:
            return self.tls.wrap_socket(line, server_side=True), address
        except OSError:
            line.close()
            raise


@contextmanager
def mail_store(store: Store, kind: str, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server over these folders ("imap" or "pop"); gives its host and port."""
    with _Server(("127.0.0.1", 0), _Imap if kind == "imap" else _Pop) as server:
        server.store, server.tls = store, tls
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
