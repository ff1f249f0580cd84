"""Tokens against the stateful fake of Meta: exchanged, prolonged, examined; and no secret in what is said or logged."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.graph_fake import GraphFake
from tests.support.graph_tokens import IG_LOGIN_SCOPES
from veille.errors import NotAuthorised, PublishError
from veille_publishers.graph_login import FacebookLogin, InstagramLogin, Watch
from veille_publishers.http import session

DAY = timedelta(days=1)
WRONG = "wrong-secret-canary"


def facebook(fake: GraphFake, secret: str = "", app_id: str = "") -> FacebookLogin:
    return FacebookLogin(session(), fake.url, "v26.0", app_id or fake.world.app_id, secret or fake.world.secret)


def instagram(fake: GraphFake, secret: str = "", *, in_query: bool = False) -> InstagramLogin:
    chosen = secret or fake.world.secret
    urls = (fake.instagram_url, "v26.0", fake.login_url)
    return InstagramLogin(session(), *urls, fake.world.app_id, chosen, in_query)


def about(days: int) -> object:
    return pytest.approx(days * DAY, abs=timedelta(seconds=5))


def test_a_short_token_becomes_a_long_one_and_that_of_the_page(fake: GraphFake) -> None:
    fake.world.app_secret = fake.world.secret  # every read must be signed
    short = fake.short_token()
    login = facebook(fake)
    long = login.prolonged(short)
    assert long.expires_in == about(60)
    (page,) = login.pages(long.token, accounts=True)
    assert login.pages(long.token)[0].instagram_id == ""
    assert login.name(page.token, fake.page_id) == page.name
    assert (page.id, page.instagram_id) == (fake.page_id, fake.ig_user_id)
    assert "CREATE_CONTENT" in (page.tasks or ())
    told = login.told(page.token)
    assert (told.valid, told.kind, told.expires_at) == (True, "PAGE", None)
    assert told.targets["pages_manage_posts"] == {fake.page_id}
    assert "pages_manage_posts" in told.scopes
    assert login.page(long.token, fake.page_id).token == page.token
    assert login.account(page.token, fake.ig_user_id).name


def test_many_pages_are_listed_to_the_last(fake: GraphFake) -> None:
    from tests.support.graph_world import PageInfo

    numbers = [str(500000000000000 + n) for n in range(130)]
    fake.world.pages |= {number: PageInfo(name=f"Page {number}") for number in numbers}
    fake.token(fake.user_token).targets |= set(numbers)
    assert [page.id for page in facebook(fake).pages(fake.user_token)] == sorted([fake.page_id, *numbers])


def test_a_system_user_gives_the_page_token_and_sixty_more_days(fake: GraphFake) -> None:
    login = facebook(fake)
    assert login.told(fake.system_token).kind == "SYSTEM_USER"
    assert login.told(fake.system_token).expires_at is None
    page = login.page(fake.system_token, fake.page_id)
    assert login.told(page.token).kind == "PAGE"
    assert login.prolonged(fake.system_token, sixty_days=True).expires_in == about(60)


def test_what_ended_is_told_and_not_raised(fake: GraphFake) -> None:
    fake.expire(fake.page_token, 460)
    told = facebook(fake).told(fake.page_token)
    assert (told.valid, told.why) == (False, "the password was changed, so our access ended")
    assert facebook(fake).told("EAAnonsense").valid is False


@pytest.mark.parametrize("call", ["prolonged", "told"])
@pytest.mark.parametrize("wrong", ["secret", "app"])
def test_an_app_that_meta_does_not_know_is_said_so(fake: GraphFake, call: str, wrong: str) -> None:
    login = facebook(fake, WRONG if wrong == "secret" else "", "99" if wrong == "app" else "")
    with pytest.raises(NotAuthorised, match="does not know this app") as refused:
        getattr(login, call)(fake.user_token)
    assert "App settings" in (refused.value.hint or "")


def test_an_expired_token_cannot_be_exchanged(fake: GraphFake) -> None:
    short = fake.short_token()
    fake.world.clock.advance(hours=2)
    with pytest.raises(NotAuthorised, match="expired"):
        facebook(fake).prolonged(short)


@pytest.mark.parametrize("shape", ["flat", "data"])
def test_a_code_of_instagram_becomes_a_token_of_sixty_days(fake: GraphFake, shape: str) -> None:
    fake.world.tokens.login_shape = shape
    login = instagram(fake)
    short = login.redeemed(fake.login_code(), "https://example.org/back")
    assert (short.user_id, short.permissions) == (fake.ig_user_id, IG_LOGIN_SCOPES)
    long = login.prolonged(short.token)
    assert long.expires_in == about(60)
    assert login.me(long.token).id == fake.ig_user_id
    with pytest.raises(NotAuthorised, match="does not accept this code"):
        login.redeemed("AQused", "https://example.org/back")
    with pytest.raises(PublishError):
        login.prolonged(long.token)


def test_a_token_of_instagram_is_renewed_from_its_second_day_on(fake: GraphFake) -> None:
    login = instagram(fake)
    with pytest.raises(PublishError):
        login.renewed(fake.ig_login_token)
    fake.world.clock.advance(days=30)
    renewed = login.renewed(fake.ig_login_token)
    fake.world.clock.advance(days=40)
    assert login.me(renewed.token).id == fake.ig_user_id
    with pytest.raises(NotAuthorised, match="expired"):
        login.me(fake.ig_login_token)


def test_the_token_is_a_parameter_where_instagram_takes_no_header(fake: GraphFake) -> None:
    fake.world.instagram_takes_header = False
    with pytest.raises(PublishError):
        instagram(fake).me(fake.ig_login_token)
    assert instagram(fake, in_query=True).me(fake.ig_login_token).id == fake.ig_user_id
    fake.world.clock.advance(days=2)
    assert instagram(fake).renewed(fake.ig_login_token).token


def test_the_clock_is_held_against_that_of_meta(fake: GraphFake) -> None:
    http = session()
    login = FacebookLogin(http, fake.url, "v26.0", fake.world.app_id, fake.world.secret)
    watch = Watch(http, lambda: datetime.now(UTC) + timedelta(seconds=90))
    login.told(fake.page_token)
    assert watch.skew is not None
    assert 88 < watch.skew.total_seconds() < 93


def test_no_secret_is_in_errors_logs_or_values(fake: GraphFake, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    short, said = fake.short_token(), []
    good, login = facebook(fake), instagram(fake)
    said += [repr(good), repr(login), repr(good.prolonged(short)), repr(good.pages(short))]
    said += [repr(login.redeemed(fake.login_code(), "https://example.org/back"))]
    tries = (
        lambda: facebook(fake, WRONG).prolonged(short),
        lambda: facebook(fake, WRONG).told(short),
        lambda: good.pages("EAAunknown-canary"),
        lambda: good.prolonged("EAAunknown-canary"),
        lambda: login.me("EAAunknown-canary"),
        lambda: login.renewed("EAAunknown-canary"),
        lambda: instagram(fake, WRONG).prolonged("EAAunknown-canary"),
        lambda: login.redeemed("AQcode-canary", "https://example.org/back"),
        lambda: FacebookLogin(session(), "http://127.0.0.1:1", "v26.0", "1", WRONG).told("EAAunknown-canary"),
        lambda: InstagramLogin(session(), "", "", "http://127.0.0.1:1", "1", WRONG).redeemed("AQcode-canary", "x"),
    )
    for attempt in tries:
        with pytest.raises(PublishError) as refused:
            attempt()
        said += [repr(refused.value), refused.value.detail, refused.value.hint or ""]
        assert refused.value.__cause__ is None or "canary" not in repr(refused.value.__cause__)
    told = " ".join((*said, caplog.text))
    assert "GET /v26.0/debug_token" in caplog.text
    secrets = ("canary", fake.world.secret, short, *fake.world.tokens)
    assert [secret for secret in secrets if secret in told] == []
