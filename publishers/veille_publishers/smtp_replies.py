"""What a mail server's answer means: which reaction each code calls for (RFC 5321 section 4.2, RFC 3463)."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass

from veille.errors import HardBounce, NotAuthorised, OutcomeUnknown, PublishError, Rejected, Unavailable
from veille.i18n import gettext as _
from veille.i18n import why
from veille_publishers.smtp import SmtpUrl, redact

# The address does not exist or is disabled: RFC 3463 section 3.2 and 3.3, RFC 7505 (5.1.10).
_NO_SUCH_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
_TOO_BIG = frozenset({"5.3.4", "5.2.3"})
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?!\d)")
_WHO = r"(?:user|mailbox|recipient|address|account|person)"
_SAYS_UNKNOWN = re.compile(
    rf"\b(?:unknown|no such|invalid|non-?existent) (?:local )?{_WHO}\b"
    rf"|\b{_WHO}\b[^.;]{{0,80}}?\b(?:unknown|not found|does not exist|doesn't exist|no longer exists)\b",
    re.IGNORECASE,
)
_SAYS_POLICY = re.compile(r"\b(?:policy|blocked|spam|blacklist|blocklist|denied|reputation|relay)", re.IGNORECASE)
_SAYS_FULL = re.compile(r"\b(?:quota|mailbox|full|storage)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the server: the code of its last line, and the words of all lines."""

    code: int
    text: str

    @property
    def kind(self) -> int:
        """The first digit."""
        return self.code // 100

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 3463) that the words begin with, or nothing."""
        found = _ENHANCED.match(self.text)
        return found[1] if found else ""

    @property
    def words(self) -> str:
        """For people and the ledger: one line without any address."""
        return redact(f"{self.code} {self.text}")


class Gone(Exception):
    """The connection is of no more use.

    Args:
        detail: what happened, in one technical word.
        reply: what the server said when it left, if it said anything.
        timed_out: it was we who lost patience.
        garbage: what came was no answer that SMTP knows.
    """

    def __init__(
        self, detail: str, *, reply: Reply | None = None, timed_out: bool = False, garbage: bool = False
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.reply = reply
        self.timed_out = timed_out
        self.garbage = garbage


def about_us(outcome: object) -> bool:
    """Whether the fault lies with the server or with our access: other readers would fare no better."""
    return isinstance(outcome, NotAuthorised) or (isinstance(outcome, Unavailable) and outcome.about_us)


def mail_refused(reply: Reply) -> PublishError:
    """What a refused MAIL means: nothing about the reader."""
    if reply.kind == 5 and _too_big(reply):
        return _refused_for_size(reply)
    if reply.kind == 5:
        return NotAuthorised(
            _("the mail server does not accept letters from us: {words}").format(words=reply.words),
            hint=_("check newsletter.from and the rights of this account, then `veille outbox resume newsletter`"),
        )
    return _wait(reply, ours=True) if reply.kind == 4 else not_understood(reply.words)


def reader_refused(reply: Reply, *, at_rcpt: bool = False) -> PublishError:
    """What a refusal after RCPT, DATA or the whole letter means for this reader.

    Args:
        at_rcpt: the answer is to RCPT, so that words without an enhanced code can be about the address only.
    """
    if reply.kind == 4:
        return _wait(reply, ours=reply.code == 421)
    if reply.kind != 5:
        return not_understood(reply.words)
    if _too_big(reply):
        return _refused_for_size(reply)
    if reply.enhanced == "5.6.7":  # RFC 6531, section 3.5
        return cannot_carry()
    if _no_such_address(reply, at_rcpt):
        words = _("this address takes no mail any more: {words}").format(words=reply.words)
        return HardBounce(words, detail=reply.words)
    return Rejected(
        _("the mail server refused this reader: {words}").format(words=reply.words),
        detail=reply.words,
    )


def cannot_carry() -> Rejected:
    """An internationalised address, and a server without RFC 6531."""
    return Rejected(
        _("this mail server cannot carry addresses with accents"),
        hint=_("ask the reader for an address without accents, or choose a mail server that offers SMTPUTF8"),
    )


def not_an_address() -> Rejected:
    """What would break out of the command line."""
    return Rejected(
        _("this address cannot be written in the language of mail servers"),
        hint=_("correct the address of this reader"),
    )


def lost_before(gone: Gone) -> Unavailable:
    """The connection ended while nothing of the letter can have been accepted."""
    if gone.reply is not None and gone.reply.kind == 4:
        return _wait(gone.reply, ours=True)
    if gone.garbage:
        return not_understood(gone.detail)
    return Unavailable(
        _("the connection to the mail server was lost before the letter was sent"),
        hint=_("nothing left; it is tried again"),
        detail=gone.detail,
        about_us=True,
    )


def lost_after(detail: str) -> OutcomeUnknown:
    """The whole letter was sent, and no answer that counts came (RFC 1047)."""
    return OutcomeUnknown(
        _("the mail server did not answer after the whole letter was sent"),
        hint=_("nothing to do: the letter is sent once more later, and mail programs show both as one"),
        detail=detail,
    )


def lost_again_and_again() -> Unavailable:
    """Three letters in a row, each the first of its connection, ended without an answer."""
    return Unavailable(
        _("the mail server ends every connection without an answer"),
        hint=_("ask whoever runs it; the other letters wait and are tried again"),
        about_us=True,
    )


def not_understood(words: str) -> Unavailable:
    """An answer that means nothing at this place."""
    return Unavailable(
        _("the mail server's answer is not understood: {words}").format(words=redact(words)), about_us=True
    )


def not_open(url: SmtpUrl, error: Exception, reply: Reply | None = None) -> PublishError:
    """Why there is no connection: our login, their certificate, their word, or nobody there."""
    if reply is not None and reply.kind == 5:
        return NotAuthorised(
            _("the mail server does not accept our connection: {words}").format(words=reply.words),
            hint=_("ask whoever runs it why, then `veille outbox resume newsletter`"),
            detail=reply.words,
        )
    reason, hint = _reason(error, reply)
    words = _("the mail server {host}:{port} cannot be used: {reason}")
    return Unavailable(
        words.format(host=url.host, port=url.port, reason=reason),
        hint=hint,
        detail=type(error).__name__,
        about_us=True,
    )


def login_refused(reply: Reply) -> NotAuthorised:
    """The account's name or password is wrong, or the account is closed."""
    return NotAuthorised(
        _("the mail server refused our user name or password"),
        hint=_("set VEILLE_NEWSLETTER__SMTP_URL again, then `veille outbox resume newsletter`"),
        detail=f"{reply.code} {reply.enhanced}".strip(),
    )


class NotOffered(Exception):
    """The server lacks the encryption or login that `smtp_url` asks for."""


def _reason(error: Exception, reply: Reply | None) -> tuple[str, str]:
    """What stands between us and the mail server, and what to do about it."""
    waits = _("check newsletter.smtp_url and the network; the letter waits and is tried again")
    if reply is not None:
        return reply.words, waits
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = _("check the name of the host in newsletter.smtp_url; letters leave over a trusted connection only")
        return _("its certificate is not trusted ({reason})").format(reason=error.verify_message), hint
    if isinstance(error, ssl.SSLError | NotOffered):
        hint = _("choose what this server offers: tls=starttls, tls=implicit or tls=none in newsletter.smtp_url")
        return _("it does not offer the encryption or login that is asked for"), hint
    if isinstance(error, Gone) and not error.timed_out:
        return _("it does not answer as a mail server does"), waits
    return why(error) if isinstance(error, OSError) and error.errno else _("no answer came in time"), waits


def _wait(reply: Reply, *, ours: bool) -> Unavailable:
    return Unavailable(
        _("the mail server asks to wait: {words}").format(words=reply.words), detail=reply.words, about_us=ours
    )


def _refused_for_size(reply: Reply) -> Rejected:
    return Rejected(
        _("the letter is too big for the mail server: {words}").format(words=reply.words),
        hint=_("make the letter shorter, or ask whoever runs the mail server for a higher limit"),
        detail=reply.words,
    )


def _too_big(reply: Reply) -> bool:
    """RFC 1870. Many servers say 552 for a full mailbox too (RFC 5321, 4.2.3): then it is about the reader."""
    if reply.enhanced:
        return reply.enhanced in _TOO_BIG
    return reply.code == 552 and not _SAYS_FULL.search(reply.text)


def _no_such_address(reply: Reply, at_rcpt: bool) -> bool:
    """Conservative: whoever is suppressed by mistake never learns of it."""
    if reply.enhanced:
        return reply.enhanced in _NO_SUCH_ADDRESS
    plain = at_rcpt and reply.code in (550, 551, 553)
    return plain and bool(_SAYS_UNKNOWN.search(reply.text)) and not _SAYS_POLICY.search(reply.text)
