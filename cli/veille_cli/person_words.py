"""What is held about one person, in words: it is printed to be handed over (GDPR, article 15)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from veille.i18n import gettext as _
from veille_cli.history import state_word
from veille_cli.output import table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from veille.config import Config

ROWS = ("deliveries", "bounces")  # lists of rows have tables of their own
MOMENTS = ("at", "since", "left_at", "erased_at", "asked_at", "last_mail", "due", "sent")


def about(held: Mapping[str, Any], config: Config) -> list[RenderableType]:
    """Everything of `veille.subscribers.held_about` as tables, in the newsroom's language and hours."""
    shown: list[RenderableType] = [table(_("what"), _("value"), rows=list(_flat(held, config)))]
    for name, words in (("deliveries", _("Letters")), ("bounces", _("Mail that came back"))):
        if held[name]:
            columns: list[str] = list(held[name][0])
            rows = [[_value("delivery" if c == "state" else c, row[c], config) for c in columns] for row in held[name]]
            shown += ["", words, table(*(_labels()[column] for column in columns), rows=rows)]
    return shown


def _flat(values: Mapping[str, Any], config: Config, prefix: str = "") -> list[tuple[str, str]]:
    """Nested values as lines; those that are empty are left out."""
    lines: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, dict):
            lines += _flat(value, config, f"{prefix}{name}.")
        elif name not in ROWS:
            lines.append((_labels().get(f"{prefix}{name}", f"{prefix}{name}"), _value(name, value, config)))
    return [line for line in lines if line[1]]


def _value(name: str, value: Any, config: Config) -> str:
    """One value as a reader of letters would say it."""
    if not value:
        return ""
    if value is True:
        return _("yes")
    if isinstance(value, list):
        return ", ".join(str(config.towns.get(part, part)) for part in value)
    if name in MOMENTS:
        return f"{datetime.fromisoformat(value).astimezone(config.zone):%d/%m/%Y %H:%M}"
    if name == "delivery":
        return state_word(str(value))
    return _words().get(str(value), str(value)) if name in ("state", "age", "audience", "reason") else str(value)


def _words() -> dict[str, str]:
    return {
        "subscribed": _("receives the letter"),
        "unsubscribed": _("has left"),
        "bounced": _("the address does not exist"),
        "complained": _("called the letter spam"),
        "complaint": _("called the letter spam"),
        "under-15": _("under 15"),
        "15-or-over": _("15 or over"),
        "young": _("For 11 to 25 year-olds"),
        "families": _("For families"),
        "professionals": _("For professionals"),
    }


def _labels() -> dict[str, str]:
    return {
        "reader.email": _("address"),
        "reader.state": _("state"),
        "reader.language": _("language"),
        "reader.towns": _("towns"),
        "reader.audience": _("audience"),
        "reader.text_only": _("text only"),
        "reader.age": _("age"),
        "reader.consent.at": _("agreed on"),
        "reader.consent.how": _("agreed by"),
        "reader.consent.text": _("words agreed to"),
        "reader.consent.parental": _("agreement of a parent"),
        "reader.left_at": _("left on"),
        "request.email": _("address"),
        "request.asked_at": _("asked to subscribe on"),
        "request.state": _("state of the request"),
        "request.mails": _("confirmation mails"),
        "request.last_mail": _("last one on"),
        "request.consent_text": _("words agreed to"),
        "stays_away.reason": _("stays away because"),
        "stays_away.since": _("stays away since"),
        "erased_at": _("erased on"),
        "id": _("id"),
        "title": _("title"),
        "state": _("state"),
        "due": _("due"),
        "sent": _("sent on"),
        "error": _("what was said"),
        "at": _("when"),
        "kind": _("what"),
        "code": _("code"),
        "text": _("what was said"),
    }
