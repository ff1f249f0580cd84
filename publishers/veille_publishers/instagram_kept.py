"""What is kept of an Instagram post between two attempts: the ids of its invisible containers.

The container's id is the only key there is against publishing twice: it tells whether it was published (Meta, "IG
Container", read 2026-09-11).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from veille.publishing import Delivery
from veille_publishers.social import REUSE

LIFE = timedelta(hours=25)  # a container ends after 24 h, and the clocks may differ


@dataclass(frozen=True)
class Earlier:
    """A container of an older text that may have become public.

    Args:
        at: when it was made, ISO 8601.
        words: the fingerprint of its caption.
    """

    container: str
    at: str
    words: str


@dataclass(frozen=True)
class Kept:
    """The ids of one post.

    Args:
        since: when the first attempt began, ISO 8601; a post that is older is not ours.
        target: the account for which they were made.
        at: when the first of these containers was made.
        of: the digest of the rendition that they show.
        words: the fingerprint of its caption.
        children: one for each picture of a carousel; "" is not made yet.
        container: what will be published; "": not made yet.
        failed: how often what was prepared turned out to be of no use.
        earlier: see `Earlier`.
    """

    since: str
    target: str = ""
    at: str = ""
    of: str = ""
    words: str = ""
    children: tuple[str, ...] = ()
    container: str = ""
    failed: int = 0
    earlier: tuple[Earlier, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        ids = {"children": list(self.children), "container": self.container}
        earlier = [[one.container, one.at, one.words] for one in self.earlier]
        known = {"since": self.since, "target": self.target, "at": self.at, "of": self.of, "words": self.words}
        return {**known, **ids, "failed": self.failed, "earlier": earlier}

    def may_be_public(self, now: datetime) -> tuple[str, ...]:
        """Containers that can tell whether something of this is public; the newest first."""
        alive = [one.container for one in self.earlier if now - datetime.fromisoformat(one.at) < LIFE]
        return tuple(filter(None, (self.container, *reversed(alive))))

    @property
    def ids(self) -> tuple[str, ...]:
        """What the next attempt may use: the container, or as long as there is none, its children."""
        return (self.container,) if self.container else tuple(filter(None, self.children))

    def with_child(self, number: int, child: str, now: datetime) -> Kept:
        """With the id of one more picture."""
        children = (*self.children[:number], child, *self.children[number + 1 :])
        return replace(self, children=children, at=self.at or now.isoformat())

    def with_container(self, container: str, now: datetime) -> Kept:
        """With the id of what will be published."""
        return replace(self, container=container, at=self.at or now.isoformat())

    def counted(self, failed: int) -> Kept:
        """With this number of failures."""
        return replace(self, failed=failed)

    def without(self, useless: str) -> Kept:
        """Without an id of no more use."""
        if useless == self.container:
            return replace(self, container="", children=("",) * len(self.children), at="")
        children = tuple("" if child == useless else child for child in self.children)
        return replace(self, children=children, at=self.at if any(children) else "")


def kept(delivery: Delivery, now: datetime) -> Kept:
    """What earlier attempts left that this one can use, with all that may be public.

    Ids of another text are of no use, nor those that end soon. But once the last step was tried, the container is kept
    whatever its age: only it can tell.
    """
    rendition = delivery.publication.rendition
    tried = delivery.intent_at is not None
    pictures = len(rendition.payload["pictures"])
    old = replace(_read(delivery.checkpoint, now), target=delivery.target)
    fresh = replace(
        old,
        at="",
        of=rendition.digest,
        words=str(rendition.payload["fingerprint"]),
        children=("",) * (pictures if pictures > 1 else 0),
        container="",
    )
    if old.of != rendition.digest:
        return replace(fresh, failed=0, earlier=_with_current(old) if tried else old.earlier)
    if tried and old.container:
        return old
    young = old.at and now - datetime.fromisoformat(old.at) < REUSE
    return old if young and len(old.children) == len(fresh.children) else fresh


def _with_current(old: Kept) -> tuple[Earlier, ...]:
    return (*old.earlier, Earlier(old.container, old.at, old.words)) if old.container else old.earlier


def _read(values: Mapping[str, Any], now: datetime) -> Kept:
    return Kept(
        since=str(values.get("since") or now.isoformat()),
        at=str(values.get("at", "")),
        of=str(values.get("of", "")),
        words=str(values.get("words", "")),
        children=tuple(values.get("children", ())),
        container=str(values.get("container", "")),
        failed=int(values.get("failed", 0)),
        earlier=tuple(Earlier(*one) for one in values.get("earlier", ())),
    )
