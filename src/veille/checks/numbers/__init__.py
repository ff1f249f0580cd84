"""Telephone numbers: a wrong one is the worst that a letter can carry.

`finder` sees everything that looks like a number, `verdicts` says what it is, `labels` what the text claims of it.
Nothing is ever corrected: it stops and says so.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import islice

from veille.checks.numbers import links, proofs, records, references, verdicts
from veille.checks.numbers.directory import Record
from veille.checks.numbers.finder import Number, find
from veille.checks.numbers.places import Place, Scene
from veille.checks.numbers.rows import pieces
from veille.checks.numbers.rules import RULES
from veille.checks.rules import Check, Context
from veille.checks.subjects import Subject, Text
from veille.errors import Finding

__all__ = ["CHECK", "find"]


def _each(subject: Subject, context: Context) -> Iterator[Finding]:
    scene = Scene.of(subject, context)
    yield from records.findings(subject, scene)
    named = references.placed(subject, scene)
    held: list[tuple[Record, Place]] = []
    for piece in pieces(subject):
        text = piece.text
        numbers = find(text.content, scene.directory.known)
        spots = [(piece.offset(where, at), record) for where, at, record in named]
        inside = [(at, record) for at, record in spots if at is not None]
        if not numbers and not inside:
            continue
        edges = sorted([(n.start, n.end) for n in numbers] + [(at, at + 1) for at, _record in inside])
        for number in numbers:
            yield from verdicts.judge(_place(number, text, scene, edges))
        held += [(record, _place(references.number_of(at, record), text, scene, edges)) for at, record in inside]
    yield from references.of_body(held, subject, scene)
    yield from references.old_in_front(subject, scene)
    yield from links.findings(subject, scene)


def _place(number: Number, text: Text, scene: Scene, edges: Sequence[tuple[int, int]]) -> Place:
    at = bisect_left(edges, (number.start,))
    before = edges[at - 1][1] if at else 0
    after = next((start for start, _end in islice(edges, at, None) if start >= number.end), None)
    return Place(number, text, scene, before, after)


CHECK = Check(rules=RULES, each=_each, proof=proofs.findings)
