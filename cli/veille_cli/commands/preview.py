"""`veille preview`: how each channel will look."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from veille.i18n import gettext as _
from veille_cli.output import Answer, Talk, answers

if TYPE_CHECKING:
    from veille.errors import VeilleError
    from veille_cli.wiring import Newsroom
    from veille_web.preview import Preview


@answers
def command(
    path: Annotated[
        Path | None, typer.Argument(metavar="[PATH]", help=_("Only this post or edition (default: everything)."))
    ] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help=_("Do not open the browser."))] = False,
    *,
    talk: Talk,
) -> Answer:
    """Show how each channel will look, drafts included, live while you type. Nothing is queued."""
    from veille_cli.wiring import newsroom
    from veille_web.preview import Preview

    with newsroom() as room:
        preview = Preview(room.clock, [path] if path else [])
        if not (talk.interactive and sys.stdout.isatty()):
            return _once(preview, room)
        _live(preview, room, talk, no_open=no_open)
    return Answer(text=[_("The preview has stopped.")])


def _once(preview: Preview, room: Newsroom) -> Answer:
    """Build, and say where to look."""
    from veille_publishers.files import mirror
    from veille_web.preview import OWNER
    from veille_web.preview_server import folder_of

    files = preview.build(room.config)
    folder = folder_of(room.config)
    mirror(folder, files, OWNER)
    index = folder / "index.html"
    pages = sum(name.startswith(("posts/", "editions/")) and name.endswith("/index.html") for name in files)
    return Answer(data={"index": str(index), "pages": pages}, text=[str(index)])


def _live(preview: Preview, room: Newsroom, talk: Talk, *, no_open: bool) -> None:
    """Serve until Ctrl-C."""
    from veille import config as settings
    from veille_web.preview_server import show

    def started(url: str) -> None:
        talk.say(_("The preview is at {url}").format(url=url), _("It follows what you type. Ctrl-C stops it."))
        if not no_open and _has_screen():
            import webbrowser

            webbrowser.open(url)

    show(
        preview,
        room.config,
        lambda: settings.load(room.config.root, os.environ),
        started=started,
        wait=time.sleep,
        say=lambda error: talk.say(_words(error)),
    )


def _has_screen() -> bool:
    """Whether a browser would open in a window, and not take over this terminal."""
    names = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    return not sys.platform.startswith("linux") or any(os.environ.get(name) for name in names)


def _words(error: VeilleError) -> str:
    return f"veille: {error.message}" + (f"\n    → {error.hint}" if error.hint else "")
