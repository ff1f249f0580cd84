"""Signs meant for a machine that readers see as typed: HTML, braces, text set as that of a program."""

from __future__ import annotations

import re
from collections.abc import Iterator

from veille.checks.rules import Check, Context, Rule, mark
from veille.checks.subjects import Subject, Text
from veille.editions import Edition
from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.posts import Post

HTML = Rule(
    "html-shown",
    mark("HTML is shown as it was typed"),
    mark("Readers see the signs themselves, and screen readers read them out; a number among them is hard to find."),
    mark("Write Markdown: **bold**, “- ” for a list, an empty line for a new paragraph."),
    wrong="<b>Gratuit</b><br>Sans rendez-vous",
    right="**Gratuit**, sans rendez-vous",
    severity=Severity.WARNING,
    source="docs/front-matter.md",
)
BRACES = Rule(
    "braces-shown",
    mark("A contact is named in a way that is not understood"),
    mark("Readers see the braces instead of the number that they need."),
    mark("Write {{ partner: name-of-file }} or {{ helpline: 3919 }}, with the colon, in the text of the post."),
    wrong="Appelle {{ helpline 3919 }}.",
    right="Appelle {{ helpline: 3919 }}.",
    source="veille, issue 5, point 1",
)
INDENTED = Rule(
    "indented-text",
    mark("A text that is set as that of a computer program"),
    mark(
        "Four spaces in front of a paragraph turn it into a program's text: small letters of a typewriter, lines that "
        "run out of the page, and no links. It happens to what was copied from a page or a PDF file."
    ),
    mark("Delete the spaces at the beginning of these lines."),
    wrong="    Les centres accueillent les mères.",
    right="Les centres accueillent les mères.",
    severity=Severity.WARNING,
    source="CommonMark 0.31, 4.4",
    link="https://spec.commonmark.org/0.31.2/#indented-code-blocks",
)
_TAGS = (
    "a|b|i|u|em|strong|br|p|div|span|img|script|iframe|table|tr|td|th|ul|ol|li|h[1-6]|font|center|style|hr|blockquote|"
    "sup|sub|small|video|audio|object|embed|form|input|button|section|article|figure|details|summary"
)
_TAG = re.compile(rf"</?(?:{_TAGS})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_BRACES = re.compile(r"\{\s?\{[^{}\n]*(?:\}\s?\}?)?|\}\s?\}|\{\s*(?:partner|helpline)\b[^{}\n]*\}?", re.IGNORECASE)


def _each(subject: Subject, _context: Context) -> Iterator[Finding]:
    for text in subject.texts:
        yield from _tags(text)
        yield from _braces(text)
    if isinstance(subject.source, Post | Edition) and "    " in subject.source.body:
        yield from _indented(subject, subject.source)


def _tags(text: Text) -> Iterator[Finding]:
    """One finding a piece: whoever typed one tag typed several."""
    if "<" in text.content and (found := _TAG.search(text.content)):
        message = _("readers see this as it is typed: {signs}").format(signs=" ".join(found[0].split())[:60])
        yield HTML.at(text, found.start(), found.end(), message, _("write it in Markdown, or delete it"))


def _braces(text: Text) -> Iterator[Finding]:
    for found in _BRACES.finditer(text.content) if "{" in text.content or "}" in text.content else ():
        message = _("readers see this as it is typed: {signs}").format(signs=found[0].strip())
        hint = _("write {{{{ partner: name-of-file }}}} or {{{{ helpline: 3919 }}}}").format()
        if text.field:
            hint = _("contacts are put in by name in the text of the post only")
        yield BRACES.at(text, found.start(), found.end(), message, hint)


def _indented(subject: Subject, source: Post | Edition) -> Iterator[Finding]:
    for token in subject.tokens:
        if token.type == "code_block" and token.map:
            line, words = source.body_line + token.map[0], token.content.strip().partition("\n")[0][:60]
            message = _("four spaces in front of it: this is shown as the text of a computer program")
            hint = _("delete the spaces at the beginning of the lines")
            yield Finding(
                source.file, line, None, message, hint, INDENTED.code, INDENTED.severity, 1, words, INDENTED.link
            )


CHECK = Check(rules=(HTML, BRACES, INDENTED), each=_each)
