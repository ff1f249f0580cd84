"""Who was shown which details of a contact, against what its record says now; in words and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from veille.contacts import TABLE, Correction, corrections, record_of
from veille.errors import VeilleError
from veille.i18n import gettext as _
from veille.outbox.mentions import Bearer, Mentions, Where

if TYPE_CHECKING:
    from veille.partners import HelpLine, Partner
    from veille_cli.wiring import Newsroom

MOST = 40  # lines for people


@dataclass(frozen=True)
class Carrier:
    """A publication that shows a contact.

    Args:
        corrections: what it shows and the record does not say any more.
    """

    bearer: Bearer
    corrections: tuple[Correction, ...]

    def data(self) -> dict[str, Any]:
        """For --json."""
        bearer = self.bearer
        return {
            "id": bearer.id,
            "channel": bearer.channel,
            "source": bearer.source,
            "title": bearer.title,
            "due": bearer.due.isoformat(),
            "where": bearer.where.value,
            "url": bearer.url,
            "posts": [source for source in bearer.carried if source != TABLE],
            "emergency_block": TABLE in bearer.carried,
            "old": [{"detail": c.detail, "old": c.old, "new": c.new} for c in self.corrections],
            "remedy": remedy(self) if self.corrections else "",
        }


def carriers_of(room: Newsroom, wanted: str) -> list[Carrier]:
    """Every publication that shows a contact, oldest first; also one whose record is gone.

    Raises:
        VeilleError: neither a record nor the outbox knows it.
    """
    from veille.confirming import find

    try:
        return _compared(room, find(room.library, wanted).reference)
    except VeilleError:
        for reference in (wanted, f"partner:{wanted}", f"helpline:{wanted.replace(' ', '')}"):
            if found := _compared(room, reference):
                return found
        raise


def corrected(room: Newsroom, record: Partner | HelpLine) -> list[Carrier]:
    """The publications that show an old detail of a record."""
    return [carrier for carrier in _compared(room, record.reference) if carrier.corrections]


def _compared(room: Newsroom, reference: str) -> list[Carrier]:
    record, today = record_of(room.library, reference), room.clock().astimezone(room.config.zone).date()
    found = []
    for bearer in Mentions(room.database).of(reference):
        day = _day(bearer, today, room)
        wrong = [change for shown in bearer.carried.values() for change in corrections(shown, record, day)]
        found.append(Carrier(bearer, tuple(dict.fromkeys(wrong))))
    return found


def _day(bearer: Bearer, today: date, room: Newsroom) -> date:
    """The day whose hours it should show: its own for what left, today's for a page."""
    day = bearer.due.astimezone(room.config.zone).date()
    return max(day, today) if bearer.where in (Where.STANDS, Where.REWRITING) else day


def columns() -> tuple[str, ...]:
    """The head of the table that people see."""
    return "", _("Title"), _("Channel"), _("State"), _("Old detail")


def rows(carriers: Sequence[Carrier]) -> list[tuple[str, ...]]:
    """The lines of the table, what shows an old detail first."""
    ranked = sorted(carriers, key=lambda carrier: not carrier.corrections)[:MOST]
    return [
        (c.bearer.id, c.bearer.title, c.bearer.channel, where_words(c.bearer.where), _old(c.corrections))
        for c in ranked
    ]


def _old(wrong: Sequence[Correction]) -> str:
    gone = _("(no longer in the record)")
    return "! " + "; ".join(f"{detail_words(c.detail)}: {c.old} → {c.new or gone}" for c in wrong) if wrong else ""


def detail_words(detail: str) -> str:
    """A detail of a record as people call it."""
    return {
        "name": _("name"),
        "phone": _("phone"),
        "sms": _("text message"),
        "email": _("e-mail"),
        "url": _("web site"),
        "address": _("address"),
        "hours": _("hours"),
    }[detail]


def where_words(where: Where) -> str:
    """How far a publication has come."""
    return {
        Where.QUEUED: _("queued"),
        Where.SENT: _("sent"),
        Where.STANDS: _("readers see it now"),
        Where.REWRITING: _("will be rewritten"),
    }[where]


def remedy(carrier: Carrier) -> str:
    """What to do about a publication that shows an old detail."""
    bearer = carrier.bearer
    if bearer.where is Where.QUEUED:
        return _("run `veille publish`: it has not left, and takes in the new detail")
    if bearer.where in (Where.STANDS, Where.REWRITING):
        return _("run `veille publish`, then `veille run`: the page is written again")
    if bearer.channel == "newsletter":
        return _("a letter that left cannot change: write a correction, `veille new post`")
    place = bearer.url or _("the page of {channel}").format(channel=bearer.channel)
    return _("correct it by hand on {place}, or write a correction: `veille new post`").format(place=place)


def advice(carriers: Sequence[Carrier]) -> Iterator[str]:
    """Each remedy once, with the publications that it is for; what waits for `veille run` is said too."""
    found: dict[str, list[str]] = {}
    for carrier in carriers:
        if carrier.corrections:
            found.setdefault(remedy(carrier), []).append(carrier.bearer.id)
    for words, ids in found.items():
        yield f"→ {', '.join(ids[:MOST])}: {words}"
    waiting = [c.bearer.id for c in carriers if c.bearer.where is Where.REWRITING and not c.corrections]
    if waiting:
        yield "→ " + _("{ids}: pages show the new details after the next `veille run`").format(
            ids=", ".join(waiting[:MOST])
        )
