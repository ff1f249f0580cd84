"""The state behind the fake Graph API: one clock, tokens, pages, and the switches for what Meta leaves open.

Each room has its own file: graph_pages, graph_instagram, graph_tokens; what the SDK knows is in graph_spec.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from tests.support.graph_basics import Answer, Clock, Params
from tests.support.graph_faults import Refused
from tests.support.graph_fetch import fetch
from tests.support.graph_pages import WINDOW, Pages, Photo, Post
from tests.support.graph_spec import known_params
from tests.support.graph_tokens import Tokens

__all__ = ["PageInfo", "World", "known_params"]

SECRET = "fake-app-secret-for-tests-only"


@dataclass
class PageInfo:
    """A page: its name, and the Instagram account that belongs to it."""

    name: str = "Le Relais de Bagneux"
    instagram: str = ""


class World:
    """Everything that the fake remembers. One lock, held by the server, guards it."""

    def __init__(self, strict: bool = True) -> None:
        self.strict = strict  # refuse what the SDK would not send, which Meta mostly ignores
        self.clock: Clock = Clock()
        self.skew = timedelta()  # of the HTTP header Date
        self.lag = timedelta()  # how far reads of lists are behind writes
        self.empty_pages = False  # a list begins with an empty page that has a `next`
        self.refuse_duplicates = False  # 506 by itself; off, because it would hide a second post
        self.window = WINDOW  # of native scheduling
        self.frozen_before = timedelta()  # how long before its time a scheduled post cannot be changed
        self.new_id_when_published = False  # Meta does not document that a scheduled post keeps its id
        self.shows_application = False  # the field `application`, which depends on the token
        self.dead_links: set[str] = set()  # that Meta cannot open: 100/1609005
        self.page_tokens_read_instagram = True  # False: the outage since 2026-05, 100/33 on nodes
        self.instagram_takes_header = True  # the token in a header on graph.instagram.com
        self.app_id = "200000000000002"
        self.app_secret = ""  # when set, a proof must be there and right
        self.proof_code = 100  # of a wrong proof; 104 is Meta's other answer
        self.tokens = Tokens(self)
        self.pages: dict[str, PageInfo] = {}
        self.persons: dict[str, str] = {}  # id -> name
        self.facebook = Pages(self)
        self._next = 9_007_199_254_740_993  # beyond 2**53: an id read as a JSON number breaks

    @property
    def secret(self) -> str:
        """The app's secret, whether proofs are asked for or not."""
        return self.app_secret or SECRET

    def new_id(self) -> str:
        """An id, larger than a JavaScript number can hold."""
        self._next += 7
        return str(self._next)

    def fetch_photo(self, url: str) -> bytes:
        """The bytes of a photo that Facebook is to fetch."""
        if not url:
            raise Refused(324, None, "(#324) Missing or invalid image file")
        try:
            return fetch(url)[0]
        except (ValueError, OSError):
            raise Refused(324, None, "(#324) Missing or invalid image file") from None

    # What tests call without HTTP.

    @property
    def posts(self) -> dict[str, Post]:
        """The posts on all pages."""
        return self.facebook.posts

    @property
    def photos(self) -> dict[str, Photo]:
        """The photos on all pages."""
        return self.facebook.photos

    def add_photo(self, page: str, params: Params, files: dict[str, bytes]) -> Answer:
        """As POST /{page}/photos."""
        return self.facebook.add_photo(page, params, files)

    def add_post(self, page: str, params: Params) -> Answer:
        """As POST /{page}/feed."""
        return self.facebook.add_post(page, params)
