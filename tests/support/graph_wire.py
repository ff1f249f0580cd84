"""How requests reach the fake Graph API and answers leave it, also broken ones: HTTP on loopback."""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.policy import HTTP
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol, cast
from urllib.parse import parse_qsl, urlsplit

from tests.support.graph_basics import Params
from tests.support.graph_faults import Fault

SECRETS = ("access_token", "appsecret_proof")
SECRET_PARAMS = {"client_secret", "fb_exchange_token", "input_token", "code", "revoke_token"}
CONTROL = "/-/"  # paths for tests that have the fake in another process


@dataclass(frozen=True)
class Seen:
    """One call as it came over the wire; the secrets are kept apart."""

    method: str
    path: str
    params: Params = field(repr=False)
    files: dict[str, bytes] = field(repr=False)
    token: str = field(repr=False)
    proof: str = field(repr=False)
    token_in: str  # "header" or "parameter"
    port: int = 0  # of the client: tells connections apart
    host: str = "facebook"
    file_names: tuple[str, ...] = ()
    etag: str = ""

    @property
    def edge(self) -> str:
        """The last part of the path: "feed", "media_publish", or the id of a node."""
        return self.path.rstrip("/").rsplit("/", 1)[-1]

    def record(self) -> dict[str, Any]:
        """What may be kept and shown: no token, proof or secret."""
        params = {name: value for name, value in self.params.items() if name not in SECRET_PARAMS}
        return {
            "host": self.host,
            "method": self.method,
            "path": self.path,
            "params": params,
            "files": list(self.file_names),
        }


class Answering(Protocol):
    """What a server asks."""

    problems: list[BaseException]

    def answer(self, seen: Seen) -> tuple[int, bytes, Fault | None]:
        """Status, body and the fault that spoils it."""

    def control(self, path: str, body: bytes) -> bytes:
        """A test's own wishes, when it lives in another process."""

    def date(self) -> datetime:
        """The time of the header Date."""

    def headers(self) -> dict[str, str]:
        """Headers of every answer."""


class Handler(BaseHTTPRequestHandler):
    """One request to one of the hosts."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together; apart, the second waits 40 ms for the client's kernel
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """All methods alike."""
        self._handle()

    do_POST = do_DELETE = do_GET

    @property
    def _fake(self) -> Answering:
        return cast("Server", self.server).fake

    def _handle(self) -> None:
        try:
            if self.path.startswith(CONTROL):
                self._reply(200, self._fake.control(self.path.removeprefix(CONTROL), self._body()))
                return
            status, body, fault = self._fake.answer(self._seen())
        except Exception as problem:
            self._fake.problems.append(problem)
            raise
        if fault is None or fault.way == "well":
            self._reply(status, body)
        else:
            self._go_wrong(fault, status, body)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _seen(self) -> Seen:
        parts = urlsplit(self.path)
        params = dict(parse_qsl(parts.query, keep_blank_values=True))
        sent, files, names = _parse(self.headers.get("Content-Type", ""), self._body())
        params.update(sent)
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        token, proof = [params.pop(name, "") for name in SECRETS]
        return Seen(
            self.command,
            parts.path,
            params,
            files,
            bearer or token,
            proof,
            "header" if bearer else "parameter",
            self.client_address[1],
            cast("Server", self.server).host,
            tuple(names),
            self.headers.get("If-None-Match", ""),
        )

    def _go_wrong(self, fault: Fault, status: int, body: bytes) -> None:
        match fault.way:
            case "lost":
                self.close_connection = True
            case "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
            case "truncated":
                self._reply(status, body[: len(body) // 2])
            case "late":
                select.select([self.connection], [], [], fault.seconds)  # until the client gives up
                self._reply(status, body)
            case _:
                self._reply(fault.status, fault.payload, dict(fault.headers))

    def _reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        html = body.startswith(b"<")
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if html else "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:  # said, so that no client keeps it for its next call
            self.send_header("Connection", "close")
        for name, value in (self._fake.headers() | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
            self.wfile.flush()
        except OSError:  # the client gave up waiting
            self.close_connection = True

    def date_time_string(self, timestamp: float | None = None) -> str:
        """By the fake's clock, with the skew that a test wants."""
        return format_datetime(self._fake.date(), usegmt=True)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _parse(content_type: str, body: bytes) -> tuple[Params, dict[str, bytes], list[str]]:
    if not content_type.startswith("multipart/form-data"):
        return dict(parse_qsl(body.decode(), keep_blank_values=True)), {}, []
    message = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body, policy=HTTP)
    params, files, names = {}, {}, []
    for part in message.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        content = cast("bytes", part.get_payload(decode=True))
        if file_name := part.get_filename():
            files[name] = content
            names.append(file_name)
        else:
            params[name] = content.decode()
    return params, files, names


class Quiet(SimpleHTTPRequestHandler):
    """Shows a folder."""

    wbufsize = -1

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """One host of the fake, or a folder."""

    fake: Answering
    host = "facebook"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are part of the tests; real problems are kept in `problems`."""


@contextmanager
def serving(handler: Callable[..., Any], fake: Answering | None = None, host: str = "facebook") -> Iterator[str]:
    """A server on loopback; gives its address."""
    server = Server(("127.0.0.1", 0), handler)
    server.host = host
    if fake:
        server.fake = fake
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.004}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
