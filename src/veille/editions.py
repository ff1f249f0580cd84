"""Editions: one number of the newsletter, made by hand or gathered at the channel's cadence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from veille.posts import Image, Moment


@dataclass(frozen=True)
class Edition:
    """A hand-made edition: `content/editions/*.md`. Its body is the intro."""

    path: Path
    file: str
    source: str
    slug: str
    title: str
    body: str
    body_line: int
    posts: tuple[str, ...]  # sources of posts, in order
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)
    date: Moment | None = None
    publish_date: Moment | None = None
    draft: bool = False
    author: str = ""
    lang: str = "fr"
    subject: str = ""
    preheader: str = ""
    image: Image | None = None
    allow: Mapping[str, str] = field(default_factory=dict)
