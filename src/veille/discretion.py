"""Words that betray a reader: a subject and a preheader show on a locked screen, and somebody may look at it.

Subject, preheader and sender of a letter with a sensitive post stay neutral: never "violence", "shelter", "suicide"
(techsafety.org, NNEDV: e-mail best practices; GOV.UK Design System: "Exit a page quickly"; both read 2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache

from veille.folding import fold

_LONG = 4  # letters: shorter words of a title tell nothing

_TELLING = """
abus abuser abusé abusée agression agresser agressé agressée agresseur maltraitance maltraité maltraitée maltraitant
violence violent violente viol violer violé violée violeur inceste incestueux pédophilie pédocriminalité pédocriminel
gifle gifler giflé giflée frapper frappe frappé frappée coup cogner cogne battu battue féminicide emprise menace
harcèlement harceler harcelé harcelée harceleur cyberharcèlement sextorsion revenge prostitution prostitué prostituée
proxénète proxénétisme excision excisée sexe sexuel sexuelle sexualité suicide suicider suicidaire scarification
automutilation mutilation dépression dépressif dépressive anorexie anorexique boulimie boulimique
drogue drogué droguée droguer toxicomane toxicomanie cannabis cocaïne héroïne stupéfiant overdose alcool alcoolique
alcoolisme addiction addict addictif accro grossesse enceinte avortement avorter ivg contraception contraceptif
contraceptive pilule préservatif sida vih séropositif séropositive ist mst homosexuel homosexuelle homophobie gay
lesbienne lgbt transgenre transphobie radicalisation plainte
abuse abused abuser abusive assault assaulted rape raped rapist incest molested slap slapped beaten bullying bullied
harassment harassed stalking threat sexual suicidal drug addicted alcoholism pregnancy pregnant abortion
contraceptive condom pill hiv aids depression depressed anorexia bulimia trafficking lesbian transgender shelter
"""
# "Un coup de main", "tout à coup": only blows tell.
_BLOWS = r"poings?|pieds?|couteaux?|feu|batons?|ceintures?"
_IDIOMS = re.compile(rf"\bcoups? (?:de|d) (?!(?:{_BLOWS})\b)|\b(?:tout a|d un|d un seul|du|du premier|apres) coup\b")
# "Le 3919 t’écoute" tells as much as its words; "3 919 visiteurs" tells nothing.
_LINES = re.compile(
    r"(?<![\w.,])(?:39[ .]?19|31[ .]?14|30[ .]?18|31[ .]?33|116[ .]?00[06]|0 ?800 ?23 ?52 ?36|0 ?800 ?235 ?236|"
    r"(?<=le )11[459])(?![\w€%]|[.,]\d| [€%]| [a-z]{3,}s\b)",
    re.IGNORECASE,
)
_COMMON = """
avec dans pour sans sous vers chez entre apres avant depuis pendant contre comme cette cet ces notre votre leur
leurs tout tous toute toutes plus moins bien tres trop aussi encore meme comment pourquoi quand quoi quel quelle
quels quelles etre avoir faire fait font peut peux vont vous nous elle elles mais donc alors dont cent mille deux
trois quatre cinq sept huit neuf onze douze treize quatorze quinze seize vingt trente jour jours semaine semaines
mois annee annees heure heures matin midi soir soiree lundi mardi mercredi jeudi vendredi samedi dimanche lettre
numero ville nouveau nouvelle premier premiere janvier fevrier mars avril juin juillet aout septembre octobre
novembre decembre
with from your this that these those what when where which have will about into over more most some four five
seven eight nine week weeks month months year years hour hours monday tuesday wednesday thursday friday saturday
sunday letter town here there
"""


def telling_word(text: str, titles: Iterable[str] = (), harmless: Iterable[str] = ()) -> str:
    """The first word of a text that tells what a sensitive post is about, as written there; "" when none does.

    The number of a help line counts as one.

    Case, accents and plurals make no difference.

    Args:
        text: a subject, a preheader, the name of a sender.
        titles: of the sensitive posts; their words tell too.
        harmless: texts whose words tell nothing although a title has them: towns, the newsroom's name.
    """
    known = {_stem(word) for title in titles for word in _words(title) if _tells_a_topic(word)}
    known -= {_stem(word) for other in harmless for word in _words(other)}
    for written, word in _spoken(text):
        if word in _telling() or _stem(word) in known:
            return written
    number = _LINES.search(re.sub(r"\s", " ", text))
    return number[0] if number else ""


def _spoken(text: str) -> Collection[tuple[str, str]]:
    """(as written, folded) of every word that is not part of a harmless idiom."""
    found = [(match[0], fold(match[0])) for match in re.finditer(r"\w+", text)]
    line, idle = " ".join(word for _written, word in found), set[int]()
    for match in _IDIOMS.finditer(line):
        first = line[: match.start()].count(" ")
        idle.update(range(first, first + match[0].strip().count(" ") + 1))
    return [pair for number, pair in enumerate(found) if number not in idle]


@lru_cache(maxsize=1)
def _telling() -> frozenset[str]:
    words = _words(_TELLING)
    return frozenset(form for word in words for form in (word, f"{word}s", re.sub("f$", "ve", word)))


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    return frozenset(_COMMON.split())


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", fold(text))


def _stem(word: str) -> str:
    return word[:-1] if len(word) > _LONG and word[-1] in "sx" else word


def _tells_a_topic(word: str) -> bool:
    return len(word) >= _LONG and word not in _common() and not word[0].isdigit()
