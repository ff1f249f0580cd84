"""What tests of a Facebook post that lives for days say in one word."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.support.graph_faults import EVERY
from tests.support.graph_walk import Walk

HOURS = timedelta(hours=3)
NATIVE = {"NATIVE_SCHEDULING": "true"}


def long(*values: object) -> Any:
    """A case of the long suite: the same claim once more."""
    return pytest.param(*values, marks=pytest.mark.soak)


def calls(walk: Walk, method: str, end: str) -> list[dict[str, Any]]:
    """The requests so far to paths that end so."""
    return [one for one in walk.fake.record() if one["method"] == method and one["path"].endswith(end)]


def fault(walk: Walk, method: str, edge: str, name: str, *more: int) -> None:
    """Let the first call of this kind go wrong, and those with these numbers."""
    for nth in (1, *more):
        walk.fake.fault(method, edge, EVERY[name], nth)


def settled(walk: Walk) -> tuple[str, str]:
    """Run a little: what the ledger says."""
    walk.live(walk.now() + timedelta(minutes=1))
    row = walk.row()
    return row.state, row.last_code
