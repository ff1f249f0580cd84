"""`veille doctor`: everything that could go wrong here, looked at."""

from __future__ import annotations

from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille_cli.output import FAILED, OK, Answer, answers


@answers
def command() -> Answer:
    """Look at everything that could go wrong here: service, disk, secrets, mail, proxy, contacts. Changes nothing."""
    from veille.errors import Severity
    from veille_cli.diagnoses import DIAGNOSES
    from veille_cli.wiring import newsroom

    with newsroom() as room:
        found = [diagnosis for look in DIAGNOSES for diagnosis in look(room)]
    found.sort(key=lambda diagnosis: diagnosis.severity is not Severity.ERROR)
    signs = {Severity.ERROR: "✗", Severity.WARNING: "!"}
    text = [f"{signs[one.severity]} {one.message} [{one.name}]\n    → {one.hint}" for one in found]
    n = len(DIAGNOSES)
    looked = ngettext("{n} thing looked at", "{n} things looked at", n).format(n=n)
    text.append(looked if found else _("{looked}: all is well").format(looked=looked))
    data = [
        {"code": one.name, "severity": one.severity.value, "message": one.message, "hint": one.hint} for one in found
    ]
    failed = any(one.severity is Severity.ERROR for one in found)
    return Answer(data={"found": data}, text=text, exit_code=FAILED if failed else OK)
