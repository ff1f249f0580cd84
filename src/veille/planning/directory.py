"""When the directory of partners and help lines is owed: whenever something is published on the web."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.outbox.queue import Queued
from veille.planning.owed import Desk, Owed
from veille.rendering.directory import OCCURRENCE, SOURCE

CHANNEL = "web"
_RECORDS = "content/partners/"


def directory(desk: Desk) -> tuple[list[Owed], list[Queued]]:
    """The directory, and what the outbox has of it once the last partner is gone.

    A call that names its posts renews it too once it stands, because the emergency block of every page comes from it;
    it does not begin it.
    """
    existing = desk.by_key.get((SOURCE, CHANNEL, OCCURRENCE))
    if CHANNEL not in desk.channels or (existing and existing.cancelled and not existing.left):
        return [], []
    if not desk.library.partners:  # the emergency block then comes from the posts
        stale = existing is not None and not existing.withdrawn and desk.selection is None and not desk.incomplete
        return [], [existing] if existing and stale else []
    if existing is None and desk.selection is not None:
        return [], []
    due = existing.due if existing and not existing.withdrawn else desk.now
    kept = broken_records(desk.library.findings)
    title = _("Who to call?")
    return [Owed(CHANNEL, SOURCE, OCCURRENCE, title, due, kept=kept, existing=existing, directory=True)], []


def broken_records(findings: Iterable[Finding]) -> frozenset[str]:
    """Ids of the partners whose record has an error: the directory keeps showing them as it did."""
    errors = (finding.file for finding in findings if finding.severity is Severity.ERROR)
    return frozenset(PurePosixPath(file).stem for file in errors if file.startswith(_RECORDS))
