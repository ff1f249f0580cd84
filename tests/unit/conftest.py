"""What many tests of single parts ask for: an editor's desk, and an office with the social channels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import graph_desk
from tests.support.desk import Desk
from tests.support.ledger import NOW


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Files, `publish` and a pump, on a Wednesday at 9 h in Paris."""
    made = Desk(tmp_path, NOW)
    yield made
    made.ledger.database.close()


@pytest.fixture
def office(tmp_path: Path) -> graph_desk.Desk:
    """A workspace whose two social channels are in the sandbox."""
    return graph_desk.desk(tmp_path)
