"""The `veille` command with short waits and small chunks, for runs that are killed many times.

python -m tests.support.quick_veille publish --yes

Everything else is the command itself: same entry point, same ledger, same servers.
"""

from __future__ import annotations

import os
import threading

_wait = threading.Event.wait


def _short(self: threading.Event, timeout: float | None = None) -> bool:
    """A hundredth of the wait between two looks at Instagram."""
    return _wait(self, timeout / 100 if timeout else timeout)


def quicken() -> None:
    """Make waits short, and chunks as small as `VEILLE_TEST_CHUNK` says, in this process."""
    from veille.outbox import upkeep

    threading.Event.wait = _short  # type: ignore[method-assign]
    upkeep.CHUNK = int(os.environ["VEILLE_TEST_CHUNK"])  # readers in one step of an expansion


if __name__ == "__main__":
    from veille_cli.app import main

    quicken()
    main()
