"""Kinds, moments and places in the words that readers see."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from veille import i18n
from veille.i18n import gettext as _
from veille.partners import Need
from veille.posts import Audience, Event, Kind, Post
from veille.timetable import day_in_words

T = TypeVar("T")
NBSP = "\u00a0"


def kind_label(kind: Kind) -> str:
    """ "Good deal", in the active language."""
    return {
        Kind.NEWS: _("News"),
        Kind.EVENT: _("Event"),
        Kind.SERVICE: _("Service"),
        Kind.LEISURE: _("Leisure"),
        Kind.CALL_FOR_PROJECTS: _("Call for projects"),
        Kind.GOOD_DEAL: _("Good deal"),
        Kind.INITIATIVE: _("Initiative"),
        Kind.TRAINING: _("Training"),
    }[kind]


def need_label(need: Need) -> str:
    """ "Something to eat", in the active language: what somebody looks for, in the words that they would use."""
    return {
        Need.FOOD: _("Something to eat"),
        Need.SHELTER: _("A place to sleep, a home"),
        Need.SCHOOL: _("School and homework"),
        Need.TRAINING: _("Learning a trade"),
        Need.WORK: _("Finding a job"),
        Need.HEALTH: _("Health, feeling well"),
        Need.RIGHTS: _("Rights and paperwork"),
        Need.LEISURE: _("Going out, leisure"),
        Need.FAMILY: _("Family and parents"),
        Need.SAFETY: _("Being safe"),
    }[need]


def audience_label(audience: Audience) -> str:
    """ "Families", in the active language: whom a list of posts is for."""
    return {
        Audience.YOUNG: _("For 11 to 25 year-olds"),
        Audience.FAMILIES: _("For families"),
        Audience.PROFESSIONALS: _("For professionals"),
    }[audience]


def of_post(post: Post, day: date, zone: ZoneInfo, language: str) -> dict[str, str]:
    """Our own words about a post, in the active language, moments in `language`: fields of `RenderedPost`."""
    return {
        "kind_label": kind_label(post.kind),
        "date_words": day_in_words(day, language),
        "when_words": when(post, zone, language),
    }


def letter_title(newsroom: str, day: date, language: str) -> str:
    """ "Kess Kis Pass, letter of 27 November 2026": what a letter is called that nobody gave a title."""
    from babel.dates import format_date

    words = format_date(day, "d MMMM y", locale=language)
    words = re.sub(r"^1(?=\s)", "1er", words) if language.startswith("fr") else words
    return _("{name}, letter of {date}").format(name=newsroom, date=words)


def elsewhere(language: str, make: Callable[[str], T]) -> dict[str, T]:
    """The same words in every language that veille speaks, but for the newsroom's own.

    Args:
        language: the newsroom's.
        make: makes them in the active language, moments in the one that it is given.
    """
    found = {}
    for other in i18n.languages():
        if other != i18n.short(language):
            with i18n.speaking(other):
                found[other] = make(other)
    return found


def when(post: Post, zone: ZoneInfo, language: str) -> str:
    """When it takes place and until when one can answer; "" when neither is given."""
    if not post.deadline:
        return event_time(post.event, zone, language) if post.event else ""
    deadline = moment_in_words(post.deadline, zone, language)
    if not post.event:
        return _("until {moment}").format(moment=deadline)
    return _("{event}; registration until {moment}").format(
        event=event_time(post.event, zone, language), moment=deadline
    )


def event_time(event: Event, zone: ZoneInfo, language: str) -> str:
    """ "mercredi 25 novembre 2026, de 14 h à 16 h 30", "du lundi … au vendredi …"."""
    start, end = event.start, event.end
    if end is None or end == start:
        return moment_in_words(start, zone, language)
    if isinstance(start, datetime) and isinstance(end, datetime) and _day(start, zone) == _day(end, zone):
        return _("{day}, from {start} to {end}").format(
            day=day_in_words(_day(start, zone), language),
            start=_clock_time(start, zone, language),
            end=_clock_time(end, zone, language),
        )
    return _("from {first_day} to {last_day}").format(
        first_day=moment_in_words(start, zone, language), last_day=moment_in_words(end, zone, language)
    )


def moment_in_words(moment: datetime | date, zone: ZoneInfo, language: str) -> str:
    """A day, with its time when one was given."""
    day = day_in_words(_day(moment, zone), language)
    if not isinstance(moment, datetime):
        return day
    return _("{day} at {time}").format(day=day, time=_clock_time(moment, zone, language))


def where(event: Event | None) -> str:
    """Place and address on one line."""
    return ", ".join(part for part in (event.place, event.address) if part) if event else ""


def _day(moment: datetime | date, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date() if isinstance(moment, datetime) else moment


def _clock_time(moment: datetime, zone: ZoneInfo, language: str) -> str:
    local = moment.astimezone(zone)
    if not language.startswith("fr"):
        return f"{local:%H:%M}"
    return f"{local.hour}{NBSP}h" + (f"{NBSP}{local.minute:02d}" if local.minute else "")
