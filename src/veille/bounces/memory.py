"""What was read of a mailbox that keeps its messages."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

FILE_NAME = "bounces.json"  # in the outbox folder


class Memory:
    """What was read of a mailbox that keeps its messages: `outbox/bounces.json`. Losing it costs reading again."""

    def __init__(self, folder: Path, mailbox: str) -> None:
        self._path = folder / FILE_NAME
        self._name = hashlib.sha256(mailbox.encode()).hexdigest()[:16]
        self.entries: dict[str, str] = dict(self._load().get(self._name, {}))  # key → "" or why it was not understood

    def save(self, present: Iterable[str] | None) -> None:
        """Write the file, without what no longer lies in the mailbox (None: not known)."""
        if present is not None:
            there = set(present)
            self.entries = {key: why for key, why in self.entries.items() if key in there}
        text = json.dumps({**self._load(), self._name: self.entries}, indent=0, sort_keys=True)
        with suppress(OSError):  # a convenience: what is committed is in the ledger
            write_whole(self._path, text.encode())

    def _load(self) -> Mapping[str, Any]:
        try:
            loaded = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return loaded if isinstance(loaded, dict) else {}


def write_whole(path: Path, content: bytes) -> None:
    """Whole or not at all, and readable by its owner only.

    Raises:
        OSError: the disk refuses.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
