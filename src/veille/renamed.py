"""Editions made by hand whose file got another name: without a question, every reader would have the letter twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from veille.editions import Edition
from veille.library import Library
from veille.outbox.queue import REWRITING, Queued
from veille.planning import CADENCED, Owed


def renamed_editions(owed: Iterable[Owed], queued: Sequence[Queued], library: Library) -> list[tuple[Edition, str]]:
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
