"""Numbers in words, in cells and in bare lists; what a text takes away from a line that always answers."""

from __future__ import annotations

import pytest

from tests.support.numbers_room import look, numbers_room
from veille import library
from veille.checks.numbers.spelt import spelt
from veille.config import Config
from veille.library import Library


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return numbers_room(tmp_path_factory.mktemp("room"))


@pytest.fixture(scope="module")
def room(config: Config) -> Library:
    return library.load(config)


def codes(config: Config, room: Library, body: str) -> list[str]:
    """All but the advice to name a record."""
    return [f"{f.code} {f.severity.value}" for f in look(config, room, body) if f.code != "number-retyped"]


# What takes something away ----


@pytest.mark.parametrize(
    "body",
    [
        "Le 119 est ouvert de 9 h à 18 h.",
        "119 : fermé le dimanche",
        "Le 119 répond du lundi au vendredi.",
        "Du lundi au vendredi, appelle le 119.",
        "Le 31 14 écoute jusqu’à 18 h.",
        "Le 119 est fermé la nuit.",
        "Le 119 ne répond pas le dimanche.",
        "119 – Enfance en danger : du lundi au vendredi, de 9 h à 19 h",
        "Le **115** est payant.",
        "Appelle le 115 (coût d’un appel local).",
        "Appelle le 39 19 : 0,15 €/min.",
        "Numéro surtaxé : 39 19.",
        "{{ helpline: 119 }} répond du lundi au vendredi.",
        "| Numéro | Horaires |\n|---|---|\n| {{ helpline: 119 }} | de 9 h à 18 h |",
        "| Numéro | Pour qui | Horaires |\n|---|---|---|\n| 119 | Enfants | du lundi au vendredi |",
        "Le 114 répond aussi : appelle-le.",
        "Le 114 répond aussi. Appelle-le !",
        "Le 114 est gratuit, tu peux l’appeler.",
    ],
)
def test_words_that_take_something_away_from_a_line(config: Config, room: Library, body: str) -> None:
    assert codes(config, room, body) == ["number-label error"]


@pytest.mark.parametrize(
    "body",
    [
        "Appelle le 115, ou viens à l’accueil de 9 h à 18 h.",
        "Le 119 répond 24 h/24 ; notre permanence est ouverte du lundi au vendredi.",
        "La permanence est ouverte du lundi au vendredi, de 9 h à 12 h ; sinon appelle le 115.",
        "La maison est fermée le dimanche. Le 119 répond.",
        "Le 119 n’est pas fermé le dimanche.",
        "Le 115 (Samu social) : de 9 h à 18 h 30, le CCAS t’accueille aussi.",
        "Le 119 répond même le dimanche, de 0 h à 24 h.",
        "Le 119 est gratuit, mais l’atelier est payant.",
        "Le 115 n’est pas payant (appel non surtaxé).",
        "Le 30 18 répond de 9 h à 23 h.",
        "Le 39 49 répond du lundi au vendredi, au prix d’un appel local.",
        "Le 114 répond par SMS : si un adulte est là, appelle-le.",
        "Le 114 répond par SMS : on ne peut pas l’appeler.",
        "La salle 119 : fermée le dimanche.",
    ],
)
def test_what_takes_nothing_away(config: Config, room: Library, body: str) -> None:
    assert codes(config, room, body) == []


# In words ----


@pytest.mark.parametrize(
    ("words", "digits"),
    [
        ("trente-neuf dix-neuf", "3919"),
        ("trente neuf vingt", "3920"),
        ("trente et un quatorze", "3114"),
        ("trois mille neuf cent dix-neuf", "3919"),
        ("trois neuf un neuf", "3919"),
        ("cent dix-neuf", "119"),
        ("quinze", "15"),
        ("cent seize zéro zéro six", "116006"),
        ("zéro huit cent deux cent trente-cinq deux cent trente-six", "0800235236"),
        ("zéro un quatre-vingt-dix-neuf zéro zéro douze soixante et onze", "0199001271"),
    ],
)
def test_a_number_in_words(words: str, digits: str) -> None:
    text = f"Appelle le {words}."
    (number,) = spelt(text, {"15", "119"})
    assert (number.digits, number.written) == (digits, words)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("Appelle le trente-neuf vingt.", ["number-unknown error"]),
        ("Tu peux appeler le trente vingt, c’est gratuit.", ["number-denied error"]),
        ("Compose le numéro zéro huit cent trois cent trente !", ["number-incomplete error"]),
        ("Appelle le trente-neuf dix-neuf, du lundi au vendredi.", ["number-label error"]),
        ("Fais le quinze, le dix-sept ou le dix-neuf.", ["number-unknown error"]),
        ("Compose le 17 ou le dix-neuf.", ["number-unknown error"]),
        ("Appelle le 17. Le dix-neuf, la mairie est fermée.", []),
        ("Appelle le cent quatorze.", ["number-label error"]),
        ("Le trente-neuf vingt est une date ? Non.", []),
        ("Rappelle le quinze mars. Appelle avant le quinze. Faites le cent mètres. Il a trente-neuf ans.", []),
        ("Le numéro un du club habite au numéro quinze de la rue.", []),
        ("Appelez-nous le quinze.", []),
    ],
)
def test_verdicts_on_words(config: Config, room: Library, body: str, expected: list[str]) -> None:
    assert codes(config, room, body) == expected


# In cells, with odd signs, in bare lists ----


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("| Service | Numéro |\n|---|---|\n| Samu | 15 |\n| Police | 19 |", ["number-unknown error"]),
        ("| Qui | a | b | c |\n|---|---|---|---|\n| Violences | 0800 | 300 | 30 |", ["number-foreign error"]),
        ("0800_300_30", ["number-foreign error"]),
        ("0800 | 300 | 30", ["number-foreign error"]),
        ("15, 17, 19, 112", ["number-unknown error"]),
        ("Le 17, le 19 ou le 112.", ["number-unknown error"]),
        ("| Service | Effectif |\n|---|---|\n| Samu | 15 |\n| Police | 19 |", []),
        ("| Jour | Film | Salle |\n|---|---|---|\n| 12 | La Police | 19 |", []),
        ("| Âge | Tarif |\n|---|---|\n| 08 | 00 |", []),
        ("Les lots 15, 17, 19, 112 sont vendus. Réunions le 15, le 17 et le 19.", []),
        ("Photos : IMG_0800_300_30 et 2026_11_22.", []),
        ("Réf. 0800 2026", []),
        ("Réf. 0800 300 3", ["number-incomplete error"]),
    ],
)
def test_cells_signs_and_lists(config: Config, room: Library, body: str, expected: list[str]) -> None:
    assert codes(config, room, body) == expected


def test_a_number_in_a_cell_has_the_place_of_its_cell(config: Config, room: Library) -> None:
    (finding,) = look(config, room, "Bonjour.\n\n| Service | Numéro |\n|---|---|\n| Police | 19 |")
    assert finding.where == "content/posts/x.md:9:12"
    assert finding.excerpt == "Police | 19"
