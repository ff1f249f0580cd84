"""Which posts belong together on the site: by kind, town, category and audience, and what to read next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from slugify import slugify

from veille.posts import Audience
from veille.rendering import RenderedPost, labels
from veille_publishers.archive import Item

NEXT = 3  # teasers under a post
PER_PAGE = 50  # posts that a page of a long list adds; a phone on a bad line loads it in seconds
_WINDOW = 8  # of the posts that share something, the newest so many are compared

_Names = Callable[[RenderedPost], Sequence[tuple[str, str]]]  # post -> (slug, name) of each shelf
_Trait = tuple[str, str]  # ("category", "Mobilité")


@dataclass(frozen=True)
class Shelf:
    """A list of posts that has a page of its own.

    Args:
        path: "kinds/event/", "towns/bagneux/", "categories/sante/", "audiences/families/".
    """

    path: str
    name: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Part:
    """One page of a shelf.

    Args:
        older, newer: paths of the pages before and after; None at the ends.
        number: 0 for the page with the newest posts, which has the shelf's own address.
    """

    path: str
    items: tuple[Item, ...]
    number: int = 0
    older: str | None = None
    newer: str | None = None


def kinds(items: Sequence[Item]) -> tuple[Shelf, ...]:
    """One shelf for each kind that has a post, the fullest first."""
    return _shelves("kinds", items, lambda post: [(post.kind, post.kind_label)])


def categories(items: Sequence[Item]) -> tuple[Shelf, ...]:
    """One shelf for each category that has a post, the fullest first."""
    return _shelves("categories", items, lambda post: [(_slug(name), name) for name in post.categories])


def audiences(items: Sequence[Item]) -> tuple[Shelf, ...]:
    """One shelf for each audience that a post is meant for; a post for everybody is on none of them."""
    known = {audience.value: labels.audience_label(audience) for audience in Audience}
    return _shelves("audiences", items, lambda post: [(name, known[name]) for name in post.audience if name in known])


def towns(items: Sequence[Item], names: Mapping[str, str]) -> tuple[Shelf, ...]:
    """One shelf for each town of the workspace, in its order. A post without a town concerns them all.

    Args:
        names: slug -> name, from `Config.towns`.
    """
    shelves = (
        Shelf(f"towns/{slug}/", name, tuple(i for i in items if not i.post.towns or name in i.post.towns))
        for slug, name in names.items()
    )
    return tuple(shelf for shelf in shelves if shelf.items)


def parts(shelf: Shelf) -> Iterator[Part]:
    """The pages of a shelf. They are counted from the oldest post, so that a new one changes the first page alone."""
    full = max(len(shelf.items) // PER_PAGE - 1, 0)  # pages of old posts; the first keeps one page or nearly two
    old = [f"{shelf.path}{number}/" for number in range(1, full + 1)]
    paths = [*old, shelf.path]
    for place, path in enumerate(paths):
        start, end = len(shelf.items) - (place + 1) * PER_PAGE, len(shelf.items) - place * PER_PAGE
        yield Part(
            path=path,
            items=shelf.items[start if place < full else 0 : end],
            number=place + 1 if place < full else 0,
            older=paths[place - 1] if place else None,
            newer=paths[place + 1] if place < full else None,
        )


class Neighbours:
    """What to read next to each post: what the editor chose as `related`, then what has most in common, newest first.

    Only the newest posts that share a trait, or two, are compared, so that it takes as long for each of 10,000 posts
    as for each of ten. A sensitive post is offered only where the editor chose it: somebody who reads about a bicycle
    on a watched phone did not ask for it.

    Args:
        items: newest first.
    """

    def __init__(self, items: Sequence[Item]) -> None:
        self._rank = {item.post.source: number for number, item in enumerate(items)}
        self._by_source = {item.post.source: item for item in items}
        self._sharing: dict[tuple[_Trait, ...], list[Item]] = {}
        self._bits: dict[_Trait, int] = {}  # one for each trait, so that what two posts share is one operation
        self._masks: dict[str, tuple[int, int, int]] = {}
        for item in items:
            if not item.post.sensitive:
                self._add(item)

    def of(self, item: Item) -> tuple[Item, ...]:
        """At most `NEXT` others."""
        chosen = [self._by_source[name] for name in item.post.related if name in self._by_source]
        found = {other.post.source: other for other in chosen}
        if len(found) <= NEXT:
            found |= {other.post.source: other for other in self._close(item) if other.post.source not in found}
        found.pop(item.post.source, None)
        return tuple(found.values())[:NEXT]

    def _add(self, item: Item) -> None:
        for shared in _groups(item):
            others = self._sharing.setdefault(shared, [])
            if len(others) <= _WINDOW:  # one more than compared: the post itself is among them
                others.append(item)

    def _close(self, item: Item) -> list[Item]:
        """Those with something in common, the closest first."""
        mine = self._mask(item)
        found = {other.post.source: other for group in _groups(item) for other in self._sharing.get(group, ())}
        near = {name: (-_closeness(mine, self._mask(other)), self._rank[name]) for name, other in found.items()}
        return sorted(found.values(), key=lambda other: near[other.post.source])

    def _mask(self, item: Item) -> tuple[int, int, int]:
        """Its traits as bits: categories and tags, its kind, its towns."""
        source = item.post.source
        if source not in self._masks:
            masks = {"category": 0, "tag": 0, "kind": 0, "town": 0}
            for trait in _traits(item):
                masks[trait[0]] |= self._bits.setdefault(trait, 1 << len(self._bits))
            self._masks[source] = masks["category"] | masks["tag"], masks["kind"], masks["town"]
        return self._masks[source]


def _groups(item: Item) -> Sequence[tuple[_Trait, ...]]:
    """Its traits one by one and in pairs, in a fixed order."""
    if "groups" not in item.memo:
        traits = _traits(item)
        item.memo["groups"] = [*((trait,) for trait in traits), *combinations(traits, 2)]
    groups: Sequence[tuple[_Trait, ...]] = item.memo["groups"]
    return groups


def _traits(item: Item) -> Sequence[_Trait]:
    """At most six of a sort, because they are taken in pairs."""
    if "traits" not in item.memo:
        post = item.post
        named = (("category", post.categories), ("tag", post.tags), ("kind", (post.kind,)), ("town", post.towns))
        item.memo["traits"] = sorted({(what, name) for what, names in named for name in names[:6]})
    traits: Sequence[_Trait] = item.memo["traits"]
    return traits


def _closeness(mine: tuple[int, int, int], other: tuple[int, int, int]) -> int:
    """A category or tag counts twice, the kind once, and towns once however many are shared."""
    return 2 * (mine[0] & other[0]).bit_count() + (mine[1] & other[1] != 0) + (mine[2] & other[2] != 0)


@lru_cache(maxsize=1024)  # the library looks for modules that are not there at every call: 60 µs
def _slug(name: str) -> str:
    return str(slugify(name))


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
