"""Whether a short number is meant as one: "le 15" may be a day, "appelle le 15" is not.

A number of two to six digits is everywhere in a text. It is taken for a telephone number by the words around it.
"""

from __future__ import annotations

import re

_I = re.IGNORECASE
_ORGAN = (
    r"samu(?: social)?|police(?: secours| nationale)?|(?:sapeurs-)?pompiers?|gendarmerie|secours|"
    r"urgences?(?: médicales?| européen(?:ne)?s?| en europe| par sms)?|enfance en danger|enfants disparus|"
    r"emergenc(?:y|ies)|ambulance|fire brigade"
)
_BID = (
    r"(?:r?appel(?:le[rz]?|ez|er|ons)|appelle|compos(?:e[rz]?|ons)|fai(?:s|tes|re)|tape[rz]?|joindre|joignables?|"
    r"contacte[rz]?|prévien(?:s|dre)|prévenez|prévenir|alerte[rz]?|téléphone[rz]?|dial|call|text|"
    r"sms|texto|message|écri(?:s|vez|re))"
)
_IDLE = r"(?!avant\b|dès\b|jusqu|pour\b|vers\b|depuis\b|partir\b|ici\b|entre\b|après\b)"
# "appelle vite le", "un SMS au", "faites le": at most two words between the verb and "le".
_BIDDEN = re.compile(
    rf"\b{_BID}(?:-\w+)?(?:[ \n]{_IDLE}[^\W\d][\w’']*){{0,3}}[ \n](?:le|au|the)[ \n]$|\b{_BID}[ \n:]{{1,3}}$", _I
)
_NAMED_LEFT = re.compile(rf"\b(?:{_ORGAN})(?:[ \n]*[(:=,-]+[ \n]*(?:au |le )?|[ \n]au[ \n]|[ \n])$", _I)
_DANGER = re.compile(r"\b(?:danger|détresse|besoin)[ \n]*[(:=,]+[ \n]*(?:au |le )?$", _I)
_NAMED_RIGHT = re.compile(rf"[ \n]*(?:[(:=-]|pour\b)[ \n]*(?:le |la |les |l[’'])?(?:{_ORGAN})\b", _I)
_CALLED = re.compile(
    rf"(?:\b{_BID}\b|\bnum[ée]ros?\b|\bn°|\bt[ée]l\b\.?|[☎📞📱]|\bcontacts?\b|"
    r"\bt[ée]l[ée]phon|\bhotline|\bappel|\bligne d.[ée]coute|\ballô)"
    r"[^.!?\d\x01]{0,40}$",
    _I,
)
_POINTED = re.compile(
    r"(?:\b(?:le|au|du)[ \n]|[☎📞📱]️?[ \n\u200b]*|[(:=][ \n]?|\bn°[ \n]?|\bnum[ée]ro[ \n](?:\w+[ \n])?)$", _I
)
_ARTICLE = re.compile(r"(?:\b(?:le|au|du)[ \n]|[(:=][ \n]?)$", _I)
# "Llama al", "Zadzwoń pod", "اتصل بالرقم": posts are written in the languages of those who read them.
_BIDDEN_ELSEWHERE = re.compile(
    r"(?:\b(?:llam\w+|marque|marca|lig(?:a|ue|ar)|zadzwo\w+|dzwo\w+|chiam\w+|sunați|telefon\w*|rufen?|arayın)\b|اتصل|رقم|"
    r"\bпозвон\w+|\bзвони\w*)[^.!?\d\x01]{0,25}$",
    _I,
)
_ANSWERS = re.compile(
    r"[ \n](?:te |vous |nous )?(?:répond|écoute|est (?:ouvert|fermé|joignable|gratuit|anonyme|payant)\b)|"
    r"(?:,|[ \n]:)[ \n](?:c.est |est )?(?:le |un )?num[ée]ro\b",
    _I,
)
# "119 : fermé le dimanche" at the beginning of a line.
_FIRST = re.compile(r"(?:^|[.!?:…|][ \n]+|\n)[^\w\n]{0,4}$")
_TELLS = re.compile(
    r"[ \n]?(?:[:(,-]|est|répond)[ \n](?:est |appel )?(?:toujours |aussi )?(?:ouvert|fermé|gratuit|payant|"
    r"anonyme|24|7[ /]|\x01|jour et nuit|du (?:lundi|mardi)|tous les jours|de |en semaine|joignable|numéro|coût|"
    r"prix|surtaxé|urgence)|[ \n]:[ \n][^:\n]{2,40}[ \n]:[ \n]"  # two cells
    r"|[ \n]?\((?:appel |numéro )?(?:gratuit|payant|coût|prix|24|\x01|ouvert|fermé|surtaxé)",
    _I,
)
TURNED = ("51", "71", "81")  # 15, 17 and 18 by a slip; "Samu 51" is also that of the Marne
# Nobody composes a day: two digits of no French number stand there by a slip.
_COMPOSED = re.compile(r"\b(?:compos(?:e[rz]?|ons)|fai(?:s|tes|re))(?:-\w+)?(?:[ \n]vite)?[ \n]le[ \n]$", _I)
_ENDED = re.compile(r"[ \n]?(?:[.,;:!?)]|$|(?:et|ou|pour)\b)")
_COLON = re.compile(r"[:(=][ \n]?$")
_TOLD = re.compile(r"(?:[(:=][ \n]?(?:le[ \n])?|\b(?:le|au)[ \n])$", _I)
_DRAWN = re.compile(r"\bgagnant|\btirage|\bprix\b|\bloterie|\btombola", _I)
_CHAIN = re.compile(r"[ \n)]*(?:,|/|-|;|ou|et|puis)?[ \n]*(?:ou|et|puis)?[ \n]*(?:le|au|du)?[ \n(]*", _I)

_NOT_AFTER = re.compile(
    r"(?:\d[ \n]*|\w[-/])$|\b(?:bus|lignes?|métro|tram|tramway|rer|train|route|autoroute|rn|salles?|chambre|bureau|"
    r"porte|appartement|appt|bât|bâtiment|étage|quai|voie|pages?|p\.|chapitre|tome|volume|rue|avenue|boulevard|code|lot|"
    r"article|art\.|articles|loi|décret|arrêté|norme|iso|version|réf\.?|référence|dossier|facture|commande|"
    r"formulaire|cerfa|lettre|édition|épisode|saison|peugeot|renault|citroën|nokia|boeing|airbus|casier|boîte|bp|cs|"
    r"parcelle|les|des|aux|ces|nos|vos|ses|leurs|quelque|quelques|environ|plus de|moins de|près de|"
    r"entre(?: le| les)?|dossard|billet|total de|"
    r"soit|vers|dont|avant le|après le|dès le|depuis le|jusqu.au|à partir du|en|an|année|match|score|points)"
    r"(?:[ \n](?:n°|numéro|no))?[ \n:]*$",
    _I,
)
_NOT_BEFORE = re.compile(
    r"[ \n]?(?:\x01|€|%|°|er\b|ème\b|e\b|(?:bis|ter)\b|[/-][ \n]?\d|[.,:]\d)"
    r"|,?[ \n](?:bis,? |ter,? )?(?:de (?:la |l[’'])|du )?"
    r"(?:rue|avenue|av\.|bd|boulevard|place|allée|chemin|impasse|quai|square|cours|passage|"
    r"route|villa|esplanade|résidence|faubourg|sentier)\b"
    r"|[ \n]?au[ \n]\d|[ \n]sur[ \n]\d|[ \n]heures?\b|[ \n]sms\b",
    _I,
)
_MANY = re.compile(r"[ \n]([a-zà-ÿ’]{3,}[sx])\b")
_NOT_MANY = frozenset(
    """
    dans sans puis depuis mais nous vous tous toutes vers pas plus toujours alors après très ces ses les des mes tes
    nos vos leurs lors sous chez ils elles gratuits anonymes secours aux dès parfois ensuite jamais moins jours
    """.split()  # noqa: SIM905
)
HELP = re.compile(
    r"violen|suicid|urgen|enfance|\bsos\b|[ée]coute|num[ée]ro vert|24 ?h(?:eures)? ?(?:/|sur) ?24|\bviols?\b|"
    r"\bviolées?\b|harc[eè]l|victime|en danger|secours|\bsamu\b|pompier|\bpolice|gendarm|anonyme|d[ée]tresse|maltrait|"
    r"addict|drogue|sans.abri|h[ée]bergement d",
    _I,
)
_WIDE, _NEAR = 100, 60  # characters in which a word of help counts


def near_help(text: str, start: int, end: int, reach: int = _WIDE) -> bool:
    """Whether words of help or danger stand close to these characters."""
    return HELP.search(text, max(0, start - reach), end + reach) is not None


def is_chained(between: str) -> bool:
    """Whether two numbers are told in one breath: "le 15, le 17 ou le 18"."""
    return _CHAIN.fullmatch(between) is not None


def meant(text: str, start: int, end: int, digits: str, *, known: bool, joined: bool, odd: bool = False) -> bool:
    """Whether this is a short number for telephones.

    Args:
        text: blotted (`noise.blotted`).
        digits: two to six.
        known: it stands in a record or in the deny-list.
        joined: no hyphen, slash or dot stands between its digits.
        odd: it is written as quantities are, "3 919".
    """
    left = text[max(0, start - 60) : start]
    if _counts(left, text, end):
        return False
    if digits in TURNED:
        return _TOLD.search(left) is not None and bool(_BIDDEN.search(left) or _NAMED_LEFT.search(left))
    if len(digits) == 2 and digits[0] != "1":
        return bool(_COMPOSED.search(left) and _ENDED.match(text, end)) and near_help(text, start, end)
    if _BIDDEN.search(left) or _NAMED_LEFT.search(left) or _DANGER.search(left) or _NAMED_RIGHT.match(text, end):
        return True
    if odd and len(digits) == 4 and _COLON.search(left) and (known or _TELLS.match(text, end)):
        return near_help(text, start, end, _NEAR)
    if len(digits) < 3 or odd:
        return False
    if len(digits) == 3:
        told = (
            _ARTICLE.search(left) or _BIDDEN_ELSEWHERE.search(left) or (_FIRST.search(left) and _TELLS.match(text, end))
        )
        return known and digits != "118" and bool(told)
    pointed = _POINTED.search(left) is not None
    called = bool(_CALLED.search(left) or _BIDDEN_ELSEWHERE.search(left))
    helped = near_help(text, start, end, _NEAR)
    if not digits.startswith(("3", "116", "118")):
        return called and pointed and not digits.startswith(("19", "20"))
    if joined and len(digits) == 4 and (known or (helped and digits.startswith(("30", "31", "39")))):
        return True
    if pointed and len(digits) == 4 and _ANSWERS.match(text, end):
        return True
    return called or (helped and (known or pointed)) or (known and joined and pointed)


def counts(text: str, start: int, end: int) -> bool:
    """Whether a number numbers or counts something: "bus 188", "3114 logements"."""
    return _counts(text[max(0, start - 60) : start], text, end)


def _counts(left: str, text: str, end: int) -> bool:
    """It numbers or counts something: "bus 188", "3114 logements", "au 15 rue de l'Exemple"."""
    if _NOT_AFTER.search(left) or _DRAWN.search(left) or _NOT_BEFORE.match(text, end):
        return True
    things = _MANY.match(text, end)
    return things is not None and things[1] not in _NOT_MANY
