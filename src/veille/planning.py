"""Which publications are owed: what goes to which channel, and when. Pure: no clock, no disk, no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import chain

from veille.config import Config
from veille.editions import Edition
from veille.errors import Severity
from veille.i18n import gettext as _
from veille.library import Library
from veille.outbox.queue import REWRITING, Queued
from veille.posts import Post
from veille.timetable import first_slot_on, localise, next_free, occurrences

CADENCED = "newsletter"


class Reason(StrEnum):
    """Why something is left out."""

    DRAFT = "draft"
    EXPIRED = "expired"
    TOO_OLD = "too-old"
    CANCELLED = "cancelled"  # by a person, in the outbox
    IN_EDITION = "in-edition"  # comes with a hand-made edition


@dataclass(frozen=True)
class LeftOut:
    """Something that is not owed, said so that nobody wonders."""

    file: str
    title: str
    reason: Reason
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Owed:
    """One publication that should be in the outbox.

    Args:
        post: the source, for a publication of a post.
        edition: the source, for a hand-made edition; None for one gathered at the cadence.
        members: sources of an edition's posts, in order.
        kept: members that nobody asked to publish now: they stay as they are stored.
        existing: what the outbox holds under the same key.
    """

    channel: str
    source: str
    occurrence: str
    title: str
    due: datetime
    post: Post | None = None
    edition: Edition | None = None
    members: tuple[str, ...] = ()
    kept: frozenset[str] = frozenset()
    expires: datetime | None = None
    existing: Queued | None = None

    @property
    def file(self) -> str:
        """The file to mend when something is wrong; empty for a gathered edition."""
        origin = self.post or self.edition
        return origin.file if origin else ""


@dataclass(frozen=True)
class Plan:
    """What `publish` will do."""

    owed: tuple[Owed, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    withdrawn: tuple[Queued, ...] = ()  # their files are gone, or are drafts now


def plan(
    library: Library,
    config: Config,
    queued: Sequence[Queued],
    now: datetime,
    *,
    selection: Sequence[Post | Edition] | None = None,
    channels: Sequence[str] | None = None,
    at: datetime | None = None,
) -> Plan:
    """Work out what is owed.

    Args:
        queued: everything in the outbox.
        selection: only these sources; None: the whole library, and what vanished from it.
        channels: only these channels.
        at: one moment for everything of this call, instead of dates, slots and cadence.
    """
    planner = _Planner(library, config, queued, now, selection, tuple(channels or config.channels), at)
    return planner.run()


def as_moment(value: datetime | date, config: Config, *, end: bool = False) -> datetime:
    """A front-matter date as a moment: midnight, or with `end` the end of that day."""
    if isinstance(value, datetime):
        return value
    day = value + timedelta(days=1) if end else value
    return localise(datetime.combine(day, time()), config.zone)


def expires(post: Post, config: Config) -> datetime | None:
    """When a post is over; a date without time counts to its end."""
    return as_moment(post.expiry_date, config, end=True) if post.expiry_date else None


@dataclass
class _Planner:
    library: Library
    config: Config
    queued: Sequence[Queued]
    now: datetime
    selection: Sequence[Post | Edition] | None
    channels: tuple[str, ...]
    at: datetime | None
    left_out: dict[tuple[str, Reason], LeftOut] = field(default_factory=dict)

    def run(self) -> Plan:
        self.by_key = {entry.key: entry for entry in self.queued}
        self.taken: dict[str, set[datetime]] = {}
        for entry in self.queued:
            if not entry.cancelled and not entry.withdrawn:
                self.taken.setdefault(entry.channel, set()).add(entry.due)
        posts = [s for s in self._selected(self.library.posts) if isinstance(s, Post)]
        posts.sort(key=lambda post: (not post.urgent, self._date(post) or self.now, post.file))  # urgent: first slot
        current = [post for post in posts if self._current(post)]
        pages = [owed for post in current for owed in self._pages(post)]
        letters = self._letters(current) if CADENCED in self.channels else []
        return Plan(
            owed=tuple(chain(pages, *(self._with_page(letter) for letter in letters))),
            left_out=tuple(self.left_out.values()),
            withdrawn=tuple(self._withdrawn(letters)),
        )

    def _selected(self, sources: Iterable[Post | Edition]) -> list[Post | Edition]:
        if self.selection is None:
            return list(sources)
        chosen = {source.file for source in self.selection}
        return [source for source in sources if source.file in chosen]

    def _leave_out(self, source: Post | Edition, reason: Reason, channel: str = "") -> None:
        known = self.left_out.get((source.file, reason))
        before = known.channels if known else ()
        self.left_out[source.file, reason] = LeftOut(
            source.file, source.title, reason, (*before, channel) if channel and channel not in before else before
        )

    def _current(self, post: Post) -> bool:
        """Neither draft nor expired."""
        if post.draft:
            self._leave_out(post, Reason.DRAFT)
            return False
        end = expires(post, self.config)
        if end and end <= self.now:
            self._leave_out(post, Reason.EXPIRED)
            return False
        return True

    def _date(self, post: Post) -> datetime | None:
        value = post.publish_date or post.date
        return as_moment(value, self.config) if value else None

    def _too_old(self, post: Post) -> bool:
        when = self._date(post)
        return self.at is None and when is not None and when < self.now - self.config.settings.workspace.backlog

    # posts on feed, web, facebook, instagram

    def _pages(self, post: Post) -> list[Owed]:
        wanted = post.channels if post.channels is not None else self.config.channels
        owed = []
        for channel in self.channels:
            if channel == CADENCED or channel not in wanted or channel not in self.config.channels:
                continue
            if (found := self._page(post, channel)) is not None:
                owed.append(found)
        return owed

    def _page(self, post: Post, channel: str) -> Owed | None:
        existing = self.by_key.get((post.source, channel, ""))
        if existing and existing.cancelled:
            self._leave_out(post, Reason.CANCELLED, channel)
            return None
        if existing is None and channel not in REWRITING and self._too_old(post):
            self._leave_out(post, Reason.TOO_OLD, channel)
            return None
        due = self._due(post, channel, existing)
        end = expires(post, self.config)
        if end and end <= due:
            self._leave_out(post, Reason.EXPIRED, channel)
            return None
        return Owed(channel, post.source, "", post.title, due, post=post, expires=end, existing=existing)

    def _due(self, post: Post, channel: str, existing: Queued | None) -> datetime:
        if existing and existing.left:
            return existing.due
        if self.at:
            return self.at
        slots = getattr(self.config.channel(channel), "slots", ())
        stated = getattr(getattr(post, channel, None), "at", None) or post.publish_date
        if stated:
            exact = stated if isinstance(stated, datetime) else first_slot_on(stated, slots, self.config.zone)
            return exact.astimezone(UTC)
        if existing and not existing.withdrawn:
            return existing.due
        if not slots:
            return self.now
        taken = self.taken.setdefault(channel, set())
        due = next_free(slots, self.now, self.config.zone, taken).astimezone(UTC)
        taken.add(due)
        return due

    # letters

    def _letters(self, current: Sequence[Post]) -> list[Owed]:
        by_hand = [letter for edition in self.library.editions if (letter := self._by_hand(edition))]
        gatherable = [post for post in current if self._gatherable(post)]
        gathered = self._gather_at(gatherable) if self.at else self._gather(gatherable)
        moved = {source for letter in gathered for source in letter.members}
        return [*by_hand, *gathered, *self._shrunk(moved, gathered)]

    def _by_hand(self, edition: Edition) -> Owed | None:
        if edition not in self._selected([edition]):
            return None
        existing = self.by_key.get((edition.source, CADENCED, ""))
        if edition.draft or (existing and existing.cancelled):
            self._leave_out(edition, Reason.DRAFT if edition.draft else Reason.CANCELLED)
            return None
        if existing and (existing.left or existing.started):
            due = existing.due
        elif self.at:
            due = self.at
        elif edition.publish_date:
            due = self._edition_due(edition.publish_date)
        else:
            due = existing.due if existing and not existing.withdrawn else self.now
        known = {post.source: post for post in self.library.posts}
        members = [known[source] for source in edition.posts if source in known]
        return Owed(
            CADENCED,
            edition.source,
            "",
            edition.title,
            due,
            edition=edition,
            members=tuple(post.source for post in members if self._fits(post, due)),
            existing=existing,
        )

    def _edition_due(self, stated: datetime | date) -> datetime:
        cadence = self.config.settings.newsletter.cadence
        moment = stated if isinstance(stated, datetime) else first_slot_on(stated, (cadence,), self.config.zone)
        return moment.astimezone(UTC)

    def _fits(self, post: Post, due: datetime) -> bool:
        """Whether a post can stand in a letter that leaves at `due`; says so when it cannot."""
        end = expires(post, self.config)
        if post.draft or (end and end <= due):
            self._leave_out(post, Reason.DRAFT if post.draft else Reason.EXPIRED, CADENCED)
            return False
        return True

    def _gatherable(self, post: Post) -> bool:
        """A post that no letter had, that no edition made by hand takes, and that is not too old."""
        wanted = post.channels if post.channels is not None else self.config.channels
        if CADENCED not in wanted or CADENCED not in self.config.channels:
            return False
        holder = self._holder(post.source)
        if holder and (holder.started or holder.due <= self.now or not holder.occurrence):
            return False  # it left, is about to, or stands in a letter made by hand
        if any(post.source in edition.posts for edition in self.library.editions if not edition.draft):
            if self.selection is not None:
                self._leave_out(post, Reason.IN_EDITION, CADENCED)
            return False
        if holder is None and self._too_old(post):
            self._leave_out(post, Reason.TOO_OLD, CADENCED)
            return False
        return True

    def _holder(self, source: str) -> Queued | None:
        """The letter in the outbox that has this post."""
        holders = [
            entry
            for entry in self.queued
            if entry.channel == CADENCED and source in entry.members and not entry.cancelled and not entry.withdrawn
        ]
        return max(holders, key=lambda entry: (entry.started, entry.id), default=None)

    def _gather(self, posts: Sequence[Post]) -> list[Owed]:
        """Posts join the first letter of the cadence that leaves after they may appear."""
        groups: dict[datetime, list[Post]] = {}
        for post in posts:
            groups.setdefault(self._cadence_after(post), []).append(post)
        return [
            letter
            for moment, members in sorted(groups.items())
            if (letter := self._gathered(moment, members, f"{moment.astimezone(self.config.zone):%Y-%m-%d}"))
        ]

    def _cadence_after(self, post: Post) -> datetime:
        stated = as_moment(post.publish_date, self.config) if post.publish_date else self.now
        # A letter that leaves at the very moment at which a post may appear still takes it.
        after = max(self.now, stated - timedelta(microseconds=1))
        moments = occurrences(self.config.settings.newsletter.cadence, after, self.config.zone)
        for moment in moments:
            entry = self.by_key.get((_edition_source(moment, self.config), CADENCED, f"{moment:%Y-%m-%d}"))
            if entry is None or not (entry.started or entry.cancelled):
                return moment
        raise AssertionError("a cadence has no end")  # pragma: no cover

    def _gather_at(self, posts: Sequence[Post]) -> list[Owed]:
        assert self.at is not None
        if not posts:
            return []
        local = self.at.astimezone(self.config.zone)
        letter = self._gathered(local, posts, f"{local:%Y-%m-%d-%H%M}")
        return [letter] if letter else []

    def _gathered(self, moment: datetime, posts: Sequence[Post], occurrence: str) -> Owed | None:
        source = f"edition-{occurrence}"
        existing = self.by_key.get((source, CADENCED, occurrence))
        due = moment.astimezone(UTC)
        fresh = [post.source for post in posts if self._fits(post, due)]
        # What this call does not name stays in the letter as it is stored.
        keeps = existing is not None and not existing.withdrawn and self.selection is not None
        kept = existing.members if keeps and existing else ()
        if not (fresh or kept):
            return None
        return Owed(
            CADENCED,
            source,
            occurrence,
            self._edition_title(moment),
            due,
            members=(*kept, *(s for s in fresh if s not in kept)),
            kept=frozenset(kept) - frozenset(fresh),
            existing=existing,
        )

    def _shrunk(self, moved: set[str], gathered: Sequence[Owed]) -> list[Owed]:
        """Gathered letters that lose posts to another one, when only these posts were asked for."""
        made = {letter.source for letter in gathered}
        letters = []
        for entry in self.queued:
            waits = self._waits(entry)
            if not waits or entry.source in made or not moved & set(entry.members):
                continue
            rest = tuple(source for source in entry.members if source not in moved)
            if rest:
                letters.append(
                    Owed(
                        CADENCED,
                        entry.source,
                        entry.occurrence,
                        entry.title,
                        entry.due,
                        members=rest,
                        kept=frozenset(rest),
                        existing=entry,
                    )
                )
        return letters

    def _waits(self, entry: Queued) -> bool:
        """A gathered letter that can still change."""
        over = entry.started or entry.cancelled or entry.withdrawn or entry.due <= self.now
        return entry.channel == CADENCED and bool(entry.occurrence) and not over

    def _edition_title(self, moment: datetime) -> str:
        from babel.dates import format_date

        language = self.config.settings.workspace.language
        day = format_date(moment.astimezone(self.config.zone), "d MMMM y", locale=language)
        if language == "fr" and day.startswith("1 "):
            day = f"1er {day[2:]}"
        return _("{name}, letter of {date}").format(name=self.config.brand.name, date=day)

    def _with_page(self, letter: Owed) -> list[Owed]:
        """A letter, and the page on which it is read online."""
        if "web" not in self.config.channels:
            return [letter]
        existing = self.by_key.get((letter.source, "web", letter.occurrence))
        page = Owed(
            "web",
            letter.source,
            letter.occurrence,
            letter.title,
            letter.due,
            edition=letter.edition,
            members=letter.members,
            kept=letter.kept,
            existing=existing,
        )
        return [letter, page]

    # what is gone

    def _withdrawn(self, letters: Sequence[Owed]) -> list[Queued]:
        if self.selection is not None:
            return self._emptied(letters)
        posts = {post.source for post in self.library.posts if not post.draft}
        editions = {edition.source for edition in self.library.editions if not edition.draft}
        broken = any(finding.severity is Severity.ERROR for finding in self.library.findings)
        gone = []
        for entry in self.queued:
            if entry.channel not in self.channels or entry.withdrawn or entry.cancelled or entry.occurrence:
                continue
            present = entry.source in (posts if entry.kind == "post" else editions)
            # A file that cannot be read at this moment is not a file that was deleted.
            if not present and not broken and (entry.channel in REWRITING or not entry.left):
                gone.append(entry)
        return [*gone, *self._emptied(letters)]

    def _emptied(self, letters: Sequence[Owed]) -> list[Queued]:
        """Gathered letters (and their pages) that lost their last post before they left."""
        if CADENCED not in self.channels:
            return []
        alive = {letter.source for letter in letters}
        moved = {source for letter in letters for source in letter.members}
        sources = {
            entry.source
            for entry in self.queued
            if self._waits(entry)
            and entry.source not in alive
            and (self.selection is None or set(entry.members) <= moved)
        }
        return [entry for entry in self.queued if entry.source in sources and not entry.withdrawn and entry.occurrence]


def _edition_source(moment: datetime, config: Config) -> str:
    return f"edition-{moment.astimezone(config.zone):%Y-%m-%d}"
