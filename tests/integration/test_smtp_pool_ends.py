"""Many letters over many connections, when the journal says no, and when it shall stop."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from tests.support.mail_journal import LETTER, SENDER, MailJournal, address, composer, deliveries
from tests.support.smtp_sink import Act, smtp_sink
from tests.support.smtp_talk import agree, deliver
from veille.errors import LedgerError, Rejected
from veille.publishing import Delivery
from veille_publishers.pool import Mail, Pool, Times
from veille_publishers.smtp import parse_url

MODES = {"one-by-one": (), "pipelined": ("PIPELINING",), "chunked": ("PIPELINING", "CHUNKING")}

pytestmark = pytest.mark.usefixtures("nothing_is_left_running")


@pytest.fixture(params=MODES, name="offers")
def every_mode(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return MODES[request.param]


# ---- the journal says no


def test_a_journal_that_lets_nothing_go_is_not_asked_for_each(offers: tuple[str, ...]) -> None:
    everybody = [f"d{n}" for n in range(1, 501)]
    with smtp_sink(offers=offers) as sink:
        journal = MailJournal(refuses=everybody)
        deliver(sink, deliveries(500), journal)
    assert sink.whole == []
    assert journal.outcomes == {}
    assert sum(len(wanted) for _settled, wanted in journal.groups) < 30


@pytest.mark.parametrize("fails_at", [1, 2, 5])
def test_a_journal_that_fails_ends_it_all(offers: tuple[str, ...], fails_at: int) -> None:
    journal = MailJournal(fails_at=fails_at)
    with smtp_sink(offers=offers) as sink:
        with pytest.raises(LedgerError):
            deliver(sink, deliveries(50), journal)
        time.sleep(0.1)  # what the kernel had already may still arrive: its intent is committed
    assert len(journal.groups) == fails_at
    assert {reader for reader, _content in sink.whole} <= {f"reader{key[1:]}@example.org" for key in journal.intended}


def test_a_letter_that_cannot_be_made_is_settled_without_an_intent(offers: tuple[str, ...]) -> None:
    def compose(delivery: Delivery) -> Mail:
        if delivery.id in ("d1", "d4", "d5"):
            raise Rejected("no such letter")
        return Mail(SENDER, address(delivery), LETTER)

    with smtp_sink(offers=offers) as sink:
        journal = MailJournal()
        deliver(sink, deliveries(6), journal, compose=compose)
    assert sorted(key for key, kind in journal.kinds.items() if kind == "rejected") == ["d1", "d4", "d5"]
    assert not journal.intended.keys() & {"d1", "d4", "d5"}
    assert len(sink.taken) == 3


@pytest.mark.parametrize("threads", [0, 2])
def test_a_defect_while_composing_ends_the_run(threads: int) -> None:
    def compose(delivery: Delivery) -> Mail:
        if delivery.id == "d9":
            raise LedgerError("no key")
        return Mail(SENDER, address(delivery), LETTER)

    batch = deliveries(40)
    with smtp_sink(offers=MODES["pipelined"]) as sink:
        journal = MailJournal()
        with pytest.raises(LedgerError, match="no key"):
            deliver(sink, batch, journal, compose=compose, threads=threads)
    assert all(journal.intended[key] for key in journal.outcomes)


def test_threads_compose_no_more_than_is_used_soon() -> None:
    made = Counter[str]()
    lead = 0

    def compose(delivery: Delivery) -> Mail:
        nonlocal lead
        made[delivery.id] += 1
        lead = max(lead, len(made) - len(sink.whole))
        return Mail(SENDER, address(delivery), LETTER)

    with smtp_sink(offers=MODES["pipelined"]) as sink:
        journal = MailJournal(later=[deliveries(300, 301)])
        deliver(sink, deliveries(300), journal, compose=compose, threads=2)
    assert len(sink.taken) == 600
    assert set(made.values()) == {1}
    assert lead < 80


# ---- a stop


def test_a_stop_begins_nothing_and_waits_for_answers_under_way(offers: tuple[str, ...]) -> None:
    batch = deliveries(500)
    with smtp_sink(offers=offers) as sink:
        journal = MailJournal(stop=lambda: len(sink.taken) >= 20)
        deliver(sink, batch, journal)
        assert sink.times("connect") <= 6
    agree(sink, journal, batch)
    assert 20 <= len(journal.kinds) <= 23
    assert set(journal.kinds.values()) == {"sent"}


@pytest.mark.parametrize("verb", ["dot", "MAIL", "connect"])
def test_a_stop_does_not_wait_for_a_server_that_hangs(verb: str) -> None:
    stop = threading.Event()
    patient = Times(command=60, dot=600, goodbye=0.3, drain=0.3)
    batch = deliveries(9)
    journal = MailJournal(stop=stop.is_set)
    with smtp_sink({verb: Act.HANG}, offers=MODES["pipelined"]) as sink:
        pool = Pool(parse_url(f"{sink.url}&connections=3"), times=patient)
        threading.Timer(0.1, stop.set).start()
        start = time.perf_counter()
        pool.deliver(batch, composer(), journal)
        pool.close()
        assert time.perf_counter() - start < 15  # and not a minute or ten
    agree(sink, journal, batch)
    assert set(journal.kinds.values()) == ({"outcome-unknown"} if verb == "dot" else set())
