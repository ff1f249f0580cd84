"""Following links on a real web server on loopback that does everything a web server may do wrong."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import cycle
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.link_site import TIMEOUT, Site, fetch, link_site, one, resolver
from veille.linking import Outcome
from veille_publishers.link_fetch import AT_ONCE, PER_HOST, LinkFetch

pytestmark = pytest.mark.usefixtures("no_proxy")


@pytest.fixture
def site() -> Iterator[Site]:
    with link_site() as running:
        yield running


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
    hosts = cycle(("127.0.0.1", "localhost"))
    wanted = {site.url(path, next(hosts)): path for path in EXPECTED}
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
    site.together = PER_HOST
    list(fetch()([site.url(f"/slow/{n}") for n in range(8)]))
    assert site.most == PER_HOST
    site.most, site.together = 0, PER_HOST + 1
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
    with link_site(_certificate(tmp_path, name, days)) as site:
        if known:
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
        answer = one(site.url("/fine"))
    assert answer.outcome is outcome
    assert words in answer.detail


def test_names_that_do_not_exist_and_no_network(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    resolver(monkeypatch, socket.EAI_NONAME, control=True)
    assert one("https://www.nulle-part.fr/").outcome is Outcome.NO_HOST
    assert one(f"https://{'x' * 70}.fr/").outcome is Outcome.NO_HOST
    for code in (socket.EAI_AGAIN, socket.EAI_NONAME):
        resolver(monkeypatch, code)
        assert one("https://www.nulle-part.fr/").outcome is Outcome.OFFLINE


def test_names_with_accents(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolver(monkeypatch, None)
    assert one(site.url("/été", "défense.fr")).outcome is Outcome.FINE
    assert asked == ["xn--dfense-bva.fr"]
    assert site.asked == [("HEAD", "/%C3%A9t%C3%A9")]


def test_our_own_network_is_not_looked_into(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    resolver(monkeypatch, None)
    path = f"/elsewhere?{site.url('/fine')}"
    assert one(site.url(path, "www.association.fr")).outcome is Outcome.ASTRAY
    assert len(site.asked) == 1


def test_without_network_it_gives_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolver(monkeypatch, socket.EAI_NONAME)
    found = Counter(answer.outcome for answer in fetch()([f"https://site{n}.fr/" for n in range(200)]))
    assert sum(found.values()) == 200
    assert found[Outcome.OFFLINE] > 150
    assert len(asked) < 50
