"""The Instagram account: a container that nobody sees, then the one call that publishes it.

Meta, "Content publishing" (developers.facebook.com/docs/instagram-platform/content-publishing, read 2026-09-11).
The id of the container is kept before it is published, and tells afterwards whether it was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from veille.errors import ContentError, OutcomeUnknown, PublishError, Unavailable
from veille.failpoints import failpoint
from veille.i18n import gettext as _
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
from veille.rendering import RenderedPost
from veille_publishers import captions, files, graph_errors, social
from veille_publishers.graph import Call
from veille_publishers.graph_publisher import GraphPublisher
from veille_publishers.graph_table import Reaction

POLLS = (3, 5, 10, 20, 30, 60)  # seconds before each look at a container
SETTLE = 5  # seconds between two looks that must agree; dispatch looks several times, minutes apart
USELESS = ("ERROR", "EXPIRED", "ABSENT")  # what a container that cannot be published says; ABSENT is ours
NO_ACCOUNT = "account"  # the target in the sandbox, where no account is named
MEDIA_FIELDS = "id,caption,timestamp,permalink,media_type"


class Instagram(GraphPublisher):
    """The publisher of one Instagram account."""

    kind: ClassVar[str] = "instagram"
    target_setting: ClassVar[str] = "user_id"
    sandbox_target: ClassVar[str] = NO_ACCOUNT

    def render(self, source: Source) -> Rendition | None:
        """Caption and pictures of a post; None for an edition.

        Raises:
            ContentError: the caption, its hashtags or mentions are more than Instagram takes, or no picture is there.
            RenderError: the template fails.
        """
        if not isinstance(source, RenderedPost):
            return None
        pictures = source.instagram_pictures[: captions.MOST_PICTURES]
        caption = self._caption(source)
        if findings := tuple(captions.findings(source, caption)):
            raise ContentError(findings)
        payload = {
            "caption": caption,
            "pictures": [{"file": picture.name, "alt": social.alt_text(picture)} for picture in pictures],
            "fingerprint": social.fingerprint(caption),
        }
        return Rendition(self.kind, payload, social.picture_files(pictures))

    def _caption(self, post: RenderedPost) -> str:
        """The caption; a text that we composed is shortened to fit, the words of an editor never are."""
        text = re.sub(r"\s*\(https?://[^\s)]+\)", "", social.opening(post))  # nothing to press in a caption
        body = social.passage(text, captions.MOST_UNITS)
        caption = self._filled(post, body)
        excess = social.units(caption) - captions.MOST_UNITS
        if excess > 0 and not post.instagram_caption:
            caption = self._filled(post, social.passage(text, max(social.units(body) - excess, 0)))
        return caption

    def _filled(self, post: RenderedPost, body: str) -> str:
        tags = post.hashtags if post.instagram_caption else post.hashtags or post.tags
        return social.tidy(
            self._context.templates.render(
                "social/instagram.txt.j2",
                post=post,
                body=body,
                contacts=social.contacts(post),
                site=(urlsplit(post.url).hostname or "").removeprefix("www."),
                hashtags=social.hashtags(tags, already=post.instagram_caption),
            )
        )

    def proof(self, rendition: Rendition) -> Proof:
        """The caption, and what a screen reader says of each picture."""
        alts = tuple(picture["alt"] for picture in rendition.payload["pictures"])
        return Proof(text=rendition.payload["caption"], alts=alts)

    def show(self, publication: Publication) -> None:
        """Write the exact requests to outbox/instagram/<slug>.json, and the pictures where Instagram fetches them."""
        self._lay_out(publication.rendition)
        self._showcase.show(publication, self.requests(publication.rendition))

    def _lay_out(self, rendition: Rendition) -> None:
        for file in rendition.files:
            files.write(self._context.config.outbox_dir / "media" / file.name, file.content)

    def requests(self, rendition: Rendition) -> Sequence[Mapping[str, Any]]:
        """The exact requests when nothing has to be waited for; ids that Instagram will give are named, not known."""
        account, urls = self.targets()[0], self._urls(rendition)
        children = [f"<id of picture {number}>" for number, _url in enumerate(urls, 1)]
        calls: list[Call] = []
        if len(urls) > 1:
            for child, call in zip(children, child_calls(account, rendition, urls), strict=True):
                calls += [call, status_call(child)]
        container = "<id of the container>"
        calls += [container_call(account, rendition, urls, children), status_call(container)]
        calls += [publish_call(account, container), permalink_call("<id of the post>")]
        return [call.to_json(self._settings.api_version) for call in calls]

    def _publish(self, delivery: Delivery, journal: Journal) -> Receipt | None:
        kept = self._kept(delivery)
        if isinstance(kept, Receipt):
            return kept
        container = kept or self._make(delivery, journal)
        self._wait(container)
        if not journal.intent(delivery):
            return None
        failpoint("instagram.before-publish")
        answer = self._graph.call(publish_call(self._target(delivery), container))
        failpoint("instagram.after-publish")
        return Receipt(answer["id"], self._permalink(answer["id"]), self._context.clock())

    def _kept(self, delivery: Delivery) -> str | Receipt | None:
        """What an earlier attempt left: a container to publish, a post that is public after all, or nothing."""
        container = str(delivery.checkpoint.get("container", ""))
        rendition, now = delivery.publication.rendition, self._context.clock()
        tried = delivery.intent_at is not None  # only then can the container be public
        if not container or not (tried or social.fresh(delivery.checkpoint, rendition, now)):
            return None
        code = self._code(container, gone_is_fine=not tried)
        if code == "PUBLISHED":
            return self._published(delivery)
        if code in USELESS:
            return self._find(delivery) if tried else None
        return container

    def _published(self, delivery: Delivery) -> Receipt:
        """The receipt of a published container, with the post's id and address if they can be read."""
        try:
            found = self._find(delivery)
        except PublishError:
            found = None
        container = delivery.checkpoint.get("container")
        return found or Receipt(at=self._context.clock(), detail=f"container {container}")

    def _make(self, delivery: Delivery, journal: Journal) -> str:
        """Make the container, children first, keeping each id before the next step."""
        now = self._context.clock().isoformat()
        account, rendition = self._target(delivery), delivery.publication.rendition
        urls, children = self._urls(rendition), []
        self._lay_out(rendition)  # again: `publish` may have been killed between queueing and showing
        kept = {"since": delivery.checkpoint.get("since", now), "at": now, "of": rendition.digest}
        if len(urls) > 1:
            for call in child_calls(account, rendition, urls):
                children.append(self._container(call))
                self._wait(children[-1])
        container = self._container(container_call(account, rendition, urls, children))
        journal.checkpoint(delivery, {**kept, "container": container, "children": children})
        failpoint("instagram.after-checkpoint")
        return container

    def _container(self, call: Call) -> str:
        failpoint("instagram.before-container")
        container = str(self._graph.call(call)["id"])
        failpoint("instagram.after-container")
        return container

    def _wait(self, container: str) -> None:
        """Look at a container until it is ready.

        Raises:
            Unavailable: it is not ready yet, or is of no more use; a later attempt makes another.
            Rejected: Instagram refuses the picture.
        """
        for seconds in POLLS:
            self._context.sleep(seconds)
            status = self._status(container)
            match status.get("status_code"):
                case "FINISHED":
                    return
                case "ERROR" | "EXPIRED":
                    words = str(status.get("status", ""))
                    raise graph_errors.refused(graph_errors.rule_in(words), publishing=False, detail=words[:200])
                case "PUBLISHED":
                    raise OutcomeUnknown(_("Instagram says that this post is public already"))
        raise Unavailable(_("Instagram is still preparing the post"), detail=f"container {container}")

    def _status(self, container: str) -> Mapping[str, Any]:
        return self._graph.call(status_call(container))

    def _permalink(self, media: str) -> str:
        """The address of the post; a post never fails because its address cannot be read."""
        try:
            return str(self._graph.call(permalink_call(media)).get("permalink", ""))
        except PublishError:
            return ""

    def read_back(self, delivery: Delivery) -> ReadBack:
        """Ask the container whether it was published; look at the account's posts for the rest."""
        if not self.live:
            return self._showcase.read_back(delivery)
        try:
            return self._look(delivery)
        except PublishError as error:
            return ReadBack(Seen.UNREADABLE, detail=error.detail or error.message)

    def _look(self, delivery: Delivery) -> ReadBack:
        container = str(delivery.checkpoint.get("container", ""))
        code = self._settled_code(container)
        receipt = self._published(delivery) if code == "PUBLISHED" else self._find(delivery)
        if receipt is not None:
            return ReadBack(Seen.FOUND, receipt)
        provable = code in ("FINISHED", *USELESS)
        return ReadBack(Seen.ABSENT if provable else Seen.UNREADABLE, detail=f"container {container} {code}")

    def _settled_code(self, container: str) -> str:
        """The container's code; FINISHED only when two looks agree; "" when it cannot be read."""
        if not container:  # it is kept before the public step: without it there was none
            return "ABSENT"
        try:
            code = self._code(container)
            if code == "FINISHED":
                self._context.sleep(SETTLE)
                code = self._code(container)
        except PublishError as error:
            if graph_errors.reaction_of(error) is Reaction.REAUTH:
                return ""  # 100/33 and its like say nothing; the list may still show the post
            raise
        return code

    def _code(self, container: str, *, gone_is_fine: bool = False) -> str:
        """The container's status code; "ABSENT" when Instagram knows it no more."""
        try:
            return str(self._status(container).get("status_code", ""))
        except PublishError as error:
            reaction = graph_errors.reaction_of(error)
            if reaction is Reaction.NEW_CONTAINER or (gone_is_fine and reaction is Reaction.REAUTH):
                return "ABSENT"
            raise

    def _find(self, delivery: Delivery) -> Receipt | None:
        """The oldest of the account's posts with our caption since the first attempt.

        Raises:
            PublishError: the list cannot be read, or a post since then came without the caption to compare.
        """
        since = social.since(delivery)
        wanted = delivery.publication.rendition.payload["fingerprint"]
        call = Call("GET", f"/{self._target(delivery)}/media", {"fields": MEDIA_FIELDS, "limit": 50})
        found: list[tuple[datetime, Mapping[str, Any]]] = []
        nameless = 0
        for rows in self._graph.pages(call):
            times = [social.moment(row.get("timestamp")) for row in rows]
            recent = [(at, row) for at, row in zip(times, rows, strict=True) if at >= since]
            found += [(at, row) for at, row in recent if social.fingerprint(row.get("caption", "")) == wanted]
            nameless += sum("caption" not in row for _at, row in recent)
            if times and max(times) < since:
                break
        if found:
            at, media = min(found, key=lambda pair: pair[0])
            return Receipt(str(media["id"]), str(media.get("permalink", "")), at)
        if nameless:
            raise Unavailable(_("the account shows a post without its caption"), detail="no caption")
        return None

    def _urls(self, rendition: Rendition) -> list[str]:
        base = self._settings.media_base_url or f"{self._context.config.settings.workspace.base_url}/media"
        return [f"{base.rstrip('/')}/{picture['file']}" for picture in rendition.payload["pictures"]]


def child_calls(account: str, rendition: Rendition, urls: Sequence[str]) -> list[Call]:
    """One invisible container for each picture of a carousel."""
    pictures = rendition.payload["pictures"]
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


def _alt(picture: Mapping[str, str]) -> dict[str, str]:
    return {"alt_text": picture["alt"]} if picture["alt"] else {}
