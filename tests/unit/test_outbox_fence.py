"""The fence around a delivery that was taken over: what the machine's walk comes by too seldom to be relied upon."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.support.ledger import Act, Ledger, Mail
from veille.errors import LedgerError
from veille.outbox import schema
from veille.outbox.actions import Answer
from veille.outbox.deliveries import sent_values
from veille.publishing import Delivery, Receipt


def _in_flight(store: Ledger, owner: str) -> Delivery:
    worker = store.worker(owner)
    (delivery,) = worker.claim("facebook", store.now, 1)
    assert worker.intent(delivery, store.now)
    assert not worker.intent(delivery, store.now)
    return delivery


@pytest.mark.parametrize("second", ["w1", "w3"])  # a number of a process comes again: w1 may be two of them
def test_who_was_declared_dead_settles_nothing(store: Ledger, second: str) -> None:
    store.put(store.item())
    ghost = _in_flight(store, "w1")
    store.make_pump(Act("facebook"), worker="w2").recover()
    assert store.counts() == {"unknown": 1}
    assert store.actions.resolve("d1", Answer.RETRY, store.now) == 1
    store.later(minutes=1)
    alive = _in_flight(store, second)
    assert not store.worker("w1").settle(ghost, {"state": "failed"}, store.now, "failed")
    assert store.counts() == {"sending": 1}
    assert store.worker(second).settle(alive, sent_values(Receipt(), store.now), store.now, "sent")


def test_what_a_dead_worker_was_sending_is_looked_for_first(store: Ledger) -> None:
    store.readers("amel")
    store.put(store.item("newsletter"), store.item())
    _in_flight(store, "w1")
    store.make_pump(Mail("newsletter"), Act("facebook"), worker="w2").recover()
    assert store.counts("p2") == {"unknown": 1}
    assert not store.worker("w2").claim("facebook", store.now, 1)


def test_a_target_has_one_delivery_of_a_publication(store: Ledger) -> None:
    store.put(store.item())
    again = {**store.row()._mapping, "id": 2}
    with pytest.raises(LedgerError), store.database.write() as connection:
        connection.execute(sa.insert(schema.delivery).values(**again))
    assert store.counts() == {"ready": 1}


def test_as_many_as_a_worker_holds_are_asked_about_at_once(store: Ledger) -> None:
    """500 connections, or ten thousand pages: SQLite reads no condition of more than a thousand parts."""
    store.readers(*(f"r{n}" for n in range(1_100)))
    store.put(store.item("newsletter"))
    worker = store.worker()
    worker.expand(1, store.now)
    held = [delivery for _n in range(3) for delivery in worker.claim("newsletter", store.now, 500)]
    assert sum(worker.commit((), held, store.now).allowed) == 1_100
    assert {state for _delivery, state in worker.left_open(held, store.now)} == {"sending"}
    assert len(worker.left_open(held, store.now)) == 1_100
