"""When things leave: slots over clock changes, moments that people type, and how they are read back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veille import i18n, timetable
from veille.timetable import Slot

PARIS = ZoneInfo("Europe/Paris")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # half an hour: +10:30, +11 in summer
APIA = ZoneInfo("Pacific/Apia")  # went from the 29th to the 31st of December 2011
TORONTO = ZoneInfo("America/Toronto")  # 1919-03-30 23:30 became 00:30 of the next day
ZONES = (PARIS, LORD_HOWE, ZoneInfo("America/Havana"), ZoneInfo("Asia/Beirut"), ZoneInfo("Asia/Kathmandu"))
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)  # in Paris: 02:00 -> 03:00, 03:00 -> 02:00
YEARS = datetime.fromisoformat("2024-01-01"), datetime.fromisoformat("2027-01-01")
NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)  # a Wednesday, 9 h in Paris


@pytest.fixture
def french() -> Iterator[None]:
    """The French catalogue, for one test."""
    i18n.activate("fr")
    yield
    i18n.activate("en")


def _at(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock))


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


# slots


@pytest.mark.parametrize(
    ("text", "slot"),
    [
        ("friday 17:00", Slot(4, time(17))),
        ("  Vendredi   17h05 ", Slot(4, time(17, 5))),
        ("SUNDAY 9:30", Slot(6, time(9, 30))),
        ("lundi 00:00", Slot(0, time(0))),
        ("mercredi 23H59", Slot(2, time(23, 59))),
        ("12:30", Slot(None, time(12, 30))),
    ],
)
def test_a_slot_is_read_in_both_languages_and_written_as_it_is_read(text: str, slot: Slot) -> None:
    assert timetable.parse_slot(text) == slot
    assert timetable.parse_slot(str(slot)) == slot


@pytest.mark.parametrize(
    "text", ["", "friday", "17", "17:0", "fri 17:00", "friday, 17:00", "friday at 17:00", "17:00 friday", "-1:00"]
)
def test_another_form_of_a_slot_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match='"friday 17:00", or "12:30"'):
        timetable.parse_slot(text)


@pytest.mark.parametrize("text", ["friday 24:00", "25:10", "12:60"])
def test_a_slot_at_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="there is no such time of day"):
        timetable.parse_slot(text)


@given(weekday=st.none() | st.integers(0, 6), minutes=st.integers(0, 24 * 60 - 1))
def test_every_slot_can_be_written_into_the_settings(weekday: int | None, minutes: int) -> None:
    slot = Slot(weekday, time(minutes // 60, minutes % 60))
    assert timetable.parse_slot(str(slot)) == slot


# over clock changes


@pytest.mark.parametrize(
    ("zone", "naive", "utc"),
    [
        (PARIS, _at(SPRING, "01:59"), "2026-03-29 00:59"),
        (PARIS, _at(SPRING, "02:30"), "2026-03-29 01:30"),  # shown as 03:30
        (PARIS, _at(SPRING, "03:00"), "2026-03-29 01:00"),
        (PARIS, _at(AUTUMN, "02:30"), "2026-10-25 00:30"),  # the first
        (PARIS, _at(AUTUMN, "03:00"), "2026-10-25 02:00"),
        (LORD_HOWE, _at(date(2026, 10, 4), "02:15"), "2026-10-03 15:45"),  # shown as 02:45
        (LORD_HOWE, _at(date(2026, 4, 5), "01:45"), "2026-04-04 14:45"),  # the first
        (APIA, _at(date(2011, 12, 30), "17:00"), "2011-12-31 03:00"),  # shown as the 31st
    ],
)
def test_a_recurring_time_in_a_gap_moves_forward_and_in_an_overlap_takes_the_first(
    zone: ZoneInfo, naive: datetime, utc: str
) -> None:
    assert _utc(timetable.localise(naive, zone)) == utc


@pytest.mark.parametrize(
    ("zone", "naive", "said"),
    [
        (PARIS, _at(SPRING, "02:00"), "write 03:00"),
        (PARIS, _at(SPRING, "02:59"), "write 03:59"),
        (LORD_HOWE, _at(date(2026, 10, 4), "02:15"), "write 02:45"),
        (APIA, _at(date(2011, 12, 30), "17:00"), "write 2011-12-31 17:00"),
        (PARIS, _at(AUTUMN, "02:00"), "2026-10-25T02:00+02:00 / 2026-10-25T02:00+01:00"),
        (LORD_HOWE, _at(date(2026, 4, 5), "01:45"), "2026-04-05T01:45+11:00 / 2026-04-05T01:45+10:30"),
    ],
)
def test_a_typed_time_that_does_not_exist_or_comes_twice_is_refused_with_what_to_write(
    zone: ZoneInfo, naive: datetime, said: str
) -> None:
    with pytest.raises(ValueError, match="this time") as refused:
        timetable.exact(naive, zone)
    assert str(refused.value).endswith(said)


@pytest.mark.parametrize("clock", ["01:59:59", "03:00", "12:00"])
@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_a_typed_time_beside_a_clock_change_is_taken(day: date, clock: str) -> None:
    assert timetable.exact(_at(day, clock), PARIS).replace(tzinfo=None) == _at(day, clock)


def test_a_day_that_a_zone_left_out_has_no_slot_of_its_own() -> None:
    after = datetime(2011, 12, 29, 12, tzinfo=APIA)
    days = [f"{m:%d %H:%M}" for m in islice(timetable.occurrences(Slot(None, time(17)), after, APIA), 3)]
    assert days == ["29 17:00", "31 17:00", "01 17:00"]
    weekly = [f"{m:%m-%d}" for m in islice(timetable.occurrences(Slot(4, time(17)), after, APIA), 2)]
    assert weekly == ["12-31", "01-06"]  # the Friday that was not, moved forward


def test_a_slot_that_a_gap_moves_over_midnight_is_not_lost() -> None:
    after = datetime(1919, 3, 31, 0, 35, tzinfo=TORONTO)  # the slot of the 30th, 23:45, comes at 00:45
    assert _utc(next(timetable.occurrences(Slot(6, time(23, 45)), after, TORONTO))) == "1919-03-31 04:45"


def test_in_the_hour_that_comes_twice_after_means_after() -> None:
    after = datetime(2026, 10, 25, 2, 15, fold=1, tzinfo=PARIS)  # 02:30 has been, an hour ago less a quarter
    assert next(timetable.occurrences(Slot(None, time(2, 30)), after, PARIS)).date() == AUTUMN + timedelta(days=1)


@settings(max_examples=60)
@given(
    zone=st.sampled_from(ZONES),
    weekday=st.none() | st.integers(0, 6),
    minutes=st.integers(0, 24 * 60 - 1),
    after=st.datetimes(*YEARS, timezones=st.sampled_from((UTC, *ZONES))),
)
def test_occurrences_rise_and_never_repeat_a_local_date(
    zone: ZoneInfo, weekday: int | None, minutes: int, after: datetime
) -> None:
    slot = Slot(weekday, time(minutes // 60, minutes % 60))
    found = list(islice(timetable.occurrences(slot, after, zone), 400 if weekday is None else 60))
    moments = [after.astimezone(UTC), *(moment.astimezone(UTC) for moment in found)]
    assert all(a < b for a, b in pairwise(moments))
    days = [moment.date() for moment in found]
    assert {b - a for a, b in pairwise(days)} == {timedelta(days=1 if weekday is None else 7)}
    assert moments[1] - moments[0] <= timedelta(days=1 if weekday is None else 7, hours=1)
    assert sum(moment.time() != slot.at for moment in found) <= 2  # in a gap: at most once a year


# the next free slot


SLOTS = (timetable.parse_slot("friday 17:00"), timetable.parse_slot("12:30"))


def test_the_next_free_slot_skips_what_is_taken_in_any_zone() -> None:
    taken: set[datetime] = set()
    given_away = []
    for _turn in range(5):
        moment = timetable.next_free(SLOTS, NOW, PARIS, taken)
        assert timetable.next_free(SLOTS, NOW, PARIS, set(taken)) == moment  # asking changes nothing
        given_away.append(f"{moment.astimezone(PARIS):%d %H:%M}")
        taken.add(moment.astimezone(LORD_HOWE))
    assert given_away == ["25 12:30", "26 12:30", "27 12:30", "27 17:00", "28 12:30"]


def test_a_slot_that_begins_now_is_over() -> None:
    now = datetime(2026, 11, 25, 11, 30, tzinfo=UTC)  # 12:30 in Paris
    assert _utc(timetable.next_free(SLOTS, now, PARIS, set())) == "2026-11-26 11:30"


@pytest.mark.parametrize("kept_in", [UTC, PARIS])
def test_a_slot_in_the_hour_that_comes_twice_is_given_away_once(kept_in: ZoneInfo) -> None:
    slots = (timetable.parse_slot("sunday 02:30"),)
    after = datetime(2026, 10, 24, tzinfo=UTC)
    first = timetable.next_free(slots, after, PARIS, set())
    second = timetable.next_free(slots, after, PARIS, {first.astimezone(kept_in)})
    assert (_utc(first), _utc(second)) == ("2026-10-25 00:30", "2026-11-01 01:30")


@pytest.mark.parametrize(
    ("day", "slots", "local"),
    [
        (date(2026, 11, 27), ("friday 17:00", "12:30"), "27 12:30"),
        (date(2026, 11, 27), ("friday 17:00", "friday 18:00"), "27 17:00"),
        (date(2026, 11, 26), ("friday 17:00",), "26 09:00"),
        (date(2026, 11, 26), (), "26 09:00"),
        (SPRING, ("02:30",), "29 03:30"),
        (SPRING, ("02:30", "03:10"), "29 03:10"),  # what moved forward is no longer the first
        (AUTUMN, ("02:30",), "25 02:30"),
    ],
)
def test_a_date_without_time_is_the_first_slot_of_that_day(day: date, slots: tuple[str, ...], local: str) -> None:
    moment = timetable.first_slot_on(day, tuple(map(timetable.parse_slot, slots)), PARIS)
    assert f"{moment:%d %H:%M}" == local
    assert moment.fold == 0


# in words


@pytest.mark.parametrize(
    ("moment", "zone", "language", "words"),
    [
        (datetime(2026, 11, 27, 16, tzinfo=UTC), PARIS, "fr", "vendredi 27 novembre 2026 à 17\u00a0h\u00a000"),
        (datetime(2026, 11, 27, 16, tzinfo=UTC), PARIS, "en", "Friday 27 November 2026 at 17:00"),
        (datetime(2026, 11, 30, 23, 5, tzinfo=UTC), PARIS, "fr", "mardi 1er décembre 2026 à 0\u00a0h\u00a005"),
        (datetime(2026, 11, 30, 23, 5, tzinfo=UTC), PARIS, "en", "Tuesday 1 December 2026 at 00:05"),
        (datetime(2026, 11, 27, 16, tzinfo=UTC), LORD_HOWE, "fr", "samedi 28 novembre 2026 à 3\u00a0h\u00a000"),
        (datetime(2026, 8, 11, 7, tzinfo=UTC), PARIS, "fr", "mardi 11 août 2026 à 9\u00a0h\u00a000"),
    ],
)
def test_a_moment_in_words(moment: datetime, zone: ZoneInfo, language: str, words: str) -> None:
    assert timetable.in_words(moment, zone, language) == words


def test_only_the_first_of_a_month_is_an_ordinal() -> None:
    ordinals = [day for day in range(1, 32) if "er " in timetable.day_in_words(date(2026, 5, day), "fr")]
    assert ordinals == [1]


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("2026-11-25 09:00", "now"),
        ("2026-11-25 09:00:59", "now"),
        ("2026-11-25 08:59:01", "now"),
        ("2026-11-25 09:01", "in 1 minute"),
        ("2026-11-25 09:20", "in 20 minutes"),
        ("2026-11-25 08:40", "20 minutes ago"),
        ("2026-11-25 09:59:50", "in 1 hour"),  # never "60 minutes"
        ("2026-11-25 20:00", "in 11 hours"),
        ("2026-11-26 08:00", "in 23 hours"),
        ("2026-11-26 08:50", "in 1 day"),  # never "24 hours"
        ("2026-11-26 23:00", "in 1 day"),  # days of the calendar, not 38 hours
        ("2026-11-27 00:30", "in 2 days"),
        ("2026-11-30 17:00", "in 5 days"),
        ("2026-11-24 08:00", "1 day ago"),
        ("2026-11-20 23:00", "5 days ago"),
    ],
)
def test_how_far_a_moment_is(moment: str, words: str) -> None:
    there = datetime.fromisoformat(moment).replace(tzinfo=PARIS)
    assert timetable.distance(there, NOW, PARIS) == words
    assert timetable.distance(there, NOW.astimezone(PARIS), PARIS) == words


def test_how_far_a_moment_is_over_a_clock_change() -> None:
    now = datetime(2026, 10, 25, 0, 30, tzinfo=PARIS)
    assert timetable.distance(datetime(2026, 10, 25, 4, 30, tzinfo=PARIS), now, PARIS) == "in 5 hours"
    assert timetable.distance(datetime(2026, 10, 25, 23, 59, tzinfo=PARIS), now, PARIS) == "in 24 hours"  # today


@pytest.mark.usefixtures("french")
def test_how_far_in_french() -> None:
    assert timetable.distance(NOW + timedelta(days=5), NOW, PARIS) == "dans 5 jours"
    assert timetable.distance(NOW - timedelta(minutes=1), NOW, PARIS) == "il y a 1 minute"


# typed on the command line


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("now", "2026-11-25 08:00"),
        ("  Maintenant ", "2026-11-25 08:00"),
        ("17:00", "2026-11-25 16:00"),
        ("9:00", "2026-11-25 08:00"),
        ("08:59", "2026-11-26 07:59"),
        ("7h05", "2026-11-26 06:05"),
        ("2026-11-27 17:00", "2026-11-27 16:00"),
        ("2026-11-27  17H00", "2026-11-27 16:00"),
        ("27/11/2026 17h00", "2026-11-27 16:00"),
        ("1/12/2026 9:00", "2026-12-01 08:00"),
        ("2026-11-27T17:00:00+01:00", "2026-11-27 16:00"),
        ("2026-11-27T17:00:00Z", "2026-11-27 17:00"),
        ("2026-11-27T17:00", "2026-11-27 16:00"),
        ("2026-10-26T02:30+11:00", None),
    ],
)
def test_a_typed_moment(text: str, utc: str | None) -> None:
    if utc is None:
        with pytest.raises(ValueError, match="this moment is over"):
            timetable.parse_when(text, NOW, PARIS)
        return
    moment = timetable.parse_when(text, NOW, PARIS)
    assert _utc(moment) == utc
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "tomorrow",
            "2026-11-27",
            "27/11/2026",
            "17",
            "25:00",
            "17:61",
            "31/11/2026 10:00",
            "2026-13-01 10:00",
        ),
        *(
            "11/27/2026 17:00",
            "0000-01-01 10:00",
            "2026-W48-5T17:00",
            "2026-11-27T",
            "1764259200",
            "2026-11-27 17:00 Paris",
        ),
        *("2026-11-27 17:00 Paris", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", "2026-11-27T17:00:00+25:00"),
    ],
)
def test_nonsense_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(ValueError, match='write "now", "17:00", "2026-11-27 17:00"'):
        timetable.parse_when(text, NOW, PARIS)


@given(st.text(max_size=20) | st.from_regex(r"\d{1,4}[-/]\d{1,2}[-/]\d{1,4}[ T]\d{1,2}[:h]\d\d", fullmatch=True))
def test_whatever_is_typed_is_a_moment_to_come_or_a_clear_no(text: str) -> None:
    try:
        assert timetable.parse_when(text, NOW, PARIS) >= NOW
    except ValueError as error:
        assert str(error).startswith(("write ", "this "))  # noqa: PT017 - both ends are right


@pytest.mark.parametrize("text", ["2026-11-25 08:59", "25/11/2026 08h59", "2026-11-25T07:59:59Z"])
def test_what_is_over_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="this moment is over"):
        timetable.parse_when(text, NOW, PARIS)


@pytest.mark.parametrize("text", ["2026-03-29 02:30", "29/3/2026 2h30", "2026-03-29T02:30:00", "02:30"])
def test_a_typed_moment_in_the_skipped_hour_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"does not exist.*write 03:30"):
        timetable.parse_when(text, datetime(2026, 3, 28, 23, 30, tzinfo=UTC), PARIS)


@pytest.mark.parametrize("text", ["2026-10-25 02:30", "25/10/2026 2h30", "2026-10-25T02:30:00", "02:30"])
def test_what_is_suggested_for_the_hour_that_comes_twice_is_understood(text: str) -> None:
    now = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
    with pytest.raises(ValueError, match="comes twice") as refused:
        timetable.parse_when(text, now, PARIS)
    choices = str(refused.value).partition("offset, ")[2].split(" / ")
    assert [_utc(timetable.parse_when(choice, now, PARIS)) for choice in choices] == [
        "2026-10-25 00:30",
        "2026-10-25 01:30",
    ]


@pytest.mark.parametrize(
    ("now", "utc"),
    [
        (datetime(2026, 3, 29, 8, tzinfo=UTC), "2026-03-30 00:30"),
        (datetime(2026, 10, 25, 8, tzinfo=UTC), "2026-10-26 01:30"),
    ],
)
def test_a_time_that_is_over_today_is_tomorrows_also_on_the_day_of_a_clock_change(now: datetime, utc: str) -> None:
    assert _utc(timetable.parse_when("02:30", now, PARIS)) == utc
