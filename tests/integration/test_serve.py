"""`veille serve` over a real socket: signing up, choosing, leaving, being erased."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.support.site_desk import Site, running
from tests.support.workspace import TOML
from veille.tokens import Purpose

MULTIPART = '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("site")) as running_site:
        yield running_site


# subscribing


def test_from_the_form_to_the_letter_and_out_again(site: Site) -> None:
    address = "amel@example.org"
    assert "Look in your mailbox" in site.subscribe(address, towns=["bagneux", "nowhere"], audience="young").text
    link = site.link(address)
    for _scanner in range(3):
        assert "<button" in site.get(link).text
    assert not site.subscribed(address)
    done = site.post(link)
    assert "You are subscribed" in done.text
    assert site.subscribed(address)
    [row] = [row for row in site.room.subscribers.export() if row["email"] == address]
    assert (row["towns"], row["audience"]) == ("bagneux", "young")
    assert "web form" in row["consent"]
    assert len(row["consent_text"]) == 16
    assert "used before" in site.post(link).text


def test_the_mail_is_neutral_and_has_one_link(site: Site) -> None:
    site.subscribe("neutral@example.org", towns=["bagneux"], audience="families")
    [mail] = [mail for mail in site.mails() if mail["To"] == "neutral@example.org"]
    assert mail["From"] == "Essai <letter@example.org>"
    assert mail["Subject"] == "Essai: one press to confirm"
    for part in ("plain", "html"):
        text = mail.get_body((part,)).get_content()
        assert text.count("https://letter.example.org/c/") == text.count("http") == 1
        assert "neutral@" not in text
        assert "bagneux" not in text.lower()
    assert not any(name.lower().startswith("list-") for name in mail)


@pytest.mark.parametrize("who", ["new", "reader", "waiting", "left"])
def test_the_answer_is_the_same_byte_for_byte_whoever_asks(site: Site, who: str) -> None:
    address = f"{who}@example.org"
    if who == "waiting":
        site.subscribe(address)
    if who in ("reader", "left"):
        links = site.reader(address)
        if who == "left":
            site.post(links[Purpose.UNSUBSCRIBE])
    answer = site.subscribe(address)
    unknown = site.subscribe(f"other-{who}@example.org")
    assert (answer.status_code, answer.text) == (200, unknown.text)
    left_out = ("date",)
    assert {k: v for k, v in answer.headers.items() if k not in left_out} == {
        k: v for k, v in unknown.headers.items() if k not in left_out
    }


def test_a_program_that_fills_in_everything_gets_the_same_words_and_nothing_else(site: Site) -> None:
    person = site.subscribe("person@example.org").text
    before = len(site.mails())
    assert site.subscribe("robot@example.org", website="https://spam.example").text == person
    assert len(site.mails()) == before


@pytest.mark.parametrize("stamp", ["", "0.0", "zz.é", "1a2029afd6b." + "0" * 32])
def test_a_form_of_another_site_is_shown_again_with_a_stamp(site: Site, stamp: str) -> None:
    before = len(site.mails())
    answer = site.post("/subscribe/", {"email": "paste@example.org", "stamp": stamp}, Origin="https://town.example")
    assert answer.status_code == 200
    assert 'value="paste@example.org"' in answer.text
    assert 'name="stamp"' in answer.text
    assert len(site.mails()) == before


def test_a_form_that_comes_back_too_soon_or_too_late_is_shown_again(site: Site) -> None:
    stamp = site.stamp()
    site.now -= timedelta(seconds=9)
    assert "once more" in site.post("/subscribe/", {"email": "quick@example.org", "stamp": stamp}).text
    site.now += timedelta(hours=25)
    assert "once more" in site.post("/subscribe/", {"email": "quick@example.org", "stamp": stamp}).text


def test_what_is_missing_is_said_beside_the_field(site: Site) -> None:
    answer = site.subscribe('<script>alert(1)</script>"@example')
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert "<script>" not in answer.text
    assert "<title>To put right:" in answer.text


def test_many_posts_of_one_address_are_one_mail(tmp_path: Path) -> None:
    with running(tmp_path, {"VEILLE_SERVE__PER_CLIENT": "1000/h"}) as site:
        stamp = site.stamp()
        answers = [site.post("/subscribe/", {"email": "one@example.org", "stamp": stamp}) for _n in range(12)]
        assert {answer.status_code for answer in answers} == {200}
        assert len(site.mails()) == 1


def test_too_many_from_one_client_are_refused_and_proxies_are_believed_only_when_trusted(tmp_path: Path) -> None:
    with running(tmp_path, {"VEILLE_SERVE__PER_CLIENT": "2/h"}) as site:
        statuses = [
            site.post(
                "/subscribe/", {"email": f"r{n}@example.org", "stamp": site.stamp()}, X_Forwarded_For=f"192.0.2.{n}"
            ).status_code
            for n in range(3)
        ]
        assert statuses == [200, 200, 429]


def test_behind_a_trusted_proxy_each_client_has_its_own_limit(tmp_path: Path) -> None:
    environ = {"VEILLE_SERVE__PER_CLIENT": "1/h", "VEILLE_SERVE__TRUSTED_PROXIES": "127.0.0.0/8"}
    with running(tmp_path, environ) as site:

        def ask(n: int, forwarded: str) -> int:
            fields = {"email": f"r{n}@example.org", "stamp": site.stamp()}
            return site.post("/subscribe/", fields, X_Forwarded_For=forwarded).status_code

        assert ask(1, "192.0.2.1") == 200
        assert ask(2, "192.0.2.2") == 200
        assert ask(3, "203.0.113.9, 192.0.2.1") == 429  # what the client itself claims does not count
        assert ask(4, "2001:db8:0:1::5") == 200
        assert ask(5, "2001:db8:0:1:ffff::6") == 429
        secure = site.get("/", X_Forwarded_Proto="https")
        assert "Strict-Transport-Security" in secure.headers


def test_too_many_in_all_raise_an_alarm(tmp_path: Path) -> None:
    with running(tmp_path, {"VEILLE_SERVE__PER_HOUR": "2"}) as site:
        answers = [site.subscribe(f"r{n}@example.org") for n in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 503, 503]
        assert answers[-1].headers["Retry-After"] == "3600"
        assert len([words for words in site.alarms if "per_hour" in words]) == 1


def test_under_fifteen_both_agree_where_the_newsroom_asks(tmp_path: Path) -> None:
    toml = TOML.replace("send_window", 'minors = "parental_joint_consent"\nsend_window')
    with running(tmp_path, toml=toml) as site:
        assert "15 or older" in site.get("/subscribe/").text
        assert site.subscribe("kid@example.org").status_code == 422
        shown = site.subscribe("kid@example.org", fifteen="no")
        assert shown.status_code == 422
        assert 'name="parent"' in shown.text
        assert "birth" not in shown.text
        assert site.mails() == []
        assert site.subscribe("kid@example.org", fifteen="no", parent="yes").status_code == 200
        site.post(site.link("kid@example.org"))
        [row] = site.room.subscribers.export()
        assert row["age"] == "under-15"
        assert "parent" in row["parental_consent"]


# a reader's own page


def test_preferences_are_kept_and_leave_the_address_out(site: Site) -> None:
    links = site.reader("prefs@example.org")
    own = links[Purpose.PREFERENCES]
    page = site.get(own).text
    assert "prefs@" not in page
    assert " checked" not in page.replace('value="" checked', "")
    fields = {"towns": ["bagneux", "atlantis"], "audience": "families", "language": "en", "text_only": "yes"}
    assert "kept" in site.post(own, fields).text
    [row] = [row for row in site.room.subscribers.export() if row["email"] == "prefs@example.org"]
    assert (row["towns"], row["audience"], row["language"], row["text_only"]) == ("bagneux", "families", "en", "true")
    held = site.post(f"{own}/export")
    assert held.json()["reader"]["email"] == "prefs@example.org"
    assert "attachment" in held.headers["Content-Disposition"]
    assert held.headers["Cache-Control"] == "no-store"


def test_erasing_asks_once_and_is_done(site: Site) -> None:
    links = site.reader("forget@example.org")
    own = links[Purpose.PREFERENCES]
    assert "<button" in site.post(f"{own}/erase").text
    assert site.subscribed("forget@example.org")
    assert "Erased" in site.post(f"{own}/erase", {"sure": "yes"}).text
    for path in (site.room.config.outbox_dir / "outbox.sqlite3", site.room.config.outbox_dir / "outbox.sqlite3-wal"):
        assert not path.exists() or b"forget@example.org" not in path.read_bytes()
    assert site.get(own).status_code == 410


# leaving


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
        (MULTIPART, "multipart/form-data; boundary=x"),
        ("", ""),
    ],
)  # fmt: skip
def test_one_click_needs_no_cookie_redirect_or_login_and_may_come_twice(site: Site, body: str, kind: str) -> None:
    address = f"click{len(body)}@example.org"
    link = site.reader(address)[Purpose.UNSUBSCRIBE]
    assert "<button" in site.get(link).text
    assert site.subscribed(address)
    headers = {"Content_Type": kind, "Origin": "https://mail.example", "Sec_Fetch_Site": "cross-site"}
    first, second = (site.post(link, body, **headers) for _time in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.text == second.text
    assert "Set-Cookie" not in first.headers
    assert not site.subscribed(address)


@hypothesis_settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_forged_flipped_or_swapped_token_does_anything(site: Site, data: st.DataObject) -> None:
    address = "victim@example.org"
    links = _victim(site, address)
    purpose = data.draw(st.sampled_from(list(Purpose)))
    token = links[data.draw(st.sampled_from(list(Purpose)))].rpartition("/")[2]
    at = data.draw(st.integers(0, len(token) - 1))
    sign = data.draw(st.sampled_from("0123456789abcdefghijklmnopqrstuvwxyzABCXYZ_-"))
    forged = token[:at] + sign + token[at + 1 :]
    own = {link.rpartition("/")[2]: made for made, link in links.items()}
    if own.get(forged) is purpose:
        return
    for path in (f"/{purpose}/{forged}", f"/p/{forged}/export", f"/p/{forged}/erase"):
        if own.get(forged) is Purpose.PREFERENCES and path.startswith("/p/"):
            continue
        answer = site.post(path, {"sure": "yes"})
        assert answer.status_code == 404
    assert site.subscribed(address)


def _victim(site: Site, address: str) -> dict[Purpose, str]:
    found: dict[Purpose, str] | None = getattr(site, "victim", None)
    if found is None:
        found = site.reader(address)
        site.victim = found  # type: ignore[attr-defined]
    return found


def test_every_bad_link_leads_to_one_and_the_same_page(site: Site) -> None:
    texts = {
        site.get(f"/{purpose}/{token}").text for purpose in "upc" for token in ("x", "1u1-" + "A" * 20, "%00", "é")
    }
    assert len(texts) == 1
