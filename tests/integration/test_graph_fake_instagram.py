"""The Instagram side of the fake: containers, quota, both hosts; it refuses what Meta refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.support.graph_calls import bare, call, code, container
from tests.support.graph_desk import picture
from tests.support.graph_fake import GraphFake, graph_fake


@pytest.fixture
def fake() -> Iterator[GraphFake]:
    with graph_fake(checked=False) as running:
        yield running


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for name, (width, height) in {"good": (400, 500), "tall": (300, 900), "wide": (1000, 300)}.items():
        (folder / f"{name}.jpg").write_bytes(picture(width, height).content)
    png = BytesIO()
    Image.new("RGB", (400, 400)).save(png, "PNG")
    (folder / "drawing.png").write_bytes(png.getvalue())
    (folder / "liar.jpg").write_bytes(png.getvalue())
    (folder / "broken.jpg").write_bytes(b"not a picture")
    (folder / "huge.jpg").write_bytes(picture().content + b"\0" * 8 * 1024 * 1024)
    return folder


@pytest.fixture
def base(fake: GraphFake, pictures: Path) -> str:
    return fake.media_server_for(pictures)


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
    ("good.jpg", {"caption": "x", "is_carousel_item": "true"}, (100, None)),
    ("good.jpg", {"is_carousel_item": "yes"}, (100, None)),
    ("good.jpg", {"children": "1,2"}, (100, None)),
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


@pytest.mark.parametrize("total", [25, 50, 100])
def test_the_day_of_the_quota_rolls(fake: GraphFake, base: str, total: int) -> None:
    fake.instagram.quota_total = total
    made = container(fake, f"{base}/good.jpg")
    publish, limit = f"{fake.ig_user_id}/media_publish", f"{fake.ig_user_id}/content_publishing_limit"
    for _time in range(total):
        fake.instagram.publish(fake.ig_user_id, {"creation_id": made})
    assert code(call(fake, "POST", publish, creation_id=made)) == (9, 2207042)
    assert call(fake, "GET", limit, fields="quota_usage")["data"] == [{"quota_usage": total}]
    fake.world.clock.advance(hours=24)
    assert call(fake, "GET", limit, fields="quota_usage")["data"] == [{"quota_usage": 0}]
    assert call(fake, "POST", publish, creation_id=container(fake, f"{base}/good.jpg"))["id"]


def test_a_container_that_failed_says_its_subcode(fake: GraphFake, base: str) -> None:
    fake.instagram.fail_next = "2207082"
    made = container(fake, f"{base}/good.jpg")
    look = call(fake, "GET", made, token=fake.ig_token, fields="status_code,status")
    assert (look["status_code"], look["status"][-7:]) == ("ERROR", "2207082")
    assert code(call(fake, "POST", f"{fake.ig_user_id}/media_publish", creation_id=made)) == (-1, 2207032)


def test_children_have_a_status_of_their_own(fake: GraphFake, base: str) -> None:
    fake.instagram.polls = 1
    children = [container(fake, f"{base}/good.jpg", is_carousel_item="true", alt_text=f"Photo {n}") for n in (1, 2)]
    params = {"media_type": "CAROUSEL", "children": json.dumps(children), "caption": "x"}
    for child in children:
        assert code(call(fake, "POST", f"{fake.ig_user_id}/media", **params)) == (9007, 2207027)
        call(fake, "GET", child, token=fake.ig_token, fields="status_code")
    fake.instagram.polls = 0
    parent = call(fake, "POST", f"{fake.ig_user_id}/media", **params)["id"]
    for refused in (children[0], "404"):
        assert "error" in call(fake, "POST", f"{fake.ig_user_id}/media_publish", creation_id=refused)
    call(fake, "POST", f"{fake.ig_user_id}/media_publish", creation_id=parent)
    (shown,) = fake.visible_media()
    assert shown.alts == ["Photo 1", "Photo 2"]
    fake.expect("instagram", least=1)
    params |= {"children": ",".join(children), "alt_text": "x"}
    assert code(call(fake, "POST", f"{fake.ig_user_id}/media", **params)) == (100, None)


def test_what_is_read_back_commented_on_and_deleted(fake: GraphFake, base: str) -> None:
    made = container(fake, f"{base}/good.jpg", caption="Bonjour", alt_text="Une soupe")
    media = call(fake, "POST", f"{fake.ig_user_id}/media_publish", creation_id=made)["id"]
    fields = "id,caption,timestamp,permalink,media_type,media_product_type,shortcode"
    (row,) = call(fake, "GET", f"{fake.ig_user_id}/media", fields=fields, limit=50)["data"]
    assert (row["id"], row["caption"], row["media_type"]) == (media, "Bonjour", "IMAGE")
    token = fake.ig_token
    call(fake, "POST", f"{media}/comments", token=token, message="Bienvenue")
    assert call(fake, "GET", f"{media}/comments", token=token, fields="text")["data"][0]["text"] == "Bienvenue"
    assert code(call(fake, "POST", media, token=token, caption="y")) == (100, None)
    assert call(fake, "POST", media, token=token, comment_enabled="false") == {"success": True}
    fake.instagram.deletes = False
    assert code(call(fake, "DELETE", media, token=token)) == (-1, 2207073)
    fake.instagram.deletes = True
    assert call(fake, "DELETE", media, token=token) == {"success": True, "deleted_id": media}
    assert (fake.visible_media(), fake.ever_visible("instagram")) == ([], 1)
    limit = call(fake, "GET", f"{fake.ig_user_id}/content_publishing_limit", fields="quota_usage")
    assert limit["data"][0]["quota_usage"] == 1


def test_since_the_outage_the_page_token_reads_nothing_and_the_other_does(fake: GraphFake, base: str) -> None:
    made = container(fake, f"{base}/good.jpg", token=fake.page_token)
    fake.world.page_tokens_read_instagram = False
    media = call(fake, "POST", f"{fake.ig_user_id}/media_publish", token=fake.page_token, creation_id=made)["id"]
    for node in (made, media):
        assert code(call(fake, "GET", node, token=fake.page_token)) == (100, 33)
        assert call(fake, "GET", node, token=fake.user_token)["id"] == node


# --- graph.instagram.com --------------------------------------------------------------------------------------


def test_the_other_host_publishes_too(fake: GraphFake, base: str) -> None:
    host, token = fake.instagram_url, fake.ig_login_token
    me = call(fake, "GET", "me", token, host, fields="user_id,username,account_type")
    assert (me["user_id"], me["account_type"], me["id"] == me["user_id"]) == (fake.ig_user_id, "Business", False)
    made = container(fake, f"{base}/good.jpg", token, host, caption="Bonjour")
    look = call(fake, "GET", made, token, host, fields="status_code,status")
    assert look["status_code"] == "FINISHED"
    media = call(fake, "POST", f"{me['user_id']}/media_publish", token, host, creation_id=made)["id"]
    rows = call(fake, "GET", f"{me['user_id']}/media", token, host, fields="id,caption")["data"]
    assert rows == [{"id": media, "caption": "Bonjour"}]
    fake.instagram.shows_captions = False
    assert call(fake, "GET", f"{me['user_id']}/media", token, host, fields="id,caption")["data"] == [{"id": media}]
    limit = call(fake, "GET", f"{me['user_id']}/content_publishing_limit", token, host, fields="quota_usage,config")
    assert limit["data"][0]["quota_usage"] == 1
    assert code(call(fake, "DELETE", media, token, host)) == (100, 33)
    assert len(fake.visible_media()) == 1


def test_what_the_other_host_does_not_have(fake: GraphFake) -> None:
    host, token = fake.instagram_url, fake.ig_login_token
    assert code(call(fake, "GET", fake.page_id, token, host)) == (100, 33)
    for wrong in (fake.page_token, fake.user_token, "unknown"):
        assert code(call(fake, "GET", "me", wrong, host)) == (190, None)
    assert code(call(fake, "GET", "me", fake.ig_login_token)) == (190, None)
    with_proof = call(fake, "GET", "me", token, host, appsecret_proof="00")
    assert code(with_proof) == (100, None)
    assert "thumbnail" not in str(call(fake, "GET", "me", token, host, fields="username"))
    fake.world.instagram_takes_header = False
    assert code(call(fake, "GET", "me", token, host)) == (2500, None)
    assert bare("GET", f"{host}/v26.0/me", access_token=token, fields="username")["username"]
