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

from tests.support.site_desk import QUIET, Site, running
from tests.support.smtp_server import MailServer, mail_server
from veille.subscribers import Row, held_about
from veille.tokens import Purpose
from veille_cli.confirm_mail import Confirmations

READER, STRANGER = "amel@example.net", "zoe@example.net"


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


def test_whoever_left_is_not_made_to_wait_for_mails_that_never_left(site: Site) -> None:
    """Somebody asks for a reader day after day: nothing of that counts once the reader left and comes back."""
    links = site.reader(READER)
    for _day in range(4):
        _asked(site, Work(site), READER)
        site.now += timedelta(hours=25)
    site.room.signups.upkeep()
    _asked(site, Work(site), READER)
    site.post(links[Purpose.UNSUBSCRIBE])
    wanted = []
    for _day in range(4):
        site.subscribe(READER)
        if found := site.room.signups.claim():
            site.room.signups.mailed(found.signup)
            wanted.append(found.email)
        site.now += timedelta(hours=25)
    assert wanted == [READER] * 3


def test_a_link_that_was_used_still_says_so_after_somebody_asked_for_its_reader(site: Site) -> None:
    site.subscribe(READER)
    wanted = site.room.signups.claim()
    assert wanted
    site.room.signups.mailed(wanted.signup)
    site.room.signups.confirm(wanted.signup)
    site.now += timedelta(hours=25)
    site.subscribe(READER)
    outcomes = [site.room.signups.look(wanted.signup)]
    assert site.room.signups.claim()
    outcomes.append(site.room.signups.look(wanted.signup))
    site.room.signups.mailed(wanted.signup)
    outcomes.append(site.room.signups.look(wanted.signup))
    assert {str(outcome) for outcome in outcomes} == {"used"}


def test_whoever_is_erased_may_come_back_however_often_somebody_asked_for_them(site: Site) -> None:
    site.reader(READER)
    for _day in range(3):
        _asked(site, Work(site), READER)
        site.now += timedelta(hours=25)
    site.room.erasure.erase(READER, site.now)
    site.room.subscribers.add([Row(STRANGER)], how="paper", now=site.now)
    site.subscribe(READER)
    wanted = site.room.signups.claim()
    assert wanted
    assert wanted.email == READER
