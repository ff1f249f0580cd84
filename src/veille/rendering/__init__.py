"""Posts and editions made ready for any template, once, before any channel sees them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from veille.posts import Image, Post
from veille.rendering import contacts, labels
from veille.rendering.rendered import Contact, Picture, RenderedEdition, RenderedPost
from veille.rendering.templating import Templates
from veille.timetable import day_in_words, first_slot_on
from veille.typography import french

if TYPE_CHECKING:
    from veille.config import Config
    from veille.editions import Edition
    from veille.library import Library

__all__ = [
    "Contact",
    "Picture",
    "RenderedEdition",
    "RenderedPost",
    "Templates",
    "render_edition",
    "render_hand_made",
    "render_post",
    "shorten",
]

SUMMARY_LENGTH = 240  # characters
UNWRAPPED = 1_000_000  # characters: longer than any paragraph
PREHEADER_LENGTH = 110  # characters: what a list of messages shows


# What a post and its rendering name alike and hold alike.
_AS_WRITTEN = ("source", "slug", "lang", "categories", "tags", "author", "urgent", "sensitive", "related")


def render_post(post: Post, library: Library, config: Config, *, now: datetime) -> RenderedPost:
    """Make a post ready for every template: Markdown, contacts, pictures, moments in words.

    Args:
        library: where its partners and help lines are found.
        now: aware; the date of a post that has none.

    Raises:
        ContentError: unknown contacts, pictures or links that cannot be in a text; every one at once.
        RenderError: a picture cannot be read.
    """
    from veille import markdown

    base_url, language = config.settings.workspace.base_url, config.settings.workspace.language
    document = markdown.resolve(
        markdown.parse(post.body, file=post.file, line=post.body_line, lang=post.lang),
        contacts=contacts.directory(library),
        base_url=base_url,
    )
    label = labels.kind_label(post.kind)
    towns = tuple(config.towns.get(town, town) for town in post.towns)
    moment = _moment(post.date or now, config)
    title = french(post.title, post.lang)
    opening = shorten(markdown.first_paragraph(document), SUMMARY_LENGTH)
    return RenderedPost(
        title=title,
        summary=french(post.summary, post.lang) or opening,
        html=markdown.to_html(document),
        text=markdown.to_text(document),
        flowing=markdown.to_text(document, UNWRAPPED),
        kind=post.kind.value,
        kind_label=label,
        date=moment.isoformat(timespec="seconds"),
        date_words=day_in_words(moment.date(), language),
        url=f"{base_url}/posts/{post.slug}/",
        towns=towns,
        audience=tuple(audience.value for audience in post.audience),
        origin=french(post.origin, post.lang),
        when_words=labels.when(post, config.zone, language),
        where_words=french(labels.where(post.event), post.lang),
        event_url=post.event.url if post.event else "",
        pictures=tuple(_picture(image, config) for image in _images(post)),
        contacts=contacts.of_post(post, library),
        helplines=contacts.help_table(library),
        updated=_moment(post.lastmod, config).isoformat(timespec="seconds") if post.lastmod else "",
        subject=french(post.newsletter.subject, post.lang),
        preheader=french(post.newsletter.preheader, post.lang),
        facebook_text=post.facebook.text,
        instagram_caption=post.instagram.caption,
        instagram_pictures=_instagram(post, config, title, label, towns),
        hashtags=post.instagram.hashtags,
        **{name: getattr(post, name) for name in _AS_WRITTEN},
    )


def render_edition(
    posts: Sequence[RenderedPost],
    library: Library,
    config: Config,
    *,
    due: datetime,
    source: str,
    slug: str,
    title: str,
    subject: str = "",
    preheader: str = "",
    intro: str = "",
    lang: str = "",
    image: Image | None = None,
    file: str = "",
    intro_line: int = 1,
) -> RenderedEdition:
    """Make an edition ready, from posts that are (also as they come back from the outbox).

    The subject of an edition made by hand is its own, else its title; that of a gathered one is its first headline.
    The preheader defaults to the words of the first posts. A sensitive post never gives either, because they show on
    a locked screen.

    Args:
        posts: in reading order.
        due: aware; the moment that the edition leaves.
        intro: Markdown.
        file, intro_line: where the intro stands, for findings; none for an edition gathered by cadence.

    Raises:
        ContentError: the intro holds what a post may not hold.
    """
    from veille import markdown

    base_url, language = config.settings.workspace.base_url, config.settings.workspace.language
    lang = lang or language
    document = markdown.resolve(
        markdown.parse(intro, file=file, line=intro_line, lang=lang),
        contacts=contacts.directory(library),
        base_url=base_url,
    )
    moment = _moment(due, config)
    title = french(title, lang)
    chosen = french(subject, lang) or (title if file else _default_subject(posts, title))
    return RenderedEdition(
        source=source,
        slug=slug,
        title=title,
        subject=chosen,
        preheader=french(preheader, lang) or _default_preheader(posts, chosen, title),
        lang=lang,
        date=moment.isoformat(timespec="seconds"),
        date_words=day_in_words(moment.date(), language),
        url=f"{base_url}/editions/{slug}/",
        intro_html=markdown.to_html(document),
        intro_text=markdown.to_text(document),
        posts=tuple(posts),
        helplines=contacts.help_table(library),
        picture=_picture(image, config) if image else None,
    )


def render_hand_made(
    edition: Edition, posts: Sequence[RenderedPost], library: Library, config: Config, *, due: datetime
) -> RenderedEdition:
    """`render_edition` for a file of `content/editions/`."""
    return render_edition(
        posts,
        library,
        config,
        due=due,
        source=edition.source,
        slug=edition.slug,
        title=edition.title,
        subject=edition.subject,
        preheader=edition.preheader,
        intro=edition.body,
        lang=edition.lang,
        image=edition.image,
        file=edition.file,
        intro_line=edition.body_line,
    )


def shorten(text: str, length: int) -> str:
    """At most `length` characters, cut between two words and then closed with "…"."""
    if len(text) <= length:
        return text
    return re.sub(r"[\s,;:–-]*\S*$", "", text[:length]) + "…"


def _instagram(post: Post, config: Config, title: str, label: str, towns: Sequence[str]) -> tuple[Picture, ...]:
    """Crops, or a drawn card; nothing for a post that Instagram does not show, since drawing takes time."""
    from veille import pictures

    if "instagram" not in (config.channels if post.channels is None else post.channels):
        return ()
    images = post.instagram.images or _images(post)
    town = ", ".join(towns)
    return pictures.instagram(
        images, title=title, kind_label=label, town=town, brand=config.brand, kind=post.kind, root=config.root
    )


def _picture(image: Image, config: Config) -> Picture:
    from veille import pictures

    return pictures.web(image, ground=config.brand.light.ground, root=config.root)


def _images(post: Post) -> tuple[Image, ...]:
    return ((post.image,) if post.image else ()) + post.images


def _moment(value: datetime | date, config: Config) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone(config.zone)
    return first_slot_on(value, (), config.zone)


def _default_subject(posts: Sequence[RenderedPost], title: str) -> str:
    """Of a gathered letter: its first headline; what a post says for itself only when it is alone."""
    neutral = [post for post in posts if not post.sensitive]
    if len(posts) == 1 and neutral:
        return neutral[0].subject or neutral[0].title
    return neutral[0].title if neutral else title


def _default_preheader(posts: Sequence[RenderedPost], subject: str, title: str) -> str:
    neutral = [post for post in posts if not post.sensitive]
    chosen = next((post.preheader for post in neutral if post.preheader), "")
    titles = " · ".join(post.title for post in neutral if post.title != subject)
    return chosen or shorten(titles, PREHEADER_LENGTH) or title
