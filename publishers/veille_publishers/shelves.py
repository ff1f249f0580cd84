"""Which posts belong together on the site: by kind, town and category, and what to read next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from slugify import slugify

from veille.rendering import RenderedPost
from veille_publishers.archive import Item

NEXT = 3  # teasers under a post

_Names = Callable[[RenderedPost], Sequence[tuple[str, str]]]  # post -> (slug, name) of each shelf


@dataclass(frozen=True)
class Shelf:
    """A list of posts that has a page of its own.

    Args:
        path: "kinds/event/", "towns/bagneux/", "categories/sante/".
    """

    path: str
    name: str
    items: tuple[Item, ...]


def kinds(items: Sequence[Item]) -> tuple[Shelf, ...]:
    """One shelf for each kind that has a post, the fullest first."""
    return _shelves("kinds", items, lambda post: [(post.kind, post.kind_label)])


def categories(items: Sequence[Item]) -> tuple[Shelf, ...]:
    """One shelf for each category that has a post, the fullest first."""
    return _shelves("categories", items, lambda post: [(slugify(name), name) for name in post.categories])


def towns(items: Sequence[Item], names: dict[str, str]) -> tuple[Shelf, ...]:
    """One shelf for each town of the workspace, in its order. A post without a town concerns them all.

    Args:
        names: slug -> name, from `Config.towns`.
    """
    shelves = (
        Shelf(f"towns/{slug}/", name, tuple(i for i in items if not i.post.towns or name in i.post.towns))
        for slug, name in names.items()
    )
    return tuple(shelf for shelf in shelves if shelf.items)


def read_next(item: Item, items: Sequence[Item]) -> tuple[Item, ...]:
    """What the editor chose as `related`, then what has most in common, the newest first."""
    others = [other for other in items if other.post.source != item.post.source]
    by_source = {other.post.source: other for other in others}
    chosen = [by_source[source] for source in item.post.related if source in by_source]
    close = sorted((o for o in others if _closeness(item.post, o.post)), key=lambda o: -_closeness(item.post, o.post))
    return tuple({other.post.source: other for other in [*chosen, *close]}.values())[:NEXT]


def _closeness(one: RenderedPost, other: RenderedPost) -> int:
    categories = len(set(one.categories) & set(other.categories))
    return 2 * categories + (one.kind == other.kind) + bool(set(one.towns) & set(other.towns))


def _shelves(folder: str, items: Sequence[Item], names: _Names) -> tuple[Shelf, ...]:
    found: dict[str, tuple[str, list[Item]]] = {}
    for item in items:
        for slug, name in _unique(names(item.post)):
            found.setdefault(slug, (name, []))[1].append(item)
    shelves = [Shelf(f"{folder}/{slug}/", name, tuple(held)) for slug, (name, held) in found.items()]
    return tuple(sorted(shelves, key=lambda shelf: (-len(shelf.items), shelf.path)))


def _unique(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Each slug once; a name without letters (a lone emoji) has no page."""
    seen: set[str] = set()
    for slug, name in pairs:
        if slug and slug not in seen:
            seen.add(slug)
            yield slug, name
