"""`veille connect facebook`, as a person uses it and as a program does, against the stateful fake of Meta."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from tests.support.connect_desk import TOML, Desk, data, name
from tests.support.graph_fake import GraphFake
from tests.support.graph_world import PageInfo
from veille.config import load
from veille.outbox import schema
from veille.outbox.database import open_database
from veille_cli.application import build


@pytest.fixture
def desk(tmp_path: Path, fake: GraphFake, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, fake, monkeypatch)


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


def test_meta_that_is_away_is_said_and_nothing_is_kept(desk: Desk) -> None:
    ran = desk.scripted("facebook", token="EAAsomething-canary", FACEBOOK__API_URL="http://127.0.0.1:1")
    assert (ran.exit_code, desk.kept()) == (1, {})
    assert "Meta cannot be reached" in ran.output
    assert "canary" not in ran.output


def test_options_that_do_not_fit_are_usage_errors(desk: Desk) -> None:
    assert desk.veille("connect", "facebook", "--login", "instagram").exit_code == 2
    assert desk.veille("connect", "newsletter").exit_code == 2
