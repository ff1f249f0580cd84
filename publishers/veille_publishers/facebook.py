"""The Facebook page: photos first, unseen; then one call that makes the post public.

Meta, "Pages API: posts" and "Page photos" (developers.facebook.com/docs/pages-api/posts, read 2026-09-11).
At most one visible post: the public step is never repeated before a look at the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from veille.errors import PublishError, Unavailable
from veille.failpoints import failpoint
from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille.publishing import (
    Delivery,
    Journal,
    Proof,
    Publication,
    ReadBack,
    Receipt,
    Rendition,
    Seen,
    Source,
)
from veille.rendering import Picture, RenderedPost
from veille_publishers import social
from veille_publishers.graph import Call
from veille_publishers.graph_publisher import GraphPublisher

MOST_PHOTOS = 10  # Meta documents no number; others use this one
LONGEST_BODY = 1500  # UTF-16 units: what somebody reads on a page; the rest is one link away
NO_PAGE = "page"  # the target in the sandbox, where no page is named
LONGEST_SENSITIVE = 20_000  # where each line may be the one that helps
READ_FIELDS = "id,message,created_time,permalink_url,is_published"


class Facebook(GraphPublisher):
    """The publisher of one Facebook page."""

    kind: ClassVar[str] = "facebook"
    target_setting: ClassVar[str] = "page_id"
    sandbox_target: ClassVar[str] = NO_PAGE

    def render(self, source: Source) -> Rendition | None:
        """Text, link and pictures of a post; None for an edition.

        Raises:
            RenderError: the template fails.
        """
        if not isinstance(source, RenderedPost):
            return None
        pictures = source.pictures[:MOST_PHOTOS]
        message = self._message(source, link_in_text=bool(pictures))
        payload = {
            "message": message,
            "link": "" if pictures else source.url,  # Meta shows either a link card or photos
            "photos": [_photo(picture) for picture in pictures],
            "fingerprint": social.fingerprint(message),
        }
        return Rendition(self.kind, payload, social.picture_files(pictures))

    def _message(self, post: RenderedPost, link_in_text: bool) -> str:
        body = social.opening(post)
        text = self._context.templates.render(
            "social/facebook.txt.j2",
            post=post,
            body=social.passage(body, LONGEST_SENSITIVE if post.sensitive else LONGEST_BODY),
            contacts=social.contacts(post),
            link=post.url if link_in_text and post.url not in post.facebook_text else "",
            hashtags=() if post.facebook_text else social.hashtags(post.tags),
        )
        return social.tidy(text)

    def proof(self, rendition: Rendition) -> Proof:
        """The message, and what a screen reader says of each photo."""
        alts = tuple(photo["alt"] for photo in rendition.payload["photos"])
        return Proof(text=rendition.payload["message"], alts=alts)

    def show(self, publication: Publication) -> None:
        """Write the exact requests to outbox/facebook/<slug>.json, the pictures beside it."""
        self._showcase.show(publication, self.requests(publication.rendition))

    def requests(self, rendition: Rendition) -> Sequence[Mapping[str, Any]]:
        """The exact requests; the ids that Facebook gives the photos are named, not known."""
        page = self.targets()[0]
        ids = [f"<id of photo {number}>" for number, _p in enumerate(rendition.payload["photos"], 1)]
        calls = [*photo_calls(page, rendition), feed_call(page, rendition, ids)]
        return [call.to_json(self._settings.api_version) for call in calls]

    def _publish(self, delivery: Delivery, journal: Journal) -> Receipt | None:
        if delivery.intent_at and (found := self._look_again(delivery)):
            return found
        photos = self._photos(delivery, journal)
        if not journal.intent(delivery):
            return None
        failpoint("facebook.before-feed")
        answer = self._graph.call(feed_call(self._target(delivery), delivery.publication.rendition, photos))
        failpoint("facebook.after-feed")
        return _receipt(answer, self._context.clock())

    def _look_again(self, delivery: Delivery) -> Receipt | None:
        """What an earlier attempt made public after all; never publish again while blind."""
        look = self.read_back(delivery)
        if look.seen is Seen.UNREADABLE:
            raise Unavailable(_("the page cannot be read, so nothing is published"), detail=look.detail)
        return look.receipt

    def _photos(self, delivery: Delivery, journal: Journal) -> list[str]:
        """The ids of the unpublished photos, uploaded now or by an earlier attempt."""
        now = self._context.clock()
        rendition, kept = delivery.publication.rendition, dict(delivery.checkpoint)
        photos: list[str] = list(kept.get("photos", ())) if social.fresh(kept, rendition, now) else []
        if not photos:
            kept = {"since": now.isoformat(), **kept, "at": now.isoformat(), "of": rendition.digest}
        for call in photo_calls(self._target(delivery), rendition)[len(photos) :]:
            failpoint("facebook.before-photo")
            answer = self._graph.call(call, social.file_named(rendition, call.file))
            failpoint("facebook.after-photo")
            photos = [*photos, answer["id"]]
            journal.checkpoint(delivery, {**kept, "photos": photos})
            failpoint("facebook.after-checkpoint")
        if not photos:
            journal.checkpoint(delivery, {**kept, "photos": []})
        return photos

    def read_back(self, delivery: Delivery) -> ReadBack:
        """Look for the post on the page: `published_posts`, then `feed`."""
        if not self.live:
            return self._showcase.read_back(delivery)
        try:
            for edge in ("published_posts", "feed"):
                if receipt := self._find(delivery, edge):
                    return ReadBack(Seen.FOUND, receipt)
        except PublishError as error:
            return ReadBack(Seen.UNREADABLE, detail=error.detail or error.message)
        return ReadBack(Seen.ABSENT)

    def _find(self, delivery: Delivery, edge: str) -> Receipt | None:
        """The oldest post with our text since the first attempt; reads on until every post is older."""
        since = social.since(delivery)
        wanted = delivery.publication.rendition.payload["fingerprint"]
        call = Call("GET", f"/{self._target(delivery)}/{edge}", {"fields": READ_FIELDS, "limit": 100})
        found: list[tuple[datetime, Mapping[str, Any]]] = []
        for rows in self._graph.pages(call):
            times = [social.moment(row.get("created_time")) for row in rows]
            for at, row in zip(times, rows, strict=True):
                same = social.fingerprint(str(row.get("message", ""))) == wanted
                if same and at >= since and row.get("is_published") is not False:
                    found.append((at, row))
            if times and max(times) < since:
                break
        if not found:
            return None
        at, post = min(found, key=lambda pair: pair[0])
        return _receipt(post, at, others=len(found) - 1)


def photo_calls(page: str, rendition: Rendition) -> list[Call]:
    """Upload each photo, unseen (Meta, "Page photos": `published=false`)."""
    return [
        Call(
            "POST",
            f"/{page}/photos",
            {"published": False, **({"alt_text_custom": photo["alt"]} if photo["alt"] else {})},
            file=photo["file"],
        )
        for photo in rendition.payload["photos"]
    ]


def feed_call(page: str, rendition: Rendition, photos: Sequence[str]) -> Call:
    """Make the post public, with the photos uploaded before."""
    payload = rendition.payload
    params: dict[str, Any] = {"message": payload["message"]}
    if payload["link"]:
        params["link"] = payload["link"]
    if photos:
        params["attached_media"] = [{"media_fbid": photo} for photo in photos]
    return Call("POST", f"/{page}/feed", {**params, "fields": "id,permalink_url"}, publishing=True)


def _photo(picture: Picture) -> dict[str, str]:
    return {"file": picture.name, "alt": social.alt_text(picture)}


def _receipt(answer: Mapping[str, Any], at: datetime, others: int = 0) -> Receipt:
    remote_id = str(answer["id"])
    url = str(answer.get("permalink_url") or f"https://www.facebook.com/{remote_id}")
    words = ngettext(
        "{n} more post with the same text is on the page", "{n} more posts with the same text are on the page", others
    )
    return Receipt(remote_id, url, at, words.format(n=others) if others else "")
