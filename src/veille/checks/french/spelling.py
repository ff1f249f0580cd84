"""Missing accents, frequent misspellings, doubled words, and articles of the wrong gender: lists, no grammar."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise

from veille.checks.french.lexicon import Hit, find, spelling
from veille.checks.french.lists import words
from veille.checks.french.pieces import Piece
from veille.checks.lists import data
from veille.checks.rules import Rule, mark
from veille.checks.subjects import Role
from veille.errors import Finding, Severity
from veille.i18n import gettext as _

ACCENT = Rule(
    "missing-accent",
    mark("An accent is missing"),
    mark("Capitals keep their accents in French: without them words change, and screen readers read them wrongly."),
    mark("Write the accent, on capitals too."),
    wrong="Etat, Ecole, A partir",
    right="État, École, À partir",
    severity=Severity.WARNING,
    source="Académie française, Accentuation des majuscules",
    link="https://www.academie-francaise.fr/questions-de-langue",
)
MISSPELLING = Rule(
    "misspelling",
    mark("A misspelled word"),
    mark("Mistakes make people doubt what the text says, numbers and addresses too, and confuse screen readers."),
    mark("Correct the word. Only frequent mistakes are known: read the text once more."),
    wrong="réveler, le cas échant",
    right="révéler, le cas échéant",
    severity=Severity.WARNING,
)
RULES = (ACCENT, MISSPELLING)

_A = frozenset({"été", "eu", "t", "priori", "posteriori", "fortiori", "cappella", "contrario", "minima", "maxima"})
_HIS = {"le": "la", "un": "une", "du": "de la", "au": "à la", "ce": "cette"}
_HER = {"la": "le", "une": "un", "cette": "ce"}
_OPENING = frozenset('\n.!?…:;«•–—(["')


def spelled(pieces: Sequence[Piece], towns: Collection[str] = ()) -> Iterator[Finding]:
    """Look at every text.

    Args:
        towns: names of the newsroom's towns, in small letters: "A Bagneux" lacks its accent too.
    """
    for piece in pieces:
        for hit in find(piece, spelling()):
            if not _is_name(piece, hit):
                yield _finding(piece, hit)
        yield from _pairs(piece)
        yield from _capital_a(piece, towns)


def _is_name(piece: Piece, hit: Hit) -> bool:
    """Short words in capitals are short forms: CA is no "ça"."""
    written = piece.text.content[hit.start : hit.end]
    return written.isupper() and len(written) <= 3


def _finding(piece: Piece, hit: Hit) -> Finding:
    written = " ".join(piece.text.content[hit.start : hit.end].split())
    if hit.entry.kind == "missing-accent":
        message = _("“{word}” lacks an accent").format(word=written)
    else:
        message = _("“{word}” is misspelled").format(word=written)
    rule = ACCENT if hit.entry.kind == "missing-accent" else MISSPELLING
    return rule.at(piece.text, hit.start, hit.end, message, _("write: {word}").format(word=hit.entry.better))


def _pairs(piece: Piece) -> Iterator[Finding]:
    """Two words of which the second tells that the first is wrong."""
    known, wrong = piece.known, _wrong_articles()
    for at, (first, second) in enumerate(pairwise(known)):
        if first == second:
            if first in words("never_twice"):
                yield from _doubled(piece, at)
        elif second in wrong:
            if first in wrong[second]:
                yield from _gender(piece, at, wrong[second][first])
        elif second.endswith("tion") and first in _HIS and "-" not in second and second not in ("bastion", "cation"):
            yield from _gender(piece, at, _HIS[first])


def _doubled(piece: Piece, at: int) -> Iterator[Finding]:
    (start, end, word), (next_start, next_end, _word) = piece.words[at : at + 2]
    if not piece.plain[end:next_start].strip() and piece.plain[next_start:next_end].islower():
        message = _("“{word}” stands there twice").format(word=word)
        yield MISSPELLING.at(piece.text, start, next_end, message, _("delete one of them"))


def _gender(piece: Piece, at: int, article: str) -> Iterator[Finding]:
    (start, end, _first), (next_start, next_end, noun) = piece.words[at : at + 2]
    apart = piece.plain[end:next_start].strip() or piece.plain[start - 1 : start] in ("-", "'")
    if not apart and piece.plain[next_start:next_end].islower():
        message = _("“{words}”: the article does not fit the noun").format(words=piece.plain[start:next_end])
        hint = _("write: {word}").format(word=f"{_elided(article, noun)}{noun}")
        yield MISSPELLING.at(piece.text, start, next_end, message, hint)


def _elided(article: str, noun: str) -> str:
    """The article before this noun: "l’", "cet" and "de l’" before a vowel."""
    if noun[0] in "aeéèêioôu" or noun.startswith(("hé", "ho", "ha")):
        short = {"la": "l’", "le": "l’", "de la": "de l’", "à la": "à l’", "ce": "cet "}
        return short.get(article, f"{article} ")
    return f"{article} "


def _capital_a(piece: Piece, towns: Collection[str]) -> Iterator[Finding]:
    """ "A" at the beginning of a sentence, before a small word or a town: it is "À" but in "A été…"."""
    if "a" not in piece.known or "A" not in piece.plain:
        return
    for (start, end, _word), following in pairwise(piece.words):
        if piece.plain[start:end] == "A" and piece.plain[end : following[0]] in (" ", " l'", " d'"):
            before = piece.plain[:start].rstrip(" ")
            opens = piece.role in (Role.TITLE, Role.HEADING) or not before or before[-1] in _OPENING
            small = piece.plain[following[0] : following[1]].islower() or following[2] in towns
            if opens and small and following[2] not in _A and (not before or before[-1] in _OPENING):
                hint = _("write: {word}").format(word="À")
                yield ACCENT.at(piece.text, start, end, _("“{word}” lacks an accent").format(word="A"), hint)


@cache
def _wrong_articles() -> Mapping[str, Mapping[str, str]]:
    """Noun -> article that does not go with it -> the right one."""
    listed = data("slips.toml")["gender"]
    return dict.fromkeys(listed["feminine"], _HIS) | dict.fromkeys(listed["masculine"], _HER)
