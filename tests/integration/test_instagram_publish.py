"""Instagram over the wire: the day's number of posts, pictures, whose post it is, two tokens, two hosts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.graph_desk import Desk, deliver, edges, instagram_desk, login_desk, post
from tests.support.graph_fake import GraphFake
from tests.support.graph_faults import FAULTS, error
from tests.support.graph_instagram import Media
from veille import quotas
from veille.errors import NotAuthorised, OutcomeUnknown, RateLimited, Unavailable
from veille.publishing import Receipt, Seen


def posted(fake: GraphFake, *captions: str, hours_ago: float = 0, container: str = "", pictures: int = 1) -> list[str]:
    """Posts that somebody made in the app. Returns their ids."""
    made = [fake.world.new_id() for _caption in captions]
    at = fake.world.clock() - timedelta(hours=hours_ago)
    for name, caption in zip(made, captions, strict=True):
        fake.instagram.every_media[name] = Media(name, fake.ig_user_id, container, caption, [""] * pictures, at)
    return made


# --- the day's number of posts --------------------------------------------------------------------------------


def test_a_full_account_waits_until_a_post_is_a_day_old_and_uses_nothing_up(office: Desk, fake: GraphFake) -> None:
    fake.instagram.quota_total = 3
    for hours in (23, 5, 20):
        posted(fake, "x", hours_ago=hours)
    delivery = office.delivery("instagram", post(2))
    journal = deliver(office, delivery)
    assert isinstance(journal.outcome, RateLimited)
    assert journal.outcome.about_us
    wait = journal.outcome.retry_after or timedelta()
    assert timedelta(minutes=59) < wait < timedelta(minutes=62)
    assert (edges(fake), journal.checkpoints, journal.intents) == ([], [], [])
    fake.world.clock.advance(seconds=wait.total_seconds())
    assert isinstance(deliver(office, journal.again(delivery)).outcome, Receipt)


def test_as_many_must_be_a_day_old_as_are_too_many(office: Desk, fake: GraphFake) -> None:
    fake.instagram.quota_total = 2
    for hours in (20, 10, 5):
        posted(fake, "x", hours_ago=hours)
    outcome = deliver(office, office.delivery("instagram")).outcome
    assert timedelta(hours=13.9) < outcome.retry_after < timedelta(hours=14.1)


def test_the_number_is_remembered_for_planning(office: Desk, fake: GraphFake) -> None:
    fake.instagram.quota_total = 100
    assert quotas.known(office.config) == 25
    deliver(office, office.delivery("instagram"))
    assert quotas.known(office.config) == 100
    for damage in (b"", b"[]", b'{"account":"1","total":100}', b'{"account":"%b","total":-1}', b"\xff"):
        quotas.path(office.config).write_bytes(damage.replace(b"%b", fake.ig_user_id.encode()))
        assert quotas.known(office.config) == 25


@pytest.mark.parametrize(("there", "sends"), [(24, True), (25, False)])
def test_25_count_while_the_account_does_not_say(office: Desk, fake: GraphFake, there: int, sends: bool) -> None:
    posted(fake, *(["x"] * there), hours_ago=3)
    posted(fake, *(["x"] * 9), hours_ago=25)
    fake.fault("GET", "content_publishing_limit", error(10))
    outcome = deliver(office, office.delivery("instagram")).outcome
    assert isinstance(outcome, Receipt if sends else RateLimited)


# --- pictures -------------------------------------------------------------------------------------------------


def test_a_picture_that_nobody_can_open_keeps_the_post_and_makes_nothing(tmp_path: Path, fake: GraphFake) -> None:
    office = instagram_desk(tmp_path, fake, media_base_url=fake.media_server_for(tmp_path / "elsewhere"))
    outcome = deliver(office, office.delivery("instagram")).outcome
    assert type(outcome) is Unavailable
    assert "404" in outcome.message
    assert "media_base_url" in str(outcome.hint)
    assert edges(fake) == []


def test_where_our_own_address_is_closed_to_us_only_instagram_looks(tmp_path: Path, fake: GraphFake) -> None:
    away = fake.media_server_for(tmp_path / "elsewhere")
    office = instagram_desk(tmp_path, fake, media_base_url=away, check_media="false")
    outcome = deliver(office, office.delivery("instagram")).outcome
    assert type(outcome) is Unavailable
    assert "9004" in outcome.detail


@pytest.mark.parametrize("name", ["expired-written", "permission-written", "restricted-written", "throttle-written"])
def test_a_refusal_of_a_post_that_is_there_is_not_believed(office: Desk, fake: GraphFake, name: str) -> None:
    fault = {
        "expired-written": error(190, 463, written=True),
        "permission-written": error(200, written=True),
        "restricted-written": error(25, 2207050, written=True),
        "throttle-written": error(80002, written=True),
    }[name]
    fake.fault("POST", "media_publish", fault)
    outcome = deliver(office, office.delivery("instagram")).outcome
    assert isinstance(outcome, Receipt)
    assert outcome.remote_id == fake.visible_media()[0].id


def test_spam_stops_the_channel_and_is_looked_at(office: Desk, fake: GraphFake) -> None:
    fake.fault("POST", "media_publish", error(4, 2207051))
    outcome = deliver(office, office.delivery("instagram")).outcome
    assert isinstance(outcome, OutcomeUnknown)
    assert outcome.stops


# --- whose post it is -----------------------------------------------------------------------------------------


def test_two_posts_with_the_same_words_are_two_posts(office: Desk, fake: GraphFake) -> None:
    publisher = office.publisher("instagram")
    one, two = (replace(office.delivery("instagram"), id=name) for name in ("d1", "d2"))
    fake.fault("POST", "media_publish", FAULTS["lost-written"], nth=1)
    fake.fault("POST", "media_publish", FAULTS["code-2"], nth=2)
    first, second = deliver(office, one, publisher), deliver(office, two, publisher)
    found = publisher.read_back(first.again(one))
    assert found.receipt
    assert found.receipt.remote_id == fake.visible_media()[0].id
    assert publisher.read_back(second.again(two)).seen is Seen.ABSENT  # of the same pass: the ledger knows it later
    known = replace(second.again(two), taken=frozenset({found.receipt.remote_id}))
    assert office.publisher("instagram").read_back(known).seen is Seen.ABSENT
    assert isinstance(deliver(office, known).outcome, Receipt)
    assert len(fake.visible_media()) == 2


def test_words_changed_between_two_attempts_make_no_second_post(office: Desk, fake: GraphFake) -> None:
    """The first text went out although Instagram refused it; nobody could tell before an editor changed it."""
    fake.fault("POST", "media_publish", error(190, 463, written=True))
    fake.fault("GET", "*", FAULTS["html-502"], nth=2)
    delivery = office.delivery("instagram")
    journal = deliver(office, delivery)
    assert isinstance(journal.outcome, NotAuthorised)
    edited = office.delivery("instagram", post(1, title="Le repas change de salle"))
    second = deliver(office, replace(journal.again(delivery), publication=edited.publication))
    assert isinstance(second.outcome, Receipt)
    assert second.outcome.remote_id == fake.visible_media()[0].id
    assert len(fake.visible_media()) == 1


def test_words_changed_after_an_attempt_that_failed_go_out_alone(office: Desk, fake: GraphFake) -> None:
    fake.fault("POST", "media_publish", FAULTS["code-2"])
    delivery = office.delivery("instagram")
    journal = deliver(office, delivery)
    edited = office.delivery("instagram", post(1, title="Le repas change de salle"))
    second = deliver(office, replace(journal.again(delivery), publication=edited.publication))
    assert isinstance(second.outcome, Receipt)
    assert [media.caption[:24] for media in fake.visible_media()] == ["Le repas change de salle"]


# --- two tokens -----------------------------------------------------------------------------------------------


def test_what_one_token_does_not_see_the_other_does(tmp_path: Path, fake: GraphFake) -> None:
    fake.world.page_tokens_read_instagram = False
    office = instagram_desk(tmp_path, fake, access_token=fake.page_token, user_token=fake.user_token)
    outcome = deliver(office, office.delivery("instagram", post(2))).outcome
    assert isinstance(outcome, Receipt)
    assert outcome.url
    assert {call.token for call in fake.calls if call.method == "POST"} == {fake.page_token}


def test_what_no_token_sees_was_not_proven_absent(tmp_path: Path, fake: GraphFake) -> None:
    office = instagram_desk(tmp_path, fake, access_token=fake.page_token)
    fake.fault("POST", "media_publish", FAULTS["code-2"])
    delivery = office.delivery("instagram")
    journal = deliver(office, delivery)
    fake.world.page_tokens_read_instagram = False
    assert office.publisher("instagram").read_back(journal.again(delivery)).seen is Seen.UNREADABLE
    assert isinstance(deliver(office, journal.again(delivery)).outcome, OutcomeUnknown)
    assert fake.visible_media() == []


def test_a_dead_second_token_says_nothing_about_the_first(tmp_path: Path, fake: GraphFake) -> None:
    fake.world.page_tokens_read_instagram = False
    fake.expire(fake.user_token)
    office = instagram_desk(tmp_path, fake, access_token=fake.page_token, user_token=fake.user_token)
    outcome = deliver(office, office.delivery("instagram")).outcome
    assert isinstance(outcome, NotAuthorised)
    assert "code 100, subcode 33" in outcome.detail
    assert fake.visible_media() == []


# --- Instagram Login ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pictures", [1, 2])
def test_an_account_without_a_page(tmp_path: Path, fake: GraphFake, pictures: int) -> None:
    office = login_desk(tmp_path, fake, app_secret="not-for-this-host")
    outcome = deliver(office, office.delivery("instagram", post(pictures))).outcome
    assert isinstance(outcome, Receipt)
    assert {(call.host, call.proof) for call in fake.calls} == {("instagram", "")}


@pytest.mark.parametrize(("others", "named"), [(0, True), (1, False)])
def test_a_published_post_without_words_is_found_by_time_and_form(
    tmp_path: Path, fake: GraphFake, others: int, named: bool
) -> None:
    fake.instagram.shows_captions = False
    office = login_desk(tmp_path, fake)
    posted(fake, "x", hours_ago=1)  # before
    fake.fault("POST", "media_publish", FAULTS["lost-written"])
    delivery = office.delivery("instagram")
    journal = deliver(office, delivery)
    ours = fake.visible_media()[-1].id
    posted(fake, "x", pictures=2)  # a carousel
    posted(fake, *["x"] * others)
    look = office.publisher("instagram").read_back(journal.again(delivery))
    assert look.receipt
    assert (look.seen, look.receipt.remote_id) == (Seen.FOUND, ours if named else "")


@pytest.mark.parametrize(("shown", "seen"), [(False, Seen.UNREADABLE), (True, Seen.ABSENT)])
def test_a_post_without_words_may_be_ours_where_no_words_are_shown(
    tmp_path: Path, fake: GraphFake, shown: bool, seen: Seen
) -> None:
    fake.instagram.shows_captions = shown
    office = login_desk(tmp_path, fake)
    posted(fake, "Des mots", hours_ago=30)
    fake.fault("POST", "media_publish", FAULTS["code-2"])
    delivery = office.delivery("instagram")
    journal = deliver(office, delivery)
    posted(fake, "")
    assert office.publisher("instagram").read_back(journal.again(delivery)).seen is seen
