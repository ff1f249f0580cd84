"""Meta's own SDK drives the fake: it does not merely mirror our client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from facebook_business.adobjects.iguser import IGUser
from facebook_business.adobjects.page import Page
from facebook_business.adobjects.shadowigmediabuilder import ShadowIGMediaBuilder
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

from tests.support.graph_desk import picture
from tests.support.graph_fake import GraphFake, graph_fake


@pytest.fixture
def fake() -> Iterator[GraphFake]:
    with graph_fake() as running:
        yield running


def api(fake: GraphFake, token: str, monkeypatch: pytest.MonkeyPatch) -> FacebookAdsApi:
    monkeypatch.setattr(FacebookSession, "GRAPH", fake.url)
    fake.world.app_secret = "s3cret"
    made = FacebookSession("1", "s3cret", token, timeout=5)
    made.requests.trust_env = False
    return FacebookAdsApi(made, api_version="v26.0")


def test_the_sdk_posts_photo_and_text(fake: GraphFake, monkeypatch: pytest.MonkeyPatch) -> None:
    client = api(fake, fake.page_token, monkeypatch)
    page, photo = Page(fake.page_id, api=client), _photo(client, fake.page_id)
    answer = page.create_feed(
        params={"message": "Bonjour #Bagneux", "attached_media": [{"media_fbid": photo}]},
    )
    (shown,) = fake.visible_posts()
    assert (shown.id, shown.message, shown.alts) == (answer["id"], "Bonjour #Bagneux", ["Une soupe"])
    assert [post["id"] for post in page.get_published_posts(fields=["id", "message"])] == [shown.id]


def _photo(client: FacebookAdsApi, page: str) -> str:
    """The SDK's `create_photo` takes no bytes, so that its lower layer sends them."""
    params = {"published": False, "alt_text_custom": "Une soupe"}
    answer = client.call("POST", (page, "photos"), params, files={"source": picture().content})
    return str(answer.json()["id"])


def test_the_sdk_publishes_an_instagram_container(
    fake: GraphFake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(picture().content)
    client = api(fake, fake.ig_token, monkeypatch)
    user = IGUser(fake.ig_user_id, api=client)
    url = f"{fake.media_server_for(tmp_path)}/a.jpg"
    container = user.create_media(params={"image_url": url, "caption": "Bonjour", "alt_text": "Une soupe"})
    look = ShadowIGMediaBuilder(container["id"], api=client).api_get(fields=["status_code", "status"])
    assert look["status_code"] == "FINISHED"
    media = user.create_media_publish(params={"creation_id": container["id"]})
    (shown,) = fake.visible_media()
    assert (shown.id, shown.caption, shown.alts) == (media["id"], "Bonjour", ["Une soupe"])
    assert [one["caption"] for one in user.get_media(fields=["id", "caption"])] == ["Bonjour"]


def test_a_wrong_proof_and_a_bad_request_reach_the_sdk_as_errors(
    fake: GraphFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(fake.page_id, api=api(fake, fake.page_token, monkeypatch))
    with pytest.raises(FacebookRequestError) as nothing:
        page.create_feed(params={"published": True})
    assert nothing.value.api_error_code() == 100
    fake.world.app_secret = "another"
    with pytest.raises(FacebookRequestError) as wrong:
        page.create_feed(params={"message": "x"})
    assert "appsecret_proof" in wrong.value.api_error_message()
    assert fake.visible_posts() == []
