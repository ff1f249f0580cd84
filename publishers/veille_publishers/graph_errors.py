"""What Meta's error codes mean for us, as data: which reaction, which words.

Source: Meta, "Handling errors" (developers.facebook.com/docs/graph-api/guides/error-handling, read 2026-09-11)
and "Instagram Platform error codes" (page of 2026-06-02). The reactions are our judgement. The same code means
something else on a step that becomes public: there, whatever may have been carried out is looked at first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from veille.errors import NotAuthorised, OutcomeUnknown, PublishError, RateLimited, Rejected, Unavailable
from veille.i18n import gettext as _


class Reaction(StrEnum):
    """What an answer calls for."""

    SAFE_RETRY = "safe-retry"  # nothing visible can have happened
    RECONCILE = "reconcile"  # look whether it was carried out
    WAIT = "wait"  # a throttle or quota refused it before anything was written
    NEW_CONTAINER = "new-container"  # this Instagram container is of no more use
    NOT_READY = "not-ready"  # the same call again, a little later
    REAUTH = "reauth"  # the access must be renewed
    HUMAN = "human"  # somebody must log in at Facebook or Instagram
    PERMANENT = "permanent"  # the post must change


@dataclass(frozen=True)
class Rule:
    """One row of the table.

    Args:
        public: the reaction when the call makes something public.
        hidden: the reaction for reads and invisible steps.
        words: what happened, for people, in English (translated when shown).
        hint: what to do about it.
        wait: how long, when the answer does not say.
    """

    public: Reaction
    hidden: Reaction
    words: str
    hint: str = ""
    wait: timedelta | None = None


def N_(message: str) -> str:
    """Mark a text of the table for the catalogue."""
    return message


def _rule(reaction: Reaction, words: str, hint: str = "", wait: timedelta | None = None) -> Rule:
    return Rule(reaction, reaction, words, hint, wait)


_CONNECT = N_("renew the access with `veille connect`; the queue is kept")
_LOG_IN = N_("log in at facebook.com or in the app, follow what it asks, then `veille outbox resume`")
_LATER = N_("nothing to do: it is tried again later")
_LOOK = N_("nothing to do: veille looks at the page before it tries again")
_PICTURE = N_("replace the picture in the front matter and publish again")

_UNKNOWN = Rule(
    Reaction.RECONCILE,
    Reaction.SAFE_RETRY,
    N_("Meta answered with an error that does not say what happened"),
    _LOOK,
)
_UNSURE = Rule(Reaction.RECONCILE, Reaction.SAFE_RETRY, N_("Meta had a fault of its own"), _LOOK)
_THROTTLE = _rule(Reaction.WAIT, N_("Meta asks us to slow down"), _LATER)
_TOKEN = _rule(Reaction.REAUTH, N_("Meta no longer accepts our access"), _CONNECT)
_PERMISSION = _rule(Reaction.REAUTH, N_("the access lacks a permission for this page or account"), _CONNECT)
_BLOCKED = _rule(Reaction.HUMAN, N_("Meta has restricted this account for now"), _LOG_IN)
_DAMAGED = Rule(Reaction.RECONCILE, Reaction.NEW_CONTAINER, N_("Instagram could not use what we prepared"), _LATER)
_HIDDEN_FAULT = Rule(Reaction.RECONCILE, Reaction.SAFE_RETRY, N_("Instagram could not prepare the post"), _LATER)

_NOT_READY = _rule(Reaction.NOT_READY, N_("Instagram is still preparing the post"), _LATER, timedelta(seconds=30))
_TOO_BIG = _rule(Reaction.PERMANENT, N_("a picture is too big for Instagram"), _PICTURE)
_NOT_JPEG = _rule(Reaction.PERMANENT, N_("Instagram accepts JPEG pictures only"), _PICTURE)
_WRONG_SHAPE = _rule(Reaction.PERMANENT, N_("a picture is too narrow or too wide for Instagram"), _PICTURE)
_TOO_LONG = _rule(
    Reaction.PERMANENT,
    N_("the caption is too long for Instagram"),
    N_("shorten instagram.caption and publish again"),
)

Key = tuple[int | None, int | None]

# (code, subcode); None matches any. The most exact row wins: both, subcode alone, code alone.
TABLE: Mapping[Key, Rule] = {
    (1, None): _UNSURE,
    (2, None): _UNSURE,
    (3, None): _PERMISSION,
    **{(code, None): _THROTTLE for code in (4, 17, 32, 341, 613, 80001, 80002)},
    (4, 2207051): Rule(Reaction.RECONCILE, Reaction.HUMAN, N_("Instagram took this for spam"), _LOG_IN),
    (10, None): _PERMISSION,
    **{(code, None): _PERMISSION for code in range(200, 300)},
    (100, None): _rule(
        Reaction.PERMANENT,
        N_("Meta does not accept the content of this post"),
        N_("change the post and publish again"),
    ),
    (100, 33): Rule(
        Reaction.RECONCILE,
        Reaction.REAUTH,
        N_("Meta does not show us this object; the access may lack a permission"),
        _CONNECT,
    ),
    (102, None): _TOKEN,
    (104, None): _rule(
        Reaction.REAUTH,
        N_("Meta does not accept our signature"),
        N_("check app_secret: it must belong to the app of the token"),
    ),
    (190, None): _TOKEN,
    (190, 458): _rule(Reaction.REAUTH, N_("our app was removed from the account"), _CONNECT),
    (190, 459): _BLOCKED,
    (190, 460): _rule(Reaction.REAUTH, N_("the password was changed, so our access ended"), _CONNECT),
    (190, 463): _rule(Reaction.REAUTH, N_("our access has expired"), _CONNECT),
    (190, 464): _BLOCKED,
    (190, 467): _rule(Reaction.REAUTH, N_("our access was withdrawn"), _CONNECT),
    (190, 492): _rule(Reaction.REAUTH, N_("the person who gave the access has no role on the page any more"), _CONNECT),
    (240, None): _TOKEN,
    (283, None): _PERMISSION,
    (324, None): _rule(Reaction.PERMANENT, N_("Facebook cannot read a picture"), _PICTURE),
    (368, None): _BLOCKED,
    (368, 1390008): _rule(Reaction.WAIT, N_("Meta asks us to slow down"), _LATER, timedelta(hours=1)),
    (506, None): Rule(
        Reaction.RECONCILE, Reaction.PERMANENT, N_("Facebook says that this text was just posted"), _LOOK
    ),
    (2500, None): _rule(
        Reaction.PERMANENT,
        N_("Meta did not understand the request"),
        N_("check api_version, page_id and user_id in veille.toml"),
    ),
    (1609005, None): _rule(
        Reaction.NOT_READY,
        N_("Facebook could not open the link"),
        N_("check that the page is on line; it is tried again"),
    ),
    (None, 1609005): _rule(
        Reaction.NOT_READY,
        N_("Facebook could not open the link"),
        N_("check that the page is on line; it is tried again"),
    ),
    (None, 1366046): _rule(Reaction.PERMANENT, N_("a picture is too big for Facebook"), _PICTURE),
    (None, 1366051): Rule(
        Reaction.RECONCILE, Reaction.PERMANENT, N_("Facebook says that this was already posted"), _LOOK
    ),
    (None, 1346003): _rule(
        Reaction.PERMANENT,
        N_("Facebook takes this text for abusive"),
        N_("change the post and publish again"),
    ),
    (None, 1404006): _BLOCKED,
    (None, 1404112): _BLOCKED,
    (None, 1404078): _BLOCKED,
    # Instagram
    (-2, 2207003): Rule(
        Reaction.RECONCILE, Reaction.SAFE_RETRY, N_("Instagram took too long to fetch a picture"), _LATER
    ),
    (-2, 2207020): _DAMAGED,
    (-1, 2207001): _UNSURE,
    (-1, 2207032): _HIDDEN_FAULT,
    (-1, 2207053): _DAMAGED,
    (None, 2207082): _DAMAGED,
    (9, 2207042): _rule(
        Reaction.WAIT,
        N_("the account has reached Instagram's number of posts for one day"),
        _LATER,
        timedelta(hours=1),
    ),
    (24, 2207006): _DAMAGED,
    (24, 2207008): _DAMAGED,
    (25, 2207050): _BLOCKED,
    (100, 2207028): _rule(
        Reaction.PERMANENT, N_("an Instagram post with several pictures has 2 to 10 of them"), _PICTURE
    ),
    (100, 2207040): _rule(
        Reaction.PERMANENT,
        N_("there are too many mentions or hashtags for Instagram"),
        N_("shorten the caption and publish again"),
    ),
    (9004, None): Rule(
        Reaction.RECONCILE,
        Reaction.SAFE_RETRY,
        N_("Instagram could not fetch a picture from our site"),
        N_("check that media_base_url shows the folder outbox/media to everybody; it is tried again"),
    ),
    (9007, None): _NOT_READY,
    (36000, None): _TOO_BIG,
    (None, 2207004): _TOO_BIG,
    (36001, None): _NOT_JPEG,
    (None, 2207005): _NOT_JPEG,
    (36003, None): _WRONG_SHAPE,
    (None, 2207009): _WRONG_SHAPE,
    (36004, None): _TOO_LONG,
    (None, 2207010): _TOO_LONG,
}

# Where Meta says the cause in words only: (code, a part of the message).
BY_TEXT: tuple[tuple[int, str, Rule], ...] = (
    (100, "appsecret_proof", TABLE[104, None]),
    (
        200,
        "as the page itself",
        _rule(
            Reaction.REAUTH,
            N_("this is the access of a person, but Facebook wants that of the page"),
            _CONNECT,
        ),
    ),
)

BY_STATUS: Mapping[int, Rule] = {401: _TOKEN, 429: _THROTTLE}


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
    text = str(error.get("message", ""))
    for wanted, part, rule in BY_TEXT:
        if code == wanted and part in text:
            return rule
    if (code, None) in TABLE:
        return TABLE[code, None]
    if error.get("is_transient") is True:
        return _UNSURE
    return BY_STATUS.get(status, _UNKNOWN)


def rule_in(status_text: str) -> Rule:
    """The row for the subcode inside the `status` text of an Instagram container that failed."""
    for number in re.findall(r"\b22\d{5}\b", status_text):
        for (_code, subcode), rule in TABLE.items():
            if subcode == int(number):
                return rule
    return _DAMAGED


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


def _error(reaction: Reaction, rule: Rule, publishing: bool, detail: str, wait: timedelta | None) -> PublishError:
    words, hint = _(rule.words), _(rule.hint) or None
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
            return OutcomeUnknown(words, hint=hint, detail=detail)
        case _:
            return Unavailable(words, hint=hint, detail=detail, retry_after=wait)


def reaction_of(error: PublishError) -> Reaction | None:
    """The reaction behind one of our errors; None when Meta said nothing (time-out, no connection)."""
    return error.__cause__.reaction if isinstance(error.__cause__, Refusal) else None


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
    except (ValueError, TypeError, AttributeError):
        return None


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
