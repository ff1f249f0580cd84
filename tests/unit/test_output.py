"""What a terminal gets: words of others are words, never instructions."""

from __future__ import annotations

import pytest

from veille.errors import VeilleError
from veille_cli.output import Talk, refuse, table

TITLE = "[/red] [bold]Bourse[/bold] :bike: \x1b[31m\x9b2J\x07"


@pytest.mark.parametrize("way", ["talk", "refusal", "table"])
def test_a_title_changes_nothing_on_the_terminal(capsys: pytest.CaptureFixture[str], way: str) -> None:
    talk = Talk(json=False, debug=False)
    if way == "refusal":
        refuse(VeilleError(TITLE, hint=TITLE), "publish", talk)
    else:
        talk.say(TITLE if way == "talk" else table("title", rows=[(TITLE,)]))
    said = capsys.readouterr().err
    assert "[/red] [bold]Bourse[/bold] :bike: " in said
    assert not {"\x1b", "\x9b", "\x07"} & set(said)
