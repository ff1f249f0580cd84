"""The Instagram side of the fake: containers, media, quota, and pictures that are really fetched.

Rules: "Content publishing", "IG User: media", "Error codes" (developers.facebook.com, read 2026-09-11).
"""

from __future__ import annotations

import io
import json
import re
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from PIL import Image

from tests.support.graph_faults import Refused
from tests.support.graph_world import DAY, Answer, Params, World, wire_time

MOST_BYTES = 8 * 1024 * 1024


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
    """A post on an Instagram account."""

    id: str
    account: str
    container: str
    caption: str
    alts: list[str]
    made: datetime


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


@dataclass
class Instagram:
    """The accounts; knows the world for its clock and ids."""

    world: World
    accounts: set[str] = field(default_factory=set)
    containers: dict[str, Container] = field(default_factory=dict)
    media: dict[str, Media] = field(default_factory=dict)
    quota_total: int = 50
    polls: int = 0  # how many times a new container answers IN_PROGRESS
    fail_next: str = ""  # subcode with which the next container ends in ERROR

    def add_container(self, account: str, params: Params) -> Answer:
        """POST /{ig}/media."""
        self.world.check_params("ig/media", params)
        now = self.world.clock()
        if len([c for c in self.containers.values() if now - c.made < DAY]) >= 400:
            raise Refused(9, 2207042, "too many containers")
        caption, alt = params.get("caption", ""), params.get("alt_text", "")
        self._check_caption(caption)
        if len(alt) > 1000:
            raise Refused(100, None, "(#100) alt_text is too long")
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

    def _check_caption(self, caption: str) -> None:
        if len(caption.encode("utf-16-le")) // 2 > 2200:
            raise Refused(36004, 2207010, "The caption was too long")
        if len(re.findall(r"#\w+", caption)) > 30 or len(re.findall(r"(?<!\w)@\w+", caption)) > 20:
            raise Refused(100, 2207040, "Cannot use more than 30 hashtags or 20 mentions")

    def _children(self, text: str) -> list[Container]:
        ids = json.loads(text) if text.startswith("[") else text.split(",")
        if not 2 <= len(ids) <= 10:
            raise Refused(100, 2207028, "The carousel must have 2 to 10 items")
        found = [self.containers.get(str(one)) for one in ids]
        children = [child for child in found if child and child.child]
        if len(children) != len(ids):
            raise Refused(100, None, "(#100) Invalid children")
        if any(child.code(self.world.clock()) != "FINISHED" for child in children):
            raise Refused(9007, 2207027, "Media ID is not available")
        return children

    def look(self, container: Container, fields: str) -> Answer:
        """GET /{container}: each look brings it nearer to FINISHED."""
        code = container.code(self.world.clock())
        container.polls_left -= 1
        words = f"Error: Media upload has failed with error code {container.failed}"
        values = {"id": container.id, "status_code": code, "status": words if container.failed else code.title()}
        if unknown := set(fields.split(",")) - {*values, "copyright_check_status", "video_status"}:
            raise Refused(100, None, f"(#100) Tried accessing nonexisting field ({unknown.pop()})")
        return {"id": container.id, **{name: values[name] for name in fields.split(",") if name in values}}

    def publish(self, account: str, params: Params) -> Answer:
        """POST /{ig}/media_publish. Publishing one container twice makes two posts: nothing documents otherwise."""
        self.world.check_params("ig/media_publish", params, required=("creation_id",))
        now = self.world.clock()
        container = self.containers.get(params["creation_id"])
        if container is None or container.account != account or container.code(now) == "EXPIRED":
            raise Refused(24, 2207008, "The media builder does not exist or has expired")
        if container.child:
            raise Refused(100, None, "(#100) A carousel item cannot be published")
        if container.code(now) not in ("FINISHED", "PUBLISHED"):
            raise Refused(9007, 2207027, "Media ID is not available")
        if self.usage(account) >= self.quota_total:
            raise Refused(9, 2207042, "The user reached the maximum number of posts")
        alts = [child.alt for child in container.children] or [container.alt]
        container.published = True
        media = Media(self.world.new_id(), account, container.id, container.caption, alts, now)
        self.media[media.id] = media
        return {"id": media.id}

    def usage(self, account: str) -> int:
        """Posts of the last 24 hours."""
        now = self.world.clock()
        return sum(m.account == account and now - m.made < DAY for m in self.media.values())

    def limit(self, account: str) -> Answer:
        """GET /{ig}/content_publishing_limit."""
        config = {"quota_total": self.quota_total, "quota_duration": 86400}
        return {"data": [{"quota_usage": self.usage(account), "config": config}]}

    def listed(self, account: str) -> list[Media]:
        """Newest first, as far as the reads have caught up."""
        seen_until = self.world.clock() - self.world.lag
        rows = [m for m in self.media.values() if m.account == account and m.made <= seen_until]
        return sorted(rows, key=lambda media: media.made, reverse=True)

    def view(self, media: Media, fields: str) -> Answer:
        """The fields of a post that were asked for."""
        values = {
            "id": media.id,
            "caption": media.caption,
            "timestamp": wire_time(media.made),
            "permalink": f"https://www.instagram.com/p/{media.id}/",
            "media_type": "CAROUSEL_ALBUM" if len(media.alts) > 1 else "IMAGE",
        }
        return {"id": media.id, **{name: values[name] for name in fields.split(",") if name in values}}


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
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())
    try:
        if not url.isascii():
            raise ValueError(url)
        with opener.open(url, timeout=5) as answer:
            return answer.read(MOST_BYTES + 1), answer.headers.get_content_type()
    except (urllib.error.URLError, ValueError, OSError) as problem:
        if isinstance(problem, urllib.error.HTTPError):
            problem.close()
        raise Refused(9004, 2207052, "Only photo or video can be accepted as media type") from None
