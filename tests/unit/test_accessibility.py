"""What shuts readers out of a post as it is written."""

from __future__ import annotations

import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.content import newsroom, write
from veille import checks, library
from veille import config as settings
from veille.checks import accessibility, letter_accessibility
from veille.checks.accessibility.doublets import doublet
from veille.checks.rules import Context
from veille.checks.subjects import Subject
from veille.config import Config
from veille.errors import Finding, Severity
from veille.typography import points

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
ORDINARY = ROOT / "tests/data/ordinary.txt"
SENTENCE = "Des jeunes réparent des vélos dans la cour, et vous pouvez venir avec le vôtre."
ENGLISH = "You can call this number from any phone and talk to us. We are open all day and the call is free."
ARABIC = "يمكنكم الاتصال بهذا الرقم مجانا من أي هاتف في أي وقت"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    room = newsroom(tmp_path_factory.mktemp("room"))
    media = room.root / "content/media"
    for name in ("affiche-forum.jpg", "IMG_2043.jpg", "tracteur.jpg"):
        shutil.copyfile(media / "repas.jpg", media / name)
    return room


def look(config: Config, front: str, body: str = SENTENCE) -> list[Finding]:
    """What our check finds in one post."""
    path = write(config.root, front if "title:" in front else f"title: Un titre\n{front}", body)
    shelf = library.load(config)
    assert shelf.findings == ()
    (post,) = shelf.posts
    assert accessibility.CHECK.each
    found = list(accessibility.CHECK.each(Subject(post, post.path, post.file), Context(shelf, config, NOW)))
    path.unlink()
    return found


def codes(found: list[Finding]) -> list[str]:
    return [finding.code for finding in found]


ALTS = {
    "Photo de deux jeunes qui réparent un vélo": "alt-opening",
    "Une image montrant une cour": "alt-opening",
    "Illustration : une cour d’école": "alt-opening",
    "L’image d’un vélo": "alt-opening",
    "IMG_2043.jpg": "alt-useless",
    "DSC 0042": "alt-useless",
    "velo-rouge.jpeg": "alt-useless",
    "photo 3": "alt-useless",
    "Image": "alt-useless",
    "Repas partagé": "alt-repeated",
    "repas": "alt-repeated",
    "Dessin Kess Kis Pass": "alt-repeated",
    "Affiche du forum des stages": "text-in-picture",
    "Capture d’écran du site": "text-in-picture",
    "L" + "ongue description " * 8: "alt-long",
    "x" * 126: "alt-long",
}
GOOD_ALTS = (
    "Deux jeunes réparent un vélo",
    "Une photographe montre son appareil à trois enfants",
    "Deux jeunes collent ensemble une grande affiche sur le mur du lycée",
    "Le visage d’une femme qui rit",
    "Imagerie du quartier, peinte sur un mur",
    "x" * 125,
)


@pytest.mark.parametrize(("alt", "code"), ALTS.items())
def test_an_alternative_text_that_helps_nobody(config: Config, alt: str, code: str) -> None:
    (finding,) = look(
        config, f'title: Repas partagé\nimage: {{src: repas.jpg, credit: Dessin Kess Kis Pass, alt: "{alt}"}}'
    )
    assert (finding.code, finding.line, finding.field) == (code, 3, "image.alt")
    assert finding.hint


@pytest.mark.parametrize("alt", GOOD_ALTS)
def test_a_good_alternative_text_passes(config: Config, alt: str) -> None:
    assert look(config, f'image: {{src: repas.jpg, alt: "{alt}"}}') == []


def test_the_opening_is_taken_away_in_the_hint(config: Config) -> None:
    (finding,) = look(config, 'image: {src: repas.jpg, alt: "Photo de deux jeunes"}')
    assert "Deux jeunes" in str(finding.hint)
    assert (finding.severity, finding.excerpt) == (Severity.WARNING, "Photo de deux jeunes")


def test_a_file_name_is_an_error_whichever_picture_it_stands_for(config: Config) -> None:
    front = 'images:\n  - {src: repas.jpg, alt: "Une cour"}\n  - {src: tracteur.jpg, alt: "tracteur.jpg"}'
    (finding,) = look(config, front)
    assert (finding.code, finding.severity, finding.field) == ("alt-useless", Severity.ERROR, "images.1.alt")
    assert finding.line == 5


def test_a_poster_is_known_by_its_file_and_decoration_may_be_silent(config: Config) -> None:
    (finding,) = look(config, 'image: {src: affiche-forum.jpg, alt: "Des jeunes devant un stand"}')
    assert (finding.code, finding.line) == ("text-in-picture", 3)
    assert look(config, "image: {src: repas.jpg, decorative: true}") == []
    assert look(config, 'image: {src: tracteur.jpg, alt: "Un engin vert"}') == []


BODIES = {
    "### Comment venir\n\nÀ pied.": ("heading-skipped", 6),
    "## Un\n\nTexte.\n\n#### Trop bas\n\nTexte.": ("heading-skipped", 10),
    "# Comment venir\n\nÀ pied.": ("heading-title", 6),
    "Texte.\n\n##\n\nTexte.": ("heading-empty", 8),
    "**Comment venir**\n\nÀ pied.": ("heading-bold", 6),
    "Texte.\n\n**Comment venir :**\n\n- à pied": ("heading-bold", 8),
    "|  |\n|---|\n| Mardi |": ("table-header", 6),
    "| Jour |  |\n|---|---|\n| Mardi | 14 h |": ("table-header", 6),
    "Fête de quartier 🎉🎊🥳": ("emoji-run", 6),
    "Fête 🎉 🎉 🎉 de quartier": ("emoji-run", 6),
    "Viens avec ton 🚲 à l’atelier.": ("emoji-in-sentence", 6),
    "Viens ! 👩🏽‍🚀👨🏿‍🚒🇫🇷": ("emoji-run", 6),
    "📍 Bagneux\n🕒 14 h": ("emoji-bullet", 6),
    "- ✅ gratuit\n- ✅ ouvert": ("emoji-bullet", 6),
    "C’est 𝗴𝗿𝗮𝘁𝘂𝗶𝘁 pour tous.": ("fancy-letters", 6),
    "Ⓖⓡⓐⓣⓤⓘⓣ et sans attente.": ("fancy-letters", 6),
    "Horaires ===== mardi": ("symbol-row", 6),
    "★★★ Soirée jeux": ("symbol-row", 6),
    "Viens !!!! On t’attend": ("symbol-row", 6),
    "INSCRIPTION OBLIGATOIRE avant mardi.": ("capitals", 6),
    "Merci de NE PAS OUBLIER VOTRE carte.": ("capitals", 6),
    "## HORAIRES\n\nDe 14 h à 18 h.": ("capitals", 6),
    "Les mineur∙e∙s viennent avec un adulte.": ("inclusive-points", 6),
    "Les lecteur.rice.s ont gagné.": ("inclusive-points", 6),
    "Chaque étudiant-e-s compte.": ("inclusive-points", 6),
    "Bienvenue aux lycéen·nes.": ("inclusive-points", 6),
    "Clique sur le bouton rouge.": ("by-sight", 6),
    "Les horaires en vert sont libres.": ("by-sight", 6),
    "Le formulaire est ci-contre.": ("by-sight", 6),
    f"{SENTENCE}\n\n{ENGLISH}\n\n{SENTENCE * 3}": ("lang-passage", 8),
    f"{SENTENCE * 3}\n\n> {ARABIC}": ("lang-passage", 8),
}
GOOD_BODIES = (
    "## Comment venir\n\n### En bus\n\nLigne 128.\n\n## Tarif\n\nGratuit.",
    "**Ce n’est pas ta faute, et tu n’as pas à porter ça sans aide.**\n\nAppelle.",
    "**Professionnels :** merci d’en parler.\n\nÀ mardi.",
    "Texte.\n\n**À mardi**",
    "| Jour | Heure |\n|---|---|\n| Mardi | 14 h |",
    "|  | Mardi |\n|---|---|\n| Bagneux | 14 h |",
    "Bravo ! 🎉\n\nÀ mardi. 🥕",
    "📍 Bagneux, place du Modèle",
    "Le CCAS et la MDPH, le SAMU, la CAF : tous répondent.",
    "Le CIDFF UNICEF MDPH CPTS est là.",
    "De 14 h à 18 h – sauf le jeudi... ou presque !",
    "Vient-elle ? Dis-le-moi. Est-ce que celui-ci, là-bas, va au rendez-vous de Saint-Denis ?",
    "Écris à lecteur@example.org ou va sur visitmadrid.es et bourse.ne.example.org.",
    "Bagneux · Bourg-la-Reine · Fontenay-aux-Roses",
    "Ils portent un bonnet rouge et un gilet vert. Tourne à droite après le pont, puis à gauche.",
    "« The Kid and the Man of the House with this » passe mardi, et c’est gratuit.",
    "Réunion GDSCR PMSBT mardi.",
    "Le film s’appelle « The Kid and the Man of the House » et il est gratuit pour vous.",
    "| a | b |\n|---|---|\n| 1 | 2 |\n\n---\n\nFin.",
    f"{SENTENCE}\n\nمرحبا",
    "Page 3/4, 10 % de moins, 24 h/24, 7 j/7, 1 + 1 = 2, Wi-Fi, C++, A+, 5★.",
)


@pytest.mark.parametrize(("body", "wanted"), BODIES.items())
def test_what_a_screen_reader_stumbles_over(config: Config, body: str, wanted: tuple[str, int]) -> None:
    (finding,) = look(config, "date: 2026-11-25", body)
    assert (finding.code, finding.line) == wanted
    assert finding.severity is Severity.WARNING
    assert finding.hint


@pytest.mark.parametrize("body", GOOD_BODIES)
def test_ordinary_text_raises_no_alarm(config: Config, body: str) -> None:
    assert look(config, "date: 2026-11-25", body) == []


def test_front_matter_is_read_too(config: Config) -> None:
    front = "title: GRATUIT\nfacebook:\n  text: |\n    📍 Ici\n    🕒 Demain\ninstagram: {caption: Salut 🎉🎉🎉}"
    found = look(config, front)
    assert [(f.code, f.line) for f in found] == [("emoji-run", 7), ("emoji-bullet", 5), ("capitals", 2)]


def test_columns_and_excerpts_lead_to_the_word(config: Config) -> None:
    (finding,) = look(config, "", f"{SENTENCE}\n\nPour tous les mineur∙e∙s du quartier.")
    assert (finding.line, finding.column) == (7, 15)
    assert "mineur∙e∙s" in finding.excerpt
    assert "mineures et mineurs" in str(finding.hint)
    assert "mineur·e·s" in finding.message


def test_a_word_with_points_is_told_once(config: Config) -> None:
    found = look(config, "", "Les mineur·e·s et les professionnel·le·s.\n\nPour les mineur·e·s, avec les Mineur·e·s.")
    assert codes(found) == ["inclusive-points"] * 2
    assert "3" in found[0].message


def test_no_alarm_on_paragraphs_of_ordinary_french(config: Config) -> None:
    paragraphs = [line for line in ORDINARY.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(paragraphs) >= 200
    assert look(config, "", "\n\n".join(f"{number}\\. {line}" for number, line in enumerate(paragraphs))) == []


def test_the_language_of_a_whole_text(config: Config) -> None:
    (finding,) = look(config, "title: Free advice", f"{ENGLISH}\n\n{ENGLISH}")
    assert (finding.code, finding.line) == ("lang-unlikely", 2)
    assert "lang: en" in str(finding.hint)
    assert look(config, "lang: en", f"{ENGLISH}\n\n{ENGLISH}") == []
    (finding,) = look(config, "", ARABIC)
    assert (finding.code, "lang: ar" in str(finding.hint)) == ("lang-unlikely", True)
    assert look(config, "lang: ar", ARABIC) == []
    assert codes(look(config, "lang: ar", SENTENCE * 2)) == ["lang-unlikely"]


def test_a_known_acronym_of_the_newsroom_is_no_shouting(config: Config) -> None:
    assert codes(look(config, "", "Le GRADIN CLAIRON ouvre.")) == ["capitals"]
    ours = settings.load(config.root, {"VEILLE_CHECKS__ACRONYMS": "GRADIN"})
    assert look(ours, "", "Le GRADIN CLAIRON ouvre.") == []


def test_a_newsroom_may_keep_its_points(config: Config) -> None:
    write(config.root, "title: Pour les mineur·e·s")
    shelf = library.load(config)
    quiet = settings.load(config.root, {"VEILLE_CHECKS__IGNORE": "inclusive-points"})
    assert "inclusive-points" in [f.code for f in checks.run(shelf, config, NOW)]
    assert "inclusive-points" not in [f.code for f in checks.run(shelf, quiet, NOW)]
    (config.root / "content/posts/2026-11-23-repas.md").unlink()


DOUBLETS = {
    "mineur·e·s": "mineures et mineurs",
    "lecteur·rice·s": "lectrices et lecteurs",
    "animateur·trices": "animatrices et animateurs",
    "chercheur·euse": "chercheuse ou chercheur",
    "citoyen·ne·s": "citoyennes et citoyens",
    "professionnel·le·s": "professionnelles et professionnels",
    "heureux·se": "heureuse ou heureux",
    "ouvrier·ère·s": "ouvrières et ouvriers",
    "sportif·ive·s": "sportives et sportifs",
    "tous·tes": "toutes et tous",
    "ceux·celles": "celles et ceux",
    "salarié·e": "salariée ou salarié",
    "chef·fe·s": "",
}


@pytest.mark.parametrize(("word", "both"), DOUBLETS.items())
def test_both_forms_of_a_word(word: str, both: str) -> None:
    base, ending, *plural = word.split("·")
    assert doublet(base, ending, plural=bool(plural)) == both


def test_points_keep_the_length_of_a_text() -> None:
    text = "les mineur∙e∙s, lecteur.rice.s et étudiant-e-s ; tous•tes. visitmadrid.es"
    assert points(text) == "les mineur·e·s, lecteur·rice·s et étudiant·e·s ; tous·tes. visitmadrid.es"


def test_every_code_explains_itself() -> None:
    rules = (*accessibility.CHECK.rules, *letter_accessibility.CHECK.rules)
    assert len({rule.code for rule in rules}) == len(rules)
    for rule in rules:
        assert rule.title
        assert (rule.why[-1], rule.remedy[-1]) == (".", "."), rule.code
        assert not rule.link or rule.link.startswith("https://"), rule.code


def test_the_sample_newsroom_passes() -> None:
    room = settings.load(ROOT, {})
    shelf = library.load(room)
    context = Context(shelf, room, NOW)
    subjects = list(checks.subjects(shelf, room))
    assert accessibility.CHECK.each
    assert [finding for one in subjects for finding in accessibility.CHECK.each(one, context)] == []
    assert len(subjects) > 30


def test_a_post_of_400_words_costs_less_than_a_millisecond(config: Config) -> None:
    write(config.root, "title: Un titre", "\n\n".join([SENTENCE] * 27))
    shelf = library.load(config)
    (post,) = shelf.posts
    subject, context = Subject(post, post.path, post.file), Context(shelf, config, NOW)
    assert len(subject.texts) == 28
    assert accessibility.CHECK.each
    costs = []
    for _round in range(20):
        start = time.process_time()
        assert list(accessibility.CHECK.each(subject, context)) == []
        costs.append(time.process_time() - start)
    assert min(costs) < 0.001
    (config.root / "content/posts/2026-11-23-repas.md").unlink()
