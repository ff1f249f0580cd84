"""Words of the administration, old names, and short forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.content import newsroom, write
from tests.support.french import french, french_of
from veille.checks.lists import data
from veille.posts import Audience


def _found(body: str, *codes: str, **fields: Any) -> list[str]:
    return [one.message.split("“")[1].split("”")[0] for one in french_of(body, *codes, **fields)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Les dispositifs aident. Un dispositif.", ["dispositifs"]),
        ("C’est la mise à l’abri d’un bénéficiaire.", ["mise à l’abri", "bénéficiaire"]),
        ("Dans le cadre d’un projet, en vue des vacances.", ["Dans le cadre d", "en vue des"]),
        ("Vous effectuez, il sollicite, on a mutualisé.", ["effectuez", "sollicite", "mutualisé"]),
        ("Nonobstant sa thématique susmentionnée.", ["Nonobstant", "thématique", "susmentionnée"]),
        ("Une aide, une place, un cadre, le cadre de vie, en vue, la vue de la tour.", []),
        ("Ta place est ici. On va à l’abri. Une mise en page. Le titre. Il s’initie au cirque.", []),
        ("L’issue de secours. La nécessité. Un acte. Un thème, un sujet, une question.", []),
    ],
)
def test_words_of_the_administration(text: str, words: list[str]) -> None:
    assert _found(text, "administrative-word") == words


def test_professionals_know_the_words() -> None:
    experts, families = Audience.PROFESSIONALS, Audience.FAMILIES
    assert _found("Le dispositif.", "administrative-word", audience=(experts,)) == []
    assert _found("Le dispositif.", "administrative-word", audience=(experts, families)) == ["dispositif"]


def test_the_plainer_word_is_told(tmp_path: Path) -> None:
    config = newsroom(tmp_path)
    write(tmp_path, "title: Un dispositif\nsummary: Les usagers", "Un dispositif\nd’aide")
    found = french(config, "administrative-word")
    assert [(one.line, one.field) for one in found] == [(2, "title"), (3, "summary"), (6, None)]
    assert found[0].hint == "write for example: aide, service"
    assert found[2].column == 4


def test_the_list_is_long_enough_and_well_made() -> None:
    listed = data("administrative.toml")
    assert sum(map(len, listed.values())) >= 120
    assert len(data("slips.toml")["misspelling"]) >= 150
    assert all(verb.endswith("er") for verb in listed["verbs"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Va à Pôle Emploi.", ["Pôle Emploi"]),
        ("Va à Pôle\nemploi.", ["Pôle emploi"]),
        ("Le Conseil général et la DDASS.", ["Conseil général", "DDASS"]),
        ("Appelle Net Écoute.", ["Net Écoute"]),
        ("France Travail (ex-Pôle emploi), ancien Pôle emploi, ex Pôle emploi.", []),
        ("Pôle emploi, devenu France Travail.", []),
        ("Au pôle, emploi du temps. Un conseil. Général en chef.", []),
        ("Il dit : « Va à Pôle emploi. »", []),
        ("Le conseil départemental. L’emploi du temps. Le pôle nord. L’avis général.", []),
    ],
)
def test_old_names(text: str, words: list[str]) -> None:
    assert _found(text, "outdated-name") == words


@pytest.mark.parametrize("text", ["İlhan va à la la plage.", "La fête d’İlhan et de la la"])
def test_a_letter_that_is_two_when_it_is_small_moves_no_place(text: str) -> None:
    assert _found(text, "misspelling") == ["la"]


def test_the_new_name_and_its_year_are_told() -> None:
    (found,) = french_of("Va à Pôle emploi.", "outdated-name")
    assert found.message == "“Pôle emploi” has been an old name since 2024"
    assert found.hint == "write: France Travail"


@pytest.mark.parametrize(
    ("text", "shorts"),
    [
        ("Appelle l’ASE. Puis l’ASE.", ["ASE"]),
        ("L’Aide Sociale à l’Enfance (ASE) aide. L’ASE.", []),
        ("L’ASE (Aide sociale à l’enfance).", []),
        ("La MDPH, la maison départementale des personnes handicapées.", []),
        ("La Maison Départementale des Personnes Handicapées (MDPH).", []),
        ("Les infections sexuellement transmissibles (IST) et les Centres de Santé Sexuelle (CSS).", []),
        ("Femmes victimes de violences 92 (FVV 92).", []),
        ("Les Maisons de Justice et du Droit (MJD). Les MJD.", []),
        ("L’Établissement public de coopération (EPC) et le XIV, le XXI.", []),
        ("La colonie (ASE) est là.", ["ASE"]),
        ("Envoie un SMS ou un CV en PDF. C’est OK, pas de TV ni de WC, prends le RER.", []),
        ("LUTTE CONTRE LES VIOLENCES ET LE FROID", []),
        ("La COVID-19, le PAS à pas, c’est GRATUIT et URGENT.", []),
        ("## ASE\n\nL’Aide sociale à l’enfance (ASE).", []),
        ("## ASE\n\nElle aide.", ["ASE"]),
        ("Le CCAS et la CAF, la PMI.", ["CCAS", "CAF", "PMI"]),
        ("#ASE @CAF https://example.org/ASE et asso@CAF.fr", []),
        ("Le XYZW de la ville.", ["XYZW"]),
        ("La DDASS.", []),
        ("N° de TVA : FR 12 345678901. Réf. SER 2026-04.", []),
    ],
)
def test_short_forms(text: str, shorts: list[str]) -> None:
    assert _found(text, "acronym-unexplained") == shorts


def test_what_is_read_alone_explains_itself(tmp_path: Path) -> None:
    config = newsroom(tmp_path)
    front = "title: L’ASE\nfacebook: {text: Va à l’ASE}\ninstagram: {caption: L’Aide sociale à l’enfance (ASE)}"
    write(tmp_path, front, "L’Aide sociale à l’enfance (ASE).")
    (found,) = french(config, "acronym-unexplained")
    assert (found.line, found.field) == (3, "facebook.text")
    assert found.hint == "write: Aide sociale à l’enfance (ASE)"
    assert french(config, "acronym-unexplained", extra="[checks]\nacronyms = ['ASE']\n") == []
