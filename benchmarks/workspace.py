"""A newsroom for measuring: one letter of about 60 KB, N invented readers, everything through the command line."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

VEILLE = str(Path(sys.executable).parent / "veille")
BASE_URL = "https://letter.example.org"
POSTS = 10  # with PARAGRAPHS: a letter of about 60 KB
PARAGRAPHS = 5
EDITION = "lettre-de-mesure.md"
_TOML = f"""\
[workspace]
name = "Mesures"
base_url = "{BASE_URL}"

[newsletter]
from = "Mesures <lettre@example.org>"
reply_to = "redaction@example.org"
send_window = ""
"""
_TEXT = (
    "la ville ouvre une salle calme pour réviser avec un goûter et des livres chaque mercredi après midi sans "
    "rendez vous ni dossier tu viens seul ou avec un ami on t’écoute on t’aide à chercher un stage un vélo un toit "
    "les portes restent ouvertes jusqu’au soir et l’équipe répond à toutes les questions même les plus petites"
)
_WORDS = _TEXT.split()


@dataclass(frozen=True)
class Newsroom:
    """A workspace folder and the environment in which its commands run."""

    root: Path
    environ: Mapping[str, str]

    @property
    def ledger(self) -> Path:
        """The SQLite file."""
        return self.root / "outbox" / "outbox.sqlite3"

    @property
    def edition(self) -> str:
        """The path of the letter's file."""
        return str(self.root / "content" / "editions" / EDITION)

    def command(self, *words: str) -> list[str]:
        """The command line of one `veille` command here."""
        return [VEILLE, "-C", str(self.root), *words]

    def run(self, *words: str) -> str:
        """Run one command to its end and give its stdout.

        Raises:
            RuntimeError: it failed; the message is what it said.
        """
        done = subprocess.run(self.command(*words), env=self.environ, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"veille {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def states(self) -> dict[str, int]:
        """How many deliveries the ledger has in each state."""
        with sqlite3.connect(self.ledger) as ledger:
            return dict(ledger.execute("SELECT state, COUNT(*) FROM delivery GROUP BY state").fetchall())

    def copy(self, to: Path, **more: str) -> Newsroom:
        """The same newsroom once more, with other environment variables."""
        shutil.copytree(self.root, to)
        return Newsroom(to, {**self.environ, **more})


def environment(**more: str) -> dict[str, str]:
    """This process's environment without anything that would steer `veille`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VEILLE_")}
    return {**kept, **more}


def smtp(port: int, connections: int) -> dict[str, str]:
    """The variables that send the letter to a sink on loopback."""
    url = f"smtp://127.0.0.1:{port}?tls=none&connections={connections}"
    return {"VEILLE_NEWSLETTER__TRANSPORT": "smtp", "VEILLE_NEWSLETTER__SMTP_URL": url}


def dkim_key() -> str:
    """A fresh RSA key of 2048 bits, as PEM."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode()


def dkim(key: str) -> dict[str, str]:
    """The variables that sign the letter."""
    return {
        "VEILLE_NEWSLETTER__DKIM_DOMAIN": "example.org",
        "VEILLE_NEWSLETTER__DKIM_SELECTOR": "bench",
        "VEILLE_NEWSLETTER__DKIM_KEY": key,
    }


def sample(root: Path) -> Path:
    """The letter to one reader, as the sandbox writes it: a file with its exact bytes."""
    newsroom = make(root, 1)
    newsroom.run("publish", newsroom.edition, "--at", "now", "--yes")
    newsroom.run("run", "--once")
    return next(root.glob("outbox/newsletter/*/*.eml"))


def due(root: Path, readers: int) -> Newsroom:
    """A newsroom in which one letter to so many readers is due by SMTP; nothing has left."""
    newsroom = make(root, readers, **smtp(9, 1))
    newsroom.run("publish", newsroom.edition, "--at", "now", "--yes")
    return newsroom


def make(root: Path, readers: int, **environ: str) -> Newsroom:
    """Write the content and a CSV of readers, and import it. Publishing is the caller's step."""
    newsroom = Newsroom(root, environment(**environ))
    _write_content(root)
    table = root / "readers.csv"
    with table.open("w", encoding="utf-8") as file:
        file.write("email,language,towns,audience,text_only\n")
        file.writelines(f"reader{number:07}@example.org,fr,,,false\n" for number in range(readers))
    newsroom.run("subscribers", "import", str(table))
    return newsroom


def _write_content(root: Path) -> None:
    rng = random.Random(3)
    for name in ("posts", "editions", "partners", "media"):
        (root / "content" / name).mkdir(parents=True)
    (root / "veille.toml").write_text(_TOML, encoding="utf-8")
    (root / "content" / "helplines.yaml").write_text("helplines: []\n", encoding="utf-8")
    names = [f"mesure-{number:02}" for number in range(POSTS)]
    for number, name in enumerate(names):
        body = "\n\n".join(_sentence(rng, 45) for _ in range(PARAGRAPHS))
        front = f'title: "Mesure {number}, {_sentence(rng, 5)}"\nsummary: "{_sentence(rng, 14)}"\nkind: news'
        (root / "content" / "posts" / f"{name}.md").write_text(f"---\n{front}\n---\n\n{body}\n", encoding="utf-8")
    front = f"title: Lettre de mesure\nposts: [{', '.join(names)}]"
    text = f"---\n{front}\n---\n\n{_sentence(rng, 40)}\n"
    (root / "content" / "editions" / EDITION).write_text(text, encoding="utf-8")


def _sentence(rng: random.Random, words: int) -> str:
    return " ".join(rng.choice(_WORDS) for _ in range(words)).capitalize() + "."
