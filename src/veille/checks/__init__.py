"""Every gate that content passes before it is planned. A new check is one function and one line here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from veille.checks import discretion, structure
from veille.config import Config
from veille.errors import Finding, Severity
from veille.library import Library, softened
from veille.reading import in_order


class Check(Protocol):
    """One gate: looks at the whole library, changes nothing, opens no connection."""

    def __call__(self, library: Library, config: Config, /) -> Iterable[Finding]:
        """What is wrong."""
        ...


CHECKS: tuple[Check, ...] = (
    structure.twins,
    structure.named_contacts,
    structure.bodies,
    structure.placeholders,
    structure.related_posts,
    structure.edition_posts,
    structure.pictures,
    structure.dates,
    discretion.sensitive_letters,
    discretion.sender,
)


def run(library: Library, config: Config) -> tuple[Finding, ...]:
    """Run every check.

    Returns:
        the findings of reading and of the checks, by file and line. Errors block what they stand in, warnings
        inform; a draft has warnings only, and a warning that a post allows (`allow: {code: reason}`) is left out.
    """
    found = [finding for check in CHECKS for finding in check(library, config)]
    allowed = {(post.file, code) for post in library.posts for code in post.allow}
    loud = [f for f in found if f.severity is Severity.ERROR or (f.file, f.code) not in allowed]
    return tuple(in_order([*library.findings, *softened(loud, library.drafts)]))
