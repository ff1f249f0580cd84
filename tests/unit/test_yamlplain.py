"""Front matter read without a parser: the same as the parser reads, and nothing but what it reads."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from veille.errors import ContentError
from veille.reading import yaml12, yamlplain

_SCALARS = (
    *("été", "12", "2026-11-25", "18:30", "https://x.example.org/a?b=1", "l'ami", "true", "False", "no", "0x1f", "1e3"),
    *('"q"', '"q: #x"', '""', "''", "'é: #b'", "a  b", "a, b", "a b, c!", "a:b:c", "x%", "a-b", "a?b", "5 €", "null"),
)
_LISTS = ("[]", "[a, b]", "[l'ami, d'été]", "['a, c', \"b #d\"]", "[true, x]", "[a' b', c]", "[a.b, 2026-11-25]")
_TRAPS = (
    *("a: b", "a #b", "#x", "[a,b]", "[ ]", "[null]", "[a, ]", "{a: b}", "'it''s'", '"\\n"', "*a", "&a b", "!t x", "~"),
    *(
        "|",
        ">",
        "@x",
        "- a",
        "-",
        "? a",
        "a ",
        "a:",
        '"a" b',
        "\ufeff",
        "a\u00a0b",
        "...",
        "---",
        "[a: b]",
        "a\tb",
        "[a",
    ),
)
_KEYS = ("title", "tags", "image", "lang", "a", "b", "true")
_values = st.sampled_from([*_SCALARS * 3, *_LISTS * 3, *_TRAPS])
_key_lines = st.builds("{}: {}".format, st.sampled_from(_KEYS), _values)
_nested = st.builds(
    lambda key, indent, keys, values: "\n".join(
        [f"{key}:", *(f"{indent}{k}{v}" for k, v in zip(keys, values, strict=False))]
    ),
    st.sampled_from(_KEYS),
    st.sampled_from(["  ", "    ", ""]),
    st.lists(st.sampled_from(["- ", "- ", "src: ", "alt: "]), max_size=4),
    st.lists(_values, max_size=4),
)
_texts = st.lists(st.one_of(_key_lines, _nested, st.sampled_from(["", "title:", "  b", "# c"])), min_size=1, max_size=5)


def _by_parser(text: str, monkeypatch: pytest.MonkeyPatch) -> yaml12.Tree | None:
    with monkeypatch.context() as patch:
        patch.setattr(yamlplain, "read", lambda _text, _first: None)
        try:
            return yaml12.load(text, "a.md", 2)
        except ContentError:
            return None


@given(text=st.builds("\n".join, _texts))
@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
def test_what_is_read_without_a_parser_is_what_the_parser_reads(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = yamlplain.read(text, 2)
    assume(plain is not None)
    assert plain is not None
    assert yaml12.Tree(*plain, ()) == _by_parser(text, monkeypatch)


_POST = """\
title: "Une salle calme : elle ouvre"
date: 2026-11-25

image:
  src: salle.jpg
  alt: Une table, des livres
tags: [vélo, l'été]
towns:
- bagneux
draft: false
"""


def test_an_ordinary_post_needs_no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = yamlplain.read(_POST, 2)
    assert plain is not None
    assert yaml12.Tree(*plain, ()) == _by_parser(_POST, monkeypatch)
    assert plain[0]["title"] == "Une salle calme : elle ouvre"
    assert (plain[0]["draft"], plain[1]["image.alt"], plain[1]["towns.0"]) == (False, 7, 10)


@pytest.mark.parametrize("value", _TRAPS)
def test_whatever_has_a_second_meaning_is_left_to_the_parser(value: str) -> None:
    assert yamlplain.read(f"title: {value}", 1) is None


@pytest.mark.parametrize(
    "text",
    ["title: a\ntitle: b", "title: a\n  b: c", "a:\n  b: c\n    d: e", "a:\n  b: c\n- d", "- a", "a: b\n  c", ""],
)
def test_shapes_that_are_left_to_the_parser(text: str) -> None:
    assert yamlplain.read(text, 1) is None
