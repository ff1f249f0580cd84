"""A web server on loopback that does everything a web server may do wrong, and one who opens links on it."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from veille.linking import Answer
from veille_publishers.link_fetch import LinkFetch

TIMEOUT = 0.6  # seconds that whoever opens links waits; what answers at all, answers within a hundredth of that


class Site(ThreadingHTTPServer):
    """A site whose pages misbehave by name; it remembers what it was asked."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Page)
        self.asked: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.now, self.most, self.together = 0, 0, 0
        self.lock = threading.Condition()
        self.scheme = "https" if context else "http"
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """The address of a page; the host by any name that leads here."""
        return f"{self.scheme}://{host}:{self.server_address[1]}{path}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are what this is about."""

    def times(self, path: str) -> int:
        """How often a page was asked for, by HEAD or GET."""
        return sum(asked == path for _method, asked in self.asked)


class _Page(BaseHTTPRequestHandler):
    server: Site
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Quiet."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        site = self.server
        with site.lock:
            site.asked.append((self.command, self.path))
            site.headers.append(dict(self.headers))
            site.now += 1
            site.most = max(site.most, site.now)
            site.lock.notify_all()
        try:
            name = self.path.partition("?")[0].strip("/").split("/")[0].replace("-", "_") or "fine"
            getattr(self, f"page_{name}", self.page_fine)()
        finally:
            with site.lock:
                site.now -= 1

    def _say(self, status: int, *headers: tuple[str, str], body: bytes = b"ok") -> None:
        self.send_response(status)
        for key, value in headers:
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def page_fine(self) -> None:
        self._say(200)

    def page_dead(self) -> None:
        self._say(404)

    def page_gone(self) -> None:
        self._say(410)

    def page_wall(self) -> None:
        self._say(999)

    def page_forbidden(self) -> None:
        self._say(403)

    def page_broken(self) -> None:
        self._say(500)

    def page_no_head(self) -> None:
        self._say(405 if self.command == "HEAD" else 200)

    def page_head_is_404(self) -> None:
        self._say(404 if self.command == "HEAD" else 200)

    def page_head_hangs(self) -> None:
        if self.command == "HEAD":
            time.sleep(TIMEOUT * 2)
        self._say(200)

    def page_moved(self) -> None:
        self._say(301, ("Location", "/fine/new"))

    def page_found(self) -> None:
        self._say(302, ("Location", "/fine/today"))

    def page_chain(self) -> None:
        number = int(self.path.rsplit("/", 1)[1])
        self._say(*((302, ("Location", f"/chain/{number - 1}")) if number else (200,)))

    def page_home(self) -> None:
        self._say(302, ("Location", "/"))

    def page_circle(self) -> None:
        self._say(301, ("Location", "/ring"))

    def page_ring(self) -> None:
        self._say(301, ("Location", "/circle"))

    def page_cookie_circle(self) -> None:
        self._say(302, ("Location", "/cookie-circle"), ("Set-Cookie", "seen=1"))

    def page_elsewhere(self) -> None:
        self._say(302, ("Location", self.server.url("/fine", "localhost")))

    def page_file(self) -> None:
        self._say(302, ("Location", "file:///etc/hostname"))

    def page_tel(self) -> None:
        self._say(302, ("Location", "tel:+33199001234"))

    def page_hang(self) -> None:
        time.sleep(TIMEOUT * 3)

    def page_drip(self) -> None:
        """One byte at a time: no single wait is ever too long."""
        for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 400:
            self.wfile.write(bytes([byte]))
            time.sleep(TIMEOUT / 5)

    def page_endless(self) -> None:
        self.send_response(405 if self.command == "HEAD" else 200)
        self.send_header("Connection", "close")
        self.end_headers()
        while self.command == "GET":
            self.wfile.write(b"x" * 65536)

    def page_headers_only(self) -> None:
        self.send_response(405 if self.command == "HEAD" else 200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.flush()
        time.sleep(TIMEOUT * 2)

    def page_busy_once(self) -> None:
        self._say(*((429, ("Retry-After", "0")) if self.server.times(self.path) == 1 else (200,)))

    def page_busy(self) -> None:
        self._say(503, ("Retry-After", "0"))

    def page_busy_long(self) -> None:
        self._say(429, ("Retry-After", "3600"))

    def page_nonsense(self) -> None:
        self.wfile.write(b"HTTP/9 what?\r\n\r\n")
        self.close_connection = True

    def page_hung_up(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def page_big_cookie(self) -> None:
        self._say(200, ("Set-Cookie", "a=" + "x" * 70_000))

    def page_cookie(self) -> None:
        self._say(200, ("Set-Cookie", "who=you; Path=/"))

    def page_slow(self) -> None:
        """Stays until as many as `together` were here at once, and a moment more, for those who should not come."""
        with self.server.lock:
            self.server.lock.wait_for(lambda: self.server.most >= self.server.together, TIMEOUT)
        time.sleep(0.05)
        self._say(200)


@contextmanager
def link_site(context: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Start it; with a context, over TLS."""
    site = Site(context)
    try:
        yield site
    finally:
        site.shutdown()
        site.server_close()


def fetch() -> LinkFetch:
    """Who opens links, as the commands do, with little patience."""
    return LinkFetch(TIMEOUT, "https://lettre.example.org")


def one(address: str) -> Answer:
    """What is found at one address."""
    (answer,) = fetch()([address])
    return answer


def resolver(monkeypatch: pytest.MonkeyPatch, code: int | None, *, control: bool = False) -> list[str]:
    """What the resolver says of every name but those of this computer; None: they are this computer.

    Args:
        control: it finds the name that is always there.
    """
    real, asked = socket.getaddrinfo, []

    def ask(host: str | bytes, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name.startswith("127.") or (control and name == "example.com"):
            host = "127.0.0.1"
            return real(host, *args, **kwargs)
        asked.append(name)
        if code is not None:
            raise socket.gaierror(code, "as the resolver says it")
        return real("127.0.0.1", *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    return asked
