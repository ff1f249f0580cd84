"""Places where a test kills the process, between any two effects. Inert in service.

`VEILLE_FAILPOINT=name:k` kills this process (SIGKILL) the k-th time that it passes `name`.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

NAMES = (
    "enqueue.before-commit",
    "enqueue.after-commit",
    "show.after",
    "recover.after",
    "expand.after-chunk",
    "expand.after-count",
    "claim.after",
    "intent.after",
    "settle.before",
    "settle.after",
    "smtp.before-dot",
    "smtp.after-dot",
    "smtp.after-answer",
    "mail-file.after-write",
    "facebook.before-photo",
    "facebook.after-photo",
    "facebook.after-checkpoint",
    "facebook.before-feed",
    "facebook.after-feed",
    "instagram.before-container",
    "instagram.after-container",
    "instagram.after-checkpoint",
    "instagram.before-publish",
    "instagram.after-publish",
    "by-hand.before-mail",
    "by-hand.after-mail",
    "alarm.before-mail",
    "alarm.after-mail",
    "draft.kept",
    "follow-up.begun",
    "follow-up.answered",
    "follow-up.done",
    "files.before-rename",
    "files.after-rename",
)

_passed: Counter[str] = Counter()


def failpoint(name: str) -> None:
    """Mark a place between two effects.

    Raises:
        KeyError: the name is not in `NAMES`, so no test would visit it.
    """
    if name not in NAMES:
        raise KeyError(name)
    wanted = os.environ.get("VEILLE_FAILPOINT")
    if not wanted:
        return
    chosen, _sep, occurrence = wanted.partition(":")
    if chosen == name:
        _passed[name] += 1
        if _passed[name] == int(occurrence or 1):
            os.kill(os.getpid(), signal.SIGKILL)
