"""What came back, read beside the sending: a slow or broken mailbox never holds a letter up."""

from __future__ import annotations

import logging
import threading
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from veille.errors import VeilleError
from veille.i18n import gettext as _
from veille_cli.bounce_words import tally_words
from veille_cli.chores import beside

if TYPE_CHECKING:
    from collections.abc import Callable

    from veille.bounces.collecting import Collector, Mailbox, Tally
    from veille_cli.output import Talk
    from veille_cli.wiring import Newsroom

log = logging.getLogger(__name__)

EVERY = 300.0  # seconds


def read_meanwhile(room: Newsroom, stop: threading.Event, talk: Talk) -> AbstractContextManager[object]:
    """Read the mailbox of `newsletter.bounces_url` now and every five minutes, if there is one."""
    if room.config.settings.newsletter.bounces_url is None:
        return nullcontext()
    room.keys.derive("bounces")  # made now: two threads would make them twice
    said = ""

    def work() -> None:
        nonlocal said
        said = read_once(room, stop, talk, said)

    return beside("bounces", work, EVERY, stop)


def read_once(room: Newsroom, stop: threading.Event, talk: Talk, said: str = "") -> str:
    """Read it once. Returns what is wrong with it, which is said when it was not `said` before; "" when nothing is."""
    if room.config.settings.newsletter.bounces_url is None:
        return ""
    problem: VeilleError | None
    try:
        tally = collect(room, stop=stop.is_set)
        problem = tally.problem if tally else None
        if tally and tally.read:
            tally.problem = None
            talk.say(*tally_words(tally))
    except VeilleError as error:
        problem = error
    except Exception as error:  # a defect here must not end the sending
        log.exception("the mailbox of bounces could not be read")
        problem = VeilleError(
            _("this is a defect of veille: {error}").format(error=type(error).__name__),
            hint=_("run `veille bounces --debug` and report what it says"),
        )
    if problem is not None and problem.message != said:
        talk.say(_("! what came back could not be read: {why}").format(why=problem.message))
        talk.say(*([f"    → {problem.hint}"] if problem.hint else []))
    return problem.message if problem else ""


def collect(room: Newsroom, *, stop: Callable[[], bool] = bool, most: int | None = 500) -> Tally | None:
    """What `veille run` does every few minutes: read the mailbox of the settings.

    Args:
        stop: asked between two messages.
        most: messages in one go; the rest comes the next time.

    Returns:
        What came of it, a lost connection included; None when no mailbox is set.

    Raises:
        ConfigError: the setting is wrong, or the mailbox refuses our password.
        LedgerError: the ledger refused.
    """
    mailbox = configured(room)
    return None if mailbox is None else collector(room).collect(mailbox, stop=stop, most=most)


def configured(room: Newsroom) -> Mailbox | None:
    """The mailbox of the settings; None: there is none.

    Raises:
        ConfigError: its address is wrong.
    """
    from veille_publishers.mailboxes import open_mailbox

    url = room.config.settings.newsletter.bounces_url
    return None if url is None else open_mailbox(url.get_secret_value(), room.config.root)


def collector(room: Newsroom) -> Collector:
    """What records it in the ledger."""
    from veille.bounces.collecting import Collector

    return Collector(room.database, room.keys, room.subscribers, room.clock, room.config.outbox_dir)
