"""What French sentences do to YAML: the line that stopped the parser, in plain words, with the line to write.

`title: Atelier : gérer` is correct French and broken YAML; so are `@page`, `*gras*`, `%x`, `'L'été'`, tabs and
no-break spaces. Measured with ruamel.yaml 0.19.1 in November 2026.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from veille.i18n import gettext as _

_LINE = re.compile(r"(?P<head>\s*(?:-\s+)?(?:(?P<key>[^\s:#\[{\"'][^:]*?)\s*:\s+)?)(?P<value>.*)")
_NO_SPACE = re.compile(r"\s*(?:- )?[^\W\d][\w-]*:(?=[^\s/])")
_BAD_ESCAPE = re.compile(
    r"\\(?![0abtnvfre \"/\\N_LP]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4})"
)
_LONGEST_HINT = 160  # characters
_SIGNS = "@%*&!`|>?-,]}"


@dataclass(frozen=True)
class Trap:
    """Why one line could not be read.

    Args:
        row: the line within the YAML text, from 0.
        repaired: the line as it was surely meant; None when that is not sure.
    """

    row: int
    field: str | None
    message: str
    hint: str | None
    repaired: str | None = None
    code: str = "yaml"


def quote(value: str) -> str:
    """The value between quotation marks that YAML understands."""
    if '"' not in value and "\\" not in value:
        return f'"{value}"'
    return "'" + value.replace("'", "''") + "'"


def quoted_line(line: str) -> str:
    """The remedy for a line whose value needs quotation marks: "write: title: …"."""
    return _write(_mended(line))


def _write(line: str) -> str:
    text = line.strip()
    short = text if len(text) <= _LONGEST_HINT else text[:_LONGEST_HINT] + "…"
    return _("write: {line}").format(line=short)


def diagnose(lines: Sequence[str], problem: int, context: int) -> Trap:
    """Find out what a person meant who wrote a line that is not YAML.

    Args:
        lines: the YAML text.
        problem, context: the rows (from 0) where the parser stopped and where it had begun.
    """
    last = len(lines) - 1
    above = (row for row in range(min(problem, last), -1, -1))
    rows = dict.fromkeys([min(problem, last), min(context, last), *above])
    for row in rows:
        if trap := _trap(row, lines[row]):
            return trap
    return _unknown(lines, next((row for row in rows if lines[row].strip()), 0))


def spaceless(lines: Sequence[str]) -> Trap | None:
    """The first line that lacks the space after its colon, in a text without any key."""
    return next((trap for row, line in enumerate(lines) if (trap := _spacing(row, line))), None)


def _trap(row: int, line: str) -> Trap | None:
    return _spacing(row, line) or _value(row, line)


def _spacing(row: int, line: str) -> Trap | None:
    if "\t" in line:
        return _mistake(
            row, line, _("a tab: YAML wants spaces"), re.sub(r"\t", "  ", line).replace(":  ", ": "), "yaml-tab"
        )
    if re.match(r"[ ]*[\u00a0\u202f]", line) or re.match(r"\s*[\w-]+[ ]*:[\u00a0\u202f]", line):
        repaired = re.sub(r"^[\s]+", lambda m: " " * len(m[0]), line)
        repaired = re.sub(r":[\u00a0\u202f]+", ": ", repaired, count=1)
        return _mistake(row, line, _("a no-break space where YAML wants an ordinary one"), repaired, "yaml-space")
    if match := _NO_SPACE.match(line):
        repaired = line[: match.end()] + " " + line[match.end() :]
        return _mistake(row, line, _("a space is missing after the colon"), repaired, "yaml-space")
    return None


def _value(row: int, line: str) -> Trap | None:
    parts = _LINE.match(line)
    value = parts["value"].strip() if parts and parts["head"].strip() else ""
    if not value or value.startswith("#"):
        return None
    if message := _reason(value):
        return _mistake(row, line, message, _mended(line), "yaml-value")
    return None


def _reason(value: str) -> str | None:
    first = value[0]
    if first == "[":
        return _reason_list(value)
    if first == "{":
        return None if value.endswith("}") else _("a bracket is opened here and not closed")
    if first in "\"'":
        return _reason_quotes(value)
    if first in "|>":
        block = re.fullmatch(r"[|>][+-]?\d?[+-]?\s*(#.*)?", value)
        return None if block else _sign(first)
    if first in "?-":
        return _sign(first) if value[1:2] in ("", " ") else None
    if first in _SIGNS:
        return _sign(first)
    if re.search(r":(\s|$)", value):
        return _("a colon followed by a space means a new key: this value needs quotation marks")
    return None


def _sign(sign: str) -> str:
    return _("a value cannot begin with {sign} unless it stands between quotation marks").format(sign=sign)


def _reason_list(value: str) -> str | None:
    if "#" in value:
        return _("a # begins a comment, also in a list: write the words without it")
    if not value.endswith("]"):
        return _("a bracket is opened here and not closed")
    if any(item.strip()[:1] in set("@%*&!`|>") - {""} for item in value[1:-1].split(",")):
        return _("an item of this list begins with a sign that needs quotation marks")
    return _("quotation marks are missing in this list") if re.search(r":(\s|\])", value) else None


def _reason_quotes(value: str) -> str | None:
    mark = value[0]
    whole = re.fullmatch(r"\"(?:[^\"\\]|\\.)*\"\s*(#.*)?" if mark == '"' else r"'(?:[^']|'')*'\s*(#.*)?", value)
    if whole:
        if mark == '"' and _BAD_ESCAPE.search(value):
            return _("a backslash between double quotation marks has a special meaning")
        return None
    if value.count(mark) == 1:
        return _("a quotation mark is opened here and not closed")
    return _("the text goes on after the closing quotation mark, or holds an apostrophe of its own")


def _mended(line: str) -> str:
    """The line with its value between quotation marks, or its list without signs."""
    parts = _LINE.match(line)
    assert parts is not None  # every part of the pattern may be empty
    value = parts["value"].strip()
    if value.startswith("#"):
        words = [word.strip("#,;") for word in value.split()]
        return f"{parts['head']}{words[0] if parts['key'] is None else '[' + ', '.join(words) + ']'}"
    if value.startswith("[") and ("]" not in value or value.endswith("]")):
        items = (item.strip().strip("\"'").lstrip("#") for item in value.strip("[]").split(","))
        return f"{parts['head']}[{', '.join(_item(item) for item in items if item)}]"
    return parts["head"] + quote(_inner(value))


def _item(text: str) -> str:
    return text if re.fullmatch(r"[^\W_][\w '’.-]*", text) else quote(text)


def _inner(value: str) -> str:
    """What was meant between wrong quotation marks: `'L'été'` → `L'été`."""
    mark = value[:1]
    if not mark:
        return value
    if mark in "\"'" and value.endswith(mark) and len(value) > 1:
        inner = value[1:-1]
        return value if mark == '"' and '"' in inner else inner
    return value[1:] if mark in "\"'" and value.count(mark) == 1 else value


def _mistake(row: int, line: str, message: str, repaired: str, code: str) -> Trap:
    parts = _LINE.match(line)
    field = parts["key"].strip() if parts and parts["key"] and not line[:1].isspace() else None
    return Trap(row, field, message, _write(repaired), repaired if repaired != line else None, code)


def _unknown(lines: Sequence[str], row: int) -> Trap:
    line = lines[row]
    if line and not line[0].isspace() and not re.match(r"[\w-]+\s*:(\s|$)|-\s|#", line):
        hint = _("if the text of the post starts here, put a line with --- above it")
    elif line[:1].isspace():
        hint = _("this line is indented: it belongs to the line above, which must end with a colon")
    else:
        hint = _("check the indentation and the quotation marks of this line and the one above")
    return Trap(row, None, _("this line is not understood"), hint)
