"""What `veille status` says of a letter in flight."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.support.ledger import NOW, Ledger, Mail
from veille.i18n import speaking
from veille.outbox.report import Lane
from veille_cli.commands.status import equation
from veille_cli.letter_status import ending, excluded_words, hold_words, pace_words


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with speaking("en"):
        yield


def test_the_slowest_lane_says_when_it_is_over() -> None:
    lanes = [Lane("", 6_000, 100.0), Lane("gmail", 600, 1.0)]
    assert ending(lanes, NOW) == NOW + timedelta(minutes=10)
    assert ending(lanes[:1], NOW) == NOW + timedelta(minutes=1)


def test_nobody_knows_the_end_of_a_lane_that_stands_still() -> None:
    assert ending([Lane("", 6_000, 100.0), Lane("orange", 1, 0.0)], NOW) is None
    assert ending([Lane("", 10_000_000, 0.01)], NOW) is None


@pytest.mark.parametrize(("pace", "words"), [(1234.5, "1234"), (12.34, "12"), (3.52, "3.5"), (0.0166, "0.02")])
def test_a_pace_has_as_many_figures_as_say_something(pace: float, words: str) -> None:
    assert pace_words(pace) == words


@pytest.mark.parametrize("hold", ["overdue", "switched", "bounces", "something-new"])
def test_every_hold_says_what_to_do(hold: str) -> None:
    words = hold_words("p7", hold)
    assert words.startswith("! p7 is held")
    assert "`veille " in words


def test_readers_left_out_are_counted_by_reason(store: Ledger) -> None:
    store.readers("amel", "bilal", "chloe", "dina")
    store.subscribers.leave(2, store.now)
    store.put(store.item("newsletter"))
    store.pump(Mail("newsletter"))
    status = store.status()
    assert (status.planned, dict(status.excluded)) == (3, {"unsubscribed": 1})
    assert excluded_words(status.excluded) == "1 reader left out: 1 unsubscribed"
    assert equation([status])[-1] == "4 candidates = 3 deliveries + 1 reader left out"
