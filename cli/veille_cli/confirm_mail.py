"""Confirmation mails: made, sent once, and what became of them. `veille serve` and `veille run` both do this."""

from __future__ import annotations

import logging
import threading
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from veille.errors import (
    ConfigError,
    LedgerError,
    NotAuthorised,
    OutcomeUnknown,
    RenderError,
    Unavailable,
    VeilleError,
)
from veille.i18n import gettext as _
from veille.i18n import speaking
from veille_cli.chores import beside

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
        self._defect = ""  # told
        self._waited = UPKEEP  # seconds since the last upkeep

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

    def round(self) -> float:
        """Send, and forget now and then. Says itself what goes wrong; returns seconds until the next round."""
        wait = PULSE
        try:
            if self._waited >= UPKEEP:
                self.upkeep()
                self._waited = 0.0
            wait = PULSE if self.send() else REST
        except LedgerError as error:
            log.debug("the outbox is not to be had", exc_info=error)
        except Exception as error:  # a defect here must end neither the sending of letters nor the site
            log.debug("confirmation mails could not be sent", exc_info=error)
            if type(error).__name__ != self._defect:
                self._defect = type(error).__name__
                words = _("! confirmation mails do not leave, by a defect ({kind})")
                self._talk.say(words.format(kind=self._defect))
            wait = REST
        self._waited += wait
        return wait

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
        from veille_publishers.notices import tellable

        words = tellable(problem) if problem is not None else ""
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


def confirm_meanwhile(room: Newsroom, stop: threading.Event, talk: Talk) -> AbstractContextManager[threading.Event]:
    """Send confirmation mails in a thread beside whatever is done; setting the event that it gives wakes it."""
    assert room.signups  # database and keys are made now: two threads would make them twice
    return beside("confirmations", Confirmations(room, stop, talk).round, PULSE, stop, farewell=FAREWELL)


def confirm_once(room: Newsroom, stop: threading.Event, talk: Talk) -> None:
    """Send what is wanted now, and forget what is old."""
    mails = Confirmations(room, stop, talk)
    mails.upkeep()
    mails.send()
