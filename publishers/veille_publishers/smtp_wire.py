"""A socket to a mail server: bytes out, answers in, and always known whether the kernel has taken what was written.

Plain non-blocking sockets on the loop's own readiness calls: a transport would hide how much of a letter is still in
its buffer, and that is the line between "nothing can have been accepted" and "nobody knows".
"""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
from collections import deque

from veille_publishers.smtp import redact
from veille_publishers.smtp_replies import Gone, Reply

SEND_BUFFER = 256 * 1024  # bytes: a usual letter (60 KB) goes to the kernel in one call
_RECEIVE = 16 * 1024
_LONGEST_LINE = 8 * 1024  # RFC 5321 allows 512; what is longer is no answer
_MOST_LINES = 200
_AGAIN = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


async def connected(loop: asyncio.AbstractEventLoop, host: str, port: int) -> Wire:
    """Connect to the first address of this host that answers.

    Raises:
        OSError: no address answers.
    """
    failure: OSError | None = None
    for family, kind, protocol, _name, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(sock, address)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return Wire(loop, sock)
    raise failure or OSError(f"no address for {host}")


class Wire:
    """One connection, used by one coroutine.

    `latest` bounds every wait (loop time): a stop that was asked for brings it forward.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
        self._loop = loop
        self._sock = sock
        self._tls: ssl.SSLSocket | None = None
        self._begun = b""  # of a line
        self._lines: list[bytes] = []  # of an answer
        self._replies: deque[Reply] = deque()
        self._out: deque[memoryview] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._patience = 0.0
        self._deadline = math.inf
        self.latest = math.inf
        self.gone: Gone | None = None
        loop.add_reader(sock, self._readable)

    # ---- what the session uses

    @property
    def answered(self) -> bool:
        """Whether an answer is there that nobody has read."""
        return bool(self._replies)

    @property
    def address(self) -> str:
        """Our own end, without the port."""
        return str(self._sock.getsockname()[0])

    def write(self, *parts: bytes | memoryview) -> None:
        """Hand over to the kernel what it takes now, the rest as it makes room. On a lost connection: nothing."""
        if self.gone is not None:
            return
        waits = bool(self._out)
        self._out.extend(memoryview(part) for part in parts if part)
        if not waits and self._push():
            self._loop.add_writer(self._sock, self._writable)

    async def handed_over(self, patience: float) -> None:
        """Wait until the kernel has all that was written; return early when the server speaks first.

        Args:
            patience: seconds without any progress.

        Raises:
            Gone: the connection ended before.
        """
        while self._out and self.gone is None and not self._replies:
            await self._wait(patience)
        if self._waiter is None and self.gone is None:
            self._readable()  # an end that has come already must not look like one that came after the last write
        if self.gone is not None and not self._replies:
            raise self.gone

    async def reply(self, patience: float) -> Reply:
        """The next answer; those that came before the end of the connection still count.

        Raises:
            Gone: the connection ended, or nothing came within `patience` seconds.
        """
        while not self._replies:
            if self.gone is not None:
                raise self.gone
            await self._wait(patience)
        return self._replies.popleft()

    async def start_tls(self, context: ssl.SSLContext, host: str, patience: float) -> None:
        """Encrypt from here on.

        Raises:
            OSError: the handshake fails (ssl.SSLError), or the certificate is not for this host.
            Gone: something came in the clear behind the answer (CVE-2011-0411), or patience ended.
        """
        if self._begun or self._lines or self._replies:
            raise Gone("words before encryption", garbage=True)
        self._loop.remove_reader(self._sock)
        self._sock = tls = context.wrap_socket(self._sock, server_hostname=host, do_handshake_on_connect=False)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._loop.add_reader(tls, self._wake)
            except ssl.SSLWantWriteError:
                self._loop.add_writer(tls, self._wake)
            await self._wait(patience)
            if self.gone is not None:
                raise self.gone
            self._loop.remove_reader(tls)
            self._loop.remove_writer(tls)
        self._tls = tls
        self._loop.add_reader(tls, self._readable)

    def still_good(self) -> bool:
        """Look at a connection that rested: an end or a farewell may have come meanwhile."""
        if self.gone is None:
            self._readable()
        if self._replies:
            self.lose(Gone("closed meanwhile"))
        return self.gone is None

    def lose(self, gone: Gone) -> None:
        """End it here and now; what was not handed over never leaves, and what is unread stays unread."""
        self._end(gone)
        self._replies.clear()

    def _end(self, gone: Gone) -> None:
        if self.gone is not None:
            return
        self.gone = gone
        self._loop.remove_reader(self._sock)
        self._loop.remove_writer(self._sock)
        self._out.clear()
        self._sock.close()
        self._wake()

    def check(self, now: float) -> None:
        """Called a few times per second: end it when patience has."""
        if now > min(self._deadline, self.latest) and self._waiter is not None:
            self.lose(Gone("timeout", timed_out=True))

    # ---- what the loop calls

    async def _wait(self, patience: float) -> None:
        self._patience = patience
        self._deadline = self._loop.time() + patience
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _readable(self) -> None:
        try:
            while self.gone is None:
                data = self._sock.recv(_RECEIVE)
                if not data:
                    self._end(Gone("closed"))
                    return
                self._hear(data)
                if self._tls is None:  # else more may wait inside the TLS layer, unseen by the loop
                    return
        except _AGAIN:
            return
        except OSError as error:
            self._end(Gone(type(error).__name__))

    def _hear(self, data: bytes) -> None:
        *lines, self._begun = (self._begun + data).split(b"\n")
        for line in lines:
            if not (line[:3].isdigit() and len(line[:3]) == 3 and line[3:4] in (b" ", b"-", b"\r", b"")):
                return self._nonsense(line)
            self._lines.append(line[4:].rstrip(b"\r"))
            if line[3:4] != b"-":
                text = b"\n".join(self._lines).decode(errors="replace")
                self._replies.append(Reply(int(line[:3]), text))
                self._lines = []
        if len(self._begun) > _LONGEST_LINE or len(self._lines) > _MOST_LINES:
            return self._nonsense(self._begun)
        if self._replies:
            self._wake()
        return None

    def _nonsense(self, line: bytes) -> None:
        self._end(Gone(redact(line[:100].decode(errors="replace")), garbage=True))

    def _writable(self) -> None:
        self._deadline = self._loop.time() + self._patience
        if self._push():
            return
        if self.gone is None:
            self._loop.remove_writer(self._sock)
        self._wake()

    def _push(self) -> bool:
        """Hand over what goes without waiting. True: something is left, and there is no room for it now."""
        try:
            while self._out:
                self._strike_off(self._tls.send(self._out[0]) if self._tls else self._sock.sendmsg(self._out))
        except _AGAIN:
            return True
        except OSError as error:
            self._readable()  # what the server said before it closed still counts
            self._end(Gone(type(error).__name__))
        return False

    def _strike_off(self, sent: int) -> None:
        while self._out and sent >= len(self._out[0]):
            sent -= len(self._out.popleft())
        if sent:
            self._out[0] = self._out[0][sent:]
