"""The entry point: the language is chosen first, because help texts are fixed when commands are imported."""

from __future__ import annotations

import gettext
import itertools
import os
import sys
import tomllib
from pathlib import Path

from veille import i18n


def main() -> None:
    """Entry point of the `veille` command."""
    _utf8_streams()
    activate_language(sys.argv[1:])
    from veille_cli.application import build

    build()()


def activate_language(argv: list[str]) -> None:
    """Choose the catalogue before Typer is imported: its constants and our help texts are fixed at import."""
    language = os.environ.get("VEILLE_WORKSPACE__LANGUAGE") or _workspace_language(argv) or _locale_language()
    i18n.activate(language)
    os.environ["LANGUAGE"] = language
    gettext.bindtextdomain("veille", str(i18n.LOCALE_DIR))
    gettext.textdomain("veille")


def _workspace_language(argv: list[str]) -> str:
    """`[workspace] language` of the workspace at hand, without reading anything else."""
    start = Path(os.environ.get("VEILLE_WORKSPACE") or ".")
    for flag, value in itertools.pairwise(argv):
        if flag in ("-C", "--workspace"):
            start = Path(value)
    for folder in (start.absolute(), *start.absolute().parents):
        try:
            settings = tomllib.loads((folder / "veille.toml").read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError):
            return ""
        workspace = settings.get("workspace")
        return str(workspace.get("language", "fr")) if isinstance(workspace, dict) else "fr"
    return ""


def _locale_language() -> str:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "en" if value in ("C", "POSIX") or value.startswith("C.") else value
    return "en"


def _utf8_streams() -> None:
    """Output into a Windows pipe is cp1252, which has no ✓ and no narrow space: never fail on that."""
    for stream in (sys.stdout, sys.stderr):
        if (stream.encoding or "").lower() not in ("utf-8", "utf8") and hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
