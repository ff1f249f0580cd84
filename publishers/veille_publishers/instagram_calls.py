"""The requests to an Instagram account, as values: the same that are sent, shown and tested.

Meta, "Content publishing" (developers.facebook.com/docs/instagram-platform/content-publishing) and the reference pages
of "IG User", "IG Container" and "IG Media" (read 2026-09-11).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from veille.publishing import Rendition
from veille_publishers.graph import Call

MEDIA_FIELDS = "id,caption,timestamp,permalink,media_type"


def quota_call(account: str) -> Call:
    """Ask how many posts the account may still make today."""
    return Call("GET", f"/{account}/content_publishing_limit", {"fields": "quota_usage,config"})


def child_calls(account: str, rendition: Rendition, urls: Sequence[str]) -> list[Call]:
    """One invisible container for each picture of a carousel; none for a picture alone."""
    pictures = rendition.payload["pictures"]
    if len(urls) < 2:
        return []
    return [
        Call("POST", f"/{account}/media", {"image_url": url, "is_carousel_item": True, **_alt(picture)})
        for url, picture in zip(urls, pictures, strict=True)
    ]


def container_call(account: str, rendition: Rendition, urls: Sequence[str], children: Sequence[str]) -> Call:
    """The container that will be published: one picture, or a carousel of children."""
    payload = rendition.payload
    if len(urls) > 1:
        params = {"media_type": "CAROUSEL", "children": list(children), "caption": payload["caption"]}
    else:
        params = {"image_url": urls[0], "caption": payload["caption"], **_alt(payload["pictures"][0])}
    return Call("POST", f"/{account}/media", params)


def status_call(container: str) -> Call:
    """Ask how far a container is."""
    return Call("GET", f"/{container}", {"fields": "status_code,status"})


def publish_call(account: str, container: str) -> Call:
    """The step that makes the post public."""
    return Call("POST", f"/{account}/media_publish", {"creation_id": container}, publishing=True)


def permalink_call(media: str) -> Call:
    """Ask for the address of a post."""
    return Call("GET", f"/{media}", {"fields": "id,permalink"})


def posts_call(account: str) -> Call:
    """The account's posts, newest first."""
    return Call("GET", f"/{account}/media", {"fields": MEDIA_FIELDS, "limit": 50})


def comment_call(media: str, text: str) -> Call:
    """Write the first comment under a post; everybody sees it."""
    return Call("POST", f"/{media}/comments", {"message": text}, publishing=True)


def comments_call(media: str) -> Call:
    """The comments under a post."""
    return Call("GET", f"/{media}/comments", {"fields": "id,text,timestamp", "limit": 50})


def delete_call(media: str) -> Call:
    """Delete a post; on graph.facebook.com only."""
    return Call("DELETE", f"/{media}", answers="success")


def _alt(picture: Mapping[str, str]) -> dict[str, str]:
    return {"alt_text": picture["alt"]} if picture["alt"] else {}
