"""Front matter: the block between two lines of three dashes, read with lines and written with a serializer.

Written by python-frontmatter with a handler of our own over ruamel.yaml. Its `load` would take a byte-order mark or a
forgotten closing line for "no front matter" and mail the block as text; so we take files apart ourselves.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from veille.errors import ContentError, Finding
from veille.i18n import gettext as _
from veille.i18n import why
from veille.reading.yaml12 import CONTROL, Tree, control_character, load
from veille.reading.yamltraps import spaceless

MAX_FRONT_MATTER = 64 * 1024  # bytes of UTF-8
MAX_FILE = 1024 * 1024  # bytes; a post of a hundred pages is half of it
_FENCE = "---"


@dataclass(frozen=True)
class Document:
    """One file, taken apart.

    Args:
        file: the name for findings.
        values: the front matter, or the whole of a plain YAML file.
        lines: dotted key to line, from 1.
        body_line: the line on which the body starts.
        findings: what is wrong, though the rest could be read.
    """

    file: str
    values: Mapping[str, Any]
    lines: Mapping[str, int]
    body: str = ""
    body_line: int = 1
    findings: tuple[Finding, ...] = ()


def read_text(path: Path, file: str) -> str:
    """The text of a content file: UTF-8 with or without byte-order mark, line feeds only.

    Raises:
        ContentError: not a regular file, unreadable, too large or not UTF-8.
    """
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise _unreadable(file, _("this is not an ordinary file"), _("symbolic links are not followed"))
        if status.st_size > MAX_FILE:
            raise _unreadable(file, _("this file is larger than 1 MiB"), _("pictures go into content/media"))
        data = path.read_bytes()
    except OSError as error:
        reason = why(error)
        raise _unreadable(file, _("this file cannot be read: {reason}").format(reason=reason), None) from None
    return _line_feeds(_decoded(data, file))


def _line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decoded(data: bytes, file: str) -> str:
    hint = _("save it as UTF-8: in most editors “Save as”, then “Encoding”")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ContentError([Finding(file, 1, None, _("this file is in UTF-16"), hint, "encoding")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = _("this file is not UTF-8, probably Latin-1 or Windows-1252")
        raise ContentError([Finding(file, line, None, message, hint, "encoding")]) from None


def _unreadable(file: str, message: str, hint: str | None) -> ContentError:
    return ContentError([Finding(file, None, None, message, hint, "unreadable")])


def parse(text: str, file: str) -> Document:
    """Take a Markdown file with front matter apart.

    Args:
        text: the whole file.
        file: the name for findings.

    Raises:
        ContentError: no front matter, no end of it, or not YAML.
    """
    front, body, first_line, body_line = _split(_line_feeds(text), file)
    tree = load(front, file, first_line)
    values = _as_mapping(tree, front, file, first_line)
    text_of_body = body.strip("\n")
    skipped = len(body) - len(body.lstrip("\n")) if text_of_body else 0
    body_line += skipped
    found = [*tree.findings, *_body_findings(text_of_body, body_line, file)]
    return Document(file, values, tree.lines, text_of_body, body_line, tuple(found))


def parse_yaml(text: str, file: str) -> Document:
    """Read a file that is YAML only, with the same care.

    Raises:
        ContentError: not YAML, or not a list of keys.
    """
    text = _line_feeds(text)
    _refuse_large(text, file, 1)
    tree = load(text, file)
    return Document(file, _as_mapping(tree, text, file, 1), tree.lines, findings=tree.findings)


def _as_mapping(tree: Tree, text: str, file: str, first_line: int) -> Mapping[str, Any]:
    if tree.values is None:
        return {}
    if isinstance(tree.values, dict):
        return tree.values
    if trap := spaceless(text.split("\n")):
        raise ContentError([Finding(file, first_line + trap.row, None, trap.message, trap.hint, trap.code)])
    hint = _('write one key a line, for example: title: "My title"')
    raise ContentError([Finding(file, first_line, None, _("there is no key here"), hint, "yaml")])


def _body_findings(body: str, body_line: int, file: str) -> list[Finding]:
    return [
        control_character(file, body_line + row, match[0])
        for row, line in enumerate(body.split("\n"))
        if (match := CONTROL.search(line))
    ]


def _refuse_large(front: str, file: str, line: int) -> None:
    if len(front.encode()) > MAX_FRONT_MATTER:
        message = _("the front matter is larger than 64 KiB")
        hint = _("is the closing line --- where it should be?")
        raise ContentError([Finding(file, line, None, message, hint, "front-matter-size")])


def _split(text: str, file: str) -> tuple[str, str, int, int]:
    """(front matter, body, and the lines on which they start)."""
    lines = text.split("\n")
    top = next((row for row, line in enumerate(lines) if line.strip()), 0)
    if lines[top].rstrip() != _FENCE:
        raise ContentError([_no_front_matter(lines[top], top + 1, file)])
    end = next((row for row in range(top + 1, len(lines)) if lines[row].rstrip() == _FENCE), None)
    if end is None:
        message = _("the front matter has no end")
        hint = _("put a line with three dashes, ---, between the last key and the text")
        raise ContentError([Finding(file, top + 1, None, message, hint, "front-matter-end")])
    front = "\n".join(lines[top + 1 : end])
    _refuse_large(front, file, top + 1)
    return front, "\n".join(lines[end + 1 :]), top + 2, end + 2


def _no_front_matter(line: str, number: int, file: str) -> Finding:
    if line.startswith("+++"):
        hint = _("this looks like TOML; write the keys as YAML between two lines of three dashes, ---")
    elif re.match(r"\s*[-–—]", line):
        hint = _("the first line must be exactly three dashes, ---")
    else:
        hint = _("begin the file with a line ---, then title: …, then another line ---; `veille new post` does it")
    return Finding(file, number, None, _("there is no front matter"), hint, "front-matter-missing")


def _handler() -> Any:
    """How python-frontmatter writes; made on first use because it imports two YAML libraries."""
    from frontmatter.default_handlers import YAMLHandler

    class Handler(YAMLHandler):  # type: ignore[misc]  # the library is not typed for us
        def export(self, metadata: dict[str, object], **_kwargs: object) -> str:
            return dump_yaml(metadata).rstrip("\n")

    return Handler()


def dump(values: Mapping[str, Any], body: str) -> str:
    """The text of a file with this front matter: key order kept, UTF-8, line feeds, quoted where YAML needs it.

    Args:
        values: text, booleans, None, numbers, dates, aware datetimes, lists and dictionaries.
        body: Markdown.
    """
    import frontmatter

    post = frontmatter.Post(body.strip("\n"))
    post.metadata = dict(values)
    return str(frontmatter.dumps(post, handler=_handler())).rstrip("\n") + "\n"


def dump_yaml(values: Mapping[str, Any]) -> str:
    """The same for a file that is YAML only."""
    from ruamel.yaml import YAML

    yaml = YAML(pure=True)
    yaml.width = 10**6
    yaml.allow_unicode = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.ignore_aliases = lambda _data: True  # `load` refuses aliases
    stream = StringIO()
    yaml.dump(dict(values), stream)
    return stream.getvalue()
