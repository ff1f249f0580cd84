"""A returned message, taken apart within limits: anybody can send one, and nothing in it is well-formed for sure.

The standard library's parser follows any nesting and makes an object of every blank line of a report (a megabyte of
line ends costs gigabytes); here a message costs no more than its size. RFC 2045, 2046, 3464, 5965, 6533.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser

SIZE = 1024 * 1024  # bytes of a message that are read
HEAD = 64 * 1024  # bytes of one header
TEXT = 64 * 1024  # characters of one part's text
PARTS = 40
DEPTH = 6
BLOCKS = 20  # recipients in one report
BLOCK = 16 * 1024  # bytes of one recipient's fields
FIELD = 2000  # characters of a header that is decoded or searched for parameters: both are quadratic in the library

_REPORTS = ("message/delivery-status", "message/global-delivery-status")
_FEEDBACK = "message/feedback-report"
_RETURNED = ("message/rfc822", "message/global")
_RETURNED_HEAD = ("text/rfc822-headers", "message/rfc822-headers", "message/global-headers")
_BLANK = re.compile(rb"\n[ \t]*\n")


@dataclass
class Parts:
    """What a message consists of, as far as bounces are concerned."""

    head: Message
    kind: str = ""  # report-type of a multipart/report, or the content type of the whole
    texts: list[str] = field(default_factory=list)  # for people
    blocks: list[Message] = field(default_factory=list)  # of a delivery report; the first is about the whole message
    feedback: Message | None = None
    returned: list[Message] = field(default_factory=list)  # headers of what came back
    left: int = PARTS

    def header(self, name: str) -> str:
        """A header of the outer message, decoded; "" when there is none."""
        return plain(self.head.get(name))


def take_apart(raw: bytes) -> Parts:
    """Read a message. Never raises for what is in it."""
    raw = _unix(raw)
    head_bytes, body = _split(raw)
    head = _head(head_bytes)
    parts = Parts(head, _report_type(head) or _kind(head))
    _walk(head, body, parts, 0)
    return parts


def plain(value: object) -> str:
    """A header's value as one line of text: encoded words decoded, whatever bytes it held shown."""
    if value is None:
        return ""
    text = " ".join(str(value)[:HEAD].split())
    if "=?" not in text or len(text) > FIELD:
        return text
    try:
        return "".join(
            chunk if isinstance(chunk, str) else decoded(chunk, charset or "ascii")
            for chunk, charset in decode_header(text)
        )
    except (HeaderParseError, ValueError, LookupError, binascii.Error):
        return text


def decoded(content: bytes, charset: str) -> str:
    """Bytes as text, by the charset that they claim or a likely one; damaged letters are replaced."""
    try:
        name = codecs.lookup(charset).name
        return content.decode("cp1252" if name in ("ascii", "iso8859-1") and _eight_bit(content) else name, "replace")
    except (LookupError, UnicodeError, ValueError):
        return content.decode("utf-8", "replace")


def _eight_bit(content: bytes) -> bool:
    """Whether bytes above 127 stand in a text that says it has none, and they are not UTF-8."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def _unix(raw: bytes) -> bytes:
    raw = raw[:SIZE]
    if raw[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raw = raw.decode("utf-16", "replace").encode()
    raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").lstrip(b"\n\xef\xbb\xbf")
    if raw.startswith(b"From "):  # the line that mbox, and some pipes, put before a message
        raw = raw.partition(b"\n")[2]
    return raw


def _split(raw: bytes) -> tuple[bytes, bytes]:
    """Header and body. A part may begin with the blank line: then it has no header."""
    if raw.startswith(b"\n"):
        return b"", raw[1:]
    match = _BLANK.search(raw, 0, HEAD)
    return (raw[: match.start() + 1], raw[match.end() :]) if match else (raw[:HEAD], raw[HEAD:])


def _head(head: bytes) -> Message:
    return BytesHeaderParser().parsebytes(head[:HEAD])


def _kind(head: Message) -> str:
    try:
        return head.get_content_type() if _sane(head) else "text/plain"
    except (ValueError, LookupError, IndexError, TypeError):  # RFC 2231 parameters gone wrong
        return "text/plain"


def _parameter(head: Message, name: str) -> str:
    try:
        value = head.get_param(name) if _sane(head) else None
    except (ValueError, LookupError, IndexError, TypeError):
        return ""
    return str(value[2] if isinstance(value, tuple) else value or "")


def _sane(head: Message) -> bool:
    return len(str(head.get("Content-Type", ""))) <= FIELD


def _report_type(head: Message) -> str:
    return _parameter(head, "report-type").lower() if _kind(head) == "multipart/report" else ""


def _walk(head: Message, body: bytes, parts: Parts, depth: int) -> None:
    if parts.left <= 0 or depth > DEPTH:
        return
    parts.left -= 1
    kind = _kind(head)
    boundary = _parameter(head, "boundary") if kind.startswith("multipart/") else ""
    if boundary:
        for piece in _pieces(body, boundary.rstrip(), parts.left):
            inner, rest = _split(piece)
            _walk(_head(inner), rest, parts, depth + 1)
        return
    content = _decode(head, body)
    if kind in _REPORTS:
        parts.blocks += _blocks(content)
    elif kind == _FEEDBACK:
        parts.feedback = _head(content.lstrip(b"\n"))
    elif kind in (*_RETURNED, *_RETURNED_HEAD):
        parts.returned.append(_head(_split(content.lstrip(b"\n"))[0]))
    elif kind.startswith(("text/", "multipart/")):
        parts.texts.append(_text(head, kind, content))


def _pieces(body: bytes, boundary: str, most: int) -> Sequence[bytes]:
    """The parts between the boundary lines; a closing line that is missing is no reason to give up."""
    line = re.escape(b"\n--" + boundary.encode("utf-8", "surrogateescape"))
    found: list[bytes] = []
    body = b"\n" + body
    start = None
    for match in re.finditer(line + rb"(--)?[ \t]*(?=\n|\Z)", body):
        if start is not None:
            found.append(body[start : match.start()])
        start = match.end() + 1
        if match[1] or len(found) >= most:
            return found
    return found if start is None else [*found, body[start:]]


def _decode(head: Message, body: bytes) -> bytes:
    encoding = plain(head.get("Content-Transfer-Encoding")).lower().strip()
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    if encoding == "base64":
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
        letters = letters[: len(letters) - (len(letters) % 4 == 1)]
        return base64.b64decode(letters + b"=" * (-len(letters) % 4)).replace(b"\r\n", b"\n")
    return body


def _blocks(content: bytes) -> list[Message]:
    """The groups of fields of a delivery report, separated by blank lines (RFC 3464, 2.1)."""
    return [_head(group[:BLOCK]) for group in _groups(content)]


def _groups(content: bytes) -> Iterator[bytes]:
    lines: list[bytes] = []
    count = 0
    for line in content.split(b"\n"):
        if line.strip():
            lines.append(line)
            continue
        if lines:
            yield b"\n".join(lines) + b"\n"
            lines, count = [], count + 1
        if count >= BLOCKS:
            return
    if lines:
        yield b"\n".join(lines) + b"\n"


def _text(head: Message, kind: str, content: bytes) -> str:
    charset = _parameter(head, "charset") or "ascii"
    text = decoded(content[: 4 * TEXT], charset)[:TEXT]
    return re.sub(r"<[^<>]{0,2000}>", " ", text) if kind == "text/html" else text
