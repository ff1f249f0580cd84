"""The values of mail headers as bytes: words, mailboxes, dates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.utils import format_datetime
from functools import lru_cache

_WORD = 66  # characters of one encoded word: with the longest name before it, a line stays within 76 (RFC 2047, 2)
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")  # RFC 2047, 5 (3)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@lru_cache(maxsize=256)  # most copies of one batch share their date
def date(moment: datetime, offset: timedelta | None) -> bytes:  # noqa: ARG001 - equal moments of two zones differ here
    """RFC 5322, 3.3. `offset`: of the moment's zone."""
    return format_datetime(moment).encode()


def unstructured(text: str) -> bytes:
    """Text of a header: as it is where that is short and safe, else encoded words, folded between them."""
    clean = _CONTROL.sub(" ", text).strip()
    if clean.isascii() and len(clean) <= _WORD and "=?" not in clean:
        return clean.encode()
    return b"\r\n ".join(_encoded_words(clean))


def mailbox(address: Address) -> bytes:
    """Name and address; the name quoted or as encoded words (RFC 5322, 3.4)."""
    spec = address.addr_spec.encode("ascii")
    name = _CONTROL.sub(" ", address.display_name).strip()
    if not name:
        return spec
    if name.isascii() and len(name) <= _WORD and "=?" not in name:
        quoted = name if re.fullmatch(r"[\w !*+/'-]+", name) else '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
        return quoted.encode() + b" <" + spec + b">"
    return b"\r\n ".join([*_encoded_words(name), b"<" + spec + b">"])


def _encoded_words(text: str) -> Iterator[bytes]:
    """The "Q" form, which people can still read in a raw letter; no character is split (RFC 2047, 5 (3))."""
    word = b""
    for character in text:
        code = b"_" if character == " " else b"".join(_octet(octet) for octet in character.encode())
        if len(word) + len(code) + len(b"=?utf-8?q??=") > _WORD:
            yield b"=?utf-8?q?" + word + b"?="
            word = b""
        word += code
    yield b"=?utf-8?q?" + word + b"?="


def _octet(octet: int) -> bytes:
    return bytes([octet]) if octet in _PLAIN else b"=%02X" % octet
