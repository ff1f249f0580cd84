"""The pieces of a text as a reader sees them: the cells of one row of a table stand side by side.

"| Police | 19 |" and "| 0800 | 300 | 30 |" say what no cell says alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from veille.checks.subjects import Role, Subject, Text
from veille.editions import Edition
from veille.posts import Post

BETWEEN = " | "
# Columns of figures: "Police" and "19" side by side are then nineteen officers.
_COUNTED = re.compile(
    r"effectif|nombre|\bagents?\b|total|ann[ée]e|\bâges?\b|\bdates?\b|\bjours?\b|interventions?|\bpostes?\b|quantité|"
    r"montant|\bprix\b|\bsalles?\b|\blots?\b|\bscores?\b|\bpoints\b|\bplaces\b|[%€]|\bpages?\b|\barrêts?\b|\brues?\b",
    re.IGNORECASE,
)
_DIALLED = re.compile(r"num[ée]ro|\bt[ée]l|appel", re.IGNORECASE)


@dataclass(frozen=True)
class Piece:
    """A piece of text, or the cells of one row.

    Args:
        cells: each with the offset at which it begins in `text`; one when it is no row.
    """

    text: Text
    cells: tuple[tuple[Text, int], ...]

    def offset(self, cell: Text, at: int) -> int | None:
        """Where a character of a cell stands in `text`; None when the cell is not of this row."""
        return next((start + at for one, start in self.cells if one is cell), None)


def pieces(subject: Subject) -> Iterator[Piece]:
    """Everything that somebody will see, front matter first."""
    if not isinstance(subject.source, Post | Edition) or "|" not in subject.source.body:
        yield from (Piece(text, ((text, 0),)) for text in subject.texts)
        return
    heads: dict[int, str] = {}  # line -> the words of the row with which its table begins
    for (body, line), together in groupby(subject.texts, lambda text: (_in_body(text), text.spots[0][1])):
        cells = list(together)
        if not body or len(cells) == 1:
            yield from (Piece(cell, ((cell, 0),)) for cell in cells)
            continue
        words = BETWEEN.join(cell.content for cell in cells)
        heads[line] = heads.get(line - 1) or heads.get(line - 2) or words
        if heads[line] != words and _COUNTED.search(heads[line]) and not _DIALLED.search(heads[line]):
            yield from (Piece(cell, ((cell, 0),)) for cell in cells)
        else:
            yield _row(cells, words)


def _in_body(text: Text) -> bool:
    return text.field is None and text.role is Role.BODY


def _row(cells: Sequence[Text], words: str) -> Piece:
    at, placed, spots = 0, [], []
    for cell in cells:
        placed.append((cell, at))
        spots += [(at + offset, line, column) for offset, line, column in cell.spots]
        at += len(cell.content) + len(BETWEEN)
    return Piece(replace(cells[0], content=words, spots=tuple(spots)), tuple(placed))
