"""A picture looked at from outside, as Instagram will fetch it: public, whole, of the right kind, at once.

Meta fetches from its own servers while we wait for its answer (facts of "Content publishing", read 2026-09-11): no
log-in, no redirect, `Content-Type: image/jpeg`, 8 MB at most, a valid certificate. What it says afterwards when one of
these is missing tells nobody which.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

import requests

from veille.errors import Unavailable
from veille.i18n import gettext as _
from veille.publishing import File
from veille_publishers import graph_errors
from veille_publishers.graph_table import TABLE
from veille_publishers.http import pieces

MOST_BYTES = 8_000_000
LONGEST = 60.0  # seconds for one picture, however slowly it comes


def check(http: requests.Session, url: str, file: File, *, clock: Callable[[], float] = time.monotonic) -> None:
    """Fetch a picture from its public address.

    Args:
        file: what must be there.
        clock: seconds, of a clock that never goes back.

    Raises:
        Unavailable: it is not there, or something else is; names the address.
        Rejected: it is too big for Instagram.
    """
    if file.size > MOST_BYTES:
        raise graph_errors.refused(TABLE[36000, None], publishing=False, detail=f"{file.size} bytes")
    if not url.isascii():
        raise _closed(url, _("an address with accents"))
    try:
        why = _look(http, url, file, clock() + LONGEST, clock)
    except requests.RequestException as error:
        raise _closed(url, _("no answer"), type(error).__name__) from None
    finally:
        http.close()
    if why:
        raise _closed(url, why)


def _look(http: requests.Session, url: str, file: File, end: float, clock: Callable[[], float]) -> str:
    """What is wrong; "" for nothing."""
    headers = {"Accept": "image/jpeg", "Connection": "close", "Cache-Control": "no-cache"}
    with http.get(url, headers=headers, allow_redirects=False, stream=True) as answer:
        if answer.is_redirect:
            return _("it sends visitors on to another address")
        if answer.status_code != 200:
            return _("the server answers {status} instead of the picture").format(status=answer.status_code)
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != file.media_type:
            return _("the server says {kind} instead of image/jpeg").format(kind=kind or "?")
        return _compared(answer, file, end, clock)


def _compared(answer: requests.Response, file: File, end: float, clock: Callable[[], float]) -> str:
    content = b""
    for piece in pieces(answer):
        content += piece
        if clock() > end:
            return _("it takes longer than a minute")
        if len(content) > file.size:
            break
    return "" if content == file.content else _("another picture than ours is there")


def _closed(url: str, why: str, detail: str = "") -> Unavailable:
    return Unavailable(
        _("a picture cannot be opened from outside: {url}: {why}").format(url=_shown(url), why=why),
        hint=_(
            "open this address in a browser; check media_base_url under [instagram], and that a web server shows the "
            "pictures to everybody; it is tried again"
        ),
        detail=detail,
        about_us=True,
    )


def _shown(url: str) -> str:
    """Without a password."""
    return url.replace(f"{urlsplit(url).netloc.rpartition('@')[0]}@", "", 1) if "@" in urlsplit(url).netloc else url
