"""Plain French: what makes a text hard to read, old or careless. Other languages are left alone."""

from __future__ import annotations

from collections.abc import Iterator

from veille.checks.french import acronyms, readability, slips, spelling, words
from veille.checks.french.pieces import pieces
from veille.checks.rules import Check, Context
from veille.checks.subjects import Subject
from veille.errors import Finding

__all__ = ["CHECK"]


def _each(subject: Subject, context: Context) -> Iterator[Finding]:
    if not (found := tuple(pieces(subject))):
        return
    yield from readability.readability(subject, context, found)
    yield from words.words(subject, found)
    yield from acronyms.acronyms(context, found)
    yield from slips.slips(subject, found)
    yield from spelling.spelled(found, {name.lower() for name in context.config.towns.values()})


CHECK = Check(
    rules=(*readability.RULES, *words.RULES, *acronyms.RULES, *slips.RULES, *spelling.RULES),
    each=_each,
)
