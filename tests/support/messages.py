"""The French catalogue and the source: extract, update, compile (`make messages`).

This is a tool of the people who change `veille`, not of those who use it: it stands with the tests, which use it
too, so that neither it nor Babel's extraction is part of the wheel. Babel's Python interface instead of its command
keeps dates and line numbers out of the catalogue: a change of code that changes no message changes no byte here.
"""

from __future__ import annotations

import ast
import inspect
import io
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir, extract_python
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[2]
PO = ROOT / "src/veille/locale/fr/LC_MESSAGES/veille.po"
MO = PO.with_suffix(".mo")

Extracted = tuple[int, str | None, Any, list[str]]


def extract_commands(
    source: IO[bytes], keywords: Mapping[str, Any], comment_tags: Collection[str], options: dict[str, Any]
) -> Iterator[Extracted]:
    """Babel's extractor for modules of commands: what `_` holds, and the docstrings which are help texts."""
    yield from extract_python(source, keywords, comment_tags, options)  # type: ignore[arg-type,misc]
    source.seek(0)
    for function in ast.walk(ast.parse(source.read())):
        if isinstance(function, ast.FunctionDef) and _is_command(function):
            text = ast.get_docstring(function, clean=False)
            if text:
                yield function.lineno, "_", inspect.cleandoc(text), []


def _is_command(function: ast.FunctionDef) -> bool:
    return any(isinstance(mark, ast.Name) and mark.id == "answers" for mark in function.decorator_list)


def template() -> Catalog:
    """Every message of the source, without translations."""
    catalog = Catalog(domain="veille", charset="utf-8")
    with (ROOT / "babel.cfg").open(encoding="utf-8") as mapping:
        methods, options = parse_mapping_cfg(mapping)  # type: ignore[no-untyped-call]
    keywords = {**DEFAULT_KEYWORDS, "mark": None}  # what `veille.checks.rules` translates where it is shown
    for file, _line, message, _comments, context in extract_from_dir(str(ROOT), methods, options, keywords=keywords):
        catalog.add(message, locations=[(Path(file).as_posix(), 0)], context=context)
    return catalog


def catalogue() -> Catalog:
    """The French catalogue as it stands in the repository."""
    with PO.open("rb") as file:
        return read_po(file, locale="fr", domain="veille")


def compiled(catalog: Catalog) -> bytes:
    """The catalogue as gettext reads it."""
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def update() -> list[str]:
    """Bring the French catalogue to the messages of the source, and compile it.

    Returns:
        The messages that wait for a translation, or for a look at it ("fuzzy": it became a plural, say).
    """
    head = PO.read_text(encoding="utf-8").split("\n\n", 1)[0]  # glossary and headers, as they were written
    french = catalogue()
    french.update(template(), no_fuzzy_matching=True)
    body = io.BytesIO()
    write_po(body, french, width=110, omit_header=True, sort_by_file=True, ignore_obsolete=True, include_lineno=False)
    PO.write_text(f"{head}\n\n{body.getvalue().decode().strip()}\n", encoding="utf-8")
    MO.write_bytes(compiled(catalogue()))
    return [str(message.id) for message in french if message.id and (message.fuzzy or not _done(message.string))]


def _done(words: Any) -> bool:
    return all(words) if isinstance(words, tuple | list) else bool(words)


if __name__ == "__main__":
    missing = update()
    print(f"{PO.relative_to(ROOT)}: {len(missing)} to translate")
    for message in missing:
        print(f"  {message}")
