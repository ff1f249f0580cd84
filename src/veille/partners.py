"""Contacts as data: partners and national help lines. Posts refer to them and never retype a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class Need(StrEnum):
    """What somebody looks for when they look for a partner."""

    FOOD = "food"
    SHELTER = "shelter"
    SCHOOL = "school"
    TRAINING = "training"
    WORK = "work"
    HEALTH = "health"
    RIGHTS = "rights"
    LEISURE = "leisure"
    FAMILY = "family"
    SAFETY = "safety"


class Confidence(StrEnum):
    """How far a help line can be relied on."""

    SURE = "sure"
    UNCERTAIN = "uncertain"  # kept on file, and never shown to a reader


@dataclass(frozen=True)
class Partner:
    """One partner organisation: `content/partners/<id>.yaml`."""

    id: str
    file: str
    name: str
    needs: tuple[Need, ...]
    towns: tuple[str, ...]  # slugs; empty: all
    verified_on: date
    description: str = ""  # one sentence
    phone: str = ""  # as printed, French spacing: "01 99 00 12 34"
    sms: str = ""
    email: str = ""
    url: str = ""
    address: str = ""
    hours: str = ""  # in words
    languages: tuple[str, ...] = ()  # codes of those spoken there beside French: "ar", "lsf"
    accessible: bool | None = None  # by wheelchair; None: nobody asked
    verified_by: str = ""  # who confirmed the record: a function, not a private person
    valid_until: date | None = None  # the last day on which the record holds
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)  # key -> line of the file

    @property
    def reference(self) -> str:
        """What posts and the outbox call it: "partner:ccas-bagneux"."""
        return f"partner:{self.id}"


@dataclass(frozen=True)
class Hours:
    """Opening hours of a help line within a period.

    Args:
        words: "24 h/24, 7 j/7".
        first, last: the days on which they begin and end to hold; None: open.
    """

    words: str
    first: date | None = None
    last: date | None = None

    def hold(self, day: date) -> bool:
        """Whether these are the hours of that day."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


@dataclass(frozen=True)
class HelpLine:
    """One national help number: an entry of `content/helplines.yaml`."""

    number: str  # canonical digits without spaces: "3919"
    label: str  # as printed: "39 19"
    name: str
    for_whom: str  # one short sentence
    hours: str  # in words: "24 h/24, 7 j/7"
    verified_on: date
    source: str  # where the record was checked
    free: bool = True
    voice: bool = True  # False: cannot be called by voice (114)
    sms: bool = False
    chat: str = ""  # URL of a chat
    emergency: bool = False  # in the emergency block of every letter and page
    line: int = 0  # in helplines.yaml
    other_hours: tuple[Hours, ...] = ()  # of other periods, where `hours` do not hold on every day
    hours_from: date | None = None  # the first day on which `hours` hold
    valid_from: date | None = None  # the first and last day on which the line answers at all
    valid_until: date | None = None
    sure: bool = True  # False: kept on file, and never shown to a reader
    verified_by: str = ""

    @property
    def reference(self) -> str:
        """What posts and the outbox call it: "helpline:3919"."""
        return f"helpline:{self.number}"

    def hours_on(self, day: date) -> str:
        """The hours of that day in words; "" when nobody wrote them down."""
        if self.hours_from is None or self.hours_from <= day:
            return self.hours
        return next((hours.words for hours in self.other_hours if hours.hold(day)), "")

    def answers_on(self, day: date) -> bool:
        """Whether the line exists on that day."""
        return Hours("", self.valid_from, self.valid_until).hold(day)

    @property
    def periods(self) -> tuple[Hours, ...]:
        """What changes with the day: hours of each period, and the period of the line itself; () when nothing does."""
        own = Hours("", self.valid_from, self.valid_until)
        lasting = Hours(self.hours, self.hours_from)
        changes = self.other_hours or self.hours_from or self.valid_from or self.valid_until
        return (own, *self.other_hours, lasting) if changes else ()

    @property
    def href(self) -> str:
        """`tel:` link; `sms:` where the line cannot be called, "" where it takes no text message either."""
        if self.voice:
            return f"tel:{self.number}"
        return f"sms:{self.number}" if self.sms else ""
