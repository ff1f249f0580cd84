"""Following links on a real web server on loopback that does everything a web server may do wrong."""

from __future__ import annotations

import datetime
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from typer.testing import CliRunner, Result

from tests.support.content import newsroom, write
from tests.support.ledger import NOW
from veille import library
from veille.config import Config
from veille.errors import Finding, Severity
from veille.linking import Answer, LinkWalk, Outcome
from veille_cli.application import build
from veille_publishers.link_fetch import AT_ONCE, PER_HOST, LinkFetch

TIMEOUT = 0.3


class Site(ThreadingHTTPServer):
    """A site whose pages misbehave by name; it remembers what it was asked."""

    daemon_threads = True

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Page)
        self.asked: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.now, self.most = 0, 0
        self.lock = threading.Lock()
        self.scheme = "https" if context else "http"
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.server_address[1]}{path}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are what this is about."""

    def times(self, path: str) -> int:
        return sum(asked == path for _method, asked in self.asked)


class _Page(BaseHTTPRequestHandler):
    server: Site
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Quiet."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        site = self.server
        with site.lock:
            site.asked.append((self.command, self.path))
            site.headers.append(dict(self.headers))
            site.now += 1
            site.most = max(site.most, site.now)
        try:
            name = self.path.partition("?")[0].strip("/").split("/")[0].replace("-", "_") or "fine"
            getattr(self, f"page_{name}", self.page_fine)()
        finally:
            with site.lock:
                site.now -= 1

    def _say(self, status: int, *headers: tuple[str, str], body: bytes = b"ok") -> None:
        self.send_response(status)
        for key, value in headers:
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def page_fine(self) -> None:
        self._say(200)

    def page_dead(self) -> None:
        self._say(404)

    def page_gone(self) -> None:
        self._say(410)

    def page_wall(self) -> None:
        self._say(999)

    def page_forbidden(self) -> None:
        self._say(403)

    def page_broken(self) -> None:
        self._say(500)

    def page_no_head(self) -> None:
        self._say(405 if self.command == "HEAD" else 200)

    def page_head_is_404(self) -> None:
        self._say(404 if self.command == "HEAD" else 200)

    def page_head_hangs(self) -> None:
        if self.command == "HEAD":
            time.sleep(TIMEOUT * 2)
        self._say(200)

    def page_moved(self) -> None:
        self._say(301, ("Location", "/fine/new"))

    def page_found(self) -> None:
        self._say(302, ("Location", "/fine/today"))

    def page_chain(self) -> None:
        number = int(self.path.rsplit("/", 1)[1])
        self._say(*((302, ("Location", f"/chain/{number - 1}")) if number else (200,)))

    def page_home(self) -> None:
        self._say(302, ("Location", "/"))

    def page_circle(self) -> None:
        self._say(301, ("Location", "/ring"))

    def page_ring(self) -> None:
        self._say(301, ("Location", "/circle"))

    def page_cookie_circle(self) -> None:
        self._say(302, ("Location", "/cookie-circle"), ("Set-Cookie", "seen=1"))

    def page_elsewhere(self) -> None:
        self._say(302, ("Location", self.server.url("/fine", "localhost")))

    def page_file(self) -> None:
        self._say(302, ("Location", "file:///etc/hostname"))

    def page_tel(self) -> None:
        self._say(302, ("Location", "tel:+33199001234"))

    def page_hang(self) -> None:
        time.sleep(TIMEOUT * 3)

    def page_drip(self) -> None:
        """One byte at a time: no single wait is ever too long."""
        for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 400:
            self.wfile.write(bytes([byte]))
            time.sleep(TIMEOUT / 5)

    def page_endless(self) -> None:
        self.send_response(405 if self.command == "HEAD" else 200)
        self.send_header("Connection", "close")
        self.end_headers()
        while self.command == "GET":
            self.wfile.write(b"x" * 65536)

    def page_headers_only(self) -> None:
        self.send_response(405 if self.command == "HEAD" else 200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.flush()
        time.sleep(TIMEOUT * 2)

    def page_busy_once(self) -> None:
        self._say(*((429, ("Retry-After", "0")) if self.server.times(self.path) == 1 else (200,)))

    def page_busy(self) -> None:
        self._say(503, ("Retry-After", "0"))

    def page_busy_long(self) -> None:
        self._say(429, ("Retry-After", "3600"))

    def page_nonsense(self) -> None:
        self.wfile.write(b"HTTP/9 what?\r\n\r\n")
        self.close_connection = True

    def page_hung_up(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def page_big_cookie(self) -> None:
        self._say(200, ("Set-Cookie", "a=" + "x" * 70_000))

    def page_cookie(self) -> None:
        self._say(200, ("Set-Cookie", "who=you; Path=/"))

    def page_slow(self) -> None:
        time.sleep(0.05)
        self._say(200)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site()
    yield server
    server.shutdown()
    server.server_close()


def fetch() -> LinkFetch:
    return LinkFetch(TIMEOUT, "https://lettre.example.org")


def one(address: str) -> Answer:
    (answer,) = fetch()([address])
    return answer


EXPECTED = {
    "/fine": (Outcome.FINE, 200),
    "/dead": (Outcome.GONE, 404),
    "/gone": (Outcome.GONE, 410),
    "/wall": (Outcome.REFUSED, 999),
    "/forbidden": (Outcome.REFUSED, 403),
    "/broken": (Outcome.BUSY, 500),
    "/no-head": (Outcome.FINE, 200),
    "/head-is-404": (Outcome.FINE, 200),
    "/head-hangs": (Outcome.FINE, 200),
    "/found": (Outcome.FINE, 200),
    "/chain/10": (Outcome.FINE, 200),
    "/chain/11": (Outcome.LOOP, 302),
    "/circle": (Outcome.LOOP, 301),
    "/cookie-circle": (Outcome.REFUSED, 302),
    "/elsewhere": (Outcome.FINE, 200),
    "/file": (Outcome.ASTRAY, 302),
    "/tel": (Outcome.ASTRAY, 302),
    "/hang": (Outcome.SILENT, 0),
    "/drip": (Outcome.SILENT, 0),
    "/endless": (Outcome.FINE, 200),
    "/headers-only": (Outcome.FINE, 200),
    "/busy-once": (Outcome.FINE, 200),
    "/busy": (Outcome.BUSY, 503),
    "/busy-long": (Outcome.BUSY, 429),
    "/nonsense": (Outcome.SILENT, 0),
    "/hung-up": (Outcome.SILENT, 0),
    "/big-cookie": (Outcome.SILENT, 0),
}


def test_every_way_in_which_a_server_may_answer(site: Site) -> None:
    """All at once: none of them keeps the others from being opened."""
    wanted = {site.url(path): path for path in EXPECTED}
    started = time.monotonic()
    found = {wanted[answer.url]: (answer.outcome, answer.status) for answer in fetch()(list(wanted))}
    assert found == EXPECTED
    assert site.times("/busy") == 2  # HEAD twice: no GET where a server asks for patience
    assert site.times("/busy-long") == 1
    assert time.monotonic() - started < 30 * TIMEOUT


def test_permanent_redirects_name_their_target(site: Site) -> None:
    answer = one(site.url("/moved"))
    assert (answer.final, answer.permanent) == (site.url("/fine/new"), site.url("/fine/new"))
    answer = one(site.url("/found"))
    assert (answer.final, answer.permanent) == (site.url("/fine/today"), "")


def test_at_most_two_of_one_host_and_eight_in_all(site: Site) -> None:
    list(fetch()([site.url(f"/slow/{n}") for n in range(8)]))
    assert site.most == PER_HOST
    site.most = 0
    hosts = ["127.0.0.1", "localhost", "LOCALHOST."]
    list(fetch()([site.url(f"/slow/{host}/{n}", host) for n in range(5) for host in hosts]))
    assert PER_HOST < site.most <= AT_ONCE


def test_who_asks_is_said_and_nothing_else_is_given_away(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login someone password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    opener = fetch()
    list(opener([site.url("/cookie")]))
    list(opener([site.url("/fine").replace("http://", "http://redaction:secret@"), site.url("/fine")]))
    assert len(site.headers) == 3
    for headers in site.headers:
        assert "veille/" in headers["User-Agent"]
        assert "https://lettre.example.org" in headers["User-Agent"]
        assert not {"Cookie", "Authorization", "Referer"} & set(headers)


def test_a_host_that_lets_us_wait_is_left_alone(site: Site) -> None:
    pages = [site.url(f"/hang/{n}") for n in range(40)]
    found = list(LinkFetch(0.1, "https://lettre.example.org")(pages))
    assert sorted(answer.url for answer in found) == sorted(pages)
    assert {answer.outcome for answer in found} == {Outcome.SILENT}
    assert len({path for _method, path in site.asked}) <= 4


def test_a_closed_port_is_no_answer() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert one(f"http://127.0.0.1:{closed.getsockname()[1]}/").outcome is Outcome.SILENT


def _certificate(folder: Path, name: str, days: int = 10) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = datetime.datetime.now(datetime.UTC)
    other: list[x509.GeneralName] = [x509.DNSName(name)]
    if name.startswith("127."):
        other = [x509.IPAddress(ipaddress.ip_address(name))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(names)
        .issuer_name(names)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=20))
        .not_valid_after(today + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(other), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "site.pem").write_bytes(pem + private)
    (folder / "authority.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "site.pem")
    return context


@pytest.mark.parametrize(
    ("name", "days", "known", "outcome", "words"),
    [
        ("127.0.0.1", 10, False, Outcome.CERTIFICATE, "self"),
        ("127.0.0.1", -1, True, Outcome.CERTIFICATE, "expired"),
        ("other.example.org", 10, True, Outcome.CERTIFICATE, "mismatch"),
        ("127.0.0.1", 10, True, Outcome.FINE, ""),
    ],
)
def test_certificates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, days: int, known: bool, outcome: Outcome, words: str
) -> None:
    site = Site(_certificate(tmp_path, name, days))
    if known:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    answer = one(site.url("/fine"))
    site.shutdown()
    site.server_close()
    assert answer.outcome is outcome
    assert words in answer.detail


def _resolver(monkeypatch: pytest.MonkeyPatch, code: int | None, *, control: bool = False) -> list[str]:
    """What the resolver says of every name but those of this computer; None: they are this computer.

    Args:
        control: it finds the name that is always there.
    """
    real, asked = socket.getaddrinfo, []

    def ask(host: str | bytes, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name.startswith("127.") or (control and name == "example.com"):
            host = "127.0.0.1"
            return real(host, *args, **kwargs)
        asked.append(name)
        if code is not None:
            raise socket.gaierror(code, "as the resolver says it")
        return real("127.0.0.1", *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    return asked


OWN = "title: a\nallow: {link-private: un essai sur cette machine}"


def test_names_that_do_not_exist_and_no_network(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    _resolver(monkeypatch, socket.EAI_NONAME, control=True)
    assert one("https://www.nulle-part.fr/").outcome is Outcome.NO_HOST
    assert one(f"https://{'x' * 70}.fr/").outcome is Outcome.NO_HOST
    for code in (socket.EAI_AGAIN, socket.EAI_NONAME):
        _resolver(monkeypatch, code)
        assert one("https://www.nulle-part.fr/").outcome is Outcome.OFFLINE


def test_names_with_accents(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _resolver(monkeypatch, None)
    assert one(site.url("/été", "défense.fr")).outcome is Outcome.FINE
    assert asked == ["xn--dfense-bva.fr"]
    assert site.asked == [("HEAD", "/%C3%A9t%C3%A9")]


def test_our_own_network_is_not_looked_into(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    _resolver(monkeypatch, None)
    path = f"/elsewhere?{site.url('/fine')}"
    assert one(site.url(path, "www.association.fr")).outcome is Outcome.ASTRAY
    assert len(site.asked) == 1


def test_without_network_it_gives_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _resolver(monkeypatch, socket.EAI_NONAME)
    found = Counter(answer.outcome for answer in fetch()([f"https://site{n}.fr/" for n in range(200)]))
    assert sum(found.values()) == 200
    assert found[Outcome.OFFLINE] > 150
    assert len(asked) < 50


# From the texts to the findings ----


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return newsroom(tmp_path)


def findings(config: Config, opener: Callable[..., Iterator[Answer]] | None = None, hours: float = 0) -> list[Finding]:
    walk = LinkWalk(library.load(config), config, NOW + timedelta(hours=hours))
    return walk.findings(opener or fetch())


def test_a_dead_link_is_told_at_every_place_and_asked_once(config: Config, site: Site) -> None:
    dead = site.url("/dead")
    partner = config.root / "content/partners/ccas-bagneux.yaml"
    partner.write_text(f"{partner.read_text()}url: {dead}\n")
    front = f"title: a\nevent: {{start: 2026-12-01, url: '{dead}#top'}}\n{OWN.partition(chr(10))[2]}"
    write(config.root, front, f"[Une page]({dead})", "posts/a.md")
    write(config.root, f"{OWN}\ndraft: true", f"Un.\n\n[Autre page]({dead}#bas), <{site.url('/fine')}>", "posts/b.md")
    found = findings(config)
    assert [(f.file.rsplit("/", 1)[1], f.line, f.code, f.severity) for f in found] == [
        ("ccas-bagneux.yaml", 5, "link-dead", Severity.ERROR),
        ("a.md", 3, "link-dead", Severity.ERROR),
        ("a.md", 7, "link-dead", Severity.ERROR),
        ("b.md", 9, "link-dead", Severity.WARNING),
    ]
    assert "404" in found[0].message
    assert sorted(site.asked) == [("GET", "/dead"), ("HEAD", "/dead"), ("HEAD", "/fine")]


def test_what_each_outcome_is_called(config: Config, site: Site) -> None:
    paths = ("moved", "home/deep", "busy-long", "forbidden", "circle", "found", "fine", "dead")
    write(
        config.root,
        "title: a\nallow: {link-moved: voulu, link-private: voulu}",
        f"[Un]({site.url('/moved/1')})",
        "posts/a.md",
    )
    body = "\n\n".join(f"[Page {path}]({site.url('/' + path)})" for path in paths)
    write(config.root, OWN, body, "posts/b.md")
    assert [(f.line, f.code, f.severity.value) for f in findings(config)] == [
        (6, "link-moved", "warning"),
        (8, "link-moved", "warning"),
        (10, "link-unreachable", "warning"),
        (12, "link-unreachable", "warning"),
        (14, "link-dead", "error"),
        (20, "link-dead", "error"),
    ]


def test_a_second_run_opens_no_connection_until_the_answers_are_old(config: Config, site: Site) -> None:
    write(config.root, OWN, f"[Bonne]({site.url('/fine')}) et [mauvaise]({site.url('/dead')})", "posts/a.md")
    first = findings(config)
    asked = len(site.asked)
    assert findings(config, hours=0.9) == first
    assert len(site.asked) == asked
    assert findings(config, hours=1.1) == first
    assert {path for _method, path in site.asked[asked:]} == {"/dead"}
    asked = len(site.asked)
    assert findings(config, hours=25) == first
    assert {path for _method, path in site.asked[asked:]} == {"/dead", "/fine"}


@pytest.mark.parametrize("kept", ["", "[]", "{", '{"http://x.fr": 1}', '{"a": {"at": "2026-01-01", "outcome": "?"}}'])
def test_a_memory_that_cannot_be_read_is_none(config: Config, site: Site, kept: str) -> None:
    config.outbox_dir.mkdir()
    (config.outbox_dir / "links.json").write_text(kept)
    write(config.root, OWN, f"[Bonne]({site.url('/fine')})", "posts/a.md")
    assert findings(config) == []
    assert len(site.asked) == 1
    assert findings(config) == []
    assert len(site.asked) == 1


def test_no_network_is_one_warning_and_is_not_remembered(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "\n\n".join(f"[Page {n}](https://www.site{n}.fr/)" for n in range(20))
    write(config.root, "title: a", body, "posts/a.md")
    _resolver(monkeypatch, socket.EAI_AGAIN)
    (finding,) = findings(config)
    assert (finding.code, finding.severity, finding.file) == ("links-unchecked", Severity.WARNING, "veille.toml")
    assert "20" in finding.message
    _resolver(monkeypatch, socket.EAI_NONAME)
    assert [f.code for f in findings(config)] == ["links-unchecked"]
    write(config.root, "title: a", "[Page](https://www.site1.fr/)", "posts/a.md")
    assert [f.code for f in findings(config)] == ["links-unchecked"]
    _resolver(monkeypatch, socket.EAI_NONAME, control=True)
    assert [f.code for f in findings(config, hours=2)] == ["link-dead"]


def test_examples_our_own_pages_and_other_schemes_are_not_opened(config: Config) -> None:
    own = config.settings.workspace.base_url
    body = f"[a](/posts/a/) [b]({own}/posts/a/) [c](mailto:a@b.fr) [d](tel:3919) <https://a.example.org> [e](/)"
    write(config.root, "title: a", body, "posts/a.md")

    def nobody(addresses: object) -> Iterator[Answer]:
        raise AssertionError(addresses)

    assert findings(config, nobody) == []


# The commands ----

LIVE = """\
[workspace]
language = "en"
base_url = "https://lettre.ville.fr"
[web]
transport = "folder"
output = "public"
[checks]
link_timeout = "1 s"
"""
ALLOWED = "title: a\nchannels: [web]\nallow: {link-private: un essai sur cette machine, http-link: un essai}"


@pytest.fixture
def command(config: Config, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(config.root)
    return lambda *args: CliRunner().invoke(build(), args)


def _codes(result: Result) -> list[str]:
    return [entry["code"] for entry in json.loads(result.stdout)["errors"]]


def test_check_opens_links_only_when_it_is_asked_to(config: Config, site: Site, command: Callable[..., Result]) -> None:
    write(config.root, ALLOWED, f"[Le programme de mardi]({site.url('/dead')})", "posts/a.md")
    write(config.root, ALLOWED, f"[Le programme de jeudi]({site.url('/gone')})", "posts/b.md")
    assert "link-dead" not in command("check", "--json").stdout
    assert site.asked == []
    result = command("check", "--links", "--json")
    assert result.exit_code == 3
    assert _codes(result).count("link-dead") == 2
    assert _codes(command("check", "--links", "content/posts/b.md", "--json")).count("link-dead") == 1


def test_a_text_that_was_sent_in_opens_nothing_in_our_own_network(
    config: Config, site: Site, command: Callable[..., Result]
) -> None:
    write(config.root, "title: Bonjour", f"[Le programme de mardi]({site.url('/dead')})", "posts/a.md")
    found = _codes(command("check", "--links", "--json"))
    assert ("link-private" in found, "link-dead" in found, site.asked) == (True, False, [])


def test_publish_refuses_a_dead_link_only_where_it_reaches_people(
    config: Config, site: Site, command: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(config.root, ALLOWED, f"[Le programme de mardi]({site.url('/dead')})", "posts/a.md")
    assert command("publish", "--dry-run").exit_code == 0
    assert site.asked == []
    (config.root / "veille.toml").write_text(LIVE)
    write(config.root, ALLOWED, f"Bonjour. [Le programme de jeudi]({site.url('/moved')})", "posts/b.md")
    refused = command("publish", "--yes")
    assert refused.exit_code == 3
    assert "[link-dead]" in refused.output
    assert "veille publish content/posts/b.md" in refused.output
    assert not (config.root / "public").exists()
    moved = command("publish", "--dry-run", "content/posts/b.md")
    assert moved.exit_code == 0, moved.output
    assert "[link-moved]" in moved.output
    monkeypatch.setenv("VEILLE_CHECKS__LINKS", "false")
    unopened = command("publish", "--dry-run")
    assert unopened.exit_code == 0, unopened.output
    assert "[link-" not in unopened.output
