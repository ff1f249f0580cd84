"""Words that leave somebody out by how they are written: capitals, points inside words, “the red button”."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from functools import cache

from veille.checks.accessibility.doublets import doublet
from veille.checks.accessibility.glance import Glance
from veille.checks.lists import data
from veille.checks.rules import Rule, mark
from veille.checks.subjects import Role, Subject, Text
from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille.typography import POINTED, points

CAPITALS = Rule(
    "capitals",
    mark("Words in capitals"),
    mark(
        "Capitals have no shape: they are slow to read, above all for dyslexic people; some screen readers spell them, "
        "and everybody hears shouting."
    ),
    mark("Write small letters; **bold** says that something matters."),
    "INSCRIPTION OBLIGATOIRE",
    "**Inscription obligatoire**",
    severity=Severity.WARNING,
    source="Orange, Concevoir des mails accessibles; FALC (Inclusion Europe, 2009) (11/2026)",
    link="https://a11y-guidelines.orange.com/",
)
INCLUSIVE = Rule(
    "inclusive-points",
    mark("Points inside a word"),
    mark(
        "Screen readers stop at each point or read it aloud: “mineur point e point s”. Dyslexic readers and those who "
        "learn French stumble too. Other signs than · (U+00B7) are shown as ·."
    ),
    mark("Write both forms, or one word for everybody. A newsroom may silence this code in veille.toml, [checks]."),
    "les mineur∙e∙s",
    "les mineures et mineurs, ou : les jeunes",
    severity=Severity.WARNING,
    source="FALC (Inclusion Europe, 2009); circulaire de l’Éducation nationale, 2021 (11/2026)",
)
SIGHT = Rule(
    "by-sight",
    mark("Something is pointed at by its colour or its place only"),
    mark(
        "Who does not see the colour, listens, or reads on a small screen where everything stands below each other, "
        "cannot find it."
    ),
    mark("Name it by its words."),
    "Clique sur le bouton rouge.",
    "Clique sur « S’inscrire ».",
    severity=Severity.WARNING,
    source="WCAG 2.1, 1.3.3 et 1.4.1; RGAA 4.1, 3.1 et 10.9 (11/2026)",
    link="https://www.w3.org/WAI/WCAG21/Understanding/sensory-characteristics.html",
)
RULES = (CAPITALS, INCLUSIVE, SIGHT)

_UPPER = "A-ZÀ-ÖØ-ÞŒ"
_LOUD = re.compile(rf"[{_UPPER}]{{4}}")
_SHOUT = re.compile(rf"(?<!\w)[{_UPPER}][{_UPPER}'’]*(?:[ \u00a0\u202f\n,:-]+[{_UPPER}][{_UPPER}'’]*)*(?!\w)")
_WORD = re.compile(rf"[{_UPPER}]+")
_SMALL = re.compile(r"[a-zß-öø-ÿœ]")
_VOWEL = re.compile("[AEIOUYÀ-ÖØ-ÝŒ]")
_HEADLINES = {Role.TITLE, Role.HEADING, Role.SUBJECT}
_COLOUR = r"(?:rouges?|ver(?:te?s?)|bleue?s?|jaunes?|oranges?|ros(?:es?)|violette?s?|gris(?:es?)?)(?!\w)"
_POINTED_AT = r"(?:boutons?|liens?|textes?|mots?|lignes?|cases?|dates?|horaires?|champs?|rubriques?|onglets?|numéros?)"
_SIGHT = re.compile(
    rf"(?<!\w)(?:clique[rz]?|appuie|appuyez|appuyer|coche[rz]?|sélectionne[rz]?) (?:sur |dans )?(?:le |la |les |l['’])?"
    rf"(?:\w+ ){{0,2}}(?:en )?{_COLOUR}"
    rf"|(?<!\w){_POINTED_AT} (?:\w+ )?en {_COLOUR}"
    rf"|(?<!\w){_POINTED_AT} (?:à|de) (?:droite|gauche)(?!\w)"
    r"|(?<!\w)(?:ci-contre|colonne de (?:droite|gauche))(?!\w)",
    re.I,
)
_BY_SIGHT = (
    *("clique", "appuie", "appuye", "coche", "sélectionne", "ci-contre", "à droite", "de droite", "à gauche"),
    *("de gauche", " en rouge", " en ver", " en bleu", " en jaune", " en orange", " en ros", " en violet", " en gris"),
)


def find(subject: Subject, glance: Glance, acronyms: Collection[str]) -> Iterator[Finding]:
    """Capitals, inclusive points and pointing by sight, in any piece of a subject.

    Args:
        acronyms: that this newsroom's readers know.
    """
    french = subject.lang.lower().startswith("fr")
    if _LOUD.search(glance.whole):
        known = _acronyms().union(acronyms)
        for text in subject.texts:
            yield from _capitals(text, known)
    if french and "·" in points(glance.whole):
        yield from _points(subject)
    if french and glance.has_any(*_BY_SIGHT):
        for text in subject.texts:
            yield from _by_sight(text)


def _capitals(text: Text, known: Collection[str]) -> Iterator[Finding]:
    headline = text.role in _HEADLINES and not _SMALL.search(text.content)
    for found in _SHOUT.finditer(text.content):
        loud = [word for word in _WORD.findall(found[0]) if len(word) >= 4 and _is_word(word, known)]
        if len(loud) > 1 or (loud and headline):
            message = _("words in capitals are slow to read, and some screen readers spell them: {words}")
            hint = _("write small letters, and **bold** if it matters: {words}").format(words=_quiet(found[0]))
            yield CAPITALS.at(text, *found.span(), message.format(words=found[0]), hint)


def _is_word(word: str, known: Collection[str]) -> bool:
    """Not an acronym: neither a known one, nor one that nobody could say (MDPH)."""
    return word not in known and _VOWEL.search(word) is not None


@cache
def _acronyms() -> frozenset[str]:
    listed = data("acronyms.toml")
    return frozenset((*listed["known"], *listed["glossary"]))


def _quiet(words: str) -> str:
    return " ".join(words.split()).capitalize()


def _points(subject: Subject) -> Iterator[Finding]:
    """Each word once, where it comes first: a text that uses points uses them throughout."""
    met: defaultdict[str, list[tuple[Text, re.Match[str]]]] = defaultdict(list)
    for text in subject.texts:
        for found in POINTED.finditer(points(text.content)):
            met[found[0].lower()].append((text, found))
    for places in met.values():
        yield _pointed(*places[0], len(places))


def _pointed(text: Text, found: re.Match[str], times: int) -> Finding:
    written, shown = text.content[found.start() : found.end()], found[0]
    both = doublet(found[1], found[2], plural=bool(found[3]))
    message = _("screen readers stumble over “{word}”").format(word=written)
    if written != shown:
        message = _("screen readers stumble over “{word}”, which is shown as “{shown}”")
        message = message.format(word=written, shown=shown)
    if times > 1:
        message += " " + ngettext("({n} time in this text)", "({n} times in this text)", times).format(n=times)
    hint = _("write both forms, or one word for everybody, such as “les jeunes”")
    if both:
        hint = _("write “{both}”, or one word for everybody, such as “les jeunes”").format(both=both)
    return INCLUSIVE.at(text, found.start(), found.end(), message, hint)


def _by_sight(text: Text) -> Iterator[Finding]:
    for found in _SIGHT.finditer(text.content):
        message = _("not everybody sees what this points at: {words}").format(words=found[0])
        yield SIGHT.at(text, *found.span(), message, _("name it by its words: the “S’inscrire” button"))
