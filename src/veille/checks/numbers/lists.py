"""Bare lists of emergency numbers: "15, 17, 19, 112" stands at the end of many letters without a word about it."""

from __future__ import annotations

import re

from veille.checks.numbers import cues

_EMERGENCY = frozenset({"15", "17", "18", "112", "114", "115", "119"})
_SURE = re.compile(r"(?<!\w)11[2459](?!\w)")  # no day and no hour: a list without one of them may be dates
_BETWEEN = r"[ \n]?(?:[,/;•–-]|\bou|\bet)[ \n](?:(?:ou|et)[ \n])?(?:le[ \n]|au[ \n])?"
_LIST = re.compile(rf"(?<![\w.,/-])\d{{2,3}}(?:{_BETWEEN}\d{{2,3}}(?!\w))+", re.IGNORECASE)
_ALONE = re.compile(r"(?:^|[\n:(\x01]|[.!?][ \n])[^\w\n]{0,4}(?:le[ \n]|au[ \n])?$", re.IGNORECASE)
_ENDS = re.compile(r"[ \n]?(?:$|[\n.!?):])")


def listed(clean: str) -> frozenset[int]:
    """Where the numbers of such lists begin.

    Args:
        clean: the text, blotted.
    """
    if "11" not in clean or not _SURE.search(clean):
        return frozenset()
    return frozenset(start for match in _LIST.finditer(clean) for start in _starts(clean, match))


def _starts(clean: str, match: re.Match[str]) -> list[int]:
    numbers = list(re.finditer(r"\d+", match[0]))
    known = [number[0] for number in numbers if number[0] in _EMERGENCY]
    if len(numbers) < 3 or len(numbers) - len(known) > 1 or not any(len(number) == 3 for number in known):
        return []
    alone = _ALONE.search(clean, max(0, match.start() - 10), match.start()) and _ENDS.match(clean, match.end())
    if cues.counts(clean, match.start(), match.end()) or not (
        alone or cues.near_help(clean, match.start(), match.end())
    ):
        return []
    return [match.start() + number.start() for number in numbers]
