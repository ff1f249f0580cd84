"""Where sentences begin and end in French text.

A full stop after "M.", "p. ex." or "art." ends nothing, nor does one in a number, a time or an address; what a quotation
ends with belongs to it; "!" before a small letter goes on ("« Viens ! » dit-elle").
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_END = re.compile(r"[.!?…]+(?:\s?[»”)\]]|\")*(?=\s|$)")
_LAST_WORD = re.compile(r"([^\s(«\"]+)\.$")
_NEXT = re.compile(r"\s*[«\"“(\[–—-]*\s*(\S)")

# Never the end: a name or a number follows.
_BEFORE_A_NAME = frozenset(
    "m mm mr dr drs pr prof st ste art al chap fig p pp ex cf av bd bld fg pl tél tel vol no n° éd env apr réf ref".split()
)
# The end only before a capital letter.
_AT_TIMES = frozenset("etc max min hab éd coll suiv sq janv févr sept oct nov déc h".split())


def sentences(text: str, *, by_line: bool = False) -> Iterator[tuple[int, int]]:
    """Begin and end of each sentence, without the white space around it.

    Args:
        text: one paragraph, one list item or one title; no-break spaces may stand for spaces.
        by_line: a new line is a new sentence (captions of social networks).
    """
    if by_line and "\n" in text:
        offset = 0
        for line in text.split("\n"):
            yield from ((offset + start, offset + end) for start, end in sentences(line))
            offset += len(line) + 1
        return
    start = 0
    for found in _END.finditer(text):
        if _ends(text, start, found):
            yield from _trimmed(text, start, found.end())
            start = found.end()
    yield from _trimmed(text, start, len(text))


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    part = text[start:end]
    if stripped := part.strip():
        begin = start + len(part) - len(part.lstrip())
        yield begin, begin + len(stripped)


def _ends(text: str, start: int, found: re.Match[str]) -> bool:
    after = _NEXT.match(text, found.end())
    if after is None:
        return True
    if after[1].islower():
        return False
    if found[0] != ".":
        return True
    last = _LAST_WORD.search(text, start, found.start() + 1)
    word = last[1].lower() if last else ""
    if word in _BEFORE_A_NAME or (len(word) == 1 and word.isalpha()):  # M. Exemple, J. Exemple
        return False
    if word.isdigit() and text[start : found.start()].strip() == word:  # "1. Le Samu social"
        return False
    return word not in _AT_TIMES or after[1].isupper()
