"""When an access ends, when it is asked about and renewed, and whom that is told: without asking anybody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.ledger import Ledger
from veille.access import (
    CHECK_EVERY,
    DAY,
    WARN_DAYS,
    Standing,
    check_due,
    mark_of,
    refresh_due,
    unanswered,
)
from veille.access_problems import (
    SCOPES,
    VERSIONS,
    Problem,
    Told,
    judge,
    lacks_task,
    not_of_page,
    second_ends,
    skewed,
    version_problem,
)
from veille.errors import Severity
from veille.outbox.access import Accesses

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
NEEDED = SCOPES["facebook", "facebook"]
GOOD = Told(True, "PAGE", "77", frozenset(NEEDED), {"pages_manage_posts": frozenset({"1"})})


def standing(left: timedelta | None = None, channel: str = "facebook", **values: object) -> Standing:
    end = None if left is None else NOW + left
    made = Standing(channel, "m", NOW, checked_at=NOW, expires_at=end)
    return replace(made, **values)  # type: ignore[arg-type]


def codes(problems: Iterator[Problem]) -> list[str]:
    return [problem.code for problem in problems]


@pytest.mark.parametrize(
    ("left", "days", "told"),
    [
        (None, None, None),
        (15 * DAY, 15, None),
        (14 * DAY, 14, 14),
        (10 * DAY, 10, 14),
        (7 * DAY + HOUR, 8, 14),
        (7 * DAY, 7, 7),
        (3 * DAY, 3, 3),
        (25 * HOUR, 2, 3),
        (HOUR, 1, 1),
        (-HOUR, 0, 0),
    ],
)
def test_it_is_told_fourteen_seven_three_and_one_day_ahead(
    left: timedelta | None, days: int | None, told: int | None
) -> None:
    assert standing(left).days_left(NOW) == days
    assert standing(left).warning_due(NOW) == told
    assert standing(left).urgent(NOW) == (days is not None and days <= 3)
    if told is not None:
        assert standing(left, warned_days=told).warning_due(NOW) is None


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_each_number_of_days_is_told_once_whatever_days_are_missed(steps: list[int]) -> None:
    """A machine that is off for days tells less often, never twice, and always the end."""
    one, moment, told = standing(45 * DAY), NOW, []
    for days in (*steps, 60):
        moment += days * DAY
        one = replace(one, tried_at=moment).after(one, moment)
        if (due := one.warning_due(moment)) is not None:
            told.append(due)
            one = replace(one, warned_days=due)
    assert told == sorted(set(told), reverse=True)
    assert set(told) <= set(WARN_DAYS)
    assert told[-1] == 0


def test_a_dead_access_is_urgent_and_told_whatever_its_end() -> None:
    dead = standing(50 * DAY, valid=False)
    assert (dead.days_left(NOW), dead.urgent(NOW), dead.warning_due(NOW)) == (0, True, 0)


def test_the_end_of_data_access_counts_for_instagram_only() -> None:
    end = NOW + 5 * DAY
    assert standing(None, data_access_expires_at=end).days_left(NOW) is None
    assert standing(30 * DAY, "instagram", data_access_expires_at=end).days_left(NOW) == 5


def test_a_renewed_access_is_told_of_anew() -> None:
    before = standing(2 * DAY, warned_days=3, warned_at=NOW)
    assert standing(2 * DAY).after(before, NOW).warned_days == 3
    assert standing(2 * DAY, mark="other").after(before, NOW).warned_days is None
    assert standing(60 * DAY).after(before, NOW).warned_days is None
    assert standing(None).after(before, NOW).warned_days is None


def test_it_is_asked_once_a_day_and_soon_again_when_nobody_answered() -> None:
    known = standing()
    assert check_due(None, "m", NOW)
    assert check_due(known, "another", NOW)
    assert not check_due(known, "m", NOW + CHECK_EVERY - HOUR)
    assert check_due(known, "m", NOW + CHECK_EVERY)
    assert check_due(known, "m", NOW - 2 * DAY)  # the clock was set back
    silent = unanswered("facebook", "m", known, NOW + DAY)
    assert (silent.checked_at, silent.valid) == (NOW, True)
    assert not check_due(silent, "m", NOW + DAY + HOUR / 2)
    assert check_due(silent, "m", NOW + DAY + HOUR)
    assert unanswered("facebook", "new", known, NOW).checked_at is None


def test_what_ends_by_itself_is_renewed_weekly_from_the_seventh_day() -> None:
    end = NOW + 60 * DAY
    assert not refresh_due(NOW, end, NOW + 7 * DAY - HOUR)
    assert refresh_due(NOW, end, NOW + 7 * DAY)
    assert not refresh_due(NOW, None, NOW + 24 * HOUR)
    assert refresh_due(NOW, None, NOW + 25 * HOUR)
    assert refresh_due(None, None, NOW)


def test_a_token_that_may_do_everything_has_no_problem() -> None:
    assert codes(judge(NEEDED, GOOD, page="1", account="2", app_id="77")) == []


@pytest.mark.parametrize(
    ("told", "found"),
    [
        (replace(GOOD, valid=False, why="it has expired"), ["access-ended"]),
        (replace(GOOD, scopes=frozenset(NEEDED[:1])), ["access-scopes"]),
        (replace(GOOD, targets={"pages_manage_posts": frozenset({"9"})}), ["access-target"]),
        (replace(GOOD, targets={"pages_manage_posts": frozenset()}), []),
        (replace(GOOD, app_id="88"), ["access-app"]),
    ],
)
def test_what_is_wrong_with_a_token_is_named(told: Told, found: list[str]) -> None:
    assert codes(judge(NEEDED, told, page="1", app_id="77")) == found


def test_permissions_of_instagram_may_name_the_account_or_its_page() -> None:
    needed = SCOPES["instagram", "facebook"]
    for ids in ("1", "2"):
        targets = {"instagram_basic": frozenset({ids}), "pages_read_engagement": frozenset({"1"})}
        assert codes(judge(needed, Told(True, scopes=frozenset(needed), targets=targets), page="1", account="2")) == []
    other = Told(True, scopes=frozenset(needed), targets={"instagram_basic": frozenset({"9"})})
    assert codes(judge(needed, other, page="1", account="2")) == ["access-target"]
    unknown_page = Told(True, scopes=frozenset(needed), targets={"pages_read_engagement": frozenset({"9"})})
    assert codes(judge(needed, unknown_page, account="2")) == []


def test_a_person_needs_the_task_and_a_page_its_own_token() -> None:
    assert codes(lacks_task(("ANALYZE",))) == ["access-task"]
    assert codes(lacks_task(("CREATE_CONTENT",))) == codes(lacks_task(None)) == []
    assert codes(not_of_page(replace(GOOD, kind="SYSTEM_USER"))) == ["access-kind"]
    assert codes(not_of_page(GOOD)) == []


def test_the_second_token_only_warns() -> None:
    (ended,) = second_ends(Told(False, why="it has expired"), NOW)
    (soon,) = second_ends(Told(True, expires_at=NOW + 3 * DAY), NOW)
    assert {ended.severity, soon.severity} == {Severity.WARNING}
    assert "3 days" in soon.message
    assert codes(second_ends(Told(True, expires_at=NOW + 40 * DAY), NOW)) == []


@pytest.mark.parametrize(("seconds", "found"), [(59, []), (-59, []), (61, ["clock"]), (-61, ["clock"])])
def test_a_clock_may_differ_by_a_minute(seconds: int, found: list[str]) -> None:
    assert codes(skewed(timedelta(seconds=seconds))) == found
    assert codes(skewed(None)) == []


def test_a_version_that_ends_within_ninety_days_is_told() -> None:
    until = VERSIONS["v22.0"]
    assert until == date(2027, 5, 20)
    assert codes(version_problem("v22.0", until - 90 * DAY)) == []
    (soon,) = version_problem("v22.0", until - 89 * DAY)
    (over,) = version_problem("v22.0", until)
    assert "89 more days" in soon.message
    assert "no longer serves" in over.message
    assert 'api_version = "v26.0"' in soon.hint
    assert codes(version_problem("v26.0", until)) == codes(version_problem("v99.0", until)) == []


def test_a_mark_tells_tokens_apart_and_nothing_of_them() -> None:
    assert mark_of("EAAone") != mark_of("EAAtwo")
    assert "EAA" not in mark_of("EAAone")
    assert mark_of("") == ""


def test_a_standing_comes_back_as_it_was_kept(store: Ledger) -> None:
    rows = Accesses(store.database)
    problem = Problem("clock", Severity.WARNING, "« à l'heure »", "NTP")
    whole = standing(DAY, problems=(problem,), refreshed_at=NOW - DAY, data_access_expires_at=NOW)
    rows.keep(standing())
    rows.keep(whole)
    rows.keep(standing(channel="instagram", valid=False))
    assert rows.of("facebook") == whole
    assert [one.channel for one in rows.all()] == ["facebook", "instagram"]
    assert rows.of("newsletter") is None
    rows.warned("facebook", 3, NOW)
    assert rows.of("facebook") == replace(whole, warned_days=3, warned_at=NOW)
