"""Addresses on their way to a mail server: never repeated, never broken out of, with accents only where it may."""

from __future__ import annotations

import logging

import pytest

from tests.support.mail_journal import LETTER, SENDER
from tests.support.smtp_sink import smtp_sink
from tests.support.smtp_talk import MODES, READER, failure, send
from veille.errors import Rejected
from veille_publishers.pool import Mail


@pytest.mark.parametrize("verb", ["RCPT", "dot", "MAIL"])
@pytest.mark.parametrize("words", ["550 <{0}>: {0} is unknown", "450 {0} later", "Hello, {0}"])
def test_words_of_a_server_never_repeat_an_address(caplog: pytest.LogCaptureFixture, verb: str, words: str) -> None:
    caplog.set_level(logging.DEBUG)
    with smtp_sink({verb: words.format(READER)}) as sink:
        error = failure(sink.url)
    assert READER not in f"{error} {error.hint} {error.detail} {caplog.text}"
    assert "<address>" in f"{error.message} {error.detail}"


@pytest.mark.parametrize("offers", MODES.values(), ids=MODES)
def test_an_address_with_accents_needs_a_server_that_carries_it(offers: tuple[str, ...]) -> None:
    mail = Mail(SENDER, "élève@example.org", LETTER, smtputf8=True)
    with smtp_sink(offers=offers) as sink:
        error = failure(sink.url, mail)
        assert type(error) is Rejected
        assert "accents" in error.message
        assert error.hint
        assert sink.times("MAIL") == 0
    with smtp_sink(offers=(*offers, "8BITMIME", "SMTPUTF8")) as sink:
        assert send(sink.url, mail) == "250 taken"
    assert sink.taken == ["élève@example.org"]
    (line,) = [line for line in sink.heard if line.startswith("MAIL")]
    assert "SMTPUTF8" in line


@pytest.mark.parametrize("reader", ["a@example.org>\r\nRSET", "a b@example.org", "a\0@example.org"])
def test_an_address_cannot_break_out_of_its_command(reader: str) -> None:
    with smtp_sink() as sink:
        assert type(failure(sink.url, Mail(SENDER, reader, LETTER))) is Rejected
    assert sink.times("MAIL") == 0
