"""The way into a mail server: connect, greet, encrypt, log in (RFC 5321, 3207, 8314, 4954)."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from base64 import b64encode

from veille_publishers.smtp import SmtpUrl
from veille_publishers.smtp_replies import Gone, NotOffered, Reply, login_refused, not_open
from veille_publishers.smtp_session import Offer, Session, Times
from veille_publishers.smtp_wire import Wire, connected


class Door:
    """Opens sessions with one server.

    Args:
        name: how we greet (RFC 5321, 4.1.4); found out once.
    """

    def __init__(self, url: SmtpUrl, times: Times) -> None:
        self._url = url
        self._times = times
        self._tls: ssl.SSLContext | None = None
        self._name = ""
        self.pipelining = True  # until a server announces it and does not bear it
        self.proven = False  # a letter went through with it

    async def open(self, wires: set[Wire]) -> Session:
        """Connect, greet, encrypt, log in.

        Args:
            wires: where the new connection is entered at once, so that somebody watches its patience.

        Raises:
            PublishError: by what stands between us and the server.
        """
        wire: Wire | None = None
        opened = False
        try:
            async with asyncio.timeout(self._times.command):
                loop = asyncio.get_running_loop()
                wire = await connected(loop, self._url.host, self._url.port)
            wires.add(wire)
            offer = await self._introduced(wire)
            opened = True
            return Session(wire, offer, self._times, pipelining=self.pipelining)
        except Refused as refused:
            raise not_open(self._url, refused, refused.reply) from None
        except Gone as gone:
            raise not_open(self._url, gone, gone.reply) from None
        except (OSError, NotOffered) as error:
            raise not_open(self._url, error) from None
        finally:
            if wire is not None and not opened:
                wire.lose(Gone("not opened"))

    async def _introduced(self, wire: Wire) -> Offer:
        if self._url.tls == "implicit":
            await wire.start_tls(self._context(), self._url.host, self._times.command)
        _expect(await wire.reply(self._times.command), 220)
        offer = await self._greeted(wire)
        if self._url.tls == "starttls":
            if "STARTTLS" not in offer.keywords:
                raise NotOffered
            _expect(await self._said(wire, b"STARTTLS"), 220)
            await wire.start_tls(self._context(), self._url.host, self._times.command)
            offer = await self._greeted(wire)
        if self._url.user:
            await self._logged_in(wire, offer)
        return offer

    async def _greeted(self, wire: Wire) -> Offer:
        name = (await self._own_name(wire)).encode()
        reply = await self._said(wire, b"EHLO " + name)
        if reply.kind == 5:
            _expect(await self._said(wire, b"HELO " + name), 250)
            return Offer()
        _expect(reply, 250)
        return Offer.of(reply)

    async def _logged_in(self, wire: Wire, offer: Offer) -> None:
        user, password = self._url.user.encode(), self._url.password.encode()
        if "PLAIN" in offer.logins:  # RFC 4616
            reply = await self._said(wire, b"AUTH PLAIN " + b64encode(b"\0" + user + b"\0" + password))
        elif "LOGIN" in offer.logins:
            reply = await self._said(wire, b"AUTH LOGIN")
            for answer in (user, password):
                if reply.code == 334:
                    reply = await self._said(wire, b64encode(answer))
        else:
            raise NotOffered
        if reply.kind == 5:
            raise login_refused(reply)
        _expect(reply, 235)

    async def _said(self, wire: Wire, line: bytes) -> Reply:
        wire.write(line + b"\r\n")
        return await wire.reply(self._times.command)

    async def _own_name(self, wire: Wire) -> str:
        if not self._name:
            name = await asyncio.get_running_loop().run_in_executor(None, socket.getfqdn)
            literal = f"[IPv6:{wire.address}]" if ":" in wire.address else f"[{wire.address}]"
            self._name = name if "." in name and re.fullmatch(r"[A-Za-z0-9.-]+", name) else literal
        return self._name

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:  # reading the authorities takes longer than a handshake
            self._tls = ssl.create_default_context()
        return self._tls


class Refused(Exception):
    """The server's answer while a session is being opened is not the one that lets us in."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"{reply.code}")
        self.reply = reply


def _expect(reply: Reply, code: int) -> None:
    if reply.code != code:
        raise Refused(reply)
