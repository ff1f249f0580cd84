"""How many syllables of a French word are heard.

Speech of the North, as readability formulas count: a silent "e" at the end is no syllable ("porte": 1), nor is "-es".
"-ent" is silent where a verb says "they" ("parlent": 1) and heard in nouns, adjectives and adverbs ("moment": 2,
"souvent": 2). Letters do not tell which of the two it is, so "-ment" is heard but for some verbs ("aiment"), other
"-ent" is silent but for the words of a list; a wrong guess costs one syllable. "é", "è", "ï", "ü" sound by themselves
("Noël", "maïs": 2); "y" between vowels is "i" twice ("payer": 2).
A number counts as one syllable, as in other tools: its words would punish dates and telephone numbers.
"""

from __future__ import annotations

import re
from functools import lru_cache

from veille.checks.french.lists import words

_VOWELS = "aeiouyàâäéèêëîïôöùûüœæ"
_VOICED = re.compile(
    "eau|aoû|oeu|œu|oui|oue|oua|uei|oin|iai|ieu|iau|iou|ai|aî|au|ei|eî|eu|eû|ou|où|oû|oi|oî|ui|uy|ie|iè|ié|ia|io|"
    rf"y(?:eu|[aeéèo])|[{_VOWELS}]"
)
_GLIDES_AFTER_TWO = re.compile(r"(?<=[bcdfgptv][lr])(i)(?=[eoaé])")  # "pri-er", "plier", "tri-o": two syllables
_SILENT_U = re.compile(rf"(?<=[qg])u(?=[{_VOWELS}])")
_MUTE_E = re.compile(r"(?<=[gq])ues?$|(?<=[^aeiouyàâäéèêëîïôöùûüœæ])es?$|(?<=[éièuîûoa])es?$")
_CONSONANT_I = re.compile(rf"(?<=[{_VOWELS}])ill(?=[{_VOWELS}]|$)|(?<=[{_VOWELS}])y(?=[{_VOWELS}])")

_MENT_OF_VERBS = re.compile(
    r"^(?:r?é?|dés?|en|sur)(?:aim|form|dorm|ferm|nomm|confirm|affirm|inform|transform|consomm|exprim|estim|supprim|anim|arm|ram|fum|sem|"
    r"réclam|programm|assum|résum|prim|imprim|all(?:u)m|calm|charm|entam|enferm|frém|réaffirm|gomm)ent$"
)


@lru_cache(maxsize=65536)
def syllables(word: str) -> int:
    """Count what is heard of one word, 1 at least.

    Args:
        word: without spaces; the parts of "l'eau" and "porte-monnaie" are counted one by one.
    """
    parts = [part for part in re.split(r"[^\w]+", word.lower()) if part]
    return max(1, sum(_of_part(part) for part in parts))


def _of_part(part: str) -> int:
    if len(part) == 1 and part not in "aàoôy":
        return 0  # l', d', s': said with the next word
    if not part.isalpha():
        return 1
    return max(1, len(_VOICED.findall(_said(part))))


def _said(part: str) -> str:
    """The letters that are heard, roughly."""
    part = _without_end(part)
    part = _SILENT_U.sub("", part)
    part = re.sub(r"(?<=g)e(?=[aoâô])", "", part)  # "mangeons"
    part = _GLIDES_AFTER_TWO.sub("i-", part)
    return _CONSONANT_I.sub(lambda found: "-l-" if "l" in found[0] else "-j-", part)


def _without_end(part: str) -> str:
    if part.endswith(("ent", "ents")) and len(part) > 4:
        heard = part.removesuffix("s") in words("ent_heard") or (
            part.endswith("ment") and not _MENT_OF_VERBS.search(part)
        )
        return part if heard or part.endswith("s") else part[:-3]
    if len(part) > 2:
        return _MUTE_E.sub("", part)
    return part
