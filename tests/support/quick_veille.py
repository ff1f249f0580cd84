"""The `veille` command with short waits and small chunks, for runs that are killed many times.

python -m tests.support.quick_veille publish --yes

Everything else is the command itself: same entry point, same ledger, same servers.
"""

from __future__ import annotations

import os
import time

_sleep = time.sleep


def _short(seconds: float) -> None:
    _sleep(seconds / 100)


time.sleep = _short  # type: ignore[assignment]  # before anything keeps a reference to it

if __name__ == "__main__":
    from veille.outbox import upkeep
    from veille_cli.app import main

    upkeep.CHUNK = int(os.environ["VEILLE_TEST_CHUNK"])  # readers in one step of an expansion
    main()
