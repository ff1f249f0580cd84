"""Facebook and Instagram over the wire: what arrives, what is visible after each fault, what is never repeated."""

from __future__ import annotations

import logging
import re
import traceback
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support import graph_instagram
from tests.support.graph_desk import Desk, MemoryJournal, deliver, desk, picture, post
from tests.support.graph_fake import GraphFake
from tests.support.graph_faults import FAULTS, Fault, Refused, throttle
from veille.errors import (
    NotAuthorised,
    OutcomeUnknown,
    PublishError,
    RateLimited,
    Rejected,
    Unavailable,
)
from veille.publishing import Receipt, Seen
from veille_publishers.graph import access
from veille_publishers.http import session

CHANNELS = ("facebook", "instagram")
PUBLIC = {"facebook": "feed", "instagram": "media_publish"}
HIDDEN = {"facebook": "photos", "instagram": "media"}


def visible(fake: GraphFake, channel: str) -> int:
    return len(fake.visible_posts() if channel == "facebook" else fake.visible_media())


# --- what arrives ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pictures", [0, 1, 3])
def test_a_facebook_post_arrives_with_text_link_pictures_and_alternative_texts(
    office: Desk, fake: GraphFake, pictures: int
) -> None:
    source = post(pictures)
    receipt = deliver(office, office.delivery("facebook", source)).outcome
    (shown,) = fake.visible_posts()
    assert isinstance(receipt, Receipt)
    assert (receipt.remote_id, shown.alts) == (shown.id, [one.alt for one in source.pictures])
    assert receipt.url.startswith("https://www.facebook.com/")
    assert [photo.content for photo in shown.photos] == [one.content for one in source.pictures]
    assert source.title in shown.message
    assert "01 99 00 12 34" in shown.message
    assert (source.url in shown.message) is bool(pictures)
    assert shown.link == ("" if pictures else source.url)


@pytest.mark.parametrize("pictures", [1, 3])
def test_an_instagram_post_arrives_with_caption_and_alternative_texts(
    office: Desk, fake: GraphFake, pictures: int
) -> None:
    source = post(pictures)
    fake.instagram.polls = 2
    receipt = deliver(office, office.delivery("instagram", source)).outcome
    (shown,) = fake.visible_media()
    assert isinstance(receipt, Receipt)
    assert (receipt.remote_id, shown.alts) == (shown.id, [one.alt for one in source.instagram_pictures])
    assert receipt.url == f"https://www.instagram.com/p/{shown.id}/"
    assert "#AideAlimentaire" in shown.caption
    assert "http" not in shown.caption
    assert office.slept[:3] == [3, 5, 10]


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("pictures", [1, 3])
def test_what_went_over_the_wire_is_what_requests_says(
    office: Desk, fake: GraphFake, channel: str, pictures: int
) -> None:
    delivery = office.delivery(channel, post(pictures))
    said = office.publisher(channel).requests(delivery.publication.rendition)
    deliver(office, delivery)
    wire = [{"method": c.method, "path": c.path, "parameters": c.params} for c in fake.calls]
    shown = [{key: value for key, value in call.items() if key != "file"} for call in said]
    assert _without_ids(shown) == _without_ids(wire)
    files = {one.name: one.content for one in delivery.publication.rendition.files}
    assert [files[call["file"]] for call in said if "file" in call] == [
        content for call in fake.calls for content in call.files.values()
    ]


def _without_ids(calls: list[dict[str, Any]]) -> str:
    """Ids that the service gave, and the places for them in what is shown, compare as one mark."""
    return re.sub(r"<id of [^>]+>|\b9007199\d+\b", "ID", str(calls))


@pytest.mark.parametrize("channel", CHANNELS)
def test_the_token_travels_in_the_header_and_the_proof_fits(tmp_path: Path, fake: GraphFake, channel: str) -> None:
    fake.world.app_secret = "app-s3cret"
    office = desk(tmp_path, fake, **{f"VEILLE_{channel}__APP_SECRET".upper(): "app-s3cret"})
    assert isinstance(deliver(office, office.delivery(channel)).outcome, Receipt)
    assert {call.token_in for call in fake.calls} == {"header"}
    assert len({call.port for call in fake.calls}) == len(fake.calls)  # no connection that may be dead


# --- faults ---------------------------------------------------------------------------------------------------

UNKNOWN = {name for name in FAULTS if name.endswith("-written")} | {
    *("reset", "500", "code-1", "code-2", "html-502", "transient-unknown", "duplicate", "not-found")
}
THROTTLED = {"throttle", "throttle-app", "throttle-user"}
ACCESS = {
    *("blocked", "expired", "password", "logged-out", "app-removed", "session"),
    *("permission", "permission-200", "permission-299"),
}


def expected(name: str) -> type[PublishError]:
    if name in UNKNOWN:
        return OutcomeUnknown
    if name in THROTTLED:
        return RateLimited
    return NotAuthorised if name in ACCESS else Rejected


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_public_step(office: Desk, fake: GraphFake, channel: str, name: str) -> None:
    fake.fault("POST", PUBLIC[channel], FAULTS[name])
    delivery = office.delivery(channel)
    journal = deliver(office, delivery)
    assert type(journal.outcome) is expected(name), journal.outcome
    assert visible(fake, channel) == FAULTS[name].written
    if name not in UNKNOWN:
        return
    look = office.publisher(channel).read_back(journal.again(delivery))
    assert look.seen is (Seen.FOUND if FAULTS[name].written else Seen.ABSENT)
    second = deliver(office, journal.again(delivery)).outcome
    assert isinstance(second, Receipt)
    assert visible(fake, channel) == 1


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(
    "name", sorted(set(FAULTS) - THROTTLED - ACCESS - {"invalid", "duplicate", "duplicate-written", "spam-written"})
)
def test_a_fault_of_a_hidden_step_is_tried_again_and_ends_in_one_post(
    office: Desk, fake: GraphFake, channel: str, name: str
) -> None:
    fake.fault("POST", HIDDEN[channel], FAULTS[name])
    delivery = office.delivery(channel)
    journal = deliver(office, delivery)
    wanted = NotAuthorised if name == "not-found" else Unavailable
    assert type(journal.outcome) is wanted
    assert (journal.intents, visible(fake, channel)) == ([], 0)
    assert isinstance(deliver(office, journal.again(delivery)).outcome, Receipt)
    assert visible(fake, channel) == 1


def test_a_throttle_waits_as_long_as_the_header_says(office: Desk, fake: GraphFake) -> None:
    fake.fault("POST", "feed", throttle(minutes=42))
    outcome = deliver(office, office.delivery("facebook")).outcome
    assert isinstance(outcome, RateLimited)
    assert outcome.retry_after == timedelta(minutes=42)


@pytest.mark.parametrize("channel", CHANNELS)
def test_nobody_there_is_about_us(tmp_path: Path, fake: GraphFake, channel: str) -> None:
    office = desk(tmp_path, fake, **{f"VEILLE_{channel}__API_URL".upper(): "http://127.0.0.1:9"})
    outcome = deliver(office, office.delivery(channel)).outcome
    assert type(outcome) is Unavailable
    assert outcome.about_us


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_redirect_of_the_public_step_is_not_followed(office: Desk, fake: GraphFake, channel: str) -> None:
    fake.fault("POST", PUBLIC[channel], Fault(status=307, headers=(("Location", fake.url + "/v26.0/x"),)))
    assert isinstance(deliver(office, office.delivery(channel)).outcome, OutcomeUnknown)
    assert fake.calls[-1].edge == PUBLIC[channel]


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_journal_that_says_skip_publishes_nothing_and_settles_nothing(
    office: Desk, fake: GraphFake, channel: str
) -> None:
    journal = MemoryJournal(office, allowed=False)
    office.publisher(channel).deliver([office.delivery(channel)], journal)
    assert (journal.outcomes, visible(fake, channel)) == ([], 0)


# --- secrets --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("edge", ["hidden", "public"])
@pytest.mark.parametrize("name", [*FAULTS, "malformed"])
def test_no_secret_in_any_text(
    tmp_path: Path, fake: GraphFake, channel: str, edge: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    canary, secret = "EAAcanary000token", "canary-app-secret"
    fake.world.tokens[canary] = fake.world.tokens[fake.page_token if channel == "facebook" else fake.ig_token]
    environ = {"ACCESS_TOKEN": canary, "APP_SECRET": secret}
    office = desk(tmp_path, fake, **{f"VEILLE_{channel}__{key}".upper(): v for key, v in environ.items()})
    if name == "malformed":
        del fake.world.tokens[canary]
    else:
        fake.fault("POST", (HIDDEN if edge == "hidden" else PUBLIC)[channel], FAULTS[name])
    delivery = office.delivery(channel)
    journal = deliver(office, delivery)
    look = office.publisher(channel).read_back(journal.again(delivery)) if journal.intents else None
    proof = fake.calls[0].proof
    assert fake.calls[0].token == canary
    assert proof
    outcome = journal.outcome
    client = access(channel, office.config.channel(channel), session)
    shown = [repr(outcome), str(look), repr(client), repr(office.config), caplog.text]
    if isinstance(outcome, PublishError):
        shown += [str(outcome), outcome.detail, str(outcome.hint), *traceback.format_exception(outcome)]
    shown += [path.read_text() for path in tmp_path.rglob("*.json")]
    for text in shown:
        for hidden in (canary, secret, proof):
            assert hidden not in text


# --- looking back ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("name", ["html-502", "not-found", "expired", "throttle", "truncated-written", "reset"])
def test_a_look_that_fails_proves_nothing(office: Desk, fake: GraphFake, channel: str, name: str) -> None:
    fake.fault("POST", PUBLIC[channel], FAULTS["code-2"])
    delivery = office.delivery(channel)
    journal = deliver(office, delivery)
    for nth in range(1, 9):
        for edge in ("published_posts", "feed", "media", "*"):
            fake.fault("GET", edge, FAULTS[name], nth)
    try:
        seen = office.publisher(channel).read_back(journal.again(delivery)).seen
    except (RateLimited, NotAuthorised):  # of the whole channel: nothing was looked at
        seen = Seen.UNREADABLE
    assert seen is Seen.UNREADABLE
    assert isinstance(deliver(office, journal.again(delivery)).outcome, PublishError)
    assert visible(fake, channel) == 0


def test_facebook_reads_on_past_the_first_attempt(office: Desk, fake: GraphFake) -> None:
    """More than one page of newer posts hides ours; a visitor's page of old ones does not end the search."""
    fake.fault("POST", "feed", FAULTS["lost-written"])
    delivery = office.delivery("facebook")
    journal = deliver(office, delivery)
    for number in range(130):
        fake.world.clock.advance(seconds=1)
        fake.world.add_post(fake.page_id, {"message": f"Autre {number}"})
    look = office.publisher("facebook").read_back(journal.again(delivery))
    assert look.seen is Seen.FOUND
    assert look.receipt
    assert look.receipt.remote_id == fake.visible_posts()[0].id


@pytest.mark.parametrize("channel", CHANNELS)
def test_the_same_text_of_last_month_is_not_ours(office: Desk, fake: GraphFake, channel: str) -> None:
    first = deliver(office, office.delivery(channel))
    assert isinstance(first.outcome, Receipt)
    fake.world.clock.advance(days=30)
    fake.fault("POST", PUBLIC[channel], FAULTS["code-2"])
    delivery = office.delivery(channel)
    journal = deliver(office, delivery)
    assert office.publisher(channel).read_back(journal.again(delivery)).seen is Seen.ABSENT


def test_an_unpublished_post_with_our_text_is_not_ours(office: Desk, fake: GraphFake) -> None:
    fake.fault("POST", "feed", FAULTS["code-2"])
    delivery = office.delivery("facebook")
    journal = deliver(office, delivery)
    message = delivery.publication.rendition.payload["message"]
    fake.world.add_post(fake.page_id, {"message": message, "published": "false"})
    assert office.publisher("facebook").read_back(journal.again(delivery)).seen is Seen.ABSENT


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_late_list_found_before_the_second_attempt_publishes_nothing_more(
    office: Desk, fake: GraphFake, channel: str
) -> None:
    """The looks saw nothing because reads lag; the next attempt looks once more and finds it."""
    fake.fault("POST", PUBLIC[channel], FAULTS["lost-written"])
    delivery = office.delivery(channel)
    journal = deliver(office, delivery)
    fake.world.lag = timedelta(minutes=10)
    fake.world.clock.advance(minutes=11)
    assert isinstance(deliver(office, journal.again(delivery)).outcome, Receipt)
    assert visible(fake, channel) == 1


# --- what is kept between attempts ----------------------------------------------------------------------------


def test_photos_are_uploaded_once_and_again_only_when_they_are_old(office: Desk, fake: GraphFake) -> None:
    fake.fault("POST", "photos", FAULTS["html-502"], nth=3)
    delivery = office.delivery("facebook", post(3))
    journal = deliver(office, delivery)
    assert len(journal.checkpoints[-1]["photos"]) == 2
    fake.world.clock.advance(hours=19)
    second = journal.again(delivery)
    assert isinstance(deliver(office, second).outcome, Receipt)
    assert [call.edge for call in fake.calls].count("photos") == 4
    assert fake.visible_posts()[0].alts == ["Photo 1 : la salle", "Photo 2 : la salle", "Photo 3 : la salle"]


def test_photos_that_facebook_has_thrown_away_are_uploaded_again(office: Desk, fake: GraphFake) -> None:
    fake.fault("POST", "feed", throttle())
    delivery = office.delivery("facebook", post(2))
    journal = deliver(office, delivery)
    fake.world.clock.advance(hours=25)
    assert isinstance(deliver(office, journal.again(delivery)).outcome, Receipt)
    assert [call.edge for call in fake.calls].count("photos") == 4


@pytest.mark.parametrize("channel", CHANNELS)
def test_what_was_prepared_for_an_older_text_or_picture_is_not_used(
    office: Desk, fake: GraphFake, channel: str
) -> None:
    fake.fault("POST", "feed", throttle())
    fake.instagram.polls = 10
    journal = deliver(office, office.delivery(channel))
    fake.instagram.polls = 0
    edited = office.delivery(channel, post(1, title="Le repas change de salle"))
    second = replace(edited, checkpoint=journal.checkpoints[-1])
    assert isinstance(deliver(office, second).outcome, Receipt)
    assert [call.edge for call in fake.calls].count(HIDDEN[channel]) == 2
    shown = fake.visible_posts()[0].message if channel == "facebook" else fake.visible_media()[0].caption
    assert shown.startswith("Le repas change de salle")


@pytest.mark.parametrize("channel", CHANNELS)
def test_what_was_queued_in_the_sandbox_finds_its_page(office: Desk, fake: GraphFake, channel: str) -> None:
    nowhere = {"facebook": "page", "instagram": "account"}[channel]
    delivery = replace(office.delivery(channel), target=nowhere)
    assert isinstance(deliver(office, delivery).outcome, Receipt)
    assert visible(fake, channel) == 1


# --- what Meta would refuse -----------------------------------------------------------------------------------


def test_a_picture_that_instagram_refuses_is_said_in_plain_words(office: Desk, fake: GraphFake) -> None:
    tall = post(instagram_pictures=(picture(300, 900),))
    outcome = deliver(office, office.delivery("instagram", tall)).outcome
    assert isinstance(outcome, Rejected)
    assert "narrow" in outcome.message
    assert outcome.hint


def test_a_picture_that_is_not_on_line_is_tried_again(office: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing_there(_url: str) -> tuple[bytes, str]:
        raise Refused(9004, 2207052, "Only photo or video can be accepted as media type")

    monkeypatch.setattr(graph_instagram, "_fetch", nothing_there)
    outcome = deliver(office, office.delivery("instagram")).outcome
    assert type(outcome) is Unavailable
    assert "media_base_url" in str(outcome.hint)


def test_the_daily_quota_is_waited_for(office: Desk, fake: GraphFake) -> None:
    fake.instagram.quota_total = 0
    outcome = deliver(office, office.delivery("instagram")).outcome
    assert isinstance(outcome, RateLimited)
    assert outcome.retry_after
