"""The tokens of the fake: made, exchanged, refreshed, examined, ended; each may what it may at Meta and no more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.support.graph_basics import proof_of
from tests.support.graph_calls import HTTP, bare, call, code, publish, schedule
from tests.support.graph_fake import GraphFake, graph_fake

DAYS_60 = 60 * 86400


@pytest.fixture
def fake() -> Iterator[GraphFake]:
    with graph_fake(checked=False) as running:
        yield running


def exchange(fake: GraphFake, token: str, **changes: str) -> dict[str, Any]:
    params = {"grant_type": "fb_exchange_token", "client_id": fake.world.app_id, "client_secret": fake.world.secret}
    return bare("GET", f"{fake.url}/v26.0/oauth/access_token", **params | {"fb_exchange_token": token} | changes)


def debug(fake: GraphFake, token: str) -> dict[str, Any]:
    asking = f"{fake.world.app_id}|{fake.world.secret}"
    answer = bare("GET", f"{fake.url}/v26.0/debug_token", input_token=token, access_token=asking)
    return dict(answer["data"])


# --- Facebook -------------------------------------------------------------------------------------------------


def test_from_a_short_token_to_a_page_token_that_does_not_end(fake: GraphFake) -> None:
    short = fake.short_token()
    long = exchange(fake, short)
    assert (long["token_type"], long["expires_in"]) == ("bearer", DAYS_60)
    fields = "id,name,access_token,tasks,instagram_business_account"
    (page,) = call(fake, "GET", "me/accounts", long["access_token"], fields=fields)["data"]
    assert (page["id"], page["instagram_business_account"]["id"]) == (fake.page_id, fake.ig_user_id)
    assert "CREATE_CONTENT" in page["tasks"]
    fake.world.clock.advance(days=61)
    assert code(call(fake, "GET", "me", long["access_token"])) == (190, 463)
    assert call(fake, "POST", f"{fake.page_id}/feed", page["access_token"], message="x")["id"]
    assert debug(fake, page["access_token"])["expires_at"] == 0


def test_the_page_token_of_a_short_token_dies_with_it(fake: GraphFake) -> None:
    (page,) = call(fake, "GET", f"{fake.user_id}/accounts", fake.short_token())["data"]
    fake.world.clock.advance(hours=1)
    assert code(call(fake, "POST", f"{fake.page_id}/feed", page["access_token"], message="x")) == (190, 463)


WRONG_EXCHANGES = [
    ({"client_secret": "wrong"}, 1),
    ({"client_id": "1"}, 101),
    ({"fb_exchange_token": "unknown"}, 190),
    ({"grant_type": "password"}, 100),
    ({"scope": "x"}, 100),
]


@pytest.mark.parametrize(("changes", "wanted"), WRONG_EXCHANGES, ids=str)
def test_exchanges_that_meta_refuses(fake: GraphFake, changes: dict[str, str], wanted: int) -> None:
    assert code(exchange(fake, fake.short_token(), **changes))[0] == wanted


def test_what_has_ended_is_not_exchanged(fake: GraphFake) -> None:
    short = fake.short_token()
    fake.world.clock.advance(hours=2)
    assert code(exchange(fake, short)) == (190, 463)
    assert code(exchange(fake, fake.page_token)) == (190, None)


def test_a_system_user_gets_sixty_days_when_it_asks_for_them(fake: GraphFake) -> None:
    assert "expires_in" not in exchange(fake, fake.system_token)
    made = exchange(fake, fake.system_token, set_token_expires_in_60_days="true")
    assert made["expires_in"] == DAYS_60
    assert debug(fake, made["access_token"])["type"] == "SYSTEM_USER"


def test_a_system_user_needs_the_token_of_the_page(fake: GraphFake) -> None:
    refused = call(fake, "POST", f"{fake.page_id}/feed", fake.system_token, message="x", published="false")
    assert code(refused) == (200, None)
    assert "as the page itself" in refused["error"]["message"]
    made = publish(fake, "x")
    refused = call(fake, "DELETE", made, fake.system_token)
    assert "Page token is required" in refused["error"]["message"]
    assert code(call(fake, "GET", f"{fake.page_id}/scheduled_posts", fake.system_token)) == (210, None)
    fields = "name,access_token,instagram_business_account"
    page = call(fake, "GET", fake.page_id, fake.system_token, fields=fields)
    assert page["instagram_business_account"]["id"] == fake.ig_user_id
    assert call(fake, "DELETE", made, page["access_token"]) == {"success": True}


def test_debug_token_of_a_good_one(fake: GraphFake) -> None:
    seen = debug(fake, fake.user_token)
    now = fake.world.clock().timestamp()
    assert (seen["type"], seen["is_valid"], seen["user_id"]) == ("USER", True, fake.user_id)
    assert seen["expires_at"] == pytest.approx(now + DAYS_60, abs=5)
    assert seen["data_access_expires_at"] == pytest.approx(now + 90 * 86400, abs=5)
    granted = {row["scope"]: row["target_ids"] for row in seen["granular_scopes"]}
    assert granted["pages_manage_posts"] == [fake.page_id]
    assert granted["instagram_content_publish"] == [fake.ig_user_id]
    assert set(granted) == set(seen["scopes"])
    page = debug(fake, fake.page_token)
    assert (page["type"], page["profile_id"], page["expires_at"]) == ("PAGE", fake.page_id, 0)


@pytest.mark.parametrize("subcode", [458, 459, 460, 463, 464, 467, 492])
def test_every_end_of_a_token(fake: GraphFake, subcode: int) -> None:
    fake.expire(fake.page_token, subcode)
    assert code(call(fake, "POST", f"{fake.page_id}/feed", message="x")) == (190, subcode)
    seen = debug(fake, fake.page_token)
    assert (seen["is_valid"], seen["error"]["code"], seen["error"]["subcode"]) == (False, 190, subcode)


def test_debug_token_of_what_is_no_token_and_by_who_may_not(fake: GraphFake) -> None:
    for unknown in ("unknown", fake.ig_login_token):
        seen = debug(fake, unknown)
        assert (seen["is_valid"], seen["error"]["code"]) == (False, 190)
    answer = bare("GET", f"{fake.url}/v26.0/debug_token", fake.user_token, input_token=fake.user_token)
    assert code(answer) == (190, None)


def test_what_a_person_withdraws_ends_the_tokens_of_pages_too(fake: GraphFake) -> None:
    (page,) = call(fake, "GET", "me/accounts", fake.user_token)["data"]
    (other,) = call(fake, "GET", "me/accounts", fake.system_token)["data"]
    fake.withdraw(458)
    assert code(call(fake, "GET", fake.page_id, page["access_token"])) == (190, 458)
    assert call(fake, "GET", fake.page_id, other["access_token"])["id"] == fake.page_id


SCOPES = [
    ("POST", "{page}/feed", "pages_manage_posts", 200, {"message": "x"}),
    ("POST", "{page}/photos", "pages_manage_posts", 200, {}),
    ("GET", "{page}/published_posts", "pages_read_engagement", 10, {}),
    ("GET", "{post}", "pages_read_engagement", 10, {}),
    ("DELETE", "{post}", "pages_manage_posts", 200, {}),
    ("POST", "{post}", "pages_manage_posts", 200, {"message": "y"}),
    ("POST", "{post}/comments", "pages_manage_engagement", 200, {"message": "y"}),
    ("POST", "{ig}/media", "instagram_content_publish", 10, {"image_url": "x"}),
    ("POST", "{ig}/media_publish", "instagram_content_publish", 10, {"creation_id": "1"}),
    ("GET", "{ig}/media", "instagram_basic", 10, {}),
]


@pytest.mark.parametrize(("method", "path", "scope", "wanted", "params"), SCOPES, ids=str)
def test_each_call_needs_its_scope(
    fake: GraphFake, method: str, path: str, scope: str, wanted: int, params: dict[str, str]
) -> None:
    path = path.format(page=fake.page_id, ig=fake.ig_user_id, post=publish(fake, "x"))
    token = fake.token(fake.page_token)
    token.granular[scope] = {"999"}  # granted, but for another page
    assert code(call(fake, method, path, fake.page_token, **params)) == (wanted, None)
    token.granular.clear()
    token.scopes -= {scope}
    assert code(call(fake, method, path, fake.page_token, **params)) == (wanted, None)
    assert len(fake.visible_posts()) == 1


def test_tasks_on_the_page(fake: GraphFake) -> None:
    post = publish(fake, "x")
    fake.token(fake.page_token).tasks = ("MODERATE",)
    assert code(call(fake, "POST", f"{fake.page_id}/feed", message="y")) == (200, None)
    assert call(fake, "POST", f"{post}/comments", message="y")["id"]
    fake.token(fake.page_token).tasks = ("CREATE_CONTENT",)
    assert code(call(fake, "POST", f"{post}/comments", message="y")) == (200, None)


@pytest.mark.parametrize("wanted", [100, 104])
def test_a_proof_that_is_asked_for(fake: GraphFake, wanted: int) -> None:
    """Meta's known answer: APPSECRET signs TOKEN."""
    fake.world.app_secret, fake.world.proof_code = "APPSECRET", wanted
    proof = "e697d0006554740ddfffab3f4406f3cef626ca5483a5c58b72a31941c9f40655"
    assert proof_of("APPSECRET", "TOKEN") == proof
    fake.world.tokens["TOKEN"] = fake.token(fake.page_token)
    feed = f"{fake.page_id}/feed"
    for wrong in ({}, {"appsecret_proof": "0" * 64}):
        assert code(call(fake, "POST", feed, "TOKEN", message="x", **wrong)) == (wanted, None)
    assert call(fake, "POST", feed, "TOKEN", message="x", appsecret_proof=proof)["id"]


def test_nobody_reads_what_is_not_theirs(fake: GraphFake) -> None:
    made = schedule(fake, "x")
    assert code(call(fake, "GET", made, fake.ig_token)) == (100, 33)
    assert code(call(fake, "GET", fake.system_user_id, fake.user_token)) == (100, 33)


# --- Instagram Login ------------------------------------------------------------------------------------------


def login(fake: GraphFake, code_: str, **changes: str) -> dict[str, Any]:
    params = {"client_id": fake.world.app_id, "client_secret": fake.world.secret, "code": code_}
    params |= {"grant_type": "authorization_code", "redirect_uri": "https://lettre.example.org/"}
    return bare("POST", f"{fake.login_url}/oauth/access_token", **params | changes)


def lengthen(fake: GraphFake, token: str, secret: str = "") -> dict[str, Any]:
    params = {"grant_type": "ig_exchange_token", "client_secret": secret or fake.world.secret}
    return bare("GET", f"{fake.instagram_url}/access_token", access_token=token, **params)


def refresh(fake: GraphFake, token: str) -> dict[str, Any]:
    url = f"{fake.instagram_url}/refresh_access_token"
    return bare("GET", url, access_token=token, grant_type="ig_refresh_token")


@pytest.mark.parametrize("shape", ["flat", "data"])
def test_from_a_log_in_to_sixty_days_and_sixty_more(fake: GraphFake, shape: str) -> None:
    fake.world.tokens.login_shape = shape
    answer = login(fake, fake.login_code() + "#_")
    short = answer if shape == "flat" else answer["data"][0]
    assert short["user_id"] == fake.ig_user_id
    assert isinstance(short["permissions"], list if shape == "flat" else str)
    assert code(refresh(fake, short["access_token"])) == (100, None)
    long = lengthen(fake, short["access_token"])
    assert (long["token_type"], long["expires_in"]) == ("bearer", DAYS_60)
    assert code(refresh(fake, long["access_token"])) == (100, None)  # not a day old
    fake.world.clock.advance(days=59)
    newer = refresh(fake, long["access_token"])
    fake.world.clock.advance(days=2)
    assert code(refresh(fake, long["access_token"])) == (190, 463)
    assert call(fake, "GET", "me", newer["access_token"], fake.instagram_url, fields="user_id")["user_id"]


def test_log_ins_that_instagram_refuses(fake: GraphFake) -> None:
    used = fake.login_code()
    login(fake, used)
    wrong = ({"client_secret": "x"}, {"redirect_uri": ""}, {"grant_type": "x"}, {"client_id": "1"})
    for answer in [login(fake, used), login(fake, "never"), *(login(fake, fake.login_code(), **one) for one in wrong)]:
        assert (answer["error_type"], answer["code"]) == ("OAuthException", 400)
    assert code(lengthen(fake, fake.ig_login_token)) == (452, None)
    assert code(lengthen(fake, fake.ig_login_token, "wrong")) == (1, None)


def test_a_refresh_needs_its_permission(fake: GraphFake) -> None:
    fake.world.clock.advance(days=2)
    fake.token(fake.ig_login_token).scopes = frozenset()
    assert code(refresh(fake, fake.ig_login_token)) == (10, None)


def test_the_date_header_follows_the_fake_and_its_skew(fake: GraphFake) -> None:
    fake.world.skew = timedelta(minutes=5)
    answer = HTTP.get(f"{fake.url}/v26.0/me", timeout=5)
    ahead = parsedate_to_datetime(answer.headers["Date"]) - fake.world.clock()
    assert timedelta(minutes=4, seconds=55) < ahead <= timedelta(minutes=5)
