"""Static pages that show how each channel will look: an index, and one page a post or edition.

Only what changed is rendered again: a post keeps its panels until its own text or something that all posts share
(contacts, pictures, templates, settings) changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from slugify import slugify

from veille import checks, library, shared_work
from veille.config import Config
from veille.editions import Edition
from veille.errors import ConfigError, ContentError, Finding, RenderError, Severity
from veille.library import Library, softened
from veille.posts import Post
from veille.proofing import Proofreader, once
from veille.reading import in_order, name_of
from veille.rendering import RenderedPost, render_file, render_post
from veille.timetable import Clock
from veille_web.preview_pages import Pages, Sheet
from veille_web.preview_panels import Desk, Panels, findings_of

OWNER = "preview"  # who keeps the files of the folder
_SHARED = ("veille.toml", "templates", "content/partners", "content/helplines.yaml", "content/media")
_FOLDERS = ("content/posts/", "content/editions/")


@dataclass(frozen=True)
class _Order:
    """What a sheet is made from; what was read before is the very same object, so that comparing costs nothing.

    Args:
        members: the posts that it shows.
        found: in the source.
    """

    source: Post | Edition
    members: tuple[Post, ...]
    path: str
    found: tuple[Finding, ...]


_NEVER = (None, Sheet("", "", "", draft=False))


class Preview:
    """Builds the pages, again and again, keeping what did not change.

    Args:
        clock: the date of a post that has none.
        only: previews these alone; empty for all.
    """

    def __init__(self, clock: Clock, only: Sequence[str | Path] = ()) -> None:
        self._clock = clock
        self._only = tuple(only)
        self._desk: Desk | None = None
        self._checker = checks.Checker()
        self._world = ""
        self._kept: dict[str, tuple[object, Sheet]] = {}
        self._posts: dict[str, tuple[object, RenderedPost]] = {}
        self._read: library.Kept = {}
        self._pages = Pages()

    def build(self, config: Config, trouble: Sequence[Finding] = ()) -> Mapping[str, bytes]:
        """Every file of the preview: address relative to its folder -> content.

        Args:
            trouble: findings to show on every page (settings that cannot be read now).

        Raises:
            ContentError: one of the wanted files does not exist.
            RenderError: the preview's own templates fail.
        """
        desk = self._at(config)
        content = library.load(config, self._read)
        findings = self._checker.run(content, config, self._clock())
        wanted = self._wanted(content)
        sheets = self._sheets(desk, content, findings, wanted)
        site, failed = _site(desk, content, sheets)
        elsewhere = () if wanted else _elsewhere(findings, sheets)
        return self._pages.files(desk, sheets, site, [*trouble, *failed], elsewhere)

    def _at(self, config: Config) -> Desk:
        """The publishers; made anew, with everything, when something that all posts share has changed."""
        world = f"{stamp(config.root, _SHARED)}{self._clock().astimezone(config.zone).date()}"
        if self._desk is None or world != self._world:
            self._desk, self._world = Desk(config, self._clock), world
            self._read, self._pages = {}, Pages()
        return self._desk

    def _wanted(self, content: Library) -> frozenset[str]:
        """The files to show; none means all. A broken one is shown too, with what is wrong in it."""
        broken = _broken(content)
        names = set()
        for wanted in self._only:
            path = Path(wanted).absolute().as_posix()
            near = [file for file in broken if str(wanted) == file or path.endswith(f"/{file}")]
            names.add(near[0] if near else content.find(wanted).file)
        return frozenset(names)

    def _sheets(self, desk: Desk, content: Library, findings: Sequence[Finding], wanted: frozenset[str]) -> list[Sheet]:
        taken: set[str] = set()
        by_file: dict[str, list[Finding]] = {}
        for finding in findings:
            by_file.setdefault(finding.file, []).append(finding)
        known = {post.source: post for post in content.posts}
        sources: list[Post | Edition] = [*content.editions, *content.posts]
        orders = [
            _Order(source, _members(known, source), _free(_address(source), taken), tuple(by_file.get(source.file, ())))
            for source in sources
            if not wanted or source.file in wanted
        ]
        sheets = self._made(desk, content, orders)
        for file in _broken(content):
            if not wanted or file in wanted:
                own = by_file.get(file, [])
                sheets.append(self._broken_sheet(file, own, file in content.drafts, taken))
        return sheets

    def _made(self, desk: Desk, content: Library, orders: Sequence[_Order]) -> list[Sheet]:
        """Their sheets; those that were made before from the same are the same."""
        keys = {order.source.file: (self._world, order) for order in orders}
        fresh = [order for order in orders if self._kept.get(order.source.file, _NEVER)[0] != keys[order.source.file]]
        made = shared_work.each(lambda order: self._rendered_sheet(desk, content, order), fresh)
        for order, sheet in zip(fresh, made, strict=True):
            self._kept[order.source.file] = keys[order.source.file], sheet
            if isinstance(order.source, Post) and isinstance(sheet.source, RenderedPost):
                self._posts[order.source.file] = (self._world, order.source), sheet.source
        return [self._kept[order.source.file][1] for order in orders]

    def _rendered_sheet(self, desk: Desk, content: Library, order: _Order) -> Sheet:
        source = order.source
        panels, rendered, more = Panels(), None, list(order.found)
        channels: Sequence[str] = ("newsletter", "web")
        look = Proofreader(content, desk.config, desk.publishers, self._clock()).look
        if isinstance(source, Post):
            channels = desk.config.channels if source.channels is None else source.channels
        try:
            posts = [self._post(desk, content, post) for post in order.members]
            letter = render_file(source, posts, content, desk.config, due=self._clock())
            rendered = posts[0] if isinstance(source, Post) else letter
            panels = desk.panels(rendered, letter, channels, source.file, look)
            more += [finding for refused in panels.refused.values() for finding in refused]
            more += panels.found
        except (ContentError, RenderError) as error:
            more += findings_of(error, source.file)
        mended = softened(more, content.drafts)
        return Sheet(source.file, order.path, source.title, source.draft, rendered, panels, _once(once(mended)))

    def _post(self, desk: Desk, content: Library, post: Post) -> RenderedPost:
        """A post made ready once, however many sheets and editions show it."""
        key = self._world, post
        kept = self._posts.get(post.file)
        if kept is None or kept[0] != key:
            kept = key, render_post(post, content, desk.config, now=self._clock())
            self._posts[post.file] = kept
        return kept[1]

    def _broken_sheet(self, file: str, found: Sequence[Finding], draft: bool, taken: set[str]) -> Sheet:
        """A file that cannot be read: its findings, and below them how it looked when it could."""
        before = self._kept.get(file)
        name = name_of(Path(file))
        if before and before[1].source:
            old = before[1]
            path = _free(old.path, taken)
            return Sheet(file, path, old.title, draft, old.source, old.panels, _once(found), stale=True)
        folder = "editions" if file.startswith(_FOLDERS[1]) else "posts"
        path = _free(f"{folder}/{slugify(name) or 'broken'}/", taken)
        return Sheet(file, path, Path(file).name, draft, findings=_once(found))


def _site(desk: Desk, content: Library, sheets: Sequence[Sheet]) -> tuple[Mapping[str, bytes], tuple[Finding, ...]]:
    """The public pages, and what stands in their way."""
    publications = [sheet.panels.web for sheet in sheets if sheet.panels.web]
    try:
        contacts = desk.directory(content)
        return desk.site([*publications, contacts] if contacts else publications), ()
    except RenderError as error:
        return {}, findings_of(error, "templates/web")


def _broken(content: Library) -> list[str]:
    """Files of posts and editions that could not be read."""
    read = {post.file for post in content.posts} | {edition.file for edition in content.editions}
    files = (f.file for f in content.findings if f.file.startswith(_FOLDERS) and f.file.endswith(".md"))
    return [file for file in dict.fromkeys(files) if file not in read]


def _members(known: Mapping[str, Post], source: Post | Edition) -> tuple[Post, ...]:
    if isinstance(source, Post):
        return (source,)
    return tuple(known[name] for name in source.posts if name in known)


def _elsewhere(findings: Sequence[Finding], sheets: Sequence[Sheet]) -> tuple[Finding, ...]:
    shown = {sheet.file for sheet in sheets}
    return tuple(finding for finding in findings if finding.file not in shown)


def _once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors first, each once; a check and a channel may say the same thing of the same line."""
    found = {(f.file, f.line, f.field, f.message): f for f in findings}
    return tuple(sorted(in_order(found.values()), key=lambda f: f.severity is not Severity.ERROR))


def _address(source: Post | Edition) -> str:
    return f"{'posts' if isinstance(source, Post) else 'editions'}/{source.slug}/"


def _free(path: str, taken: set[str]) -> str:
    """The path, or one like it: two files with one slug are a finding, and both are shown."""
    number, free = 1, path
    while free in taken:
        number += 1
        free = f"{path.rstrip('/')}-{number}/"
    taken.add(free)
    return free


def _digest(*values: object) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()


def stamp(root: Path, names: Iterable[str]) -> str:
    """A digest that changes with the names, sizes and dates of everything below some files and folders."""
    marks = []
    for name in names:
        top = root / name
        for path in sorted([top, *top.rglob("*")] if top.is_dir() else [top]):
            try:
                status = path.stat()
            except OSError:
                continue
            marks.append((path.as_posix(), status.st_mtime_ns, status.st_size))
    return _digest(marks)


def settings_trouble(error: ConfigError) -> tuple[Finding, ...]:
    """What is wrong in veille.toml, to show on every page while somebody mends it."""
    return error.findings or (Finding("veille.toml", None, None, error.message, error.hint, error.code),)
