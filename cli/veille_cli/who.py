"""The table of who got a letter, written as it is read: a million rows take no more memory than a thousand."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from veille.errors import VeilleError
from veille.i18n import gettext as _
from veille.i18n import why
from veille.subscribers.cells import defused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from veille.outbox.database import Database
    from veille.outbox.recipients import Reached

COLUMNS = ("id", "address", "state", "sent_at", "attempt", "remote_id", "last_code", "last_error")


def write(database: Database, publication: str, states: Sequence[str], to: Path | None, zone: tzinfo) -> int:
    """Write one row for each delivery. Returns how many.

    Args:
        states: only these; all when there are none.
        to: a file for its owner only; None: standard output.
        zone: in which moments are written, with their offset.

    Raises:
        VeilleError: the file cannot be written.
    """
    from veille.outbox.recipients import reached

    count = 0
    with _opened(to) as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for count, row in enumerate(reached(database, publication, states), start=1):  # noqa: B007
            table.writerow([defused(cell) for cell in _cells(row, zone)])
    return count


def _cells(row: Reached, zone: tzinfo) -> tuple[str, ...]:
    moment = row.sent_at.astimezone(zone).isoformat(timespec="seconds") if row.sent_at else ""
    answers = (row.remote_id, row.last_code, row.last_error)
    return (row.id, row.address, row.state, moment, str(row.attempt), *answers)


@contextmanager
def _opened(to: Path | None) -> Iterator[TextIO]:
    """Standard output, or a file that nobody else may read, also when it was there before."""
    if to is None:
        yield sys.stdout
        return
    try:
        handle = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            if hasattr(os, "fchmod"):
                os.fchmod(handle, 0o600)
            yield file
    except OSError as error:
        raise VeilleError(
            _("{file} cannot be written: {error}").format(file=to, error=why(error)),
            hint=_("choose another place with --to"),
        ) from None
