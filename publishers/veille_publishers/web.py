"""The web archive: a page a post, a page an edition, lists by kind, town and category. Plain files, no script."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from veille.errors import RenderError
from veille.i18n import gettext as _
from veille.i18n import why
from veille.publishing import Proof, Publication, Rendition
from veille.rendering import Picture, RenderedEdition, RenderedPost
from veille.rendering.templating import shipped
from veille_publishers import calendar, directory, shelves, sitemap
from veille_publishers.archive import Archive, Item, Teaser, alone, clean, digest, outside
from veille_publishers.files import Piece
from veille_publishers.folder import FolderPublisher
from veille_publishers.shelves import Shelf
from veille_publishers.site_frame import MOST_CATEGORIES, Frame, Names, steady, ways
from veille_publishers.site_pages import PAGES
from veille_publishers.site_parts import Extra, Leaf, Page

FRONT_PAGE = 12  # posts under the lead
ALL_POSTS = "posts/"
_IN_NO_MENU = ("post.html.j2", "edition.html.j2")  # so their menus are all the same


@dataclass(frozen=True)
class Issue:
    """What lists show of an edition."""

    slug: str
    title: str
    lang: str
    date_words: str


class Web(FolderPublisher):
    """Keeps the public pages."""

    kind: ClassVar[str] = "web"

    def pieces(self, standing: Sequence[Publication]) -> Sequence[Piece]:
        """The whole site. Pictures and style first, so that no page is up before what it shows.

        Raises:
            RenderError: the logo cannot be read.
        """
        return list(Site(self, self.archive(standing)).pieces())

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

    def fill(self, template: str, /, **values: Any) -> bytes:
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
    def script(self) -> tuple[str, bytes]:
        """Name and content of the one small script: the exit button and the search, which both work without it."""
        return _named("site", "js", self._web.asset("site.js"))

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
        fixed = (self.font, self.style, self.script, self.icon, *([self.logo] if self.logo else []))
        return {**dict(fixed), "lexend-OFL.txt": self._web.asset("lexend-OFL.txt")}


class Site:
    """All pages of one moment, from what stands.

    Makers of pages see what `Material` says; templates see `frame` alone.
    """

    def __init__(self, web: Web, archive: Archive, look: Look | None = None) -> None:
        self.archive = archive
        self.config = web.config
        self.today = web.context.clock().astimezone(web.config.zone).date()
        self.look = look or Look(web)
        self.name = web.config.brand.name
        self.language = web.config.settings.workspace.language
        self.has_feed = "feed" in web.config.channels and web.config.live("feed") == web.live
        self.kinds = shelves.kinds(archive.items)
        self.categories = shelves.categories(archive.items)
        self.towns = shelves.towns(archive.items, web.config.towns)
        self.audiences = shelves.audiences(archive.items)
        self._web = web
        self._root = urlsplit(web.config.settings.workspace.base_url).path
        self._sandbox = not web.live
        self._made_once: dict[tuple[object, ...], Any] = {}

    @cached_property
    def frame(self) -> Frame:
        """What every page shows around its content."""
        logo = self.look.logo
        return Frame(
            name=self.name,
            language=self.language,
            has_feed=self.has_feed,
            look=Names(
                font=(self.look.font[0],),
                style=(self.look.style[0],),
                script=(self.look.script[0],),
                icon=(self.look.icon[0],),
                logo=(logo[0],) if logo else None,
            ),
            kinds=steady(self.kinds),
            towns=ways(self.towns),
            categories=steady(self.categories, MOST_CATEGORIES),
            audiences=ways(self.audiences),
            helplines=self.archive.helplines,
        )

    def only_page(self) -> tuple[str, bytes]:
        """Headline and content of the page of the one post, edition or directory that this site holds."""
        if self.archive.directory:
            leaf = next(made for made in directory.pages(self) if isinstance(made, Leaf))
            return leaf.page.title, self._page(leaf)
        if self.archive.editions:
            edition = self.archive.editions[0]
            return edition.title, self._page(self._edition(edition))
        item = self.archive.items[0]
        return item.post.title, self._page(self._post(item, ()))

    def pieces(self) -> Iterator[Piece]:
        """Every file, each with a digest of what it shows."""
        for name, content in self.look.files.items():
            yield Piece(name, digest(content), partial(bytes, content))
        for name, file in self.archive.media.items():
            yield Piece(f"media/{name}", name, partial(getattr, file, "content"))  # named by its bytes
        leaves = list(self.leaves())
        around = digest([self._web.surroundings, self.frame])
        for made in (*leaves, *sitemap.files(self, [made.page for made in leaves if isinstance(made, Leaf)])):
            if isinstance(made, Extra):
                yield Piece(made.name, digest([self._web.surroundings, made.name, made.shows]), made.make)
            else:
                mark = digest([around, made.template, made.page, made.values])
                yield Piece(made.page.file, mark, partial(self._page, made), slow=True)

    def teasers(self, items: Iterable[Item]) -> tuple[Teaser, ...]:
        """What a list shows of these posts."""
        return tuple(item.teaser for item in items)

    def leaves(self) -> Iterator[Leaf | Extra]:
        """Every page: posts, editions, lists, then what the makers in `site_pages` add."""
        near = shelves.Neighbours(self.archive.items)
        for item in self.archive.items:
            yield self._post(item, near.of(item))
        for edition in self.archive.editions:
            yield self._edition(edition)
        for shelf in (*self.kinds, *self.towns, *self.categories, *self.audiences, self._all_posts()):
            yield from self._shelf(shelf)
        yield Leaf(Page("editions/", _("All issues")), "editions.html.j2", {"editions": self._issues()})
        for path in self.archive.withdrawn:
            yield Leaf(Page(path, _("This page is no longer current"), private=True), "gone.html.j2")
        yield self._front()
        for maker in PAGES:
            yield from maker(self)
        yield Leaf(Page("404.html", _("This page does not exist"), private=True), "not_found.html.j2")

    def _front(self) -> Leaf:
        newest = self.archive.items[: FRONT_PAGE + 1]
        items = sorted(newest, key=lambda item: not item.post.urgent)
        edition = next(iter(self._issues()), None)
        hero = self._hero(next(iter(self.archive.editions), None), items[0].post.source if items else "")
        more = len(self.archive.items) > len(items)
        values: dict[str, object] = {"items": self.teasers(items), "edition": edition, "hero": hero, "more": more}
        values |= {"needs": directory.needs(self), "days": calendar.next_days(self)}
        page = Page("", self.name, self.config.brand.tagline)
        return Leaf(_shared(page, hero, _newest(newest)), "index.html.j2", values)

    def _issues(self) -> tuple[Issue, ...]:
        return tuple(Issue(e.slug, e.title, e.lang, e.date_words) for e in self.archive.editions)

    def _shelf(self, shelf: Shelf) -> Iterator[Leaf]:
        feeds = ((shelf.path, shelf.name),) if self._is_fed(shelf) else ()
        for part in shelves.parts(shelf):
            # A list of nothing but sensitive posts is as sensitive: its name would tell what they are about.
            private = bool(part.items) and all(item.post.sensitive for item in part.items)
            name = _("Posts") if private else shelf.name
            numbered = _("{name}, page {number}").format(name=name, number=part.number)
            title = numbered if part.number else name
            feeds = () if private else feeds
            page = Page(part.path, title, private=private, feeds=feeds, changed=_newest(part.items))
            values = {"count": 0 if part.number else len(shelf.items), "items": self.teasers(part.items)}
            around = {"older": part.older, "newer": part.newer}
            yield Leaf(page, "list.html.j2", {**values, **around})

    def _is_fed(self, shelf: Shelf) -> bool:
        """Whether this list has a feed. That of a category has one once a post of it was in the feeds."""
        if shelf.path.startswith("categories/"):
            return (self._web.folder_of("feed") / shelf.path / "feed.xml").is_file()
        return shelf.path.startswith(("towns/", "audiences/"))

    def _hero(self, edition: RenderedEdition | None, lead: str) -> Picture | None:
        """A picture of the latest issue: from its end, because its first posts are shown just below."""
        if edition is None or edition.picture:
            return edition.picture if edition else None
        shown = (p for p in edition.posts if p.source not in {*self.archive.gone, lead} and not p.sensitive)
        return next((picture for post in reversed(list(shown)) for picture in post.pictures), None)

    def _post(self, item: Item, others: Sequence[Item]) -> Leaf:
        post = item.post
        page = Page(f"posts/{post.slug}/", post.title, post.summary, lang=post.lang, changed=item.changed.isoformat())
        if post.sensitive:
            page = replace(page, private=True, title=post.date_words, description="")
        else:
            page = _shared(page, post.pictures[0] if post.pictures else post.card)
        return Leaf(page, "post.html.j2", {"post": post, "others": self.teasers(others)})

    def _edition(self, edition: RenderedEdition) -> Leaf:
        gone = tuple(post.source for post in edition.posts if post.source in self.archive.gone)
        current = [post for post in edition.posts if post.source not in gone]
        private = any(post.sensitive for post in current)
        page = Page(f"editions/{edition.slug}/", edition.title, edition.preheader, private, lang=edition.lang)
        page = replace(page, changed=edition.date) if private else _shared(page, self._hero(edition, ""), edition.date)
        groups: dict[str, list[RenderedPost]] = {}
        for post in edition.posts:
            groups.setdefault(post.kind_label, []).append(post)
        linked = tuple(post.source for post in edition.posts if post.source in self._sources)
        values = {"edition": edition, "groups": groups, "gone": gone, "linked": linked}
        return Leaf(page, "edition.html.j2", values)

    @cached_property
    def _sources(self) -> frozenset[str]:
        return frozenset(item.post.source for item in self.archive.items)

    def _all_posts(self) -> Shelf:
        return Shelf(ALL_POSTS, _("All posts"), self.archive.items)

    def _page(self, leaf: Leaf) -> bytes:
        """Render it."""
        link = self._linker(leaf.page)
        shown = {"site": self.frame, "page": leaf.page, "link": link, "outside": outside}
        current = leaf.page.path if leaf.template not in _IN_NO_MENU else "-"
        alike = {"once": self._once(link), "menu_once": self._once(link, current)}
        return self._web.fill(leaf.template, **shown, **alike, **leaf.values)

    def _once(self, link: Callable[[str], str], current: str = "") -> Callable[..., Any]:
        """For templates: what a macro gives, made once for all pages that look alike there.

        Args:
            link: where the page lies; pages at the same depth have the same links.
            current: what else the macros depend on.
        """
        place = link(""), current

        def once(macro: Callable[..., Any], *values: Any) -> Any:
            key = (*place, getattr(macro, "name", ""), values)
            if key not in self._made_once:
                self._made_once[key] = macro(*values)
            return self._made_once[key]

        return once

    def _linker(self, page: Page) -> Callable[[str], str]:
        """From a page to an address of the site. Relative, so that the folder can be looked at anywhere.

        The page for unknown addresses is shown at any depth, so its links start at the root of the site.
        """
        leaf = "index.html" if self._sandbox else ""
        top = "../" * page.path.count("/")
        if page.path == "404.html" and not self._sandbox:
            top = f"{self._root}/"

        def link(target: str) -> str:
            whole = f"{top}{target}"
            return f"{whole or './'}{leaf}" if not target or target.endswith("/") else whole

        return link


def _shared(page: Page, picture: Picture | None, changed: str = "") -> Page:
    """With the picture that stands for it where somebody shares it."""
    page = replace(page, changed=changed or page.changed)
    if picture is None:
        return page
    return replace(page, picture=picture.name, alt=picture.alt, width=picture.width, height=picture.height)


def _newest(items: Iterable[Item]) -> str:
    moments = [item.changed for item in items]
    return max(moments).isoformat() if moments else ""


def _named(name: str, suffix: str, content: bytes) -> tuple[str, bytes]:
    return f"{name}.{hashlib.sha256(content).hexdigest()[:10]}.{suffix}", content
