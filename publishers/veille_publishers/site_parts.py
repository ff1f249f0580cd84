"""What a maker of pages hands to the site: pages made from a template, and files of another kind.

A maker is a function `(Material) -> Iterator[Leaf | Extra]` in a module of its own, listed in `site_pages.PAGES`. It
says what its page shows and never renders: the site renders a page only when what it shows has changed, and knows that
by the `repr` of what is handed over. So `values` and `shows` hold everything that ends up in the file and nothing else,
in a fixed order: text, numbers, tuples, dicts, frozen dataclasses. No sets, no functions, no clock: those would render
the page anew in every process. For a post in a list hand over its `Teaser` (`site.teasers(items)`), for a whole
post its `Item`; what a list does not show then does not render the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from veille.config import Config
from veille_publishers.archive import Archive, Item, Teaser


@dataclass(frozen=True)
class Page:
    """What the head of a page needs to know.

    Args:
        path: "posts/bourse-velos/", "" for the front page.
        private: a sensitive page: no search engine keeps it, no cache stores it, it is in no site map, and its
            title in the history says nothing.
        picture: the name of a picture in media/ that stands for the page where somebody shares it.
        alt: what that picture shows.
        feeds: folders, "towns/bagneux/", whose feeds this page announces beside the main ones.
        changed: RFC 3339, when what it shows last changed; "" when nobody knows.
    """

    path: str
    title: str
    description: str = ""
    private: bool = False
    picture: str = ""
    lang: str = ""
    alt: str = ""
    width: int = 0
    height: int = 0
    feeds: tuple[tuple[str, str], ...] = ()  # (folder, name)
    changed: str = field(default="", repr=False)  # the site map alone says it: a page is not new with it

    @property
    def file(self) -> str:
        """Its file, relative to the folder of the site."""
        return self.path if self.path.endswith(".html") else f"{self.path}index.html"


@dataclass(frozen=True)
class Leaf:
    """A page made from a template.

    Args:
        template: in templates/web/, "list.html.j2". It sees `site` (a `Frame`), `page`, `link(target)`, `outside(url)`
            and `values`.
    """

    page: Page
    template: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Extra:
    """A file that no page template makes: a calendar, a search index, a site map.

    Args:
        name: relative to the folder of the site.
        shows: everything that its bytes depend on; its `repr` is the fingerprint.
        make: gives the bytes; called only when something changed.
        private: tells about a private page, so that no cache may store it.
    """

    name: str
    shows: object
    make: Callable[[], bytes]
    private: bool = False


class Material(Protocol):
    """What makers see of the site of one moment."""

    archive: Archive
    config: Config
    today: date
    name: str
    language: str

    def teasers(self, items: Iterable[Item]) -> tuple[Teaser, ...]:
        """What a list shows of these posts."""


Maker = Callable[[Material], Iterator[Leaf | Extra]]
