"""The French catalogue: complete, in step with the source, well set, and true to what it translates."""

from __future__ import annotations

import ast
import gettext
import io
import re
import string
from pathlib import Path

import pytest
import typer
from babel.messages.catalog import Message

from tests.support import messages
from veille import i18n

FRENCH = messages.catalogue()
MESSAGES = [message for message in FRENCH if message.id]
NARROW, NBSP = "\u202f", "\u00a0"

# Code keeps its exact characters: between backticks, template tags, placeholders, Typer's colour tags.
CODE = re.compile(r"`[^`]*`|\{\{\{\{.*?\}\}\}\}|\{[^{}]*\}|\[/?blue\]")


def forms(value: object) -> list[str]:
    return [str(form) for form in value] if isinstance(value, list | tuple) else [str(value)]


def name(message: Message) -> str:
    return forms(message.id)[0]


def fields(text: str) -> set[tuple[str | None, str | None, str | None]]:
    return {(field, spec, how) for _text, field, spec, how in string.Formatter().parse(text) if field is not None}


def test_every_message_of_the_source_is_there_and_no_other() -> None:
    """Run `make messages` and translate what it lists."""
    wanted = {name(message) for message in messages.template() if message.id}
    assert {name(message) for message in MESSAGES} == wanted
    assert len(wanted) > 400  # extraction itself works
    assert "Check the content: what is wrong, where, and how to mend it." in wanted  # a docstring of a command


def test_no_message_is_untranslated_or_fuzzy() -> None:
    assert [
        name(m) for m in MESSAGES if not all(forms(m.string)) or (m.pluralizable and len(forms(m.string)) != 2)
    ] == []
    assert [name(m) for m in MESSAGES if m.fuzzy] == []


def test_the_compiled_catalogue_is_this_one() -> None:
    """Run `make messages` after a change of the .po."""

    def catalog(content: bytes) -> dict[object, str]:
        read = gettext.GNUTranslations(io.BytesIO(content))._catalog  # type: ignore[attr-defined]
        return {key: words for key, words in read.items() if key}

    assert catalog(messages.MO.read_bytes()) == catalog(messages.compiled(FRENCH))


def test_updating_again_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make messages` writes no date and no line number: only a changed message changes a byte."""
    copy = tmp_path / "veille.po"
    copy.write_bytes(messages.PO.read_bytes())
    monkeypatch.setattr(messages, "PO", copy)
    monkeypatch.setattr(messages, "MO", tmp_path / "veille.mo")
    assert messages.update() == []
    first = copy.read_bytes()
    messages.update()
    assert copy.read_bytes() == first
    assert {name(m) for m in messages.catalogue()} == {name(m) for m in FRENCH}


def same_code(source: str, french: str) -> bool:
    """Placeholders, options, commands, and the sign that is read before the words."""

    def options(text: str) -> set[str]:
        return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))

    def commands(text: str) -> set[str]:
        return set(re.findall(r"`(veille(?: [a-z]+(?=[ `]))*)", text))

    sign = source[0] if source[0] in "!·○▶‖✓✗–…" else ""
    return (
        fields(french) == fields(source)
        and options(french) == options(source)
        and commands(source) <= commands(french)
        and french.startswith(sign)
        and source.endswith(" ") == french.endswith(" ")
    )


def test_a_translation_keeps_what_is_filled_in_and_what_is_typed() -> None:
    pairs = [pair for m in MESSAGES for pair in zip(forms(m.id), forms(m.string), strict=True)]
    assert [pair for pair in pairs if not same_code(*pair)] == []


FAULTS = {
    "the apostrophe is ’": r"(?<=[^\W\d_])'",
    "U+202F stands before ; ! ?": rf"[^{NARROW}\s(][;?]|[\w»)][!]|[ {NBSP}][;?!]",
    "U+00A0 stands before :": rf"[^{NBSP}\s]:(?=\s|$)|[ {NARROW}]:(?=\s|$)",
    "U+202F stands inside « »": rf"«[^{NARROW}]|[^{NARROW}]»",
    "quotation marks are « »": r'["“”]',
    "three dots are …": r"(?<!\])\.\.\.",
}


def faults(french: str) -> list[str]:
    """What is set wrongly in a message; code is left alone, and holds no typography."""
    text = CODE.sub("0", french)
    found = [rule for rule, pattern in FAULTS.items() if re.search(pattern, text)]
    return found + [f"code: {code}" for code in CODE.findall(french) if re.search(rf"[{NARROW}{NBSP}’]", code)]


def test_french_typography() -> None:
    assert [(form, found) for m in MESSAGES for form in forms(m.string) if (found := faults(form))] == []


@pytest.mark.parametrize(
    "wrong",
    [
        "Qui appeler ?",
        "Qui appeler?",
        "Non !",
        "a ; b",
        "Horaires :",
        "« oui »",
        "l'aide",
        '"oui"',
        "`a\u202f?`",
        "a...",
    ],
)
def test_the_rules_of_typography_bite(wrong: str) -> None:
    assert faults(wrong)


def test_readers_are_neither_tu_nor_vous() -> None:
    """The letter, the pages and the captions are read by young people and by families."""
    reader = ("templates/newsletter/", "templates/web/", "templates/social/")
    shown = [m for m in MESSAGES if any(file.startswith(reader) for file, _line in m.locations)]
    assert len(shown) > 40
    addressed = re.compile(r"\b(tu|toi|t’|ton|ta|tes|vous|votre|vos)\b|(?<!rendez-)\b\w+ez\b", re.IGNORECASE)
    assert [text for m in shown for text in forms(m.string) if addressed.search(text.replace("Qui appeler", ""))] == []


def test_plural_forms_are_french() -> None:
    """0 and 1 are singular in French, unlike English."""
    words = gettext.translation("veille", i18n.LOCALE_DIR, languages=["fr"])
    found = [words.ngettext("{n} day", "{n} days", n) for n in (0, 1, 2, 5)]
    assert found == ["{n} jour", "{n} jour", "{n} jours", "{n} jours"]


def test_typer_has_no_word_that_we_do_not_translate() -> None:
    """An upgrade of Typer may bring new ones: add them to tests/support/typer_words.py."""
    folder = Path(typer.__file__).parent
    spoken = {
        call.args[0].value
        for file in folder.rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "_"
        if isinstance(call.args[0], ast.Constant)
    }
    listed = {name(m) for m in MESSAGES if any(file.endswith("typer_words.py") for file, _line in m.locations)}
    assert listed == spoken
