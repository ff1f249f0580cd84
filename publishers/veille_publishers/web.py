"""The web archive: a page a post, a page an edition, lists by kind, town and category. Plain files, no script."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from posixpath import relpath
from typing import Any, ClassVar
from urllib.parse import urlsplit

from veille.errors import RenderError
from veille.i18n import gettext as _
from veille.i18n import why
from veille.publishing import Proof, Publication, Rendition
from veille.rendering import Picture, RenderedEdition, RenderedPost
from veille.rendering.templating import shipped
from veille_publishers import shelves
from veille_publishers.archive import Archive, Item, alone, clean, outside, read
from veille_publishers.folder import FolderPublisher
from veille_publishers.shelves import Shelf
from veille_publishers.site_pages import PAGES
from veille_publishers.site_parts import Extra, Page

FRONT_PAGE = 12  # posts under the lead


class Web(FolderPublisher):
    """Keeps the public pages."""

    kind: ClassVar[str] = "web"

    def build(self, standing: Sequence[Publication]) -> Mapping[str, bytes]:
        """The whole site. Pictures and style first, so that no page is up before what it shows.

        Raises:
            RenderError: a template fails, or the logo cannot be read.
        """
        archive = read(standing, self.config.settings.workspace.backlog)
        site = Site(self, archive)
        return {**site.assets, **dict(site.pages())}

    def proof(self, rendition: Rendition) -> Proof:
        """The page of this post or edition, on a site that holds nothing else."""
        site = Site(self, alone(rendition), self._look)
        heading, content = site.only_page()
        return Proof(heading=heading, html=content.decode(), weight=len(content))

    @cached_property
    def _look(self) -> Look:
        """For proofs: the look of the site is made once for them all."""
        return Look(self)

    def asset(self, name: str) -> bytes:
        """A file beside the templates, the newsroom's own first."""
        own = self.config.root / "templates" / "web" / name
        return (own if own.is_file() else shipped() / "web" / name).read_bytes()

    def fill(self, template: str, **values: Any) -> bytes:
        """A file made from a template of the site.

        Raises:
            RenderError: the template fails.
        """
        return clean(self.context.templates.render(f"web/{template}", **values)).encode()


class Look:
    """The files that every page of a site loads."""

    def __init__(self, web: Web) -> None:
        self._web = web

    @cached_property
    def style(self) -> tuple[str, bytes]:
        """Name and content of the one style sheet; its name changes with its content."""
        return _named("site", "css", self._web.fill("site.css.j2", font=self.font[0]))

    @cached_property
    def font(self) -> tuple[str, bytes]:
        """Name and content of the letterforms."""
        return _named("lexend", "woff2", self._web.asset("lexend.woff2"))

    @cached_property
    def icon(self) -> tuple[str, bytes]:
        """Name and content of the small sign in a browser's tab."""
        return _named("icon", "svg", self._web.fill("icon.svg.j2"))

    @cached_property
    def logo(self) -> tuple[str, bytes] | None:
        """Name and content of the newsroom's logo; None: its name is drawn in letters."""
        path = self._web.config.brand.logo
        if not path:
            return None
        try:
            return _named("logo", Path(path).suffix.lstrip("."), (self._web.config.root / path).read_bytes())
        except OSError as error:
            raise RenderError(
                _("the logo {path} cannot be read: {error}").format(path=path, error=why(error)),
                hint=_("check [brand] logo in veille.toml"),
            ) from error

    @property
    def files(self) -> dict[str, bytes]:
        """All of them, by name."""
        fixed = (self.font, self.style, self.icon, *([self.logo] if self.logo else []))
        return {**dict(fixed), "lexend-OFL.txt": self._web.asset("lexend-OFL.txt")}


class Site:
    """All pages of one moment, from what stands."""

    def __init__(self, web: Web, archive: Archive, look: Look | None = None) -> None:
        self.archive = archive
        self.config = web.config
        self.look = look or Look(web)
        self.name = web.config.brand.name
        self.language = web.config.settings.workspace.language
        self.has_feed = "feed" in web.config.channels
        self.sources = frozenset(item.post.source for item in archive.items)
        self.kinds = shelves.kinds(archive.items)
        self.categories = shelves.categories(archive.items)
        self.towns = shelves.towns(archive.items, web.config.towns)
        self._web = web
        self._root = urlsplit(web.config.settings.workspace.base_url).path
        self._sandbox = not web.live

    @property
    def assets(self) -> dict[str, bytes]:
        """Everything that pages load, all from this site."""
        return {**self.look.files, **{f"media/{k}": v for k, v in self.archive.media.items()}}

    def only_page(self) -> tuple[str, bytes]:
        """Headline and content of the page of the one post or edition that this site holds."""
        if self.archive.editions:
            edition = self.archive.editions[0]
            return edition.title, self._edition(edition)[1]
        return self.archive.items[0].post.title, self._post(self.archive.items[0])[1]

    def pages(self) -> Iterator[tuple[str, bytes]]:
        """Each file name with its content."""
        for item in self.archive.items:
            yield self._post(item)
        for edition in self.archive.editions:
            yield self._edition(edition)
        for shelf in (*self.kinds, *self.towns, *self.categories, self._all_posts()):
            yield self._page("list.html.j2", Page(shelf.path, shelf.name), shelf=shelf)
        yield self._page("editions.html.j2", Page("editions/", _("All issues")), editions=self.archive.editions)
        yield self._page("contacts.html.j2", Page("contacts/", _("Who to call?")))
        for path in self.archive.withdrawn:
            yield self._page("gone.html.j2", Page(path, _("This page is no longer current"), private=True))
        yield self._front()
        for made in (made for maker in PAGES for made in maker(self)):
            yield (
                (made.name, made.make())
                if isinstance(made, Extra)
                else self._page(made.template, made.page, **made.values)
            )
        yield self._page("not_found.html.j2", Page("404.html", _("This page does not exist"), private=True))

    def _front(self) -> tuple[str, bytes]:
        items = sorted(self.archive.items[: FRONT_PAGE + 1], key=lambda item: not item.post.urgent)
        edition = next(iter(self.archive.editions), None)
        hero = self._hero(edition, items[0].post.source if items else "")
        return self._page("index.html.j2", Page("", self.name), items=items, edition=edition, hero=hero)

    def _hero(self, edition: RenderedEdition | None, lead: str) -> Picture | None:
        """A picture of the latest issue: from its end, because its first posts are shown just below."""
        if edition is None or edition.picture:
            return edition.picture if edition else None
        shown = (p for p in edition.posts if p.source not in {*self.archive.gone, lead} and not p.sensitive)
        return next((picture for post in reversed(list(shown)) for picture in post.pictures), None)

    def _post(self, item: Item) -> tuple[str, bytes]:
        post = item.post
        picture = "" if post.sensitive else next((p.name for p in post.pictures), "")
        page = Page(f"posts/{post.slug}/", post.title, post.summary, post.sensitive, picture, post.lang)
        if post.sensitive:
            page = replace(page, title=post.date_words, description="")
        return self._page("post.html.j2", page, post=post, others=shelves.read_next(item, self.archive.items))

    def _edition(self, edition: RenderedEdition) -> tuple[str, bytes]:
        current = [post for post in edition.posts if post.source not in self.archive.gone]
        private = any(post.sensitive for post in current)
        page = Page(f"editions/{edition.slug}/", edition.title, edition.preheader, private, lang=edition.lang)
        groups: dict[str, list[RenderedPost]] = {}
        for post in edition.posts:
            groups.setdefault(post.kind_label, []).append(post)
        return self._page("edition.html.j2", page, edition=edition, groups=groups)

    def _all_posts(self) -> Shelf:
        return Shelf("posts/", _("All posts"), self.archive.items)

    def _page(self, template: str, page: Page, **values: Any) -> tuple[str, bytes]:
        def link(target: str) -> str:
            return self._link(page, target)

        content = self._web.fill(template, site=self, page=page, link=link, outside=outside, **values)
        return page.path if page.path.endswith(".html") else f"{page.path}index.html", content

    def _link(self, page: Page, target: str) -> str:
        """From a page to an address of the site. Relative, so that the folder can be looked at anywhere.

        The page for unknown addresses is shown at any depth, so its links start at the root of the site.
        """
        if page.path == "404.html" and not self._sandbox:
            return f"{self._root}/{target}"
        leaf = "index.html" if self._sandbox and (not target or target.endswith("/")) else ""
        here = page.path if page.path.endswith("/") else ""
        way = relpath(target or ".", here or ".")
        return f"{way}/{leaf}" if not target or target.endswith("/") else way


def _named(name: str, suffix: str, content: bytes) -> tuple[str, bytes]:
    return f"{name}.{hashlib.sha256(content).hexdigest()[:10]}.{suffix}", content
