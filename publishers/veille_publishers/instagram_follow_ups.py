"""What is still done with a post that is on Instagram: its first comment, or its end. Words never change there.

Meta, "IG Media" and "IG Media: comments" (developers.facebook.com/docs/instagram-platform, read 2026-09-11). Deleting
twice does no harm; the comment is looked for before it is made again. No refusal here makes a post a failure.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from veille.errors import NotAuthorised, OutcomeUnknown, Rejected
from veille.i18n import gettext as _
from veille.publishing import Delivery
from veille_publishers import graph_errors
from veille_publishers.graph import Graph
from veille_publishers.graph_table import TABLE
from veille_publishers.instagram_account import DAY, Account
from veille_publishers.instagram_calls import comment_call, delete_call

GONE = TABLE[100, 33]  # absent, or not shown to us: Meta says the same for both
PERMISSION = (GONE, TABLE[3, None], TABLE[10, None], TABLE[200, None])


@dataclass(frozen=True)
class FollowUps:
    """What is done with posts of one account.

    Args:
        deletes: whether Instagram lets us: only where the account was connected through its Facebook page.
    """

    graph: Graph = field(repr=False)
    account: Account = field(repr=False)
    deletes: bool

    def comment(self, delivery: Delivery, begun: datetime | None, *, again: bool) -> None:
        """Make the first comment, unless it is there.

        Raises:
            PublishError: see `veille.publishing.RemotePublisher`.
        """
        words = str(delivery.publication.rendition.payload.get("comment", ""))
        if not words:
            return
        with _about_this_post(_hint_comment()):
            if begun and self.account.has_comment(delivery.remote_id, words):
                return
            if not again:
                raise OutcomeUnknown(
                    _("nobody can say yet whether the first comment was made"),
                    hint=_("look under the post; then: veille outbox retry {id}").format(id=delivery.id),
                )
            self.graph.call(comment_call(delivery.remote_id, words))

    def delete(self, delivery: Delivery) -> None:
        """Delete it.

        Raises:
            PublishError: see `veille.publishing.RemotePublisher`.
        """
        if not self.deletes:
            raise Rejected(
                _("Instagram deletes posts from here only where the account was connected through its Facebook page"),
                hint=_hint_delete(),
            )
        with _about_this_post(_hint_delete()):
            try:
                self.graph.call(delete_call(delivery.remote_id))
            except NotAuthorised as error:
                if graph_errors.rule_of(error) != GONE or not self._is_gone(delivery):
                    raise

    def _is_gone(self, delivery: Delivery) -> bool:
        """Whether the account's posts, read to the day before the first attempt, show it no more."""
        return delivery.remote_id not in {post.id for post in self.account.posts(delivery.date - DAY)}


@contextmanager
def _about_this_post(hint: str) -> Iterator[None]:
    """A permission that is missing here, or a post that is gone, stops nothing else.

    Raises:
        Rejected: in place of what would stop the channel.
    """
    try:
        yield
    except NotAuthorised as error:
        if graph_errors.rule_of(error) in PERMISSION:
            raise Rejected(error.message, hint=hint, detail=error.detail) from error.__cause__
        raise


def _hint_delete() -> str:
    return _("delete it in the app")


def _hint_comment() -> str:
    return _(
        "comments need a permission of their own: `veille connect instagram` asks for it;"
        " or write the comment in the app"
    )
