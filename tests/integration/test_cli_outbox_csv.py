"""Exactly who got it: the one answer of the outbox with addresses in it, for any number of readers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.support.ledger import Act, Ledger, Mail
from tests.support.smtp_sink import smtp_sink
from tests.support.workspace import Ran, Workspace, mail_only, newsroom
from veille.errors import Rejected
from veille.outbox import recipients, schema
from veille.outbox.database import open_database
from veille.outbox.recipients import reached
from veille.publishing import Receipt

READERS = ["amel@example.org", "bilal@example.org", "chloe@example.org", "dina@example.org"]
COLUMNS = ["id", "address", "state", "sent_at", "attempt", "remote_id", "last_code", "last_error"]


def rows(text: str) -> list[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(text))
    found = list(reader)
    assert reader.fieldnames == COLUMNS
    return found


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A letter of four: two got it, one was refused in words that a spreadsheet would run, one was put off."""
    with smtp_sink({("RCPT", 1): "554 =cmd|'/c calc'!A1 spam", ("RCPT", 2): "450 greylisted"}) as sink:
        workspace = newsroom(tmp_path_factory.mktemp("who") / "essai", readers=READERS)
        mail_only(workspace, f"{sink.url}&connections=1")
        assert workspace.veille("publish", "--yes").code == 0
        assert workspace.veille("run", "--once").code == 75
        yield workspace


def test_one_row_for_each_delivery_with_address_and_the_servers_words(sent: Workspace) -> None:
    ran = sent.veille("outbox", "show", "p1", "--csv")
    assert ran.code == 0, ran
    table = rows(ran.out)
    assert [row["id"] for row in table] == ["d1", "d2", "d3", "d4"]
    assert sorted(row["address"] for row in table) == READERS
    by_state = {row["state"]: row for row in table}
    assert set(by_state) == {"failed", "ready", "sent"}
    assert by_state["sent"]["sent_at"][-6] in "+-"  # RFC 3339, with its offset
    assert by_state["failed"]["sent_at"] == ""
    assert by_state["failed"]["last_code"] in ("rejected", "hard-bounce")
    assert "spam" in by_state["failed"]["last_error"]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in table for cell in row.values())


def test_several_states_into_a_file_for_its_owner_only(sent: Workspace) -> None:
    path = sent.root / "who.csv"
    path.write_text("older and longer than what comes now\n" * 100)
    path.chmod(0o644)
    args = ("outbox", "show", "p1", "--state", "failed", "--state", "ready", "--csv", "--to", "who.csv")
    ran = sent.veille(*args)
    assert ran.code == 0, ran
    assert "2 deliveries written to who.csv" in ran.out
    assert "@" not in ran.said
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(row["state"] for row in rows(path.read_text())) == ["failed", "ready"]
    as_json = sent.veille(*args, "--json")
    assert as_json.data == {"id": "p1", "deliveries": 2, "file": "who.csv"}


def test_no_other_answer_shows_an_address(sent: Workspace) -> None:
    calls = ["show p1", "show p1 --json", "show d1", "show d1 --json", "list --json", "show p1 --state failed"]
    answers: list[Ran] = [sent.veille("outbox", *call.split()) for call in calls]
    assert {ran.code for ran in answers} == {0}
    assert not any("@" in ran.said for ran in answers)


@pytest.mark.parametrize(
    ("call", "code", "words"),
    [
        ("show p1 --csv --json", 2, "--to"),
        ("show p1 --to who.csv", 2, "--csv"),
        ("show p1 --state lost", 2, "ready, claimed, sending"),
        ("show d1 --csv", 1, "d1"),
        ("show p9 --csv", 1, "p9"),
        ("show p1 --csv --to nowhere/who.csv", 1, "--to"),
    ],
)
def test_what_cannot_be_shown_says_why(sent: Workspace, call: str, code: int, words: str) -> None:
    ran = sent.veille("outbox", *call.split())
    assert ran.code == code, ran
    assert words in ran.said
    assert "Traceback" not in ran.said
    assert not ran.out.startswith("id,")


def test_a_reader_who_was_erased_has_an_empty_cell(store: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipients, "_PORTION", 2)
    store.readers("amel", "bilal", "chloe")
    store.put(store.item("newsletter"), store.item("facebook"))
    store.pump(
        Mail("newsletter", outcomes=[Receipt("250 taken"), Rejected("no")]),
        Act("facebook"),
    )
    with store.database.write() as connection:
        connection.execute(sa.delete(schema.subscriber).where(schema.subscriber.c.id == 1))
    found = list(reached(store.database, "p1"))
    letters = [(row.id, row.address, row.state, row.remote_id, row.last_code) for row in found]
    first, second, third = (f"d{number}" for number in _letters(store))
    assert letters == [
        (first, "", "sent", "250 taken", ""),
        (second, "bilal@example.org", "failed", "", "rejected"),
        (third, "chloe@example.org", "sent", f"r{third}", ""),
    ]
    assert [row.address for row in reached(store.database, "p2")] == [""]
    assert "example.org" not in repr(found)


def _letters(store: Ledger) -> list[int]:
    with store.database.read() as connection:
        mine = sa.select(schema.delivery.c.id).where(schema.delivery.c.publication_id == 1)
        return list(connection.execute(mine.order_by(schema.delivery.c.id)).scalars())


@pytest.mark.parametrize("wal", [True, False], ids=["wal", "rollback-journal"])
def test_a_writer_never_waits_for_somebody_who_reads_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wal: bool
) -> None:
    """Also with a rollback journal, where nobody may write while a read lasts."""
    monkeypatch.setattr("veille.outbox.database.wal_is_safe", lambda _version: wal)
    monkeypatch.setattr("veille.outbox.database.BUSY_MS", 100)
    monkeypatch.setattr(recipients, "_PORTION", 2)
    database = open_database("sqlite:///outbox.sqlite3", tmp_path)
    store = Ledger(database)
    store.readers(*(f"reader{number}" for number in range(9)))
    store.put(store.item("newsletter"))
    store.worker().expand(1, store.now)
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == ("wal" if wal else "delete")
    found = []
    for row in reached(database, "p1", ["ready"]):
        found.append(row.id)
        with database.write() as connection:  # fails after 0.1 s if a read is open
            connection.execute(sa.update(schema.delivery).where(schema.delivery.c.id == 9).values(state="sent"))
    database.close()
    assert found == [f"d{number}" for number in range(1, 9)]  # d9 left this state meanwhile; the others are there once
