"""A newsroom in which a person or a program connects accounts, against the stateful fake of Meta."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.support.fast_ledger import empty
from tests.support.graph_fake import GraphFake
from veille import i18n
from veille.credentials import opened, variable
from veille_cli.application import build
from veille_cli.output import Talk

TOML = """\
# Our newsroom. « Ne pas effacer. »
[workspace]
name = "Essai"
language = "en"
base_url = "https://letter.example.org"

[facebook]  # the page
slots = ["monday 12:30"]  # lunch
"""


class Desk:
    """A newsroom, and `veille` in it."""

    def __init__(self, root: Path, fake: GraphFake, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.fake, self.patch = root, fake, monkeypatch
        (root / "veille.toml").write_text(TOML, encoding="utf-8")
        (root / "outbox").mkdir()
        (root / "outbox/outbox.sqlite3").write_bytes(empty())
        monkeypatch.setenv("COLUMNS", "200")
        environ = {"WORKSPACE": str(root), "FACEBOOK__API_URL": fake.url, "INSTAGRAM__API_URL": fake.url}
        for name, value in environ.items():
            monkeypatch.setenv(f"VEILLE_{name}", value)
        monkeypatch.chdir(root)
        i18n.activate("en")

    def veille(self, *args: str, typed: tuple[str, ...] | None = None, **environ: Any) -> Any:
        """Run it; with `typed` a person sits before it."""
        with self.patch.context() as patch:
            for name, value in environ.items():
                patch.setenv(f"VEILLE_{name}", value)
            if typed is not None:
                patch.setattr(Talk, "interactive", True)
            return CliRunner().invoke(build(), list(args), input="\n".join((*(typed or ()), "")))

    def kept(self) -> dict[str, str]:
        """What the store of tokens holds."""
        return opened(self.root).load()

    def toml(self) -> str:
        """veille.toml as it is now."""
        return (self.root / "veille.toml").read_text(encoding="utf-8")

    @property
    def app(self) -> tuple[str, str]:
        """What a person types for the app."""
        return self.fake.world.app_id, self.fake.world.secret

    def scripted(self, *args: str, token: str = "", **environ: str) -> Any:
        """Without a person: the token in a file, the secret in the environment."""
        path = self.root / "token.txt"
        path.write_text(f"{token}\n", encoding="utf-8")
        values = {"FACEBOOK__APP_ID": self.app[0], "FACEBOOK__APP_SECRET": self.app[1], **environ}
        extra = ("--token-file", str(path)) if token else ()
        return self.veille("connect", *args, *extra, "--json", typed=None, **values)


def data(ran: Any) -> dict[str, Any]:
    """`data` of what a command printed with --json."""
    found = json.loads(ran.output)["data"]
    assert isinstance(found, dict)
    return found


def name(section: str, key: str) -> str:
    """Under which name the store keeps a key."""
    return variable(section, key)
