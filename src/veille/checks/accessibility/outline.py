"""Headings and tables: by them somebody who listens finds the way through a text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from markdown_it.token import Token

from veille.checks.rules import Rule, mark
from veille.checks.subjects import Subject
from veille.editions import Edition
from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.posts import Post

_SOURCE = "WCAG 2.1, 1.3.1 et 2.4.6; RGAA 4.1, 9.1 (11/2026)"
_LINK = "https://www.w3.org/WAI/tutorials/page-structure/headings/"
_WAY = mark("People who listen jump from heading to heading: where one is missing, they think that they missed a part.")

SKIPPED = Rule(
    "heading-skipped",
    mark("A level of heading is left out"),
    _WAY,
    mark("Begin with ##; under it ###, then ####. The size is none of the author's business."),
    "## Comment venir\n\n#### En bus",
    "## Comment venir\n\n### En bus",
    severity=Severity.WARNING,
    source=_SOURCE,
    link=_LINK,
)
TITLE = Rule(
    "heading-title",
    mark("A heading in the text has the level of the title"),
    mark("The title is the one heading of level 1. A second one reads as the beginning of another text."),
    mark("Write ## instead of #, and one # more in front of the headings below it."),
    "# Comment venir",
    "## Comment venir",
    severity=Severity.WARNING,
    source=_SOURCE,
    link=_LINK,
)
EMPTY = Rule(
    "heading-empty",
    mark("A heading without words"),
    mark("A screen reader announces a heading, and nothing follows."),
    mark("Write the heading, or delete its signs."),
    "##",
    "## Comment venir",
    severity=Severity.WARNING,
    source=_SOURCE,
    link=_LINK,
)
BOLD = Rule(
    "heading-bold",
    mark("Bold type in the place of a heading"),
    mark("It looks like a heading and is none: people who listen cannot jump to it."),
    mark("Write ## in front and take the asterisks away."),
    "**Comment venir**",
    "## Comment venir",
    severity=Severity.WARNING,
    source="WCAG 2.1, 1.3.1 (F2); RGAA 4.1, 9.1 (11/2026)",
    link=_LINK,
)
TABLE = Rule(
    "table-header",
    mark("A table whose columns have no name"),
    mark("In a table people who listen hear the name of the column before each cell: here they hear nothing."),
    mark("Fill the first line with the names of the columns; two columns are often better as a list."),
    "|  |  |\n|---|---|\n| Mardi | 14 h |",
    "| Jour | Heure |\n|---|---|\n| Mardi | 14 h |",
    severity=Severity.WARNING,
    source="WCAG 2.1, 1.3.1; RGAA 4.1, 5.6 (11/2026)",
    link="https://www.w3.org/WAI/tutorials/tables/",
)
RULES = (SKIPPED, TITLE, EMPTY, BOLD, TABLE)

_LONGEST = 70  # characters of a heading; more in bold is a sentence that matters


def find(subject: Subject) -> Iterator[Finding]:
    """What is wrong with the headings and tables of a body."""
    tokens = subject.tokens
    level = 1
    for position, token in enumerate(tokens):
        if token.type == "heading_open":
            found = int(token.tag[1])
            yield from _heading(subject, token, tokens[position + 1].content.strip(), found, level)
            level = found
        elif token.type == "paragraph_open" and token.level == 0:
            yield from _bold(subject, tokens, position)
        elif token.type == "thead_open":
            yield from _table(subject, tokens, position)


def _heading(subject: Subject, token: Token, words: str, level: int, before: int) -> Iterator[Finding]:
    if not words:
        hint = _("write the heading, or delete the {signs}").format(signs="#" * level)
        yield _placed(EMPTY, subject, token, "#" * level, _("this heading has no words"), hint)
    if level == 1:
        hint = _("the title of the post is level 1 already; write: ## {words}").format(words=words)
        yield _placed(TITLE, subject, token, words, _("this heading has the level of the title"), hint)
    elif level > before + 1:
        wanted = "#" * (before + 1)
        message = _("this heading is of level {level}, and none of level {missing} stands above it")
        hint = _("write: {signs} {words}").format(signs=wanted, words=words)
        yield _placed(SKIPPED, subject, token, words, message.format(level=level, missing=before + 1), hint)


def _bold(subject: Subject, tokens: Sequence[Token], position: int) -> Iterator[Finding]:
    """A paragraph all in bold, short, not a sentence, with something below it."""
    children = [child for child in tokens[position + 1].children or () if child.type != "text" or child.content]
    if len(children) < 3 or children[0].type != "strong_open" or children[-1].type != "strong_close":
        return
    inner = children[1:-1]
    words = "".join(child.content for child in inner).strip()
    alone = all(child.type in {"text", "em_open", "em_close"} for child in inner)
    if alone and words and len(words) <= _LONGEST and words[-1] not in ".!…," and position + 3 < len(tokens):
        hint = _("write: ## {words}").format(words=words.rstrip(": \u00a0\u202f"))
        message = _("“{words}” looks like a heading and is none").format(words=words)
        yield _placed(BOLD, subject, tokens[position], words, message, hint)


def _table(subject: Subject, tokens: Sequence[Token], position: int) -> Iterator[Finding]:
    names: list[str] = []
    for before, token in zip(tokens[position:], tokens[position + 1 :], strict=False):
        if before.type == "thead_close":
            break
        if before.type == "th_open":
            names.append(token.content.strip())
    if missing := [number for number, name in enumerate(names, 1) if not name and (number > 1 or len(names) == 1)]:
        message = _("column {number} of this table has no name").format(number=missing[0])
        hint = _("name every column in the first line, or write a list instead of the table")
        yield _placed(TABLE, subject, tokens[position], "", message, hint)


def _placed(rule: Rule, subject: Subject, token: Token, excerpt: str, message: str, hint: str) -> Finding:
    source = subject.source
    assert isinstance(source, Post | Edition)
    line = source.body_line + (token.map[0] if token.map else 0)
    return replace(rule.of(subject, None, message, hint), line=line, column=1, excerpt=excerpt)
