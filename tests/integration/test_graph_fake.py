"""The fake refuses what Meta refuses; a client that it accepts has a chance with the real service."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from tests.support.graph_calls import attached, call, code, photo, publish, schedule, unix
from tests.support.graph_desk import picture
from tests.support.graph_fake import GraphFake, graph_fake
from tests.support.graph_faults import Refused


@pytest.fixture
def fake() -> Iterator[GraphFake]:
    with graph_fake(checked=False) as running:
        yield running


FEED: list[tuple[dict[str, Any], int]] = [
    ({}, 100),
    ({"published": "true"}, 100),
    ({"mesage": "x"}, 100),
    ({"message": "x", "ids": "1,2"}, 100),
    ({"message": "x", "date_format": "U"}, 100),
    ({"message": "x", "attached_media": '[{"media_fbid":"404"}]'}, 100),
    ({"message": "x", "attached_media": "11"}, 100),
    ({"message": "x", "fields": "id,permalink"}, 100),
    ({"link": "nowhere"}, 100),
    ({"message": "x", "published": "false", "scheduled_publish_time": "1"}, 100),
]


@pytest.mark.parametrize(("params", "wanted"), FEED, ids=str)
def test_posts_that_facebook_refuses(fake: GraphFake, params: dict[str, Any], wanted: int) -> None:
    visible = {"fields"} & params.keys()  # the post is there before its fields are read
    assert code(call(fake, "POST", f"{fake.page_id}/feed", **params))[0] == wanted
    assert bool(fake.visible_posts()) is bool(visible)


def test_the_same_text_again_when_it_is_told_to_care(fake: GraphFake) -> None:
    fake.world.refuse_duplicates = True
    call(fake, "POST", f"{fake.page_id}/feed", message="x")
    assert code(call(fake, "POST", f"{fake.page_id}/feed", message="x")) == (506, None)


def test_a_photo_serves_one_post_within_a_day(fake: GraphFake) -> None:
    late, used = photo(fake), photo(fake)
    publish(fake, "x", attached_media=attached(used))
    fake.world.clock.advance(hours=25)
    for one in (late, used):
        assert code(call(fake, "POST", f"{fake.page_id}/feed", message="x", attached_media=attached(one)))[0] == 100
    assert call(fake, "POST", f"{fake.page_id}/photos", published="false")["error"]["code"] == 324
    assert code(call(fake, "GET", late, fields="id")) == (100, 33)
    assert call(fake, "GET", used, fields="id,alt_text_custom")["id"] == used


# --- native scheduling ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [11, 20, 60 * 24 * 29])
def test_a_scheduled_post_appears_at_its_time_without_being_asked(fake: GraphFake, minutes: int) -> None:
    made = schedule(fake, "x", minutes)
    assert fake.visible_posts() == []
    (row,) = call(fake, "GET", f"{fake.page_id}/scheduled_posts", fields="id,scheduled_publish_time")["data"]
    assert row == {"id": made, "scheduled_publish_time": pytest.approx(unix(fake, minutes), abs=2)}
    fake.world.clock.advance(minutes=minutes, seconds=2)
    (shown,) = fake.visible_posts()
    assert shown.scheduled == shown.created
    read = call(fake, "GET", made, fields="is_published,message,scheduled_publish_time")
    assert read == {"id": made, "is_published": True, "message": "x"}
    assert call(fake, "GET", f"{fake.page_id}/scheduled_posts")["data"] == []


@pytest.mark.parametrize("minutes", [-5, 9, 60 * 24 * 31])
def test_a_time_outside_the_window_is_refused(fake: GraphFake, minutes: int) -> None:
    params: dict[str, Any] = {"message": "x", "published": "false", "scheduled_publish_time": unix(fake, minutes)}
    refused = call(fake, "POST", f"{fake.page_id}/feed", **params)["error"]
    assert (refused["code"], "scheduled publish time is invalid" in refused["message"]) == (100, True)
    assert fake.world.posts == {}


WRONG_TIMES: list[dict[str, Any]] = [
    {"published": "true", "scheduled_publish_time": 60},
    {"scheduled_publish_time": 60},
    {"published": "false", "unpublished_content_type": "SCHEDULED"},
    {"published": "false", "unpublished_content_type": "SOON", "scheduled_publish_time": 60},
    {"published": "false", "scheduled_publish_time": "tomorrow"},
    {"published": "False"},
]


@pytest.mark.parametrize("params", WRONG_TIMES, ids=str)
def test_times_that_do_not_fit_the_rest(fake: GraphFake, params: dict[str, Any]) -> None:
    if isinstance(params.get("scheduled_publish_time"), int):
        params = params | {"scheduled_publish_time": unix(fake, 60)}
    assert code(call(fake, "POST", f"{fake.page_id}/feed", message="x", **params)) == (100, None)
    assert fake.world.posts == {}


def test_a_time_may_be_written_as_iso(fake: GraphFake) -> None:
    moment = (fake.world.clock() + timedelta(hours=1)).isoformat()
    made = schedule(fake, "x", scheduled_publish_time=moment)
    assert call(fake, "GET", made, fields="is_published")["is_published"] is False


def test_a_scheduled_post_is_changed_moved_and_cancelled(fake: GraphFake) -> None:
    made = schedule(fake, "x")
    moved = unix(fake, 120)
    assert call(fake, "POST", made, message="y", scheduled_publish_time=moved) == {"success": True}
    assert code(call(fake, "POST", made, scheduled_publish_time=unix(fake, 5))) == (100, None)
    fake.world.clock.advance(minutes=61)
    assert fake.visible_posts() == []
    read = call(fake, "GET", made, fields="message,scheduled_publish_time")
    assert (read["message"], read["scheduled_publish_time"]) == ("y", moved)
    assert call(fake, "DELETE", made) == {"success": True}
    fake.world.clock.advance(minutes=60)
    assert (fake.visible_posts(), fake.ever_visible("facebook")) == ([], 0)
    for method in ("GET", "POST", "DELETE"):
        assert code(call(fake, method, made)) == (100, 33)


def test_a_draft_is_published_by_its_id_and_once(fake: GraphFake) -> None:
    made = publish(fake, "x", published="false")
    for _time in range(2):
        assert call(fake, "POST", made, is_published="true") == {"success": True}
    fake.expect("facebook", least=1)
    assert code(call(fake, "POST", made, scheduled_publish_time=unix(fake, 60))) == (100, None)


def test_photos_of_a_scheduled_post_are_temporary_and_stay(fake: GraphFake) -> None:
    kept, plain = photo(fake, temporary="true", alt_text_custom="Une soupe"), photo(fake)
    at = unix(fake, 60 * 30)
    params: dict[str, Any] = {"message": "x", "published": "false", "scheduled_publish_time": at}
    assert code(call(fake, "POST", f"{fake.page_id}/feed", attached_media=attached(plain), **params)) == (100, None)
    schedule(fake, "x", 60 * 30, attached_media=attached(kept))
    fake.world.clock.advance(hours=31)
    (shown,) = fake.visible_posts()
    assert shown.alts == ["Une soupe"]
    read = call(fake, "GET", shown.id, fields="attachments{media_type,target},message")
    assert read["attachments"]["data"][0]["target"] == {"id": kept}
    assert code(call(fake, "GET", plain)) == (100, 33)


def test_a_photo_has_no_time_of_its_own(fake: GraphFake) -> None:
    params = {"published": "false", "temporary": "true", "scheduled_publish_time": unix(fake, 60)}
    files = {"source": picture().content}
    with pytest.raises(Refused):
        fake.world.add_photo(fake.page_id, {key: str(value) for key, value in params.items()}, files)


def test_what_meta_does_not_document_is_a_switch(fake: GraphFake) -> None:
    fake.world.new_id_when_published, fake.world.frozen_before = True, timedelta(minutes=3)
    made = schedule(fake, "x", 20)
    fake.world.clock.advance(minutes=18)
    assert code(call(fake, "DELETE", made)) == (100, None)
    fake.world.clock.advance(minutes=3)
    assert code(call(fake, "GET", made)) == (100, 33)
    assert len(call(fake, "GET", f"{fake.page_id}/published_posts")["data"]) == 1


def test_what_a_person_wrote_on_the_page_is_not_ours_to_change(fake: GraphFake) -> None:
    fake.world.shows_application = True
    by_hand = fake.world.facebook.someone_posts(fake.page_id, "Bonjour")
    assert code(call(fake, "POST", by_hand.id, message="y")) == (200, None)
    ours = publish(fake, "x")
    rows = call(fake, "GET", f"{fake.page_id}/published_posts", fields="id,application{id}")["data"]
    assert [row["id"] for row in rows if "application" in row] == [ours]


# --- comments -------------------------------------------------------------------------------------------------


def test_comments_are_written_read_and_removed(fake: GraphFake) -> None:
    post = publish(fake, "x")
    made = call(fake, "POST", f"{post}/comments", message="Le lien : https://lettre.example.org")["id"]
    fields = "id,message,from,created_time"
    (row,) = call(fake, "GET", f"{post}/comments", filter="stream", fields=fields)["data"]
    assert (row["id"], row["from"]["id"], row["message"]) == (made, fake.page_id, fake.comments()[0].message)
    assert code(call(fake, "POST", f"{post}/comments", message="")) == (100, None)
    assert code(call(fake, "GET", f"{post}/comments", filter="all")) == (100, None)
    assert call(fake, "DELETE", made) == {"success": True}
    assert fake.comments() == []


def test_nothing_to_comment_on_before_it_is_public(fake: GraphFake) -> None:
    assert code(call(fake, "POST", f"{schedule(fake, 'x')}/comments", message="y")) == (100, None)


# --- tokens and lists -----------------------------------------------------------------------------------------


def test_tokens(fake: GraphFake) -> None:
    feed = f"{fake.page_id}/feed"
    assert code(call(fake, "POST", feed, token="unknown", message="x"))[0] == 190
    assert code(call(fake, "POST", feed, token=fake.ig_token, message="x"))[0] == 200
    fake.expire(fake.page_token)
    assert code(call(fake, "POST", feed, message="x")) == (190, 463)
    assert fake.visible_posts() == []


def test_paths_and_lists(fake: GraphFake) -> None:
    headers = {"Authorization": f"Bearer {fake.page_token}"}
    unversioned = requests.get(f"{fake.url}/{fake.page_id}/feed", headers=headers, timeout=5).json()
    assert unversioned["error"]["code"] == 2500
    assert code(call(fake, "GET", f"{fake.page_id}/feed", limit=101))[0] == 100
    assert code(call(fake, "GET", "424242")) == (100, 33)
    for number in range(3):
        call(fake, "POST", f"{fake.page_id}/feed", message=str(number))
    first = call(fake, "GET", f"{fake.page_id}/feed", limit=2, fields="id,message")
    after = first["paging"]["cursors"]["after"]
    rest = call(fake, "GET", f"{fake.page_id}/feed", limit=2, fields="id,message", after=after)
    assert [row["message"] for row in first["data"] + rest["data"]] == ["2", "1", "0"]
    assert "next" in first["paging"]
    assert "next" not in rest["paging"]


def test_reads_of_lists_lag_behind_writes(fake: GraphFake) -> None:
    gone = publish(fake, "gone")
    fake.world.clock.advance(minutes=5)
    fake.world.lag = timedelta(seconds=30)
    call(fake, "DELETE", gone)
    post = publish(fake, "new")
    call(fake, "POST", f"{post}/comments", message="y")
    lists = (f"{fake.page_id}/feed", f"{fake.page_id}/published_posts")
    assert [[row["id"] for row in call(fake, "GET", edge)["data"]] for edge in lists] == [[gone]] * 2
    assert call(fake, "GET", f"{post}/comments")["data"] == []
    assert call(fake, "GET", post, fields="message")["message"] == "new"
    fake.world.clock.advance(seconds=31)
    assert [[row["id"] for row in call(fake, "GET", edge)["data"]] for edge in lists] == [[post]] * 2
    assert len(call(fake, "GET", f"{post}/comments")["data"]) == 1


def test_an_empty_page_may_come_first(fake: GraphFake) -> None:
    made = publish(fake, "x")
    fake.world.empty_pages = True
    first = call(fake, "GET", f"{fake.page_id}/feed")
    assert first["data"] == []
    rest = call(fake, "GET", f"{fake.page_id}/feed", after=first["paging"]["cursors"]["after"])
    assert ([row["id"] for row in rest["data"]], "next" in rest["paging"]) == ([made], False)
    assert code(call(fake, "GET", f"{fake.page_id}/feed", after="7")) == (100, None)


def test_the_feed_shows_what_is_not_published_too(fake: GraphFake) -> None:
    made = {publish(fake, "x"): True, publish(fake, "y", published="false"): False, schedule(fake, "z"): False}
    rows = call(fake, "GET", f"{fake.page_id}/feed", fields="id,is_published")["data"]
    assert {row["id"]: row["is_published"] for row in rows} == made
    assert len(call(fake, "GET", f"{fake.page_id}/published_posts")["data"]) == 1
    assert len(call(fake, "GET", f"{fake.page_id}/scheduled_posts")["data"]) == 1


def test_a_link_that_meta_cannot_open(fake: GraphFake) -> None:
    fake.world.dead_links.add("https://lettre.example.org/x")
    refused = call(fake, "POST", f"{fake.page_id}/feed", link="https://lettre.example.org/x")
    assert code(refused) == (100, 1609005)


def test_what_was_public_once_is_not_forgotten(fake: GraphFake) -> None:
    for _time in range(2):
        call(fake, "DELETE", publish(fake, "x"))
    assert fake.visible_posts() == []
    with pytest.raises(AssertionError, match="2 in all"):
        fake.expect("facebook")
    with pytest.raises(AssertionError, match="at least 1"):
        fake.expect("instagram", least=1)


def test_the_record_holds_no_secret(fake: GraphFake) -> None:
    photo(fake, alt_text_custom="Une soupe")
    secrets = {"client_secret": fake.world.secret, "fb_exchange_token": fake.user_token}
    call(fake, "GET", "oauth/access_token", grant_type="fb_exchange_token", client_id=fake.world.app_id, **secrets)
    assert fake.record()[0] == {
        "host": "facebook",
        "method": "POST",
        "path": f"/v26.0/{fake.page_id}/photos",
        "params": {"published": "false", "alt_text_custom": "Une soupe"},
        "files": ["a.jpg"],
    }
    for secret in (fake.page_token, *secrets.values()):
        assert secret not in str(fake.record())
        assert secret not in repr(fake.calls)
