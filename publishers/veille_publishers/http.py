"""The one way out over HTTP: time-outs on every request, no hidden retry, nothing from the environment."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterator
from typing import Any

import requests
import urllib3.exceptions as u3

from veille import __version__
from veille_publishers.http_patience import Patient

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
LONGEST = 120.0  # seconds for a whole answer, however steadily it drips
MOST_BYTES = 50_000_000  # of an answer: a hundred posts of 63,206 characters, each six bytes long in JSON, fit in
_PIECE = 65_536

_SECRET = re.compile(
    r"\b(access_token|appsecret_proof|input_token|client_secret|fb_exchange_token)=[^&\s\"']+", re.IGNORECASE
)


_NEVER_SENT = (
    requests.ConnectTimeout,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)


class Session(requests.Session):
    """A requests session that cannot forget its time-outs and never sends a POST a second time.

    Args:
        timeout: seconds to connect, seconds between two bytes of the answer.
    """

    def __init__(self, timeout: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS)) -> None:
        super().__init__()
        self.timeout = timeout
        self.trust_env = False  # no proxy, .netrc or CA bundle that somebody left in the environment
        self.mount("https://", Patient())
        self.mount("http://", Patient())
        self.headers["User-Agent"] = f"veille/{__version__}"

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """As in requests, with our time-outs; a redirect is followed by GET and HEAD only."""
        kwargs["timeout"] = kwargs.get("timeout") or self.timeout
        if str(method).upper() not in ("GET", "HEAD"):
            kwargs["allow_redirects"] = False
        return super().request(method, url, *args, **kwargs)


def session(timeout: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS)) -> Session:
    """Make the HTTP session of a run.

    Args:
        timeout: seconds to connect, seconds between two bytes of the answer.
    """
    logger = logging.getLogger("urllib3.connectionpool")
    if not any(isinstance(present, _Redact) for present in logger.filters):
        logger.addFilter(_Redact())
    return Session(timeout)


class BrokenOff(requests.RequestException):
    """An answer that broke off, or was let go because it did not end."""


def pieces(answer: requests.Response) -> Iterator[bytes]:
    """The body of an answer that was asked for with `stream=True`, decompressed, as it comes.

    Raises:
        BrokenOff: the rest did not come.
    """
    try:
        with answer:  # read1: what is there. As many bytes as are asked for may take for ever to drip.
            while piece := answer.raw.read1(_PIECE, decode_content=True):
                yield piece
    except u3.HTTPError as error:
        raise BrokenOff(type(error).__name__) from None


def body_of(answer: requests.Response) -> bytes:
    """The whole of such a body. The time-outs of the session count between two bytes only.

    Raises:
        BrokenOff: it is larger than `MOST_BYTES`, takes longer than `LONGEST`, or did not come whole.
    """
    end, content = time.monotonic() + LONGEST, bytearray()
    for piece in pieces(answer):
        content += piece
        if len(content) > MOST_BYTES or time.monotonic() > end:
            raise BrokenOff
    return bytes(content)


def redact(text: str, *secrets: str) -> str:
    """The text without these secrets and without any token or proof in a query string."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "…")
    return _SECRET.sub(r"\1=…", text)


def never_sent(error: requests.RequestException) -> bool:
    """Whether the request certainly did not reach the service: no name, no connection, no certificate.

    Anything else (time-out while reading, reset, broken answer) may have been carried out.
    """
    if isinstance(error, _NEVER_SENT):
        return True
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(reason, u3.NewConnectionError | u3.ConnectTimeoutError):
        return True
    return isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY" in str(error)


class _Redact(logging.Filter):
    """urllib3 writes the whole path of every request at DEBUG; a proof in it would reach the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        return True
