"""A file of `content/posts/` as a `Post`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from veille.config import Config
from veille.errors import Finding
from veille.i18n import gettext as _
from veille.posts import Event, FacebookOptions, Image, InstagramOptions, NewsletterOptions, Post
from veille.reading import Examined, identity, read_file
from veille.reading.frontmatter import Document
from veille.reading.model import FrontMatter, ImageFields


def read_post(path: Path, config: Config) -> Post:
    """Read one post.

    Args:
        path: absolute.

    Raises:
        ContentError: every finding of this file at once.
    """
    return read_file(path, config, FrontMatter, lambda document, found: _made(path, document, found, config), _empty)


def _made(path: Path, document: Document, examined: Examined[FrontMatter], config: Config) -> Post | None:
    fields = examined.rest
    if fields is None:
        return None
    source, slug = identity(path, fields.id, fields.slug, document.file)
    return _post(path, document, fields, examined.lines, source, slug, config.settings.workspace.language)


def _empty(document: Document) -> list[Finding]:
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
        facebook=FacebookOptions(fields.facebook.text.strip(), fields.facebook.at, fields.facebook.comment.strip()),
        instagram=InstagramOptions(
            instagram.caption.strip(),
            tuple(image_of(image) for image in instagram.images),
            instagram.at,
            instagram.hashtags,
            instagram.comment.strip(),
        ),
        allow=dict(fields.allow),
        **{name: getattr(fields, name) for name in _AS_WRITTEN},
    )
