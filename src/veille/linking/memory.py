"""Answers of the last day, so that no site is asked again and again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

from veille.linking.answers import Answer, Outcome

FILE_NAME = "links.json"
GOOD_FOR = timedelta(days=1)
BAD_FOR = timedelta(hours=1)  # somebody may have mended it


class Memory:
    """Answers of the last day, so that nobody is asked again and again: `outbox/links.json`.

    It only saves time: whatever cannot be read or written is asked for again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept = _read(path)

    def get(self, address: str, now: datetime) -> Answer | None:
        """What came of it, when that is still worth something."""
        at, answer = self._kept.get(address, (None, None))
        if at is None or answer is None:
            return None
        lasts = GOOD_FOR if answer.outcome is Outcome.FINE else BAD_FOR
        return answer if timedelta(0) <= now - at < lasts else None

    def put(self, answer: Answer, now: datetime) -> None:
        """Remember an answer; that there was no network tells nothing about an address."""
        if answer.outcome is not Outcome.OFFLINE:
            self._kept[answer.url] = (now, answer)

    def save(self, now: datetime) -> None:
        """Write what is still worth something."""
        fresh = {url: (at, answer) for url, (at, answer) in self._kept.items() if self.get(url, now)}
        rows = {url: {**asdict(answer), "at": at.isoformat()} for url, (at, answer) in sorted(fresh.items())}
        part = self._path.with_suffix(".part")
        try:
            part.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(rows, indent=0, ensure_ascii=False), encoding="utf-8")
            part.replace(self._path)
        except OSError:
            return


def _read(path: Path) -> dict[str, tuple[datetime, Answer]]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return dict(_entry(url, row) for url, row in rows.items())
    except (OSError, ValueError, AttributeError, TypeError, KeyError):
        return {}


def _entry(url: str, row: Mapping[str, str | int]) -> tuple[str, tuple[datetime, Answer]]:
    words = {name: str(row[name]) for name in ("final", "permanent", "detail")}
    at = datetime.fromisoformat(str(row["at"]))
    if at.tzinfo is None:
        raise ValueError(url)
    return url, (at, Answer(url, Outcome(str(row["outcome"])), int(row["status"]), **words))
