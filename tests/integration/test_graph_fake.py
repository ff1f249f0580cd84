"""The fake refuses what Meta refuses; a client that it accepts has a chance with the real service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from tests.support.graph_desk import picture
from tests.support.graph_fake import GraphFake, graph_fake


@pytest.fixture
def fake() -> Iterator[GraphFake]:
    with graph_fake(checked=False) as running:
        yield running


def call(fake: GraphFake, method: str, path: str, token: str = "", **params: Any) -> dict[str, Any]:
    token = token or (fake.ig_token if path.startswith(fake.ig_user_id) else fake.page_token)
    place = {"data": params} if method == "POST" else {"params": params}
    headers = {"Authorization": f"Bearer {token}"}
    answer = requests.request(method, f"{fake.url}/v26.0/{path}", headers=headers, timeout=5, **place)  # type: ignore[arg-type]
    values = answer.json()
    assert ("error" in values) is (answer.status_code != 200)
    return dict(values)


def code(answer: dict[str, Any]) -> tuple[int, int | None]:
    return answer["error"]["code"], answer["error"].get("error_subcode")


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


@pytest.mark.parametrize("minutes", [20, 60 * 24 * 29])
def test_a_scheduled_post_appears_at_its_time(fake: GraphFake, minutes: int) -> None:
    at = int(fake.world.clock().timestamp()) + minutes * 60
    call(fake, "POST", f"{fake.page_id}/feed", message="x", published="false", scheduled_publish_time=at)
    assert fake.visible_posts() == []
    assert len(call(fake, "GET", f"{fake.page_id}/scheduled_posts", fields="id")["data"]) == 1
    fake.world.clock.advance(minutes=minutes + 1)
    assert len(fake.visible_posts()) == 1


def test_the_same_text_again_when_it_is_told_to_care(fake: GraphFake) -> None:
    fake.world.refuse_duplicates = True
    call(fake, "POST", f"{fake.page_id}/feed", message="x")
    assert code(call(fake, "POST", f"{fake.page_id}/feed", message="x")) == (506, None)


def test_a_photo_serves_one_post_within_a_day(fake: GraphFake) -> None:
    photo = fake.world.add_photo(fake.page_id, {"published": "false"}, {"source": picture().content})["id"]
    attached = json.dumps([{"media_fbid": photo}])
    fake.world.clock.advance(hours=25)
    assert code(call(fake, "POST", f"{fake.page_id}/feed", message="x", attached_media=attached))[0] == 100
    assert call(fake, "POST", f"{fake.page_id}/photos", published="false")["error"]["code"] == 324


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


@pytest.fixture
def base(fake: GraphFake, tmp_path: Path) -> str:
    for name, (width, height) in {"good": (400, 500), "tall": (300, 900), "wide": (1000, 300)}.items():
        (tmp_path / f"{name}.jpg").write_bytes(picture(width, height).content)
    png = BytesIO()
    Image.new("RGB", (400, 400)).save(png, "PNG")
    (tmp_path / "drawing.png").write_bytes(png.getvalue())
    (tmp_path / "liar.jpg").write_bytes(png.getvalue())
    (tmp_path / "broken.jpg").write_bytes(b"not a picture")
    (tmp_path / "huge.jpg").write_bytes(picture().content + b"\0" * 8 * 1024 * 1024)
    return fake.media_server_for(tmp_path)


IMAGES = [
    ("tall.jpg", {}, (36003, 2207009)),
    ("wide.jpg", {}, (36003, 2207009)),
    ("drawing.png", {}, (36001, 2207005)),
    ("liar.jpg", {}, (36001, 2207005)),
    ("broken.jpg", {}, (36001, 2207005)),
    ("huge.jpg", {}, (36000, 2207004)),
    ("absent.jpg", {}, (9004, 2207052)),
    ("été.jpg", {}, (9004, 2207052)),
    ("good.jpg", {"caption": "x" * 2201}, (36004, 2207010)),
    ("good.jpg", {"caption": "#a " * 31}, (100, 2207040)),
    ("good.jpg", {"caption": "@a " * 21}, (100, 2207040)),
    ("good.jpg", {"alt_text": "x" * 1001}, (100, None)),
    ("good.jpg", {"media_type": "POSTER"}, (100, 2207023)),
    ("good.jpg", {"captoin": "x"}, (100, None)),
]


@pytest.mark.parametrize(("name", "params", "wanted"), IMAGES, ids=str)
def test_containers_that_instagram_refuses(
    fake: GraphFake, base: str, name: str, params: dict[str, str], wanted: tuple[int, int | None]
) -> None:
    media = f"{fake.ig_user_id}/media"
    assert code(call(fake, "POST", media, image_url=f"{base}/{name}", **params)) == wanted
    assert fake.instagram.containers == {}


def test_a_container_is_published_when_it_is_ready_and_not_before(fake: GraphFake, base: str) -> None:
    fake.instagram.polls = 1
    made = call(fake, "POST", f"{fake.ig_user_id}/media", image_url=f"{base}/good.jpg")["id"]
    publish = f"{fake.ig_user_id}/media_publish"
    assert code(call(fake, "POST", publish, creation_id=made)) == (9007, 2207027)
    codes = [call(fake, "GET", made, fields="status_code")["status_code"] for _n in range(2)]
    assert codes == ["IN_PROGRESS", "FINISHED"]
    call(fake, "POST", publish, creation_id=made)
    assert call(fake, "GET", made, fields="status_code")["status_code"] == "PUBLISHED"
    assert len(fake.visible_media()) == 1


def test_a_container_dies_after_a_day(fake: GraphFake, base: str) -> None:
    made = call(fake, "POST", f"{fake.ig_user_id}/media", image_url=f"{base}/good.jpg")["id"]
    fake.world.clock.advance(hours=24)
    assert call(fake, "GET", made, fields="status_code")["status_code"] == "EXPIRED"
    assert code(call(fake, "POST", f"{fake.ig_user_id}/media_publish", creation_id=made)) == (24, 2207008)


@pytest.mark.parametrize("number", [1, 11])
def test_a_carousel_has_two_to_ten_children(fake: GraphFake, base: str, number: int) -> None:
    media = f"{fake.ig_user_id}/media"
    url = f"{base}/good.jpg"
    made = [call(fake, "POST", media, image_url=url, is_carousel_item="true")["id"] for _n in range(number)]
    answer = call(fake, "POST", media, media_type="CAROUSEL", children=json.dumps(made))
    assert code(answer) == (100, 2207028)


def test_the_quota_can_be_read_and_ends(fake: GraphFake, base: str) -> None:
    fake.instagram.quota_total = 1
    for wanted in ("id", "error"):
        made = call(fake, "POST", f"{fake.ig_user_id}/media", image_url=f"{base}/good.jpg")["id"]
        assert wanted in call(fake, "POST", f"{fake.ig_user_id}/media_publish", creation_id=made)
    limit = call(fake, "GET", f"{fake.ig_user_id}/content_publishing_limit", fields="quota_usage,config")
    assert limit["data"][0] == {"quota_usage": 1, "config": {"quota_total": 1, "quota_duration": 86400}}
