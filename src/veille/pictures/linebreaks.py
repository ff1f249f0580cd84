"""Where a headline breaks: lines of even length, that end where a voice would pause.

No line ends in a small word ("un / colis"), none begins with a sign, and a word is hyphenated only when it would make
the whole headline small. All lengths are px at the size of the font.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from PIL import ImageFont

Font = ImageFont.FreeTypeFont
SOFT = "\xad"  # soft hyphen: where a word may be broken

# What a line costs, in squares of the part of the room that it leaves empty.
_WEAK_END = 0.2  # in a small word or a number that belongs to the next one
_BEGUN_END = 0.1  # in the first word of what comes after a sign: "Grand froid : où"
_HYPHENATED_END = 0.3
_COMPOUND_END = 0.06  # at a hyphen that is written anyway: "Saint-"
_PAUSE = -0.05  # after a sign
_LAST = 0.6  # of the usual price: the last line may be shorter

_SIGNS = tuple(":;,.!?»…")
_SMALL = re.compile(
    r"\d+|[^\W\d]{1,3}|[ldnscjmtq]u?[’'][^\W\d]{1,2}|(?:dans|pour|chez|avec|sans|sous|vers|votre|notre)", re.I
)
_VOWELS = "aeiouyàâäéèêëîïôöùûüÿœæ"
_TOGETHER = re.compile(r"[bcdfgkptv][lr]|ch|ph|th|gn", re.I)
_CONSONANTS = re.compile(rf"(?<=[{_VOWELS}])[^\W\d_{_VOWELS}]+(?=[{_VOWELS}])", re.I)
_LEAST = 4  # letters before and after a hyphen


@dataclass(frozen=True)
class Piece:
    """What is never broken.

    Args:
        glue: what stands between it and the piece before, on the same line.
        tail: what it ends in at the end of a line.
    """

    glue: str
    text: str
    tail: str = ""


def softened(text: str, font: Font, width: float) -> str:
    """The text with soft hyphens in words that are wider than the room at this size."""
    parts = re.split(r"([ \xa0\u202f]|(?<=[^\W\d])-(?=[^\W\d]))", text)
    return "".join(_syllables(part) if font.getlength(part) > width else part for part in parts)


def _syllables(word: str) -> str:
    """With soft hyphens between syllables: before the last consonant, or two that are spoken as one, of a run."""
    runs = list(_CONSONANTS.finditer(word))
    places = [run.end() - (2 if _TOGETHER.fullmatch(run[0][-2:]) else 1) for run in runs]
    cuts = [0, *(place for place in places if _LEAST <= place <= len(word) - _LEAST), len(word)]
    return SOFT.join(word[start:end] for start, end in pairwise(cuts))


def pieces(text: str, font: Font, width: float) -> list[Piece]:
    """The words; one that is wider than a line in pieces, at its hyphens and between its syllables."""
    found: list[Piece] = []
    for word in text.split(" "):
        whole = word.replace(SOFT, "")
        if font.getlength(whole) <= width:
            found.append(Piece(" ", whole))
            continue
        for number, part in enumerate(re.split(r"(?<=[^\W\d]-)(?=[^\W\d])", word)):
            *first, last = part.split(SOFT)
            tails = [*((syllable, "-") for syllable in first), (last, "")]
            glues = ["" if number else " ", *("" for _syllable in first)]
            found += [Piece(glue, shown, tail) for glue, (shown, tail) in zip(glues, tails, strict=True)]
    return found


def wrapped(text: str, font: Font, width: float) -> list[str]:
    """Lines, each as full as it gets; breaks at spaces, never at a no-break space."""
    lines: list[list[Piece]] = [[]]
    for piece in pieces(text, font, width):
        if not lines[-1] or font.getlength(_line([*lines[-1], piece])) <= width:
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return [_line(line) for line in lines]


def even(text: str, font: Font, width: float, lines: list[str]) -> tuple[float, list[str]]:
    """The same number of lines, broken where it costs least.

    Args:
        lines: as `wrapped` gave them; they come back when there is no better way.

    Returns:
        what it costs, and the lines.
    """
    words = pieces(text, font, width)
    prices = _prices(words, font, width)
    best: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}
    for _number in lines:  # one line more: the cheapest way to have set everything up to each piece
        longer: dict[int, tuple[float, tuple[int, ...]]] = {}
        for start, (cost, ends) in best.items():
            for end, price in prices[start].items() if start < len(words) else ():
                if end not in longer or cost + price < longer[end][0]:
                    longer[end] = cost + price, (*ends, end)
        best = longer
    if len(words) not in best:
        return float(len(lines)), lines
    cost, ends = best[len(words)]
    return cost, [_line(words[start:end]) for start, end in pairwise((0, *ends))]


def _prices(words: Sequence[Piece], font: Font, width: float) -> list[dict[int, float]]:
    """For each piece: where a line that begins with it may end, and what this costs."""
    prices: list[dict[int, float]] = []
    for start in range(len(words)):
        ends: dict[int, float] = {}
        for end in range(start + 1, len(words) + 1):
            room = 1 - font.getlength(_line(words[start:end])) / width
            if room < 0 and end > start + 1:
                break
            last = end == len(words)
            ends[end] = room * room * (_LAST if last else 1) + (0 if last else _ending(words[start:end], words[end]))
        prices.append(ends)
    return prices


def _ending(line: Sequence[Piece], following: Piece) -> float:
    """What it costs that a line ends there."""
    if line[-1].tail:
        return _HYPHENATED_END
    if not following.glue:
        return _COMPOUND_END
    word = re.split(r"[ \xa0\u202f]", line[-1].text)[-1]
    if word[-1:] in _SIGNS:
        return _PAUSE
    weak = word in "-–—" or word == "À" or (_SMALL.fullmatch(word) and not word.isupper())
    begun = len(line) > 1 and line[-2].text[-1:] in _SIGNS
    return (_WEAK_END if weak else 0.0) + (_BEGUN_END if begun else 0.0)


def _line(words: Sequence[Piece]) -> str:
    return "".join(f"{word.glue if n else ''}{word.text}" for n, word in enumerate(words)) + words[-1].tail
