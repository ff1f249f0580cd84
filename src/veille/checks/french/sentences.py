"""Where sentences begin and end in French text.

A full stop after "M.", "p. ex." or "art." ends nothing, nor does one in a number, a time or an address; what a
quotation ends with belongs to it; "!" before a small letter goes on ("« Viens ! » dit-elle").
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from veille.checks.french.lists import words

_END = re.compile(r"[.!?…]+(?:\s?[»”)\]]|\")*(?=\s|$)")
_LAST_WORD = re.compile(r"([^\s(«\"]+)\.$")
_LONGEST_WORD = 40  # characters: what is longer is no abbreviation
_NEXT = re.compile(r"\s*[«\"“(\[–—-]*\s*(\S)")


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
    last = _LAST_WORD.search(text, max(start, found.start() - _LONGEST_WORD), found.start() + 1)
    word = last[1].lower() if last else ""
    if word in words("before_a_name") or (len(word) == 1 and last and last[1].isupper()):  # M. Exemple, J. Exemple
        return False
    if word.isdigit() and text[start : found.start()].strip() == word:  # "1. Le Samu social"
        return False
    return word not in words("before_a_capital") or after[1].isupper()
