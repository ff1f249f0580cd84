"""`veille bounces`: what came back is read, and decides who still receives the letter."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from veille.errors import Busy, ConfigError, VeilleError
from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille_cli.output import OK, PARTLY, Answer, answers, stdout

if TYPE_CHECKING:
    from rich.console import RenderableType

    from veille.bounces.collecting import Collector, Mailbox, Tally, Unread
    from veille_cli.wiring import Newsroom

log = logging.getLogger(__name__)

SHOWN = 20  # messages that nobody understood, for people


@answers
def command(
    maildir: Annotated[Path | None, typer.Option("--maildir", metavar="DIR", help=_("Read this Maildir."))] = None,
    mbox: Annotated[Path | None, typer.Option("--mbox", metavar="FILE", help=_("Read this mbox."))] = None,
    stdin: Annotated[
        bool, typer.Option("--stdin", help=_("Read one message that the mail server hands over."))
    ] = False,
    recipient: Annotated[
        str, typer.Option("--recipient", metavar="ADDRESS", help=_("With --stdin: the address at which it arrived."))
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_("Read, and change nothing."))] = False,
    unread: Annotated[bool, typer.Option("--unread", help=_("List what nobody understood so far."))] = False,
) -> Answer:
    """Read returned letters and complaints: dead addresses and people who complain receive no more letters."""
    if sum(map(bool, (maildir, mbox, stdin, unread))) > 1:
        raise typer.BadParameter(_("choose one of --maildir, --mbox, --stdin and --unread"))
    if stdin:
        return _from_the_mail_server(recipient, dry_run=dry_run)
    from veille.bounces.collecting import unread as waiting
    from veille_cli.wiring import newsroom

    with newsroom() as room:
        if unread:
            mailbox = _configured(room)
            return _list(waiting(room.config.outbox_dir, mailbox.name if mailbox else None))
        chosen = _given(maildir, mbox) or _configured(room)
        if chosen is None:
            raise ConfigError(
                _("newsletter.bounces_url is not set"),
                hint=_('set VEILLE_NEWSLETTER__BOUNCES_URL="imaps://user:password@host/INBOX", or give --maildir DIR'),
            )
        return _answer(_collector(room).collect(chosen, dry_run=dry_run), chosen.name, dry_run=dry_run)


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
    mailbox = _configured(room)
    return None if mailbox is None else _collector(room).collect(mailbox, stop=stop, most=most)


def words(tally: Tally) -> list[RenderableType]:
    """What one look into a mailbox came to, for people."""
    lines: list[RenderableType] = []
    if tally.read:
        lines.append(", ".join(_kind(kind, n) for kind, n in sorted(tally.kinds.items())) + ".")
    if done := [_outcome(outcome, n) for outcome, n in sorted(tally.outcomes.items())]:
        lines.append("→ " + ", ".join(done) + ".")
    lines += _unread_words(tally.unread)
    if tally.kept:
        waiting = ngettext(
            "{n} message still lies there that nobody understood: `veille bounces --unread`",
            "{n} messages still lie there that nobody understood: `veille bounces --unread`",
            tally.kept,
        )
        lines.append("· " + waiting.format(n=tally.kept))
    if tally.problem:
        lines.append(f"✗ {tally.problem.message}")
        lines += [f"    → {tally.problem.hint}"] if tally.problem.hint else []
    return lines or [_("Nothing came back.")]


def _from_the_mail_server(recipient: str, *, dry_run: bool) -> Answer:
    """One message on standard input. Whatever fails, the mail server keeps it and tries again (sysexits: 75)."""
    from veille.bounces.mime import SIZE
    from veille_cli.wiring import newsroom

    try:
        raw = sys.stdin.buffer.read(SIZE)
        while sys.stdin.buffer.read(SIZE):  # to the end, or the mail server takes the broken pipe for a failure
            pass
        with newsroom() as room:
            arrived = recipient or os.environ.get("ORIGINAL_RECIPIENT") or os.environ.get("RECIPIENT") or ""
            tally = _collector(room).take(raw, arrived, dry_run=dry_run)
    except VeilleError as error:
        raise Busy(error.message, hint=error.hint) from error
    except Exception as error:
        log.debug("the message could not be taken", exc_info=error)
        raise Busy(_("the message could not be taken: {error}").format(error=type(error).__name__)) from error
    return Answer(data=_data(tally, "stdin", dry_run=dry_run), text=words(tally) if stdout().is_terminal else [])


def _given(maildir: Path | None, mbox: Path | None) -> Mailbox | None:
    from veille_publishers.mailboxes import Maildir, Mbox

    if maildir is not None:
        return Maildir(maildir.absolute())
    return None if mbox is None else Mbox(mbox.absolute())


def _configured(room: Newsroom) -> Mailbox | None:
    from veille_publishers.mailboxes import open_mailbox

    url = room.config.settings.newsletter.bounces_url
    return None if url is None else open_mailbox(url.get_secret_value(), room.config.root)


def _collector(room: Newsroom) -> Collector:
    from veille.bounces.collecting import Collector

    return Collector(room.database, room.keys, room.subscribers, room.clock, room.config.outbox_dir)


def _answer(tally: Tally, mailbox: str, *, dry_run: bool) -> Answer:
    errors = [_error("unread", _unread_line(entry)) for entry in tally.unread]
    if tally.problem:
        errors.append({**_error(tally.problem.code, tally.problem.message), "hint": tally.problem.hint})
    code = tally.problem.exit_code if tally.problem else PARTLY if tally.unread else OK
    text = words(tally)
    if dry_run and tally.read:
        text.append(_("Nothing was changed (--dry-run)."))
    return Answer(data=_data(tally, mailbox, dry_run=dry_run), text=text, exit_code=code, errors=errors)


def _list(entries: list[Unread]) -> Answer:
    data = {"unread": [{"where": entry.where, "reason": entry.reason} for entry in entries]}
    text: list[Any] = [f"· {_unread_line(entry)}" for entry in entries]
    return Answer(data=data, text=text or [_("Everything was understood.")])


def _data(tally: Tally, mailbox: str, *, dry_run: bool) -> dict[str, Any]:
    return {
        "mailbox": mailbox,
        "read": tally.read,
        "kinds": dict(tally.kinds),
        "outcomes": dict(tally.outcomes),
        "unread": [{"where": entry.where, "reason": entry.reason} for entry in tally.unread],
        "kept": tally.kept,
        "dry_run": dry_run,
    }


def _error(code: str, message: str) -> dict[str, Any]:
    return {"code": code, "message": message, "file": None, "line": None, "hint": None}


def _unread_words(unread: list[Unread]) -> list[RenderableType]:
    if not unread:
        return []
    head = ngettext(
        "! {n} message was left where it is, for a person to look at:",
        "! {n} messages were left where they are, for a person to look at:",
        len(unread),
    ).format(n=len(unread))
    lines: list[RenderableType] = [head, *(f"  {_unread_line(entry)}" for entry in unread[:SHOWN])]
    if len(unread) > SHOWN:
        more = len(unread) - SHOWN
        words = ngettext("… and {n} more: `veille bounces --unread`", "… and {n} more: `veille bounces --unread`", more)
        lines.append("  " + words.format(n=more))
    return lines


def _unread_line(entry: Unread) -> str:
    reasons = {
        "forged": _("its mark is not one of ours: forged or damaged"),
        "unknown-letter": _("it does not say which letter it is about"),
        "unknown-feedback": _("a complaint of a kind that is not known"),
        "damaged-report": _("a damaged report"),
        "empty": _("nothing can be read in it"),
        "mail": _("somebody wrote it"),
    }
    reason = reasons.get(entry.reason, entry.reason)
    return f"{entry.where}: {reason}" if reason else entry.where


def _kind(kind: str, n: int) -> str:
    names = {
        "hard": ngettext("{n} dead address", "{n} dead addresses", n),
        "soft": ngettext("{n} refused for now", "{n} refused for now", n),
        "complaint": ngettext("{n} complaint", "{n} complaints", n),
        "leave": ngettext("{n} asked to leave", "{n} asked to leave", n),
        "delayed": ngettext("{n} delayed, still tried", "{n} delayed, still tried", n),
        "not-a-bounce": ngettext("{n} no bounce", "{n} no bounces", n),
        "unreadable": ngettext("{n} not understood", "{n} not understood", n),
    }
    return names[kind].format(n=n)


def _outcome(outcome: str, n: int) -> str:
    names = {
        "suppressed": ngettext("{n} reader receives no more letters", "{n} readers receive no more letters", n),
        "counted": ngettext("{n} counted", "{n} counted", n),
        "known": ngettext("{n} known already", "{n} known already", n),
        "gone": ngettext("{n} about nobody who reads the letter", "{n} about nobody who reads the letter", n),
    }
    return names[outcome].format(n=n)
