"""Slips of fingers, scanners and the clipboard: look-alike letters, stray spaces, broken words, pasted buttons."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from veille.checks.french.pieces import Piece
from veille.checks.lists import lines
from veille.checks.rules import Rule, mark
from veille.checks.subjects import Role, Subject
from veille.editions import Edition
from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.posts import Post

LOOK_ALIKE = Rule(
    "look-alike",
    mark("A letter that only looks right"),
    mark(
        "A screen reader reads nonsense, search does not find the word; it comes from a scan or from another keyboard."
    ),
    mark("Type the word again."),
    wrong="répondre à Ieur situation",
    right="répondre à leur situation",
    severity=Severity.WARNING,
)
SPACING = Rule(
    "spacing",
    mark("A space too many, or one that is missing"),
    mark("It breaks a word or a line at the wrong place, and looks careless where people look for something to trust."),
    mark("Delete the space, or add the missing one. Spaces before ; : ! ? are set for you."),
    wrong="Hauts-de- Seine, l’ appel, etc. )",
    right="Hauts-de-Seine, l’appel, etc.)",
    severity=Severity.WARNING,
    source="Lexique des règles typographiques en usage à l’Imprimerie nationale, 2002",
)
BROKEN = Rule(
    "broken-word",
    mark("A word broken at the end of a line"),
    mark("Lines are joined with a space when the post is shown: a gap stays in the middle of the word."),
    mark("Write the whole word on one line."),
    wrong="Bourg-la-\nReine",
    right="Bourg-la-Reine",
    severity=Severity.WARNING,
)
PASTED = Rule(
    "pasted-text",
    mark("Something of a web page was copied with the text"),
    mark("Buttons and bullets that do nothing here confuse readers and are read aloud by screen readers."),
    mark("Delete the line; begin the items of a list with “- ”."),
    wrong="• Un repas chaud à midi",
    right="- Un repas chaud à midi",
    severity=Severity.WARNING,
)
RULES = (LOOK_ALIKE, SPACING, BROKEN, PASTED)

_LETTER = "[^\\W\\d_]"


@dataclass(frozen=True)
class _Slip:
    """One kind.

    Args:
        needles: one of them is in every text that has it, as `str.find` is fast.
        pattern: its first group is what is wrong, or the whole.
        says: message and hint for what was found.
    """

    rule: Rule
    needles: tuple[str, ...]
    pattern: re.Pattern[str]
    says: Callable[[str], tuple[str, str]]


def _gap(found: str) -> tuple[str, str]:
    hint = _("write it without the space: {word}").format(word=re.sub(r"\s+", "", found))
    return _("there is a space inside “{word}”").format(word=" ".join(found.split())), hint


def _stray(found: str) -> tuple[str, str]:
    return _("there is a space before “{mark}”").format(mark=found.strip()), _("delete it")


def _behind(found: str) -> tuple[str, str]:
    return _("there is a space behind “{mark}”").format(mark=found.strip()), _("delete it")


def _twice(_found: str) -> tuple[str, str]:
    return _("there are several spaces between two words"), _("leave one")


def _missing(found: str) -> tuple[str, str]:
    return _("a space is missing in “{words}”").format(words=found), _("put one behind the mark")


def _broken(found: str) -> tuple[str, str]:
    word = re.sub(r"\s+", "", found)
    message = _("a word is broken at the end of the line and will show as “{shown}”").format(
        shown=" ".join(found.split())
    )
    return message, _("write it on one line: {word}").format(word=word)


def _capital_i(found: str) -> tuple[str, str]:
    message = _("“{word}” has a capital I in the place of an l").format(word=found)
    return message, _("type it again: {word}").format(word=found.replace("I", "l"))


def _foreign(found: str) -> tuple[str, str]:
    message = _("“{word}” has a letter of another alphabet that looks like one of ours").format(word=found)
    return message, _("type the whole word again")


def _digit(found: str) -> tuple[str, str]:
    return _("“{word}” has a digit among its letters").format(word=found), _("type the word again with letters")


_AFTER_HYPHEN = r"(?!(?:et|ou|ni|puis|à|comme)\b)"  # "socio- et médico-culturel" is right
_SLIPS = (
    _Slip(SPACING, ("- ",), re.compile(rf"({_LETTER}[\w-]*- +{_AFTER_HYPHEN}{_LETTER}[\w-]*)"), _gap),
    _Slip(
        SPACING,
        ("' ",),
        re.compile(rf"(?<![\w'’])((?:[ldjtmnsc]|qu|jusqu|lorsqu|puisqu|quoiqu|aujourd)' +{_LETTER}+)", re.IGNORECASE),
        _gap,
    ),
    _Slip(SPACING, (" '",), re.compile(rf"(?<![\w'])((?:[ldjtmnsc]|qu) +'{_LETTER}+)", re.IGNORECASE), _gap),
    _Slip(SPACING, (" )",), re.compile(r"(?<=[\w.…!?»%€'])( +\))"), _stray),
    _Slip(SPACING, ("( ",), re.compile(r"(?<![:;=])(\( +)(?=\w)"), _behind),
    _Slip(SPACING, (" ,", " ."), re.compile(r"(?<=[\w»)%€])( +(?:,|\.(?![\w.])))"), _stray),
    _Slip(SPACING, ("  ",), re.compile(r"(?<=[^\s.!?…:|•>-])( {2,})(?=[^\s|])"), _twice),
    _Slip(
        SPACING, (".", ","), re.compile(r"([a-zà-ÿ]{3,}(?:\.[A-ZÀ-ÝŒ][a-zà-ÿ]+|,[a-zà-ÿ]{2,}))(?![\w.(]|-)"), _missing
    ),
    _Slip(BROKEN, ("-\n", "- \n"), re.compile(rf"({_LETTER}[\w-]*- *\n\s*{_AFTER_HYPHEN}{_LETTER}[\w-]*)"), _broken),
    _Slip(
        LOOK_ALIKE,
        ("I",),
        re.compile(
            r"(?<![\w-])(I(?:eurs?|es?|a|à|ui|ors|orsque|ongue?s?|ogements?|ocaux|ocale?s?|ieux?|iens?|ignes?|ibres?|ycées?|"
            r"undi|utte|ivres?|oin|arge|ettres?|ire)|I'(?=[aeiouyhéèêâî])\w+|[a-zà-ÿ]+I+[a-zà-ÿ]*)(?!\w)"
        ),
        _capital_i,
    ),
    _Slip(
        LOOK_ALIKE,
        ("0", "1"),
        re.compile(
            r"(?<![\w./@#-])([A-Za-zÀ-ÿ]*[a-zà-ÿ][01][a-zà-ÿ]{2,}|0[a-zà-ÿ]{3,}|0(?:n|ù|ui)"
            r"|1(?:undi|eurs?|ycées?|ogements?|ettres?|ivres?|ieux?|utte|ibres?|ocaux|ocale?s?|orsque?|ignes?))(?![\w@])"
        ),
        _digit,
    ),
)
_FOREIGN = re.compile("[\u0370-\u03ff\u0400-\u04ff]")
_MIXED = re.compile(r"\w*(?:[A-Za-zÀ-ÿ][\u0370-\u03ff\u0400-\u04ff]|[\u0370-\u03ff\u0400-\u04ff][A-Za-zÀ-ÿ])\w*")
_ITEM = re.compile(r"\s*>\s*[A-ZÀ-ÝŒ0-9][^«»]*$")
_DECOR = " .:!?…→»›>-–—•*+|\u00a0\u202f"


def slips(subject: Subject, pieces: Sequence[Piece]) -> Iterator[Finding]:
    """Look at every text."""
    for piece in pieces:
        yield from _typed(piece)
        if piece.role is Role.SOCIAL:
            yield from _bullets(piece)
        if piece.role in (Role.BODY, Role.HEADING, Role.SOCIAL, Role.SUMMARY):
            yield from _pasted(piece)
    yield from _quoted(subject)


def _typed(piece: Piece) -> Iterator[Finding]:
    plain = piece.plain
    for slip in _SLIPS:
        if any(needle in plain for needle in slip.needles):
            for found in slip.pattern.finditer(plain):
                start, end = found.span(1)
                yield slip.rule.at(piece.text, start, end, *slip.says(piece.text.content[start:end]))
    if _FOREIGN.search(plain):
        for found in _MIXED.finditer(plain):
            yield LOOK_ALIKE.at(piece.text, *found.span(), *_foreign(found[0]))


def _pasted(piece: Piece) -> Iterator[Finding]:
    if len(piece.plain) > 400 and "\n" not in piece.plain:
        return
    offset = 0
    for line in piece.plain.split("\n"):
        if len(line) < 60 and line.strip(_DECOR).lower() in _boilerplate():
            message = _("“{line}” was copied from a web page").format(line=line.strip())
            yield PASTED.at(piece.text, offset, offset + len(line), message, _("delete this line"))
        elif line.lstrip()[:1] in ("•", "▪", "◦", "●", "■", "►", "‣") and piece.role is Role.BODY:
            start = offset + len(line) - len(line.lstrip())
            yield PASTED.at(piece.text, start, start + 1, *_bullet(line.lstrip()[0]))
        offset += len(line) + 1


def _bullet(mark_: str) -> tuple[str, str]:
    message = _("this line begins with “{mark}”, which makes no list").format(mark=mark_)
    return message, _("begin each item with “- ”")


def _bullets(piece: Piece) -> Iterator[Finding]:
    for found in re.finditer(r"(?m)^>(?= ?\S)", piece.plain):
        yield PASTED.at(piece.text, found.start(), found.end(), *_bullet(">"))


def _quoted(subject: Subject) -> Iterator[Finding]:
    """Lines of the body that begin with ">" and are items, not a quotation: each begins with a capital."""
    source = subject.source
    if not isinstance(source, Post | Edition) or not subject.lang.lower().startswith("fr") or ">" not in source.body:
        return
    run: list[int] = []
    rows = source.body.splitlines()
    for number, row in enumerate([*rows, ""]):
        if row.lstrip().startswith(">") and row.strip(" >"):
            run.append(number)
            continue
        if len(run) > 1 and all(_ITEM.match(rows[at]) for at in run):
            yield from (_item(source, at, rows[at]) for at in run)
        run = []


def _item(source: Post | Edition, at: int, row: str) -> Finding:
    message, hint = _bullet(">")
    line, column = source.body_line + at, row.index(">") + 1
    return Finding(source.file, line, None, message, hint, PASTED.code, PASTED.severity, column, row.strip()[:60])


@cache
def _boilerplate() -> frozenset[str]:
    return frozenset(line.replace("’", "'").strip(_DECOR) for line in lines("boilerplate.txt"))
