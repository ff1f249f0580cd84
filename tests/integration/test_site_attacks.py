"""Somebody means the site harm: lines, requests and answers that would tell, stop or mislead it."""

from __future__ import annotations

import http.client
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.support import postgres
from tests.support.ledger import Ledger
from tests.support.site_desk import Site, running
from tests.support.workspace import TOML
from veille.rates import Rate
from veille.signup import Answer, Limits, Signups, alarmed_at
from veille.signup.signups import RETRY
from veille.subscribers import Row

HOST = "letter.example.org"
READER = "amel@example.net"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for the requests that change nothing."""
    with running(tmp_path_factory.mktemp("attacked")) as found:
        yield found


def _sent(site: Site, request: bytes) -> bytes:
    """All that the site says to these bytes before it closes the line, or falls silent for ten seconds."""
    answer = b""
    with socket.create_connection(("127.0.0.1", site.server.port), timeout=10) as line:
        line.sendall(request)
        try:
            while part := line.recv(65536):
                answer += part
        except TimeoutError:
            answer += b"(still open)"
    return answer


def test_an_answer_on_a_line_that_is_kept_does_not_wait_for_the_clients_receipt(site: Site) -> None:
    """Nagle's algorithm and delayed receipts together cost 40 ms for each answer (RFC 1122, 4.2.3.2)."""
    line = http.client.HTTPConnection("127.0.0.1", site.server.port, timeout=10)
    times = []
    for _time in range(11):
        begun = time.perf_counter()
        line.request("GET", "/feed.json", headers={"Host": HOST})
        line.getresponse().read()
        times.append(time.perf_counter() - begun)
    line.close()
    assert min(times) < 0.03, times  # else none of them is quicker; a busy machine is not slow eleven times


@pytest.mark.parametrize("first", ["Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked"])
def test_a_request_with_two_lengths_is_refused_and_nothing_behind_it_is_read(site: Site, first: str) -> None:
    """RFC 9112, 6.3: one of them is meant for the proxy in front, the other for us (request smuggling)."""
    hidden = f"GET /feed.json HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
    answer = _sent(site, f"POST /u/x HTTP/1.1\r\nHost: {HOST}\r\n{first}\r\n\r\n0\r\n\r\n{hidden}".encode())
    if "Length" in first:
        assert answer.startswith(b"HTTP/1.1 400")
        assert b"connection: close" in answer.lower()
        assert b"feed+json" not in answer
        assert not answer.endswith(b"(still open)")
    else:
        assert b"feed+json" in answer  # a body in chunks alone is no crime


def test_headers_are_limited_also_when_they_come_at_once(site: Site) -> None:
    answer = _sent(
        site, f"GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nCookie: a={'x' * 40_000}\r\n\r\n".encode()
    )
    assert answer.startswith(b"HTTP/1.1 431")


def test_a_site_below_a_path_is_found_without_the_slash_at_its_end(tmp_path: Path) -> None:
    with running(tmp_path, toml=TOML.replace(f"https://{HOST}", f"https://{HOST}/lettre")) as below:
        answer = below.get("/lettre")
        assert (answer.status_code, answer.headers["location"]) == (308, "/lettre/")
        assert below.get("/lettre/").status_code == 200
        assert below.get("/lettreries").status_code == 404


def test_before_anything_is_published_the_front_page_leads_to_the_form(tmp_path: Path) -> None:
    with running(tmp_path) as bare:
        (tmp_path / "outbox" / "web" / "index.html").unlink()
        answer = bare.get("/")
        assert (answer.status_code, answer.headers["location"]) == (307, "/subscribe/")
        assert answer.headers["cache-control"] == "no-store"


def test_published_pages_are_shown_while_the_database_keeps_everybody_waiting(
    tmp_path: Path, postgres_server: postgres.Server
) -> None:
    url = postgres_server.new_database()
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    with running(tmp_path, {"VEILLE_OUTBOX__URL": url}) as site, ThreadPoolExecutor(10) as people:
        site.get("/healthz")  # the tables are there
        with engine.connect() as holder:
            holder.execute(sa.text("LOCK TABLE signup IN ACCESS EXCLUSIVE MODE"))
            waiting = [people.submit(site.get, "/healthz") for _person in range(9)]
            time.sleep(0.3)
            begun = time.monotonic()
            assert site.get("/posts/velos/").status_code == 200
            taken = time.monotonic() - begun
            assert not any(person.done() for person in waiting)
            holder.rollback()
        assert [person.result().status_code for person in waiting] == [200] * 9
    engine.dispose()
    assert taken < 10  # and not until the database lets go


def test_the_whole_way_of_a_reader_on_postgresql(tmp_path: Path, postgres_server: postgres.Server) -> None:
    url = postgres_server.new_ledger()
    with running(tmp_path, {"VEILLE_OUTBOX__URL": url}) as site:
        assert site.subscribe(READER, towns=["bagneux"]).status_code == 200
        assert site.subscribe(READER).status_code == 200
        link = site.link(READER)  # one mail
        assert [site.get(link).status_code, site.subscribed(READER)] == [200, False]
        done = site.post(link)
        assert site.subscribed(READER)
        assert "used before" in site.post(link).text
        [own] = re.findall(r'href="(/p/[^"]+)"', done.text)
        assert "kept" in site.post(own, {"audience": "families", "language": "en"}).text
        held = site.post(f"{own}/export").json()
        assert (held["reader"]["email"], held["reader"]["audience"]) == (READER, "families")
        [way_out] = re.findall(r'action="(/u/[^"]+)"', site.get(own).text)
        assert [site.post(way_out, "List-Unsubscribe=One-Click").status_code for _time in range(2)] == [200, 200]
        assert not site.subscribed(READER)
        assert "Erased" in site.post(f"{own}/erase", {"sure": "yes"}).text
        assert [site.get(own).status_code, site.post(way_out).status_code] == [410, 200]
        assert site.alarms == []
        tables = sa.inspect(site.room.database.engine).get_table_names()
        with site.room.database.read() as connection:
            rows = [row for table in tables for row in connection.execute(sa.text(f'SELECT * FROM "{table}"'))]
    assert len(rows) > 3
    assert [row for row in rows if READER in repr(row)] == []


@pytest.mark.parametrize("reads", [True, False])
def test_how_much_is_left_for_others_tells_nobody_who_reads_us(sqlite_store: Ledger, reads: bool) -> None:
    """Use up all but one place, ask for somebody, then for a new address: the second answer would tell."""
    limits = Limits((Rate(1000, 3600),), Rate(3, 3600))
    signups = Signups(sqlite_store.database, b"k" * 32, b"c" * 32, limits, lambda: sqlite_store.now)
    if reads:
        sqlite_store.subscribers.add([Row(READER)], how="paper", now=sqlite_store.now)
    asked = ["one@example.net", "one@example.net", READER, READER, "two@example.net", "three@example.net"]
    answers = [signups.ask(Row(address), "192.0.2.1").answer for address in asked]
    assert answers == [Answer.TAKEN] * 5 + [Answer.ALL_BUSY]


@pytest.mark.parametrize("template", ["subscribe.html.j2", "base.html.j2"])
def test_where_a_template_of_the_newsroom_breaks_ours_is_shown_and_the_operator_told(
    tmp_path: Path, template: str
) -> None:
    path = tmp_path / "templates" / "forms" / template
    path.parent.mkdir(parents=True)
    path.write_text("{{ nothing.of.that }}")
    with running(tmp_path) as site:
        answers = [site.get("/subscribe/") for _time in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert 'name="email"' in answers[0].text
    assert len(site.alarms) == 1
    assert template in site.alarms[0]


def test_a_template_of_the_mail_that_breaks_costs_nobody_their_subscription(tmp_path: Path) -> None:
    path = tmp_path / "templates" / "mail" / "confirm.txt.j2"
    path.parent.mkdir(parents=True)
    path.write_text("{{ nothing.of.that }}")
    with running(tmp_path) as site:
        assert site.subscribe(READER).status_code == 200
        assert site.mails() == []
        path.unlink()
        site.now += RETRY
        assert [mail["To"] for mail in site.mails()] == [READER]


def test_a_clock_that_was_a_year_ahead_shuts_nobody_out_once_it_is_right_again(sqlite_store: Ledger) -> None:
    """A machine whose clock is wrong at its start: what it wrote down then must not count for a year."""
    limits = Limits((Rate(1, 3600),), Rate(1, 3600))
    signups = Signups(sqlite_store.database, b"k" * 32, b"c" * 32, limits, lambda: sqlite_store.now)
    right = sqlite_store.now
    sqlite_store.now = right + timedelta(days=400)
    ahead = [signups.ask(Row(address), "192.0.2.1") for address in (READER, "one@example.net")]
    assert signups.ask(Row("one@example.net"), "192.0.2.2").alarm
    wanted = signups.claim()
    assert wanted
    signups.mailed(wanted.signup)
    sqlite_store.now = right
    assert alarmed_at(sqlite_store.database, right) is None
    again = signups.ask(Row(READER), "192.0.2.1")
    assert [found.answer for found in (*ahead, again)] == [Answer.TAKEN, Answer.CLIENT_BUSY, Answer.TAKEN]
    assert signups.claim()
    assert signups.ask(Row("two@example.net"), "192.0.2.3").alarm
