"""Language: a screen reader says every word as `lang` tells it to; English read as French is noise.

A glance, not a diagnosis: scripts, and small words that only one language has. It speaks up only where the text is
plainly something else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from veille import i18n
from veille.checks.lists import data
from veille.checks.rules import Rule, mark
from veille.checks.subjects import Role, Subject, Text
from veille.errors import Finding, Severity
from veille.i18n import gettext as _

_LEAST = 4  # small words of another language before we speak up
_TIMES = 4  # and this many times those of the language that was given
_LETTERS = 8  # of another script
_LINK = "https://www.w3.org/WAI/WCAG21/Understanding/language-of-page.html"

WHOLE = Rule(
    "lang-unlikely",
    mark("The text is not in the language that its file says"),
    mark("Screen readers and mail programs pronounce, break and translate every word as `lang` tells them to."),
    mark("Write the language of the text in the front matter, as a code of two letters."),
    "title: Free legal advice (without lang)",
    "title: Free legal advice\nlang: en",
    severity=Severity.WARNING,
    source="WCAG 2.1, 3.1.1; RGAA 4.1, 8.3 et 8.4 (11/2026)",
    link=_LINK,
)
PASSAGE = Rule(
    "lang-passage",
    mark("A passage in another language than the rest"),
    mark("A screen reader goes on with the voice of the rest: the passage cannot be understood."),
    mark("Make it a post of its own with its own lang, and name it under related in this one."),
    severity=Severity.WARNING,
    source="WCAG 2.1, 3.1.2; RGAA 4.1, 8.7 (11/2026)",
    link="https://www.w3.org/WAI/WCAG21/Understanding/language-of-parts.html",
)
RULES = (WHOLE, PASSAGE)

_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class _Known:
    """What the data file says, ready for use.

    Args:
        words: small word -> the one language that has it.
        scripts: a pattern of letters, and the languages written with it.
        other: any letter of these scripts.
    """

    words: dict[str, str]
    scripts: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]
    other: re.Pattern[str]


def find(subject: Subject) -> Iterator[Finding]:
    """A body in another language than its `lang`, or passages in it that are."""
    given, whole = i18n.short(subject.lang), "\n".join(text.content for text in subject.body)
    counted = _small_words(whole)
    others = max((count for language, count in counted.items() if language != given), default=0)
    if others < _LEAST and not _known().other.search(whole):
        return
    if found := _other(whole, given):
        yield _whole(subject, found)
        return
    for text in subject.body:
        if text.role in {Role.BODY, Role.HEADING} and (found := _other(text.content, given)):
            yield _passage(text, found)


def _whole(subject: Subject, found: str) -> Finding:
    key = "lang" if "lang" in subject.lines else "title"
    message = _("this text is not in the language that its file says: {lang}").format(lang=subject.lang)
    return WHOLE.of(subject, key, message, _("write: lang: {found}").format(found=found))


def _passage(text: Text, found: str) -> Finding:
    message = _("this passage is in another language ({found}) than the rest")
    hint = _("make it a post of its own with lang: {found}, and name it under related")
    return PASSAGE.at(text, 0, len(text.content), message.format(found=found), hint.format(found=found))


def _other(content: str, given: str) -> str | None:
    """The language of a text, when it plainly is not the one given."""
    if script := _script(content, given):
        return script
    counted = _small_words(content)
    language = max(counted, key=counted.__getitem__, default=given)
    return language if language != given and _wins(counted, language, given) else None


def _wins(counted: Counter[str], language: str, given: str) -> bool:
    return counted[language] >= max(_LEAST, _TIMES * counted[given])


def _script(content: str, given: str) -> str | None:
    if not _known().other.search(content):
        return None
    letters = len("".join(_WORD.findall(content)))
    for pattern, languages in _known().scripts:
        count = len(pattern.findall(content))
        if count >= _LETTERS and 2 * count > letters and given not in languages:
            return languages[0]
    return None


def _small_words(content: str) -> Counter[str]:
    words = _known().words
    return Counter(words[word] for word in _WORD.findall(content.lower()) if word in words)


@cache
def _known() -> _Known:
    known = data("languages.toml")
    lists = {language: set(words.split()) for language, words in known["words"].items()}
    shared = Counter(word for words in lists.values() for word in words)
    own = {word: language for language, words in lists.items() for word in words if shared[word] == 1}
    scripts = tuple((re.compile(f"[{s['letters']}]"), tuple(s["languages"])) for s in known["scripts"].values())
    other = re.compile(f"[{''.join(s['letters'] for s in known['scripts'].values())}]")
    return _Known(own, scripts, other)
