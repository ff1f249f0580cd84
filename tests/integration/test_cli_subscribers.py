"""`veille subscribers` as people use it: tried first, reported line by line, shown to one person, erased for good."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.support.workspace import TOML, Ran, Workspace, newsroom
from veille_cli.application import build

AMEL = "amel.secret@example.org"
FILE = (
    "Nom;Courriel;Villes;Public;Consentement\n"
    f"Martin;Amel Martin <{AMEL}>;Bagneux;jeunes;bulletin papier\n"
    "Petit;bilal@example.org;;;\n"
    "Petit;BILAL@example.org;;;\n"
    "=1+1;nobody at example.org;Bagneux;;\n"
    "Roux;chloe@example.org;Atlantis;;\n"
)
COUNTS = {"added": 2, "known": 0, "updated": 0, "suppressed": 0, "duplicates": 1, "refused": 2}


class Desk(Workspace):
    """A newsroom with the letter alone; its readers are managed without starting a process for each command."""

    def veille(self, *args: str, **env: str) -> Ran:
        """Run a command here."""
        if args[0] != "subscribers":
            return super().veille(*args, **env)
        result = CliRunner().invoke(build(), args)
        return Ran(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """In a folder of its own."""
    made = newsroom(tmp_path)
    made.write("veille.toml", TOML.partition("[feed]")[0])
    for name, value in {**made.env, "VEILLE_WORKSPACE": str(tmp_path), "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path, made.env)


def test_tried_imported_mended_and_counted(desk: Desk) -> None:
    desk.write("liste.csv", "").write_bytes(FILE.encode("cp1252"))
    tried = desk.veille("subscribers", "import", "liste.csv", "--dry-run", "--json")
    assert (tried.code, tried.data) == (4, {**COUNTS, "dry_run": True})
    done = desk.veille("subscribers", "import", "liste.csv", "--report", "mend.csv", "--consent-text", "v1")
    assert done.code == 4, done
    assert "2 readers added, 0 known already, 1 line for an address twice, 2 refused." in done.out
    for words in ("not kept: Nom", "liste.csv:5: ", "liste.csv:6: ", "unknown town atlantis"):
        assert words in done.out
    assert not any(name in done.said for name in ("secret", "nobody", "chloe", "Martin"))

    report = desk.root / "mend.csv"
    assert report.stat().st_mode & 0o777 == 0o600
    with report.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, delimiter=";"))
    assert rows[0] == ["line", "reason", "Nom", "Courriel", "Villes", "Public", "Consentement"]
    assert [row[0] for row in rows[1:]] == ["5", "6"]
    assert rows[1][2] == "'=1+1"
    mended = report.read_text(encoding="utf-8-sig").replace("nobody at ", "nobody@").replace("Atlantis", "Bagneux")
    report.write_text(mended, encoding="utf-8-sig")
    again = desk.veille("subscribers", "import", "mend.csv", "--json")
    assert (again.code, again.data["added"]) == (0, 2)

    chosen = desk.veille("subscribers", "list", "--town", "Bagneux", "--audience", "young", "--json")
    assert chosen.data["subscribed"] == 4
    assert chosen.data["towns"] == {"bagneux": 3}
    assert desk.veille("subscribers", "list", "--town", "atlantis").code == 2
    assert desk.veille("subscribers", "import", "mend.csv", "--report", "mend.csv").code == 2
    assert "chloe" in report.read_text(encoding="utf-8-sig")


def test_one_person_is_shown_and_erased_and_an_old_copy_forgets_them_again(desk: Desk) -> None:
    desk.subscribe(AMEL, "bilal@example.org")
    assert desk.veille("publish", "--yes").code == 0
    outbox = desk.root / "outbox"
    shutil.copy(outbox / "outbox.sqlite3", desk.root / "backup")
    assert desk.veille("run", "--once").code == 0
    assert "d" in "".join(_traces(outbox))

    shown = desk.veille("subscribers", "show", AMEL, "--json")
    assert (shown.data["reader"]["email"], shown.data["reader"]["consent"]["how"]) == (AMEL, "csv:readers.csv")
    assert [letter["state"] for letter in shown.data["deliveries"]] == ["sent"]
    words = desk.veille("subscribers", "show", AMEL).out
    assert all(said in words for said in ("csv:readers.csv", "receives the letter", "Letters"))
    assert not re.search(r"subscribed|T\d\d:", words)  # words and hours of the newsroom, for the person whose they are

    assert desk.veille("subscribers", "erase", AMEL).code == 2  # nobody was asked
    erased = desk.veille("subscribers", "erase", AMEL, "--yes")
    assert (erased.code, erased.err) == (0, ""), erased
    assert "secret" not in erased.said
    assert _traces(outbox) == []
    (letter,) = [row for row in desk.publications() if row["channel"] == "newsletter"]
    assert (letter["counts"]["planned"], letter["counts"]["sent"]) == (2, 2)

    for name in ("outbox.sqlite3-wal", "outbox.sqlite3-shm"):
        (outbox / name).unlink(missing_ok=True)
    shutil.copy(desk.root / "backup", outbox / "outbox.sqlite3")
    (desk.root / "backup").unlink()
    assert _traces(outbox) == ["outbox.sqlite3"]
    assert desk.veille("run", "--once").code == 0
    assert _traces(outbox) == []
    assert desk.veille("subscribers", "list", "--json").data["subscribed"] == 1
    back = desk.veille("subscribers", "import", "readers.csv", "--json")
    assert (back.data["added"], back.data["suppressed"]) == (0, 1)


def _traces(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.name for path in files if AMEL.encode() in path.read_bytes().lower())


def test_on_a_terminal_it_is_asked_once(desk: Desk) -> None:
    desk.subscribe(AMEL)
    assert desk.on_terminal("\n", "subscribers", "erase", AMEL) == 130
    assert desk.veille("subscribers", "list", "--json").data["subscribed"] == 1
    assert desk.on_terminal("y\n", "subscribers", "erase", AMEL) == 0
    assert desk.veille("subscribers", "list", "--json").data["subscribed"] == 0


def test_a_child_needs_a_parent_where_the_newsroom_says_so(desk: Desk) -> None:
    add = ("subscribers", "add", "child@example.org", "--consent", "paper", "--age", "under-15", "--town", "Bagneux")
    desk.setting("newsletter", 'minors = "parental_joint_consent"')
    refused = desk.veille(*add)
    assert refused.code == 1
    assert "parent" in refused.err
    assert desk.veille(*add, "--parental-consent", "signed the form").code == 0
    out = desk.veille("subscribers", "export", "--town", "bagneux").out
    assert out.splitlines()[0].startswith("email,language,towns,audience,text_only,consent")
    assert "child@example.org,fr,bagneux,,false,paper," in out
    assert ",under-15,signed the form" in out
