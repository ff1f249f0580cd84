"""Messages can be translated where they stand in the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.support import messages
from veille import errors, i18n

PYTHON = [
    (file.relative_to(messages.ROOT).as_posix(), ast.parse(file.read_text(encoding="utf-8")))
    for root in ("src", "publishers", "web", "cli")
    for file in sorted((messages.ROOT / root).rglob("*.py"))
    if file.name != "i18n.py"
]
TEMPLATES = sorted((messages.ROOT / "templates").rglob("*.j2"))

# `_` of something else than a text, on purpose: both are marked for extraction in another way.
ON_PURPOSE = {
    ("cli/veille_cli/output.py", "inspect.cleandoc(function.__doc__ or '')"),  # tests/support/messages.py
    ("publishers/veille_publishers/graph_errors.py", "rule.words"),  # N_
    ("publishers/veille_publishers/graph_errors.py", "rule.hint"),  # N_
}


def calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node) in names:
            yield node


def called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def is_text(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_only_texts_are_translated() -> None:
    """`_(f"…")` and `_(variable)` find nothing in a catalogue."""
    found = {
        (file, ast.unparse(argument))
        for file, tree in PYTHON
        for call in calls(tree, "_", "ngettext", "N_")
        for argument in call.args[: 2 if called(call) == "ngettext" else 1]
        if not is_text(argument)
    }
    assert found == ON_PURPOSE


def test_no_message_hides_in_an_f_string() -> None:
    """Extraction does not look into f-strings: such a message would stay English."""
    hidden = [
        f"{file}:{call.lineno}"
        for file, tree in PYTHON
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for call in calls(node, "_", "ngettext")
    ]
    assert hidden == []


def test_what_is_counted_has_its_plural() -> None:
    """A number of things is called {n}, and a message with {n} goes through ngettext."""
    found = [
        f"{file}:{call.lineno}"
        for file, tree in PYTHON
        for call in calls(tree, "_", "N_")
        if isinstance(call.args[0], ast.Constant) and "{n}" in str(call.args[0].value)
    ]
    found += [file.name for file in TEMPLATES if re.search(r"""\b_\((["'])[^"']*\{n\}""", file.read_text())]
    assert found == []
    plurals = [call for _file, tree in PYTHON for call in calls(tree, "ngettext")]
    assert len(plurals) > 20
    assert [ast.unparse(c) for c in plurals if "{n}" not in ast.unparse(c.args[0]) + ast.unparse(c.args[1])] == []


def test_templates_hold_no_word_of_their_own() -> None:
    """What readers see goes through `_`; names of services are the same everywhere."""
    code = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<!--.*?-->|<(style|script|mj-style)\b.*?</\1>", re.DOTALL)
    style = re.compile(r"\{% block style %\}.*?\{% endblock %\}", re.DOTALL)
    spoken = re.compile(r"""\b(?:alt|title|placeholder|aria-label)="([^"]*)\"|>([^<]*)<|^([^<>]+)$""", re.MULTILINE)
    assert len(TEMPLATES) > 20
    found = [
        f"{file.name}: {words.strip()}"
        for file in TEMPLATES
        if not file.name.endswith((".css.j2", ".svg.j2"))
        for match in spoken.finditer(code.sub("", style.sub("", file.read_text(encoding="utf-8"))))
        for words in match.groups()
        if words and re.search(r"[^\W\d_]{2,}", re.sub(r"\b(Facebook|Instagram)\b|[\w-]+=\S+", "", words))
    ]
    assert found == []


def error_names() -> set[str]:
    return {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.VeilleError | errors.Finding)
    }


def said(call: ast.Call) -> list[ast.expr]:
    """What people would read of the call that makes an error or a finding."""
    positional = {"Finding": slice(3, 5), "trouble": slice(1, 3)}.get(called(call), slice(0, 1))
    named = [keyword.value for keyword in call.keywords if keyword.arg in ("message", "hint")]
    return [*call.args[positional], *named]


def untranslated(expression: ast.expr) -> bool:
    """Whether a text of more than punctuation and placeholders would be shown as it stands."""
    if isinstance(expression, ast.IfExp):
        return untranslated(expression.body) or untranslated(expression.orelse)
    if isinstance(expression, ast.BoolOp):
        return any(untranslated(value) for value in expression.values)
    if isinstance(expression, ast.Call) and called(expression) == "format":
        return isinstance(expression.func, ast.Attribute) and untranslated(expression.func.value)
    parts = expression.values if isinstance(expression, ast.JoinedStr) else [expression]
    return any(isinstance(p, ast.Constant) and re.search(r"[A-Za-z]{2,} +[A-Za-z]{2,}", str(p.value)) for p in parts)


def test_errors_speak_through_the_catalogue() -> None:
    names = (*error_names(), "trouble", "BadParameter")
    assert {"ConfigError", "Rejected", "Finding", "OutcomeUnknown"} <= set(names)
    made = [(file, call) for file, tree in PYTHON for call in calls(tree, *names)]
    assert len(made) > 100
    assert [f"{file}:{call.lineno}" for file, call in made if any(untranslated(part) for part in said(call))] == []


@pytest.mark.parametrize("code", ['E("no such file")', 'E(f"no such {x}")', 'E("a b".format())', 'E(x or "is gone")'])
def test_a_bare_text_would_be_found(code: str) -> None:
    call = next(calls(ast.parse(code.replace("is gone", "it is gone").replace("a b", "not here")), "E"))
    assert any(untranslated(part) for part in said(call))


def test_a_language_without_catalogue_is_english() -> None:
    before = i18n._translations
    try:
        i18n.activate("de_DE.UTF-8")
        assert i18n.gettext("unknown key") == "unknown key"
        i18n.activate("fr_FR.UTF-8")
        assert i18n.gettext("unknown key") == "clé inconnue"
        assert i18n.gettext("") == ""  # not the catalogue's header
    finally:
        i18n._translations = before
