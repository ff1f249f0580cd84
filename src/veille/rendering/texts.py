"""What posts and editions have in common before they are rendered: Markdown with its contacts, moments, pictures."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING

from veille import i18n
from veille.rendering import contacts
from veille.rendering.rendered import Picture
from veille.timetable import first_slot_on

if TYPE_CHECKING:
    from veille.config import Config
    from veille.library import Library
    from veille.markdown import Document
    from veille.posts import Image


def document_of(text: str, library: Library, config: Config, *, day: date, lang: str, file: str, line: int) -> Document:
    """Markdown with its contacts put in.

    Args:
        day: on which readers see it, for the hours of help lines.
        file, line: where it stands, for findings.

    Raises:
        ContentError: unknown contacts, pictures or links that cannot be in a text; every one at once.
    """
    from veille import markdown

    parsed = markdown.parse(text, file=file, line=line, lang=lang)
    known = contacts.directory(library, day)
    return markdown.resolve(parsed, contacts=known, base_url=config.settings.workspace.base_url)


def again(document: Document, lang: str, tongue: str, html: Mapping[str, str]) -> dict[str, str]:
    """A text once more in a language that is active now: labels of contacts are our words. Empty without contacts.

    Args:
        lang: of the text.
        html: the field of a rendering, and what it holds in the newsroom's language.
    """
    from veille import markdown

    if not markdown.has_contacts(document):
        return {}
    ((name, own),) = html.items()
    made = markdown.to_html(document, "" if tongue == i18n.short(lang) else tongue)
    return {} if made == own else {name: made, name.replace("html", "text"): markdown.to_text(document)}


def picture_of(image: Image, config: Config) -> Picture:
    """A picture as pages and letters show it.

    Raises:
        ContentError: it cannot be used.
    """
    from veille import pictures

    return pictures.web(image, ground=config.brand.light.ground, root=config.root)


def local(value: datetime | date, config: Config) -> datetime:
    """A moment, or the first slot of a day, where the newsroom is."""
    if isinstance(value, datetime):
        return value.astimezone(config.zone)
    return first_slot_on(value, (), config.zone)
