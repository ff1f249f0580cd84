"""What Meta answers about tokens, pages and accounts, as values of ours; nothing secret is in a `repr` or an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from veille.access_problems import Told
from veille.errors import NotAuthorised, PublishError, Unavailable
from veille.i18n import gettext as _
from veille_publishers.graph import Call, Graph
from veille_publishers.graph_errors import rule_for, said

_LONGEST = 10**9  # seconds, 30 years: more than any access lives
_LATEST = 253_402_300_799  # Unix seconds: the end of the year 9999
MOST_WORDS = 200  # characters of Meta's own words in an error
# Meta's words for an app that it does not know, or a secret that is not that of the app (codes 1 and 101).
APP_REFUSED = ("client secret", "client_secret", "validating application", "Invalid Client ID", "platform app")


@dataclass(frozen=True)
class Given:
    """A token as a login gives it.

    Args:
        expires_in: None: never, or not said.
        user_id: of the account, where the login names it.
        permissions: what was granted; None: not said.
    """

    token: str = field(repr=False)
    expires_in: timedelta | None = None
    user_id: str = ""
    permissions: frozenset[str] | None = None


@dataclass(frozen=True)
class PageFound:
    """A page that somebody may act for.

    Args:
        token: of the page; "" when it is not given.
        tasks: what the person may do there; None: not said.
        instagram_id: of the professional account that is linked to it; "" for none.
    """

    id: str
    name: str
    token: str = field(default="", repr=False)
    tasks: tuple[str, ...] | None = None
    instagram_id: str = ""


@dataclass(frozen=True)
class Account:
    """An Instagram account.

    Args:
        kind: "Business" or "Media_Creator"; Meta's pages differ in case.
    """

    id: str
    name: str
    kind: str = ""


def asked(graph: Graph, call: Call) -> dict[str, Any]:
    """A call about tokens: Meta answers a wrong app id or secret as if the fault were its own."""
    try:
        return graph.call(call)
    except PublishError as error:
        if any(words in error.detail for words in APP_REFUSED):
            raise app_refused(error.detail) from None
        raise


def app_refused(detail: str) -> NotAuthorised:
    """App id and app secret do not belong together."""
    return NotAuthorised(
        _("Meta does not know this app, or its secret is another one"),
        hint=_("copy both again from “App settings”, “Basic” on developers.facebook.com"),
        detail=detail,
    )


def code_refused(values: Any, status: int) -> PublishError:
    """Our error for an answer of api.instagram.com, whose errors have a form of their own."""
    said = str(values.get("error_message", "")) if isinstance(values, dict) else ""
    detail = f"HTTP {status}: {said[:MOST_WORDS]}"
    if any(words in said for words in APP_REFUSED):
        return app_refused(detail)
    if not said:
        return Unavailable(_("Instagram gave no usable answer"), detail=detail, about_us=True)
    return NotAuthorised(
        _("Instagram does not accept this code"),
        hint=_("a code works once and for an hour: log in again and paste the new address"),
        detail=detail,
    )


def given(values: Mapping[str, Any]) -> Given:
    """A token in an answer.

    Raises:
        Unavailable: there is none in it.
    """
    token = values.get("access_token")
    if not isinstance(token, str) or not token:
        raise Unavailable(_("Meta gave no usable answer"), detail="no token in it", about_us=True)
    seconds = values.get("expires_in")
    granted = values.get("permissions")
    names = granted.split(",") if isinstance(granted, str) else granted
    return Given(
        token=token,
        expires_in=timedelta(seconds=seconds) if isinstance(seconds, int | float) and 0 < seconds < _LONGEST else None,
        user_id=str(values.get("user_id", "")),
        permissions=frozenset(str(name).strip() for name in names) if isinstance(names, list) else None,
    )


def told(data: Mapping[str, Any]) -> Told:
    """The `data` of debug_token."""
    targets = {}
    for one in _list(data.get("granular_scopes")):
        if isinstance(one, Mapping) and isinstance(one.get("target_ids"), list):
            targets[str(one.get("scope"))] = frozenset(str(number) for number in one["target_ids"])
    return Told(
        valid=data.get("is_valid") is True,
        kind=str(data.get("type", "")),
        app_id=str(data.get("app_id", "")),
        scopes=frozenset(str(scope) for scope in _list(data.get("scopes"))),
        targets=targets,
        expires_at=_moment(data.get("expires_at")),
        data_access_expires_at=_moment(data.get("data_access_expires_at")),
        issued_at=_moment(data.get("issued_at")),
        why=_why(data.get("error")),
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _why(error: Any) -> str:
    """Why a token is not valid, in our words."""
    if not isinstance(error, Mapping):
        return ""
    return said(rule_for({**error, "error_subcode": error.get("subcode")}, 400))


def _moment(seconds: Any) -> datetime | None:
    """Unix seconds; 0 is never."""
    if not isinstance(seconds, int) or not 0 < seconds < _LATEST:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def page(row: Mapping[str, Any]) -> PageFound:
    """A page, as a node or a row of a list."""
    linked = row.get("instagram_business_account")
    tasks = row.get("tasks")
    return PageFound(
        id=str(row.get("id", "")),
        name=str(row.get("name", "")),
        token=str(row.get("access_token") or ""),
        tasks=tuple(str(task) for task in tasks) if isinstance(tasks, list) else None,
        instagram_id=str(linked.get("id", "")) if isinstance(linked, Mapping) else "",
    )
