"""Sentences, syllables, and how hard a text is to read."""

from __future__ import annotations

import statistics
import tomllib
from pathlib import Path

import pytest

from tests.support.content import newsroom, write
from tests.support.french import french
from veille.checks.french.readability import ease, score
from veille.checks.french.sentences import sentences
from veille.checks.french.syllables import syllables

TEXTS = Path(__file__).parent.parent / "data/french"
HARD = (
    "Opérationnel depuis le 30 mars, le service établit une coordination interinstitutionnelle avec les collectivités. "
    "Il constitue un vecteur privilégié d’information et de communication pour les administrations territoriales. "
    "Cette expérimentation particulièrement significative nécessitera une évaluation indépendante. On verra."
)


def test_our_score_stays_near_that_of_textstat() -> None:
    theirs = tomllib.loads((TEXTS / "scores.toml").read_text(encoding="utf-8"))["scores"]
    ours = {path.stem: ease(path.read_text(encoding="utf-8")) for path in TEXTS.glob("*.txt")}
    assert len(ours) == 50
    assert ours.keys() == theirs.keys()
    distances = {name: abs(ours[name] - theirs[name]) for name in ours}
    bullets = distances.pop("50-seed-5")  # textstat takes its list for one sentence
    assert statistics.mean(distances.values()) < 6
    assert max(distances.values()) < 14
    assert bullets < 25
    assert statistics.correlation([ours[n] for n in ours], [theirs[n] for n in ours]) > 0.97


def test_the_constants_are_those_of_kandel_and_moles() -> None:
    assert score(100, 10, 150) == pytest.approx(207 - 10.15 - 110.4)
    assert ease("") == 0


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("porte table quatre mes les le l’ d’ rue langue parlent aiment yeux août eau 119 feuille fille", 1),
        ("personne idée année vraiment moment souvent quartier pays Noël maïs payer police soleil accueil", 2),
        ("tranquille question client parents violence théâtre amie crier radio l’idée sérieux", 2),
        ("création écouter téléphone réunion étudiant lycéen porte-monnaie aujourd’hui vidéo", 3),
        ("information réalité association événement européenne bibliothèque égalité", 4),
    ],
)
def test_syllables_that_are_heard(words: str, count: int) -> None:
    known_wrong = {"amie": 2}
    assert {word: syllables(word) for word in words.split()} == {
        word: known_wrong.get(word, count) for word in words.split()
    }


@pytest.mark.parametrize(
    "text",
    [
        "M. Exemple habite 3 av. de la Gare, p. ex. au 2e étage, cf. art. 5.",
        "Le Dr. Exemple, J. Exemple et Mme. Exemple viennent.",
        "Il coûte 3.50 euros, à 18.30 h, sur www.example.org. et c’est tout",
        "« Viens ! » dit-elle. ",
        "Des pommes, des poires, etc. et du pain.",
        "Attends… je viens",
        "1. Le Samu social",
        "Voir n° 12 et vol. 3.",
    ],
)
def test_one_sentence(text: str) -> None:
    assert [text[start:end] for start, end in sentences(text)] == [text.strip()]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Il dit : « Ça va. » Tu sens que non.", ["Il dit : « Ça va. »", "Tu sens que non."]),
        ("Des pommes, etc. Viens !", ["Des pommes, etc.", "Viens !"]),
        ("C’est à 14 h. Viens\u202f! Tu as 15 ans ? Oui.", ["C’est à 14 h.", "Viens\u202f!", "Tu as 15 ans ?", "Oui."]),
        ("Le 115. Appelle", ["Le 115.", "Appelle"]),
        ("On y va... Ou pas.", ["On y va...", "Ou pas."]),
        ("(Il pleut.) On sort.", ["(Il pleut.)", "On sort."]),
    ],
)
def test_several_sentences(text: str, parts: list[str]) -> None:
    assert [text[start:end] for start, end in sentences(text)] == parts


def test_each_line_of_a_caption_is_a_sentence() -> None:
    assert len(list(sentences("Viens\nC’est gratuit", by_line=True))) == 2
    assert len(list(sentences("Viens\nc’est gratuit"))) == 1


def test_a_hard_post_names_its_two_worst_sentences(tmp_path: Path) -> None:
    config = newsroom(tmp_path)
    write(tmp_path, "title: Essai", HARD.replace(". Il", ".\n\nIl"))
    (found,) = french(config, "hard-to-read")
    assert found.line == 7
    assert "0 points of 100, and its readers need 50" in found.message
    assert "7:1" in str(found.hint)
    assert "7:110" in str(found.hint)
    assert found.excerpt.startswith("…territoriales. Cette expérimentation")


@pytest.mark.parametrize(
    ("front", "settings", "found"),
    [
        ("audience: [professionals]", "", 0),
        ("audience: [professionals, families]", "", 1),
        ("audience: [young]", "", 1),
        ("audience: [young]", "[checks.readability]\nyoung = 40\n", 0),
        ("lang: en", "", 0),
    ],
)
def test_each_audience_has_its_own_bar(tmp_path: Path, front: str, settings: str, found: int) -> None:
    config = newsroom(tmp_path)
    write(tmp_path, f"title: Essai\n{front}", (TEXTS / "46-seed-1.txt").read_text(encoding="utf-8"))
    assert len(french(config, "hard-to-read", extra=settings)) == found


def test_too_little_text_has_no_score(tmp_path: Path) -> None:
    config = newsroom(tmp_path)
    write(tmp_path, "title: Essai", "Intercommunalité interinstitutionnelle. Expérimentation méthodologique. Non.")
    write(tmp_path, "title: Essai", ("Expérimentation " * 40 + ".") * 2, "posts/b.md")
    assert french(config, "hard-to-read") == []


def test_a_long_sentence_is_counted_where_it_stands(tmp_path: Path) -> None:
    config = newsroom(tmp_path)
    write(
        tmp_path, "title: Essai\nsummary: a", "## Un titre\n\nViens. " + "Tu peux " * 13 + "venir.\n\n- " + "Un " * 25
    )
    (found,) = french(config, "long-sentence")
    assert (found.line, found.column) == (8, 8)
    assert "27 words, more than 25" in found.message
    assert len(french(config, "long-sentence", extra="[checks]\nsentence = 20\n")) == 2
