"""The Instagram account: a container that nobody sees, then the one call that publishes it.

Meta, "Content publishing" (developers.facebook.com/docs/instagram-platform/content-publishing, read 2026-09-11).
The id of the container is kept before it is published, and tells afterwards whether it was. A caption cannot be changed
once it is public, and nothing can be scheduled there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlsplit

from veille import quotas
from veille.errors import ContentError, NotAuthorised, OutcomeUnknown, PublishError, RateLimited
from veille.failpoints import failpoint
from veille.i18n import gettext as _
from veille.publishing import (
    Delivery,
    FollowUp,
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
from veille_publishers import captions, files, social
from veille_publishers.graph import Graph, second_access
from veille_publishers.graph_publisher import GraphPublisher
from veille_publishers.instagram_account import DAY, Account, opens
from veille_publishers.instagram_calls import (
    child_calls,
    comment_call,
    container_call,
    permalink_call,
    publish_call,
    quota_call,
    status_call,
)
from veille_publishers.instagram_containers import Preparation, Room
from veille_publishers.instagram_follow_ups import FollowUps
from veille_publishers.instagram_kept import kept
from veille_publishers.instagram_look import Look
from veille_publishers.media_store import MediaStore, open_store

NO_ACCOUNT = "account"  # the target in the sandbox, where no account is named


class Instagram(GraphPublisher):
    """The publisher of one Instagram account."""

    kind: ClassVar[str] = "instagram"
    target_setting: ClassVar[str] = "user_id"
    sandbox_target: ClassVar[str] = NO_ACCOUNT
    follow_ups: ClassVar[frozenset[FollowUp]] = frozenset({FollowUp.COMMENT, FollowUp.DELETE})

    def render(self, source: Source) -> Rendition | None:
        """Caption and pictures of a post; None for an edition.

        Raises:
            ContentError: the caption, its hashtags or mentions are more than Instagram takes, or no picture is there.
            RenderError: the template fails.
        """
        if not isinstance(source, RenderedPost):
            return None
        pictures = source.instagram_pictures[: self._settings.carousel_max]
        caption = self._caption(source)
        if findings := tuple(captions.findings(source, caption)):
            raise ContentError(findings)
        payload: dict[str, Any] = {
            "caption": caption,
            "pictures": [{"file": picture.name, "alt": social.alt_text(picture)} for picture in pictures],
            "fingerprint": social.fingerprint(caption),
        }
        if source.instagram_comment:
            payload["comment"] = social.tidy(source.instagram_comment)
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
        """The caption with its first comment, and what a screen reader says of each picture."""
        alts = tuple(picture["alt"] for picture in rendition.payload["pictures"])
        shown = (rendition.payload["caption"], rendition.payload.get("comment", ""))
        return Proof(text="\n\n".join(filter(None, shown)), alts=alts)

    def show(self, publication: Publication) -> None:
        """Write the exact requests to outbox/instagram/<slug>.json, the pictures beside it."""
        self._showcase.show(publication, self.requests(publication.rendition))

    def requests(self, rendition: Rendition) -> Sequence[Mapping[str, Any]]:
        """The exact requests when nothing has to be waited for; ids that Instagram will give are named, not known."""
        account = self.targets()[0]
        urls = [self._store.url(picture["file"]) for picture in rendition.payload["pictures"]]
        children = [f"<id of picture {number}>" for number, _url in enumerate(urls, 1)]
        container, media = "<id of the container>", "<id of the post>"
        calls = [quota_call(account)]
        if made := child_calls(account, rendition, urls):
            calls += [*made, *map(status_call, children)]
        calls += [container_call(account, rendition, urls, children), status_call(container)]
        calls += [publish_call(account, container), permalink_call(media)]
        if comment := rendition.payload.get("comment"):
            calls.append(comment_call(media, comment))
        return [call.to_json(self._settings.api_version) for call in calls]

    # --- publishing ----------------------------------------------------------------------------------------

    def _publish(self, delivery: Delivery, journal: Journal) -> Receipt | None:
        known = kept(delivery, self._context.clock())
        if delivery.intent_at and (found := self._look_again(delivery)):
            return found
        self._await_room(delivery)
        preparation = Preparation(self._room(delivery), delivery, journal, known)
        container, asked = preparation.ready(), self._context.clock()
        if not journal.intent(delivery):
            return None
        intended = replace(delivery, checkpoint=preparation.kept.to_json(), intent_at=self._context.clock())
        failpoint("instagram.before-publish")
        self._not_since(asked)
        return self._make_public(intended, container)

    def _look_again(self, delivery: Delivery) -> Receipt | None:
        """What an earlier attempt made public after all; never publish again while blind."""
        look = self._look(delivery).result()
        if look.seen is Seen.UNREADABLE:
            raise OutcomeUnknown(_("the account does not show whether this post is public"), detail=look.detail)
        return look.receipt

    def _make_public(self, delivery: Delivery, container: str) -> Receipt:
        try:
            answer = self._graph.call(publish_call(delivery.target, container))
        except (NotAuthorised, RateLimited):
            if self._is_public(delivery, container):  # others saw refusals of posts that were made
                return self._look(delivery).published()
            raise
        failpoint("instagram.after-publish")
        media = str(answer["id"])
        return Receipt(media, self._account(delivery).permalink(media), self._context.clock())

    def _is_public(self, delivery: Delivery, container: str) -> bool:
        try:
            return self._account(delivery).status(container).code == "PUBLISHED"
        except PublishError:
            return False

    def _await_room(self, delivery: Delivery) -> None:
        """Nothing is made, and nothing used up, while the account may not post any more today.

        Raises:
            RateLimited: until enough posts are a day old.
        """
        account, now = self._account(delivery), self._context.clock()
        known = account.quota()
        if known:
            self._remember(delivery, known[1])
            if known[0] < known[1]:
                return
        posts = account.posts(now - DAY)
        used, total = known or (len(posts), quotas.known(self._context.config))
        if used >= total:
            raise RateLimited(
                _("the account has made all posts that Instagram allows in a day ({total})").format(total=total),
                hint=_("nothing to do: it leaves as soon as one of them is a day old"),
                retry_after=opens(posts, used, total, now),
                about_us=True,
            )

    def _remember(self, delivery: Delivery, total: int) -> None:
        with suppress(PublishError):  # a full disk has its own alarm
            files.write(quotas.path(self._context.config), quotas.content(delivery.target, total))

    def _seen(self, delivery: Delivery) -> ReadBack:
        """Ask the container whether it was published; look at the account's posts for the rest."""
        return self._look(delivery).result()

    def _look(self, delivery: Delivery) -> Look:
        now = self._context.clock()
        return Look(self._account(delivery), delivery, kept(delivery, now), now, self._context.sleep, self._given)

    # --- what comes after ----------------------------------------------------------------------------------

    def follow_up(
        self, delivery: Delivery, what: FollowUp, begun: datetime | None, *, again: bool = True
    ) -> Receipt | None:
        """Write the first comment, or delete the post; a caption that is public cannot be changed by an app.

        Raises:
            PublishError: see `veille.publishing.RemotePublisher`.
        """
        delivery = self._placed(delivery)
        after = FollowUps(self._graph, self._account(delivery), deletes=self._settings.login == "facebook")
        if what is FollowUp.COMMENT:
            after.comment(delivery, begun, again=again)
        elif what is FollowUp.DELETE:
            after.delete(delivery)
        else:
            return super().follow_up(delivery, what, begun, again=again)
        return None

    # --- parts ---------------------------------------------------------------------------------------------

    @cached_property
    def _store(self) -> MediaStore:
        return open_store(self._context.config)

    def _account(self, delivery: Delivery) -> Account:
        return Account(delivery.target, self._graph, self._second)

    def _second(self) -> Graph | None:
        graph = second_access(self.kind, self._current.settings(self.kind), self._context.http)
        return replace(graph, heard=self._pace.heard) if graph else None

    def _room(self, delivery: Delivery) -> Room:
        looks = self._context.http if self._settings.check_media else None
        return Room(self._account(delivery), self._store, looks, self._context.clock, self._context.sleep)
