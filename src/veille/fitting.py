"""What helps when a gathered letter is too large: how many of its new posts can leave in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from veille.checks.letters import TOO_LARGE
from veille.config import Config
from veille.contacts import shown_on
from veille.library import Library
from veille.planning import CADENCED, Owed
from veille.posts import Post
from veille.publishing import Publisher
from veille.rendering import Cover, RenderedPost, render_edition, render_post

_SPARE = 1_000  # bytes: titles and moments may be written a little longer when the rest of it leaves


def fitting(
    letter: Owed, library: Library, config: Config, publishers: Mapping[str, Publisher], last: Sequence[str] = ()
) -> list[Post]:
    """The new posts of a gathered letter, in its order, as many as Gmail shows whole.

    Args:
        letter: of the plan; posts that the outbox holds for it stay in it.
        last: sources that may not be among them.

    Raises:
        ContentError, RenderError: the letter cannot be made at all.
    """
    known = {post.source: post for post in library.posts}
    members = [source for source in letter.members if source in known and source not in last]
    rendered = {source: _rendered(known[source], letter, library, config) for source in members}
    fresh = [source for source in members if source not in _held(letter)]
    fits, never = 0, len(fresh) + 1
    while never - fits > 1:  # a letter grows with every post
        tried = (fits + never) // 2
        out = fresh[tried:]
        posts = [rendered[source] for source in members if source not in out]
        if _weight(posts, letter, library, config, publishers) <= TOO_LARGE - _SPARE:
            fits = tried
        else:
            never = tried
    return [known[source] for source in fresh[:fits]]


def _held(letter: Owed) -> tuple[str, ...]:
    """What waits in it already."""
    return letter.existing.members if letter.existing else ()


def _rendered(post: Post, letter: Owed, library: Library, config: Config) -> RenderedPost:
    """Without the picture that would be drawn for Instagram."""
    bare = replace(post, channels=(CADENCED, "web"))
    return render_post(bare, library, config, now=letter.due, day=shown_on(letter, config, letter.due))


def _weight(
    posts: Sequence[RenderedPost],
    letter: Owed,
    library: Library,
    config: Config,
    publishers: Mapping[str, Publisher],
) -> int:
    """Bytes of the letter with these posts."""
    name = letter.source
    made = render_edition(Cover(name, name, letter.title), posts, library, config, due=letter.due)
    rendition = publishers[CADENCED].render(made)
    return publishers[CADENCED].proof(rendition).weight if rendition else 0
