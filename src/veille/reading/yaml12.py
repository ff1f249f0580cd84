"""YAML 1.2 read as text, with a line for every key, and without the parts that surprise or harm.

Scalars stay what a person typed: `04100`, `18:30`, `no` and `0x1f` are text; only a plain `true` or `false` and
an empty value mean something else. Anchors, aliases, tags and duplicate keys are refused, and so is what is too
deep or too much (YAML 1.2.2, 10.3; a nine-level alias bomb is a kilobyte long).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from veille.errors import ContentError, Finding
from veille.i18n import gettext as _
from veille.reading import yamlplain
from veille.reading.yamltraps import diagnose, quoted_line

MAX_DEPTH = 8  # instagram.images[0].focus[0] is four deep
MAX_NODES = 3000
MAX_REPAIRS = 20  # so many mistakes of one file are told at once
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_BREAKS = re.compile("[\u2028\u2029]")  # breaks for YAML 1.1, ordinary characters for every editor
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_EMPTY = ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True)
class Tree:
    """What a YAML text says.

    Args:
        values: dictionaries, lists, text, booleans and None.
        lines: dotted key (`image.alt`, `images.0.src`) to the line of the file, from 1.
        findings: what is wrong in a text that could be read all the same.
    """

    values: Any
    lines: dict[str, int]
    findings: tuple[Finding, ...]


def load(text: str, file: str, first_line: int = 1) -> Tree:
    """Read a YAML text.

    Mistakes that have an obvious remedy are repaired in memory, so that the rest of the file is examined too;
    they are findings all the same.

    Args:
        text: the YAML alone, with line feeds.
        file: the name for findings.
        first_line: the line of the file on which `text` starts.

    Raises:
        ContentError: the text cannot be read at all.
    """
    found = _control_characters(text, file, first_line)
    if found:
        raise ContentError(found)
    if plain := yamlplain.read(text, first_line):
        return Tree(*plain, ())

    from ruamel.yaml.error import MarkedYAMLError

    lines = text.split("\n")
    while True:
        reader = _Reader(lines, file, first_line)
        try:
            values = reader.read()
        except (MarkedYAMLError, ValueError, OverflowError) as error:
            trap = diagnose(lines, *_rows(error, lines))
            found.append(Finding(file, first_line + trap.row, trap.field, trap.message, trap.hint, code=trap.code))
            if trap.repaired is None or len(found) >= MAX_REPAIRS:
                raise ContentError(sorted(found, key=_row)) from None
            lines[trap.row] = trap.repaired
            continue
        return Tree(values, reader.lines, tuple(sorted(found + reader.findings, key=_row)))


def _row(finding: Finding) -> int:
    return finding.line or 0


def _rows(error: Any, lines: Sequence[str]) -> tuple[int, int]:
    """The rows (from 0) at which the parser stopped, and at which the construct began."""
    if not hasattr(error, "problem_mark"):  # "\U99999999" is no character: Python's chr() says so, without a place
        row = next((row for row, line in enumerate(lines) if "\\U" in line), 0)
        return row, row
    problem = error.problem_mark or error.context_mark
    return problem.line, (error.context_mark or problem).line


def _control_characters(text: str, file: str, first_line: int) -> list[Finding]:
    return [
        control_character(file, first_line + row, match[0])
        for row, line in enumerate(text.split("\n"))
        if (match := CONTROL.search(line) or _BREAKS.search(line))
    ]


def control_character(file: str, line: int, character: str, field: str | None = None) -> Finding:
    """The finding for a character that nobody can see and that breaks feeds and letters."""
    return Finding(
        file,
        line,
        field,
        _("an invisible control character (U+{number:04X})").format(number=ord(character)),
        _("delete it, or type this line anew; it often comes along when text is pasted"),
        code="control-character",
    )


class _Reader:
    """Builds values from the parser's events: the only place where everything can be refused by line."""

    def __init__(self, source: Sequence[str], file: str, first_line: int) -> None:
        from ruamel.yaml import YAML

        self._source = source
        self._file = file
        self._first = first_line
        self._events: Iterator[Any] = YAML(typ="safe", pure=True).parse("\n".join(source))
        self._nodes = 0
        self.lines: dict[str, int] = {}
        self.findings: list[Finding] = []

    def read(self) -> Any:
        """The values of the first and only document; None when there is none."""
        values = None
        documents = 0
        for event in self._events:
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                documents += 1
                if documents > 1:
                    self._stop(event, _("a second YAML document starts here"), _("delete the line `...`"))
                values = self._node(next(self._events), ())
        return values

    def _node(self, event: Any, path: tuple[str, ...]) -> Any:
        self._nodes += 1
        if len(path) > MAX_DEPTH or self._nodes > MAX_NODES:
            self._stop(event, _("this is nested too deep or too long to be meant"), None, "yaml-size")
        kind = type(event).__name__
        self._refuse_machinery(event, kind, path)
        if kind == "MappingStartEvent":
            return self._mapping(path)
        if kind == "SequenceStartEvent":
            return self._sequence(event, path)
        return None if kind == "AliasEvent" else self._scalar(event, path)

    def _mapping(self, path: tuple[str, ...]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while type(event := next(self._events)).__name__ != "MappingEndEvent":
            if type(event).__name__ != "ScalarEvent":
                self._stop(event, _("a key must be one word"), self._quoted(event), "yaml-key")
            key = event.value.strip()
            here = (*path, key)
            again = key in values
            if again:
                self._duplicate(event, here)
            else:
                self.lines[".".join(here)] = self._line(event)
            value = self._node(following := next(self._events), here)
            if value is None and not again:
                self._commented_out(event.end_mark, here, following)
            values.setdefault(key, value)
        return values

    def _sequence(self, start: Any, path: tuple[str, ...]) -> list[Any]:
        values: list[Any] = []
        while type(event := next(self._events)).__name__ != "SequenceEndEvent":
            here = (*path, str(len(values)))
            self.lines[".".join(here)] = self._line(event)
            value = self._node(event, here)
            if value is None:
                row = self._row_of_empty_item(start.start_mark.line, event.start_mark.line)
                self._cut(row, 0, path)
            values.append(value)
        return values

    def _scalar(self, event: Any, path: tuple[str, ...]) -> Any:
        text: str = event.value
        if match := CONTROL.search(text) or _BREAKS.search(text):  # written as an escape: "\x07"
            self.findings.append(control_character(self._file, self._line(event), match[0], _dotted(path)))
        if event.style:
            return text
        if text in _EMPTY:
            return None
        if text in _BOOLEANS:
            return _BOOLEANS[text]
        self._cut(event.end_mark.line, event.end_mark.column, path)
        return text

    def _refuse_machinery(self, event: Any, kind: str, path: tuple[str, ...]) -> None:
        """Anchors, aliases and tags: always a value that begins with a special sign, never meant."""
        tag = getattr(event, "ctag", None)
        sign = "*" if kind == "AliasEvent" else "&" if getattr(event, "anchor", None) else "!" if tag else ""
        if sign:
            self._find(
                event,
                path,
                _("a value cannot begin with {sign} unless it stands between quotation marks").format(sign=sign),
                self._quoted(event),
                "yaml-sign",
            )

    def _duplicate(self, event: Any, path: tuple[str, ...]) -> None:
        first = self.lines[".".join(path)]
        self._find(
            event,
            path,
            _("this key is here twice; the first is on line {line}").format(line=first),
            _("keep one of the two"),
            "duplicate-key",
        )

    def _commented_out(self, mark: Any, path: tuple[str, ...], value: Any) -> None:
        if type(value).__name__ == "ScalarEvent" and value.value == "":
            self._cut(mark.line, mark.column, path)

    def _row_of_empty_item(self, top: int, bottom: int) -> int:
        rows = range(min(bottom, len(self._source) - 1), top - 1, -1)
        return next((row for row in rows if re.match(r"\s*-\s+#\S", self._source[row])), top)

    def _cut(self, row: int, column: int, path: tuple[str, ...]) -> None:
        """`hashtags: #prevention` and `title: Stand #3`: YAML takes the end of the line for a comment."""
        line = self._source[row] if row < len(self._source) else ""
        if re.match(r"[:\s-]*\s#\w", line[column:]):
            self.findings.append(
                Finding(
                    self._file,
                    self._first + row,
                    _dotted(path),
                    _("a # after a space begins a comment: the end of this line is ignored"),
                    quoted_line(line),
                    code="yaml-comment",
                )
            )

    def _quoted(self, event: Any) -> str:
        return quoted_line(self._source[event.start_mark.line])

    def _line(self, event: Any) -> int:
        return self._first + int(event.start_mark.line)

    def _find(self, event: Any, path: tuple[str, ...], message: str, hint: str | None, code: str) -> None:
        self.findings.append(Finding(self._file, self._line(event), _dotted(path), message, hint, code))

    def _stop(self, event: Any, message: str, hint: str | None, code: str = "yaml") -> None:
        self._find(event, (), message, hint, code)
        raise ContentError(self.findings)


def _dotted(path: tuple[str, ...]) -> str | None:
    return ".".join(path) or None
