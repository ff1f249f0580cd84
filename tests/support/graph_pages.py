"""The Facebook side of the fake: posts, photos, comments; what is published when, and what Meta accepts of them.

Rules: "Pages API: posts", "Page feed", "Page photos", "Page post" (developers.facebook.com, read 2026-09-11).
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from PIL import Image

from tests.support.graph_basics import DAY, Answer, Params, read_time, select, wire_time
from tests.support.graph_faults import Refused

if TYPE_CHECKING:
    from tests.support.graph_world import World

LONGEST_MESSAGE = 63_206  # commonly cited; not in the API's reference


@dataclass
class Photo:
    """A photo on a page; gone after 24 h while no post uses it."""

    id: str
    content: bytes
    alt: str
    made: datetime
    page: str = ""
    used: bool = False
    temporary: bool = False


@dataclass
class Comment:
    """A comment under a post or an Instagram post."""

    id: str
    on: str
    message: str
    by: str
    made: datetime


@dataclass
class Post:
    """A post on a page; one that was deleted is remembered."""

    id: str
    page: str
    message: str
    link: str
    photos: list[Photo]
    created: datetime
    published: bool
    scheduled: datetime | None = None
    comments: list[Comment] = field(default_factory=list)
    public_since: datetime | None = None
    deleted: datetime | None = None
    ours: bool = True  # made through our app

    def __post_init__(self) -> None:
        self.written = self.created
        if self.published:
            self.public_since = self.created

    @property
    def alts(self) -> list[str]:
        """The alternative texts of its photos, in order."""
        return [photo.alt for photo in self.photos]

    def public_at(self, moment: datetime) -> bool:
        """Whether it was public then."""
        return self.public_since is not None and self.public_since <= moment


@dataclass
class Pages:
    """What is on the pages; knows the world for its clock, ids and switches."""

    world: World
    photos: dict[str, Photo] = field(default_factory=dict)
    every_post: dict[str, Post] = field(default_factory=dict)  # also those that were deleted

    @property
    def posts(self) -> dict[str, Post]:
        """The posts that can be read by their id."""
        return {post.id: post for post in self.every_post.values() if post.deleted is None}

    @property
    def comments(self) -> dict[str, Comment]:
        """The comments under posts that are there."""
        return {comment.id: comment for post in self.posts.values() for comment in post.comments}

    # --- photos -------------------------------------------------------------------------------------------

    def add_photo(self, page: str, params: Params, files: Mapping[str, bytes]) -> Answer:
        """POST /{page}/photos."""
        content = files.get("source") or self.world.fetch_photo(params.get("url", ""))
        if len(content) > 4 * 1024 * 1024:
            raise Refused(100, 1366046, "(#100) Photos should be smaller than 4 MB")
        try:
            with Image.open(io.BytesIO(content)) as image:
                image.verify()
        except Exception:
            raise Refused(324, None, "(#324) Missing or invalid image file") from None
        public = params.get("published", "true") == "true"
        temporary = params.get("temporary") == "true"
        if temporary and (public or "scheduled_publish_time" in params):
            raise Refused(100, None, "(#100) temporary is for unpublished photos without a time of their own")
        photo = Photo(self.world.new_id(), content, params.get("alt_text_custom", ""), self.world.clock(), page)
        photo.temporary = temporary
        self.photos[photo.id] = photo
        if public:
            post = self._post(page, params.get("caption", ""), "", [photo])
            return {"id": photo.id, "post_id": post.id}
        return {"id": photo.id}

    def view_photo(self, photo: Photo, fields: str) -> Answer:
        """GET /{photo}."""
        values = {"id": photo.id, "alt_text_custom": photo.alt, "created_time": wire_time(photo.made)}
        return select(values, fields)

    def delete_photo(self, photo: Photo) -> Answer:
        """DELETE /{photo}: a live post loses it too."""
        del self.photos[photo.id]
        for post in self.every_post.values():
            post.photos = [kept for kept in post.photos if kept is not photo]
        return {"success": True}

    def _attached(self, text: str, scheduled: bool) -> list[Photo]:
        try:
            ids = [str(item["media_fbid"]) for item in json.loads(text)]
        except (ValueError, TypeError, KeyError):
            raise Refused(100, None, "(#100) attached_media must be an array of objects") from None
        photos = [self.photos.get(one) for one in ids]
        found = [photo for photo in photos if photo and not photo.used and self.world.clock() - photo.made < DAY]
        if len(found) != len(ids) or len(set(ids)) != len(ids):
            raise Refused(100, None, "(#100) Invalid media_fbid in attached_media")
        if scheduled and not all(photo.temporary for photo in found):
            raise Refused(100, None, "(#100) Photos of a scheduled post must be uploaded with temporary=true")
        return found

    # --- posts --------------------------------------------------------------------------------------------

    def add_post(self, page: str, params: Params) -> Answer:
        """POST /{page}/feed."""
        message, link = params.get("message", ""), params.get("link", "")
        published = params.get("published", "true") == "true"
        moment = self._window(params["scheduled_publish_time"], published) if _timed(params) else None
        photos = self._attached(params.get("attached_media", "[]"), moment is not None)
        if not (message or link or photos):
            raise Refused(100, None, "(#100) The parameter message or link is required")
        if len(message) > LONGEST_MESSAGE:
            raise Refused(100, None, "(#100) message is too long")
        if link and (not re.match(r"https?://[^\s/]+", link) or link in self.world.dead_links):
            raise Refused(100, 1609005, "(#100) Error Posting Link")
        if self.world.refuse_duplicates and message and message == self._last_message(page):
            raise Refused(506, None, "(#506) Duplicate status message")
        self._check_type(params.get("unpublished_content_type", ""), published, moment)
        post = self._post(page, message, link, photos, published, moment)
        return self.view_post(post, params.get("fields", "id"))

    def _check_type(self, kind: str, published: bool, moment: datetime | None) -> None:
        if kind and (published or (kind == "SCHEDULED") != (moment is not None)):
            raise Refused(100, None, "(#100) unpublished_content_type does not fit published and its time")

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
        now = self.world.clock()
        post = Post(f"{page}_{self.world.new_id()}", page, message, link, photos, now, published, scheduled)
        self.every_post[post.id] = post
        return post

    def someone_posts(self, page: str, message: str) -> Post:
        """A person writes on the page, in the browser: not through our app."""
        post = self._post(page, message, "", [])
        post.ours = False
        return post

    def _window(self, text: str, published: bool) -> datetime:
        moment = read_time(text)
        least, most = self.world.window
        if published or not least <= moment - self.world.clock() <= most:
            blamed = {"blame_field_specs": [["scheduled_publish_time"]]}
            raise Refused(100, None, "(#100) The specified scheduled publish time is invalid", error_data=blamed)
        return moment

    def _last_message(self, page: str) -> str | None:
        messages = [post.message for post in self.visible_posts() if post.page == page]
        return messages[-1] if messages else None

    def settle_time(self) -> None:
        """What happens by itself: scheduled posts go out at their time, unused photos vanish."""
        now = self.world.clock()
        for post in list(self.every_post.values()):
            if post.scheduled and post.scheduled <= now and not post.published and post.deleted is None:
                self._publish(post, post.scheduled)
        self.photos = {i: p for i, p in self.photos.items() if p.used or now - p.made < DAY}

    def _publish(self, post: Post, moment: datetime) -> None:
        post.published, post.public_since, post.created = True, moment, moment
        if self.world.new_id_when_published:  # Meta does not say that the id stays the same
            del self.every_post[post.id]
            post.id = f"{post.page}_{self.world.new_id()}"
            self.every_post[post.id] = post

    def visible_posts(self) -> list[Post]:
        """What a visitor of the page sees, oldest first."""
        return sorted((p for p in self.posts.values() if p.published), key=lambda post: post.created)

    def update_post(self, post: Post, params: Params) -> Answer:
        """POST /{post}: change the text, publish it, move its time."""
        if not post.ours:
            raise Refused(200, None, "(#200) The post was not created by the application")
        if _timed(params):
            if post.scheduled is None or post.published:
                raise Refused(100, None, "(#100) The post is not scheduled")
            self._not_frozen(post)
            post.scheduled = self._window(params["scheduled_publish_time"], post.published)
        post.message = params.get("message", post.message)
        if params.get("is_published") == "true" and not post.published:
            post.scheduled = None
            self._publish(post, self.world.clock())
        return {"success": True}

    def delete_post(self, post: Post) -> Answer:
        """DELETE /{post}."""
        if post.scheduled and not post.published:
            self._not_frozen(post)
        post.deleted = self.world.clock()
        return {"success": True}

    def _not_frozen(self, post: Post) -> None:
        """A text of 2012: changes up to three minutes before its time. A switch."""
        if post.scheduled and post.scheduled - self.world.clock() < self.world.frozen_before:
            raise Refused(100, None, "(#100) The post is about to be published")

    # --- reads --------------------------------------------------------------------------------------------

    def list_posts(self, page: str, edge: str, fields: str) -> list[Answer]:
        """Newest first, as far as the reads have caught up."""
        until = self.world.clock() - self.world.lag
        known = [post for post in self.every_post.values() if post.page == page and post.written <= until]
        known = [post for post in known if post.deleted is None or post.deleted > until]
        if edge == "scheduled_posts":
            known = [post for post in known if post.scheduled and not post.public_at(until)]
        elif edge != "feed":
            known = [post for post in known if post.public_at(until)]
        known.sort(key=lambda post: post.created, reverse=True)
        return [self.view_post(post, fields, until) for post in known]

    def view_post(self, post: Post, fields: str, moment: datetime | None = None) -> Answer:
        """The fields of a post that were asked for, as at a moment."""
        public = post.public_at(moment or self.world.clock())
        app = {"id": self.world.app_id, "name": "veille"} if post.ours and self.world.shows_application else None
        values = {
            "id": post.id,
            "created_time": wire_time(post.created if public else post.written),
            "updated_time": wire_time(post.created if public else post.written),
            "permalink_url": f"https://www.facebook.com/{post.page}/posts/{post.id.split('_')[1]}",
            "is_published": public,
            "is_hidden": False,
            "status_type": "added_photos" if post.photos else "shared_story" if post.link else "mobile_status_update",
            "message": post.message,
            "scheduled_publish_time": None if public or not post.scheduled else int(post.scheduled.timestamp()),
            "from": {"id": post.page, "name": self.world.pages[post.page].name},
            "application": app,
            "attachments": _attachments(post),
        }
        return select(values, fields)

    # --- comments -----------------------------------------------------------------------------------------

    def add_comment(self, post: Post, params: Params, by: str) -> Answer:
        """POST /{post}/comments; nothing to comment on before it is public."""
        if not params.get("message"):
            raise Refused(100, None, "(#100) The parameter message is required")
        if not post.published:
            raise Refused(100, None, "(#100) The post is not published")
        number = post.id.split("_")[1]
        comment = Comment(f"{number}_{self.world.new_id()}", post.id, params["message"], by, self.world.clock())
        post.comments.append(comment)
        return {"id": comment.id}

    def list_comments(self, post: Post, fields: str) -> list[Answer]:
        """GET /{post}/comments, oldest first, as far as the reads have caught up."""
        until = self.world.clock() - self.world.lag
        return [self.view_comment(one, fields) for one in post.comments if one.made <= until]

    def view_comment(self, comment: Comment, fields: str) -> Answer:
        """GET /{comment}; a stranger's name is not shown to us."""
        page = self.world.pages.get(comment.by)
        values = {
            "id": comment.id,
            "message": comment.message,
            "created_time": wire_time(comment.made),
            "from": {"id": comment.by, "name": page.name} if page else None,
        }
        return select(values, fields)

    def delete_comment(self, comment: Comment) -> Answer:
        """DELETE /{comment}."""
        self.posts[comment.on].comments.remove(comment)
        return {"success": True}


def _timed(params: Params) -> bool:
    return "scheduled_publish_time" in params


def _attachments(post: Post) -> Answer | None:
    photos = [{"media_type": "photo", "type": "photo", "target": {"id": photo.id}} for photo in post.photos]
    if len(photos) > 1:
        album = {"media_type": "album", "type": "album", "subattachments": {"data": photos}}
        return {"data": [album]}
    if photos:
        return {"data": photos}
    link = {"media_type": "link", "type": "share", "url": post.link, "unshimmed_url": post.link}
    return {"data": [link]} if post.link else None


WINDOW = (timedelta(minutes=10), timedelta(days=30))  # of the Pages guide; the reference of /feed says 75 days
