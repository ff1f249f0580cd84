"""The plain majority of front matter, read without a parser: a key and its value on one line, short lists, one level.

A general YAML parser takes 7 ms for ten lines (ruamel.yaml 0.19.1, measured 2026-11), and a site of 1,000 posts has
1,000 of them. What is read here means the same to every version of YAML; at the first sign of anything else, and so
at every mistake, we give up and `yaml12` reads the whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

MOST = 6000  # characters: fewer nodes than `yaml12.MAX_NODES`, whatever they hold

_PLAIN = r"[^\W_](?:[\w .,()/+!?’'°€%-]|:(?=[^\s]))*(?<! )"  # never ": ", never " #", no sign in front
_QUOTED = r"\"[^\"\\]*\"|'[^']*'"
_ITEM = rf"[^\W_][\w .’'-]*(?<! )|{_QUOTED}"
_KEY = re.compile(
    rf"(?P<indent> {{0,8}})(?:(?P<key>[A-Za-z]\w{{0,40}}):(?: (?P<value>{_PLAIN}|{_QUOTED}|\[(?:(?:{_ITEM})"
    rf"(?:, (?:{_ITEM}))*)?\]))?|- (?P<item>{_PLAIN}|{_QUOTED}))"
)
_ITEMS = re.compile(_ITEM)
_WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_EMPTY = frozenset({"null", "Null", "NULL"})

_Found = tuple[dict[str, Any], dict[str, int]]


class _OtherwiseError(Exception):
    """Something that only a parser can read."""


def read(text: str, first_line: int) -> _Found | None:
    """The values of a plain text and the line of each dotted key; None: only a parser can read it.

    Args:
        text: without control characters, with line feeds.
        first_line: as for `yaml12.load`.
    """
    if len(text) > MOST or "\t" in text or "\ufeff" in text:
        return None
    try:
        values, lines = _Lines(text.split("\n"), first_line).read()
    except _OtherwiseError:
        return None
    return (values, lines) if values else None


class _Lines:
    """Where reading stands: what the last key without a value holds is on the lines below it."""

    def __init__(self, source: Sequence[str], first_line: int) -> None:
        self._source = source
        self._first = first_line
        self._values: dict[str, Any] = {}
        self._open = ""  # the key whose value may follow on lines of their own
        self._indent = -1  # of those lines, once the first is seen
        self._lines: dict[str, int] = {}

    def read(self) -> _Found:
        for number, line in enumerate(self._source, self._first):
            if not line:
                continue
            match = _KEY.fullmatch(line)
            if match is None:
                raise _OtherwiseError
            indent, key, value, item = match.group("indent", "key", "value", "item")
            if item is not None:
                self._item(len(indent), item, number)
            elif indent:
                self._below(len(indent), key, value, number)
            else:
                self._key(key, value, number)
        return self._values, self._lines

    def _key(self, key: str, value: str | None, number: int) -> None:
        self._set(self._values, "", key, value, number)
        self._open, self._indent = "" if value else key, -1

    def _below(self, indent: int, key: str, value: str | None, number: int) -> None:
        inner = self._inner(indent, {})
        self._set(inner, f"{self._open}.", key, value, number)

    def _item(self, indent: int, text: str, number: int) -> None:
        inner = self._inner(indent, [])
        self._lines[f"{self._open}.{len(inner)}"] = number
        inner.append(_scalar(text))

    def _inner(self, indent: int, empty: Any) -> Any:
        """What the lines below a key make: all list or all keys, at one depth."""
        if not self._open:
            raise _OtherwiseError
        if self._indent < 0:
            self._indent, self._values[self._open] = indent, empty
        inner = self._values[self._open]
        if indent != self._indent or type(inner) is not type(empty):
            raise _OtherwiseError
        return inner

    def _set(self, values: dict[str, Any], path: str, key: str, value: str | None, number: int) -> None:
        if key in values:
            raise _OtherwiseError
        here = path + key
        self._lines[here] = number
        if value and value[0] == "[":
            values[key] = [_scalar(item) for item in _ITEMS.findall(value)]
            self._lines.update((f"{here}.{place}", number) for place in range(len(values[key])))
        else:
            values[key] = _scalar(value) if value else None


def _scalar(text: str) -> Any:
    if text[0] in "\"'":
        return text[1:-1]
    if text in _EMPTY:
        raise _OtherwiseError
    return _WORDS.get(text, text)
