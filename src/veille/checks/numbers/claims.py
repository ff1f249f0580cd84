"""Words behind a number that take something away which its record gives: "ouvert de 9 h à 18 h", "payant".

The words between the number and the claim are few and listed: in "le 115, ou viens au local de 9 h à 18 h" the hours
are those of the local.
"""

from __future__ import annotations

import re

_I = re.IGNORECASE
_S = r"[\s\u200b]"
_HOUR = rf"(?:[01]?\d|2[0-3]){_S}?h(?:eures)?{_S}?(?:[0-5]\d)?"
_DAYS = r"(?:lundis?|mardis?|mercredis?|jeudis?|vendredis?|samedis?|dimanches?)"
_PERIOD = rf"(?:{_DAYS}|week-ends?|jours{_S}fériés|nuit|soir|midi|août|été|vacances)"
_FROM_TO = (
    rf"(?:(?:de|entre){_S})?(?!0?0{_S}?h){_HOUR}{_S}?(?:-|–|—|à|et){_S}?{_HOUR}|(?:jusqu[’']|ferme{_S})à{_S}{_HOUR}|"
    rf"(?:à{_S}partir{_S}de|dès){_S}{_HOUR}|(?:en{_S}journée|aux{_S}heures{_S}de{_S}bureau)\b"
)
_SOME_DAYS = (
    rf"du{_S}(?:lundi|mardi){_S}au{_S}(?:jeudi|vendredi|samedi)\b|en{_S}semaine\b|(?:les{_S})?jours{_S}ouvr(?:és|ables)\b"
    rf"|(?:le|les){_S}{_DAYS}(?:{_S}(?:matin|après-midi|uniquement|seulement)\b|{_S}?[.,;:!)|]|{_S}?$)"
)
_CLOSED = (
    rf"ferm[ée]e?s?{_S}(?:le|les|la|l[’']|en|au|pendant|aux){_S}?(?:les{_S})?{_PERIOD}|sauf{_S}(?:le|les|la){_S}{_PERIOD}"
    rf"|n(?:e{_S}répond|[’']est){_S}pas{_S}(?:ouvert{_S}|joignable{_S})?(?:le|les|la){_S}{_PERIOD}"
)
_IS = (
    r"(?:est|reste|répond|écoute|accueille|reçoit|fonctionne|joignable|accessible|disponible|ouvert|aussi|seulement|"
    r"uniquement|et|te|vous|t[’']écoute|gratuit|anonyme|confidentiel|tous|les|jours|toute|l[’']année|le|un|"
    r"numéro|service|ligne|horaires?|mais)"
)
# "119 – Enfance en danger : …", "| 119 | Enfance | …": the name of the line may stand between.
_ELSEWHERE = (
    r"ou|et|puis|sinon|mais|viens|venez|passe[rz]?|pousse|pour|chez|notre|nos|accueil|permanence|ccas|mairie|maison|"
    r"centre|bureau|local|atelier|club|guichet|écri[st]|si|quand|quelqu"
)
_NAMED = rf"(?:{_S}*[(|,:–—-]{_S}*(?!(?:{_ELSEWHERE})\b)(?:(?!\b(?:{_ELSEWHERE})\b)[^|.:;()\d\n–—]){{2,40}}[|:)–—,])?"
_GAP = rf"{_NAMED}(?:[\s,:()|–—-]|\b{_IS}e?s?(?![\w’'-]))*"
# "…, de 9 h à 18 h, le CCAS t’accueille": these hours are those of what follows.
_OWN = rf"(?!{_S}*,{_S}*(?:(?:le|la|notre|nos|ton|votre){_S}(?!{_PERIOD})|l[’']))"
_BEHIND_HOURS = re.compile(rf"{_GAP}(?<!\w)(?P<claim>{_FROM_TO}){_OWN}(?!{_S}?\d)", _I)
_BEHIND_DAYS = re.compile(rf"{_GAP}(?:{_FROM_TO})?[\s,]*(?<!\w)(?P<claim>{_SOME_DAYS}|{_CLOSED}){_OWN}", _I)
_CALL = rf"{_S}?,?{_S}(?:tu{_S}peux{_S})?(?:appel\w+|compose[rz]?|joins){_S}(?:vite{_S})?(?:le{_S})?$"
_AHEAD_HOURS = re.compile(rf"{_S}*(?:(?:{_SOME_DAYS})[\s,]*)?(?P<claim>{_FROM_TO}){_CALL}", _I)
_AHEAD_DAYS = re.compile(rf"{_S}*(?P<claim>{_SOME_DAYS})[\s,]*(?:{_FROM_TO})?{_CALL}", _I)
_COST = (
    rf"(?<!non{_S})(?<!pas{_S})(?:payante?s?|surtaxée?s?)\b|(?:au{_S})?(?:co[ûu]t|prix|tarif){_S}(?:d[’']un{_S}appel|d[’']une{_S}"
    rf"communication|normal|local)(?:{_S}(?:local|national|normal))?|\d+(?:[.,]\d+)?{_S}?(?:€|euros?|centimes?){_S}?"
    rf"(?:/|par|la){_S}?(?:min|appel)\w*"
)
_BEHIND_COST = re.compile(rf"{_GAP}(?:appel{_S}|numéro{_S})?(?<!\w)(?P<claim>{_COST})", _I)
_AHEAD_COST = re.compile(
    rf"(?P<claim>(?:numéro|appel|ligne){_S}(?:payant|surtaxé)e?){_S}*(?::|au|,)?{_S}*(?:le{_S})?$", _I
)


_PAID = ("ayant", "urtax", "oût", "out d", "rix", "arif", "€", "euro", "centime")  # most sentences have none of these


def fewer_hours(lead: str, trail: str) -> str:
    """The words that leave out some hours of a day; "" when none do.

    Args:
        lead, trail: the words of the sentence before and behind a number.
    """
    return _claim(_BEHIND_HOURS.match(trail) or _AHEAD_HOURS.match(lead))


def fewer_days(lead: str, trail: str) -> str:
    """The words that leave out some days of a week; "" when none do."""
    return _claim(_BEHIND_DAYS.match(trail) or _AHEAD_DAYS.match(lead))


def costs(lead: str, trail: str) -> str:
    """The words that say that a call is paid; "" when none do."""
    if not any(word in lead or word in trail for word in _PAID):
        return ""
    return _claim(_BEHIND_COST.match(trail) or _AHEAD_COST.search(lead))


def _claim(match: re.Match[str] | None) -> str:
    return " ".join(match["claim"].strip(" ,;:.)|").split()) if match else ""
