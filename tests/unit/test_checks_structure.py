"""How the files fit together."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.content import newsroom, write
from tests.support.ledger import NOW
from veille import checks, library
from veille.config import Config
from veille.errors import Finding, Severity
from veille.starter import placeholder


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return newsroom(tmp_path)


def run(config: Config) -> tuple[Finding, ...]:
    return checks.run(library.load(config), config, NOW)


def brief(config: Config) -> list[tuple[str, str]]:
    return [(finding.where.rpartition("/")[2], finding.code) for finding in run(config)]


def test_a_sound_library_has_no_finding(config: Config) -> None:
    front = "title: a\npartners: [ccas-bagneux]\nhelplines: [3919]\nimage: {src: repas.jpg, alt: b}"
    write(config.root, front, "{{ partner: ccas-bagneux }}\n\n{{ helpline: 39 19 }}", "posts/a.md")
    write(config.root, "title: a\nrelated: [a]\npublishDate: 2026-12-01\nexpiryDate: 2026-12-01", name="posts/b.md")
    write(config.root, "title: a\nposts: [a, b]", "{{ helpline: 3919 }}", "editions/n.md")
    assert run(config) == ()


def test_two_posts_with_one_slug_name_each_other(config: Config) -> None:
    write(config.root, "title: a\nslug: c", name="posts/a.md")
    write(config.root, "title: a\nslug: c", name="posts/b.md")
    one, other = run(config)
    assert (one.file, one.line, one.code) == ("content/posts/a.md", 3, "same-slug")
    assert "content/posts/b.md" in one.message
    assert "content/posts/a.md" in other.message


def test_one_identity_across_posts_and_editions(config: Config) -> None:
    write(config.root, "title: a\nslug: a", name="posts/2026-01-01-c.md")
    write(config.root, "title: a\nslug: b", name="posts/2026-01-02-c.md")
    write(config.root, "title: a\nslug: c\nposts: [d]", name="editions/c.md")
    write(config.root, "title: a", name="posts/d.md")
    assert [code for _where, code in brief(config)] == ["same-id"] * 3


def test_a_post_and_an_edition_may_share_an_address(config: Config) -> None:
    write(config.root, "title: a\nslug: c", name="posts/a.md")
    write(config.root, "title: a\nslug: c\nposts: [a]", name="editions/b.md")
    assert run(config) == ()


def test_unknown_contacts_have_their_line(config: Config) -> None:
    front = "title: a\npartners:\n  - ccas-bagneux\n  - ccas-bagnaux\nhelplines: [3918]"
    write(config.root, front, "Un.\n\n{{ partner: ccas-bagneu }}\n\nVoir {{ helpline: 3929 }}.", "posts/a.md")
    found = run(config)
    assert [(f.line, f.field, f.code) for f in found] == [
        (5, "partners", "unknown-contact"),
        (6, "helplines", "unknown-contact"),
        (11, None, "unknown-contact"),
        (13, None, "unknown-contact"),
    ]
    assert "ccas-bagneux" in str(found[0].hint)


def test_no_other_help_number_is_ever_suggested(config: Config) -> None:
    write(config.root, "title: a\nhelplines: [3918]", name="posts/a.md")
    (finding,) = run(config)
    assert "39 19" not in str(finding)
    assert "3919" not in str(finding)


def test_related_posts_exist(config: Config) -> None:
    write(config.root, "title: a\nrelated: [a, repos, repas]", name="posts/a.md")
    write(config.root, "title: a", name="posts/repas.md")
    assert brief(config) == [("a.md:3", "unknown-post"), ("a.md:3", "related-self")]
    assert "repas" in str(run(config)[0].hint)


def test_editions_name_posts_that_can_leave(config: Config) -> None:
    write(config.root, "title: a\ndraft: true", name="posts/a.md")
    write(config.root, "title: a\nchannels: [web]", name="posts/b.md")
    write(config.root, "title: a\nposts:\n  - a\n  - b\n  - c", name="editions/n.md")
    write(config.root, "title: a", name="editions/o.md")
    found = run(config)
    assert [(f.where.rpartition("/")[2], f.code, f.severity.value) for f in found] == [
        ("n.md:4", "edition-draft", "error"),
        ("n.md:5", "edition-channel", "warning"),
        ("n.md:6", "unknown-post", "error"),
        ("o.md", "edition-empty", "error"),
    ]


def test_pictures_that_are_none(config: Config) -> None:
    (config.root / "content/media/faux.jpg").write_text("<svg/>", encoding="utf-8")
    write(config.root, "title: a\nimage:\n  src: faux.jpg\n  alt: b", name="posts/a.md")
    (finding,) = run(config)
    assert (finding.file, finding.line, finding.field) == ("content/posts/a.md", 4, "image.src")
    assert "content/media/faux.jpg" in finding.message


@pytest.mark.parametrize(
    ("front", "fields"),
    [
        ("publishDate: 2026-12-02\nexpiryDate: 2026-12-01", ["expiryDate"]),
        ("publishDate: 2026-12-02\nexpiryDate: 2026-12-02", []),
        ("publishDate: 2026-12-02 00:00\nexpiryDate: 2026-12-01", ["expiryDate"]),
        ("publishDate: 2026-12-01 23:59\nexpiryDate: 2026-12-01", []),
        ("publishDate: 2026-12-02\ndeadline: 2026-12-01 18:00", ["deadline"]),
        ("publishDate: 2026-12-02\nevent: {start: 2026-12-01}", ["event.start"]),
        ("publishDate: 2026-12-02\nevent: {start: 2026-12-01, end: 2026-12-03}", []),
        ("expiryDate: 2020-01-01", []),
    ],
)
def test_over_before_it_is_published(config: Config, front: str, fields: list[str]) -> None:
    write(config.root, "title: a\n" + front, name="posts/a.md")
    found = run(config)
    assert [f.field for f in found] == fields
    assert all(f.severity is Severity.WARNING and f.line == 4 for f in found)


def test_a_warning_can_be_allowed_and_an_error_cannot(config: Config) -> None:
    front = "title: a\npublishDate: 2026-12-02\nexpiryDate: 2026-12-01\npartners: [x]\n"
    write(config.root, front + "allow: {over: archive, unknown-contact: non}", name="posts/a.md")
    assert brief(config) == [("a.md:5", "unknown-contact"), ("a.md:6", "allow-refused")]


def test_drafts_never_block_and_loading_is_included(config: Config) -> None:
    write(config.root, "title: a\ndraft: true\npartners: [x]", name="posts/a.md")
    write(config.root, "titl: a", name="posts/b.md")
    found = run(config)
    assert [(f.file[-4:], f.severity) for f in found] == [
        ("a.md", Severity.WARNING),
        ("b.md", Severity.ERROR),
        ("b.md", Severity.ERROR),
    ]


def test_the_text_of_a_new_file_is_never_published(config: Config) -> None:
    write(config.root, "title: a", placeholder(), "posts/a.md")
    write(config.root, "title: b\ndraft: true", placeholder(), "posts/b.md")
    (finding,) = run(config)
    assert (finding.file, finding.code, finding.severity) == ("content/posts/a.md", "placeholder", Severity.ERROR)


def test_a_broken_post_is_not_called_missing(config: Config) -> None:
    write(config.root, "title: a : b : c\nkind: [", name="posts/a.md")
    write(config.root, "title: c\nposts: [a]", name="editions/c.md")
    (finding,) = [f for f in run(config) if f.file == "content/editions/c.md"]
    assert "content/posts/a.md" in (finding.hint or "")


def test_a_mistyped_help_number_is_never_answered_with_another(config: Config) -> None:
    write(config.root, "title: a", "{{ helpline: 3929 }}", "posts/a.md")
    (finding,) = run(config)
    assert finding.code == "unknown-contact"
    assert "3919" not in (finding.hint or "")
