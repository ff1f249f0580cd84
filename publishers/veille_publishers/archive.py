"""What stands: the posts and editions of a feed or web channel that are due, newest first."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from veille.errors import RenderError
from veille.i18n import gettext as _
from veille.publishing import File, Publication, Rendition, Source
from veille.rendering import Contact, Picture, RenderedDirectory, RenderedEdition, RenderedPost
from veille.rendering.directory import PATH

# All but what XML 1.0 (5th edition), 2.2, lets a document hold and does not discourage (\u007f-\u0084, \u0086-\u009f,
# void in HTML). Halves of a pair are among it, which no UTF-8 file may hold.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\u007e\u0085\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SCHEMES = ("http", "https", "mailto", "tel", "sms")
_KINDS: Mapping[str, type[Source]] = {"post": RenderedPost, "edition": RenderedEdition, "directory": RenderedDirectory}
_SAFE_SLUG = re.compile(r"[\w-]+")
SHARED = "web"  # the channel whose pages people share: beside a link to them stands a picture


@dataclass(frozen=True, repr=False)
class Teaser:
    """What a list shows of a post, and nothing else: an edited body makes no list new.

    Args:
        pictures: the first one, or none.
    """

    source: str
    slug: str
    title: str
    summary: str
    lang: str
    kind: str
    kind_label: str
    date_words: str
    when_words: str
    towns: tuple[str, ...]
    urgent: bool
    sensitive: bool
    pictures: tuple[Picture, ...]

    @cached_property
    def mark(self) -> str:
        """A digest of all of it."""
        return digest([getattr(self, name) for name in self.__dataclass_fields__])

    def __repr__(self) -> str:  # by this a page that shows it is known
        return f"Teaser({self.mark})"


@dataclass(frozen=True, repr=False)
class Item:
    """One post that stands."""

    post: RenderedPost
    moment: datetime  # when it appeared, aware; the post's own date when an old post came in later
    sizes: Mapping[str, int] = field(default_factory=dict)  # picture name -> bytes

    @cached_property
    def mark(self) -> str:
        """A digest of all of it."""
        return digest([self.post, self.moment.isoformat(), sorted(self.sizes.items())])

    def __repr__(self) -> str:
        return f"Item({self.mark})"

    @cached_property
    def memo(self) -> dict[str, Any]:
        """What makers of pages worked out about it alone: kept as long as it does not change, in this process."""
        return {}

    @property
    def changed(self) -> datetime:
        """When it last changed; not the clock, so that the same posts give the same bytes."""
        updated = datetime.fromisoformat(self.post.updated) if self.post.updated else self.moment
        return max(self.moment, updated if updated.tzinfo else self.moment)

    @cached_property
    def teaser(self) -> Teaser:
        """What lists show of it."""
        names = [name for name in Teaser.__dataclass_fields__ if name != "pictures"]
        return Teaser(pictures=self.post.pictures[:1], **{name: getattr(self.post, name) for name in names})


@dataclass(frozen=True)
class Archive:
    """Everything that a site or feed is built from.

    Args:
        withdrawn: addresses such as "posts/bourse-velos/" whose page is no longer current.
        gone: sources of the posts behind them.
        helplines: the emergency block, from the directory when there is one, so that a corrected number reaches every
            page with it; else from the newest rendition that carries one; of what was taken down when nothing else
            does, because the page that says so carries it too.
        media: picture name -> file, of what stands only.
    """

    items: tuple[Item, ...] = ()
    editions: tuple[RenderedEdition, ...] = ()
    withdrawn: tuple[str, ...] = ()
    gone: frozenset[str] = frozenset()
    helplines: tuple[Contact, ...] = ()
    media: Mapping[str, File] = field(default_factory=dict)
    directory: RenderedDirectory | None = None


class Memory:
    """What was read of renditions before: the same rendition is taken apart once in the life of a publisher."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Rendition, Source]] = {}
        self._items: dict[int, Item] = {}

    def sources(self, standing: Sequence[Publication]) -> list[Source]:
        """The source in each publication; those that no longer stand are forgotten."""
        before, self._known = self._known, {}
        for rendition in (publication.rendition for publication in standing):
            kept = before.get(id(rendition))  # kept alive here, so that its id is its own
            again = kept is not None and kept[0] is rendition
            self._known[id(rendition)] = kept if kept and again else (rendition, _source(rendition))
        return [self._known[id(publication.rendition)][1] for publication in standing]

    def items(self, made: Sequence[Item]) -> list[Item]:
        """The items, those of before where they are the same: their digests are known."""
        before, self._items = self._items, {}
        for item in made:
            kept = before.get(id(item.post))
            again = kept is not None and kept.post is item.post and kept.moment == item.moment
            self._items[id(item.post)] = kept if kept and again else item
        return [self._items[id(item.post)] for item in made]


def digest(shown: object) -> str:
    """A short digest of a value by its `repr`, the same in every process for what has a fixed order."""
    return hashlib.sha256(repr(shown).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def clean(text: str) -> str:
    """The text without characters that XML and UTF-8 do not know."""
    return _ILLEGAL.sub("", text)


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
    kept = _without_others(source, channel)
    name = next(name for name, kind in _KINDS.items() if isinstance(kept, kind))
    payload = {"type": name, "item": kept.to_json()}
    return Rendition(channel=channel, payload=payload, files=tuple(_files(pictures_of(kept))))


def pictures_of(source: Source) -> list[Picture]:
    """The pictures that a page shows, each once, in order."""
    if isinstance(source, RenderedPost):
        return [*source.pictures, *([source.card] if source.card else [])]
    if isinstance(source, RenderedDirectory):
        return []
    own = [source.picture] if source.picture else []
    return list({p.name: p for p in [*own, *(p for post in source.posts for p in post.pictures)]}.values())


def _source(rendition: Rendition) -> Source:
    """The post, edition or directory in a rendition."""
    payload: Mapping[str, Any] = rendition.payload
    return _KINDS[payload["type"]].from_json(payload["item"])


def address(source: Source) -> str:
    """Where its page lies, relative to the site: "posts/bourse-velos/"."""
    if isinstance(source, RenderedDirectory):
        return PATH
    return f"{'posts' if isinstance(source, RenderedPost) else 'editions'}/{source.slug}/"


def read(standing: Sequence[Publication], backlog: timedelta, memory: Memory | None = None) -> Archive:
    """Sort out what stands.

    When two publications claim one address, the one that stands wins over a withdrawn one, then the newer one.

    Args:
        standing: from the journal, withdrawn ones included.
        backlog: a post dated longer than this before it appeared shows its own date, so that an archive
            brought in at once keeps its order.
        memory: of the publisher that reads again and again.
    """
    memory = memory or Memory()
    ranked = sorted(standing, key=lambda p: (p.withdrawn, -p.due.timestamp(), p.id))
    pages: dict[str, tuple[Publication, Source]] = {}
    for publication, source in zip(ranked, memory.sources(ranked), strict=True):
        pages.setdefault(address(source), (publication, source))
    shown = [(p, s) for p, s in pages.values() if not p.withdrawn]
    items = memory.items([_item(p, s, backlog) for p, s in shown if isinstance(s, RenderedPost)])
    editions = [s for _p, s in shown if isinstance(s, RenderedEdition)]
    gone = _gone(pages.values())
    directory = next((s for _p, s in shown if isinstance(s, RenderedDirectory)), None)
    block = (directory,) if directory else (s for _p, s in pages.values())  # what stands comes first
    return Archive(
        items=tuple(sorted(items, key=lambda i: (-i.moment.timestamp(), i.post.slug))),
        editions=tuple(sorted(editions, key=lambda e: (-datetime.fromisoformat(e.date).timestamp(), e.slug))),
        withdrawn=tuple(sorted(where for where, (p, _s) in pages.items() if p.withdrawn and where != PATH)),
        gone=gone,
        helplines=next((s.helplines for s in block if s.helplines), ()),
        media=_media(shown, gone),
        directory=directory,
    )


def alone(rendition: Rendition) -> Archive:
    """An archive of one post, of one edition with the posts that it holds, or of the directory."""
    source = _source(rendition)
    if isinstance(source, RenderedDirectory):
        return Archive(helplines=source.helplines, directory=source)
    posts = (source,) if isinstance(source, RenderedPost) else source.posts
    return Archive(
        items=tuple(Item(post, datetime.fromisoformat(post.date), {}) for post in posts),
        editions=(source,) if isinstance(source, RenderedEdition) else (),
        helplines=source.helplines,
    )


def _plain(post: RenderedPost) -> RenderedPost:
    """Without the texts of other channels and languages: editing those is no edit of this page."""
    kept = replace(post, subject="", preheader="", flowing="", hashtags=(), words={}, card=None)
    kept = replace(kept, instagram_caption="", instagram_comment="", instagram_pictures=())
    return replace(kept, facebook_text="", facebook_comment="")


def _without_others(source: Source, channel: str) -> Source:
    if isinstance(source, RenderedPost):
        return replace(_plain(source), card=source.card if channel == SHARED else None)
    if isinstance(source, RenderedDirectory):
        return source
    return replace(source, posts=tuple(_plain(post) for post in source.posts), words={})


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


def _media(shown: Iterable[tuple[Publication, Source]], gone: frozenset[str]) -> Mapping[str, File]:
    """Pictures of what stands. Those of a withdrawn post go, also out of the editions that held it."""
    media: dict[str, File] = {}
    for publication, source in shown:
        if not publication.rendition.files:
            continue
        if isinstance(source, RenderedEdition):
            source = replace(source, posts=tuple(p for p in source.posts if p.source not in gone))
        wanted = {picture.name for picture in pictures_of(source)}
        media |= {f.name: f for f in publication.rendition.files if f.name in wanted}
    return media
