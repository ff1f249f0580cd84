"""The table of who got a letter, written as it is read: a million rows take no more memory than a thousand."""

from __future__ import annotations

import csv
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING

from veille.subscribers import defused
from veille_cli.private_file import private_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo
    from pathlib import Path

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
    with nullcontext(sys.stdout) if to is None else private_file(to, "--to") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for count, row in enumerate(reached(database, publication, states), start=1):  # noqa: B007
            table.writerow([defused(cell) for cell in _cells(row, zone)])
    return count


def _cells(row: Reached, zone: tzinfo) -> tuple[str, ...]:
    moment = row.sent_at.astimezone(zone).isoformat(timespec="seconds") if row.sent_at else ""
    answers = (row.remote_id, row.last_code, row.last_error)
    return (row.id, row.address, row.state, moment, str(row.attempt), *answers)
