"""What may come of opening a web address, and the port through which the core asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Outcome(StrEnum):
    """What came of opening an address."""

    FINE = "fine"
    GONE = "gone"  # the server says that there is no such page
    NO_HOST = "no-host"  # the name does not exist
    LOOP = "loop"  # forwarded in a circle, or more than ten times
    ASTRAY = "astray"  # forwarded to something that is no public web page
    CERTIFICATE = "certificate"  # browsers would refuse
    CHAIN = "chain"  # the certificate is signed by somebody whom this computer does not know
    REFUSED = "refused"  # it answers people, but no programme
    BUSY = "busy"  # it answers that it cannot answer now
    SILENT = "silent"  # no answer, or none that can be understood
    OFFLINE = "offline"  # this computer has no way out


NOT_ANSWERED = frozenset({Outcome.NO_HOST, Outcome.SILENT, Outcome.OFFLINE})


@dataclass(frozen=True)
class Answer:
    """What came of one address.

    Args:
        status: of HTTP, 0 when no answer came.
        final: where it was forwarded in the end; "" when it was not.
        permanent: how far it was forwarded for good (301, 308); "" when it was not.
        detail: the reason in a few technical words, never translated.
    """

    url: str
    outcome: Outcome
    status: int = 0
    final: str = ""
    permanent: str = ""
    detail: str = ""


class Fetch(Protocol):
    """Opens web addresses, several at once and politely, and says what came of each, in any order.

    It never raises for what an address does.
    """

    def __call__(self, addresses: Sequence[str]) -> Iterator[Answer]:
        """One answer for each address."""
        ...
