"""What is still done with a post that is on the page: other words, the first comment, gone, or taken back.

Meta, "Pages API: posts" and "Page post: comments" (developers.facebook.com, read 2026-09-11). All but the comment may
be done twice; the comment is looked for before it is made again. No refusal here makes a post a failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from veille.errors import NotAuthorised, OutcomeUnknown, PublishError, Rejected, Unavailable
from veille.i18n import gettext as _
from veille.publishing import Delivery
from veille_publishers import facebook_calls as calls
from veille_publishers import graph_errors, social
from veille_publishers.facebook_look import GONE, Page, Sight, Wanted
from veille_publishers.graph import Graph
from veille_publishers.graph_table import TABLE

PERMISSION = (TABLE[3, None], TABLE[10, None], TABLE[200, None])
LATE = timedelta(minutes=5)  # that long a list may lag: as long as we look for a post that nobody answered for
AFTER = timedelta(minutes=2)  # its time, when it could not be taken back before


@dataclass(frozen=True)
class FollowUps:
    """One post, and what is done with it.

    Args:
        wanted: how it is known when its id is not.
    """

    graph: Graph = field(repr=False)
    page: Page
    wanted: Wanted
    clock: Callable[[], datetime]

    def edit(self, delivery: Delivery) -> None:
        """Give it the words of its file.

        Raises:
            PublishError: see `veille.publishing.RemotePublisher`.
        """
        rendition = delivery.publication.rendition
        kept = delivery.checkpoint.get("shape")
        if kept and kept != calls.shape(rendition):
            raise Rejected(
                _("Facebook changes the words of a post, never its pictures or its link"),
                hint=_("undo the change, or delete it there and publish it as a new post: {command}").format(
                    command=f"veille outbox cancel {delivery.publication.id} --public"
                ),
            )
        with _about_this_post(_hint_edit()):
            self.graph.call(calls.edit_call(delivery.remote_id, rendition.payload["message"]))

    def delete(self, delivery: Delivery) -> None:
        """Delete it; also under the id that it got when it became public.

        Raises:
            PublishError: see `veille.publishing.RemotePublisher`.
        """
        if self._deleted(delivery.remote_id):
            return
        other, planned = self._elsewhere(delivery), delivery.checkpoint.get("due")
        if other and other.public and planned and self.clock() < datetime.fromisoformat(planned):
            return  # public before its time: somebody's own post with these words
        if other:
            self._must_be_deleted(other.id)

    def take_back(self, delivery: Delivery) -> Sight | None:
        """Delete what Facebook holds for later; what is public by now stays, and is given back.

        Raises:
            PublishError: see `veille.publishing.RemotePublisher`.
        """
        with _about_this_post(_hint_delete()):
            sight = self.page.post(delivery.remote_id)
        if sight is None:
            sight = self._elsewhere(delivery)
        if sight is None or sight.public:
            return sight
        try:
            self._must_be_deleted(sight.id)
        except Rejected as error:
            raise self._after_its_time(error, sight.scheduled) from None
        return None

    def _after_its_time(self, error: Rejected, at: datetime | None) -> PublishError:
        """Shortly before its time, Facebook may refuse any change: afterwards the words are changed where it stands."""
        if at is None:
            return error
        wait = max(at - self.clock(), timedelta()) + AFTER
        return Unavailable(error.message, hint=error.hint, detail=error.detail, retry_after=wait)

    def _elsewhere(self, delivery: Delivery) -> Sight | None:
        """The post that had this id, under another one; only what Facebook was to publish by itself may have changed.

        Raises:
            Unavailable: it is in a list although Facebook says that it is not there, or too new for the lists to tell.
        """
        if self.page.lists(delivery.remote_id, self.wanted.since):
            raise Unavailable(_("Facebook lists the post and says that it is not there; it is tried again"))
        if (early := self._late_lists(delivery)) > timedelta():
            words = _("Facebook says that the post is not there, and its lists may not show it yet; it is tried again")
            raise Unavailable(words, retry_after=early)
        other = delivery.checkpoint.get("ahead") or delivery.checkpoint.get("draft")
        return self.page.find(self.wanted) if other else None

    def _late_lists(self, delivery: Delivery) -> timedelta:
        """How long the lists may still leave out what was handed over, or became public, a moment ago."""
        now, due = self.clock(), delivery.publication.due
        moments = [delivery.intent_at, due if due <= now else None]
        return max((moment + LATE - now for moment in moments if moment), default=timedelta())

    def _must_be_deleted(self, post: str) -> None:
        if not self._deleted(post):
            raise Unavailable(_("Facebook lists the post and says that it is not there; it is tried again"))

    def _deleted(self, post: str) -> bool:
        """Ask for its deletion. False: Facebook says that there is no such post."""
        try:
            with _about_this_post(_hint_delete()):
                self.graph.call(calls.delete_call(post))
        except Rejected as error:
            if graph_errors.rule_of(error) == GONE:
                return False
            raise
        return True

    def comment(self, delivery: Delivery, begun: datetime | None, *, again: bool) -> None:
        """Make the first comment, unless it is there.

        Raises:
            PublishError: see `veille.publishing.RemotePublisher`.
        """
        words = delivery.publication.rendition.payload.get("comment", "")
        if not words:
            return
        with _about_this_post(_hint_comment()):
            if begun and self._commented(delivery.remote_id, words):
                return
            if not again:
                raise OutcomeUnknown(
                    _("nobody can say yet whether the first comment was made"),
                    hint=_("look under the post; then: veille outbox retry {id}").format(id=delivery.id),
                )
            self.graph.call(calls.comment_call(delivery.remote_id, words))

    def _commented(self, post: str, words: str) -> bool:
        wanted = social.prints(words)
        for rows in self.graph.pages(calls.comments_call(post)):
            for row in rows:
                author = row.get("from")
                page = str(author.get("id")) == self.page.id if isinstance(author, dict) else True
                if page and social.prints(str(row.get("message", ""))) & wanted:
                    return True
        return False


@contextmanager
def _about_this_post(hint: str) -> Iterator[None]:
    """A permission that is missing here, or a post that is gone, stops nothing else.

    Raises:
        Rejected: in place of what would stop the channel.
        OutcomeUnknown, Unavailable: as they come.
    """
    try:
        yield
    except NotAuthorised as error:
        rule = graph_errors.rule_of(error)
        if rule == GONE:
            words = _("the post is no longer on the page, or Facebook does not show it to us")
            raise Rejected(words, hint=hint, detail=error.detail) from error.__cause__
        if rule in PERMISSION:
            raise Rejected(error.message, hint=hint, detail=error.detail) from error.__cause__
        raise


def _hint_edit() -> str:
    return _("change it on the page itself; only posts that this app made can be changed from here")


def _hint_delete() -> str:
    return _("delete it on the page itself")


def _hint_comment() -> str:
    return _(
        "comments need the permission pages_manage_engagement: `veille connect facebook` asks for it;"
        " or write the comment on the page itself"
    )
