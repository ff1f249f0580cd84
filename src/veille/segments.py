"""Who a post of a letter is for: towns and audience. A reader who chose nothing receives everything."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Segment:
    """The readers whom one post is for; empty means all.

    Args:
        towns: slugs.
        audience: values of `veille.posts.Audience`.
    """

    towns: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()

    @property
    def everybody(self) -> bool:
        """Whether no reader is left out."""
        return not self.towns and not self.audience

    def includes(self, towns: Collection[str], audience: str) -> bool:
        """Whether a reader with these choices sees the post; no choice is all towns, and every audience."""
        town = not self.towns or not towns or bool(set(self.towns) & set(towns))
        return town and (not self.audience or not audience or audience in self.audience)


def to_json(segments: Sequence[Segment]) -> str:
    """Of all posts of a letter, in order; "" when one of them is for everybody: then nobody is left out."""
    if not segments or any(segment.everybody for segment in segments):
        return ""
    return dump(segments)


def dump(segments: Sequence[Segment]) -> str:
    """Of every post, those for everybody too."""
    return json.dumps([{"towns": s.towns, "audience": s.audience} for s in segments], sort_keys=True)


def from_json(text: str) -> tuple[Segment, ...]:
    """The inverse of `to_json` and of `dump`."""
    return tuple(Segment(tuple(s["towns"]), tuple(s["audience"])) for s in json.loads(text)) if text else ()
