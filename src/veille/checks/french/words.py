"""Words of the administration that have a plainer one, and names that are no longer used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from veille.checks.french.lexicon import Entry, Hit, find, plain_words
from veille.checks.french.pieces import Piece
from veille.checks.rules import Rule, mark
from veille.checks.subjects import Role, Subject
from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.posts import Audience, Post

ADMINISTRATIVE = Rule(
    "administrative-word",
    mark("A word of the administration"),
    mark("Who does not work in an office may not know it, and feels that the text is not for them."),
    mark("Write the plainer word, or say in a few words what it means. Posts for professionals alone may keep it."),
    wrong="Le dispositif propose aux bénéficiaires une mise à l’abri.",
    right="L’équipe trouve un endroit où dormir aux personnes qu’elle aide.",
    severity=Severity.WARNING,
    source="FALC: Information for all, Inclusion Europe, 2009",
)
OUTDATED = Rule(
    "outdated-name",
    mark("A name that is no longer used"),
    mark("People who look for it find nothing, or the wrong door, and the text looks old."),
    mark("Write the name of today; “ex-” before the old one, or guillemets around it, say that it is meant."),
    wrong="Va voir Pôle emploi.",
    right="Va voir France Travail (ex-Pôle emploi).",
    severity=Severity.WARNING,
    source="France Travail: loi n° 2023-1196 of 18 December 2023; conseil départemental: loi n° 2013-403",
)
RULES = (ADMINISTRATIVE, OUTDATED)

_SILENT = frozenset({Role.CREDIT, Role.PLACE})
_MEANT = re.compile(
    r"(?:\bex[- ]|\bancien(?:ne|s|nes)?(?: nom de| nom d'| nom du)? |\banciennement |\bexit |\bautrefois |\bremplace |"
    r"\bqui s'appelait |\bjadis |\bsuccède à )(?:le |la |les |l'|de |du )*[«\"]?\s*$",
    re.IGNORECASE,
)
_NOW = re.compile(
    r"[\s,(–-]*(?:est |a été |sont )?(?:aujourd'hui|désormais|devenue?s?|remplacée?s?|qui est devenue?)\b"
)


def words(subject: Subject, pieces: Sequence[Piece]) -> Iterator[Finding]:
    """Look at every text, one finding for each word and text."""
    experts = isinstance(subject.source, Post) and set(subject.source.audience) == {Audience.PROFESSIONALS}
    for piece in pieces:
        if piece.role in _SILENT or piece.text.field == "name":
            continue
        seen: set[Entry] = set()
        for hit in find(piece, plain_words()):
            outdated = hit.entry.kind == "outdated"
            if hit.entry in seen or (_is_meant(piece, hit) if outdated else experts):
                continue
            seen.add(hit.entry)
            yield _outdated(piece, hit) if outdated else _administrative(piece, hit)


def _administrative(piece: Piece, hit: Hit) -> Finding:
    message = _("“{word}” is a word of the administration").format(word=_as_written(piece, hit))
    hint = _("write for example: {better}").format(better=hit.entry.better)
    return ADMINISTRATIVE.at(piece.text, hit.start, hit.end, message, hint)


def _outdated(piece: Piece, hit: Hit) -> Finding:
    message = _("“{old}” has been an old name since {since}").format(
        old=_as_written(piece, hit), since=hit.entry.since[:4]
    )
    hint = _("write: {now}").format(now=hit.entry.better)
    return OUTDATED.at(piece.text, hit.start, hit.end, message, hint)


def _as_written(piece: Piece, hit: Hit) -> str:
    return " ".join(piece.text.content[hit.start : hit.end].split())


def _is_meant(piece: Piece, hit: Hit) -> bool:
    """Whether the author says that it is the old name, or quotes somebody."""
    before, after = piece.plain[: hit.start], piece.plain[hit.end :]
    quoted = before.count("«") > before.count("»") and "»" in after
    return quoted or bool(_MEANT.search(before[-40:])) or bool(_NOW.match(after))
