"""Files that got another name after they left: without a question, every reader would have the same twice."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence

from veille.editions import Edition
from veille.errors import Finding
from veille.i18n import gettext as _
from veille.library import Library
from veille.outbox.queue import REWRITING, Queued
from veille.planning import CADENCED, Owed
from veille.posts import Post
from veille.reading import name_of


def renamed(
    owed: Sequence[tuple[Owed, bool]], queued: Sequence[Queued], library: Library, bodies: Mapping[str, str]
) -> list[Finding]:
    """New files with the text of one that already left: renamed, or copied? It would be out twice.

    Args:
        owed: what is to be queued, and whether it is new in the outbox.
        bodies: source of a post -> hash of its body.
    """
    left = _texts_that_left(queued)
    known = {post.source: post for post in library.posts}
    gone = _titles_just_gone(queued, known)
    found: dict[tuple[str, str], list[str]] = {}
    for item, new in owed:
        before_this = set(item.existing.members) if item.existing else set()
        sources = [item.source] if item.post else [s for s in item.members if s not in item.kept | before_this]
        if item.post and not new:
            continue
        for source in sources:
            post = known.get(source)
            before = left.get((item.channel, bodies.get(source, ""))) or gone.get((item.channel, item.title))
            # An id says that it is another post, but not one that the very same file was given after it left.
            if post and before and before != source and ("id" not in post.lines or name_of(post.path) == before):
                found.setdefault((source, before), []).append(item.channel)
    posts = [_already_left(known[source], ", ".join(channels), before) for (source, before), channels in found.items()]
    again = _editions((item for item, _new in owed), queued, library)
    return posts + [_already_left(edition, CADENCED, before) for edition, before in again]


def _titles_just_gone(queued: Sequence[Queued], known: Mapping[str, Post]) -> dict[tuple[str, str], str]:
    """(channel, title) -> source of posts that left and whose file vanished since the last `publish`.

    A file that is renamed and edited at once has neither its name nor its text any more, but mostly its title.
    """
    standing = {entry.source for entry in queued if entry.channel in REWRITING and not entry.withdrawn}
    vanished = [e for e in queued if e.kind == "post" and e.left and e.source in standing and e.source not in known]
    return {(entry.channel, entry.title): entry.source for entry in vanished}


def _texts_that_left(queued: Sequence[Queued]) -> dict[tuple[str, str], str]:
    """(channel, hash of the body) -> source of a post that is out there, alone or in a letter."""
    found: dict[tuple[str, str], str] = {}
    for entry in queued:
        if not entry.left:
            continue
        bodies = entry.bodies if entry.kind == "edition" and entry.channel == CADENCED else {}
        if entry.kind == "post":
            bodies = {entry.source: entry.body_hash}
        found |= {(entry.channel, body): source for source, body in bodies.items() if body}
    return found


def _already_left(post: Post | Edition, channel: str, before: str) -> Finding:
    message = _("this text already left on {channel} under the name {source}: was the file renamed?")
    hint = _("write `id: {source}` in the front matter if it is the same post, another id if it is not")
    if "id" in post.lines:
        hint = _("write `id: {source}`, its name so far; another post needs a file of its own")
    return Finding(
        file=post.file,
        line=1,
        field="id",
        message=message.format(channel=channel, source=before),
        hint=hint.format(source=before),
        code="renamed",
    )


def _editions(owed: Iterable[Owed], queued: Sequence[Queued], library: Library) -> list[tuple[Edition, str]]:
    """New editions that look like one that left and whose file is gone, with the source of that one.

    The same posts, or the title of a file that vanished since the last `publish`; an `id` answers the question.
    """
    names = {edition.source for edition in library.editions}
    standing = {entry.source for entry in queued if entry.channel in REWRITING and not entry.withdrawn}
    gone = [e for e in queued if e.channel == CADENCED and e.left and not e.occurrence and e.source not in names]
    new = [(o.edition, o) for o in owed if o.channel == CADENCED and o.edition and o.existing is None]
    return [
        (edition, before.source)
        for edition, letter in new
        if "id" not in edition.lines
        for before in gone
        if (before.members and set(before.members) == set(letter.members))
        or (before.source in standing and before.title == letter.title)
    ]


def body_hash(body: str) -> str:
    """The same for two bodies that differ in white space only."""
    return hashlib.sha256(re.sub(r"\s+", " ", body).strip().encode()).hexdigest()
