"""The pump: the only loop that delivers.

    recover → expire → resolve what is unknown → hold what is overdue → expand → claim → deliver → settle

`dispatch` alone knows both outbox and publishers. Everything here can be killed at any line and started again.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from veille.errors import LedgerError, LedgerFull, NotAuthorised, OutcomeUnknown, PublishError, Unavailable
from veille.i18n import gettext as _
from veille.outbox.ballast import Ballast
from veille.outbox.chunks import REST
from veille.outbox.deliveries import Deliveries, Unknown, sent_values
from veille.outbox.group import Committed, Settled
from veille.publishing import Delivery, Journal, OnUnknown, Publication, Publisher, Receipt, Seen
from veille.timetable import Clock

log = logging.getLogger(__name__)

BATCH = {"newsletter": 500, "feed": 10_000, "web": 10_000}  # social: one page, one post at a time
TURN = 30.0  # seconds that a long letter may take before the other channels have their turn
PATIENCE = timedelta(minutes=1)  # a rate limit is waited for that long; what is further away is for a later pass
BROKEN_AFTER = 20  # letters in a row that failed for our reasons: the line is broken, whatever each of them says
MOST_PROBLEMS = 1_000  # kept to be shown
FIRST_BACK_OFF = timedelta(minutes=5)  # greylisting lets pass after five minutes (RFC 6647)
LONGEST_BACK_OFF = timedelta(hours=4)
SHORTEST_BACK_OFF = timedelta(seconds=30)  # when a service names a wait of its own
LONGEST_REST = timedelta(hours=24)
GIVE_UP_AFTER = timedelta(hours=48)
SETTLE_TRIES = 3  # writing a known answer again does no harm


@dataclass
class Tally:
    """What one pass of the pump did."""

    settled: Counter[str] = field(default_factory=Counter)  # state -> deliveries
    held: list[str] = field(default_factory=list)  # publications found overdue
    switched: list[str] = field(default_factory=list)  # queued for a sandbox that now reaches people, or the reverse
    expanded: dict[str, int] = field(default_factory=dict)  # letter -> readers
    problems: list[tuple[str, PublishError]] = field(default_factory=list)  # delivery or channel, why
    stopped: dict[str, str] = field(default_factory=dict)  # channel -> why
    halted: list[str] = field(default_factory=list)  # letters held: too many of their addresses do not exist
    waits: dict[str, datetime] = field(default_factory=dict)  # channel -> when a rate or the night lets it go on
    unfinished: bool = False  # more is due: the channel gave the others their turn

    @property
    def moved(self) -> bool:
        """Whether anything happened."""
        return bool(self.settled or self.held or self.switched or self.expanded or self.halted)

    def add(self, other: Tally) -> None:
        """Count another pass too; its problems were said when they came."""
        self.settled += other.settled
        self.held += other.held
        self.switched += other.switched
        self.expanded |= other.expanded
        self.stopped |= other.stopped
        self.halted += other.halted
        self.waits = other.waits


class Pump:
    """Delivers what is due, channel after channel.

    Args:
        publishers: by channel name.
        grace: how late a delivery may leave before a person must decide, by channel.
        stop: asked between deliveries; True ends the pass after what is in hand.
        progress: called with (channel, deliveries settled in this batch).
        sleep: waits that many seconds for a rate limit, or until a stop is asked for.
        ballast: room on the disk for the answers to what is in hand.
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
    ) -> None:
        self._deliveries = deliveries
        self._publishers = publishers
        self._grace = grace
        self._clock = clock
        self._stop = stop
        self._progress = progress
        self._sleep = sleep
        self._ballast = ballast or Ballast(None)
        self._shaken = False  # the outbox failed in mid-delivery: rows are still in hand

    def recover(self) -> int:
        """Take over what a dead worker left. At start, while the lock is held, and after the outbox failed."""
        taken = sum(
            self._deliveries.recover(
                name,
                self._clock(),
                _first(publisher.read_back_delays()),
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
        """
        tally = Tally()
        while self._round(tally) and not self._stop():
            pass
        return tally

    def round(self) -> Tally:
        """One pass over every channel; a long letter gives the others their turn, and says that it is unfinished.

        Raises:
            LedgerError: the outbox failed; nothing was sent that is not recorded as such.
        """
        tally = Tally()
        tally.unfinished = self._round(tally)
        return tally

    def _round(self, tally: Tally) -> bool:
        """One pass over every channel. Returns whether more is due than it had time for."""
        if self._shaken:
            self.recover()
        self._shaken = True
        self._ballast.ensure()
        tally.waits.clear()
        for name, publisher in self._publishers.items():
            self._resolve(name, publisher, tally)
        self._deliveries.expire(self._clock())
        for name, publisher in self._publishers.items():
            tally.switched += self._deliveries.hold_switched(name, self._clock(), live=publisher.live)
        for name, grace in self._grace.items():
            tally.held += self._deliveries.hold_overdue(name, self._clock(), grace)
        self._expand(tally)
        unfinished = [self._drain(name, publisher, tally) for name, publisher in self._publishers.items()]
        self._shaken = False
        return any(unfinished)

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
        journal = _Journal(name, self._deliveries, publisher, self._clock, tally, self._stop, self._ballast)
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
        return journal.turn_over and not journal.lane_closed

    def _deliver(self, name: str, publisher: Publisher, batch: Sequence[Delivery], journal: _Journal) -> None:
        journal.moved = journal.cut = False
        try:
            publisher.deliver(batch, journal)
        except PublishError as error:
            journal.lane_error = error
        except LedgerError:
            raise
        except Exception as error:  # a defect in a publisher must not stop the other channels
            log.exception("%s failed unexpectedly", name)
            journal.lane_error = _defect(name, error)
        released = self._give_back(journal)
        self._progress(name, journal.take_count())
        if self._stop() or journal.lane_closed:
            return
        if journal.trouble and not journal.answered:  # another try would only end the same way
            journal.lane_closed = journal.trouble
        elif released and not journal.moved:
            journal.lane_closed = _("it left deliveries undone; they are tried again")

    def _give_back(self, journal: _Journal) -> int:
        """Settle what the publisher left open: not sent (claimed), or not known (sending).

        Returns:
            How many go back as they came.
        """
        error = journal.lane_error
        left = self._deliveries.left_open(list(journal.open.values()), self._clock())
        ended: list[tuple[Delivery, Receipt | PublishError]] = []
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
        if publisher.on_unknown is OnUnknown.RESEND:
            # `unknowns` counts the windows: the first earns one more copy, the second a person.
            return (again, "resend") if unknown.unknowns < 2 else (_held(_words_unknown()), "held")
        return self._look(publisher, unknown)

    def _look(self, publisher: Publisher, unknown: Unknown) -> tuple[dict[str, Any], str]:
        try:
            seen = publisher.read_back(unknown.delivery)
        except PublishError as error:
            return self._next_look(publisher, unknown, blind=True, detail=error.message)
        except LedgerError:
            raise
        except Exception as error:  # a defect in one look must not stop all channels at every start
            log.exception("%s could not be looked at", unknown.delivery.id)
            return self._next_look(publisher, unknown, blind=True, detail=type(error).__name__)
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
        if blind or unknown.unknowns > 1:
            return {**_held(_words_unknown()), "looks": looks, "blind": int(blind)}, "held"
        # Provably not out: nothing stands in the way of sending it, not even by hand.
        due = unknown.delivery.publication.due
        return {"state": "ready", "due_at": due, "looks": looks, "last_code": "", "last_error": ""}, "absent"


class _Journal(Journal):
    """The journal of one channel's turn: it claims, turns outcomes into states, and closes the lane."""

    def __init__(
        self,
        channel: str,
        deliveries: Deliveries,
        publisher: Publisher,
        clock: Clock,
        tally: Tally,
        stop: Callable[[], bool],
        ballast: Ballast,
    ) -> None:
        self._channel = channel
        self._deliveries = deliveries
        self._publisher = publisher
        self._clock = clock
        self._tally = tally
        self._stop = stop
        self._ballast = ballast
        self._until = time.monotonic() + TURN
        self._settled = 0
        self._failures = 0  # in a row, for our reasons
        self.answered = False  # at least one delivery came to its end
        self.cut = False  # a letter was halted: its others are not even offered to the server
        self.moved = False  # something ended, or was not to leave: the same batch does not come again
        self.open: dict[str, Delivery] = {}
        self.lane_error: PublishError | None = None
        self.lane_closed = ""
        self.trouble = ""  # the last failure that was about us

    @property
    def turn_over(self) -> bool:
        """Whether other channels come next."""
        return time.monotonic() > self._until

    def take_count(self) -> int:
        """Deliveries settled since this was last asked."""
        count, self._settled = self._settled, 0
        return count

    def more(self) -> Sequence[Delivery]:
        """See `veille.publishing.Journal`."""
        if self._stop() or self.lane_closed or self.turn_over:
            return ()
        if not self._ballast.room():
            self.lane_closed = _("the disk is nearly full: nothing more is sent until there is room")
            return ()
        claimed = self._deliveries.claim(self._channel, self._clock(), BATCH.get(self._channel, 1))
        self.open.update((delivery.id, delivery) for delivery in claimed)
        return claimed

    def stopping(self) -> bool:
        """See `veille.publishing.Journal`."""
        return self._stop()

    def goes_on(self) -> bool:
        """See `veille.publishing.Journal`."""
        return not (self._stop() or self.lane_closed or self.cut)

    def intent(self, delivery: Delivery) -> bool:
        """See `veille.publishing.Journal`. After a stop was asked for, nothing new begins."""
        return self.commit((), (delivery,))[0]

    def settle(self, delivery: Delivery, outcome: Receipt | PublishError) -> None:
        """See `veille.publishing.Journal`."""
        self.commit(((delivery, outcome),), ())

    def commit(
        self, outcomes: Sequence[tuple[Delivery, Receipt | PublishError]], wanted: Sequence[Delivery]
    ) -> Sequence[bool]:
        """See `veille.publishing.Journal`."""
        now = self._clock()
        settled = [
            Settled(delivery, self._values(delivery, outcome, now), _event(outcome)) for delivery, outcome in outcomes
        ]
        begin = () if self._stop() or self.lane_closed else wanted
        if not (settled or begin):
            return [False] * len(wanted)
        try:
            done = self._deliveries.commit(settled, begin, now)
        except LedgerError as error:
            done = self._record(settled, now, error)
            self._note(outcomes, settled, done)
            if begin:  # nobody knows whether their intents are on the disk: they do not go
                raise
            return [False] * len(wanted)
        self._note(outcomes, settled, done)
        for delivery, go in zip(begin, done.allowed, strict=True):
            if not go:
                self.open.pop(delivery.id, None)
                self.moved = True
        return done.allowed if begin else [False] * len(wanted)

    def _record(self, settled: Sequence[Settled], now: datetime, error: LedgerError) -> Committed:
        """Write answers that are known once more, with the room that was kept for this.

        Raises:
            LedgerError: it fails again; the next run finds them without an answer.
        """
        if isinstance(error, LedgerFull) and self._ballast.release():
            self.lane_closed = error.message
        for _attempt in range(SETTLE_TRIES):
            try:
                return self._deliveries.commit(settled, (), now) if settled else Committed()
            except LedgerError as again:
                error = again
        raise error

    def _note(
        self, outcomes: Sequence[tuple[Delivery, Receipt | PublishError]], settled: Sequence[Settled], done: Committed
    ) -> None:
        for (delivery, outcome), entry, recorded in zip(outcomes, settled, done.recorded, strict=True):
            self.open.pop(delivery.id, None)
            self._settled += 1
            self.moved = True
            if recorded:
                self._tally.settled[entry.values["state"]] += 1
            self.answered |= entry.values["state"] in ("sent", "failed")
            if isinstance(outcome, PublishError):
                if len(self._tally.problems) < MOST_PROBLEMS:
                    self._tally.problems.append((delivery.id, outcome))
                self._maybe_close(outcome)
            else:
                self._failures = 0
        self._tally.halted += done.halted
        self.cut |= bool(done.halted)

    def checkpoint(self, delivery: Delivery, values: Mapping[str, Any]) -> None:
        """See `veille.publishing.Journal`."""
        self._deliveries.checkpoint(delivery, values, self._clock())

    def standing(self, channel: str) -> Sequence[Publication]:
        """See `veille.publishing.Journal`."""
        return self._deliveries.standing(channel, self._clock(), live=self._publisher.live)

    def _maybe_close(self, error: PublishError) -> None:
        if isinstance(error, NotAuthorised):
            self._deliveries.stop_channel(self._channel, error.message, self._clock())
            self.lane_closed = error.message
        elif isinstance(error, Unavailable) and error.about_us:
            self.trouble = error.message
            self._failures += 1
            # One connection of many that was cut says nothing about the others; a page has one alone.
            if self._channel != "newsletter" or self._failures >= BROKEN_AFTER:
                self.lane_closed = error.message

    def _values(self, delivery: Delivery, outcome: Receipt | PublishError, now: datetime) -> dict[str, Any]:
        if isinstance(outcome, Receipt):
            return sent_values(outcome, now)
        said = {"last_code": outcome.code, "last_error": outcome.message}
        match outcome:
            case OutcomeUnknown():
                wait = _first(self._publisher.read_back_delays())
                unknowns = delivery.unknowns + 1
                return {
                    **said,
                    "state": "unknown",
                    "due_at": now + wait,
                    "unknowns": unknowns,
                    "looks": 0,
                    "blind": 0,
                }
            case NotAuthorised():
                return {**said, "state": "ready"}
            case Unavailable():
                return {**said, **self._later(delivery, outcome, now)}
            case _:
                return {**said, "state": "failed"}

    def _later(self, delivery: Delivery, error: Unavailable, now: datetime) -> dict[str, Any]:
        rewriting = self._publisher.on_unknown is OnUnknown.REWRITE
        if now - delivery.date > GIVE_UP_AFTER and not rewriting:
            # A reader's mailbox that stays closed is a failure; a line of ours that was down waits for a person.
            return {"state": "held" if error.about_us else "failed"}
        tries = delivery.tries + (0 if error.about_us else 1)
        wait = min(FIRST_BACK_OFF * 2 ** min(max(tries - 1, 0), 10), LONGEST_BACK_OFF)
        if error.retry_after is not None:  # the service knows best; but zero would be a loop without rest
            wait = min(max(error.retry_after, SHORTEST_BACK_OFF), LONGEST_REST)
        return {"state": "ready", "due_at": now + wait, "tries": tries}


def _event(outcome: Receipt | PublishError) -> str:
    return "sent" if isinstance(outcome, Receipt) else outcome.code


def _defect(channel: str, error: Exception) -> Unavailable:
    return Unavailable(
        _("the {channel} publisher failed: {error}").format(channel=channel, error=type(error).__name__),
        hint=_("run the command again with --debug and report what it says"),
    )


def _first(delays: Sequence[timedelta]) -> timedelta:
    return delays[0] if delays else timedelta()


def _held(words: str) -> dict[str, Any]:
    return {"state": "held", "last_code": "outcome-unknown", "last_error": words}


def _words_unknown() -> str:
    return _("nobody can say whether this went out: look, then `veille outbox resolve`")
