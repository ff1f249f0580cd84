"""The HTTP server of the public site: uvicorn, patient with slow lines, not with clients that only hold them."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from veille.errors import VeilleError
from veille.i18n import gettext as _
from veille.i18n import why

HEAD_TIME = 10.0  # seconds for a request's headers to arrive, from the first moment of the line
ANSWER_TIME = 70.0  # seconds for an answer to be made and fetched: longer than the guard waits
IDLE = 5  # seconds between two requests on one line
AT_ONCE = 400  # lines; more are answered with 503
HEAD = 16 << 10  # bytes of headers
FAREWELL = 8  # seconds for answers that are under way when it ends


class Patient(H11Protocol):
    """Closes a line on which no request becomes complete: uvicorn itself waits for ever (slowloris)."""

    _end: asyncio.TimerHandle | None = None
    _serving = False

    def __init__(self, *values: Any, **named: Any) -> None:
        """uvicorn's own log of requests, with addresses and tokens in it, stays off whatever logging is set up."""
        super().__init__(*values, **named)
        self.access_log = False

    def connection_made(self, transport: Any) -> None:
        """Wait for the first request, and not for ever."""
        super().connection_made(transport)
        self._end_in(HEAD_TIME)

    def data_received(self, data: bytes) -> None:
        """Some bytes came. More of them do not make a request's time longer."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """The next request of this line has its own time, from its first byte."""
        self._serving = False
        self._end_in(None)
        super().on_response_complete()
        if self.cycle is not None and not self.cycle.response_complete:
            self._look()

    def send_400_response(self, msg: str) -> None:
        """The rest of a request is nonsense. A page that is being made for it speaks to nobody, and must not fail."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self.transport.close()
                return
        super().send_400_response(msg)

    def timeout_keep_alive_handler(self) -> None:
        """Close; what is still in the buffer is thrown away when nobody takes it."""
        super().timeout_keep_alive_handler()
        self._end_in(ANSWER_TIME)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for."""
        self._end_in(None)
        super().connection_lost(exc)

    def _look(self) -> None:
        serving = self.cycle is not None and not self.cycle.response_complete
        if serving and not self._serving:
            self._serving = True
            self._end_in(ANSWER_TIME)
        elif not serving and self._end is None:
            self._end_in(HEAD_TIME)

    def _end_in(self, seconds: float | None) -> None:
        if self._end is not None:
            self._end.cancel()
        self._end = None if seconds is None else self.loop.call_later(seconds, self._abort)

    def _abort(self) -> None:
        self._end = None
        if self.transport is not None:
            self.transport.abort()


class Server:
    """Listens from the moment that it is made.

    Args:
        host: a name or address of this machine.
        port: 0 for any that is free.

    Raises:
        VeilleError: the port is taken, or the host is not of this machine.
    """

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._socket = _listen(host, port)
        self.port: int = self._socket.getsockname()[1]
        self.host = host
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=Patient,
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=IDLE,
                timeout_graceful_shutdown=FAREWELL,
                limit_concurrency=AT_ONCE,
                h11_max_incomplete_event_size=HEAD,
            )
        )

    @property
    def url(self) -> str:
        """Where it can be looked at from this machine."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{name}:{self.port}/"

    def run(self) -> None:
        """Answer until `stop` is called or the process is asked to end."""
        try:
            self._server.run([self._socket])
        finally:
            self._socket.close()

    def stop(self) -> None:
        """End once the answers under way are given, within `FAREWELL` seconds. From any thread."""
        self._server.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        found = socket.create_server((host, port), family=family, backlog=512)
        # Lines inherit it. asyncio leaves it out on a socket that somebody else made, and each answer on a line that is
        # kept would wait 40 ms for the client's receipt of its headers (Nagle's algorithm; RFC 1122, 4.2.3.2).
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return found
    except OSError as error:
        raise VeilleError(
            _("cannot listen on {host}, port {port}: {error}").format(host=host, port=port, error=why(error)),
            hint=_("another program may use this port: choose one with --port, or with [serve] port"),
        ) from error
