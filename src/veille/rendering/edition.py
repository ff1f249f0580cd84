"""Editions made ready for the letter and for their pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from veille.editions import Edition
from veille.posts import Image, Post
from veille.rendering import contacts, labels
from veille.rendering.rendered import RenderedEdition, RenderedPost
from veille.rendering.subjects import preheader_of, subject_of
from veille.rendering.texts import again, document_of, local, picture_of
from veille.timetable import day_in_words
from veille.typography import french

if TYPE_CHECKING:
    from veille.config import Config
    from veille.library import Library


@dataclass(frozen=True)
class Cover:
    """What an edition shows besides its posts.

    Args:
        intro: Markdown.
        lang: "" for the newsroom's.
        file, line: where the intro stands, for findings; none for an edition gathered by cadence.
        titles: the title in other languages, when it is our own words and nobody's.
    """

    source: str
    slug: str
    title: str
    subject: str = ""
    preheader: str = ""
    intro: str = ""
    lang: str = ""
    image: Image | None = None
    file: str = ""
    line: int = 1
    titles: Mapping[str, str] = field(default_factory=dict, hash=False)


def render_edition(
    cover: Cover,
    posts: Sequence[RenderedPost],
    library: Library,
    config: Config,
    *,
    due: datetime,
    day: date | None = None,
) -> RenderedEdition:
    """Make an edition ready, from posts that are (also as they come back from the outbox).

    The subject of an edition made by hand is its own, else its title; that of a gathered one is its first headline.
    The preheader defaults to the words of the first posts. A sensitive post never gives either, because they show on
    a locked screen.

    Args:
        posts: in reading order.
        due: aware; the moment that the edition leaves.
        day: on which readers see it, for the hours of help lines; that of `due` by default.

    Raises:
        ContentError: the intro holds what a post may not hold.
        RenderError: its picture cannot be read.
    """
    made = _without_subject(cover, posts, library, config, local(due, config), day)
    chosen = subject_of(made, posts)
    return replace(made, subject=chosen, preheader=preheader_of(made, posts, chosen))


def _without_subject(
    cover: Cover,
    posts: Sequence[RenderedPost],
    library: Library,
    config: Config,
    moment: datetime,
    day: date | None,
) -> RenderedEdition:
    from veille import markdown

    workspace = config.settings.workspace
    lang, day = cover.lang or workspace.language, day or moment.date()
    intro = document_of(cover.intro, library, config, day=day, lang=lang, file=cover.file, line=cover.line)
    html, title = markdown.to_html(intro), french(cover.title, lang)

    def elsewhere(tongue: str) -> dict[str, str]:
        own = {"title": french(cover.titles[tongue], tongue)} if tongue in cover.titles else {}
        words = {"date_words": day_in_words(moment.date(), tongue)}
        return words | own | again(intro, lang, tongue, {"intro_html": html})

    return RenderedEdition(
        source=cover.source,
        slug=cover.slug,
        title=title,
        subject="",
        preheader="",
        lang=lang,
        date=moment.isoformat(timespec="seconds"),
        date_words=day_in_words(moment.date(), workspace.language),
        url=f"{workspace.base_url}/editions/{cover.slug}/",
        intro_html=html,
        intro_text=markdown.to_text(intro),
        posts=tuple(posts),
        helplines=contacts.help_table(library, day),
        picture=picture_of(cover.image, config) if cover.image else None,
        own_subject=french(cover.subject, lang) or (title if cover.file else ""),
        own_preheader=french(cover.preheader, lang),
        words=labels.elsewhere(workspace.language, elsewhere),
    )


def render_file(
    source: Post | Edition,
    posts: Sequence[RenderedPost],
    library: Library,
    config: Config,
    *,
    due: datetime,
    day: date | None = None,
) -> RenderedEdition:
    """The edition of a file: of `content/editions/`, or the letter that one post alone would make.

    Args:
        posts: its members, or the post alone.
        due, day: as in `render_edition`.

    Raises:
        ContentError, RenderError: as in `render_edition`.
    """
    return render_edition(_cover_of(source), posts, library, config, due=due, day=day)


def _cover_of(source: Post | Edition) -> Cover:
    if isinstance(source, Post):
        return Cover(source.source, source.slug, source.title, lang=source.lang)
    return Cover(
        source=source.source,
        slug=source.slug,
        title=source.title,
        subject=source.subject,
        preheader=source.preheader,
        intro=source.body,
        lang=source.lang,
        image=source.image,
        file=source.file,
        line=source.body_line,
    )
