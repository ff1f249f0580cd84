"""Looking at what channels will show before it is queued: in `publish`, `test` and `preview`; on samples in `check`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from veille import checks, i18n
from veille.config import Config
from veille.editions import Edition
from veille.errors import ContentError, Finding, RenderError
from veille.library import Library, softened
from veille.planning import CADENCED, as_moment, expires
from veille.posts import Post
from veille.publishing import Publisher, Rendition, Source
from veille.reading import in_order
from veille.rendering import (
    Cover,
    RenderedDirectory,
    RenderedEdition,
    RenderedPost,
    labels,
    render_edition,
    render_file,
    render_post,
)

LETTER_TEMPLATE = "templates/newsletter/letter.mjml.j2"
NEWEST_EDITIONS = 6  # letters that `check` makes
NEWEST_POSTS = 4  # in the letter that it gathers

Publishers = Mapping[str, Publisher]


@dataclass(frozen=True)
class Proofreader:
    """Runs the checks of proofs.

    Args:
        now: aware.
    """

    library: Library
    config: Config
    publishers: Publishers
    now: datetime

    def look(self, rendition: Rendition, source: Source, file: str = "") -> list[Finding]:
        """What the checks find in one rendition.

        Args:
            source: what it was rendered from.
            file: where a person mends it; "" for a letter that was gathered.

        Raises:
            RenderError: a template fails.
        """
        known = self._posts
        sources = [post.source for post in source.posts] if isinstance(source, RenderedEdition) else [source.source]
        shown = checks.Shown(
            channel=rendition.channel,
            file=file or LETTER_TEMPLATE,
            # A page of records is of our own words, and marks what is not.
            lang=i18n.active() if isinstance(source, RenderedDirectory) else source.lang,
            proof=self.publishers[rendition.channel].proof(rendition),
            posts=tuple(known[name] for name in sources if name in known),
        )
        return checks.proofs(shown, self._context)

    @cached_property
    def _posts(self) -> Mapping[str, Post]:
        return {post.source: post for post in self.library.posts}

    @cached_property
    def _context(self) -> checks.Context:
        return checks.Context(self.library, self.config, self.now)

    def look_at(self, source: Source, channels: Iterable[str], file: str = "") -> Iterator[Finding]:
        """What they find in a source on these channels; what a channel refuses is found too."""
        for channel in channels:
            try:
                rendition = self.publishers[channel].render(source)
                if rendition is not None:
                    yield from self.look(rendition, source, file)
            except ContentError as error:
                yield from (_in_file(finding, file) for finding in error.findings)
            except RenderError as error:
                yield Finding(file or LETTER_TEMPLATE, None, None, error.message, error.hint, error.code)


def samples(library: Library, config: Config, publishers: Publishers, now: datetime) -> list[Finding]:
    """What checks of proofs find in the letters that could leave next, and in one page of each kind.

    For `veille check`: it finds in templates what `publish` would find, at the cost of a few letters. A file that
    cannot be rendered is left out: other checks have said why.
    """
    reader = Proofreader(library, config, publishers, now)
    found: list[Finding] = []
    for edition in _next_editions(library, config, now):
        found += _of_edition(reader, edition)
    finished = [post for post in library.posts if not post.draft]
    loose = _loose_posts(library, config, now) or sorted(finished, key=_age, reverse=True)
    found += _of_posts(reader, [post for post in loose if post.channels is None or CADENCED in post.channels])
    for post in _one_of_each(finished):
        found += _of_post(reader, post)
    return in_order(once(softened(found, library.drafts)))


def of_source(
    source: Post | Edition, library: Library, config: Config, publishers: Publishers, now: datetime
) -> list[Finding]:
    """What they find in one post or edition on all of its channels, and in the letter that it alone would make."""
    reader = Proofreader(library, config, publishers, now)
    found = _of_edition(reader, source) if isinstance(source, Edition) else [*_of_post(reader, source)]
    if isinstance(source, Post) and (source.channels is None or CADENCED in source.channels):
        found += _of_posts(reader, [source])
    return in_order(once(softened(found, library.drafts)))


def once(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once, whichever channels it stands in; the one that names its line is kept."""
    kept: dict[tuple[str, str | None, str, str], Finding] = {}
    for finding in findings:
        key = (finding.file, finding.field, finding.code, finding.message)
        if key not in kept or (kept[key].line is None and finding.line is not None):
            kept[key] = finding
    return list(kept.values())


# what is looked at ----


def _of_edition(reader: Proofreader, edition: Edition) -> list[Finding]:
    known = {post.source: post for post in reader.library.posts}
    members = [known[name] for name in edition.posts if name in known]
    try:
        posts = [_for_letter(reader, post) for post in members]
        made = render_file(edition, posts, reader.library, reader.config, due=reader.now)
    except (ContentError, RenderError):
        return []
    return list(reader.look_at(made, _channels(reader, (CADENCED, "web")), edition.file))


def _of_posts(reader: Proofreader, posts: Sequence[Post]) -> list[Finding]:
    """Of the letter that is gathered from the first of these posts."""
    members = posts[:NEWEST_POSTS]
    if not members or CADENCED not in reader.publishers:
        return []
    config, day = reader.config, reader.now.astimezone(reader.config.zone).date()
    title = labels.letter_title(config.brand.name, day, config.settings.workspace.language)
    name = f"{day:%Y-%m-%d}"
    try:
        rendered = [_for_letter(reader, post) for post in members]
        made = render_edition(Cover(name, name, title), rendered, reader.library, config, due=reader.now)
    except (ContentError, RenderError):
        return []
    file = members[0].file if len(members) == 1 else ""
    return list(reader.look_at(made, (CADENCED,), file))


def _for_letter(reader: Proofreader, post: Post) -> RenderedPost:
    """Without the picture that would be drawn for Instagram."""
    return render_post(replace(post, channels=(CADENCED, "web")), reader.library, reader.config, now=reader.now)


def _of_post(reader: Proofreader, post: Post) -> Iterator[Finding]:
    """Of one post wherever it stands alone."""
    wanted = reader.config.channels if post.channels is None else post.channels
    try:
        rendered = render_post(post, reader.library, reader.config, now=reader.now)
    except (ContentError, RenderError):
        return
    yield from reader.look_at(rendered, _channels(reader, [name for name in wanted if name != CADENCED]), post.file)


def _channels(reader: Proofreader, wanted: Iterable[str]) -> list[str]:
    return [name for name in wanted if name in reader.publishers]


def _next_editions(library: Library, config: Config, now: datetime) -> list[Edition]:
    """The newest hand-made editions that could still leave."""
    fit = [e for e in library.editions if not e.draft and e.posts and not _too_old(e, config, now)]
    return sorted(fit, key=_age, reverse=True)[:NEWEST_EDITIONS]


def _loose_posts(library: Library, config: Config, now: datetime) -> list[Post]:
    """Posts for the letter that no edition holds and that could still leave, newest first."""
    held = {name for edition in library.editions for name in edition.posts}

    def fits(post: Post) -> bool:
        end = expires(post, config)
        wanted = post.channels is None or CADENCED in post.channels
        return wanted and not post.draft and post.source not in held and not (end and end <= now)

    fit = [post for post in library.posts if fits(post) and not _too_old(post, config, now)]
    return sorted(fit, key=_age, reverse=True)


def _one_of_each(posts: Sequence[Post]) -> list[Post]:
    """One ordinary post and one sensitive one, with pictures where there are some: no more kinds of pages exist."""
    ranked = sorted(posts, key=lambda post: post.image is None)
    found = {post.sensitive: post for post in reversed(ranked)}
    return list(found.values())


def _too_old(source: Post | Edition, config: Config, now: datetime) -> bool:
    stated = source.publish_date or source.date
    return stated is not None and as_moment(stated, config, end=True) < now - config.settings.workspace.backlog


def _age(source: Post | Edition) -> str:
    """Sorts by date; what has none is of today."""
    stated = source.publish_date or source.date
    return f"{stated:%Y-%m-%d}" if stated else "9999"


def _in_file(finding: Finding, file: str) -> Finding:
    return finding if finding.file.startswith("content/") or not file else replace(finding, file=file)
