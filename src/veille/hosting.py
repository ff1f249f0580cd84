"""Posts that a service has: what it holds for later is verified at its time, what changed here is changed there.

None of it decides whether a post was delivered; each is tried again until the service answered.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from veille.errors import LedgerError, NotAuthorised, OutcomeUnknown, PublishError, Unavailable
from veille.i18n import gettext as _
from veille.journal import (
    FIRST_BACK_OFF,
    LONGEST_BACK_OFF,
    SHORTEST_BACK_OFF,
    Tally,
    defect,
    first_look,
    held_values,
)
from veille.outbox.deliveries import Deliveries, scheduled_values, sent_values
from veille.outbox.hosted import Held, Wanted
from veille.publishing import ReadBack, RemotePublisher, Seen
from veille.timetable import Clock

log = logging.getLogger(__name__)

MOST_TRIES = 6  # of a follow-up; then a person looks


class Hosting:
    """What the pump does with posts that a service has.

    Args:
        stop: asked between posts.
    """

    def __init__(self, deliveries: Deliveries, clock: Clock, stop: Callable[[], bool]) -> None:
        self._deliveries = deliveries
        self._clock = clock
        self._stop = stop

    def follow_up(self, name: str, publisher: RemotePublisher, tally: Tally) -> None:
        """Edit, comment, delete and replace posts that the service has; one that fails does not hold up the others."""
        for wanted in self._deliveries.due_follow_ups(name, self._clock(), live=publisher.live):
            if self._stop() or not self._deliveries.begin_follow_up(wanted, self._clock()):
                continue
            try:
                publisher.follow_up(wanted.delivery, wanted.kind, wanted.begun)
            except NotAuthorised as error:
                self._put_off(wanted, self._clock(), error, tally)
                self._deliveries.stop_channel(name, error.message, self._clock(), error.hint or "")
                tally.stopped[name] = error.message
                return
            except PublishError as error:
                self._put_off(wanted, self._later(publisher, wanted, error), error, tally)
            except LedgerError:
                raise
            except Exception as error:  # a defect in one must not stop all channels at every start
                log.exception("%s: %s failed unexpectedly", wanted.delivery.id, wanted.kind.value)
                self._put_off(wanted, None, defect(name, error), tally)
            else:
                self._deliveries.end_follow_up(wanted, self._clock())
                tally.followed_up[wanted.kind.value] += 1

    def _put_off(self, wanted: Wanted, when: datetime | None, error: PublishError, tally: Tally) -> None:
        self._deliveries.put_off_follow_up(wanted, when, self._clock(), error)
        tally.problems.append((wanted.delivery.id, error))

    def _later(self, publisher: RemotePublisher, wanted: Wanted, error: PublishError) -> datetime | None:
        """When a follow-up is tried again; None: a person must look."""
        if not isinstance(error, Unavailable | OutcomeUnknown) or wanted.tries >= MOST_TRIES:
            return None
        asked = error.retry_after if isinstance(error, Unavailable) else None
        wait = first_look(publisher) if isinstance(error, OutcomeUnknown) else FIRST_BACK_OFF * 2**wanted.tries
        return self._clock() + min(max(asked or wait, SHORTEST_BACK_OFF), LONGEST_BACK_OFF)

    def verify(self, name: str, publisher: RemotePublisher, tally: Tally) -> None:
        """Whether the service made public, at its time, what it holds; what is missing waits for a person."""
        for held in self._deliveries.due_scheduled(name, self._clock(), live=publisher.live):
            if self._stop():
                return
            values, event = self._verified(publisher, held)
            if self._deliveries.settle_scheduled(held, values, self._clock(), event) and values["state"] != "scheduled":
                tally.settled[values["state"]] += 1

    def _verified(self, publisher: RemotePublisher, held: Held) -> tuple[dict[str, Any], str]:
        detail = ""
        try:
            seen = publisher.read_back(held.delivery)
        except PublishError as error:
            seen, detail = ReadBack(Seen.UNREADABLE), error.message
        if seen.seen is Seen.FOUND and seen.receipt:
            return sent_values(seen.receipt, self._clock()), "found"
        if seen.scheduled and seen.scheduled.at > self._clock():
            return scheduled_values(seen.scheduled), "looked"
        delays = publisher.read_back_delays()
        looks = held.looks + 1
        if looks < len(delays):
            wait = max(delays[looks] - delays[looks - 1], timedelta())
            later = {"looks": looks, "due_at": self._clock() + wait, "last_error": detail or seen.detail}
            return {"state": "scheduled", **later}, "looked"
        return {**held_values(_words_missing(), code="missing"), "looks": looks}, "held"


def _words_missing() -> str:
    return _("it was scheduled and is not there at its time: look, then `veille outbox resolve`")
