"""Mailboxes on a server: IMAP (RFC 9051, 6851) and POP (RFC 1939). Connections are encrypted, but on this machine.

IMAP: what was understood moves to the folder Processed; where there cannot be one, it is marked as seen. POP: it is
deleted, which the server does only when we say goodbye. What was not understood is never deleted.
"""

from __future__ import annotations

import base64
import contextlib
import imaplib
import poplib
import re
import ssl
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from veille.bounces.collecting import PROCESSED, MailboxError
from veille.bounces.mime import SIZE
from veille.errors import ConfigError, VeilleError
from veille.i18n import gettext as _
from veille.i18n import why
from veille_publishers.mailbox_url import ServerUrl

TIMEOUT = 30.0  # seconds, for connecting and for each command
LINES = 5000  # of a very large message on a POP server, which can only be cut at lines
_LONGEST = 4 * SIZE  # bytes in one line

T = TypeVar("T")


class _Refused(imaplib.IMAP4.error):
    """The server said no to one command."""


class Imap:
    """A folder on an IMAP server."""

    def __init__(self, url: ServerUrl) -> None:
        self._url = url
        self.name = f"imap://{url.host}/{url.folder}"
        self._imap: imaplib.IMAP4 | None = None
        self._away: Callable[[str], None] = self._mark_seen

    def keys(self) -> list[str]:
        """UIDs with the folder's validity: a server that counts anew makes new names (RFC 9051, 2.3.1.1)."""
        with _worded(self._url):
            self._imap = self._open()
            self._ok(self._imap.select(_quoted(self._url.folder)))
            self._away = self._choose()
            self._validity = self._untagged("UIDVALIDITY")
            seen = ("UNSEEN",) if self._away == self._mark_seen else ()
            (found,) = self._ok(self._imap.uid("SEARCH", "UNDELETED", *seen))
        return [f"{self._validity}-{uid}" for uid in (found or b"").decode("ascii").split()]

    def content(self, key: str) -> bytes | None:
        """See `Mailbox`. PEEK: reading alone marks nothing."""
        with _worded(self._url):
            state, answer = self._server.uid("FETCH", _uid(key), f"(BODY.PEEK[]<0.{SIZE}>)")
        if state != "OK":
            return b""  # this one cannot be given out: it is listed, and must not stop those behind it
        return next((bytes(part[1]) for part in answer if isinstance(part, tuple)), None)

    def done(self, key: str) -> None:
        """See `Mailbox`. A folder that is full or read-only is no reason to stop: it is remembered, and tried again."""
        with _worded(self._url), contextlib.suppress(_Refused):
            self._away(_uid(key))

    def keep(self, key: str) -> None:
        """Flagged, so that a person finds it."""
        with _worded(self._url), contextlib.suppress(_Refused):
            self._ok(self._server.uid("STORE", _uid(key), "+FLAGS.SILENT", r"(\Flagged)"))

    def close(self) -> None:
        """LOGOUT without CLOSE, which would expunge what others deleted."""
        server, self._imap = self._imap, None
        if server is not None:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                server.logout()
            with contextlib.suppress(OSError):  # a logout that fails leaves the line open
                server.shutdown()

    @property
    def _server(self) -> imaplib.IMAP4:
        if self._imap is None:
            raise MailboxError(_("the connection to {host} is closed").format(host=self._url.host))
        return self._imap

    def _open(self) -> imaplib.IMAP4:
        if self._url.scheme == "imaps":
            server: imaplib.IMAP4 = imaplib.IMAP4_SSL(
                self._url.host, self._url.port, ssl_context=ssl.create_default_context(), timeout=TIMEOUT
            )
        else:
            server = imaplib.IMAP4(self._url.host, self._url.port, timeout=TIMEOUT)
        try:
            if self._url.scheme == "imap" and not self._url.loopback:
                server.starttls(ssl.create_default_context())
            self._login(server)
        except BaseException:
            server.shutdown()
            raise
        return server

    def _login(self, server: imaplib.IMAP4) -> None:
        try:
            if "AUTH=PLAIN" in server.capabilities:  # RFC 4616: any letters, which LOGIN cannot carry
                words = f"\0{self._url.user}\0{self._url.password}".encode()
                server.authenticate("PLAIN", lambda _challenge: words)
            else:
                server.login(self._url.user, self._url.password)
        except imaplib.IMAP4.abort:
            raise
        except (imaplib.IMAP4.error, UnicodeError):
            raise _login_refused(self._url) from None

    def _choose(self) -> Callable[[str], None]:
        """How to put away. Without MOVE or UIDPLUS, an EXPUNGE would take what others deleted with it."""
        server = self._server
        separator = self._separator()
        self._processed = PROCESSED if self._url.folder.upper() == "INBOX" else ""
        self._processed = self._processed or f"{self._url.folder}{separator}{PROCESSED}"
        can_move = "MOVE" in server.capabilities or "UIDPLUS" in server.capabilities
        if not can_move or not self._make_folder(separator):
            return self._mark_seen
        return self._move if "MOVE" in server.capabilities else self._copy_and_expunge

    def _separator(self) -> str:
        (line, *_rest) = self._ok(self._server.list('""', '""')) or [b""]
        match = re.search(rb'"(.)"', line) if isinstance(line, bytes) else None
        return match[1].decode() if match else "/"

    def _make_folder(self, separator: str) -> bool:
        """Whether there is one, now. Some servers have every folder under INBOX."""
        for name in dict.fromkeys((self._processed, f"INBOX{separator}{PROCESSED}")):
            self._server.create(_quoted(name))  # "NO" when it is there already
            state, _answer = self._server.status(_quoted(name), "(MESSAGES)")
            if state == "OK":
                self._processed = name
                return True
        return False

    def _move(self, uid: str) -> None:
        self._ok(self._server.uid("MOVE", uid, _quoted(self._processed)))

    def _copy_and_expunge(self, uid: str) -> None:
        self._ok(self._server.uid("COPY", uid, _quoted(self._processed)))
        self._ok(self._server.uid("STORE", uid, "+FLAGS.SILENT", r"(\Deleted)"))
        self._ok(self._server.uid("EXPUNGE", uid))

    def _mark_seen(self, uid: str) -> None:
        self._ok(self._server.uid("STORE", uid, "+FLAGS.SILENT", r"(\Seen)"))

    def _untagged(self, name: str) -> str:
        values = self._server.response(name)[1]
        return values[0].decode("ascii") if values and isinstance(values[0], bytes) else "0"

    def _ok(self, answer: tuple[str, list[Any]]) -> list[Any]:
        state, values = answer
        if state != "OK":
            raise _Refused
        return values


def _uid(key: str) -> str:
    return key.rpartition("-")[2]


def _quoted(folder: str) -> str:
    """A folder's name in modified UTF-7 (RFC 3501, 5.1.3), quoted."""
    made = ""
    for match in re.finditer(r"[\x20-\x7e]+|[^\x20-\x7e]+", folder):
        run = match[0]
        if run.isascii():
            made += run.replace("&", "&-")
        else:
            made += f"&{base64.b64encode(run.encode('utf-16-be')).decode().rstrip('=').replace('/', ',')}-"
    return '"{}"'.format(made.replace("\\", "\\\\").replace('"', '\\"'))


class _LongLines:
    """poplib gives up at lines of 2,048 bytes, and senders do not keep to the 998 of RFC 5322."""

    file: Any

    def _getline(self) -> tuple[bytes, int]:
        line: bytes = self.file.readline(_LONGEST)
        if not line:
            raise poplib.error_proto("-ERR EOF")
        return line.rstrip(b"\r\n"), len(line)


class _Pop3(_LongLines, poplib.POP3):
    pass


class _Pop3Ssl(_LongLines, poplib.POP3_SSL):
    pass


class Pop:
    """The one mailbox of a POP account."""

    def __init__(self, url: ServerUrl) -> None:
        self._url = url
        self.name = f"pop://{url.host}"
        self._pop: poplib.POP3 | None = None
        self._numbers: dict[str, int] = {}
        self._sizes: dict[int, int] = {}

    def keys(self) -> list[str]:
        """Unique ids, which stay the same from one session to the next (RFC 1939, UIDL)."""
        with _worded(self._url):
            self._pop = self._open()
            self._sizes = dict(_numbers(line) for line in self._pop.list()[1])
            try:
                listing = self._pop.uidl()[1]
            except poplib.error_proto as error:
                if _gone(error):
                    raise
                raise _no_ids(self._url) from None
        self._numbers = {}
        for line in listing:
            number, _space, name = line.decode("ascii", "replace").partition(" ")
            self._numbers[name.strip()] = int(number)
        return list(self._numbers)

    def content(self, key: str) -> bytes | None:
        """See `Mailbox`."""
        number = self._numbers[key]
        with _worded(self._url):
            large = self._sizes.get(number, 0) > SIZE
            try:
                answer = self._server.top(number, LINES) if large else self._server.retr(number)
            except poplib.error_proto as error:
                if _gone(error):
                    raise
                return b""  # this one cannot be given out: it is listed, and must not stop those behind it
        return b"\r\n".join(answer[1])[:SIZE]

    def done(self, key: str) -> None:
        """Marked for deletion; the server deletes at the end of the session."""
        with _worded(self._url):
            try:
                self._server.dele(self._numbers[key])
            except poplib.error_proto as error:
                if _gone(error):
                    raise

    def keep(self, key: str) -> None:
        """It stays; POP knows no marks, so the name is remembered."""

    def close(self) -> None:
        """QUIT: the server deletes now (RFC 1939, 6). Without an answer, it may have deleted nothing."""
        server, self._pop = self._pop, None
        if server is not None:
            try:
                with _worded(self._url):
                    server.quit()
            finally:
                server.close()

    @property
    def _server(self) -> poplib.POP3:
        if self._pop is None:
            raise MailboxError(_("the connection to {host} is closed").format(host=self._url.host))
        return self._pop

    def _open(self) -> poplib.POP3:
        if self._url.scheme == "pops":
            server: poplib.POP3 = _Pop3Ssl(
                self._url.host, self._url.port, timeout=TIMEOUT, context=ssl.create_default_context()
            )
        else:
            server = _Pop3(self._url.host, self._url.port, timeout=TIMEOUT)
        try:
            if self._url.scheme == "pop" and not self._url.loopback:
                server.stls(ssl.create_default_context())
            self._login(server)
        except BaseException:
            server.close()
            raise
        return server

    def _login(self, server: poplib.POP3) -> None:
        try:
            server.user(self._url.user)
            server.pass_(self._url.password)
        except poplib.error_proto as error:
            words = str(error)
            if "EOF" in words or "IN-USE" in words or "SYS/TEMP" in words or "LOGIN-DELAY" in words:  # RFC 2449, 3206
                raise
            raise _login_refused(self._url) from None


def _gone(error: poplib.error_proto) -> bool:
    """Whether the connection ended, and not only this command."""
    return "EOF" in str(error)


def _numbers(line: bytes) -> tuple[int, int]:
    number, size, *_more = line.split()
    return int(number), int(size)


@contextlib.contextmanager
def _worded(url: ServerUrl) -> Iterator[None]:
    """A failure of the server or the line in our words: theirs may hold an address."""
    try:
        yield
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or error.reason or type(error).__name__
        raise _unusable(url, _("no trusted connection ({reason})").format(reason=reason)) from None
    except OSError as error:
        raise _unusable(url, why(error) if error.errno else _("no answer came in time")) from None
    except (imaplib.IMAP4.abort, EOFError):
        raise _unusable(url, _("connection lost")) from None
    except (imaplib.IMAP4.error, poplib.error_proto, ValueError) as error:
        lost = "EOF" in str(error)  # poplib's word
        raise _unusable(url, _("connection lost") if lost else _("it refused a command")) from None


def _unusable(url: ServerUrl, reason: str) -> MailboxError:
    return MailboxError(
        _("the mailbox on {host}:{port} cannot be used: {reason}").format(host=url.host, port=url.port, reason=reason),
        hint=_("check newsletter.bounces_url and the network; what was read is recorded, the rest waits there"),
    )


def _no_ids(url: ServerUrl) -> VeilleError:
    return ConfigError(
        _("the POP server {host} gives its messages no names (UIDL)").format(host=url.host),
        hint=_("use IMAP, or let the mail server write a Maildir"),
    )


def _login_refused(url: ServerUrl) -> VeilleError:
    return ConfigError(
        _("the mailbox on {host} refused our user name or password").format(host=url.host),
        hint=_("set VEILLE_NEWSLETTER__BOUNCES_URL again"),
    )
