"""The requests that a Facebook page takes, built from a rendition: pure, so that a dry run shows what leaves.

Meta, "Pages API: posts", "Page feed", "Page photos", "Page post" (developers.facebook.com, read 2026-09-11).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from veille.publishing import Rendition
from veille_publishers.graph import Call

FIELDS = "id,message,created_time,permalink_url,is_published,scheduled_publish_time"
MORE = "application{id},attachments{media_type,type,url,unshimmed_url,subattachments}"
COMMENT_FIELDS = "id,message,from,created_time"
DONE = "success"  # what the answer to a change holds, in place of an id


def photo_calls(page: str, rendition: Rendition, *, ahead: bool = False) -> list[Call]:
    """Upload each photo, unseen (Meta, "Page photos": `published=false`).

    Args:
        ahead: for a post that Facebook publishes later: those photos are `temporary`.
    """
    hidden = {"published": False, **({"temporary": True} if ahead else {})}
    return [
        Call(
            "POST",
            f"/{page}/photos",
            {**hidden, **({"alt_text_custom": photo["alt"]} if photo["alt"] else {})},
            file=photo["file"],
        )
        for photo in rendition.payload["photos"]
    ]


def feed_call(page: str, rendition: Rendition, photos: Sequence[str], at: datetime | None = None) -> Call:
    """Make the post, with the photos uploaded before.

    Args:
        at: when Facebook shows it; None: at once.
    """
    later: dict[str, Any] = {}
    if at:  # seconds: what Meta says of time zones in text is not enough to rely on
        later = {"published": False, "scheduled_publish_time": int(at.timestamp())}
        later["unpublished_content_type"] = "SCHEDULED"
    return Call("POST", f"/{page}/feed", {**_content(rendition, photos), **later, "fields": _MADE}, publishing=True)


def draft_call(page: str, rendition: Rendition, photos: Sequence[str]) -> Call:
    """Make the post so that nobody sees it; `show_call` shows it."""
    hidden = {"published": False, "unpublished_content_type": "DRAFT"}
    return Call("POST", f"/{page}/feed", {**_content(rendition, photos), **hidden, "fields": _MADE})


_MADE = "id,permalink_url"


def _content(rendition: Rendition, photos: Sequence[str]) -> dict[str, Any]:
    payload = rendition.payload
    params: dict[str, Any] = {"message": payload["message"]}
    if payload["link"]:
        params["link"] = payload["link"]
    if photos:
        params["attached_media"] = [{"media_fbid": photo} for photo in photos]
    return params


def show_call(post: str) -> Call:
    """Make a draft public; doing it twice does no harm, because it names the post."""
    return Call("POST", f"/{post}", {"is_published": True}, publishing=True, answers=DONE)


def edit_call(post: str, message: str) -> Call:
    """Give a post other words; doing it twice does no harm."""
    return Call("POST", f"/{post}", {"message": message}, answers=DONE)


def delete_call(post: str) -> Call:
    """Delete a post, public or not; doing it twice does no harm."""
    return Call("DELETE", f"/{post}", answers=DONE)


def comment_call(post: str, message: str) -> Call:
    """Comment on a post, as the page."""
    return Call("POST", f"/{post}/comments", {"message": message}, publishing=True)


def post_call(post: str, fields: str = FIELDS) -> Call:
    """Read one post."""
    return Call("GET", f"/{post}", {"fields": fields})


def list_call(page: str, edge: str) -> Call:
    """Read `published_posts`, `scheduled_posts` or `feed`, newest first."""
    return Call("GET", f"/{page}/{edge}", {"fields": FIELDS, "limit": 100})


def comments_call(post: str) -> Call:
    """Read every comment, answers to comments too."""
    return Call("GET", f"/{post}/comments", {"filter": "stream", "fields": COMMENT_FIELDS, "limit": 100})


def shape(rendition: Rendition) -> str:
    """What cannot be changed once a post is there: SHA-256 of its link and pictures, hexadecimal."""
    payload = rendition.payload
    kept = [payload["link"], [photo["file"] for photo in payload["photos"]]]
    return hashlib.sha256(json.dumps(kept).encode()).hexdigest()
