"""The store of readers: imports, choices, exports."""

from __future__ import annotations

import csv
import io
import resource
import time
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.support.ledger import NOW, Ledger
from tests.support.readers import RULES, add, person, read
from veille.errors import VeilleError
from veille.subscribers import COLUMNS, Choice, Imported, Row, Table, defused


def test_a_dry_run_says_what_the_import_then_does(store: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veille.subscribers.store.CHUNK", 2)
    store.readers("known", "left", "changed")
    store.subscribers.remove("left@example.org", store.now)
    rows = [Row(f"{name}@example.org") for name in ("new", "known", "left", "new", "other", "new", "known")]
    rows.append(Row("changed@example.org", "en"))
    told = add(store, *rows, update=["language"], dry_run=True)
    assert store.subscribers.counts()["subscribed"] == 2
    assert add(store, *rows, update=["language"]) == told == Imported(2, 2, 1, 3, 1)
    assert store.subscribers.counts()["language"] == {"en": 1, "fr": 3}


def test_twice_in_a_file_is_one_reader_and_who_left_stays_away(store: Ledger) -> None:
    store.readers("amel", "amel", "bilal")
    assert store.subscribers.counts()["subscribed"] == 2
    store.subscribers.remove("AMEL@example.org", store.now)
    with pytest.raises(VeilleError):
        store.subscribers.remove("amel@example.org", store.now)
    again = add(store, Row("amel@example.org"))
    assert (again.added, again.suppressed) == (0, 1)


def test_the_choices_of_a_known_reader_change_only_when_asked_and_never_the_consent(sqlite_store: Ledger) -> None:
    add(sqlite_store, Row("a@example.org", "fr", "bagneux", "young", False, "paper", NOW - timedelta(days=9)))
    other = Row("a@example.org", "en", "", "families", True, "web", NOW, "v2", "under-15", "by phone")
    assert add(sqlite_store, other) == Imported(known=1)
    assert person(sqlite_store).language == "fr"
    assert add(sqlite_store, other, update=["language", "text_only"]) == Imported(known=1, updated=1)
    row = person(sqlite_store)
    assert (row.language, row.towns, row.audience, row.text_only) == ("en", "bagneux", "young", 1)
    assert (row.consent_how, row.consent_at, row.consent_text, row.age) == ("paper", NOW - timedelta(days=9), "", "")


def test_consent_is_what_the_file_says_else_what_the_import_says(sqlite_store: Ledger) -> None:
    when = NOW - timedelta(days=30)
    rows = [Row("a@example.org"), Row("b@example.org", consent="paper", consent_at=when, consent_text="v1")]
    add(sqlite_store, *rows, text="v2")
    first, second = person(sqlite_store, 1), person(sqlite_store, 2)
    assert (first.consent_how, first.consent_at, first.consent_text) == ("csv", NOW, "v2")
    assert (second.consent_how, second.consent_at, second.consent_text) == ("paper", when, "v1")


def test_an_interrupted_import_is_run_again(sqlite_store: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veille.subscribers.store.CHUNK", 10)
    rows = [Row(f"r{n}@example.org") for n in range(25)]

    def stop(done: int) -> None:
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add(sqlite_store, *rows, progress=stop)
    assert sqlite_store.subscribers.counts()["subscribed"] == 20
    assert add(sqlite_store, *rows) == Imported(added=5, known=20)


def test_an_export_is_no_formula_and_comes_back_as_it_went(store: Ledger, tmp_path: Path) -> None:
    made = [
        Row(
            f"{start}1@example.org",
            "fr",
            "bagneux,bourg-la-reine",
            "young",
            True,
            f"{start}paper",
            NOW,
            "v1",
            "under-15",
            "=x",
        )
        for start in "=+-"
    ]
    add(store, *made)
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(store.subscribers.export())
    assert not any(
        cell.startswith(("=", "+", "-", "@")) for line in csv.reader(io.StringIO(text.getvalue())) for cell in line
    )
    assert read(tmp_path, text.getvalue()) == (made, [])


@pytest.mark.parametrize("cell", ["=1+1", "+33", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_a_cell_is_no_formula(cell: str) -> None:
    assert defused(cell) == f"'{cell}"


def test_a_choice_is_whom_a_post_reaches(store: Ledger) -> None:
    add(
        store,
        Row("a@example.org", "fr", "bagneux,bourg-la-reine", "young"),
        Row("b@example.org", "fr", "bourg-la-reine", "families"),
        Row("c@example.org", "en"),
    )
    chosen = {
        Choice("bagneux"): "ac",
        Choice("bourg-la-reine"): "abc",
        Choice(audience="young"): "ac",
        Choice(language="fr"): "ab",
        Choice("bourg-la-reine", "families", "fr"): "b",
        Choice("reine"): "c",
    }
    for choice, names in chosen.items():
        assert "".join(row["email"][0] for row in store.subscribers.export(choice)) == names
        assert store.subscribers.counts(choice)["subscribed"] == len(names)
    assert store.subscribers.counts()["towns"] == {"bagneux": 1, "bourg-la-reine": 2}


def test_nobody_waits_long_for_an_import_and_its_memory_is_flat(sqlite_store: Ledger, tmp_path: Path) -> None:
    _import_many(sqlite_store, tmp_path, 20_000)


@pytest.mark.soak
def test_a_million_lines(sqlite_store: Ledger, tmp_path: Path) -> None:
    began = time.monotonic()
    _import_many(sqlite_store, tmp_path, 1_000_000)
    assert time.monotonic() - began < 120
    began = time.monotonic()
    assert sqlite_store.subscribers.counts()["subscribed"] == 1_000_000
    assert time.monotonic() - began < 1


def _import_many(ledger: Ledger, folder: Path, count: int) -> None:
    path = folder / "many.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("email;ville;public\n")
        file.writelines(f"{n * 7_919_993 % 10**9:x}@d{n % 50}.example.org;Bagneux;jeunes\n" for n in range(count))
    held, before = [0.0], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _measure_locks(ledger, held)
    with Table(path, "many.csv", RULES) as table:
        rows = (line for line in table if isinstance(line, Row))
        done = ledger.subscribers.add(rows, how="csv", now=ledger.now)
    assert done == Imported(added=count)
    assert sorted(held)[len(held) * 9 // 10] < 1  # the others are the disk's, on a busy machine
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 60 * 1024, f"{grown} KB"


def _measure_locks(ledger: Ledger, held: list[float]) -> None:
    """How long each transaction kept other writers waiting."""

    @sa.event.listens_for(ledger.database.engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.info["began"] = time.monotonic()

    @sa.event.listens_for(ledger.database.engine, "commit")
    def _commit(connection: sa.Connection) -> None:
        held.append(time.monotonic() - connection.info["began"])
