"""`veille --help` and Tab start at once: what they do not need they do not load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.workspace import TOML, clean_environment, finish, newsroom

HEAVY = {
    "requests",
    "jinja2",
    "lxml",
    "feedgen",
    "sqlalchemy",
    "markdown_it",
    "starlette",
    "PIL",
    "mjml",
    "alembic",
    "cryptography",
}
PROGRAM = """
import atexit, sys
atexit.register(lambda: print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr))
sys.argv[0] = "veille"
from veille_cli.app import main
main()
"""
COMPLETION = {"_VEILLE_COMPLETE": "complete_bash", "COMP_WORDS": "veille pub", "COMP_CWORD": "1"}


def loaded(folder: Path, *args: str, **env: str) -> tuple[str, set[str]]:
    """What the command prints, and the top-level modules it loaded."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *args],
        cwd=folder,
        env=clean_environment(folder, env),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout, set(ran.stderr.split())


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["publish", "--help"], ["outbox", "--help"]])
def test_help_loads_nothing_heavy(tmp_path: Path, args: list[str]) -> None:
    (tmp_path / "veille.toml").write_text(TOML, encoding="utf-8")
    out, modules = loaded(tmp_path, *args)
    assert "veille" in out
    assert modules & HEAVY == set()


def test_completion_loads_nothing_heavy(tmp_path: Path) -> None:
    out, modules = loaded(tmp_path, **COMPLETION)
    assert out.split() == ["publish"]
    assert modules & HEAVY == set()


def test_the_test_itself_would_see_them(tmp_path: Path) -> None:
    (tmp_path / "veille.toml").write_text(TOML, encoding="utf-8")
    _out, modules = loaded(tmp_path, "status")
    assert "sqlalchemy" in modules


def test_each_command_loads_what_it_needs(tmp_path: Path) -> None:
    """Those that test_cli_json, which starts each command cold once, does not start."""
    workspace = newsroom(tmp_path / "essai")
    workspace.write("content/posts/appel.md", "---\ntitle: Un appel\nauthor: Jeanne Exemple\n---\n\nViens !\n")
    calls = ("log", "partners due", "approve content/posts/appel.md --as Amel", "new post Demain")
    for ran in [finish(process) for process in [workspace.start(*call.split()) for call in calls]]:
        assert ran.code == 0, ran
        assert "Traceback" not in ran.err
