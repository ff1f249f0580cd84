"""How Meta fetches a picture: over HTTP, without redirects, ASCII addresses only."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

MOST_BYTES = 8 * 1024 * 1024


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


def fetch(url: str) -> tuple[bytes, str]:
    """The content, one byte more than is allowed at most, and its media type.

    Raises:
        ValueError: no address that can be fetched.
        OSError: no answer, or one other than 200.
    """
    if not url.isascii():
        raise ValueError(url)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())
    try:
        with opener.open(url, timeout=5) as answer:
            return answer.read(MOST_BYTES + 1), answer.headers.get_content_type()
    except urllib.error.HTTPError as problem:
        problem.close()
        raise
