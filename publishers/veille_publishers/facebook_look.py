"""Is our post on the page? A look at every list in which it may be, by its words, and at one post by its id.

Rules: a post is ours when its words are, it was made since our first attempt, no other delivery of ours has its id,
and, where Facebook shows them, app, link and number of pictures agree. What cannot be told is never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from veille.errors import PublishError, RateLimited, Unavailable
from veille.i18n import gettext as _
from veille_publishers import graph_errors, social
from veille_publishers.facebook_calls import FIELDS, MORE, list_call, post_call
from veille_publishers.graph import Graph, web_address
from veille_publishers.graph_table import TABLE

# In this order: a post whose time comes between two reads moves from the first list to the second, never back.
EDGES = ("scheduled_posts", "published_posts", "feed")
GONE = TABLE[100, 33]  # no such post, or no permission to see it, or an outage: Meta says the same for all three


@dataclass(frozen=True)
class Wanted:
    """What is looked for.

    Args:
        texts: `social.prints` of the words under which it may be there.
        photos: how many pictures.
        link: its link card; "" when it has pictures.
        since: of the first attempt, less the clocks' difference.
        taken: ids of our other posts.
        app_id: of our app; "" when it is not known.
    """

    texts: frozenset[str]
    photos: int
    link: str
    since: datetime
    taken: frozenset[str] = frozenset()
    app_id: str = ""


@dataclass(frozen=True)
class Sight:
    """One post as Facebook shows it.

    Args:
        at: when it was made, or when Facebook shows it.
        public: whether visitors see it.
        scheduled: when Facebook makes it public by itself; None: not at all.
        others: how many more of ours there are.
    """

    id: str
    at: datetime
    public: bool
    scheduled: datetime | None = None
    url: str = ""
    others: int = 0


@dataclass(frozen=True)
class Page:
    """What can be seen of one page."""

    graph: Graph = field(repr=False)
    id: str

    def post(self, post: str) -> Sight | None:
        """One post by its id; None: Facebook says that there is none (which may be untrue).

        Raises:
            PublishError: it cannot be read.
        """
        try:
            return _sight(self.graph.call(post_call(post)))
        except PublishError as error:
            if graph_errors.rule_of(error) == GONE:
                return None
            raise

    def lists(self, post: str, since: datetime) -> bool:
        """Whether any list still has a post, whatever Facebook says when it is asked for by its id.

        Raises:
            PublishError: a list cannot be read.
        """
        return any(str(row.get("id")) == post for edge in EDGES for _at, row in self._rows(edge, since))

    def find(self, wanted: Wanted) -> Sight | None:
        """Our post: the oldest one, when there are several. None: it is provably not there.

        Raises:
            PublishError: a list cannot be read, or nobody can tell whether what was found is ours.
        """
        found: dict[str, Sight] = {}
        for edge in EDGES:
            for at, row in self._rows(edge, wanted.since):
                sight = _sight(row, at)
                same = social.prints(str(row.get("message", ""))) & wanted.texts
                if same and at >= wanted.since and sight.id not in wanted.taken and (sight.public or sight.scheduled):
                    found[sight.id] = sight
        return self._ours(sorted(found.values(), key=lambda sight: sight.at), wanted)

    def _ours(self, found: Sequence[Sight], wanted: Wanted) -> Sight | None:
        judged = [(sight, self._agrees(sight, wanted)) for sight in found]
        ours = [sight for sight, agrees in judged if agrees]
        if not ours and any(agrees is None for _sight, agrees in judged):
            raise Unavailable(
                _("a post with the same words, but another link or other pictures, is on the page"),
                detail=", ".join(sight.id for sight, _agrees in judged),
            )
        if not ours:
            return None
        first = ours[0]
        return Sight(first.id, first.at, first.public, first.scheduled, first.url, len(ours) - 1)

    def _agrees(self, sight: Sight, wanted: Wanted) -> bool | None:
        """Whether a post with our words is ours: True, False (another app's), or None when it looks different.

        Attachments are an edge of their own, which may fail where the lists do not: then they say nothing.
        """
        shown: Mapping[str, Any] = {}
        with suppress(Unavailable):
            shown = self._more(sight)
        app = shown.get("application")
        if wanted.app_id and isinstance(app, dict) and app.get("id") and str(app["id"]) != wanted.app_id:
            return False
        items = list(_items(shown.get("attachments")))
        photos = sum("photo" in (item.get("type"), item.get("media_type")) for item in items)
        links = [str(item.get("unshimmed_url") or item.get("url") or "") for item in items if _is_link(item)]
        if not items:
            return True
        if photos != wanted.photos and not links:
            return None
        return True if not links or (wanted.link and _same_place(links[0], wanted.link)) else None

    def _more(self, sight: Sight) -> Mapping[str, Any]:
        try:
            return self.graph.call(post_call(sight.id, f"{FIELDS},{MORE}"))
        except (Unavailable, RateLimited):
            raise
        except PublishError as error:  # a permission for this alone
            raise Unavailable(error.message, detail=error.detail) from None

    def _rows(self, edge: str, since: datetime) -> Iterator[tuple[datetime, Mapping[str, Any]]]:
        """The posts of a list with their times, back to the first page on which all are older."""
        for rows in self.graph.pages(list_call(self.id, edge)):
            times = [social.moment(row.get("created_time")) for row in rows]
            yield from zip(times, rows, strict=True)
            if times and max(times) < since:
                return


def _sight(row: Mapping[str, Any], at: datetime | None = None) -> Sight:
    scheduled = _seconds(row.get("scheduled_publish_time"))
    public = row.get("is_published") is not False and not (scheduled and row.get("is_published") is None)
    made = at or social.moment(row.get("created_time"))
    url = web_address(row.get("permalink_url")) or f"https://www.facebook.com/{row['id']}"
    return Sight(str(row["id"]), made, public, None if public else scheduled, url)


def _seconds(value: Any) -> datetime | None:
    """A time as Meta gives it on reads: seconds since 1970, or ISO 8601."""
    if not value:
        return None
    try:
        return datetime.fromtimestamp(float(value), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return social.moment(value)


def _items(attachments: Any) -> Iterator[Mapping[str, Any]]:
    """What is attached, albums opened."""
    rows = attachments.get("data") if isinstance(attachments, dict) else None
    for item in rows if isinstance(rows, list) else ():
        if isinstance(item, dict):
            inner = list(_items(item.get("subattachments")))
            yield from inner or (item,)


def _is_link(item: Mapping[str, Any]) -> bool:
    return item.get("type") == "share" or item.get("media_type") == "link"


def _same_place(one: str, other: str) -> bool:
    """Whether two addresses lead to one page; Facebook may add or drop https, www and a trailing slash."""
    paths = [urlsplit(url).path.strip("/").casefold() for url in (one, other)]
    return paths[0] == paths[1]
