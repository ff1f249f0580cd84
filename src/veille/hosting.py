"""Posts that a service has: what it holds for later is verified at its time, what changed here is changed there.

None of it decides whether a post was delivered; each is tried again until the service answered.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from veille.errors import LedgerError, NotAuthorised, OutcomeUnknown, PublishError, RateLimited, Rejected, Unavailable
from veille.i18n import gettext as _
from veille.journal import (
    FIRST_BACK_OFF,
    LONGEST_BACK_OFF,
    LONGEST_REST,
    SHORTEST_BACK_OFF,
    Tally,
    defect,
    held_values,
)
from veille.outbox.deliveries import Deliveries, scheduled_values, sent_values
from veille.outbox.hosted import Held, Wanted
from veille.publishing import STOOD_STILL, FollowUp, Publisher, ReadBack, Receipt, RemotePublisher, Seen
from veille.timetable import Clock

log = logging.getLogger(__name__)

MOST_TRIES = 12  # of a follow-up, in about a day and a half; then a person looks
MOST_WINDOWS = 2  # tries of something visible that nobody saw come about; then a person looks
BLIND_WAIT = timedelta(minutes=15)  # between looks at a page that cannot be read,
MOST_BLIND = 24  # as often as that: for six hours
TRIAL = timedelta(hours=2)  # a sandbox in place of the service for that long; then a person looks
ASK_AGAIN = timedelta(minutes=10)  # for the address of a public post; twice as long each time


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
            if self._stop() or name in tally.stopped:
                return
            again, asked = self._may_try(publisher, wanted), self._clock()
            begun = self._deliveries.begin_follow_up(wanted, asked, again=again)
            if begun and abs(self._clock() - asked) <= STOOD_STILL:  # else others may have done it: looked for first
                self._do(name, publisher, wanted, again=again, tally=tally)

    def let_go(self, name: str, publisher: Publisher, tally: Tally) -> None:
        """Tell people of what a service has, now that the channel goes another way: nobody here can reach it any more.

        What it holds leaves all the same, what was to be deleted there stays, and a sandbox sees no page. Whoever goes
        back from a trial soon enough finds everything as it was.
        """
        now = self._clock() - (timedelta() if publisher.live else TRIAL)
        for unknown in () if publisher.live else self._deliveries.due_unknown(name, now, live=True):
            if self._deliveries.resolve(unknown, held_values(words_unknown()), self._clock(), "held"):
                tally.settled["held"] += 1
        for wanted in self._deliveries.due_follow_ups(name, now, live=True):
            words, hint = _("this cannot be done from here"), _("do it in the app, or on the web pages of the service")
            self._put_off(wanted, None, Rejected(words, hint=hint), tally)
        for held in self._deliveries.due_scheduled(name, now, live=True):
            if self._deliveries.settle_scheduled(held, held_values(_words_blind()), self._clock(), "held"):
                tally.settled["held"] += 1

    def _may_try(self, publisher: RemotePublisher, wanted: Wanted) -> bool:
        """Whether a comment that may be there already may be made once more, if it is not found: only after every look.

        Anything else does no harm when it is done twice.
        """
        if wanted.begun is None or wanted.kind is not FollowUp.COMMENT:
            return True
        looked = self._clock() - wanted.begun >= max(publisher.read_back_delays(), default=timedelta())
        return looked and wanted.unknowns < MOST_WINDOWS

    def _do(self, name: str, publisher: RemotePublisher, wanted: Wanted, *, again: bool, tally: Tally) -> None:
        try:
            stands = publisher.follow_up(wanted.delivery, wanted.kind, wanted.begun, again=again)
        except NotAuthorised as error:
            self._put_off(wanted, self._clock(), error, tally)
            self._stop_channel(name, error, tally)
        except PublishError as error:
            unseen = isinstance(error, OutcomeUnknown) and wanted.kind is FollowUp.COMMENT
            later = self._next_look(publisher, wanted, again=again) if unseen else self._later(wanted, error)
            self._put_off(wanted, later, error, tally)
        except LedgerError:
            raise
        except Exception as error:  # a defect in one must not stop all channels at every start
            log.exception("%s: %s failed unexpectedly", wanted.delivery.id, wanted.kind.value)
            self._put_off(wanted, None, defect(name, error), tally)
        else:
            if stands is None:
                self._deliveries.end_follow_up(wanted, self._clock())
                tally.followed_up[wanted.kind.value] += 1
            elif self._deliveries.stands(wanted, sent_values(stands, self._clock()), self._clock()):
                tally.settled["sent"] += 1

    def _stop_channel(self, name: str, error: NotAuthorised, tally: Tally) -> None:
        self._deliveries.stop_channel(name, error.message, self._clock(), error.hint or "")
        tally.stopped[name] = error.message

    def _put_off(self, wanted: Wanted, when: datetime | None, error: PublishError, tally: Tally) -> None:
        self._deliveries.put_off_follow_up(wanted, when, self._clock(), error)
        tally.problems.append((wanted.delivery.id, error))

    def _later(self, wanted: Wanted, error: PublishError) -> datetime | None:
        """When a follow-up is tried again; None: a person must look."""
        if not isinstance(error, Unavailable | OutcomeUnknown) or wanted.tries >= MOST_TRIES:
            return None
        if isinstance(error, Unavailable) and error.retry_after is not None:
            return self._clock() + min(max(error.retry_after, SHORTEST_BACK_OFF), LONGEST_REST)
        wait: timedelta = min(FIRST_BACK_OFF * 2 ** min(wanted.tries, 10), LONGEST_BACK_OFF)
        left = wanted.delivery.publication.due - self._clock()
        if left > timedelta():  # what is to be taken back before its time is tried until then, more and more often
            wait = max(min(wait, left / 2), SHORTEST_BACK_OFF)
        return self._clock() + wait

    def _next_look(self, publisher: RemotePublisher, wanted: Wanted, *, again: bool) -> datetime | None:
        """When somebody looks again for what may have been carried out; None: a person must."""
        now = self._clock()
        begun = now if again or wanted.begun is None else wanted.begun
        later = [begun + delay for delay in publisher.read_back_delays() if begun + delay > now]
        if later:
            return min(later)
        return now if wanted.unknowns + again < MOST_WINDOWS else None

    def ask_addresses(self, name: str, publisher: RemotePublisher) -> None:
        """Ask again for what a service did not tell at once: comments need a post's id, and people its address."""
        if not publisher.live:
            return
        for held in self._deliveries.due_addresses(name, self._clock()):
            if self._stop():
                return
            later = {"looks": held.looks + 1, "due_at": self._clock() + ASK_AGAIN * 2 ** min(held.looks, 4)}
            found = self._seen_again(publisher, held)
            told = {"remote_id": found.remote_id, "url": found.url} if found else {}
            self._deliveries.tell_address(held, {**later, **{k: v for k, v in told.items() if v}}, self._clock())

    def _seen_again(self, publisher: RemotePublisher, held: Held) -> Receipt | None:
        try:
            return publisher.read_back(held.delivery).receipt
        except PublishError:  # the next post says it, and what it calls for
            return None
        except LedgerError:
            raise
        except Exception:  # a defect in one look must not stop all channels at every start
            log.exception("%s could not be looked at", held.delivery.id)
            return None

    def verify(self, name: str, publisher: RemotePublisher, tally: Tally) -> None:
        """Whether the service made public, at its time, what it holds; what is missing waits for a person."""
        for held in self._deliveries.due_scheduled(name, self._clock(), live=publisher.live):
            if self._stop():
                return
            try:
                values, event = self._verified(publisher, held)
            except NotAuthorised as error:
                self._stop_channel(name, error, tally)
                return
            if self._deliveries.settle_scheduled(held, values, self._clock(), event) and values["state"] != "scheduled":
                tally.settled[values["state"]] += 1

    def _verified(self, publisher: RemotePublisher, held: Held) -> tuple[dict[str, Any], str]:
        try:
            seen = publisher.read_back(held.delivery)
        except RateLimited as error:
            wait = max(error.retry_after or BLIND_WAIT, SHORTEST_BACK_OFF)
            return self._look_later(held.looks, wait, error.message)
        except (NotAuthorised, LedgerError):
            raise
        except PublishError as error:
            seen = ReadBack(Seen.UNREADABLE, detail=error.message)
        except Exception as error:  # a defect in one look must not stop all channels at every start
            log.exception("%s could not be looked at", held.delivery.id)
            seen = ReadBack(Seen.UNREADABLE, detail=type(error).__name__)
        if seen.seen is Seen.FOUND and seen.receipt:
            return sent_values(seen.receipt, self._clock()), "found"
        if seen.scheduled and seen.scheduled.at > self._clock():
            return scheduled_values(seen.scheduled), "looked"
        return self._not_yet(publisher, held, seen)

    def _not_yet(self, publisher: RemotePublisher, held: Held, seen: ReadBack) -> tuple[dict[str, Any], str]:
        delays = publisher.read_back_delays()
        looks, blind = held.looks + 1, seen.seen is Seen.UNREADABLE
        if blind and looks < MOST_BLIND:
            return self._look_later(looks, BLIND_WAIT, seen.detail)
        if not blind and looks < len(delays):
            return self._look_later(looks, max(delays[looks] - delays[looks - 1], timedelta()), seen.detail)
        words = _words_blind() if blind else _words_late() if seen.scheduled else _words_missing()
        return {**held_values(words), "looks": looks}, "held"

    def _look_later(self, looks: int, wait: timedelta, detail: str) -> tuple[dict[str, Any], str]:
        later = {"looks": looks, "due_at": self._clock() + wait, "last_error": detail}
        return {"state": "scheduled", **later}, "looked"


def words_unknown() -> str:
    """Why a delivery waits for a person."""
    return _("nobody can say whether this went out: look, then `veille outbox resolve`")


def _words_missing() -> str:
    return _("it was scheduled and is not there at its time: look, then `veille outbox resolve`")


def _words_late() -> str:
    return _("it was scheduled and is still not public after its time: look, then `veille outbox resolve`")


def _words_blind() -> str:
    return _("it was scheduled, and nobody can see whether it is public: look, then `veille outbox resolve`")
