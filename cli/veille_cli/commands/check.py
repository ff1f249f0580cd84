"""`veille check`: every gate, before anything is queued."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille_cli.output import INVALID, Answer, answers, finding_data, findings_text


@answers
def command(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help=_("Only these files (default: everything)."))
    ] = None,
) -> Answer:
    """Check the content: what is wrong, where, and how to mend it."""
    from veille import checks
    from veille.errors import Severity
    from veille_cli.wiring import newsroom

    with newsroom() as room:
        library = room.library
        findings = checks.run(library, room.config, room.clock())
        if paths:
            chosen = {library.find(path).file for path in paths}
            findings = tuple(finding for finding in findings if finding.file in chosen)
        errors = [finding for finding in findings if finding.severity is Severity.ERROR]
        count = len(paths) if paths else len(library.posts) + len(library.editions)
    warnings = len(findings) - len(errors)
    summary = _("{files}: {errors}, {warnings}").format(
        files=ngettext("{n} file checked", "{n} files checked", count).format(n=count),
        errors=ngettext("{n} error", "{n} errors", len(errors)).format(n=len(errors)),
        warnings=ngettext("{n} warning", "{n} warnings", warnings).format(n=warnings),
    )
    return Answer(
        data={"files": count, "findings": [finding_data(finding) for finding in findings]},
        text=[*([findings_text(findings)] if findings else []), summary],
        exit_code=INVALID if errors else 0,
        errors=[finding_data(finding) for finding in errors],
    )
