"""Readers: the CSV of any spreadsheet, addresses that mean what they say, and leaving that lasts."""

from __future__ import annotations

import csv
import io
import resource
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.ledger import KEY, NOW, Ledger, Mail
from veille.errors import ContentError, VeilleError
from veille.outbox import schema
from veille.subscribers import COLUMNS, Choice, Imported, Refused, Row, Rules, Table, defused, normalise
from veille.subscribers.addresses import is_plain, keyed_hash
from veille.subscribers.leaving import letters_of, put_away

TOWNS = {"bagneux": "Bagneux", "bourg-la-reine": "Bourg-la-Reine"}
RULES = Rules(TOWNS, NOW, ZoneInfo("Europe/Paris"))
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


def _read(folder: Path, content: str | bytes, rules: Rules = RULES) -> tuple[list[Row], list[Refused]]:
    path = folder / "r.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with Table(path, "r.csv", rules) as table:
        lines = list(table)
        assert len(lines) == table.lines
    return [x for x in lines if isinstance(x, Row)], [x for x in lines if isinstance(x, Refused)]


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
    rows, refused = _read(tmp_path, end.join(separator.join(line) for line in lines).encode(encoding))
    assert [(row.email, row.towns) for row in rows] == [
        ("amel@example.org", "bourg-la-reine"),
        ("b@example.org", "bagneux"),
    ]
    assert refused == []


def test_a_cell_with_line_breaks_and_excels_own_first_line(tmp_path: Path) -> None:
    text = 'sep=;\r\nEmail;"No\r\nte";Villes\r\na@example.org;"one;\r\n""two"", three";Bagneux\r\n\r\nnope;;\r\n'
    rows, refused = _read(tmp_path, text)
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
        _read(tmp_path, content)
    assert "@" not in str(error.value)


def test_a_folder_or_a_missing_file_is_said(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(ContentError):
            Table(path, path.name, RULES)


@pytest.mark.parametrize("name", ["Date de naissance", "BIRTHDATE", "né le", "Née le", "date_naissance", "DOB"])
def test_dates_of_birth_refuse_the_whole_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(ContentError) as error:
        _read(tmp_path, f"email;{name}\na@example.org;2010-01-01\n")
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
    rows, refused = _read(tmp_path, f"Nom;{name}\nx;a@example.org\n")
    assert [row.email for row in rows] == ["a@example.org"]
    assert refused == []


def test_french_headers_in_any_case(tmp_path: Path) -> None:
    text = (
        "COURRIEL;Langue;VILLES;Public;Texte seul;Consentement;Date de consentement;15 ans ou plus;Accord parental\n"
        "a@example.org;FR;Bagneux, Bourg-la-Reine;Jeunes;oui;papier;20/11/2026;non;signé le 20/11\n"
    )
    rows, refused = _read(tmp_path, text)
    moment = datetime(2026, 11, 19, 23, tzinfo=UTC)
    choices = ("a@example.org", "fr", "bagneux,bourg-la-reine", "young", True)
    assert (rows, refused) == ([Row(*choices, "papier", moment, "", "under-15", "signé le 20/11")], [])


@given(content=st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_no_file_of_bytes_ends_in_a_traceback(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    for head in (b"", b"email;age;consent_date;towns\n", b"\xef\xbb\xbfemail\tage\n", "email\n".encode("utf-16")):
        try:
            _read(folder, head + content)
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
    rows, refused = _read(tmp_path_factory.mktemp("cells"), text.getvalue())
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
    rows, refused = _read(tmp_path, "\n".join(["email;x", *(f"{line};" for line in lines), ""]))
    assert [row.email for row in rows] == ["a@example.org", "b@example.org", "c@example.org"]
    assert _lines(refused) == [5, 6]
    assert not any(f"{name}@" in line.reason for line in refused for name in ("d", "e", "alice", "bob"))


# one line


def test_a_bad_line_is_named_and_hides_no_other(tmp_path: Path) -> None:
    rows, refused = _read(
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
    rows, (refused,) = _read(tmp_path, f"email;language;towns;audience;text_only\na@example.org;{line}\n")
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
    rows, refused = _read(tmp_path, f"email;{header}\na@example.org;{cell}\n")
    assert ([row.age for row in rows], refused) == ([age], [])


def test_under_15_needs_a_parent_only_where_the_newsroom_says_so(tmp_path: Path) -> None:
    lines = ["email;age;parental_consent", "a@example.org;no;", "b@example.org;no;non", "c@example.org;no;paper"]
    text = "\n".join([*lines, "d@example.org;yes;", ""])
    assert len(_read(tmp_path, text)[0]) == 4
    rows, refused = _read(tmp_path, text, Rules(TOWNS, NOW, joint_consent=True))
    assert [row.email[0] for row in rows] == ["c", "d"]
    assert _lines(refused) == [2, 3]


# the store


def _ignore(_answer: object) -> None:
    """A look before sending answers nothing."""


def _add(ledger: Ledger, *rows: Row, **options: object) -> Imported:
    return ledger.subscribers.add(rows, how="csv", now=ledger.now, **options)  # type: ignore[arg-type]


def _person(ledger: Ledger, number: int = 1) -> sa.Row[tuple[object, ...]]:
    with ledger.database.read() as connection:
        return connection.execute(sa.select(schema.subscriber).where(schema.subscriber.c.id == number)).one()


def test_a_dry_run_says_what_the_import_then_does(store: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veille.subscribers.store.CHUNK", 2)
    store.readers("known", "left", "changed")
    store.subscribers.remove("left@example.org", store.now)
    rows = [Row(f"{name}@example.org") for name in ("new", "known", "left", "new", "other", "new", "known")]
    rows.append(Row("changed@example.org", "en"))
    told = _add(store, *rows, update=["language"], dry_run=True)
    assert store.subscribers.counts()["subscribed"] == 2
    assert _add(store, *rows, update=["language"]) == told == Imported(2, 2, 1, 3, 1)
    assert store.subscribers.counts()["language"] == {"en": 1, "fr": 3}


def test_twice_in_a_file_is_one_reader_and_who_left_stays_away(store: Ledger) -> None:
    store.readers("amel", "amel", "bilal")
    assert store.subscribers.counts()["subscribed"] == 2
    store.subscribers.remove("AMEL@example.org", store.now)
    with pytest.raises(VeilleError):
        store.subscribers.remove("amel@example.org", store.now)
    again = _add(store, Row("amel@example.org"))
    assert (again.added, again.suppressed) == (0, 1)


def test_the_choices_of_a_known_reader_change_only_when_asked_and_never_the_consent(sqlite_store: Ledger) -> None:
    _add(sqlite_store, Row("a@example.org", "fr", "bagneux", "young", False, "paper", NOW - timedelta(days=9)))
    other = Row("a@example.org", "en", "", "families", True, "web", NOW, "v2", "under-15", "by phone")
    assert _add(sqlite_store, other) == Imported(known=1)
    assert _person(sqlite_store).language == "fr"
    assert _add(sqlite_store, other, update=["language", "text_only"]) == Imported(known=1, updated=1)
    row = _person(sqlite_store)
    assert (row.language, row.towns, row.audience, row.text_only) == ("en", "bagneux", "young", 1)
    assert (row.consent_how, row.consent_at, row.consent_text, row.age) == ("paper", NOW - timedelta(days=9), "", "")


def test_consent_is_what_the_file_says_else_what_the_import_says(sqlite_store: Ledger) -> None:
    when = NOW - timedelta(days=30)
    rows = [Row("a@example.org"), Row("b@example.org", consent="paper", consent_at=when, consent_text="v1")]
    _add(sqlite_store, *rows, text="v2")
    first, second = _person(sqlite_store, 1), _person(sqlite_store, 2)
    assert (first.consent_how, first.consent_at, first.consent_text) == ("csv", NOW, "v2")
    assert (second.consent_how, second.consent_at, second.consent_text) == ("paper", when, "v1")


def test_an_interrupted_import_is_run_again(sqlite_store: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("veille.subscribers.store.CHUNK", 10)
    rows = [Row(f"r{n}@example.org") for n in range(25)]

    def stop(done: int) -> None:
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _add(sqlite_store, *rows, progress=stop)
    assert sqlite_store.subscribers.counts()["subscribed"] == 20
    assert _add(sqlite_store, *rows) == Imported(added=5, known=20)


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
    _add(store, *made)
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(store.subscribers.export())
    assert not any(
        cell.startswith(("=", "+", "-", "@")) for line in csv.reader(io.StringIO(text.getvalue())) for cell in line
    )
    assert _read(tmp_path, text.getvalue()) == (made, [])


@pytest.mark.parametrize("cell", ["=1+1", "+33", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_a_cell_is_no_formula(cell: str) -> None:
    assert defused(cell) == f"'{cell}"


def test_a_choice_is_whom_a_post_reaches(store: Ledger) -> None:
    _add(
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


# leaving


def test_who_left_comes_back_by_consent_and_never_by_csv(sqlite_store: Ledger) -> None:
    readers, row = sqlite_store.subscribers, Row("a@example.org", towns="bagneux")
    _add(sqlite_store, row)
    readers.remove("a@example.org", sqlite_store.now)
    assert _add(sqlite_store, row).suppressed == 1
    assert readers.welcome_back(row, how="paper form", now=sqlite_store.now, text="v3").added == 1
    person = _person(sqlite_store)
    assert (person.email, person.domain, person.towns) == ("a@example.org", "example.org", "bagneux")
    assert (person.consent_how, person.consent_text, person.left_at) == ("paper form", "v3", None)
    assert readers.welcome_back(row, how="paper form", now=sqlite_store.now).known == 1
    readers.remove("a@example.org", sqlite_store.now)
    assert readers.counts()["subscribed"] == 0


def test_who_left_keeps_no_address_but_the_proof_of_consent(sqlite_store: Ledger) -> None:
    _add(sqlite_store, Row("a@secret.example.org", "fr", "bagneux", "young", consent="paper"))
    sqlite_store.subscribers.leave(1, sqlite_store.later(days=1))
    row = _person(sqlite_store)
    assert row.email == "#" + keyed_hash(KEY, "a@secret.example.org")
    assert (row.domain, row.towns, row.audience) == ("", "", "")
    assert (row.state, row.consent_how, row.consent_at, row.left_at) == (
        "unsubscribed",
        "paper",
        NOW,
        sqlite_store.now,
    )
    assert not sqlite_store.subscribers.leave(1, sqlite_store.now)


def test_no_letter_leaves_for_who_left_and_the_counts_stay(store: Ledger) -> None:
    store.readers("amel", "bilal", "chloe")
    store.put(store.item("newsletter"))
    store.pump(mail := Mail("newsletter", before_intent=lambda _d: _ignore(store.subscribers.leave(2, store.now))))
    assert [d.target for d in mail.sent] == ["1", "3"]
    assert store.counts() == {"sent": 2, "cancelled": 1}


def test_put_away_inside_a_transaction_of_others_is_harmless_twice(store: Ledger) -> None:
    store.readers("amel", "bilal")
    with store.database.write() as connection:
        assert put_away(connection, KEY, 1, "bounced", "bounced", store.now)
        assert not put_away(connection, KEY, 1, "bounced", "bounced", store.now)
        assert not put_away(connection, KEY, 99, "bounced", "bounced", store.now)
    assert _person(store).email == "amel@example.org"  # somebody may mend it
    assert _add(store, Row("amel@example.org")).suppressed == 1
    assert store.subscribers.leave(1, store.now)  # and may still leave for good
    assert _person(store).email.startswith("#")
    with store.database.write() as connection:
        assert put_away(connection, KEY, 1, "complained", "complained", store.now)
        assert not put_away(connection, KEY, 1, "unsubscribed", "unsubscribed", store.now)
    with pytest.raises(VeilleError):
        store.subscribers.welcome_back(Row("amel@example.org"), how="paper", now=store.now)


def test_letters_of_one_reader_are_found_without_reading_all_of_them(sqlite_store: Ledger) -> None:
    change = sa.update(schema.delivery).where(letters_of(7), schema.delivery.c.state.in_(("ready", "held")))
    sql = str(
        change.values(state="cancelled").compile(sqlite_store.database.engine, compile_kwargs={"literal_binds": True})
    )
    with sqlite_store.database.read() as connection:
        plan = " | ".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}"))
    assert "SEARCH delivery" in plan
    assert "publication_id=? AND target=?" in plan


# bounces


def _letters(ledger: Ledger, *days: int) -> list[int]:
    """One letter to reader 1 on each of these days, sent. Returns the deliveries."""
    began = ledger.now
    for day in days:
        ledger.now = began + timedelta(days=day)
        ledger.put(ledger.item("newsletter", source=f"letter-{day}", occurrence=""))
        ledger.pump(Mail("newsletter"))
    with ledger.database.read() as connection:
        return list(connection.execute(sa.select(schema.delivery.c.id).order_by(schema.delivery.c.id)).scalars())


def _soft(ledger: Ledger, delivery: int | None, code: str = "4.2.2") -> str:
    return ledger.subscribers.record_bounce(1, delivery, "soft", code, "full", ledger.now)


def test_a_hard_bounce_and_a_complaint_act_at_once(store: Ledger) -> None:
    store.readers("amel", "bilal")
    bounce = store.subscribers.record_bounce
    assert bounce(1, None, "hard", "5.1.1", "no such user", store.now) == "suppressed"
    assert bounce(2, None, "complaint", "", "", store.now) == "suppressed"
    assert bounce(9, None, "hard", "5.1.1", "", store.now) == "gone"
    assert (_person(store, 1).state, _person(store, 2).state) == ("bounced", "complained")
    assert _person(store, 2).email.startswith("#")
    assert bounce(1, None, "hard", "5.1.1", "no such user", store.now) == "known"
    assert bounce(1, None, "hard", "5.1.1", "no such user", store.later(days=1)) == "counted"


def test_three_soft_bounces_over_fifteen_days(store: Ledger) -> None:
    store.readers("amel")
    first, second, third = _letters(store, 0, 7, 16)
    store.now = NOW
    assert _soft(store, first) == "counted"
    assert _soft(store, first) == "known"
    assert _soft(store, first, "4.4.1") == "counted"  # the same letter, reported otherwise
    store.later(days=7)
    assert _soft(store, second) == "counted"
    store.later(days=9)
    assert _soft(store, third) == "suppressed"
    assert _person(store).state == "bounced"


def test_two_letters_that_came_back_are_too_few_however_long_it_takes(store: Ledger) -> None:
    store.readers("amel")
    for delivery, day in zip(_letters(store, 0, 40), (0, 40), strict=True):
        store.now = NOW + timedelta(days=day)
        assert _soft(store, delivery) == "counted"
    assert _person(store).state == "subscribed"


def test_a_letter_that_stayed_in_between_begins_the_count_anew(store: Ledger) -> None:
    store.readers("amel")
    first, second, _arrived, fourth = _letters(store, 0, 7, 8, 20)
    for delivery, day in ((first, 0), (second, 7), (fourth, 20)):
        store.now = NOW + timedelta(days=day)
        assert _soft(store, delivery) == "counted"
    assert _person(store).state == "subscribed"


def test_soft_bounces_of_a_fortnight_are_a_full_mailbox(store: Ledger) -> None:
    store.readers("amel")
    for delivery in _letters(store, 0, 5, 10, 14):
        assert _soft(store, delivery) == "counted"
    assert _person(store).state == "subscribed"
