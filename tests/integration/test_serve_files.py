"""Published files over a real socket: validators, ranges, compression, and nothing that is not public."""

from __future__ import annotations

import gzip
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.site_desk import PAGE, PUBLISHED, Site, running
from tests.support.workspace import TOML, VEILLE
from veille.errors import VeilleError
from veille_web.site import server as server_module
from veille_web.site.clients import Proxies


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "outside.txt").write_text("outside")
    with running(folder) as running_site:
        web = folder / "outbox" / "web"
        (web / "link.txt").symlink_to(folder / "outside.txt")
        (web / "folder").symlink_to(folder)
        yield running_site


@pytest.mark.parametrize(
    ("path", "kind", "cache"),
    [
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/posts/velos/", "text/html; charset=utf-8", "no-cache"),
        ("/posts/ecoute/", "text/html; charset=utf-8", "no-store"),
        ("/posts/listed/", "text/html; charset=utf-8", "no-store"),
        ("/feed.xml", "application/rss+xml; charset=utf-8", "no-cache"),
        ("/feed.json", "application/feed+json", "no-cache"),
        ("/events/fete.ics", "text/calendar; charset=utf-8", "no-cache"),
        ("/media/0123456789abcdef.jpg", "image/jpeg", "public, max-age=31536000, immutable"),
        ("/site.0123456789.css", "text/css; charset=utf-8", "public, max-age=31536000, immutable"),
    ],
)
def test_each_file_has_its_type_and_its_time(site: Site, path: str, kind: str, cache: str) -> None:
    answer = site.get(path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, kind)
    assert answer.headers["Cache-Control"] == cache
    assert ("ETag" in answer.headers) is (cache != "no-store")
    assert ("X-Robots-Tag" in answer.headers) is (cache == "no-store")


@pytest.mark.parametrize(
    "path",
    [
        "/../veille.toml",
        "/..%2fveille.toml",
        "/%2e%2e/veille.toml",
        "/%2e%2e%2fveille.toml",
        "/posts/../../veille.toml",
        "/posts/..%5c..%5cveille.toml",
        "/....//veille.toml",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/.veille-web.json",
        "/.veille-private.json",
        "/posts/.hidden",
        "/posts//velos/",
        "/posts/velos/index.html/",
        "/link.txt",
        "/folder/veille.toml",
        "/folder/outbox/outbox.sqlite3",
        "/feed.xml%00.html",
        "/feed.xml:stream",
        "/" + "a" * 300,
        "/" + "a/" * 500,
        "/%ff%fe",
        "/secret.key",
    ],
)
def test_nothing_else_of_the_machine_can_be_had(site: Site, path: str) -> None:
    with socket.create_connection(("127.0.0.1", site.server.port), timeout=10) as line:
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    assert answer.split(b" ", 2)[1] == b"404"
    assert b"outside" not in answer
    assert b"[workspace]" not in answer


def test_other_sites_may_read_the_directory_and_nothing_else(site: Site) -> None:
    """The département's own site asks for it from a browser (Fetch Standard, "CORS protocol")."""
    origin = "https://www.departement.example.org"
    first = site.get("/contacts.json", Origin=origin)
    same = site.get("/contacts.json", Origin=origin, If_None_Match=first.headers["ETag"])
    assert (first.status_code, same.status_code) == (200, 304)
    for answer in (first, same):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers
    for path in ("/", "/feed.json", "/subscribe/"):
        assert "Access-Control-Allow-Origin" not in site.get(path, Origin=origin).headers


def test_a_folder_without_its_slash_is_shown_the_way(site: Site) -> None:
    answer = site.get("/posts/velos")
    assert (answer.status_code, answer.headers["Location"]) == (308, "/posts/velos/")
    assert answer.headers["Cache-Control"] == "no-store"  # a browser keeps a 308, and with it where somebody went
    assert site.get("/subscribe").headers["Location"] == "/subscribe/"
    assert "Location" not in site.get("//example.com/..").headers


def test_the_pages_with_forms_lead_to_the_statement_and_to_what_is_kept(site: Site) -> None:
    """Décret 2019-768, article 4: the accessibility statement can be reached from every page."""
    for path in ("/subscribe/", "/u/x", "/nothing"):
        page = site.get(path).text
        assert '<a href="/accessibility/">Accessibility: not compliant</a>' in page, path
        assert '<a href="/privacy/">Your data</a>' in page, path


def test_what_did_not_change_is_not_sent_again(site: Site) -> None:
    first = site.get("/posts/velos/", Accept_Encoding="identity")
    tag, date = first.headers["ETag"], first.headers["Last-Modified"]
    table: dict[tuple[str, str], int] = {
        ("If_None_Match", tag): 304,
        ("If_None_Match", f"W/{tag}"): 304,
        ("If_None_Match", f'"other", {tag}'): 304,
        ("If_None_Match", "*"): 304,
        ("If_None_Match", '"other"'): 200,
        ("If_Modified_Since", date): 304,
        ("If_Modified_Since", "Thu, 01 Jan 1970 00:00:00 GMT"): 200,
        ("If_Modified_Since", "yesterday"): 200,
    }
    for (name, value), status in table.items():
        answer = site.get("/posts/velos/", **{name: value})
        assert answer.status_code == status, (name, value)
        assert "Cache-Control" in answer.headers
        if status == 304:
            assert answer.content == b""
            assert "ETag" in answer.headers
    both = site.get("/posts/velos/", If_None_Match='"other"', If_Modified_Since=date)
    assert both.status_code == 200
    zipped = site.get("/posts/velos/", Accept_Encoding="gzip").headers["ETag"]
    assert zipped != tag
    assert site.get("/posts/velos/", If_None_Match=zipped).status_code == 304
    assert site.session.head(f"{site.url}/posts/velos/").content == b""
    assert site.get("/posts/ecoute/", If_None_Match="*").status_code == 200


@pytest.mark.parametrize(
    ("wanted", "status", "first", "last"),
    [
        ("bytes=0-9", 206, 0, 9),
        ("bytes=10-", 206, 10, -1),
        ("bytes=-5", 206, -5, -1),
        ("bytes=0-999999", 206, 0, -1),
        ("BYTES = 1-1", 206, 1, 1),
        ("bytes=-999999", 206, 0, -1),
        ("bytes=999999-", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
        ("bytes=9-1", 200, 0, -1),
        ("bytes=0-1,4-5", 200, 0, -1),
        ("bytes=", 200, 0, -1),
        ("lines=0-1", 200, 0, -1),
        ("bytes=a-b", 200, 0, -1),
        ("bytes=" + "9" * 40 + "-", 200, 0, -1),
    ],
)
def test_a_part_of_a_file(site: Site, wanted: str, status: int, first: int, last: int) -> None:
    whole = PUBLISHED["media/0123456789abcdef.jpg"].encode("latin-1")
    answer = site.get("/media/0123456789abcdef.jpg", Range=wanted)
    assert answer.status_code == status
    if status == 416:
        assert answer.headers["Content-Range"] == f"bytes */{len(whole)}"
        return
    end = len(whole) if last == -1 else last + 1
    assert answer.content == whole[first:end]
    if status == 206:
        begin = first % len(whole)
        assert answer.headers["Content-Range"] == f"bytes {begin}-{end - 1}/{len(whole)}"


def test_a_part_is_of_the_version_that_was_meant(site: Site) -> None:
    path = "/media/0123456789abcdef.jpg"
    headers = site.get(path).headers
    assert site.get(path, Range="bytes=0-1", If_Range=headers["ETag"]).status_code == 206
    assert site.get(path, Range="bytes=0-1", If_Range=headers["Last-Modified"]).status_code == 206
    assert site.get(path, Range="bytes=0-1", If_Range='"other"').status_code == 200
    assert site.get(path, Range="bytes=0-1", If_Range=f"W/{headers['ETag']}").status_code == 200


@pytest.mark.parametrize(
    ("accept", "zipped"),
    [
        ("gzip", True),
        ("br, gzip;q=0.5", True),
        ("*", True),
        ("gzip;q=0", False),
        ("*;q=0", False),
        ("identity", False),
        ("", False),
        ("gzip;q=x", False),
        ("br", False),
    ],
)
def test_text_is_compressed_for_whoever_takes_it(site: Site, accept: str, zipped: bool) -> None:
    raw = site.session.get(f"{site.url}/posts/velos/", headers={"Accept-Encoding": accept}, stream=True)
    content = raw.raw.read(decode_content=False)
    assert (raw.headers.get("Content-Encoding") == "gzip") is zipped
    assert (gzip.decompress(content) if zipped else content) == PAGE.encode()
    assert raw.headers["Vary"] == "Accept-Encoding"
    picture = site.session.get(f"{site.url}/media/0123456789abcdef.jpg", headers={"Accept-Encoding": accept})
    assert "Content-Encoding" not in picture.headers
    assert "Vary" not in picture.headers


def test_a_file_that_was_written_anew_is_shown_anew(site: Site) -> None:
    path = site.room.config.outbox_dir / "web" / "fresh.html"
    path.write_text("one")
    assert site.get("/fresh.html").text == "one"
    path.write_text("two")
    os.utime(path, ns=(1, 1))
    assert site.get("/fresh.html").text == "two"
    path.unlink()
    assert site.get("/fresh.html").status_code == 404


def test_a_live_site_shows_its_own_page_for_unknown_addresses(tmp_path: Path) -> None:
    public = tmp_path / "public"
    public.mkdir()
    (public / "404.html").write_text("our own words")
    (public / "index.html").write_text("front")
    toml = TOML.replace("[web]", f'[web]\ntransport = "folder"\noutput = "{public}"')
    with running(tmp_path, toml=toml) as site:
        assert site.get("/").text == "front"
        assert (site.get("/x").status_code, site.get("/x").text) == (404, "our own words")


def test_a_site_below_a_path_answers_with_and_without_it(tmp_path: Path) -> None:
    toml = TOML.replace("https://letter.example.org", "https://letter.example.org/lettre")
    with running(tmp_path, toml=toml) as site:
        for path in ("/posts/velos/", "/lettre/posts/velos/", "/lettre/subscribe/"):
            assert site.get(path).status_code == 200
        assert site.get("/lettre/posts/velos").headers["Location"] == "/lettre/posts/velos/"
        assert 'action="/lettre/subscribe/"' in site.get("/subscribe/").text


# slow clients


def test_clients_that_only_hold_a_line_are_let_go_and_others_are_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "HEAD_TIME", 0.5)
    monkeypatch.setattr("veille_web.site.guard.BODY_TIME", 0.5)
    with running(tmp_path) as site:
        silent = [socket.create_connection(("127.0.0.1", site.server.port)) for _n in range(50)]
        dripping = socket.create_connection(("127.0.0.1", site.server.port))
        body = socket.create_connection(("127.0.0.1", site.server.port))
        body.sendall(b"POST /subscribe/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\nemail=")
        ended = time.monotonic() + 5
        alive = True
        while alive and time.monotonic() < ended:
            try:
                dripping.sendall(b"G")
                time.sleep(0.1)
            except OSError:
                alive = False
        assert not alive
        assert site.get("/").status_code == 200
        for line in silent:
            line.settimeout(5)
            assert _ended(line)
        body.settimeout(5)
        assert b" 408 " in body.recv(65536)
        for line in (*silent, dripping, body):
            line.close()


def _ended(line: socket.socket) -> bool:
    try:
        return line.recv(1) == b""
    except ConnectionResetError:
        return True


def test_headers_without_end_are_refused(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.server.port), timeout=10) as line:
        try:
            line.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 20_000)
            answer = line.recv(65536)
        except ConnectionResetError:
            answer = b""
        assert answer == b"" or b" 4" in answer[:15]


# the command


def test_the_command_says_where_it_listens_and_ends_when_asked(tmp_path: Path) -> None:
    (tmp_path / "veille.toml").write_text(TOML)
    process = subprocess.Popen(
        [VEILLE, "serve", "--port", "0"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    found = re.search(r"http://127\.0\.0\.1:(\d+)/", process.stderr.readline())
    assert found
    with socket.create_connection(("127.0.0.1", int(found[1])), timeout=10) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in line.recv(4096)
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=15)
    assert time.monotonic() - begun < 10
    assert (process.returncode, out, "Traceback" in err) == (0, "The site has stopped.\n", False)


def test_a_port_that_is_taken_is_said(site: Site) -> None:
    with pytest.raises(VeilleError, match="cannot listen"):
        server_module.Server(None, "127.0.0.1", site.server.port)  # type: ignore[arg-type]


def test_a_proxy_that_is_none_is_said() -> None:
    with pytest.raises(VeilleError, match="trusted_proxies: “everybody” is neither"):
        Proxies(["127.0.0.1", "everybody"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", ["203.0.113.5"], "192.0.2.1"),
        ("10.0.0.1", ["203.0.113.5"], "203.0.113.5"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.5"], "203.0.113.5"),
        ("10.0.0.1", ["1.1.1.1", "203.0.113.5, 10.0.0.2"], "203.0.113.5"),
        ("::ffff:10.0.0.1", ["203.0.113.5:4711"], "203.0.113.5"),
        ("10.0.0.1", ["[2001:db8::1]:80"], "2001:db8::1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["unknown"], "unknown"),
    ],
)
def test_who_asks_behind_proxies(peer: str, forwarded: list[str], client: str) -> None:
    assert Proxies(["10.0.0.0/8"]).client(peer, forwarded) == client
