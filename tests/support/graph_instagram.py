"""The Instagram side of the fake: containers, media, quota, and pictures that are really fetched.

Rules: "Content publishing", "IG User: media", "IG Container", "Error codes" (developers.facebook.com, read 2026-09-11).
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from PIL import Image

from tests.support.graph_basics import DAY, Answer, Params, read_time, select, wire_time
from tests.support.graph_faults import Refused
from tests.support.graph_fetch import MOST_BYTES, fetch
from tests.support.graph_pages import Comment
from tests.support.graph_world import World

WORDS = {
    "IN_PROGRESS": "In Progress: Media is still being processed.",
    "FINISHED": "Finished: Media has been uploaded and it is ready to be published.",
    "PUBLISHED": "Published: Media has been successfully published.",
    "EXPIRED": "Expired: The media was not published within 24 hours.",
}


@dataclass
class Container:
    """What will be a post once it is published; gone after 24 h."""

    id: str
    account: str
    caption: str
    alt: str
    child: bool
    children: list[Container]
    made: datetime
    polls_left: int
    failed: str = ""  # a subcode: ERROR
    published: bool = False

    def code(self, now: datetime) -> str:
        """`status_code`."""
        if self.published:
            return "PUBLISHED"
        if self.failed:
            return "ERROR"
        if now - self.made >= DAY:
            return "EXPIRED"
        return "IN_PROGRESS" if self.polls_left > 0 else "FINISHED"


@dataclass
class Media:
    """A post on an Instagram account; one that was deleted is remembered."""

    id: str
    account: str
    container: str
    caption: str
    alts: list[str]
    made: datetime
    comments: list[Comment] = field(default_factory=list)
    comment_enabled: bool = True
    deleted: datetime | None = None


@dataclass
class Instagram:
    """The accounts; knows the world for its clock and ids."""

    world: World
    accounts: set[str] = field(default_factory=set)
    containers: dict[str, Container] = field(default_factory=dict)
    every_media: dict[str, Media] = field(default_factory=dict)  # also those that were deleted
    quota_total: int = 50
    polls: int = 0  # how many times a new container answers IN_PROGRESS
    fail_next: str = ""  # subcode with which the next container ends in ERROR
    username: str = "relais.bagneux"
    account_type: str = "Business"
    carousel_most: int = 10
    shows_captions: bool = True  # `caption` on graph.instagram.com, where Meta's pages contradict each other
    deletes: bool = True  # False: the refusal -1/2207073

    @property
    def media(self) -> dict[str, Media]:
        """The posts that are there."""
        return {media.id: media for media in self.every_media.values() if media.deleted is None}

    def view_account(self, account: str, fields: str, host: str) -> Answer:
        """GET /{ig}, and /me on graph.instagram.com, where `id` is the app's own and `user_id` the account's."""
        mine = [media for media in self.media.values() if media.account == account]
        values = {"id": account, "username": self.username, "name": "Le Relais", "media_count": len(mine)}
        if host == "instagram":
            values |= {"id": f"9{account[1:]}", "user_id": account, "account_type": self.account_type}
        return select(values, fields)

    # --- containers ---------------------------------------------------------------------------------------

    def add_container(self, account: str, params: Params) -> Answer:
        """POST /{ig}/media."""
        now = self.world.clock()
        if sum(now - c.made < DAY for c in self.containers.values() if c.account == account) >= 400:
            raise Refused(9, 2207042, "too many containers")
        caption, alt = params.get("caption", ""), params.get("alt_text", "")
        self._check_texts(params, caption, alt)
        child = params.get("is_carousel_item") == "true"
        children: list[Container] = []
        match params.get("media_type", "IMAGE"):
            case "CAROUSEL":
                children = self._children(params.get("children", "[]"))
            case "IMAGE":
                check_picture(params.get("image_url", ""))
            case other:
                raise Refused(100, 2207023, f"unknown media_type {other}")
        made = Container(self.world.new_id(), account, caption, alt, child, children, now, self.polls, self.fail_next)
        self.fail_next = ""
        self.containers[made.id] = made
        return {"id": made.id}

    def _check_texts(self, params: Params, caption: str, alt: str) -> None:
        if len(caption.encode("utf-16-le")) // 2 > 2200:
            raise Refused(36004, 2207010, "The caption was too long")
        if len(re.findall(r"#\w+", caption)) > 30 or len(re.findall(r"(?<!\w)@\w+", caption)) > 20:
            raise Refused(100, 2207040, "Cannot use more than 30 hashtags or 20 mentions")
        if len(alt) > 1000:
            raise Refused(100, None, "(#100) alt_text is too long")
        parent, child = params.get("media_type") == "CAROUSEL", params.get("is_carousel_item") == "true"
        if (caption and child) or (alt and parent) or ("children" in params) is not parent:
            raise Refused(100, None, "(#100) caption belongs to the parent of a carousel, alt_text to its children")

    def _children(self, text: str) -> list[Container]:
        ids = [str(one) for one in (json.loads(text) if text.startswith("[") else text.split(","))]
        if not 2 <= len(ids) <= self.carousel_most:
            raise Refused(100, 2207028, "The carousel must have 2 to 10 items")
        found = [self.containers.get(one) for one in ids]
        children = [child for child in found if child and child.child]
        if len(children) != len(ids):
            raise Refused(100, None, "(#100) Invalid children")
        codes = {child.code(self.world.clock()) for child in children}
        if codes & {"ERROR", "EXPIRED"}:
            raise Refused(24, 2207008, "The media builder does not exist or has expired")
        if codes != {"FINISHED"}:
            raise Refused(9007, 2207027, "Media ID is not available")
        return children

    def look(self, container: Container, fields: str) -> Answer:
        """GET /{container}: each look brings it nearer to FINISHED."""
        code = container.code(self.world.clock())
        container.polls_left -= 1
        failure = f"Error: Media upload has failed with error code {container.failed}"
        return select({"id": container.id, "status_code": code, "status": WORDS.get(code, failure)}, fields)

    # --- posts --------------------------------------------------------------------------------------------

    def publish(self, account: str, params: Params) -> Answer:
        """POST /{ig}/media_publish. Publishing one container twice makes two posts: nothing documents otherwise."""
        if "creation_id" not in params:
            raise Refused(100, None, "(#100) The parameter creation_id is required")
        now = self.world.clock()
        container = self.containers.get(params["creation_id"])
        if container is None or container.account != account or container.code(now) == "EXPIRED":
            raise Refused(24, 2207008, "The media builder does not exist or has expired")
        if container.child:
            raise Refused(100, None, "(#100) A carousel item cannot be published")
        if container.code(now) == "ERROR":
            raise Refused(-1, 2207032, "The media could not be created")
        if container.code(now) not in ("FINISHED", "PUBLISHED"):
            raise Refused(9007, 2207027, "Media ID is not available")
        if self.usage(account) >= self.quota_total:
            raise Refused(9, 2207042, "The user reached the maximum number of posts")
        alts = [child.alt for child in container.children] or [container.alt]
        container.published = True
        media = Media(self.world.new_id(), account, container.id, container.caption, alts, now)
        self.every_media[media.id] = media
        return {"id": media.id}

    def usage(self, account: str, since: str = "") -> int:
        """Posts of the last 24 hours, also those that were deleted since."""
        now = self.world.clock()
        start = max(read_time(since, "since"), now - DAY) if since else now - DAY
        return sum(m.account == account and m.made > start for m in self.every_media.values())

    def limit(self, account: str, params: Params) -> Answer:
        """GET /{ig}/content_publishing_limit."""
        names = params.get("fields", "quota_usage").split(",")
        config = {"quota_total": self.quota_total, "quota_duration": 86400}
        values = {"quota_usage": self.usage(account, params.get("since", "")), "config": config}
        return {"data": [{name: value for name, value in values.items() if name in names}]}

    def listed(self, account: str, params: Params, host: str) -> list[Answer]:
        """GET /{ig}/media: newest first, as far as the reads have caught up."""
        until = self.world.clock() - self.world.lag
        rows = [m for m in self.every_media.values() if m.account == account and m.made <= until]
        rows = [m for m in rows if m.deleted is None or m.deleted > until]
        if "since" in params:
            rows = [m for m in rows if m.made >= read_time(params["since"], "since")]
        if "until" in params:
            rows = [m for m in rows if m.made <= read_time(params["until"], "until")]
        rows.sort(key=lambda media: media.made, reverse=True)
        return [self.view(media, params.get("fields", "id"), host) for media in rows]

    def view(self, media: Media, fields: str, host: str = "facebook") -> Answer:
        """GET /{media}."""
        values = {
            "id": media.id,
            "caption": media.caption if host == "facebook" or self.shows_captions else None,
            "timestamp": wire_time(media.made),
            "permalink": f"https://www.instagram.com/p/{media.id}/",
            "shortcode": media.id,
            "media_type": "CAROUSEL_ALBUM" if len(media.alts) > 1 else "IMAGE",
            "media_product_type": "FEED",
            "username": self.username,
            "alt_text": media.alts[0] if len(media.alts) == 1 else None,
            "comments_count": len(media.comments),
            "is_comment_enabled": media.comment_enabled,
        }
        return select(values, fields)

    def update(self, media: Media, params: Params) -> Answer:
        """POST /{media}: comments on or off, and nothing else; a caption cannot be changed."""
        if "comment_enabled" not in params:
            raise Refused(100, None, "(#100) The parameter comment_enabled is required")
        media.comment_enabled = params["comment_enabled"] == "true"
        return {"success": True}

    def delete(self, media: Media) -> Answer:
        """DELETE /{media}."""
        if not self.deletes:
            raise Refused(-1, 2207073, "The media cannot be deleted")
        media.deleted = self.world.clock()
        return {"success": True, "deleted_id": media.id}

    # --- comments -----------------------------------------------------------------------------------------

    def add_comment(self, media: Media, params: Params) -> Answer:
        """POST /{media}/comments."""
        if not params.get("message") or not media.comment_enabled:
            raise Refused(100, None, "(#100) The parameter message is required, and comments must be enabled")
        made = Comment(self.world.new_id(), media.id, params["message"], self.username, self.world.clock())
        media.comments.append(made)
        return {"id": made.id}

    def list_comments(self, media: Media, fields: str) -> list[Answer]:
        """GET /{media}/comments."""
        until = self.world.clock() - self.world.lag
        rows: list[dict[str, Any]] = [
            {"id": one.id, "text": one.message, "username": one.by, "timestamp": wire_time(one.made)}
            for one in media.comments
            if one.made <= until
        ]
        return [select(row, fields) for row in reversed(rows)]


def check_picture(url: str) -> None:
    """Fetch a picture as Meta does, and refuse it as Meta does."""
    content, kind = _fetch(url)
    if len(content) > MOST_BYTES:
        raise Refused(36000, 2207004, "The image is too large")
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            form, ratio = image.format, image.width / image.height
    except Exception:
        raise Refused(36001, 2207005, "The image format is not supported") from None
    if form != "JPEG" or kind != "image/jpeg":
        raise Refused(36001, 2207005, f"The image format is not supported: {form}")
    if not 0.8 - 0.005 <= ratio <= 1.91 + 0.005:
        raise Refused(36003, 2207009, "The aspect ratio is not supported")


def _fetch(url: str) -> tuple[bytes, str]:
    if not url:
        raise Refused(100, None, "(#100) The parameter image_url is required")
    try:
        return fetch(url)
    except (ValueError, OSError):
        raise Refused(9004, 2207052, "Only photo or video can be accepted as media type") from None
