"""Posts and editions made ready for any template, once, before any channel sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from veille import i18n
from veille.posts import SERVICES, Image, Post
from veille.rendering import contacts, labels
from veille.rendering.directory import render_directory
from veille.rendering.rendered import Contact, Entry, Picture, RenderedDirectory, RenderedEdition, RenderedPost
from veille.rendering.subjects import preheader_of, shorten, subject_of
from veille.rendering.templating import Templates
from veille.timetable import day_in_words, first_slot_on
from veille.typography import french

if TYPE_CHECKING:
    from veille.config import Config
    from veille.editions import Edition
    from veille.library import Library
    from veille.markdown import Document

__all__ = [
    "Contact",
    "Entry",
    "Picture",
    "RenderedDirectory",
    "RenderedEdition",
    "RenderedPost",
    "Templates",
    "preheader_of",
    "render_directory",
    "render_edition",
    "render_hand_made",
    "render_post",
    "shorten",
    "subject_of",
]

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
    from veille import markdown

    base_url, language = config.settings.workspace.base_url, config.settings.workspace.language
    day = day or _shown_on(post, now, config)
    document = markdown.resolve(
        markdown.parse(post.body, file=post.file, line=post.body_line, lang=post.lang),
        contacts=contacts.directory(library, day),
        base_url=base_url,
    )
    towns = tuple(config.towns.get(town, town) for town in post.towns)
    moment = _moment(post.date or now, config)

    def words(tongue: str) -> dict[str, str]:
        return labels.of_post(post, moment.date(), config.zone, tongue)

    def elsewhere(tongue: str) -> dict[str, str]:
        return words(tongue) | _again(document, post.lang, tongue, {"html": body})

    ours, body = words(language), markdown.to_html(document)
    title, event = french(post.title, post.lang), labels.event_fields(post.event, post.lang)
    return RenderedPost(
        title=title,
        summary=french(post.summary, post.lang) or shorten(markdown.first_paragraph(document), SUMMARY_LENGTH),
        html=body,
        text=markdown.to_text(document),
        flowing=markdown.to_text(document, UNWRAPPED) if _shown_by(post, config, SOCIAL) else "",
        kind=post.kind.value,
        date=moment.isoformat(timespec="seconds"),
        url=f"{base_url}/posts/{post.slug}/",
        towns=towns,
        town_slugs=post.towns,
        audience=tuple(audience.value for audience in post.audience),
        origin=french(post.origin, post.lang),
        where_words=french(labels.where(post.event), post.lang),
        event_url=post.event.url if post.event else "",
        starts=event["starts"],
        ends=event["ends"],
        place=event["place"],
        address=event["address"],
        pictures=tuple(_picture(image, config) for image in _images(post)),
        contacts=contacts.of_post(post, library, day),
        helplines=contacts.help_table(library, day),
        updated=_moment(post.lastmod, config).isoformat(timespec="seconds") if post.lastmod else "",
        subject=french(post.newsletter.subject, post.lang),
        preheader=french(post.newsletter.preheader, post.lang),
        facebook_text=post.facebook.text,
        facebook_comment=post.facebook.comment,
        instagram_caption=post.instagram.caption,
        instagram_comment=post.instagram.comment,
        instagram_pictures=_instagram(post, config, title, ours["kind_label"], towns),
        card=_link_card(post, config, title, ours["kind_label"], towns),
        hashtags=post.instagram.hashtags,
        words=labels.elsewhere(language, elsewhere),
        kind_label=ours["kind_label"],
        date_words=ours["date_words"],
        when_words=ours["when_words"],
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
    titles: Mapping[str, str] | None = None,
    day: date | None = None,
) -> RenderedEdition:
    """Make an edition ready, from posts that are (also as they come back from the outbox).

    The subject of an edition made by hand is its own, else its title; that of a gathered one is its first headline.
    The preheader defaults to the words of the first posts. A sensitive post never gives either, because they show on
    a locked screen.

    Args:
        posts: in reading order.
        due: aware; the moment that the edition leaves.
        intro: Markdown.
        titles: the title in other languages, when it is our own words and nobody's.
        day: on which readers see it, for the hours of help lines; that of `due` by default.
        file, intro_line: where the intro stands, for findings; none for an edition gathered by cadence.

    Raises:
        ContentError: the intro holds what a post may not hold.
    """
    from veille import markdown

    base_url, language = config.settings.workspace.base_url, config.settings.workspace.language
    lang = lang or language
    moment = _moment(due, config)
    day = day or moment.date()
    document = markdown.resolve(
        markdown.parse(intro, file=file, line=intro_line, lang=lang),
        contacts=contacts.directory(library, day),
        base_url=base_url,
    )
    intro_html = markdown.to_html(document)
    title = french(title, lang)

    def elsewhere(tongue: str) -> dict[str, str]:
        own = {"title": french(titles[tongue], tongue)} if titles and tongue in titles else {}
        date_words = {"date_words": day_in_words(moment.date(), tongue)}
        return date_words | own | _again(document, lang, tongue, {"intro_html": intro_html})

    made = RenderedEdition(
        source=source,
        slug=slug,
        title=title,
        subject="",
        preheader="",
        lang=lang,
        date=moment.isoformat(timespec="seconds"),
        date_words=day_in_words(moment.date(), language),
        url=f"{base_url}/editions/{slug}/",
        intro_html=intro_html,
        intro_text=markdown.to_text(document),
        posts=tuple(posts),
        helplines=contacts.help_table(library, day),
        picture=_picture(image, config) if image else None,
        own_subject=french(subject, lang) or (title if file else ""),
        own_preheader=french(preheader, lang),
        words=labels.elsewhere(language, elsewhere),
    )
    chosen = subject_of(made, posts)
    return replace(made, subject=chosen, preheader=preheader_of(made, posts, chosen))


def render_hand_made(
    edition: Edition,
    posts: Sequence[RenderedPost],
    library: Library,
    config: Config,
    *,
    due: datetime,
    day: date | None = None,
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
        day=day,
    )


def _again(document: Document, lang: str, tongue: str, html: Mapping[str, str]) -> dict[str, str]:
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


def _instagram(post: Post, config: Config, title: str, label: str, towns: Sequence[str]) -> tuple[Picture, ...]:
    """Crops, or a drawn card; nothing for a post that Instagram does not show, since drawing takes time."""
    from veille import pictures

    if not _shown_by(post, config, {"instagram"}):
        return ()
    images = post.instagram.images or _images(post)
    return pictures.instagram(
        images,
        title=title,
        kind_label=label,
        town=", ".join(towns),
        brand=config.brand,
        kind=post.kind,
        root=config.root,
        most=config.settings.instagram.carousel_max,
    )


def _link_card(post: Post, config: Config, title: str, label: str, towns: Sequence[str]) -> Picture | None:
    """For a post that our page shares as a link: Facebook would show a grey box. A sensitive page names nothing."""
    from veille import pictures

    if post.sensitive or _images(post) or not _shown_by(post, config, {"facebook"}):
        return None
    town = ", ".join(towns)
    return pictures.link_card(
        title=title, kind_label=label, town=town, brand=config.brand, kind=post.kind, root=config.root
    )


def _shown_by(post: Post, config: Config, channels: Set[str]) -> bool:
    """Whether it is for one of these channels."""
    return not channels.isdisjoint(config.channels if post.channels is None else post.channels)


def _picture(image: Image, config: Config) -> Picture:
    from veille import pictures

    return pictures.web(image, ground=config.brand.light.ground, root=config.root)


def _images(post: Post) -> tuple[Image, ...]:
    return ((post.image,) if post.image else ()) + post.images


def _shown_on(post: Post, now: datetime, config: Config) -> date:
    """The day on which readers first see it: its publication date, but not before `now`."""
    earliest = _moment(now, config).date()
    return max(_moment(post.publish_date, config).date(), earliest) if post.publish_date else earliest


def _moment(value: datetime | date, config: Config) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone(config.zone)
    return first_slot_on(value, (), config.zone)
