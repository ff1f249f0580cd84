"""Nobody finds out who reads the letter by how much there is to do: the same work for an address new or known.

What is counted is everything that another request may have to wait for: statements and commits of the ledger, the mail
that is made, the talk with the mail server. Nothing here measures time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.support.ledger import KEY, Ledger
from tests.support.site_desk import QUIET, Site, running
from tests.support.smtp_server import MailServer, mail_server
from veille.rates import Rate
from veille.signup import Limits, Outcome, Signups
from veille.subscribers import Erasure, Row, held_about
from veille_cli.confirm_mail import Confirmations

READER, STRANGER = "amel@example.org", "zoe@example.org"


@pytest.fixture
def mail() -> Iterator[tuple[MailServer, list[str]]]:
    """A real mail server, and what it was told."""
    told: list[str] = []

    async def rcpt(_server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        told.append("RCPT")
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def greeted(_server: Any, session: Any, _envelope: Any, hostname: str, words: list[str]) -> list[str]:
        told.append("EHLO")
        session.host_name = hostname
        return words

    with mail_server() as server:
        server.handle_RCPT = rcpt  # type: ignore[attr-defined]
        server.handle_EHLO = greeted  # type: ignore[method-assign]
        yield server, told


@pytest.fixture
def site(tmp_path: Path, mail: tuple[MailServer, list[str]]) -> Iterator[Site]:
    environ = {"TRANSPORT": "smtp", "SMTP_URL": mail[0].url()}
    with running(tmp_path, {f"VEILLE_NEWSLETTER__{name}": value for name, value in environ.items()}) as made:
        yield made


class Work:
    """What the ledger is asked to do, in order."""

    def __init__(self, site: Site) -> None:
        self.done: list[str] = []
        engine = site.room.database.engine
        sa.event.listen(engine, "before_cursor_execute", self._statement)
        sa.event.listen(engine, "commit", lambda _connection: self.done.append("COMMIT"))

    def _statement(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        self.done.append(statement)

    def taken(self) -> list[str]:
        """What was done since the last time."""
        done, self.done = self.done, []
        return done


def _asked(site: Site, work: Work, address: str) -> tuple[list[str], list[str]]:
    """Ask for the letter, and let the thread beside the site do its round: what each of them did."""
    stamp = site.stamp()
    work.taken()
    assert site.post("/subscribe/", {"email": address, "stamp": stamp}).status_code == 200
    answer = work.taken()
    assert Confirmations(site.room, threading.Event(), QUIET).send()
    return answer, work.taken()


def test_a_known_address_makes_the_same_work_as_a_new_one(site: Site, mail: tuple[MailServer, list[str]]) -> None:
    server, told = mail
    site.reader(READER)
    work = Work(site)
    pauses = (timedelta(0), timedelta(minutes=1), *(timedelta(hours=25) for _day in range(3)))
    for pause in pauses:
        site.now += pause
        found = []
        for address in (READER, STRANGER):
            told.clear()
            found.append((*_asked(site, work, address), list(told)))
        assert found[0] == found[1]
        assert "COMMIT" in found[0][0]
    assert server.copies == {STRANGER: 3}


def test_the_mail_for_nobody_is_made_and_its_envelope_taken_back(
    site: Site, mail: tuple[MailServer, list[str]]
) -> None:
    server, told = mail
    site.reader(READER)
    _answer, mailing = _asked(site, Work(site), READER)
    assert mailing.count("COMMIT") == 2
    assert told == ["EHLO", "RCPT"]
    assert server.mails == []
    held = held_about(site.room.database, site.room.keys.derive("suppression"), READER)
    request = held["request"]
    assert (request["email"], request["state"], request["mails"], request["last_mail"]) == ("", "reads", 0, None)


def test_in_the_sandbox_too_and_nothing_stays_of_it(tmp_path: Path) -> None:
    with running(tmp_path) as site:
        site.reader(READER)
        work = Work(site)
        assert _asked(site, work, READER) == _asked(site, work, STRANGER)
        assert [message["To"] for message in site.mails()] == [STRANGER]
        assert [path.name for path in (tmp_path / "outbox/notices").iterdir()] == ["confirm-2.eml"]


# what never left counts for nothing in the end


@pytest.fixture
def signups(sqlite_store: Ledger) -> Signups:
    many = Rate(100_000, 3600)
    return Signups(sqlite_store.database, KEY, b"c" * 32, Limits((many,), many), lambda: sqlite_store.now)


def _day(signups: Signups, ledger: Ledger) -> list[str]:
    """Somebody asks for the letter, and what is wanted is made: to whom. Then it is tomorrow."""
    made = []
    signups.ask(Row(READER), "192.0.2.1")
    while wanted := signups.claim():
        signups.mailed(wanted.signup)
        made.append(wanted.email)
    ledger.later(hours=25)
    return made


def test_whoever_left_is_not_made_to_wait_for_mails_that_never_left(signups: Signups, sqlite_store: Ledger) -> None:
    """Somebody asks for a reader day after day: nothing of that counts once the reader left and comes back."""
    sqlite_store.readers("amel")
    assert [_day(signups, sqlite_store) for _time in range(4)] == [[""], [""], [""], []]
    signups.upkeep()
    sqlite_store.subscribers.leave(1, sqlite_store.now)
    assert [_day(signups, sqlite_store) for _time in range(4)] == [[READER], [READER], [READER], []]


def test_whoever_is_erased_may_come_back_however_often_somebody_asked_for_them(
    signups: Signups, sqlite_store: Ledger, tmp_path: Path
) -> None:
    sqlite_store.readers("amel")
    for _time in range(3):
        _day(signups, sqlite_store)
    Erasure(sqlite_store.database, lambda: KEY, tmp_path).erase(READER, sqlite_store.now)
    assert _day(signups, sqlite_store) == [READER]


def test_a_link_that_was_used_still_says_so_after_somebody_asked_for_its_reader(
    signups: Signups, sqlite_store: Ledger
) -> None:
    assert _day(signups, sqlite_store) == [READER]
    sqlite_store.later(hours=-24)
    assert signups.confirm(1).outcome is Outcome.DONE
    sqlite_store.later(hours=24)
    signups.ask(Row(READER), "192.0.2.1")
    outcomes = [signups.look(1)]
    assert signups.claim()
    outcomes.append(signups.look(1))
    signups.mailed(1)
    assert [*outcomes, signups.look(1)] == [Outcome.USED] * 3
