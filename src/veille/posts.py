"""Posts: one Markdown file with front matter each, read into immutable values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from veille.errors import ContentError, Finding
from veille.i18n import gettext as _

if TYPE_CHECKING:
    from veille.config import Config
    from veille.frontmatter import Document
    from veille.model import FrontMatter, ImageFields


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


CHANNELS = ("newsletter", "feed", "web", "facebook", "instagram")


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


@dataclass(frozen=True)
class InstagramOptions:
    """What a post says about its Instagram post."""

    caption: str = ""
    images: tuple[Image, ...] = ()
    at: Moment | None = None
    hashtags: tuple[str, ...] = ()  # without the sign


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


def read(path: Path, config: Config) -> Post:
    """Read one post.

    Args:
        path: absolute.

    Raises:
        ContentError: every finding of this file at once.
    """
    # Imported here because `config` needs this module's names, and most commands read no post.
    from veille import frontmatter
    from veille.model import FrontMatter
    from veille.reading import examine, file_name, identity, in_order, surroundings_of

    file = file_name(path, config.root)
    document = frontmatter.parse(frontmatter.read_text(path, file), file)
    examined = examine(document, FrontMatter, surroundings_of(path, config))
    found = [*examined.findings, *_empty_body(document)]
    if examined.fields is None or found:
        raise ContentError(in_order(found))
    source, slug = identity(path, examined.fields.id, examined.fields.slug, file)
    language = config.settings.workspace.language
    return _post(path, document, examined.fields, examined.lines, source, slug, language)


def _empty_body(document: Document) -> list[Finding]:
    if document.body.strip():
        return []
    hint = _("write the post below the second line of three dashes")
    return [Finding(document.file, document.body_line, None, _("this post has no text"), hint, "empty")]


def image_of(fields: ImageFields) -> Image:
    """The picture that the fields name."""
    return Image(fields.src, fields.alt, fields.credit, fields.focus, fields.decorative, fields.consent)


# What the fields and the post name alike and hold alike.
_AS_WRITTEN = (
    *("title", "date", "publish_date", "expiry_date", "lastmod", "deadline", "draft", "summary", "categories"),
    *("tags", "author", "channels", "towns", "audience", "kind", "partners", "helplines", "urgent", "sensitive"),
    *("origin", "related"),
)


def _post(
    path: Path,
    document: Document,
    fields: FrontMatter,
    lines: Mapping[str, int],
    source: str,
    slug: str,
    language: str,
) -> Post:
    event, instagram = fields.event, fields.instagram
    return Post(
        path=path,
        file=document.file,
        source=source,
        slug=slug,
        body=document.body,
        body_line=document.body_line,
        lines=lines,
        lang=fields.lang or language,
        image=image_of(fields.image) if fields.image else None,
        images=tuple(image_of(image) for image in fields.images),
        event=Event(event.start, event.end, event.place, event.address, event.url) if event else None,
        newsletter=NewsletterOptions(fields.newsletter.subject, fields.newsletter.preheader),
        facebook=FacebookOptions(fields.facebook.text.strip(), fields.facebook.at),
        instagram=InstagramOptions(
            instagram.caption.strip(),
            tuple(image_of(image) for image in instagram.images),
            instagram.at,
            instagram.hashtags,
        ),
        allow=dict(fields.allow),
        **{name: getattr(fields, name) for name in _AS_WRITTEN},
    )
