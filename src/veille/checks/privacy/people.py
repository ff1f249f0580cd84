"""People who can be recognised together with what concerns nobody: an age, a situation, a birth date.

Children and young people who are followed have a right to be left alone (loi du 29 juillet 1881, art. 39 bis; Code
civil, art. 9; RGPD art. 5 and 9), and a reader knows who "K., 15 ans, du collège" is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache

from veille.checks.privacy.names import Named, functions, situations
from veille.checks.rules import Rule, mark
from veille.checks.subjects import Text
from veille.errors import Finding, Severity
from veille.i18n import gettext as _

_SOURCE = "RGPD art. 5 et 9 ; Code civil art. 9 ; loi du 29 juillet 1881 art. 39 bis"
_CNIL = "https://www.cnil.fr/fr/reglement-europeen-protection-donnees"
SITUATION = Rule(
    "person-situation",
    mark("Somebody is named beside an age or a situation"),
    mark(
        "Neighbours, classmates and a violent parent recognise a person by a first name or an initial with an age. "
        "What is told of a young person stays on the net for years."
    ),
    mark(
        "Write “un jeune”, “une lycéenne”, without name and initial, or invent a first name and say so. For a story "
        "that the person, and the parents of a minor, agreed in writing to see published, write: "
        "allow: {person-situation: …}"
    ),
    "Le jeune K., 15 ans, placé en foyer, a retrouvé le sourire.",
    "Un lycéen a retrouvé le sourire.",
    source=_SOURCE,
    link=_CNIL,
)
RECOGNISABLE = Rule(
    "person-recognisable",
    mark("Somebody without a name can be recognised"),
    mark("An age with a street, a school or a situation is enough for those who live there."),
    mark("Leave out the street, the school, or the age."),
    "Une jeune de 15 ans, de la rue des Lilas, élève au collège Marie-Curie",
    "Une collégienne de la ville",
    severity=Severity.WARNING,
    source=_SOURCE,
    link=_CNIL,
)
BIRTH = Rule(
    "birth-date",
    mark("Somebody's date of birth is printed"),
    mark("With name and date of birth a stranger opens accounts, asks for papers, or finds a young person again."),
    mark("Delete the date. Write an age group where one is needed: 11-14 ans."),
    "Karim, né le 12/03/2009, expose ses dessins.",
    "Karim expose ses dessins.",
    source=_SOURCE,
    link=_CNIL,
)

_NUMBERS = (
    *("un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze", "treize"),
    *("quatorze", "quinze", "seize", "dix-sept", "dix-huit", "dix-neuf", "vingt"),
)
_AGE = rf"(?P<age>\d{{1,2}}|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})\s+ans\b"
_NO_AGE = r"(?!\s+(?:d[e’']|après|plus|avant|que|déjà|et\s+plus|ou\s+plus))"  # "a 15 ans d’expérience"
_AGED = re.compile(
    r"(?:\s*,\s*(?:[^.,;:!?()\d]{1,30},\s*)?(?:âgée?\s+de\s+|(?:bientôt|presque|déjà|tout\s+juste)\s+|"
    r"(?:une?\s+)?(?:lycéen|collégien|élève|écoli[eè]r|étudiant|apprenti|jeune|ado|mineur|garçon|fille|enfant)\w*\s+de\s+)?"
    r"|\s*\(\s*(?:[^()\d]{1,30},\s*)?|\s+âgée?\s+de\s+|\s+(?=\d)"
    r"|(?P<verb>\s+(?:a|avait|aura|vient\s+d[’']avoir|(?:fête|fêtera|a\s+fêté)\s+ses)\s+)|\s+[-–—]\s+)"
    + _AGE
    + _NO_AGE,
    re.IGNORECASE,
)
_AGED_BEFORE = re.compile(rf"\b(?:à|âgée?s?\s+de)\s+{_AGE}\s*,\s+(?:(?:le|la|jeune|petite?)\s+)*$", re.IGNORECASE)
_OF = re.compile(r"\b(?:de|des|d[’'])\s*$", re.IGNORECASE)
_MATTER = re.compile(
    r"\b(?:procès|placement|signalement|dossier|grossesse|hospitalisation|agression|fugue|mise\s+à\s+l[’']abri)\s+"
    r"(?:du\s+(?:jeune|petit)|de\s+la\s+(?:jeune|petite)|de|d[’'])\s*$",
    re.IGNORECASE,
)
_END = re.compile(r"[.!?;…](?=\s|$)|\ufffc")
_SOMEBODY = re.compile(
    r"\b(?:une?|ce|cet|cette|la|le|notre|sa|son)\s+(?:jeune(?:\s+(?:fille|homme|femme|garçon|mère|père))?|adolescente?"
    r"|ado|fille|fillette|garçon|élève|collégien(?:ne)?|lycéen(?:ne)?|enfant|habitante?|mère|maman|mineure?)\s+"
    rf"(?:âgée?\s+)?de\s+{_AGE}",
    re.IGNORECASE,
)
_STREET = re.compile(
    r"\b(?:rue|avenue|boulevard|allée|résidence|cité|impasse|quai|square|immeuble|tour|bâtiment)\s+(?:d[eu]s?\s|d[’']|l[ae]s?\s|[A-Z0-9])"
)
_SCHOOL = re.compile(r"\b(?:collège|lycée|école|classe\s+de|CFA|club)\s+(?:[A-ZÉ]|d[eu]s?\s|d[’'])")
_MONTHS = "janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre"
_BORN = re.compile(
    r"\bnée?\s+(?:le\s+(?P<day>\d{1,2}(?:er)?(?P<sep>[\s/.-])\s*(?:\d{1,2}|" + _MONTHS + r")[\s/.-]\s*)"
    r"|en\s+(?:(?:" + _MONTHS + r")\s+)?)(?P<year>(?:19|20)\d\d)\b"
    r"|\b(?:date\s+de\s+naissance|DDN)\s*:?\s*\d{1,2}[/.\s-].{1,10}?(?P<year2>(?:19|20)\d\d)\b",
    re.IGNORECASE,
)
_BIRTH_WORDS = ("né", "aissance", "Né", "NÉ", "AISSANCE", "DDN", "ddn")  # one of them is in every text that has a date
_BORN_WHO = re.compile(r"[^.!?;:()\d]{0,40},\s+(?:elle|il)\s", re.IGNORECASE)  # "Née le 4 mai 2010 à Antony, elle…"
_DATED = re.compile(r"\s*\(\s*\d{1,2}\s*[/.-]\s*\d{1,2}\s*[/.-]\s*(?P<year>(?:19|20)\d\d)\s*\)")  # behind a name
_PERSON = re.compile(
    r"\b(?:jeune|enfant|fille|fils|garçon|élève|collégien|lycéen|adolescent|mineur|bébé)", re.IGNORECASE
)
_SCHOOL_AGE = 5  # a date of these last years is that of an event
_ADULT = 18
_YOUNG = 26  # years: the readers of such newsrooms, and those whom they follow


def people(text: Text, found: list[Named]) -> Iterator[Finding]:
    """Names with an age or a situation; at most one finding a name."""
    for person in found:
        if finding := _beside(text, person):
            yield replace(finding, excerpt="")  # what is found goes into logs; the place is enough


def _beside(text: Text, person: Named) -> Finding | None:
    content = text.content
    tail, behind = _sentence_after(content, person.end), content[max(0, person.start - 48) : person.start]
    if told := _situation().match(tail.lower()):
        return _told(text, person, told["situation"].strip())
    hidden = person.title or person.initial or (person.alone and not tail.startswith((" d’", " d'")))
    if hidden and (matter := _MATTER.search(behind)):
        return _told(text, person, matter[0].split()[0])
    if person.role and person.initial:
        return _told(text, person, _("le jeune"))
    aged = _AGED.match(content, person.end)
    if aged and aged["verb"] and _OF.search(behind):
        aged = None  # "le club de Nadia a 15 ans"
    aged = aged or _AGED_BEFORE.search(behind)
    return _aged(text, person, aged, tail) if aged else None


def _aged(text: Text, person: Named, aged: re.Match[str], tail: str) -> Finding | None:
    young = _years(aged["age"]) < _ADULT or person.initial
    around = text.content[max(0, person.start - 40) : person.start] + tail
    if not young and functions().search(around):
        return None
    finding = _told(text, person, f"{aged['age']} ans")
    return finding if young else replace(finding, severity=Severity.WARNING)


def _told(text: Text, person: Named, sign: str) -> Finding:
    message = _("somebody is named here beside “{sign}”").format(sign=sign)
    hint = _("leave out the name and the initial; with a written agreement: allow: {{person-situation: …}}")
    return SITUATION.at(text, person.start, person.end, message, hint.format())


def recognisable(text: Text) -> Iterator[Finding]:
    """An age with two of street, school and situation."""
    if "ans" not in text.content:
        return
    for match in _SOMEBODY.finditer(text.content):
        sentence = _sentence_after(text.content, match.end())
        told = re.search(r"(?<!\w)" + situations(), sentence.lower())
        if sum(bool(sign) for sign in (_STREET.search(sentence), _SCHOOL.search(sentence), told)) > 1:
            message = _("age, street, school or situation together tell who this is")
            hint = _("leave out the street, the school, or the age")
            yield replace(RECOGNISABLE.at(text, match.start(), match.end(), message, hint), excerpt="")


def births(text: Text, found: list[Named], today: date) -> Iterator[Finding]:
    """Dates of birth of living people; projects and clubs are born too."""
    for person in found:
        dated = _DATED.match(text.content, person.end)
        if dated and _SCHOOL_AGE <= today.year - int(dated["year"]) < _YOUNG:
            message = _("a date of birth is printed here")
            hint = _("delete it, or write an age group")
            yield replace(BIRTH.at(text, dated.start(), dated.end(), message, hint), excerpt="")
    if not any(word in text.content for word in _BIRTH_WORDS):
        return
    for match in _BORN.finditer(text.content):
        years = today.year - int(match["year"] or match["year2"])
        if 0 <= years < 100 and _somebodys(text.content, match, found, years):
            message = _("a date of birth is printed here")
            finding = BIRTH.at(text, match.start(), match.end(), message, _("delete it, or write an age group"))
            whole = bool(match["day"] or match["year2"]) or years < _YOUNG
            yield replace(finding, excerpt="", severity=Severity.ERROR if whole else Severity.WARNING)


def _somebodys(content: str, match: re.Match[str], found: list[Named], years: int) -> bool:
    if match["year2"] or (match["day"] and match["sep"].strip()):
        return True  # figures only: so it stands in files
    behind = content[max(0, match.start() - 60) : match.start()]
    behind = behind[max((end.end() for end in _END.finditer(behind)), default=0) :]
    known = any(match.start() - len(behind) <= person.start < match.start() for person in found)
    if not behind.strip():  # it opens the sentence: who is meant comes behind it
        tail = _sentence_after(content, match.end())
        known = any(match.end() <= person.start < match.end() + len(tail) for person in found)
        known = known or bool(years < _YOUNG and _BORN_WHO.match(tail))
    if known and years >= _ADULT:
        return not functions().search(behind + _sentence_after(content, match.end()))
    return known or bool(_PERSON.search(behind))


def _sentence_after(content: str, start: int) -> str:
    tail = content[start : start + 120]
    end = _END.search(tail)
    return tail[: end.start()] if end else tail


def _years(age: str) -> int:
    return int(age) if age.isdigit() else _NUMBERS.index(age.lower()) + 1


@cache
def _situation() -> re.Pattern[str]:
    """A situation that is said of the name before it."""
    return re.compile(
        r"(?:\s*[,(]\s*|\s+)(?:(?:\d{1,2}|[a-zà-ÿ-]+)\s+ans\s*,\s*)?(?:(?:qui|elle|il)\s+)?"
        r"(?:(?:est|était|a\s+été|avait\s+été|sera|vit|vivait|dort|se\s+retrouve|s[’']est\s+retrouvée?|a|avait)\s+)?"
        r"(?:(?:maintenant|désormais|aujourd[’']hui|actuellement|déjà|toujours|alors|récemment|encore)\s+){0,2}"
        rf"(?P<situation>{situations()})"
    )
