"""Who did what: lines that are written in one transaction with what they tell, and never change."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.support.ledger import NOW, Ledger
from veille.errors import LedgerError
from veille.outbox import audit
from veille.outbox.actions import Actions
from veille.outbox.audit import Audit, Event


def test_a_line_comes_back_as_it_was_written(store: Ledger) -> None:
    log = Audit(store.database)
    log.record(Event.APPROVED, at=NOW, source="repas", who="Camille Exemple", account="camille", digest="abc")
    log.record(Event.CONFIRMED, at=NOW, source="ccas", who="Camille Exemple")
    approved, confirmed = log.entries()
    assert (approved.event, approved.at, approved.who, approved.digest) == ("approved", NOW, "Camille Exemple", "abc")
    assert confirmed.source == "ccas"
    assert log.entries(source="repas") == [approved]
    assert log.entries(limit=1) == [confirmed]
    assert log.latest("repas", Event.APPROVED) == approved
    assert log.latest("repas", Event.ASKED) is None


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE audit SET who = 'somebody else'",
        "UPDATE audit SET digest = 'other' WHERE event = 'approved'",
        "DELETE FROM audit",
    ],
)
def test_no_line_can_be_changed_or_deleted(store: Ledger, attack: str) -> None:
    log = Audit(store.database)
    log.record(Event.APPROVED, at=NOW, source="repas", who="Camille Exemple", digest="abc")
    before = log.entries()
    with pytest.raises(LedgerError), store.database.write() as connection:
        connection.execute(sa.text(attack))
    assert log.entries() == before


def test_no_line_is_written_over_or_swept_away(store: Ledger) -> None:
    log = Audit(store.database)
    log.record(Event.APPROVED, at=NOW, source="repas", who="Camille Exemple", digest="abc")
    before = log.entries()
    attack = "TRUNCATE audit"
    if store.database.is_sqlite:
        attack = f"REPLACE INTO audit (id, at, event, who) VALUES ({before[0].id}, 0, 'approved', 'somebody else')"
    with pytest.raises(LedgerError), store.database.write() as connection:
        connection.execute(sa.text(attack))
    assert log.entries() == before


def test_a_line_is_not_kept_when_what_it_tells_is_not(store: Ledger) -> None:
    told = audit.line(Event.PUBLISHED, at=NOW, source="repas")

    def told_and_broken_off(connection: sa.Connection) -> None:
        audit.write(connection, [told])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), store.database.write() as connection:
        told_and_broken_off(connection)
    assert Audit(store.database).entries() == []


def test_what_people_do_with_a_letter_is_one_line_each_however_many_readers_it_has(store: Ledger) -> None:
    store.readers(*(f"reader{n}" for n in range(30)))
    store.put(store.item("newsletter"))
    letter, actions = "p1", Actions(store.database, account="camille")
    actions.pause(letter, NOW, paused=True)
    actions.pause(letter, NOW, paused=False)
    actions.pause("facebook", NOW, paused=True)
    assert actions.cancel(letter, NOW)
    assert not actions.cancel(letter, NOW)  # nothing was done: nothing is told
    assert actions.retry(letter, NOW)
    told = [entry for entry in Audit(store.database).entries() if entry.account == "camille"]
    assert [entry.event for entry in told] == ["paused", "resumed", "paused", "cancelled", "retried"]
    assert [entry.text for entry in told] == ["", "", "facebook", "", ""]
    assert not [entry for entry in told if "reader" in repr(entry)]
