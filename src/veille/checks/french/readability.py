"""How hard a text is to read: the Kandel-Moles score of a post, and sentences that are too long."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from veille.checks.french.pieces import Piece
from veille.checks.french.sentences import sentences
from veille.checks.french.syllables import syllables
from veille.checks.rules import Context, Rule, mark
from veille.checks.subjects import Role, Subject
from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.posts import Audience, Post

_FLOORS: Mapping[Audience, int] = {Audience.YOUNG: 60, Audience.FAMILIES: 50, Audience.PROFESSIONALS: 40}
_OPENING = 60  # characters
_FEWEST_WORDS, _FEWEST_SENTENCES = 30, 3
_SCORED = frozenset({Role.BODY})
_MEASURED = frozenset({Role.BODY, Role.SUMMARY, Role.SOCIAL, Role.RECORD})
_TOKEN = re.compile(r"[\w\ufffc]+(?:[-'/.:·+@&]+\w+)*")

HARD = Rule(
    "hard-to-read",
    mark("The text is hard to read"),
    mark(
        "Long sentences and long words lose readers: those who learn French, who are tired or worried, "
        "and those whom the post is for above all."
    ),
    mark(
        "Cut the sentences that are named, say one thing in each, and put short words in the place of long ones. "
        "A score of 60 is easy, below 40 is for specialists."
    ),
    wrong="Opérationnel depuis mars, le dispositif établit un contact avec les jeunes et est vecteur d’information.",
    right="Depuis mars, une équipe appelle les jeunes. Elle leur dit où trouver de l’aide.",
    severity=Severity.WARNING,
    source="Kandel and Moles, Application de l’indice de Flesch à la langue française, 1958",
)
LONG = Rule(
    "long-sentence",
    mark("A sentence is too long"),
    mark("At its end, many readers have forgotten its beginning; read aloud, it leaves no breath."),
    mark("Make two or three sentences of it, or a list. Fifteen words are comfortable."),
    wrong="Afin de vérifier que tout est possible, des médiateurs appellent les jeunes qu’ils suivent, et aussi…",
    right="Des médiateurs appellent les jeunes. Ils vérifient que tout va bien.",
    severity=Severity.WARNING,
    source="FALC: Information for all, Inclusion Europe, 2009; limit in [checks] sentence",
)
RULES = (HARD, LONG)


@dataclass(frozen=True)
class Measure:
    """One sentence: where it stands and what it weighs."""

    piece: Piece
    start: int
    end: int
    words: int
    syllables: int

    @property
    def opening(self) -> int:
        """Where its first words end: enough to recognise it."""
        return min(self.end, self.start + _OPENING)

    @property
    def where(self) -> str:
        """`12:5`, or the line alone."""
        return ":".join(str(part) for part in self.piece.text.place(self.start) if part)


def score(words: int, count: int, sounds: int) -> float:
    """Kandel-Moles: 100 is very easy, 0 very hard; it may go beyond both.

    Args:
        words: of the text.
        count: of its sentences.
        sounds: its syllables.
    """
    return 207 - 1.015 * words / count - 73.6 * sounds / words


def ease(text: str) -> float:
    """The score of plain text whose paragraphs are parted by empty lines; 0 when it has no words."""
    found = [one for part in re.split(r"\n\s*\n", text) for one in _weighed(part, by_line="•" in part)]
    words = sum(one[2] for one in found)
    return score(words, len(found), sum(one[3] for one in found)) if words else 0.0


def measures(piece: Piece) -> Iterator[Measure]:
    """Its sentences; in a caption, and where bullets were typed by hand, each line is one."""
    by_line = piece.role is Role.SOCIAL or "•" in piece.plain
    return (Measure(piece, *found) for found in _weighed(piece.plain, by_line=by_line))


def _weighed(text: str, *, by_line: bool) -> Iterator[tuple[int, int, int, int]]:
    """Begin, end, words and syllables. A word is what stands between spaces: "l’eau" is one, as in word processors."""
    for start, end in sentences(text, by_line=by_line):
        words = _TOKEN.findall(text, start, end)
        if words:
            yield start, end, len(words), sum(map(syllables, words))


def readability(subject: Subject, context: Context, pieces: Sequence[Piece]) -> Iterator[Finding]:
    """Look at every sentence once."""
    limit, body = context.config.settings.checks.sentence, []
    for piece in pieces:
        if piece.role in _MEASURED and not _is_name(piece):
            found = list(measures(piece))
            yield from (_long(measure, limit) for measure in found if measure.words > limit)
            if piece.role in _SCORED:
                body += found
    if isinstance(subject.source, Post):
        yield from _hard(subject.source, context, body)


def _is_name(piece: Piece) -> bool:
    return piece.role is Role.RECORD and piece.text.field not in ("description", "for_whom")


def _long(measure: Measure, limit: int) -> Finding:
    message = _("this sentence has {count} words, more than {limit}").format(count=measure.words, limit=limit)
    hint = _("make two sentences of it, or a list")
    return LONG.at(measure.piece.text, measure.start, measure.opening, message, hint)


def _hard(post: Post, context: Context, body: Sequence[Measure]) -> Iterator[Finding]:
    words, sounds = sum(one.words for one in body), sum(one.syllables for one in body)
    if words < _FEWEST_WORDS or len(body) < _FEWEST_SENTENCES:
        return
    reached, floor = score(words, len(body), sounds), _floor(post, context)
    if reached >= floor:
        return
    worst = sorted(body, key=lambda one: _without(one, words, len(body), sounds), reverse=True)[:2]
    message = _(
        "this text is hard to read: {score:.0f} points of 100, and its readers need {floor}; "
        "a sentence has {mean:.0f} words on average"
    ).format(score=max(0.0, reached), floor=floor, mean=words / len(body))
    hint = _("begin with the sentences at {first} and {second}: cut them, and use shorter words").format(
        first=worst[0].where, second=worst[1].where
    )
    yield HARD.at(worst[0].piece.text, worst[0].start, worst[0].opening, message, hint)


def _without(one: Measure, words: int, count: int, sounds: int) -> float:
    """The score of the text if this sentence were not there."""
    return score(words - one.words, count - 1, sounds - one.syllables) if words > one.words else 0.0


def _floor(post: Post, context: Context) -> int:
    """The easiest text that one of its readers needs; a post for nobody in particular is for families."""
    wanted = context.config.settings.checks.readability
    floors = {audience: wanted.get(audience.value, floor) for audience, floor in _FLOORS.items()}
    return max(floors[audience] for audience in post.audience or (Audience.FAMILIES,))
