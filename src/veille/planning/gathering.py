"""Which letters are owed: editions made by hand, those gathered at the cadence, and the page of each on the web."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from veille.editions import Edition
from veille.outbox.queue import Queued
from veille.planning.owed import CADENCED, Desk, Owed, Reason, as_moment, expires
from veille.posts import Post
from veille.rendering.labels import letter_title
from veille.timetable import first_slot_on, occurrences


def letters(desk: Desk, current: Sequence[Post]) -> tuple[list[Owed], list[Queued]]:
    """Every letter that is owed, with its page; and what the outbox has of letters that lost their last post.

    Args:
        current: the posts of this call that are neither drafts nor over.
    """
    if CADENCED not in desk.channels:
        return [], []
    by_hand = [letter for edition in desk.selected(desk.library.editions) if (letter := _by_hand(desk, edition))]
    gatherable = [post for post in current if _gatherable(desk, post)]
    gathered = _gather_at(desk, gatherable) if desk.at else _gather(desk, gatherable)
    made = [*by_hand, *gathered]
    shrunk, emptied = _without(desk, made)
    late, spent = _late(desk)
    letters = (*made, *shrunk, *late)
    owed = [publication for letter in letters for publication in _with_page(desk, letter)]
    return [*owed, *_archived(desk, {letter.source for letter in letters})], [*emptied, *spent]


# made by hand


def _by_hand(desk: Desk, edition: Edition) -> Owed | None:
    existing = desk.by_key.get((edition.source, CADENCED, ""))
    if edition.draft or (existing and existing.cancelled and not existing.left):
        desk.leave_out(edition, Reason.DRAFT if edition.draft else Reason.CANCELLED)
        return None
    due = _due_by_hand(desk, edition, existing)
    members = [desk.posts[source] for source in edition.posts if source in desk.posts]
    fitting = tuple(post.source for post in members if _fits(desk, post, due))
    if edition.posts and not fitting and not (existing and existing.left):
        desk.leave_out(edition, Reason.EXPIRED)
        return None
    title = edition.title
    return Owed(CADENCED, edition.source, "", title, due, edition=edition, members=fitting, existing=existing)


def _due_by_hand(desk: Desk, edition: Edition, existing: Queued | None) -> datetime:
    if existing and (existing.left or existing.started):
        return existing.due
    if desk.at:
        return desk.at
    if edition.publish_date:
        return _edition_due(desk, edition.publish_date)
    return existing.due if existing and not existing.withdrawn else desk.now


def _edition_due(desk: Desk, stated: datetime | date) -> datetime:
    cadence = desk.config.settings.newsletter.cadence
    moment = stated if isinstance(stated, datetime) else first_slot_on(stated, (cadence,), desk.config.zone)
    return moment.astimezone(UTC)


def _fits(desk: Desk, post: Post, due: datetime) -> bool:
    """Whether a post can stand in a letter that leaves at `due`; says so when it cannot."""
    end = expires(post, desk.config)
    if post.draft or (end and end <= due):
        desk.leave_out(post, Reason.DRAFT if post.draft else Reason.EXPIRED, CADENCED)
        return False
    return True


# gathered


def _gatherable(desk: Desk, post: Post) -> bool:
    """A post that no letter had, that no edition made by hand takes, and that is not too old."""
    if not desk.wants(post, CADENCED):
        return False
    holder = _holder(desk, post.source)
    if holder and (holder.left or holder.started or (holder.due <= desk.now and holder.occurrence)):
        return False  # it left, or is about to
    if any(post.source in edition.posts and _alive(desk, edition) for edition in desk.library.editions):
        if desk.selection is not None:
            desk.leave_out(post, Reason.IN_EDITION, CADENCED)
        return False
    if holder is None and desk.too_old(post):
        desk.leave_out(post, Reason.TOO_OLD, CADENCED)
        return False
    return True


def _alive(desk: Desk, edition: Edition) -> bool:
    """An edition made by hand that leaves, or left."""
    entry = desk.by_key.get((edition.source, CADENCED, ""))
    return not edition.draft and not (entry and entry.cancelled and not entry.left)


def _holder(desk: Desk, source: str) -> Queued | None:
    """The letter in the outbox that has this post; the one that left, if one did."""
    holders = [
        entry for entry in desk.holders.get(source, ()) if entry.left or not (entry.cancelled or entry.withdrawn)
    ]
    return max(holders, key=lambda entry: (entry.left, entry.started, entry.id), default=None)


def _gather(desk: Desk, posts: Sequence[Post]) -> list[Owed]:
    """Posts join the first letter of the cadence that leaves after they may appear.

    Those that `--at` put into a letter of their own stay there.
    """
    groups: dict[tuple[datetime, str], list[Post]] = {}
    for post in posts:
        holder = _holder(desk, post.source)
        if holder and _own_moment(holder):
            group = holder.due.astimezone(desk.config.zone), holder.occurrence
        else:
            moment = _cadence_after(desk, post)
            group = moment, _day(moment)
        groups.setdefault(group, []).append(post)
    made = [_gathered(desk, moment, members, name) for (moment, name), members in sorted(groups.items(), key=_first)]
    return [letter for letter in made if letter]


def _first(group: tuple[tuple[datetime, str], list[Post]]) -> tuple[datetime, str]:
    return group[0]


def _own_moment(entry: Queued) -> bool:
    """A letter that `--at` made: its name has a time of day."""
    return entry.occurrence.count("-") > 2


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _cadence_after(desk: Desk, post: Post) -> datetime:
    stated = as_moment(post.publish_date, desk.config) if post.publish_date else desk.now
    # A letter that leaves at the very moment at which a post may appear still takes it.
    after = max(desk.now, stated.astimezone(UTC) - timedelta(microseconds=1))
    moments = occurrences(desk.config.settings.newsletter.cadence, after, desk.config.zone)
    return next(moment for moment in moments if _open(desk, _day(moment)))


def _open(desk: Desk, occurrence: str) -> bool:
    """Whether posts can still join the letter of this name."""
    entry = desk.by_key.get((f"edition-{occurrence}", CADENCED, occurrence))
    return entry is None or not (entry.started or entry.left or entry.cancelled)


def _gather_at(desk: Desk, posts: Sequence[Post]) -> list[Owed]:
    """One letter of its own; a second one within the same minute when the first is leaving."""
    assert desk.at is not None
    if not posts:
        return []
    local = desk.at.astimezone(desk.config.zone)
    names = (f"{local:%Y-%m-%d-%H%M}{suffix}" for suffix in ("", *(f"-{n}" for n in range(2, 100))))
    letter = _gathered(desk, local, posts, next(name for name in names if _open(desk, name)))
    return [letter] if letter else []


def _gathered(desk: Desk, moment: datetime, posts: Sequence[Post], occurrence: str) -> Owed | None:
    source = f"edition-{occurrence}"
    existing = desk.by_key.get((source, CADENCED, occurrence))
    due = moment.astimezone(UTC)
    fresh = [post.source for post in posts if _fits(desk, post, due)]
    # What this call does not name stays in the letter as it is stored.
    keeps = existing is not None and not existing.withdrawn and (desk.selection is not None or desk.at is not None)
    lost = _dropped(desk) | {post.source for post in posts} - set(fresh)
    kept = tuple(s for s in existing.members if s not in lost) if keeps and existing else ()
    if not (fresh or kept):
        return None
    return Owed(
        CADENCED,
        source,
        occurrence,
        _edition_title(desk, moment),
        due,
        members=(*kept, *(s for s in fresh if s not in kept)),
        kept=frozenset(kept) - frozenset(fresh),
        existing=existing,
    )


def _without(desk: Desk, made: Sequence[Owed]) -> tuple[list[Owed], list[Queued]]:
    """Waiting letters that lose posts to another one, or to a change of the post: what is left, what is empty."""
    alive = {letter.source for letter in made}
    lost = {source for letter in made for source in letter.members} | _dropped(desk)
    shrunk: list[Owed] = []
    empty: set[str] = set()
    for entry in desk.queued:
        if not _waits(desk, entry) or entry.source in alive:
            continue
        # Without a selection, everything was gathered anew: what is in no letter now is no longer owed.
        anew = desk.selection is None and desk.at is None and not desk.incomplete
        rest = () if anew else tuple(source for source in entry.members if source not in lost)
        if not rest:
            empty.add(entry.source)
        elif rest != entry.members:
            kept = Owed(CADENCED, entry.source, entry.occurrence, entry.title, entry.due, existing=entry)
            shrunk.append(replace(kept, members=rest, kept=frozenset(rest)))
    emptied = [entry for entry in desk.queued if entry.source in empty and entry.occurrence and not entry.withdrawn]
    return shrunk, emptied


def _late(desk: Desk) -> tuple[list[Owed], list[Queued]]:
    """Letters whose time has come and that nobody has yet (held, paused, no scheduler): corrections still get in.

    No post joins them any more; those that are gone leave. Returns what is left, and what is empty.
    """
    owed: list[Owed] = []
    empty: list[Queued] = []
    dropped = _dropped(desk)
    for entry in desk.queued:
        gone = entry.started or entry.left or entry.cancelled or entry.withdrawn
        if entry.channel != CADENCED or not entry.occurrence or gone or entry.due > desk.now:
            continue
        keeps = desk.selection is not None or desk.incomplete
        rest = tuple(s for s in entry.members if s not in dropped and (keeps or s in desk.posts))
        fresh = frozenset(post.source for post in desk.selected(desk.posts[s] for s in rest if s in desk.posts))
        if not rest:
            empty.append(entry)
        elif fresh or rest != entry.members:
            letter = Owed(CADENCED, entry.source, entry.occurrence, entry.title, entry.due, existing=entry)
            owed.append(replace(letter, members=rest, kept=frozenset(rest) - fresh))
    return owed, empty


def _archived(desk: Desk, made: Set[str]) -> Iterator[Owed]:
    """The pages of gathered letters that left: a corrected telephone number reaches who reads them online today.

    A post that is gone, over or a draft again stays there as it was sent.
    """
    for entry in desk.queued:
        letter = desk.by_key.get((entry.source, CADENCED, entry.occurrence))
        stands = entry.channel == "web" and entry.channel in desk.channels and bool(entry.occurrence)
        if not stands or entry.withdrawn or entry.cancelled or entry.source in made:
            continue
        if letter is None or not (letter.left or letter.started):
            continue
        current = [desk.posts[s] for s in entry.members if s in desk.posts]
        fresh = {p.source for p in desk.selected(current) if not (p.draft or desk.over(p))}
        if fresh:
            page = Owed("web", entry.source, entry.occurrence, entry.title, entry.due, existing=entry)
            yield replace(page, members=entry.members, kept=frozenset(entry.members) - fresh)


def _dropped(desk: Desk) -> set[str]:
    """Posts of this call that are in no letter any more: drafts now, over, or not meant for the letter."""
    return {
        post.source
        for post in desk.selected(desk.library.posts)
        if post.draft or desk.over(post) or not desk.wants(post, CADENCED)
    }


def _waits(desk: Desk, entry: Queued) -> bool:
    """A gathered letter that can still change."""
    over = entry.started or entry.left or entry.cancelled or entry.withdrawn or entry.due <= desk.now
    return entry.channel == CADENCED and bool(entry.occurrence) and not over


def _edition_title(desk: Desk, moment: datetime) -> str:
    day = moment.astimezone(desk.config.zone).date()
    return letter_title(desk.config.brand.name, day, desk.config.settings.workspace.language)


def _with_page(desk: Desk, letter: Owed) -> list[Owed]:
    """A letter, and the page on which it is read online; of an old edition made by hand, the page alone."""
    owed = [letter]
    if letter.edition and letter.existing is None and desk.too_old(letter.edition):
        desk.leave_out(letter.edition, Reason.TOO_OLD, CADENCED)
        owed = []
    if "web" in desk.config.channels:
        existing = desk.by_key.get((letter.source, "web", letter.occurrence))
        owed.append(replace(letter, channel="web", existing=existing))
    return owed
