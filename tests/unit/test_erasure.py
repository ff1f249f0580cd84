"""Erased is erased: in every byte of the outbox, after a crash at any step, and after an old copy is put back."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.support.ledger import KEY, Ledger, Mail
from veille.errors import LedgerError, Rejected, VeilleError
from veille.outbox import schema
from veille.outbox.database import open_database
from veille.rates import Rate
from veille.signup import Limits, Signups
from veille.subscribers import Erasure, Row, held_about
from veille.subscribers.store import let_in

ADDRESS = "amel.secret@example.org"


@dataclass
class Desk:
    """A ledger in an outbox folder of its own."""

    ledger: Ledger
    folder: Path

    @property
    def erasure(self) -> Erasure:
        """On this ledger, without waiting."""
        return Erasure(self.ledger.database, lambda: KEY, self.folder, sleep=lambda _seconds: None)

    def traces(self, address: str = ADDRESS) -> list[str]:
        """Files under the outbox that hold the address in any byte."""
        found = [path for path in self.folder.rglob("*") if path.is_file()]
        return sorted(path.name for path in found if address.encode() in path.read_bytes().lower())

    def people(self) -> list[int]:
        """The readers' numbers."""
        with self.ledger.database.read() as connection:
            return list(
                connection.execute(sa.select(schema.subscriber.c.id).order_by(schema.subscriber.c.id)).scalars()
            )


@pytest.fixture
def desk(sqlite_store: Ledger, tmp_path: Path) -> Desk:
    """Two readers, a letter that one of them has, in the sandbox too, and a bounce with a server's words."""
    sqlite_store.subscribers.add([Row(ADDRESS), Row("bilal@example.org")], how="csv", now=sqlite_store.now)
    sqlite_store.put(sqlite_store.item("newsletter"))
    outcome = Rejected("refused", detail="550 no")
    sqlite_store.pump(Mail("newsletter", outcomes=[outcome]))
    sqlite_store.subscribers.record_bounce(1, 1, "soft", "4.2.2", f"<{ADDRESS}> is full", sqlite_store.now)
    with sqlite_store.database.write() as connection:
        log = schema.attempt_log
        connection.execute(sa.update(log).where(log.c.delivery_id == 1).values(text=f"550 <{ADDRESS}>"))
        first = sa.update(schema.delivery).where(schema.delivery.c.id == 1)
        connection.execute(first.values(last_error=f"550 <{ADDRESS}>", remote_id=ADDRESS))
    for name, text in {"letter/d1.eml": ADDRESS, "letter/d2.eml": "bilal", "other/test.eml": ADDRESS.title()}.items():
        path = tmp_path / "newsletter" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"To: {text}\n")
    (tmp_path / "bounces").mkdir()
    (tmp_path / "bounces/1.eml").write_text(f"Final-Recipient: rfc822; {ADDRESS}\n")
    return Desk(sqlite_store, tmp_path)


def test_no_byte_of_the_address_is_left(desk: Desk) -> None:
    assert desk.traces() == ["1.eml", "d1.eml", "outbox.sqlite3-wal", "test.eml"]
    before = desk.ledger.counts()
    assert desk.erasure.erase(ADDRESS.upper(), desk.ledger.now)
    assert desk.traces() == []
    assert (desk.people(), desk.ledger.counts()) == ([2], before)
    assert (desk.folder / "newsletter/letter/d2.eml").exists()
    assert (desk.folder / "erased.list").stat().st_mode & 0o777 == 0o600
    assert desk.ledger.row(1).target == "1"
    again = desk.ledger.subscribers.add([Row(ADDRESS)], how="csv", now=desk.ledger.now)
    assert (again.added, again.suppressed) == (0, 1)
    with pytest.raises(VeilleError):
        desk.ledger.subscribers.welcome_back(Row(ADDRESS), how="paper", now=desk.ledger.now)
    assert not desk.erasure.erase(ADDRESS, desk.ledger.now)


def test_the_number_of_who_was_erased_names_nobody_else(desk: Desk) -> None:
    desk.erasure.erase("bilal@example.org", desk.ledger.now)
    desk.ledger.readers("chloe")
    assert desk.people() == [1, 3]


def test_a_letter_that_has_not_left_is_cancelled(store: Ledger, tmp_path: Path) -> None:
    store.readers("amel", "bilal")
    store.put(store.item("newsletter"))
    erasure = Erasure(store.database, lambda: KEY, tmp_path / "outbox", sleep=lambda _seconds: None)
    (tmp_path / "outbox").mkdir()
    mail = Mail("newsletter", before_intent=lambda d: None if d.target == "2" else _erase(erasure, store))
    store.pump(mail)
    assert [delivery.target for delivery in mail.sent] == ["2"]
    assert store.counts() == {"sent": 1, "cancelled": 1}


def _erase(erasure: Erasure, store: Ledger) -> None:
    erasure.erase("amel@example.org", store.now)


def test_who_left_before_is_found_by_the_address_and_erased(desk: Desk) -> None:
    desk.ledger.subscribers.remove(ADDRESS, desk.ledger.now)
    assert desk.erasure.erase(ADDRESS, desk.ledger.now)
    assert desk.people() == [2]
    held = held_about(desk.ledger.database, KEY, ADDRESS)
    assert (held["reader"], held["stays_away"]["reason"]) == (None, "erased")


def test_nobody_is_erased_by_a_slip_of_the_pen(desk: Desk) -> None:
    with pytest.raises(VeilleError):
        desk.erasure.erase("amel.secrat@example.org", desk.ledger.now)
    assert not (desk.folder / "erased.list").exists()


def test_an_old_copy_is_erased_again(desk: Desk) -> None:
    copy = desk.folder.parent / f"{desk.folder.name}-copy"
    desk.ledger.database.close()
    shutil.copytree(desk.folder, copy)
    desk.erasure.erase(ADDRESS, desk.ledger.now)
    desk.ledger.database.close()
    shutil.copy(copy / "outbox.sqlite3", desk.folder / "outbox.sqlite3")
    shutil.copytree(copy / "newsletter", desk.folder / "newsletter", dirs_exist_ok=True)
    shutil.rmtree(copy)
    (desk.folder / "newsletter/other/test.eml").unlink()
    desk.ledger.database = open_database("sqlite:///outbox.sqlite3", desk.folder)
    assert desk.people() == [1, 2]
    assert desk.erasure.apply_again() == 1
    assert (desk.people(), desk.traces()) == ([2], [])
    assert desk.erasure.apply_again() == 0
    desk.ledger.database.close()


@pytest.mark.parametrize("step", ["put_away", "forget", "suppress"])
def test_what_a_crash_interrupts_is_done_at_the_next_opening(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def crash(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"veille.subscribers.erasure.{step}", crash)
        with pytest.raises(KeyboardInterrupt):
            desk.erasure.erase(ADDRESS, desk.ledger.now)
    assert desk.erasure.apply_again() == 1
    assert desk.people() == [2]
    assert not (desk.folder / "newsletter/letter/d1.eml").exists()
    assert not desk.erasure.erase(ADDRESS, desk.ledger.now)
    assert desk.traces() == []


def test_who_agreed_anew_after_being_erased_stays(desk: Desk) -> None:
    desk.erasure.erase(ADDRESS, desk.ledger.now)
    desk.ledger.later(days=1)
    with desk.ledger.database.write() as connection:
        connection.execute(sa.delete(schema.suppression))
        connection.execute(sa.delete(schema.erasure))
    desk.ledger.subscribers.add([Row(ADDRESS)], how="web", now=desk.ledger.now)
    assert desk.erasure.apply_again() == 1
    assert len(desk.people()) == 2


@pytest.mark.parametrize("end", ["", "\n", "\n0123456789abcdef", "\n" + "a" * 64 + " 17"])
def test_a_list_cut_short_or_lost_is_made_whole(desk: Desk, end: str) -> None:
    desk.erasure.erase(ADDRESS, desk.ledger.now)
    path = desk.folder / "erased.list"
    whole = path.read_text()
    path.write_text(whole.rstrip("\n") + end)
    desk.erasure.erase("bilal@example.org", desk.ledger.now)
    lines = path.read_text().splitlines()
    assert lines[0] == whole.strip()
    assert len(lines[-1].split()[0]) == 64
    path.unlink()
    desk.erasure.apply_again()
    assert sorted(path.read_text().splitlines()) == sorted({lines[0], lines[-1]})


def test_a_list_that_cannot_be_read_stops_everything(desk: Desk) -> None:
    (desk.folder / "erased.list").mkdir()
    with pytest.raises(LedgerError):
        desk.erasure.apply_again()


def test_another_reader_of_the_database_is_named_and_nothing_is_pretended(desk: Desk) -> None:
    with desk.ledger.database.read() as connection:
        connection.execute(sa.select(schema.subscriber)).all()
        with desk.ledger.database.engine.connect() as impatient:
            impatient.exec_driver_sql("PRAGMA busy_timeout=50")
        with pytest.raises(LedgerError):
            desk.erasure.erase(ADDRESS, desk.ledger.now)
    desk.erasure.erase(ADDRESS, desk.ledger.now)
    assert desk.traces() == []


def test_what_is_held_about_one_person(desk: Desk) -> None:
    held = held_about(desk.ledger.database, KEY, ADDRESS.upper())
    assert (held["reader"]["email"], held["reader"]["consent"]["how"]) == (ADDRESS, "csv")
    assert [(letter["id"], letter["state"]) for letter in held["deliveries"]] == [("d1", "failed")]
    assert [bounce["code"] for bounce in held["bounces"]] == ["4.2.2"]
    with pytest.raises(VeilleError):
        held_about(desk.ledger.database, KEY, "nobody@example.org")


def test_a_request_that_was_not_confirmed_is_erased_too(desk: Desk) -> None:
    ledger = desk.ledger
    limits = Limits((Rate(9, 3600),), Rate(9, 3600))
    signups = Signups(ledger.database, KEY, b"c" * 32, limits, lambda: ledger.now)
    signups.ask(Row("waits@example.org"), "192.0.2.1")
    (desk.folder / "notices").mkdir()
    (desk.folder / "notices" / "confirm-1.eml").write_text("To: waits@example.org")
    assert held_about(ledger.database, KEY, "waits@example.org")["request"]["email"] == "waits@example.org"
    assert desk.erasure.erase("waits@example.org", ledger.now)
    assert desk.traces("waits@example.org") == []
    assert signups.claim() is None


def test_a_person_erases_themselves_by_number_also_after_leaving(desk: Desk) -> None:
    ledger = desk.ledger
    ledger.subscribers.leave(1, ledger.now)
    desk.erasure.erase_reader(1, ledger.now)
    desk.erasure.erase_reader(1, ledger.now)
    assert desk.people() == [2]
    assert desk.erasure.apply_again() == 0


def test_a_reader_erases_themselves_without_a_trace(desk: Desk) -> None:
    desk.erasure.erase_reader(1, desk.ledger.now)
    assert desk.people() == [2]
    assert desk.traces() == []


def test_who_came_back_and_was_erased_again_stays_erased_after_a_restore(desk: Desk) -> None:
    """The old copy knows the first erasure, and the person as a reader again."""
    ledger = desk.ledger
    desk.erasure.erase(ADDRESS, ledger.now)
    ledger.now += timedelta(days=1)
    with ledger.database.write() as connection:
        let_in(connection, KEY, Row(ADDRESS), how="web form", now=ledger.now)
    assert desk.erasure.apply_again() == 0
    assert len(desk.people()) == 2
    with ledger.database.read() as connection:
        copy = connection.execute(sa.select(schema.erasure)).one()
    ledger.now += timedelta(days=1)
    desk.erasure.erase(ADDRESS, ledger.now)
    with ledger.database.write() as connection:  # as it was before the second erasure
        let_in(connection, KEY, Row(ADDRESS), how="web form", now=ledger.now - timedelta(days=1))
        connection.execute(sa.update(schema.erasure).values(at=copy.at))
    assert desk.erasure.apply_again() == 1
    assert desk.people() == [2]
