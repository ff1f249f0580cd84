"""An SMTP connection that knows in which phase a failure fell.

Before the final dot nothing can have been accepted; after the server's answer its word counts; in between nobody can
know (RFC 1047, RFC 5321 section 4.5.3.2.6: wait ten minutes for the answer to the dot).
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from veille.errors import ConfigError, NotAuthorised, OutcomeUnknown, PublishError, Rejected, Unavailable
from veille.failpoints import failpoint
from veille.i18n import gettext as _
from veille.i18n import why

COMMAND_TIMEOUT = 60.0  # seconds, for connecting and for each command
DOT_TIMEOUT = 600.0  # seconds: a shorter wait makes second copies (RFC 5321, 4.5.3.2.6)
GOODBYE_TIMEOUT = 5.0  # seconds: everything is settled by then

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
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
        options = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise _not_understood() from None
    tls = options.pop("tls", ["implicit" if port == 465 else "starttls"])[-1]
    connections = options.pop("connections", ["1"])[-1]
    good = parts.scheme == "smtp" and host and not parts.fragment and parts.path in ("", "/")
    if not good or options or tls not in _PORTS or not connections.isdigit():
        raise _not_understood()
    return SmtpUrl(host, port or _PORTS[tls], tls, unquote(parts.username or ""), unquote(parts.password or ""))


_PORTS = {"implicit": 465, "starttls": 587, "none": 25}


def _not_understood() -> ConfigError:
    return ConfigError(
        _("newsletter.smtp_url is not understood"),
        hint=_(
            'write "smtp://user:password@host:587?tls=starttls" (or tls=implicit, tls=none); '
            "in the password, write @ as %40, / as %2F, # as %23, ? as %3F and % as %25"
        ),
    )


class _PhasedSMTP(smtplib.SMTP):
    """smtplib, but `data` says how far it got, and waits long enough for the answer to the dot."""

    phase = Phase.BEFORE

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Send one message (bytes with CRLF). Fills `phase` as it goes; only ANSWERED is about the message."""
        self.phase = Phase.BEFORE
        self.putcmd("data")
        code, answer = self.getreply()
        if code != 354:
            return code, answer
        body = msg if msg.endswith(b"\r\n") else msg + b"\r\n"
        self.send((b"\r\n" + body).replace(b"\r\n.", b"\r\n..")[2:])  # RFC 5321, 4.5.2
        failpoint("smtp.before-dot")
        self.phase = Phase.DOT
        assert self.sock is not None
        self.sock.settimeout(DOT_TIMEOUT)
        self.send(b".\r\n")
        failpoint("smtp.after-dot")
        code, answer = self.getreply()
        failpoint("smtp.after-answer")
        if code // 100 in (2, 4, 5):  # anything else is no answer to the dot
            self.phase = Phase.ANSWERED
        self.sock.settimeout(COMMAND_TIMEOUT)
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
        try:
            smtp = self._begun(sender)
            self._expect(smtp.rcpt(recipient), about_us=False)
            content = message()
            if not ready():
                self._reset()
                return None
            code, answer = smtp.data(content)
        except (OSError, smtplib.SMTPException) as error:
            raise self._lost(type(error).__name__) from None
        if smtp.phase is Phase.DOT:
            raise self._lost(f"{code}")
        if smtp.phase is Phase.ANSWERED and code // 100 == 2:
            return _shown(code, answer)
        self._reset()
        raise self._refused(code, answer, about_us=False)

    def close(self) -> None:
        """Say goodbye. A failure here changes nothing: what was answered was answered."""
        if self._smtp is not None:
            with suppress(OSError, smtplib.SMTPException):
                if self._smtp.sock is not None:
                    self._smtp.sock.settimeout(GOODBYE_TIMEOUT)
                self._smtp.quit()
            self._smtp.close()
            self._smtp = None

    def _begun(self, sender: str) -> _PhasedSMTP:
        """MAIL. Servers close connections that idle or carried enough letters: then once more, on a new one."""
        kept = self._smtp is not None
        smtp = self._connected()
        smtp.phase = Phase.BEFORE
        try:
            reply = smtp.mail(sender)
        except (OSError, smtplib.SMTPException):
            if not kept:
                raise
            reply = (421, b"")
        if kept and reply[0] == 421:
            self.close()
            return self._begun(sender)
        self._expect(reply, about_us=True)
        return smtp

    def _connected(self) -> _PhasedSMTP:
        if self._smtp is None:
            try:
                self._smtp = self._open()
            except (OSError, smtplib.SMTPException, UnicodeError) as error:
                raise self._not_open(error) from None
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

    def _not_open(self, error: Exception) -> PublishError:
        """Why there is no connection: our login, their certificate, or nobody there."""
        resume = _("set VEILLE_NEWSLETTER__SMTP_URL again, then `veille outbox resume newsletter`")
        if isinstance(error, UnicodeError):
            words = _("our user name or password for the mail server holds a letter that logins cannot carry")
            return NotAuthorised(words, hint=resume)
        if isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code // 100 == 5:
            words = _("the mail server refused our user name or password")
            return NotAuthorised(words, hint=resume, detail=f"{error.smtp_code}")
        reason, hint = _why(error)
        words = _("the mail server {host}:{port} cannot be used: {reason}")
        return Unavailable(
            words.format(host=self._url.host, port=self._url.port, reason=reason),
            hint=hint,
            detail=type(error).__name__,
            about_us=True,
        )

    def _expect(self, reply: tuple[int, bytes], *, about_us: bool) -> None:
        code, answer = reply
        if code // 100 != 2:
            self._reset()
            raise self._refused(code, answer, about_us=about_us)

    def _reset(self) -> None:
        """Leave this letter out; what was said about it stands, also when the server goes away now."""
        try:
            if self._smtp is not None:
                self._smtp.rset()
        except (OSError, smtplib.SMTPException):
            self.close()

    def _refused(self, code: int, answer: bytes, *, about_us: bool) -> PublishError:
        words = _shown(code, answer)
        if code == 421:
            self.close()
            about_us = True
        if code // 100 == 4:
            return Unavailable(_("the mail server asks to wait: {words}").format(words=words), about_us=about_us)
        if code // 100 != 5:
            self.close()
            return Unavailable(
                _("the mail server's answer is not understood: {words}").format(words=words), about_us=True
            )
        if about_us:
            return NotAuthorised(
                _("the mail server does not accept letters from us: {words}").format(words=words),
                hint=_("check newsletter.from and the rights of this account, then `veille outbox resume newsletter`"),
            )
        return Rejected(_("the mail server refused this reader: {words}").format(words=words), detail=words)

    def _lost(self, detail: str) -> PublishError:
        phase = self._smtp.phase if self._smtp else Phase.BEFORE
        if self._smtp:
            self._smtp.close()
        self._smtp = None
        if phase is Phase.DOT:
            return OutcomeUnknown(
                _("the mail server did not answer after the whole letter was sent"),
                hint=_("nothing to do: the letter is sent once more later, and mail programs show both as one"),
                detail=detail,
            )
        return Unavailable(
            _("the connection to the mail server was lost before the letter was sent"),
            hint=_("nothing left; it is tried again"),
            detail=detail,
            about_us=True,
        )


def _why(error: Exception) -> tuple[str, str]:
    """What stands between us and the mail server, and what to do about it."""
    waits = _("check newsletter.smtp_url and the network; the letter waits and is tried again")
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = _("check the name of the host in newsletter.smtp_url; letters leave over a trusted connection only")
        return _("its certificate is not trusted ({reason})").format(reason=error.verify_message), hint
    if isinstance(error, ssl.SSLError | smtplib.SMTPNotSupportedError):
        hint = _("choose what this server offers: tls=starttls, tls=implicit or tls=none in newsletter.smtp_url")
        return _("it does not offer the encryption or login that is asked for"), hint
    if isinstance(error, smtplib.SMTPResponseException):
        answer = error.smtp_error
        return _shown(error.smtp_code, answer if isinstance(answer, bytes) else str(answer).encode()), waits
    if isinstance(error, smtplib.SMTPException):
        return _("it does not answer as a mail server does"), waits
    return why(error) if isinstance(error, OSError) and error.errno else _("no answer came in time"), waits


def _shown(code: int, answer: bytes) -> str:
    return redact(f"{code} {answer.decode(errors='replace')}")


def redact(words: str) -> str:
    """The server's words on one line, without any address."""
    return _ADDRESS.sub("<address>", " ".join(words.split()))[:300]
