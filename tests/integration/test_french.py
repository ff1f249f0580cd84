"""French is what people see who ask for it, and programs read the same in every language.

The real command in a process of its own: help texts and Typer's words are fixed when it starts.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# Words of every English sentence which are no French words.
ENGLISH = re.compile(
    r"\b(the|of|and|is|are|this|that|to|with|what|which|it|for|from|where|be|not|no|has|have|nothing|there|default)\b",
    re.IGNORECASE,
)
HELP_OF_ALL = """
from veille_cli.app import activate_language
activate_language([])
import typer
from veille_cli.application import build
def show(command, context):
    print(command.get_help(context))
    for name, child in getattr(command, "commands", {}).items():
        show(child, child.context_class(child, info_name=name, parent=context))
root = typer.main.get_command(build())
show(root, root.context_class(root, info_name="veille"))
"""
RUN = "import sys; sys.argv[0] = 'veille'; from veille_cli.app import main; main()"


@pytest.fixture
def newsroom(tmp_path: Path) -> Path:
    (tmp_path / "content/posts").mkdir(parents=True)
    (tmp_path / "veille.toml").write_text('[workspace]\nname = "Essai"\n\n[web]\n', encoding="utf-8")
    post = "---\ntitle: Bonjour\ntwons: [Bagneux]\n---\nDu texte.\n"
    (tmp_path / "content/posts/2026-11-20-a.md").write_text(post, encoding="utf-8")
    return tmp_path


def veille(folder: Path, *words: str, code: str = RUN, **environ: str) -> tuple[int, str]:
    """The real command in a process of its own: (exit code, all it says)."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("VEILLE_", "LC_", "LANG"))}
    fixed = {"COLUMNS": "120", "TERMINAL_WIDTH": "120", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=folder,
        env={**kept, **fixed, **environ},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


NO_WORDS = re.compile(r"`[^`]*`|--?[a-z-]+|<[^>]*>|\[[a-z-]+\]")


def english(text: str) -> list[str]:
    """Lines with an English word, outside code, codes of findings and placeholders for values."""
    return [line for line in text.splitlines() if ENGLISH.search(NO_WORDS.sub("", line))]


@pytest.mark.parametrize("environ", [{"LANG": "fr_FR.UTF-8"}, {"LC_ALL": "fr"}, {"VEILLE_WORKSPACE__LANGUAGE": "fr"}])
def test_help_of_every_command_is_french(tmp_path: Path, environ: dict[str, str]) -> None:
    code, text = veille(tmp_path, code=HELP_OF_ALL, **environ)
    assert code == 0, text
    assert "Vérifier le contenu" in text
    assert "Montrer cette aide." in text
    assert english(text) == []


@pytest.mark.parametrize(
    ("words", "expected", "says"),
    [
        (["--help"], 0, "Usage\u00a0: veille [OPTIONS] COMMANDE"),
        (["publish", "--help"], 0, "[CHEMIN]..."),
        (["status"], 0, "La boîte d’envoi est vide."),
        (["publsh"], 2, "il n’y a pas de commande publsh\u202f; vouliez-vous dire publish\u202f?"),
        (["publish", "--dry-rum"], 2, "il n’y a pas d’option --dry-rum"),
        (["test", "a.md"], 2, "--to manque"),
        (["publish", "--at"], 2, "--at demande une valeur"),
        (["status", "now"], 2, "mots en trop"),
        (["outbox", "show", "x7"], None, "x7"),
        (["log", "-n", "0"], 2, "-n\u00a0: le plus petit nombre possible est 1"),
        (["serve", "--port", "99999"], 2, "c’est un nombre de 0 à 65535"),
        (["connect", "fax"], 2, "c’est au choix facebook, instagram"),
        (["outbox", "list", "--state", "fax"], 2, "n’est pas un état de publication"),
        (["partners", "list", "--need", "fax"], 2, "food (De quoi manger)"),
        (["outbox", "resolve", "d1", "facebook.com", "--sent"], 2, "--sent\u00a0: facebook.com n’est pas"),
        (["check"], 3, "clé inconnue"),
        (["publish"], 3, "vouliez-vous dire «\u202ftowns\u202f»\u202f?"),
    ],
)
def test_what_people_meet_is_french(newsroom: Path, words: list[str], expected: int | None, says: str) -> None:
    code, text = veille(newsroom, *words)
    assert says in text
    assert english(text) == []
    assert code == expected or (expected is None and code)


def test_the_same_in_english(newsroom: Path) -> None:
    code, text = veille(newsroom, "check", VEILLE_WORKSPACE__LANGUAGE="en")
    assert code == 3
    assert "unknown key" in text
    assert english(text)  # the list of words bites


def shape(value: Any) -> Any:
    """Keys, and the values which are codes for programs; texts become "…"."""
    if isinstance(value, dict):
        fixed = ("code", "status", "command", "severity", "field", "file", "line", "veille")
        return {key: part if key in fixed else shape(part) for key, part in value.items()}
    if isinstance(value, list):
        return [shape(part) for part in value]
    return "…" if isinstance(value, str) else value


@pytest.mark.parametrize(
    "words",
    [
        ["check"],
        ["outbox", "show", "p9"],
        *(pytest.param(words, marks=pytest.mark.soak) for words in (["status"], ["publish", "--dry-run"], ["publsh"])),
    ],
)
def test_programs_read_the_same_in_every_language(newsroom: Path, words: list[str]) -> None:
    read = {}
    for language in ("en", "fr"):
        code, text = veille(newsroom, *words, "--json", VEILLE_WORKSPACE__LANGUAGE=language)
        read[language] = (code, json.loads(text))
    (code_en, english_answer), (code_fr, french_answer) = read["en"], read["fr"]
    assert code_en == code_fr
    assert shape(english_answer) == shape(french_answer)
    if english_answer["errors"]:
        assert english_answer["errors"] != french_answer["errors"]  # the words are translated
