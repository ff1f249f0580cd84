"""The language of messages: English in the source, catalogues in `locale/`.

`activate` is called once, before the command line is built, because Typer reads help texts at import.
"""

from __future__ import annotations

import gettext as _gettext
from pathlib import Path

LOCALE_DIR = Path(__file__).parent / "locale"

_translations: _gettext.NullTranslations = _gettext.NullTranslations()


def activate(language: str) -> None:
    """Choose the catalogue for `language` ("fr", "fr_FR.UTF-8"); English when there is none."""
    global _translations
    short = language.replace("-", "_").split("_")[0].split(".")[0].lower()
    _translations = _gettext.translation("veille", LOCALE_DIR, languages=[short], fallback=True)


def gettext(message: str) -> str:
    """The message in the active language. Imported as `_`."""
    return _translations.gettext(message) if message else ""


def ngettext(singular: str, plural: str, number: int) -> str:
    """The message for `number` things in the active language."""
    return _translations.ngettext(singular, plural, number)
