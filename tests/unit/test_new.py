"""`veille new`: what it asks, what it writes, and that the file reads back without a finding."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.content import newsroom, write
from tests.support.ledger import NOW
from veille import checks, library, partners, posts
from veille.config import Config
from veille.reading.contact import read_partner
from veille.reading.edition import read_edition
from veille.reading.post import read_post
from veille_cli.application import build
from veille_cli.output import Talk

DATED = "2026-11-25"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    made = newsroom(tmp_path.resolve())
    monkeypatch.chdir(made.root)
    monkeypatch.setenv("VEILLE_NOW", "2026-11-24T23:30:00+00:00")  # already the 25th in Paris
    return made


def run(*args: str) -> int:
    with pytest.raises(SystemExit) as ended:
        build()(["new", *args])
    return int(ended.value.code or 0)


def answering(monkeypatch: pytest.MonkeyPatch, answers: Sequence[str]) -> list[str]:
    """A person at the terminal; gives what was asked."""
    asked: list[str] = []
    left = iter(answers)

    def prompt(words: str, *, default: str, **_others: Any) -> str:
        asked.append(words)
        return next(left) or default

    monkeypatch.setattr(Talk, "interactive", property(lambda _talk: True))
    monkeypatch.setattr("typer.prompt", prompt)
    return asked


def test_the_choices_are_shown_in_the_words_of_readers(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, ["Soupe", *[""] * 9])
    assert run("post") == 0
    assert any("event · service" in words and "call-for-projects" in words for words in asked)
    assert any("young = For 11 to 25 year-olds" in words for words in asked)


def test_a_post_of_a_title_alone_is_a_draft_that_reads_back(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("post", "Le goûter : mercredi") == 0
    path = config.root / f"content/posts/{DATED}-le-gouter-mercredi.md"
    post = read_post(path, config)
    assert (post.title, post.draft, post.kind, post.date) == ("Le goûter : mercredi", True, posts.Kind.NEWS, None)
    assert checks.run(library.load(config), config, NOW) == ()
    out = capsys.readouterr().out
    assert out.splitlines()[0] == f"content/posts/{DATED}-le-gouter-mercredi.md"
    assert f"veille preview content/posts/{DATED}-le-gouter-mercredi.md" in out


def test_every_option_of_a_post_reaches_the_file(config: Config) -> None:
    options = ["--kind", "Événement", "--town", "Bagneux", "--town", "bourg-la-reine", "--audience", "jeunes,familles"]
    options += ["--date", "24/11/2026", "--summary", "Venez !", "--picture", "repas.jpg", "--alt", "Une table"]
    options += [
        "--start",
        "5/12/2026 17h",
        "--end",
        "2026-12-05 21:30",
        "--place",
        "Ludothèque",
        "--deadline",
        "2026-12-01",
    ]
    assert run("post", "--title", "Soirée jeux", *options) == 0
    post = read_post(config.root / f"content/posts/{DATED}-soiree-jeux.md", config)
    assert post.kind is posts.Kind.EVENT
    assert post.towns == ("bagneux", "bourg-la-reine")
    assert post.audience == (posts.Audience.YOUNG, posts.Audience.FAMILIES)
    assert post.event is not None
    assert f"{post.event.start:%d %H:%M} {post.event.end:%H:%M} {post.event.place}" == "05 17:00 21:30 Ludothèque"
    assert post.image is not None
    assert (post.image.alt, post.summary, str(post.date), str(post.deadline)) == (
        "Une table",
        "Venez !",
        "2026-11-24",
        "2026-12-01",
    )
    assert checks.run(library.load(config), config, NOW) == ()


@pytest.mark.parametrize(
    "title", ['Un "mot" : entre deux', "# pas un commentaire", "no", "1:20", "- tiret", "@fête & co"]
)
def test_titles_that_yaml_would_misread_survive(config: Config, title: str) -> None:
    assert run("post", f"--title={title}") == 0
    (path,) = (config.root / "content/posts").glob("*.md")
    assert read_post(path, config).title == title


def test_nothing_is_overwritten(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    run("post", "Goûter")
    path = config.root / f"content/posts/{DATED}-gouter.md"
    path.write_text("à moi", encoding="utf-8")
    assert run("post", "Goûter", "--kind", "event") == 1
    assert path.read_text(encoding="utf-8") == "à moi"
    assert "exists already" in capsys.readouterr().err


def test_a_name_that_another_post_has_gets_a_number(config: Config) -> None:
    write(config.root, "title: Goûter", name="posts/2026-01-10-gouter.md")
    assert run("post", "Goûter") == 0
    assert read_post(config.root / f"content/posts/{DATED}-gouter-2.md", config).source == "gouter-2"
    assert checks.run(library.load(config), config, NOW) == ()


def test_every_wrong_option_is_told_at_once_and_nothing_is_written(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--kind", "evnt", "--town", "bagneu", "--picture", "repa.jpg", "--start", "demain"]
    assert run("post", "!!!", *options) == 3
    said = capsys.readouterr().err
    for name in ("TITLE", "--kind", "--town", "--picture", "--alt", "--start"):
        assert f"✗ {name}: " in said
    assert 'did you mean "Bagneux"?' in said
    assert list((config.root / "content/posts").iterdir()) == []


def test_without_a_title_and_a_terminal_the_title_is_asked_for_in_words(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("post", "--json") == 3
    envelope = json.loads(capsys.readouterr().out)
    assert envelope["command"] == "new post"
    assert [(error["file"], error["code"]) for error in envelope["errors"]] == [("TITLE", "missing")]


def test_a_place_needs_its_time(config: Config, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("post", "Fête", "--place", "Chez nous") == 3
    assert "✗ --start: " in capsys.readouterr().err


def test_on_a_terminal_a_wrong_answer_is_asked_again(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [
        "!!!",
        "Goûter",
        "evnt",
        "event",
        "",
        "",
        "5/12/2026 16h",
        "",
        "Chez nous",
        "",
        "",
        "repas.jpg",
        "",
        "Table",
    ]
    asked = answering(monkeypatch, answers)
    assert run("post") == 0
    post = read_post(config.root / f"content/posts/{DATED}-gouter.md", config)
    assert post.event is not None
    assert post.event.place == "Chez nous"
    assert post.image is not None
    assert post.image.alt == "Table"
    assert len(asked) == len(answers)
    assert [words for words in asked if asked.count(words) == 2][::2] == [asked[0], asked[2], asked[-1]]


def test_on_a_terminal_only_what_matters_is_asked(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, ["", "", "", "", "", ""])
    assert run("post", "Nouvelles") == 0
    assert not any("begin" in words or "Until when" in words or "show" in words for words in asked)
    post = read_post(config.root / f"content/posts/{DATED}-nouvelles.md", config)
    assert (post.kind, post.towns, post.event, post.image) == (posts.Kind.NEWS, (), None, None)


def test_an_edition_takes_what_no_edition_holds(config: Config) -> None:
    write(config.root, "title: Un", name="posts/2026-11-20-un.md")
    write(config.root, "title: Deux", name="posts/2026-11-21-deux.md")
    write(config.root, "title: Brouillon\ndraft: true", name="posts/2026-11-22-brouillon.md")
    write(config.root, "title: Fini\nexpiryDate: 2026-11-24", name="posts/2026-11-22-fini.md")
    write(config.root, "title: Ailleurs\nchannels: [web]", name="posts/2026-11-22-ailleurs.md")
    write(config.root, "title: Lettre 1\nposts: [un]", name="editions/2026-11-20-lettre-1.md")
    assert run("edition", "Lettre 2") == 0
    edition = read_edition(config.root / f"content/editions/{DATED}-lettre-2.md", config)
    assert (edition.title, edition.posts, edition.draft) == ("Lettre 2", ("deux",), True)
    assert checks.run(library.load(config), config, NOW) == ()


def test_an_edition_of_chosen_posts_keeps_their_order(config: Config) -> None:
    write(config.root, "title: Un", name="posts/2026-11-20-un.md")
    write(config.root, "title: Deux", name="posts/2026-11-21-deux.md")
    assert run("edition", "Lettre", "--post", "deux", "--post", "un", "--date", "2026-11-27") == 0
    edition = read_edition(config.root / f"content/editions/{DATED}-lettre.md", config)
    assert (edition.posts, str(edition.date)) == (("deux", "un"), "2026-11-27")


def test_a_partner_reads_back(config: Config) -> None:
    options = ["--need", "alimentation", "--town", "Bagneux", "--phone", "01 99 00 12 55", "--email", "a@example.org"]
    assert run("partner", "Épicerie « Le Panier »", *options, "--hours", "Le jeudi : 9 h à 12 h") == 0
    partner = read_partner(config.root / "content/partners/epicerie-le-panier.yaml", config)
    assert (partner.name, partner.needs, partner.towns) == (
        "Épicerie « Le Panier »",
        (partners.Need.FOOD,),
        ("bagneux",),
    )
    assert (partner.phone, str(partner.verified_on), partner.hours) == (
        "01 99 00 12 55",
        DATED,
        "Le jeudi : 9 h à 12 h",
    )


def test_a_partner_needs_what_it_helps_with_and_a_number_that_can_be_called(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("partner", "Le Panier", "--phone", "douze") == 3
    said = capsys.readouterr().err
    assert "✗ --need: this is missing" in said
    assert "✗ --phone: " in said
    assert not (config.root / "content/partners/le-panier.yaml").exists()
