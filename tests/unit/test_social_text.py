"""Words that Facebook and Instagram share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.graph_desk import post
from veille_publishers import social


@pytest.mark.parametrize(
    ("tag", "wanted"),
    [
        ("aide alimentaire", "#AideAlimentaire"),
        ("#AideAlimentaire", "#AideAlimentaire"),
        ("bourg-la-reine", "#BourgLaReine"),
        ("l’été", "#LÉté"),
        ("2026", ""),
        ("!", ""),
    ],
)
def test_a_hashtag(tag: str, wanted: str) -> None:
    assert social.hashtag(tag) == wanted


def test_hashtags_come_once() -> None:
    assert social.hashtags(["repas", "Repas", "faim"], already="Venez #REPAS") == ("#Faim",)


def test_a_fingerprint_survives_what_meta_does_to_blanks() -> None:
    ours = "Bonjour « tous »\r\n\r\nÀ mardi ! "
    assert social.fingerprint(ours) == social.fingerprint("Bonjour « tous »\n\nA\u0300 mardi !")
    assert social.fingerprint(ours) != social.fingerprint("Bonjour « tous »\n\nÀ jeudi !")


@given(st.text(max_size=80), st.integers(min_value=2, max_value=60))
def test_a_shortened_text_fits(text: str, most: int) -> None:
    text = text.encode("utf-8", "ignore").decode()
    assert social.units(social.shortened(text, most)) <= most
    assert social.units(text) > most or social.shortened(text, most) == text


def test_a_cut_falls_between_words() -> None:
    assert social.shortened("un repas chaud chaque mardi", 16) == "un repas …"


def test_the_summary_is_not_said_twice() -> None:
    assert social.opening(post(summary="Un repas chaud chaque…", text="Un repas chaud chaque mardi.")) == (
        "Un repas chaud chaque mardi."
    )
    assert social.opening(post(summary="À table !", text="Un repas.")) == "À table !\n\nUn repas."


LETTER = "Une intro.\n\nCe que tu trouves\n-----------------\n\n- du pain\n- du riz\n\n> « Merci. »\n>\n> Léa\n\nLa fin"


def test_marks_that_only_a_letter_needs_are_left_out() -> None:
    assert social.passage(LETTER, 500) == (
        "Une intro.\n\nCe que tu trouves\n\n- du pain\n- du riz\n\n« Merci. »\n\nLéa\n\nLa fin"
    )


@pytest.mark.parametrize(("most", "end"), [(80, "La fin"), (70, "- du riz …"), (60, "« …")])
def test_whole_paragraphs_are_kept_while_they_fit(most: int, end: str) -> None:
    shown = social.passage(LETTER, most)
    assert shown.endswith(end)
    assert social.units(shown) <= most


def test_no_heading_stands_alone_at_the_end() -> None:
    text = f"{'Une longue intro. ' * 3}\n\nUn titre\n--------\n\n{'mot ' * 100}"
    assert social.passage(text, 90).endswith("Une longue intro. …")


def test_lines_do_not_end_where_a_letter_ends_them() -> None:
    both = post(text="Un repas\nchaud.", flowing="Un repas chaud.", summary="")
    assert social.opening(both) == "Un repas chaud."
