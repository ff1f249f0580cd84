"""Everything that `content/` holds, read at once: a broken file is a finding and never hides the others."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from veille.config import Config
from veille.editions import Edition
from veille.errors import ContentError, Finding, Severity
from veille.i18n import gettext as _
from veille.i18n import why
from veille.partners import HelpLine, Partner
from veille.posts import Post
from veille.reading import file_name, in_order, name_of
from veille.reading.contact import read_helplines, read_partner
from veille.reading.edition import read_edition
from veille.reading.post import read_post
from veille.reading.wording import did_you_mean

T = TypeVar("T")

HELPLINES = "helplines.yaml"
_DRAFT = re.compile(r"^(?:draft|brouillon)\s*:\s*true\b", re.MULTILINE | re.IGNORECASE)
_NOT_READ = (".yml", ".txt", ".markdown", ".mdown", ".docx", ".odt", ".rtf")


@dataclass(frozen=True)
class Library:
    """The content of one workspace.

    Args:
        posts, editions: the valid ones, in the order of their file names.
        partners: by id.
        helplines: by number, in the order of the file.
        findings: what reading found, in order; errors in a draft are warnings, because drafts never block.
        drafts: the files that say `draft: true`, broken ones included.
        broken: what of unreadable files could be read; checks look at it, nothing else does.
    """

    posts: tuple[Post, ...] = ()
    editions: tuple[Edition, ...] = ()
    partners: Mapping[str, Partner] = field(default_factory=dict)
    helplines: Mapping[str, HelpLine] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    drafts: frozenset[str] = frozenset()
    broken: tuple[Post | Edition, ...] = ()

    def find(self, wanted: str | Path) -> Post | Edition:
        """The post or edition that a person means.

        Args:
            wanted: a path from the current folder or from the workspace, or a file name, source or slug.

        Raises:
            ContentError: it is broken (with what is wrong in it), or there is none.
        """
        path = Path(wanted).absolute()
        name = Path(wanted).as_posix().removeprefix("./")
        sources: list[Post | Edition] = [*self.posts, *self.editions]
        for same in (_same_path(path, name), _same_name(name)):
            if found := next((source for source in sources if same(source)), None):
                return found
        if broken := [f for f in self.findings if f.file == name or path.as_posix().endswith("/" + f.file)]:
            raise ContentError(broken)
        hint = did_you_mean(name_of(Path(name)), [source.source for source in sources])
        message = _("there is no such post or edition")
        raise ContentError([Finding(str(wanted), None, None, message, hint, "no-such-file")])


def _same_path(path: Path, name: str) -> Callable[[Post | Edition], bool]:
    return lambda source: name == source.file or path in (source.path, source.path.absolute())


def _same_name(name: str) -> Callable[[Post | Edition], bool]:
    return lambda source: name in (source.source, source.slug, source.path.name, source.path.stem)


Kept = dict[Path, tuple[tuple[int, int], Post]]  # what was read of a post; the date (ns) and bytes of its file then


def load(config: Config, kept: Kept | None = None) -> Library:
    """Read `content/`. Never raises for what a file holds: that becomes findings.

    Args:
        kept: of a process that reads again and again with the same settings: posts whose file did not change since.
    """
    folder = config.root / "content"
    found: list[Finding] = list(_missing(folder, config.root))
    broken: list[Post | Edition] = []
    posts = _gather(_files(folder / "posts", ".md"), lambda path: _post(path, config, kept), found, config, broken)
    editions = _gather(_files(folder / "editions", ".md"), lambda p: read_edition(p, config), found, config, broken)
    records = _files(folder / "partners", ".yaml")
    partners = _gather(records, lambda path: read_partner(path, config), found, config, broken)
    found += [f for name in ("posts", "editions", "partners") for f in _strangers(folder / name, config.root)]
    helplines = _helplines(folder / HELPLINES, config, found)
    sources: list[Post | Edition] = [*posts, *editions]
    drafts = {source.file for source in sources if source.draft} | _broken_drafts(found, config.root)
    return Library(
        posts=tuple(_with_sources(posts)),
        editions=tuple(_resolved(editions, posts)),
        partners={partner.id: partner for partner in partners},
        helplines={line.number: line for line in helplines},
        findings=tuple(in_order(softened(found, drafts))),
        drafts=frozenset(drafts),
        broken=tuple(broken),
    )


def _post(path: Path, config: Config, kept: Kept | None) -> Post:
    if kept is None:
        return read_post(path, config)
    status = path.stat()
    state = status.st_mtime_ns, status.st_size
    known = kept.get(path)
    if known is None or known[0] != state:
        known = kept[path] = state, read_post(path, config)
    return known[1]


def softened(found: Iterable[Finding], drafts: Iterable[str]) -> list[Finding]:
    """Findings in drafts as warnings: a draft may be unfinished and never blocks."""
    return [replace(f, severity=Severity.WARNING) if f.file in drafts else f for f in found]


def _missing(folder: Path, root: Path) -> Iterator[Finding]:
    posts = folder / "posts"
    if not posts.is_dir():
        missing = folder if not folder.is_dir() else posts
        hint = _("make it with `veille init`, or `veille new post` for a first post")
        name = file_name(missing, root)
        yield Finding(name, None, None, _("this folder is missing: there is nothing to publish"), hint, "no-content")


def _files(folder: Path, suffix: str) -> list[Path]:
    """The content files below a folder, hidden ones left out."""
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() == suffix
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not path.is_dir()
    )


def _strangers(folder: Path, root: Path) -> Iterator[Finding]:
    for path in sorted(folder.glob("*")):
        if path.suffix.lower() in _NOT_READ and not path.name.startswith((".", "~")):
            hint = _("save it as plain text with a name that ends in {suffix}").format(
                suffix=".yaml" if folder.name == "partners" else ".md"
            )
            message = _("this file is not read")
            yield Finding(file_name(path, root), None, None, message, hint, "not-read", Severity.WARNING)


def _gather(
    paths: Iterable[Path],
    read: Callable[[Path], T],
    found: list[Finding],
    config: Config,
    broken: list[Post | Edition],
) -> list[T]:
    values: list[T] = []
    for path in paths:
        try:
            values.append(read(path))
        except ContentError as error:
            found += error.findings
            broken += [error.rest] if isinstance(error.rest, Post | Edition) else []
        except OSError as error:  # a file that vanished or was locked while we read it
            message = _("this file cannot be read: {reason}").format(reason=why(error))
            found.append(Finding(file_name(path, config.root), None, None, message, None, "unreadable"))
    return values


def _helplines(path: Path, config: Config, found: list[Finding]) -> tuple[HelpLine, ...]:
    if not path.exists():
        hint = _("`veille init` writes one; every letter and page shows these numbers")
        name = file_name(path, config.root)
        message = _("there are no help lines")
        found.append(Finding(name, None, None, message, hint, "no-helplines", Severity.WARNING))
        return ()
    try:
        helplines, findings = read_helplines(path, config)
    except ContentError as error:
        found += error.findings
        return ()
    found += findings
    return helplines


def _broken_drafts(found: Iterable[Finding], root: Path) -> set[str]:
    """Files that cannot be read as posts, yet say that they are drafts."""
    names = {f.file for f in found if f.file.startswith(("content/posts/", "content/editions/"))}
    return {name for name in names if _says_draft(root / name)}


def _says_draft(path: Path) -> bool:
    try:
        if not stat.S_ISREG(path.lstat().st_mode):  # a pipe would keep us waiting for ever
            return False
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            head = file.read(64 * 1024)
    except OSError:
        return False
    return bool(_DRAFT.search(head.partition("\n---")[0]))


# ---- what editions and `related` name


def _with_sources(posts: Iterable[Post]) -> list[Post]:
    posts = list(posts)
    known = _by_name(posts)
    named = ((post, tuple(_source(name, known) for name in post.related)) for post in posts)
    return [post if related == post.related else replace(post, related=related) for post, related in named]


def _resolved(editions: Iterable[Edition], posts: Iterable[Post]) -> list[Edition]:
    known = _by_name(posts)
    return [replace(edition, posts=tuple(_source(n, known) for n in edition.posts)) for edition in editions]


def _by_name(posts: Iterable[Post]) -> dict[str, str]:
    """Everything that a person may write for a post, to its source."""
    by_file = {name: post.source for post in posts for name in (post.path.stem, name_of(post.path))}
    return by_file | {post.source: post.source for post in posts}


def _source(name: str, known: Mapping[str, str]) -> str:
    plain = name.rpartition("/")[2].removesuffix(".md")
    return known.get(name) or known.get(plain) or known.get(name_of(Path(plain + ".md"))) or name
