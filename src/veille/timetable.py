"""When things leave: slots, cadences, local times and how a person reads them.

Local times are what people mean, UTC is what the outbox stores. A recurring slot that falls into the hour that
spring skips moves forward; one that falls into the hour that autumn repeats takes the first (RFC 5545, 3.3.5).
A time typed for one post that does not exist, or exists twice, is refused with a suggestion.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from veille.i18n import gettext as _
from veille.i18n import ngettext

Clock = Callable[[], datetime]

DEFAULT_TIME = time(9, 0)

_DAYS = {
    name: number
    for number, names in enumerate(
        (
            ("monday", "lundi"),
            ("tuesday", "mardi"),
            ("wednesday", "mercredi"),
            ("thursday", "jeudi"),
            ("friday", "vendredi"),
            ("saturday", "samedi"),
            ("sunday", "dimanche"),
        )
    )
    for name in names
}


@dataclass(frozen=True)
class Slot:
    """A recurring local time: every week on `weekday` (0 = Monday), or every day when it is None."""

    weekday: int | None
    at: time

    def __str__(self) -> str:
        day = next((name for name, n in _DAYS.items() if n == self.weekday), "")
        return f"{day} {self.at:%H:%M}".strip()


def parse_slot(text: str) -> Slot:
    """Read "friday 17:00", "vendredi 17:00" or "12:30" (every day).

    Raises:
        ValueError: any other form.
    """
    match = re.fullmatch(r"\s*(?:([a-zA-Z]+)\s+)?(\d{1,2})[:hH](\d{2})\s*", text)
    if not match or (match[1] and match[1].lower() not in _DAYS):
        raise ValueError(_('write a day and a time: "friday 17:00", or "12:30" for every day'))
    try:
        at = time(int(match[2]), int(match[3]))
    except ValueError as error:
        raise ValueError(_("there is no such time of day: {text}").format(text=text)) from error
    return Slot(_DAYS[match[1].lower()] if match[1] else None, at)


def localise(naive: datetime, zone: ZoneInfo) -> datetime:
    """A recurring local time as an aware one: a gap moves it forward, an overlap takes the first."""
    aware = naive.replace(tzinfo=zone, fold=0)
    return aware.astimezone(UTC).astimezone(zone)


def exact(naive: datetime, zone: ZoneInfo) -> datetime:
    """A local time that a person typed, as an aware one.

    Raises:
        ValueError: the clock skips it, or shows it twice; the message suggests what to write.
    """
    first, second = (naive.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if localise(naive, zone).replace(tzinfo=None) != naive:
        later = localise(naive, zone)
        time = f"{later:%H:%M}" if later.date() == naive.date() else f"{later:%Y-%m-%d %H:%M}"
        raise ValueError(_("this time does not exist: clocks go forward that night; write {time}").format(time=time))
    if first.utcoffset() != second.utcoffset():
        choices = " / ".join(moment.isoformat(timespec="minutes") for moment in (first, second))
        raise ValueError(
            _("this time comes twice that night: write it with its offset, {choices}").format(choices=choices)
        )
    return first


def occurrences(slot: Slot, after: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The slot's moments strictly after `after`, in order, without end, each local date once."""
    day = after.astimezone(zone).date() - timedelta(days=1)  # a gap over midnight moves a slot to the next day
    last = after.astimezone(UTC)  # in one zone, Python compares what clocks show, not which moment is first
    while True:
        if slot.weekday is None or day.weekday() == slot.weekday:
            moment = localise(datetime.combine(day, slot.at), zone)
            if moment.astimezone(UTC) > last:
                last = moment.astimezone(UTC)
                yield moment
        day += timedelta(days=1)


def next_free(slots: tuple[Slot, ...], after: datetime, zone: ZoneInfo, taken: set[datetime]) -> datetime:
    """The first moment (UTC) of any slot after `after` that no other publication of the channel has.

    Args:
        taken: aware moments already given away.
    """
    # In UTC: a local time that comes twice equals no moment of another zone (PEP 495), so it would never look taken.
    given = {moment.astimezone(UTC) for moment in taken}
    moments = ((moment.astimezone(UTC) for moment in occurrences(slot, after, zone)) for slot in slots)
    return min(next(moment for moment in of_slot if moment not in given) for of_slot in moments)


def first_slot_on(day: date, slots: tuple[Slot, ...], zone: ZoneInfo) -> datetime:
    """The moment for a date without a time: the channel's first slot that day, else 09:00."""
    times = [slot.at for slot in slots if slot.weekday in (None, day.weekday())]
    return min(localise(datetime.combine(day, at), zone) for at in times or [DEFAULT_TIME])


def in_words(moment: datetime, zone: ZoneInfo, language: str) -> str:
    """ "vendredi 27 novembre 2026 à 17 h 00" in the workspace's zone."""
    local = moment.astimezone(zone)
    day = day_in_words(local.date(), language)
    if language.startswith("fr"):
        return f"{day} à {local.hour}\u00a0h\u00a0{local.minute:02d}"
    return f"{day} at {local:%H:%M}"


@lru_cache(maxsize=1024)  # the posts of a site share few days
def day_in_words(day: date, language: str) -> str:
    """ "vendredi 27 novembre 2026"; the first of a month is "1er" in French, which Babel does not know."""
    from babel.dates import format_date

    words = format_date(day, "EEEE d MMMM y", locale=language)
    return re.sub(r"(?<=\s)1(?=\s)", "1er", words, count=1) if language.startswith("fr") else words


def distance(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """ "in 5 days" (of the calendar), "in 20 minutes", "now", "2 hours ago", in the active language."""
    seconds = (moment.astimezone(UTC) - now.astimezone(UTC)).total_seconds()
    size = abs(seconds)
    minutes, hours = round(size / 60), round(size / 3600)
    days = abs((moment.astimezone(zone).date() - now.astimezone(zone).date()).days)
    if size < 60:
        return _("now")
    if minutes < 60:
        amount = ngettext("{n} minute", "{n} minutes", minutes).format(n=minutes)
    elif hours < 24 or not days:
        amount = ngettext("{n} hour", "{n} hours", hours).format(n=hours)
    else:
        amount = ngettext("{n} day", "{n} days", days).format(n=days)
    return (_("in {amount}") if seconds > 0 else _("{amount} ago")).format(amount=amount)


def parse_when(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """A moment that a person typed on the command line.

    Args:
        text: "now", "17:00" (today, else tomorrow), "2026-11-27 17:00", "27/11/2026 17:00", or RFC 3339.

    Raises:
        ValueError: any other form, a time that does not exist or comes twice, or a moment in the past.
    """
    typed = " ".join(text.split())
    if typed.lower() in ("now", "maintenant"):
        return now
    try:
        moment = _typed_moment(typed, now, zone).astimezone(UTC)
    except OverflowError:  # the year 1 or 9999, at the edge of what there is
        raise ValueError(_forms()) from None
    if moment < now:
        raise ValueError(_("this moment is over: {moment}").format(moment=typed))
    return moment


def _typed_moment(typed: str, now: datetime, zone: ZoneInfo) -> datetime:
    if match := re.fullmatch(r"(\d{1,2}[:hH]\d{2})", typed):
        today = _naive(f"{now.astimezone(zone):%Y-%m-%d}", match[1])
        # Over is over, also a time that clocks skipped or showed twice: who types it now means tomorrow's.
        last = max(today.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        return exact(today if last >= now else today + timedelta(days=1), zone)
    if match := re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4}) (\d{1,2}[:hH]\d{2})", typed):
        return exact(_naive(f"{match[3]}-{int(match[2]):02d}-{int(match[1]):02d}", match[4]), zone)
    if match := re.fullmatch(r"(\d{4}-\d{2}-\d{2}) (\d{1,2}[:hH]\d{2})", typed):
        return exact(_naive(match[1], match[2]), zone)
    if not re.match(r"\d{4}-\d{2}-\d{2}[T ]", typed):  # a day without a time does not mean midnight
        raise ValueError(_forms())
    parsed = _parsed(typed)
    return parsed if parsed.tzinfo else exact(parsed, zone)


def _naive(day: str, clock: str) -> datetime:
    return _parsed(f"{day} {clock.lower().replace('h', ':').rjust(5, '0')}")


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(_forms()) from None


def _forms() -> str:
    return _('write "now", "17:00", "2026-11-27 17:00" or "2026-11-27T17:00:00+01:00"')
