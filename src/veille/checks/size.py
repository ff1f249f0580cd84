"""How long one piece of text may be: beyond, nobody reads it, and looking for what is wrong in it takes minutes.

A run of 100,000 characters without an empty line comes of a file of another kind that was pasted or saved as a post.
It is refused before any other check looks at it: what they look for costs the square of the length of a piece.
"""

from __future__ import annotations

from collections.abc import Iterator

from veille.checks.rules import Check, Context, Rule, mark
from veille.checks.subjects import Subject
from veille.errors import Finding
from veille.i18n import gettext as _

LONGEST = 10_000  # characters: six printed pages in one paragraph

TOO_LONG = Rule(
    "text-too-long",
    mark("One paragraph or field is longer than any text for people"),
    mark("It comes of a file that was pasted by mistake, and no other check can look at it."),
    mark("Take it out, or put empty lines between its paragraphs."),
    wrong="0;1;0;0;1;… (100 000 signes)",
    right="Le tableau complet est sur notre site.",
    excusable=False,
    source="veille, issue 5, point 2",
)


def too_long(subject: Subject, _context: Context) -> Iterator[Finding]:
    """Pieces and addresses that no check can look at; where there is one, no other check of the file runs."""
    for text in subject.texts:
        if len(text.content) > LONGEST:
            yield TOO_LONG.at(text, 0, 1, *_words(len(text.content)))
    for link in subject.links:
        if len(link.href) > LONGEST:
            message, hint = _words(len(link.href))
            line, code = link.line, TOO_LONG
            yield Finding(link.file, line, link.field, message, hint, code.code, code.severity, link=code.link)


def _words(size: int) -> tuple[str, str]:
    message = _("one piece of this text has {size} characters; more than {most} cannot be checked")
    return message.format(size=size, most=LONGEST), _("take out what was pasted, or put empty lines in between")


CHECK = Check(rules=(TOO_LONG,), each=too_long)
