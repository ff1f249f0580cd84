"""What readers would see as it was typed: tags, braces, paragraphs behind four spaces."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.content import newsroom, write
from tests.support.ledger import NOW
from veille import checks, library

CODES = {"html-shown", "braces-shown", "indented-text"}
CASES = [
    ("Violences : 0800<br>300 30.", ["html-shown"]),
    ("<script>alert(1)</script>", ["html-shown"]),
    ('<img src="https://pixel.example.org/o.gif" width="1">', ["html-shown"]),
    ("C’est <B>gratuit</B>, <em>vraiment</em>.", ["html-shown"]),
    ("On vous <3, de 3 < 5, A <-> B, <https://example.org>, <accueil@example.org>.", []),
    ("Appelle {{ helpline 3919 }}.", ["braces-shown"]),
    ("Appelle { { helpline: 3919 } }.", ["braces-shown"]),
    ("Appelle {{ helpline: 3919 }.", ["braces-shown"]),
    ("Appelle {partner: ccas-bagneux}.", ["braces-shown"]),
    ("Appelle `{{ helpline: 3919 }}`.", ["braces-shown"]),
    ("Appelle {{ helpline: 3919 }} ou {{helpline:3919}}.", []),
    ("Un smiley :-} et {un mot}.", []),
    ("Un texte.\n\n    Pôles sociaux\n\n    Les Pôles sociaux accueillent.", ["indented-text"]),
    ("Un texte.\n\n    \N{NO-BREAK SPACE}\n\nLa suite.", ["indented-text"]),  # an empty line of a web page
    ("- un élément\n\n    sa suite\n- un autre", []),
]


def found(root: Path, body: str, front: str = "title: Bonjour") -> list[tuple[str, int | None, str | None]]:
    config = newsroom(root)
    write(root, front, body)
    all_found = checks.run(library.load(config), config, NOW)
    return [(f.code, f.line, f.field) for f in all_found if f.code in CODES]


@pytest.mark.parametrize(("body", "codes"), CASES, ids=lambda value: str(value)[:30])
def test_what_a_reader_would_see_as_typed(tmp_path: Path, body: str, codes: list[str]) -> None:
    assert [code for code, _line, _field in found(tmp_path, body)] == codes


def test_the_line_is_that_of_the_text_and_captions_are_looked_at(tmp_path: Path) -> None:
    front = "title: Bonjour\nfacebook:\n  text: Appelle {{ helpline 3919 }}"
    assert found(tmp_path, "Un texte.\n\n    Quatre espaces", front) == [
        ("braces-shown", 4, "facebook.text"),
        ("indented-text", 9, None),
    ]
