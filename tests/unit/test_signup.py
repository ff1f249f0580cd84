"""Subscribing by oneself: nobody is pestered, nobody is told who reads us, and only the mailbox can say yes."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.support.ledger import KEY, Ledger
from veille.outbox import schema
from veille.rates import Rate
from veille.signup import Answer, Limits, Outcome, Signups, Wanted, Words, alarmed_at, client_of, keep
from veille.signup.consent import JOINT
from veille.subscribers import Row
from veille.subscribers.addresses import keyed_hash

ADDRESS = "amel.secret@example.org"
CLIENT = "192.0.2.7"
MANY = Limits((Rate(100_000, 3600),), Rate(100_000, 3600))


def _signups(ledger: Ledger, limits: Limits = MANY) -> Signups:
    return Signups(ledger.database, KEY, b"c" * 32, limits, lambda: ledger.now)


def _mails(signups: Signups) -> list[Wanted]:
    """Everything that leaves now; what is made for nobody is done too."""
    sent = []
    while wanted := signups.claim():
        signups.mailed(wanted.signup)
        sent.append(wanted)
    return [wanted for wanted in sent if wanted.leaves]


def _row(ledger: Ledger) -> sa.Row[tuple[object, ...]]:
    with ledger.database.read() as connection:
        return connection.execute(sa.select(schema.signup)).one()


def _reader(ledger: Ledger) -> sa.Row[tuple[object, ...]] | None:
    with ledger.database.read() as connection:
        return connection.execute(sa.select(schema.subscriber)).one_or_none()


def test_many_requests_are_one_mail(store: Ledger) -> None:
    signups = _signups(store)
    sent = 0
    for _n in range(25):
        assert signups.ask(Row(ADDRESS), CLIENT).answer is Answer.TAKEN
        sent += len(_mails(signups))
    assert sent == 1
    store.now += timedelta(hours=23, minutes=59)
    signups.ask(Row(ADDRESS), CLIENT)
    assert _mails(signups) == []


def test_three_mails_in_all_whatever_the_patience_until_the_person_confirms(sqlite_store: Ledger) -> None:
    signups = _signups(sqlite_store)
    sent = []
    for _day in range(10):
        signups.ask(Row(ADDRESS), CLIENT)
        sent += _mails(signups)
        signups.upkeep()
        sqlite_store.now += timedelta(hours=25)
    assert len(sent) == 3
    sqlite_store.now += timedelta(days=40)
    signups.upkeep()
    assert _row(sqlite_store).email == ""
    signups.ask(Row(ADDRESS), CLIENT)
    assert _mails(signups) == []


def test_the_count_begins_again_for_a_person_who_confirms(sqlite_store: Ledger) -> None:
    signups = _signups(sqlite_store)
    for _time in range(5):
        signups.ask(Row(ADDRESS), CLIENT)
        [mail] = _mails(signups)
        confirmed = signups.confirm(mail.signup)
        assert confirmed.outcome is Outcome.DONE
        assert confirmed.subscriber is not None
        sqlite_store.subscribers.leave(confirmed.subscriber, sqlite_store.now)
        sqlite_store.now += timedelta(hours=25)


@pytest.mark.parametrize("who", ["new", "reader", "left", "complained", "bounced", "erased-hash", "pending"])
def test_every_request_gets_the_same_answer(sqlite_store: Ledger, who: str) -> None:
    signups = _signups(sqlite_store)
    _make(sqlite_store, signups, who)
    asked = signups.ask(Row(ADDRESS), CLIENT)
    assert asked.answer is Answer.TAKEN
    assert len(_mails(signups)) == (0 if who in ("reader", "pending") else 1)


def _make(ledger: Ledger, signups: Signups, who: str) -> None:
    if who == "pending":
        signups.ask(Row(ADDRESS), CLIENT)
        _mails(signups)
    if who in ("reader", "left", "complained", "bounced"):
        ledger.subscribers.add([Row(ADDRESS)], how="paper", now=ledger.now)
    if who == "left":
        ledger.subscribers.leave(1, ledger.now)
    if who in ("complained", "bounced"):
        kind = "complaint" if who == "complained" else "hard"
        ledger.subscribers.record_bounce(1, None, kind, "5.1.1", "", ledger.now)
    if who == "erased-hash":
        with ledger.database.write() as connection:
            values = {"hash": keyed_hash(KEY, ADDRESS), "reason": "erased", "at": ledger.now}
            connection.execute(sa.insert(schema.suppression).values(**values))


@pytest.mark.parametrize("who", ["new", "left", "complained", "bounced", "erased-hash"])
def test_confirming_makes_a_reader_with_the_proof_of_consent(sqlite_store: Ledger, who: str) -> None:
    signups = _signups(sqlite_store)
    _make(sqlite_store, signups, who)
    signups.ask(Row(ADDRESS, towns="bagneux", audience="young", consent_text="v-7"), CLIENT)
    [mail] = _mails(signups)
    assert signups.look(mail.signup) is Outcome.OPEN
    sqlite_store.now += timedelta(hours=47)
    assert signups.confirm(mail.signup).outcome is Outcome.DONE
    reader = _reader(sqlite_store)
    assert reader is not None
    assert (reader.email, reader.state, reader.towns, reader.audience) == (ADDRESS, "subscribed", "bagneux", "young")
    assert reader.consent_at == sqlite_store.now
    assert reader.consent_text == "v-7"
    assert "web form" in reader.consent_how
    assert reader.left_at is None
    with sqlite_store.database.read() as connection:
        assert connection.execute(sa.select(schema.suppression)).all() == []
    assert _row(sqlite_store).email == ""


def test_a_link_works_once_and_for_two_days(store: Ledger) -> None:
    signups = _signups(store)
    signups.ask(Row(ADDRESS), CLIENT)
    [mail] = _mails(signups)
    store.now += timedelta(hours=48)
    assert signups.confirm(mail.signup).outcome is Outcome.EXPIRED
    assert _reader(store) is None
    signups.ask(Row(ADDRESS), CLIENT)
    assert _mails(signups) == [mail]
    assert signups.confirm(mail.signup).outcome is Outcome.DONE
    store.subscribers.leave(1, store.now)
    assert signups.confirm(mail.signup).outcome is Outcome.USED
    assert signups.confirm(999).outcome is Outcome.VOID
    reader = _reader(store)
    assert reader is not None
    assert reader.state == "unsubscribed"


def test_nobody_is_added_twice_by_two_presses_at_once(store: Ledger) -> None:
    signups = _signups(store)
    signups.ask(Row(ADDRESS), CLIENT)
    [mail] = _mails(signups)
    found: list[Outcome] = []
    threads = [threading.Thread(target=lambda: found.append(signups.confirm(mail.signup).outcome)) for _n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [Outcome.DONE, Outcome.USED, Outcome.USED, Outcome.USED]
    assert _reader(store) is not None


def test_of_two_senders_one_gets_the_mail(store: Ledger) -> None:
    signups = _signups(store)
    for n in range(6):
        signups.ask(Row(f"reader{n}@example.org"), CLIENT)
    got: list[str] = []
    threads = [threading.Thread(target=lambda: got.extend(mail.email for mail in _mails(signups))) for _n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [f"reader{n}@example.org" for n in range(6)]


def test_a_crash_while_sending_is_never_followed_by_a_second_mail(sqlite_store: Ledger) -> None:
    signups = _signups(sqlite_store)
    signups.ask(Row(ADDRESS), CLIENT)
    wanted = signups.claim()  # and the process dies here: the mail may have left or not
    assert wanted is not None
    again = _signups(sqlite_store)
    sqlite_store.now += timedelta(hours=23)
    again.upkeep()
    again.ask(Row(ADDRESS), CLIENT)
    assert again.claim() is None
    assert again.confirm(wanted.signup).outcome is Outcome.DONE  # it had left


def test_a_crash_while_sending_lets_the_person_ask_again_the_next_day(sqlite_store: Ledger) -> None:
    signups = _signups(sqlite_store)
    signups.ask(Row(ADDRESS), CLIENT)
    assert signups.claim()
    sqlite_store.now += timedelta(hours=24)
    signups.ask(Row(ADDRESS), CLIENT)
    assert len(_mails(signups)) == 1


def test_a_mail_server_that_is_away_is_tried_again_for_a_day(sqlite_store: Ledger) -> None:
    signups = _signups(sqlite_store)
    signups.ask(Row(ADDRESS), CLIENT)
    for _hour in range(5):
        wanted = signups.claim()
        assert wanted is not None
        signups.not_sent(wanted.signup, again=True)
        sqlite_store.now += timedelta(hours=4)
    assert _row(sqlite_store).mails == 0
    sqlite_store.now += timedelta(hours=4)
    assert signups.claim() is None
    signups.upkeep()
    assert _row(sqlite_store).email == ""


def test_a_refused_address_is_forgotten_and_counted(sqlite_store: Ledger) -> None:
    signups = _signups(sqlite_store)
    signups.ask(Row(ADDRESS), CLIENT)
    wanted = signups.claim()
    assert wanted is not None
    signups.not_sent(wanted.signup, again=False)
    row = _row(sqlite_store)
    assert (row.email, row.state, row.mails) == ("", "given-up", 1)
    assert signups.confirm(wanted.signup).outcome is Outcome.EXPIRED


def test_addresses_that_nobody_confirms_are_deleted_after_a_week(store: Ledger) -> None:
    signups = _signups(store)
    signups.ask(Row(ADDRESS, towns="bagneux"), CLIENT)
    _mails(signups)
    store.now += timedelta(days=6, hours=23)
    signups.upkeep()
    assert _row(store).email == ADDRESS
    store.now += timedelta(hours=1)
    signups.upkeep()
    row = _row(store)
    assert (row.email, row.towns, row.mails, row.hash) == ("", "", 1, keyed_hash(KEY, ADDRESS))


def test_a_request_that_led_to_no_mail_leaves_nothing_behind(sqlite_store: Ledger) -> None:
    signups = _signups(sqlite_store)
    _make(sqlite_store, signups, "reader")
    signups.ask(Row(ADDRESS), CLIENT)
    sqlite_store.now += timedelta(days=8)
    signups.upkeep()
    with sqlite_store.database.read() as connection:
        assert connection.execute(sa.select(schema.signup)).all() == []
        assert connection.execute(sa.select(schema.bucket).where(schema.bucket.c.name.contains(CLIENT))).all() == []


def test_one_client_may_ask_as_often_as_its_limit_says(sqlite_store: Ledger) -> None:
    signups = _signups(sqlite_store, Limits((Rate(20, 3600),), Rate(1000, 3600)))
    answers = [signups.ask(Row(f"r{n}@example.org"), CLIENT).answer for n in range(25)]
    assert answers == [Answer.TAKEN] * 20 + [Answer.CLIENT_BUSY] * 5
    assert signups.ask(Row("other@example.org"), "192.0.2.8").answer is Answer.TAKEN
    sqlite_store.now += timedelta(minutes=3)
    assert signups.ask(Row("r20@example.org"), CLIENT).answer is Answer.TAKEN
    assert signups.ask(Row("r21@example.org"), CLIENT).answer is Answer.CLIENT_BUSY
    assert len(_mails(signups)) == 22


def test_no_address_of_a_client_is_stored_and_its_hash_goes(sqlite_store: Ledger) -> None:
    signups = _signups(sqlite_store)
    signups.ask(Row(ADDRESS), CLIENT)
    with sqlite_store.database.read() as connection:
        names = connection.execute(sa.select(schema.bucket.c.name)).scalars().all()
    assert len(names) == 2
    assert not any("192" in name for name in names)
    sqlite_store.now += timedelta(days=2)
    signups.upkeep()
    with sqlite_store.database.read() as connection:
        assert connection.execute(sa.select(schema.bucket.c.name)).scalars().all() == ["signup/all"]


def test_more_than_an_hour_allows_is_told_once_as_an_alarm(sqlite_store: Ledger) -> None:
    signups = _signups(sqlite_store, Limits((Rate(1000, 3600),), Rate(5, 3600)))
    asked = [signups.ask(Row(f"r{n}@example.org"), CLIENT) for n in range(8)]
    assert [a.answer for a in asked] == [Answer.TAKEN] * 5 + [Answer.ALL_BUSY] * 3
    assert [a.alarm for a in asked] == [False] * 5 + [True, False, False]
    assert alarmed_at(sqlite_store.database, sqlite_store.now) == sqlite_store.now
    assert len(_mails(signups)) == 5
    sqlite_store.now += timedelta(hours=2)
    assert signups.ask(Row("r6@example.org"), CLIENT).answer is Answer.TAKEN
    sqlite_store.now += timedelta(days=1)
    assert alarmed_at(sqlite_store.database, sqlite_store.now) is None


def test_the_words_of_each_version_are_kept_once(sqlite_store: Ledger) -> None:
    first, second = Words(("We write to you.",)), Words(("We write to you twice.",))
    for words in (first, second, first):
        keep(sqlite_store.database, words, sqlite_store.now)
    with sqlite_store.database.read() as connection:
        kept = connection.execute(sa.select(schema.audit.c.digest, schema.audit.c.text)).all()
    assert [tuple(row) for row in kept] == [(words.version, words.text) for words in (first, second)]


def test_the_limit_of_all_tells_nobody_who_reads_us(sqlite_store: Ledger) -> None:
    signups = _signups(sqlite_store, Limits((Rate(1000, 3600),), Rate(1, 3600)))
    sqlite_store.subscribers.add([Row(ADDRESS)], how="paper", now=sqlite_store.now)
    signups.ask(Row("new@example.org"), CLIENT)
    answers = {signups.ask(Row(address), CLIENT).answer for address in (ADDRESS, "unknown@example.org")}
    assert answers == {Answer.ALL_BUSY}


def test_under_fifteen_the_agreement_of_both_is_kept(sqlite_store: Ledger) -> None:
    signups = _signups(sqlite_store)
    signups.ask(Row(ADDRESS, age="under-15"), CLIENT)
    [mail] = _mails(signups)
    signups.confirm(mail.signup)
    reader = _reader(sqlite_store)
    assert reader is not None
    assert (reader.age, reader.parental_consent) == ("under-15", JOINT)


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "?"),
        ("unix:", "?"),
        ("1.2.3.4.5", "?"),
    ],
)
def test_a_client_is_an_address_or_a_line(address: str, client: str) -> None:
    assert client_of(address) == client


def test_what_is_known_of_a_request_ends_after_a_year(store: Ledger) -> None:
    signups = _signups(store)
    signups.ask(Row(ADDRESS), CLIENT)
    _mails(signups)
    store.now += timedelta(days=364, hours=23)
    signups.upkeep()
    assert _row(store).state == "given-up"
    store.now += timedelta(hours=1)
    signups.upkeep()
    with store.database.read() as connection:
        assert connection.execute(sa.select(schema.signup)).all() == []
        names = connection.execute(sa.select(schema.bucket.c.name)).scalars().all()
    assert names == ["signup/all"]  # of clients nothing is left


def test_a_fingerprint_of_a_client_is_kept_for_a_day_at_most(sqlite_store: Ledger) -> None:
    signups = _signups(sqlite_store, Limits((Rate(20, 3600), Rate(50, 86_400)), Rate(1000, 3600)))
    for _n in range(20):
        signups.ask(Row(ADDRESS), CLIENT)
    sqlite_store.now += timedelta(hours=24)
    signups.upkeep()
    with sqlite_store.database.read() as connection:
        assert connection.execute(sa.select(schema.bucket.c.name)).scalars().all() == ["signup/all"]
