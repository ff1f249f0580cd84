"""Cards: every letter is drawn, nothing leaves its room, the same words give the same pixels."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import ImageChops, ImageFont, features

from veille.brand import LIGHT, Brand
from veille.errors import ContentError, RenderError
from veille.pictures import cards, headlines, motifs
from veille.pictures.cards import Card
from veille.pictures.headlines import BOLD, MEDIUM
from veille.posts import Kind

BRAND = Brand("Kess Kis Pass")
ROOM = cards.WIDTH - 2 * cards.MARGIN
HIGH = cards._TITLE_BOTTOM - cards._TITLE_TOP
FRENCH = (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    "ÀÂÄÆÇÉÈÊËÎÏÔÖŒÙÛÜŸàâäæçéèêëîïôöœùûüÿ«»’‘“”–—…€°²·•!?:;.,()/&%+-@#"
)
LONG = (
    "Aide alimentaire : où trouver un colis, un repas chaud ou une carte d’achat près de chez vous "
    "pendant les vacances d’été"
)


@pytest.fixture(params=["raqm", "basic"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Both layout engines: wheels of Pillow have raqm, some distributions do not."""
    if request.param == "raqm" and not features.check("raqm"):
        pytest.skip("this Pillow has no raqm")
    headlines.load.cache_clear()
    monkeypatch.setattr("veille.pictures.headlines.features.check", lambda name: request.param == "raqm")
    yield str(request.param)
    headlines.load.cache_clear()


def bold() -> Path:
    return headlines.font_path(BOLD, None)


def ink_of(image: Pillow.Image) -> tuple[int, int, int, int]:
    """Where anything but the ground is."""
    box = ImageChops.difference(image, Pillow.new("RGB", image.size, LIGHT.ground)).getbbox()
    assert box
    return box


@pytest.mark.parametrize("name", [BOLD, MEDIUM])
def test_every_french_glyph_is_drawn(engine: str, name: str) -> None:
    font = headlines.load(headlines.font_path(name, None), 64)
    assert font.layout_engine == (ImageFont.Layout.RAQM if engine == "raqm" else ImageFont.Layout.BASIC)
    assert [char for char in FRENCH if not headlines.drawn(char, font)] == []
    assert headlines.printable(FRENCH, font) == FRENCH
    shapes = {bytes(font.getmask(char)) for char in FRENCH}
    assert len(shapes) > len(FRENCH) - 4, "several letters share one shape: boxes are drawn"


def test_what_the_font_lacks_is_left_out(engine: str) -> None:
    font = headlines.load(bold(), 64)
    assert not headlines.drawn("🍕", font)
    assert not headlines.drawn("中", font)
    assert headlines.printable("Un 🎉 atelier\tcuisine 👩‍🍳\n🍕", font) == "Un atelier cuisine"
    assert headlines.printable("a\x00\x1b[31m\u200bb\u202ec", font) == "a[31mbc"
    assert headlines.printable("1\u202f000\u202f€ → ici", font) == "1\xa0000\xa0€ › ici"
    assert headlines.printable("e\u0301te\u0301", font) == "été"


def test_ligatures_are_shaped_where_raqm_is() -> None:
    if not features.check("raqm"):
        pytest.skip("this Pillow has no raqm")
    raqm = ImageFont.truetype(bold(), 64, layout_engine=ImageFont.Layout.RAQM)
    assert bytes(raqm.getmask("fi")) == bytes(raqm.getmask("ﬁ"))


def test_french_punctuation_keeps_its_word(engine: str) -> None:
    for width in range(500, 900, 50):
        block = headlines.fit("Rendez-vous à « l’Espace » : où ? À 20 % !", bold(), width, 900)
        for line in block.lines:
            assert line[0] not in "»:?%!"
            assert line[-1] != "«"


@pytest.mark.parametrize(
    "title",
    [LONG, "Respirez", "Anticonstitutionnellement", "Fontenay-aux-Roses", "a" * 300, "W" * 120, "mot " * 200, "À"],
)
def test_a_headline_stays_in_its_room(engine: str, title: str) -> None:
    block = headlines.fit(title, bold(), ROOM, HIGH)
    assert max(block.font.getlength(line) for line in block.lines) <= ROOM
    assert block.height <= HIGH
    assert block.size >= 52, "readable on a phone"


def test_up_to_120_characters_nothing_is_lost(engine: str) -> None:
    assert len(LONG) == 120
    for title in (LONG, LONG[:60], "Respirez", "Anticonstitutionnellement", "W" * 120):
        lines = headlines.fit(title, bold(), ROOM, HIGH).lines
        assert "".join("".join(lines).split()) == "".join(title.split())
    assert headlines.fit("mot " * 200, bold(), ROOM, HIGH).lines[-1].endswith("…")


def test_short_titles_are_larger() -> None:
    sizes = [headlines.fit(LONG[:length], bold(), ROOM, HIGH).size for length in (4, 16, 60, 120)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] >= 160


def test_no_word_stands_alone_when_lines_can_be_even() -> None:
    font = headlines.load(bold(), 100)
    room = round(font.getlength("un deux trois quatre cinq")) + 1
    full = headlines.wrapped("un deux trois quatre cinq six", font, room)
    assert full[-1] == "six"
    even = headlines.balanced("un deux trois quatre cinq six", font, room, full)
    assert len(even) == len(full)
    assert max(map(font.getlength, even)) < max(map(font.getlength, full))
    assert " ".join(even) == " ".join(full)


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=150))
def test_any_title_gives_a_headline(title: str) -> None:
    block = headlines.fit(title, bold(), ROOM, HIGH)
    assert block.height <= HIGH
    assert max(block.font.getlength(line) for line in block.lines) <= ROOM


def test_each_kind_has_its_own_card_and_always_the_same(engine: str) -> None:
    drawn = [cards.draw(Card("Un titre", "Genre", "Bagneux", kind), BRAND) for kind in Kind]
    assert {image.size for image in drawn} == {(1080, 1350)}
    assert len({image.tobytes() for image in drawn}) == len(Kind)
    again = cards.draw(Card("Un titre", "Genre", "Bagneux", Kind.NEWS), BRAND)
    assert again.tobytes() == drawn[list(Kind).index(Kind.NEWS)].tobytes()


def test_every_kind_has_a_motif() -> None:
    assert set(motifs.MOTIFS) == set(Kind)
    unknown = cards.draw(Card("Un titre", "Genre", kind="brocante"), BRAND)
    assert unknown.tobytes() == cards.draw(Card("Un titre", "Genre", kind="brocante"), BRAND).tobytes()


@pytest.mark.parametrize("title", [LONG, "Respirez", "W" * 120])
@pytest.mark.parametrize("town", ["", "Fontenay-aux-Roses", "Saint-Remy-en-Bouzemont-Saint-Genest-et-Isson"])
def test_words_keep_out_of_the_margin(engine: str, title: str, town: str) -> None:
    image = cards.draw(Card(title, "Appel à projets", town), replace(BRAND, name="Maison de la prévention " * 2))
    below = image.crop((0, cards._TITLE_TOP + 200, cards.WIDTH, cards.HEIGHT))
    left, _top, right, bottom = ink_of(below)
    assert left >= cards.MARGIN - 40
    assert right <= cards.WIDTH - cards.MARGIN + 40
    assert bottom <= below.height - 60


def test_the_motif_never_touches_the_label() -> None:
    """The band just above the label, at its left, is ground for any title."""
    for title in (LONG, "Respirez", "Le cinéma à 4 €"):
        for kind in Kind:
            image = cards.draw(Card(title, "Appel à projets jeunes 11-25 ans", "", kind), BRAND)
            block = headlines.fit(title, bold(), ROOM, HIGH)
            label = cards._TITLE_BOTTOM - block.height - cards._LABEL_GAP - cards._LABEL_HEIGHT
            band = image.crop((0, label - 12, cards.WIDTH, label - 2))
            assert band.getcolors() == [(band.width * band.height, (251, 247, 240))], (title, kind)


def test_without_town_there_is_no_pin() -> None:
    """The row of labels, right of its middle."""
    block = headlines.fit("Un titre", bold(), ROOM, HIGH)
    bottom = cards._TITLE_BOTTOM - block.height - cards._LABEL_GAP
    row = (cards.MARGIN + 200, bottom - cards._LABEL_HEIGHT, cards.WIDTH, bottom)
    assert len(cards.draw(Card("Un titre", "Genre", ""), BRAND).crop(row).getcolors() or []) == 1
    assert len(cards.draw(Card("Un titre", "Genre", "Bagneux"), BRAND).crop(row).getcolors() or []) != 1


def test_a_line_that_is_too_long_becomes_smaller_then_ends_in_dots(engine: str) -> None:
    sizes = range(54, 31, -2)
    assert headlines.shrunk("Kess Kis Pass", bold(), sizes, 900)[1].size == 54
    name = "Maison de la prévention de Bagneux"
    assert headlines.shrunk(name, bold(), sizes, 900)[0] == name
    shown, font = headlines.shrunk(name * 3, bold(), sizes, 900)
    assert shown.endswith("…")
    assert font.getlength(shown) <= 900


@pytest.mark.parametrize(
    ("name", "value"), [("ink", "#aaaaaa"), ("muted", "#dddddd"), ("highlight", "#333333"), ("action", "#ffaaaa")]
)
def test_colours_that_cannot_be_read_are_refused(name: str, value: str) -> None:
    with pytest.raises(RenderError) as caught:
        cards.draw(Card("Un titre", "Genre"), replace(BRAND, light=replace(LIGHT, **{name: value})))
    assert name in caught.value.message
    assert "veille.toml" in str(caught.value.hint)


def test_a_newsroom_colours_its_cards() -> None:
    own = replace(BRAND, light=replace(LIGHT, highlight="#9be7ff", action="#0b4f8a"))
    image = cards.draw(Card("Un titre", "Genre"), own)
    colours = {colour for _count, colour in image.getcolors(2**20) or []}
    assert {(0x9B, 0xE7, 0xFF), (0x0B, 0x4F, 0x8A)} <= colours
    assert (0xFF, 0xD4, 0x47) not in colours


def test_a_logo_takes_the_place_of_the_name(tmp_path: Path) -> None:
    Pillow.new("RGBA", (900, 300), (0, 90, 0, 255)).save(tmp_path / "logo.png")
    image = cards.draw(Card("Un titre", "Genre"), replace(BRAND, logo="logo.png"), root=tmp_path)
    assert image.getpixel((cards.MARGIN + 20, cards._FOOT)) == (0, 90, 0)
    with pytest.raises(ContentError) as caught:
        cards.draw(Card("Un titre", "Genre"), replace(BRAND, logo="no.png"), root=tmp_path)
    assert caught.value.findings[0].file == "no.png"
    (tmp_path / "cut.png").write_bytes((tmp_path / "logo.png").read_bytes()[:200])
    with pytest.raises(ContentError):
        cards.draw(Card("Un titre", "Genre"), replace(BRAND, logo="cut.png"), root=tmp_path)


def test_a_newsroom_may_bring_its_own_font(tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "cards"
    folder.mkdir(parents=True)
    assert headlines.font_path(BOLD, tmp_path) == headlines.font_path(BOLD, None)
    shutil.copy(headlines.font_path(MEDIUM, None), folder / BOLD)
    assert headlines.font_path(BOLD, tmp_path) == folder / BOLD
    plain, own = (cards.draw(Card("Un titre", "Genre"), BRAND, root=root) for root in (None, tmp_path))
    assert plain.tobytes() != own.tobytes()
    (folder / BOLD).write_text("not a font")
    headlines.load.cache_clear()
    with pytest.raises(RenderError, match=BOLD):
        cards.draw(Card("Un titre", "Genre"), BRAND, root=tmp_path)


def test_fonts_are_small_and_carry_their_licence() -> None:
    for name in (BOLD, MEDIUM):
        assert headlines.font_path(name, None).stat().st_size < 80_000
    licence = (bold().parent / "OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert "Lexend Project Authors" in licence
