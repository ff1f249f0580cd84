"""What reading a post, an edition or a contact has in common: from a path to valid fields, or every finding."""

from __future__ import annotations

import copy
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import ValidationError
from slugify import slugify

from veille.errors import ContentError, Finding
from veille.i18n import gettext as _
from veille.reading.fields import Fields, Surroundings
from veille.reading.frontmatter import Document, parse, read_text
from veille.reading.model import SYNONYMS, canonical_key, explained
from veille.reading.wording import findings_of, known_keys, squeezed

if TYPE_CHECKING:
    from veille.config import Config

M = TypeVar("M", bound=Fields)
T = TypeVar("T")
_DATE_PREFIX = re.compile(r"\d{4}-\d{2}-\d{2}-")


@dataclass(frozen=True)
class Examined(Generic[M]):
    """What the fields of one file say.

    Args:
        fields: None when they are invalid.
        lines: dotted key in our spelling to line.
        rest: the fields without what is wrong in them, for checks; None when nothing is left.
    """

    fields: M | None
    lines: Mapping[str, int]
    findings: tuple[Finding, ...]
    rest: M | None = None


def read_file(
    path: Path,
    config: Config,
    model: type[M],
    make: Callable[[Document, Examined[M]], T | None],
    look: Callable[[Document], Iterable[Finding]] = lambda _document: (),
) -> T:
    """Read a file that begins with front matter.

    Args:
        path: absolute.
        make: what the valid fields give; it may raise ContentError too.
        look: further findings.

    Raises:
        ContentError: every finding of this file at once.
    """
    file = file_name(path, config.root)
    document = parse(read_text(path, file), file)
    examined = examine(document, model, surroundings_of(path, config))
    found = [*examined.findings, *look(document)]
    try:
        made = make(document, examined)
    except ContentError as error:
        raise ContentError(in_order([*found, *error.findings])) from None
    if made is None or found:
        raise ContentError(in_order(found), made)
    return made


def examine(document: Document, model: type[M], around: Surroundings) -> Examined[M]:
    """Validate a document's values: never raises, tells everything at once."""
    renamed = _renaming(document.values, model)
    values = {renamed[key]: value for key, value in reversed(list(document.values.items()))}
    lines = {_rename(path, renamed): line for path, line in document.lines.items()}
    found = [*document.findings, *_given_twice(document, renamed)]
    typed = {ours: key for key, ours in renamed.items()}

    def locate(location: tuple[str, ...]) -> tuple[int | None, str]:
        known = (".".join(location[:size]) for size in range(len(location), 0, -1))
        line = next((lines[path] for path in known if path in lines), None)
        return line, ".".join((typed.get(location[0], location[0]), *location[1:])) if location else ""

    fields = rest = None
    try:
        fields = rest = model.model_validate(values, context=around)
    except ValidationError as error:
        found += findings_of(error, model, document.file, locate, explained(), SYNONYMS)
        rest = _rest(values, error, model, around)
    return Examined(fields, lines, tuple(in_order(_without_echo(found))), rest)


def _rest(values: dict[str, Any], error: ValidationError, model: type[M], around: Surroundings) -> M | None:
    """What is valid once everything that is wrong is taken out; a title is needed by all, whatever it says."""
    kept = copy.deepcopy(values)
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        _take_out(kept, detail["loc"], whole=detail["type"] != "extra_forbidden")
    try:
        return model.model_validate({"title": "…", **kept}, context=around)
    except ValidationError:
        return None


def _take_out(values: dict[str, Any], location: tuple[int | str, ...], *, whole: bool) -> None:
    """An unknown key alone; for a wrong value all of its topmost key, but for `allow`, whose lines stand alone."""
    if not location:
        return
    if len(location) == 1 or (whole and location[0] != "allow"):
        values.pop(str(location[0]), None)
        return
    inner: Any = values
    for part in location[:-1]:
        try:
            inner = inner[part]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(inner, dict):
        inner.pop(location[-1], None)


def _renaming(values: Mapping[str, Any], model: type[Fields]) -> dict[str, str]:
    own = _own_keys(model)
    return {key: canonical_key(unicodedata.normalize("NFC", key), own) for key in values}


@cache
def _own_keys(model: type[Fields]) -> Mapping[str, str]:
    return {squeezed(name): name for name in known_keys(model)}


def _rename(path: str, renamed: Mapping[str, str]) -> str:
    head, dot, rest = path.partition(".")
    return renamed.get(head, head) + dot + rest


def _given_twice(document: Document, renamed: Mapping[str, str]) -> Iterable[Finding]:
    first: dict[str, str] = {}
    for key, ours in renamed.items():
        if (other := first.setdefault(ours, key)) != key:
            message = _("{one} and {other} mean the same").format(one=other, other=key)
            line = document.lines.get(key)
            yield Finding(document.file, line, key, message, _("keep one of the two"), "duplicate-key")


def _without_echo(found: Iterable[Finding]) -> list[Finding]:
    """Leave out what a broken line makes the model say about the same key."""
    kept: list[Finding] = []
    for finding in found:
        echo = any(
            other.line == finding.line and other.code.startswith("yaml") and not finding.code.startswith("yaml")
            for other in kept
        )
        if not echo:
            kept.append(finding)
    return kept


def in_order(found: Iterable[Finding]) -> list[Finding]:
    """By file, then by line, whole-file findings first; each once."""
    return sorted(dict.fromkeys(found), key=lambda f: (f.file, f.line or 0, f.column or 0, f.field or "", f.message))


def surroundings_of(path: Path, config: Config) -> Surroundings:
    """What a file of this workspace is read against."""
    return Surroundings(root=config.root, folder=path.parent, zone=config.zone, towns=config.towns)


def file_name(path: Path, root: Path) -> str:
    """The path as a person would type it: relative to the workspace, with forward slashes."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def name_of(path: Path) -> str:
    """The file name without `YYYY-MM-DD-` and suffix: `2026-11-23-repas.md` → `repas`.

    Composed (NFC), because macOS gives the same name decomposed.
    """
    stem = unicodedata.normalize("NFC", path.stem)
    return _DATE_PREFIX.sub("", stem, count=1) or stem


def identity(path: Path, chosen: str | None, slug: str | None, file: str) -> tuple[str, str]:
    """(source, slug) of a post or edition.

    Raises:
        ContentError: nothing in the file name can stand in an address.
    """
    source = chosen or name_of(path)
    if address := slug or slugify(source):
        return source, address
    message = _("this file name holds no letter or digit that can stand in a web address")
    raise ContentError([Finding(file, None, "slug", message, _("add slug: my-post"), "slug")])
