"""The state behind the fake Graph API: pages, posts, photos, tokens, and what Meta accepts of them.

Rules: "Pages API: posts", "Page feed", "Page photos" (developers.facebook.com, read 2026-09-11). Parameter names come
from Meta's own SDK, so that the fake does not merely mirror our client.
"""

from __future__ import annotations

import hashlib
import hmac
import inspect
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from facebook_business.adobjects.iguser import IGUser
from facebook_business.adobjects.page import Page
from facebook_business.adobjects.pagepost import PagePost
from PIL import Image

from tests.support.graph_faults import Refused

DAY = timedelta(hours=24)
EVERYWHERE = {
    "access_token",
    "appsecret_proof",
    "fields",
    "limit",
    "after",
    "before",
    "since",
    "until",
    "summary",
    "locale",
}
REMOVED = {"ids", "pretty", "debug", "date_format"}  # since v26.0

Params = dict[str, str]
Answer = dict[str, Any]


class Clock:
    """Real time, moved forward at will."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def advance(self, **by: float) -> None:
        """Let time pass: `advance(hours=24)`."""
        self.offset += timedelta(**by)


@dataclass
class Token:
    """An access token: of a page, a person or an Instagram account."""

    kind: str
    targets: set[str]
    subcode: int | None = None  # 463 expired, 460 password changed …; None: valid


@dataclass
class Photo:
    """A photo on a page; gone after 24 h while no post uses it."""

    id: str
    content: bytes
    alt: str
    made: datetime
    used: bool = False


@dataclass
class Post:
    """A post on a page."""

    id: str
    page: str
    message: str
    link: str
    photos: list[Photo]
    created: datetime
    published: bool
    scheduled: datetime | None = None
    comments: list[str] = field(default_factory=list)

    @property
    def alts(self) -> list[str]:
        """The alternative texts of its photos, in order."""
        return [photo.alt for photo in self.photos]


@cache
def known_params(edge: str) -> frozenset[str]:
    """The parameters that Meta's SDK knows for an edge: "page/feed", "ig/media"."""
    methods: Mapping[str, Callable[..., Any]] = {
        "page/feed": Page.create_feed,
        "page/photos": Page.create_photo,
        "page/published_posts": Page.get_published_posts,
        "page/get feed": Page.get_feed,
        "page/scheduled_posts": Page.get_scheduled_posts,
        "post": PagePost.api_update,
        "post/comments": PagePost.create_comment,
        "ig/media": IGUser.create_media,
        "ig/media_publish": IGUser.create_media_publish,
        "ig/get media": IGUser.get_media,
        "ig/content_publishing_limit": IGUser.get_content_publishing_limit,
    }
    source = inspect.getsource(methods[edge])
    block = re.search(r"param_types = \{(.*?)\n        \}", source, re.DOTALL)
    assert block, edge
    extra = {"source"} if edge == "page/photos" else set()  # multipart; the specs leave it out
    return frozenset(re.findall(r"'(\w+)':", block[1])) | EVERYWHERE | extra


def wire_time(moment: datetime) -> str:
    """As Meta writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def proof_of(secret: str, token: str) -> str:
    """Written apart from our client, so that both must agree with Meta's known answer."""
    return hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()


class World:
    """Everything that the fake remembers. One lock, held by the server, guards it."""

    def __init__(self, strict: bool = True) -> None:
        self.strict = strict  # refuse unknown parameters, which Meta mostly ignores
        self.clock = Clock()
        self.lag = timedelta()  # how far reads of lists are behind writes
        self.refuse_duplicates = False  # 506 by itself; off, because it would hide a second post
        self.app_secret = ""  # when set, a proof must be there and right
        self.tokens: dict[str, Token] = {}
        self.pages: set[str] = set()
        self.photos: dict[str, Photo] = {}
        self.posts: dict[str, Post] = {}
        self._next = 9_007_199_254_740_993  # beyond 2**53: an id read as a JSON number breaks

    def new_id(self) -> str:
        """An id, larger than a JavaScript number can hold."""
        self._next += 7
        return str(self._next)

    def authorise(self, token: str, proof: str, target: str, kinds: tuple[str, ...]) -> None:
        """Refuse tokens as Meta does; the message repeats a malformed token, as Meta's does."""
        if not token:
            raise Refused(2500, None, "An active access token must be used to query information")
        found = self.tokens.get(token)
        if found is None:
            raise Refused(190, None, f"Malformed access token {token}", status=401)
        if found.subcode is not None:
            raise Refused(190, found.subcode, f"Error validating access token {token}", status=401)
        if self.app_secret and proof != proof_of(self.app_secret, token):
            raise Refused(
                100, None, "Invalid appsecret_proof provided in the API argument", type="GraphMethodException"
            )
        if target and (target not in found.targets or found.kind not in kinds):
            raise Refused(200, None, "(#200) The user hasn't authorized the application to perform this action")

    def check_params(self, edge: str, params: Params, required: tuple[str, ...] = ()) -> None:
        """Refuse removed, unknown and missing parameters."""
        if gone := REMOVED & params.keys():
            raise Refused(100, None, f"(#100) removed in v26.0: {', '.join(sorted(gone))}")
        unknown = params.keys() - known_params(edge)
        if self.strict and unknown:
            raise Refused(100, None, f"(#100) unknown parameter: {', '.join(sorted(unknown))}")
        if missing := set(required) - params.keys():
            raise Refused(100, None, f"(#100) The parameter {', '.join(sorted(missing))} is required")

    # --- Facebook -----------------------------------------------------------------------------------------

    def add_photo(self, page: str, params: Params, files: Mapping[str, bytes]) -> Answer:
        """POST /{page}/photos."""
        self.check_params("page/photos", params)
        content = files.get("source")
        if content is None:
            raise Refused(324, None, "(#324) Missing or invalid image file")
        if len(content) > 4 * 1024 * 1024:
            raise Refused(100, 1366046, "(#100) Photos should be smaller than 4 MB")
        try:
            with Image.open(io.BytesIO(content)) as image:
                image.verify()
        except Exception:
            raise Refused(324, None, "(#324) Missing or invalid image file") from None
        photo = Photo(self.new_id(), content, params.get("alt_text_custom", ""), self.clock())
        self.photos[photo.id] = photo
        if params.get("published", "true") == "true":
            post = self._post(page, params.get("caption", ""), "", [photo])
            return {"id": photo.id, "post_id": post.id}
        return {"id": photo.id}

    def add_post(self, page: str, params: Params) -> Answer:
        """POST /{page}/feed."""
        self.check_params("page/feed", params)
        message, link = params.get("message", ""), params.get("link", "")
        photos = self._attached(params.get("attached_media", "[]"))
        if not (message or link or photos):
            raise Refused(100, None, "(#100) The parameter message or link is required")
        if link and not re.match(r"https?://[^\s/]+", link):
            raise Refused(100, 1609005, "(#100) Error Posting Link")
        if self.refuse_duplicates and message and message == self._last_message(page):
            raise Refused(506, None, "(#506) Duplicate status message")
        published = params.get("published", "true") == "true"
        post = self._post(page, message, link, photos, published, self._window(params, published))
        return self.view_post(post, params.get("fields", "id"))

    def _post(
        self,
        page: str,
        message: str,
        link: str,
        photos: list[Photo],
        published: bool = True,
        scheduled: datetime | None = None,
    ) -> Post:
        for photo in photos:
            photo.used = True
        post = Post(f"{page}_{self.new_id()}", page, message, link, photos, self.clock(), published, scheduled)
        self.posts[post.id] = post
        return post

    def _attached(self, text: str) -> list[Photo]:
        try:
            ids = [str(item["media_fbid"]) for item in json.loads(text)]
        except (ValueError, TypeError, KeyError):
            raise Refused(100, None, "(#100) attached_media must be an array of objects") from None
        photos = [self.photos.get(one) for one in ids]
        found = [photo for photo in photos if photo and not photo.used and self.clock() - photo.made < DAY]
        if len(found) != len(ids):
            raise Refused(100, None, "(#100) Invalid media_fbid in attached_media")
        return found

    def _window(self, params: Params, published: bool) -> datetime | None:
        if "scheduled_publish_time" not in params:
            return None
        moment = datetime.fromtimestamp(int(params["scheduled_publish_time"]), UTC)
        ahead = moment - self.clock()
        if published or not timedelta(minutes=10) <= ahead <= timedelta(days=30):
            raise Refused(100, None, "(#100) The specified scheduled publish time is invalid")
        return moment

    def _last_message(self, page: str) -> str | None:
        messages = [post.message for post in self.visible_posts() if post.page == page]
        return messages[-1] if messages else None

    def settle_time(self) -> None:
        """What happens by itself: scheduled posts go out, unused photos vanish."""
        now = self.clock()
        for post in self.posts.values():
            if post.scheduled and post.scheduled <= now and not post.published:
                post.published, post.created = True, post.scheduled
        self.photos = {i: p for i, p in self.photos.items() if p.used or now - p.made < DAY}

    def visible_posts(self) -> list[Post]:
        """What a visitor of the page sees, oldest first."""
        return [post for post in self.posts.values() if post.published]

    def list_posts(self, page: str, edge: str) -> list[Post]:
        """Newest first, as far as the reads have caught up."""
        known = [post for post in self.posts.values() if post.page == page]
        known = [post for post in known if post.created <= self.clock() - self.lag]
        if edge == "scheduled_posts":
            known = [post for post in known if post.scheduled and not post.published]
        elif edge != "feed":
            known = [post for post in known if post.published]
        return sorted(known, key=lambda post: post.created, reverse=True)

    def view_post(self, post: Post, fields: str) -> Answer:
        """The fields of a post that were asked for."""
        known = set(PagePost.Field.__dict__.values()) | {"attachments"}
        names = [name.split("{")[0] for name in fields.split(",")]
        if unknown := [name for name in names if name not in known]:
            raise Refused(100, None, f"(#100) Tried accessing nonexisting field ({unknown[0]})")
        values: Answer = {
            "id": post.id,
            "created_time": wire_time(post.created),
            "permalink_url": f"https://www.facebook.com/{post.page}/posts/{post.id.split('_')[1]}",
            "is_published": post.published,
        }
        if post.message:
            values["message"] = post.message
        if post.scheduled:
            values["scheduled_publish_time"] = post.scheduled.timestamp()
        return {"id": post.id, **{name: values[name] for name in names if name in values}}

    def update_post(self, post: Post, params: Params) -> Answer:
        """POST /{post}: change the text, publish it, move its time."""
        self.check_params("post", params)
        post.message = params.get("message", post.message)
        if params.get("is_published") == "true" and not post.published:
            post.published, post.created = True, self.clock()
        if "scheduled_publish_time" in params:
            post.scheduled = self._window(params, post.published)
        return {"success": True}
