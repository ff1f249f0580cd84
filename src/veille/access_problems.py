"""What may be wrong with an access, in words of every day: judged by what Meta says of a token. Nothing is asked here.

Permissions, tasks and versions: Meta, "Access tokens", "Debugging", "Content publishing" and "Graph API changelog:
versions" (developers.facebook.com, read 2026-09-11).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from veille.errors import Severity
from veille.i18n import gettext as _
from veille.i18n import ngettext

DAY = timedelta(days=1)
SOON = timedelta(days=14)
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
    ("facebook", "facebook"): ("pages_manage_posts", "pages_read_engagement"),
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


def judge(
    needed: Iterable[str], told: Told, *, page: str = "", account: str = "", app_id: str = ""
) -> Iterator[Problem]:
    """What is wrong with a token, by what Meta says of it.

    Args:
        needed: permissions that posting takes.
        page, account: ids for which they must be given; "" for not known.
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
    elsewhere = [scope for scope in needed if not _reaches(told.targets.get(scope), scope, page, account)]
    if elsewhere:
        message = _("the permission was given for another page or account: {names}").format(names=", ".join(elsewhere))
        yield _error("access-target", message, _("connect again, and choose this page and this account when Meta asks"))


def _reaches(ids: frozenset[str] | None, scope: str, page: str, account: str) -> bool:
    """Whether a permission is for our page or account. Those of Instagram may name either."""
    own = {page} if scope.startswith("pages_") else {page, account}
    return not ids or not own - {""} or bool(ids & own)


def ended(why: str = "") -> Problem:
    """The access is over.

    Args:
        why: in words of every day; "" when nobody knows.
    """
    message = why or _("Meta no longer accepts our access")
    return _error("access-ended", message, _("connect again; what waits in the queue is kept"))


def second_ends(told: Told, now: datetime) -> Iterator[Problem]:
    """Whether the token of the person behind the page ends: posts leave without it, but Meta shows us less."""
    hint = _("connect again when you have ten minutes")
    if not told.valid:
        yield _warning(
            "access-second", _("the token of the person behind it has ended: {why}").format(why=told.why), hint
        )
    elif told.expires_at is not None and told.expires_at - now <= SOON:
        n = max(math.ceil((told.expires_at - now) / DAY), 0)
        words = ngettext(
            "the token of the person behind it ends in {n} day", "the token of the person behind it ends in {n} days", n
        )
        yield _warning("access-second", words.format(n=n), hint)


def blind() -> Problem:
    """Meta tells how long an access lasts only to its app."""
    return _warning(
        "access-blind",
        _("nobody can say how long the access lasts, nor what it may do: app_id or app_secret is not set"),
        _("connect the channel with `veille connect`"),
    )


def not_renewed(why: str) -> Problem:
    """Renewing failed; the access goes on until its end."""
    return _warning(
        "access-renewal",
        _("the access could not be renewed: {why}").format(why=why),
        _("nothing to do yet: it is tried again every day"),
    )


def not_kept() -> Problem:
    """An access of 60 days lies where we cannot write."""
    return _warning(
        "access-not-kept",
        _("the access ends after 60 days, and veille cannot renew what an environment variable gives"),
        _("connect the channel with `veille connect`, and remove the variable"),
    )


def refused(message: str, hint: str | None) -> Problem:
    """Meta answered, and does not let us do what posting takes."""
    return _error("access-refused", message, hint or _("connect again"))


def other_account(name: str) -> Problem:
    """The access is for another account than the settings name."""
    return _error(
        "access-target",
        _("the access is for another account: {name}").format(name=name),
        _("correct user_id in veille.toml, or connect again with the right account"),
    )


def not_of_page(told: Told) -> Iterator[Problem]:
    """Whether it is the token of a person, with which unpublished photos are refused."""
    if told.valid and told.kind in ("USER", "SYSTEM_USER"):
        message = _("this is the access of a person, but Facebook wants that of the page")
        yield _error("access-kind", message, _("connect the channel with `veille connect`"))


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
