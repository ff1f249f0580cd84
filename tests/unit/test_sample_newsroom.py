"""The newsroom that `veille init` gives, and that README shows, breaks none of our own rules."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from veille import checks, config, library

ROOT = Path(__file__).parents[2]
DAY = datetime(2026, 11, 25, 9, 0, tzinfo=ZoneInfo("Europe/Paris"))


def test_the_sample_passes_every_check_without_error_and_warning() -> None:
    made = config.load(ROOT, {})
    found = checks.run(library.load(made), made, DAY)
    assert [f"{finding.where} {finding.code} {finding.message}" for finding in found] == []
