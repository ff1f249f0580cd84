"""`veille bounces` as the mail server and a person call it: exit codes, words, what it keeps."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from tests.support.bounce_samples import sample
from tests.support.ledger import Ledger, Mail
from tests.support.workspace import VEILLE, Ran, Workspace, clean_environment
from veille import i18n, tokens
from veille.outbox import schema
from veille.outbox.database import open_database
from veille_cli.application import build

TOML = '[workspace]\nname = "Essai"\nlanguage = "en"\n\n[newsletter]\n'


class Desk(Workspace):
    """A newsroom whose letter went to two readers."""

    def bounces(self, *args: str, stdin: bytes = b"") -> Ran:
        """The command, without starting a process."""
        result = CliRunner().invoke(build(), ["bounces", *args], input=stdin)
        return Ran(result.exit_code, result.stdout, result.stderr)

    def mail(self, name: str, delivery: str = "d1") -> bytes:
        """A sample with a mark of this newsroom."""
        return sample(name, delivery, keys=tokens.load_keys(self.root / "outbox/secret.key"))

    def states(self) -> list[str]:
        """Of the two readers."""
        database = open_database("sqlite:///outbox/outbox.sqlite3", self.root)
        try:
            with database.read() as connection:
                return list(
                    connection.execute(sa.select(schema.subscriber.c.state).order_by(schema.subscriber.c.id)).scalars()
                )
        finally:
            database.close()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """In a folder of its own."""
    made = Desk(tmp_path)
    made.write("veille.toml", TOML)
    tokens.load_keys(tmp_path / "outbox/secret.key")
    database = open_database("sqlite:///outbox/outbox.sqlite3", tmp_path)
    ledger = Ledger(database)
    ledger.readers("lea", "jules")
    ledger.put(ledger.item("newsletter"))
    ledger.pump(Mail("newsletter"))
    database.close()
    monkeypatch.setenv("VEILLE_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    i18n.activate("en")
    return made


def test_the_pipe_of_a_mail_server(desk: Desk) -> None:
    done = subprocess.run(
        [str(VEILLE), "bounces", "--stdin"],
        cwd=desk.root,
        input=desk.mail("postfix-user-unknown"),
        capture_output=True,
        timeout=60,
        env=clean_environment(desk.root, {}),
    )
    # The mail server sends what a pipe says to whoever wrote.
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert desk.states() == ["bounced", "subscribed"]


def test_tried_first(desk: Desk) -> None:
    ran = desk.bounces("--stdin", "--dry-run", "--json", stdin=desk.mail("postfix-user-unknown"))
    assert (ran.code, ran.data["kinds"], ran.data["outcomes"]) == (0, {"hard": 1}, {})
    assert desk.states() == ["subscribed", "subscribed"]
    assert not (desk.root / "outbox/bounces.json").exists()


def test_the_pipe_keeps_what_it_does_not_understand(desk: Desk) -> None:
    ran = desk.bounces("--stdin", "--json", stdin=sample("no-mark"))
    (entry,) = ran.data["unread"]
    assert ran.code == 0, "the mail server must not send it back"
    assert (desk.root / entry["where"]).read_bytes() == sample("no-mark")
    assert "outbox/bounces/" in desk.bounces("--unread").out


def test_where_it_arrived_may_be_said_beside_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from veille.bounces import return_path

    keys = tokens.load_keys(desk.root / "outbox/secret.key")
    path = return_path(keys, "bounces@lettre.example.org", "d1")
    desk.bounces("--stdin", "--recipient", path, stdin=sample("no-mark"))
    assert desk.states() == ["bounced", "subscribed"]
    monkeypatch.setenv("ORIGINAL_RECIPIENT", return_path(keys, "bounces@lettre.example.org", "d2"))  # Postfix, local(8)
    desk.bounces("--stdin", stdin=sample("no-mark"))
    assert desk.states() == ["bounced", "bounced"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VEILLE_OUTBOX__URL", "sqlite:///veille.toml"),
        ("VEILLE_WORKSPACE__TIMEZONE", "Nowhere"),
        ("VEILLE_WORKSPACE", "/"),
    ],
)
def test_whatever_fails_the_mail_server_tries_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    message = desk.mail("postfix-user-unknown")
    monkeypatch.setenv(name, value)
    ran = desk.bounces("--stdin", stdin=message)
    assert ran.code == 75, "any other code, and the mail server throws the bounce away"


def test_a_maildir_of_the_settings(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("new", "cur", "tmp"):
        (desk.root / "retours" / name).mkdir(parents=True)
    (desk.root / "retours/new/1.a").write_bytes(desk.mail("arf-yahoo", "d2"))
    (desk.root / "retours/new/2.a").write_bytes(sample("forged-mark"))
    monkeypatch.setenv("VEILLE_NEWSLETTER__BOUNCES_URL", "maildir:retours")
    ran = desk.bounces()
    assert ran.code == 4, ran
    assert "1 complaint, 1 not understood." in ran.out
    assert "→ 1 reader receives no more letters." in ran.out
    assert "2.a: its mark is not one of ours" in ran.out
    assert "@" not in ran.said
    assert desk.states() == ["subscribed", "complained"]
    again = desk.bounces("--json")
    assert (again.code, again.data["read"], again.data["kept"]) == (0, 0, 1)
    assert [entry["reason"] for entry in desk.bounces("--unread", "--json").data["unread"]] == ["forged"]


def test_nothing_to_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = desk.bounces("--json")
    assert (ran.code, ran.envelope["errors"][0]["code"]) == (3, "config")
    ran = desk.bounces("--json", "--maildir", "nowhere")
    assert (ran.code, ran.envelope["status"], ran.envelope["errors"][0]["code"]) == (75, "partial", "mailbox")
    assert desk.bounces("--stdin", "--unread").code == 2
    monkeypatch.setenv("VEILLE_NEWSLETTER__BOUNCES_URL", "imaps://someone:very-secret@")
    ran = desk.bounces()
    assert ran.code == 3
    assert "very-secret" not in ran.said
