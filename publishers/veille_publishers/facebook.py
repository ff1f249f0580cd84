"""The Facebook page: photos first, unseen; then one call that makes the post public, or hands it over for its time.

Meta, "Pages API: posts" and "Page photos" (developers.facebook.com/docs/pages-api/posts, read 2026-09-11).
At most one visible post: the public step is never repeated before a look at the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from veille.errors import NotAuthorised, PublishError, Rejected, Unavailable
from veille.failpoints import failpoint
from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille.publishing import (
    AtItsTime,
    Delivery,
    FollowUp,
    Journal,
    Outcome,
    Proof,
    Publication,
    ReadBack,
    Receipt,
    Rendition,
    Scheduled,
    Seen,
    Source,
)
from veille.rendering import Picture, RenderedPost
from veille_publishers import facebook_calls as calls
from veille_publishers import graph_errors, social
from veille_publishers.facebook_follow_ups import FollowUps
from veille_publishers.facebook_look import GONE, Page, Sight, Wanted
from veille_publishers.graph import web_address
from veille_publishers.graph_publisher import GraphPublisher, unreadable
from veille_publishers.graph_table import TABLE, WINDOW

MOST_PHOTOS = 10  # Meta documents no number; others use this one
LONGEST_BODY = 1500  # UTF-16 units: what somebody reads on a page; the rest is one link away
NO_PAGE = "page"  # the target in the sandbox, where no page is named
LONGEST_SENSITIVE = 20_000  # where each line may be the one that helps
NO_LINK = TABLE[1609005, None]
SOON = timedelta(seconds=30)


class Facebook(GraphPublisher):
    """The publisher of one Facebook page."""

    kind: ClassVar[str] = "facebook"
    target_setting: ClassVar[str] = "page_id"
    sandbox_target: ClassVar[str] = NO_PAGE
    follow_ups: ClassVar[frozenset[FollowUp]] = frozenset(FollowUp)

    def render(self, source: Source) -> Rendition | None:
        """Text, link and pictures of a post; None for an edition.

        Raises:
            RenderError: the template fails.
        """
        if not isinstance(source, RenderedPost):
            return None
        pictures = source.pictures[:MOST_PHOTOS]
        message = self._message(source, link_in_text=bool(pictures))
        payload: dict[str, Any] = {
            "message": message,
            "link": "" if pictures else source.url,  # Meta shows either a link card or photos
            "photos": [_photo(picture) for picture in pictures],
            "fingerprint": social.fingerprint(message),
        }
        if source.facebook_comment:
            payload["comment"] = social.tidy(source.facebook_comment)
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
        """The message with its first comment, and what a screen reader says of each photo."""
        alts = tuple(photo["alt"] for photo in rendition.payload["photos"])
        shown = (rendition.payload["message"], rendition.payload.get("comment", ""))
        return Proof(text="\n\n".join(filter(None, shown)), alts=alts)

    def show(self, publication: Publication) -> None:
        """Write the exact requests to outbox/facebook/<slug>.json, the pictures beside it."""
        self._showcase.show(publication, self.requests_at(publication.rendition, publication.due))

    def requests(self, rendition: Rendition) -> Sequence[Mapping[str, Any]]:
        """The exact requests at its time; the ids that Facebook gives are named, not known."""
        return self._requests(rendition, None)

    def requests_at(self, rendition: Rendition, due: datetime) -> Sequence[Mapping[str, Any]]:
        """The same for a post that is due then: with native scheduling Facebook is handed it ahead."""
        window = self.ahead()
        early = window is not None and due - self._context.clock() >= window[0]
        return self._requests(rendition, due if early else None)

    def requests_to_edit(self, rendition: Rendition) -> Sequence[Mapping[str, Any]]:
        """Other words for a post that is on the page."""
        call = calls.edit_call("<id of the post>", rendition.payload["message"])
        return [call.to_json(self._settings.api_version)]

    def _requests(self, rendition: Rendition, at: datetime | None) -> list[dict[str, Any]]:
        page, post = self.targets()[0], "<id of the post>"
        ids = [f"<id of photo {number}>" for number, _p in enumerate(rendition.payload["photos"], 1)]
        made = calls.photo_calls(page, rendition, ahead=at is not None)
        if at is None and self.live and self._settings.draft_first:
            made += [calls.draft_call(page, rendition, ids), calls.show_call(post), calls.post_call(post)]
        else:
            made += [calls.feed_call(page, rendition, ids, at)]
        if comment := rendition.payload.get("comment"):
            made.append(calls.comment_call(post, comment))
        return [call.to_json(self._settings.api_version) for call in made]

    def ahead(self) -> tuple[timedelta, timedelta] | None:
        """The window in which Facebook is handed posts for later, when that is wanted."""
        settings = self._settings
        if not (self.live and settings.native_scheduling):
            return None
        return settings.schedule_least, settings.schedule_most

    def editable(self, before: Rendition, after: Rendition) -> bool:
        """Whether only the words differ: Facebook takes no other link or pictures for a post that is public."""
        words = before.payload["message"] != after.payload["message"]
        return self.live and words and calls.shape(before) == calls.shape(after)

    # --- publishing ---------------------------------------------------------------------------------------

    def _publish(self, delivery: Delivery, journal: Journal) -> Outcome | None:
        if (delivery.intent_at or delivery.remote_id) and (found := self._look_again(delivery)):
            return found
        at = self._later(delivery)
        if isinstance(at, AtItsTime):
            return at
        kept = self._kept(delivery, ahead=at is not None)
        kept = self._photos(delivery, journal, kept, ahead=at is not None)
        if at is None and self._settings.draft_first and not kept.get("one_step"):
            return self._show_draft(delivery, journal, kept)
        if at is not None and isinstance(self._later(delivery), AtItsTime | None):  # the photos took too long
            return AtItsTime(_words_too_late())
        asked = self._context.clock()
        if not journal.intent(delivery):
            return None
        failpoint("facebook.before-feed")
        self._not_since(asked)
        call = calls.feed_call(delivery.target, delivery.publication.rendition, kept["photos"], at)
        try:
            answer = self._graph.call(call)
        except PublishError as error:
            return self._refused(error, delivery, ahead=at is not None)
        failpoint("facebook.after-feed")
        return Scheduled(answer["id"], at) if at else _receipt(answer, self._context.clock())

    def _later(self, delivery: Delivery) -> datetime | AtItsTime | None:
        """The time for which Facebook is handed the post; None: its time has come. Never does it leave before."""
        now, due = self._context.clock(), delivery.publication.due
        if due <= now:
            return None
        least, most = self.ahead() or (timedelta.max, timedelta())
        return due if least <= due - now <= most else AtItsTime(_words_too_late())

    def _refused(self, error: PublishError, delivery: Delivery, *, ahead: bool) -> Outcome:
        """What comes of a refusal: a time that Facebook does not take is ours to keep; so is a link not there yet."""
        rule = graph_errors.rule_of(error)
        if ahead and rule in (WINDOW, NO_LINK):
            return AtItsTime(error.message)
        if rule == NO_LINK and delivery.tries:  # once more was enough (facts: twice, then it has failed)
            return Rejected(error.message, hint=error.hint, detail=error.detail)
        return error

    def _look_again(self, delivery: Delivery) -> Receipt | Scheduled | None:
        """What an earlier attempt made after all; never publish again while blind."""
        look = self.read_back(delivery)
        if look.seen is Seen.UNREADABLE:
            raise Unavailable(_("the page cannot be read, so nothing is published"), detail=look.detail)
        return look.scheduled or look.receipt

    def _kept(self, delivery: Delivery, *, ahead: bool) -> dict[str, Any]:
        """What earlier attempts left, as far as it can still be used, and what a later look needs to know."""
        now, rendition, kept = self._context.clock(), delivery.publication.rendition, dict(delivery.checkpoint)
        texts = [*kept.get("texts", ()), *sorted(social.prints(rendition.payload["message"]))]
        lasting = {"since": kept.get("since", now.isoformat()), "texts": list(dict.fromkeys(texts))}
        lasting["target"] = delivery.target
        if kept.get("one_step"):
            lasting["one_step"] = True
        if ahead:
            lasting["due"] = delivery.publication.due.isoformat()
        if social.fresh(kept, rendition, now) and bool(kept.get("ahead")) is ahead:
            return {**kept, **lasting}
        usable = {"at": now.isoformat(), "of": rendition.digest, "photos": [], "ahead": ahead}
        return {**lasting, **usable, "shape": calls.shape(rendition)}

    def _photos(self, delivery: Delivery, journal: Journal, kept: dict[str, Any], *, ahead: bool) -> dict[str, Any]:
        """Upload the photos that are not there yet, unseen. Returns what is kept, with their ids."""
        rendition = delivery.publication.rendition
        journal.checkpoint(delivery, kept)
        for call in calls.photo_calls(delivery.target, rendition, ahead=ahead)[len(kept["photos"]) :]:
            failpoint("facebook.before-photo")
            answer = self._graph.call(call, social.file_named(rendition, call.file))
            failpoint("facebook.after-photo")
            kept = {**kept, "photos": [*kept["photos"], answer["id"]]}
            journal.checkpoint(delivery, kept)
            failpoint("facebook.after-checkpoint")
        return kept

    def _show_draft(self, delivery: Delivery, journal: Journal, kept: dict[str, Any]) -> Outcome | None:
        """Make the post unseen, keep its id, then show it by this id (facts: not proven on a live page)."""
        if not kept.get("draft"):
            page, rendition = delivery.target, delivery.publication.rendition
            made = self._graph.call(calls.draft_call(page, rendition, kept["photos"]))
            kept = {**kept, "draft": made["id"]}
            journal.checkpoint(delivery, kept)
            failpoint("draft.kept")
        asked = self._context.clock()
        if not journal.intent(delivery):
            return None
        failpoint("facebook.before-feed")
        self._not_since(asked)
        try:
            self._graph.call(calls.show_call(kept["draft"]))
        except Rejected as error:  # it is not shown in this way: the draft goes, and one call makes the post
            with suppress(PublishError):
                self._graph.call(calls.delete_call(kept["draft"]))
            journal.checkpoint(delivery, {**kept, "at": "", "draft": "", "one_step": True})
            return Unavailable(error.message, hint=error.hint, detail=error.detail, retry_after=SOON)
        failpoint("facebook.after-feed")
        with suppress(PublishError):  # it is public, whatever comes of this; but its id may be another one now
            sight = self._sight(replace(delivery, checkpoint=kept, intent_at=self._context.clock()))
            if sight and sight.public:
                return receipt_of(sight)
        return _receipt({"id": kept["draft"]}, self._context.clock())

    # --- looking ------------------------------------------------------------------------------------------

    def _seen(self, delivery: Delivery) -> ReadBack:
        """By its id where it is known, then by its words in every list of the page."""
        try:
            sight = self._sight(delivery)
        except NotAuthorised as error:
            if graph_errors.rule_of(error) != GONE:
                raise
            return unreadable(error)
        if sight is None:
            return ReadBack(Seen.ABSENT)
        self._given[sight.id] = delivery.id
        if sight.public:
            return ReadBack(Seen.FOUND, receipt_of(sight))
        return ReadBack(Seen.FOUND, scheduled=Scheduled(sight.id, sight.scheduled)) if sight.scheduled else _ABSENT

    def _sight(self, delivery: Delivery) -> Sight | None:
        page = self._page(delivery)
        for known in (delivery.remote_id, str(delivery.checkpoint.get("draft", ""))):
            if known and (sight := page.post(known)) and (sight.public or sight.scheduled):
                return sight
        return page.find(self._wanted(delivery))

    def _page(self, delivery: Delivery) -> Page:
        return Page(self._graph, delivery.target)

    def _wanted(self, delivery: Delivery) -> Wanted:
        payload, kept = delivery.publication.rendition.payload, delivery.checkpoint
        texts = frozenset(kept.get("texts", ())) or social.prints(payload["message"])
        photos = kept.get("photos")
        return Wanted(
            texts=texts,
            photos=len(photos) if photos else len(payload["photos"]),
            link=payload["link"],
            since=social.since(delivery, social.WRONG),
            taken=delivery.taken | {post for post, other in self._given.items() if other != delivery.id},
            app_id=self._settings.app_id,
        )

    def follow_up(
        self, delivery: Delivery, what: FollowUp, begun: datetime | None, *, again: bool = True
    ) -> Receipt | None:
        """Change, comment on, delete or take back what is on the page: see `facebook_follow_ups`.

        Raises:
            PublishError: see `veille.publishing.RemotePublisher`.
        """
        self._pace.check()
        delivery = self._placed(delivery)
        work = FollowUps(self._graph, self._page(delivery), self._wanted(delivery), self._context.clock)
        match what:
            case FollowUp.EDIT:
                work.edit(delivery)
            case FollowUp.COMMENT:
                work.comment(delivery, begun, again=again)
            case FollowUp.DELETE:
                work.delete(delivery)
            case FollowUp.REPLACE:
                if stands := work.take_back(delivery):
                    return receipt_of(stands)
        return None


_ABSENT = ReadBack(Seen.ABSENT)


def _photo(picture: Picture) -> dict[str, str]:
    return {"file": picture.name, "alt": social.alt_text(picture)}


def _receipt(answer: Mapping[str, Any], at: datetime) -> Receipt:
    remote_id = str(answer["id"])
    return Receipt(remote_id, web_address(answer.get("permalink_url")) or f"https://www.facebook.com/{remote_id}", at)


def receipt_of(sight: Sight) -> Receipt:
    """What is said of a post that was found."""
    words = ngettext(
        "{n} more post with the same text is on the page",
        "{n} more posts with the same text are on the page",
        sight.others,
    )
    return Receipt(sight.id, sight.url, sight.at, warning=words.format(n=sight.others) if sight.others else "")


def _words_too_late() -> str:
    return _("too near for Facebook to publish it by itself: it leaves at its time, while `veille run` is on")
