"""The language of messages: English in the source, catalogues in `locale/`.

`activate` is called once, before the command line is built, because Typer reads help texts at import.
"""

from __future__ import annotations

import errno
import gettext as _gettext
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

LOCALE_DIR = Path(__file__).parent / "locale"

_translations: _gettext.NullTranslations = _gettext.NullTranslations()
_speaking: ContextVar[_gettext.NullTranslations | None] = ContextVar("speaking", default=None)


def activate(language: str) -> None:
    """Choose the catalogue for `language` ("fr", "fr_FR.UTF-8"); English when there is none."""
    global _translations
    _translations = _catalogue(language)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Another language than the active one, for what one reader sees; in this thread or task only."""
    token = _speaking.set(_catalogue(language))
    try:
        yield
    finally:
        _speaking.reset(token)


@cache  # catalogues come with the program: asked for each post, the disk is looked at once
def languages() -> tuple[str, ...]:
    """The languages that veille speaks: that of the source, and those that have a catalogue."""
    return ("en", *sorted(path.parent.parent.name for path in LOCALE_DIR.glob("*/LC_MESSAGES/veille.mo")))


def active() -> str:
    """The language that messages are in now: "en" too where a language was asked for that has no catalogue."""
    return (_speaking.get() or _translations).info().get("language", "en")


def short(language: str) -> str:
    """ "fr" for "fr-FR" and "fr_FR.UTF-8"."""
    return language.replace("-", "_").split("_")[0].split(".")[0].lower()


def gettext(message: str) -> str:
    """The message in the active language. Imported as `_`."""
    return (_speaking.get() or _translations).gettext(message) if message else ""


def ngettext(singular: str, plural: str, number: int) -> str:
    """The message for `number` things in the active language."""
    return (_speaking.get() or _translations).ngettext(singular, plural, number)


@cache
def _catalogue(language: str) -> _gettext.NullTranslations:
    return _gettext.translation("veille", LOCALE_DIR, languages=[short(language)], fallback=True)


def why(error: OSError) -> str:
    """Why the system refused, in the active language: its own words follow the machine's locale, if any.

    Anything rare comes back in the system's words.
    """
    _ = gettext
    words = {
        errno.EACCES: _("permission denied"),
        errno.EEXIST: _("something of this name is there already"),
        errno.EISDIR: _("this is a folder"),
        errno.ELOOP: _("too many symbolic links"),
        errno.ENAMETOOLONG: _("the name is too long"),
        errno.ENOENT: _("there is no such file or folder"),
        errno.ENOSPC: _("the disk is full"),
        errno.ENOTDIR: _("a part of this path is not a folder"),
        errno.EPERM: _("permission denied"),
        errno.EROFS: _("the disk is read-only"),
        errno.ECONNREFUSED: _("connection refused"),
        errno.ECONNRESET: _("connection lost"),
        errno.EHOSTUNREACH: _("no way to this machine"),
        errno.ENETUNREACH: _("no network"),
        errno.ETIMEDOUT: _("no answer came in time"),
        -2: _("no machine has this name"),  # EAI_NONAME of getaddrinfo on Linux
        -3: _("this name cannot be looked up now"),  # EAI_AGAIN
    }
    return words.get(error.errno or 0) or error.strerror or type(error).__name__
