"""The SMTP connection against a real server, and against one that fails exactly where a script says."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.smtp_server import PASSWORD, USER, MailServer, certificate, mail_server
from tests.support.smtp_sink import Act, Key, nobody_listens, smtp_sink
from veille.errors import NotAuthorised, OutcomeUnknown, PublishError, Rejected, Unavailable
from veille_publishers import smtp
from veille_publishers.smtp import Connection, parse_url

SENDER, READER = "letter@example.org", "reader@example.org"
LETTER = b"Subject: hello\r\n\r\nOne line.\r\n.\r\n..two dots\r\nend\r\n"
LOGIN = f"{quote(USER, safe='')}:{quote(PASSWORD, safe='')}@"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COMMAND_TIMEOUT", "DOT_TIMEOUT", "GOODBYE_TIMEOUT"):
        monkeypatch.setattr(smtp, name, 0.3)


def send(connection: Connection, reader: str = READER) -> str | None:
    return connection.send(SENDER, reader, lambda: LETTER, lambda: True)


def failure(connection: Connection, reader: str = READER) -> PublishError:
    with pytest.raises(PublishError) as caught:
        send(connection, reader)
    return caught.value


# ---- a real server


def test_the_bytes_arrive_as_they_are() -> None:
    with mail_server() as server:
        connection = Connection(parse_url(server.url()))
        assert send(connection) == "250 OK"
        connection.close()
    (mail,) = server.mails
    assert (mail.sender, mail.recipient, mail.content) == (SENDER, READER, LETTER)


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    return certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(params=["starttls", "implicit"])
def secure(request: pytest.FixtureRequest, trusted: tuple[Path, ssl.SSLContext]) -> Iterator[tuple[MailServer, str]]:
    with mail_server(tls=trusted[1], implicit=request.param == "implicit") as server:
        yield server, request.param


def secure_url(server: MailServer, tls: str, password: str = PASSWORD) -> str:
    return server.url(f"tls={tls}", f"{quote(USER, safe='')}:{quote(password, safe='')}@")


def test_encrypted_and_logged_in(
    secure: tuple[MailServer, str], trusted: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted[0]))
    server, tls = secure
    connection = Connection(parse_url(secure_url(server, tls)))
    assert send(connection) == "250 OK"
    connection.close()
    (mail,) = server.mails
    assert mail.encrypted
    assert mail.user == USER


def test_nothing_leaves_to_a_server_that_nobody_vouches_for(
    secure: tuple[MailServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    server, tls = secure
    error = failure(Connection(parse_url(secure_url(server, tls))))
    assert isinstance(error, Unavailable)
    assert error.about_us
    assert "certificate is not trusted" in error.message
    assert server.mails == []


@pytest.mark.parametrize("password", ["wrong", "accentué"])
def test_a_refused_login_stops_the_channel(
    secure: tuple[MailServer, str],
    trusted: tuple[Path, ssl.SSLContext],
    monkeypatch: pytest.MonkeyPatch,
    password: str,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted[0]))
    server, tls = secure
    error = failure(Connection(parse_url(secure_url(server, tls, password))))
    assert isinstance(error, NotAuthorised)
    assert "VEILLE_NEWSLETTER__SMTP_URL" in (error.hint or "")
    assert password not in f"{error} {error.hint} {error.detail}"


def test_a_server_without_encryption_gets_no_password() -> None:
    with smtp_sink() as sink:
        url = f"smtp://{LOGIN}127.0.0.1:{sink.port}?tls=starttls"
        error = failure(Connection(parse_url(url)))
    assert isinstance(error, Unavailable)
    assert "encryption" in error.message
    assert not any(line.startswith("AUTH") for line in sink.heard)


# ---- each phase, each way to fail: (script, error, about us)

BEFORE: list[tuple[dict[Any, Any], type[PublishError], bool]] = [
    *(({verb: act}, Unavailable, True) for verb in ("connect", "EHLO", "MAIL", "RCPT", "DATA") for act in Act),
    *(({verb: "what?"}, Unavailable, True) for verb in ("connect", "MAIL", "RCPT", "DATA")),
    *(({verb: "421 closing"}, Unavailable, True) for verb in ("connect", "MAIL", "RCPT", "DATA", "dot")),
    ({"connect": "554 go away"}, Unavailable, True),
    ({"MAIL": "451 later"}, Unavailable, True),
    ({"RCPT": "450 greylisted"}, Unavailable, False),
    ({"DATA": "451 later"}, Unavailable, False),
    ({"dot": "452 disk full"}, Unavailable, False),
    ({"MAIL": "550 not you"}, NotAuthorised, True),
    ({"RCPT": "550 no such reader"}, Rejected, False),
    ({"DATA": "554 no"}, Rejected, False),
    ({"DATA": "250 already there"}, Unavailable, True),
    ({"dot": "554 looks like advertising"}, Rejected, False),
    ({"RCPT": "550 no such reader", "RSET": Act.DROP}, Rejected, False),
    ({"RCPT": "550-no\r\n550 such reader"}, Rejected, False),
]


@pytest.mark.parametrize(("script", "kind", "about_us"), BEFORE, ids=lambda value: str(value)[:50])
def test_nothing_was_taken(script: dict[Key, str | Act], kind: type[PublishError], about_us: bool) -> None:
    with smtp_sink(script) as sink:
        connection = Connection(parse_url(sink.url))
        error = failure(connection)
        connection.close()
    assert type(error) is kind
    assert getattr(error, "about_us", kind is NotAuthorised) is about_us
    assert error.message
    assert sink.taken == []


@pytest.mark.parametrize("act", [*Act, "what?", "100 well", "354 go on"], ids=str)
def test_after_the_dot_nobody_knows(act: str | Act) -> None:
    with smtp_sink({"dot": act}) as sink:
        connection = Connection(parse_url(sink.url))
        error = failure(connection)
        connection.close()
    assert type(error) is OutcomeUnknown
    assert sink.copies == {READER: 1}


def test_any_2yz_answer_to_the_dot_means_taken() -> None:
    with smtp_sink({"dot": "251 forwarded to somebody@example.net"}) as sink:
        connection = Connection(parse_url(sink.url))
        assert send(connection) == "251 forwarded to <address>"
        connection.close()


def test_a_refused_reader_does_not_disturb_the_next() -> None:
    with smtp_sink({("RCPT", 1): "550 no such reader", ("dot", 1): "554 no"}) as sink:
        connection = Connection(parse_url(sink.url))
        assert type(failure(connection, "gone@example.org")) is Rejected
        assert type(failure(connection, "full@example.org")) is Rejected
        assert send(connection) == "250 taken"
        connection.close()
    assert sink.taken == [READER]
    assert sum(line.lower().startswith("ehlo") for line in sink.heard) == 1


@pytest.mark.parametrize("act", [Act.DROP, Act.RESET, "421 enough for one connection"], ids=str)
def test_a_connection_that_the_server_closed_meanwhile_is_opened_again(act: str | Act) -> None:
    with smtp_sink({("MAIL", 2): act}) as sink:
        connection = Connection(parse_url(sink.url))
        assert [send(connection, reader) for reader in ("one@example.org", "two@example.org")] == ["250 taken"] * 2
        connection.close()
    assert sink.taken == ["one@example.org", "two@example.org"]


def test_a_server_that_always_closes_is_not_asked_for_ever() -> None:
    with smtp_sink({("MAIL", 1): "250 ok", "MAIL": "421 no more"}) as sink:
        connection = Connection(parse_url(sink.url))
        send(connection)
        assert type(failure(connection)) is Unavailable
        connection.close()
    assert sum(line.lower().startswith("mail") for line in sink.heard) == 3


def test_no_consent_at_the_last_moment_sends_nothing() -> None:
    with smtp_sink() as sink:
        connection = Connection(parse_url(sink.url))
        assert connection.send(SENDER, READER, lambda: LETTER, lambda: False) is None
        assert send(connection, "two@example.org") == "250 taken"
        connection.close()
    assert sink.copies == {"two@example.org": 1}


def test_nobody_listens() -> None:
    port = nobody_listens()
    error = failure(Connection(parse_url(f"smtp://127.0.0.1:{port}?tls=none")))
    assert isinstance(error, Unavailable)
    assert error.about_us
    assert f"127.0.0.1:{port}" in error.message


def test_words_of_a_server_never_repeat_an_address(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with smtp_sink({"RCPT": f"550 <{READER}>: {READER} is unknown"}) as sink:
        connection = Connection(parse_url(sink.url))
        error = failure(connection)
        connection.close()
    assert READER not in f"{error} {error.hint} {error.detail} {caplog.text}"
    assert "<address>" in error.message
