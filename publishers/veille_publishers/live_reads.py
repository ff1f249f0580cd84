"""What only the live account can answer: its quota, and whether a picture of ours is seen from outside. Reads only."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import requests

from veille.config import Config
from veille.i18n import gettext as _
from veille_publishers import http
from veille_publishers.graph import access, second_access
from veille_publishers.instagram_account import Account
from veille_publishers.media_store import NAME, open_store

MOST_BYTES = 8_000_000  # a picture for Instagram is never larger


@dataclass(frozen=True)
class Seen:
    """What was read.

    Args:
        words: what it is, or why it could not be read.
    """

    works: bool
    words: str


def quota(settings: Any) -> Seen:
    """How many posts Instagram still takes today.

    Args:
        settings: of [instagram], with its newest tokens.

    Raises:
        PublishError: it cannot be asked now, or our access ended.
    """
    graph = access("instagram", settings, http.session)
    known = Account(settings.user_id, graph, lambda: second_access("instagram", settings, http.session)).quota()
    if known is None:
        return Seen(True, _("the account does not say"))
    return Seen(True, _("{used} of {total}").format(used=known[0], total=known[1]))


def picture(config: Config) -> Seen:
    """Whether a picture that lies where Instagram fetches it can be opened from here, without a log-in.

    Raises:
        ConfigError: the place for pictures is not set up.
        PublishError: the place cannot be listed.
    """
    store = open_store(config)
    name = next((name for name in sorted(store.names()) if NAME.fullmatch(name)), "")
    if not name:
        return Seen(True, _("none lies there now; look again when a post with a picture is on its way"))
    url = store.url(name)
    why = _wrong(url, name)
    if why:
        return Seen(False, _("{url} cannot be opened from outside: {why}").format(url=url, why=why))
    return Seen(True, _("{url} can be opened").format(url=url))


def _wrong(url: str, name: str) -> str:
    """What is wrong with a public picture; "" for nothing. Its name is the hash of its bytes."""
    try:
        with http.session() as session, session.get(url, allow_redirects=False, stream=True) as answer:
            kind = answer.headers.get("Content-Type", "").partition(";")[0]
            if answer.status_code != 200:
                return _("the server answers {status} instead of the picture").format(status=answer.status_code)
            if kind != "image/jpeg":
                return _("the server says {kind} instead of image/jpeg").format(kind=kind or "?")
            content = answer.raw.read(MOST_BYTES + 1, decode_content=True)
    except (requests.RequestException, OSError):
        return _("no answer")
    return "" if hashlib.sha256(content).hexdigest().startswith(name[:20]) else _("another picture than ours is there")
