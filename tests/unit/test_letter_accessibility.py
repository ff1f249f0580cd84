"""What shuts readers out of a letter or page as it leaves; a newsroom's own templates are held against the same."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.content import newsroom
from tests.support.sample_letter import WHEN, sample_newsletter, sample_room
from veille import library, proofing
from veille.checks import letter_accessibility
from veille.checks.rules import Context, Shown
from veille.config import Config
from veille.errors import Finding, Severity
from veille.publishing import Proof, Publisher
from veille.rendering import Templates
from veille_publishers import http
from veille_publishers.registry import Context as Desk
from veille_publishers.web import Web

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return newsroom(tmp_path_factory.mktemp("room"))


LETTER = (
    '<html lang="fr"><head><title>La lettre</title></head><body style="background-color:#fbf7f0">'
    '<table role="presentation"><tr><td style="font-size:17px;color:#1d1b2e"><h1>La lettre</h1><h2>Un</h2>'
    '<p><a href="tel:119" aria-label="Appeler le 119" style="color:#12603f">119</a></p>'
    '<img src="a.jpg" alt="" width="600"></td></tr></table>'
    '<table><tr><th scope="col">Jour</th></tr><tr><td>Mardi</td></tr></table></body></html>'
)
BROKEN = {
    ('lang="fr"', ""): "shown-lang",
    ('lang="fr"', 'lang="en"'): "shown-lang",
    ("La lettre</title>", "</title>"): "shown-title",
    (' alt=""', ""): "shown-alt",
    (">119</a>", "></a>"): "",  # the label names it
    ('style="color:#12603f"', ""): "",  # blue on cream
    ('aria-label="Appeler le 119" style="color:#12603f">119', ">"): "shown-link-name",
    ("Appeler le 119", "Appeler"): "shown-link-name",
    ("<h1>La lettre</h1>", ""): "shown-headings",
    ("h2>", "h3>"): "shown-headings",
    ("<h2>Un</h2>", "<h2> </h2>"): "shown-headings",
    ("<h2>Un</h2>", "<h1>Un</h1>"): "shown-headings",
    (' role="presentation"', ""): "shown-layout-table",
    ('<th scope="col">Jour</th>', "<td>Jour</td>"): "shown-layout-table",
    ("color:#1d1b2e", "color:#9a9a9a"): "shown-contrast",
    ("background-color:#fbf7f0", "background-color:#12603f"): "shown-contrast",
    ("font-size:17px", "font-size:12px"): "shown-small-type",
    ("font-size:17px", "font:11px/1.5 sans-serif"): "shown-small-type",
    ("font-size:17px", "font-size:17px;text-align:justify"): "shown-justified",
    (' width="600"', ""): "shown-image-width",
}


def shown(config: Config, html: str, channel: str = "newsletter") -> list[Finding]:
    assert letter_accessibility.CHECK.proof
    context = Context(library.load(config), config, NOW)
    return list(letter_accessibility.CHECK.proof(Shown(channel, "lettre.md", "fr", Proof(html=html)), context))


def test_a_sound_letter_passes(config: Config) -> None:
    assert shown(config, LETTER) == []


@pytest.mark.parametrize(("change", "code"), BROKEN.items())
def test_what_a_template_breaks_is_found(config: Config, change: tuple[str, str], code: str) -> None:
    assert change[0] in LETTER
    found = shown(config, LETTER.replace(*change))
    assert {finding.code for finding in found} == ({code} if code else set())
    assert all(finding.file == "lettre.md" and finding.hint for finding in found)


def test_what_wcag_forbids_at_level_a_is_an_error(config: Config) -> None:
    found = shown(config, '<html><body><h1>a</h1><img src="a.jpg" width="9"><a href="/x"></a></body></html>')
    assert {f.code: f.severity for f in found} == dict.fromkeys(
        ("shown-lang", "shown-title", "shown-alt", "shown-link-name"), Severity.ERROR
    )


def test_hidden_words_and_pictures_behind_text_are_not_measured(config: Config) -> None:
    hidden = '<div style="display:none;font-size:1px;color:#ffffff">Aperçu</div>'
    behind = '<p style="background:url(a.jpg);color:#ffffff">Sur une image</p>'
    large = '<p style="font-size:24px;color:#767676;background-color:#eeeeee">Grand</p>'
    assert shown(config, LETTER.replace("<h1>", f"{hidden}{behind}{large}<h1>")) == []


def test_an_item_of_a_feed_is_a_piece_of_a_page(config: Config) -> None:
    assert shown(config, "<h2>Un</h2><p>Texte</p>", "feed") == []
    assert [f.code for f in shown(config, '<p><img src="a.jpg"></p><h2>Un</h2><h4>Deux</h4>', "feed")] == [
        "shown-headings",
        "shown-alt",
    ]
    assert shown(config, "", "facebook") == []


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return sample_room(tmp_path_factory.mktemp("sample"))


def looked_at(room: Config) -> list[Finding]:
    """What is found in the sample letter and its page as they leave."""
    desk = Desk(room, Templates(room), lambda: WHEN, http.session)
    shelf = library.load(room)
    publishers: dict[str, Publisher] = {"newsletter": sample_newsletter(room), "web": Web(desk)}
    found = proofing.of_source(shelf.editions[0], shelf, room, publishers, WHEN)
    ours = {rule.code for rule in letter_accessibility.CHECK.rules}
    return [finding for finding in found if finding.code in ours]


def test_the_shipped_templates_pass(sample: Config) -> None:
    assert looked_at(sample) == []


def test_a_newsroom_s_own_template_is_looked_at(sample: Config) -> None:
    shipped = (ROOT / "templates/newsletter/letter.mjml.j2").read_text(encoding="utf-8")
    own = sample.root / "templates/newsletter/letter.mjml.j2"
    own.parent.mkdir(parents=True)
    broken = shipped.replace(' alt="{{ image.alt }}"', "").replace("<h1>{{ edition.title }}</h1>", "")
    own.write_text(broken.replace(".muted { color: {{ light.muted }};", ".muted { color: #b0b0b0;"), encoding="utf-8")
    found = looked_at(sample)
    shutil.rmtree(own.parent)
    assert {finding.code for finding in found} >= {"shown-alt", "shown-headings", "shown-contrast"}
    assert {f.severity for f in found if f.code == "shown-alt"} == {Severity.ERROR}
