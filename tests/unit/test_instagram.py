"""Instagram: the caption and its limits, the exact requests, the sandbox."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.graph_desk import Desk, MemoryJournal, desk, picture, post
from tests.support.graph_world import known_params
from veille.errors import ConfigError, ContentError, Finding
from veille.publishing import OnUnknown, Receipt, RemotePublisher, Rendition
from veille.rendering import Contact, RenderedEdition, RenderedPost
from veille_publishers import social


def caption(office: Desk, source: RenderedPost) -> str:
    rendition = office.publisher("instagram").render(source)
    assert isinstance(rendition, Rendition)
    return str(rendition.payload["caption"])


def findings(office: Desk, source: RenderedPost) -> tuple[Finding, ...]:
    with pytest.raises(ContentError) as caught:
        office.publisher("instagram").render(source)
    return caught.value.findings


def test_the_caption_of_a_post_has_nothing_to_press(office: Desk) -> None:
    assert caption(office, post(1)) == (
        "Un repas partagé à Bagneux\n\n"
        "Un repas chaud chaque mardi. Viens comme tu es.\n\n"
        "When: mardi 24 novembre 2026 à 19 h\n"
        "Where: Maison des jeunes, Bagneux\n\n"
        "Who to call\n"
        "• Le Relais: 01 99 00 12 34 (du lundi au vendredi)\n\n"
        "All the details on lettre.example.org\n\n"
        "#AideAlimentaire #Bagneux"
    )


def test_the_words_of_the_editor_take_the_place_of_ours(office: Desk) -> None:
    source = post(1, instagram_caption="À table ! #faim", hashtags=("Faim", "repas"))
    assert caption(office, source) == "À table ! #faim\n\n#Repas"


def test_hashtags_of_the_post_go_before_its_tags(office: Desk) -> None:
    assert caption(office, post(1, hashtags=("bons plans",))).endswith("\n\n#BonsPlans")


@pytest.mark.parametrize("words", ["", "Parle."])
def test_a_sensitive_post_carries_the_emergency_numbers(office: Desk, words: str) -> None:
    assert "• Enfance en danger: 119" in caption(office, post(1, sensitive=True, instagram_caption=words))


def test_a_number_that_is_twice_a_contact_is_said_once(office: Desk) -> None:
    line = Contact("Enfance en danger", "119")
    assert caption(office, post(1, sensitive=True, contacts=(line,))).count("119") == 1


def test_our_own_text_is_shortened_to_fit(office: Desk) -> None:
    text = caption(office, post(1, text="mot 😀 " * 900, summary="", sensitive=True))
    assert 2100 < social.units(text) <= 2200
    assert "• Enfance en danger: 119" in text
    assert text.endswith("#AideAlimentaire #Bagneux")


@pytest.mark.parametrize(("words", "fits"), [("é" * 2200, True), ("é" * 2201, False), ("😀" * 1101, False)])
def test_the_words_of_the_editor_are_never_cut(office: Desk, words: str, fits: bool) -> None:
    source = post(1, instagram_caption=words)
    if fits:
        assert caption(office, source) == words
        return
    (finding,) = findings(office, source)
    assert (finding.file, finding.field, finding.code) == (
        "repas-partage",
        "instagram.caption",
        "caption-too-long",
    )
    assert finding.hint


@pytest.mark.parametrize(("number", "fits"), [(30, True), (31, False)])
def test_hashtags_are_counted(office: Desk, number: int, fits: bool) -> None:
    source = post(1, hashtags=tuple(f"mot{n}" for n in range(number)))
    if fits:
        assert caption(office, source).count("#") == number
    else:
        assert [finding.code for finding in findings(office, source)] == ["too-many-hashtags"]


@pytest.mark.parametrize(("number", "fits"), [(20, True), (21, False)])
def test_mentions_are_counted_and_addresses_are_none(office: Desk, number: int, fits: bool) -> None:
    words = " ".join(f"@compte{n}" for n in range(number)) + " relais@example.org"
    if fits:
        assert caption(office, post(1, instagram_caption=words)) == words
    else:
        assert [f.code for f in findings(office, post(1, instagram_caption=words))] == ["too-many-mentions"]


def test_everything_wrong_is_said_at_once(office: Desk) -> None:
    words = "@a " * 21 + "#b " * 31 + "c" * 2200
    found = findings(office, post(1, instagram_caption=words, instagram_pictures=()))
    assert [finding.code for finding in found] == [
        *("caption-too-long", "too-many-hashtags", "too-many-mentions", "no-picture")
    ]


def test_the_first_comment_is_shown_beforehand_and_not_longer_than_a_caption(office: Desk) -> None:
    publisher = office.publisher("instagram")
    rendition = publisher.render(post(1, instagram_comment="Le lien : relais.example.org\n\n\n"))
    assert isinstance(rendition, Rendition)
    assert publisher.proof(rendition).text.endswith("\n\nLe lien : relais.example.org")
    last = publisher.requests(rendition)[-1]
    assert (last["path"], last["parameters"]) == (
        "/v26.0/<id of the post>/comments",
        {"message": "Le lien : relais.example.org"},
    )
    (finding,) = findings(office, post(1, instagram_comment="é" * 2201))
    assert (finding.field, finding.hint) == ("instagram.comment", "shorten instagram.comment")


def test_an_alternative_text_fits(office: Desk) -> None:
    rendition = office.publisher("instagram").render(post(1, instagram_pictures=(picture(alt="une soupe " * 200),)))
    assert isinstance(rendition, Rendition)
    alt = rendition.payload["pictures"][0]["alt"]
    assert 950 < len(alt) <= 1000
    assert alt.endswith("…")


def test_an_edition_is_not_for_instagram(office: Desk) -> None:
    edition = RenderedEdition("e", "e", "t", "s", "p", "fr", "", "", "", "", "", (), ())
    assert office.publisher("instagram").render(edition) is None


@pytest.mark.parametrize("pictures", [1, 2, 12])
def test_the_requests_are_exact_and_known_to_metas_sdk(office: Desk, pictures: int) -> None:
    publisher = office.publisher("instagram")
    rendition = publisher.render(post(pictures))
    assert isinstance(rendition, Rendition)
    requests = publisher.requests(rendition)
    posts = [request for request in requests if request["method"] == "POST"]
    assert len(posts) == {1: 2, 2: 4, 12: 12}[pictures]
    assert posts[0]["parameters"]["image_url"].startswith("https://lettre.example.org/media/")
    for request in posts:
        edge = request["path"].rsplit("/", 1)[-1]
        assert request["parameters"].keys() <= known_params(f"ig/{edge}")
    if pictures > 1:
        children = json.loads(posts[-2]["parameters"]["children"])
        assert len(children) == len(posts) - 2
        assert "alt_text" not in posts[-2]["parameters"]
        assert all("caption" not in one["parameters"] for one in posts[:-2])
        assert [one["parameters"]["alt_text"] for one in posts[:-2]] == [
            one.alt for one in post(pictures).instagram_pictures[:10]
        ]


@pytest.mark.parametrize(("most", "shown"), [("10", 10), ("20", 12), ("2", 2)])
def test_a_carousel_is_as_long_as_the_settings_say(tmp_path: Path, most: str, shown: int) -> None:
    publisher = desk(tmp_path, VEILLE_INSTAGRAM__CAROUSEL_MAX=most).publisher("instagram")
    rendition = publisher.render(post(12))
    assert isinstance(rendition, Rendition)
    assert len(rendition.payload["pictures"]) == len(rendition.files) == shown


def test_what_instagram_can_do_with_a_post_that_is_out(office: Desk) -> None:
    publisher = office.publisher("instagram")
    assert isinstance(publisher, RemotePublisher)
    rendition = office.publication("instagram").rendition
    assert publisher.ahead() is None
    assert not publisher.editable(rendition, office.publication("instagram", post(title="Autre")).rendition)


def test_pictures_are_fetched_from_where_the_settings_say(tmp_path: Path) -> None:
    office = desk(tmp_path, VEILLE_INSTAGRAM__MEDIA_BASE_URL="https://images.example.org/veille/")
    rendition = office.publisher("instagram").render(post(1))
    assert isinstance(rendition, Rendition)
    url = office.publisher("instagram").requests(rendition)[1]["parameters"]["image_url"]
    assert url == f"https://images.example.org/veille/{post(1).instagram_pictures[0].name}"


def test_what_is_queued_can_be_read_with_its_pictures_beside_it(office: Desk) -> None:
    publication = office.publication("instagram", post(2))
    office.publisher("instagram").show(publication)
    outbox = office.config.outbox_dir
    values = json.loads((outbox / "instagram" / "repas.json").read_text())
    assert values["requests"] == office.publisher("instagram").requests(publication.rendition)
    for file in publication.rendition.files:
        assert (outbox / "instagram" / "repas" / file.name).read_bytes() == file.content


def test_delivering_in_the_sandbox_marks_the_file_as_sent(office: Desk) -> None:
    journal = MemoryJournal(office)
    office.publisher("instagram").deliver([office.delivery("instagram")], journal)
    assert isinstance(journal.outcome, Receipt)
    assert "sent_at" in json.loads((office.config.outbox_dir / "instagram" / "repas.json").read_text())


def test_the_port(office: Desk, tmp_path: Path) -> None:
    publisher = office.publisher("instagram")
    assert (publisher.kind, publisher.on_unknown, publisher.live) == ("instagram", OnUnknown.READ_BACK, False)
    assert publisher.targets() == ("account",)
    live = desk(tmp_path, VEILLE_INSTAGRAM__TRANSPORT="graph")
    with pytest.raises(ConfigError, match=r"instagram\.user_id"):
        live.publisher("instagram").targets()
