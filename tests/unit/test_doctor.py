"""`veille doctor`: each thing that it looks at is told when it is wrong, and none when all is well."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from tests.support.content import newsroom
from veille.outbox import schema
from veille.outbox.actions import Actions
from veille.outbox.database import Database, open_database
from veille.rates import parse_rate
from veille.signup import Limits, Signups
from veille.subscribers import Row, Subscribers
from veille_cli import diagnoses
from veille_cli.application import build

NOW = "2026-11-25T09:00:00+01:00"


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    newsroom(tmp_path)
    monkeypatch.setenv("VEILLE_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("VEILLE_NOW", NOW)
    return tmp_path


def doctor() -> tuple[int, dict[str, Any]]:
    """Exit code, and what was found by name."""
    answer = CliRunner().invoke(build(), ["doctor", "--json"])
    return answer.exit_code, {one["code"]: one for one in json.loads(answer.output)["data"]["found"]}


def ledger(room: Path) -> Database:
    return open_database("sqlite:///outbox/outbox.sqlite3", room)


def test_a_newsroom_without_trouble_hears_so(room: Path) -> None:
    answer = CliRunner().invoke(build(), ["doctor"])
    assert answer.exit_code == 0
    assert "all is well" in answer.output


def test_a_channel_that_stands_still_is_an_error_with_its_reason(room: Path) -> None:
    write_and_publish(room)
    with (database := ledger(room)).write() as connection:
        values = {"name": "web", "stopped_at": datetime.now(UTC), "reason": "the token died"}
        connection.execute(sa.insert(schema.channel).values(**values))
    database.close()
    code, found = doctor()
    assert code == 1
    assert "the token died" in found["channel-stopped"]["message"]
    assert found["channel-stopped"]["hint"].endswith("veille outbox resume web")


def write_and_publish(room: Path) -> None:
    from tests.support.content import write

    write(room, "title: Un repas\ndate: 2026-11-24")
    ran = CliRunner().invoke(build(), ["publish", "--yes"])
    assert ran.exit_code == 0, ran.output


def test_what_waits_without_a_scheduler_is_told(room: Path) -> None:
    write_and_publish(room)
    code, found = doctor()
    assert (code, list(found)) == (0, ["no-scheduler"])


def test_a_secret_that_others_can_read_is_an_error(room: Path) -> None:
    key = room / "outbox/secret.key"
    key.parent.mkdir(exist_ok=True)
    key.write_text(f"1:{'ab' * 32}\n", encoding="ascii")
    key.chmod(0o644)
    code, found = doctor()
    assert (code, list(found)) == (1, ["secret-open"])


def test_a_full_disk_is_told_before_it_is_full(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnoses, "LITTLE", 1 << 60)
    assert list(doctor()[1]) == ["disk"]


def test_contacts_that_wait_are_counted(room: Path) -> None:
    partner = room / "content/partners/ccas-bagneux.yaml"
    partner.write_text(partner.read_text(encoding="utf-8").replace("18/11/2026", "18/05/2026"), encoding="utf-8")
    assert doctor()[1]["contacts-due"]["message"] == "1 contact must be asked again"


def test_readers_who_look_like_one_client_point_at_the_proxy(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.fromisoformat(NOW)
    database = ledger(room)
    limits = Limits((parse_rate("20/h"),), parse_rate("500/h"))
    signups = Signups(database, b"k" * 32, b"c" * 32, limits, lambda: now)
    for number in range(diagnoses.CLASS + 1):
        signups.ask(Row(email=f"reader{number}@example.org"), "127.0.0.1")
    assert "one-client" in doctor()[1]
    monkeypatch.setenv("VEILLE_SERVE__TRUSTED_PROXIES", "127.0.0.1")
    assert "one-client" not in doctor()[1]
    monkeypatch.delenv("VEILLE_SERVE__TRUSTED_PROXIES")
    signups.ask(Row(email="somebody@example.org"), "192.0.2.7")
    assert "one-client" not in doctor()[1]
    database.close()


def test_an_old_crowd_is_forgotten(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    then = datetime.fromisoformat(NOW) - timedelta(days=2)
    database = ledger(room)
    limits = Limits((parse_rate("20/h"),), parse_rate("500/h"))
    signups = Signups(database, b"k" * 32, b"c" * 32, limits, lambda: then)
    for number in range(diagnoses.CLASS + 1):
        signups.ask(Row(email=f"reader{number}@example.org"), "127.0.0.1")
    database.close()
    assert "one-client" not in doctor()[1]


def test_a_live_letter_without_signature_and_bounces_is_told(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VEILLE_NOW")
    monkeypatch.setenv("VEILLE_WORKSPACE__BASE_URL", "http://letter.example.org")
    monkeypatch.setenv("VEILLE_NEWSLETTER__TRANSPORT", "smtp")
    monkeypatch.setenv("VEILLE_NEWSLETTER__FROM", "Essai <letter@example.org>")
    monkeypatch.setenv("VEILLE_NEWSLETTER__SMTP_URL", "smtp://127.0.0.1:2525?tls=none")
    assert {"base-url", "dkim", "bounces"} <= set(doctor()[1])


def test_an_approval_that_anybody_may_give_is_told(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VEILLE_APPROVAL__REQUIRED", "all")
    assert list(doctor()[1]) == ["reviewers"]


def test_failures_that_nobody_hears_of_are_told(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VEILLE_NOW")
    monkeypatch.setenv("VEILLE_WORKSPACE__BASE_URL", "https://letter.example.org")
    monkeypatch.setenv("VEILLE_FACEBOOK__TRANSPORT", "manual")
    code, found = doctor()
    assert code == 1
    assert {"operators", "operators-mail", "by-hand"} <= set(found)
    assert "access-missing" not in found
    monkeypatch.setenv("VEILLE_WORKSPACE__OPERATORS", "Sam <sam@example.org>")
    assert "no mail" in doctor()[1]["by-hand"]["message"]
    monkeypatch.setenv("VEILLE_NEWSLETTER__TRANSPORT", "smtp")
    monkeypatch.setenv("VEILLE_NEWSLETTER__SMTP_URL", "smtp://127.0.0.1:2525?tls=none")
    assert not {"operators", "operators-mail", "by-hand"} & set(doctor()[1])


def test_a_pause_that_somebody_may_have_forgotten_is_no_error(room: Path) -> None:
    database = ledger(room)
    Actions(database).pause("facebook", datetime.now(UTC), paused=True)
    database.close()
    code, found = doctor()
    assert (code, found["channel-stopped"]["severity"]) == (0, "warning")


def test_proofs_of_people_who_left_long_ago_are_asked_about_until_somebody_decides(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    then = datetime.fromisoformat(NOW) - timedelta(days=5 * 365 + 1)
    database = ledger(room)
    readers = Subscribers(database, b"k" * 32)
    readers.add([Row("amel@example.org"), Row("nour@example.org")], how="paper", now=then)
    readers.leave(1, then)
    database.close()
    assert "1 reader left more than five years ago" in doctor()[1]["proof-kept"]["message"]
    monkeypatch.setenv("VEILLE_NEWSLETTER__KEEP_PROOF", "1825 days")
    assert "proof-kept" not in doctor()[1]
