"""Every state and every event of a delivery has words of its own, in French too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.support.messages import ROOT
from veille import i18n
from veille.errors import PublishError
from veille.outbox.actions import Answer
from veille.publishing import State
from veille_cli.history import event_words, state_word


@pytest.fixture(autouse=True)
def _french() -> Iterator[None]:
    before = i18n._translations
    i18n.activate("fr")
    yield
    i18n._translations = before


def test_every_state_has_a_word() -> None:
    assert [state for state in State if state_word(state.value) == state.value] == []
    assert state_word("sent") == "envoyé"


WRITERS = ("log", "settle", "Settled", "_event")


def test_every_refusal_has_words() -> None:
    def below(kind: type[PublishError]) -> Iterator[type[PublishError]]:
        for child in kind.__subclasses__():
            yield child
            yield from below(child)

    codes = {kind.code for kind in below(PublishError) if kind.__module__ == "veille.errors"}
    assert len(codes) == 6
    assert [code for code in codes if event_words(code) == code] == []


def test_what_dispatch_and_people_write_into_the_history_has_words() -> None:
    """Events are short texts given to what writes the history, or returned beside new values."""
    events = {f"by-hand: {word}" for word in ("retry", "cancel", *(f"resolved-{answer}" for answer in Answer))}
    for file in ("dispatch.py", "journal.py", "outbox/deliveries.py", "outbox/group.py", "outbox/upkeep.py"):
        for node in ast.walk(ast.parse((ROOT / "src/veille" / file).read_text(encoding="utf-8"))):
            events |= set(_events(node))
    assert {"found", "absent", "intent", "released", "recovered", "by-hand: resolved-sent"} <= events
    assert [event for event in sorted(events) if event_words(event) == event] == []


def _events(node: ast.AST) -> Iterator[str]:
    texts: list[ast.expr] = []
    if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 2:
        texts = node.value.elts[1:]
    elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in WRITERS:
        texts = [
            part
            for argument in node.args
            if not isinstance(argument, ast.Dict)
            for part in ast.walk(argument)
            if isinstance(part, ast.expr)
        ]
    for text in texts:
        if isinstance(text, ast.Constant) and re.fullmatch(r"[a-z][a-z-]+", str(text.value)):
            yield str(text.value)
