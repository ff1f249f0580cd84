"""--json: one object with the same five keys from every command, whatever happens; and nothing secret anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.graph_fake import graph_fake
from tests.support.graph_faults import Fault
from tests.support.smtp_sink import smtp_sink
from tests.support.workspace import Ran, Workspace, finish, go_live, newsroom, run_veille

KEYS = ["veille", "command", "status", "data", "errors"]
ERROR_KEYS = {"code", "message", "file", "line", "hint"}
STATUS_KEYS = [
    *("id", "channel", "source", "title", "due", "state", "counts", "receipts"),
    *("excluded", "by_hand", "deleted", "live"),
]
COUNT_KEYS = {
    *("planned", "ready", "claimed", "sending", "unknown", "scheduled", "sent", "failed", "cancelled", "held"),
}
STATES = {"queued", "running", "paused", "held", "done", "cancelled"}


def checked(ran: Ran, command: str) -> dict[str, Any]:
    envelope = ran.envelope
    assert list(envelope) == KEYS
    assert (envelope["veille"], envelope["command"]) == (1, command)
    expected = {0: "ok", 4: "partial", 75: "partial"}.get(ran.code, "error")
    assert envelope["status"] == expected or (ran.code == 75 and envelope["status"] == "error")
    assert isinstance(envelope["data"], dict)
    for error in envelope["errors"]:
        assert set(error) >= ERROR_KEYS
        assert error["code"] == error["code"].lower()
    if envelope["status"] == "error":
        assert envelope["errors"]
    return envelope


# In this order, in one sandbox: arguments -> the command's name in the envelope.
CALLS: list[tuple[str, str, int]] = [
    ("subscribers import readers.csv", "subscribers import", 0),
    ("subscribers import missing.csv", "subscribers import", 3),
    ("subscribers add new@example.org --consent paper", "subscribers add", 0),
    ("subscribers add nonsense --consent paper", "subscribers add", 1),
    ("subscribers remove new@example.org", "subscribers remove", 0),
    ("subscribers remove new@example.org", "subscribers remove", 1),
    ("subscribers list", "subscribers list", 0),
    ("subscribers export --to out.csv", "subscribers export", 0),
    ("check", "check", 0),
    ("status", "status", 0),
    ("publish --dry-run", "publish", 0),
    ("publish --yes", "publish", 0),
    ("publish content/posts/nothing.md", "publish", 3),
    ("publish --channel fax", "publish", 2),
    ("publish --at never", "publish", 2),
    ("status", "status", 0),
    ("outbox list", "outbox list", 0),
    ("outbox show p1", "outbox show", 0),
    ("outbox show p99", "outbox show", 1),
    ("outbox show nonsense", "outbox show", 1),
    ("outbox pause p1", "outbox pause", 0),
    ("outbox resume p1", "outbox resume", 0),
    ("outbox cancel p1", "outbox cancel", 0),
    ("outbox retry p1", "outbox retry", 0),
    ("outbox resolve p1", "outbox resolve", 2),
    ("outbox resolve p1 --sent", "outbox resolve", 0),
    ("run --once", "run", 0),
    ("outbox show d1", "outbox show", 0),
    ("status", "status", 0),
    ("status --bogus", "status", 2),
    ("test content/posts/velo.md --to me@example.org", "test", 0),
    ("test content/posts/velo.md", "test", 2),
    ("init demo", "init", 0),
]


# With nothing loaded, as people start it: one of each sort here, and every command in the long suite.
COLD = {"check", "publish", "run", "status"}


@pytest.fixture(scope="module", params=["", pytest.param("cold", marks=pytest.mark.soak)])
def answers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Ran]:
    workspace = newsroom(tmp_path_factory.mktemp("json") / "essai")
    workspace.write("readers.csv", "email\none@example.org\ntwo@example.org\n")
    names = [name for _call, name, _code in CALLS]
    return [
        finish(workspace.start(*call.split(), "--json"))
        if name not in names[:number] and (request.param or name in COLD)
        else workspace.veille(*call.split(), "--json")
        for number, (call, name, _code) in enumerate(CALLS)
    ]


@pytest.mark.parametrize("number", range(len(CALLS)), ids=[call for call, _name, _code in CALLS])
def test_one_object_with_the_same_keys(answers: list[Ran], number: int) -> None:
    _call, name, code = CALLS[number]
    ran = answers[number]
    assert ran.code == code, ran
    checked(ran, name)
    assert ran.err == ""  # nothing but the answer, for programs


def test_status_has_exactly_the_keys_of_the_design(answers: list[Ran]) -> None:
    numbers = [number for number, (call, _name, _code) in enumerate(CALLS) if call == "status"]
    empty, queued, done = (answers[number].data for number in numbers)
    assert empty == {"publications": [], "follow_ups": [], "stopped": {}, "access": []}
    for data in (queued, done):
        assert list(data) == ["publications", "follow_ups", "stopped", "access"]
        for publication in data["publications"]:
            assert list(publication) == STATUS_KEYS
            assert set(publication["counts"]) == COUNT_KEYS
            assert publication["state"] in STATES
            assert publication["due"][-6] in "+-"  # RFC 3339 with its offset
            for receipt in publication["receipts"]:
                assert list(receipt) == ["remote_id", "url"]
    (letter,) = [p for p in queued["publications"] if p["channel"] == "newsletter"]
    assert letter["counts"] == {**dict.fromkeys(COUNT_KEYS, 0), "planned": None}
    assert {len(p["receipts"]) for p in done["publications"] if p["channel"] in ("feed", "web")} == {1}


@pytest.mark.parametrize("debug", [[], ["--debug"]], ids=["plain", "debug"])
def test_errors_from_before_the_command_began(tmp_path: Path, debug: list[str]) -> None:
    nowhere = run_veille(["status", "--json", *debug], tmp_path)
    assert nowhere.code == 3
    assert checked(nowhere, "status")["errors"][0]["hint"]
    (tmp_path / "veille.toml").write_text("[facebook]\npageid = 1\n")
    wrong = run_veille(["outbox", "list", "--json", *debug], tmp_path)
    assert wrong.code == 3
    (error,) = checked(wrong, "outbox list")["errors"]
    assert (error["file"], error["line"], error["field"]) == ("veille.toml", 2, "facebook.pageid")


# ---- nothing secret

SECRETS = {
    "reader": "canary-reader@example.org",
    "smtp password": "canary-smtp-password",
    "page token": "EAAcanaryPage",
    "instagram token": "EAAcanaryInstagram",
    "app secret": "canaryappsecret",
    "secret key": "canary-secret-key",
}


def _leaky(workspace: Workspace) -> tuple[list[Ran], str]:
    """A run in which everything fails, in the words of servers that repeat what they were told."""
    words = f"<{SECRETS['reader']}> (by {SECRETS['reader']}) is unknown here"
    with smtp_sink({"RCPT": f"550 {words}"}) as sink, graph_fake() as fake:
        login = f"smtp://user:{SECRETS['smtp password']}@127.0.0.1:{sink.port}?tls=none"
        go_live(workspace, login, fake)
        workspace.env |= {
            "VEILLE_WORKSPACE__SECRET_KEY": SECRETS["secret key"],
            "VEILLE_FACEBOOK__ACCESS_TOKEN": SECRETS["page token"],
            "VEILLE_FACEBOOK__APP_SECRET": SECRETS["app secret"],
            "VEILLE_INSTAGRAM__ACCESS_TOKEN": SECRETS["instagram token"],
        }
        said = {"error": {"code": 190, "message": f"Bad token {SECRETS['page token']}", "fbtrace_id": "x"}}
        fake.fault_at(1, Fault(status=400, body=said))
        workspace.subscribe(SECRETS["reader"])
        runs = [workspace.veille("publish", "--yes", "--debug")]
        runs += [workspace.veille("run", "--once", "--debug")]
        workspace.env["VEILLE_NEWSLETTER__SMTP_URL"] = sink.url  # without login, to reach the readers
        workspace.change("UPDATE channel SET stopped_at = NULL")
        workspace.time_passes()
        runs += [workspace.veille("run", "--once", "--debug"), workspace.veille("run", "--once", "--json")]
        runs += [workspace.veille("outbox", "show", name) for name in ("p1", "p2", "d1", "d5", "d6", "d7", "d8", "d9")]
        runs += [workspace.veille("outbox", "list"), workspace.veille("subscribers", "list", "--debug")]
    stored = {name: rows for name, rows in workspace.rows().items() if name != "subscriber"}
    return runs, repr(stored)


def test_no_secret_and_no_address_in_what_is_said_or_stored(tmp_path: Path) -> None:
    workspace = newsroom(tmp_path / "essai")
    runs, stored = _leaky(workspace)
    states = {state for status in workspace.ledger() for state, number in status.counts.items() if number}
    assert "failed" in states or "ready" in states  # it did fail
    assert any("550" in ran.said for ran in runs)
    for name, secret in SECRETS.items():
        assert not [ran for ran in runs if secret in ran.said], name
        assert secret not in stored, name
    shown = [path for path in (workspace.root / "outbox").rglob("*") if path.is_file() and "sqlite3" not in path.name]
    for path in shown:
        assert not [name for name, secret in SECRETS.items() if secret.encode() in path.read_bytes()], path


def test_a_failing_ledger_repeats_no_address_even_to_a_programmer(tmp_path: Path) -> None:
    workspace = newsroom(tmp_path / "essai", readers=["one@example.org"])
    refuse = "CREATE TRIGGER refuse BEFORE INSERT ON subscriber BEGIN SELECT RAISE(ABORT, 'no'); END"
    workspace.change(refuse)
    ran = workspace.veille("subscribers", "add", SECRETS["reader"], "--consent", "paper", "--debug")
    assert ran.code == 3, ran
    assert "the outbox cannot be used: no" in ran.err
    assert "canary" not in ran.said
