"""From a refused `publish` over a mail to the reviewer to an approval that survives a crash, and the log of it all."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.support.workspace import Workspace, newsroom
from veille_cli.application import build

POST = "content/posts/soupe.md"
REVIEWERS = '["Sam Autre <sam@example.org>", "Camille Exemple <camille@example.org>"]'


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    made = newsroom(tmp_path, moment=datetime(2026, 11, 27, 16, 0, tzinfo=UTC))
    rewrite(made, "kind: service", "kind: service\nsensitive: true\nauthor: Camille Exemple")
    toml = made.root / "veille.toml"
    approval = f'\n[approval]\nrequired = ["sensitive"]\nreviewers = {REVIEWERS}\n'
    toml.write_text(toml.read_text(encoding="utf-8") + approval, encoding="utf-8")
    made.env["VEILLE_NOW"] = "2026-11-27T12:00:00+01:00"
    for name, value in {**made.env, "VEILLE_WORKSPACE": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    return made


def rewrite(room: Workspace, old: str, new: str) -> None:
    text = (room.root / POST).read_text(encoding="utf-8")
    assert old in text
    room.write(POST, text.replace(old, new))


def veille(*arguments: str) -> Any:
    return CliRunner().invoke(build(), arguments)


def data(*arguments: str) -> Any:
    return json.loads(veille(*arguments, "--json").output)


def events() -> list[str]:
    return [entry["event"] for entry in data("log")["data"]["entries"]]


def test_refused_asked_approved_published_and_told(room: Workspace) -> None:
    refused = data("publish", POST)
    assert refused["status"] == "error"
    assert [(e["code"], e["file"]) for e in refused["errors"]] == [("not-approved", POST)]
    assert veille("publish", POST, "--dry-run").exit_code == 3

    author = veille("approve", POST, "--as", "EXEMPLE Camille")
    assert author.exit_code == 3
    assert "Camille Exemple wrote" in author.output
    assert veille("approve", POST, "--as", "Alix Tiers").exit_code == 3
    assert events() == []

    checked = [finding for finding in data("check")["data"]["findings"] if finding["code"] == "not-approved"]
    assert [(finding["file"], finding["severity"]) for finding in checked] == [(POST, "warning")]
    assert veille("approve", POST, "--as", "sam autre", "--yes").exit_code == 0
    assert "not-approved" not in veille("check").output
    assert "already" in veille("approve", POST, "--as", "Sam Autre").output
    room.killed_at("enqueue.before-commit", "publish", POST)
    assert events() == ["approved"]  # the crash took the lines of what was not queued with it
    assert veille("publish", POST).exit_code == 0
    assert set(events()[1:]) == {"published"}
    entries = data("log", "--source", POST)["data"]["entries"]
    assert [(e["who"], bool(e["account"])) for e in entries[:1]] == [("Sam Autre", True)]
    assert len({e["publication"] for e in entries[1:]}) == len(entries[1:]) > 3

    rewrite(room, "une soupe", "une soupee")
    again = veille("publish", POST)
    assert again.exit_code == 3
    assert "Sam Autre approved it on" in again.output
    assert "has changed since" in again.output
    told = veille("log", "-n", "1").output
    assert "2026-11-27 12:00" in told


def test_a_reviewer_gets_the_letter_itself_by_mail_and_the_author_gets_none(room: Workspace) -> None:
    assert veille("approve", POST, "--ask").exit_code == 0
    (path,) = (room.root / "outbox/notices").iterdir()
    message = message_from_bytes(path.read_bytes(), policy=default)
    assert isinstance(message, EmailMessage)
    assert message["To"].addresses[0].addr_spec == "sam@example.org"
    assert "soupe" not in message["Subject"].lower()  # a sensitive title shows on no locked screen
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    assert html is not None
    assert text is not None
    for part in (html.get_content(), text.get_content()):
        assert f"veille approve {POST} --as" in part
        assert "une soupe chaude à partager" in part.replace("\n", " ")
        assert "Instagram" in part
    assert "letter.example.org/media/" not in html.get_content()  # nothing is on the site yet
    shown = {part["Content-ID"].strip("<>") for part in message.walk() if part["Content-ID"]}
    assert shown
    assert all(f"cid:{name}" in html.get_content() for name in shown)
    (entry,) = data("log")["data"]["entries"]
    assert (entry["event"], entry["text"]) == ("asked", "Sam Autre")
    assert "@" not in json.dumps(entry)


@pytest.mark.parametrize(
    ("old", "new", "call", "words"),
    [
        ("sensitive: true", "sensitive: true\ndraft: true", ("--as", "Sam Autre"), "draft"),
        ("Viens comme", "[ici](page.html) Viens comme", ("--as", "Sam Autre"), "link"),
        ("author: Camille Exemple", "author: ''", ("--as", "Sam Autre"), "author"),
        ("Camille Exemple", "Camille Exemple et Sam Autre", ("--ask",), "every reviewer wrote it"),
    ],
)
def test_what_cannot_be_approved_says_why(
    room: Workspace, old: str, new: str, call: tuple[str, ...], words: str
) -> None:
    rewrite(room, old, new)
    answer = veille("approve", POST, *call)
    assert answer.exit_code == 3
    assert words in answer.output
    assert events() == []


def test_one_of_both_is_wanted(room: Workspace) -> None:
    assert veille("approve", POST).exit_code == 2
    assert veille("approve", POST, "--ask", "--as", "Sam Autre").exit_code == 2
    assert room.root.exists()
