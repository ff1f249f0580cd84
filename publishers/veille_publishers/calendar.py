"""What is on: coming events by day, and calendars to subscribe to (RFC 5545). Sensitive posts are in none of them.

The bytes of a calendar follow from its posts alone: DTSTAMP is the post's own date, so that nothing changes by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from veille.i18n import gettext as _
from veille.rendering import RenderedPost
from veille.timetable import day_in_words
from veille_publishers.archive import Item, Teaser, clean
from veille_publishers.site_parts import Extra, Leaf, Material, Page

if TYPE_CHECKING:
    from icalendar import Calendar, Event

PATH = "events/"
FILE = "calendar.ics"
PRODUCT = "-//veille//events//EN"

NEXT = 4  # days on the front page

Moment = datetime | date


@dataclass(frozen=True)
class Day:
    """One day with what is on, or goes on."""

    date: str  # ISO
    words: str
    events: tuple[tuple[Teaser, str], ...]  # with where it takes place


@dataclass(frozen=True)
class Subscription:
    """A calendar that a person may subscribe to.

    Args:
        path: relative to the site: "towns/bagneux/calendar.ics".
    """

    path: str
    name: str


def pages(site: Material) -> Iterator[Leaf | Extra]:
    """The page of coming events, a calendar for all, one for each town, and one file an event."""
    events = [item for item in site.archive.items if _shown(item.post)]
    calendars = list(_calendars(site, events))
    offers = tuple(Subscription(path, name) for path, name, _posts in calendars)
    days = tuple(coming(events, site.today, site.config.zone, site.language))
    yield Leaf(Page(PATH, _("What is on")), "events.html.j2", {"days": days, "calendars": offers})
    for path, name, posts in calendars:
        shown = [path, name, *(_facts(post) for post in posts)]
        yield Extra(path, shown, partial(as_ics, posts, site.config.zone, name, _url(site, path)))
    for item in events:
        yield Extra(
            f"posts/{item.post.slug}/event.ics", _facts(item.post), partial(as_ics, [item.post], site.config.zone)
        )


def next_days(site: Material) -> tuple[Day, ...]:
    """The next days on which something takes place, for the front page."""
    events = [item for item in site.archive.items if _shown(item.post)]
    return tuple(islice(coming(events, site.today, site.config.zone, site.language), NEXT))


def coming(items: Sequence[Item], today: date, zone: ZoneInfo, language: str) -> Iterator[Day]:
    """Days from today on. What goes on for several days stands under its first one, once begun under today."""
    by_day: dict[date, list[Item]] = {}
    for item in items:
        first, last = _days(item.post, zone)
        if last >= today:
            by_day.setdefault(max(first, today), []).append(item)
    for day, held in sorted(by_day.items()):
        ordered = sorted(held, key=lambda item: (item.post.starts, item.post.slug))
        shown = tuple((item.teaser, item.post.where_words) for item in ordered)
        yield Day(day.isoformat(), day_in_words(day, language), shown)


def as_ics(posts: Sequence[RenderedPost], zone: ZoneInfo, name: str = "", url: str = "") -> bytes:
    """A calendar of these posts.

    Args:
        name, url: of a calendar to subscribe to; "" for the file of one event.
    """
    from icalendar import Calendar

    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    if name:
        _describe(calendar, name, url)
    for post in posts:
        calendar.add_component(_event(post, zone))
    return bytes(calendar.to_ical())


def _describe(calendar: Calendar, name: str, url: str) -> None:
    """Name, address and rhythm (RFC 7986); X-WR-CALNAME for programs that are older."""
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("source", url, parameters={"VALUE": "URI"})
    calendar.add("refresh-interval", timedelta(days=1), parameters={"VALUE": "DURATION"})


def _event(post: RenderedPost, zone: ZoneInfo) -> Event:
    from icalendar import Event

    event = Event()
    event.add("uid", f"{post.source}@{urlsplit(post.url).hostname}")
    changed = datetime.fromisoformat(post.updated or post.date)
    event.add("dtstamp", changed.astimezone(UTC))
    start, end = _span(post, zone)
    event.add("dtstart", start)
    if end is not None:
        event.add("dtend", end)
    event.add("summary", clean(post.title))
    for key, value in (("description", post.summary), ("location", post.where_words)):
        if value:
            event.add(key, clean(value))
    event.add("url", post.url)
    event.add("categories", [clean(post.kind_label)])
    event.add("transp", "TRANSPARENT")  # nobody is busy because something takes place
    return event


def _span(post: RenderedPost, zone: ZoneInfo) -> tuple[Moment, Moment | None]:
    """Start and end as RFC 5545 wants them: both in UTC, or both whole days, the end being the day after the last."""
    start, end = _moment(post.starts), _moment(post.ends) if post.ends else None
    if isinstance(start, datetime) and (end is None or isinstance(end, datetime)):
        return start.astimezone(UTC), end.astimezone(UTC) if end and end > start else None
    first, last = _days(post, zone)
    return first, last + timedelta(days=1)


def _days(post: RenderedPost, zone: ZoneInfo) -> tuple[date, date]:
    """The first and the last day, in the newsroom's zone. What ends at midnight ends with the day before."""
    start, end = _moment(post.starts), _moment(post.ends or post.starts)
    first = start.astimezone(zone).date() if isinstance(start, datetime) else start
    if isinstance(end, datetime):
        local = end.astimezone(zone)
        end = local.date() - timedelta(days=local.time() == time() and local.date() > first)
    return first, max(first, end)


def _moment(text: str) -> Moment:
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def _shown(post: RenderedPost) -> bool:
    return bool(post.starts) and not post.sensitive


def _calendars(site: Material, events: Sequence[Item]) -> Iterator[tuple[str, str, list[RenderedPost]]]:
    """(path, name, posts): for all, then for each town that has a page; oldest event first."""
    posts = sorted((item.post for item in events), key=lambda post: (post.starts, post.slug))
    yield FILE, site.name, posts
    for slug, name in site.config.towns.items():
        own = [post for post in posts if not post.towns or name in post.towns]
        if own:
            yield f"towns/{slug}/{FILE}", f"{site.name} – {name}", own


def _facts(post: RenderedPost) -> tuple[str, ...]:
    """Everything of a post that stands in a calendar."""
    words = (post.title, post.summary, post.where_words, post.kind_label, post.url)
    return (post.source, post.date, post.updated, post.starts, post.ends, *words)


def _url(site: Material, path: str) -> str:
    return f"{site.config.settings.workspace.base_url}/{path}"
