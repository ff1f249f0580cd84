"""A TCP proxy on loopback which holds every byte back for a while: a mail server that is not on the same desk.

    python -m benchmarks.proxy LISTEN_PORT TARGET_PORT MILLISECONDS_EACH_WAY

One thread, epoll and one queue: the wait is the same for all, so what came first is due first. Nothing is held
beyond one letter a connection, because senders wait for answers. Linux only.
"""

from __future__ import annotations

import select
import socket
import sys
import time
from collections import deque
from contextlib import suppress

HOST = "127.0.0.1"
CHUNK = 1 << 18
BACKLOG = 1000


class Flow:
    """One direction of one connection."""

    def __init__(self, source: socket.socket, target: socket.socket) -> None:
        self.source = source
        self.target = target
        self.waiting: deque[bytes] = deque()  # due, and the target takes no more just now
        self.reading = True
        self.blocked = False  # we asked to be told when the target takes more
        self.ended = False  # all of it has arrived, the end too

    def pour(self) -> bool:
        """Write what is due. False: the target is full, ask again when it can take more."""
        while self.waiting:
            chunk = self.waiting[0]
            if not chunk:  # the end of this direction; the other may go on
                self.waiting.clear()
                self.ended = True
                self.target.shutdown(socket.SHUT_WR)
                return True
            try:
                sent = self.target.send(chunk)
            except BlockingIOError:
                return False
            if sent < len(chunk):
                self.waiting[0] = chunk[sent:]
            else:
                self.waiting.popleft()
        return True


class Proxy:
    """Listens on one port of loopback and passes everything on to another, later."""

    def __init__(self, listen: int, target: int, delay: float) -> None:
        self._target = target
        self._delay = delay  # seconds, each way
        self._poll = select.epoll()
        self._queue: deque[tuple[float, Flow, bytes]] = deque()
        self._flows: dict[int, Flow] = {}  # by the socket they read from
        self._feeds: dict[int, Flow] = {}  # by the socket they write to
        self._listener = socket.create_server((HOST, listen), backlog=BACKLOG)
        self._listener.setblocking(False)
        self._poll.register(self._listener, select.EPOLLIN)

    def serve(self) -> None:
        """Work until the process is ended."""
        while True:
            # `epoll.poll` counts in milliseconds, `select` in microseconds.
            if self._queue:
                select.select([self._poll], [], [], max(0.0, self._queue[0][0] - time.monotonic()))
                events = self._poll.poll(0)
            else:
                events = self._poll.poll()
            for number, event in events:
                self._happened(number, event)
            self._release()

    def _happened(self, number: int, event: int) -> None:
        if number == self._listener.fileno():
            self._accept()
            return
        try:
            if event & select.EPOLLOUT and number in self._feeds:
                self._pour(self._feeds[number])
            if event & ~select.EPOLLOUT and number in self._flows:
                self._read(self._flows[number])
        except OSError:
            self._drop(number)

    def _accept(self) -> None:
        near = self._listener.accept()[0]
        try:
            far = socket.create_connection((HOST, self._target))
        except OSError:
            near.close()
            return
        for source, target in ((near, far), (far, near)):
            source.setblocking(False)
            source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._flows[source.fileno()] = self._feeds[target.fileno()] = Flow(source, target)
            self._poll.register(source, select.EPOLLIN)

    def _read(self, flow: Flow) -> None:
        if not flow.reading:  # both ends have closed, which cannot be masked
            self._poll.unregister(flow.source)
            return
        try:
            chunk = flow.source.recv(CHUNK)
        except BlockingIOError:
            return
        self._queue.append((time.monotonic() + self._delay, flow, chunk))
        if not chunk:
            flow.reading = False
            self._watch(flow.source, writing=self._feeds[flow.source.fileno()].blocked)

    def _release(self) -> None:
        now = time.monotonic()
        while self._queue and self._queue[0][0] <= now:
            _due, flow, chunk = self._queue.popleft()
            if flow.target.fileno() < 0:  # dropped meanwhile
                continue
            flow.waiting.append(chunk)
            try:
                self._pour(flow)
            except OSError:
                self._drop(flow.target.fileno())

    def _pour(self, flow: Flow) -> None:
        empty = flow.pour()
        if empty == flow.blocked:
            flow.blocked = not empty
            self._watch(flow.target, writing=flow.blocked)
        if flow.ended and self._feeds[flow.source.fileno()].ended:
            self._drop(flow.source.fileno())

    def _watch(self, sock: socket.socket, *, writing: bool) -> None:
        reading = self._flows[sock.fileno()].reading
        self._poll.modify(sock, (select.EPOLLIN if reading else 0) | (select.EPOLLOUT if writing else 0))

    def _drop(self, number: int) -> None:
        """Close both ends; an end that was reset takes the other with it."""
        flow = self._flows[number]
        for sock in (flow.source, flow.target):
            self._feeds.pop(sock.fileno(), None)
            self._flows.pop(sock.fileno(), None)
            sock.close()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        Proxy(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000).serve()
