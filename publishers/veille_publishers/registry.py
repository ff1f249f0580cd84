"""Which publisher serves which channel. Adding a channel is one line here (docs/adding-a-channel.md)."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from veille.config import Config
from veille.publishing import Publisher
from veille.rendering import Templates
from veille.timetable import Clock
from veille.tokens import Keys

if TYPE_CHECKING:  # an HTTP library costs a quarter of a second: only channels that need it load it
    import requests

REGISTRY = {
    "newsletter": "veille_publishers.newsletter:Newsletter",
    "feed": "veille_publishers.feed:Feed",
    "web": "veille_publishers.web:Web",
    "facebook": "veille_publishers.facebook:Facebook",
    "instagram": "veille_publishers.instagram:Instagram",
}

BY_HAND = {  # transport = "manual"
    "facebook": "veille_publishers.by_hand_pages:FacebookByHand",
    "instagram": "veille_publishers.by_hand_pages:InstagramByHand",
}


@dataclass(frozen=True)
class Context:
    """What every publisher is made from; composed once, in `veille_cli.wiring`.

    Args:
        http: makes the one HTTP session of this run; called on first use only.
        sleep: waits that many seconds (the polls of a service that is not ready yet).
        keys: sign the links in letters.
    """

    config: Config
    templates: Templates
    clock: Clock
    http: Callable[[], requests.Session]
    sleep: Callable[[float], object] = time.sleep
    keys: Keys | None = None


def load(kind: str, context: Context) -> Publisher:
    """Make the publisher of a channel."""
    by_hand = context.config.channel(kind).transport == "manual"
    module, _sep, name = (BY_HAND if by_hand else REGISTRY)[kind].partition(":")
    publisher: Publisher = getattr(importlib.import_module(module), name)(context)
    return publisher
