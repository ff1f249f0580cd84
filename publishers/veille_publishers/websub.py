"""WebSub: telling a hub which feeds changed, so that readers hear of it at once and not at their next look.

A hub is a third party, so there is none by default. It is told the addresses of our feeds and nothing else.
W3C WebSub (recommendation of 2018) leaves open how a publisher tells its hub; hubs expect `hub.mode=publish` with one
`hub.url` for each topic, as a form.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from veille.errors import VeilleError
from veille_publishers.files import write

if TYPE_CHECKING:
    import requests

OWED = ".veille-hub.owed"  # topics that the hub has not heard of; not a manifest
CONNECT_SECONDS, READ_SECONDS = 3.0, 10.0  # a delivery waits for it
TOGETHER = 50  # topics in one request

_log = logging.getLogger(__name__)


def tell(hub: str, topics: Sequence[str], http: Callable[[], requests.Session], folder: Path) -> bool:
    """Say that these feeds changed. What fails is logged, and tried once more with the next change; it never raises.

    Args:
        hub: its address.
        topics: addresses of feeds, as their `self` links say them.
        http: makes the session of this run; called only when there is something to say.
        folder: where the feeds lie; topics that are still owed are kept there.

    Returns:
        Whether the hub knows of everything now.
    """
    owed = _owed(folder)
    if not topics:
        return not owed
    every = list(dict.fromkeys([*topics, *owed]))
    missed = [topic for group in _groups(every) if not _post(hub, group, http) for topic in group]
    _keep(folder, [topic for topic in missed if topic in topics])  # the others had their second try
    return not missed


def _post(hub: str, topics: Sequence[str], http: Callable[[], requests.Session]) -> bool:
    import requests

    form = [("hub.mode", "publish"), *(("hub.url", topic) for topic in topics)]
    try:
        answer = http().post(hub, data=form, timeout=(CONNECT_SECONDS, READ_SECONDS))
    except (requests.RequestException, OSError, ValueError) as error:
        _log.warning("the hub was not told of %d feeds: %s", len(topics), type(error).__name__)
        return False
    if not 200 <= answer.status_code < 300:
        _log.warning("the hub was not told of %d feeds: it answered %d", len(topics), answer.status_code)
        return False
    return True


def _groups(topics: Sequence[str]) -> Iterable[Sequence[str]]:
    return (topics[start : start + TOGETHER] for start in range(0, len(topics), TOGETHER))


def _owed(folder: Path) -> list[str]:
    try:
        topics = json.loads((folder / OWED).read_bytes())
    except (OSError, ValueError):
        return []
    return [topic for topic in topics if isinstance(topic, str)] if isinstance(topics, list) else []


def _keep(folder: Path, topics: Sequence[str]) -> None:
    try:
        if topics:
            write(folder / OWED, json.dumps(list(topics)).encode())
        else:
            (folder / OWED).unlink(missing_ok=True)
    except (VeilleError, OSError) as error:
        _log.warning("what the hub is owed was not written down: %s", type(error).__name__)
