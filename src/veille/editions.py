"""Editions: one number of the newsletter, made by hand or gathered at the channel's cadence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from veille.errors import ContentError
from veille.posts import Image, Moment, image_of

if TYPE_CHECKING:
    from veille.config import Config


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
    lang: str = "fr"
    subject: str = ""
    preheader: str = ""
    image: Image | None = None


def read(path: Path, config: Config) -> Edition:
    """Read one edition. Its intro may be empty.

    Args:
        path: absolute.

    Raises:
        ContentError: every finding of this file at once.
    """
    # Imported here because most commands read no edition (start-up, design section 7).
    from veille import frontmatter
    from veille.model import EditionFrontMatter
    from veille.reading import examine, file_name, identity, surroundings_of

    file = file_name(path, config.root)
    document = frontmatter.parse(frontmatter.read_text(path, file), file)
    examined = examine(document, EditionFrontMatter, surroundings_of(path, config))
    fields = examined.fields
    if fields is None or examined.findings:
        raise ContentError(examined.findings)
    source, slug = identity(path, fields.id, fields.slug, file)
    return Edition(
        path=path,
        file=file,
        source=source,
        slug=slug,
        title=fields.title,
        body=document.body,
        body_line=document.body_line,
        posts=fields.posts,
        lines=examined.lines,
        date=fields.date,
        publish_date=fields.publish_date,
        draft=fields.draft,
        lang=fields.lang or config.settings.workspace.language,
        subject=fields.newsletter.subject,
        preheader=fields.newsletter.preheader,
        image=image_of(fields.image) if fields.image else None,
    )
