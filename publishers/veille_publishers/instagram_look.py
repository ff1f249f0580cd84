"""Whether an Instagram post is public: asked of its container first, then of the account's posts.

The container is the key (Meta, "IG Container", read 2026-09-11): PUBLISHED is proof, FINISHED counts when two looks
agree, and neither that nor the end of its life proves anything before the account's posts were read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from veille.errors import NotAuthorised, PublishError, Unavailable
from veille.i18n import gettext as _
from veille.publishing import Delivery, ReadBack, Receipt, Seen
from veille_publishers import social
from veille_publishers.graph_errors import other_token_may_read
from veille_publishers.instagram_account import USELESS, Account, Post
from veille_publishers.instagram_kept import Kept

SETTLE = 5  # seconds between two looks that must agree; dispatch looks several times, minutes apart
POLLS = (3, 5, 10)  # seconds, while a container is being prepared


@dataclass(frozen=True)
class Look:
    """One look for one delivery.

    Args:
        kept: what its attempts left.
        now: of this look.
        sleep: waits that many seconds.
        given: posts found for deliveries since the ledger was asked whose are there: id of the post -> delivery.
    """

    account: Account
    delivery: Delivery
    kept: Kept
    now: datetime
    sleep: Callable[[float], object]
    given: dict[str, str] = field(default_factory=dict)

    def result(self) -> ReadBack:
        """Whether it is public.

        Raises:
            PublishError: nobody can say now.
        """
        codes = [self._settled(container) for container in self.kept.may_be_public(self.now)]
        if "PUBLISHED" in codes:
            return ReadBack(Seen.FOUND, self.published())
        try:
            posts = self._posts()
        except NotAuthorised as error:
            if not other_token_may_read(error):
                raise
            return ReadBack(Seen.UNREADABLE, detail=error.detail)
        if ours := next(self._with_our_words(posts), None):
            return ReadBack(Seen.FOUND, self._receipt(ours))
        provable = all(code in ("FINISHED", *USELESS) for code in codes) and not list(self._nameless(posts))
        return ReadBack(Seen.ABSENT if provable else Seen.UNREADABLE, detail=f"containers: {', '.join(codes) or '-'}")

    def published(self) -> Receipt:
        """The receipt of a published container, with the post's id and address if they can be read."""
        for again in (True, False):
            with suppress(PublishError):
                posts = self._posts()
                tried = (self.delivery.intent_at or self.delivery.date) - social.SKEW
                others = [post for post in self._nameless(posts) if post.at >= tried]
                ours = next(self._with_our_words(posts), others[0] if len(others) == 1 else None)
                if ours:
                    return self._receipt(ours)
            if again:
                self.sleep(SETTLE)  # lists lag behind
        return Receipt(at=self.now, detail=f"container {self.kept.container}")

    def _settled(self, container: str) -> str:
        code = self._code(container)
        for seconds in POLLS:
            if code == "IN_PROGRESS":
                self.sleep(seconds)
                code = self._code(container)
        if code == "IN_PROGRESS":
            raise Unavailable(_("Instagram is still preparing the post"), detail=f"container {container}")
        if code == "FINISHED":
            self.sleep(SETTLE)
            code = self._code(container)
        return code

    def _code(self, container: str) -> str:
        return self.account.status(container).code

    def _posts(self) -> list[Post]:
        """The account's posts since the first attempt that no other delivery made, oldest first."""
        posts = self.account.posts(social.since(self.delivery, social.WRONG))
        others = {post for post, delivery in self.given.items() if delivery != self.delivery.id}
        return [post for post in posts if post.id not in self.delivery.taken | others]

    def _with_our_words(self, posts: list[Post]) -> Iterator[Post]:
        """Also with those of an attempt before the words were changed; never simply the newest."""
        wanted = {self._payload["fingerprint"], *(one.words for one in self.kept.earlier)}
        return (post for post in posts if post.words is not None and social.fingerprint(post.words) in wanted)

    def _nameless(self, posts: list[Post]) -> Iterator[Post]:
        """Those that may be ours, of an account that shows no words: of our form."""
        form, first = "CAROUSEL_ALBUM" if len(self._payload["pictures"]) > 1 else "IMAGE", social.since(self.delivery)
        return (post for post in posts if post.words is None and post.form in (form, "") and post.at >= first)

    def _receipt(self, post: Post) -> Receipt:
        self.given[post.id] = self.delivery.id
        return Receipt(post.id, post.url, post.at)

    @property
    def _payload(self) -> Any:
        return self.delivery.publication.rendition.payload
