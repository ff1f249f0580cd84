"""Who leaves stays away: by their own wish, by letters that come back, by a complaint."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.support.ledger import KEY, NOW, Ledger, Mail
from tests.support.readers import add, person
from veille.errors import VeilleError
from veille.outbox import schema
from veille.subscribers import Row
from veille.subscribers.addresses import keyed_hash
from veille.subscribers.leaving import letters_of, put_away

# the store


def _ignore(_answer: object) -> None:
    """A look before sending answers nothing."""


# leaving


def test_who_left_comes_back_by_consent_and_never_by_csv(sqlite_store: Ledger) -> None:
    readers, row = sqlite_store.subscribers, Row("a@example.org", towns="bagneux")
    add(sqlite_store, row)
    readers.remove("a@example.org", sqlite_store.now)
    assert add(sqlite_store, row).suppressed == 1
    assert readers.welcome_back(row, how="paper form", now=sqlite_store.now, text="v3").added == 1
    reader = person(sqlite_store)
    assert (reader.email, reader.domain, reader.towns) == ("a@example.org", "example.org", "bagneux")
    assert (reader.consent_how, reader.consent_text, reader.left_at) == ("paper form", "v3", None)
    assert readers.welcome_back(row, how="paper form", now=sqlite_store.now).known == 1
    readers.remove("a@example.org", sqlite_store.now)
    assert readers.counts()["subscribed"] == 0


def test_who_left_keeps_no_address_but_the_proof_of_consent(sqlite_store: Ledger) -> None:
    add(sqlite_store, Row("a@secret.example.org", "fr", "bagneux", "young", consent="paper"))
    sqlite_store.subscribers.leave(1, sqlite_store.later(days=1))
    row = person(sqlite_store)
    assert row.email == "#" + keyed_hash(KEY, "a@secret.example.org")
    assert (row.domain, row.towns, row.audience) == ("", "", "")
    assert (row.state, row.consent_how, row.consent_at, row.left_at) == (
        "unsubscribed",
        "paper",
        NOW,
        sqlite_store.now,
    )
    assert not sqlite_store.subscribers.leave(1, sqlite_store.now)


def test_no_letter_leaves_for_who_left_and_the_counts_stay(store: Ledger) -> None:
    store.readers("amel", "bilal", "chloe")
    store.put(store.item("newsletter"))
    store.pump(mail := Mail("newsletter", before_intent=lambda _d: _ignore(store.subscribers.leave(2, store.now))))
    assert [d.target for d in mail.sent] == ["1", "3"]
    assert store.counts() == {"sent": 2, "cancelled": 1}


def test_put_away_inside_a_transaction_of_others_is_harmless_twice(store: Ledger) -> None:
    store.readers("amel", "bilal")
    with store.database.write() as connection:
        assert put_away(connection, KEY, 1, "bounced", "bounced", store.now)
        assert not put_away(connection, KEY, 1, "bounced", "bounced", store.now)
        assert not put_away(connection, KEY, 99, "bounced", "bounced", store.now)
    assert person(store).email == "amel@example.org"  # somebody may mend it
    assert add(store, Row("amel@example.org")).suppressed == 1
    assert store.subscribers.leave(1, store.now)  # and may still leave for good
    assert person(store).email.startswith("#")
    with store.database.write() as connection:
        assert put_away(connection, KEY, 1, "complained", "complained", store.now)
        assert not put_away(connection, KEY, 1, "unsubscribed", "unsubscribed", store.now)
    with pytest.raises(VeilleError):
        store.subscribers.welcome_back(Row("amel@example.org"), how="paper", now=store.now)


def test_letters_of_one_reader_are_found_without_reading_all_of_them(sqlite_store: Ledger) -> None:
    change = sa.update(schema.delivery).where(letters_of(7), schema.delivery.c.state.in_(("ready", "held")))
    sql = str(
        change.values(state="cancelled").compile(sqlite_store.database.engine, compile_kwargs={"literal_binds": True})
    )
    with sqlite_store.database.read() as connection:
        plan = " | ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}"))
    assert "SEARCH delivery" in plan
    assert "publication_id=? AND target=?" in plan


# bounces


def _letters(ledger: Ledger, *days: int) -> list[int]:
    """One letter to reader 1 on each of these days, sent. Returns the deliveries."""
    began = ledger.now
    for day in days:
        ledger.now = began + timedelta(days=day)
        ledger.put(ledger.item("newsletter", source=f"letter-{day}", occurrence=""))
        ledger.pump(Mail("newsletter"))
    with ledger.database.read() as connection:
        return list(connection.execute(sa.select(schema.delivery.c.id).order_by(schema.delivery.c.id)).scalars())


def _soft(ledger: Ledger, delivery: int | None, code: str = "4.2.2") -> str:
    return ledger.subscribers.record_bounce(1, delivery, "soft", code, "full", ledger.now)


def test_a_hard_bounce_and_a_complaint_act_at_once(store: Ledger) -> None:
    store.readers("amel", "bilal")
    bounce = store.subscribers.record_bounce
    assert bounce(1, None, "hard", "5.1.1", "no such user", store.now) == "suppressed"
    assert bounce(2, None, "complaint", "", "", store.now) == "suppressed"
    assert bounce(9, None, "hard", "5.1.1", "", store.now) == "gone"
    assert (person(store, 1).state, person(store, 2).state) == ("bounced", "complained")
    assert person(store, 2).email.startswith("#")
    assert bounce(1, None, "hard", "5.1.1", "no such user", store.now) == "known"
    assert bounce(1, None, "hard", "5.1.1", "no such user", store.later(days=1)) == "counted"


def test_three_soft_bounces_over_fifteen_days(store: Ledger) -> None:
    store.readers("amel")
    first, second, third = _letters(store, 0, 7, 16)
    store.now = NOW
    assert _soft(store, first) == "counted"
    assert _soft(store, first) == "known"
    assert _soft(store, first, "4.4.1") == "counted"  # the same letter, reported otherwise
    store.later(days=7)
    assert _soft(store, second) == "counted"
    store.later(days=9)
    assert _soft(store, third) == "suppressed"
    assert person(store).state == "bounced"


def test_two_letters_that_came_back_are_too_few_however_long_it_takes(store: Ledger) -> None:
    store.readers("amel")
    for delivery, day in zip(_letters(store, 0, 40), (0, 40), strict=True):
        store.now = NOW + timedelta(days=day)
        assert _soft(store, delivery) == "counted"
    assert person(store).state == "subscribed"


def test_a_letter_that_stayed_in_between_begins_the_count_anew(store: Ledger) -> None:
    store.readers("amel")
    first, second, _arrived, fourth = _letters(store, 0, 7, 8, 20)
    for delivery, day in ((first, 0), (second, 7), (fourth, 20)):
        store.now = NOW + timedelta(days=day)
        assert _soft(store, delivery) == "counted"
    assert person(store).state == "subscribed"


def test_soft_bounces_of_a_fortnight_are_a_full_mailbox(store: Ledger) -> None:
    store.readers("amel")
    for delivery in _letters(store, 0, 5, 10, 14):
        assert _soft(store, delivery) == "counted"
    assert person(store).state == "subscribed"
