"""Many letters over many connections: who was written to, against what the journal says."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.mail_journal import LETTER, MailJournal, address, composer, deliveries
from tests.support.slow_line import delayed
from tests.support.smtp_server import PASSWORD, USER, certificate, mail_server
from tests.support.smtp_sink import Act, Key, smtp_sink
from tests.support.smtp_talk import agree, deliver
from veille.publishing import Delivery
from veille_publishers.pool import Pool, Times
from veille_publishers.smtp import parse_url

PATIENT = Times(command=10, dot=10, goodbye=2)
HASTY = Times(command=1, dot=1, goodbye=0.3)
MODES = {"one-by-one": (), "pipelined": ("PIPELINING",), "chunked": ("PIPELINING", "CHUNKING")}
SINK = "/usr/sbin/smtp-sink"

pytestmark = pytest.mark.usefixtures("nothing_is_left_running")


@pytest.fixture(params=MODES, name="offers")
def every_mode(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return MODES[request.param]


# ---- the usual day


@pytest.mark.parametrize("threads", [0, 2])
def test_everybody_once_over_several_batches(offers: tuple[str, ...], threads: int) -> None:
    batches = [deliveries(40, 1), deliveries(25, 41), deliveries(1, 66)]
    journal = MailJournal(later=batches[1:])
    with smtp_sink(offers=offers) as sink:
        deliver(sink, batches[0], journal, threads=threads)
    assert set(journal.kinds.values()) == {"sent"}
    assert sorted(sink.taken) == sorted(address(d) for batch in batches for d in batch)
    assert {content for _reader, content in sink.whole} == {LETTER}
    assert sink.times("connect") == sink.times("QUIT") == 3


def test_nothing_to_do_opens_nothing() -> None:
    with smtp_sink() as sink:
        deliver(sink, [], MailJournal())
        assert sink.times("connect") == 0


def test_a_small_letter_needs_few_connections() -> None:
    with smtp_sink() as sink:
        deliver(sink, deliveries(2), MailJournal(), connections=10)
        assert sink.times("connect") <= 2


def test_connections_are_kept_between_batches(offers: tuple[str, ...]) -> None:
    with smtp_sink(offers=offers) as sink:
        pool = Pool(parse_url(f"{sink.url}&connections=2"), times=PATIENT)
        for first in (1, 7, 13):
            pool.deliver(deliveries(6, first), composer(), MailJournal())
        assert sink.times("connect") == 2
        pool.close()
        pool.deliver(deliveries(1, 19), composer(), MailJournal())
        pool.close()
    assert len(sink.taken) == 19
    assert sink.times("connect") == 3


def test_never_two_letters_of_one_connection_in_the_window(offers: tuple[str, ...]) -> None:
    """At the server: after the end of a letter no content begins before its answer left."""
    with smtp_sink(offers=offers) as sink:
        deliver(sink, deliveries(30), MailJournal())
    for connection in {key for key, _step in sink.story}:
        steps = [step for key, step in sink.story if key == connection]
        told = " ".join(steps)
        if "CHUNKING" in offers:
            assert not re.search(r"BDAT BDAT|BDAT (?!<250)", told)
        else:
            assert not re.search(r"<354 (?!<250)", told)


def test_the_journal_sees_outcome_and_next_intent_together() -> None:
    """One connection, one commit a letter; and no intent before the outcome of the letter before it."""
    with smtp_sink(offers=MODES["pipelined"]) as sink:
        journal = MailJournal()
        deliver(sink, deliveries(10), journal, connections=1)
    assert journal.groups[0] == ([], ["d1"])
    for n, (settled, wanted) in enumerate(journal.groups[1:-1], start=1):
        assert settled == [f"d{n}"]
        assert wanted == [f"d{n + 1}"]
    assert journal.groups[-1] == (["d10"], [])


def test_connections_share_commits() -> None:
    with smtp_sink(offers=MODES["pipelined"]) as sink:
        journal = MailJournal()
        deliver(sink, deliveries(200), journal, connections=10)
    assert len(journal.groups) < 150
    assert max(len(wanted) for _settled, wanted in journal.groups) > 1


def test_one_round_trip_for_each_letter() -> None:
    """Behind the end of a letter travel all commands of the next: the server never waits for us but for the intent."""
    with smtp_sink(offers=MODES["pipelined"]) as sink, delayed(sink.port, 0.02) as port:
        pool = Pool(parse_url(f"smtp://127.0.0.1:{port}?tls=none&connections=1"), times=PATIENT)
        pool.deliver(deliveries(1), composer(), MailJournal())
        times = []
        for first in (2, 22, 42):  # a busy machine is not slow three times
            start = time.perf_counter()
            pool.deliver(deliveries(20, first), composer(), MailJournal())
            times.append(time.perf_counter() - start)
            if times[-1] < 21 * 0.02 * 1.5:
                break
        pool.close()
    assert len(sink.taken) == 1 + 20 * len(times)
    assert min(times) < 21 * 0.02 * 1.5, times


# ---- what a server may do in the middle of a run


MISHAPS: list[dict[Key, str | Act]] = [
    {("MAIL", 4): Act.DROP, ("MAIL", 9): Act.RESET},
    {("RCPT", 4): Act.DROP, ("RCPT", 9): "421 enough"},
    {("DATA", 4): Act.RESET, ("DATA", 9): "421 enough"},
    {("dot", 4): Act.DROP, ("dot", 9): Act.RESET, ("dot", 14): Act.HALF_CLOSE},
    {("dot", 4): "what?", ("dot", 9): "421 enough"},
    {("body", 4): Act.DROP, ("body", 9): Act.RESET},
    {("connect", 2): Act.DROP},
    {("connect", 2): "421 too many connections", ("connect", 3): "554 too many connections"},
    {("EHLO", 2): Act.DROP},
    {("RCPT", 2): "550 5.1.1 gone", ("RCPT", 5): "450 later", ("dot", 3): "451 later", ("dot", 8): "554 no"},
    {("RCPT", 2): "550 no", ("lone dot", 1): Act.DROP, ("RSET", 1): Act.DROP},
]


@pytest.mark.parametrize("script", MISHAPS, ids=lambda value: str(list(value))[:60])
def test_mishaps_lose_nobody_and_double_nobody(offers: tuple[str, ...], script: dict[Key, str | Act]) -> None:
    batch = deliveries(24)
    with smtp_sink(script, offers=offers) as sink:
        journal = MailJournal()
        deliver(sink, batch, journal)
    agree(sink, journal, batch)
    assert len(journal.kinds) == 24, "one mishap does not stop the others"
    assert list(journal.kinds.values()).count("sent") >= 20


@pytest.mark.parametrize("verb", ["EHLO", "MAIL", "dot"])
def test_one_connection_that_hangs_does_not_hold_up_the_others(verb: str) -> None:
    batch = deliveries(24)
    with smtp_sink({(verb, 2): Act.HANG}, offers=MODES["pipelined"]) as sink:
        journal = MailJournal()
        deliver(sink, batch, journal, times=HASTY)
    agree(sink, journal, batch)
    assert list(journal.kinds.values()).count("sent") >= 23


class _Slowly(MailJournal):
    """Allows one letter at a time, as a rate does, and nothing between two."""

    def more(self) -> Sequence[Delivery]:
        """Nothing, then one letter, by turns."""
        self.asked = not getattr(self, "asked", False)
        return () if self.asked else super().more()


def test_what_a_rate_allows_later_does_not_wait_for_one_slow_answer() -> None:
    journal = _Slowly(later=[deliveries(1, first) for first in range(3, 6)])
    batch = deliveries(5)
    with smtp_sink({("dot", 1): Act.HANG}, offers=MODES["pipelined"]) as sink:
        deliver(sink, batch[:2], journal, times=Times(command=1, dot=2, goodbye=0.3))
    agree(sink, journal, batch)
    assert sorted(journal.kinds.values()) == ["outcome-unknown", *["sent"] * 4]


@pytest.mark.parametrize("act", ["421 too many connections", "554 too many connections", Act.DROP], ids=str)
def test_a_server_that_bears_few_connections_gets_few(act: str | Act) -> None:
    refused: dict[Key, str | Act] = {("connect", n): act for n in range(3, 30)}
    batch = deliveries(60)
    with smtp_sink(refused, offers=MODES["pipelined"]) as sink:
        journal = MailJournal()
        deliver(sink, batch, journal, connections=8)
    assert list(journal.kinds.values()) == ["sent"] * 60
    assert sink.times("connect") <= 8


def test_later_it_is_asked_for_a_further_connection_again() -> None:
    with smtp_sink({("connect", 2): "421 too many connections"}, offers=MODES["pipelined"]) as sink:
        done = MailJournal(stop=lambda: sink.times("connect") >= 3)
        deliver(sink, deliveries(5000), done, connections=2, times=Times(command=10, dot=10, goodbye=2, widen=0.05))
        assert sink.times("connect") == 3
    assert set(done.kinds.values()) == {"sent"}


@pytest.mark.parametrize("act", [Act.DROP, "what?"], ids=str)
def test_a_server_that_never_answers_a_letter_is_left_alone(offers: tuple[str, ...], act: str | Act) -> None:
    """Else the whole list would have an unknown outcome."""
    with smtp_sink({"dot": act}, offers=offers) as sink:
        journal = MailJournal()
        deliver(sink, deliveries(50), journal)
    kinds = Counter(journal.kinds.values())
    assert kinds["outcome-unknown"] <= 5
    assert kinds["unavailable"] == 1
    assert len(sink.whole) == kinds["outcome-unknown"]


@pytest.mark.parametrize("offers", [(), ("CHUNKING",)], ids=["data", "chunks"])
def test_a_word_too_many_is_not_taken_for_the_answer_to_the_next_letter(offers: tuple[str, ...]) -> None:
    journal, batch = MailJournal(), deliveries(3)
    script: dict[Key, str | Act] = {("dot", 1): "250 taken\r\n250 taken twice", ("dot", 2): "554 5.7.1 spam"}
    with smtp_sink(script, offers=offers) as sink:
        deliver(sink, batch, journal, connections=1)
    agree(sink, journal, batch)
    assert sorted(journal.kinds.values()) == ["rejected", "sent", "sent"]


@pytest.mark.parametrize(
    ("script", "kind"), [({"MAIL": "550 no"}, "not-authorised"), ({"MAIL": "451 no"}, "unavailable")]
)
def test_when_the_fault_is_ours_the_others_stay_as_they_are(
    offers: tuple[str, ...], script: dict[Key, str | Act], kind: str
) -> None:
    with smtp_sink(script, offers=offers) as sink:
        journal = MailJournal(later=[deliveries(50, 51)])
        deliver(sink, deliveries(50), journal)
    assert set(journal.kinds.values()) == {kind}
    assert len(journal.kinds) <= 3
    assert not journal.intended


# ---- real servers


def test_many_letters_over_encrypted_connections(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, context = certificate(tmp_path_factory.mktemp("certificate"))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    with mail_server(tls=context) as server:
        url = server.url("tls=starttls&connections=3", f"{quote(USER, safe='')}:{quote(PASSWORD, safe='')}@")
        journal = MailJournal()
        pool = Pool(parse_url(url), times=Times(command=5, dot=5, goodbye=1))
        pool.deliver(deliveries(12), composer(LETTER * 1000), journal)
        pool.close()
    assert list(journal.kinds.values()) == ["sent"] * 12
    assert server.copies == Counter(f"reader{n}@example.org" for n in range(1, 13))
    assert all(mail.encrypted and mail.content == LETTER * 1000 for mail in server.mails)


@pytest.mark.skipif(not Path(SINK).exists(), reason="Postfix is not installed here: /usr/sbin/smtp-sink")
def test_postfix_sink_takes_them_all() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    with subprocess.Popen([SINK, *user, f"127.0.0.1:{port}", "100"], stdout=subprocess.DEVNULL) as process:
        try:
            journal = MailJournal()
            pool = Pool(parse_url(f"smtp://127.0.0.1:{port}?tls=none&connections=5"), times=Times(command=5, dot=5))
            when_listening(port)
            pool.deliver(deliveries(200), composer(LETTER * 1000), journal)
            pool.close()
        finally:
            process.terminate()
    assert list(journal.kinds.values()) == ["sent"] * 200


def when_listening(port: int) -> None:
    for _n in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("the sink does not listen")
