"""Settings written into veille.toml as a careful hand would: these lines, and nothing else of the file."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping

from veille.errors import ConfigError
from veille.i18n import gettext as _

Settings = Mapping[str, Mapping[str, str]]  # section -> key -> text


def lines(settings: Settings) -> list[str]:
    """The lines as a person would type them."""
    found: list[str] = []
    for section, values in settings.items():
        found += [f"[{section}]", *(f"{key} = {_text(value)}" for key, value in values.items())]
    return found


def changed(text: str, settings: Settings) -> str:
    """The file with these settings in it; comments, order and all other lines stay.

    Raises:
        ConfigError: the file has a form in which this cannot be done safely.
    """
    made = text
    for section, values in settings.items():
        for key, value in values.items():
            made = _with(made, section, key, value)
    if not _only_these(text, made, settings):
        raise ConfigError(
            _("veille.toml has a form that veille does not dare to change"),
            hint=_("type these lines into it yourself: {lines}").format(lines=" · ".join(lines(settings))),
        )
    return made


def _with(text: str, section: str, key: str, value: str) -> str:
    eol = "\r\n" if "\r\n" in text else "\n"
    setting = f"{key} = {_text(value)}"
    header = re.search(rf"^[ \t]*\[{re.escape(section)}\][ \t]*(#.*)?\r?$\n?", text, re.MULTILINE)
    if header is None:
        gap = "" if not text or text.endswith(("\n\n", "\r\n\r\n")) else eol if text.endswith("\n") else eol * 2
        return f"{text}{gap}[{section}]{eol}{setting}{eol}"
    start = header.end()
    end = re.compile(r"^[ \t]*\[", re.MULTILINE).search(text, start)
    body = text[start : end.start() if end else len(text)]
    old = re.search(rf"^[ \t]*{re.escape(key)}[ \t]*=[^#\r\n]*", body, re.MULTILINE)
    if old:
        space = re.search(r"[ \t]*$", old[0])
        body = body[: old.start()] + setting + (space[0] if space else "") + body[old.end() :]
    else:
        start_of_body = "" if text[:start].endswith("\n") else eol
        body = f"{start_of_body}{setting}{eol}{body}"
    return text[:start] + body + (text[end.start() :] if end else "")


def _only_these(before: str, after: str, settings: Settings) -> bool:
    """Whether the file says what it said, and these settings."""
    try:
        old, new = tomllib.loads(before), tomllib.loads(after)
    except tomllib.TOMLDecodeError:
        return False
    for section, values in ((section, values) for section, values in settings.items() if values):
        if not isinstance(old.setdefault(section, {}), dict):
            return False
        old[section].update(values)
    return old == new


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # a basic string of TOML has the escapes of JSON
