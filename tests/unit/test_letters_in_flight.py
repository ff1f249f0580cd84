"""Letters to many: one commit for many connections, bounces, lanes and hours, readers left out."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
import sqlalchemy as sa

from tests.support.flight import Batches, flight_pump, fly, queue_letter
from tests.support.ledger import Ledger
from veille.errors import HardBounce, PublishError, Rejected
from veille.outbox import schema
from veille.outbox.deliveries import sent_values
from veille.outbox.group import Settled
from veille.publishing import Delivery, Receipt
from veille.rates import Limits, Rate, limits, parse_window
from veille.segments import Segment, to_json
from veille.subscribers import Row

UTC_ZONE = UTC
UTC_DAY = parse_window("08:00-21:00")
GONE = HardBounce("no such mailbox")
NO = Rejected("policy")


# group commit


def test_many_letters_share_one_transaction_and_each_is_settled(store: Ledger) -> None:
    queue_letter(store, 60)
    mail = Batches()
    commits: list[int] = []
    sa.event.listen(store.database.engine, "commit", lambda _connection: commits.append(1))
    fly(store, mail)
    assert store.counts() == {"sent": 60}
    assert len(commits) < 30  # 60 intents and 60 outcomes
    assert mail.groups == [0, 10, 10, 10, 10, 10]
    assert store.row(1).remote_id == "250 ok"
    assert store.row(1).message_id == mail.sent[0].message_id


def test_of_one_group_only_those_go_whose_reader_still_wants_it(store: Ledger) -> None:
    queue_letter(store, 4)
    worker = store.worker()
    worker.expand(1, store.now)
    batch = worker.claim("newsletter", store.now, 10)
    store.subscribers.leave(2, store.now)
    assert worker.commit((), batch, store.now).allowed == (True, False, True, True)
    assert store.counts() == {"sending": 3, "cancelled": 1}


def test_an_outcome_of_a_claim_that_was_taken_over_is_dropped_and_the_others_of_its_group_count(
    store: Ledger,
) -> None:
    queue_letter(store, 3)
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
    queue_letter(store, 30)

    def pause(delivery: Delivery) -> Receipt:
        if delivery.id == "d10":
            store.actions.pause("p1", store.now, paused=True)
        return Receipt("250")

    mail = Batches(pause)
    fly(store, mail)
    assert store.counts() == {"sent": 10, "ready": 20}
    store.actions.pause("p1", store.now, paused=False)

    def cancel(_delivery: Delivery) -> Receipt:
        store.actions.cancel("p1", store.now)
        return Receipt("250")

    mail.outcome = cancel
    fly(store, mail)
    assert store.counts() == {"sent": 20, "cancelled": 10}


# hard bounces


def test_an_address_that_does_not_exist_is_never_written_to_again(store: Ledger) -> None:
    queue_letter(store, 3)
    fly(store, Batches(lambda delivery: GONE if delivery.id == "d2" else Receipt("250")))
    assert store.counts() == {"sent": 2, "failed": 1}
    assert store.row(2).last_code == "hard-bounce"
    store.put(store.item("newsletter", source="second"))
    assert fly(store, Batches()).expanded == {"p2": 2}
    assert store.publication_row(2).candidates == 3
    again = store.subscribers.add([Row("r1@example.org", "fr", "", "", False)], how="csv", now=store.now)
    assert (again.added, again.suppressed) == (0, 1)


def test_too_many_addresses_that_do_not_exist_halt_the_letter_and_nobody_else_is_written_to(store: Ledger) -> None:
    queue_letter(store, 200)
    mail = Batches(lambda delivery: GONE if int(delivery.id[1:]) % 5 == 0 else Receipt("250"))
    tally = fly(store, mail)
    assert tally.halted == ["p1"]
    assert store.publication_row().hold == "bounces"
    counts = store.counts()
    assert counts["failed"] == 12  # more than 10, and more than a tenth: at the end of the group of ten
    assert counts["ready"] == 200 - 60
    assert store.status().state == "held"
    assert not fly(store, mail).moved


@pytest.mark.parametrize(("every", "error"), [(20, GONE), (2, NO)])
def test_a_tenth_or_refusals_of_another_kind_do_not_halt(store: Ledger, every: int, error: PublishError) -> None:
    queue_letter(store, 240)
    fly(store, Batches(lambda delivery: error if int(delivery.id[1:]) % every == 0 else Receipt("250")))
    assert store.counts() == {"sent": 240 - 240 // every, "failed": 240 // every}


# lanes, rates, hours


def test_each_lane_keeps_its_own_rate_and_no_other_waits_for_it(store: Ledger) -> None:
    for domain, count in (("orange.fr", 5), ("wanadoo.fr", 5), ("gmail.com", 3), ("example.org", 40)):
        rows = [Row(f"{domain[:2]}{n}@{domain}", "fr", "", "", False) for n in range(count)]
        store.subscribers.add(rows, how="test", now=store.now)
    store.put(store.item("newsletter"))
    mail, waited, began = Batches(), list[float](), store.now
    fly(store, mail, limits((), {}, None, UTC_ZONE), waited=waited)
    assert store.counts() == {"sent": 53}
    assert store.now - began == timedelta(seconds=9)  # ten to Orange, one a second, and Gmail beside them
    assert [delivery.recipient.address.split("@")[1] for delivery in mail.sent if delivery.recipient].index(
        "example.org"
    ) < 3


def test_the_rate_of_the_server_holds_for_all_lanes_together(store: Ledger) -> None:
    queue_letter(store, 30)
    began = store.now
    fly(store, Batches(), Limits(server=(Rate(60, 60),)), waited=[])
    assert store.counts() == {"sent": 30}
    assert store.now - began == timedelta(seconds=30 - 3)  # three at once, then one a second


def test_a_rate_that_is_used_up_for_hours_is_left_for_a_later_pass(store: Ledger) -> None:
    queue_letter(store, 5)
    tally = fly(store, Batches(), Limits(server=(Rate(20, 86_400),)), waited=[])
    assert store.counts() == {"sent": 1, "ready": 4}
    assert tally.waits == {"newsletter": store.now + timedelta(seconds=86_400 / 20)}


def test_no_mail_at_night_but_what_is_urgent(store: Ledger) -> None:
    store.now = store.now.replace(hour=23)
    queue_letter(store, 3)
    store.put(store.item("newsletter", source="fire", urgent=True))
    chosen = Limits(window=UTC_DAY)
    tally = fly(store, Batches(), chosen)
    assert store.counts("p1") == {"ready": 3}
    assert store.counts("p2") == {"sent": 3}
    assert tally.waits["newsletter"] == store.later(hours=9)
    fly(store, Batches(), chosen)
    assert store.counts("p1") == {"sent": 3}


def test_what_goes_on_slowly_is_never_overdue_and_what_stands_still_is(store: Ledger) -> None:
    queue_letter(store, 4)
    slow = Limits(server=(Rate(2, 86_400),))
    for _day in range(3):
        fly(store, Batches(), slow)
        store.later(hours=13)
    assert store.counts() == {"sent": 3, "ready": 1}
    store.later(hours=25)
    assert fly(store, Batches(), slow).held == ["p1"]


def test_a_long_letter_gives_other_channels_their_turn(store: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veille.journal.TURN", -1.0)
    queue_letter(store, 2)
    pump = flight_pump(store, Batches())
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
    fly(store, mail)
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
    fly(store, mail)
    assert [delivery.target for delivery in mail.sent] == ["1"]
    assert store.counts() == {"sent": 1, "cancelled": 1}
    assert store.row(2).last_code == "no-post"


def test_who_comes_while_the_audience_is_counted_waits_for_the_next_letter(
    store: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("veille.outbox.upkeep.CHUNK", 2)
    queue_letter(store, 5)
    worker = store.worker()
    assert worker.expand(1, store.now) is None
    store.readers("late")  # at the same moment by the clock
    assert worker.expand(1, store.now) is None
    assert worker.expand(1, store.now) == 5
