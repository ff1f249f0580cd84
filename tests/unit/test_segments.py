"""One edition, many letters: whom a post is for, in which language our words are, and what the subject may say."""

from __future__ import annotations

import itertools
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.support.sample_letter import compose_letter
from tests.unit.test_letter import DUE
from tests.unit.test_rendering import config, library, post
from veille import i18n
from veille.errors import RenderError
from veille.posts import Audience, Event, Post
from veille.publishing import Recipient
from veille.rendering import Cover, RenderedEdition, Templates, render_edition, render_post
from veille.rendering.templating import shipped
from veille.segments import Segment, from_json, to_json
from veille_publishers.letter import (
    SLOTS,
    Letter,
    letter_of_variant,
    letter_payload,
    marked,
    variant,
    whole,
)

TOWNS = ("bagneux", "fontenay")
YOUNG, PROFESSIONALS = Audience.YOUNG, Audience.PROFESSIONALS


def one(name: str, towns: tuple[str, ...] = (), *audience: Audience, **changes: Any) -> Post:
    title = changes.pop("title", f"Titre {name}")
    body = f"Corps {name}.\n\n{{{{ partner: ccas }}}}"
    return post(source=name, slug=name, title=title, body=body, towns=towns, audience=audience, **changes)


POSTS = (
    one("tous"),
    one("bagneux", ("bagneux",)),
    one("fontenay", ("fontenay",), YOUNG),
    one("pros", (), PROFESSIONALS),
    one("deux", ("fontenay", "bagneux")),
)


def gathered(root: Path, *posts: Post, **changes: Any) -> RenderedEdition:
    """A letter whose subject and preheader come from its posts."""
    made = [render_post(each, library(), config(root), now=DUE) for each in posts]
    titles = {"en": "Essai, letter of 27 November 2026"}
    return render_edition(Cover("n", "n", "Lettre", titles=titles, **changes), made, library(), config(root), due=DUE)


@cache
def templates(root: Path) -> Templates:
    """Once: compiling them takes longer than all letters of this file."""
    return Templates(config(root))


def payload_of(root: Path, edition: RenderedEdition) -> dict[str, Any]:
    own = (root / "templates").exists()
    return letter_payload(edition, templates(root if own else Path("/nowhere")))


def reader(*towns: str, audience: str = "", language: str = "fr") -> Recipient:
    return Recipient(7, "amel@example.org", language, towns=towns, audience=audience)


def cut(payload: dict[str, Any], who: Recipient) -> Letter:
    return letter_of_variant(payload, variant(payload, who))


# whom a post is for


@pytest.mark.parametrize(
    ("segment", "towns", "audience", "sees"),
    [
        (Segment(), ("bagneux",), "young", True),
        (Segment(("bagneux",)), (), "", True),
        (Segment(("bagneux",)), ("fontenay", "bagneux"), "", True),
        (Segment(("bagneux",)), ("fontenay",), "", False),
        (Segment((), ("young",)), (), "families", False),
        (Segment((), ("young",)), (), "", True),
        (Segment(("bagneux",), ("young",)), ("bagneux",), "families", False),
        (Segment(("bagneux",), ("young",)), ("fontenay",), "young", False),
    ],
)
def test_who_chose_nothing_gets_everything(segment: Segment, towns: tuple[str, ...], audience: str, sees: bool) -> None:
    assert segment.includes(towns, audience) is sees


def test_a_letter_with_one_post_for_everybody_leaves_nobody_out() -> None:
    some = [Segment(("bagneux",)), Segment((), ("young", "families"))]
    assert list(from_json(to_json(some))) == some
    assert to_json([*some, Segment()]) == ""
    assert to_json([]) == ""


# the letter of each


def test_every_reader_gets_the_letter_that_would_be_composed_for_them_alone(tmp_path: Path) -> None:
    edition = gathered(tmp_path, *POSTS, intro="Bonjour *toi*.")
    payload = payload_of(tmp_path, edition)
    seen = set()
    for towns, audience in itertools.product([(), ("bagneux",), ("fontenay",), TOWNS], ["", "young", "professionals"]):
        mine = [p for p in edition.posts if p.segment.includes(towns, audience)]
        alone = gathered(tmp_path, *(p for p in POSTS if p.source in {q.source for q in mine}), intro="Bonjour *toi*.")
        # The same posts, for everybody: no mark is anywhere near this one.
        plain = replace(alone, posts=tuple(replace(p, town_slugs=(), audience=()) for p in alone.posts))
        expected = compose_letter(plain, templates(Path("/nowhere")))
        assert cut(payload, reader(*towns, audience=audience)) == expected
        seen.add(variant(payload, reader(*towns, audience=audience)))
    assert len(seen) == 7  # readers who get the same share one letter


def test_no_mark_reaches_a_reader(tmp_path: Path) -> None:
    payload = payload_of(tmp_path, gathered(tmp_path, *POSTS))
    assert payload["mark"] in payload["letters"]["fr"]["html"]
    for who in (reader(), reader("bagneux"), reader("fontenay", audience="young", language="en")):
        letter = cut(payload, who)
        for part in (letter.html, letter.text, letter.subject, letter.preheader):
            assert "veille-" not in part
            assert "begins" not in part
    everything = letter_of_variant(payload, whole(payload))
    assert everything == cut(payload, reader())


def test_a_post_cannot_hide_another_one(tmp_path: Path) -> None:
    """It would have to hold the hash of itself; an older or guessed mark is text like any other."""
    mark = payload_of(tmp_path, gathered(tmp_path, *POSTS))["mark"]
    begins, ends = f"<!--{mark}-1-begins-->", f"<!--{mark}-1-ends-->"
    forged = one("faux", body_line=3)
    forged = replace(forged, title=f"{ends} Faux", body=f"{begins} {mark}-2-begins\n\n{mark}-1-ends", origin=begins)
    letter = cut(payload_of(tmp_path, gathered(tmp_path, *POSTS, forged)), reader("bagneux"))
    for part in (letter.html, letter.text):
        assert "Titre bagneux" in part
        assert f"{mark}-1-ends" in part
        assert "Titre fontenay" not in part


def test_personal_links_stay_in_every_variant(tmp_path: Path) -> None:
    payload = payload_of(tmp_path, gathered(tmp_path, *POSTS[1:]))
    for who in (reader("bagneux"), reader("ailleurs", audience="families")):
        letter = cut(payload, who)
        for part in (letter.html, letter.text):
            assert [part.count(slot) for slot in SLOTS] == [1, 1]
            assert "39\u00a019" in part  # the help numbers are for everybody


def test_a_letter_for_everybody_is_stored_without_marks(tmp_path: Path) -> None:
    payload = payload_of(tmp_path, gathered(tmp_path, one("a"), one("b")))
    assert payload["mark"] == ""
    assert variant(payload, reader("bagneux", audience="young")) == whole(payload)


# a template of one's own


def _own_template(root: Path, name: str) -> None:
    source = (shipped() / "newsletter" / name).read_text(encoding="utf-8")
    (root / "templates/newsletter").mkdir(parents=True, exist_ok=True)
    without = re.sub(r"\{\{ (begins|ends)\(post\) \}\}", "", source)
    assert without != source
    (root / "templates/newsletter" / name).write_text(without, encoding="utf-8")


@pytest.mark.parametrize("name", ["letter.mjml.j2", "letter.txt.j2"])
def test_a_template_without_marks_serves_letters_for_everybody_only(tmp_path: Path, name: str) -> None:
    _own_template(tmp_path, name)
    payload_of(tmp_path, gathered(tmp_path, one("a")))
    with pytest.raises(RenderError, match=name) as caught:
        payload_of(tmp_path, gathered(tmp_path, one("a"), POSTS[1]))
    assert "{{ begins(post) }}" in str(caught.value.hint)


# subject and preheader


@pytest.mark.parametrize(
    ("who", "subject", "preheader"),
    [
        (reader("bagneux"), "Titre bagneux", "Titre deux"),
        (reader("fontenay"), "Titre fontenay", "Titre deux"),
        (reader("fontenay", audience="families"), "Titre deux", "Lettre"),
        (reader("ailleurs"), "Lettre", "Lettre"),
        (reader("ailleurs", language="en"), "Essai, letter of 27 November 2026", "Essai, letter of 27 November 2026"),
        (reader(), "Titre bagneux", "Titre fontenay · Titre deux"),
    ],
)
def test_the_subject_names_what_the_reader_gets(tmp_path: Path, who: Recipient, subject: str, preheader: str) -> None:
    payload = payload_of(tmp_path, gathered(tmp_path, POSTS[1], POSTS[2], POSTS[4]))
    letter = cut(payload, who)
    assert (letter.subject, letter.preheader) == (subject, preheader)
    assert re.findall(r"<title>(.*?)</title>", letter.html) == [subject]
    assert f'aria-label="{subject}"' in letter.html
    assert letter.preheader in letter.html


def test_what_the_editor_wrote_is_for_everybody(tmp_path: Path) -> None:
    written = gathered(tmp_path, POSTS[1], POSTS[2], subject="Un <b>été</b> & 5 € !", preheader="Et aussi")
    for who in (reader("bagneux"), reader("fontenay", language="en")):
        letter = cut(payload_of(tmp_path, written), who)
        assert (letter.subject, letter.preheader) == ("Un <b>été</b> & 5\u00a0€\u202f!", "Et aussi")


def test_a_headline_is_text_in_the_letter(tmp_path: Path) -> None:
    sharp = replace(POSTS[1], title="Un '<script>' & toi", lang="en")
    letter = cut(payload_of(tmp_path, gathered(tmp_path, sharp, POSTS[2])), reader("bagneux"))
    assert letter.subject == "Un '<script>' & toi"
    assert "<script>" not in re.sub(r'="[^"]*"', "", letter.html)
    assert "&lt;script&gt;" in letter.html


def test_a_test_letter_says_so_in_its_subject_only(tmp_path: Path) -> None:
    payload = payload_of(tmp_path, gathered(tmp_path, *POSTS))
    letter, test = cut(payload, reader()), cut(marked(payload, "[Test] "), reader())
    assert test == replace(letter, subject=f"[Test] {letter.subject}")


# the reader's language


def test_our_words_follow_the_reader_and_content_stays(tmp_path: Path) -> None:
    event = Event(DUE, place="Salle A", url="https://inscription.example.org/x")
    intro = "Salut.\n\n{{ partner: ccas }}"
    first = one("a", event=event, partners=("ccas",), urgent=True, sensitive=True)
    with i18n.speaking("fr"):  # as in a newsroom that writes in French
        payload = payload_of(tmp_path, gathered(tmp_path, first, one("b"), intro=intro))
    french = cut(payload, reader())
    assert [part.count("Téléphone") for part in (french.html, french.text)] == [4, 4]
    letter = cut(payload, reader(language="en-GB"))
    for part in (letter.html, letter.text):
        for words in (
            "Phone: ",
            "Who to call?",
            "Unsubscribe in one click",
            "Friday 27 November 2026",
            "News",
            "Urgent",
        ):
            assert words in part
        for content in ("Corps a.", "Salle A", "Pour toi", "Ligne 3919"):
            assert content in part
        assert "novembre" not in part
        assert "Téléphone" not in part
    assert letter.lang == "fr"
    assert '<html lang="fr"' in letter.html
    assert re.search(r'<h2 lang="en"[^>]*>Who to call\?', letter.html)
    assert re.search(r'<p lang="en"[^>]*><a[^>]*>Choose', letter.html)
    assert 'lang="en"' not in french.html


def test_a_language_that_veille_does_not_speak_is_the_newsrooms(tmp_path: Path) -> None:
    payload = payload_of(tmp_path, gathered(tmp_path, one("a")))
    assert set(payload["letters"]) == {"fr", "en"}
    assert variant(payload, reader(language="oc")) == whole(payload)
    assert variant(payload, reader(language="fr-CA")) == whole(payload)


def test_french_words_come_from_the_catalogue(tmp_path: Path) -> None:
    """In a newsroom that writes in English, a French reader meets French words."""
    settings = config(tmp_path)
    workspace = settings.settings.workspace.model_copy(update={"language": "en"})
    english = replace_settings(settings, workspace)
    posts = [render_post(one("a", lang="en"), library(), english, now=DUE)]
    made = render_edition(Cover("n", "n", "Letter"), posts, library(), english, due=DUE)
    payload = letter_payload(made, Templates(english))
    french = cut(payload, reader(language="fr"))
    assert "Qui appeler" in french.text
    assert "vendredi 27 novembre 2026" in french.text
    assert '<html lang="en"' in french.html
    assert 'lang="fr"' in french.html


def replace_settings(made: Any, workspace: Any) -> Any:
    return made.model_copy(update={"settings": made.settings.model_copy(update={"workspace": workspace})})


def test_both_languages_take_less_than_twice_the_room(tmp_path: Path) -> None:
    body = "Une phrase pour faire un article vrai. " * 20 + "\n\n{{ partner: ccas }}"
    made = gathered(tmp_path, *(replace(one(f"p{n}", TOWNS[:1]), body=body) for n in range(12)))
    plain = replace(made, posts=tuple(replace(each, words={}) for each in made.posts), words={})
    one_language = {**payload_of(tmp_path, plain)["letters"]["fr"], "edition": plain.to_json()}
    assert len(json.dumps(payload_of(tmp_path, made))) < 2 * len(json.dumps(one_language))


def test_choosing_a_variant_is_cheap_and_cutting_it_too(tmp_path: Path) -> None:
    """A million readers choose; the bars leave room for a slow machine, and catch work done for each reader."""
    payload = payload_of(tmp_path, gathered(tmp_path, *POSTS * 3))
    readers = [reader(town, audience=who) for town in TOWNS for who in ("", "young", "families")] * 1000
    start = time.perf_counter()
    variants = {variant(payload, each) for each in readers}
    assert (time.perf_counter() - start) / len(readers) < 20e-6
    start = time.perf_counter()
    for each in variants:
        letter_of_variant(payload, each)
    assert (time.perf_counter() - start) / len(variants) < 0.1


def test_another_language_ends_with_its_block_and_stays_in_its_thread() -> None:
    words = "Who to call?"
    with ThreadPoolExecutor(1) as other, i18n.speaking("fr_FR.UTF-8"):
        assert i18n.gettext(words) == "Qui appeler\u202f?"
        with i18n.speaking("oc"):
            assert i18n.gettext(words) == words
        assert i18n.gettext(words) != words
        assert other.submit(i18n.gettext, words).result() == words
    assert i18n.gettext(words) == words
    assert i18n.languages() == ("en", "fr")
