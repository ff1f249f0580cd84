"""`veille bounces`: what came back is read, and decides who still receives the letter."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from veille.errors import Busy, ConfigError, VeilleError
from veille.i18n import gettext as _
from veille_cli.bounce_watch import collector, configured
from veille_cli.bounce_words import tally_words, unread_line
from veille_cli.output import OK, PARTLY, Answer, answers, stdout

if TYPE_CHECKING:
    from veille.bounces.collecting import Mailbox, Tally, Unread

log = logging.getLogger(__name__)


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
            mailbox = configured(room)
            return _list(waiting(room.config.outbox_dir, mailbox.name if mailbox else None))
        chosen = _given(maildir, mbox) or configured(room)
        if chosen is None:
            raise ConfigError(
                _("newsletter.bounces_url is not set"),
                hint=_('set VEILLE_NEWSLETTER__BOUNCES_URL="imaps://user:password@host/INBOX", or give --maildir DIR'),
            )
        return _answer(collector(room).collect(chosen, dry_run=dry_run), chosen.name, dry_run=dry_run)


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
            tally = collector(room).take(raw, arrived, dry_run=dry_run)
    except VeilleError as error:
        raise Busy(error.message, hint=error.hint) from error
    except Exception as error:
        log.debug("the message could not be taken", exc_info=error)
        raise Busy(_("the message could not be taken: {error}").format(error=type(error).__name__)) from error
    return Answer(data=_data(tally, "stdin", dry_run=dry_run), text=tally_words(tally) if stdout().is_terminal else [])


def _given(maildir: Path | None, mbox: Path | None) -> Mailbox | None:
    from veille_publishers.mailboxes import Maildir, Mbox

    if maildir is not None:
        return Maildir(maildir.absolute())
    return None if mbox is None else Mbox(mbox.absolute())


def _answer(tally: Tally, mailbox: str, *, dry_run: bool) -> Answer:
    errors = [_error("unread", unread_line(entry)) for entry in tally.unread]
    if tally.problem:
        errors.append({**_error(tally.problem.code, tally.problem.message), "hint": tally.problem.hint})
    code = tally.problem.exit_code if tally.problem else PARTLY if tally.unread else OK
    text = tally_words(tally)
    if dry_run and tally.read:
        text.append(_("Nothing was changed (--dry-run)."))
    return Answer(data=_data(tally, mailbox, dry_run=dry_run), text=text, exit_code=code, errors=errors)


def _list(entries: list[Unread]) -> Answer:
    data = {"unread": [{"where": entry.where, "reason": entry.reason} for entry in entries]}
    text: list[Any] = [f"· {unread_line(entry)}" for entry in entries]
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
