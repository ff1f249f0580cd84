"""One SMTP session: the order of commands, and how far each letter got.

With PIPELINING (RFC 2920) the envelope of the next letter travels behind the end of this one, so that a letter costs
one round trip; with CHUNKING (RFC 3030) too, and then an envelope can be taken back. The end of a letter (the final
dot, or the last bytes of its only chunk) is handed over by itself, after the kernel has all that comes before it:
until then nothing can have been accepted.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field

from veille.errors import PublishError
from veille.failpoints import failpoint
from veille_publishers.smtp_replies import (
    Gone,
    Reply,
    cannot_carry,
    mail_refused,
    not_an_address,
    reader_refused,
)
from veille_publishers.smtp_wire import Wire

_BREAKS_OUT = re.compile(r"[\x00-\x20<>\x7f]")
_END = 2  # bytes of the content that go with its end: the last CRLF


@dataclass(frozen=True)
class Times:
    """How long to wait, in seconds."""

    command: float = 60.0  # connecting, each command, and each step of a letter's content
    dot: float = 600.0  # a shorter wait makes second copies (RFC 5321, 4.5.3.2.6)
    goodbye: float = 1.0  # everything is settled by then
    drain: float = 6.0  # for answers under way, once a stop was asked for; all of `run` ends within ten
    widen: float = 30.0  # between tries to use a further connection after one was refused


@dataclass(frozen=True)
class Mail:
    """A letter in its envelope.

    Args:
        sender: the reverse path, where bounces go.
        recipient: the forward path.
        content: the whole message with CRLF line ends, without dot-stuffing, ending with CRLF.
        smtputf8: an address of it needs RFC 6531.
        dotless: no line of it begins with a dot, so that none needs doubling; whoever made it knows.
    """

    sender: str
    recipient: str = field(repr=False)
    content: bytes = field(repr=False)
    smtputf8: bool = False
    dotless: bool = False

    @property
    def international(self) -> bool:
        """Whether the envelope needs SMTPUTF8."""
        return self.smtputf8 or not (self.recipient.isascii() and self.sender.isascii())


@dataclass(frozen=True)
class Offer:
    """What the server announced (RFC 5321, 4.1.1.1)."""

    keywords: frozenset[str] = frozenset()
    logins: frozenset[str] = frozenset()

    @classmethod
    def of(cls, reply: Reply) -> Offer:
        """Read an answer to EHLO: a greeting, then one service a line."""
        lines = [line.split() for line in reply.text.upper().replace("AUTH=", "AUTH ").split("\n")[1:]]
        logins = {way for words in lines if words[:1] == ["AUTH"] for way in words[1:]}
        return cls(frozenset(words[0] for words in lines if words), frozenset(logins))


class Session:
    """One open connection. Its coroutine gives the order; see `Lane`.

    `letters` counts the answers to whole letters: a connection that served and then ends is usual, a fresh one that
    ends is not.
    """

    def __init__(self, wire: Wire, offer: Offer, times: Times, *, pipelining: bool) -> None:
        self.wire = wire
        self.pipelining = pipelining and "PIPELINING" in offer.keywords
        self.letters = 0
        self.heard = 0  # answers to the envelope under way
        self._chunking = "CHUNKING" in offer.keywords
        self._offer = offer
        self._times = times
        self._undo = b""  # what takes a refused envelope back, before the next

    def refuses(self, mail: Mail) -> PublishError | None:
        """Why this letter cannot even be offered to this server."""
        if _BREAKS_OUT.search(mail.recipient) or _BREAKS_OUT.search(mail.sender):
            return not_an_address()
        if mail.international and "SMTPUTF8" not in self._offer.keywords:
            return cannot_carry()
        return None

    def begin(self, mail: Mail) -> None:
        """Send the envelope of a letter when no other is under way."""
        self.wire.write(self._envelope(mail))

    async def answers(self, mail: Mail) -> PublishError | None:
        """Wait until the server is ready for the content.

        Returns:
            None: ready. Else why this letter was refused.

        Raises:
            Gone: the connection ended, or the server says that it ends it (421).
        """
        self.heard = 0
        if not self.pipelining:
            return await self._one_by_one(mail)
        if self._undo:
            self._undo = b""
            await self._answer()
        verdict = _envelope_verdict(await self._answer(), await self._answer())
        if self._chunking:
            self._undo = b"RSET\r\n" if verdict else b""
            return verdict
        return self._data_verdict(verdict, await self._answer())

    async def head(self, mail: Mail) -> None:
        """Send all of the content but its end.

        Raises:
            Gone: the connection ended, or the server spoke before it had heard the end.
        """
        content = mail.content if mail.content.endswith(b"\r\n") else mail.content + b"\r\n"
        if self._chunking:
            self.wire.write(b"BDAT %d LAST\r\n" % len(content), memoryview(content)[:-_END])
        else:
            if not mail.dotless and (b"\r\n." in content or content.startswith(b".")):  # RFC 5321, 4.5.2
                content = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
            self.wire.write(memoryview(content)[:-_END])
        await self.wire.handed_over(self._times.command)
        if self.wire.answered:
            gone = Gone("answered too early", reply=await self._answer())
            self.wire.lose(gone)
            raise gone
        failpoint("smtp.before-dot")

    def end(self, following: Mail | None) -> None:
        """Send the end of the content, and the envelope of the letter that follows right behind it."""
        behind = self._envelope(following) if following is not None and self.pipelining else b""
        self.wire.write((b"\r\n" if self._chunking else b"\r\n.\r\n") + behind)
        failpoint("smtp.after-dot")

    async def verdict(self) -> Reply:
        """The answer to the whole letter.

        Raises:
            Gone: none came that counts, so nobody knows.
        """
        reply = await self.wire.reply(self._times.dot)
        failpoint("smtp.after-answer")
        if reply.kind not in (2, 4, 5):
            self.wire.lose(Gone(f"{reply.code}", garbage=True))
            raise Gone(f"{reply.code}", garbage=True)
        self.letters += 1
        if reply.code == 421:
            self.wire.lose(Gone("421", reply=reply))
        return reply

    def take_back(self) -> None:
        """The letter whose envelope was accepted does not go. After 354 only the end of the connection says so."""
        if self._chunking:
            self._undo = b"RSET\r\n"
        else:
            self.wire.lose(Gone("taken back"))

    async def rest(self) -> None:
        """Leave the session clean before it idles."""
        if self._undo and self.wire.gone is None:
            self.wire.write(self._undo)
            self._undo = b""
            with suppress(Gone):
                await self._answer()

    async def quit(self) -> None:
        """Say goodbye. A failure here changes nothing: what was answered was answered."""
        with suppress(Gone):
            self.wire.write(b"QUIT\r\n")
            await self.wire.reply(self._times.goodbye)
        self.wire.lose(Gone("quit"))

    def _envelope(self, mail: Mail) -> bytes:
        """All commands before the content where the server lets them travel together, else the first.

        Without PIPELINING `answers` sends them, one at a time.
        """
        if not self.pipelining:
            return b""
        data = b"" if self._chunking else b"DATA\r\n"
        return b"%b%b%b%b" % (self._undo, self._mail(mail), _rcpt(mail), data)

    def _mail(self, mail: Mail) -> bytes:
        size = f" SIZE={len(mail.content)}" if "SIZE" in self._offer.keywords else ""
        utf8 = " BODY=8BITMIME SMTPUTF8" if mail.international else ""
        return f"MAIL FROM:<{mail.sender}>{size}{utf8}\r\n".encode()

    async def _one_by_one(self, mail: Mail) -> PublishError | None:
        if self._undo:
            undo, self._undo = self._undo, b""
            await self._command(undo)
        sender = await self._command(self._mail(mail))
        if sender.kind != 2:
            return mail_refused(sender)
        recipient = await self._command(_rcpt(mail))
        verdict = _envelope_verdict(sender, recipient)
        if verdict is not None or self._chunking:
            self._undo = b"RSET\r\n" if verdict else b""
            return verdict
        return self._data_verdict(None, await self._command(b"DATA\r\n"))

    def _data_verdict(self, verdict: PublishError | None, data: Reply) -> PublishError | None:
        if data.code == 354:
            # RFC 2920, 3.1: nobody to write to, and the server waits for content all the same.
            self._undo = b".\r\n" if verdict else b""
            return verdict
        self._undo = b"RSET\r\n"
        if verdict is None and data.kind not in (4, 5):
            self.wire.lose(Gone("DATA", garbage=True))
        return verdict or reader_refused(data)

    async def _command(self, line: bytes) -> Reply:
        if self.wire.answered:  # a word too many: from here on each answer would be taken for that of another letter
            self.wire.lose(Gone("spoke unasked"))
        self.wire.write(line)
        return await self._answer()

    async def _answer(self) -> Reply:
        reply = await self.wire.reply(self._times.command)
        self.heard += 1
        if reply.code == 421:
            gone = Gone("421", reply=reply)
            self.wire.lose(gone)
            raise gone
        return reply


def _rcpt(mail: Mail) -> bytes:
    return f"RCPT TO:<{mail.recipient}>\r\n".encode()


def _envelope_verdict(sender: Reply, recipient: Reply) -> PublishError | None:
    if sender.kind != 2:
        return mail_refused(sender)
    return None if recipient.kind == 2 else reader_refused(recipient, at_rcpt=True)
