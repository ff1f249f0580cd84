"""French typography on runs of plain text: spaces that do not break, guillemets, apostrophes.

Rules of the Imprimerie nationale (Lexique, 2002): U+202F before ; ! ? and inside « », U+00A0 before : and
between a number and what it counts. Addresses, times such as 18:30, hashtags and entities are never touched, and
nothing changes in another language than French. Applying it twice changes nothing.

Signs that stand for the point médian (mineur∙e∙s, lecteur.rice.s) become U+00B7, the one that screen readers and
fonts know.
"""

from __future__ import annotations

import re
from functools import lru_cache

NARROW = "\u202f"
NBSP = "\u00a0"

_SPACE = f"[ {NBSP}{NARROW}]"
_MONTHS = "janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre"
_UNITS = f"%|€|°|h|min|s|km|m|cm|kg|g|l|ans?|euros?|mois|jours?|j/7|h/24|{_MONTHS}"

# Every alternative of the next pattern has one of "@#&", or ":." before a letter. Written so that the engine jumps from
# sign to sign: a pattern that begins with a choice looks at every letter, which takes three times as long.
_SIGN_OF_PROTECTED = re.compile(r"[@#&:.](?:(?<=[@#&])|\S)")

# What must keep its exact characters: web and mail addresses, hashtags, handles, entities.
_PROTECTED = re.compile(
    r"(?:https?://|www\.)\S+"
    r"|(?:mailto|tel|sms):\S+"
    r"|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?<![\w.-])[\w-]+(?:\.[\w-]+)*\.(?:fr|org|com|net|eu|be|ch|info|io)(?![\w])(?:[/?#]\S*)?"
    r"|[#@]\w+"
    r"|&\#?\w+;"
)

# A rule costs a look at every letter, so those that cannot find anything are left out: before each group stands what
# a text must hold for one of its rules to apply.
_Rules = tuple[tuple[re.Pattern[str], str], ...]
_RULES: tuple[tuple[re.Pattern[str], _Rules], ...] = tuple(
    (re.compile(sign), tuple((re.compile(pattern), replacement) for pattern, replacement in rules))
    for sign, rules in (
        (
            r"\.\.\.|['\"«»]",
            (
                (r"(?<!\.)\.{3}(?!\.)", "…"),
                (r"(?<=[^\W\d_])'(?=[^\W\d_«])", "’"),
                (r"(?:(?<=^)|(?<=[\s(]))\"(?=[^\s\"])([^\"«»]*[^\s\"«»])\"(?=[\s.,;:!?)…]|$)", r"«\1»"),
                (rf"«{_SPACE}*(?=\S)", f"«{NARROW}"),
                (rf"(?<=\S){_SPACE}*»", f"{NARROW}»"),
            ),
        ),
        (
            r"[;!?]",
            (
                (rf"(?<=[\w»)\]…%€’]){_SPACE}*(?=[;!?](?![\w)/=-]))", NARROW),
                (rf"(?<=\S){_SPACE}+(?=[;!?](?![\w)/=-]))", NARROW),
            ),
        ),
        (
            ":",
            ((rf"(?<=[\w»)\]…%€’]){_SPACE}*:(?=\s|{_SPACE}|$)", f"{NBSP}:"),),
        ),
        (
            r"\d",
            (
                (rf"(?<![\w,.:])(\d{{1,2}}){_SPACE}?[hH]{_SPACE}?(\d{{2}})(?![\w])", rf"\1{NBSP}h{NBSP}\2"),
                (rf"(?<![\w,.:])(\d{{1,2}}){_SPACE}?h(?!\w)", rf"\1{NBSP}h"),
                (rf"(?<![\w,.:])(\d){_SPACE}?j(?=/7)", rf"\1{NBSP}j"),
                (rf"(?<=\d){_SPACE}*(?=[%€])", NBSP),
                (rf"(?<=\d) (?=(?:{_UNITS})(?!\w))", NBSP),
                (rf"(?<=\d)er (?=(?:{_MONTHS})(?!\w))", f"er{NBSP}"),
                (r"(?<=\d) (?=\d)", NBSP),  # 1 700, 39 19, 01 99 00 12 34: one number, one line
                (r"(?<![\w])([nN]°) ?(?=\d)", rf"\1{NBSP}"),
            ),
        ),
    )
)
_ANY_SIGN = re.compile(r"['\"«»;!?:\d]")  # what one of them needs to begin with, unless it is "..."

_LETTER = r"[^\W\d_]"
_DOT = re.compile("[\u2219\u2022\u22c5\u2027\u30fb]")
_DOTS = re.compile(rf"(?<={_LETTER}){_DOT.pattern}(?={_LETTER})")
# A full stop or a hyphen only where a feminine follows that fits: "lecteur.rice.s", never "vient-elle" or "a.b".
_FITTING = (
    r"(?:(?<=[dtsrlnéiuDTSRLNÉIU][.-])e|(?<=[eo]n[.-])ne|(?<=el[.-])le|(?<=t[.-])te|(?<=eur[.-])se|(?<=eux[.-])se"
    r"|(?<=eur[.-])(?:euse|rice|trice)|(?<=er[.-])i?ère|(?<=if[.-])i?ve|(?<=tous[.-])te)"
)
_TAIL = re.compile(rf"[.-]{_FITTING}(?:[.-]?s)?(?![^\W_])", re.I)  # all of it that can be looked for at speed
_STOPS = tuple(
    re.compile(rf"(?<![\w@/.·-]){start}({_LETTER}{{3,}})([.-])({_FITTING}){end}(?![\w@/·]|[.-]\w)", re.I)
    for start, end in (("", r"\2(s)"), (r"(?![a-z]+\.es)", "(s?)"))  # visitmadrid.es is an address
)

POINTED = re.compile(
    rf"(?<![\w@/·])({_LETTER}{{2,}})·(e|ne|le|te|fe|ve|se|rice|trice|euse|i?ère|i?ve|que|e?sse|celles|elle|tes|es|nes|les"
    r"|rices|trices|euses|ses|i?ères|i?ves)(?:·?([sx]))?(?![\w·])",
    re.I,
)
"""A word with points médians: what stands before the first, the feminine ending, the sign of the plural."""


def points(text: str) -> str:
    """The text with U+00B7 for every sign that stands for a point médian; as long as before.

    A bullet at the beginning of a line, an address and a hyphen between two words stay what they are.
    """
    if _DOT.search(text):
        text = _DOTS.sub("·", text)
    if _TAIL.search(text):
        text = _STOPS[0].sub(r"\1·\3·\4", text)
        text = _STOPS[1].sub(r"\1·\3\4", text)
    return text


def french(text: str, lang: str = "fr", *, before: str = "", after: str = "") -> str:
    """Apply French typography to a run of plain text.

    Args:
        text: no markup; a run between two tags, or a title.
        lang: language tag of the text; anything but French comes back unchanged.
        before, after: the neighbouring characters when the run is a part of a sentence, so that `**Viens** !`
            and `l'**eau**` come out right. They are read, not returned.
    """
    if not lang.lower().startswith("fr") or not text:
        return text
    left, right = before[-1:], after[:1]
    parts = _set(left + text + right)
    return parts[len(left) : len(parts) - len(right)]


def _ruled(text: str) -> str:
    for sign, rules in _RULES:
        if sign.search(text):
            for pattern, replacement in rules:
                text = pattern.sub(replacement, text)
    return text


@lru_cache(maxsize=4096)  # every letter and page names the same contacts
def _set(text: str) -> str:
    """Hide what is protected behind one letter-like character each, set the rest, put it back."""
    kept: list[str] = []

    def hide(match: re.Match[str]) -> str:
        kept.append(match[0])
        return "\ue000"

    text = text.replace("\ue000", "")
    text = points(_PROTECTED.sub(hide, text) if _SIGN_OF_PROTECTED.search(text) else text)
    if _ANY_SIGN.search(text) or "..." in text:
        text = _ruled(text)
    found = iter(kept)
    return re.sub("\ue000", lambda _match: next(found), text) if kept else text
