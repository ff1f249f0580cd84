"""Which errors stand in the way of `publish`: those of what it would queue and of the records that this shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from veille.contacts import mentions, record_of
from veille.editions import Edition
from veille.errors import Finding, Severity
from veille.library import HELPLINES, Library
from veille.partners import Partner
from veille.planning import Owed, Plan
from veille.planning.directory import broken_records
from veille.posts import Post

HELPLINES_FILE = f"content/{HELPLINES}"


def blocking(
    queued: Sequence[Owed], library: Library, findings: Sequence[Finding], *, everything: bool
) -> list[Finding]:
    """The errors that concern what would be queued; errors elsewhere do not block.

    Args:
        queued: what would be new or changed in the outbox.
        everything: the whole library was asked for, so a file that cannot be read would have been in it.
    """
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    files = _files(queued, library)
    if everything:
        read = {post.file for post in library.posts} | {edition.file for edition in library.editions}
        folders = ("content/posts/", "content/editions/")
        files |= {error.file for error in errors if error.file.startswith(folders) and error.file not in read}
    found = [
        error
        for error in errors
        if error.file in files or error.code == "no-content" or error.file.startswith("templates/")
    ]
    if any(error.code == "unknown-contact" for error in found):  # its record may be there, and broken
        found += [error for error in errors if error.file.startswith("content/partners/")]
    return found


def keeping_broken_records(plan: Plan, findings: Sequence[Finding]) -> Plan:
    """The same plan, its directory showing partners whose record has an error as it showed them before.

    One wrong number in one record keeps neither today's post nor the corrected numbers of others back.
    """
    broken = broken_records(findings)
    owed = tuple(replace(o, kept=o.kept | broken) if o.directory else o for o in plan.owed)
    return replace(plan, owed=owed)


def _files(queued: Sequence[Owed], library: Library) -> set[str]:
    """The files that what would be queued is made of: texts, and the records of partners that they name."""
    known = {post.source: post for post in library.posts}
    texts: list[Post | Edition] = [known[s] for owed in queued for s in owed.members if s in known]
    texts += [text for owed in queued for text in (owed.post, owed.edition) if text]
    named = (record_of(library, mention.reference) for text in texts for mention in mentions(text))
    records = {record.file for record in named if isinstance(record, Partner)}
    lines = {HELPLINES_FILE} if queued else set()  # in every letter, on every page
    return {owed.file for owed in queued} | {text.file for text in texts} | records | lines
