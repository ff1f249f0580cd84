"""One letter against a real server, and against one that fails exactly where a script says."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.mail_journal import LETTER, SENDER, MailJournal, composer, deliveries
from tests.support.smtp_server import PASSWORD, USER, MailServer, certificate, mail_server
from tests.support.smtp_sink import Act, Key, Sink, nobody_listens, smtp_sink
from tests.support.smtp_talk import MAIL, MODES, READER, failure, pool, send
from veille.errors import HardBounce, NotAuthorised, OutcomeUnknown, PublishError, Rejected, Unavailable
from veille_publishers.pool import Mail, Times

LONG = b"Subject: long\r\n\r\n" + b"and so on\r\n" * 1_000_000
LOGIN = f"{quote(USER, safe='')}:{quote(PASSWORD, safe='')}@"
HASTY = Times(command=1.5, dot=1.5, goodbye=0.5)
ENDS = (Act.DROP, Act.RESET, Act.HALF_CLOSE)


def about_us(error: PublishError) -> bool:
    return isinstance(error, NotAuthorised) or getattr(error, "about_us", False)


@pytest.fixture(params=MODES, name="offers")
def every_mode(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return MODES[request.param]


# ---- a real server


def test_the_bytes_arrive_as_they_are() -> None:
    with mail_server() as server:
        assert send(server.url()) == "250 OK"
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
    long = LETTER + b"".join(b"%d and so on\r\n" % n for n in range(20_000))
    assert send(secure_url(server, tls), Mail(SENDER, READER, long)) == "250 OK"
    (mail,) = server.mails
    assert mail.encrypted
    assert mail.user == USER
    assert mail.content == long


def test_login_where_a_server_knows_no_other_way(
    secure: tuple[MailServer, str], trusted: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted[0]))
    server, tls = secure
    server.without_logins.add("PLAIN")
    assert send(secure_url(server, tls)) == "250 OK"
    assert server.mails[0].user == USER
    assert isinstance(failure(secure_url(server, tls, "wrong")), NotAuthorised)


def test_nothing_leaves_to_a_server_that_nobody_vouches_for(
    secure: tuple[MailServer, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    server, tls = secure
    error = failure(secure_url(server, tls))
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
    error = failure(secure_url(server, tls, password))
    assert isinstance(error, NotAuthorised)
    assert "VEILLE_NEWSLETTER__SMTP_URL" in (error.hint or "")
    assert password not in f"{error} {error.hint} {error.detail}"


def test_a_server_without_encryption_gets_no_password() -> None:
    with smtp_sink() as sink:
        error = failure(f"smtp://{LOGIN}127.0.0.1:{sink.port}?tls=starttls")
    assert isinstance(error, Unavailable)
    assert "encryption" in error.message
    assert not any(line.startswith("AUTH") for line in sink.heard)


def test_words_that_came_before_the_encryption_are_not_believed() -> None:
    script: dict[Key, str | Act] = {"STARTTLS": "220 ready\r\n250-sink\r\n250 AUTH PLAIN"}
    with smtp_sink(script, offers=("STARTTLS",)) as sink:
        error = failure(f"smtp://{LOGIN}127.0.0.1:{sink.port}?tls=starttls")
    assert isinstance(error, Unavailable)
    assert not any(line.startswith("AUTH") for line in sink.heard)


# ---- each phase, each way to fail: (script, error, about us)

_ENVELOPE = ("MAIL", "RCPT", "DATA")
OPENING: list[tuple[dict[Any, Any], type[PublishError]]] = [
    *(({verb: act}, Unavailable) for verb in ("connect", "EHLO") for act in ENDS),
    *(({verb: words}, Unavailable) for verb in ("connect", "EHLO") for words in ("what?", "421 full", "451 later")),
    ({"connect": "554 go away"}, NotAuthorised),
    ({"EHLO": "502 what?", "HELO": "550 go away"}, NotAuthorised),
    ({"EHLO": "502 what?", "HELO": Act.DROP}, Unavailable),
]


@pytest.mark.parametrize(("script", "kind"), OPENING, ids=lambda value: str(value)[:50])
def test_no_way_in(script: dict[Key, str | Act], kind: type[PublishError]) -> None:
    """One delivery says why; the others stay as they are, and the server is not asked again for each."""
    with smtp_sink(script) as sink:
        journal = MailJournal()
        connections = pool(f"{sink.url}&connections=5")
        connections.deliver(deliveries(9), composer(), journal)
        connections.close()
    (error,) = journal.outcomes.values()
    assert type(error) is kind
    assert about_us(error)
    assert not journal.intended
    assert sink.times("connect") == 1


BEFORE: list[tuple[dict[Any, Any], type[PublishError], bool]] = [
    *(({verb: act}, Unavailable, True) for verb in _ENVELOPE for act in ENDS),
    *(({"body": act}, Unavailable, True) for act in ENDS),
    *(({verb: "what?"}, Unavailable, True) for verb in ("body", *_ENVELOPE)),
    *(({verb: "421 closing"}, Unavailable, True) for verb in ("body", "dot", *_ENVELOPE)),
    *(({verb: "451 later"}, Unavailable, True) for verb in ("MAIL", "body")),
    ({"RCPT": "450 greylisted"}, Unavailable, False),
    ({"DATA": "451 later"}, Unavailable, False),
    ({"dot": "452 disk full"}, Unavailable, False),
    ({"MAIL": "550 not you"}, NotAuthorised, True),
    ({"MAIL": "552 message size exceeds the limit"}, Rejected, False),
    ({"MAIL": "550 not you", "DATA": "503 no MAIL"}, NotAuthorised, True),
    ({"RCPT": "550 refused"}, Rejected, False),
    ({"RCPT": "550 refused", "DATA": "554 no valid recipients"}, Rejected, False),
    ({"RCPT": "550 refused", "lone dot": "250 accepted"}, Rejected, False),
    ({"RCPT": "550 refused", "lone dot": Act.DROP}, Rejected, False),
    ({"RCPT": "550 refused", "RSET": Act.DROP}, Rejected, False),
    ({"RCPT": "550-re\r\n550 fused"}, Rejected, False),
    ({"RCPT": "550 5.1.1 unknown"}, HardBounce, False),
    ({"DATA": "554 no"}, Rejected, False),
    ({"DATA": "250 already there"}, Unavailable, True),
    ({"body": "552 5.3.4 too big"}, Rejected, False),
    ({"dot": "554 looks like advertising"}, Rejected, False),
    ({"dot": "550 5.1.1 nobody of this name"}, HardBounce, False),
]


@pytest.mark.parametrize(("script", "kind", "ours"), BEFORE, ids=lambda value: str(value)[:50])
def test_nothing_was_taken(
    offers: tuple[str, ...], script: dict[Key, str | Act], kind: type[PublishError], ours: bool
) -> None:
    if set(script) == {"DATA"} and "CHUNKING" in offers:
        offers = ("PIPELINING", "SIZE")  # with CHUNKING there is no such command
    # What the server does in the middle shows only while the kernel has not taken all of the letter.
    mail = Mail(SENDER, READER, LONG) if "body" in script else MAIL
    with smtp_sink(script, offers=offers) as sink:
        error = failure(sink.url, mail)
    assert type(error) is kind
    assert about_us(error) is ours
    assert error.message
    assert sink.taken == []


@pytest.mark.parametrize("act", [*ENDS, "what?", "100 well", "354 go on", "2500 no"], ids=str)
def test_after_the_end_nobody_knows(offers: tuple[str, ...], act: str | Act) -> None:
    with smtp_sink({"dot": act}, offers=offers) as sink:
        assert type(failure(sink.url)) is OutcomeUnknown
    assert sink.copies == {READER: 1}


@pytest.mark.parametrize("script", [{}, {"QUIT": Act.DROP}, {"EHLO": "502 no"}], ids=str)
def test_taken(offers: tuple[str, ...], script: dict[Key, str | Act]) -> None:
    with smtp_sink(script, offers=offers) as sink:
        assert send(sink.url) == "250 taken"
    assert sink.whole == [(READER, LETTER)]


def test_answers_in_pieces_and_of_many_lines(offers: tuple[str, ...]) -> None:
    script: dict[Key, str | Act] = {"MAIL": "250-2.1.0 so\r\n250-\r\n250", "dot": "250-2.0.0 queued\r\n250 as 4XyZ"}
    with smtp_sink(script, offers=offers, drips=True) as sink:
        assert send(sink.url) == "250 2.0.0 queued as 4XyZ"
    assert sink.whole == [(READER, LETTER)]


def test_a_reader_who_drips_is_waited_for(offers: tuple[str, ...]) -> None:
    long = b"Subject: long\r\n\r\n" + b"and so on\r\n" * 40_000
    with smtp_sink(offers=offers, slow=True) as sink:
        assert send(sink.url, Mail(SENDER, READER, long)) == "250 taken"
    assert sink.whole == [(READER, long)]


HANGS: dict[str, str] = {
    "connect": "unavailable",
    "EHLO": "unavailable",
    "MAIL": "unavailable",
    "RCPT": "unavailable",
    "DATA": "unavailable",
    "body": "unavailable",
    "dot": "outcome-unknown",
    "QUIT": "sent",
}


def hang(verb: str, offers: tuple[str, ...]) -> tuple[str, str]:
    """What becomes of a letter when the server says nothing at this step, and what to do says the error."""
    with smtp_sink({verb: Act.HANG}, offers=offers, slow=verb == "body") as sink:
        try:
            send(sink.url, Mail(SENDER, READER, LONG) if verb == "body" else MAIL, HASTY)
        except PublishError as error:
            return error.code, error.hint or ""
        return "sent", ""


def test_a_server_that_hangs() -> None:
    """All at the same time, because each takes its time."""
    cases = [
        (verb, offers) for verb in HANGS for offers in MODES.values() if verb != "DATA" or "CHUNKING" not in offers
    ]
    with ThreadPoolExecutor(len(cases)) as threads:
        ends = list(threads.map(lambda case: hang(*case), cases))
    for (verb, offers), (end, hint) in zip(cases, ends, strict=True):
        assert end == HANGS[verb], (verb, offers)
        assert verb != "body" or hint == "nothing left; it is tried again"


def test_the_answer_to_a_letter_may_take_longer_than_any_other() -> None:
    """Ten minutes (RFC 5321, 4.5.3.2.6): whoever hangs up earlier makes second copies."""
    assert Times().dot == 600
    with mail_server() as server:
        server.delay = 1.3
        assert send(server.url("tls=none"), times=Times(command=1, dot=20, goodbye=0.3)).startswith("250")


def test_any_2yz_answer_to_the_dot_means_taken() -> None:
    with smtp_sink({"dot": "251 forwarded to somebody@example.net"}) as sink:
        assert send(sink.url) == "251 forwarded to <address>"


def test_commands_that_travel_together_are_too_much_for_some(offers: tuple[str, ...]) -> None:
    """A server that announces PIPELINING and closes when it meets it gets one command at a time."""
    with smtp_sink({("MAIL", 1): Act.DROP}, offers=offers) as sink:
        assert send(sink.url) == "250 taken"
    assert sink.times("connect") == 2


@pytest.mark.parametrize("act", [Act.DROP, Act.RESET, "421 enough for one connection"], ids=str)
def test_a_connection_that_the_server_closed_meanwhile_is_opened_again(offers: tuple[str, ...], act: str | Act) -> None:
    with smtp_sink({("MAIL", 2): act}, offers=offers) as sink:
        connections = pool(sink.url)
        assert [connections.send(MAIL) for _n in range(2)] == ["250 taken"] * 2
        connections.close()
    assert len(sink.taken) == 2


@pytest.mark.parametrize("act", [Act.DROP, "421 no more"], ids=str)
def test_a_server_that_always_closes_is_not_asked_for_ever(offers: tuple[str, ...], act: str | Act) -> None:
    with smtp_sink({("MAIL", 1): "250 ok", "MAIL": act}, offers=offers) as sink:
        connections = pool(sink.url)
        connections.send(MAIL)
        with pytest.raises(Unavailable):
            connections.send(MAIL)
        connections.close()
    assert sink.times("MAIL") == 4


def test_nobody_listens() -> None:
    port = nobody_listens()
    error = failure(f"smtp://127.0.0.1:{port}?tls=none")
    assert isinstance(error, Unavailable)
    assert error.about_us
    assert f"127.0.0.1:{port}" in error.message


def test_the_size_is_announced(offers: tuple[str, ...]) -> None:
    with smtp_sink(offers=offers) as sink:
        send(sink.url)
    announced = any(f"SIZE={len(LETTER)}" in line for line in sink.heard)
    assert announced is any("SIZE" in offer for offer in offers)


def test_a_refused_reader_does_not_disturb_the_next(offers: tuple[str, ...]) -> None:
    script: dict[Key, str | Act] = {("RCPT", 1): "550 5.1.1 gone", ("dot", 1): "554 no", ("RCPT", 4): "450 later"}
    with smtp_sink(script, offers=offers) as sink:
        journal = one_connection(sink, 6)
    assert list(journal.kinds.values()) == ["hard-bounce", "rejected", "sent", "unavailable", "sent", "sent"]
    assert sink.taken == ["reader3@example.org", "reader5@example.org", "reader6@example.org"]
    assert sink.times("EHLO") == 1


def test_a_refused_intent_sends_nothing_of_that_letter(offers: tuple[str, ...]) -> None:
    with smtp_sink(offers=offers) as sink:
        journal = one_connection(sink, 5, MailJournal(refuses=("d1", "d3", "d5")))
    assert journal.kinds == {"d2": "sent", "d4": "sent"}
    assert sink.copies == {"reader2@example.org": 1, "reader4@example.org": 1}
    if "CHUNKING" in offers:  # an envelope can be taken back; after 354 only a new connection helps
        assert sink.times("connect") == 1


def one_connection(sink: Sink, letters: int, journal: MailJournal | None = None) -> MailJournal:
    journal = journal or MailJournal()
    connections = pool(f"{sink.url}&connections=1")
    connections.deliver(deliveries(letters), composer(), journal)
    connections.close()
    return journal
