"""How long one HTTP exchange may take as a whole: what requests lets drip for ever, and what it breaks off too soon.

Its time-out for reading counts between two bytes, so the head of an answer may drip for hours, and everything else
waits. Its time-out for connecting counts for sending too, as a whole, so a photo never gets through a slow line.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import HTTPResponse

SEND = 60.0  # seconds for one request: a picture of a megabyte through 150 kbit/s
HEAD = 120.0  # seconds for the head of an answer, however steadily it drips


class _Plain(HTTPConnection):
    def send(self, data: Any) -> None:
        """Send bytes, within `SEND`."""
        _may_take(self, SEND)
        super().send(data)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        """The head of the answer, within `HEAD`."""
        with _cut_after(self.sock, HEAD):
            return super().getresponse()


class _Encrypted(_Plain, HTTPSConnection):
    """The same, below the encryption."""


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _EncryptedPool(HTTPSConnectionPool):
    ConnectionCls = _Encrypted


class Patient(HTTPAdapter):
    """The adapter of a session whose requests end."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """With our connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _EncryptedPool}


def _may_take(connection: HTTPConnection, seconds: float) -> None:
    if connection.sock is None:  # connects first, within the time-out for that
        connection.connect()
    connection.sock.settimeout(seconds)


@contextmanager
def _cut_after(line: socket.socket, seconds: float) -> Iterator[None]:
    """End what is being read here when it takes longer."""
    timer = threading.Timer(seconds, _cut, [line])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut(line: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(line, socket.SHUT_RDWR)  # below the encryption, which another thread is using
