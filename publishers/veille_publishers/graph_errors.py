"""What an error of Meta's means for us: from codes to one of our errors, by the table of `graph_table`.

The same code means something else on a step that becomes public: there, whatever may have been carried out is looked
at first. Which row counts: the exact pair, the subcode, the words, the code, `is_transient`, the HTTP status.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from veille.errors import NotAuthorised, OutcomeUnknown, PublishError, RateLimited, Rejected, Unavailable
from veille.i18n import gettext as _
from veille_publishers.graph_table import BY_STATUS, BY_TEXT, DAMAGED, TABLE, UNKNOWN, UNSURE, Reaction, Rule


class Refusal(Exception):
    """What Meta answered instead of what we asked for: codes only, free of secrets. Cause of our errors."""

    def __init__(self, rule: Rule, reaction: Reaction, detail: str) -> None:
        super().__init__(detail)
        self.rule = rule
        self.reaction = reaction


def rule_for(error: Mapping[str, Any], status: int) -> Rule:
    """The row for an error object: exact pair, subcode, words, code, `is_transient`, HTTP status."""
    code, subcode = _number(error.get("code")), _number(error.get("error_subcode"))
    for key in ((code, subcode), (None, subcode)) if subcode is not None else ():
        if key in TABLE:
            return TABLE[key]
    text = f"{error.get('message', '')} {error.get('error_data', '')}"
    for wanted, part, rule in BY_TEXT:
        if code == wanted and part in text:
            return rule
    if (code, None) in TABLE:
        return TABLE[code, None]
    if error.get("is_transient") is True:
        return UNSURE
    return BY_STATUS.get(status, UNKNOWN)


def rule_in(status_text: str) -> Rule:
    """The row for the subcode inside the `status` text of an Instagram container that failed."""
    for number in re.findall(r"\b22\d{5}\b", status_text):
        for (_code, subcode), rule in TABLE.items():
            if subcode == int(number):
                return rule
    return DAMAGED


def refused(rule: Rule, *, publishing: bool, detail: str = "", wait: timedelta | None = None) -> PublishError:
    """Our error for a row of the table.

    Args:
        publishing: the call would have made something public.
        detail: Meta's codes and words, without secrets.
        wait: how long Meta asks us to wait.
    """
    reaction = rule.public if publishing else rule.hidden
    error = _error(reaction, rule, publishing, detail, wait or rule.wait)
    error.__cause__ = Refusal(rule, reaction, detail)
    return error


def said(rule: Rule) -> str:
    """What happened, for people, in their language."""
    return _(rule.words)


def _error(reaction: Reaction, rule: Rule, publishing: bool, detail: str, wait: timedelta | None) -> PublishError:
    words, hint = said(rule), _(rule.hint) or None
    match reaction:
        case Reaction.PERMANENT:
            return Rejected(words, hint=hint, detail=detail)
        case Reaction.REAUTH | Reaction.HUMAN:
            return NotAuthorised(words, hint=hint, detail=detail)
        case Reaction.WAIT:
            return RateLimited(words, hint=hint, detail=detail, retry_after=wait, about_us=True)
        case Reaction.NOT_READY:
            return Unavailable(words, hint=hint, detail=detail, retry_after=wait)
        case _ if publishing:
            return OutcomeUnknown(words, hint=hint, detail=detail, stops=rule.hidden is Reaction.HUMAN)
        case _:
            return Unavailable(words, hint=hint, detail=detail, retry_after=wait)


def reaction_of(error: PublishError) -> Reaction | None:
    """The reaction behind one of our errors; None when Meta said nothing (time-out, no connection)."""
    return error.__cause__.reaction if isinstance(error.__cause__, Refusal) else None


def rule_of(error: PublishError) -> Rule | None:
    """The row behind one of our errors; None when Meta said nothing."""
    return error.__cause__.rule if isinstance(error.__cause__, Refusal) else None


def other_token_may_read(error: PublishError) -> bool:
    """Whether Meta's answer to a read says nothing before the account's other token was tried."""
    return isinstance(error.__cause__, Refusal) and error.__cause__.rule.other_token


def wait_from(header: str | None) -> timedelta | None:
    """The longest wait that `X-Business-Use-Case-Usage` asks for, in its minutes; None when it asks for none.

    Meta, "Rate limits" (developers.facebook.com/docs/graph-api/overview/rate-limiting, read 2026-09-11).
    """
    try:
        usage = json.loads(header or "{}")
        entries = [entry for entries in usage.values() for entry in entries]
        minutes = [float(entry.get("estimated_time_to_regain_access") or 0) for entry in entries]
        longest = max(minutes, default=0.0)
        return timedelta(minutes=min(longest, 24 * 60)) if longest > 0 else None
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None
