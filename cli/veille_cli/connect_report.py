"""What works with an access, as a table: after `veille connect`, and with `--check`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from veille.access_problems import VERSIONS, Problem, version_problem
from veille.errors import Severity
from veille.i18n import gettext as _
from veille_cli import access_words
from veille_cli.output import FAILED, OK, PARTLY, table
from veille_publishers.access_check import login_of

if TYPE_CHECKING:
    from rich.console import RenderableType

    from veille.access import Standing
    from veille_cli.wiring import Newsroom

SIGNS = {Severity.ERROR: "✗", Severity.WARNING: "!"}


@dataclass(frozen=True)
class Row:
    """One thing that was looked at.

    Args:
        name: short and stable, never translated.
        problem: what is wrong with it; None: it works.
    """

    name: str
    label: str
    good: str
    problem: Problem | None = None

    @property
    def sign(self) -> str:
        """Works, wants attention, does not work."""
        return SIGNS[self.problem.severity] if self.problem else "✓"


def rows(standing: Standing, room: Newsroom, account: str, section: Any) -> list[Row]:
    """What was looked at, in the order in which it is needed.

    Args:
        account: name and id, as people know them; "" when no id is set.
        section: of the settings, with its newest tokens.
    """
    login = login_of(section)
    today = room.clock().astimezone(room.config.zone).date()
    found = [*standing.problems, *version_problem(section.api_version, today)]
    found += [] if account else [_no_account(standing.channel)]
    place = _("account") if standing.channel == "instagram" else _("page")
    wanted: list[tuple[str, str, str, Sequence[str]]] = [
        ("access", _("access"), _until(standing, room), ("access-ended", "access-refused", "access-kind")),
        ("account", place, account, ("access-target", "access-nobody")),
        ("permissions", _("permissions"), _("everything that posting takes"), ("access-scopes", "access-blind")),
        ("task", _("task “Content”"), _("given"), ("access-task",)),
        ("renewal", _("renewal"), _renewal(standing, login), ("access-second", "access-renewal", "access-not-kept")),
        ("app", _("app"), section.app_id, ("access-app",)),
        ("clock", _("clock of this machine"), _("right"), ("clock",)),
        ("version", _("version of Meta's service"), _version(section.api_version), ("api-version",)),
    ]
    silent = _silent(standing, section)
    wanted = [row for row in wanted if row[0] not in silent]
    return [_row(name, label, good, codes, found) for name, label, good, codes in wanted]


def _silent(standing: Standing, section: Any) -> set[str]:
    """What nobody asked, or Meta does not say."""
    if not standing.valid:
        return {"account", "permissions", "task", "renewal", "app"}
    found = set() if section.app_id else {"app"}
    blind = any(problem.code == "access-blind" for problem in standing.problems)
    if standing.channel == "instagram" or blind or section.user_token is None:
        found.add("task")
    return found | ({"permissions"} if login_of(section) == "instagram" else set())


def _no_account(channel: str) -> Problem:
    key = "page_id" if channel == "facebook" else "user_id"
    message = _("{setting} is missing").format(setting=f"{channel}.{key}")
    return Problem("access-nobody", Severity.ERROR, message, _("connect the channel with `veille connect`"))


def named(name: str, number: str) -> str:
    """A page or account as people know it: "Le Relais (1234)"."""
    return " ".join(part for part in (name, f"({number})" if number else "") if part)


def _row(name: str, label: str, good: str, codes: Sequence[str], found: Sequence[Problem]) -> Row:
    mine = sorted((one for one in found if one.code in codes), key=lambda one: one.severity is not Severity.ERROR)
    return Row(name, label, good, mine[0] if mine else None)


def text(shown: Sequence[Row], channel: str) -> list[RenderableType]:
    """The table, and under it what to do."""
    cells = [(f"{row.sign} {row.label}", row.problem.message if row.problem else row.good) for row in shown]
    lines: list[RenderableType] = [table(_("looked at"), _("found"), rows=cells)]
    hints = dict.fromkeys(access_words.remedy(row.problem, channel) for row in shown if row.problem)
    return [*lines, *(f"    → {hint}" for hint in hints)]


def as_data(shown: Sequence[Row], channel: str) -> list[dict[str, Any]]:
    """For --json."""
    return [
        {
            "name": row.name,
            "state": row.problem.severity.value if row.problem else "ok",
            "code": row.problem.code if row.problem else None,
            "message": row.problem.message if row.problem else row.good,
            "hint": access_words.remedy(row.problem, channel) if row.problem else None,
        }
        for row in shown
    ]


def errors(shown: Sequence[Row], channel: str) -> list[dict[str, Any]]:
    """What keeps posts from leaving, for the envelope."""
    wrong = [row.problem for row in shown if row.problem and row.problem.severity is Severity.ERROR]
    return [
        {
            "code": one.code,
            "message": one.message,
            "file": None,
            "line": None,
            "hint": access_words.remedy(one, channel),
        }
        for one in wrong
    ]


def exit_code(shown: Sequence[Row], standing: Standing, room: Newsroom) -> int:
    """FAILED when posts cannot leave, PARTLY when that is so within three days."""
    if errors(shown, standing.channel):
        return FAILED
    return PARTLY if standing.urgent(room.clock()) else OK


def _until(standing: Standing, room: Newsroom) -> str:
    end = standing.ends_at
    if end is None:
        return _("works; no end is known")
    return _("works until {moment}").format(moment=access_words.in_words(end, room.config))


def _renewal(standing: Standing, login: str) -> str:
    if login == "instagram":
        return _("every week, while `veille run` is running")
    return _("every week, while `veille run` is running") if standing.expires_at else _("not needed")


def _version(version: str) -> str:
    until = VERSIONS.get(version)
    return version if until is None else _("{version}, until {day}").format(version=version, day=f"{until:%d/%m/%Y}")
