"""The bytes of a letter: made once for all readers who get the same, with gaps for what differs.

One copy is then a matter of joining bytes: the standard library's message would take 8 ms for each reader, and it
damages long `List-*` headers (its policy writes a URL of 78 characters as encoded words, which RFC 2369 and RFC 8058
do not know, so that the unsubscribe button vanishes).
"""

from __future__ import annotations

import hashlib
import re
from binascii import b2a_qp
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from html import escape
from itertools import chain
from typing import Generic, TypeVar

from veille_publishers.dkim_signature import SIGNED, Signer, header, relaxed, text_to_sign
from veille_publishers.header_values import date, mailbox, unstructured
from veille_publishers.letter import PREFERENCES_SLOT, SLOTS, UNSUBSCRIBE_SLOT
from veille_publishers.signing_process import signature

_EOL = b"\r\n"
_LINE = 76  # characters of a line in quoted-printable (RFC 2045, 6.7)
_SLOT = re.compile(f"({'|'.join(SLOTS)})")


@dataclass(frozen=True)
class Heading:
    """The header values that every copy of one letter shares.

    Args:
        list_id: with its angle brackets (RFC 2919).
        feedback_id: names no reader (facts of Gmail and Orange: complaints are counted by it).
        language: of the whole letter (RFC 3282).
    """

    sender: Address
    reply_to: Address | None
    subject: str
    list_id: str
    feedback_id: str
    language: str


@dataclass(frozen=True, repr=False)
class Personal:
    """What only one reader's copy holds; made at the moment of sending and kept nowhere.

    Args:
        address: without a name; a local part that is not ASCII goes out as UTF-8 (RFC 6532).
        date: aware; fixed for all copies of this delivery.
        message_id: with its angle brackets, fixed likewise.
        unsubscribe: URL of one click (RFC 8058).
        preferences: URL.
        mailto: the same wish by mail, `mailto:…`.
    """

    address: str
    date: datetime
    message_id: str
    unsubscribe: str
    preferences: str
    mailto: str


Gap = TypeVar("Gap")


class _Form(Generic[Gap]):
    """Bytes with gaps."""

    def __init__(self, parts: Iterable[bytes | Gap]) -> None:
        self.parts: list[bytes] = [b""]
        self._gaps: list[tuple[int, Gap]] = []
        for part in parts:
            if isinstance(part, bytes):
                self.parts[-1] += part
            else:
                self._gaps.append((len(self.parts), part))
                self.parts += [b"", b""]

    def fill(self, value: Callable[[Gap], bytes]) -> list[bytes]:
        """The parts in order, each gap filled with its value."""
        parts = self.parts.copy()
        for index, gap in self._gaps:
            parts[index] = value(gap)
        return parts


@dataclass(frozen=True)
class _Link:
    """A gap in a body that takes a personal link."""

    slot: str
    markup: bool  # in HTML, where & is written &amp;
    runs_on: bool  # the line goes on after it

    def quoted(self, url: str) -> bytes:
        """The link in quoted-printable, on lines of its own."""
        encoded = b2a_qp((escape(url) if self.markup and "&" in url else url).encode())
        return _wire(_broken(encoded) if self.runs_on else encoded)


@dataclass(frozen=True, repr=False)
class Draft:
    """One reader's message in parts.

    Args:
        unsigned: its DKIM header up to the signature; empty: it gets none.
        to_sign: what the signature is of.
    """

    parts: tuple[bytes, ...]
    unsigned: bytes = b""
    to_sign: bytes = b""

    def message(self, signature: bytes) -> bytes:
        """The whole message."""
        return b"".join((header(self.unsigned, signature) if self.unsigned else b"", *self.parts))


class Template:
    """One letter for the readers who get the same posts in the same language and form.

    Args:
        text: with both slots of `veille_publishers.letter`, once each.
        html: likewise; None: plain text alone, for readers who asked for it.
        signer: signs every copy with DKIM; None: the mail server does, or nobody.
    """

    def __init__(self, heading: Heading, text: str, html: str | None, signer: Signer | None = None) -> None:
        self._signer = signer
        boundary = b"" if html is None else _boundary(heading.subject, text, html)
        fields = [*_fields(heading), *_structure(boundary)]
        self._head = _Form(chain.from_iterable(_field(name, value) for name, value in fields))
        self._canonical = _Form(chain.from_iterable(_canonical(name, dict(fields)) for name in _once(SIGNED)))
        self._body = _Form(_body(text, html, boundary))
        self._hashed = hashlib.sha256(self._body.parts[0])  # what comes before the first link is hashed once

    def fill(self, personal: Personal) -> bytes:
        """The whole message of one reader, CRLF line ends.

        The same values give the same bytes: a second copy in the unknowable window looks like the first.
        """
        draft = self.draft(personal)
        return draft.message(signature(self._signer.key, draft.to_sign) if self._signer else b"")

    def draft(self, personal: Personal) -> Draft:
        """The message but for its signature, if it gets one."""
        values = {
            "To": personal.address.encode(),
            "Date": date(personal.date, personal.date.utcoffset()),
            "Message-ID": personal.message_id.encode(),
            "List-Unsubscribe": f"<{personal.unsubscribe}>, <{personal.mailto}>".encode(),
        }
        links = {UNSUBSCRIBE_SLOT: personal.unsubscribe, PREFERENCES_SLOT: personal.preferences}
        body = self._body.fill(lambda link: link.quoted(links[link.slot]))
        parts = (*self._head.fill(values.__getitem__), _EOL, *body)
        if self._signer is None:
            return Draft(parts)
        unsigned = self._signer.unsigned(self._digest(body), personal.date)
        fields = b"".join(self._canonical.fill(values.__getitem__))
        return Draft(parts, unsigned, text_to_sign(fields, unsigned))

    def _digest(self, body: list[bytes]) -> bytes:
        """SHA-256 of the body, from the state after its fixed beginning."""
        state = self._hashed.copy()
        for part in body[1:]:
            state.update(part)
        return state.digest()


# ---- headers


def _fields(heading: Heading) -> list[tuple[str, bytes | None]]:
    """Name and value in the order of the message; None: it is personal."""
    reply_to = [("Reply-To", mailbox(heading.reply_to))] if heading.reply_to else []
    return [
        ("From", mailbox(heading.sender)),
        ("To", None),
        ("Subject", unstructured(heading.subject)),
        ("Date", None),
        ("Message-ID", None),
        *reply_to,
        ("List-Id", heading.list_id.encode("ascii")),
        ("List-Unsubscribe", None),
        ("List-Unsubscribe-Post", b"List-Unsubscribe=One-Click"),
        ("Feedback-ID", heading.feedback_id.encode("ascii")),
        ("Precedence", b"bulk"),
        ("Content-Language", heading.language.encode("ascii")),
        ("MIME-Version", b"1.0"),
    ]


def _structure(boundary: bytes) -> list[tuple[str, bytes | None]]:
    """How the body is made up: two forms of the same, the better one last (RFC 2046, 5.1.4), or text alone."""
    if boundary:
        return [("Content-Type", b'multipart/alternative; boundary="' + boundary + b'"')]
    return [("Content-Type", b"text/plain; charset=utf-8"), ("Content-Transfer-Encoding", b"quoted-printable")]


def _field(name: str, value: bytes | None) -> tuple[bytes | str, ...]:
    return (name.encode() + b": ", name if value is None else value, _EOL)


def _canonical(name: str, fields: dict[str, bytes | None]) -> tuple[bytes | str, ...]:
    """One header as DKIM hashes it; one that is absent hashes to nothing, and so cannot be added on the way."""
    if name not in fields:
        return ()
    value = fields[name]  # a personal one is on one line and without a blank too many
    return (relaxed(name, value),) if value is not None else (name.lower().encode() + b":", name, _EOL)


def _once(names: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(names)  # a name that is listed twice stands for one header that must not come to be two


# ---- bodies


def _boundary(*words: str) -> bytes:
    """The same for every copy; "=_" cannot stand in quoted-printable text (RFC 2045, 6.7)."""
    return b"=_" + hashlib.sha256("\0".join(words).encode()).hexdigest()[:24].encode()


def _body(text: str, html: str | None, boundary: bytes) -> Iterator[bytes | _Link]:
    """It ends with exactly one line end: then DKIM's "simple" form of it is its bytes (RFC 6376, 3.4.3)."""
    if html is None:
        yield from _quoted(text.rstrip("\r\n") + "\n", markup=False)
        return
    for part, subtype in ((text, b"plain"), (html, b"html")):
        yield b"--" + boundary + b"\r\nContent-Type: text/" + subtype + b"; charset=utf-8\r\n"
        yield b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        yield from _quoted(part, markup=subtype == b"html")
        yield _EOL
    yield b"--" + boundary + b"--\r\n"


def _quoted(text: str, *, markup: bool) -> Iterator[bytes | _Link]:
    """Quoted-printable with a gap for each link: lines stay within 76 whatever the link's length."""
    pieces = _SLOT.split(re.sub(r"\r\n?", "\n", text))
    for index, piece in enumerate(pieces):
        if index % 2:
            yield _Link(piece, markup, runs_on=not pieces[index + 1].startswith("\n"))
        else:
            encoded = b2a_qp(piece.encode(), istext=True)
            yield _wire(encoded if index == len(pieces) - 1 else _broken(encoded))


_UNSAFE = re.compile(rb"^(?:(?:From )+|\.+)", re.MULTILINE)


def _shielded(match: re.Match[bytes]) -> bytes:
    """Line beginnings that would not travel as they are.

    Mailboxes put ">" before "From ", which would break the signature. SMTP doubles a dot (RFC 5321, 4.5.2): looking
    for dots in each copy would cost more than all the rest of sending it.
    """
    if match[0].startswith(b"."):
        return b"=2E=\n" * len(match[0])
    return b"=46rom =\n" * (len(match[0]) // len(b"From "))


def _broken(encoded: bytes) -> bytes:
    """With a soft line break at its end, unless a line ends there anyway."""
    begins = encoded.rfind(b"\n") + 1
    if begins == len(encoded):
        return encoded
    if len(encoded) - begins < _LINE:
        return encoded + b"=\n"
    cut = encoded.find(b"=", len(encoded) - 5, len(encoded) - 3)  # never inside an escaped character
    cut = cut if cut >= 0 else len(encoded) - 3
    return encoded[:cut] + b"=\n" + encoded[cut:] + b"=\n"


def _wire(lines: bytes) -> bytes:
    return _UNSAFE.sub(_shielded, lines).replace(b"\n", _EOL)
