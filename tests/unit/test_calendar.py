"""Calendars that any program can read: the same bytes from the same posts, whole days, zones, nothing sensitive."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar

from tests.support.public_pages import context, post, publication
from veille.rendering import RenderedPost
from veille_publishers.archive import Item
from veille_publishers.calendar import as_ics, coming
from veille_publishers.web import Web

PARIS = ZoneInfo("Europe/Paris")
FORUM = {"starts": "2026-12-02T14:00:00+01:00", "ends": "2026-12-02T18:00:00+01:00", "when_words": "mercredi"}


def event(slug: str = "forum", **values: Any) -> RenderedPost:
    return post(slug, **{**FORUM, **values})


def read(content: bytes) -> Any:
    return Calendar.from_ical(content).walk("VEVENT")


def build(web: Web, *posts: RenderedPost) -> dict[str, bytes]:
    standing = [publication(web, one, hours=n) for n, one in enumerate(posts)]
    return {piece.name: piece.make() for piece in web.pieces(standing)}


def test_an_event_is_complete() -> None:
    (found,) = read(
        as_ics([event(where_words="Salle des fêtes, 3 rue de l’Exemple; 92", title="Forum, stages; jobs")], PARIS)
    )
    assert found["UID"] == "forum@lettre.example.org"
    assert found.decoded("DTSTART") == datetime(2026, 12, 2, 13, 0, tzinfo=UTC)
    assert found.decoded("DTEND") == datetime(2026, 12, 2, 17, 0, tzinfo=UTC)
    assert found.decoded("DTSTAMP") == datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    assert found["SUMMARY"] == "Forum, stages; jobs"
    assert found["LOCATION"] == "Salle des fêtes, 3 rue de l’Exemple; 92"
    assert found["URL"] == "https://lettre.example.org/posts/forum/"


def test_whole_days_end_on_the_day_after_the_last() -> None:
    one, several, mixed = read(
        as_ics(
            [
                event("one", starts="2026-12-02", ends=""),
                event("several", starts="2026-12-02", ends="2026-12-04"),
                event("mixed", starts="2026-12-02T14:00:00+01:00", ends="2026-12-04"),
            ],
            PARIS,
        )
    )
    assert (one.decoded("DTSTART"), one.decoded("DTEND")) == (date(2026, 12, 2), date(2026, 12, 3))
    assert several.decoded("DTEND") == date(2026, 12, 5)
    assert (mixed.decoded("DTSTART"), mixed.decoded("DTEND")) == (date(2026, 12, 2), date(2026, 12, 5))
    assert b"DTSTART;VALUE=DATE:20261202" in as_ics([event(starts="2026-12-02", ends="")], PARIS)


def test_a_moment_without_an_end_has_none() -> None:
    (found,) = read(as_ics([event(ends="")], PARIS))
    assert "DTEND" not in found


def test_lines_are_folded_and_end_as_mail_does() -> None:
    content = as_ics(
        [event(summary="é" * 300 + "\nsuite")], PARIS, "Kess Kis Pass", "https://lettre.example.org/calendar.ics"
    )
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert read(content)[0]["DESCRIPTION"] == "é" * 300 + "\nsuite"


def test_the_same_posts_give_the_same_bytes(tmp_path: Path) -> None:
    first = build(Web(context(tmp_path)), event(), post("other"))
    again = build(Web(context(tmp_path)), event(), post("other"))
    assert first["calendar.ics"] == again["calendar.ics"]
    assert read(first["posts/forum/event.ics"])[0]["UID"] == "forum@lettre.example.org"


def test_a_sensitive_post_is_in_no_calendar(tmp_path: Path) -> None:
    files = build(Web(context(tmp_path)), event("secret", sensitive=True, title="Violences"), event("forum"))
    assert "posts/secret/event.ics" not in files
    for name in ("calendar.ics", "towns/bagneux/calendar.ics", "events/index.html", "index.html"):
        assert b"forum" in files[name], name
        assert b"secret" not in files[name] or name == "index.html"
    assert b"event.ics" not in files["posts/secret/index.html"]


def test_towns_have_calendars_of_their_own(tmp_path: Path) -> None:
    here, all_of_them = event("here", towns=("Bagneux",)), event("all")
    files = build(Web(context(tmp_path)), here, all_of_them)
    assert [str(e["UID"]).partition("@")[0] for e in read(files["towns/bagneux/calendar.ics"])] == ["all", "here"]
    assert [str(e["UID"]).partition("@")[0] for e in read(files["towns/bourg-la-reine/calendar.ics"])] == ["all"]


def test_what_is_over_is_gone_and_what_goes_on_stands_under_today() -> None:
    today = date(2026, 12, 2)
    posts = [
        event("over", starts="2026-12-01", ends=""),
        event("running", starts="2026-11-30", ends="2026-12-04"),
        event("tonight", starts="2026-12-02T20:00:00+01:00", ends="2026-12-03T00:00:00+01:00"),
        event("later", starts="2026-12-09", ends=""),
    ]
    items = [Item(one, datetime(2026, 11, 24, tzinfo=UTC)) for one in posts]
    days = [(day.date, [teaser.slug for teaser, _where in day.events]) for day in coming(items, today, PARIS, "fr")]
    assert days == [("2026-12-02", ["running", "tonight"]), ("2026-12-09", ["later"])]
    next_day = [day.date for day in coming(items, today + timedelta(days=1), PARIS, "fr")]
    assert next_day == ["2026-12-03", "2026-12-09"]  # the evening that ended at midnight is over
