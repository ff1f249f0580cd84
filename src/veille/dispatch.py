"""The pump: the only loop that delivers.

    recover → resolve what is unknown → follow up what a service has → expire → a new day → hold what is overdue
            → expand → claim → deliver → settle

`dispatch` alone knows both outbox and publishers. Everything here can be killed at any line and started again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import time as time_of_day
from typing import Any

from veille.errors import LedgerError, OutcomeUnknown, PublishError, RateLimited
from veille.hosting import BLIND_WAIT, Hosting, words_unknown
from veille.i18n import gettext as _
from veille.journal import Tally, TurnJournal, defect, first_look, held_values
from veille.outbox.ballast import Ballast
from veille.outbox.chunks import REST
from veille.outbox.deliveries import Deliveries, Unknown, scheduled_values, sent_values
from veille.outbox.group import Settled
from veille.posts import SERVICES
from veille.publishing import Delivery, KeepsFiles, OnUnknown, Outcome, Publisher, Receipt, RemotePublisher, Seen
from veille.timetable import Clock

__all__ = ["Pump", "Tally"]

log = logging.getLogger(__name__)

FIRST_WAIT = timedelta(seconds=30)  # at least, when a service that was asked too often names a wait
PATIENCE = timedelta(minutes=1)  # a rate limit is waited for that long; what is further away is for a later pass

_A_MOMENT = timedelta(seconds=1)


class Pump:
    """Delivers what is due, channel after channel.

    Args:
        publishers: by channel name.
        grace: how late a delivery may leave before a person must decide, by channel.
        stop: asked between deliveries; True ends the pass after what is in hand.
        progress: called with (channel, deliveries settled in this batch).
        sleep: waits that many seconds for a rate limit, or until a stop is asked for.
        ballast: room on the disk for the answers to what is in hand.
        zone: the newsroom's, in which a new day begins.
        alone: called before each pass; raises when another scheduler has this ledger by now.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        publishers: Mapping[str, Publisher],
        *,
        grace: Mapping[str, timedelta],
        clock: Clock,
        stop: Callable[[], bool],
        progress: Callable[[str, int], None],
        sleep: Callable[[float], object] = time.sleep,
        ballast: Ballast | None = None,
        zone: tzinfo = UTC,
        alone: Callable[[], None] = lambda: None,
    ) -> None:
        self._deliveries = deliveries
        self._publishers = publishers
        self._grace = grace
        self._clock = clock
        self._stop = stop
        self._progress = progress
        self._sleep = sleep
        self._ballast = ballast or Ballast(None)
        self._zone = zone
        self._alone = alone
        self._hosting = Hosting(deliveries, clock, stop)
        self._day: date | None = None  # on which pages were last seen to be up to date
        self._shaken = False  # the outbox failed in mid-delivery: rows are still in hand

    def recover(self) -> int:
        """Take over what a dead worker left. At start, while the lock is held, and after the outbox failed."""
        taken = sum(
            self._deliveries.recover(
                name,
                self._clock(),
                first_look(publisher),
                rewrite=publisher.on_unknown is OnUnknown.REWRITE,
            )
            for name, publisher in self._publishers.items()
        )
        self._shaken = False
        return taken

    def once(self) -> Tally:
        """Everything that is due now, in as many rounds as it takes.

        Raises:
            LedgerError: the outbox failed; nothing was sent that is not recorded as such.
            Busy: another scheduler took over.
        """
        tally = Tally()
        while self._round(tally) and not self._stop():
            pass
        return tally

    def round(self) -> Tally:
        """One pass over every channel; a long letter gives the others their turn, and says that it is unfinished.

        Raises:
            LedgerError: the outbox failed; nothing was sent that is not recorded as such.
            Busy: another scheduler took over.
        """
        tally = Tally()
        tally.unfinished = self._round(tally)
        return tally

    def _round(self, tally: Tally) -> bool:
        """One pass over every channel. Returns whether more is due than it had time for."""
        self._alone()
        if self._shaken:
            self.recover()
        self._shaken = True
        self._ballast.ensure()
        tally.waits.clear()
        for name, publisher in self._publishers.items():
            self._resolve(name, publisher, tally)
            if isinstance(publisher, RemotePublisher):
                self._hosting.follow_up(name, publisher, tally)
                self._hosting.verify(name, publisher, tally)
                self._hosting.ask_addresses(name, publisher)
            # it may have gone through its service before, and goes another way now
            if name in SERVICES and not (publisher.live and isinstance(publisher, RemotePublisher)):
                self._hosting.let_go(name, publisher, tally)
        self._deliveries.expire(self._clock())
        self._begin_day()
        for name, publisher in self._publishers.items():
            tally.switched += self._deliveries.hold_switched(name, self._clock(), live=publisher.live)
        for name, grace in self._grace.items():
            tally.held += self._deliveries.hold_overdue(name, self._clock(), grace)
        self._expand(tally)
        unfinished = [self._drain(name, publisher, tally) for name, publisher in self._publishers.items()]
        self._shaken = False
        return any(unfinished)

    def _begin_day(self) -> None:
        """Pages say what is on and whom to call today: the first pass of a day has them written, if nothing else did.

        The ledger knows whether that was done, so it comes once a day, also after days of standstill. So does the first
        pass of a process where settings or templates changed since, or somebody touched the files.
        """
        now = self._clock()
        today = now.astimezone(self._zone).date()
        if today == self._day:
            return
        midnight = datetime.combine(today, time_of_day(), self._zone)
        for name, publisher in self._publishers.items():
            if publisher.on_unknown is OnUnknown.REWRITE:
                since = now + _A_MOMENT if _outdated(publisher) else midnight  # then nothing that was written counts
                self._deliveries.write_again(name, now, since, live=publisher.live)
        self._day = today

    def _expand(self, tally: Tally) -> None:
        for publication_id in self._deliveries.to_expand(self._clock()):
            count = None
            while count is None and not self._stop():
                count = self._deliveries.expand(publication_id, self._clock())
                if count is None:
                    self._sleep(REST)  # others write too
            if count is not None:
                tally.expanded[f"p{publication_id}"] = count

    def _drain(self, name: str, publisher: Publisher, tally: Tally) -> bool:
        """Claim and deliver until nothing is due, the channel fails as a whole, or its turn is over.

        Returns:
            Whether more is due.
        """
        journal = TurnJournal(name, self._deliveries, publisher, self._clock, tally, self._stop, self._ballast)
        try:
            while not (self._stop() or journal.lane_closed or journal.turn_over):
                if batch := journal.more():
                    self._deliver(name, publisher, batch, journal)
                elif not self._wait(name, tally):
                    return False
        finally:
            publisher.rest()
            if journal.lane_closed:
                tally.stopped.setdefault(name, journal.lane_closed)
        if name == "newsletter" and journal.broken:
            self._deliveries.rest_channel(name, self._clock())  # a page's own delivery waits by itself
        return journal.turn_over and not journal.lane_closed

    def _deliver(self, name: str, publisher: Publisher, batch: Sequence[Delivery], journal: TurnJournal) -> None:
        journal.moved = journal.cut = journal.answered = False
        try:
            publisher.deliver(batch, journal)
        except PublishError as error:
            journal.lane_error = error
        except LedgerError:
            raise
        except Exception as error:  # a defect in a publisher must not stop the other channels
            log.exception("%s failed unexpectedly", name)
            journal.lane_error = defect(name, error)
        released = self._give_back(journal)
        self._progress(name, journal.take_count())
        if self._stop() or journal.lane_closed:
            return
        if journal.trouble and not journal.answered:  # another try would only end the same way
            journal.give_up(journal.trouble)
        elif released and not journal.moved:
            journal.lane_closed = _("it left deliveries undone; they are tried again")

    def _give_back(self, journal: TurnJournal) -> int:
        """Settle what the publisher left open: not sent (claimed), or not known (sending).

        Returns:
            How many go back as they came.
        """
        error = journal.lane_error
        left = self._deliveries.left_open(list(journal.open.values()), self._clock())
        ended: list[tuple[Delivery, Outcome]] = []
        back: list[Settled] = []
        for delivery, state in left:
            if state == "sending":
                detail = error.detail if error else ""
                ended.append((delivery, OutcomeUnknown(_("no answer came"), detail=detail)))
            elif error is not None and not isinstance(error, OutcomeUnknown):
                ended.append((delivery, error))
            else:
                back.append(Settled(delivery, {"state": "ready"}, "released"))
        journal.commit(ended, ())
        self._deliveries.commit(back, (), self._clock())
        journal.open.clear()
        return len(back)

    def _wait(self, name: str, tally: Tally) -> bool:
        """Wait for a rate limit that soon allows more. False: nothing is due, or it takes too long."""
        now = self._clock()
        opens = self._deliveries.opens(name, now)
        if opens is None:
            return False
        if opens - now > PATIENCE:
            tally.waits[name] = opens
            return False
        self._sleep(max((opens - now).total_seconds(), 0.001))
        if self._clock() <= now:  # a clock that stands still, as samples have: no rate would ever allow more
            tally.waits[name] = opens
            return False
        return True

    def _resolve(self, name: str, publisher: Publisher, tally: Tally) -> None:
        for unknown in self._deliveries.due_unknown(name, self._clock(), live=publisher.live):
            if self._stop():
                return
            values, event = self._decide(publisher, unknown)
            moved = self._deliveries.resolve(unknown, values, self._clock(), event)
            if moved and values["state"] in ("sent", "held"):
                tally.settled[values["state"]] += 1

    def _decide(self, publisher: Publisher, unknown: Unknown) -> tuple[dict[str, Any], str]:
        """What becomes of an unknown delivery: design section 6."""
        # As late as its publication: after days of standstill, grace decides and not the moment of this look.
        again = {"state": "ready", "due_at": unknown.delivery.publication.due}
        if publisher.on_unknown is OnUnknown.REWRITE:
            return again, "rewrite"
        if publisher.on_unknown is OnUnknown.RESEND and unknown.delivery.checkpoint:
            return held_values(words_unknown()), "held"  # begun with a service that it no longer goes through
        if publisher.on_unknown is OnUnknown.RESEND:
            # `unknowns` counts the windows: the first earns one more copy, the second a person.
            return (again, "resend") if unknown.unknowns < 2 else (held_values(words_unknown()), "held")
        return self._look(publisher, unknown)

    def _look(self, publisher: Publisher, unknown: Unknown) -> tuple[dict[str, Any], str]:
        try:
            seen = publisher.read_back(unknown.delivery)
        except RateLimited as error:  # nothing was looked at, so this says nothing
            values: dict[str, Any] = {"state": "unknown", "last_error": error.message}
            return {**values, "due_at": self._clock() + max(error.retry_after or BLIND_WAIT, FIRST_WAIT)}, "looked"
        except PublishError as error:
            return self._next_look(publisher, unknown, blind=True, detail=error.message)
        except LedgerError:
            raise
        except Exception as error:  # a defect in one look must not stop all channels at every start
            log.exception("%s could not be looked at", unknown.delivery.id)
            return self._next_look(publisher, unknown, blind=True, detail=type(error).__name__)
        if seen.seen is Seen.FOUND and seen.scheduled:
            return scheduled_values(seen.scheduled), "found"
        if seen.seen is Seen.FOUND:
            return sent_values(seen.receipt or Receipt(), self._clock()), "found"
        return self._next_look(publisher, unknown, blind=seen.seen is Seen.UNREADABLE, detail=seen.detail)

    def _next_look(
        self, publisher: Publisher, unknown: Unknown, *, blind: bool, detail: str
    ) -> tuple[dict[str, Any], str]:
        delays = publisher.read_back_delays()
        looks, blind = unknown.looks + 1, unknown.blind or blind
        if looks < len(delays):
            wait = max(delays[looks] - delays[looks - 1], timedelta())
            return {
                "state": "unknown",
                "looks": looks,
                "blind": int(blind),
                "due_at": self._clock() + wait,
                "last_error": detail,
            }, "looked"
        if blind and unknown.delivery.publication.due > self._clock():  # handed over ahead: there is time to look
            return {"state": "unknown", "looks": 0, "blind": 0, "due_at": self._clock() + BLIND_WAIT}, "looked"
        by_hand = isinstance(publisher, RemotePublisher) and publisher.live and not unknown.delivery.checkpoint
        if blind or unknown.unknowns > 1 or by_hand:  # whoever was asked to post it may still do so
            return {**held_values(words_unknown()), "looks": looks, "blind": int(blind)}, "held"
        # Provably not out: nothing stands in the way of sending it, not even by hand.
        due = unknown.delivery.publication.due
        return {"state": "ready", "due_at": due, "looks": looks, "last_code": "", "last_error": ""}, "absent"


def _outdated(publisher: Publisher) -> bool:
    """Whether its files are to be written anew; also when nobody can tell: writing them says what is wrong."""
    try:
        return isinstance(publisher, KeepsFiles) and publisher.outdated()
    except Exception:  # a folder that cannot be looked at must not stop all channels at every start
        log.exception("its files could not be looked at")
        return True
