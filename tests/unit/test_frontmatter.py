"""Front matter: what a person may type, and what YAML makes of it (odd inputs measured in November 2026)."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veille.errors import ContentError, Finding
from veille.reading import frontmatter
from veille.reading.frontmatter import Document

FILE = "content/posts/x.md"


def read(front: str, body: str = "Bonjour.") -> Document:
    return frontmatter.parse(f"---\n{front}\n---\n{body}\n", FILE)


def findings(text: str) -> tuple[Finding, ...]:
    """Every finding, whether the rest could be read or not."""
    try:
        return frontmatter.parse(text, FILE).findings
    except ContentError as error:
        return error.findings


def front_findings(front: str) -> tuple[Finding, ...]:
    return findings(f"---\n{front}\n---\nBonjour.\n")


AS_TEXT = [
    ("heure: 18:30", "18:30"),
    ("heure: 12:30:00", "12:30:00"),
    ("cp: 04100", "04100"),
    ("n: 0123", "0123"),
    ("n: 0x1f", "0x1f"),
    ("n: 1_000", "1_000"),
    ("n: 1e3", "1e3"),
    ("lang: no", "no"),
    ("x: yes", "yes"),
    ("x: on", "on"),
    ("x: NO", "NO"),
    ("date: 2026-12-01", "2026-12-01"),
    ("date: 2026-12-01 09:00", "2026-12-01 09:00"),
    ("date: 2026-12-01 09:00:00", "2026-12-01 09:00:00"),
    ("date: 01/12/2026", "01/12/2026"),
    ("url: https://example.org/a:b", "https://example.org/a:b"),
    ("c: C#1", "C#1"),
    ("on: a", "a"),
    ("1: a", "a"),
    ("title: Rendez-vous à 18:30", "Rendez-vous à 18:30"),
    ("title: Atelier\u00a0:\u00a0gérer", "Atelier\u00a0:\u00a0gérer"),
    ("title: « Bonjour »", "« Bonjour »"),
    ("title: ok # une vraie note", "ok"),
    ("<<: a", "a"),
]


@pytest.mark.parametrize(("front", "expected"), AS_TEXT)
def test_scalars_stay_as_typed(front: str, expected: str) -> None:
    document = read(front)
    assert list(document.values.values()) == [expected]
    assert not document.findings


@pytest.mark.parametrize(
    ("front", "expected"), [("x: true", True), ("x: False", False), ("x:", None), ("x: ~", None), ('x: ""', "")]
)
def test_the_few_values_that_are_not_text(front: str, expected: object) -> None:
    assert read(front).values["x"] == expected


REPAIRED = [
    ("title: Atelier : gérer le stress", 'title: "Atelier : gérer le stress"', "yaml-value"),
    ("title: Atelier: gérer", 'title: "Atelier: gérer"', "yaml-value"),
    ("title: Horaires:", 'title: "Horaires:"', "yaml-value"),
    ("title: @page", 'title: "@page"', "yaml-value"),
    ("title: *gras*", 'title: "*gras*"', "yaml-sign"),
    ("title: *gras* et plus", 'title: "*gras* et plus"', "yaml-value"),
    ("title: %x", 'title: "%x"', "yaml-value"),
    ("title: `code`", 'title: "`code`"', "yaml-value"),
    ("title: &a b", 'title: "&a b"', "yaml-sign"),
    ("title: !important", 'title: "!important"', "yaml-sign"),
    ("title: > 18 ans", 'title: "> 18 ans"', "yaml-value"),
    ("title: | a", 'title: "| a"', "yaml-value"),
    ("title: - a", 'title: "- a"', "yaml-value"),
    ("title: [Important] Réunion", 'title: "[Important] Réunion"', "yaml-value"),
    ("title: 'L'été à Bagneux'", 'title: "L\'été à Bagneux"', "yaml-value"),
    ('title: "Bonjour" à tous', "title: '\"Bonjour\" à tous'", "yaml-value"),
    ('title: "Bonjour', 'title: "Bonjour"', "yaml-value"),
    ('title: "C:\\Users"', "title: 'C:\\Users'", "yaml-value"),
    ("title: Stand #3", 'title: "Stand #3"', "yaml-comment"),
    ("hashtags: #prevention #ados", "hashtags: [prevention, ados]", "yaml-comment"),
    ("hashtags: [#a, b]", "hashtags: [a, b]", "yaml-value"),
    ("hashtags: [#a, #b]", "hashtags: [a, b]", "yaml-value"),
    ("author: [a, @b]", 'author: [a, "@b"]', "yaml-value"),
    ("title:\tBonjour", "title: Bonjour", "yaml-tab"),
    ("title:Bonjour\nlang: fr", "title: Bonjour", "yaml-space"),
    ("title:Bonjour", "title: Bonjour", "yaml-space"),
    ("title:\u00a0Bonjour\nlang: fr", "title: Bonjour", "yaml-space"),
]


@pytest.mark.parametrize(("front", "line", "code"), REPAIRED)
def test_a_french_trap_is_named_with_the_line_to_write(front: str, line: str, code: str) -> None:
    (finding,) = front_findings(front)
    assert (finding.line, finding.code) == (2, code)
    assert finding.hint is not None
    assert finding.hint.endswith(line)
    assert front_findings(line) == ()  # what we tell a person to write can be read


def test_the_remedy_says_what_was_meant() -> None:
    for front, line, _code in REPAIRED:
        key = front.partition(":")[0]
        meant = front.splitlines()[0].partition(":")[2].strip().strip("'\"")
        value = read(line).values[key]
        if isinstance(value, str):
            assert value.strip("'\"") == meant


def test_every_trap_of_a_file_is_told_at_once() -> None:
    front = "title: Atelier : gérer\nauthor: @page\nsummary: *gras*\nslug: %x\nkind: Stand #3"
    assert [finding.line for finding in front_findings(front)] == [2, 3, 4, 5, 6]


def test_duplicate_keys_name_the_first_line() -> None:
    (finding,) = front_findings("title: a\nlang: fr\ntitle: b")
    assert finding.line == 4
    assert finding.code == "duplicate-key"
    assert "2" in finding.message


REFUSED = [
    ("tags:\n  - #a\n  - b", 3, "yaml-comment"),
    ("title: a\n  lang: fr", 3, "yaml"),
    ("- a", 2, "yaml"),
    ("Bonjour à tous", 2, "yaml"),
    ("? [a]\n: b", 2, "yaml-key"),
    ("title: {{ partner: x }}", 2, "yaml-key"),
    ("title: a\n...\nlang: fr", 4, "yaml"),
    ("title: !!python/object:os.system x", 2, "yaml-sign"),
    ("a: &a [x, x]\nb: *a", 2, "yaml-sign"),
    ('title: a\nlang: "\\U99999999', 3, "yaml-value"),
    ('title: a\n"\\U99999999"', 3, "yaml"),
    ("title: a\r&a", 3, "yaml"),
    ('title: "a\\x07b"', 2, "control-character"),
    ('title: "a\\ud800b"', 2, "control-character"),
    ("title: a\x0bb", 2, "control-character"),
    ("title: a\u2028b", 2, "control-character"),
]


@pytest.mark.parametrize(("front", "line", "code"), REFUSED)
def test_what_has_no_sure_remedy_is_refused_with_its_line(front: str, line: int, code: str) -> None:
    finding = front_findings(front)[0]
    assert (finding.line, finding.code) == (line, code)


BOMBS = [
    "[" * 60_000,
    "a: " + "[a," * 20_000,
    "{" * 60_000,
    "- " * 30_000,
    "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "\n".join(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)},*{chr(97 + n)}]" for n in range(8)),
    "\n".join(f"k{n}: v" for n in range(5_000)),
    "\n".join(f"k{n}: v" for n in range(30_000)),
    "\n".join("  " * n + "a:" for n in range(300)),
]


@pytest.mark.parametrize("front", BOMBS, ids=range(len(BOMBS)))
def test_bombs_are_refused_quickly(front: str) -> None:
    began = time.process_time()
    assert front_findings(front)
    assert time.process_time() - began < 3


def test_64_kib_is_the_limit() -> None:
    fits = "x: " + "a" * (frontmatter.MAX_FRONT_MATTER - 3)
    assert read(fits).values["x"]
    with pytest.raises(ContentError) as caught:
        read(fits + "a")
    assert caught.value.findings[0].code == "front-matter-size"


NO_FRONT_MATTER = [
    ("Bonjour\n", 1, "front-matter-missing"),
    ("", 1, "front-matter-missing"),
    ("----\ntitle: a\n----\n", 1, "front-matter-missing"),
    ("+++\ntitle = 'a'\n+++\n", 1, "front-matter-missing"),
    ("\n\n---\ntitle: a\n\nBonjour\n", 3, "front-matter-end"),
    ("---\ntitle: a\nBonjour à tous !\n\n---\nSuite\n", 3, "yaml"),
]


@pytest.mark.parametrize(("text", "line", "code"), NO_FRONT_MATTER)
def test_no_front_matter_or_no_end_of_it(text: str, line: int, code: str) -> None:
    (finding,) = findings(text)
    assert (finding.line, finding.code) == (line, code)


def test_lines_of_keys_lists_and_body() -> None:
    document = read(
        "title: a\nimage:\n  src: b.jpg\n  alt: c\nimages:\n  - src: d.jpg\n    alt: e", "\n\nBonjour.\n\nAu revoir."
    )
    assert document.lines["image.alt"] == 5
    assert document.lines["images.0.alt"] == 8
    assert document.body == "Bonjour.\n\nAu revoir."
    assert document.body_line == 12


def test_three_dashes_in_the_body_do_not_end_it() -> None:
    assert read("title: a", "Un.\n\n---\n\nDeux.").body == "Un.\n\n---\n\nDeux."


def test_control_characters_in_the_body_have_a_line() -> None:
    (finding,) = read("title: a", "Un.\n\nDeux\x0btrois.").findings
    assert (finding.line, finding.code) == (6, "control-character")


# ---- files


def test_a_byte_order_mark_and_windows_line_ends_are_nothing_special(tmp_path: Path) -> None:
    path = tmp_path / "x.md"
    path.write_bytes("\ufeff---\r\ntitle: été\r\n---\r\nBonjour.\r\n".encode())
    document = frontmatter.parse(frontmatter.read_text(path, FILE), FILE)
    assert document.values == {"title": "été"}
    assert document.body == "Bonjour."


def test_latin_1_is_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "x.md"
    path.write_bytes("---\ntitle: a\nsummary: été\n---\n".encode("latin-1"))
    with pytest.raises(ContentError) as caught:
        frontmatter.read_text(path, FILE)
    (finding,) = caught.value.findings
    assert (finding.line, finding.code) == (3, "encoding")
    assert "UTF-8" in str(finding.hint)


def test_utf_16_a_folder_a_link_and_a_giant_are_refused(tmp_path: Path) -> None:
    (tmp_path / "utf16.md").write_bytes("---\n".encode("utf-16"))
    (tmp_path / "folder.md").mkdir()
    (tmp_path / "good.md").write_text("---\n")
    (tmp_path / "link.md").symlink_to(tmp_path / "good.md")
    with (tmp_path / "sparse.md").open("wb") as file:
        file.truncate(10 * 1024**3)
    for name in ("utf16", "folder", "link", "sparse", "missing"):
        with pytest.raises(ContentError):
            frontmatter.read_text(tmp_path / f"{name}.md", FILE)


# ---- writing

_CLEAN = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufffe\uffff"), max_size=40
)
_KEYS = st.text(st.characters(codec="ascii", categories=["Ll", "Nd"]), min_size=1, max_size=8)
_VALUES = st.recursive(
    _CLEAN | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=6,
)
_BODIES = st.text(
    st.characters(exclude_categories=["Cc", "Cs"], include_characters="\n-# ", exclude_characters="\ufffe\uffff")
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(_KEYS, _VALUES, max_size=5), _BODIES)
def test_what_is_written_is_read_back(values: dict[str, object], body: str) -> None:
    text = frontmatter.dump(values, body)
    document = frontmatter.parse(text, FILE)
    assert document.values == values
    assert list(document.values) == list(values)
    assert document.body.strip() == body.strip()
    assert document.findings == ()


@pytest.mark.parametrize(
    "value",
    ["true", "null", "", "04100", "Atelier : gérer", "#a", "@a", "*a*", "%a", "- a", "l'été", '"a" b', " a ", "a\nb"],
)
def test_awkward_texts_survive_writing(value: str) -> None:
    assert frontmatter.parse(frontmatter.dump({"title": value}, "x"), FILE).values == {"title": value}


def test_written_files_are_pleasant() -> None:
    text = frontmatter.dump({"title": "Été", "date": date(2026, 12, 1), "tags": ["a", "b"], "draft": True}, "Bonjour.")
    assert text == "---\ntitle: Été\ndate: 2026-12-01\ntags:\n  - a\n  - b\ndraft: true\n---\n\nBonjour.\n"


_PIECES = ["a", "b", ": ", ":", "#", "-", "- ", "[", "]", "{", "}", "'", '"', "\n", "\n  ", "\t", " ", "&a", "*a", "!"]
_PIECES += ["!!x", "|", ">", "%", "%YAML 1.1", "@", "?", "? ", ",", "\\", "\\x07", "\\U99999999", "\\ud800", "\u00a0"]
_PIECES += ["é", "...", "true", "null", "<<", "---", "\u2028", "\r", "\ufeff", "\x85"]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=25).map("".join))
def test_no_text_makes_the_reader_fail_otherwise(front: str) -> None:
    for finding in front_findings(front):
        assert finding.line
        assert finding.message
