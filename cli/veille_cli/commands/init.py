"""`veille init`: a new newsroom."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from veille.i18n import gettext as _
from veille_cli.output import Answer, answers


@answers
def command(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help=_("Where to make it (default: here)."))] = Path(),
) -> Answer:
    """Make a new newsroom: settings, one example post, a partner and the help lines."""
    from veille import starter

    made = starter.make(folder, date.today())  # noqa: DTZ011 - the day of the person at this machine
    name = folder.as_posix()
    next_steps = [_("Look at it:      veille preview"), _("See all of it:   veille publish && veille run --once")]
    if name != ".":
        next_steps = [f"cd {name}", *next_steps]
    return Answer(
        data={"folder": str(folder.resolve()), "files": made},
        text=[
            _("A newsroom is ready in {folder}. Nothing leaves it: every channel writes to outbox/.").format(
                folder=name
            ),
            "",
            *[f"    {step}" for step in next_steps],
        ],
    )
