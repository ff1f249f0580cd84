"""What `veille serve` refuses, whom it makes wait, and what keeps its pages and its log from telling."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.site_desk import Site, running
from veille.outbox import database
from veille.tokens import Purpose
from veille_web.site.routes import ADDRESSES, openapi


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("site")) as running_site:
        yield running_site


# who may not


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/p/x", {"Sec_Fetch_Site": "cross-site"}, 403),
        ("/p/x", {"Sec_Fetch_Site": "same-site"}, 403),
        ("/p/x", {"Origin": "https://evil.example"}, 403),
        ("/p/x/erase", {"Origin": "https://letter.example.org.evil.example"}, 403),
        ("/c/x", {"Origin": "https://evil.example"}, 403),
        ("/subscribe/../p/x", {"Origin": "https://evil.example"}, 403),
        ("/p/x", {"Sec_Fetch_Site": "same-origin", "Origin": "null"}, 404),
        ("/p/x", {"Sec_Fetch_Site": "none"}, 404),
        ("/p/x", {"Origin": "https://letter.example.org"}, 404),
        ("/p/x", {"Origin": "null"}, 404),
        ("/p/x", {}, 404),
        ("/u/x", {"Origin": "https://mail.example", "Sec_Fetch_Site": "cross-site"}, 404),
        ("/subscribe/", {"Origin": "https://town.example", "Sec_Fetch_Site": "cross-site"}, 200),
    ],
)
def test_forms_of_other_sites(site: Site, path: str, headers: dict[str, str], status: int) -> None:
    assert site.post(path, {"email": "x@example.org"}, **headers).status_code == status


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("letter.example.org", 200),
        ("LETTER.example.org:443", 200),
        ("127.0.0.1:9", 200),
        ("localhost", 200),
        ("evil.example", 421),
        ("letter.example.org.evil.example", 421),
        ("letter.example.org@evil.example", 421),
        ("", 421),
    ],
)
def test_only_requests_that_are_meant_for_us(site: Site, host: str, status: int) -> None:
    answer = site.get("/", Host=host)
    assert answer.status_code == status
    assert ("Strict-Transport-Security" in answer.headers) is (host.lower().partition(":")[0] == "letter.example.org")
    assert site.get("/healthz", Host="10.0.0.7").json() == {"status": "ok"}


def test_a_body_that_is_too_long_is_refused_however_it_comes(site: Site) -> None:
    assert site.post("/subscribe/", "email=" + "x" * 17_000).status_code == 413
    assert site.post("/subscribe/", (b"x" * 1000 for _n in range(20))).status_code == 413
    assert site.post("/subscribe/", "&".join(f"a{n}=1" for n in range(100))).status_code == 400
    assert site.post("/subscribe/", b"email=%ff\xff").status_code == 400


def test_every_page_carries_the_headers_that_keep_browsers_safe(site: Site) -> None:
    own = site.reader("headers@example.org")[Purpose.PREFERENCES]
    for path in ("/", "/subscribe/", own, "/c/x", "/nowhere", "/posts/velos/", "/healthz", "/posts"):
        headers = site.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "geolocation=()" in headers["Permissions-Policy"]
        assert "Set-Cookie" not in headers
        assert "server" not in headers
    for path in ("/subscribe/", own, "/c/x"):
        assert site.get(path).headers["Cache-Control"] == "no-store"
        assert "noindex" in site.get(path).headers["X-Robots-Tag"]


def test_pages_hold_nothing_that_the_policy_forbids(site: Site) -> None:
    own = site.reader("inline@example.org")[Purpose.PREFERENCES]
    for path in ("/subscribe/", own, f"{own}/erase"):
        text = site.get(path).text
        assert "style=" not in text
        assert "<script" not in text
        assert "http" not in text
        for asset in {part.partition('"')[0] for part in text.split('rel="stylesheet" href="')[1:]}:
            assert site.get(asset).status_code == 200
            assert "immutable" in site.get(asset).headers["Cache-Control"]


def test_no_address_and_no_token_in_any_log(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    site.subscribe("secret.logged@example.org")
    link = site.link("secret.logged@example.org")
    site.post(link)
    site.get("/subscribe/?email=secret.logged@example.org")
    site.get("/secret.logged@example.org")
    site.post("/subscribe/", {"email": "secret.logged@", "stamp": site.stamp()})
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("urllib3")]
    assert any("/c/TOKEN 200" in line for line in ours)
    assert [line for line in [*ours, *site.alarms] if "secret.logged" in line or link[3:] in line] == []


def _hold(folder: Path) -> Any:
    """Take the write lock, with the very SQLite that the site uses: two copies of it in one process see no lock."""
    holder = database.driver().connect(folder / "outbox" / "outbox.sqlite3", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    return holder


def test_an_outbox_that_somebody_holds_is_a_moment_please(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_MS", 200)
    with running(tmp_path) as site:
        link = site.reader("locked@example.org")[Purpose.UNSUBSCRIBE]
        holder = _hold(tmp_path)
        try:
            answer = site.post(link)
            assert answer.status_code == 503
            assert answer.headers["Retry-After"] == "30"
            assert site.get("/posts/velos/").status_code == 200
        finally:
            holder.execute("ROLLBACK")
            holder.close()
        assert site.post(link).status_code == 200


def test_other_pages_do_not_wait_for_the_database(tmp_path: Path) -> None:
    with running(tmp_path) as site:
        link = site.reader("slow@example.org")[Purpose.UNSUBSCRIBE]
        holder = _hold(tmp_path)
        found: list[Any] = []
        waiting = threading.Thread(target=lambda: found.append(site.post(link).status_code))
        waiting.start()
        time.sleep(0.1)
        begun = time.monotonic()
        assert site.get("/posts/velos/").status_code == 200
        assert site.get("/healthz").status_code == 200
        assert time.monotonic() - begun < 2
        assert found == []
        holder.execute("ROLLBACK")
        holder.close()
        waiting.join()
        assert found == [200]


def test_the_open_api_names_every_address_that_answers(site: Site) -> None:
    described = openapi()
    json.dumps(described)
    for address in ADDRESSES:
        path = address.path.replace("{token}", "x")
        answer = site.get(path) if address.method == "GET" else site.post(path)
        operation = described["paths"][address.path][address.method.lower()]
        assert str(answer.status_code) in operation["responses"]
    assert site.session.delete(f"{site.url}/subscribe/").status_code == 405
