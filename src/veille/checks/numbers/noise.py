"""What looks like a telephone number and is none: addresses, dates, times, prices, registration numbers.

It is blotted out before anything is looked for, character by character, so that offsets stay true.
"""

from __future__ import annotations

import re

BLOT = "\x01"
# Not inside a longer row of digits, and nothing of such a row behind it: somebody writes a number with odd signs.
_FIRST = r"(?<!\d)(?<!\d[ \n/.\-\u200b])(?<!\d [/\-] )"
_LAST = r"(?![ \n./\-\u200b]{0,3}\d)"
_MONTHS = "janv|févr|fevr|mars|avr|mai|juin|juil|ao[uû]t|sept|oct|nov|déc|dec"
_S = r"[ \n]"
_THINGS = (
    r"(?:k|M|m)?€|euros?\b|EUR\b|millions?\b|milliards?\b|%|‰|°|m²|km|cm|mm|m(?![\w’'])|kg|mg|g(?![\w’'])|ml|cl|litres?\b|l(?![\w’'])|kWh|"
    r"ans?\b|mois\b|jours?\b|semaines?\b|heures?\b|min\b|minutes?\b|points?\b|personnes?\b|habitants?\b|hab\b"
)
_COUNTED = (("SIRET", 14), ("SIREN", 9), ("RCS", 9), ("ISBN", 13), ("ISBN", 10), ("ISSN", 8), ("EAN", 13), ("NIR", 15))
_REGISTERED = "|".join(rf"\b{name}\b[^\d\n]{{0,25}}(?:\d[ .\-]?){{{size}}}(?!\d)" for name, size in _COUNTED)
_SENT = re.compile(
    r"(?:https?://|www\.)\S+|(?<![\w.+-])[\w.+-]+@[\w.-]+\w|[#@](?!\w*0[1-9]\d{7})\w*[^\W\d_]\w*"
    r"|\b[\w-]+(?:\.[\w-]+)*\.(?:fr|org|com|net|eu)/\S*"
)
_SENT_SIGNS = re.compile(r"[@#]|://|www\.|\.\w+/")
_BANK = r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b|\bRIB\b\D{0,10}(?:\d ?){21}\d\d?"
_BOOK = r"(?<![\d+])97[89](?:[ -]?\d){10}(?!\d)|\bW\d{9}\b|\bFR ?\d\d(?: ?\d{3}){3}\b|\b\d{5}\*\d\d\b"
_MINUTES = r"(?:[ ]?[0-5]\d(?![ .-]?\d))?"
_ALL_DAY = (
    rf"\b24 ?h(?:eures)?{_S}?(?:/|sur){_S}?24|\b7 ?j(?:ours)?{_S}?(?:/|sur){_S}?7"
    r"|\b(?:24/24|24/7|7/7)(?![ \n./\-\u200b]{0,3}\d)"
)
_TIME = rf"(?<![\d.])\d{{1,2}}(?: ?h(?:eures?)?(?!\w)(?<=[hs]){_MINUTES}| ?h[0-5]\d(?!\d)|:[0-5]\d)(?!\d)"
_CLOCKS = rf"{_FIRST}[012]?\d\.[0-5]\d(?:[ ]?-[ ]?|[ ])[012]?\d\.[0-5]\d{_LAST}"
_DATE = (
    r"(?<!\d)(?<!\d[/.-])(?:0?[1-9]|[12]\d|3[01])(?P<_1>[/.-])(?:0?[1-9]|1[0-2])(?P=_1)(?:19|20)\d\d(?!\d)"
    rf"|{_FIRST}(?:0?[1-9]|[12]\d|3[01])(?P<_2>[/.-])(?:0?[1-9]|1[0-2])(?P=_2)[0-49]\d(?![/.-]?\d)(?!\w)"
    r"|(?<!\d)(?:19|20)\d\d[-/.](?:0?[1-9]|1[0-2])[-/.][0-3]?\d(?!\d)"
    rf"|\b[0-3]?\d(?:er)?(?:{_S}?(?:,|et|ou|au|-|/|&){_S}?(?:le{_S}|les{_S})?[0-3]?\d(?:er)?){{0,6}}{_S}"
    rf"(?:{_MONTHS})[a-zéû]*\.?(?:{_S}(?:19|20)\d\d)?(?!\d)"
)
_AMOUNT = rf"{_FIRST}(?:[1-9]\d{{0,2}}(?:[ .]\d{{3}})+|\d{{1,7}})(?:,\d+)?{_S}?(?:{_THINGS})"
_DECIMAL = r"(?<![\d.])-?(?!080\d)\d+,\d+(?!\d)|" + _FIRST + r"-?(?:[1-9]\d{0,2}|0(?!\.8))\.\d{4,}(?![\d.])|[$£] ?\d+"
_POSTCODE = _FIRST + r"(?:F-)?(?:0[1-9]|[1-8]\d|9[0-8])\d{3}(?=[ \n][A-ZÀ-Ý])"
_STARTS = r"(?=[-\d$£A-Z])"  # nothing else begins one: most of a text is passed over at once
_ALL = (_REGISTERED, _BANK, _BOOK, _ALL_DAY, _DATE, _TIME, _CLOCKS, _DECIMAL, _AMOUNT, _POSTCODE)
_NOISE = re.compile(f"{_STARTS}(?:{'|'.join(_ALL)})")


def blotted(text: str) -> str:
    """The same text with everything that is no number for telephones blotted out.

    Args:
        text: in plain characters (`finder.plain`).
    """
    if _SENT_SIGNS.search(text):
        text = _SENT.sub(_blot, text)
    return _NOISE.sub(_blot, text)


def _blot(match: re.Match[str]) -> str:
    return BLOT * len(match[0])
