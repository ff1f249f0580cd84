"""Those who left are forgotten when the newsroom says so, and not before; nothing of it brings them back."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.support.ledger import KEY, Ledger, Mail
from tests.support.site_desk import QUIET, running
from veille.errors import VeilleError
from veille.outbox import schema
from veille.subscribers import Row, forget_left, held_about, kept_for_long, retention
from veille.subscribers.addresses import keyed_hash
from veille.tokens import Purpose
from veille_cli.confirm_mail import confirm_once

KEEP = timedelta(days=100)
AMEL, NOUR, ZOE = (f"{name}@example.org" for name in ("amel", "nour", "zoe"))


def _rows(ledger: Ledger) -> dict[int, str]:
    with ledger.database.read() as connection:
        found = connection.execute(sa.select(schema.subscriber.c.id, schema.subscriber.c.state))
        return {row.id: row.state for row in found}


def test_who_left_is_forgotten_after_the_time_and_not_before(store: Ledger) -> None:
    store.readers("amel", "nour", "zoe", "lou")
    store.subscribers.leave(1, store.now)
    store.subscribers.record_bounce(2, None, "complaint", "5.7.1", "said the mail server", store.now)
    store.subscribers.record_bounce(3, None, "hard", "5.1.1", "", store.now)
    assert forget_left(store.database, KEEP, store.later(days=99)) == 0
    assert forget_left(store.database, KEEP, store.later(days=1)) == 2
    assert _rows(store) == {3: "bounced", 4: "subscribed"}
    with store.database.read() as connection:
        bounces = connection.execute(sa.select(schema.bounce.c.subscriber_id)).scalars().all()
        away = set(connection.execute(sa.select(schema.suppression.c.hash)).scalars())
    assert bounces == [3]
    assert away == {keyed_hash(KEY, address) for address in (AMEL, NOUR, ZOE)}
    held = held_about(store.database, KEY, AMEL)
    assert (held["reader"], held["bounces"], held["stays_away"]["reason"]) == (None, [], "unsubscribed")


def test_a_csv_does_not_bring_back_whoever_was_forgotten_and_their_own_word_does(sqlite_store: Ledger) -> None:
    sqlite_store.readers("amel")
    sqlite_store.subscribers.leave(1, sqlite_store.now)
    assert forget_left(sqlite_store.database, KEEP, sqlite_store.later(days=101)) == 1
    added = sqlite_store.subscribers.add([Row(AMEL)], how="paper", now=sqlite_store.now)
    assert (added.added, added.suppressed) == (0, 1)
    sqlite_store.subscribers.welcome_back(Row(AMEL), how="came to the desk", now=sqlite_store.now)
    assert list(_rows(sqlite_store).values()) == ["subscribed"]


def test_whoever_complained_is_still_not_added_by_anybody_else(sqlite_store: Ledger) -> None:
    sqlite_store.readers("amel")
    sqlite_store.subscribers.record_bounce(1, None, "complaint", "5.7.1", "", sqlite_store.now)
    assert forget_left(sqlite_store.database, KEEP, sqlite_store.later(days=101)) == 1
    with pytest.raises(VeilleError, match="reported the letter as unwanted"):
        sqlite_store.subscribers.welcome_back(Row(AMEL), how="came to the desk", now=sqlite_store.now)


def test_letters_stay_counted(sqlite_store: Ledger) -> None:
    sqlite_store.readers("amel", "nour")
    sqlite_store.put(sqlite_store.item("newsletter", "lettre"))
    sqlite_store.pump(Mail("newsletter"))
    before = sqlite_store.counts()
    sqlite_store.subscribers.leave(1, sqlite_store.now)
    assert forget_left(sqlite_store.database, KEEP, sqlite_store.later(days=101)) == 1
    assert sqlite_store.counts() == before == {"sent": 2}


def test_many_are_forgotten_in_several_steps(sqlite_store: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    sqlite_store.readers("amel", "nour", "zoe")
    for reader in (1, 2, 3):
        sqlite_store.subscribers.leave(reader, sqlite_store.now)
    now = sqlite_store.later(days=101)
    assert [forget_left(sqlite_store.database, KEEP, now) for _time in range(3)] == [2, 1, 0]


def test_old_proofs_are_counted_after_five_years(sqlite_store: Ledger) -> None:
    sqlite_store.readers("amel", "nour")
    sqlite_store.subscribers.leave(1, sqlite_store.now)
    assert kept_for_long(sqlite_store.database, sqlite_store.later(days=1824)) == 0
    assert kept_for_long(sqlite_store.database, sqlite_store.later(days=1)) == 1


def test_the_upkeep_of_run_and_serve_does_it_where_it_was_decided(tmp_path: Path) -> None:
    with running(tmp_path, {"VEILLE_NEWSLETTER__KEEP_PROOF": "100 days"}) as site:
        links = site.reader(AMEL)
        site.post(links[Purpose.UNSUBSCRIBE])
        for days, status in ((99, 200), (1, 410)):
            site.now += timedelta(days=days)
            confirm_once(site.room, threading.Event(), QUIET)
            assert site.get(links[Purpose.PREFERENCES]).status_code == status
        assert site.post(links[Purpose.UNSUBSCRIBE]).status_code == 200


def test_less_than_a_month_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VeilleError, match="keep_proof"), running(tmp_path, {"VEILLE_NEWSLETTER__KEEP_PROOF": "7 days"}):
        pass
