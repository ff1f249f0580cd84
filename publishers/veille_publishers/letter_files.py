"""The sandbox of the newsletter: each reader's letter as a file, which reaches nobody."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from veille.errors import PublishError, Unavailable
from veille.failpoints import failpoint
from veille.publishing import Delivery, Journal, Receipt
from veille_publishers import files
from veille_publishers.pool import Mail

GROUP = 100  # letters between two waits for the disk
PRIVATE = 0o600  # a letter names its reader

Outcome = tuple[Delivery, Receipt | PublishError]


def write_all(
    folder: Path, deliveries: Sequence[Delivery], compose: Callable[[Delivery], Mail], journal: Journal
) -> None:
    """Write `<edition>/<delivery>.eml` for these, then for what `journal.more()` gives; settle each.

    What nobody began when the disk takes nothing more, or when a stop is asked for, stays unsettled.

    Args:
        folder: absolute.
        compose: makes the mail of one delivery; PublishError settles that one.
    """
    waiting, outcomes = list(deliveries), list[Outcome]()
    while waiting and not journal.stopping():
        group, waiting = waiting[:GROUP], waiting[GROUP:]
        allowed = journal.commit(outcomes, group)
        outcomes = list(_write_group(folder, [d for d, may in zip(group, allowed, strict=True) if may], compose))
        if any(isinstance(outcome, Unavailable) for _delivery, outcome in outcomes):
            break
        waiting = waiting or list(journal.more())
    journal.commit(outcomes, [])


def _write_group(folder: Path, group: Sequence[Delivery], compose: Callable[[Delivery], Mail]) -> Iterator[Outcome]:
    """Write until the disk takes nothing more; then the rest of the group is known not to be written either."""
    stopped: Unavailable | None = None
    for delivery in group:
        outcome = stopped or _written(folder, delivery, compose)
        if isinstance(outcome, Unavailable):
            stopped = outcome
        yield delivery, outcome


def _written(folder: Path, delivery: Delivery, compose: Callable[[Delivery], Mail]) -> Receipt | PublishError:
    path = folder / delivery.publication.slug / f"{delivery.id}.eml"
    try:
        _write(path, compose(delivery).content)
    except PublishError as error:
        return error
    return Receipt(detail=path.name)


def _write(path: Path, content: bytes) -> None:
    """Without a wait for the disk: 20,000 of them take minutes, and a file that a power cut tears reached nobody."""
    with files.speaking_of(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE), "wb") as file:
            file.write(content)
    failpoint("mail-file.after-write")
