"""Whatever is sent to the public site, it does not fail: nothing in the 500s, nothing in a log that somebody typed.

Schemathesis reads our OpenAPI document and calls the real server; Hypothesis writes raw bytes on the line.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import status_code_conformance

from tests.support.site_desk import Site, running
from veille.tokens import Purpose
from veille_web.site.routes import ADDRESSES, openapi

NOBODY = "needle.in.haystack@example.org"
QUIET = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much)
HOST = b"letter.example.org"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    limits = {"VEILLE_SERVE__PER_CLIENT": "1000000/h", "VEILLE_SERVE__PER_HOUR": "1000000"}
    with running(tmp_path_factory.mktemp("fuzz"), limits) as made:
        made.links = made.reader(NOBODY)  # type: ignore[attr-defined]
        yield made
        assert made.alarms == []


@pytest.fixture(autouse=True)
def nothing_in_the_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No defect, no address, whatever a test sent."""
    caplog.set_level(logging.INFO)
    yield
    ours = [record for record in caplog.get_records("call") if record.name.startswith(("veille", "uvicorn"))]
    assert [record.getMessage() for record in ours if record.levelno >= logging.ERROR or record.exc_info] == []
    assert [record.getMessage() for record in ours if "needle" in record.getMessage()] == []


def _schemathesis(site: Site, examples: int) -> None:
    """Call every operation of the document with whatever its generator thinks of, and with a reader's own links."""
    schema = schemathesis.openapi.from_dict(openapi(site.url))
    schema.config.update(base_url=site.url)
    seen = set()
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]
        _one_operation(site, operation, examples)
        seen.add((operation.method.upper(), operation.path))
    assert seen == {(address.method, address.path) for address in ADDRESSES}


def _one_operation(site: Site, operation: Any, examples: int) -> None:
    purpose = {"/p/": Purpose.PREFERENCES, "/u/": Purpose.UNSUBSCRIBE}.get(operation.path[:3])
    own = site.links[purpose].rpartition("/")[2] if purpose else ""  # type: ignore[attr-defined]
    checks = [not_a_server_error, status_code_conformance]

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(case=operation.as_strategy(), known=st.booleans(), stamp=st.booleans())
    def call(case: Any, known: bool, stamp: bool) -> None:
        if known and own and not operation.path.endswith("/erase"):
            case.path_parameters["token"] = own
        if stamp and isinstance(case.body, dict):
            case.body["stamp"] = site.stamps  # type: ignore[attr-defined]
        case.call_and_validate(checks=checks, headers={"Host": HOST.decode()}, allow_redirects=False, timeout=20)

    call()


def test_no_operation_of_the_document_fails(site: Site) -> None:
    site.stamps = site.stamp()  # type: ignore[attr-defined]
    _schemathesis(site, 6)


@pytest.mark.soak
def test_no_operation_of_the_document_fails_in_the_long_run(site: Site) -> None:
    site.stamps = site.stamp()  # type: ignore[attr-defined]
    _schemathesis(site, 400)


# raw bytes on the line

words = st.one_of(st.binary(max_size=60), st.just(NOBODY.encode()))
paths = st.one_of(
    st.sampled_from([address.path.encode().replace(b"{token}", b"1u1-x") for address in ADDRESSES]),
    st.lists(st.sampled_from([b"..", b".", b"%2e%2e", b"%00", b"%ff", b"%", b"\\", b"//", b"c", b"p", b"a" * 300])).map(
        lambda parts: b"/" + b"/".join(parts)
    ),
    st.binary(max_size=200).map(lambda tail: b"/" + tail),
    st.sampled_from([b"*", b"/" + NOBODY.encode(), b"/subscribe/?email=" + NOBODY.encode(), b"/c/" + NOBODY.encode()]),
    st.just(b"http://evil.example/"),
)
methods = st.sampled_from(
    [b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT", b"get", b"X" * 40]
)
names = st.sampled_from(
    [
        *(b"Host", b"Content-Type", b"Content-Length", b"Transfer-Encoding", b"Range", b"If-Range", b"If-None-Match"),
        *(b"If-Modified-Since", b"Accept-Encoding", b"Origin", b"Sec-Fetch-Site", b"X-Forwarded-For", b"Expect"),
        *(b"X-Forwarded-Proto", b"Connection", b"Upgrade", b"Cookie", b"X-HTTP-Method-Override", b"A" * 300),
    ]
)
values = st.one_of(
    words,
    st.sampled_from(
        [
            *(b"chunked", b"gzip, chunked", b"-1", b"0", b"5", b"99999999999", b"0x10", b"1e3", "٣".encode()),
            *(b"bytes=0-", b"bytes=-0", b"bytes=9-1", b"bytes=0-1,2-3", b"bytes=99999999999999999999-"),
            *(b'"x"', b'W/"x"', b"*", b"Wed, 99 Foo 2026 00:00:00 GMT", b"Thu, 01 Jan 0000 00:00:00 GMT", b"null"),
            *(
                b"http://[",
                b"http://[::1",
                b"https://letter.example.org:x",
                b"multipart/form-data",
                b"application/json",
            ),
            *(b"text/plain; charset=utf-99", b"application/x-www-form-urlencoded; charset=utf-7", b"100-continue"),
            *(b"gzip;q=x", b"gzip;q=1.0001", b"gzip;q=", b"websocket", b"h2c", b"x" * 5000, b"\xff\xfe"),
            NOBODY.encode(),
            *(b"::1%eth0, 127.0.0.1", b"[::1]:80", b"999.1.1.1", b"https,http"),
        ]
    ),
)
headers = st.lists(st.tuples(names, values), max_size=6)
bodies = st.one_of(
    st.binary(max_size=400),
    st.lists(st.tuples(st.sampled_from([b"email", b"towns", b"stamp", b"sure", b"language", b"%"]), words)).map(
        lambda fields: b"&".join(name + b"=" + value for name, value in fields)
    ),
    st.binary(min_size=17_000, max_size=17_001),
)


def _answer(site: Site, sent: bytes) -> bytes:
    """What comes back on a line of its own, on which we have said everything; b"" when it is only closed."""
    with socket.create_connection(("127.0.0.1", site.server.port), timeout=20) as line:
        try:
            line.sendall(sent)
            line.shutdown(socket.SHUT_WR)
            found = b""
            while data := line.recv(65536):
                found += data
        except ConnectionError:  # it was told too much
            return b""
    return found


def _status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def _held(site: Site, answer: bytes) -> None:
    """An answer that may be given, and the site goes on."""
    assert _status(answer) < 500, answer[:300]
    assert b"Traceback" not in answer
    assert site.get("/healthz").json() == {"status": "ok"}


def _request(method: bytes, path: bytes, sent: list[tuple[bytes, bytes]], body: bytes, honest: bool) -> bytes:
    lines = [method + b" " + path + b" HTTP/1.1"]
    if honest:  # gets past the first look
        path_of = [b"Host: " + HOST, b"Connection: close", b"Content-Length: %d" % len(body)]
        sent = [(name, value) for name, value in sent if name not in (b"Host", b"Content-Length", b"Transfer-Encoding")]
        lines += path_of
    lines += [name + b": " + value for name, value in sent]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _plain(path: bytes) -> bytes:
    return path.translate(None, b" \r\n\t\x00")


@settings(max_examples=60, deadline=None, suppress_health_check=QUIET)
@given(methods, paths, headers, bodies, st.booleans())
@example(b"POST", b"/p/1p1-x", [(b"Origin", b"//[")], b"", True)
def test_no_request_makes_it_fail(
    site: Site, method: bytes, path: bytes, sent: list[tuple[bytes, bytes]], body: bytes, honest: bool
) -> None:
    wellformed = _request(method, _plain(path) if honest else path, sent, body, honest)
    _held(site, _answer(site, wellformed))


@settings(max_examples=25, deadline=None, suppress_health_check=QUIET)
@given(st.binary(max_size=2000))
def test_no_bytes_make_it_fail(site: Site, sent: bytes) -> None:
    _held(site, _answer(site, sent))


@settings(max_examples=40, deadline=None, suppress_health_check=QUIET)
@given(bodies, st.sampled_from(["subscribe", "p", "c", "u", "erase", "export"]))
def test_no_body_of_a_form_makes_it_fail(site: Site, body: bytes, form: str) -> None:
    links: dict[Purpose, str] = site.links  # type: ignore[attr-defined]
    own = links[Purpose.PREFERENCES]
    path = {"subscribe": "/subscribe/", "p": own, "export": f"{own}/export", "erase": f"{own}/erase"}.get(form)
    path = path or {"c": "/c/1c1-x", "u": links[Purpose.UNSUBSCRIBE]}[form]
    if form == "erase" and b"sure" in body:
        return
    _held(site, _answer(site, _request(b"POST", path.encode(), [], body, True)))


@pytest.mark.soak
@settings(max_examples=3000, deadline=None, suppress_health_check=QUIET)
@given(methods, paths, headers, bodies, st.booleans())
def test_no_request_makes_it_fail_in_the_long_run(
    site: Site, method: bytes, path: bytes, sent: list[tuple[bytes, bytes]], body: bytes, honest: bool
) -> None:
    _held(site, _answer(site, _request(method, _plain(path) if honest else path, sent, body, honest)))


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost: " + HOST + b"\r\nX: " + b"a" * 40_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: " + HOST + b"\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(3000)) + b"\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: " + HOST + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: " + HOST + b"\r\nHost: evil.example\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,  # somebody speaks TLS
    ],
)  # fmt: skip
def test_what_is_too_much_or_another_language_is_refused(site: Site, sent: bytes) -> None:
    answer = _answer(site, sent)
    assert _status(answer) in (0, 400, 421, 431), answer[:200]
    assert site.get("/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize(("method", "path"), [(b"GET", "/feed.json"), (b"POST", "/subscribe/"), (b"POST", "/p/1p1-x")])
@pytest.mark.parametrize("rest", [b"ZZ\r\n", b"5\r\nabcdefgh\r\n"])
def test_a_body_that_turns_into_nonsense_while_its_page_is_made_is_no_defect_of_ours(
    site: Site, method: bytes, path: str, rest: bytes
) -> None:
    """uvicorn refuses it at once; the page that was begun must neither fail nor be written down as failed."""
    head = [(b"Host", HOST), (b"Transfer-Encoding", b"chunked")]
    answer = _answer(site, _request(method, path.encode(), head, b"", False) + rest)
    assert _status(answer) in (0, 400), answer[:200]
    assert site.get("/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize(
    "path", [f"/{NOBODY}", f"/c/{NOBODY}", f"/subscribe/?email={NOBODY}", f"/posts/{NOBODY}/", f"/u/{NOBODY}"]
)
def test_an_address_in_an_address_is_not_logged(site: Site, path: str) -> None:
    assert site.get(path, User_Agent=NOBODY, Referer=f"https://{NOBODY}/", X_Forwarded_For=NOBODY).status_code < 500
    assert site.post(path, {NOBODY: NOBODY, "stamp": NOBODY, "email": NOBODY}, Cookie=f"a={NOBODY}").status_code < 500
