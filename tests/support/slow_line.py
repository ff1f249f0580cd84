"""A line on loopback that takes its time, like one to a server in another town."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def delayed(port: int, round_trip: float) -> Iterator[int]:
    """A port that leads to `port` of loopback; each way takes half of `round_trip` seconds."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(lambda: _Near(loop, port, round_trip / 2), "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class _Half(asyncio.Protocol):
    """One end: what it hears, the other end says later."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wait: float) -> None:
        self.loop = loop
        self.wait = wait
        self.transport: asyncio.Transport | None = None
        self.other: _Half | None = None
        self.early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        for data in self.early:
            transport.write(data)

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self.loop.call_later(self.wait, self._pass_on, data)

    def connection_lost(self, error: Exception | None) -> None:
        """See asyncio."""
        if self.other is not None and self.other.transport is not None:
            self.loop.call_later(self.wait, self.other.transport.close)

    def _pass_on(self, data: bytes) -> None:
        assert self.other is not None
        if self.other.transport is None:
            self.other.early.append(data)
        else:
            self.other.transport.write(data)


class _Near(_Half):
    def __init__(self, loop: asyncio.AbstractEventLoop, port: int, wait: float) -> None:
        super().__init__(loop, wait)
        self.port = port
        self.opening: asyncio.Task[object] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        super().connection_made(transport)
        far = self.other = _Half(self.loop, self.wait)
        far.other = self
        self.opening = self.loop.create_task(self.loop.create_connection(lambda: far, "127.0.0.1", self.port))


async def _end(server: asyncio.Server) -> None:
    server.close()
    await asyncio.sleep(0.05)  # what is on its way arrives
