from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veille.typography import NARROW as N
from veille.typography import NBSP as B
from veille.typography import french

CHANGED = {
    "Viens !": f"Viens{N}!",
    "Viens!": f"Viens{N}!",
    "Quoi ?!": f"Quoi{N}?!",
    "un ; deux": f"un{N}; deux",
    "Attention: ici": f"Attention{B}: ici",
    "Attention : ici": f"Attention{B}: ici",
    "« mot »": f"«{N}mot{N}»",
    "«mot»": f"«{N}mot{N}»",
    'Il dit "viens" !': f"Il dit «{N}viens{N}»{N}!",
    "l'eau d'Evry": "l’eau d’Evry",
    "Bon...": "Bon…",
    "10 % et 10%": f"10{B}% et 10{B}%",
    "5€": f"5{B}€",
    "à 14h30": f"à 14{B}h{B}30",
    "à 14 h 30": f"à 14{B}h{B}30",
    "à 9h": f"à 9{B}h",
    "24h/24 et 7j/7": f"24{B}h/24 et 7{B}j/7",
    "le 27 novembre": f"le 27{B}novembre",
    "le 1er décembre": f"le 1er{B}décembre",
    "01 99 00 12 34": f"01{B}99{B}00{B}12{B}34",
    "1 700 euros": f"1{B}700{B}euros",
    "n° 12": f"n°{B}12",
    "mineur∙e∙s": "mineur·e·s",
    "lecteur•rice•s": "lecteur·rice·s",
    "tous.tes": "tous·tes",
    "étudiant-e-s": "étudiant·e·s",
    "salarié.es.": "salarié·es.",
}
KEPT = [
    "https://example.org/a?b=1;c:d!e",
    "voir www.example.org/a?b=c",
    "site.example.org?x=1",
    "écris à jean.d'arc+x@example.org",
    "de 18:30 à 20:15",
    "#faim! reste",
    "&nbsp; &#39;",
    "cœur, œuvre, 1er, 2e",
    "(!) et :) et ;-)",
    "covid-19 h2o",
    "1.5 h2",
    "• un • deux",
    "vient-elle, dis-le, a-t-elle, vas-y, rendez-vous",
    "visitmadrid.es et https://example.org/lecteur.rice.s",
]


@pytest.mark.parametrize(("given_", "wanted"), CHANGED.items())
def test_sets_french_text(given_: str, wanted: str) -> None:
    assert french(given_) == wanted


@pytest.mark.parametrize("text", KEPT)
def test_leaves_what_is_not_prose_alone(text: str) -> None:
    assert french(text) == text


def test_a_space_after_a_hashtag_is_set() -> None:
    assert french("#faim ! reste") == f"#faim{N}! reste"


@pytest.mark.parametrize("text", CHANGED)
def test_other_languages_stay(text: str) -> None:
    assert french(text, "en") == text


def test_reads_its_neighbours_across_markup() -> None:
    assert french(" !", before="Viens") == f"{N}!"
    assert french("!", before="n") == f"{N}!"
    assert french("l'", after="eau") == "l’"
    assert french("'eau", before="l") == "’eau"


_MARKS = ['"', "«", "»", "!", "?", ";", ":", " ", B, N, "...", "…", "%", "€", "(", ")", "-", "\n"]
_WHOLES = ["mot", "l'eau", "é", "14h30", "9h", "10", "1er", "mai", "7j/7", "18:30"]
_ADDRESSES = ["https://x.org/?a=b", "#tag", "a@b.org", "&amp;"]
_WORDS = st.lists(st.sampled_from([*_MARKS, *_WHOLES, *_ADDRESSES]), max_size=14).map("".join)


@given(_WORDS)
def test_twice_is_once(text: str) -> None:
    once = french(text)
    assert french(once) == once


@given(st.text(max_size=60))
def test_twice_is_once_whatever_is_typed(text: str) -> None:
    once = french(text)
    assert french(once) == once


@given(_WORDS)
def test_letters_and_digits_never_change(text: str) -> None:
    def bare(value: str) -> list[str]:
        return [character for character in value if character.isalnum()]

    assert bare(french(text)) == bare(text)
