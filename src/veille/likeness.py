"""Which texts say nearly the same: the part of their groups of words that two of them share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from math import ceil

from veille.folding import fold

ALIKE = 0.6  # of all groups of three words that two texts have, those that both have (Jaccard; Broder, 1997)
_TOGETHER = 3  # words in a group
_LOOKED_AT = 20  # texts with which one is compared at most: those that share most of its rarest groups
_TRIED = 2_000  # mentions of texts looked up for one at most: a thousand alike must not cost a minute
_NOT_WORDS = re.compile(r"https?://\S+|#\w+")  # links and hashtags, which posts may well share

Groups = frozenset[str]


def groups_of_words(text: str) -> Groups:
    """Each three words that follow one another, without accents, signs, links and hashtags."""
    words = re.findall(r"\w+", fold(_NOT_WORDS.sub(" ", text)))
    if len(words) <= _TOGETHER:
        return frozenset([" ".join(words)]) if words else frozenset()
    return frozenset(" ".join(words[at : at + _TOGETHER]) for at in range(len(words) - _TOGETHER + 1))


def nearest(
    texts: Sequence[Groups], wanted: Iterable[int], comparable: Callable[[int, int], bool]
) -> Iterator[tuple[int, int, float]]:
    """For each of the wanted texts, the nearest one that is at least `ALIKE`, if there is one.

    Each is compared with those only that share one of its rarest groups, which no pair as near as that can miss
    (prefix filtering; Chaudhuri and others, 2006).

    Args:
        wanted: their numbers.
        comparable: whether two of them may be compared at all.

    Returns:
        the number of a text, that of the nearest one, and how near it is: 1 = the same groups.
    """
    often = Counter(group for text in texts for group in text)
    rarest = [sorted(text, key=lambda group: (often[group], group))[: _prefix(text)] for text in texts]
    holders: dict[str, list[int]] = {}
    for number, groups in enumerate(rarest):
        for group in groups:
            holders.setdefault(group, []).append(number)
    for number in wanted:
        mentions = islice((other for group in rarest[number] for other in holders[group]), _TRIED)
        shared = Counter(other for other in mentions if comparable(number, other))
        near = [(_likeness(texts[number], texts[other]), other) for other, _count in shared.most_common(_LOOKED_AT)]
        most, other = max(near, default=(0.0, 0))
        if most >= ALIKE:
            yield number, other, most


def _prefix(text: Groups) -> int:
    return len(text) - ceil(ALIKE * len(text)) + 1


def _likeness(one: Groups, other: Groups) -> float:
    both = len(one & other)
    return both / (len(one) + len(other) - both)
