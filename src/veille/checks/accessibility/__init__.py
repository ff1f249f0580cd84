"""Checks of what shuts readers out: pictures without words, lost headings, signs that a screen reader spells.

They look at what authors write; `letter_accessibility` looks at what leaves.
"""

from __future__ import annotations

from collections.abc import Iterator

from veille.checks.accessibility import alternatives, languages, outline, signs, wording
from veille.checks.accessibility.glance import Glance
from veille.checks.rules import Check, Context
from veille.checks.subjects import Subject
from veille.editions import Edition
from veille.errors import Finding
from veille.posts import Post


def _each(subject: Subject, context: Context) -> Iterator[Finding]:
    if isinstance(subject.source, Post | Edition):
        yield from alternatives.find(subject)
        yield from outline.find(subject)
        yield from languages.find(subject)
    glance = Glance.at(subject)
    yield from signs.find(subject, glance)
    yield from wording.find(subject, glance, context.config.settings.checks.acronyms)


CHECK = Check(
    rules=(*alternatives.RULES, *outline.RULES, *languages.RULES, *signs.RULES, *wording.RULES),
    each=_each,
)
