"""One letter, or many, to a mail server of the tests: what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from tests.support.mail_journal import LETTER, SENDER, MailJournal, address, composer, each
from tests.support.smtp_sink import Sink
from veille.errors import PublishError
from veille.publishing import Delivery
from veille_publishers.pool import Mail, Pool, Times
from veille_publishers.smtp import parse_url

READER = "reader@example.org"
MAIL = Mail(SENDER, READER, LETTER)
PATIENT = Times(command=10, dot=10, goodbye=2)
MODES: dict[str, tuple[str, ...]] = {
    "one-by-one": (),
    "pipelined": ("PIPELINING",),
    "chunked": ("PIPELINING", "CHUNKING", "SIZE 100000000"),
    "chunked-one-by-one": ("CHUNKING",),
}


def pool(url: str, times: Times = PATIENT) -> Pool:
    """Connections to the server at this address."""
    return Pool(parse_url(url), times=times)


def send(url: str, mail: Mail = MAIL, times: Times = PATIENT) -> str:
    """Send one letter. Returns what the server said to it."""
    connections = pool(url, times)
    try:
        return connections.send(mail)
    finally:
        connections.close()


def failure(url: str, mail: Mail = MAIL, times: Times = PATIENT) -> PublishError:
    """Why it could not be sent."""
    with pytest.raises(PublishError) as caught:
        send(url, mail, times)
    return caught.value


def deliver(
    sink: Sink,
    batch: Sequence[Delivery],
    journal: MailJournal,
    *,
    connections: int = 3,
    compose: Callable[[Delivery], Mail] | None = None,
    threads: int = 0,
    times: Times = PATIENT,
) -> None:
    """Send a batch to a server of the tests.

    Args:
        compose: what each letter is, instead of the usual one.
        threads: that compose letters; 0: each connection composes its own.
    """
    pool = Pool(parse_url(f"{sink.url}&connections={connections}"), times=times)
    try:
        pool.deliver(batch, each(compose) if compose else composer(), journal, threads=threads)
    finally:
        pool.close()


def agree(sink: Sink, journal: MailJournal, batch: Sequence[Delivery]) -> None:
    """Nobody is lost, nobody got two, and only an unknown outcome may hide a letter that was taken."""
    readers = {delivery.id: address(delivery) for delivery in batch}
    taken = Counter(sink.taken)
    whole = sink.copies
    for key, reader in readers.items():
        kind = journal.kinds.get(key)
        assert taken[reader] <= 1, "two letters to one reader in one run"
        if taken[reader]:
            assert kind in ("sent", "outcome-unknown"), f"taken, yet {kind}"
        if kind == "sent":
            assert taken[reader] == 1, "sent, yet nobody took it"
        if whole[reader] and kind is None:
            raise AssertionError("a whole letter left of which the journal knows nothing")
        if whole[reader] or kind == "sent":
            assert journal.intended[key] == 1, "it left without an intent"
