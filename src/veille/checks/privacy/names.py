"""Where a text names somebody: first names with or without a family name, initials, and "Mme Martin".

A name alone is nobody's secret; `people` and `details` look at what stands beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from veille.checks.lists import data, lines

_UPPER = "A-ZÀ-ÖØ-ÞŒ"
# It begins with the letters themselves, so that the engine leaps over everything else, and ends after ten words: a page
# in capitals would be read to its end from each word on.
_NAME = re.compile(
    rf"(?P<name>[{_UPPER}](?:\.|\w+(?:-[{_UPPER}]\w+)*))(?P<rest>(?:(?:\s+|(?<=\.))[{_UPPER}](?:\.|[\w’'-]+|(?!\w))){{0,9}})"
)
_TITLES = {"M.", "Mme", "Mlle", "Mr", "Monsieur", "Madame", "Mademoiselle"}
_INSIDE = "._@/-"  # before a capital: part of an address or of a longer name
_ROLE = re.compile(
    r"(?:\b(?:le|la|une?|ce|cette)\s+(?:jeune|petite?)|\bjeunes?|\b[ée]l[èe]ves?|\bprénommée?|\bsurnommée?|\bs’appelle)\s+$",
    re.IGNORECASE,
)
_ROLE_END = re.compile(r"(?:jeunes?|petite?|[ée]l[èe]ve|mmée?|appelle)\s$", re.IGNORECASE)
# Streets, schools, prizes and halls are named after people.
_INSTITUTION = re.compile(
    r"\b(?:lycée|collège|école|rue|avenue|boulevard|place|allée|impasse|quai|square|parc|stade|gymnase|salle|hôpital|"
    r"clinique|centre|espace|médiathèque|bibliothèque|théâtre|cinéma|musée|piscine|résidence|cité|quartier|fondation|"
    r"prix|institut|université|pont|tour|villa|crèche|maternelle|groupe|complexe|loi|rapport|plan|fête|station|gare|"
    r"métro|arrêt|parvis|passage|chemin|route|esplanade|jardin|pavillon|association|club|compagnie|festival|trophée|"
    r"coupe|tournoi|challenge|foyer|collectif|saint|sainte|orchestre|chorale|fanfare|troupe|radio|revue|journal|magazine|"
    r"spectacle|pièce|film|livre|roman|album|exposition|duo|trio)"
    rf"(?:\s+(?:[{_UPPER}][\w’'-]*|polyvalent|professionnel|municipale?|départementale?|culturel|sportif|social|de|du|"
    r"des|la|le|les))*(?:\s+(?:[«“\"]\s*)?|\s+(?:d|l)[’'])$",
    re.IGNORECASE,
)
_THING = re.compile(r"(?:\b(?:la|le|les|du|des)\s|\bl[’'])$", re.IGNORECASE)  # "la Violette" is a place
_FEAST = re.compile(r"(?:^|[.!?:«]|\b(?:père|mère|à|de|du|pour|joyeux|vive|avant|après|dès|ce|son))\s*$", re.IGNORECASE)
_BEHIND = 48  # characters that are looked at before a name


@dataclass(frozen=True)
class Named:
    """One name in a text.

    Args:
        start, end: offsets of the name with its title.
        initial: somebody is half hidden ("K.", "Mohamed D."): nobody writes so of an institution.
        role: "le jeune", "la petite" stands before it.
        title: "Mme", "M." stands before it.
        alone: a first name and nothing else.
    """

    start: int
    end: int
    initial: bool = False
    role: bool = False
    title: bool = False
    alone: bool = False


def named(content: str) -> Iterator[Named]:
    """The people whom a text names, institutions that bear a name left out."""
    at = 0
    while match := _NAME.search(content, at):
        person = _person(match, content)
        whole = person or match["name"].split("-")[0] in first_names()
        at = match.end() if whole else match.end("name")  # "Appelle Karim": the name may begin with the next word
        if person:
            yield person


def _person(match: re.Match[str], content: str) -> Named | None:
    start, name, rest = match.start(), match["name"], match["rest"]
    if start and (content[start - 1] in _INSIDE or content[start - 1].isalnum()):
        return None
    if title := name in _TITLES and bool(rest):
        name, _space, rest = rest.lstrip().partition(" ")
    first, known = name.split("-")[0], first_names()
    sure = first in known or (first.isupper() and len(first) > 1 and first.capitalize() in known)
    initial = len(name) == 2 and name[1] == "."
    if not (sure or initial or title or _ROLE_END.search(content[max(0, start - 12) : start])):
        return None
    behind = content[max(0, start - _BEHIND) : start]
    if first == "Noël" and not title and _FEAST.search(behind):
        return None
    role = bool(_ROLE.search(behind))
    if not (sure or initial or title or role) or _INSTITUTION.search(behind):
        return None
    if not role and (_THING.search(behind) or _is_public(content[start : match.end() + _BEHIND])):
        return None
    half = (initial and not rest) or bool(re.fullmatch(r"\s*\w\.?", rest))
    return Named(start, match.end(), half, role, title, sure and not rest)


@cache
def first_names() -> frozenset[str]:
    """First names given in France, of every origin."""
    return frozenset(name for line in lines("first_names.txt") for name in line.split())


def _is_public(words: str) -> bool:
    """Whether a text begins with the name of somebody whose life everybody knows."""
    return words.replace("'", "’").startswith(_public_figures())


@cache
def _public_figures() -> tuple[str, ...]:
    names = (name.strip() for line in lines("public_figures.txt") for name in line.split(";"))
    return tuple(name for name in names if " " in name)


@cache
def situations() -> str:
    """What tells of somebody's situation, as one regular expression for text in lower case."""
    return "(?:" + "|".join(_words()["situations"]) + r")(?!\w)"


@cache
def functions() -> re.Pattern[str]:
    """Words for what somebody is in public life: such people speak as what they are."""
    return re.compile(r"\b(?:" + "|".join(_words()["functions"]) + ")", re.IGNORECASE)


@cache
def _words() -> dict[str, list[str]]:
    return data("situations.toml")
