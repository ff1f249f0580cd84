"""What the documents say about settings, commands and files is what is there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from veille.settings import Settings
from veille_cli.application import build

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")])
SETTINGS = {name: field.annotation for name, field in Settings.model_fields.items()}
ALIASES = {field.alias or name: name for model in SETTINGS.values() for name, field in model.model_fields.items()}  # type: ignore[union-attr]


def keys(section: str) -> set[str]:
    model: Any = SETTINGS[section]
    return {field.alias or name for name, field in model.model_fields.items()}


def rows() -> Iterator[tuple[list[str], list[str], str]]:
    """The settings table of operating.md: sections, keys, and the cell of the default."""
    sections: list[str] = []
    text = (ROOT / "docs/operating.md").read_text(encoding="utf-8").split("## Settings", 1)[1].split("\n## ", 1)[0]
    for line in text.splitlines():
        if line.startswith(("| `", "| | `")):
            section, key, default = [cell.strip() for cell in line.split("|")[1:4]]
            sections = re.findall(r"`([a-z]+)`", section) or sections
            yield sections, re.findall(r"`([a-z_]+)`", key), default


def test_every_setting_is_in_the_table_and_no_other() -> None:
    listed = {(section, key) for sections, names, _ in rows() for section in sections for key in names}
    assert {(section, key) for section in SETTINGS for key in keys(section)} - listed == set()
    for sections, names, _ in rows():
        assert [name for name in names if not any(name in keys(section) for section in sections)] == []


def defaults() -> Iterator[tuple[str, str, str]]:
    """Section, key and default, where the table gives one that can be typed."""
    for sections, names, cell in rows():
        shown = cell.split(", ") if len(names) > 1 else [cell]
        for key, value in zip(names, shown, strict=False) if len(shown) == len(names) else ():
            if typed := re.fullmatch(r"`([^`]+)`", value):
                yield from ((section, key, typed[1]) for section in sections)


def test_the_defaults_of_the_table_are_those_of_the_code() -> None:
    checked = list(defaults())
    assert len(checked) > 20
    for section, key, typed in checked:
        model: Any = SETTINGS[section]
        name = ALIASES[key]
        assert getattr(model(**{key: typed}), name) == getattr(model(), name), (section, key)


def commands() -> list[tuple[str, str]]:
    """Every `veille …` line of a block for a terminal, with its document."""
    found = []
    for file in DOCUMENTS:
        for block in re.findall(r"```console\n(.*?)```", file.read_text(encoding="utf-8"), re.DOTALL):
            lines = [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ veille ")]
            found += [(file.name, line) for line in lines]
    return found


@pytest.mark.parametrize(("document", "line"), commands())
def test_a_command_of_the_documents_can_be_typed(document: str, line: str) -> None:
    """Its words are commands, its options exist; other tests run what they do."""
    words = shlex.split(line, comments=True)[1:]
    command: Any = typer.main.get_command(build())
    while isinstance(getattr(command, "commands", None), dict) and words:
        assert words[0] in command.commands, f"{document}: {line}"
        command = command.commands[words.pop(0)]
    options = {name for option in command.params for name in option.opts}
    assert [word for word in words if word.startswith("--") and word not in options] == [], f"{document}: {line}"


def test_links_between_documents_lead_somewhere() -> None:
    assert len(commands()) > 15
    for file in DOCUMENTS:
        prose = re.sub(r"`[^`\n]*`", "", file.read_text(encoding="utf-8"))  # examples lead nowhere
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", prose):
            assert (file.parent / link).exists(), f"{file.name}: {link}"
