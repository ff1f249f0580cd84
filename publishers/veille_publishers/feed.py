"""The feeds: RSS 2.0 and JSON Feed 1.1 of the newest posts, in full; of all, and of each town, category and audience.

feedgen 1.0.0 writes the XML. What it gets wrong if asked in the wrong order, each pinned by a test:
the channel's <link> is the last link added, entries are prepended, guid is no permalink unless said so,
lastBuildDate defaults to now, characters that XML does not know raise, and the link to a hub is lost.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, ClassVar

from feedgen.feed import FeedGenerator
from lxml import etree

from veille.i18n import gettext as _
from veille.posts import Audience
from veille.publishing import Proof, Publication, Rendition, Source
from veille.rendering import RenderedPost, labels
from veille_publishers import shelves, websub
from veille_publishers.archive import Archive, Item, alone, clean, digest, outside
from veille_publishers.files import Piece
from veille_publishers.folder import FolderPublisher

RSS_FILE = "feed.xml"
JSON_FILE = "feed.json"
_KEPT = 2_000  # contents kept in memory between two rewritings
JSON_FEED = "https://jsonfeed.org/version/1.1"


_ATOM = "{http://www.w3.org/2005/Atom}link"


@dataclass(frozen=True)
class Line:
    """One feed, before it is written.

    Args:
        folder: "towns/bagneux/", "" for the feed of everything; its page lies there too.
    """

    folder: str
    name: str
    about: str
    items: tuple[Item, ...]


class Feed(FolderPublisher):
    """Keeps feed.xml and feed.json of everything and of each shelf, and the pictures that they name."""

    kind: ClassVar[str] = "feed"

    def render(self, source: Source) -> Rendition | None:
        """Posts are items; an edition is not, because its posts are in the feed already."""
        return super().render(source) if isinstance(source, RenderedPost) else None

    def proof(self, rendition: Rendition) -> Proof:
        """The item, as a feed reader shows it."""
        post = RenderedPost.from_json(rendition.payload["item"])
        html = self._filled(post, Archive())
        return Proof(heading=_title(post), html=html, text=clean(post.summary), weight=len(html.encode()))

    def item(self, rendition: Rendition) -> Mapping[str, Any]:
        """The item of one post as JSON Feed has it."""
        archive = alone(rendition)
        return self._json_item(archive.items[0], archive)

    def pieces(self, standing: Sequence[Publication]) -> Sequence[Piece]:
        """Pictures first, then the feeds that name them. A feed without posts stands too: people may follow it."""
        archive = self.archive(standing)
        lines = list(self._lines(archive))
        shown = {picture.name for line in lines for item in line.items for picture in item.post.pictures}
        media = ((name, file) for name, file in archive.media.items() if name in shown)
        pictures = [Piece(f"media/{name}", name, partial(getattr, file, "content")) for name, file in media]
        return [*pictures, *(piece for line in lines for piece in self._both(line, archive))]

    def wrote(self, names: frozenset[str]) -> None:
        """Tell the hub which feeds changed."""
        hub = self.config.settings.feed.hub
        if self.live and hub:
            topics = [self._url(name) for name in sorted(names) if name.endswith((RSS_FILE, JSON_FILE))]
            websub.tell(hub, topics, self.context.http, self.folder)

    def _lines(self, archive: Archive) -> Iterator[Line]:
        name, most = clean(self.config.brand.name), self.config.settings.feed.items
        about = clean(self.config.brand.tagline) or _("News from {name}").format(name=name)
        yield Line("", name, about, archive.items[:most])
        for shelf in (*self._always(archive), *shelves.categories(archive.items)):
            title = clean(f"{name} – {shelf.name}")
            yield Line(shelf.path, title, _("News from {name}").format(name=title), shelf.items[:most])

    def _always(self, archive: Archive) -> Iterator[shelves.Shelf]:
        """Towns and audiences: known beforehand, so that their feeds can be followed before the first post."""
        found = {shelf.path: shelf for shelf in shelves.towns(archive.items, self.config.towns)}
        found |= {shelf.path: shelf for shelf in shelves.audiences(archive.items)}
        names = {f"towns/{slug}/": name for slug, name in self.config.towns.items()}
        names |= {f"audiences/{audience.value}/": labels.audience_label(audience) for audience in Audience}
        yield from (found.get(path) or shelves.Shelf(path, name, ()) for path, name in names.items())

    def _both(self, line: Line, archive: Archive) -> Iterator[Piece]:
        mark = digest([self.surroundings, line, archive.helplines])
        yield Piece(f"{line.folder}{RSS_FILE}", mark, partial(self._rss, line, archive))
        yield Piece(f"{line.folder}{JSON_FILE}", mark, partial(self._json, line, archive))

    def _rss(self, line: Line, archive: Archive) -> bytes:
        feed = FeedGenerator()
        feed.load_extension("dc", rss=True, atom=False)
        feed.title(line.name)
        feed.description(line.about)
        feed.language(self.config.settings.workspace.language)
        feed.generator("veille")
        feed.ttl(60)  # minutes
        feed.link(href=self._url(f"{line.folder}{RSS_FILE}"), rel="self", type="application/rss+xml")
        feed.link(href=self._url(line.folder), rel="alternate")  # last: feedgen makes it the channel's <link>
        if line.items:
            feed.lastBuildDate(max(item.changed for item in line.items))
        for item in line.items:
            self._entry(feed.add_entry(order="append"), item, archive)
        return _finished(feed.rss_str(), keep_date=bool(line.items), hub=self.config.settings.feed.hub)

    def _entry(self, entry: Any, item: Item, archive: Archive) -> None:
        post = item.post
        entry.title(_title(post))
        entry.link(href=post.url)
        entry.guid(post.url, permalink=True)
        entry.description(html.escape(clean(post.summary).strip() or _title(post), quote=False))
        entry.content(self._content(item, archive))
        entry.published(item.moment.astimezone(self.config.zone))
        if author := clean(post.author).strip():
            entry.dc.dc_creator(author)
        for word in _words(post):
            entry.category({"term": word})
        if picture := next(iter(post.pictures), None):
            entry.enclosure(self._media(picture.name), str(item.sizes[picture.name]), "image/jpeg")

    def _json(self, line: Line, archive: Archive) -> bytes:
        hub = self.config.settings.feed.hub
        feed = {
            "version": JSON_FEED,
            "title": line.name,
            "description": line.about,
            "home_page_url": self._url(line.folder),
            "feed_url": self._url(f"{line.folder}{JSON_FILE}"),
            "language": self.config.settings.workspace.language,
            **({"hubs": [{"type": "WebSub", "url": hub}]} if hub else {}),
            "items": [self._json_item(item, archive) for item in line.items],
        }
        return json.dumps(feed, ensure_ascii=False, indent=1).encode() + b"\n"

    def _json_item(self, item: Item, archive: Archive) -> dict[str, Any]:
        post = item.post
        values = {
            "id": post.url,
            "url": post.url,
            "title": _title(post),
            "summary": clean(post.summary),
            "content_html": self._content(item, archive),
            "image": next((self._media(picture.name) for picture in post.pictures), ""),
            "date_published": item.moment.astimezone(self.config.zone).isoformat(),
            "date_modified": post.updated,
            "authors": [{"name": author}] if (author := clean(post.author).strip()) else [],
            "tags": list(_words(post)),
            "language": post.lang,
        }
        return {key: value for key, value in values.items() if value}

    def _content(self, item: Item, archive: Archive) -> str:
        """As `_filled`; made once for all the feeds that show the post."""
        key = item.mark, archive.helplines if item.post.sensitive else ()
        if key not in self._contents:
            if len(self._contents) > _KEPT:
                self._contents.clear()
            self._contents[key] = self._filled(item.post, archive)
        return self._contents[key]

    @cached_property
    def _contents(self) -> dict[tuple[object, ...], str]:
        return {}

    def _filled(self, post: RenderedPost, archive: Archive) -> str:
        """The whole post as HTML with absolute addresses; a sensitive one ends with the emergency block."""
        helplines = (archive.helplines or post.helplines) if post.sensitive else ()
        values = {"post": post, "helplines": helplines, "outside": outside}
        return clean(self.context.templates.render("web/feed_item.html.j2", **values)).strip()

    def _url(self, path: str) -> str:
        return f"{self.config.settings.workspace.base_url}/{path}"

    def _media(self, name: str) -> str:
        return self._url(f"media/{name}")


def _title(post: RenderedPost) -> str:
    """Never empty: an item without a title is shown as a blank line by many readers."""
    return clean(post.title).strip() or post.slug


def _words(post: RenderedPost) -> Sequence[str]:
    """Kind, categories, towns and tags, each once."""
    words = [clean(word).strip() for word in (post.kind_label, *post.categories, *post.towns, *post.tags)]
    return tuple(dict.fromkeys(word for word in words if word))


def _finished(xml: bytes, *, keep_date: bool, hub: str) -> bytes:
    """Set out the XML in lines, with the link to the hub. An empty feed has no date; feedgen puts in the clock's."""
    root = etree.fromstring(xml)
    channel = root[0]
    if not keep_date:
        channel.remove(channel.find("lastBuildDate"))
    if hub:
        own = channel.find(_ATOM)
        own.addnext(etree.Element(_ATOM, href=hub, rel="hub"))
    result: bytes = etree.tostring(root, pretty_print=True, encoding="UTF-8", xml_declaration=True)
    return result
