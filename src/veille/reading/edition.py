"""A file of `content/editions/` as an `Edition`."""

from __future__ import annotations

from pathlib import Path

from veille.config import Config
from veille.editions import Edition
from veille.reading import Examined, identity, read_file
from veille.reading.frontmatter import Document
from veille.reading.model import EditionFrontMatter
from veille.reading.post import image_of


def read_edition(path: Path, config: Config) -> Edition:
    """Read one edition. Its intro may be empty.

    Args:
        path: absolute.

    Raises:
        ContentError: every finding of this file at once.
    """
    return read_file(path, config, EditionFrontMatter, lambda document, found: _made(path, document, found, config))


def _made(path: Path, document: Document, examined: Examined[EditionFrontMatter], config: Config) -> Edition | None:
    fields, file = examined.rest, document.file
    if fields is None:
        return None
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
        author=fields.author,
        lang=fields.lang or config.settings.workspace.language,
        subject=fields.newsletter.subject,
        preheader=fields.newsletter.preheader,
        image=image_of(fields.image) if fields.image else None,
        allow=dict(fields.allow),
    )
