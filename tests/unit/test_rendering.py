from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from jinja2 import Environment
from PIL import Image as Pillow

from veille.config import Config
from veille.editions import Edition
from veille.errors import ContentError, RenderError
from veille.partners import HelpLine, Partner
from veille.posts import Event, Image, Kind, NewsletterOptions, Post
from veille.rendering import (
    Cover,
    RenderedEdition,
    RenderedPost,
    Templates,
    labels,
    render_edition,
    render_file,
    render_post,
    shorten,
)
from veille.settings import Settings

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 27, 16, 0, tzinfo=UTC)
CHECKED = date(2026, 11, 18)


def config(root: Path) -> Config:
    settings = Settings.model_validate(
        {
            "workspace": {"name": "Essai", "towns": ["Bourg-la-Reine"], "base_url": "https://essai.example.org"},
            "brand": {"tagline": "Pour voir"},
        }
    )
    return Config(root=root, settings=settings)


def library() -> Any:
    lines = [("3919", "39 19", False, True), ("114", "114", True, True), ("3989", "39 89", False, False)]
    return SimpleNamespace(
        partners={
            "ccas": Partner("ccas", "ccas.yaml", "CCAS", (), (), CHECKED, phone="01 99 00 12 34", sms="06 39 98 12 34")
        },
        helplines={
            number: HelpLine(number, label, f"Ligne {number}", "Pour toi !", "24h/24", CHECKED, "x", voice=not text,
                             sms=text, emergency=emergency)
            for number, label, text, emergency in lines
        },
        posts={},
    )  # fmt: skip


def post(**changes: Any) -> Post:
    base = Post(
        path=Path("/w/content/posts/repas.md"),
        file="content/posts/repas.md",
        source="repas",
        slug="repas",
        title="Un repas chaud !",
        body="Viens **manger** !\n\n{{ partner: ccas }}",
        body_line=9,
        towns=("bourg-la-reine",),
        channels=("newsletter",),
    )
    return replace(base, **changes)


def rendered(root: Path, **changes: Any) -> RenderedPost:
    return render_post(post(**changes), library(), config(root), now=NOW)


def test_a_post_is_ready_for_any_template(tmp_path: Path) -> None:
    result = rendered(tmp_path, partners=("ccas",), helplines=("39 19",), date=date(2026, 12, 1))
    assert result.title == "Un repas chaud\u202f!"
    assert result.url == "https://essai.example.org/posts/repas/"
    assert result.towns == ("Bourg-la-Reine",)
    assert result.summary == "Viens manger\u202f!"
    assert result.date == "2026-12-01T09:00:00+01:00"
    assert result.date_words == "mardi 1er décembre 2026"
    assert [contact.href for contact in result.contacts] == ["tel:0199001234", "tel:3919"]
    assert result.contacts[0].sms == "06\u00a039\u00a098\u00a012\u00a034"
    assert [line.href for line in result.helplines] == ["tel:3919", "sms:114"]
    assert result.instagram_pictures == ()
    assert "01\u00a099\u00a000\u00a012\u00a034" in result.html
    assert "01\u00a099\u00a000\u00a012\u00a034" in result.text


def test_without_a_date_it_is_now(tmp_path: Path) -> None:
    assert rendered(tmp_path).date == "2026-11-27T17:00:00+01:00"


def test_it_survives_the_outbox(tmp_path: Path) -> None:
    Pillow.new("RGB", (1500, 1000), "#12603f").save(tmp_path / "a.png")
    picture = Image(tmp_path / "a.png", alt="Un panier")
    result = rendered(tmp_path, image=picture, helplines=("3919",))
    again = RenderedPost.from_json(json.loads(json.dumps(result.to_json())))
    assert again == result
    assert result.pictures[0].width == 1200
    assert result.pictures[0].content[:2] == b"\xff\xd8"


def test_a_post_for_instagram_has_a_card(tmp_path: Path) -> None:
    pictures = rendered(tmp_path, channels=("instagram",)).instagram_pictures
    assert pictures
    assert 4 / 5 <= pictures[0].width / pictures[0].height <= 1.91


def test_a_post_that_is_shared_as_a_link_has_a_card(tmp_path: Path) -> None:
    shared = rendered(tmp_path, channels=("web", "facebook"))
    assert shared.card is not None
    assert (shared.card.width, shared.card.height, shared.card.alt) == (1200, 630, "Un repas chaud\u202f!")
    again = RenderedPost.from_json(json.loads(json.dumps(shared.to_json())))
    assert again.card == shared.card
    assert rendered(tmp_path, channels=("web",)).card is None, "drawing takes time, and nobody of ours shares it"
    assert rendered(tmp_path, channels=("web", "facebook"), sensitive=True).card is None, "it would tell its subject"
    Pillow.new("RGB", (600, 400), "#12603f").save(tmp_path / "a.png")
    photo = Image(tmp_path / "a.png", alt="Un panier")
    assert rendered(tmp_path, channels=("web", "facebook"), image=photo).card is None


def test_unknown_contacts_are_named_with_their_line(tmp_path: Path) -> None:
    with pytest.raises(ContentError) as caught:
        rendered(tmp_path, partners=("cca",), helplines=("3975",), lines={"partners": 4})
    assert [(f.line, f.field) for f in caught.value.findings] == [(4, "partners"), (None, "helplines")]


def test_a_deadline_alone(tmp_path: Path) -> None:
    assert rendered(tmp_path, deadline=date(2026, 12, 1)).when_words == "until mardi 1er décembre 2026"
    assert rendered(tmp_path).when_words == ""


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (datetime(2026, 11, 25, 14, 0, tzinfo=PARIS), None, "mercredi 25 novembre 2026 at 14\u00a0h"),
        (
            datetime(2026, 11, 25, 14, 0, tzinfo=PARIS),
            datetime(2026, 11, 25, 16, 30, tzinfo=PARIS),
            "mercredi 25 novembre 2026, from 14\u00a0h to 16\u00a0h\u00a030",
        ),
        (date(2026, 12, 1), date(2026, 12, 3), "from mardi 1er décembre 2026 to jeudi 3 décembre 2026"),
        (datetime(2026, 11, 25, 23, 30, tzinfo=UTC), None, "jeudi 26 novembre 2026 at 0\u00a0h\u00a030"),
    ],
)
def test_moments_are_words(tmp_path: Path, start: datetime, end: datetime | None, words: str) -> None:
    event = Event(start, end, place="Salle A", address="2 rue B")
    result = rendered(tmp_path, event=event, deadline=date(2026, 12, 1))
    assert result.when_words == f"{words}; registration until mardi 1er décembre 2026"
    assert result.where_words == "Salle A, 2 rue B"


def test_every_kind_has_a_label() -> None:
    assert len({labels.kind_label(kind) for kind in Kind}) == len(Kind)


def test_an_edition_gathered_by_cadence(tmp_path: Path) -> None:
    posts = [
        rendered(tmp_path, source="a", title="Violences : parler", sensitive=True,
                 newsletter=NewsletterOptions("Violences", "Violences")),
        rendered(tmp_path, source="b", title="Patinoire"),
        rendered(tmp_path, source="c", title="Vélo"),
    ]  # fmt: skip
    edition = render_edition(
        Cover("newsletter/2026-11-27", "2026-11-27", "Lettre du 27"),
        [RenderedPost.from_json(p.to_json()) for p in posts],
        library(),
        config(tmp_path),
        due=NOW,
    )
    assert edition.subject == "Patinoire"
    assert edition.preheader == "Vélo"
    assert "iolence" not in edition.subject + edition.preheader
    assert edition.url == "https://essai.example.org/editions/2026-11-27/"
    assert len(edition.helplines) == 2
    assert RenderedEdition.from_json(json.loads(json.dumps(edition.to_json()))) == edition


def test_an_edition_of_sensitive_posts_only_has_a_neutral_subject(tmp_path: Path) -> None:
    posts = [rendered(tmp_path, title="Violences", sensitive=True)]
    edition = render_edition(Cover("x", "x", "Lettre n° 3"), posts, library(), config(tmp_path), due=NOW)
    assert (edition.subject, edition.preheader) == ("Lettre n°\u00a03", "Lettre n°\u00a03")


def test_a_hand_made_edition_keeps_its_words_and_lines(tmp_path: Path) -> None:
    made = Edition(
        path=Path("e.md"),
        file="content/editions/e.md",
        source="e",
        slug="e",
        title="Titre",
        body="Bonjour !",
        body_line=6,
        posts=(),
        subject="Sujet",
        preheader="Vite",
    )
    edition = render_file(made, (), library(), config(tmp_path), due=NOW)
    assert (edition.subject, edition.preheader) == ("Sujet", "Vite")
    assert edition.intro_html == "<p>Bonjour\u202f!</p>"
    with pytest.raises(ContentError) as caught:
        render_file(replace(made, body="![a](b)"), (), library(), config(tmp_path), due=NOW)
    assert caught.value.findings[0].where == "content/editions/e.md:6"


def test_shorten_cuts_between_words() -> None:
    assert shorten("un deux trois", 9) == "un deux…"
    assert shorten("un deux", 9) == "un deux"


def test_a_template_of_the_workspace_wins(tmp_path: Path) -> None:
    (tmp_path / "templates/newsletter").mkdir(parents=True)
    (tmp_path / "templates/newsletter/letter.txt.j2").write_text("{{ newsroom }} {{ brand.light.action }}")
    assert Templates(config(tmp_path)).render("newsletter/letter.txt.j2") == "Essai #c2372b"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("ligne\n{{ inconnu }}", "line 2"),
        ("\n\n{% if %}", "line 3"),
        ("{{ brand.name.x.y }}", "line 1"),
        ("{{ 1 / 0 }}", "line 1"),
        ("{{ brand.__class__.__mro__ }}", "line 1"),
        ("{% include 'absent.j2' %}", "absent.j2"),
        ("{% include '../veille.toml' %}", "veille.toml"),
    ],
)
def test_a_broken_template_is_named_with_its_line(tmp_path: Path, text: str, line: str) -> None:
    (tmp_path / "templates/t").mkdir(parents=True)
    (tmp_path / "templates/t/x.html.j2").write_text(text)
    (tmp_path / "veille.toml").write_text("secret")
    with pytest.raises(RenderError) as caught:
        Templates(config(tmp_path)).render("t/x.html.j2")
    assert line in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("name", ["t/x.html.j2", "t/x.mjml.j2", "t/x.xml.j2"])
def test_values_are_escaped_in_markup_and_not_in_text(tmp_path: Path, name: str) -> None:
    (tmp_path / "templates/t").mkdir(parents=True)
    for each in (name, "t/x.txt.j2"):
        (tmp_path / "templates" / each).write_text("{{ value }}")
    templates = Templates(config(tmp_path))
    assert templates.render(name, value='<a b="c">') == "&lt;a b=&#34;c&#34;&gt;"
    assert templates.render("t/x.txt.j2", value="<a>") == "<a>"


def test_headings_of_a_body_move_under_their_title(tmp_path: Path) -> None:
    (tmp_path / "templates/t").mkdir(parents=True)
    (tmp_path / "templates/t/x.html.j2").write_text("{{ html | shift_headings(2) }}")
    html = "<h2>a</h2><h5>b</h5><p>&lt;h2&gt;</p>"
    assert Templates(config(tmp_path)).render("t/x.html.j2", html=html) == ("<h4>a</h4><h6>b</h6><p>&lt;h2&gt;</p>")


def test_a_template_is_compiled_once_until_its_text_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str | None] = []
    as_before = Environment.compile

    def compiling(self: Environment, source: Any, name: str | None = None, *args: Any, **more: Any) -> Any:
        made.append(name)
        return as_before(self, source, name, *args, **more)

    monkeypatch.setattr(Environment, "compile", compiling)
    own = tmp_path / "templates/own.txt.j2"
    own.parent.mkdir()
    for text in ("one {{ newsroom }}", "one {{ newsroom }}", "two {{ newsroom }}", "one {{ newsroom }}"):
        own.write_text(text, encoding="utf-8")
        assert Templates(config(tmp_path)).render("own.txt.j2") == text.replace("{{ newsroom }}", "Essai")
    assert made == ["own.txt.j2"] * 3
