"""Settings, a template, the program or the folder itself changed: the next start of `run` writes the pages anew."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.support.content import HELPLINES
from tests.support.workspace import TOML, Ran, Workspace
from veille_cli.application import build

NOTHING = "Nothing was due."
POST = "---\ntitle: Soupe\ndate: 2026-11-24\n---\n\nBonjour.\n"


class Desk(Workspace):
    """A newsroom whose pages are public, and whose commands run without a process for each."""

    def veille(self, *args: str, **env: str) -> Ran:
        """Run a command here."""
        result = CliRunner().invoke(build(), args, env=env)
        return Ran(result.exit_code, result.stdout, result.stderr)

    @property
    def web(self) -> Path:
        """Where the pages lie."""
        return self.root / "outbox/web"

    def run(self) -> str:
        """What a start of the pump says."""
        ran = self.veille("run", "--once")
        assert ran.code == 0, ran.err
        return ran.out + ran.err


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk(tmp_path)
    made.write("veille.toml", TOML.replace("[web]\n", '[web]\nowner = "Ville A"\n'))
    made.write("content/helplines.yaml", HELPLINES)
    made.write("content/posts/soupe.md", POST)
    values = {"VEILLE_WORKSPACE": str(tmp_path), "VEILLE_WORKSPACE__SECRET_KEY": "for tests only"}
    for name, value in {**values, "VEILLE_NOW": "2026-11-25T09:00:00+01:00", "COLUMNS": "160"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    assert made.veille("publish", "--channel", "web", "--channel", "feed", "--yes").code == 0
    assert NOTHING not in made.run()
    return made


def test_what_the_law_asks_for_is_right_today_and_not_tomorrow(desk: Desk) -> None:
    before = {path: path.stat().st_mtime_ns for path in desk.web.rglob("*")}
    assert NOTHING in desk.run()
    assert {path: path.stat().st_mtime_ns for path in desk.web.rglob("*")} == before
    desk.write("veille.toml", TOML.replace("[web]\n", '[web]\nowner = "Ville B"\n'))
    desk.write("templates/web/privacy.html.j2", "Ce que le délégué a écrit.")
    desk.run()
    assert "Ville B" in (desk.web / "accessibility/index.html").read_text()
    assert "Ce que le délégué a écrit." in (desk.web / "privacy/index.html").read_text()
    assert NOTHING in desk.run()


def test_a_folder_that_was_damaged_is_whole_again(desk: Desk) -> None:
    page = desk.web / "contacts/index.html"
    content = page.read_bytes()

    def mended(damage: Callable[[], object]) -> bool:
        damage()
        desk.run()
        return page.read_bytes() == content and (desk.web / "feed.xml").is_file()

    assert mended(page.unlink)
    assert mended(lambda: page.write_text("Composez le 0 800 00 00 00", encoding="utf-8"))
    assert mended(lambda: shutil.rmtree(desk.web))
    assert NOTHING in desk.run()
