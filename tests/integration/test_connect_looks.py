"""What looks at an access and changes nothing, `--check`, `--debug`, `doctor --live`; and that no secret is shown."""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path

import pytest

from tests.support.connect_desk import Desk, data, name
from tests.support.graph_desk import picture
from tests.support.graph_fake import GraphFake
from tests.support.workspace import clean_environment


@pytest.fixture
def desk(tmp_path: Path, fake: GraphFake, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, fake, monkeypatch)


def test_check_looks_and_changes_nothing(desk: Desk, fake: GraphFake) -> None:
    half = desk.veille("connect", "facebook", "--check", FACEBOOK__ACCESS_TOKEN=fake.page_token)
    assert half.exit_code == 1
    assert "facebook.page_id is missing" in half.output
    assert "task" not in half.output
    nobody = desk.veille("connect", "facebook", "--check")
    assert nobody.exit_code == 3
    assert "veille connect facebook" in nobody.output
    desk.scripted("facebook", "--write", token=fake.short_token())
    before = desk.kept()
    fake.expire(before[name("facebook", "access_token")], 460)
    ran = desk.veille("connect", "facebook", "--check")
    assert (ran.exit_code, desk.kept()) == (1, before)
    assert "the password was changed" in ran.output
    for command in ("status", "doctor"):
        told = desk.veille(command, FACEBOOK__TRANSPORT="graph")
        assert told.exit_code == {"status": 4, "doctor": 1}[command], told.output
        assert "the access has ended" in told.output


@pytest.mark.parametrize("secret", ["good", "wrong-canary"])
def test_debug_shows_the_calls_and_no_secret(desk: Desk, fake: GraphFake, secret: str) -> None:
    fake.world.app_secret = fake.world.secret
    short, chosen = fake.short_token(), fake.world.secret if secret == "good" else secret
    path = desk.root / "token.txt"
    path.write_text(short, encoding="utf-8")
    values = {"FACEBOOK__APP_ID": desk.app[0], "FACEBOOK__APP_SECRET": chosen, "FACEBOOK__TOKEN_IN": "query"}
    args = ("connect", "facebook", "--debug", "--token-file", str(path))
    ran = desk.veille(*args, typed=None, **values)
    assert "/v26.0/debug_token?" in ran.output
    assert ran.exit_code == int(secret != "good")
    assert ("oauth/access_token?" in ran.output) is (secret == "good")
    assert ("access_token=…&appsecret_proof=…" in ran.output) is (secret == "good")
    secrets = (chosen, short, *desk.kept().values(), *(seen.proof for seen in fake.calls if seen.proof))
    assert [one for one in secrets if one in ran.output] == []


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal")
def test_on_a_real_terminal_no_secret_is_shown_or_stands_in_the_arguments(desk: Desk, fake: GraphFake) -> None:
    """The command line of the process, all that the terminal shows, and the files that it leaves."""
    import pty

    short = fake.short_token()
    unseen = b" (not shown while you paste it)"
    answers = [(b"App ID", desk.app[0]), (b"App secret" + unseen, desk.app[1]), (b"Access token" + unseen, short)]
    environ = clean_environment(desk.root, {k: v for k, v in os.environ.items() if k.startswith("VEILLE_")})
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(desk.root)
        code = "from veille_cli.app import main; main()"
        os.execve(sys.executable, [sys.executable, "-c", code, "connect", "facebook"], environ)
    shown, asked = b"", 0
    while True:
        assert select.select([terminal], [], [], 60)[0], shown.decode()
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # the other end closed
            break
        if not piece:
            break
        shown += piece
        # The space comes last, when the terminal no longer shows what is typed.
        if asked < len(answers) and shown.endswith(answers[asked][0] + b": "):
            arguments = Path(f"/proc/{pid}/cmdline")
            if arguments.exists():
                assert not {desk.app[1].encode(), short.encode()} & set(arguments.read_bytes().split(b"\0"))
            os.write(terminal, answers[asked][1].encode() + b"\n")
            asked += 1
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, shown.decode()
    assert asked == len(answers)
    assert desk.app[0].encode() in shown
    secrets = (*desk.kept().values(), short)
    assert [secret for secret in secrets if secret.encode() in shown] == []
    files = [path for path in desk.root.rglob("*") if path.is_file() and path.name != "tokens.json"]
    assert [path.name for path in files for secret in secrets if secret.encode() in path.read_bytes()] == []


def test_the_live_accounts_are_asked_and_nothing_of_theirs_changes(desk: Desk, fake: GraphFake) -> None:
    silent = desk.veille("doctor", "--live")
    assert "nobody gave veille access" in silent.output
    desk.scripted("facebook", "--write", token=fake.short_token())
    desk.scripted("instagram", "--write", "--login", "facebook")
    folder = desk.root / "outbox/web/media/instagram"
    folder.mkdir(parents=True)
    photo = picture()
    (folder / photo.name).write_bytes(photo.content)
    asked, before = len(fake.calls), desk.kept()
    server = fake.media_server_for(folder)
    ran = desk.veille("doctor", "--live", "--json", INSTAGRAM__MEDIA_BASE_URL=server)
    assert ran.exit_code == 0, ran.output
    found = {channel: {row["name"]: row for row in rows} for channel, rows in data(ran)["live"].items()}
    assert "Le Relais de Bagneux" in found["facebook"]["account"]["message"]
    assert found["instagram"]["quota"]["message"] == "0 of 50"
    assert photo.name in found["instagram"]["pictures"]["message"]
    assert [row for rows in found.values() for row in rows.values() if row["state"] != "ok"] == []
    assert {seen.method for seen in fake.calls[asked:]} == {"GET"}
    assert (desk.kept(), fake.visible_posts(), fake.visible_media()) == (before, [], [])
    assert [secret for secret in before.values() if secret in ran.output] == []


def test_what_a_live_account_refuses_is_told(desk: Desk, fake: GraphFake) -> None:
    desk.scripted("facebook", "--write", token=fake.short_token())
    desk.scripted("instagram", "--write", "--login", "facebook")
    folder = desk.root / "outbox/web/media/instagram"
    folder.mkdir(parents=True)
    (folder / picture().name).write_bytes(b"another")
    told = desk.veille("doctor", "--live", INSTAGRAM__MEDIA_BASE_URL=fake.media_server_for(folder))
    assert told.exit_code == 1
    assert "another picture than ours is there" in told.output
    away = desk.veille("doctor", "--live", FACEBOOK__API_URL="http://127.0.0.1:1")
    assert "Meta cannot be reached" in away.output
