"""Opening the links of what is checked or published, with a bar on the terminal."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from veille.i18n import gettext as _

if TYPE_CHECKING:
    from veille.editions import Edition
    from veille.errors import Finding
    from veille.lines import Line
    from veille.posts import Post
    from veille.queueing import Prepared
    from veille_cli.output import Talk
    from veille_cli.wiring import Newsroom


def follow(room: Newsroom, talk: Talk, files: Collection[str] | None = None) -> list[Finding]:
    """Open every link and say what is wrong with it.

    Args:
        files: only the links in these; None: in everything.
    """
    from veille.linking import LinkWalk

    walk = LinkWalk(room.library, room.config, room.clock(), files)
    with talk.progress(_("opening links"), len(walk.unopened)) as progress:
        return walk.findings(room.fetch, progress)


def follow_before_publishing(prepared: Prepared, room: Newsroom, talk: Talk) -> list[Finding]:
    """The same for what would be queued for people; nothing is opened in the sandbox, or with `links = false`."""
    live = [line for line in prepared.changes if line.owed.channel in room.live_channels]
    if not live or not room.config.settings.checks.links:
        return []
    return follow(room, talk, set(_files(live, room)))


def _files(lines: Iterable[Line], room: Newsroom) -> Iterator[str]:
    """Everything that these publications show: posts, editions and the contacts in them."""
    from veille.blocking import HELPLINES_FILE

    yield HELPLINES_FILE  # in every letter, on every page
    posts = {post.source: post for post in room.library.posts}
    for line in lines:
        own: list[Post | Edition | None] = [line.owed.post, line.owed.edition]
        for source in (*own, *(posts.get(name) for name in line.owed.members)):
            if source is not None:
                yield from _shown_by(source, room)


def _shown_by(source: Post | Edition, room: Newsroom) -> Iterator[str]:
    """The file of a text and those of the partners in it."""
    from veille.contacts import mentions, record_of
    from veille.partners import Partner

    yield source.file
    records = (record_of(room.library, mention.reference) for mention in mentions(source))
    yield from (record.file for record in records if isinstance(record, Partner))


def showing(files: Collection[str], room: Newsroom) -> set[str]:
    """The posts that show what stands in these files: all of them, for the help lines."""
    from veille.blocking import HELPLINES_FILE

    everywhere = HELPLINES_FILE in files
    posts = room.library.posts
    return {post.file for post in posts if everywhere or any(file in files for file in _shown_by(post, room))}
