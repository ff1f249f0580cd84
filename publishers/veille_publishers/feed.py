"""The feed: RSS 2.0 and JSON Feed 1.1 of the newest posts, in full.

feedgen 1.0.0 writes the XML. What it gets wrong if asked in the wrong order, each pinned by a test:
the channel's <link> is the last link added, entries are prepended, guid is no permalink unless said so,
lastBuildDate defaults to now, and characters that XML does not know raise.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from feedgen.feed import FeedGenerator
from lxml import etree

from veille.i18n import gettext as _
from veille.publishing import Proof, Publication, Rendition, Source
from veille.rendering import RenderedPost
from veille_publishers.archive import Archive, Item, clean, outside, read
from veille_publishers.folder import FolderPublisher

RSS_FILE = "feed.xml"
JSON_FILE = "feed.json"
JSON_FEED = "https://jsonfeed.org/version/1.1"


class Feed(FolderPublisher):
    """Keeps feed.xml and feed.json, and the pictures that they name."""

    kind: ClassVar[str] = "feed"

    def render(self, source: Source) -> Rendition | None:
        """Posts are items; an edition is not, because its posts are in the feed already."""
        return super().render(source) if isinstance(source, RenderedPost) else None

    def proof(self, rendition: Rendition) -> Proof:
        """The item, as a feed reader shows it."""
        post = RenderedPost.from_json(rendition.payload["item"])
        html = self._content(post, Archive())
        return Proof(heading=_title(post), html=html, text=clean(post.summary), weight=len(html.encode()))

    def build(self, standing: Sequence[Publication]) -> Mapping[str, bytes]:
        """Both feeds, with the pictures of the items in them."""
        archive = read(standing, self.config.settings.workspace.backlog)
        items = archive.items[: self.config.settings.feed.items]
        shown = {picture.name for item in items for picture in item.post.pictures}
        return {
            RSS_FILE: self._rss(items, archive),
            JSON_FILE: self._json(items, archive),
            **{f"media/{name}": content for name, content in archive.media.items() if name in shown},
        }

    def _rss(self, items: Sequence[Item], archive: Archive) -> bytes:
        feed = FeedGenerator()
        feed.load_extension("dc", rss=True, atom=False)
        feed.title(self._name())
        feed.description(self._about())
        feed.language(self.config.settings.workspace.language)
        feed.generator("veille")
        feed.ttl(60)  # minutes
        feed.link(href=self._url(RSS_FILE), rel="self", type="application/rss+xml")
        feed.link(href=self._url(""), rel="alternate")  # last: feedgen makes it the channel's <link>
        if items:
            feed.lastBuildDate(max(_changed(item) for item in items))
        for item in items:
            self._entry(feed.add_entry(order="append"), item, archive)
        return _without_now(feed.rss_str(), keep_date=bool(items))

    def _entry(self, entry: Any, item: Item, archive: Archive) -> None:
        post = item.post
        entry.title(_title(post))
        entry.link(href=post.url)
        entry.guid(post.url, permalink=True)
        entry.description(html.escape(clean(post.summary).strip() or _title(post), quote=False))
        entry.content(self._content(post, archive))
        entry.published(item.moment.astimezone(self.config.zone))
        if author := clean(post.author).strip():
            entry.dc.dc_creator(author)
        for word in _words(post):
            entry.category({"term": word})
        if picture := next(iter(post.pictures), None):
            entry.enclosure(self._media(picture.name), str(item.sizes[picture.name]), "image/jpeg")

    def _json(self, items: Sequence[Item], archive: Archive) -> bytes:
        feed = {
            "version": JSON_FEED,
            "title": self._name(),
            "description": self._about(),
            "home_page_url": self._url(""),
            "feed_url": self._url(JSON_FILE),
            "language": self.config.settings.workspace.language,
            "items": [self._json_item(item, archive) for item in items],
        }
        return json.dumps(feed, ensure_ascii=False, indent=1).encode() + b"\n"

    def _json_item(self, item: Item, archive: Archive) -> dict[str, Any]:
        post = item.post
        values = {
            "id": post.url,
            "url": post.url,
            "title": _title(post),
            "summary": clean(post.summary),
            "content_html": self._content(post, archive),
            "image": next((self._media(picture.name) for picture in post.pictures), ""),
            "date_published": item.moment.astimezone(self.config.zone).isoformat(),
            "date_modified": post.updated,
            "authors": [{"name": author}] if (author := clean(post.author).strip()) else [],
            "tags": list(_words(post)),
            "language": post.lang,
        }
        return {key: value for key, value in values.items() if value}

    def _content(self, post: RenderedPost, archive: Archive) -> str:
        """The whole post as HTML with absolute addresses; a sensitive one ends with the emergency block."""
        helplines = (archive.helplines or post.helplines) if post.sensitive else ()
        values = {"post": post, "helplines": helplines, "outside": outside}
        return clean(self.context.templates.render("web/feed_item.html.j2", **values)).strip()

    def _name(self) -> str:
        return clean(self.config.brand.name)

    def _about(self) -> str:
        return clean(self.config.brand.tagline) or _("News from {name}").format(name=self._name())

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


def _changed(item: Item) -> datetime:
    """When an item last changed; not the clock, so that the same items give the same bytes."""
    updated = datetime.fromisoformat(item.post.updated) if item.post.updated else item.moment
    return max(item.moment, updated if updated.tzinfo else item.moment)


def _without_now(xml: bytes, *, keep_date: bool) -> bytes:
    """Set out the XML in lines; an empty feed has no date of its own, and feedgen would put in the clock's."""
    root = etree.fromstring(xml)
    channel = root[0]
    if not keep_date:
        channel.remove(channel.find("lastBuildDate"))
    result: bytes = etree.tostring(root, pretty_print=True, encoding="UTF-8", xml_declaration=True)
    return result
