"""Slips of fingers, scanners and the clipboard; none where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.content import newsroom, write
from tests.support.french import french, french_of
from veille import config as configs
from veille.checks.french import CHECK
from veille.errors import Severity

TEXTS = Path(__file__).parent.parent / "data/french"
SLIPS = ("look-alike", "spacing", "broken-word", "pasted-text", "missing-accent", "misspelling")
OFFSET = 4  # lines of the front matter


def _found(body: str, lang: str = "fr") -> list[tuple[str, str]]:
    found = french_of(body, *SLIPS, lang=lang)
    return [(one.code, one.message.split("“")[1].split("”")[0]) for one in found if "“" in one.message]


@pytest.mark.parametrize(
    ("seed", "slips"),
    [
        ("46-seed-1", {("missing-accent", 5, "Ile-de-France")}),
        ("47-seed-2", {("broken-word", 6, "Bourg-la-")}),
        ("48-seed-3", {("misspelling", 7, "le prostitution")}),
        (
            "49-seed-4",
            {
                ("missing-accent", 5, "Etat"),
                ("pasted-text", 5, "> Rendre"),
                ("pasted-text", 6, "> Développer"),
                ("pasted-text", 7, "> Renforcer"),
                ("pasted-text", 8, "> Expérimenter"),
                ("misspelling", 6, "réveler"),
                ("spacing", 47, "Hauts-de- Seine"),
                ("spacing", 47, "sentiment de solitude"),
                ("look-alike", 56, "Ieur"),
            },
        ),
        (
            "50-seed-5",
            {
                ("misspelling", 5, "cas échant"),
                ("misspelling", 6, "Intra-familales"),
                ("spacing", 7, "L’ appel"),
                ("missing-accent", 13, "Etat"),
                ("misspelling", 15, "intra familiales"),
                ("misspelling", 24, "la cycle"),
                ("misspelling", 29, "péri scolaire"),
                ("spacing", 29, "etc. )"),
            },
        ),
    ],
)
def test_each_slip_of_the_seeds_is_found_where_it_stands(seed: str, slips: set[tuple[str, int, str]]) -> None:
    found = french_of((TEXTS / f"{seed}.txt").read_text(encoding="utf-8"), *SLIPS)
    missed = {
        slip
        for slip in slips
        if not any((slip[0], slip[1] + OFFSET) == (one.code, one.line) and slip[2] in one.excerpt for one in found)
    }
    assert missed == set()
    assert all(one.severity is Severity.WARNING and one.column for one in found)


def test_pasted_buttons_of_a_seed_are_found() -> None:
    text = (
        "S’abonner à la newsletter\n\nEn 1 clic\n\nGlissez pour défiler\n\nLire aussi :\n\n## Partager\n\n« Imprimer »"
    )
    assert [code for code, _ in _found(text)] == ["pasted-text"] * 5
    assert _found("Tu peux partager. Partager, c’est bien. En 1 clic tu réserves.") == []


@pytest.mark.parametrize(
    ("text", "code", "what"),
    [
        ("C’est à Ieur tour.", "look-alike", "Ieur"),
        ("On voit Ia ville.", "look-alike", "Ia"),
        ("Il fait b0njour.", "look-alike", "b0njour"),
        ("Un p\u0430rent vient.", "look-alike", "p\u0430rent"),
        ("Une vi\u03bfle.", "look-alike", "vi\u03bfle"),
        ("Une viIle calme.", "look-alike", "viIle"),
        ("Le coIIège ouvre.", "look-alike", "coIIège"),
        ("Rendez-vous 1undi.", "look-alike", "1undi"),
        ("Lundi, 0n y va.", "look-alike", "0n"),
        ("A Bagneux, on rit.", "missing-accent", "A"),
        ("Les Hauts-de- Seine.", "spacing", "Hauts-de- Seine"),
        ("L’ appel est gratuit.", "spacing", "L’ appel"),
        ("Il dit qu’ elle vient.", "spacing", "qu’ elle"),
        ("Le midi , on mange.", "spacing", ","),
        ("On mange .", "spacing", "."),
        ("Le foot (et le judo ) aussi.", "spacing", ")"),
        ("Le foot ( et le judo) aussi.", "spacing", "("),
        ("Une action.Un cadeau.", "spacing", "action.Un"),
        ("Bourg-la-\nReine", "broken-word", "Bourg-la- Reine"),
        ("L’Etat paie.", "missing-accent", "Etat"),
        ("A partir de lundi.", "missing-accent", "A partir"),
        ("A bientôt !", "missing-accent", "A"),
        ("Viens. A l’école, on rit.", "missing-accent", "A"),
        ("L’ECOLE ouvre.", "missing-accent", "ECOLE"),
        ("Ca va ?", "missing-accent", "Ca"),
        ("Des coeurs.", "misspelling", "coeurs"),
        ("Le cas échant.", "misspelling", "cas échant"),
        ("Un peu de de pain.", "misspelling", "de"),
        ("Sortir de le prostitution.", "misspelling", "le prostitution"),
        ("Après la cycle.", "misspelling", "la cycle"),
        ("C’est un action.", "misspelling", "un action"),
        ("Le péri scolaire.", "misspelling", "péri scolaire"),
    ],
)
def test_a_slip(text: str, code: str, what: str) -> None:
    assert (code, what) in _found(text)


@pytest.mark.parametrize(
    "text",
    [
        "Le secteur socio- et médico-culturel, avant- ou après-midi.",
        "Nous nous voyons, vous vous levez, c’est très très bien. Oh là là !",
        "Viens\u202f! «\u202fOui\u202f», dit-il\u00a0; et puis\u00a0: non\u202f?",
        "Un smiley :) et un autre : ) ; (ou pas).",
        "Il a eu 12 ans. A-t-il faim ? Le CA, l’IA et le IV. Il y a la une.",
        "A été élu hier.",
        "Le bâtiment A Bagneux. A Camille de jouer ? Le 1er, la 1re, les 1ers et 0 noyau.",
        "La page : https://www.example.org/toutes-les-\nactualites/detail.",
        "LinkedIn, iPhone, H2O, MP3, 1er, 2e, 14h30, R2D2, 0 800 235 236 et www.example.org.Un",
        "Prends 3,5 kg, le 3.12, à 18.30 h, sur example.org/Etat_coeur ou @Etat #Ecole.",
        "L'eau d'ici, l’« eau » et l’*eau*.",
        "> « Une phrase.\n> Une autre. »",
        "> une citation\n> sur deux lignes",
        "- un\n- deux\n\n1. trois",
        "| a | b |\n|---|---|\n| c  | d |",
        "La table, la ville, le vélo, une question-réponse, le bastion, le plan d’action.",
        "Le service public - gratuit - ouvre. Un -5 % en caisse.",
        "C’est ce que tu veux. L’entrain de la foule. Il va de le voir à l’aider. Ce que c’est que ce truc.",
        "Où est-ce que tu vas ? Peut-être que oui. Il voudrait, après, midi.",
        "Dans le langage des signes, une connexion.",
        "Île-de-France, Seine-Saint-Denis, Hauts-de-Seine : État, École, Été, À côté.",
    ],
)
def test_no_slip(text: str) -> None:
    assert _found(text) == []


def test_captions_have_no_quotations(tmp_path: Path) -> None:
    config = newsroom(tmp_path)
    write(tmp_path, "title: Essai\nfacebook:\n  text: |\n    Au programme :\n    > des jeux\n    > un goûter")
    assert [(one.line, one.code) for one in french(config)] == [(6, "pasted-text"), (7, "pasted-text")]


def test_a_pasted_line_is_told_where_it_stands() -> None:
    (found,) = french_of("Une soirée\navec des jeux.\nLire aussi\nViens.", *SLIPS)
    assert (found.line, found.column, found.code) == (7, 1, "pasted-text")
    assert "Lire aussi" in found.excerpt


def test_texts_without_slips_have_none() -> None:
    quiet = (*SLIPS, "acronym-unexplained", "outdated-name")
    for path in sorted(TEXTS.glob("*.txt"))[:45]:
        assert french_of(path.read_text(encoding="utf-8"), *quiet) == []


def test_the_sample_newsroom_is_plain_french() -> None:
    root = Path(__file__).parents[2]
    assert french(configs.load(root, {})) == []


def test_another_language_is_left_alone() -> None:
    assert _found("The Etat coeur , de de dispositif ASE", "en") == []


def test_every_code_explains_itself() -> None:
    assert len({rule.code for rule in CHECK.rules}) == 11
    assert all(rule.title and rule.why and rule.remedy and rule.wrong for rule in CHECK.rules)
    assert all(rule.severity is Severity.WARNING for rule in CHECK.rules)
