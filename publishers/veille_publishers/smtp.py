"""An SMTP connection that knows in which phase a failure fell.

Before the final dot nothing can have been accepted; after the server's answer its word counts; in between nobody can
know (RFC 1047, RFC 5321 section 4.5.3.2.6: wait ten minutes for the answer to the dot).
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from veille.errors import ConfigError, NotAuthorised, OutcomeUnknown, PublishError, Rejected, Unavailable
from veille.failpoints import failpoint
from veille.i18n import gettext as _

COMMAND_TIMEOUT = 60.0  # seconds, for connecting and for each command
DOT_TIMEOUT = 600.0  # seconds: a shorter wait makes second copies (RFC 5321, 4.5.3.2.6)

_ADDRESS = re.compile(r"[^\s<>:;,]+@[^\s<>:;,]+")


class Phase(StrEnum):
    """How far a message got."""

    BEFORE = "before"
    DOT = "dot"  # the final dot is on its way: accepted or not, nobody knows
    ANSWERED = "answered"


@dataclass(frozen=True)
class SmtpUrl:
    """`smtp://user:pass@host:port?tls=starttls|implicit|none`, taken apart."""

    host: str
    port: int
    tls: str
    user: str = ""
    password: str = field(default="", repr=False)


def parse_url(url: str) -> SmtpUrl:
    """Read `[newsletter] smtp_url`.

    Raises:
        ConfigError: it is not of that form. The message does not repeat it: it holds a password.
    """
    hint = _('write "smtp://user:password@host:587?tls=starttls" (or tls=implicit, tls=none)')
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigError(_("newsletter.smtp_url is not understood"), hint=hint) from None
    options = parse_qs(parts.query)
    tls = options.get("tls", ["implicit" if port == 465 else "starttls"])[0]
    if parts.scheme != "smtp" or not parts.hostname or tls not in ("starttls", "implicit", "none"):
        raise ConfigError(_("newsletter.smtp_url is not understood"), hint=hint)
    default = {"implicit": 465, "starttls": 587, "none": 25}[tls]
    return SmtpUrl(parts.hostname, port or default, tls, unquote(parts.username or ""), unquote(parts.password or ""))


class _PhasedSMTP(smtplib.SMTP):
    """smtplib, but `data` says how far it got, and waits long enough for the answer to the dot."""

    phase = Phase.BEFORE

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Send one message (bytes with CRLF). Fills `phase` as it goes."""
        self.phase = Phase.BEFORE
        self.putcmd("data")
        code, answer = self.getreply()
        if code != 354:
            self.phase = Phase.ANSWERED
            return code, answer
        body = msg if msg.endswith(b"\r\n") else msg + b"\r\n"
        self.send(body.replace(b"\r\n.", b"\r\n..") if b"\r\n." in body else body)
        failpoint("smtp.before-dot")
        self.phase = Phase.DOT
        assert self.sock is not None
        self.sock.settimeout(DOT_TIMEOUT)
        self.send(b".\r\n")
        failpoint("smtp.after-dot")
        code, answer = self.getreply()
        self.phase = Phase.ANSWERED
        self.sock.settimeout(COMMAND_TIMEOUT)
        failpoint("smtp.after-answer")
        return code, answer


class _PhasedSMTPS(_PhasedSMTP, smtplib.SMTP_SSL):
    """The same over implicit TLS (RFC 8314)."""


class Connection:
    """One connection, opened on first use and kept for the batch."""

    def __init__(self, url: SmtpUrl) -> None:
        self._url = url
        self._smtp: _PhasedSMTP | None = None

    def send(self, sender: str, recipient: str, message: Callable[[], bytes], ready: Callable[[], bool]) -> str | None:
        """Send one message to one reader.

        Args:
            message: makes the bytes (CRLF line ends), called once the reader is accepted.
            ready: called just before the message itself; False leaves it out.

        Returns:
            The server's words, or None when `ready` said no.

        Raises:
            PublishError: by the phase and the code of the failure.
        """
        smtp = self._connected()
        smtp.phase = Phase.BEFORE
        try:
            self._expect(smtp.mail(sender), about_us=True)
            self._expect(smtp.rcpt(recipient), about_us=False)
            content = message()
            if not ready():
                smtp.rset()
                return None
            code, answer = smtp.data(content)
        except (OSError, smtplib.SMTPException) as error:
            raise self._lost(smtp, error) from None
        if code == 250:
            return redact(f"{code} {answer.decode(errors='replace')}")
        raise self._refused(code, answer, about_us=False)

    def close(self) -> None:
        """Say goodbye. A failure here changes nothing: what was answered was answered."""
        if self._smtp is not None:
            try:
                self._smtp.quit()
            except (OSError, smtplib.SMTPException):
                self._smtp.close()
            self._smtp = None

    def _connected(self) -> _PhasedSMTP:
        if self._smtp is not None:
            return self._smtp
        try:
            self._smtp = self._open()
        except smtplib.SMTPAuthenticationError as error:
            raise NotAuthorised(
                _("the mail server refused our user name or password"),
                hint=_("set VEILLE_NEWSLETTER__SMTP_URL again, then `veille outbox resume newsletter`"),
                detail=redact(f"{error.smtp_code}"),
            ) from None
        except (OSError, smtplib.SMTPException) as error:
            raise Unavailable(
                _("the mail server {host}:{port} cannot be reached").format(host=self._url.host, port=self._url.port),
                hint=_("check newsletter.smtp_url and the network; the letter waits and is tried again"),
                detail=redact(f"{type(error).__name__}: {error}"),
                about_us=True,
            ) from None
        return self._smtp

    def _open(self) -> _PhasedSMTP:
        context = ssl.create_default_context()
        if self._url.tls == "implicit":
            smtp: _PhasedSMTP = _PhasedSMTPS(self._url.host, self._url.port, timeout=COMMAND_TIMEOUT, context=context)
        else:
            smtp = _PhasedSMTP(self._url.host, self._url.port, timeout=COMMAND_TIMEOUT)
        try:
            smtp.ehlo_or_helo_if_needed()
            if self._url.tls == "starttls":
                smtp.starttls(context=context)
                smtp.ehlo()
            if self._url.user:
                smtp.login(self._url.user, self._url.password)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _expect(self, reply: tuple[int, bytes], *, about_us: bool) -> None:
        code, answer = reply
        if code not in (250, 251):
            error = self._refused(code, answer, about_us=about_us)
            if self._smtp is not None and code != 421:
                self._smtp.rset()
            raise error

    def _refused(self, code: int, answer: bytes, *, about_us: bool) -> PublishError:
        words = redact(f"{code} {answer.decode(errors='replace')}")
        if code == 421:
            self.close()
            about_us = True
        if 400 <= code < 500:
            return Unavailable(_("the mail server asks to wait: {words}").format(words=words), about_us=about_us)
        if about_us:
            return NotAuthorised(
                _("the mail server does not accept letters from us: {words}").format(words=words),
                hint=_("check newsletter.from and the rights of this account"),
            )
        return Rejected(_("the mail server refused this reader: {words}").format(words=words), detail=words)

    def _lost(self, smtp: _PhasedSMTP, error: Exception) -> PublishError:
        phase, self._smtp = smtp.phase, None
        smtp.close()
        if phase is Phase.DOT:
            return OutcomeUnknown(_("the mail server did not answer after the whole letter was sent"))
        return Unavailable(
            _("the connection to the mail server was lost before the letter was sent"),
            detail=type(error).__name__,
            about_us=True,
        )


def redact(words: str) -> str:
    """The server's words on one line, without any address."""
    return _ADDRESS.sub("<address>", " ".join(words.split()))[:300]
