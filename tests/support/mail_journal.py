"""A journal in memory for the SMTP pool, which holds the pool to the port's rules while it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from veille.errors import LedgerError, PublishError
from veille.publishing import Delivery, Journal, Outcome, Publication, Recipient, Rendition
from veille_publishers.pool import Mail
from veille_publishers.smtp_feed import Compose

SENDER = "letter@example.org"
LETTER = b"Subject: hello\r\n\r\nOne line.\r\n.\r\n..two dots\r\nend\r\n"
_NOW = datetime(2026, 3, 6, 17, 0, tzinfo=UTC)
_PUBLICATION = Publication("p1", "spring", "newsletter", "1", "Spring", "spring", _NOW, 1, Rendition("newsletter", {}))
Outcome = Outcome


def deliveries(count: int, first: int = 1) -> list[Delivery]:
    """So many deliveries to invented readers: reader1@example.org, and so on."""
    return [
        Delivery(f"d{n}", _PUBLICATION, f"{n}", 1, _NOW, recipient=Recipient(n, f"reader{n}@example.org"))
        for n in range(first, first + count)
    ]


def address(delivery: Delivery) -> str:
    """Where it goes."""
    assert delivery.recipient is not None
    return delivery.recipient.address


def composer(content: bytes = LETTER) -> Compose:
    """Makes the same letter for everybody."""
    return each(lambda delivery: Mail(SENDER, address(delivery), content))


def each(make: Callable[[Delivery], Mail]) -> Compose:
    """Makes letters one by one, as a pool asks for them."""

    def compose(deliveries: Sequence[Delivery]) -> Callable[[], Sequence[Mail | PublishError]]:
        made: list[Mail | PublishError] = []
        for delivery in deliveries:
            try:
                made.append(make(delivery))
            except PublishError as error:
                made.append(error)
        return lambda: made

    return compose


class MailJournal(Journal):
    """Remembers outcomes and intents, and complains about what the port forbids.

    Args:
        later: batches that `more` gives.
        refuses: ids whose intent is refused.
        fails_at: the commit, from 1, that raises LedgerError.
        stop: whether a stop was asked for.
    """

    def __init__(
        self,
        *,
        later: Sequence[Sequence[Delivery]] = (),
        refuses: Collection[str] = (),
        fails_at: int = 0,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.intended: Counter[str] = Counter()
        self.groups: list[tuple[list[str], list[str]]] = []  # (settled, wanted) of each commit
        self._later = list(later)
        self._refuses = refuses
        self._fails_at = fails_at
        self._stop = stop

    @property
    def kinds(self) -> dict[str, str]:
        """Delivery -> "sent" or the code of its error."""
        return {key: end.code if isinstance(end, PublishError) else "sent" for key, end in self.outcomes.items()}

    def commit(self, outcomes: Sequence[tuple[Delivery, Outcome]], wanted: Sequence[Delivery]) -> Sequence[bool]:
        """See the port."""
        self.groups.append(([delivery.id for delivery, _end in outcomes], [delivery.id for delivery in wanted]))
        if len(self.groups) == self._fails_at:
            raise LedgerError("the disk is gone")
        return super().commit(outcomes, wanted)

    def more(self) -> Sequence[Delivery]:
        """See the port."""
        return self._later.pop(0) if self._later and not self._stop() else ()

    def stopping(self) -> bool:
        """See the port."""
        return self._stop()

    def intent(self, delivery: Delivery) -> bool:
        """See the port."""
        assert delivery.id not in self.outcomes, "an intent after the outcome"
        if self._stop() or delivery.id in self._refuses:
            return False
        self.intended[delivery.id] += 1
        assert self.intended[delivery.id] == 1, "two intents for one delivery"
        return True

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        """See the port."""
        assert delivery.id not in self.outcomes, "settled twice"
        self.outcomes[delivery.id] = outcome

    def checkpoint(self, delivery: Delivery, values: Mapping[str, Any]) -> None:
        """Mail has no steps."""
        raise AssertionError("mail keeps no checkpoints")

    def standing(self, channel: str) -> Sequence[Publication]:
        """Mail has no pages."""
        raise AssertionError("mail has no pages")
