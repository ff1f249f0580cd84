"""What people must be told of: which facts of the ledger deserve a mail, and what it says. Pure.

A fact is known by its key, which changes when it happens anew: told once, and told again when it comes again. What a
person chose (a pause, a post that somebody posts by hand) is no alarm; nor is what mends itself within the hour.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille.posts import SERVICES
from veille.publishing import BY_HAND, FollowUp

PAUSE = timedelta(minutes=10)  # between two mails: what comes up meanwhile is gathered
LATE = timedelta(hours=1)  # a service that is away for longer is told of
BEGUN = timedelta(hours=2)  # a letter that is still under way is judged by what it did until then
PUT_OFF = ("unavailable", "rate-limited")  # last codes of what is tried again


class Kind(StrEnum):
    """What happened."""

    STOPPED = "stopped"  # a channel stands still until a person lets it go on
    REFUSED = "refused"
    GIVEN_UP = "given-up"  # tried for two days
    OVERDUE = "overdue"
    SWITCHED = "switched"
    DOUBTFUL = "doubtful"  # nobody can say whether it is out
    MISSING = "missing"  # its service had it for a later time, and did not publish it
    LATE = "late"  # tried again by itself, for long already
    FOLLOW_UP = "follow-up"  # it is out, and could not be changed there
    BOUNCES = "bounces"  # a letter was halted
    READERS = "readers"  # a letter that not everybody got


_HELD = {
    "overdue": Kind.OVERDUE,
    "switched": Kind.SWITCHED,
    "missing": Kind.MISSING,
    "bounces": Kind.BOUNCES,
    **dict.fromkeys(PUT_OFF, Kind.GIVEN_UP),
}


@dataclass(frozen=True)
class Fact:
    """Something that a person must know of. Never holds an address.

    Args:
        mark: differs each time that it happens anew.
        name: what commands take: "d12", "p7" or a channel.
        why: what the service said, in words for people.
        hint: what to do about it; "" when nothing special is known.
        due: when it was to leave.
        since: when it happened.
        readers: of a letter: how many this is about; 0 for everything else.
        planned: of a letter: all of its readers.
        follow_up: what could not be done with a post that is out.
    """

    kind: Kind
    name: str
    channel: str
    mark: str
    since: datetime
    title: str = ""
    why: str = ""
    hint: str = ""
    due: datetime | None = None
    readers: int = 0
    planned: int = 0
    follow_up: FollowUp | None = None

    @property
    def key(self) -> str:
        """The same for as long as it is the same."""
        return f"{self.kind.value}:{self.name}:{self.mark}"


@dataclass(frozen=True)
class Explained:
    """A fact as people read it.

    Args:
        subject: short, and without a title: it shows on a locked screen.
        heading: which channel and which post.
        words: what happened and why.
        steps: what to do.
        commands: (when, the command).
    """

    subject: str
    heading: str
    words: str
    steps: tuple[str, ...] = ()
    commands: tuple[tuple[str, str], ...] = field(default=())


def judged(state: str, code: str, first_at: datetime | None, now: datetime) -> Kind | None:
    """What a delivery to a page deserves; None: no mail.

    Args:
        code: its last code.
        first_at: when it was first tried.
    """
    if state == "failed":
        return Kind.GIVEN_UP if code in PUT_OFF else Kind.REFUSED
    if state == "held":
        return None if code == BY_HAND else _HELD.get(code, Kind.DOUBTFUL)
    waits_long = state == "ready" and code in PUT_OFF and first_at is not None and now - first_at >= LATE
    return Kind.LATE if waits_long else None


def judged_letter(code: str) -> Kind:
    """What readers for whom a letter is held deserve, by their last code."""
    return _HELD.get(code, Kind.DOUBTFUL)


def size_of(count: int) -> int:
    """A number that grows when the count has doubled: who was told of 3 is told again of 6, and not of each one."""
    return count.bit_length()


def untold(facts: Iterable[Fact], told: Collection[str]) -> list[Fact]:
    """Those that nobody was told of; what stands still first, because it holds up the rest."""
    order = list(Kind)
    fresh = [fact for fact in facts if fact.key not in told]
    return sorted(fresh, key=lambda fact: (order.index(fact.kind), fact.since, fact.name))


def may_mail(last: datetime | None, now: datetime) -> bool:
    """Whether enough time has passed since the last mail; a clock that was ahead keeps nobody silent."""
    return last is None or not timedelta() <= now - last < PAUSE


def place(channel: str) -> str:
    """A channel as people call it."""
    names = {"newsletter": _("the letter"), "feed": _("the feed"), "web": _("the site")}
    return (names | SERVICES).get(channel, channel)


def explain(fact: Fact, moment: str) -> Explained:
    """What a fact says to people.

    Args:
        moment: `fact.due` (else `fact.since`) in words.
    """
    writer = {
        Kind.STOPPED: _stopped,
        Kind.REFUSED: _refused,
        Kind.GIVEN_UP: _given_up,
        Kind.OVERDUE: _overdue,
        Kind.SWITCHED: _switched,
        Kind.DOUBTFUL: _doubtful,
        Kind.MISSING: _missing,
        Kind.LATE: _late,
        Kind.FOLLOW_UP: _follow_up,
        Kind.BOUNCES: _bounces,
        Kind.READERS: _readers,
    }[fact.kind]
    return writer(fact, moment)


def _heading(fact: Fact) -> str:
    return _("{place}: {title}").format(place=_capital(place(fact.channel)), title=fact.title)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _sentence(words: str) -> str:
    """What a terminal would say, for a mail: commands stand in quotation marks."""
    text = re.sub(r"`([^`]*)`", lambda found: _("“{words}”").format(words=found[1]), words)
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _step(fact: Fact, otherwise: str = "") -> tuple[str, ...]:
    text = fact.hint or otherwise
    return (_sentence(_capital(text)),) if text else ()


def _about(fact: Fact) -> str:
    """How many readers of a letter it is about."""
    if not fact.readers:
        return ""
    words = ngettext("It is about {n} reader.", "It is about {n} readers.", fact.readers)
    return " " + words.format(n=fact.readers)


def _stopped(fact: Fact, moment: str) -> Explained:
    name = place(fact.channel)
    subject = _("{place} stands still").format(place=_capital(name))
    steps = _step(fact)
    steps += (_("Nothing is lost: what is queued waits there, and the other channels go on."),)
    if fact.channel in SERVICES:
        steps += (_("What is very late when it goes on is not posted by itself: you are asked about it."),)
    words = _("Since {moment}: {why}").format(moment=moment, why=_sentence(fact.why))
    return Explained(
        subject, subject, words, steps, ((_("Then let it go on:"), f"veille outbox resume {fact.channel}"),)
    )


def _refused(fact: Fact, _moment: str) -> Explained:
    words = _("It was refused: {why}").format(why=_sentence(fact.why or "?"))
    steps = _step(fact, _("change the post and publish it again"))
    again = (_("To send it again as it is:"), f"veille outbox retry {fact.name}")
    return Explained(_("something was refused"), _heading(fact), words, steps, (again,))


def _given_up(fact: Fact, _moment: str) -> Explained:
    words = _("It was tried again and again for two days: {why}").format(why=_sentence(fact.why or "?")) + _about(fact)
    again = (_("To try again:"), f"veille outbox retry {fact.name}")
    return Explained(_("something did not get through"), _heading(fact), words, (), (again,))


def _overdue(fact: Fact, moment: str) -> Explained:
    words = _("It should have left on {moment}. So late it does not leave by itself: it may be over by now.")
    commands = (
        (_("Still right? Send it now:"), f"veille outbox resolve {fact.name} --retry"),
        (_("Otherwise drop it:"), f"veille outbox resolve {fact.name} --cancel"),
    )
    subject = _("something is too late to leave by itself")
    return Explained(subject, _heading(fact), words.format(moment=moment) + _about(fact), (), commands)


def _switched(fact: Fact, _moment: str) -> Explained:
    words = _("Its channel was switched between trial and service since it was queued, so it did not leave.")
    again = (_("To queue it again:"), "veille publish")
    return Explained(_("something did not leave"), _heading(fact), words + _about(fact), (), (again,))


def _look(fact: Fact) -> tuple[tuple[str, str], ...]:
    """The commands after a look."""
    letter = fact.channel == "newsletter"
    there = f"veille outbox resolve {fact.name} --sent" + ("" if letter else " https://…")
    return (
        (_("It is there:"), there),
        (_("It is not there, and shall go:"), f"veille outbox resolve {fact.name} --retry"),
        (_("It is not there, and shall not go:"), f"veille outbox resolve {fact.name} --cancel"),
    )


def _doubtful(fact: Fact, _moment: str) -> Explained:
    words = _("The connection broke while it left, and veille could not find out whether it arrived.") + _about(fact)
    steps = () if fact.channel == "newsletter" else (_("Look at {place}.").format(place=place(fact.channel)),)
    return Explained(_("please look whether something is out"), _heading(fact), words, steps, _look(fact))


def _missing(fact: Fact, moment: str) -> Explained:
    words = _("{place} had taken it for {moment}, and veille does not find it there.")
    steps = (_("Look at {place}.").format(place=place(fact.channel)),)
    heading = _heading(fact)
    said = words.format(place=place(fact.channel), moment=moment)
    return Explained(_("please look whether something is out"), heading, said, steps, _look(fact))


def _late(fact: Fact, _moment: str) -> Explained:
    words = _("It has not got through for an hour: {why} It is tried again by itself.")
    stop = (_("Nothing has to be done. To give it up:"), f"veille outbox cancel {fact.name}")
    said = words.format(why=_sentence(fact.why or "?"))
    return Explained(_("something does not get through"), _heading(fact), said, _step(fact), (stop,))


def _follow_up(fact: Fact, _moment: str) -> Explained:
    words = {
        FollowUp.EDIT: _("It is public, and its text there could not be changed to yours: {why}"),
        FollowUp.COMMENT: _("It is public, and its first comment could not be written: {why}"),
        FollowUp.DELETE: _("It was to be deleted there, and that did not succeed: {why}"),
        FollowUp.REPLACE: _("It changed, and its old version could not be taken back there: {why}"),
    }
    said = words[fact.follow_up or FollowUp.EDIT].format(why=_sentence(fact.why or "?"))
    steps = _step(fact, _("do it by hand on the page, or try it again"))
    again = (_("To try again:"), f"veille outbox retry {fact.name}")
    return Explained(_("a post could not be changed"), _heading(fact), said, steps, (again,))


def _bounces(fact: Fact, _moment: str) -> Explained:
    words = ngettext(
        "{n} address does not exist, of {planned} that were tried. The letter was halted: going on would make "
        "mailbox providers take all our letters for unwanted ones.",
        "{n} addresses do not exist, of {planned} that were tried. The letter was halted: going on would make "
        "mailbox providers take all our letters for unwanted ones.",
        fact.readers,
    )
    commands = (
        (_("See which:"), f"veille outbox show {fact.name} --state failed --csv --to who.csv"),
        (_("The list is right after all? Go on:"), f"veille outbox resolve {fact.name} --retry"),
        (_("Otherwise drop the rest:"), f"veille outbox resolve {fact.name} --cancel"),
    )
    said = words.format(n=fact.readers, planned=fact.planned)
    return Explained(_("a letter was halted"), _heading(fact), said, (_("Look at your list of readers."),), commands)


def _readers(fact: Fact, _moment: str) -> Explained:
    words = ngettext(
        "{n} of {planned} letters did not arrive.", "{n} of {planned} letters did not arrive.", fact.readers
    )
    commands = (
        (_("See what their mail servers said:"), f"veille outbox show {fact.name} --state failed"),
        (_("To send to these once more:"), f"veille outbox retry {fact.name} --failed"),
    )
    steps = (_("Addresses that do not exist are left out by themselves from now on."),)
    said = words.format(n=fact.readers, planned=fact.planned)
    return Explained(_("not everybody got the letter"), _heading(fact), said, steps, commands)
