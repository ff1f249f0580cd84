"""What came back, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from veille.i18n import gettext as _
from veille.i18n import ngettext

if TYPE_CHECKING:
    from rich.console import RenderableType

    from veille.bounces.collecting import Tally, Unread

SHOWN = 20  # messages that nobody understood, for people


def tally_words(tally: Tally) -> list[RenderableType]:
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


def _unread_words(unread: list[Unread]) -> list[RenderableType]:
    if not unread:
        return []
    head = ngettext(
        "! {n} message was left where it is, for a person to look at:",
        "! {n} messages were left where they are, for a person to look at:",
        len(unread),
    ).format(n=len(unread))
    lines: list[RenderableType] = [head, *(f"  {unread_line(entry)}" for entry in unread[:SHOWN])]
    if len(unread) > SHOWN:
        more = len(unread) - SHOWN
        words = ngettext("… and {n} more: `veille bounces --unread`", "… and {n} more: `veille bounces --unread`", more)
        lines.append("  " + words.format(n=more))
    return lines


def unread_line(entry: Unread) -> str:
    """Where a message lies that nobody understood, and why."""
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
