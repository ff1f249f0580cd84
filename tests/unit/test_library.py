"""The library: everything in `content/`, and nothing hidden by a broken file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.content import newsroom, write
from tests.support.ledger import NOW
from veille import checks, library
from veille import config as settings
from veille.config import Config
from veille.errors import ContentError, Severity


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return newsroom(tmp_path)


def test_one_broken_file_hides_nothing(config: Config) -> None:
    root = config.root
    write(root, "title: Un", name="posts/un.md")
    write(root, "title: Deux : trois", name="posts/deux.md")
    write(root, "title: Lettre\nposts: [un]", name="editions/n.md")
    write(root, "titl: Lettre", name="editions/m.md")
    (root / "content/posts/latin.md").write_bytes(b"---\ntitle: \xe9t\xe9\n---\nx")
    (root / "content/partners/b.yaml").write_text("name: b", encoding="utf-8")
    found = library.load(config)
    assert [post.source for post in found.posts] == ["un"]
    assert [edition.source for edition in found.editions] == ["n"]
    assert list(found.partners) == ["ccas-bagneux"]
    assert list(found.helplines) == ["3919"]
    assert [f.file.rpartition("/")[2] for f in found.findings] == [
        "m.md", "m.md", "b.yaml", "b.yaml", "deux.md", "latin.md",
    ]  # fmt: skip
    assert all(f.severity is Severity.ERROR for f in found.findings)


def test_a_broken_draft_only_warns(config: Config) -> None:
    write(config.root, "title: Deux : trois\nbrouillon: true", name="posts/deux.md")
    write(config.root, "title: a", body="draft: true", name="posts/body.md")
    write(config.root, "title: a\nkind: x", body="draft: true", name="posts/no-draft.md")
    found = library.load(config)
    assert found.drafts == {"content/posts/deux.md"}
    assert [(f.file, f.severity) for f in found.findings] == [
        ("content/posts/deux.md", Severity.WARNING),
        ("content/posts/no-draft.md", Severity.ERROR),
    ]


def test_missing_folders_are_said(tmp_path: Path) -> None:
    config = newsroom(tmp_path)
    (tmp_path / "content").rename(tmp_path / "gone")
    found = library.load(config).findings
    assert [(f.file, f.code, f.severity) for f in found] == [
        ("content", "no-content", Severity.ERROR),
        ("content/helplines.yaml", "no-helplines", Severity.WARNING),
    ]


def test_files_that_editors_leave_behind(config: Config) -> None:
    for name in (".hidden.md", "un.md.swp", "un.md~", ".git/x.md"):
        write(config.root, "x", name=f"posts/{name}")
    write(config.root, "title: Un", name="posts/2026/UN.MD")
    write(config.root, "title: Un", name="posts/deux.md.txt")
    write(config.root, "name: Un", name="partners/un.yml")
    found = library.load(config)
    assert [post.file for post in found.posts] == ["content/posts/2026/UN.MD"]
    assert [(f.file, f.code) for f in found.findings] == [
        ("content/partners/un.yml", "not-read"),
        ("content/posts/deux.md.txt", "not-read"),
    ]


def test_a_post_behind_a_link_is_refused(config: Config, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("outside") / "secret.md"
    secret.write_text("---\ntitle: a\n---\nx\n", encoding="utf-8")
    (config.root / "content/posts/link.md").symlink_to(secret)
    found = library.load(config)
    assert found.posts == ()
    assert [f.code for f in found.findings] == ["unreadable"]


def test_editions_and_related_may_name_files(config: Config) -> None:
    write(config.root, "title: Un\nid: autre", name="posts/2026-11-23-un.md")
    write(config.root, "title: Deux\nrelated: [2026-11-23-un.md]", name="posts/deux.md")
    write(config.root, "title: a\nposts: [content/posts/2026-11-23-un.md, un, deux, rien]", name="editions/n.md")
    found = library.load(config)
    assert found.editions[0].posts == ("autre", "autre", "deux", "rien")
    assert found.posts[1].related == ("autre",)


def test_find_what_a_person_types(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    write(config.root, "title: Un", name="posts/2026-11-23-repas.md")
    write(config.root, "title: Deux : trois", name="posts/casse.md")
    write(config.root, "title: a\nposts: [repas]", name="editions/n.md")
    found = library.load(config)
    for name in ("content/posts/2026-11-23-repas.md", "repas", "2026-11-23-repas.md", "2026-11-23-repas"):
        assert found.find(name).source == "repas"
    assert found.find("n") is found.editions[0]
    monkeypatch.chdir(config.root / "content/posts")
    assert found.find("./2026-11-23-repas.md").source == "repas"
    assert found.find(Path("../editions/n.md").resolve()) is found.editions[0]
    with pytest.raises(ContentError, match="quotation marks"):
        found.find("casse.md")
    with pytest.raises(ContentError, match="repas"):
        found.find("repa")


def test_the_sample_newsroom_is_sound() -> None:
    sample = settings.load(Path(__file__).parents[2], {})
    found = library.load(sample)
    assert checks.run(found, sample, NOW) == ()
    assert len(found.posts) >= 12
    assert len(found.partners) >= 12


def test_a_pipe_among_the_posts_is_named_and_not_waited_for(config: Config) -> None:
    os.mkfifo(config.root / "content/posts/tuyau.md")
    (finding,) = library.load(config).findings
    assert finding.file == "content/posts/tuyau.md"
