"""What a publisher's answers become in the ledger: the journal of one channel's turn.

It claims what is due, commits intents and outcomes, decides when a failed delivery is tried again, and closes the
lane when another delivery would fare no better.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from veille.errors import (
    HardBounce,
    LedgerError,
    LedgerFull,
    NotAuthorised,
    OutcomeUnknown,
    PublishError,
    Rejected,
    Unavailable,
)
from veille.i18n import gettext as _
from veille.outbox.ballast import Ballast
from veille.outbox.deliveries import Deliveries, scheduled_values, sent_values
from veille.outbox.group import Committed, Settled
from veille.publishing import (
    AT_ITS_TIME,
    BY_HAND,
    AtItsTime,
    ByHand,
    Delivery,
    Journal,
    OnUnknown,
    Outcome,
    Publication,
    Publisher,
    Receipt,
    RemotePublisher,
    Scheduled,
)
from veille.timetable import Clock

BATCH = {"newsletter": 500, "feed": 10_000, "web": 10_000}  # social: one page, one post at a time
TURN = 30.0  # seconds that a long letter may take before the other channels have their turn
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

    settled: Counter[str] = field(default_factory=Counter)  # state, `BY_HAND` or `AT_ITS_TIME` -> deliveries
    followed_up: Counter[str] = field(default_factory=Counter)  # what was done with posts that a service has
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
        return bool(self.settled or self.followed_up or self.held or self.switched or self.expanded or self.halted)

    def add(self, other: Tally) -> None:
        """Count another pass too; its problems were said when they came."""
        self.settled += other.settled
        self.followed_up += other.followed_up
        self.held += other.held
        self.switched += other.switched
        self.expanded |= other.expanded
        self.stopped |= other.stopped
        self.halted += other.halted
        self.waits = other.waits


class TurnJournal(Journal):
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
        self._tired = deliveries.failed_before(channel)  # the first answer ends that
        self.answered = False  # at least one delivery of this batch came to its end
        self.broken = False  # the lane closed because its service failed: it is left alone for a while
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
        ahead = self._publisher.ahead() if isinstance(self._publisher, RemotePublisher) else None
        claimed = self._deliveries.claim(self._channel, self._clock(), BATCH.get(self._channel, 1), ahead)
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

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        """See `veille.publishing.Journal`."""
        self.commit(((delivery, outcome),), ())

    def commit(self, outcomes: Sequence[tuple[Delivery, Outcome]], wanted: Sequence[Delivery]) -> Sequence[bool]:
        """See `veille.publishing.Journal`."""
        now = self._clock()
        settled = [
            Settled(delivery, self._values(delivery, outcome, now), _event(outcome), _hint(outcome))
            for delivery, outcome in outcomes
        ]
        begin = () if self._stop() or self.lane_closed else wanted
        if not (settled or begin):
            return [False] * len(wanted)
        try:
            done = self._deliveries.commit(settled, begin, now)
        except LedgerError as error:
            done = self._record(settled, now, error)
            self._note(outcomes, settled, done)
            # Nobody knows whether their intents are on the disk: they do not go, and `_give_back` says what they are.
            if begin and not self.lane_closed:  # closed: what other connections have in flight comes to its end
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

    def _note(self, outcomes: Sequence[tuple[Delivery, Outcome]], settled: Sequence[Settled], done: Committed) -> None:
        for (delivery, outcome), entry, recorded in zip(outcomes, settled, done.recorded, strict=True):
            self.open.pop(delivery.id, None)
            self._settled += 1
            self.moved = True
            if recorded:
                told = entry.event if entry.event in (BY_HAND, AT_ITS_TIME) else entry.values["state"]
                self._tally.settled[told] += 1
            self.answered |= entry.values["state"] in ("sent", "failed", "scheduled")
            if entry.values["state"] in ("sent", "scheduled") and self._tired:
                self._tired = False
                self._deliveries.wake_channel(self._channel)
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
        if isinstance(error, NotAuthorised) or (isinstance(error, OutcomeUnknown) and error.stops):
            self._deliveries.stop_channel(self._channel, error.message, self._clock(), error.hint or "")
            self.lane_closed = error.message
        elif isinstance(error, HardBounce):
            self._failures = 0  # an old list: the letter is halted by its share
        elif self._about_us(error):
            self.trouble = error.message
            self._failures += 1
            # One connection of many that was cut says nothing about the others; a page has one alone.
            if self._channel != "newsletter" or self._failures >= BROKEN_AFTER:
                self.give_up(error.message)

    def give_up(self, why: str) -> None:
        """Close the lane: its service fails whatever is brought to it."""
        self.lane_closed = why
        self.broken = True

    def _about_us(self, error: PublishError) -> bool:
        """Whether this may be no matter of this one delivery. Block lists refuse us reader after reader."""
        refused = isinstance(error, Rejected) and self._channel == "newsletter"
        return refused or (isinstance(error, Unavailable) and error.about_us)

    def _values(self, delivery: Delivery, outcome: Outcome, now: datetime) -> dict[str, Any]:
        match outcome:
            case Receipt():
                return sent_values(outcome, now)
            case Scheduled():
                return scheduled_values(outcome)
            case ByHand(words):
                return held_values(words, code=BY_HAND)
            case AtItsTime(words):
                due = delivery.publication.due
                return {"state": "ready", "due_at": due, "last_code": AT_ITS_TIME, "last_error": words}
        said = {"last_code": outcome.code, "last_error": outcome.message}
        match outcome:
            case OutcomeUnknown():
                wait = first_look(self._publisher)
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
        due = delivery.publication.due  # handed over ahead of it, a post has time
        if now - max(delivery.date, due) > GIVE_UP_AFTER and not rewriting:
            # A reader's mailbox that stays closed is a failure; a line of ours that was down waits for a person.
            return {"state": "held" if error.about_us else "failed"}
        tries = delivery.tries + (0 if error.about_us else 1)
        wait = min(FIRST_BACK_OFF * 2 ** min(max(tries - 1, 0), 10), LONGEST_BACK_OFF)
        if error.retry_after is not None:  # the service knows best; but zero would be a loop without rest
            wait = min(max(error.retry_after, SHORTEST_BACK_OFF), LONGEST_REST)
        elif now < due:
            wait = min(wait, due - now)  # at its time it leaves by ourselves
        return {"state": "ready", "due_at": now + wait, "tries": tries}


def first_look(publisher: Publisher) -> timedelta:
    """How long after an answer that did not come somebody looks again."""
    return next(iter(publisher.read_back_delays()), timedelta())


def _event(outcome: Outcome) -> str:
    match outcome:
        case Receipt():
            return "sent"
        case Scheduled():
            return "scheduled"
        case ByHand():
            return BY_HAND
        case AtItsTime():
            return AT_ITS_TIME
        case _:
            return outcome.code


def _hint(outcome: Outcome) -> str:
    return (outcome.hint or "") if isinstance(outcome, PublishError) else ""


def defect(channel: str, error: Exception) -> Unavailable:
    """What people are told when a publisher of ours broke down."""
    return Unavailable(
        _("the {channel} publisher failed: {error}").format(channel=channel, error=type(error).__name__),
        hint=_("run the command again with --debug and report what it says"),
    )


def held_values(words: str, code: str = OutcomeUnknown.code) -> dict[str, Any]:
    """The columns of a delivery that waits for a person."""
    return {"state": "held", "last_code": code, "last_error": words}
