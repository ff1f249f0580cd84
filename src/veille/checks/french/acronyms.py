"""Short forms in capitals that nobody explains where they are first used."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from veille.checks.french.lists import words as small
from veille.checks.french.pieces import Piece
from veille.checks.lists import data
from veille.checks.rules import Context, Rule, mark
from veille.checks.subjects import Role
from veille.errors import Finding, Severity
from veille.i18n import gettext as _

ACRONYM = Rule(
    "acronym-unexplained",
    mark("A short form is not explained"),
    mark("Who is new in France, young, or simply from another office cannot guess it; a screen reader spells it."),
    mark("Write the words in full the first time, with the short form in brackets, or only the words."),
    wrong="Appelle l’ASE.",
    right="Appelle l’Aide sociale à l’enfance (ASE).",
    severity=Severity.WARNING,
    source="WCAG 2.1, 3.1.4 Abbreviations; RGAA 4.1, 9.4",
    link="https://www.w3.org/TR/WCAG21/#abbreviations",
)
RULES = (ACRONYM,)

_CAPITALS = "A-ZÀÂÄÇÉÈÊËÎÏÔÖÙÛÜ"
_SHORT = re.compile(rf"(?<![\w@#/._-])[{_CAPITALS}](?:[{_CAPITALS}&]|\d(?=[{_CAPITALS}])){{1,6}}(?![\w@/&_·-]|\.\w)")
_ROMAN = re.compile(r"[IVX]+")
_SHOUTED = (
    re.compile(rf"[{_CAPITALS}]{{2,}}[ :,!?'-]{{1,3}}$"),
    re.compile(rf"[ :,!?'-]{{1,3}}[{_CAPITALS}]{{2,}}(?![a-zà-ÿ])"),
)
_WORD = re.compile(r"[^\W\d_]+")
_TITLES = frozenset({Role.TITLE, Role.HEADING, Role.ALT})
_LEFT_OUT = frozenset({Role.CREDIT, Role.PLACE})
_LONGEST = 5  # of a short form that no list knows: longer words in capitals are shouted


def acronyms(context: Context, pieces: Sequence[Piece]) -> Iterator[Finding]:
    """Look at the post as people read it, and at each text for a social network or a letter's subject by itself."""
    settings = tuple(context.config.settings.checks.acronyms)
    read = [piece for piece in pieces if piece.role not in _LEFT_OUT and piece.text.field != "name"]
    yield from _in([piece for piece in read if not piece.apart], settings)
    for piece in read:
        if piece.role is Role.SOCIAL:
            yield from _in([piece], settings)


def _in(pieces: Sequence[Piece], known: Iterable[str]) -> Iterator[Finding]:
    """What stands in a title or heading may be explained below it; in a text, it is explained at its first use."""
    settled: set[str] = set()
    titles: dict[str, tuple[Piece, int]] = {}
    for piece in pieces:
        for short, start in _shorts(piece, known):
            if short in settled:
                continue
            if _explained(piece.plain, short, start):
                settled.add(short)
                titles.pop(short, None)
            elif piece.role in _TITLES or _is_alone(piece.plain, short, start):
                titles.setdefault(short, (piece, start))
            else:
                settled.add(short)
                titles.pop(short, None)
                yield _finding(piece, short, start)
    for short, (piece, start) in titles.items():
        yield _finding(piece, short, start)


def _is_alone(text: str, short: str, start: int) -> bool:
    """Whether it is all of its line, as a heading is that was not marked as one."""
    line = text[text.rfind("\n", 0, start) + 1 :].split("\n", 1)[0]
    return line.strip() == short and "\n" in text


def _finding(piece: Piece, short: str, start: int) -> Finding:
    message = _("“{short}” is not explained where it is first used").format(short=short)
    if words := _glossary().get(short):
        hint = _("write: {words} ({short})").format(words=words, short=short)
    else:
        hint = _("write the words in full, then ({short}); or name it in [checks] acronyms if your readers know it")
        hint = hint.format(short=short)
    return ACRONYM.at(piece.text, start, start + len(short), message, hint)


def _shorts(piece: Piece, known: Iterable[str]) -> Iterator[tuple[str, int]]:
    for found in _SHORT.finditer(piece.plain):
        short = found[0]
        if short in _everyday() or short in known or _ROMAN.fullmatch(short) or not short.strip("O0I1"):
            continue  # "01 99 OO 10 11": letters in the place of digits, which the checks of numbers tell of
        listed = short in _glossary()
        likely = listed or (sum(map(str.isalpha, short)) > 1 and len(short) <= _LONGEST)
        if likely and not _is_shouted(piece.plain, found.start(), found.end()):
            yield short, found.start()


def _is_shouted(text: str, start: int, end: int) -> bool:
    """Whether it stands in a run of capitals, as titles do."""
    before, after = _SHOUTED
    left, right = before.search(text[max(0, start - 12) : start]), after.match(text, end)
    shouted = [part[0].strip(" :,!?'-") for part in (left, right) if part]
    return any(word not in data("acronyms.toml")["known"] and word not in _glossary() for word in shouted)


def _explained(text: str, short: str, start: int) -> bool:
    """Whether its words stand right before or behind it: "Aide sociale à l’enfance (ASE)", "ASE (Aide sociale…)"."""
    letters = _folded("".join(filter(str.isalpha, short)))
    before = _WORD.findall(text[max(0, start - 120) : start])[-16:]
    if _spells(letters[::-1], [_folded(word) for word in reversed(before)]):
        return True
    behind = re.match(r"\s*\d*\s*(?:[(:,«–-]|c'est)[\s«]*(?:l'|la |le |les |des )?", text[start + len(short) :])
    if not behind:
        return False
    after = _WORD.findall(text[start + len(short) + behind.end() :][:120])[:16]
    return _spells(letters, [_folded(word) for word in after])


def _spells(letters: str, words: Sequence[str]) -> bool:
    """Whether the words begin with these letters, one after the other; small words between them may be left out."""
    if not letters:
        return True
    if not words:
        return False
    taken = words[0][0] == letters[0] and _spells(letters[1:], words[1:])
    return taken or (words[0] in small("small") and _spells(letters, words[1:]))


def _folded(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c)) or text


@cache
def _everyday() -> frozenset[str]:
    """What needs no words; old names have a finding of their own."""
    listed = data("acronyms.toml")
    old = (name.upper() for entry in data("outdated.toml")["name"] for name in entry["old"])
    return frozenset(listed["known"]).union(listed["emphasis"], old)


@cache
def _glossary() -> Mapping[str, str]:
    words: Mapping[str, str] = data("acronyms.toml")["glossary"]
    return words
