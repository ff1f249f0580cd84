"""Confirmation mails: made, sent once, and what became of them. `veille serve` and `veille run` both do this."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from veille.errors import (
    ConfigError,
    LedgerError,
    NotAuthorised,
    OutcomeUnknown,
    PublishError,
    RenderError,
    Unavailable,
    VeilleError,
)
from veille.i18n import gettext as _
from veille.i18n import speaking

if TYPE_CHECKING:
    from veille.rendering.templating import Templates
    from veille.signup import Wanted
    from veille_cli.output import Talk
    from veille_cli.wiring import Newsroom
    from veille_publishers.notices import Notice

log = logging.getLogger(__name__)

PULSE = 5.0  # seconds between two looks, when nobody wakes it
UPKEEP = 600.0  # seconds
ENOUGH = 3  # refusals in a row: it is not one mailbox, it is the mail server
REST = 60.0  # seconds for a mail server that is away
FAREWELL = 5.0  # seconds that a mail under way may take when everything ends


class Confirmations:
    """Sends what is wanted.

    Args:
        stop: ends the work between two mails.
    """

    def __init__(self, room: Newsroom, stop: threading.Event, talk: Talk) -> None:
        self._room = room
        self._stop = stop
        self._talk = talk
        self._said = ""

    def send(self) -> bool:
        """Send all that is wanted now, and forget what is old.

        Returns:
            Whether the mail server took them; if not, it wants some rest.
        """
        from veille.rendering.templating import Templates

        signups, templates, refusals = self._room.signups, Templates(self._room.config), 0
        while not self._stop.is_set() and (wanted := signups.claim()):
            problem = self._deliver(wanted, templates)
            self._say(problem)
            if problem is None or isinstance(problem, OutcomeUnknown):
                signups.mailed(wanted.signup)
                refusals = 0
                continue
            away = isinstance(problem, Unavailable | NotAuthorised | ConfigError | RenderError)
            signups.not_sent(wanted.signup, again=away)
            refusals += away
            if refusals >= ENOUGH:
                return False
        return True

    def upkeep(self) -> None:
        """Forget what is old: requests that nobody confirmed, and those who left long ago, where that was decided.

        And mails that a killed process had begun to write.
        """
        from veille.subscribers import forget_left

        self._room.signups.upkeep()
        self._room.notices.sweep()
        keep = self._room.config.settings.newsletter.keep_proof
        if keep is not None:
            forget_left(self._room.database, keep, self._room.clock())

    def _deliver(self, wanted: Wanted, templates: Templates) -> VeilleError | None:
        """Send it; for somebody who reads the letter already the same work is done, and nothing leaves.

        Else the next request, which waits for this work, would be slower after a new address than after a known one.
        """
        notices = self._room.notices
        hand_over = notices.send if wanted.leaves else notices.rehearse
        try:
            hand_over(notice(self._room, wanted, templates))
        except LedgerError:
            raise
        except VeilleError as error:
            return error
        return None

    def _say(self, problem: VeilleError | None) -> None:
        """What is wrong, when it was not said before."""
        words = ""
        if problem is not None:
            # A refusal may repeat the address; what is wrong with our own set-up never does.
            ours = not isinstance(problem, PublishError) or isinstance(problem, Unavailable | NotAuthorised)
            words = problem.message if ours else _("the mail server refused an address")
        if words and words != self._said:
            self._talk.say(_("! a confirmation mail did not leave: {why}").format(why=words))
        self._said = words


def notice(room: Newsroom, wanted: Wanted, templates: Templates) -> Notice:
    """The mail: neutral, no words of whoever filled in the form, one link."""
    from veille import tokens
    from veille_publishers.notices import Notice

    token = tokens.make(room.keys, tokens.Purpose.CONFIRM, wanted.signup)
    with speaking(wanted.language):
        values = {
            "subject": _("{newsroom}: one press to confirm").format(newsroom=room.config.brand.name),
            "url": f"{room.config.settings.workspace.base_url}/c/{token}",
            "language": wanted.language,
        }
        return Notice(
            name=f"confirm-{wanted.signup}",
            to=wanted.email,
            subject=values["subject"],
            text=templates.render("mail/confirm.txt.j2", **values),
            html=templates.render("mail/confirm.html.j2", **values),
        )


@contextmanager
def confirm_meanwhile(room: Newsroom, stop: threading.Event, talk: Talk) -> Iterator[threading.Event]:
    """Send confirmation mails in a thread beside whatever is done; setting the event that it gives wakes it."""
    assert room.signups  # database and keys are made now: two threads would make them twice
    wake, over = threading.Event(), threading.Event()

    def work() -> None:
        mails, waited, told = Confirmations(room, stop, talk), UPKEEP, ""
        while not (stop.is_set() or over.is_set()):
            wait = PULSE
            try:
                if waited >= UPKEEP:
                    mails.upkeep()
                    waited = 0.0
                wait = PULSE if mails.send() else REST
            except LedgerError as error:
                log.debug("the outbox is not to be had", exc_info=error)
            except Exception as error:  # a defect here must end neither the sending of letters nor the site
                log.debug("confirmation mails could not be sent", exc_info=error)
                if type(error).__name__ != told:
                    told = type(error).__name__
                    talk.say(_("! confirmation mails do not leave, by a defect ({kind})").format(kind=told))
                wait = REST
            waited += wait
            wake.wait(wait)
            wake.clear()

    sender = threading.Thread(target=work, name="confirmations", daemon=True)
    sender.start()
    try:
        yield wake
    finally:
        over.set()
        wake.set()
        sender.join(FAREWELL)


def confirm_once(room: Newsroom, stop: threading.Event, talk: Talk) -> None:
    """Send what is wanted now, and forget what is old."""
    mails = Confirmations(room, stop, talk)
    mails.upkeep()
    mails.send()
