"""Whoever wrote a broken file is told of everything at once, and not of the rest after the first mistake is mended."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.content import newsroom, write
from tests.support.ledger import NOW
from veille import checks, library
from veille.errors import Finding

BODY = "{{ partner: personne }}\n\nLe jeune K., 15 ans."
LATER = {("partners", "unknown-contact"), (None, "unknown-contact"), (None, "person-situation")}


def told(root: Path, front: str, body: str = BODY, name: str = "posts/a.md") -> set[tuple[str | None, str]]:
    made = newsroom(root)
    write(root, front, body, name)
    return {(f.field, f.code) for f in checks.run(library.load(made), made, NOW)}


@pytest.mark.parametrize(
    ("front", "first"),
    [
        ("title: a\nfoo: b\nalt: c", {("foo", "unknown-key"), ("alt", "unknown-key")}),
        ("title: a\ndraf: true\ndate: 2026-13-45", {("draf", "unknown-key"), ("date", "date")}),
        ("summary: a", {("title", "missing")}),
        ("title: a\nimage: {src: no.jpg, altt: x}", {("image.src", "picture-missing"), ("image.altt", "unknown-key")}),
        ("title: a\nevent: {start: 2026-12-02, plac: x}", {("event.plac", "unknown-key")}),
        ("title: a\ninstagram: {images: [{src: repas.jpg}]}", {("instagram.images.0.alt", "alt-missing")}),
    ],
)
def test_what_is_wrong_in_keys_and_in_the_text_is_told_together(
    tmp_path: Path, front: str, first: set[tuple[str | None, str]]
) -> None:
    found = told(tmp_path, f"{front}\npartners: [personne]")
    assert first <= found
    assert found >= LATER


def test_an_exception_beside_a_mistake_still_counts(tmp_path: Path) -> None:
    front = "title: a\nfoo: b\nallow:\n  person-situation: accord écrit\n  long-sentence: ''"
    found = told(tmp_path, front)
    assert ("foo", "unknown-key") in found
    assert (None, "person-situation") not in found


def test_an_edition_is_looked_at_likewise(tmp_path: Path) -> None:
    found = told(tmp_path, "title: a\nfoo: b", name="editions/a.md")
    assert {("foo", "unknown-key"), (None, "unknown-contact"), (None, "person-situation")} <= found


def test_what_is_broken_is_for_checks_only(tmp_path: Path) -> None:
    made = newsroom(tmp_path)
    write(tmp_path, "title: a\nfoo: b", name="posts/a.md")
    loaded = library.load(made)
    assert loaded.posts == ()
    assert [post.source for post in loaded.broken] == ["a"]
    assert [finding.code for finding in _only(loaded.findings)] == ["unknown-key"]


def _only(findings: tuple[Finding, ...]) -> list[Finding]:
    return [finding for finding in findings if finding.file.endswith("a.md")]
