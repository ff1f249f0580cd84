"""Facebook: the words, the exact requests, the sandbox."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.graph_desk import Desk, MemoryJournal, desk, post
from tests.support.graph_world import known_params
from veille.errors import ConfigError, NotAuthorised
from veille.publishing import Delivery, OnUnknown, Receipt, Rendition, Seen
from veille.rendering import RenderedEdition, RenderedPost
from veille_publishers.facebook import Facebook


def message(office: Desk, source: RenderedPost) -> str:
    rendition = office.publisher("facebook").render(source)
    assert isinstance(rendition, Rendition)
    return str(rendition.payload["message"])


def test_the_text_of_a_post(office: Desk) -> None:
    assert message(office, post(1)) == (
        "Un repas partagé à Bagneux\n\n"
        "Un repas chaud chaque mardi. Viens comme tu es (https://relais.example.org/repas).\n\n"
        "When: mardi 24 novembre 2026 à 19 h\n"
        "Where: Maison des jeunes, Bagneux\n\n"
        "Who to call\n"
        "• Le Relais: 01 99 00 12 34 (du lundi au vendredi)\n\n"
        "Read more: https://lettre.example.org/posts/repas-partage/\n\n"
        "#AideAlimentaire #Bagneux"
    )


def test_without_a_picture_the_link_is_a_card_and_not_in_the_text(office: Desk) -> None:
    rendition = office.publisher("facebook").render(post(0))
    assert isinstance(rendition, Rendition)
    assert rendition.payload["link"] == "https://lettre.example.org/posts/repas-partage/"
    assert "lettre.example.org" not in rendition.payload["message"]


def test_the_words_of_the_editor_take_the_place_of_ours(office: Desk) -> None:
    text = message(office, post(1, facebook_text="Mardi, on mange ensemble ! #faim"))
    assert text == ("Mardi, on mange ensemble ! #faim\n\nRead more: https://lettre.example.org/posts/repas-partage/")


def test_an_address_that_the_editor_wrote_is_not_added_again(office: Desk) -> None:
    text = message(office, post(1, facebook_text="Ici : https://lettre.example.org/posts/repas-partage/"))
    assert text.count("https://") == 1


@pytest.mark.parametrize("words", ["", "Si tu as peur, appelle."])
def test_a_sensitive_post_carries_the_emergency_numbers(office: Desk, words: str) -> None:
    assert "• Enfance en danger: 119" in message(office, post(1, sensitive=True, facebook_text=words))
    assert "119" not in message(office, post(1, facebook_text=words))


def test_nothing_is_tidied_out_of_a_minimal_post(office: Desk) -> None:
    source = post(0, summary="", text="", tags=(), contacts=(), when_words="", where_words="")
    assert message(office, source) == "Un repas partagé à Bagneux"


def test_a_long_text_is_cut_and_keeps_what_follows_it(office: Desk) -> None:
    text = message(office, post(1, summary="", text="mot " * 2000))
    assert len(text) < 2000
    assert " …\n" in text
    assert "01 99 00 12 34" in text


def test_a_sensitive_text_is_not_cut(office: Desk) -> None:
    text = message(office, post(1, summary="", text="mot " * 1000 + "la fin.", sensitive=True))
    assert "la fin." in text


def test_template_marks_in_a_post_are_text(office: Desk) -> None:
    assert "{{ 7 * 7 }}" in message(office, post(1, text="{{ 7 * 7 }}", summary=""))


def test_an_edition_is_not_for_facebook(office: Desk) -> None:
    edition = RenderedEdition("e", "e", "t", "s", "p", "fr", "", "", "", "", "", (), ())
    assert office.publisher("facebook").render(edition) is None


def test_the_requests_are_exact_and_known_to_metas_sdk(office: Desk) -> None:
    publisher = office.publisher("facebook")
    rendition = publisher.render(post(2))
    assert isinstance(rendition, Rendition)
    requests = publisher.requests(rendition)
    first = requests[0]
    assert first == {
        "method": "POST",
        "path": "/v26.0/page/photos",
        "parameters": {"published": "false", "alt_text_custom": "Photo 1 : la salle"},
        "file": post(2).pictures[0].name,
    }
    assert requests[2]["parameters"]["attached_media"] == (
        '[{"media_fbid":"<id of photo 1>"},{"media_fbid":"<id of photo 2>"}]'
    )
    for request in requests:
        edge = request["path"].rsplit("/", 1)[-1]
        assert request["parameters"].keys() <= known_params(f"page/{edge}")


def test_rendering_twice_gives_the_same_bytes(office: Desk) -> None:
    publisher = office.publisher("facebook")
    one, two = publisher.render(post(2)), publisher.render(post(2))
    assert one
    assert two
    assert one.digest == two.digest
    assert json.loads(json.dumps(one.payload)) == one.payload


def test_a_decorative_picture_has_no_alternative_text(office: Desk) -> None:
    source = post(1)
    rendition = office.publisher("facebook").render(replace(source, pictures=(replace(source.pictures[0], alt=""),)))
    assert isinstance(rendition, Rendition)
    assert "alt_text_custom" not in office.publisher("facebook").requests(rendition)[0]["parameters"]


def test_ten_pictures_at_most(office: Desk) -> None:
    rendition = office.publisher("facebook").render(post(12))
    assert isinstance(rendition, Rendition)
    assert len(rendition.files) == 10


# --- the sandbox ----------------------------------------------------------------------------------------------


def shown(office: Desk) -> dict[str, object]:
    return dict(json.loads((office.config.outbox_dir / "facebook" / "repas.json").read_text()))


def test_what_is_queued_can_be_read_and_is_rewritten_only_when_it_differs(office: Desk) -> None:
    publication = office.publication("facebook", post(2))
    publisher = office.publisher("facebook")
    publisher.show(publication)
    path = office.config.outbox_dir / "facebook" / "repas.json"
    before = path.stat().st_mtime_ns
    publisher.show(publication)
    assert path.stat().st_mtime_ns == before
    assert shown(office)["requests"] == publisher.requests(publication.rendition)
    for file in publication.rendition.files:
        assert (path.parent / "repas" / file.name).read_bytes() == file.content


def test_an_edit_takes_away_pictures_that_it_no_longer_has(office: Desk) -> None:
    publisher = office.publisher("facebook")
    publisher.show(office.publication("facebook", post(2)))
    publisher.show(office.publication("facebook", post(1)))
    folder = office.config.outbox_dir / "facebook" / "repas"
    assert [path.name for path in folder.glob("*.jpg")] == [post(1).pictures[0].name]


def test_delivering_in_the_sandbox_marks_the_file_as_sent(office: Desk) -> None:
    delivery = office.delivery("facebook")
    journal = MemoryJournal(office)
    office.publisher("facebook").deliver([delivery], journal)
    assert isinstance(journal.outcome, Receipt)
    assert journal.outcome.detail == "outbox/facebook/repas.json"
    assert "sent_at" in shown(office)
    office.publisher("facebook").show(delivery.publication)
    assert "sent_at" in shown(office)


def test_an_edit_after_the_sandbox_sent_is_not_shown_as_sent(office: Desk) -> None:
    office.publisher("facebook").deliver([office.delivery("facebook")], MemoryJournal(office))
    office.publisher("facebook").show(office.publication("facebook", post(1, title="Autre titre")))
    assert "sent_at" not in shown(office)


def test_reading_back_in_the_sandbox(office: Desk) -> None:
    publisher = office.publisher("facebook")
    delivery: Delivery = replace(office.delivery("facebook"), intent_at=office.now())
    assert publisher.read_back(delivery).seen is Seen.ABSENT
    publisher.deliver([delivery], MemoryJournal(office))
    assert publisher.read_back(delivery).seen is Seen.FOUND
    later = replace(delivery, intent_at=office.now() + timedelta(minutes=1))
    assert publisher.read_back(later).seen is Seen.ABSENT


def test_a_damaged_file_of_the_sandbox_is_written_anew(office: Desk) -> None:
    delivery = office.delivery("facebook")
    (office.config.outbox_dir / "facebook" / "repas.json").write_text("{")
    office.publisher("facebook").show(delivery.publication)
    assert shown(office)["id"] == "p1"


def test_skipped_in_the_sandbox(office: Desk) -> None:
    journal = MemoryJournal(office, allowed=False)
    office.publisher("facebook").deliver([office.delivery("facebook")], journal)
    assert journal.outcomes == []
    assert "sent_at" not in shown(office)


# --- settings -------------------------------------------------------------------------------------------------


def test_the_port(office: Desk) -> None:
    publisher = office.publisher("facebook")
    assert isinstance(publisher, Facebook)
    assert (publisher.kind, publisher.on_unknown, publisher.live) == ("facebook", OnUnknown.READ_BACK, False)
    assert publisher.targets() == ("page",)
    assert publisher.read_back_delays() == tuple(timedelta(seconds=s) for s in (30, 120, 300))


def test_a_live_channel_without_a_page_is_said(tmp_path: Path) -> None:
    office = desk(tmp_path, VEILLE_FACEBOOK__TRANSPORT="graph")
    with pytest.raises(ConfigError, match=r"facebook\.page_id") as caught:
        office.publisher("facebook").targets()
    assert "page_id" in str(caught.value.hint)


@pytest.mark.parametrize("token", ["", "EAA cut\u2026"])
def test_a_live_channel_without_access_is_said_and_keeps_its_queue(tmp_path: Path, token: str) -> None:
    environ = {"TRANSPORT": "graph", "PAGE_ID": "1", "ACCESS_TOKEN": token}
    office = desk(tmp_path, None, **{f"VEILLE_FACEBOOK__{key}": value for key, value in environ.items()})
    journal = MemoryJournal(office)
    office.publisher("facebook").deliver([office.delivery("facebook")], journal)
    assert isinstance(journal.outcome, NotAuthorised)
    assert "facebook.access_token" in journal.outcome.message
    assert "VEILLE_FACEBOOK__ACCESS_TOKEN" in str(journal.outcome.hint)
    assert journal.intents == []
