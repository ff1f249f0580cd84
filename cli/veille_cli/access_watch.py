"""The access of Facebook and Instagram, looked at once a day beside the sending: renewed in time, told of ahead."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from veille.errors import LedgerError, VeilleError
from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille.posts import SERVICES
from veille_cli.access_words import in_words, line, watched
from veille_cli.chores import beside

if TYPE_CHECKING:
    from veille.access import Standing
    from veille_cli.output import Talk
    from veille_cli.wiring import Newsroom
    from veille_publishers.access_check import Looked
    from veille_publishers.notices import Notice

log = logging.getLogger(__name__)

FIRST = 30.0  # seconds until the first look: what is due leaves first
EVERY = 60.0  # seconds between two looks at whether something is due to be asked


def watch_meanwhile(room: Newsroom, stop: threading.Event, talk: Talk) -> AbstractContextManager[object]:
    """Look now and then, in a thread of its own, whether the access of a channel is due to be checked."""
    if not watched(room.config):
        return nullcontext()
    assert room.database  # opened now: two threads would open it twice
    begun = time.monotonic()

    def work() -> None:
        if time.monotonic() - begun >= FIRST:
            watch_once(room, stop, talk)

    return beside("access", work, EVERY, stop)


def watch_once(room: Newsroom, stop: threading.Event, talk: Talk) -> None:
    """Check every channel that is due, and tell the operators what they must know. Nothing of it ends `run`."""
    for channel in watched(room.config):
        if stop.is_set():
            return
        try:
            looked = check(room, channel)
            if looked is not None:
                _tell(room, looked.standing, talk)
        except LedgerError as error:
            log.debug("the outbox is not to be had", exc_info=error)
        except VeilleError as error:
            words = _("! the access of {channel} could not be checked: {why}")
            talk.say(words.format(channel=channel, why=error.message))
        except Exception:  # a defect here must not end the sending
            log.exception("the access of %s could not be checked", channel)


def check(room: Newsroom, channel: str, *, always: bool = False, renew: bool = True) -> Looked | None:
    """Check the access of one channel, renew it in time, and remember what was found.

    Args:
        always: also when it is not due.
        renew: renew what ends by itself.

    Returns:
        What was found; None: not due, or there is no access yet.

    Raises:
        Unavailable: Meta gave no usable answer; it is asked again in an hour.
        ConfigError: a renewed token could not be kept; the old one goes on.
    """
    from veille.access import check_due, mark_of, unanswered
    from veille.credentials import opened, variable
    from veille.current import Current
    from veille.outbox.access import Accesses
    from veille_publishers import http
    from veille_publishers.access_check import look, secret

    rows, settings = Accesses(room.database), Current(room.config).settings(channel)
    token, before = secret(settings, "access_token"), rows.of(channel)
    if not token or not (always or check_due(before, mark_of(token), room.clock())):
        return None
    try:
        looked = look(channel, room.config, settings, http.session(), room.clock, before, renew=renew)
        if looked.changes:
            keys = {variable(channel, key): secret(settings, key) for key in ("access_token", "user_token")}
            renewed = {name: keys[name] for name in looked.changes}
            store = opened(room.config.root, room.config.settings.workspace.token_store)
            if not store.save(looked.changes, instead_of=renewed):
                return None  # somebody connected meanwhile: the next look is about that access
    except LedgerError:
        raise
    except Exception:  # a defect of ours asks Meta no more often than an answer that did not come
        rows.keep(unanswered(channel, mark_of(token), before, room.clock()))
        raise
    rows.keep(looked.standing)
    return looked


def _tell(room: Newsroom, standing: Standing, talk: Talk) -> None:
    """A line on the terminal when something is wrong, and a mail 14, 7, 3 and 1 days ahead, and at the end."""
    from veille.outbox.access import Accesses
    from veille_publishers.notices import tellable

    days = standing.warning_due(room.clock())
    if days is None:
        return
    talk.say(line(standing, room))
    # A channel that its service stopped is told of by the mail about failures, with the same remedy.
    stopped = any(stop.channel == standing.channel and not stop.chosen for stop in room.report.stops())
    sent = int(stopped and days == 0)
    for number, operator in enumerate(() if sent else room.config.settings.workspace.operators, 1):
        try:
            room.notices.send(notice(room, standing, operator, f"access-{standing.channel}-{days}-{number}"))
            sent += 1
        except VeilleError as error:
            talk.say(_("! an operator could not be told by mail: {why}").format(why=tellable(error)))
    if sent:
        Accesses(room.database).warned(standing.channel, days, room.clock())


def notice(room: Newsroom, standing: Standing, to: str, name: str) -> Notice:
    """The mail to one operator."""
    from veille_publishers.notices import Notice

    service = SERVICES[standing.channel]
    subject, first = _ended(service) if standing.days_left(room.clock()) == 0 else _ends(room, standing, service)
    found = [f"- {problem.message}" for problem in standing.problems]
    command = f"veille connect {standing.channel}"
    text = [
        first,
        _("What to do, on the computer where veille runs; it takes about ten minutes, and every step is explained:"),
        f"    {command}",
        _("What waits in the queue is kept, and leaves afterwards."),
        *(["\n".join([_("What was found:"), *found])] if found else []),
    ]
    head = f"{room.config.brand.name}: {subject}"
    return Notice(name=name, to=to, subject=head, text="\n\n".join(text) + "\n")


def _ended(service: str) -> tuple[str, str]:
    return (
        _("the access to {service} has ended").format(service=service),
        _("{service} no longer lets veille post for you: the access has ended.").format(service=service),
    )


def _ends(room: Newsroom, standing: Standing, service: str) -> tuple[str, str]:
    assert standing.ends_at is not None
    left, moment = standing.days_left(room.clock()) or 1, in_words(standing.ends_at, room.config)
    subject = ngettext(
        "the access to {service} ends in {n} day", "the access to {service} ends in {n} days", left
    ).format(service=service, n=left)
    words = _(
        "{service} lets veille post for you until {moment}. Posts leave as usual until then, and wait afterwards."
    )
    return subject, words.format(service=service, moment=moment)
