"""Letters to many: one commit for many connections, lanes and hours, readers left out, and when to stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.support.ledger import KEY, Ledger, Mail
from veille.dispatch import Pump, Tally
from veille.errors import HardBounce, LedgerError, LedgerFull, PublishError, Rejected, Unavailable
from veille.outbox import schema
from veille.outbox.ballast import Ballast
from veille.outbox.deliveries import Deliveries, sent_values
from veille.outbox.group import Settled
from veille.publishing import Delivery, Journal, Receipt
from veille.rates import Limits, Rate, limits, parse_window
from veille.segments import Segment, to_json
from veille.subscribers import Row

UTC_ZONE = UTC
UTC_DAY = parse_window("08:00-21:00")
GONE = HardBounce("no such mailbox")
NO = Rejected("policy")


def _letter(store: Ledger, count: int, domain: str = "example.org", **changes: Any) -> None:
    rows = [Row(f"r{n}@{domain}", "fr", "", "", False) for n in range(count)]
    store.subscribers.add(rows, how="test", now=store.now)
    store.put(store.item("newsletter", **changes))


class Batches(Mail):
    """A publisher with many connections: commits in groups, and asks for more while there is more."""

    def __init__(self, outcome: Callable[[Delivery], Receipt | PublishError] = lambda _d: Receipt("250 ok")) -> None:
        super().__init__("newsletter")
        self.outcome = outcome
        self.groups: list[int] = []

    def deliver(self, deliveries: Sequence[Delivery], journal: Journal) -> None:
        """Ten at a time: outcomes of the last ones with the intents of the next."""
        ended: list[tuple[Delivery, Receipt | PublishError]] = []
        while deliveries:
            for start in range(0, len(deliveries), 10):
                group = deliveries[start : start + 10]
                allowed = journal.commit(ended, group)
                self.groups.append(len(ended))
                gone = [delivery for delivery, go in zip(group, allowed, strict=True) if go]
                self.sent += gone
                ended = [(delivery, self.outcome(delivery)) for delivery in gone]
            deliveries = journal.more()
        journal.commit(ended, ())


def _pump(store: Ledger, mail: Mail, chosen: Limits | None = None, **changes: Any) -> Pump:
    waited = changes.pop("waited", None)

    def sleep(seconds: float) -> None:
        if waited is not None:
            waited.append(seconds)
            store.now += timedelta(seconds=seconds)

    deliveries = Deliveries(
        store.database, "w1", KEY, "letter.example.org", {"newsletter": chosen} if chosen else None, KEY
    )
    parts: dict[str, Any] = {
        "grace": {"newsletter": timedelta(hours=24)},
        "clock": lambda: store.now,
        "stop": lambda: False,
        "progress": lambda _channel, _count: None,
        "sleep": sleep,
    }
    return Pump(deliveries, {"newsletter": mail}, **(parts | changes))


def _run(store: Ledger, mail: Mail, chosen: Limits | None = None, **changes: Any) -> Tally:
    return _pump(store, mail, chosen, **changes).once()


# group commit


def test_many_letters_share_one_transaction_and_each_is_settled(store: Ledger) -> None:
    _letter(store, 60)
    mail = Batches()
    commits: list[int] = []
    sa.event.listen(store.database.engine, "commit", lambda _connection: commits.append(1))
    _run(store, mail)
    assert store.counts() == {"sent": 60}
    assert len(commits) < 30  # 60 intents and 60 outcomes
    assert mail.groups == [0, 10, 10, 10, 10, 10]
    assert store.row(1).remote_id == "250 ok"
    assert store.row(1).message_id == mail.sent[0].message_id


def test_of_one_group_only_those_go_whose_reader_still_wants_it(store: Ledger) -> None:
    _letter(store, 4)
    worker = store.worker()
    worker.expand(1, store.now)
    batch = worker.claim("newsletter", store.now, 10)
    store.subscribers.leave(2, store.now)
    assert worker.commit((), batch, store.now).allowed == (True, False, True, True)
    assert store.counts() == {"sending": 3, "cancelled": 1}


def test_an_outcome_of_a_claim_that_was_taken_over_is_dropped_and_the_others_of_its_group_count(
    store: Ledger,
) -> None:
    _letter(store, 3)
    worker = store.worker()
    worker.expand(1, store.now)
    old = worker.claim("newsletter", store.now, 10)
    worker.settle(old[1], {"state": "ready"}, store.now, "released")
    (new,) = worker.claim("newsletter", store.now, 10)
    sent = [Settled(delivery, sent_values(Receipt("250"), store.now), "sent") for delivery in old]
    done = worker.commit(sent, [new], store.now)
    assert done.recorded == (True, False, True)
    assert done.allowed == (True,)
    assert store.counts() == {"sent": 2, "sending": 1}
    assert store.events("d2")[-2:] == ["dropped", "intent"]


def test_pause_and_cancel_reach_the_next_group_of_a_letter_in_flight(store: Ledger) -> None:
    _letter(store, 30)

    def pause(delivery: Delivery) -> Receipt:
        if delivery.id == "d10":
            store.actions.pause("p1", store.now, paused=True)
        return Receipt("250")

    mail = Batches(pause)
    _run(store, mail)
    assert store.counts() == {"sent": 10, "ready": 20}
    store.actions.pause("p1", store.now, paused=False)

    def cancel(_delivery: Delivery) -> Receipt:
        store.actions.cancel("p1", store.now)
        return Receipt("250")

    mail.outcome = cancel
    _run(store, mail)
    assert store.counts() == {"sent": 20, "cancelled": 10}


# hard bounces


def test_an_address_that_does_not_exist_is_never_written_to_again(store: Ledger) -> None:
    _letter(store, 3)
    _run(store, Batches(lambda delivery: GONE if delivery.id == "d2" else Receipt("250")))
    assert store.counts() == {"sent": 2, "failed": 1}
    assert store.row(2).last_code == "hard-bounce"
    store.put(store.item("newsletter", source="second"))
    assert _run(store, Batches()).expanded == {"p2": 2}
    assert store.publication_row(2).candidates == 3
    again = store.subscribers.add([Row("r1@example.org", "fr", "", "", False)], how="csv", now=store.now)
    assert (again.added, again.suppressed) == (0, 1)


def test_too_many_addresses_that_do_not_exist_halt_the_letter_and_nobody_else_is_written_to(store: Ledger) -> None:
    _letter(store, 200)
    mail = Batches(lambda delivery: GONE if int(delivery.id[1:]) % 5 == 0 else Receipt("250"))
    tally = _run(store, mail)
    assert tally.halted == ["p1"]
    assert store.publication_row().hold == "bounces"
    counts = store.counts()
    assert counts["failed"] == 12  # more than 10, and more than a tenth: at the end of the group of ten
    assert counts["ready"] == 200 - 60
    assert store.status().state == "held"
    assert not _run(store, mail).moved


@pytest.mark.parametrize(("every", "error"), [(20, GONE), (2, NO)])
def test_a_tenth_or_refusals_of_another_kind_do_not_halt(store: Ledger, every: int, error: PublishError) -> None:
    _letter(store, 240)
    _run(store, Batches(lambda delivery: error if int(delivery.id[1:]) % every == 0 else Receipt("250")))
    assert store.counts() == {"sent": 240 - 240 // every, "failed": 240 // every}


# failures about us


def test_a_line_that_fails_for_everybody_is_left_alone_after_a_few(store: Ledger) -> None:
    _letter(store, 200)
    lost = Unavailable("connection lost", about_us=True)
    tally = _run(store, Batches(lambda _delivery: lost))
    assert tally.stopped == {"newsletter": "connection lost"}
    assert tally.settled["ready"] == 30  # twenty, and the ten whose intents went with their outcomes
    assert {store.row(n).tries for n in range(1, 31)} == {0}


def test_a_server_that_refuses_everybody_is_left_alone_and_most_readers_wait_unharmed(store: Ledger) -> None:
    _letter(store, 200)
    listed = Rejected("554 5.7.1 your address is on a block list")
    tally = _run(store, Batches(lambda _delivery: listed))
    assert tally.stopped == {"newsletter": listed.message}
    assert store.counts() == {"failed": 30, "ready": 170}  # twenty, and the ten whose intents went with them
    later = _run(store, Batches())
    assert later.waits["newsletter"] == store.now + timedelta(minutes=5)
    store.later(minutes=5)
    _run(store, Batches())
    assert store.counts() == {"failed": 30, "sent": 170}
    assert store.actions.retry("p1", store.now, failed=True) == 30


def test_one_connection_that_is_cut_does_not_stop_the_others(store: Ledger) -> None:
    _letter(store, 100)
    lost = Unavailable("connection lost", about_us=True)
    tally = _run(store, Batches(lambda delivery: lost if int(delivery.id[1:]) % 10 == 3 else Receipt("250")))
    assert tally.stopped == {}
    assert store.counts() == {"sent": 90, "ready": 10}


# lanes, rates, hours


def test_each_lane_keeps_its_own_rate_and_no_other_waits_for_it(store: Ledger) -> None:
    for domain, count in (("orange.fr", 5), ("wanadoo.fr", 5), ("gmail.com", 3), ("example.org", 40)):
        rows = [Row(f"{domain[:2]}{n}@{domain}", "fr", "", "", False) for n in range(count)]
        store.subscribers.add(rows, how="test", now=store.now)
    store.put(store.item("newsletter"))
    mail, waited, began = Batches(), list[float](), store.now
    _run(store, mail, limits((), {}, None, UTC_ZONE), waited=waited)
    assert store.counts() == {"sent": 53}
    assert store.now - began == timedelta(seconds=9)  # ten to Orange, one a second, and Gmail beside them
    assert [delivery.recipient.address.split("@")[1] for delivery in mail.sent if delivery.recipient].index(
        "example.org"
    ) < 3


def test_the_rate_of_the_server_holds_for_all_lanes_together(store: Ledger) -> None:
    _letter(store, 30)
    began = store.now
    _run(store, Batches(), Limits(server=(Rate(60, 60),)), waited=[])
    assert store.counts() == {"sent": 30}
    assert store.now - began == timedelta(seconds=30 - 3)  # three at once, then one a second


def test_a_rate_that_is_used_up_for_hours_is_left_for_a_later_pass(store: Ledger) -> None:
    _letter(store, 5)
    tally = _run(store, Batches(), Limits(server=(Rate(20, 86_400),)), waited=[])
    assert store.counts() == {"sent": 1, "ready": 4}
    assert tally.waits == {"newsletter": store.now + timedelta(seconds=86_400 / 20)}


def test_no_mail_at_night_but_what_is_urgent(store: Ledger) -> None:
    store.now = store.now.replace(hour=23)
    _letter(store, 3)
    store.put(store.item("newsletter", source="fire", urgent=True))
    chosen = Limits(window=UTC_DAY)
    tally = _run(store, Batches(), chosen)
    assert store.counts("p1") == {"ready": 3}
    assert store.counts("p2") == {"sent": 3}
    assert tally.waits["newsletter"] == store.later(hours=9)
    _run(store, Batches(), chosen)
    assert store.counts("p1") == {"sent": 3}


def test_what_goes_on_slowly_is_never_overdue_and_what_stands_still_is(store: Ledger) -> None:
    _letter(store, 4)
    slow = Limits(server=(Rate(2, 86_400),))
    for _day in range(3):
        _run(store, Batches(), slow)
        store.later(hours=13)
    assert store.counts() == {"sent": 3, "ready": 1}
    store.later(hours=25)
    assert _run(store, Batches(), slow).held == ["p1"]


def test_a_long_letter_gives_other_channels_their_turn(store: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veille.journal.TURN", -1.0)
    _letter(store, 2)
    pump = _pump(store, Batches())
    assert pump.round().unfinished
    monkeypatch.setattr("veille.journal.TURN", 30.0)
    assert not pump.round().unfinished
    assert store.counts() == {"sent": 2}


# readers left out


def test_candidates_are_deliveries_and_readers_left_out_each_with_the_reason(
    store: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("veille.outbox.upkeep.CHUNK", 2)
    rows = [
        Row("a@example.org", "fr", "bagneux", "", False),
        Row("b@example.org", "fr", "fontenay-aux-roses", "", False),
        Row("c@example.org", "fr", "fontenay-aux-roses,bagneux", "young", False),
        Row("d@example.org", "fr", "", "", False),
        Row("e@example.org", "fr", "bagneux", "families", False),
        Row("f@example.org", "fr", "bagneux", "young", False),
    ]
    store.subscribers.add(rows, how="test", now=store.now)
    store.subscribers.leave(6, store.now)
    segments = to_json([Segment(("bagneux",), ("young",)), Segment(("bourg-la-reine",))])
    store.put(store.item("newsletter", segments=segments))
    mail = Batches()
    _run(store, mail)
    assert [delivery.target for delivery in mail.sent] == ["1", "3", "4"]
    with store.database.read() as connection:
        excluded = {row.reason: row.readers for row in connection.execute(sa.select(schema.exclusion))}
    assert excluded == {"no-post": 2, "unsubscribed": 1}
    assert store.publication_row().candidates == 6 == len(mail.sent) + sum(excluded.values())


def test_who_moves_house_before_the_letter_leaves_gets_no_empty_one(store: Ledger) -> None:
    rows = [Row(f"{name}@example.org", "fr", "bagneux", "", False) for name in ("a", "b")]
    store.subscribers.add(rows, how="test", now=store.now)
    store.put(store.item("newsletter", segments=to_json([Segment(("bagneux",))])))
    assert store.worker().expand(1, store.now) == 2
    moved = [Row("b@example.org", "fr", "sceaux", "", False)]
    assert store.subscribers.add(moved, how="test", now=store.now, update=("towns",)).updated == 1
    mail = Batches()
    _run(store, mail)
    assert [delivery.target for delivery in mail.sent] == ["1"]
    assert store.counts() == {"sent": 1, "cancelled": 1}
    assert store.row(2).last_code == "no-post"


def test_who_comes_while_the_audience_is_counted_waits_for_the_next_letter(
    store: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("veille.outbox.upkeep.CHUNK", 2)
    _letter(store, 5)
    worker = store.worker()
    assert worker.expand(1, store.now) is None
    store.readers("late")  # at the same moment by the clock
    assert worker.expand(1, store.now) is None
    assert worker.expand(1, store.now) == 5


# a disk that fails


class Broken:
    """The ledger's commit, failing when told."""

    def __init__(self, pump: Pump, errors: list[LedgerError | None]) -> None:
        self._commit, self._errors = pump._deliveries.commit, errors
        pump._deliveries.commit = self  # type: ignore[assignment]

    def __call__(self, *arguments: Any) -> Any:
        """As the real one, unless an error is next."""
        if self._errors and (error := self._errors.pop(0)):
            raise error
        return self._commit(*arguments)


def test_an_intent_whose_commit_failed_is_never_followed_by_the_letter(store: Ledger) -> None:
    _letter(store, 20)
    mail = Batches()
    pump = _pump(store, mail)
    Broken(pump, [None, LedgerError("disk")])
    with pytest.raises(LedgerError):
        pump.once()
    assert len(mail.sent) == 10
    assert store.counts() == {"sent": 10, "claimed": 10}  # the answers were written at the second try
    pump.once()
    assert store.counts() == {"sent": 20}
    assert len(mail.sent) == 20


def test_answers_find_room_on_a_full_disk_and_nothing_new_begins(store: Ledger) -> None:
    released: list[int] = []

    class Reserve(Ballast):
        def release(self) -> bool:
            released.append(1)
            return True

    _letter(store, 20)
    mail = Batches()
    pump = _pump(store, mail, ballast=Reserve(None))
    Broken(pump, [None, LedgerFull("the disk is full")])
    assert pump.once().stopped == {"newsletter": "the disk is full"}
    assert released == [1]
    assert len(mail.sent) == 10
    assert store.counts() == {"sent": 10, "ready": 10}


def test_nothing_is_claimed_while_there_is_no_room(store: Ledger) -> None:
    class Full(Ballast):
        def room(self) -> bool:
            return False

    _letter(store, 2)
    tally = _run(store, Batches(), ballast=Full(None))
    assert "newsletter" in tally.stopped
    assert store.counts() == {"ready": 2}


# a mail server that is away


def test_a_server_that_stays_away_is_tried_less_and_less_often_across_restarts(store: Ledger) -> None:
    _letter(store, 30)
    away = Unavailable("connection refused", about_us=True)
    waits: list[float] = []
    tried = store.now
    while len(waits) < 9:
        mail = Mail("newsletter", outcomes=[away, None])
        tally = _run(store, mail)
        if mail.outcomes != [away, None]:  # it was tried
            waits.append((store.now - tried).total_seconds() / 60)
            tried = store.now
            assert tally.stopped == {"newsletter": "connection refused"}
        else:
            assert tally.waits["newsletter"] > store.now
        store.later(minutes=5)
    assert waits == [0, 5, 10, 20, 40, 80, 160, 240, 240]
    assert {store.row(n).tries for n in range(1, 31)} == {0}


def test_a_server_that_dies_in_the_middle_is_knocked_at_once_more_and_not_twenty_times(store: Ledger) -> None:
    _letter(store, 60)
    away = Unavailable("connection refused", about_us=True)
    knocks: list[int] = []

    class Dying(Batches):
        def deliver(self, deliveries: Sequence[Delivery], journal: Journal) -> None:
            if not knocks:
                super().deliver(deliveries[:20], journal)
            knocks.append(len(deliveries))
            journal.settle(deliveries[20 if len(knocks) == 1 else 0], away)

    tally = _run(store, Dying())
    assert tally.stopped == {"newsletter": "connection refused"}
    assert len(knocks) == 2
    assert store.counts() == {"sent": 20, "ready": 40}
    assert store.worker().rests_until("newsletter", store.now) == store.now + timedelta(minutes=5)


def test_the_first_answer_ends_the_rest_and_a_person_may_end_it_at_once(store: Ledger) -> None:
    away = Unavailable("connection refused", about_us=True)
    _letter(store, 3)
    for _n in range(3):
        _run(store, Mail("newsletter", outcomes=[away, None]))
        store.later(hours=5)
    store.later(hours=-5)
    assert _run(store, Batches()).waits["newsletter"] == store.now + timedelta(minutes=20)
    store.actions.pause("newsletter", store.now, paused=False)
    _run(store, Batches())
    assert store.counts() == {"sent": 3}
    store.put(store.item("newsletter", source="second"))
    _run(store, Mail("newsletter", outcomes=[away, None]))
    assert store.worker().rests_until("newsletter", store.now) == store.now + timedelta(minutes=5)


def test_a_letter_behind_a_dead_server_is_held_whole_after_48_hours(store: Ledger) -> None:
    _letter(store, 40)
    away = Unavailable("connection refused", about_us=True)
    for _n in range(46):
        _run(store, Mail("newsletter", outcomes=[away, None]))
        store.later(hours=1)
    assert set(store.counts()) == {"ready"}
    for _n in range(8):
        _run(store, Mail("newsletter", outcomes=[away, None]))
        store.later(hours=1)
    counts = store.counts()
    assert counts["held"] >= 25
    assert counts["held"] + counts.get("ready", 0) == 40
