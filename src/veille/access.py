"""How long each channel's access still lasts, what is wrong with it, and when somebody must be told.

Nothing is asked here. Lives of tokens: Meta, "Access tokens" and "Instagram Platform: refresh_access_token"
(developers.facebook.com, read 2026-09-11).
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from veille.access_problems import Problem

DAY = timedelta(days=1)
WARN_DAYS = (14, 7, 3, 1, 0)  # days before the end on which operators get a mail; 0: it has ended
URGENT_DAYS = 3  # from here on exit codes say so
CHECK_EVERY = timedelta(hours=20)  # once a day, also for a cron job that is never on the second
ASK_AGAIN = timedelta(hours=1)  # after a check that got no answer
REFRESH_FROM = timedelta(days=7)  # age of a token; and at least weekly from then on
YOUNGEST = timedelta(hours=25)  # Instagram renews no token of less than a day


@dataclass(frozen=True)
class Standing:
    """How the access of a channel stands; one row of the ledger.

    Args:
        mark: which token this is about (`mark_of`).
        tried_at: the last look; `checked_at`: the last one that got an answer.
        expires_at: None: never, or nobody knows.
        refreshed_at: when this token was given.
        warned_days: the last mail said that so many days are left.
    """

    channel: str
    mark: str
    tried_at: datetime
    checked_at: datetime | None = None
    valid: bool = True
    expires_at: datetime | None = None
    data_access_expires_at: datetime | None = None
    refreshed_at: datetime | None = None
    problems: tuple[Problem, ...] = ()
    warned_days: int | None = None
    warned_at: datetime | None = None

    @property
    def ends_at(self) -> datetime | None:
        """When it ends; None: nobody knows of an end.

        The end of data access is none for pages: their permissions are exempt. Those of Instagram may not be.
        """
        ends = [self.expires_at, self.data_access_expires_at if self.channel == "instagram" else None]
        return min((end for end in ends if end is not None), default=None)

    def days_left(self, now: datetime) -> int | None:
        """Days until it ends, begun ones counted; 0: it has ended. None: nobody knows of an end."""
        if not self.valid:
            return 0
        return None if self.ends_at is None else max(math.ceil((self.ends_at - now) / DAY), 0)

    def urgent(self, now: datetime) -> bool:
        """Whether it has ended, or ends within three days."""
        left = self.days_left(now)
        return left is not None and left <= URGENT_DAYS

    def warning_due(self, now: datetime) -> int | None:
        """The number of days that a mail must tell of now; None: it was told, or the end is far."""
        left = self.days_left(now)
        reached = min((days for days in WARN_DAYS if left is not None and left <= days), default=None)
        if reached is None or (self.warned_days is not None and reached >= self.warned_days):
            return None
        return reached

    def after(self, before: Standing | None, now: datetime) -> Standing:
        """What operators were told before still counts, unless it is another token, or its end moved away."""
        if before is None or before.mark != self.mark or before.warned_days is None:
            return self
        left = self.days_left(now)
        if left is None or left > before.warned_days:
            return self
        return replace(self, warned_days=before.warned_days, warned_at=before.warned_at)


def unanswered(channel: str, mark: str, before: Standing | None, now: datetime) -> Standing:
    """Nobody answered: what was known stands, and it is asked again soon."""
    if before is None or before.mark != mark:
        return Standing(channel, mark, now)
    return replace(before, tried_at=now)


def mark_of(token: str) -> str:
    """Tells one token from another, and nothing about either."""
    return hashlib.sha256(b"veille access\0" + token.encode()).hexdigest()[:16] if token else ""


def check_due(standing: Standing | None, mark: str, now: datetime) -> bool:
    """Whether to ask now: once a day, at once for another token, and again soon when nobody answered."""
    if standing is None or standing.mark != mark:
        return True
    answered = standing.checked_at is not None and standing.checked_at >= standing.tried_at
    return abs(now - standing.tried_at) >= (CHECK_EVERY if answered else ASK_AGAIN)


def refresh_due(given_at: datetime | None, expires_at: datetime | None, now: datetime) -> bool:
    """Whether a token that ends by itself is renewed now: weekly, and soon when nobody knows its age or its end.

    Args:
        given_at: when it was given or last renewed.
    """
    if given_at is None:
        return True
    return now - given_at >= (YOUNGEST if expires_at is None else REFRESH_FROM)
