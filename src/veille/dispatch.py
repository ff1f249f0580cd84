"""The pump: the only loop that delivers.

    recover → expire → resolve what is unknown → hold what is overdue → expand → claim → deliver → settle

`dispatch` alone knows both outbox and publishers. Everything here can be killed at any line and started again.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from veille.errors import LedgerError, NotAuthorised, OutcomeUnknown, PublishError, Unavailable
from veille.i18n import gettext as _
from veille.outbox.deliveries import Deliveries, Unknown, sent_values
from veille.publishing import Delivery, Journal, OnUnknown, Publication, Publisher, Receipt, Seen
from veille.timetable import Clock

log = logging.getLogger(__name__)

BATCH = {"newsletter": 100, "feed": 10_000, "web": 10_000}  # social: one page, one post at a time
FIRST_BACK_OFF = timedelta(minutes=5)  # greylisting lets pass after five minutes (RFC 6647)
LONGEST_BACK_OFF = timedelta(hours=4)
SHORTEST_BACK_OFF = timedelta(seconds=30)  # when a service names a wait of its own
LONGEST_REST = timedelta(hours=24)
GIVE_UP_AFTER = timedelta(hours=48)
SETTLE_TRIES = 3


@dataclass
class Tally:
    """What one pass of the pump did."""

    settled: Counter[str] = field(default_factory=Counter)  # state -> deliveries
    held: list[str] = field(default_factory=list)  # publications found overdue
    switched: list[str] = field(default_factory=list)  # queued for a sandbox that now reaches people, or the reverse
    expanded: dict[str, int] = field(default_factory=dict)  # letter -> readers
    problems: list[tuple[str, PublishError]] = field(default_factory=list)  # delivery or channel, why
    stopped: dict[str, str] = field(default_factory=dict)  # channel -> why

    @property
    def moved(self) -> bool:
        """Whether anything happened."""
        return bool(self.settled or self.held or self.switched or self.expanded)

    def add(self, other: Tally) -> None:
        """Count another pass too; its problems were said when they came."""
        self.settled += other.settled
        self.held += other.held
        self.switched += other.switched
        self.expanded |= other.expanded
        self.stopped |= other.stopped


class Pump:
    """Delivers what is due, channel after channel.

    Args:
        publishers: by channel name.
        grace: how late a delivery may leave before a person must decide, by channel.
        stop: asked between deliveries; True ends the pass after the one in hand.
        progress: called with (channel, deliveries settled in this batch).
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
    ) -> None:
        self._deliveries = deliveries
        self._publishers = publishers
        self._grace = grace
        self._clock = clock
        self._stop = stop
        self._progress = progress

    def recover(self) -> int:
        """Take over what a dead worker left. Once, at start, while the lock is held."""
        return sum(
            self._deliveries.recover(
                name,
                self._clock(),
                _first(publisher.read_back_delays()),
                rewrite=publisher.on_unknown is OnUnknown.REWRITE,
            )
            for name, publisher in self._publishers.items()
        )

    def once(self) -> Tally:
        """One pass over every channel: all that is due now.

        Raises:
            LedgerError: the outbox failed; nothing was sent that is not recorded as such.
        """
        tally = Tally()
        for name, publisher in self._publishers.items():
            self._resolve(name, publisher, tally)
        self._deliveries.expire(self._clock())
        for name, publisher in self._publishers.items():
            tally.switched += self._deliveries.hold_switched(name, self._clock(), live=publisher.live)
        for name, grace in self._grace.items():
            tally.held += self._deliveries.hold_overdue(name, self._clock(), grace)
        self._expand(tally)
        for name, publisher in self._publishers.items():
            self._drain(name, publisher, tally)
        return tally

    def _expand(self, tally: Tally) -> None:
        for publication_id in self._deliveries.to_expand(self._clock()):
            count = None
            while count is None and not self._stop():
                count = self._deliveries.expand(publication_id, self._clock())
            if count is not None:
                tally.expanded[f"p{publication_id}"] = count

    def _drain(self, name: str, publisher: Publisher, tally: Tally) -> None:
        """Claim and deliver until nothing is due, the channel fails as a whole, or we are asked to stop."""
        while not self._stop():
            batch = self._deliveries.claim(name, self._clock(), BATCH.get(name, 1))
            if not batch:
                return
            journal = _Journal(self._deliveries, publisher, self._clock, tally, self._stop)
            try:
                publisher.deliver(batch, journal)
            except PublishError as error:
                journal.lane_error = error
            except LedgerError:
                raise
            except Exception as error:  # a defect in a publisher must not stop the other channels
                log.exception("%s failed unexpectedly", name)
                journal.lane_error = _defect(name, error)
            released = self._give_back(batch, journal)
            self._progress(name, len(batch) - released)
            if journal.lane_closed:
                tally.stopped.setdefault(name, journal.lane_closed)
            if journal.lane_closed or released == len(batch):  # it would only get the same batch again
                return

    def _give_back(self, batch: Sequence[Delivery], journal: _Journal) -> int:
        """Settle what the publisher left open: not sent (claimed), or not known (sending).

        Returns:
            How many go back as they came.
        """
        released = 0
        error = journal.lane_error
        for delivery, state in self._deliveries.held_by_me(batch):
            if state == "sending":
                journal.settle(delivery, OutcomeUnknown(_("no answer came"), detail=error.detail if error else ""))
            elif error is not None and not isinstance(error, OutcomeUnknown):
                journal.settle(delivery, error)
            else:
                released += self._deliveries.settle(delivery, {"state": "ready"}, self._clock(), "released")
        return released

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
    """The journal of one batch: it turns outcomes into states, and closes the lane when the fault is ours."""

    def __init__(
        self,
        deliveries: Deliveries,
        publisher: Publisher,
        clock: Clock,
        tally: Tally,
        stop: Callable[[], bool],
    ) -> None:
        self._deliveries = deliveries
        self._publisher = publisher
        self._clock = clock
        self._tally = tally
        self._stop = stop
        self.lane_error: PublishError | None = None
        self.lane_closed = ""

    def intent(self, delivery: Delivery) -> bool:
        """See `veille.publishing.Journal`. After a stop was asked for, nothing new begins."""
        return not self._stop() and self._deliveries.intent(delivery, self._clock())

    def stopping(self) -> bool:
        """See `veille.publishing.Journal`."""
        return self._stop()

    def checkpoint(self, delivery: Delivery, values: Mapping[str, Any]) -> None:
        """See `veille.publishing.Journal`."""
        self._deliveries.checkpoint(delivery, values, self._clock())

    def standing(self, channel: str) -> Sequence[Publication]:
        """See `veille.publishing.Journal`."""
        return self._deliveries.standing(channel, self._clock(), live=self._publisher.live)

    def settle(self, delivery: Delivery, outcome: Receipt | PublishError) -> None:
        """See `veille.publishing.Journal`."""
        now = self._clock()
        values = self._values(delivery, outcome, now)
        event = "sent" if isinstance(outcome, Receipt) else outcome.code
        for attempt in range(SETTLE_TRIES):
            try:
                recorded = self._deliveries.settle(delivery, values, now, event)
                break
            except LedgerError:
                # The answer is known and only its record failed: writing it again does no harm.
                if attempt == SETTLE_TRIES - 1:
                    raise
        if recorded:
            self._tally.settled[values["state"]] += 1
        if isinstance(outcome, PublishError):
            self._tally.problems.append((delivery.id, outcome))
            self._maybe_close(delivery, outcome)

    def _maybe_close(self, delivery: Delivery, error: PublishError) -> None:
        if isinstance(error, NotAuthorised):
            self._deliveries.stop_channel(delivery.publication.channel, error.message, self._clock())
            self.lane_closed = error.message
        elif isinstance(error, Unavailable) and error.about_us:
            self.lane_closed = error.message

    def _values(self, delivery: Delivery, outcome: Receipt | PublishError, now: datetime) -> dict[str, Any]:
        if isinstance(outcome, Receipt):
            return sent_values(outcome, now)
        said = {"last_code": outcome.code, "last_error": outcome.message}
        match outcome:
            case OutcomeUnknown():
                wait = _first(self._publisher.read_back_delays())
                unknowns = self._deliveries.unknowns(delivery) + 1
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
        tries = self._deliveries.tries(delivery) + (0 if error.about_us else 1)
        wait = min(FIRST_BACK_OFF * 2 ** min(max(tries - 1, 0), 10), LONGEST_BACK_OFF)
        if error.retry_after is not None:  # the service knows best; but zero would be a loop without rest
            wait = min(max(error.retry_after, SHORTEST_BACK_OFF), LONGEST_REST)
        return {"state": "ready", "due_at": now + wait, "tries": tries}


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
