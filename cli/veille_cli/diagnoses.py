"""What could go wrong in a newsroom, looked at one by one; nothing is changed, and no connection is opened."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from veille.errors import Severity
from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille.posts import SERVICES

if TYPE_CHECKING:
    from veille_cli.wiring import Newsroom

LITTLE = 1 << 30  # bytes of free disk: less is told
CLASS = 5  # sign-ups of one client in a day that may be a class at one table; more are told


@dataclass(frozen=True)
class Diagnosis:
    """One thing to mend.

    Args:
        name: short and stable, never translated.
    """

    name: str
    severity: Severity
    message: str
    hint: str


def _error(name: str, message: str, hint: str) -> Diagnosis:
    return Diagnosis(name, Severity.ERROR, message, hint)


def _warning(name: str, message: str, hint: str) -> Diagnosis:
    return Diagnosis(name, Severity.WARNING, message, hint)


def stopped(room: Newsroom) -> Iterator[Diagnosis]:
    """Channels that stand still until a person does something."""
    for stop in room.report.stops():
        reason = _("paused") if stop.chosen else stop.reason
        message = _("{channel} stands still: {reason}").format(channel=stop.channel, reason=reason)
        hint = _("mend that, then: veille outbox resume {channel}").format(channel=stop.channel)
        if stop.hint:
            hint = _("{what}; then: veille outbox resume {channel}").format(what=stop.hint, channel=stop.channel)
        # Whoever paused it knows; but may have forgotten.
        yield (_warning if stop.chosen else _error)("channel-stopped", message, hint)


def scheduler(room: Newsroom) -> Iterator[Diagnosis]:
    """Work that waits while nobody delivers."""
    from veille.outbox.lock import running

    if running(room.config.outbox_dir) is None and any(line.waiting for line in room.report.publications()):
        message = _("something waits to leave, and no scheduler is running")
        yield _warning("no-scheduler", message, _("start `veille run`, as a service: docs/operating.md"))


def disk(room: Newsroom) -> Iterator[Diagnosis]:
    """Room for what readers answer and for the letters of tomorrow."""
    free = shutil.disk_usage(room.config.root).free
    if free < LITTLE:
        message = _("only {megabytes} MB of disk are free").format(megabytes=free // 1_000_000)
        yield _warning("disk", message, _("make room: a full disk stops the letter, and loses nothing"))


def secrets(room: Newsroom) -> Iterator[Diagnosis]:
    """Files with secrets that others on this machine can read."""
    for name in ("secret.key", "tokens.json"):
        path = room.config.outbox_dir / name
        if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            message = _("{file} can be read by others on this machine").format(file=f"outbox/{name}")
            yield _error("secret-open", message, f"chmod 600 outbox/{name}")


def address(room: Newsroom) -> Iterator[Diagnosis]:
    """Links in letters that anybody on the way can read."""
    base_url = room.config.settings.workspace.base_url
    if room.live_channels and base_url.startswith("http://"):
        message = _("links in letters are not encrypted: {address}").format(address=base_url)
        yield _warning("base-url", message, _("give the site a certificate, and write base_url with https://"))


def letters(room: Newsroom) -> Iterator[Diagnosis]:
    """What mailbox providers ask of whoever sends to many."""
    newsletter = room.config.settings.newsletter
    if not room.config.live("newsletter"):
        return
    if not newsletter.dkim_domain:
        message = _("letters are not signed (DKIM): large mailbox providers refuse such letters to many")
        yield _warning(
            "dkim", message, _("set dkim_domain, dkim_selector and dkim_key, if your mail server does not sign")
        )
    if not newsletter.bounce_address:
        message = _("nobody reads what comes back: dead addresses are written to for ever")
        yield _warning("bounces", message, _("set bounce_address and bounces_url: docs/bounces.md"))


def proxies(room: Newsroom) -> Iterator[Diagnosis]:
    """A proxy in front of the site that is not trusted: one limit for all readers."""
    from veille.signup.limits import from_one_client

    count = from_one_client(room.database, room.clock())
    if count > CLASS and not room.config.settings.serve.trusted_proxies:
        message = _("all {count} who asked for the letter in the last day seem to be one client").format(count=count)
        hint = _('if a proxy stands before the site: [serve] trusted_proxies = ["127.0.0.1"], its own address')
        yield _warning("one-client", message, hint)


def proofs(room: Newsroom) -> Iterator[Diagnosis]:
    """What is kept of people who left, and nobody decided for how long."""
    from veille.subscribers import kept_for_long

    if room.config.settings.newsletter.keep_proof is not None:
        return
    if n := kept_for_long(room.database, room.clock()):
        message = ngettext(
            "{n} reader left more than five years ago, and the proof that they had agreed is still kept",
            "{n} readers left more than five years ago, and the proof that they had agreed is still kept",
            n,
        ).format(n=n)
        hint = _('ask your data protection officer how long it is needed, then: [newsletter] keep_proof = "1825 days"')
        yield _warning("proof-kept", message, hint)


def contacts(room: Newsroom) -> Iterator[Diagnosis]:
    """Records that nobody confirmed for long."""
    from veille.confirming import due

    today = room.clock().astimezone(room.config.zone).date()
    if late := due(room.library, today, room.config.settings.checks.verify_every):
        n = len(late)
        message = ngettext("{n} contact must be asked again", "{n} contacts must be asked again", n).format(n=n)
        yield _warning("contacts-due", message, "veille partners due")


def access(room: Newsroom) -> Iterator[Diagnosis]:
    """The access of Facebook and Instagram, as the daily look found it."""
    from veille.access import WARN_DAYS
    from veille.access_problems import version_problem
    from veille_cli.access_words import line, remedy, standings, watched

    connect = _("renew the access: veille connect {channel}")
    for channel in watched(room.config):
        settings = room.config.channel(channel)
        if settings.access_token is None:
            message = _("{channel} reaches people, but nobody gave veille access").format(channel=channel)
            yield _error("access-missing", message, f"veille connect {channel}")
        for problem in version_problem(settings.api_version, room.clock().astimezone(room.config.zone).date()):
            yield Diagnosis(problem.code, problem.severity, f"{channel}: {problem.message}", problem.hint)
    for standing in standings(room):
        left = standing.days_left(room.clock())
        if left is not None and left <= WARN_DAYS[0]:
            severity = Severity.ERROR if standing.urgent(room.clock()) else Severity.WARNING
            words = line(standing, room)[2:]
            yield Diagnosis("access-ends", severity, words, connect.format(channel=standing.channel))
        for problem in standing.problems:
            if problem.code != "access-ended":
                message = f"{standing.channel}: {problem.message}"
                yield Diagnosis(problem.code, problem.severity, message, remedy(problem, standing.channel))


def operators(room: Newsroom) -> Iterator[Diagnosis]:
    """Failures that nobody hears of."""
    from veille.reviewers import read

    if not room.live_channels:
        return
    if not room.config.settings.workspace.operators:
        message = _("nobody is written to when something fails")
        yield _warning("operators", message, _('name them: [workspace] operators = ["Sam Exemple <sam@example.org>"]'))
    for person in room.config.settings.workspace.operators:
        if not read(person).address:
            message = _("{name} is to be written to when something fails, and has no e-mail address")
            hint = _("write it as: {example}").format(example='"Sam Exemple <sam@example.org>"')
            yield _error("operators", message.format(name=person), hint)
    if not room.config.live("newsletter"):
        message = _("mails about failures reach nobody: they are written to outbox/notices/")
        yield _warning("operators-mail", message, _("set up a mail server: [newsletter] transport and smtp_url"))


def by_hand(room: Newsroom) -> Iterator[Diagnosis]:
    """Posts that a person is to post, and a person who hears of none."""
    for channel in SERVICES:
        settings = room.config.channel(channel)
        if channel not in room.config.channels or settings.transport != "manual":
            continue
        if not (settings.editor or room.config.settings.workspace.operators):
            message = _("{channel} is posted by hand, and nobody is named who does it").format(channel=channel)
            hint = _('name somebody: [{channel}] editor = "Camille Exemple <camille@example.org>"')
            yield _error("by-hand", message, hint.format(channel=channel))
        elif not room.config.live("newsletter"):
            message = _("{channel} is posted by hand, and no mail about it leaves").format(channel=channel)
            yield _error("by-hand", message, _("set up a mail server: [newsletter] transport and smtp_url"))


def reviewers(room: Newsroom) -> Iterator[Diagnosis]:
    """An approval that anybody may give."""
    approval = room.config.settings.approval
    if approval.required != "none" and not approval.reviewers:
        message = _("approval is required, and no reviewer is named: anybody but the author may give it")
        yield _warning(
            "reviewers", message, _('name them: [approval] reviewers = ["Camille Exemple <camille@example.org>"]')
        )


DIAGNOSES: tuple[Callable[[Newsroom], Iterator[Diagnosis]], ...] = (
    *(stopped, scheduler, disk, secrets, address, letters, proxies, proofs, contacts, reviewers, access),
    *(operators, by_hand),
)
