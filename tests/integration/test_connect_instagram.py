"""`veille connect instagram`: through the page, or with a login of its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.connect_desk import Desk, data, name
from tests.support.graph_fake import GraphFake
from tests.support.graph_tokens import IG_LOGIN_SCOPES
from veille.config import load


@pytest.fixture
def desk(tmp_path: Path, fake: GraphFake, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, fake, monkeypatch)


ADDRESS = "https://example.org/back?code={code}%23_#_"


def test_instagram_follows_from_the_page_without_another_question(desk: Desk, fake: GraphFake) -> None:
    desk.veille("connect", "facebook", "--write", typed=(*desk.app, fake.short_token()))
    ran = desk.veille("connect", "instagram", "--write", "--login", "facebook", typed=())
    assert ran.exit_code == 0, ran.output
    kept = desk.kept()
    assert kept[name("instagram", "user_token")] == kept[name("facebook", "user_token")]
    assert load(desk.root, dict(os.environ)).settings.instagram.user_id == fake.ig_user_id
    assert "[instagram]" in desk.toml()
    fake.expire(kept[name("instagram", "access_token")], 460)
    assert desk.veille("connect", "instagram", "--check", typed=None).exit_code == 1
    assert desk.veille("connect", "facebook", typed=(fake.short_token(),)).exit_code == 0
    again = desk.veille(
        "connect", "instagram", "--login", "facebook", typed=()
    )  # with the new access, not with its own old one
    assert again.exit_code == 0, again.output
    assert "nothing to paste" in again.output


def test_a_page_without_an_account_is_said_so(desk: Desk, fake: GraphFake) -> None:
    fake.world.pages[fake.page_id].instagram = ""
    ran = desk.scripted("instagram", token=fake.short_token(), INSTAGRAM__APP_SECRET=desk.app[1])
    assert ran.exit_code == 1
    assert "professional Instagram account" in ran.output


Paste = Callable[[GraphFake], str]


@pytest.mark.parametrize(
    "paste",
    [lambda fake: fake.ig_login_token, lambda fake: ADDRESS.format(code=fake.login_code())],
    ids=["token", "address"],
)
def test_an_account_without_a_page_gives_its_own_token(desk: Desk, fake: GraphFake, paste: Paste) -> None:
    hosts = {"INSTAGRAM__API_URL": fake.instagram_url, "INSTAGRAM__OAUTH_URL": fake.login_url}
    pasted = paste(fake)
    app = desk.app if pasted.startswith("https") else ()
    ran = desk.veille("connect", "instagram", "--write", typed=("no", pasted, *app), **hosts)
    assert ran.exit_code == 0, ran.output
    token = fake.token(desk.kept()[name("instagram", "access_token")])
    assert (token.kind, token.scopes) == ("ig", IG_LOGIN_SCOPES)
    assert 'login = "instagram"' in desk.toml()
    live = {**hosts, "INSTAGRAM__TRANSPORT": "graph"}
    (access,) = data(desk.veille("status", "--json", typed=None, **live))["access"]
    assert access["days_left"] == (60 if app else None)
    assert [secret for secret in (pasted, *desk.kept().values()) if secret in ran.output] == []


def test_a_host_that_takes_no_header_gets_the_token_as_a_parameter(desk: Desk, fake: GraphFake) -> None:
    fake.world.instagram_takes_header = False
    hosts = {"INSTAGRAM__API_URL": fake.instagram_url, "INSTAGRAM__OAUTH_URL": fake.login_url}
    ran = desk.veille("connect", "instagram", "--write", typed=("no", fake.ig_login_token), **hosts)
    assert ran.exit_code == 0, ran.output
    assert 'token_in = "query"' in desk.toml()
    assert desk.veille("connect", "instagram", "--check", typed=None, **hosts).exit_code == 0


def test_a_personal_account_and_a_used_code_are_refused(desk: Desk, fake: GraphFake) -> None:
    hosts = {"INSTAGRAM__API_URL": fake.instagram_url, "INSTAGRAM__OAUTH_URL": fake.login_url}
    values = {**hosts, "INSTAGRAM__APP_ID": desk.app[0], "INSTAGRAM__APP_SECRET": desk.app[1]}
    used = desk.scripted("instagram", "--login", "instagram", token=ADDRESS.format(code="AQused"), **values)
    assert used.exit_code == 1
    assert "a code works once" in used.output
    bare = desk.scripted("instagram", "--login", "instagram", token="https://example.org/back?error=denied", **values)
    assert "code=" in bare.output
    other = desk.scripted("instagram", "--login", "instagram", "--page", "1", token=fake.ig_login_token, **values)
    assert (other.exit_code, desk.kept()) == (1, {})
