"""Answers that no honest service gives: endless, enormous, nested, with ids that are none. Each ends, each is safe."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from inspect import signature
from typing import Any

import pytest

from veille.errors import OutcomeUnknown, PublishError, Unavailable
from veille.publishing import File
from veille_publishers import http, http_patience
from veille_publishers.graph import Call, Graph, proof, web_address
from veille_publishers.graph_errors import wait_from
from veille_publishers.graph_login import Watch
from veille_publishers.http import session
from veille_publishers.login_answers import given, page, told
from veille_publishers.pace import Pace

FEED = Call("POST", "/1/feed", {"message": "Bonjour"}, publishing=True)
LIST = Call("GET", "/1/feed")
Way = Callable[..., None]  # the connection, and if it wants to know, the request


@contextmanager
def answering(way: Way) -> Iterator[str]:
    """A server that reads one request after the other and answers in its own way."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=_serve, args=(listener, way))
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(listener: socket.socket, way: Way) -> None:
    with suppress(OSError):
        while True:
            connection, _address = listener.accept()
            with connection, suppress(OSError):
                request = connection.recv(65_536)
                way(connection, request) if len(signature(way).parameters) == 2 else way(connection)


def _whole(body: bytes, *headers: str, length: int | None = None) -> Way:
    said = [f"Content-Length: {len(body) if length is None else length}", *headers]
    head = "\r\n".join(["HTTP/1.1 200 OK", "Content-Type: application/json", *said, "", ""])
    return lambda connection: connection.sendall(head.encode() + body)


def _endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    piece = b'{"data":[' + b" " * 65_536
    while True:
        connection.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")


def _asked(way: Way, call: Call) -> PublishError:
    with answering(way) as url, pytest.raises(PublishError) as caught:
        Graph(session((2.0, 2.0)), url, "v26.0", "a-token").call(call)
    return caught.value


@pytest.mark.parametrize(("call", "kind"), [(FEED, OutcomeUnknown), (LIST, Unavailable)])
@pytest.mark.parametrize(
    "way",
    [
        _endless,
        _whole(gzip.compress(b" " * 40_000_000, 1), "Content-Encoding: gzip"),
        _whole(b"{" + b'"a":[' * 60_000),
        _whole(b'{"error":{"code":1e999,"error_subcode":1e999}}'),
        _whole(b'{"id":{"a":1}}', "Content-Length: 3"),
        _whole(b"9" * 5_000),
    ],
    ids=["endless", "bomb", "nested", "infinite", "two-lengths", "digits"],
)
def test_what_cannot_be_an_answer_ends_soon_and_says_nothing(
    monkeypatch: pytest.MonkeyPatch, way: Way, call: Call, kind: type[PublishError]
) -> None:
    monkeypatch.setattr(http, "MOST_BYTES", 2_000_000)
    assert isinstance(_asked(way, call), kind)


def test_an_answer_that_drips_has_an_end_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LONGEST", 0.2)
    more = threading.Event()

    def dripping(connection: socket.socket) -> None:
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n{"id":"1"}')
        for _byte in range(200):
            connection.sendall(b" ")
            more.wait(0.02)

    assert isinstance(_asked(dripping, FEED), OutcomeUnknown)


def test_the_head_of_an_answer_that_drips_has_an_end_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_patience, "HEAD", 0.2)
    more = threading.Event()

    def dripping(connection: socket.socket) -> None:
        for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 60 + b'\r\nContent-Length: 10\r\n\r\n{"id":"1"}':
            connection.sendall(bytes((byte,)))
            more.wait(0.02)

    assert isinstance(_asked(dripping, FEED), OutcomeUnknown)


def test_a_picture_gets_through_a_line_slower_than_a_connection_is_made() -> None:
    picture = File("a.jpg", "image/jpeg", b"x" * 12_000_000)
    more = threading.Event()

    def slow(connection: socket.socket) -> None:
        more.wait(0.3)
        while (piece := connection.recv(1 << 20)) and b"\r\n--" not in piece[-60:]:
            continue
        _whole(b'{"id":"1"}')(connection)

    with answering(slow) as url:
        graph = Graph(session((0.1, 2.0)), url, "v26.0", "a-token")
        assert graph.call(Call("POST", "/1/photos", {}, file="a.jpg"), picture)["id"] == "1"


@pytest.mark.parametrize("made", ["../1", "a/b", "1?x=y", {"a": 1}, ["1"], "1\r\nX: y", "\x1b[2J", True, "1" * 300])
def test_what_is_no_id_is_never_kept_as_one(made: Any) -> None:
    """It would become part of a path; whether the post was made is looked for instead."""
    assert isinstance(_asked(_whole(json.dumps({"id": made}).encode()), FEED), OutcomeUnknown)


@pytest.mark.parametrize("rows", [[1], ["x"], [None], [[]]])
def test_a_list_of_anything_else_is_no_list(rows: list[Any]) -> None:
    with answering(_whole(json.dumps({"data": rows}).encode())) as url, pytest.raises(Unavailable):
        list(Graph(session((2.0, 2.0)), url, "v26.0", "a-token").pages(LIST))


@pytest.mark.parametrize(
    "paging",
    ["x", [1], 1, True, {"next": 5}, {"cursors": 3, "next": "n"}, {"next": "https://x"}, {"next": "https://["}],
)
def test_a_list_of_which_nobody_can_say_where_it_goes_on_is_not_taken_for_whole(paging: Any) -> None:
    body = json.dumps({"data": [{"id": "1"}], "paging": paging}).encode()
    with answering(_whole(body)) as url, pytest.raises(Unavailable):
        list(Graph(session((2.0, 2.0)), url, "v26.0", "a-token").pages(LIST))


@pytest.mark.parametrize("paging", [None, {}, {"cursors": {"after": "a"}}, {"cursors": [], "next": None}])
def test_a_list_without_more_is_whole(paging: Any) -> None:
    body = json.dumps({"data": [{"id": "1"}], "paging": paging}).encode()
    with answering(_whole(body)) as url:
        assert list(Graph(session((2.0, 2.0)), url, "v26.0", "a-token").pages(LIST)) == [[{"id": "1"}]]


def test_a_list_paged_by_time_is_read_on() -> None:
    """Without a cursor, where it goes on stands in an address that holds the token: its parameters alone are taken."""
    asked: list[str] = []

    def by_time(connection: socket.socket, request: bytes) -> None:
        asked.append(request.split(b"\r\n")[0].decode())
        more = "https://graph.facebook.com/v26.0/1/feed?access_token=a-token&until=17&__paging_token=t"
        rows = {"data": [{"id": "1"}], "paging": {"next": more}} if len(asked) == 1 else {"data": []}
        _whole(json.dumps(rows).encode())(connection)

    with answering(by_time) as url:
        rows = list(Graph(session((2.0, 2.0)), url, "v26.0", "a-token").pages(LIST))
    assert rows == [[{"id": "1"}], []]
    assert asked[1] == "GET /v26.0/1/feed?until=17&__paging_token=t HTTP/1.1"


@pytest.mark.parametrize("name", ["X-App-Usage", "X-Business-Use-Case-Usage"])
def test_a_use_that_no_number_can_hold_says_nothing(name: str) -> None:
    huge = "9" * 400
    said = {name: f'{{"call_count":{huge},"1":[{{"estimated_time_to_regain_access":{huge},"call_count":{huge}}}]}}'}
    pace = Pace(lambda: datetime.now(UTC))
    pace.heard(said)
    assert wait_from(said.get("X-Business-Use-Case-Usage")) is None


@pytest.mark.parametrize(
    "date", ["", "x", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "0", "Mon, 01 Jan 1 0:0 +9999"]
)
def test_a_date_that_is_none_says_nothing_of_our_clock(date: str) -> None:
    with answering(_whole(b'{"id":"1"}', f"Date: {date}")) as url:
        made = session((2.0, 2.0))
        watch = Watch(made, lambda: datetime.now(UTC))
        Graph(made, url, "v26.0", "a-token").call(LIST)
    assert watch.skew is None


def test_what_a_terminal_would_obey_is_not_repeated() -> None:
    body = json.dumps({"error": {"code": 100, "message": "\x1b[2J\nfine\u202e", "fbtrace_id": "\x07" * 900}}).encode()
    told = _asked(_whole(body), LIST)
    assert "fine" in told.detail
    assert told.detail.isprintable()
    assert len(told.detail) < 400


@pytest.mark.parametrize(
    "made", [None, 5, [], "javascript:alert(1)", "http://x/", "https://x/ y", "https://x/\x1b[2J", ""]
)
def test_an_address_that_is_none_is_not_shown(made: Any) -> None:
    assert web_address(made) == ""
    assert web_address("https://www.instagram.com/p/été/") == "https://www.instagram.com/p/été/"


def test_what_meta_repeats_of_our_secrets_is_not_repeated_by_us() -> None:
    secrets = ("a-token", "an-app-secret", proof("an-app-secret", "a-token"))
    body = json.dumps({"error": {"code": 100, "message": f"Invalid {' or '.join(secrets)}"}}).encode()
    with answering(_whole(body)) as url, pytest.raises(PublishError) as caught:
        Graph(session((2.0, 2.0)), url, "v26.0", "a-token", "an-app-secret").call(LIST)
    assert "Invalid" in caught.value.detail
    assert not [secret for secret in secrets if secret in caught.value.detail]


def test_what_meta_says_of_a_token_may_be_anything() -> None:
    huge = 10**30
    said = told({"is_valid": 1, "scopes": 5, "granular_scopes": 7, "expires_at": huge, "issued_at": True})
    assert (said.valid, said.scopes, said.targets, said.expires_at) == (False, frozenset(), {}, None)
    assert given({"access_token": "t", "expires_in": huge}).expires_in is None
    assert given({"access_token": "t", "expires_in": float("inf")}).expires_in is None
    assert page({"id": "1", "instagram_business_account": []}).instagram_id == ""
