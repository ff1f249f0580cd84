"""A hub hears of changed feeds, from a live newsroom only, and can never hold a delivery up."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.support.public_pages import BASE, NOW, Ledger, config, delivery, post, publication
from veille.publishing import Receipt
from veille.rendering import Templates
from veille_publishers import http
from veille_publishers.feed import Feed
from veille_publishers.registry import Context

pytestmark = pytest.mark.enable_socket


class Hub:
    """A real server on loopback that notes what it is told."""

    def __init__(self, folder: Path, status: int = 204) -> None:
        self.status = status
        self.told: list[list[tuple[str, str]]] = []
        self.written: list[bool] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                assert self.headers["Content-Type"] == "application/x-www-form-urlencoded"
                hub.told.append(parse_qsl(body))
                hub.written.append((folder / "feed.xml").is_file())
                self.send_response(hub.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_words: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hub"


@contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    thread = threading.Thread(target=hub.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield hub
    finally:
        hub.server.shutdown()
        thread.join()
        hub.server.server_close()


def feed(root: Path, hub: str, transport: str = "folder") -> Feed:
    made = config(root, feed={"transport": transport, "output": "public", "hub": hub})
    return Feed(Context(config=made, templates=Templates(made), clock=lambda: NOW, http=http.session))


def deliver(publisher: Feed, posts: Sequence[Any]) -> object:
    standing = [publication(publisher, one, hours=50 - n) for n, one in enumerate(reversed(posts))]
    ledger = Ledger(standing)
    publisher.deliver([delivery(standing[0])], ledger)
    return ledger.settled[f"d-{standing[0].id}"]


def topics(told: list[tuple[str, str]]) -> set[str]:
    assert told[0] == ("hub.mode", "publish")
    assert {name for name, _value in told[1:]} == {"hub.url"}
    return {value.removeprefix(f"{BASE}/") for _name, value in told[1:]}


def test_each_changed_feed_is_told_after_it_is_written_and_only_then(tmp_path: Path) -> None:
    with running(Hub(tmp_path / "public")) as hub:
        bagneux = post("a", towns=("Bagneux",))
        assert isinstance(deliver(feed(tmp_path, hub.url), [bagneux]), Receipt)
        assert {"feed.xml", "feed.json", "towns/bagneux/feed.xml"} <= topics(hub.told[0])
        assert hub.written == [True]
        deliver(feed(tmp_path, hub.url), [bagneux])
        assert len(hub.told) == 1
        deliver(feed(tmp_path, hub.url), [post("b", towns=("Bagneux",)), bagneux])
        changed = {"feed.xml", "feed.json", "towns/bagneux/feed.xml", "towns/bagneux/feed.json"}
        assert topics(hub.told[1]) == changed  # those of the other town did not change


def test_the_sandbox_tells_nobody(tmp_path: Path) -> None:
    with running(Hub(tmp_path)) as hub:
        deliver(feed(tmp_path, hub.url, "file"), [post("a")])
        assert hub.told == []


def test_a_hub_that_fails_fails_no_delivery_and_hears_it_once_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "veille_publishers")
    with running(Hub(tmp_path / "public", status=503)) as hub:
        first = post("a", towns=("Bagneux",))
        second = post("b", towns=("Bourg-la-Reine",))
        assert isinstance(deliver(feed(tmp_path, hub.url), [first]), Receipt)
        assert "503" in caplog.text
        deliver(feed(tmp_path, hub.url), [second, first])
        assert "towns/bagneux/feed.xml" in topics(hub.told[1])
        assert "towns/bourg-la-reine/feed.xml" in topics(hub.told[1])
        hub.status = 202
        deliver(feed(tmp_path, hub.url), [post("c", towns=("Bourg-la-Reine",)), second, first])
        assert "towns/bagneux/feed.xml" not in topics(hub.told[2])  # it had its second try
        assert not list((tmp_path / "public").glob("*.owed"))


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/hub", "no address", "http://[broken"])
def test_a_hub_that_cannot_be_reached_fails_no_delivery(tmp_path: Path, url: str) -> None:
    publisher = feed(tmp_path, url)
    assert isinstance(deliver(publisher, [post("a")]), Receipt)
    owed = json.loads((publisher.folder / ".veille-hub.owed").read_bytes())
    assert f"{BASE}/feed.xml" in owed


def test_the_feed_names_its_hub(tmp_path: Path) -> None:
    files = feed(tmp_path, "https://hub.example.org/").build([])
    assert b'<atom:link href="https://hub.example.org/" rel="hub"/>' in files["feed.xml"]
    assert json.loads(files["feed.json"])["hubs"] == [{"type": "WebSub", "url": "https://hub.example.org/"}]
