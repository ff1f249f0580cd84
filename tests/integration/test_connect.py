"""`veille connect`, as a person uses it and as a program does, against the stateful fake of Meta."""

from __future__ import annotations

import json
import os
import select
import stat
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from tests.support.fast_ledger import empty
from tests.support.graph_desk import picture
from tests.support.graph_fake import GraphFake
from tests.support.graph_tokens import IG_LOGIN_SCOPES
from tests.support.graph_world import PageInfo
from tests.support.workspace import clean_environment
from veille import i18n
from veille.config import load
from veille.credentials import opened, variable
from veille.outbox import schema
from veille.outbox.database import open_database
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
ADDRESS = "https://example.org/back?code={code}%23_#_"


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
        return opened(self.root).load()

    def toml(self) -> str:
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


@pytest.fixture
def desk(tmp_path: Path, fake: GraphFake, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, fake, monkeypatch)


def data(ran: Any) -> dict[str, Any]:
    found = json.loads(ran.output)["data"]
    assert isinstance(found, dict)
    return found


def name(section: str, key: str) -> str:
    return variable(section, key)


def stop(desk: Desk, reason: str) -> None:
    database = open_database("sqlite:///outbox/outbox.sqlite3", desk.root)
    with database.write() as connection:
        connection.execute(sa.delete(schema.channel))
        values = {"name": "facebook", "stopped_at": datetime.now(UTC), "reason": reason}
        connection.execute(sa.insert(schema.channel).values(**values))
    database.close()


def test_a_person_is_led_from_the_app_to_the_token_of_the_page(desk: Desk, fake: GraphFake) -> None:
    short = fake.short_token()
    ran = desk.veille("connect", "facebook", typed=(*desk.app, short))
    assert ran.exit_code == 0, ran.output
    for words in ("developers.facebook.com/apps", "tools/explorer", "Generate Access Token", "pages_manage_posts"):
        assert words in ran.output
    kept = desk.kept()
    page = fake.token(kept[name("facebook", "access_token")])
    assert (page.kind, page.targets, page.expires) == ("page", {fake.page_id}, None)
    assert fake.token(kept[name("facebook", "user_token")]).kind == "user"
    assert kept[name("facebook", "app_secret")] == fake.world.secret
    assert f'page_id = "{fake.page_id}"' in ran.output
    assert f'app_id = "{fake.world.app_id}"' in ran.output
    assert "Le Relais de Bagneux" in ran.output
    assert "✓ access" in ran.output
    assert (desk.toml(), stat.S_IMODE((desk.root / "outbox/tokens.json").stat().st_mode)) == (TOML, 0o600)
    assert [secret for secret in (*kept.values(), short) if secret in ran.output] == []


def test_what_it_keeps_makes_the_channel_work(desk: Desk, fake: GraphFake) -> None:
    fake.world.app_secret = fake.world.secret  # Meta wants every call signed
    ran = desk.veille("connect", "facebook", "--write", typed=(*desk.app, fake.short_token()))
    assert ran.exit_code == 0, ran.output
    assert "Added to veille.toml" in ran.output
    settings = load(desk.root).settings.facebook
    assert (settings.page_id, settings.app_id) == (fake.page_id, fake.world.app_id)
    check = desk.veille("connect", "facebook", "--check", "--json", FACEBOOK__TRANSPORT="graph")
    assert check.exit_code == 0, check.output
    assert {row["state"] for row in data(check)["checks"]} == {"ok"}
    doctor = desk.veille("doctor", "--json", FACEBOOK__TRANSPORT="graph")
    assert [one["code"] for one in data(doctor)["found"] if one["code"].startswith("access")] == []
    status = desk.veille("status", "--json", FACEBOOK__TRANSPORT="graph")
    assert [(one["channel"], one["valid"], one["ends_at"]) for one in data(status)["access"]] == [
        ("facebook", True, None)
    ]


def test_nothing_else_of_veille_toml_changes(desk: Desk, fake: GraphFake) -> None:
    desk.veille("connect", "facebook", "--write", typed=(*desk.app, fake.short_token()))
    added = f'app_id = "{fake.world.app_id}"\n', f'page_id = "{fake.page_id}"\n'
    text = desk.toml()
    assert all(line in text for line in added)
    for line in added:
        text = text.replace(line, "")
    assert text == TOML
    desk.veille("connect", "facebook", "--write", typed=(fake.short_token(),))
    assert desk.toml().count("page_id") == 1
    (desk.root / "veille.toml").write_text("facebook.slots = []\n", encoding="utf-8")
    ran = desk.veille("connect", "facebook", "--write", typed=(*desk.app, fake.short_token()))
    assert (ran.exit_code, desk.toml()) == (0, "facebook.slots = []\n")
    assert "does not dare to change" in ran.output
    assert f'page_id = "{fake.page_id}"' in ran.output


def test_of_several_pages_the_person_chooses(desk: Desk, fake: GraphFake) -> None:
    fake.world.pages["500000000000009"] = PageInfo(name="Une autre page")
    fake.token(short := fake.short_token()).targets.add("500000000000009")
    ran = desk.veille("connect", "facebook", typed=(*desk.app, short, "7", "²", "2"))
    assert ran.exit_code == 0, ran.output
    assert "1. Le Relais de Bagneux" in ran.output
    assert "there is no such number" in ran.output
    assert "Une autre page (500000000000009)" in ran.output
    scripted = desk.scripted("facebook", "--page", fake.page_id, token=short)
    assert data(scripted)["account"]["id"] == fake.page_id
    undecided = desk.scripted("facebook", token=short)
    assert undecided.exit_code == 3
    assert "--page ID" in undecided.output


def test_a_program_connects_with_a_file_and_the_environment(desk: Desk, fake: GraphFake) -> None:
    ran = desk.scripted("facebook", "--write", token=fake.short_token())
    assert ran.exit_code == 0, ran.output
    found = data(ran)
    assert (found["stored_in"], found["written"]) == ("outbox/tokens.json", True)
    assert found["settings"] == {"facebook": {"app_id": fake.world.app_id, "page_id": fake.page_id}}
    assert {row["state"] for row in found["checks"]} == {"ok"}
    assert [secret for secret in (*desk.kept().values(), *fake.world.tokens) if secret in ran.output] == []


def test_standard_input_and_the_environment_may_hold_the_token(desk: Desk, fake: GraphFake) -> None:
    values = {"FACEBOOK__APP_ID": desk.app[0], "FACEBOOK__APP_SECRET": desk.app[1]}
    with desk.patch.context() as patch:
        for key, value in values.items():
            patch.setenv(f"VEILLE_{key}", value)
        args = ["connect", "facebook", "--token-file", "-", "--json"]
        ran = CliRunner().invoke(build(), args, input=f"{fake.short_token()}\n")
    assert ran.exit_code == 0, ran.output
    (desk.root / "outbox/tokens.json").unlink()
    again = desk.scripted("facebook", FACEBOOK__USER_TOKEN=fake.short_token())
    assert again.exit_code == 0, again.output
    text = desk.veille("connect", "facebook", typed=None, **values, FACEBOOK__USER_TOKEN=fake.short_token())
    assert "VEILLE_FACEBOOK__USER_TOKEN is set in the environment and wins" in text.output


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({}, "--app-id"),
        ({"FACEBOOK__APP_ID": "1"}, "VEILLE_FACEBOOK__APP_SECRET"),
        ({"FACEBOOK__APP_ID": "1", "FACEBOOK__APP_SECRET": "canary-secret"}, "--token-file"),
    ],
)
def test_without_a_person_what_is_missing_is_named(desk: Desk, given: dict[str, str], hint: str) -> None:
    ran = desk.veille("connect", "facebook", typed=None, **given)
    assert (ran.exit_code, desk.kept()) == (3, {})
    assert hint in ran.output
    assert "canary" not in ran.output


def test_what_was_pasted_wrongly_may_be_pasted_again(desk: Desk, fake: GraphFake) -> None:
    late = fake.short_token()
    fake.world.clock.advance(hours=2)
    app_id, secret = desk.app
    typed = (app_id, "wrong-secret", late, app_id, secret, late, fake.short_token())
    ran = desk.veille("connect", "facebook", typed=typed)
    assert ran.exit_code == 0, ran.output
    assert "does not know this app" in ran.output
    assert "our access has expired" in ran.output
    assert "wrong-secret" not in ran.output
    poor = fake.short_token()
    fake.token(poor).scopes = frozenset({"pages_show_list"})
    (desk.root / "outbox/tokens.json").unlink()
    again = desk.veille("connect", "facebook", typed=(app_id, secret, "not a token", poor, "not a token"))
    assert again.exit_code == 1
    assert "pages_manage_posts" in again.output.rpartition("lacks the permissions")[2]
    assert desk.kept() == {}


def test_an_access_with_which_nothing_could_leave_replaces_none(desk: Desk, fake: GraphFake) -> None:
    assert desk.scripted("facebook", token=fake.short_token()).exit_code == 0
    before = desk.kept()
    fake.token(short := fake.short_token()).tasks = ("ANALYZE",)
    ran = desk.scripted("facebook", token=short)
    assert (ran.exit_code, desk.kept()) == (1, before)
    assert [one["code"] for one in json.loads(ran.output)["errors"]] == ["access-task"]
    elsewhere = fake.short_token()
    fake.token(elsewhere).granular = {"pages_manage_posts": {"999"}}
    other = desk.scripted("facebook", token=elsewhere)
    assert [one["code"] for one in json.loads(other.output)["errors"]] == ["access-target"]
    assert desk.kept() == before


def test_a_system_user_and_a_page_token_will_do_as_well(desk: Desk, fake: GraphFake) -> None:
    ran = desk.scripted("facebook", token=fake.system_token)
    assert ran.exit_code == 0, ran.output
    assert desk.kept()[name("facebook", "user_token")] == fake.system_token
    assert fake.token(desk.kept()[name("facebook", "access_token")]).kind == "page"
    (desk.root / "outbox/tokens.json").unlink()
    alone = desk.scripted("facebook", token=fake.page_token)
    assert alone.exit_code == 0, alone.output
    assert desk.kept() == {
        name("facebook", "access_token"): fake.page_token,
        name("facebook", "app_secret"): fake.world.secret,
    }


def test_a_page_that_is_not_listed_is_found_by_its_id(desk: Desk, fake: GraphFake) -> None:
    token = fake.token(fake.system_token)
    token.scopes = token.scopes - {"pages_show_list"}
    unknown = desk.scripted("facebook", token=fake.system_token)
    assert unknown.exit_code == 1
    assert "business_management" in unknown.output
    assert data(desk.scripted("facebook", "--page", fake.page_id, token=fake.system_token))["stored_in"]


def test_instagram_follows_from_the_page_without_another_question(desk: Desk, fake: GraphFake) -> None:
    desk.veille("connect", "facebook", "--write", typed=(*desk.app, fake.short_token()))
    ran = desk.veille("connect", "instagram", "--write", "--login", "facebook", typed=())
    assert ran.exit_code == 0, ran.output
    kept = desk.kept()
    assert kept[name("instagram", "user_token")] == kept[name("facebook", "user_token")]
    assert load(desk.root, dict(os.environ)).settings.instagram.user_id == fake.ig_user_id
    assert "[instagram]" in desk.toml()
    fake.expire(kept[name("instagram", "access_token")], 460)
    assert desk.veille("connect", "instagram", "--check", typed=None).exit_code == 1
    assert desk.veille("connect", "facebook", typed=(fake.short_token(),)).exit_code == 0
    again = desk.veille(
        "connect", "instagram", "--login", "facebook", typed=()
    )  # with the new access, not with its own old one
    assert again.exit_code == 0, again.output
    assert "nothing to paste" in again.output


def test_a_page_without_an_account_is_said_so(desk: Desk, fake: GraphFake) -> None:
    fake.world.pages[fake.page_id].instagram = ""
    ran = desk.scripted("instagram", token=fake.short_token(), INSTAGRAM__APP_SECRET=desk.app[1])
    assert ran.exit_code == 1
    assert "professional Instagram account" in ran.output


Paste = Callable[[GraphFake], str]


@pytest.mark.parametrize(
    "paste",
    [lambda fake: fake.ig_login_token, lambda fake: ADDRESS.format(code=fake.login_code())],
    ids=["token", "address"],
)
def test_an_account_without_a_page_gives_its_own_token(desk: Desk, fake: GraphFake, paste: Paste) -> None:
    hosts = {"INSTAGRAM__API_URL": fake.instagram_url, "INSTAGRAM__OAUTH_URL": fake.login_url}
    pasted = paste(fake)
    app = desk.app if pasted.startswith("https") else ()
    ran = desk.veille("connect", "instagram", "--write", typed=("no", pasted, *app), **hosts)
    assert ran.exit_code == 0, ran.output
    token = fake.token(desk.kept()[name("instagram", "access_token")])
    assert (token.kind, token.scopes) == ("ig", IG_LOGIN_SCOPES)
    assert 'login = "instagram"' in desk.toml()
    live = {**hosts, "INSTAGRAM__TRANSPORT": "graph"}
    (access,) = data(desk.veille("status", "--json", typed=None, **live))["access"]
    assert access["days_left"] == (60 if app else None)
    assert [secret for secret in (pasted, *desk.kept().values()) if secret in ran.output] == []


def test_a_host_that_takes_no_header_gets_the_token_as_a_parameter(desk: Desk, fake: GraphFake) -> None:
    fake.world.instagram_takes_header = False
    hosts = {"INSTAGRAM__API_URL": fake.instagram_url, "INSTAGRAM__OAUTH_URL": fake.login_url}
    ran = desk.veille("connect", "instagram", "--write", typed=("no", fake.ig_login_token), **hosts)
    assert ran.exit_code == 0, ran.output
    assert 'token_in = "query"' in desk.toml()
    assert desk.veille("connect", "instagram", "--check", typed=None, **hosts).exit_code == 0


def test_a_personal_account_and_a_used_code_are_refused(desk: Desk, fake: GraphFake) -> None:
    hosts = {"INSTAGRAM__API_URL": fake.instagram_url, "INSTAGRAM__OAUTH_URL": fake.login_url}
    values = {**hosts, "INSTAGRAM__APP_ID": desk.app[0], "INSTAGRAM__APP_SECRET": desk.app[1]}
    used = desk.scripted("instagram", "--login", "instagram", token=ADDRESS.format(code="AQused"), **values)
    assert used.exit_code == 1
    assert "a code works once" in used.output
    bare = desk.scripted("instagram", "--login", "instagram", token="https://example.org/back?error=denied", **values)
    assert "code=" in bare.output
    other = desk.scripted("instagram", "--login", "instagram", "--page", "1", token=fake.ig_login_token, **values)
    assert (other.exit_code, desk.kept()) == (1, {})


@pytest.mark.parametrize(
    ("reason", "resumed"),
    [
        ("Meta no longer accepts our access", True),
        ("paused", False),
        ("Meta has restricted this account for now", False),
    ],
)
def test_a_channel_goes_on_when_want_of_access_stopped_it(
    desk: Desk, fake: GraphFake, reason: str, resumed: bool
) -> None:
    stop(desk, reason)
    ran = desk.scripted("facebook", token=fake.short_token())
    assert data(ran)["resumed"] is resumed, ran.output
    status = desk.veille("status")
    assert ("facebook stands still" in status.output) is not resumed


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


def test_meta_that_is_away_is_said_and_nothing_is_kept(desk: Desk) -> None:
    ran = desk.scripted("facebook", token="EAAsomething-canary", FACEBOOK__API_URL="http://127.0.0.1:1")
    assert (ran.exit_code, desk.kept()) == (1, {})
    assert "Meta cannot be reached" in ran.output
    assert "canary" not in ran.output


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


def test_options_that_do_not_fit_are_usage_errors(desk: Desk) -> None:
    assert desk.veille("connect", "facebook", "--login", "instagram").exit_code == 2
    assert desk.veille("connect", "newsletter").exit_code == 2


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
