"""Photos of people, and what a camera wrote into them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image as Pillow

from tests.support.content import newsroom, write
from tests.support.ledger import NOW
from veille import checks, library, pictures
from veille.brand import Brand
from veille.config import Config
from veille.errors import Severity
from veille.pictures.cards import Card
from veille.posts import Image


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return newsroom(tmp_path)


def found(config: Config, image: str) -> list[str]:
    write(config.root, f"title: a\nimage: {{{image}}}")
    ours = ("photo-consent", "picture-location")
    all_found = checks.run(library.load(config), config, NOW)
    return [f.code + ("?" if f.severity is Severity.WARNING else "") for f in all_found if f.code in ours]


@pytest.mark.parametrize(
    ("alt", "more", "codes"),
    [
        ("Trois élèves peignent un mur.", "", ["photo-consent"]),
        ("Une jeune fille rit.", "", ["photo-consent"]),
        ("Deux jeunes réparent un vélo.", "", ["photo-consent"]),
        ("Une jeune femme répare un vélo.", "", ["photo-consent?"]),
        ("L’équipe devant la porte.", "", ["photo-consent?"]),
        ("Trois élèves peignent un mur.", ", consent: accords des parents", []),
        ("Trois élèves peignent un mur.", ", credit: Dessin de la rédaction", []),
        ("Dessin : trois élèves peignent un mur.", "", []),
        ("Deux jeunes de dos marchent.", "", []),
        ("Une cagette de légumes.", "", []),
    ],
)
def test_people_in_a_photo_have_agreed(config: Config, alt: str, more: str, codes: list[str]) -> None:
    assert found(config, f'src: repas.jpg, alt: "{alt}"{more}') == codes


def test_the_name_of_a_file_speaks_too(config: Config) -> None:
    (config.root / "content/media/repas.jpg").rename(config.root / "content/media/portrait-ines.jpg")
    assert found(config, "src: portrait-ines.jpg, alt: Un sourire") == ["photo-consent?"]


SECRET = b"Camera Exemple 4711"


def photo(path: Path, *, place: bool = False, owner: bool = False) -> None:
    exif = Pillow.Exif()
    if place:
        exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 47.0, 31.0), 3: "E", 4: (2.0, 18.0, 12.0), 29: SECRET.decode()})
    if owner:
        exif.get_ifd(0x8769).update({0xA430: SECRET.decode(), 0xA431: SECRET.decode()})
    Pillow.new("RGB", (1600, 1200), "#456").save(path, exif=exif)


@pytest.mark.parametrize(("place", "owner"), [(True, False), (False, True), (True, True)])
def test_a_photo_that_says_where_or_whose(config: Config, place: bool, owner: bool) -> None:
    photo(config.root / "content/media/repas.jpg", place=place, owner=owner)
    assert found(config, "src: repas.jpg, alt: Une table") == ["picture-location?"]


def test_the_place_in_an_xmp_packet_counts_too(config: Config) -> None:
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description exif:GPSLatitude="48,47.5N"/></x:xmpmeta>'
    Pillow.new("RGB", (1600, 1200), "#456").save(config.root / "content/media/repas.jpg", xmp=packet)
    assert found(config, "src: repas.jpg, alt: Une table") == ["picture-location?"]


def test_a_photo_that_was_saved_anew_says_nothing(config: Config) -> None:
    photo(config.root / "content/media/repas.jpg")
    assert found(config, "src: repas.jpg, alt: Une table") == []


def test_nothing_of_it_is_in_the_bytes_that_leave(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg", place=True, owner=True)
    image = Image(tmp_path / "a.jpg", "Une table")
    assert SECRET in image.path.read_bytes()
    cards = pictures.instagram([image], Card("a", "b", "c"), brand=Brand("d"))
    made = [*cards, pictures.web(image), pictures.web(image, width=600)]
    assert len(made) > 2
    for picture in made:
        assert SECRET not in picture.content
        assert b"Exif" not in picture.content
