"""The sample newsroom's edition as the newsletter publisher has it, in a folder of its own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from veille import config, library
from veille.config import Config
from veille.publishing import Delivery, Publication, Recipient
from veille.queueing import letter_of
from veille.rendering import RenderedEdition, Templates
from veille.tokens import Keys
from veille_publishers import http
from veille_publishers.letter import Letter, letter_of_variant, letter_payload, whole
from veille_publishers.newsletter import Newsletter
from veille_publishers.registry import Context

ROOT = Path(__file__).parents[2]
WHEN = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
KEYS = Keys({"1": b"k" * 32})


def sample_room(root: Path, settings: Mapping[str, str] | None = None) -> Config:
    """A copy of the sample newsroom.

    Args:
        settings: of the newsletter, by key.
    """
    if not (root / "veille.toml").exists():
        shutil.copytree(ROOT / "content", root / "content")
        shutil.copyfile(ROOT / "veille.toml", root / "veille.toml")
    return config.load(root, {f"VEILLE_NEWSLETTER__{key.upper()}": value for key, value in (settings or {}).items()})


def sample_newsletter(room: Config) -> Newsletter:
    """Its publisher."""
    return Newsletter(Context(room, Templates(room), lambda: WHEN, http.session, keys=KEYS))


def sample_publication(room: Config) -> Publication:
    """Its edition, rendered."""
    shelf = library.load(room)
    (edition, *_others) = shelf.editions
    rendition = sample_newsletter(room).render(letter_of(edition, shelf, room, WHEN))
    assert rendition is not None
    return Publication(
        "p1", edition.source, "newsletter", "", edition.title, edition.slug, WHEN, 1, rendition, first_due=WHEN
    )


def sample_delivery(publication: Publication, reader: Recipient, moment: datetime = WHEN) -> Delivery:
    """The edition for one reader, numbered as the reader is."""
    number = f"{reader.id}"
    return Delivery(f"d{number}", publication, number, 1, moment, f"<{number}@example.org>", reader)


def compose_letter(edition: RenderedEdition, templates: Templates) -> Letter:
    """The letter of a reader who gets every post, in the newsroom's language."""
    payload = letter_payload(edition, templates)
    return letter_of_variant(payload, whole(payload))
