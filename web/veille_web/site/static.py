"""Published files over HTTP: conditional requests, ranges and compression (RFC 9110), and nothing but what is public.

A file is found by the parts of its address, each of which is looked at: no "..", no name that begins with a dot, no
symbolic link that leads out of the folder.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from threading import Lock
from urllib.parse import quote

from starlette.responses import Response

PRIVATE_LIST = ".veille-private.json"  # which pages no browser and no search engine keeps; the web publisher writes it
DIRECTORY = "contacts.json"  # made for other sites, whose pages may read it in a browser
KEPT = 64 << 20  # bytes of memory for files
_SMALLEST = 860  # bytes: below, compressing makes nothing faster
_PRIVATE_MARK = re.compile(rb'<meta name="robots" content="[^"]*noindex', re.IGNORECASE)
_HEAD = 4096  # bytes in which the mark of a private page stands
_NAMED_BY_CONTENT = re.compile(r"(?:^|[/.-])[0-9a-f]{10,64}\.[a-z0-9]+$")
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".json": "application/json",
    ".xml": "application/xml",
    ".ics": "text/calendar; charset=utf-8",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    ".pdf": "application/pdf",
    ".webmanifest": "application/manifest+json",
}
_TEXT = ("text/", "application/json", "application/xml", "application/rss", "application/feed", "image/svg")


@dataclass(frozen=True)
class Document:
    """A public file in memory.

    Args:
        media_type: of the Content-Type header.
        private: no copy of it is kept.
        stamp: of the file on the disk: when it changes, the file is read again.
    """

    name: str
    content: bytes = field(repr=False)
    zipped: bytes | None = field(repr=False)
    media_type: str
    etag: str
    modified: datetime
    private: bool
    stamp: tuple[int, int, int] = (0, 0, 0)

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return len(self.content) + len(self.zipped or b"")


class Folders:
    """The published folders, and files that are always there.

    Args:
        folders: absolute; the first that has a file wins.
        fixed: name -> content, for example the style sheet, before anything was published.
        started: when these were made, aware.
    """

    def __init__(self, folders: Iterable[Path], fixed: Mapping[str, bytes], started: datetime) -> None:
        self._folders = tuple(dict.fromkeys(folders))
        self._fixed = {name: document(name, content, started) for name, content in fixed.items()}
        self._kept: OrderedDict[Path, Document] = OrderedDict()
        self._weight = 0
        self._lock = Lock()

    def find(self, address: str) -> Document | str | None:
        """What an address shows.

        Args:
            address: of a URL, decoded: "/posts/x/".

        Returns:
            The document; the address with a slash at its end, when this is a folder's; None when nothing is there.
        """
        parts = address.removeprefix("/").split("/")
        folder_meant = parts[-1] == ""
        parts = parts[:-1] if folder_meant else parts
        if not all(map(_harmless, parts)):
            return None
        name = "/".join([*parts, "index.html"] if folder_meant else parts)
        for folder in self._folders:
            path = folder.joinpath(*name.split("/"))
            if _is_file(path, folder):
                return self._read(path, folder, name)
            if not folder_meant and _is_file(path / "index.html", folder):
                return f"/{quote(name)}/"
        return self._fixed.get(name)

    def _read(self, path: Path, folder: Path, name: str) -> Document:
        state = path.stat()
        stamp = (state.st_mtime_ns, state.st_size, _private_stamp(folder))
        with self._lock:
            known = self._kept.get(path)
            if known and known.stamp == stamp:
                self._kept.move_to_end(path)
                return known
        modified = datetime.fromtimestamp(int(state.st_mtime), UTC)
        found = document(name, path.read_bytes(), modified, private=name in _private_names(folder), stamp=stamp)
        self._keep(path, found)
        return found

    def _keep(self, path: Path, found: Document) -> None:
        with self._lock:
            if old := self._kept.pop(path, None):
                self._weight -= old.size
            if found.size > KEPT // 8:
                return
            self._kept[path] = found
            self._weight += found.size
            while self._weight > KEPT:
                _path, least = self._kept.popitem(last=False)
                self._weight -= least.size


def document(
    name: str, content: bytes, modified: datetime, *, private: bool = False, stamp: tuple[int, int, int] = (0, 0, 0)
) -> Document:
    """A file with everything that its headers say.

    Args:
        modified: aware, whole seconds.
        private: besides what the page itself says with its robots mark.
    """
    kind = media_type(name)
    text = kind.startswith(_TEXT)
    marked = kind.startswith("text/html") and _PRIVATE_MARK.search(content[:_HEAD]) is not None
    return Document(
        name=name,
        content=content,
        zipped=gzip.compress(content, 6, mtime=0) if text and len(content) >= _SMALLEST else None,
        media_type=kind,
        etag=hashlib.sha256(content).hexdigest()[:32],
        modified=modified,
        private=private or marked,
        stamp=stamp,
    )


def media_type(name: str) -> str:
    """By its suffix; the two feeds have types of their own (RSS Advisory Board; JSON Feed 1.1)."""
    leaf = name.rpartition("/")[2]
    if leaf == "feed.xml":
        return "application/rss+xml; charset=utf-8"
    if leaf == "feed.json":
        return "application/feed+json"
    return _TYPES.get(Path(leaf).suffix.lower(), "application/octet-stream")


def respond(found: Document, headers: Mapping[str, str], status: int = 200) -> Response:
    """The answer to a GET or HEAD with these request headers (names in lower case)."""
    zipped = found.zipped if _takes_gzip(headers.get("accept-encoding", "")) and "range" not in headers else None
    etag = f'"{found.etag}{"-gz" if zipped else ""}"'
    answer = {"Cache-Control": _cache_control(found), "Content-Type": found.media_type}
    if found.zipped:
        answer["Vary"] = "Accept-Encoding"
    if found.name == DIRECTORY:
        answer["Access-Control-Allow-Origin"] = "*"
    if found.private:
        answer["X-Robots-Tag"] = "noindex, noarchive"
    if status != 200 or found.private:  # no validator: nothing of it is to be kept
        return _whole(found, zipped, answer, status)
    answer |= {"ETag": etag, "Last-Modified": format_datetime(found.modified, usegmt=True), "Accept-Ranges": "bytes"}
    if _unchanged(found, headers):
        return Response(status_code=304, headers={k: v for k, v in answer.items() if k != "Content-Type"})
    if (wanted := headers.get("range")) and _range_counts(found, headers):
        span = _span(wanted, len(found.content))
        if span == ():
            return Response(status_code=416, headers=answer | {"Content-Range": f"bytes */{len(found.content)}"})
        if span:
            return _part(found, span, answer)
    return _whole(found, zipped, answer, 200)


def _whole(found: Document, zipped: bytes | None, answer: dict[str, str], status: int) -> Response:
    if zipped:
        answer = answer | {"Content-Encoding": "gzip"}
    return Response(zipped or found.content, status, answer)


def _part(found: Document, span: Sequence[int], answer: dict[str, str]) -> Response:
    first, last = span
    where = f"bytes {first}-{last}/{len(found.content)}"
    return Response(found.content[first : last + 1], 206, answer | {"Content-Range": where})


def _cache_control(found: Document) -> str:
    if found.private:
        return "no-store"
    if _NAMED_BY_CONTENT.search(found.name):
        return "public, max-age=31536000, immutable"
    return "no-cache"  # asked again each time: a wrong number that was put right is right everywhere at once


def _unchanged(found: Document, headers: Mapping[str, str]) -> bool:
    """RFC 9110, 13.2.2: If-None-Match first; If-Modified-Since only without it."""
    if (match := headers.get("if-none-match")) is not None:
        tags = re.findall(r'(?:W/)?"([^"]*)"', match)
        return match.strip() == "*" or any(tag.removesuffix("-gz") == found.etag for tag in tags)
    since = _date(headers.get("if-modified-since", ""))
    return since is not None and found.modified <= since


def _range_counts(found: Document, headers: Mapping[str, str]) -> bool:
    """If-Range: the part is wanted only of this very version (RFC 9110, 13.1.5)."""
    wanted = headers.get("if-range")
    if wanted is None:
        return True
    return wanted.strip() == f'"{found.etag}"' or _date(wanted) == found.modified


def _span(wanted: str, size: int) -> tuple[int, ...] | None:
    """First and last byte; () when there are none such; None: not one range that we know, so all of it is sent."""
    match = re.fullmatch(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", wanted, re.IGNORECASE | re.ASCII)
    if not match or not (match[1] or match[2]):
        return None
    if not match[1]:
        length = min(int(match[2]), size)
        return (size - length, size - 1) if length else ()
    first, last = int(match[1]), min(int(match[2] or size), size - 1)
    if match[2] and int(match[2]) < first:
        return None
    return (first, last) if first < size else ()


def _date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _takes_gzip(accept: str) -> bool:
    """Whether the client takes gzip: named, or meant by "*", and not with a weight of 0 (RFC 9110, 12.5.3)."""
    weights = {}
    for part in accept.lower().split(","):
        name, _sep, rest = part.partition(";")
        match = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", rest)
        weights[name.strip()] = float(match[1]) if match else 0.0 if rest.strip() else 1.0
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _harmless(part: str) -> bool:
    return bool(part) and not part.startswith(".") and not re.search(r"[\x00-\x1f\x7f\\:]", part) and len(part) < 200


def _is_file(path: Path, folder: Path) -> bool:
    try:
        return path.is_file() and path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):
        return False


def _private_stamp(folder: Path) -> int:
    try:
        return (folder / PRIVATE_LIST).stat().st_mtime_ns
    except OSError:
        return 0


def _private_names(folder: Path) -> frozenset[str]:
    """File names from the list, which may hold addresses ("posts/x/") too. Damaged: none, and pages bear their mark."""
    try:
        listed = json.loads((folder / PRIVATE_LIST).read_bytes())
    except (OSError, ValueError):
        return frozenset()
    names = [name.removeprefix("/") for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    return frozenset(f"{name}index.html" if not name or name.endswith("/") else name for name in names)
