"""What the list of messages shows of a letter when nobody wrote it: subject and preheader, made from its posts.

They show on a locked screen, so nothing of a sensitive post stands there, nor another post's words that betray it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from veille.discretion import telling_word
from veille.rendering.rendered import RenderedEdition, RenderedPost

PREHEADER_LENGTH = 110  # characters: what a list of messages shows


def subject_of(edition: RenderedEdition, posts: Sequence[RenderedPost]) -> str:
    """The subject of a letter with these posts: its own; else its first headline; else its title.

    What a post says for itself (`newsletter.subject`) counts only when it is alone.

    Args:
        posts: those of the edition that a reader gets, in the editor's order.
    """
    if edition.own_subject:
        return edition.own_subject
    neutral = [post for post in posts if not post.sensitive]
    if len(posts) == 1 and neutral:
        return neutral[0].subject or neutral[0].title
    return next((post.title for post in neutral if _discreet(post.title, posts)), edition.title)


def preheader_of(edition: RenderedEdition, posts: Sequence[RenderedPost], subject: str) -> str:
    """The preheader likewise: its own; else what a post says for itself; else the other headlines; else the title.

    Args:
        subject: what `subject_of` gave, which is not said twice.
    """
    if edition.own_preheader:
        return edition.own_preheader
    neutral = [post for post in posts if not post.sensitive]
    said = (post.preheader for post in neutral if post.preheader and _discreet(post.preheader, posts))
    titles = [post.title for post in neutral if post.title != subject and _discreet(post.title, posts)]
    return next(said, "") or shorten(" · ".join(titles), PREHEADER_LENGTH) or edition.title


def shorten(text: str, length: int) -> str:
    """At most `length` characters, cut between two words and then closed with "…"."""
    if len(text) <= length:
        return text
    return re.sub(r"[\s,;:–-]*\S*$", "", text[:length]) + "…"


def _discreet(text: str, posts: Sequence[RenderedPost]) -> bool:
    """Whether a text tells nothing of the sensitive posts beside it."""
    sensitive = [post for post in posts if post.sensitive]
    towns = (town for post in sensitive for town in post.towns)
    return not sensitive or not telling_word(text, [post.title for post in sensitive], towns)
