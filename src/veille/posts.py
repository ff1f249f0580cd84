"""Posts: one Markdown file with front matter each, as immutable values (`reading.post` reads them)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path

Moment = datetime | date  # aware, in the workspace's zone; a date where no time was given


class Kind(StrEnum):
    """What a post is; shown as a small label and used to group an edition."""

    NEWS = "news"
    EVENT = "event"
    SERVICE = "service"
    LEISURE = "leisure"
    CALL_FOR_PROJECTS = "call-for-projects"
    GOOD_DEAL = "good-deal"
    INITIATIVE = "initiative"
    TRAINING = "training"


class Audience(StrEnum):
    """Who a post is for."""

    YOUNG = "young"
    FAMILIES = "families"
    PROFESSIONALS = "professionals"


# A page or account at a service, for which a post may have words of its own; as people call it.
SERVICES = {"facebook": "Facebook", "instagram": "Instagram"}
CHANNELS = ("newsletter", "feed", "web", *SERVICES)


@dataclass(frozen=True)
class Image:
    """A picture that an editor chose.

    Args:
        path: absolute, inside the workspace, not a symbolic link.
        alt: alternative text; empty only when `decorative`.
        focus: the point that every crop keeps, as fractions of width and height from the top left corner.
        consent: who agreed that the people in the picture are shown, and where this is kept.
    """

    path: Path
    alt: str = ""
    credit: str = ""
    focus: tuple[float, float] = (0.5, 0.5)
    decorative: bool = False
    consent: str = ""


@dataclass(frozen=True)
class Event:
    """When and where something takes place. Times are aware, or dates for whole days."""

    start: Moment
    end: Moment | None = None
    place: str = ""
    address: str = ""
    url: str = ""


@dataclass(frozen=True)
class NewsletterOptions:
    """What a post says about its place in the letter."""

    subject: str = ""
    preheader: str = ""


@dataclass(frozen=True)
class FacebookOptions:
    """What a post says about its Facebook post."""

    text: str = ""
    at: Moment | None = None
    comment: str = ""  # the first comment under it, by the page


@dataclass(frozen=True)
class InstagramOptions:
    """What a post says about its Instagram post."""

    caption: str = ""
    images: tuple[Image, ...] = ()
    at: Moment | None = None
    hashtags: tuple[str, ...] = ()  # without the sign
    comment: str = ""  # the first comment under it, by the account


@dataclass(frozen=True)
class Post:
    """One post, valid and complete, as its file says.

    Moments are aware datetimes in the workspace's zone; a plain `date` means that no time was given.
    """

    path: Path  # absolute
    file: str  # as a person would type it: "content/posts/2026-11-23-repas.md"
    source: str  # identity: `id`, else the file name without date prefix and suffix
    slug: str
    title: str
    body: str  # Markdown, as written
    body_line: int  # line of the file on which the body starts
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)  # dotted key -> line
    date: Moment | None = None
    publish_date: Moment | None = None
    expiry_date: Moment | None = None
    lastmod: Moment | None = None
    deadline: Moment | None = None
    draft: bool = False
    summary: str = ""
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    author: str = ""
    lang: str = "fr"
    image: Image | None = None
    images: tuple[Image, ...] = ()  # further pictures, after `image`
    channels: tuple[str, ...] | None = None  # None: all configured
    towns: tuple[str, ...] = ()  # slugs of [workspace] towns; empty: all
    audience: tuple[Audience, ...] = ()
    kind: Kind = Kind.NEWS
    event: Event | None = None
    partners: tuple[str, ...] = ()  # ids
    helplines: tuple[str, ...] = ()  # numbers as in helplines.yaml
    urgent: bool = False
    sensitive: bool = False
    origin: str = ""  # front-matter key `source`: where the information comes from
    related: tuple[str, ...] = ()  # sources of posts
    newsletter: NewsletterOptions = NewsletterOptions()
    facebook: FacebookOptions = FacebookOptions()
    instagram: InstagramOptions = InstagramOptions()
    allow: Mapping[str, str] = field(default_factory=dict)
