"""Previews of the real sample newsroom: whole, local, live, and without a trace in the ledger."""

from __future__ import annotations

import http.client
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from posixpath import dirname, join, normpath
from urllib.parse import unquote, urlsplit

import pytest

from veille import config as settings
from veille.config import Config
from veille_web.preview import Preview
from veille_web.preview_server import Server, Watch

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
BIKES = "content/posts/2026-11-22-velo-vingt-euros.md"
LOADED = {"link": "href", "img": "src", "script": "src", "iframe": "src", "source": "srcset", "video": "src"}
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


def copied(folder: Path) -> Config:
    shutil.copy(ROOT / "veille.toml", folder / "veille.toml")
    shutil.copytree(ROOT / "content", folder / "content")
    return settings.load(folder, {})


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    config = copied(tmp_path_factory.mktemp("sample").resolve())
    return Preview(lambda: NOW).build(config)


class Page(HTMLParser):
    """What a page loads and links to; raises where its tags do not close."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.loads: list[tuple[str, str]] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self._open: list[str] = []
        self.feed(content.decode())
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.ids += [values["id"]] if "id" in values else []
        if tag == "link" and values.get("rel") in ("canonical", "alternate"):
            pass  # names an address, loads nothing
        elif tag in LOADED and values.get(LOADED[tag]):
            self.loads.append((tag, values[LOADED[tag]]))
        elif tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        if tag not in VOID:
            assert self._open.pop() == tag


def target(page: str, address: str) -> str:
    """The file that a relative address means."""
    return normpath(join(dirname(page), unquote(urlsplit(address).path)))


def ours(files: Mapping[str, bytes]) -> list[str]:
    """The preview's own pages; letters and public pages have tests of their own."""
    return [name for name in files if name.endswith("index.html") and not name.startswith("site/")]


def test_every_post_and_letter_has_a_page_that_parses(files: Mapping[str, bytes]) -> None:
    posts = len(list((ROOT / "content/posts").glob("*.md")))
    letters = len(list((ROOT / "content/editions").glob("*.md")))
    pages = ours(files)
    assert len(pages) == posts + letters + 1
    for name in pages:
        page = Page(files[name])
        assert len(page.ids) == len(set(page.ids)), name


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_missing(files: Mapping[str, bytes]) -> None:
    letters = [name for name in files if name.endswith(("letter.html", "feed.html"))]
    for name in [*ours(files), *(n for n in files if n.startswith("site/") and n.endswith(".html"))]:
        for tag, address in Page(files[name]).loads:
            assert not urlsplit(address).scheme, (name, tag, address)
            assert not address.startswith("//"), (name, tag, address)
            assert target(name, address) in files, (name, tag, address)
    for name in letters:
        for address in re.findall(rb'(?:src|background)="([^"]+)"|url\(([^)]+)\)', files[name]):
            loaded = b"".join(address).decode()
            assert target(name, loaded) in files, (name, loaded)
    assert b"http" not in files["preview.css"].replace(b"http://www.w3.org", b"")


def test_every_link_between_previews_leads_somewhere(files: Mapping[str, bytes]) -> None:
    for name in ours(files):
        page = Page(files[name])
        for address in page.links:
            if address.startswith("#"):
                assert address[1:] in page.ids, (name, address)
            elif not urlsplit(address).scheme:
                assert target(name, address) in files, (name, address)


def test_a_change_is_shown_at_once_and_only_there(tmp_path: Path) -> None:
    config = copied(tmp_path.resolve())
    preview = Preview(lambda: NOW)
    begun = time.monotonic()
    before = preview.build(config)
    whole = time.monotonic() - begun
    path = config.root / BIKES
    path.write_text(path.read_text(encoding="utf-8").replace('title: "', 'title: "Tandem et '), encoding="utf-8")
    begun = time.monotonic()
    after = preview.build(config)
    assert time.monotonic() - begun < whole / 2  # a third of a second on two quiet cores, where all of it takes more
    assert b"Tandem et " in after["posts/velo-vingt-euros/index.html"]
    assert b"Tandem et " in after["posts/velo-vingt-euros/letter.html"]
    assert b"Tandem et " in after["index.html"]
    changed = {dirname(name) for name in after if after[name] != before.get(name) and not name.startswith("site/")}
    shows = [f"{name}/index.html".lstrip("/") for name in changed]
    # Other pages change with it only where their public page names it ("Read next").
    neighbours = {dirname(name) for name in shows if b"Tandem et " in after[name] + after.get(f"site/{name}", b"")}
    assert changed == neighbours


# ---- served


@pytest.fixture(scope="module")
def server(files: Mapping[str, bytes]) -> Iterator[Server]:
    made = Server(files)
    made.start()
    yield made
    made.stop()


def ask(
    server: Server, path: str, *, method: str = "GET", host: str | None = None
) -> tuple[int, Mapping[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.putrequest(method, path, skip_host=True)
        connection.putheader("Host", host or f"127.0.0.1:{server.port}")
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def test_pages_are_served_with_their_type(server: Server, files: Mapping[str, bytes]) -> None:
    for path, name, kind in (
        ("/", "index.html", "text/html; charset=utf-8"),
        ("/posts/velo-vingt-euros/", "posts/velo-vingt-euros/index.html", "text/html; charset=utf-8"),
        ("/posts/velo-vingt-euros/letter.txt", "posts/velo-vingt-euros/letter.txt", "text/plain; charset=utf-8"),
        ("/preview.css?v=1", "preview.css", "text/css; charset=utf-8"),
        ("/preview.js", "preview.js", "text/javascript; charset=utf-8"),
        ("/lexend.woff2", "lexend.woff2", "font/woff2"),
    ):
        status, headers, content = ask(server, path)
        assert (status, headers["content-type"]) == (200, kind)
        assert content == files[name]
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1", "127.0.0.1:1", "localhost.example.org", ""])
def test_a_foreign_host_is_refused(server: Server, host: str) -> None:
    status, _headers, content = ask(server, "/", host=host or " ")
    assert status == 421
    assert b"<html" not in content


def test_the_machine_by_its_name_is_welcome(server: Server) -> None:
    assert ask(server, "/", host=f"localhost:{server.port}")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../veille.toml",
        "/posts/../../veille.toml",
        "/%2e%2e/veille.toml",
        "/..%2fveille.toml",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/media/../../secret.key",
        "/site/..%5c..%5cveille.toml",
        "/index.html%00.txt",
        "/posts",
    ],
)
def test_nothing_but_the_pages_can_be_asked_for(server: Server, path: str) -> None:
    assert ask(server, path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_pages_can_only_be_read(server: Server, method: str) -> None:
    assert ask(server, "/", method=method)[0] == 405


def test_an_open_page_hears_of_a_change(files: Mapping[str, bytes]) -> None:
    server = Server(files)
    server.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("GET", "/events?page=/posts/velo-vingt-euros/")
        answer = connection.getresponse()
        assert answer.getheader("content-type", "").startswith("text/event-stream")
        name = "posts/velo-vingt-euros/index.html"
        first = answer.readline()
        assert first.startswith(b"data: ")
        assert first.split()[1] in files[name]
        changed = files[name].replace(first.split()[1], b"0123456789abcdef")
        server.stage.put({**files, name: changed})
        answer.readline()
        assert answer.readline() == b"data: 0123456789abcdef\n"
        server.stage.put({})
        answer.readline()
        assert answer.readline() == b"data: gone\n"
        begun = time.monotonic()
        server.stop()  # with the page still open
        assert time.monotonic() - begun < 15  # and not until the reader closes it
    finally:
        connection.close()
        server.stop()


def test_a_file_in_the_making_never_stops_the_watch(tmp_path: Path) -> None:
    config = copied(tmp_path.resolve())
    preview = Preview(lambda: NOW, [BIKES])
    preview.build(config)
    watch = Watch(preview, lambda: settings.load(config.root, {}), config)
    assert watch.look() is None
    path, toml = config.root / BIKES, config.root / "veille.toml"
    good, settled = path.read_text(encoding="utf-8"), toml.read_text(encoding="utf-8")
    for broken in ("", "---", "---\ntitle: [", "---\ntitle: x\n---\n", "\x00", good.replace("kind:", "kindd:")):
        path.write_text(broken, encoding="utf-8")
        files = watch.look()
        assert files is not None
        assert b'<li class="error">' in files["posts/velo-vingt-euros/index.html"], broken
    path.write_text(good, encoding="utf-8")
    toml.write_text(settled.replace("[brand]", "[brannd]"), encoding="utf-8")
    files = watch.look()
    assert files is not None
    assert b"brannd" in files["index.html"]
    toml.write_text(settled, encoding="utf-8")
    files = watch.look()
    assert files is not None
    assert b"brannd" not in files["index.html"]
    assert b'<li class="error">' not in files["posts/velo-vingt-euros/index.html"]


# ---- the command


def environment() -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VEILLE_")}
    return clean | {"VEILLE_NOW": "2026-11-25T09:00:00+01:00", "VEILLE_WORKSPACE__LANGUAGE": "en"}


# A shell that starts the tests in the background has SIGINT ignored for all of them.
_HEARS = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
VEILLE = [sys.executable, "-c", f"{_HEARS}; from veille_cli.app import main; main()", "preview"]


def test_without_a_terminal_it_builds_once_and_says_where(tmp_path: Path) -> None:
    copied(tmp_path.resolve())
    done = subprocess.run(
        VEILLE, cwd=tmp_path, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    index = Path(done.stdout.strip())
    assert index == (tmp_path / "outbox/preview/index.html").resolve()
    assert "Kess Kis Pass" in index.read_text(encoding="utf-8")
    assert [path.name for path in (tmp_path / "outbox").iterdir()] == ["preview"]  # no ledger, no key, nothing queued


def test_outside_a_newsroom_it_says_what_to_do(tmp_path: Path) -> None:
    done = subprocess.run(
        VEILLE, cwd=tmp_path, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "veille init" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_on_a_terminal_it_follows_what_is_typed_until_ctrl_c(tmp_path: Path) -> None:
    import pty

    copied(tmp_path.resolve())
    ours_end, its_end = pty.openpty()
    command = [*VEILLE, "--no-open", BIKES]
    running = subprocess.Popen(command, cwd=tmp_path, env=environment(), stdin=its_end, stdout=its_end, stderr=its_end)
    os.close(its_end)
    try:
        match = re.search(rb"http://127\.0\.0\.1:(\d+)/", _said(ours_end, b"Ctrl-C"))
        assert match
        path = tmp_path / BIKES
        path.write_text(path.read_text(encoding="utf-8") + "\nUn tandem aussi.\n", encoding="utf-8")
        assert _appears(int(match[1]), "/posts/velo-vingt-euros/letter.html", b"Un tandem aussi.")
        on_disk = tmp_path / "outbox/preview/posts/velo-vingt-euros/letter.html"
        end = time.monotonic() + 20  # the page is served from memory first, then written
        while b"Un tandem aussi." not in on_disk.read_bytes() and time.monotonic() < end:
            time.sleep(0.05)
        assert b"Un tandem aussi." in on_disk.read_bytes()
        running.send_signal(signal.SIGINT)
        _said(ours_end, b"\0", 10, lambda: running.poll() is not None)  # a terminal that nobody reads would block it
        assert running.wait(timeout=10) == 0
        assert [found.name for found in (tmp_path / "outbox").iterdir()] == ["preview"]
    finally:
        running.kill()
        running.wait()
        os.close(ours_end)


def _said(terminal: int, until: bytes, seconds: float = 30, over: Callable[[], bool] = lambda: False) -> bytes:
    said, end = b"", time.monotonic() + seconds
    while until not in said and time.monotonic() < end and not over():
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                said += os.read(terminal, 4096)
            except OSError:  # the other end is closed
                break
    return said


def _appears(port: int, path: str, words: bytes) -> bool:
    end = time.monotonic() + 15
    while time.monotonic() < end:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", path)
        content = connection.getresponse().read()
        connection.close()
        if words in content:
            return True
        time.sleep(0.1)
    return False
