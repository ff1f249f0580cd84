"""The pages of a preview: a sheet for each post and edition, and the index of them all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from veille.errors import Finding, Severity
from veille.publishing import Source
from veille.rendering import RenderedEdition, RenderedPost
from veille.rendering.templating import shipped
from veille_web.preview_panels import Desk, Panels

STATE = "VEILLE-STATE"  # where a page carries the digest of what it shows


@dataclass(frozen=True)
class Sheet:
    """One post or edition in the preview.

    Args:
        path: of its page, "posts/bourse-velos/".
        source: what was rendered; None when nothing could be.
        stale: the file cannot be read now, and this is how it looked before.
    """

    file: str
    path: str
    title: str
    draft: bool
    source: Source | None = None
    panels: Panels = field(default_factory=Panels)
    findings: tuple[Finding, ...] = ()
    stale: bool = False

    @property
    def edition(self) -> bool:
        """Whether this is an edition of the letter."""
        return self.path.startswith("editions/")

    @property
    def errors(self) -> int:
        """How many findings block it."""
        return sum(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def warnings(self) -> int:
        """How many findings inform."""
        return len(self.findings) - self.errors

    @property
    def thumbnail(self) -> str:
        """The name of a picture for the index; "" when there is none."""
        posts = self.source.posts if isinstance(self.source, RenderedEdition) else ()
        own = [self.source] if isinstance(self.source, RenderedPost) else posts
        names = [picture.name for post in own for picture in (*post.pictures, *post.instagram_pictures)]
        return next((name for name in names if name in self.panels.media), "")


@dataclass(frozen=True)
class _Kept:
    """A page as it was made, and what it showed.

    Args:
        saw: address -> version of each file that it names.
        has: address -> whether it was there, for each that it asked about.
    """

    key: object
    saw: Mapping[str, str]
    has: Mapping[str, bool]
    content: bytes


class Pages:
    """Makes the pages, again and again; one that shows what it showed before is not made again."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._versions: dict[str, tuple[bytes, str]] = {}
        self._fixed: dict[str, bytes] = {}
        self._parts: dict[str, tuple[Sheet, dict[str, bytes]]] = {}
        self._entries: dict[str, tuple[Sheet, Any]] = {}

    def files(
        self,
        desk: Desk,
        sheets: Sequence[Sheet],
        site: Mapping[str, bytes],
        trouble: Sequence[Finding],
        elsewhere: Sequence[Finding],
    ) -> dict[str, bytes]:
        """Every file of the preview: address relative to its folder -> content.

        Args:
            trouble: findings to show on every page.
            elsewhere: findings of files that have no sheet, for the index.

        Raises:
            RenderError: the preview's own templates fail.
        """
        self._fixed = self._fixed or _fixed(desk)
        files = {**self._fixed, **{f"site/{name}": content for name, content in site.items()}}
        for sheet in sheets:
            files |= self._of_sheet(sheet)
        shown = tuple(trouble)
        for number, sheet in enumerate(sheets):
            around = {"before": sheets[number - 1] if number else None, "after": next(iter(sheets[number + 1 :]), None)}
            key: object = (sheet, *(_named(other) for other in around.values()), shown)
            values: dict[str, object] = {"sheet": sheet, "root": "../../", "trouble": trouble, **around}
            name = f"{sheet.path}index.html"
            files[name] = self._page(desk, "preview/sheet.html.j2", name, key, files, values)
        values = {"sheets": sheets, "root": "", "trouble": trouble, "elsewhere": elsewhere, "once": self._once}
        key = tuple(sheets), shown, tuple(elsewhere)
        files["index.html"] = self._page(desk, "preview/index.html.j2", "index.html", key, files, values)
        return files

    def _of_sheet(self, sheet: Sheet) -> dict[str, bytes]:
        """Its pictures and letters; the same bytes as before for the same sheet, so that nobody compares them."""
        kept = self._parts.get(sheet.path)
        if kept is None or kept[0] is not sheet:
            media = {f"media/{name}": content for name, content in sheet.panels.media.items()}
            kept = self._parts[sheet.path] = sheet, {**media, **_parts(sheet)}
        return kept[1]

    def _once(self, entry: Callable[[Sheet], Any], sheet: Sheet) -> Any:
        """For the index: what its macro makes of a sheet, as long as that is the same; nothing else may show in it."""
        kept = self._entries.get(sheet.path)
        if kept is None or kept[0] is not sheet:
            kept = self._entries[sheet.path] = sheet, entry(sheet)
        return kept[1]

    def _page(
        self,
        desk: Desk,
        template: str,
        name: str,
        key: object,
        files: Mapping[str, bytes],
        values: Mapping[str, object],
    ) -> bytes:
        kept = self._kept.get(name)
        if kept and kept.key == key and self._unchanged(kept, files):
            return kept.content
        saw: dict[str, str] = {}
        asked: dict[str, bool] = {}

        def versioned(address: str) -> str:
            """The address with a digest of what lies there, so that a page changes with what it shows."""
            saw[address] = self._version(address, files)
            return f"{address}?v={saw[address]}"

        def has(address: str) -> bool:
            asked[address] = address in files
            return asked[address]

        content = _stated(desk.templates.render(template, versioned=versioned, has=has, **values))
        self._kept[name] = _Kept(key, saw, asked, content)
        return content

    def _unchanged(self, kept: _Kept, files: Mapping[str, bytes]) -> bool:
        seen = all(self._version(address, files) == version for address, version in kept.saw.items())
        return seen and all((address in files) == there for address, there in kept.has.items())

    def _version(self, address: str, files: Mapping[str, bytes]) -> str:
        content = files.get(address, b"")
        known = self._versions.get(address)
        if known is None or known[0] is not content:
            known = self._versions[address] = content, hashlib.sha256(content).hexdigest()[:10]
        return known[1]


def _named(sheet: Sheet | None) -> tuple[str, str] | None:
    """What its neighbours show of it."""
    return (sheet.path, sheet.source.title if sheet.source else sheet.title) if sheet else None


def _fixed(desk: Desk) -> dict[str, bytes]:
    return {
        "lexend.woff2": _shipped("web", "lexend.woff2"),
        "lexend-OFL.txt": _shipped("web", "lexend-OFL.txt"),
        "preview.js": _shipped("preview", "preview.js"),
        "icon.svg": desk.templates.render("web/icon.svg.j2").encode(),
        "preview.css": desk.templates.render("preview/preview.css.j2").encode(),
    }


def _parts(sheet: Sheet) -> dict[str, bytes]:
    parts: dict[str, bytes] = {}
    if sheet.panels.letter:
        parts["letter.html"] = sheet.panels.letter.html.encode()
        parts["letter.txt"] = sheet.panels.letter.text.encode()
    if sheet.panels.feed:
        parts["feed.html"] = sheet.panels.feed.html.encode()
    return {f"{sheet.path}{name}": content for name, content in parts.items()}


def _stated(page: str) -> bytes:
    digest = hashlib.sha256(page.encode()).hexdigest()[:16]
    return page.replace(STATE, digest, 1).encode()


def _shipped(folder: str, name: str) -> bytes:
    return (shipped() / folder / name).read_bytes()
