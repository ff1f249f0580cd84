"""How fast letters may leave: rates, the lanes of mailbox providers, and the hours in which mail is welcome.

No provider promises its limits; the lanes start where French postmasters and senders agree that nobody is refused
(read 2026-11: postmaster.orange.fr, postmaster.free.fr, bentonow.com on laposte.net, Validity on Yahoo).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo

from veille.i18n import gettext as _

_SECONDS = {"s": 1, "min": 60, "h": 3600, "day": 86400, "jour": 86400}


@dataclass(frozen=True)
class Rate:
    """At most `count` letters in any `seconds`."""

    count: int
    seconds: int

    @property
    def spacing(self) -> float:
        """Seconds between two letters at this rate."""
        return self.seconds / self.count

    @property
    def burst(self) -> int:
        """How many may leave at once after a rest: 5 % of the count, so that no period holds more than 105 %."""
        return max(1, self.count // 20)

    def __str__(self) -> str:
        """As a person writes it."""
        return f"{self.count}/{next(unit for unit, seconds in _SECONDS.items() if seconds == self.seconds)}"


def parse_rate(value: object) -> Rate:
    """Read "10/s", "100/min", "5000/h" or "40000/day".

    Raises:
        ValueError: any other form.
    """
    if isinstance(value, Rate):
        return value
    match = re.fullmatch(r"\s*([1-9]\d{0,8})\s*/\s*([a-z]+)\s*", str(value))
    if not match or match[2] not in _SECONDS:
        raise ValueError(_('write a number and a time: "10/s", "100/min", "5000/h" or "40000/day"'))
    return Rate(int(match[1]), _SECONDS[match[2]])


_ONE = (Rate(1, 1),)

# Mailbox providers that count what they receive from us together, whichever of their domains it is for.
LANES: Mapping[str, tuple[str, ...]] = {
    "orange": ("orange.fr", "wanadoo.fr", "voila.fr"),
    "laposte": ("laposte.net",),
    "free": ("free.fr", "aliceadsl.fr", "libertysurf.fr", "freesbee.fr"),
    "sfr": ("sfr.fr", "neuf.fr", "cegetel.net", "club-internet.fr", "numericable.fr", "9online.fr"),
    "gmail": ("gmail.com", "googlemail.com"),
    "microsoft": (
        "outlook.com",
        "outlook.fr",
        "hotmail.com",
        "hotmail.fr",
        "live.com",
        "live.fr",
        "msn.com",
    ),
    "yahoo": ("yahoo.com", "yahoo.fr", "ymail.com", "rocketmail.com", "aol.com", "aol.fr"),
}


@dataclass(frozen=True)
class SendWindow:
    """The hours, of the workspace's zone, in which letters may arrive. `opens` after `closes`: over midnight."""

    opens: time
    closes: time

    def open_at(self, moment: datetime, zone: tzinfo) -> bool:
        """Whether letters may leave at this moment."""
        now = moment.astimezone(zone).time()
        if self.opens <= self.closes:
            return self.opens <= now < self.closes
        return now >= self.opens or now < self.closes

    def next_opening(self, moment: datetime, zone: tzinfo) -> datetime:
        """The next moment at which it opens, in UTC; `moment` itself while it is open."""
        if self.open_at(moment, zone):
            return moment
        local = moment.astimezone(zone)
        day = local.date() + timedelta(days=int(local.time() >= self.opens))
        return datetime.combine(day, self.opens, zone).astimezone(moment.tzinfo)


def parse_window(value: object) -> SendWindow | None:
    """Read "08:00-21:00"; "" is always.

    Raises:
        ValueError: any other form.
    """
    if value is None or isinstance(value, SendWindow):
        return value
    if not str(value).strip():
        return None
    match = re.fullmatch(r"\s*(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)\s*", str(value))
    try:
        if not match:
            raise ValueError
        opens, closes = time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))
    except ValueError:
        raise ValueError(_('write two times: "08:00-21:00"; or "" for day and night')) from None
    return SendWindow(opens, closes) if opens != closes else None


@dataclass(frozen=True)
class Limits:
    """What one channel may send, and when.

    Args:
        server: of all letters together; every one of them holds.
        lanes: of each lane that has limits of its own.
        domains: domain -> lane.
        window: None: day and night.
    """

    server: tuple[Rate, ...] = ()
    lanes: Mapping[str, tuple[Rate, ...]] = field(default_factory=dict)
    domains: Mapping[str, str] = field(default_factory=dict)
    window: SendWindow | None = None
    zone: tzinfo = UTC


def limits(
    server: tuple[Rate, ...],
    chosen: Mapping[str, tuple[Rate, ...]],
    window: SendWindow | None,
    zone: tzinfo,
) -> Limits:
    """The limits that `[newsletter] rate`, `rates` and `send_window` ask for; known lanes start at one a second.

    Args:
        chosen: rates by lane, or by a domain that becomes a lane of its own.
    """
    lanes = {lane: chosen.get(lane, _ONE) for lane in LANES} | dict(chosen)
    domains = {domain: lane for lane, names in LANES.items() for domain in names}
    domains |= {name: name for name in chosen if "." in name}
    return Limits(server, {lane: rates for lane, rates in lanes.items() if rates}, domains, window, zone)
