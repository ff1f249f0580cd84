"""Readers: the CSV of any spreadsheet, addresses that mean what they say, and leaving that lasts."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from tests.support.ledger import Ledger
from veille.errors import ContentError, VeilleError
from veille.subscribers import COLUMNS, Row, normalise, read_csv

TOWNS = {"bagneux": "Bagneux", "bourg-la-reine": "Bourg-la-Reine"}


def _read(folder: Path, content: str | bytes) -> tuple[list[Row], list[str]]:
    path = folder / "r.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    rows, findings = read_csv(path, "r.csv", TOWNS)
    return rows, [f"{finding.line}" for finding in findings]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_as_spreadsheets_write_it(tmp_path: Path, encoding: str, separator: str, end: str) -> None:
    lines = [
        ("Email ", "note", "towns"),
        ("AMEL@Example.org", "élève", "Bourg-la-Reine"),
        ("b@example.org", "", "bagneux"),
    ]
    rows, refused = _read(tmp_path, end.join(separator.join(line) for line in lines).encode(encoding))
    assert [(row.email, row.towns) for row in rows] == [
        ("amel@example.org", "bourg-la-reine"),
        ("b@example.org", "bagneux"),
    ]
    assert refused == []


@pytest.mark.parametrize(
    "address",
    [
        "alice@example.org)bob@evil.test",
        "u@y>\r\nRCPT TO:<v@x",
        "a@example.org,b@example.org",
        "Amel <a@example.org>",
        "a@example.org\nBcc: b@example.org",
        "a@exa mple.org",
        "a@example.org\x00",
        "@example.org",
        "a@",
        "a@[127.0.0.1]",
        "a@localhost",
        "",
        "é@example.org",
        '"a b"@example.org',
    ],
)
def test_evil_addresses_are_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        normalise(address)


def test_a_bad_line_is_named_and_hides_no_other(tmp_path: Path) -> None:
    rows, refused = _read(
        tmp_path,
        "email,towns,audience,text_only,language\na@example.org,,,,\nnope,,,,\nb@example.org,atlantis,,,\n"
        "c@example.org,,cats,,\nd@example.org,,,maybe,\ne@example.org,,,,=1+1\nf@example.org,,Young,oui,FR\n",
    )
    assert [row.email[0] for row in rows] == ["a", "f"]
    assert refused == ["3", "4", "5", "6", "7"]


@pytest.mark.parametrize("content", [b"name\nx\n", b"", b"\x81\x8d\xff\x00", b'email\n"' + b"x" * 200_000])
def test_what_is_no_such_table_is_said(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ContentError):
        _read(tmp_path, content)


def test_twice_in_a_file_is_one_reader_and_who_left_stays_away(store: Ledger) -> None:
    store.readers("amel", "amel", "bilal")
    assert store.subscribers.counts()["subscribed"] == 2
    store.subscribers.remove("AMEL@example.org", store.now)
    with pytest.raises(VeilleError):
        store.subscribers.remove("amel@example.org", store.now)
    again = store.subscribers.add([Row("amel@example.org", "fr", "", "", False)], how="csv", now=store.now)
    assert (again.added, again.suppressed) == (0, 1)


def test_an_export_is_no_formula_and_comes_back_as_it_went(store: Ledger, tmp_path: Path) -> None:
    made = [Row(f"{start}1@example.org", "fr", "bagneux,bourg-la-reine", "young", True) for start in "=+-"]
    store.subscribers.add(made, how="test", now=store.now)
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(store.subscribers.export())
    assert not any(
        cell.startswith(("=", "+", "-", "@")) for line in csv.reader(io.StringIO(text.getvalue())) for cell in line
    )
    rows, refused = _read(tmp_path, text.getvalue())
    assert (rows, refused) == (made, [])


@pytest.mark.parametrize("name", ["E-mail", "courriel", "Adresse e-mail", "Adresse électronique", "MAIL"])
def test_the_column_of_addresses_by_its_usual_names(tmp_path: Path, name: str) -> None:
    rows, refused = _read(tmp_path, f"Nom;{name}\nx;a@example.org\n")
    assert [row.email for row in rows] == ["a@example.org"]
    assert refused == []


def test_who_left_comes_back_by_consent_and_never_by_csv(sqlite_store: Ledger) -> None:
    readers, row = sqlite_store.subscribers, Row("a@example.org", "fr", "", "", False)
    readers.add([row], how="csv", now=sqlite_store.now)
    readers.remove("a@example.org", sqlite_store.now)
    assert readers.add([row], how="csv", now=sqlite_store.now).suppressed == 1
    assert readers.welcome_back(row, how="paper form", now=sqlite_store.now).added == 1
    assert readers.counts()["subscribed"] == 1
    assert readers.welcome_back(row, how="paper form", now=sqlite_store.now).known == 1
    readers.remove("a@example.org", sqlite_store.now)
    assert readers.counts()["subscribed"] == 0


@pytest.mark.parametrize("line", ["fr;;b@example.org;", "fr;b@example.org;;", "b@example.org;;;"])
def test_an_address_in_the_wrong_column_is_not_repeated(tmp_path: Path, line: str) -> None:
    path = tmp_path / "r.csv"
    path.write_text(f"email;language;towns;audience;text_only\na@example.org;{line}\n", encoding="utf-8")
    rows, (finding,) = read_csv(path, "r.csv", TOWNS)
    assert not rows
    assert finding.line == 2
    assert "example" not in str(finding)
