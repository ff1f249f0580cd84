"""The mail to operators about what failed, beside the sending; and the reminder to whoever posts by hand.

What there is to tell is read from the ledger each time. A mail counts when a mail server took it; a crash between its
answer and our note sends it twice, and never not at all.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from veille.errors import LedgerError, Rejected, VeilleError
from veille.failpoints import failpoint
from veille.i18n import gettext as _
from veille.i18n import ngettext, short, speaking
from veille_cli.chores import beside

if TYPE_CHECKING:
    from veille.alarms import Fact
    from veille.outbox.alarms import AlarmBook
    from veille_cli.output import Talk
    from veille_cli.wiring import Newsroom
    from veille_publishers.notices import Notice

log = logging.getLogger(__name__)

EVERY = 30.0  # seconds between two looks
REMIND = timedelta(hours=24)  # after a person was asked to post something
AWAY = timedelta(minutes=5)  # a mail server that did not take a mail is left alone so long
MOST = 20  # things of one mail that are told in full


class Alarms:
    """Looks, and writes when there is something to write about."""

    def __init__(self, room: Newsroom, talk: Talk) -> None:
        self._room = room
        self._talk = talk
        self._said = ""
        self._again_at: datetime | None = None  # after a mail that did not leave

    def look(self) -> None:
        """Send what is due now. Says itself what goes wrong; nothing of it ends the sending."""
        from veille.outbox.alarms import AlarmBook

        now = self._room.clock()
        if self._again_at is not None and timedelta() < self._again_at - now <= AWAY:
            return
        self._again_at = None
        book = AlarmBook(self._room.database)
        done = [self._went_well(work, book, now) for work in (self._tell, self._remind)]
        if all(done):
            self._said = ""
        else:
            self._again_at = now + AWAY

    def _went_well(self, work: Callable[[AlarmBook, datetime], None], book: AlarmBook, now: datetime) -> bool:
        try:
            work(book, now)
        except LedgerError as error:  # a disk that is full or locked: the next look tells it
            log.debug("the outbox is not to be had", exc_info=error)
        except VeilleError as error:
            self._say(error)
        except Exception as error:  # a defect here must not end the sending
            log.exception("alarms could not be mailed")
            self._say(VeilleError(_("this is a defect of veille: {error}").format(error=type(error).__name__)))
        else:
            return True
        return False

    def _tell(self, book: AlarmBook, now: datetime) -> None:
        """One mail to each operator about all that nobody was told of."""
        from veille.alarms import may_mail, untold

        operators = self._room.config.settings.workspace.operators
        if not operators or not may_mail(book.last(), now):
            return
        facts = book.facts(now)
        fresh = untold(facts, book.told(fact.key for fact in facts))
        if not fresh:
            return
        failpoint("alarm.before-mail")
        self._send([notice(self._room, fresh, to, n) for n, to in enumerate(operators, 1)])
        failpoint("alarm.after-mail")
        book.tell((fact.key for fact in fresh), now)

    def _remind(self, book: AlarmBook, now: datetime) -> None:
        """Ask once more for what nobody has posted for a day."""
        for key, name, publication in book.reminders(now - REMIND):
            publisher: Any = self._room.publishers.get(publication.channel)
            try:
                if hasattr(publisher, "remind"):  # the channel may have another transport by now
                    publisher.remind(name, publication)
            except Rejected as error:  # it would be refused again
                self._say(error)
            book.tell([key], now)

    def _send(self, mails: Sequence[Notice]) -> None:
        """To each of them; one who was reached is enough, because together a second mail would be told twice.

        Raises:
            VeilleError: nobody was reached.
        """
        problems: list[VeilleError] = []
        for mail in mails:
            try:
                self._room.notices.send(mail)
            except LedgerError:
                raise
            except VeilleError as error:
                problems.append(error)
        if len(problems) == len(mails):
            raise problems[0]
        for problem in problems:
            self._say(problem)

    def _say(self, problem: VeilleError) -> None:
        """What is wrong, when it was not said before."""
        from veille_publishers.notices import tellable

        words = tellable(problem)
        if words != self._said:
            self._talk.say(_("! a mail to the operators did not leave: {why}").format(why=words))
        self._said = words


def alarm_once(room: Newsroom, talk: Talk) -> None:
    """Tell what is to be told now."""
    Alarms(room, talk).look()


def alarm_meanwhile(room: Newsroom, stop: threading.Event, talk: Talk) -> AbstractContextManager[object]:
    """Tell it while the block runs, at most one mail every ten minutes."""
    assert room.publishers  # made now: two threads would make them, and the keys, twice
    return beside("alarms", Alarms(room, talk).look, EVERY, stop)


def notice(room: Newsroom, facts: Sequence[Fact], to: str, number: int) -> Notice:
    """The mail to one operator, in the newsroom's language.

    Raises:
        RenderError: a template fails.
    """
    from veille.rendering.templating import Templates
    from veille.reviewers import read
    from veille_publishers.notices import Notice

    now = room.clock()
    templates = Templates(room.config)
    with speaking(short(room.config.settings.workspace.language)):
        told = list(_explained(room, facts[:MOST]))
        n = len(facts)
        subject = ngettext("{n} thing to look at", "{n} things to look at", n).format(n=n)
        subject = told[0].subject if n == 1 else subject
        subject = _("{newsroom}: {what}").format(newsroom=room.config.brand.name, what=subject)
        more = n - len(told)
        values = {
            "subject": subject,
            "greeting": _("Hello {name},").format(name=read(to).called),
            "told": told,
            "overview": "veille status",
            "more": ngettext("… and {n} more thing.", "… and {n} more things.", more).format(n=more) if more else "",
        }
        return Notice(
            name=f"alarm-{now:%Y%m%d-%H%M%S}-{number}",
            to=to,
            subject=subject,
            text=templates.render("mail/alarm.txt.j2", **values),
            html=templates.render("mail/alarm.html.j2", **values),
        )


def _explained(room: Newsroom, facts: Sequence[Fact]) -> Iterator[Any]:
    from veille.alarms import explain
    from veille.timetable import in_words

    for fact in facts:
        moment = in_words(fact.due or fact.since, room.config.zone, room.config.settings.workspace.language)
        yield explain(fact, moment)
