"""`veille doctor`: everything that could go wrong here, looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille_cli.output import FAILED, OK, Answer, answers

if TYPE_CHECKING:
    from rich.console import RenderableType

    from veille_cli.wiring import Newsroom


@answers
def command(
    live: Annotated[
        bool, typer.Option("--live", help=_("Also ask Facebook and Instagram, reading only: docs/operating.md."))
    ] = False,
) -> Answer:
    """Look at everything that could go wrong here: service, disk, secrets, mail, proxy, contacts. Changes nothing."""
    from veille.errors import Severity
    from veille_cli.diagnoses import DIAGNOSES
    from veille_cli.wiring import newsroom

    with newsroom() as room:
        found = [diagnosis for look in DIAGNOSES for diagnosis in look(room)]
        asked = _asked(room) if live else None
    found.sort(key=lambda diagnosis: diagnosis.severity is not Severity.ERROR)
    signs = {Severity.ERROR: "✗", Severity.WARNING: "!"}
    text: list[RenderableType] = [
        f"{signs[one.severity]} {one.message} [{one.name}]\n    → {one.hint}" for one in found
    ]
    n = len(DIAGNOSES)
    looked = ngettext("{n} thing looked at", "{n} things looked at", n).format(n=n)
    text.append(looked if found else _("{looked}: all is well").format(looked=looked))
    listed = [
        {"code": one.name, "severity": one.severity.value, "message": one.message, "hint": one.hint} for one in found
    ]
    failed = any(one.severity is Severity.ERROR for one in found)
    data: dict[str, Any] = {"found": listed}
    if asked is not None:
        data["live"] = asked.data
        text = [*asked.text, "", *text]
        failed = failed or asked.exit_code != OK
    return Answer(data=data, text=text, exit_code=FAILED if failed else OK)


def _asked(room: Newsroom) -> Answer:
    """What the accounts answer."""
    from veille_cli import live_checks

    found = list(live_checks.looks(room))
    failed = any(one.failed for one in found)
    return Answer(live_checks.as_data(found), live_checks.text(found), FAILED if failed else OK)
