"""What a terminal gets: words of others are words, never instructions."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from veille.errors import VeilleError
from veille.planning import Owed, Plan
from veille_cli.commands.publish import _way_round
from veille_cli.output import Talk, refuse, table

TITLE = "[/red] [bold]Bourse[/bold] :bike: \x1b[31m\x9b2J\x07\u202edroite\u2066"


@pytest.mark.parametrize("way", ["talk", "refusal", "table"])
def test_a_title_changes_nothing_on_the_terminal(capsys: pytest.CaptureFixture[str], way: str) -> None:
    talk = Talk(json=False, debug=False)
    if way == "refusal":
        refuse(VeilleError(TITLE, hint=TITLE), "publish", talk)
    else:
        talk.say(TITLE if way == "talk" else table("title", rows=[(TITLE,)]))
    said = capsys.readouterr().err
    assert "[/red] [bold]Bourse[/bold] :bike: " in said
    assert not {"\x1b", "\x9b", "\x07", "\u202e", "\u2066"} & set(said)


def test_a_command_to_copy_holds_file_names_and_nothing_to_run() -> None:
    evil = "content/posts/repas $(reboot) d'hiver.md"
    owed = [
        Owed("web", "x", "", "x", datetime(2026, 11, 25, tzinfo=UTC), post=SimpleNamespace(file=file))  # type: ignore[arg-type]
        for file in (evil, "content/posts/b.md")
    ]
    room = SimpleNamespace(library=SimpleNamespace(posts=()))
    said = _way_round(Plan(tuple(owed)), {"content/posts/b.md"}, room)  # type: ignore[arg-type]
    command = said.partition("veille publish ")[2]
    assert shlex.split(command.rstrip("`")) == [evil]
