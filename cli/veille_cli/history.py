"""The states and events of deliveries in words; the codes themselves stay as they are in JSON."""

from __future__ import annotations

from veille.i18n import gettext as _
from veille_cli.hosted_words import what_words


def state_word(state: str, code: str = "") -> str:
    """One delivery's state: "sent".

    Args:
        code: what was said last: not everything that is held is in trouble.
    """
    from veille.publishing import BY_HAND

    if (state, code) == ("held", BY_HAND):
        return _("waits for a person")
    if (state, code) == ("sent", "deleted"):
        return _("deleted there")
    return _states().get(state, state)


def event_words(event: str) -> str:
    """One line of a delivery's history: "about to leave", "by hand: send again"."""
    head, found, tail = event.partition("by-hand: ")
    if found and not head:
        return _("by hand: {what}").format(what=_by_hand().get(tail, tail))
    kind, found, outcome = event.partition(": ")
    if found and kind in what_words():
        return _("{what}: {outcome}").format(what=what_words()[kind], outcome=_events().get(outcome, outcome))
    return {**_states(), **_events()}.get(event, event)


def _states() -> dict[str, str]:
    return {
        "ready": _("ready"),
        "claimed": _("in hand"),
        "sending": _("leaving"),
        "unknown": _("unknown"),
        "scheduled": _("scheduled"),
        "sent": _("sent"),
        "failed": _("failed"),
        "cancelled": _("cancelled"),
        "held": _("held"),
    }


def _events() -> dict[str, str]:
    return {
        "intent": _("about to leave"),
        "recovered": _("found after a run that broke off"),
        "released": _("put back"),
        "dropped": _("answer came too late"),
        "found": _("found there: it was out"),
        "absent": _("looked: not there, goes again"),
        "looked": _("looked: nobody can say yet"),
        "resend": _("goes once more"),
        "rewrite": _("written again"),
        "rejected": _("refused"),
        "hard-bounce": _("no such address"),
        "not-authorised": _("access refused"),
        "unavailable": _("not reached"),
        "rate-limited": _("asked to wait"),
        "outcome-unknown": _("no answer"),
        "by-hand": _("a person was asked to post it"),
        "at-its-time": _("not taken ahead: it leaves at its time"),
        "done": _("done"),
    }


def _by_hand() -> dict[str, str]:
    return {
        "retry": _("send again"),
        "cancel": _("cancel"),
        "resolved-sent": _("it is out"),
        "resolved-retry": _("it is not out, send it"),
        "resolved-cancel": _("it is not out, drop it"),
    }
