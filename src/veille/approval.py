"""Four eyes: what must be approved before it is queued, by whom, and whether that still holds.

An approval is of everything that readers would see. It is bound to the digest of all renditions, so that one changed
letter anywhere (a body, an alternative text, a partner's phone, a template) voids it. A post without a date gets the
day on which it is first published: that day is left out, or nobody could approve on a Thursday for Friday.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from veille.checks.approvals import AUTHOR_MISSING, NOT_APPROVED, needed, needing
from veille.config import Config
from veille.editions import Edition
from veille.errors import ContentError, Finding, RenderError, Severity
from veille.i18n import gettext as _
from veille.library import Library
from veille.outbox.audit import Audit, Entry, Event
from veille.outbox.queue import Queued
from veille.outbox.schema import REWRITING
from veille.planning import CADENCED, expires
from veille.posts import Post
from veille.publishing import Publisher, Rendition
from veille.renamed import body_hash
from veille.rendering import RenderedEdition, RenderedPost, render_file, render_post
from veille.reviewers import NotAllowed, Person, authors, chosen, read, same
from veille.timetable import in_words

if TYPE_CHECKING:
    from veille.lines import Line

__all__ = ["Desk", "NotAllowed", "Person", "needed", "needing"]

FORM = 1  # of the digest: raised when other things are in it, which voids every approval
_NO_DAY = "1970-01-01T00:00:00+00:00"


@dataclass(frozen=True)
class Desk:
    """Where things are approved: content, settings, publishers, and what was said before.

    Args:
        now: aware; hours of help lines are those of the day on which readers see them.
    """

    library: Library
    config: Config
    publishers: Mapping[str, Publisher]
    audit: Audit
    now: datetime

    # ---- what is approved

    def renditions(self, source: Post | Edition, *, with_day: bool = False) -> dict[str, Rendition]:
        """What each channel would show; the letter is that of this source alone.

        Args:
            with_day: the day of today too, where readers see it: for people, not for the digest.

        Raises:
            ContentError, RenderError: it cannot be shown.
        """
        if isinstance(source, Edition):
            edition = self._letter(source, with_day=with_day)
            made = {name: self.publishers[name].render(edition) for name in self._channels(None)}
        else:
            post = self._post(source, with_day=with_day)
            wanted = [name for name in self._channels(source) if name != CADENCED]
            made = {name: self.publishers[name].render(post) for name in wanted}
            if CADENCED in self._channels(source):
                made[CADENCED] = self.publishers[CADENCED].render(self._letter(source, with_day=with_day))
        return {name: rendition for name, rendition in made.items() if rendition is not None}

    def digest(self, source: Post | Edition) -> str:
        """SHA-256 over the author and every rendition, hexadecimal.

        Raises:
            ContentError, RenderError: it cannot be shown.
        """
        parts = sorted((name, rendition.digest) for name, rendition in self.renditions(source).items())
        return hashlib.sha256(json.dumps([FORM, source.source, source.author, parts]).encode()).hexdigest()

    def members(self, source: Post | Edition) -> list[Post]:
        """The posts that readers see in it."""
        known = {post.source: post for post in self.library.posts}
        return [source] if isinstance(source, Post) else [known[name] for name in source.posts if name in known]

    # ---- who may

    def reviewer(self, source: Post | Edition, typed: str) -> Person:
        """The person who says to approve.

        Raises:
            NotAllowed: they are no reviewer, or wrote it, or nobody knows who did.
        """
        person = chosen(typed, self.config.settings.approval.reviewers)
        if not source.author:
            raise NotAllowed(
                _("{file} does not say who wrote it").format(file=source.file),
                hint=_("write `author: First Last` in its front matter; somebody else approves it"),
            )
        for written in (source, *self.members(source)):
            if self._wrote(written, person):
                raise NotAllowed(
                    _("{name} wrote {file} (author: {author}): somebody else must approve it").format(
                        name=person.name or typed, file=written.file, author=written.author
                    ),
                    hint=_("ask a colleague: veille approve {file} --ask").format(file=source.file),
                )
        return person

    def asked(self, source: Post | Edition) -> list[Person]:
        """The reviewers who may approve it."""
        people = [read(text) for text in self.config.settings.approval.reviewers]
        written = (source, *self.members(source))
        return [person for person in people if not any(self._wrote(one, person) for one in written)]

    def _wrote(self, source: Post | Edition, person: Person) -> bool:
        return any(same(person, author) for author in authors(source.author))

    # ---- whether it is

    def approval(self, source: Post | Edition, digest: str) -> Entry | None:
        """The approval of exactly this, by somebody who did not write it; the newest one."""
        found = self.audit.entries(source=source.source, event=Event.APPROVED)
        good = [e for e in found if e.source == source.source and e.digest == digest]
        written = (source, *self.members(source))
        stands = [entry for entry in good if not any(self._wrote(one, read(entry.who)) for one in written)]
        return stands[-1] if stands else None

    def finding(self, source: Post | Edition) -> Finding | None:
        """Why it may not be queued; None: it was approved as it is.

        Raises:
            ContentError, RenderError: it cannot be shown.
        """
        if not source.author:
            return AUTHOR_MISSING.finding(source, _("it needs approval, but nobody stands as its author"))
        before = self.audit.latest(source.source, Event.APPROVED)
        message = _("nobody has approved this yet")
        if before is not None:
            digest = self.digest(source)
            if self.approval(source, digest):
                return None
            zone, language = self.config.zone, self.config.settings.workspace.language
            message = _("{who} approved it on {when}; what readers would see has changed since").format(
                who=before.who, when=in_words(before.at, zone, language)
            )
            if before.digest == digest:
                message = _("{who} approved it, but stands as its author now").format(who=before.who)
        hint = _("veille approve {file} --as NAME, or ask the reviewers by mail: veille approve {file} --ask")
        return NOT_APPROVED.finding(source, message, hint.format(file=source.file))

    def refused(self, lines: Iterable[Line], stored: Callable[[int], Rendition]) -> Iterator[Finding]:
        """Why some of these publications may not be queued. What is queued already, and unchanged, stays.

        Args:
            lines: as `queueing.prepare` made them.
            stored: gives the rendition that waits for a publication (`Queue.stored`).

        Raises:
            RenderError: a template or picture fails.
        """
        if self.config.settings.approval.required == "none":
            return
        sources = {s.file: s for line in lines if _brings(line) for s in self._owing(line, stored)}
        for source in sources.values():
            try:
                found = self.finding(source)
                if found is not None:
                    yield found
            except ContentError as error:  # on a channel that this call is not about
                yield from (replace(one, file=source.file) for one in error.findings)

    def waiting(self, queued: Iterable[Queued]) -> Iterator[Finding]:
        """Warnings about what nobody approved as it stands: for `veille check`, which changes nothing.

        Args:
            queued: everything in the outbox. Of what is in it, only what was edited is asked about again; where
                everything left, only a changed body counts: `publish` finds the rest, since it renders all.
        """
        standing = [entry for entry in queued if not entry.withdrawn]
        known = {entry.source for entry in standing} - self._edited(standing)
        sources: list[Post | Edition] = [*self.library.posts, *self.library.editions]
        for source in sources:
            over = isinstance(source, Post) and (end := expires(source, self.config)) and end <= self.now
            if over or source.source in known or not needed(source, self.members(source), self.config):
                continue
            try:
                found = self.finding(source)
            except (ContentError, RenderError):  # other checks have said why
                continue
            if found is not None and found.code == NOT_APPROVED.code:  # the check of authors has said the other
                yield replace(found, severity=Severity.WARNING)

    def _edited(self, queued: Sequence[Queued]) -> set[str]:
        """Sources in the outbox that were approved once, and may read otherwise now.

        Rendering all that ever left takes a minute for a thousand posts, so it is done for what can still change.
        """
        bodies = {post.source: body_hash(post.body) for post in self.library.posts}
        stored = {entry.source: entry.body_hash for entry in queued if entry.channel in REWRITING and entry.body_hash}
        found = {name for name, body in stored.items() if bodies.get(name, body) != body}
        found |= {name for entry in queued if _may_change(entry) for name in (entry.source, *entry.members)}
        return {name for name in found if self.audit.latest(name, Event.APPROVED) is not None}

    def _owing(self, line: Line, stored: Callable[[int], Rendition]) -> Iterator[Post | Edition]:
        """What must be approved for one publication: a post, an edition by hand, the new posts of a gathered one."""
        owed, known = line.owed, {post.source: post for post in self.library.posts}
        posts = [known[name] for name in owed.members if name in known]
        if owed.post:
            posts = [owed.post]
        elif owed.edition:
            if needed(owed.edition, posts, self.config):
                yield owed.edition
            return
        else:
            posts = [post for post in posts if post.source not in owed.kept]
            if owed.existing and any(needing(post, self.config) for post in posts):
                standing = _members_of(stored(owed.existing.id))
                fresh = _members_of(line.rendition)
                posts = [post for post in posts if standing.get(post.source) != fresh.get(post.source)]
        yield from (post for post in posts if needing(post, self.config))

    # ---- rendering without the day

    def _post(self, post: Post, *, with_day: bool) -> RenderedPost:
        rendered = render_post(post, self.library, self.config, now=self.now)
        return (
            rendered
            if post.date or with_day
            else replace(rendered, date=_NO_DAY, date_words="", words=_dayless(rendered))
        )

    def _letter(self, source: Post | Edition, *, with_day: bool) -> RenderedEdition:
        posts, day = [self._post(post, with_day=with_day) for post in self.members(source)], self._day(source)
        made = render_file(source, posts, self.library, self.config, due=self.now, day=day)
        return made if with_day else replace(made, date=_NO_DAY, date_words="", words=_dayless(made))

    def _day(self, source: Post | Edition) -> date:
        today = self.now.astimezone(self.config.zone).date()
        moment = source.publish_date
        if isinstance(moment, datetime):
            moment = moment.astimezone(self.config.zone).date()
        return max(moment, today) if moment else today

    def _channels(self, post: Post | None) -> list[str]:
        wanted: Sequence[str] = self.config.channels
        if post is not None and post.channels is not None:
            wanted = [name for name in wanted if name in post.channels]
        return [name for name in wanted if name in self.publishers]


def _dayless(rendered: RenderedPost | RenderedEdition) -> dict[str, dict[str, str]]:
    words = rendered.words.items()
    return {tongue: {name: text for name, text in own.items() if name != "date_words"} for tongue, own in words}


def _members_of(rendition: Rendition | None) -> dict[str, str]:
    """What readers see of each post of a letter, or of its page."""
    payload = rendition.payload if rendition else {}
    edition = payload.get("edition") or payload.get("item") or {}
    return {post["source"]: json.dumps(post, sort_keys=True) for post in edition.get("posts", ())}


def _may_change(entry: Queued) -> bool:
    """Whether nobody has seen it yet."""
    return not (entry.fixed or entry.cancelled)


def _brings(line: Line) -> bool:
    """Whether queueing this line would let somebody see what they would not see without it."""
    existing = line.owed.existing
    if line.rendition is None or not line.changes:
        return False
    if existing is None or existing.withdrawn or existing.cancelled:
        return True
    return existing.digest != line.rendition.digest or (line.live and not existing.live)
