"""Posts made ready for every template."""

from __future__ import annotations

from collections.abc import Set
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from veille.posts import SERVICES, Image, Post
from veille.rendering import contacts, labels
from veille.rendering.rendered import Picture, RenderedPost
from veille.rendering.subjects import shorten
from veille.rendering.texts import again, document_of, local, picture_of
from veille.typography import french

if TYPE_CHECKING:
    from veille.config import Config
    from veille.library import Library
    from veille.markdown import Document
    from veille.pictures.cards import Card

SUMMARY_LENGTH = 240  # characters
SOCIAL = frozenset(SERVICES)  # where a text has no line breaks but between paragraphs
UNWRAPPED = 1_000_000  # characters: longer than any paragraph

# What a post and its rendering name alike and hold alike.
_AS_WRITTEN = ("source", "slug", "lang", "categories", "tags", "author", "urgent", "sensitive", "related")


def render_post(
    post: Post, library: Library, config: Config, *, now: datetime, day: date | None = None
) -> RenderedPost:
    """Make a post ready for every template: Markdown, contacts, pictures, moments in words.

    Args:
        library: where its partners and help lines are found.
        now: aware; the date of a post that has none.
        day: on which readers see it, for the hours of help lines; by default that of `now`, or its publication date
            when that is later.

    Raises:
        ContentError: unknown contacts, pictures or links that cannot be in a text; every one at once.
        RenderError: a picture cannot be read.
    """
    day = day or _shown_on(post, now, config)
    body = document_of(post.body, library, config, day=day, lang=post.lang, file=post.file, line=post.body_line)
    return _rendered(post, body, library, config, moment=local(post.date or now, config), day=day)


def _rendered(
    post: Post, body: Document, library: Library, config: Config, *, moment: datetime, day: date
) -> RenderedPost:
    base_url, language = config.settings.workspace.base_url, config.settings.workspace.language
    texts, title = _texts(post, body, config), french(post.title, post.lang)
    ours = labels.of_post(post, moment.date(), config.zone, language)
    towns = tuple(config.towns.get(town, town) for town in post.towns)

    def elsewhere(tongue: str) -> dict[str, str]:
        words = labels.of_post(post, moment.date(), config.zone, tongue)
        return words | again(body, post.lang, tongue, {"html": texts["html"]})

    return RenderedPost(
        title=title,
        kind=post.kind.value,
        kind_label=ours["kind_label"],
        date=moment.isoformat(timespec="seconds"),
        date_words=ours["date_words"],
        when_words=ours["when_words"],
        updated=local(post.lastmod, config).isoformat(timespec="seconds") if post.lastmod else "",
        url=f"{base_url}/posts/{post.slug}/",
        towns=towns,
        town_slugs=post.towns,
        audience=tuple(audience.value for audience in post.audience),
        contacts=contacts.of_post(post, library, day),
        helplines=contacts.help_table(library, day),
        words=labels.elsewhere(language, elsewhere),
        **texts,
        **_of_event(post),
        **_for_channels(post),
        **_pictures(post, config, title, ours["kind_label"], ", ".join(towns)),
        **{name: getattr(post, name) for name in _AS_WRITTEN},
    )


# ---- fields of `RenderedPost`


def _texts(post: Post, body: Document, config: Config) -> dict[str, Any]:
    from veille import markdown

    return {
        "summary": french(post.summary, post.lang) or shorten(markdown.first_paragraph(body), SUMMARY_LENGTH),
        "html": markdown.to_html(body),
        "text": markdown.to_text(body),
        "flowing": markdown.to_text(body, UNWRAPPED) if _shown_by(post, config, SOCIAL) else "",
        "origin": french(post.origin, post.lang),
    }


def _of_event(post: Post) -> dict[str, Any]:
    """What calendars and pages need of its event; nothing when there is none."""
    event = post.event
    if not event:
        return {}
    return {
        "where_words": french(labels.where(event), post.lang),
        "event_url": event.url,
        "starts": event.start.isoformat(),
        "ends": event.end.isoformat() if event.end else "",
        "place": french(event.place, post.lang),
        "address": french(event.address, post.lang),
    }


def _for_channels(post: Post) -> dict[str, Any]:
    """What its editor wrote for one channel alone."""
    return {
        "subject": french(post.newsletter.subject, post.lang),
        "preheader": french(post.newsletter.preheader, post.lang),
        "facebook_text": post.facebook.text,
        "facebook_comment": post.facebook.comment,
        "instagram_caption": post.instagram.caption,
        "instagram_comment": post.instagram.comment,
        "hashtags": post.instagram.hashtags,
    }


def _pictures(post: Post, config: Config, title: str, label: str, town: str) -> dict[str, Any]:
    """Its pictures, in the forms that its channels need; the words are those of a card that is drawn."""
    from veille.pictures.cards import Card

    card = Card(title, label, town, post.kind)
    return {
        "pictures": tuple(picture_of(image, config) for image in _images(post)),
        "instagram_pictures": _instagram(post, config, card),
        "card": _link_card(post, config, card),
    }


def _instagram(post: Post, config: Config, card: Card) -> tuple[Picture, ...]:
    """Crops, or a drawn card; nothing for a post that Instagram does not show, since drawing takes time."""
    from veille import pictures

    if not _shown_by(post, config, {"instagram"}):
        return ()
    images, most = post.instagram.images or _images(post), config.settings.instagram.carousel_max
    return pictures.instagram(images, card, brand=config.brand, root=config.root, most=most)


def _link_card(post: Post, config: Config, card: Card) -> Picture | None:
    """For a post that our page shares as a link: Facebook would show a grey box. A sensitive page names nothing."""
    from veille import pictures

    if post.sensitive or _images(post) or not _shown_by(post, config, {"facebook"}):
        return None
    return pictures.link_card(card, brand=config.brand, root=config.root)


def _shown_by(post: Post, config: Config, channels: Set[str]) -> bool:
    """Whether it is for one of these channels."""
    return not channels.isdisjoint(config.channels if post.channels is None else post.channels)


def _images(post: Post) -> tuple[Image, ...]:
    return ((post.image,) if post.image else ()) + post.images


def _shown_on(post: Post, now: datetime, config: Config) -> date:
    """The day on which readers first see it: its publication date, but not before `now`."""
    earliest = local(now, config).date()
    return max(local(post.publish_date, config).date(), earliest) if post.publish_date else earliest
