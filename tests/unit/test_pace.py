"""How fast Meta lets us go, from whatever its headers say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from veille.errors import RateLimited
from veille_publishers.pace import APP, BUSINESS, REST, STOP, Pace

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


def waits(headers: dict[str, str], *, reading: bool = False) -> timedelta | None:
    """How long nothing begins after an answer with these headers."""
    pace = Pace(lambda: NOW)
    pace.heard(headers)
    try:
        pace.check(reading=reading)
    except RateLimited as error:
        return error.retry_after if error.about_us else timedelta()
    return None


def of_page(**usage: float) -> dict[str, str]:
    values = ", ".join(f'"{name}": {value}' for name, value in usage.items())
    return {BUSINESS: f'{{"1001": [{{"type": "pages", {values}}}]}}'}


@pytest.mark.parametrize(
    ("headers", "post", "read"),
    [
        ({}, None, None),
        ({APP: '{"call_count": 79, "total_time": 3}'}, None, None),
        ({APP: '{"call_count": 3, "total_cputime": 80}'}, REST, None),
        ({APP: '{"call_count": 100}'}, STOP, STOP),
        (of_page(call_count=85), REST, None),
        (of_page(call_count=100), STOP, STOP),
        (of_page(call_count=100, estimated_time_to_regain_access=19), timedelta(minutes=19), timedelta(minutes=19)),
        (of_page(call_count=10, estimated_time_to_regain_access=2), timedelta(minutes=2), timedelta(minutes=2)),
    ],
)
def test_both_headers_count(headers: dict[str, str], post: timedelta | None, read: timedelta | None) -> None:
    assert (waits(headers), waits(headers, reading=True)) == (post, read)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", "null", '"x"', '{"1001": {}}', '{"1001": [7]}', '{"call_count": "100"}', "[" * 10_000]
)
@pytest.mark.parametrize("name", [APP, BUSINESS])
def test_what_cannot_be_read_says_nothing(name: str, text: str) -> None:
    assert waits({name: text}) is None


def test_use_that_went_down_ends_the_rest() -> None:
    pace = Pace(lambda: NOW)
    pace.heard({APP: '{"call_count": 100}'})
    pace.heard({APP: '{"call_count": 12}'})
    pace.check()
