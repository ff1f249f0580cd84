"""Numbers on the day on which a letter or post leaves, which only planning knows: hours may be others by then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time

from veille import checks
from veille.checks.numbers import CHECK
from veille.checks.numbers.rules import HOURS, LABEL
from veille.checks.rules import Context
from veille.checks.subjects import Subject
from veille.config import Config
from veille.editions import Edition
from veille.errors import Finding, Severity
from veille.library import Library
from veille.posts import Post

_OF_THE_DAY = frozenset((HOURS.code, LABEL.code))


def wrong_on(sources: Iterable[Post | Edition], library: Library, config: Config, day: date) -> Iterator[Finding]:
    """What these texts say of help lines that will not be true on that day; what a post allows is left out.

    Args:
        day: in the zone of the newsroom.
    """
    if not any(line.periods for line in library.helplines.values()) or CHECK.each is None:
        return
    context = Context(library, config, datetime.combine(day, time(12), config.zone))
    for source in sources:
        found = CHECK.each(Subject(source, source.path, source.file), context)
        wrong = [one for one in found if one.code in _OF_THE_DAY and one.severity is Severity.ERROR]
        yield from checks.passed(wrong, library, config)
