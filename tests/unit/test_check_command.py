"""`veille check`: its text, its explanations and its SARIF."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.support.content import newsroom, write
from veille_cli.application import build

BROKEN = "publishDate: 2026-11-26\nexpiryDate: 2026-11-25"


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    newsroom(tmp_path)
    monkeypatch.setenv("VEILLE_WORKSPACE", str(tmp_path))
    return tmp_path


def run(*arguments: str) -> Any:
    return CliRunner().invoke(build(), ["check", *arguments])


def test_a_finding_shows_where_the_words_the_remedy_and_its_code(room: Path) -> None:
    write(room, f"title: Été\n{BROKEN}", "Voir [là](page.html).")
    answer = run()
    assert answer.exit_code == 3
    assert "content/posts/2026-11-23-repas.md:7: " in answer.output
    assert "[link]" in answer.output
    assert "`veille check --explain " in answer.output


def test_a_file_that_cannot_be_read_is_counted_among_those_checked(room: Path) -> None:
    before = json.loads(run("--json").output)["data"]["files"]
    (room / "content/posts/sans-tete.md").write_text("Rien au-dessus.\n", encoding="utf-8")
    assert json.loads(run("--json").output)["data"]["files"] == before + 1


def test_a_code_is_explained_with_an_example() -> None:
    answer = run("--explain", "unknown-key")
    assert answer.exit_code == 0
    assert "✗ sumary: Un repas chaud\n✓ summary: Un repas chaud" in answer.output


def test_every_code_can_be_explained_to_a_program() -> None:
    from veille import checks

    for code in checks.rules():
        data = json.loads(run("--explain", code, "--json").output)["data"]
        assert data["code"] == code
        assert all(data[key] for key in ("title", "why", "remedy"))


def test_an_unknown_code_is_a_usage_error_that_names_the_nearest() -> None:
    answer = run("--explain", "unknown-kex")
    assert answer.exit_code == 2
    assert "unknown-key" in answer.output


def test_sarif_names_every_finding_with_its_place(room: Path) -> None:
    write(room, f"title: Été\n{BROKEN}", "Voir [là](page.html).", name="posts/l'été à deux.md")
    answer = run("--sarif")
    assert answer.exit_code == 3
    report = json.loads(answer.output)
    assert report["version"] == "2.1.0"
    (made,) = report["runs"]
    rules = made["tool"]["driver"]["rules"]
    by_code = {result["ruleId"]: result for result in made["results"]}
    assert {"link", "over"} <= set(by_code)
    for result in made["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        (place,) = result["locations"]
        assert place["physicalLocation"]["region"]["startLine"] > 0
        assert (
            place["physicalLocation"]["artifactLocation"]["uri"] == "content/posts/l%27%C3%A9t%C3%A9%20%C3%A0%20deux.md"
        )
    assert (by_code["link"]["level"], by_code["over"]["level"]) == ("error", "warning")


def test_a_finding_is_known_again_when_lines_above_it_move(room: Path) -> None:
    write(room, f"title: Été\n{BROKEN}")
    before = json.loads(run("--sarif").output)["runs"][0]["results"]
    write(room, f"title: Été\nsummary: En plus\n{BROKEN}")
    after = json.loads(run("--sarif").output)["runs"][0]["results"]
    lines = [
        [r["locations"][0]["physicalLocation"]["region"]["startLine"] for r in rs if r["ruleId"] == "over"]
        for rs in (before, after)
    ]
    assert lines == [[4], [5]]
    prints = [[r["partialFingerprints"] for r in results if r["ruleId"] == "over"] for results in (before, after)]
    assert prints[0] == prints[1] != []
