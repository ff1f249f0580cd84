"""How long each channel's access still lasts, what is wrong with it, and when somebody must be told.

Nothing is asked here. Lives of tokens, permissions and versions: Meta, "Access tokens", "Debugging", "Instagram
Platform: refresh_access_token" and "Graph API changelog: versions" (developers.facebook.com, read 2026-09-11).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from veille.errors import Severity
from veille.i18n import gettext as _
from veille.i18n import ngettext

DAY = timedelta(days=1)
WARN_DAYS = (14, 7, 3, 1, 0)  # days before the end on which operators get a mail; 0: it has ended
URGENT_DAYS = 3  # from here on exit codes say so
CHECK_EVERY = timedelta(hours=20)  # once a day, also for a cron job that is never on the second
ASK_AGAIN = timedelta(hours=1)  # after a check that got no answer
REFRESH_FROM = timedelta(days=7)  # age of a token; and at least weekly from then on
YOUNGEST = timedelta(hours=25)  # Instagram renews no token of less than a day
LEAST_LEFT = 90  # days of a version of the Graph API
MOST_SKEW = timedelta(seconds=60)

# The day from which a version is served by another one, without a word; None: not announced.
VERSIONS: Mapping[str, date | None] = {
    "v26.0": None,
    "v25.0": date(2028, 7, 29),
    "v24.0": date(2028, 2, 18),
    "v23.0": date(2027, 10, 8),
    "v22.0": date(2027, 5, 20),
    "v21.0": date(2027, 1, 21),
    "v20.0": date(2026, 9, 24),
}

# What posting takes: channel and login -> permissions.
SCOPES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("facebook", "facebook"): ("pages_manage_posts", "pages_read_engagement", "pages_show_list"),
    ("instagram", "facebook"): ("instagram_basic", "instagram_content_publish", "pages_read_engagement"),
    ("instagram", "instagram"): ("instagram_business_basic", "instagram_business_content_publish"),
}
TASK = "CREATE_CONTENT"


@dataclass(frozen=True)
class Problem:
    """Something about an access that a person must mend; an ERROR keeps posts from leaving.

    Args:
        code: short and stable, never translated.
    """

    code: str
    severity: Severity
    message: str
    hint: str


@dataclass(frozen=True)
class Told:
    """What Meta says of a token.

    Args:
        kind: "USER", "PAGE" or "SYSTEM_USER".
        targets: permission -> the pages and accounts it is for; one that is not in it is for all.
        expires_at, data_access_expires_at, issued_at: aware; None: never, or not said.
        why: Meta's code for a token that is not valid.
    """

    valid: bool
    kind: str = ""
    app_id: str = ""
    scopes: frozenset[str] = frozenset()
    targets: Mapping[str, frozenset[str]] = field(default_factory=dict)
    expires_at: datetime | None = None
    data_access_expires_at: datetime | None = None
    issued_at: datetime | None = None
    why: str = ""


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


def judge(needed: Iterable[str], told: Told, targets: Iterable[str], app_id: str = "") -> Iterator[Problem]:
    """What is wrong with a token, by what Meta says of it.

    Args:
        needed: permissions that posting takes.
        targets: ids of the page and account; a permission must be for one of them.
        app_id: of the settings; "" for not set.
    """
    if not told.valid:
        yield ended(told.why)
        return
    if app_id and told.app_id and told.app_id != app_id:
        yield _warning(
            "access-app",
            _("the access belongs to another app ({there}) than app_id says ({here})").format(
                there=told.app_id, here=app_id
            ),
            _("correct app_id in veille.toml, or connect again with that app"),
        )
    lacking = [scope for scope in needed if scope not in told.scopes]
    if lacking:
        n = len(lacking)
        words = ngettext("the access lacks {n} permission: {names}", "the access lacks {n} permissions: {names}", n)
        message = words.format(n=n, names=", ".join(lacking))
        yield _error("access-scopes", message, _("connect again, and leave every box ticked that Meta shows"))
    wanted = frozenset(filter(None, targets))
    elsewhere = [scope for scope in needed if (ids := told.targets.get(scope)) and wanted and not ids & wanted]
    if elsewhere:
        message = _("the permission was given for another page or account: {names}").format(names=", ".join(elsewhere))
        yield _error("access-target", message, _("connect again, and choose this page and this account when Meta asks"))


def ended(why: str = "") -> Problem:
    """The access is over.

    Args:
        why: in words of every day; "" when nobody knows.
    """
    message = why or _("Meta no longer accepts our access")
    return _error("access-ended", message, _("connect again; what waits in the queue is kept"))


def lacks_task(tasks: Iterable[str] | None) -> Iterator[Problem]:
    """Whether the person behind the access may post on the page; None: nobody could ask."""
    if tasks is not None and TASK not in tasks:
        yield _error(
            "access-task",
            _("the person who gave the access may not publish on this page"),
            _("somebody with full control of the page gives them the task “Content”, then connect again"),
        )


def skewed(skew: timedelta | None) -> Iterator[Problem]:
    """Whether this machine's clock differs too much from Meta's; None: Meta did not say."""
    if skew is not None and abs(skew) > MOST_SKEW:
        n = round(abs(skew).total_seconds())
        words = ngettext(
            "the clock of this machine is wrong by {n} second", "the clock of this machine is wrong by {n} seconds", n
        )
        yield _warning("clock", words.format(n=n), _("let the system set it (NTP): posts leave by this clock"))


def version_problem(version: str, today: date) -> Iterator[Problem]:
    """Whether a version of the Graph API ends soon; one that this veille does not know is not judged."""
    until = VERSIONS.get(version)
    if until is None or (left := (until - today).days) >= LEAST_LEFT:
        return
    newest = max(VERSIONS, key=lambda name: float(name[1:]))
    hint = _('write api_version = "{version}" in veille.toml, and try one post').format(version=newest)
    if left <= 0:
        message = _("Meta no longer serves api_version {version}: calls are answered by another one").format(
            version=version
        )
    else:
        words = ngettext(
            "Meta serves api_version {version} for {n} more day",
            "Meta serves api_version {version} for {n} more days",
            left,
        )
        message = words.format(version=version, n=left)
    yield _warning("api-version", message, hint)


def _error(code: str, message: str, hint: str) -> Problem:
    return Problem(code, Severity.ERROR, message, hint)


def _warning(code: str, message: str, hint: str) -> Problem:
    return Problem(code, Severity.WARNING, message, hint)
