"""What stands: the posts and editions of a feed or web channel that are due, newest first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from veille.errors import RenderError
from veille.i18n import gettext as _
from veille.publishing import File, Publication, Rendition, Source
from veille.rendering import Contact, Picture, RenderedEdition, RenderedPost

# XML 1.0 (5th edition), 2.2: what a document may hold. Also leaves out halves of a pair, which no UTF-8 file may hold.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CONTROL = re.compile("[\u007f-\u0084\u0086-\u009f]")  # legal in XML 1.0, but discouraged there and void in HTML
_SCHEMES = ("http", "https", "mailto", "tel", "sms")
_SAFE_SLUG = re.compile(r"[\w-]+")


@dataclass(frozen=True)
class Item:
    """One post that stands."""

    post: RenderedPost
    moment: datetime  # when it appeared, aware; the post's own date when an old post came in later
    sizes: Mapping[str, int] = field(default_factory=dict)  # picture name -> bytes


@dataclass(frozen=True)
class Archive:
    """Everything that a site or feed is built from.

    Args:
        withdrawn: addresses such as "posts/bourse-velos/" whose page is no longer current.
        gone: sources of the posts behind them.
        helplines: the emergency block, from the newest rendition that carries one; of what was taken down when nothing
            else does, because the page that says so carries it too.
        media: picture name -> bytes, of what stands only.
    """

    items: tuple[Item, ...] = ()
    editions: tuple[RenderedEdition, ...] = ()
    withdrawn: tuple[str, ...] = ()
    gone: frozenset[str] = frozenset()
    helplines: tuple[Contact, ...] = ()
    media: Mapping[str, bytes] = field(default_factory=dict)


def clean(text: str) -> str:
    """The text without characters that XML and UTF-8 do not know."""
    return _CONTROL.sub("", _ILLEGAL.sub("", text))


def outside(url: str) -> str:
    """An address that a page may link to; empty when a browser could run it."""
    return url if url.partition(":")[0].strip().lower() in _SCHEMES else ""


def rendition(channel: str, source: Source) -> Rendition:
    """The frozen form of a post or edition for a feed or web channel, with the bytes of its pictures.

    Raises:
        RenderError: its slug cannot be part of an address, or a picture has no bytes.
    """
    if not _SAFE_SLUG.fullmatch(source.slug):
        raise RenderError(
            _("{slug!r} cannot be part of a web address").format(slug=source.slug),
            hint=_("write a slug of letters, digits and hyphens in the front matter of {source}").format(
                source=source.source
            ),
        )
    is_post = isinstance(source, RenderedPost)
    kept = _plain(source) if isinstance(source, RenderedPost) else _without_others(source)
    payload = {"type": "post" if is_post else "edition", "item": kept.to_json()}
    return Rendition(channel=channel, payload=payload, files=tuple(_files(pictures_of(kept))))


def pictures_of(source: Source) -> list[Picture]:
    """The pictures that a page shows, each once, in order."""
    if isinstance(source, RenderedPost):
        return list(source.pictures)
    own = [source.picture] if source.picture else []
    return list({p.name: p for p in [*own, *(p for post in source.posts for p in post.pictures)]}.values())


def item_of(publication: Publication) -> Source:
    """The post or edition in a publication's rendition."""
    payload: Mapping[str, Any] = publication.rendition.payload
    kind = RenderedPost if payload["type"] == "post" else RenderedEdition
    return kind.from_json(payload["item"])


def address(source: Source) -> str:
    """Where its page lies, relative to the site: "posts/bourse-velos/"."""
    return f"{'posts' if isinstance(source, RenderedPost) else 'editions'}/{source.slug}/"


def read(standing: Sequence[Publication], backlog: timedelta) -> Archive:
    """Sort out what stands.

    When two publications claim one address, the one that stands wins over a withdrawn one, then the newer one.

    Args:
        standing: from the journal, withdrawn ones included.
        backlog: a post dated longer than this before it appeared shows its own date, so that an archive
            brought in at once keeps its order.
    """
    ranked = sorted(standing, key=lambda p: (p.withdrawn, -p.due.timestamp(), p.id))
    pages: dict[str, tuple[Publication, Source]] = {}
    for publication in ranked:
        source = item_of(publication)
        pages.setdefault(address(source), (publication, source))
    shown = [(p, s) for p, s in pages.values() if not p.withdrawn]
    items = [_item(p, s, backlog) for p, s in shown if isinstance(s, RenderedPost)]
    editions = [s for _p, s in shown if isinstance(s, RenderedEdition)]
    gone = _gone(pages.values())
    return Archive(
        items=tuple(sorted(items, key=lambda i: (-i.moment.timestamp(), i.post.slug))),
        editions=tuple(sorted(editions, key=lambda e: (-datetime.fromisoformat(e.date).timestamp(), e.slug))),
        withdrawn=tuple(sorted(where for where, (p, _s) in pages.items() if p.withdrawn)),
        gone=gone,
        helplines=next((s.helplines for _p, s in pages.values() if s.helplines), ()),  # what stands comes first
        media=_media(shown, gone),
    )


def alone(rendition: Rendition) -> Archive:
    """An archive of one post, or of one edition with the posts that it holds."""
    kind = RenderedPost if rendition.payload["type"] == "post" else RenderedEdition
    source: Source = kind.from_json(rendition.payload["item"])
    posts = (source,) if isinstance(source, RenderedPost) else source.posts
    return Archive(
        items=tuple(Item(post, datetime.fromisoformat(post.date), {}) for post in posts),
        editions=(source,) if isinstance(source, RenderedEdition) else (),
        helplines=source.helplines,
    )


def _plain(post: RenderedPost) -> RenderedPost:
    """Without the texts of other channels and languages: editing those is no edit of this page."""
    kept = replace(post, subject="", preheader="", facebook_text="", hashtags=(), words={})
    return replace(kept, instagram_caption="", instagram_pictures=())


def _without_others(edition: RenderedEdition) -> RenderedEdition:
    return replace(edition, posts=tuple(_plain(post) for post in edition.posts), words={})


def _files(pictures: Iterable[Picture]) -> Iterable[File]:
    for picture in pictures:
        if not picture.content:
            raise RenderError(_("the picture {name} has no content").format(name=picture.name))
        yield File(picture.name, "image/jpeg", picture.content)


def _item(publication: Publication, post: RenderedPost, backlog: timedelta) -> Item:
    appeared = publication.first_due or publication.due
    dated = datetime.fromisoformat(post.date) if post.date else appeared
    dated = dated if dated.tzinfo else dated.replace(tzinfo=UTC)
    moment = dated if dated < appeared - backlog else appeared
    return Item(post, moment, {f.name: len(f.content) for f in publication.rendition.files})


def _gone(pages: Iterable[tuple[Publication, Source]]) -> frozenset[str]:
    posts = [(p.withdrawn, s.source) for p, s in pages if isinstance(s, RenderedPost)]
    return frozenset(s for withdrawn, s in posts if withdrawn) - {s for withdrawn, s in posts if not withdrawn}


def _media(shown: Iterable[tuple[Publication, Source]], gone: frozenset[str]) -> Mapping[str, bytes]:
    """Pictures of what stands. Those of a withdrawn post go, also out of the editions that held it."""
    media: dict[str, bytes] = {}
    for publication, source in shown:
        if isinstance(source, RenderedEdition):
            source = replace(source, posts=tuple(p for p in source.posts if p.source not in gone))
        wanted = {picture.name for picture in pictures_of(source)}
        media |= {f.name: f.content for f in publication.rendition.files if f.name in wanted}
    return media
