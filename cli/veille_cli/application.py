"""The Typer application.

Commands are registered from modules whose top level imports nothing heavy: `veille --help` and tab completion must
start at once (a test pins what they load).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from veille import __version__
from veille.i18n import gettext as _
from veille_cli.commands import (
    approve,
    bounces,
    check,
    connect,
    doctor,
    export,
    init,
    log,
    new,
    outbox,
    partners,
    preview,
    publish,
    run,
    serve,
    status,
    subscribers,
    test,
)
from veille_cli.usage import VeilleCommand, VeilleGroup


def build() -> typer.Typer:
    """Make the Typer application, in the active language."""
    app = typer.Typer(
        name="veille",
        cls=VeilleGroup,
        help=_("One Markdown post reaches every reader, on every channel, once."),
        epilog=_(
            "Exit codes: 0 done · 1 failed · 2 usage · 3 content or settings invalid, nothing sent · 4 partly done · "
            "75 try again later · 130 interrupted"
        ),
        no_args_is_help=True,
        rich_markup_mode=None,  # Typer's boxes load a Markdown parser: twice the time of everything else in --help
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def _root(
        workspace: Annotated[
            Path | None,
            typer.Option(
                "-C",
                "--workspace",
                metavar="DIR",
                help=_("The newsroom's folder (default: the nearest with veille.toml)."),
            ),
        ] = None,
        _version: Annotated[
            bool, typer.Option("--version", help=_("Show the version."), is_eager=True, callback=_show_version)
        ] = False,
    ) -> None:
        if workspace is not None:
            os.environ["VEILLE_WORKSPACE"] = str(workspace)

    for module in (init, check, approve, preview, publish, run, serve, status, doctor, connect, log, test, bounces):
        app.command(name=module.__name__.rpartition(".")[2], cls=VeilleCommand)(module.command)
    for group in (new, outbox, partners, subscribers, export):
        app.add_typer(group.make(), name=group.__name__.rpartition(".")[2])
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"veille {__version__}")
        raise typer.Exit
