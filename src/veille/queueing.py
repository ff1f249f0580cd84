"""From a plan to the outbox: check what it uses, render it for its channels, compare, queue all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from veille import approval, checks, crowding
from veille.config import Config
from veille.contacts import CAPTIONED
from veille.editions import Edition
from veille.errors import ContentError, Finding, Severity
from veille.failpoints import failpoint
from veille.fingerprints import Fingerprints
from veille.library import Library
from veille.lines import Line, change_of, line_of
from veille.outbox.queue import Change, Item, Queue, Queued
from veille.planning import Owed, Plan
from veille.posts import Post
from veille.proofing import Proofreader, once
from veille.publishing import Publisher, Rendition, Source
from veille.renamed import body_hash, renamed
from veille.rendering import RenderedEdition, render_file, render_post
from veille.studio import Studio


@dataclass(frozen=True)
class Prepared:
    """A plan with everything rendered; nothing is in the outbox yet.

    Args:
        findings: warnings about what channels will show, each once.
    """

    lines: tuple[Line, ...]
    withdrawn: tuple[Queued, ...]
    bodies: Mapping[str, str] = field(default_factory=dict, repr=False)  # source of a post -> `body_hash`
    seen: int | None = None  # the outbox that it was planned on
    fingerprints: Fingerprints | None = field(default=None, repr=False, compare=False)
    findings: tuple[Finding, ...] = ()

    @property
    def changes(self) -> tuple[Line, ...]:
        """What queueing will change."""
        return tuple(line for line in self.lines if line.changes)

    @property
    def changed(self) -> bool:
        """Whether queueing would change anything."""
        return bool(self.changes or self.withdrawn)

    @property
    def too_late(self) -> tuple[Line, ...]:
        """What was edited after it left, and cannot be changed any more."""
        return tuple(line for line in self.lines if line.change is Change.TOO_LATE)


def changing(
    plan: Plan, library: Library, config: Config, publishers: Mapping[str, Publisher], queue: Queue, now: datetime
) -> list[Owed]:
    """What queueing may change: everything but what the outbox holds as it would be rendered again.

    What left long ago may be wrong today (a record expired, a rule is new); that must not keep today's post back.
    """
    prints = Fingerprints(library, config, queue.first_seen(), now)
    return [owed for owed in plan.owed if not _stands(prints, owed, publishers)]


def prepare(
    plan: Plan,
    library: Library,
    config: Config,
    publishers: Mapping[str, Publisher],
    queue: Queue,
    now: datetime,
    *,
    progress: Callable[[int], None] = lambda done: None,  # noqa: ARG005
) -> Prepared:
    """Render everything that is owed, look at what will be shown, and say what queueing it would change.

    Raises:
        ContentError: what cannot or may not be shown on a channel, and files that look renamed; every one at once.
        RenderError: a template or picture fails.
    """
    studio = Studio(library, config, queue, now)
    prints = Fingerprints(library, config, studio.first_seen, now)
    reader = Proofreader(library, config, publishers, now)
    lines, findings = _Bench(studio, prints, reader, publishers, queue, now).lines(plan, progress)
    bodies = {post.source: body_hash(post.body) for post in library.posts}
    queued = queue.all()
    findings += renamed([(line.owed, line.change is Change.NEW) for line in lines], queued, library, bodies)
    findings += approval.Desk(library, config, publishers, queue.audit, now).refused(lines, queue.stored)
    found = once(findings)
    if any(finding.severity is Severity.ERROR for finding in found):
        raise ContentError(found)
    crowded = crowding.look(lines, queued, queue, publishers, library, config, now)
    found += checks.passed(crowded, library, config)
    return Prepared(tuple(lines), plan.withdrawn, bodies, plan.seen, prints, tuple(found))


@dataclass(frozen=True)
class _Bench:
    """Where what is owed is rendered and looked at, one publication after the other."""

    studio: Studio
    prints: Fingerprints
    reader: Proofreader
    publishers: Mapping[str, Publisher]
    queue: Queue
    now: datetime

    def lines(self, plan: Plan, progress: Callable[[int], None]) -> tuple[list[Line], list[Finding]]:
        """A line for each that its channel shows, and everything that was found on the way."""
        lines: list[Line] = []
        findings: list[Finding] = []
        self.studio.ahead(plan.owed)
        for count, owed in enumerate(plan.owed, 1):
            progress(count)
            try:
                line, found = self._line(owed)
            except ContentError as error:
                findings += [_in_file(finding, owed) for finding in error.findings]
            else:
                lines += [line] if line else []
                findings += found
        return lines, findings

    def _line(self, owed: Owed) -> tuple[Line | None, list[Finding]]:
        if _stands(self.prints, owed, self.publishers):
            return Line(owed, Change.SAME, None), []
        publisher = self.publishers[owed.channel]
        source = self.studio.source(owed)
        rendition = publisher.render(source)
        if rendition is None:
            return None, []
        caption = publisher.proof(rendition).text if owed.channel in CAPTIONED else None
        contacts = self.studio.shows(owed, caption)
        line = line_of(owed, source, rendition, publisher, self.queue, self.now, contacts=contacts)
        found = self._found(line, rendition, source)
        self.prints.made(owed, rendition.digest)
        return line, found

    def _found(self, line: Line, rendition: Rendition, source: Source) -> list[Finding]:
        """What readers would see for the first time is looked at."""
        if not line.changes:
            return []
        found = self.reader.look(rendition, source, line.owed.file)
        return [*found, *self.studio.wrong(line.owed)] if line.change is Change.EDIT else found


def enqueue(
    prepared: Prepared, config: Config, publishers: Mapping[str, Publisher], queue: Queue, now: datetime
) -> None:
    """Queue what was prepared, in one transaction, and lay out what a person may look at."""
    wanted = [line for line in prepared.lines if line.change is not Change.TOO_LATE]
    fresh = [(line, line.rendition) for line in wanted if line.rendition is not None]
    items = [_item(line, rendition, prepared.bodies, config) for line, rendition in fresh]
    changes = queue.put(items, [entry.id for entry in prepared.withdrawn], now, seen=prepared.seen)
    shown = dict(zip(changes, (line for line, _rendition in fresh), strict=True))
    shown |= {line.owed.existing.id: line for line in wanted if line.rendition is None and line.owed.existing}
    # Shown again even when nothing changed: a crash may have come between the commit and this line.
    needed = [n for n, line in shown.items() if changes.get(n, Change.SAME) is not Change.SAME or not _out(line)]
    for publication in queue.publications(needed):
        publishers[publication.channel].show(publication)
        failpoint("show.after")
    if prepared.fingerprints:
        prepared.fingerprints.save()


def _out(line: Line) -> bool:
    return line.owed.existing is not None and line.owed.existing.left


def _stands(prints: Fingerprints, owed: Owed, publishers: Mapping[str, Publisher]) -> bool:
    return prints.stands(owed) and change_of(owed, _held(owed), live=publishers[owed.channel].live) is Change.SAME


def _held(owed: Owed) -> str:
    return owed.existing.digest if owed.existing else ""


def _item(line: Line, rendition: Rendition, bodies: Mapping[str, str], config: Config) -> Item:
    owed = line.owed
    local = owed.due.astimezone(config.zone)
    return Item(
        source=owed.source,
        channel=owed.channel,
        occurrence=owed.occurrence,
        kind=_kind(owed),
        title=owed.title,
        slug=_slug(owed),
        body_hash=body_hash(owed.post.body) if owed.post else "",
        due=owed.due,
        due_local=f"{local:%Y-%m-%dT%H:%M%z}",
        zone=str(config.zone),
        rendition=rendition,
        targets=line.targets,
        live=line.live,
        urgent=line.urgent,
        segments=line.segments,
        contacts=line.contacts,
        edits=line.edits,
        comment=line.live and bool(rendition.payload.get("comment")),
        members=owed.members,
        bodies={source: bodies[source] for source in owed.members if source in bodies and source not in owed.kept},
        expires=owed.expires,
    )


def _kind(owed: Owed) -> str:
    if owed.directory:
        return "directory"
    return "post" if owed.post else "edition"


def _slug(owed: Owed) -> str:
    origin = owed.post or owed.edition
    return origin.slug if origin else owed.source


def _in_file(finding: Finding, owed: Owed) -> Finding:
    """Publishers know sources, people know files."""
    return replace(finding, file=owed.file) if owed.file and finding.file == owed.source else finding


def letter_of(source: Post | Edition, library: Library, config: Config, now: datetime) -> RenderedEdition:
    """The letter that one post or edition alone would make: for previews and test sends."""
    known = {post.source: post for post in library.posts}
    sources = [source] if isinstance(source, Post) else [known[name] for name in source.posts if name in known]
    posts = [render_post(post, library, config, now=now) for post in sources]
    return render_file(source, posts, library, config, due=now)
