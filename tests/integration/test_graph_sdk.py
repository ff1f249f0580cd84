"""Meta's own SDK drives the fake: it does not merely mirror our client."""

from __future__ import annotations

from pathlib import Path

import pytest
from facebook_business.adobjects.comment import Comment
from facebook_business.adobjects.igmedia import IGMedia
from facebook_business.adobjects.iguser import IGUser
from facebook_business.adobjects.iguserforigonlyapi import IGUserForIGOnlyAPI
from facebook_business.adobjects.page import Page
from facebook_business.adobjects.pagepost import PagePost
from facebook_business.adobjects.photo import Photo
from facebook_business.adobjects.shadowigmediabuilder import ShadowIGMediaBuilder
from facebook_business.adobjects.user import User
from facebook_business.api import FacebookAdsApi
from facebook_business.apiconfig import ads_api_config
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

from tests.support.graph_calls import unix
from tests.support.graph_desk import picture
from tests.support.graph_fake import GraphFake


def api(fake: GraphFake, token: str, monkeypatch: pytest.MonkeyPatch) -> FacebookAdsApi:
    monkeypatch.setitem(ads_api_config, "STRICT_MODE", True)  # wrong types and fields are errors of the SDK itself
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


def _photo(client: FacebookAdsApi, page: str, **more: bool) -> str:
    """The SDK's `create_photo` takes no bytes, so that its lower layer sends them."""
    params = {"published": False, "alt_text_custom": "Une soupe", **more}
    answer = client.call("POST", (page, "photos"), params, files={"source": picture().content})
    return str(answer.json()["id"])


def test_the_sdk_schedules_reads_changes_and_cancels(fake: GraphFake, monkeypatch: pytest.MonkeyPatch) -> None:
    client = api(fake, fake.page_token, monkeypatch)
    page, photo = Page(fake.page_id, api=client), _photo(client, fake.page_id, temporary=True)
    params = {"message": "Bonjour", "published": False, "unpublished_content_type": "SCHEDULED"}
    params |= {"scheduled_publish_time": unix(fake, 60), "attached_media": [{"media_fbid": photo}]}
    made = page.create_feed(params=params)["id"]
    fields = ["id", "message", "scheduled_publish_time", "created_time", "is_published"]
    (row,) = page.get_scheduled_posts(fields=fields)
    assert (row["id"], row["is_published"]) == (made, False)
    post = PagePost(made, api=client)
    post.api_update(params={"message": "Bonsoir", "scheduled_publish_time": unix(fake, 90)})
    assert post.api_get(fields=["message"])["message"] == "Bonsoir"
    assert [one["id"] for one in page.get_feed(fields=["id", "is_published"])] == [made]
    post.api_delete()
    assert (list(page.get_scheduled_posts()), fake.world.posts) == ([], {})
    with pytest.raises(FacebookRequestError) as gone:
        post.api_delete()
    assert (gone.value.api_error_code(), gone.value.api_error_subcode()) == (100, 33)


def test_the_sdk_publishes_what_is_a_draft(fake: GraphFake, monkeypatch: pytest.MonkeyPatch) -> None:
    client = api(fake, fake.page_token, monkeypatch)
    made = Page(fake.page_id, api=client).create_feed(params={"message": "x", "published": False})["id"]
    assert fake.visible_posts() == []
    PagePost(made, api=client).api_update(params={"is_published": True})
    fake.expect("facebook", least=1)


def test_the_sdk_comments(fake: GraphFake, monkeypatch: pytest.MonkeyPatch) -> None:
    client = api(fake, fake.page_token, monkeypatch)
    post = PagePost(Page(fake.page_id, api=client).create_feed(params={"message": "x"})["id"], api=client)
    made = post.create_comment(params={"message": "Le lien"})["id"]
    fields = ["id", "message", "from", "created_time"]
    (row,) = post.get_comments(fields=fields, params={"filter": "stream"})
    assert (row["id"], row["message"], row["from"]["id"]) == (made, "Le lien", fake.page_id)
    Comment(made, api=client).api_delete()
    assert fake.comments() == []


def test_the_sdk_reads_a_list_to_its_end(fake: GraphFake, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(fake.page_id, api=api(fake, fake.page_token, monkeypatch))
    for number in range(5):
        page.create_feed(params={"message": str(number)})
    rows = page.get_published_posts(fields=["message"], params={"limit": 2})
    assert [row["message"] for row in rows] == ["4", "3", "2", "1", "0"]


def test_the_sdk_finds_pages_and_their_tokens(fake: GraphFake, monkeypatch: pytest.MonkeyPatch) -> None:
    client = api(fake, fake.system_token, monkeypatch)
    fields = ["id", "name", "access_token", "instagram_business_account"]
    (row,) = User("me", api=client).get_accounts(fields=fields)
    page = Page(fake.page_id, api=client).api_get(fields=fields)
    assert row["access_token"] == page["access_token"]
    assert page["instagram_business_account"]["id"] == fake.ig_user_id
    assert User(fake.system_user_id, api=client).api_get(fields=["name"])["name"] == "veille"
    own = api(fake, row["access_token"], monkeypatch)
    photo = Photo(_photo(own, fake.page_id), api=own)
    assert photo.api_get(fields=["alt_text_custom"])["alt_text_custom"] == "Une soupe"
    photo.api_delete()
    assert fake.world.photos == {}


def test_the_sdk_examines_and_exchanges_tokens(fake: GraphFake, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.world.app_secret = "s3cret"
    client = api(fake, f"{fake.world.app_id}|s3cret", monkeypatch)
    short = fake.short_token()
    params = {"grant_type": "fb_exchange_token", "client_id": fake.world.app_id, "client_secret": "s3cret"}
    answer = client.call("GET", ("oauth", "access_token"), params | {"fb_exchange_token": short}).json()
    seen = client.call("GET", ("debug_token",), {"input_token": answer["access_token"]}).json()
    assert (seen["data"]["type"], seen["data"]["is_valid"]) == ("USER", True)


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


def test_the_sdk_publishes_a_carousel_and_looks_after_it(
    fake: GraphFake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(picture().content)
    client = api(fake, fake.user_token, monkeypatch)
    user, url = IGUser(fake.ig_user_id, api=client), f"{fake.media_server_for(tmp_path)}/a.jpg"
    children = [
        user.create_media(params={"image_url": url, "is_carousel_item": True, "alt_text": alt})["id"]
        for alt in ("Une soupe", "La salle")
    ]
    parent = user.create_media(params={"media_type": "CAROUSEL", "children": children, "caption": "Bonjour"})
    made = user.create_media_publish(params={"creation_id": parent["id"]})
    fake.expect("instagram", least=1)
    limit = user.get_content_publishing_limit(fields=["quota_usage", "config"])
    assert (limit[0]["quota_usage"], limit[0]["config"]["quota_total"]) == (1, 50)
    media = IGMedia(made["id"], api=client)
    assert media.api_get(fields=["permalink", "media_type"])["media_type"] == "CAROUSEL_ALBUM"
    media.create_comment(params={"message": "Bienvenue"})
    assert [one["text"] for one in media.get_comments(fields=["text"])] == ["Bienvenue"]
    media.api_update(params={"comment_enabled": False})
    media.api_delete()
    assert fake.visible_media() == []


def test_the_sdk_on_the_host_of_instagram(fake: GraphFake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its class for that host; two edges by the names and fields of Meta's pages, which it has wrong."""
    (tmp_path / "a.jpg").write_bytes(picture().content)
    monkeypatch.setattr(FacebookSession, "GRAPH", fake.instagram_url)
    session = FacebookSession(access_token=fake.ig_login_token, timeout=5)
    session.requests.trust_env = False
    client = FacebookAdsApi(session, api_version="v26.0")
    me = IGUserForIGOnlyAPI("me", api=client).api_get(fields=["user_id", "username", "account_type"])
    user = IGUserForIGOnlyAPI(me["user_id"], api=client)
    url = f"{fake.media_server_for(tmp_path)}/a.jpg"
    container = user.create_media(params={"image_url": url, "caption": "Bonjour", "alt_text": "Une soupe"})["id"]
    assert ShadowIGMediaBuilder(container, api=client).api_get(fields=["status_code"])["status_code"] == "FINISHED"
    client.call("POST", (me["user_id"], "media_publish"), {"creation_id": container})
    rows = client.call("GET", (me["user_id"], "media"), {"fields": "id,caption"}).json()["data"]
    assert [row["caption"] for row in rows] == ["Bonjour"]
    assert len(user.get_media()) == 1
    assert user.get_content_publishing_limit(fields=["quota_usage"])[0]["quota_usage"] == 1


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
