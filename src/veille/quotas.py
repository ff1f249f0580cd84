"""How many posts Instagram takes from an account in a day: what it said last, for whoever plans.

Meta's pages say 100, 50 and 25; only the account itself knows (`content_publishing_limit`, read 2026-09-11). The number
lies in a small file beside what is queued: it is no more than a forecast, and whoever publishes asks again.
"""

from __future__ import annotations

import json
from pathlib import Path

from veille.config import Config

UNTIL_KNOWN = 25  # the smallest that Meta ever documented
MOST = 10_000  # no account has ever been allowed more: a larger number is damage


def path(config: Config) -> Path:
    """The file that keeps it."""
    return config.outbox_dir / "instagram-quota.json"


def known(config: Config) -> int:
    """Posts in any 24 hours, as the account said; 25 until it has said so."""
    settings = config.settings.instagram
    try:
        values = json.loads(path(config).read_bytes())
        total = values["total"] if values["account"] == settings.user_id else None
    except (OSError, ValueError, KeyError, TypeError):
        total = None
    return total if isinstance(total, int) and 0 < total <= MOST else UNTIL_KNOWN


def content(account: str, total: int) -> bytes:
    """What the file of an account with this number holds."""
    return (json.dumps({"account": account, "total": total}) + "\n").encode()
