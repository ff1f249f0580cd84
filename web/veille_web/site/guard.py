"""What stands before every page: who calls, from where, how much, how long; and the headers that keep browsers safe.

Sources: RFC 9110 (421, 413), RFC 6797 (HSTS), OWASP Secure Headers (read 2026-11), Fetch Metadata (W3C): a form of
another site cannot say `Sec-Fetch-Site: same-origin`.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from veille_web.site.desk import Desk
from veille_web.site.routes import TOKEN, foreign_posts
from veille_web.site.server import HEAD

BODY = 16 << 10  # bytes: a form with every town ticked is a tenth of it
BODY_TIME = 10.0  # seconds for a form to arrive
DRAINED, DRAIN_TIME = 1 << 20, 2.0  # bytes and seconds of a body that is refused
WHOLE_TIME = 60.0  # seconds for an answer to be fetched
HEALTH = "/healthz"
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-site",
}
HSTS = "max-age=31536000"
_EMBEDDABLE = re.compile(r"/media/|\.(?:xml|json|ics|jpg|jpeg|png|svg|webp|gif)$")  # letters and town sites show these
_OWN_PARTS = re.compile(r"/([cpu])/[^/]+")

access = logging.getLogger("veille.serve.access")
log = logging.getLogger("veille.serve")


class Guard:
    """The outermost layer.

    Args:
        refused: the page for a status.
    """

    def __init__(self, app: ASGIApp, desk: Desk, refused: Callable[[int], Response]) -> None:
        self._app = app
        self._desk = desk
        self._refused = refused
        parts = urlsplit(desk.config.settings.workspace.base_url)
        self._host = (parts.hostname or "").lower()
        self._hosts = {self._host, *desk.bound}
        self._tls = parts.scheme == "https"
        self._foreign = foreign_posts()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        begun, told = time.monotonic(), _Told(send, self._headers(scope))
        inner = self._below_root(scope)
        try:
            async with asyncio.timeout(WHOLE_TIME):
                status = self._wrong(inner)
                if status == 413:
                    await _drain(receive)
                app = self._refused(status) if status else self._app
                await app(inner, _limited(receive), told)
        except TimeoutError:
            log.debug("a client was too slow")
            told.cut = True
        except Exception as error:  # its words may hold what somebody typed
            debug = log.isEnabledFor(logging.DEBUG)
            log.error("a page failed: %s in %s", type(error).__name__, _place(error), exc_info=debug)
        if not told.status:
            await self._refused(500)(inner, receive, told)
        elif told.cut:
            raise ConnectionAbortedError  # the server closes the line
        _note(inner, told.status, time.monotonic() - begun)

    def _below_root(self, scope: Scope) -> Scope:
        """Without the path of `base_url`, where the proxy in front leaves it in."""
        root, path = self._desk.root, scope["path"]
        return {**scope, "path": path[len(root) :]} if root and path.startswith(f"{root}/") else scope

    def _wrong(self, scope: Scope) -> int:
        """The status to refuse a request with before anything else is done; 0: it may go on."""
        headers = Headers(scope=scope)
        if scope["path"] != HEALTH and not self._meant(headers.getlist("host")):
            return 421
        # The server limits what comes in pieces; all at once, 64 KB reach us.
        address = len(scope.get("raw_path") or b"") + len(scope["query_string"])
        if address + sum(len(name) + len(value) for name, value in headers.raw) > HEAD:
            return 431
        if "transfer-encoding" in headers and "content-length" in headers:  # one is for a proxy, one for us: smuggling
            return 400
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 9 or int(length) > BODY:
            return 413
        if scope["method"] not in ("GET", "HEAD") and not self._same_site(scope, headers):
            return 403
        return 0

    def _meant(self, hosts: list[str]) -> bool:
        """Whether the request is for us: a name that leads here by a trick is not (DNS rebinding, cache poisoning)."""
        if len(hosts) != 1:
            return False
        match = re.fullmatch(r"(\[[0-9a-f:.]+\]|[^:\[\]]+)(:\d{1,5})?", hosts[0].lower())
        return match is not None and match[1].strip("[]") in self._hosts

    def _same_site(self, scope: Scope, headers: Headers) -> bool:
        """Whether a form was on a page of ours. Nobody forges one for another's page: its address is the secret.

        Browsers send `Origin: null` from our own pages, because of `Referrer-Policy: no-referrer` (Fetch standard);
        without Sec-Fetch-Site (Safari before 16.4) it must be taken.
        """
        path = scope["path"]
        if any(path == prefix or (prefix == "/u/" and path.startswith(prefix)) for prefix in self._foreign):
            return True
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site in ("same-origin", "none")
        origin = headers.get("origin")
        return origin in (None, "null") or _host_of(origin) in self._hosts

    def _headers(self, scope: Scope) -> dict[str, str]:
        """Those of every answer."""
        request = Headers(scope=scope)
        peer = scope["client"][0] if scope.get("client") else ""
        secure = self._desk.proxies.secure(peer, request.get("x-forwarded-proto", ""))
        named = request.get("host", "").partition(":")[0].lower() == self._host
        headers = dict(HEADERS)
        if "transfer-encoding" in request and "content-length" in request:  # RFC 9112, 6.1: close the line
            headers["Connection"] = "close"
        if _EMBEDDABLE.search(scope["path"]):
            headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return headers | ({"Strict-Transport-Security": HSTS} if secure or (self._tls and named) else {})


def _host_of(origin: str) -> str | None:
    """The host of an Origin header, in small letters; None when it is not one."""
    try:
        return urlsplit(origin).hostname
    except ValueError:  # `http://[` is no address, and anybody may send it
        return None


class _Told:
    """Sends, adds the headers, and remembers what was answered."""

    def __init__(self, send: Send, headers: Mapping[str, str]) -> None:
        self._send = send
        self._headers = headers
        self.status = 0
        self.cut = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(raw=list(message.get("headers", [])))
            for name, value in self._headers.items():
                headers.setdefault(name, value)
            message = {**message, "headers": headers.raw}
        await self._send(message)


def _limited(receive: Receive) -> Callable[[], Awaitable[Message]]:
    """The body, no longer than `BODY` and no slower than `BODY_TIME`.

    Raises:
        HTTPException: 413 or 408, from within the page that reads it.
    """
    taken, begun = 0, time.monotonic()

    async def limited() -> Message:
        nonlocal taken
        try:
            async with asyncio.timeout(max(begun + BODY_TIME - time.monotonic(), 0.0)):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, headers={"Connection": "close"}) from None
        taken += len(message.get("body", b""))
        if taken > BODY:
            await _drain(receive)
            raise HTTPException(413, headers={"Connection": "close"})
        return message

    return limited


async def _drain(receive: Receive) -> None:
    """Take some of the rest, because a line that is closed on what it still says is reset: no answer would be seen."""
    taken = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_TIME):
            while taken < DRAINED:
                message = await receive()
                taken += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


def _place(error: Exception) -> str:
    """Where it was raised: enough to report it, and nothing that a reader typed."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{PurePath(frame.filename).name}:{frame.lineno}"


def _note(scope: Scope, status: int, seconds: float) -> None:
    """One line for the access log: no address of a client, no token, no query, and no path that nobody published."""
    path: Any = scope["path"] if status < 400 else "…"
    own = _OWN_PARTS.match(scope["path"])
    shown = _OWN_PARTS.sub(rf"/\1/{TOKEN}", scope["path"]) if own else path
    access.info("%s %s %s %.0f ms", scope["method"], shown if status < 400 or own else "…", status, seconds * 1000)
