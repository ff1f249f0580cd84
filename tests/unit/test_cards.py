"""Cards: every letter is drawn, nothing leaves its room, the same words give the same pixels."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw, ImageFont, features

from tests.support.content import newsroom
from veille import checks, config, library
from veille.brand import LIGHT, Brand
from veille.errors import ContentError, RenderError
from veille.pictures import cards, headlines, linebreaks, motifs
from veille.pictures.cards import Card
from veille.pictures.headlines import BOLD, MEDIUM
from veille.posts import Kind

BRAND = Brand("Kess Kis Pass")
UPRIGHT = cards.PORTRAIT
ROOM = UPRIGHT.room
HIGH = UPRIGHT.bottom - UPRIGHT.top
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


def ink_of(image: Image.Image) -> tuple[int, int, int, int]:
    """Where anything but the ground is."""
    box = ImageChops.difference(image, Image.new("RGB", image.size, LIGHT.ground)).getbbox()
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
    narrow = "\u202f" if engine == "raqm" else "\xa0"
    assert headlines.printable("1\u202f000\u202f€ → ici", font) == f"1{narrow}000{narrow}€ › ici"
    assert headlines.printable("samedi ❤️", font) == "samedi", "a variation selector is no letter"
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
    for title in (LONG, LONG[:60], "Respirez", "Anticonstitutionnellement", "Intergouvernementalisation", "W" * 120):
        lines = headlines.fit(title, bold(), ROOM, HIGH).lines
        assert "".join("".join(lines).replace("-", "").split()) == "".join(title.split())
    assert headlines.fit("mot " * 200, bold(), ROOM, HIGH).lines[-1].endswith("…")


def test_short_titles_are_larger() -> None:
    sizes = [headlines.fit(LONG[:length], bold(), ROOM, HIGH).size for length in (4, 16, 60, 120)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] >= 160


def test_no_word_stands_alone_when_lines_can_be_even() -> None:
    font = headlines.load(bold(), 100)
    room = round(font.getlength("un deux trois quatre cinq")) + 1
    full = linebreaks.wrapped("un deux trois quatre cinq six", font, room)
    assert full[-1] == "six"
    _cost, even = linebreaks.even("un deux trois quatre cinq six", font, room, full)
    assert len(even) == len(full)
    assert max(map(font.getlength, even)) < max(map(font.getlength, full))
    assert " ".join(even) == " ".join(full)


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=150))
def test_any_title_gives_a_headline(title: str) -> None:
    block = headlines.fit(title, bold(), ROOM, HIGH)
    assert block.height <= HIGH
    assert max(block.font.getlength(line) for line in block.lines) <= ROOM


@pytest.mark.parametrize(
    ("title", "lines"),
    [
        ("« Ensemble » : le cinéma à 4 € — c’est où ?", ("« Ensemble » :", "le cinéma à 4 €", "— c’est où ?")),
        ("Deux minutes pour toi : une pause à 17 h 30".replace("17 h 30", "17\xa0h\xa030"),
         ("Deux minutes", "pour toi :", "une pause", "à 17 h 30")),
        ("Un vélo remis à neuf pour 20 euros, antivol compris",
         ("Un vélo", "remis à neuf", "pour 20 euros,", "antivol compris")),
        ("Intergouvernementalisation", ("Intergouverne-", "mentalisation")),
        ("Fête de quartier 🍕 : viens danser 💃🏽 samedi ❤️", ("Fête de quartier :", "viens danser", "samedi")),
    ],
)  # fmt: skip
def test_lines_end_where_a_voice_would_pause(engine: str, title: str, lines: tuple[str, ...]) -> None:
    found = headlines.fit(title, bold(), ROOM, HIGH).lines
    assert tuple(line.replace("\xa0", " ").replace("\u202f", " ") for line in found) == lines


def test_quotation_marks_stand_close_to_their_words() -> None:
    if not features.check("raqm"):
        pytest.skip("this Pillow has no raqm")
    font = headlines.fit("« Ensemble »", bold(), ROOM, HIGH).font
    [line] = headlines.fit("« Ensemble »", bold(), ROOM, HIGH).lines
    plain = font.getlength("«Ensemble»")
    assert 0 < font.getlength(line) - plain < font.getlength("\xa0") * 1.2, "two narrow spaces, not two wide ones"


@pytest.mark.parametrize("title", ["🎉🎉🎉", "", " \u200b", "中文"])
def test_a_title_that_cannot_be_drawn_leaves_the_floor_to_the_kind(title: str) -> None:
    instead = cards.draw(Card(title, "Bon plan", "Bagneux", Kind.GOOD_DEAL), BRAND)
    assert instead.tobytes() == cards.draw(Card("Bon plan", "", "Bagneux", Kind.GOOD_DEAL), BRAND).tobytes()


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
    below = image.crop((0, UPRIGHT.top + 200, UPRIGHT.width, UPRIGHT.height))
    left, _top, right, bottom = ink_of(below)
    assert left >= UPRIGHT.margin - 40
    assert right <= UPRIGHT.width - UPRIGHT.margin + 40
    assert bottom <= below.height - 60


def test_the_motif_never_touches_the_label() -> None:
    """The band just above the label, at its left, is ground for any title."""
    for title, kinds in ((LONG, list(Kind)), ("Respirez", [Kind.EVENT]), ("Le cinéma à 4 €", [Kind.GOOD_DEAL])):
        for kind in kinds:
            image = cards.draw(Card(title, "Appel à projets jeunes 11-25 ans", "", kind), BRAND)
            block = headlines.fit(title, bold(), ROOM, HIGH)
            label = UPRIGHT.bottom - block.height - cards.LABEL_GAP - cards.LABEL_HEIGHT
            band = image.crop((0, label - 12, UPRIGHT.width, label - 2))
            assert band.getcolors() == [(band.width * band.height, (251, 247, 240))], (title, kind)


def test_without_town_there_is_no_pin() -> None:
    """The row of labels, right of its middle."""
    block = headlines.fit("Un titre", bold(), ROOM, HIGH)
    bottom = UPRIGHT.bottom - block.height - cards.LABEL_GAP
    row = (UPRIGHT.margin + 200, bottom - cards.LABEL_HEIGHT, UPRIGHT.width, bottom)
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


@pytest.mark.parametrize(
    ("colours", "pairs"),
    [
        ("", []),
        ('action = "#c2372b"', []),
        ('on_action = "#e08070"', ["on_action on action"]),
        ('muted = "#bbbbbb"', ["muted on ground", "muted on surface"]),
    ],
)
def test_check_knows_the_colours_of_the_newsroom(tmp_path: Path, colours: str, pairs: list[str]) -> None:
    newsroom(tmp_path)
    with (tmp_path / "veille.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[brand.colours]\n{colours}\n")
    made = config.load(tmp_path, {})
    found = checks.run(library.load(made), made, datetime(2026, 11, 25, tzinfo=UTC))
    told = [finding for finding in found if finding.code == "colours-too-close"]
    assert [finding.message.partition(":")[0] for finding in told] == pairs
    assert all(finding.file == "veille.toml" and finding.hint for finding in told)


def test_a_newsroom_colours_its_cards() -> None:
    own = replace(BRAND, light=replace(LIGHT, highlight="#9be7ff", action="#0b4f8a"))
    image = cards.draw(Card("Un titre", "Genre"), own)
    colours = {colour for _count, colour in image.getcolors(2**20) or []}
    assert {(0x9B, 0xE7, 0xFF), (0x0B, 0x4F, 0x8A)} <= colours
    assert (0xFF, 0xD4, 0x47) not in colours


def luminance(pixel: tuple[int, ...]) -> float:
    """Written out again from WCAG 2.2, "relative luminance"."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (p / 255 for p in pixel))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast_in(image: Image.Image, box: tuple[float, float, float, float]) -> float:
    """Of the two colours that fill most of a box: a text, and what it lies on."""
    colours = sorted(image.crop(tuple(map(round, box))).getcolors(2**20) or [], reverse=True)  # type: ignore[arg-type]
    (_n, one), (_m, other) = colours[:2]
    assert isinstance(one, tuple)
    assert isinstance(other, tuple)
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


OWN_COLOURS = {
    "as shipped": {},
    "night": {"ground": "#10233b", "ink": "#f6f1e6", "muted": "#b8c4d6", "action": "#ffb703", "on_action": "#10233b"},
    "bright": {"action": "#ffe100", "on_action": "#1d1b2e", "highlight": "#7cf5d0"},
    "just enough": {"muted": "#707070", "action": "#d0342b", "ground": "#fdfdfd"},
}


@pytest.mark.parametrize("layout", [cards.PORTRAIT, cards.WIDE], ids=["upright", "wide"])
@pytest.mark.parametrize("own", OWN_COLOURS.values(), ids=OWN_COLOURS)
def test_every_text_can_be_read_on_what_was_drawn(
    own: dict[str, str], layout: cards.Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pixels of every text, wherever it was put: 4.5:1 (WCAG 2.2, 1.4.3)."""
    texts: list[tuple[str, tuple[float, float, float, float]]] = []
    real = ImageDraw.ImageDraw.text

    def noted(pen: ImageDraw.ImageDraw, xy: tuple[float, float], text: str, **more: Any) -> None:
        texts.append((text, pen.textbbox(xy, text, font=more["font"], anchor=more["anchor"])))
        real(pen, xy, text, **more)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", noted)
    brand = replace(BRAND, light=replace(LIGHT, **own))
    image = cards.draw(Card("Un grand titre sur deux lignes", "Genre", "Bagneux"), brand, layout=layout)
    assert len(texts) >= 5, "headline in lines, label, town, name"
    for text, box in texts:
        assert contrast_in(image, box) >= 4.5, text


def test_a_pair_that_was_not_computed_cannot_be_drawn() -> None:
    sheet = cards._Sheet(Image.new("RGB", (200, 200), LIGHT.ground), cards.PORTRAIT, LIGHT)
    with pytest.raises(ValueError, match="not in"):
        sheet.write((0, 0), "a", headlines.load(bold(), 40), ("rule", "ground"), "ls")


@pytest.mark.parametrize("towns", ["Bagneux, Bourg-la-Reine, Fontenay-aux-Roses", "Saint-Remy-en-Bouzemont " * 4])
def test_towns_too_long_for_one_row_get_their_own(towns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[str, int]] = []
    real = cards._Sheet.write

    def noted(sheet: Any, place: Any, text: str, font: headlines.Font, pair: Any, anchor: str) -> None:
        drawn.append((text, round(font.size)))
        real(sheet, place, text, font, pair, anchor)

    monkeypatch.setattr(cards._Sheet, "write", noted)
    cards.draw(Card("Un titre", "Appel à projets", towns), BRAND)
    (_label, _s), (shown, size), *_rest = drawn
    assert size >= 28
    assert shown == towns or (shown.endswith("…") and len(towns) > 60)


def test_the_mark_covers_the_accents_of_capitals() -> None:
    image = cards.draw(Card("À Évry", "Genre"), BRAND)
    block = headlines.fit("À Évry", bold(), ROOM, HIGH)
    baseline = UPRIGHT.bottom - block.height + round(block.size * 0.95)
    top = baseline + block.font.getbbox("À", anchor="ls")[1]
    behind = image.crop((UPRIGHT.margin, round(top) + 3, UPRIGHT.margin + 200, round(top) + 6))
    assert (251, 247, 240) not in {pixel for _count, pixel in behind.getcolors() or []}, "the sun, not the ground"


def test_a_wide_card_for_links() -> None:
    made = cards.draw(Card("Un titre", "Genre", "Bagneux", Kind.EVENT), BRAND, layout=cards.WIDE)
    assert made.size == (1200, 630)
    for kind in Kind:
        image = cards.draw(Card(LONG, "Appel à projets", "", kind), BRAND, layout=cards.WIDE)
        gap = image.crop(
            (cards.WIDE.margin + cards.WIDE.room, 0, image.width - cards.WIDE.motif[0], image.height - 200)
        )
        assert gap.getcolors() == [(gap.width * gap.height, (251, 247, 240))], f"{kind}: drawing and words meet"


@pytest.mark.parametrize(
    ("colour", "plate"), [("#ffffff", True), ("#fff6e0", True), ("#c2372b", False), ("#000000", False)]
)
def test_a_light_logo_is_not_lost_in_the_ground(tmp_path: Path, colour: str, plate: bool) -> None:
    mark = Image.new("RGBA", (900, 300), (0, 0, 0, 0))
    ImageDraw.Draw(mark).rectangle((300, 100, 600, 200), fill=colour)
    mark.save(tmp_path / "logo.png")
    image = cards.draw(Card("Un titre", "Genre"), replace(BRAND, logo="logo.png"), root=tmp_path)
    foot = image.crop((0, UPRIGHT.rule + 10, UPRIGHT.width, UPRIGHT.height))
    shown = {pixel for _count, pixel in foot.getcolors(2**20) or []}
    assert ((0x1D, 0x1B, 0x2E) in shown) == plate
    assert tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5)) in shown


def test_a_logo_takes_the_place_of_the_name(tmp_path: Path) -> None:
    Image.new("RGBA", (900, 300), (0, 90, 0, 255)).save(tmp_path / "logo.png")
    image = cards.draw(Card("Un titre", "Genre"), replace(BRAND, logo="logo.png"), root=tmp_path)
    assert image.getpixel((UPRIGHT.margin + 20, UPRIGHT.foot)) == (0, 90, 0)
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
