"""What people are told of: each fact once, again when it happens again, and of a letter only numbers."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import typer.main

from tests.support.ledger import NOW, Act, Ledger, Mail
from veille.alarms import Explained, Fact, Kind, explain, may_mail, size_of, untold
from veille.errors import HardBounce, NotAuthorised, OutcomeUnknown, Rejected, Unavailable
from veille.outbox import schema
from veille.outbox.actions import Answer
from veille.outbox.alarms import AlarmBook
from veille.outbox.follow_ups import want
from veille.publishing import ByHand, FollowUp, Receipt
from veille_cli.application import build

REFUSED = Rejected("the caption is too long for Instagram", hint="shorten instagram.caption")
AWAY = Unavailable("no connection")


def facts(store: Ledger) -> list[Fact]:
    return AlarmBook(store.database).facts(store.now)


def kinds(store: Ledger) -> list[tuple[Kind, str]]:
    return [(fact.kind, fact.name) for fact in facts(store)]


def test_a_refusal_is_one_fact_with_its_reason_and_what_to_do(store: Ledger) -> None:
    store.put(store.item("instagram", "soupe"))
    store.pump(Act("instagram", outcomes=[REFUSED]))
    (fact,) = facts(store)
    assert (fact.kind, fact.name, fact.title, fact.why, fact.hint) == (
        *(Kind.REFUSED, "d1", "soupe"),
        *("the caption is too long for Instagram", "shorten instagram.caption"),
    )
    store.later(hours=1)
    assert [fact.key for fact in facts(store)] == [fact.key], "the same for as long as it is the same"


def test_what_fails_again_after_a_person_acted_is_told_again(store: Ledger) -> None:
    store.put(store.item("instagram"))
    store.pump(Act("instagram", outcomes=[REFUSED]))
    (first,) = facts(store)
    store.later(minutes=5)
    store.actions.retry("d1", store.now)
    assert not facts(store)
    store.pump(Act("instagram", outcomes=[REFUSED]))
    (second,) = facts(store)
    assert first.key != second.key


def test_overdue_twice_without_a_try_between_is_told_twice(store: Ledger) -> None:
    store.put(store.item())
    store.later(hours=3)
    store.pump(Act("facebook"))
    (first,) = facts(store)
    store.actions.resolve("d1", Answer.RETRY, store.now)
    store.actions.pause("p1", store.now, paused=True)
    store.later(hours=3)
    store.actions.pause("p1", store.now - timedelta(hours=3), paused=False)
    store.pump(Act("facebook"))
    (second,) = facts(store)
    assert (first.kind, second.kind) == (Kind.OVERDUE, Kind.OVERDUE)
    assert first.key != second.key


def test_each_trouble_has_its_kind(store: Ledger) -> None:
    store.put(*(store.item(source=name) for name in ("doubtful", "missing", "switched", "by-hand", "well")))
    worker = store.worker()
    ends = [{"state": "held", "last_code": code} for code in ("outcome-unknown", "missing", "switched", "by-hand")]
    for delivery, values in zip(worker.claim("facebook", store.now, 5), [*ends, {"state": "sent"}], strict=True):
        assert worker.intent(delivery, store.now)
        worker.settle(delivery, values, store.now, "test")
    assert kinds(store) == [(Kind.DOUBTFUL, "d1"), (Kind.MISSING, "d2"), (Kind.SWITCHED, "d3")]


def test_a_post_that_a_person_posts_is_no_alarm(store: Ledger) -> None:
    store.put(store.item())
    outcome: Any = ByHand("waits")
    tally = store.pump(Act("facebook", outcomes=[outcome]))
    assert dict(tally.settled) == {"by-hand": 1}
    assert not facts(store)
    assert not AlarmBook(store.database).reminders(store.now - timedelta(hours=24))
    store.later(hours=24)
    ((key, name, publication),) = AlarmBook(store.database).reminders(store.now - timedelta(hours=24))
    assert (name, publication.title) == ("d1", "repas")
    AlarmBook(store.database).tell([key], store.now)
    assert not AlarmBook(store.database).reminders(store.now)


def test_a_channel_that_stands_still_is_told_with_its_remedy_and_a_pause_is_not(store: Ledger) -> None:
    store.put(store.item(), store.item("instagram"))
    store.pump(Act("facebook", outcomes=[NotAuthorised("Meta has restricted this account", hint="log in")]))
    store.actions.pause("instagram", store.now, paused=True)
    (fact,) = facts(store)
    assert (fact.kind, fact.name, fact.why, fact.hint) == (
        *(Kind.STOPPED, "facebook"),
        *("Meta has restricted this account", "log in"),
    )


def test_a_service_that_is_away_for_an_hour_is_told_once_while_it_lasts(sqlite_store: Ledger) -> None:
    store = sqlite_store
    store.put(store.item())
    keys = set()
    for minutes in range(0, 300, 20):
        store.pump(Act("facebook", outcomes=[AWAY]))
        assert bool(facts(store)) == (minutes >= 60)
        keys |= {fact.key for fact in facts(store)}
        store.later(minutes=20)
    assert len(keys) == 1
    for _hour in range(5):
        store.pump(Act("facebook"))
        store.later(hours=1)
    assert not facts(store)


def test_a_follow_up_is_told_when_it_needs_a_person(store: Ledger) -> None:
    store.put(store.item())
    store.pump(Act("facebook"))
    worker = store.worker()
    with store.database.write() as connection:
        want(connection, [1], FollowUp.EDIT, store.now)
    (wanted,) = worker.due_follow_ups("facebook", store.now, live=False)
    worker.put_off_follow_up(wanted, store.now, store.now, REFUSED)
    assert not facts(store)
    worker.put_off_follow_up(wanted, None, store.now, REFUSED)
    (fact,) = facts(store)
    assert (fact.kind, fact.follow_up, fact.hint) == (Kind.FOLLOW_UP, FollowUp.EDIT, "shorten instagram.caption")
    store.actions.retry("d1", store.now)
    assert not facts(store)


# letters


def letter(store: Ledger, readers: int, outcomes: list[Any]) -> None:
    store.readers(*(f"reader{n}" for n in range(readers)))
    store.put(store.item("newsletter", "lettre"))
    store.pump(Mail("newsletter", outcomes=outcomes))


def test_of_a_letter_only_numbers_are_told_once_it_is_over(store: Ledger) -> None:
    letter(store, 40, [Rejected("5.7.1 reader0@example.org is not wanted"), AWAY, Rejected("no")])
    assert not facts(store), "one reader is tried again"
    store.later(minutes=10)
    store.pump(Mail("newsletter"))
    (fact,) = facts(store)
    assert (fact.kind, fact.name, fact.readers, fact.planned) == (Kind.READERS, "p1", 2, 40)
    assert "@" not in repr(fact)
    assert "@" not in repr(explain(fact, "now"))


def test_a_letter_that_takes_long_is_judged_after_two_hours(store: Ledger) -> None:
    letter(store, 3, [Rejected("no"), Unavailable("later", retry_after=timedelta(hours=5))])
    store.later(hours=2)
    assert kinds(store) == [(Kind.READERS, "p1")]


def test_a_letter_that_is_halted_is_told_as_such(store: Ledger) -> None:
    letter(store, 60, [HardBounce("no such user") for _n in range(11)])
    (fact,) = facts(store)
    assert (fact.kind, fact.name, fact.readers, fact.planned) == (Kind.BOUNCES, "p1", 11, 11)
    store.later(days=1)
    assert [one.key for one in facts(store)] == [fact.key]


def test_a_letter_that_is_too_late_is_told_with_its_readers_if_it_has_them(store: Ledger) -> None:
    store.readers("amel", "bob")
    store.put(store.item("newsletter", "one"))
    store.later(hours=25)
    store.pump(Mail("newsletter"))
    (fact,) = facts(store)
    assert (fact.kind, fact.name, fact.readers) == (Kind.OVERDUE, "p1", 0)


def test_a_count_is_told_again_when_it_has_doubled() -> None:
    assert [size_of(n) for n in (1, 2, 3, 4, 7, 8)] == [1, 2, 2, 3, 3, 4]


# the mail


def test_only_what_nobody_was_told_of_is_told_and_what_stands_still_first(sqlite_store: Ledger) -> None:
    store = sqlite_store
    store.put(store.item("instagram"), store.item())
    store.pump(
        Act("instagram", outcomes=[REFUSED]),
        Act("facebook", outcomes=[NotAuthorised("x")]),
    )
    book = AlarmBook(store.database)
    fresh = untold(facts(store), set())
    assert [fact.kind for fact in fresh] == [Kind.STOPPED, Kind.REFUSED]
    book.tell([fresh[0].key], store.now)
    known = book.told(fact.key for fact in fresh)
    assert [fact.kind for fact in untold(facts(store), known)] == [Kind.REFUSED]
    assert book.last() == store.now


def test_a_reminder_does_not_hold_an_alarm_up(sqlite_store: Ledger) -> None:
    book = AlarmBook(sqlite_store.database)
    book.tell(["reminder:d1:1"], sqlite_store.now)
    assert book.last() is None


def test_there_is_a_pause_between_two_mails(sqlite_store: Ledger) -> None:
    now = sqlite_store.now
    spans = {-60: True, 0: False, 9: False, 10: True}
    assert {minutes: may_mail(now - timedelta(minutes=minutes), now) for minutes in spans} == spans
    assert may_mail(None, now)


def every() -> list[Fact]:
    base = Fact(Kind.STOPPED, "d12", "facebook", "1", NOW, "Soupe", "why", readers=2)
    social = [replace(base, kind=kind) for kind in Kind if kind not in (Kind.FOLLOW_UP, Kind.BOUNCES, Kind.READERS)]
    social += [replace(base, kind=Kind.FOLLOW_UP, follow_up=what) for what in FollowUp]
    letters = [
        replace(base, kind=kind, name="p7", channel="newsletter", planned=9)
        for kind in (Kind.BOUNCES, Kind.READERS, Kind.OVERDUE, Kind.DOUBTFUL, Kind.GIVEN_UP, Kind.SWITCHED)
    ]
    return [replace(one, name="facebook") if one.kind is Kind.STOPPED else one for one in (*social, *letters)]


@pytest.mark.parametrize("fact", every(), ids=lambda fact: f"{fact.kind}-{fact.channel}-{fact.follow_up or ''}")
def test_every_kind_says_what_why_and_a_command_that_exists(fact: Fact) -> None:
    said = explain(fact, "Friday")
    assert isinstance(said, Explained)
    assert "Soupe" not in said.subject
    assert ("Soupe" in said.heading) == (fact.kind is not Kind.STOPPED)
    assert not re.search(r"[{}]|None", repr(said).removeprefix("Explained"))
    assert said.commands
    for _when, command in said.commands:
        _accepted(command)


def _accepted(command: str) -> None:
    """The command line takes it, as it stands in the mail."""
    words = shlex.split(command)
    assert words.pop(0) == "veille"
    found: Any = typer.main.get_command(build())
    while hasattr(found, "commands"):
        found = found.commands[words.pop(0)]
    found.make_context("veille", words)


def test_a_command_that_does_not_exist_would_be_found() -> None:
    for wrong in ("veille outbox resume", "veille outbox resolve d1 --gone", "veille outbox repeat d1"):
        with pytest.raises((KeyError, typer.TyperException)):
            _accepted(wrong)


def test_a_delivery_that_is_out_is_no_fact(store: Ledger) -> None:
    store.put(store.item())
    store.pump(Act("facebook", outcomes=[Receipt("r1")]))
    with store.database.read() as connection:
        assert connection.execute(sa.select(schema.delivery.c.state)).scalar_one() == "sent"
    assert not facts(store)


def test_nobody_knows_is_told_after_the_looks(store: Ledger) -> None:
    store.put(store.item())
    act = Act("facebook", outcomes=[OutcomeUnknown("x")], seen=[OutcomeUnknown("x")] * 3)
    for minutes in (0, 1, 2, 4):
        store.later(minutes=minutes)
        store.pump(act)
        assert bool(facts(store)) == (store.counts() == {"held": 1})
    assert kinds(store) == [(Kind.DOUBTFUL, "d1")]
