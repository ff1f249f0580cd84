"""Pictures that Instagram has fetched, and a day has passed: taken off the web again."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING

from veille.errors import VeilleError
from veille_cli.chores import beside

if TYPE_CHECKING:
    from veille_cli.output import Talk
    from veille_cli.wiring import Newsroom

EVERY = 3600.0  # seconds
KEPT = timedelta(hours=24)  # after a post is public: until then Instagram may fetch its pictures again


def take_away_meanwhile(room: Newsroom, stop: threading.Event, talk: Talk) -> AbstractContextManager[object]:
    """Remove it now and every hour, in a thread of its own."""
    return beside("pictures", lambda: take_away_once(room, talk), EVERY, stop)


def take_away_once(room: Newsroom, talk: Talk) -> None:
    """Remove what no post needs any more, if Instagram is live."""
    if room.config.channel("instagram").transport != "graph":
        return
    from veille.outbox.media import MediaUse
    from veille_publishers.media_store import open_store, take_away

    use = MediaUse(room.database, "instagram")
    try:
        take_away(open_store(room.config), use.known(), use.needed(room.clock() - KEPT))
    except VeilleError as error:  # they are taken away an hour later
        talk.say(f"! {error.message}")
