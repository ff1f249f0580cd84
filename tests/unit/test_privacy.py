"""Nobody is recognisable in what leaves: names with ages and situations, dates, mobiles, addresses, numbers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tests.support.content import newsroom, write
from tests.support.ledger import NOW
from veille import checks, library
from veille.checks.privacy import details, names, people
from veille.checks.subjects import Role, Text
from veille.errors import Finding, Severity

TODAY = date(2026, 11, 25)


def found(words: str) -> list[str]:
    """The codes for one paragraph; `?` behind a warning."""
    text = Text("x.md", None, Role.BODY, words, "fr", ((0, 1, 1),))
    return [f.code + ("?" if f.severity is Severity.WARNING else "") for f in look(text)]


def look(text: Text) -> Iterator[Finding]:
    named = list(names.named(text.content))
    yield from people.people(text, named)
    yield from people.recognisable(text)
    yield from people.births(text, named, TODAY)
    yield from details.details(text, named)


@pytest.mark.parametrize(
    "words",
    [
        "Le jeune K., 15 ans, a retrouvé le sourire.",
        "K., 15 ans, raconte.",
        "K. (15 ans) raconte.",
        "K.R., 13 ans, raconte.",
        "Kevin M, 15 ans, raconte.",
        "Jade, bientôt 14 ans, raconte.",
        "Jade 14 ans : « c’est dur ».",
        "Mohamed, lycéen de 16 ans, raconte.",
        "Mme Diallo, mère isolée, attend.",
        "Ibrahim, mineur non accompagné, apprend vite.",
        "Le jeune Sofiane est sous main de justice.",
        "Chloé T. a porté plainte contre son beau-père.",
        "La petite Lina (8 ans) attend.",
        "La petite Lina (huit ans) attend.",
        "Inès, 16\u00a0ans, témoigne.",
        "Inès, élève de troisième, 14 ans, témoigne.",
        "Mme Martin, suivie par l’ASE, témoigne.",
        "Mme Martin, suivie par l'aide sociale à l'enfance.",
        "Mohamed D., 17 ans, placé en foyer",
        "Mohamed D. est placé en famille d’accueil.",
        "Léa est enceinte et cherche un logement.",
        "Yanis, déscolarisé depuis mai, revient.",
        "Fatoumata, 19 ans, hébergée en hôtel, cuisine.",
        "Le procès de Karim commence lundi.",
        "Le signalement de la jeune L. date de mai.",
        "Le jeune M. est mis en examen.",
        "À 15 ans, Nour quitte la maison.",
        "Lucas a 12 ans et joue du piano.",
        "Samira vient d’avoir 14 ans.",
        "Dylan a été victime de harcèlement.",
        "JADE, 13 ans, chante.",
        "Jean-Baptiste, 11 ans, gagne.",
        "Le jeune Zbigniew, 15 ans, gagne.",
        "Aïcha, 16 ans, est aujourd’hui en foyer.",
    ],
)
def test_somebody_named_beside_an_age_or_a_situation(words: str) -> None:
    assert found(words) == ["person-situation"]


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        ("Karim, 34 ans, aime la soupe.", ["person-situation?"]),
        ("Karim, 34 ans, animateur, aime la soupe.", []),
        (
            "Une jeune de 15 ans, de la rue des Lilas, au collège Marie-Curie, a gagné.",
            ["person-recognisable?"],
        ),
        ("Une jeune de 15 ans, du collège Marie-Curie, placée en foyer", ["person-recognisable?"]),
        ("Une jeune de 15 ans a gagné.", []),
        ("Une jeune de 15 ans, élève au lycée Marie-Curie, a gagné.", []),
    ],
)
def test_adults_and_people_without_a_name(words: str, codes: list[str]) -> None:
    assert found(words) == codes


@pytest.mark.parametrize(
    "words",
    [
        "Pour les 11-25 ans, gratuit.",
        "explique Camille Exemple, directrice du CCAS depuis 15 ans.",
        "« On accueille des jeunes placés », dit Camille Exemple, éducatrice.",
        "Le lycée Marie-Curie a 50 ans.",
        "Le lycée Simone Veil, 15 ans, fête sa rénovation.",
        "Rendez-vous rue Jean-Jaurès, de 10 à 12 ans.",
        "Le stade Léo-Lagrange, 90 ans",
        "Marie Curie, prix Nobel, est née en 1867.",
        "Victor Hugo est né le 26 février 1802.",
        "Le projet est né en 2008.",
        "Le collectif est né le 12 mars 2019.",
        "L’association est née en 2015 à Bagneux.",
        "Karim a 15 ans d’expérience.",
        "Le club de Nadia a 15 ans.",
        "L’entreprise de Nadia a 15 ans.",
        "Camille, dès 6 ans",
        "Un atelier avec Claire, pour les 8-12 ans",
        "Un jeune de 19 ans",
        "La présentatrice, 17 ans",
        "Anne Frank avait 13 ans quand elle a commencé son journal.",
        "Arthur Rimbaud, 17 ans, écrit.",
        "Simone Veil a été victime de la barbarie nazie.",
        "Le pape François, 88 ans",
        "La Violette est hébergée par la ferme.",
        "Les femmes victimes de violences sont reçues au centre Simone-Veil.",
        "M. Durand, maire de la ville, inaugure un foyer pour jeunes placés.",
        "L’école Pierre-Brossolette est hébergée au gymnase.",
        "Mardi 15 décembre, 15 ans de la ludothèque",
        "Le concert de Noël, 3 ans après",
        "A. Les horaires. B. Les tarifs.",
        "Victime de son succès, Rose Café ferme.",
    ],
)
def test_ordinary_sentences_about_people_and_places(words: str) -> None:
    assert found(words) == []


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        ("Karim, né le 12/03/2009, expose.", ["birth-date"]),
        ("Élève né le 12.03.2009", ["birth-date"]),
        ("Né le 12/03/2011 à Bagneux, Yanis cherche un stage.", ["birth-date"]),
        ("NÉE LE 12/03/2011", ["birth-date"]),
        ("Née le 4 mai 2010 à Antony, elle vit seule.", ["birth-date"]),
        ("Née le 4 mai 2010, Lina vit seule.", ["birth-date"]),
        ("Né le 4 mai 2010 à Antony, le club fête ses 16 ans.", []),
        ("Née le 4 mai 1946, elle a dirigé la première crèche.", []),
        ("DDN : 12/03/2011", ["birth-date"]),
        ("Yanis (12/03/2011) cherche un stage.", ["birth-date"]),
        ("Le concert de Nour (12/03/2026) est complet.", []),
        ("L’orchestre Nour, né le 12 mars 2015, joue.", []),
        ("Le spectacle « Chloé a fugué » se joue le 12.", []),
        ("Date de naissance : 12/03/2009", ["birth-date"]),
        ("Lina, née en 2008, expose.", ["birth-date"]),
        ("Lina Exemple, née le 3 mai 1990, expose.", ["birth-date"]),
        ("Lina Exemple, née en 1990, expose.", ["birth-date?"]),
        ("Lina Exemple, autrice née en 1990", []),
        ("Appelle Karim au 06 39 98 12 34.", ["personal-mobile"]),
        ("Mme Durand : +33 6 39 98 12 34", ["personal-mobile"]),
        ("0639981234 (Inès)", ["personal-mobile"]),
        ("Karim Exemple, animateur : 06 39 98 12 34", ["personal-mobile?"]),
        ("Permanence de Karim : 06 39 98 12 34", []),
        ("Appelle le 06 39 98 12 34.", []),
        ("Appelle Karim au 01 99 00 12 34.", []),
        ("Écris à karim.exemple@gmail.com.", ["personal-mail"]),
        ("Écris à karim92@orange.fr.", ["personal-mail"]),
        ("Écris à camille.exemple@ville.example.org.", ["personal-mail?"]),
        ("Écris à asso.velo@gmail.com ou contact@example.org.", []),
        ("Rendez-vous chez Mme Martin, 12 rue de l’Exemple.", ["home-address"]),
        ("On goûte chez Karim, 12 rue de l’Exemple.", ["home-address?"]),
        ("Lina habite au 12 bis, rue de l’Exemple.", ["home-address"]),
        ("Elle habite 12 rue de l’Exemple.", ["home-address"]),
        ("La famille habite au 3e étage du 12, rue de l’Exemple.", ["home-address"]),
        ("L’association loge 12 rue de Paris.", []),
        ("Le père Noël dort dehors ? Noël, 10 ans déjà ! À Noël, 3 ans après…", []),
        ("Le petit Noël, 10 ans, a été placé.", ["person-situation"]),
        ("Le restaurant Chez Paul, 12 rue de Paris", []),
        ("La mairie, 12 rue de Paris", []),
        ("N° 2 84 05 78 006 084 90", ["identity-number"]),
        ("N° 2 84 05 78 006 084 91", []),  # its key is wrong
        ("Sécurité sociale : 2840578006084", ["identity-number"]),
        ("N° de sécu : 2 84 05 78 006 084 91", ["identity-number"]),
        ("K., 34 ans, raconte.", ["person-situation"]),
        ("Karim D., 34 ans, éducateur, raconte.", ["person-situation"]),  # who hides a name has a reason
        ("Karim, né le 12/03/1912, y peignait.", []),
        ("ISBN 978 2 07 036822 8", []),
        ("IBAN : FR14 2004 1010 0505 0001 3M02 606", ["bank-account?"]),
        ("FR15 2004 1010 0505 0001 3M02 606", []),
        ("Une Clio AB-123-CD", ["number-plate?"]),
        ("Le dossier n° 12345 attend.", ["case-number?"]),
        ("Enquête publique, dossier n° 092-007-2026 : avis en mairie.", ["case-number?"]),
        ("Son dossier n° 12345 attend.", ["case-number"]),
        ("Le dossier n° 12345 de la jeune est perdu.", ["case-number"]),
        ("Karim Exemple, dossier n° 12345", ["case-number"]),
        ("Dossier MDPH n°2024-00123", ["case-number"]),
        ("Allocataire : 1234567", ["case-number"]),
        ("Étrangers : 12000 demandes. Bénéficiaires : 4500.", []),
        ("Dossier n° 12 : l’eau. Dossier n° 2026-04.", []),
    ],
)
def test_details_of_one_person(words: str, codes: list[str]) -> None:
    assert found(words) == codes


def test_a_page_of_capitals_is_read_once() -> None:
    words = "Atelier " * 20_000  # read to its end from each word on, it took minutes
    assert list(names.named(f"{words}Karim")) == [names.Named(len(words), len(words) + 5, alone=True)]


def test_what_is_found_says_where_and_repeats_nobodys_details(tmp_path: Path) -> None:
    config = newsroom(tmp_path)
    write(config.root, "title: a", "Bonjour.\n\nEt voici Karim, 15 ans :\n[écris-lui](mailto:karim.exemple@gmail.com)")
    by_code = {f.code: f for f in checks.run(library.load(config), config, NOW)}
    person, mail = by_code["person-situation"], by_code["personal-mail"]
    assert (person.line, person.column) == (7, 10)
    assert mail.line == 8
    assert not any("Karim" in f"{f} {f.excerpt}" or "karim" in f"{f} {f.excerpt}" for f in (person, mail))


def test_a_published_testimony_is_excused_with_a_reason_and_a_security_number_is_not(tmp_path: Path) -> None:
    config = newsroom(tmp_path)
    front = "title: a\nallow: {person-situation: accord écrit des parents, identity-number: pour voir}"
    write(config.root, front, "K., 15 ans, N° 2 84 05 78 006 084 90")
    codes = [f.code for f in checks.run(library.load(config), config, NOW)]
    assert "person-situation" not in codes
    assert "identity-number" in codes
