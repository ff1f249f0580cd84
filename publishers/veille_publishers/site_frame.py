"""What every page of the site shows around its content, and by what a page is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from veille import __version__, i18n
from veille.config import Config
from veille.i18n import gettext as _
from veille.rendering import Contact
from veille.rendering.templating import shipped
from veille_publishers.archive import digest
from veille_publishers.shelves import Shelf

MOST_CATEGORIES = 12  # at the foot of every page


@dataclass(frozen=True)
class Way:
    """A link of the frame."""

    path: str
    name: str


@dataclass(frozen=True)
class Names:
    """Files that every page loads; each name changes with its content. One-tuples, as `Look` has name and content."""

    font: tuple[str]
    style: tuple[str]
    script: tuple[str]
    icon: tuple[str]
    logo: tuple[str] | None


@dataclass(frozen=True)
class Frame:
    """`site` in templates: all that a page may show besides its own values. A change here makes every page new.

    Args:
        helplines: the emergency block.
    """

    name: str
    language: str
    has_feed: bool
    look: Names
    kinds: tuple[Way, ...]
    towns: tuple[Way, ...]
    categories: tuple[Way, ...]
    audiences: tuple[Way, ...]
    helplines: tuple[Contact, ...]


def ways(shelves: Iterable[Shelf]) -> tuple[Way, ...]:
    """Links to shelves, in the order given."""
    return tuple(Way(shelf.path, shelf.name) for shelf in shelves)


def steady(shelves: Sequence[Shelf], most: int | None = None) -> tuple[Way, ...]:
    """Links to the fullest shelves in the order of their names: one more post on a shelf moves none of them."""
    return ways(sorted(shelves[:most], key=lambda shelf: shelf.path))


def surroundings(config: Config, *, live: bool) -> str:
    """A digest of what every page is made with: templates, code, words, settings. Changed, it makes every page new."""
    folders = [shipped() / "web", config.root / "templates" / "web", Path(__file__).parent, i18n.LOCALE_DIR]
    found = (path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix in (".j2", ".py", ".mo"))
    files = [path for path in found if path.is_file()]  # the lock of an editor is a link to nothing
    settings = config.settings
    known = [__version__, live, _("All posts"), config.brand, settings.workspace.base_url, settings.workspace.language]
    return digest([*known, settings.web, settings.feed, *((path.name, path.read_bytes()) for path in files)])
