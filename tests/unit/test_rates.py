"""Rates, lanes and the hours of mail: how they are written, and that the database keeps them exactly."""

from __future__ import annotations

import math
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.support.ledger import NOW, Ledger
from veille.outbox.buckets import Buckets
from veille.rates import LANES, Rate, SendWindow, limits, parse_rate, parse_window

PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("typed", "rate"),
    [("10/s", Rate(10, 1)), (" 100 / min ", Rate(100, 60)), ("5000/h", Rate(5000, 3600)), ("1/jour", Rate(1, 86400))],
)
def test_a_rate_is_a_number_and_a_time(typed: str, rate: Rate) -> None:
    assert parse_rate(typed) == rate
    assert parse_rate(str(rate)) == rate


@pytest.mark.parametrize("typed", ["", "10", "0/s", "10/week", "-1/s", "ten/s", "1.5/s", "10/s/s"])
def test_anything_else_is_refused_with_the_form(typed: str) -> None:
    with pytest.raises(ValueError, match=r"10/s"):
        parse_rate(typed)


@pytest.mark.parametrize("typed", ["8-21", "08:00", "25:00-26:00", "08:61-21:00", "always"])
def test_a_window_is_two_times(typed: str) -> None:
    with pytest.raises(ValueError, match=r"08:00-21:00"):
        parse_window(typed)


def test_no_window_is_day_and_night() -> None:
    assert parse_window("") is None
    assert parse_window("08:00-08:00") is None


def test_a_window_opens_in_the_newsrooms_zone_also_over_midnight_and_over_the_change_of_time() -> None:
    day, night = parse_window("08:00-21:00"), parse_window("20:00-02:00")
    assert day is not None
    assert night is not None
    late = datetime(2026, 10, 24, 20, 30, tzinfo=UTC)  # 22:30 in Paris; the clocks go back in this night
    assert not day.open_at(late, PARIS)
    assert day.next_opening(late, PARIS) == datetime(2026, 10, 25, 7, 0, tzinfo=UTC)  # 08:00, one hour later in UTC
    assert night.open_at(late, PARIS)
    assert not night.open_at(late + timedelta(hours=12), PARIS)
    assert day.next_opening(NOW, PARIS) == NOW


def test_every_provider_has_a_gentle_rate_until_somebody_says_otherwise() -> None:
    chosen = limits((), {"gmail": (), "orange": (Rate(5, 1),), "mairie.example.org": (Rate(2, 60),)}, None, PARIS)
    assert "gmail" not in chosen.lanes
    assert chosen.lanes["orange"] == (Rate(5, 1),)
    assert chosen.lanes["free"] == (Rate(1, 1),)
    assert chosen.domains["wanadoo.fr"] == "orange"
    assert chosen.domains["mairie.example.org"] == "mairie.example.org"
    assert len(chosen.domains) == sum(map(len, LANES.values())) + 1


@pytest.mark.parametrize(
    ("rates", "step", "span"),
    [
        ((Rate(1, 1),), 0.13, 60),
        ((Rate(50, 1),), 0.007, 4),
        ((Rate(1000, 3600),), 1.7, 4000),
        ((Rate(10, 1), Rate(300, 60)), 0.05, 90),
        ((Rate(40_000, 86_400), Rate(400, 1)), 40.0, 86_400),
    ],
)
def test_what_leaves_in_any_period_keeps_the_rate_to_5_percent_also_over_restarts(
    sqlite_store: Ledger, rates: tuple[Rate, ...], step: float, span: float
) -> None:
    """Somebody asks as often as possible for as much as possible; each ask is a new process."""
    taken: list[float] = []
    with sqlite_store.database.write() as connection:
        for ask in range(int(span / step)):
            at = ask * step
            buckets = Buckets(connection, "newsletter", NOW + timedelta(seconds=at))
            count = buckets.allowed("lane", rates, 10_000)
            buckets.take("lane", rates, count)
            taken += [at] * count
    for rate in rates:
        most = max(_in_window(taken, rate.seconds))
        assert most <= max(rate.count + 1, math.floor(rate.count * 1.05)), f"{most} in {rate}"
    slowest = min(rates, key=lambda rate: rate.count / rate.seconds)
    assert len(taken) >= 0.95 * span * slowest.count / slowest.seconds


def _in_window(taken: list[float], seconds: float) -> list[int]:
    """How many in the period that begins with each of them."""
    counts, end = [], 0
    for start, at in enumerate(taken):
        while end < len(taken) and taken[end] < at + seconds - 1e-6:
            end += 1
        counts.append(end - start)
    return counts


def test_a_clock_that_was_set_back_neither_stops_nor_opens_a_rate(store: Ledger) -> None:
    rate = (Rate(60, 60),)
    with store.database.write() as connection:
        Buckets(connection, "newsletter", NOW).take("", rate, 3)
        assert Buckets(connection, "newsletter", NOW).opens("", rate) == NOW.timestamp() + 1  # to the second, read back
        before = NOW - timedelta(seconds=1)
        assert Buckets(connection, "newsletter", before).allowed("", rate, 100) == 0
        assert Buckets(connection, "newsletter", before).opens("", rate) == before.timestamp() + 1
        long_before = NOW - timedelta(days=400)  # the clock was ahead by a year: letters do not wait for it
        again = Buckets(connection, "newsletter", long_before)
        again.take("", rate, allowed := again.allowed("", rate, 100))
        assert allowed == rate[0].burst
        assert Buckets(connection, "newsletter", long_before).allowed("", rate, 100) == 0
        assert Buckets(connection, "newsletter", long_before + timedelta(seconds=1)).allowed("", rate, 100) == 1


def test_an_idle_lane_gets_one_burst_and_no_more(store: Ledger) -> None:
    rate = (Rate(100, 1),)
    with store.database.write() as connection:
        Buckets(connection, "newsletter", NOW).take("", rate, 1)
        assert Buckets(connection, "newsletter", NOW + timedelta(days=3)).allowed("", rate, 1000) == 5


def test_windows_know_both_ends() -> None:
    window = SendWindow(time(8), time(21))
    assert window.open_at(datetime(2026, 1, 1, 7, 0, tzinfo=UTC), PARIS)  # 08:00
    assert not window.open_at(datetime(2026, 1, 1, 20, 0, tzinfo=UTC), PARIS)  # 21:00
