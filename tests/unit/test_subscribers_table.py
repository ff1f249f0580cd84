"""The CSV of any spreadsheet, line by line, and addresses that mean what they say."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.ledger import NOW
from tests.support.readers import RULES, TOWNS, read
from veille.errors import ContentError
from veille.subscribers import COLUMNS, Refused, Row, Rules, Table, normalise
from veille.subscribers.addresses import is_plain

EVIL = [
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
    '"a b"@example.org',
    "a..b@example.org",
    ".a@example.org",
    "a.@example.org",
    "a@-example.org",
    "a@example-.org",
    "a@example..org",
    "a@example.org.",
    "a@example.123",
    "a@xn--.org",
    "a@ab--cd.org",
    "a@machine.local",
    f"{'a' * 65}@example.org",
    f"a@{'b' * 64}.org",
    f"{'a' * 60}@{'.'.join(['b' * 60] * 4)}.org",
    "a@example\u2028.org",
    "a\u202e@example.org",
    "a@example.org>",
    "<a@example.org",
    "a@ex\u3002ample\u0000.org",
    "a@@example.org",
]


def _lines(refused: list[Refused]) -> list[int]:
    return [line.line for line in refused]


# the table


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_as_spreadsheets_write_it(tmp_path: Path, encoding: str, separator: str, end: str) -> None:
    lines = [
        ("Email ", "note", "towns"),
        ("AMEL@Example.org", "élève", "Bourg-la-Reine"),
        ("b@example.org", "", "bagneux"),
    ]
    rows, refused = read(tmp_path, end.join(separator.join(line) for line in lines).encode(encoding))
    assert [(row.email, row.towns) for row in rows] == [
        ("amel@example.org", "bourg-la-reine"),
        ("b@example.org", "bagneux"),
    ]
    assert refused == []


def test_a_cell_with_line_breaks_and_excels_own_first_line(tmp_path: Path) -> None:
    text = 'sep=;\r\nEmail;"No\r\nte";Villes\r\na@example.org;"one;\r\n""two"", three";Bagneux\r\n\r\nnope;;\r\n'
    rows, refused = read(tmp_path, text)
    assert [(row.email, row.towns) for row in rows] == [("a@example.org", "bagneux")]
    assert _lines(refused) == [7]


@pytest.mark.parametrize(
    "content",
    [
        b"name\nx\n",
        b"",
        b"\x81\x8d\xff\x00",
        b'email\n"' + b"x" * 200_000,
        b'email;note\na@example.org;"never closed\nb@example.org;\n',
        b"email;mail\na@example.org;b@example.org\n",
        b"\xff\xfee\x00m",
        b"email\n" + b"x" * 2_000_000,
        b"a@example.org\nb@example.org\n",
    ],
)
def test_what_is_no_such_table_is_said(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ContentError) as error:
        read(tmp_path, content)
    assert "@" not in str(error.value)


def test_a_folder_or_a_missing_file_is_said(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(ContentError):
            Table(path, path.name, RULES)


@pytest.mark.parametrize("name", ["Date de naissance", "BIRTHDATE", "né le", "Née le", "date_naissance", "DOB"])
def test_dates_of_birth_refuse_the_whole_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(ContentError) as error:
        read(tmp_path, f"email;{name}\na@example.org;2010-01-01\n")
    assert [finding.code for finding in error.value.findings] == ["csv-birth"]


def test_names_schools_and_telephones_are_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text(
        "Nom;Prénom;Collège;Adresse;Téléphone;Courriel\nX;Y;Z;1 rue W;06;a@example.org\n", encoding="cp1252"
    )
    with Table(path, "r.csv", RULES) as table:
        assert table.header.dropped == ("Nom", "Prénom", "Collège", "Adresse", "Téléphone")
        assert list(table) == [Row("a@example.org")]


@pytest.mark.parametrize(
    "name",
    ["E-mail", "courriel", "Adresse e-mail", "Adresse électronique", "MAIL", "Adresse de messagerie", "Mél"],
)
def test_the_column_of_addresses_by_its_usual_names(tmp_path: Path, name: str) -> None:
    rows, refused = read(tmp_path, f"Nom;{name}\nx;a@example.org\n")
    assert [row.email for row in rows] == ["a@example.org"]
    assert refused == []


def test_french_headers_in_any_case(tmp_path: Path) -> None:
    text = (
        "COURRIEL;Langue;VILLES;Public;Texte seul;Consentement;Date de consentement;15 ans ou plus;Accord parental\n"
        "a@example.org;FR;Bagneux, Bourg-la-Reine;Jeunes;oui;papier;20/11/2026;non;signé le 20/11\n"
    )
    rows, refused = read(tmp_path, text)
    moment = datetime(2026, 11, 19, 23, tzinfo=UTC)
    choices = ("a@example.org", "fr", "bagneux,bourg-la-reine", "young", True)
    assert (rows, refused) == ([Row(*choices, "papier", moment, "", "under-15", "signé le 20/11")], [])


@given(content=st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_no_file_of_bytes_ends_in_a_traceback(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    for head in (b"", b"email;age;consent_date;towns\n", b"\xef\xbb\xbfemail\tage\n", "email\n".encode("utf-16")):
        try:
            read(folder, head + content)
        except ContentError:
            continue


_CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(cells=st.lists(_CELL, min_size=8, max_size=8), evil=st.sampled_from(EVIL))
@settings(max_examples=150, deadline=None)
def test_no_line_ends_in_a_traceback_or_shows_an_address(
    tmp_path_factory: pytest.TempPathFactory, cells: list[str], evil: str
) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([COLUMNS, [evil, *cells], *([f"x{c}@secret.example", *cells] for c in cells)])
    rows, refused = read(tmp_path_factory.mktemp("cells"), text.getvalue())
    assert not any("secret.example" in line.reason or evil in line.reason for line in refused if len(evil) > 8)
    assert all(normalise(row.email) == row.email for row in rows)


# addresses


@pytest.mark.parametrize("address", EVIL)
def test_evil_addresses_are_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        normalise(address)
    assert not is_plain(address)


_SIGNS = st.text("aZ09.!#$%&'*+/=?^_`{|}~-@\"<> ,é\u0301ß。xn--org", max_size=20)
_LABELS = st.lists(st.text("ab9-", max_size=5), max_size=4).map(".".join)
_ENDINGS = st.sampled_from([".org", ".fr", ".local", ".test", ".arpa", ".x", ".o-g", ".xn--p1ai", "", ".a1"])


@given(local=_SIGNS, labels=_LABELS, ending=_ENDINGS)
@settings(max_examples=400, deadline=None)
def test_the_quick_look_at_an_address_agrees_with_the_library(local: str, labels: str, ending: str) -> None:
    address = f"{local}@{labels}{ending}"
    if is_plain(address):
        assert _library(address) == address
    try:
        kept = normalise(address)
    except ValueError:
        return
    assert normalise(kept) == kept


def _library(address: str) -> str | None:
    try:
        found = validate_email(address, check_deliverability=False, test_environment=True, strict=True)
    except EmailNotValidError:
        return None
    return found.normalized


def test_addresses_of_every_language() -> None:
    assert normalise("Élève@Éxample.FR") == "élève@xn--xample-9ua.fr"
    assert normalise("e\u0301le@example.org") == "éle@example.org"
    assert normalise(" A.B+c@Example.ORG ") == "a.b+c@example.org"
    assert normalise("用户@例え.jp") == "用户@xn--r8jz45g.jp"


def test_the_name_beside_an_address_is_dropped(tmp_path: Path) -> None:
    lines = [
        "Amel Martin <A@example.org>",
        "\"'b@example.org' <b@example.org>\"",
        "mailto:c@example.org",
        "d@example.org <e@example.org>",
        "alice@example.org <bob@example.org> <x@example.org>",
    ]
    rows, refused = read(tmp_path, "\n".join(["email;x", *(f"{line};" for line in lines), ""]))
    assert [row.email for row in rows] == ["a@example.org", "b@example.org", "c@example.org"]
    assert _lines(refused) == [5, 6]
    assert not any(f"{name}@" in line.reason for line in refused for name in ("d", "e", "alice", "bob"))


# one line


def test_a_bad_line_is_named_and_hides_no_other(tmp_path: Path) -> None:
    rows, refused = read(
        tmp_path,
        "email,towns,audience,text_only,language,consent_date,age\na@example.org,,,,,,\nnope,,,,,,\n"
        "b@example.org,atlantis,,,,,\nc@example.org,,cats,,,,\nd@example.org,,,maybe,,,\ne@example.org,,,,=1+1,,\n"
        "f@example.org,,Young,oui,FR,,\ng@example.org,,,,,soon,\nh@example.org,,,,,2126-01-01,\n"
        "i@example.org,,,,,,old\nj@example.org,,,,,0001-01-01,\n",
    )
    assert [row.email[0] for row in rows] == ["a", "f"]
    assert _lines(refused) == [3, 4, 5, 6, 7, 9, 10, 11, 12]


@pytest.mark.parametrize("line", ["fr;;b@example.org;", "fr;b@example.org;;", "b@example.org;;;"])
def test_an_address_in_the_wrong_column_is_not_repeated(tmp_path: Path, line: str) -> None:
    rows, (refused,) = read(tmp_path, f"email;language;towns;audience;text_only\na@example.org;{line}\n")
    assert not rows
    assert refused.line == 2
    assert "example" not in f"{refused.reason} {refused!r}"


@pytest.mark.parametrize(
    ("header", "cell", "age"),
    [
        ("age", "non", "under-15"),
        ("J'ai 15 ans ou plus", "Oui", "15-or-over"),
        ("age", "14", "under-15"),
        ("âge", "15 ans ou plus", "15-or-over"),
        ("moins de 15 ans", "oui", "under-15"),
        ("moins de 15 ans", "non", "15-or-over"),
        ("age", "", ""),
    ],
)
def test_of_the_age_only_the_answer_is_kept(tmp_path: Path, header: str, cell: str, age: str) -> None:
    rows, refused = read(tmp_path, f"email;{header}\na@example.org;{cell}\n")
    assert ([row.age for row in rows], refused) == ([age], [])


def test_under_15_needs_a_parent_only_where_the_newsroom_says_so(tmp_path: Path) -> None:
    lines = ["email;age;parental_consent", "a@example.org;no;", "b@example.org;no;non", "c@example.org;no;paper"]
    text = "\n".join([*lines, "d@example.org;yes;", ""])
    assert len(read(tmp_path, text)[0]) == 4
    rows, refused = read(tmp_path, text, Rules(TOWNS, NOW, joint_consent=True))
    assert [row.email[0] for row in rows] == ["c", "d"]
    assert _lines(refused) == [2, 3]
