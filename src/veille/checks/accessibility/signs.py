"""Signs that a screen reader spells out one by one: emoji in rows, letters of another alphabet, rows of stars."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache

from veille.checks.accessibility.glance import Glance
from veille.checks.rules import Rule, mark
from veille.checks.subjects import Subject, Text
from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.i18n import ngettext

_SOURCE = "WCAG 2.1, 1.1.1; RGAA 4.1, 10.9 (11/2026)"
_LINK = "https://www.w3.org/WAI/WCAG21/Understanding/non-text-content.html"
_NAMED = mark("A screen reader says the whole name of each emoji, “carrot”, “party popper”, wherever it stands.")

RUN = Rule(
    "emoji-run",
    mark("Three emoji or more in a row"),
    _NAMED,
    mark("Keep one, at the end of the line."),
    "Fête de quartier 🎉🎉🎉",
    "Fête de quartier 🎉",
    severity=Severity.WARNING,
    source=_SOURCE,
    link=_LINK,
)
INSIDE = Rule(
    "emoji-in-sentence",
    mark("An emoji in the middle of a sentence"),
    _NAMED,
    mark("Write the word, and put the emoji at the end."),
    "Viens avec ton 🚲 à l’atelier.",
    "Viens avec ton vélo à l’atelier. 🚲",
    severity=Severity.WARNING,
    source=_SOURCE,
    link=_LINK,
)
BULLET = Rule(
    "emoji-bullet",
    mark("Emoji in the place of list signs"),
    _NAMED,
    mark("Write a list with “- ” in the text, or begin the lines with a word; keep one emoji at the end."),
    "📍 Bagneux\n🕒 14 h",
    "Où : à Bagneux\nQuand : à 14 h",
    severity=Severity.WARNING,
    source=_SOURCE,
    link=_LINK,
)
FANCY = Rule(
    "fancy-letters",
    mark("Letters that are none"),
    mark(
        "These are signs of mathematics that look like bold or italic letters. A screen reader spells or skips them, "
        "search finds nothing, and old telephones show empty boxes."
    ),
    mark("Write ordinary letters."),
    "𝗚𝗿𝗮𝘁𝘂𝗶𝘁 pour tous",
    "Gratuit pour tous",
    severity=Severity.WARNING,
    source=_SOURCE,
    link=_LINK,
)
ROW = Rule(
    "symbol-row",
    mark("A row of signs as decoration"),
    mark("A screen reader reads every sign: “equals, equals, equals, equals…”."),
    mark("Leave an empty line, or write a heading."),
    "===== Horaires =====",
    "## Horaires",
    severity=Severity.WARNING,
    source="WCAG 2.1, 1.1.1 (F72) et 1.3.1; RGAA 4.1, 1.1 (11/2026)",
    link=_LINK,
)
RULES = (RUN, INSIDE, BULLET, FANCY, ROW)

_SIGN = (
    r"[\U0001f000-\U0001f12f\U0001f18a-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff"
    r"\u2600-\u2604\u2607-\u27bf\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u231a\u231b\u23e9-\u23fa\u25b6\u25c0]"
    r"[\ufe0e\ufe0f]?[\U0001f3fb-\U0001f3ff]?"
)
_ONE = rf"(?:[\U0001f1e6-\U0001f1ff]{{2}}|[0-9#*]\ufe0f?\u20e3|{_SIGN}(?:\u200d{_SIGN})*)"
_SPACE = "[ \u00a0\u202f]"
_ANY = re.compile("[\U0001f000-\U0001faff\u2600-\u2604\u2607-\u27bf\u2b05-\u2b55\u231a-\u25c0\u20e3]")
_RUN = re.compile(rf"(?:{_ONE}{_SPACE}*){{3,}}")
_INSIDE = re.compile(rf"(?<=[^\W\d_,]){_SPACE}({_ONE}){_SPACE}+(?=[a-zà-öø-ÿœ])")
_LEADING = re.compile(rf"^[ \t]*({_ONE}){_SPACE}*(?=[^\W_])", re.M)
_MATHEMATICAL = "\U0001d400-\U0001d7ff\uff21-\uff3a\uff41-\uff5a\u24b6-\u24e9\U0001f130-\U0001f189\u1d00-\u1d2b"
_NO_LETTER = re.compile(f"[{_MATHEMATICAL}\u0332-\u0338]")
_FANCY = re.compile(f"[{_MATHEMATICAL}](?:[ \u00a0]?[{_MATHEMATICAL}])+|(?:[^\\W_][\u0332-\u0338]){{2,}}")
_ROW = re.compile(
    r"([=*_~#+<>|•–—-])(?:[ \u00a0]?\1){3,}"
    r"|([★☆●○◆◇♥♡■□▪▫✦✧])(?:[ \u00a0]?[★☆●○◆◇♥♡■□▪▫✦✧]){2,}"
    r"|[\u2500-\u259f]{2,}|[.…]{5,}|[!?]{4,}"
)
_ROW_SIGNS = frozenset("=*_~#+<>|•–—★☆●○◆◇♥♡■□▪▫✦✧") | {chr(code) for code in range(0x2500, 0x25A0)}
_ROW_BEGINS = ("--", "- -", "....", "……", "!!", "??", "?!?", "!?!")


def find(subject: Subject, glance: Glance) -> Iterator[Finding]:
    """What a screen reader would spell in any piece of a subject."""
    rare = "".join(character for character in glance.characters if character >= "\u0332")
    if rare and _ANY.search(rare):
        yield from _emoji(subject)
    if rare and _NO_LETTER.search(rare):
        for text in subject.texts:
            yield from _fancy(text)
    if glance.characters & _ROW_SIGNS or glance.has_any(*_ROW_BEGINS):
        for text in subject.texts:
            yield from _rows(text)


def _emoji(subject: Subject) -> Iterator[Finding]:
    leading: defaultdict[str | None, list[tuple[Text, re.Match[str]]]] = defaultdict(list)
    for text in subject.texts:
        for found in _RUN.finditer(text.content):
            hint = _("keep one of them, at the end of the line")
            count = len(re.findall(_ONE, found[0]))
            message = ngettext("{n} emoji in a row", "{n} emoji in a row", count).format(n=count)
            yield RUN.at(text, found.start(), found.end(), message, hint)
        for found in _INSIDE.finditer(text.content):
            message = _("an emoji stands in the middle of a sentence: {emoji}").format(emoji=found[1])
            yield INSIDE.at(text, *found.span(1), message, _("write the word, and put the emoji at the end"))
        leading[text.field] += [(text, found) for found in _LEADING.finditer(text.content)]
    for lines in leading.values():
        if len(lines) > 1:
            text, found = lines[0]
            message = ngettext("{n} line begins with an emoji", "{n} lines begin with an emoji", len(lines))
            hint = _("begin them with “- ” or with a word, and keep one emoji at the end")
            yield BULLET.at(text, *found.span(1), message.format(n=len(lines)), hint)


def _fancy(text: Text) -> Iterator[Finding]:
    for found in _FANCY.finditer(text.content):
        plain = _ordinary(found[0])
        hint = _("write: {words}").format(words=plain) if plain else _("write ordinary letters")
        message = _("these are no letters, a screen reader spells or skips them: {words}").format(words=found[0])
        yield FANCY.at(text, *found.span(), message, hint)


@lru_cache
def _ordinary(words: str) -> str:
    import unicodedata

    return "".join(c for c in unicodedata.normalize("NFKC", words) if not "\u0332" <= c <= "\u0338")


def _rows(text: Text) -> Iterator[Finding]:
    for found in _ROW.finditer(text.content):
        message = _("a screen reader reads each of these signs: {signs}").format(signs=found[0][:12])
        yield ROW.at(text, *found.span(), message, _("delete them; leave an empty line, or write a heading with ##"))
