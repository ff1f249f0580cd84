"""Confirmation mails through a real mail server, and what becomes of them when it is away or refuses."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.support.site_desk import QUIET
from tests.support.smtp_server import mail_server
from tests.support.smtp_sink import nobody_listens
from tests.support.workspace import TOML, wait_until
from veille import config
from veille.outbox import schema
from veille.subscribers import Row
from veille_cli import confirm_mail
from veille_cli.confirm_mail import Confirmations, confirm_meanwhile
from veille_cli.output import Talk
from veille_cli.wiring import Newsroom


class Said(Talk):
    """What the operator is told."""

    def say(self, *lines: Any) -> None:
        """Keep it."""
        SAID.extend(map(str, lines))


SAID: list[str] = []


class Post:
    """A newsroom whose mails go to a port of this machine."""

    def __init__(self, folder: Path) -> None:
        self.now = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
        self._folder = folder
        self.port = nobody_listens()
        (folder / "veille.toml").write_text(TOML.replace("send_window", 'transport = "smtp"\nsend_window'))
        self.room = self._open()

    def _open(self) -> Newsroom:
        environ = {"VEILLE_NEWSLETTER__SMTP_URL": f"smtp://127.0.0.1:{self.port}?tls=none"}
        return Newsroom(config.load(self._folder, environ), lambda: self.now)

    def at(self, port: int) -> None:
        """From now on the mail server listens there."""
        self.room.close()
        self.port = port
        self.room = self._open()

    def ask(self, *addresses: str) -> None:
        """Fill in the form."""
        for address in addresses:
            self.room.signups.ask(Row(address, language="en"), "192.0.2.1")
            self.now += timedelta(seconds=1)

    def send(self) -> bool:
        """One round."""
        return Confirmations(self.room, threading.Event(), Said(json=False, debug=False)).send()

    def states(self) -> list[tuple[str, int]]:
        """State and number of mails of each request."""
        with self.room.database.read() as connection:
            found = sa.select(schema.signup.c.state, schema.signup.c.mails).order_by(schema.signup.c.id)
            return [(row.state, row.mails) for row in connection.execute(found)]


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    SAID.clear()
    made = Post(tmp_path)
    yield made
    made.room.close()


def test_each_gets_one_mail_addressed_to_them_alone(post: Post) -> None:
    post.ask("a@example.org", "b@example.org")
    with mail_server() as server:
        post.at(server.port)
        assert post.send()
        assert post.send()
        assert server.copies == {"a@example.org": 1, "b@example.org": 1}
        links = {re.findall(rb"https://letter\.example\.org/c/[0-9a-z]+-", mail.content)[0] for mail in server.mails}
        assert {mail.message["To"] for mail in server.mails} == set(server.copies)
        assert len(links) == 2
    assert post.states() == [("mailed", 1), ("mailed", 1)]
    assert SAID == []


def test_a_mail_server_that_is_away_costs_nobody_a_mail(post: Post) -> None:
    post.ask("a@example.org", "b@example.org", "c@example.org", "d@example.org")
    assert not post.send()
    assert [state for state, _mails in post.states()] == ["wanted"] * 4
    assert sum(mails for _state, mails in post.states()) == 0
    assert len(SAID) == 1
    assert "@" not in SAID[0]
    post.now += timedelta(minutes=6)
    with mail_server() as server:
        post.at(server.port)
        assert post.send()
        assert sum(server.copies.values()) == 4


def test_one_mailbox_that_says_later_keeps_nobody_waiting_and_one_that_says_no_is_forgotten(post: Post) -> None:
    async def rcpt(_server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if address.startswith("later"):
            return "451 4.2.1 <later@example.org> greylisted, please come back"
        if address.startswith("never"):
            return "550 5.1.1 <never@example.org> no such user"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    post.ask("later@example.org", "never@example.org", "good@example.org")
    with mail_server() as server:
        server.handle_RCPT = rcpt  # type: ignore[attr-defined]
        post.at(server.port)
        assert post.send()
        assert server.copies == {"good@example.org": 1}
    assert post.states() == [("wanted", 0), ("given-up", 1), ("mailed", 1)]
    assert not any("@" in words for words in SAID)


def test_the_thread_beside_the_site_and_that_beside_the_scheduler_send_each_mail_once(post: Post) -> None:
    with mail_server() as server:
        post.at(server.port)
        other = post._open()
        stop = threading.Event()
        talk = Said(json=False, debug=False)
        with confirm_meanwhile(post.room, stop, talk) as first, confirm_meanwhile(other, stop, talk) as second:
            post.ask(*(f"r{n}@example.org" for n in range(8)))
            for _look in range(100):
                first.set()
                second.set()
                if len(server.mails) >= 8:
                    break
                stop.wait(0.05)
        other.close()
        assert server.copies == {f"r{n}@example.org": 1 for n in range(8)}
    assert post.states() == [("mailed", 1)] * 8


def test_what_a_killed_process_had_begun_to_write_to_somebody_goes_at_the_next_upkeep(post: Post) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    notices = post.room.config.outbox_dir / "notices"
    notices.mkdir(parents=True)
    for process in (gone.pid, os.getpid()):
        (notices / f".veille-{process}-abc.part").write_text("To: amel.secret@example.org")
    (notices / "confirm-1.eml").write_text("To: nour@example.org")
    Confirmations(post.room, threading.Event(), QUIET).upkeep()
    assert {path.name for path in notices.iterdir()} == {f".veille-{os.getpid()}-abc.part", "confirm-1.eml"}


def test_a_defect_is_told_to_the_operator_once_and_ends_nothing(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that no program of ours could have written: asked for in 148,000 years."""
    monkeypatch.setattr(confirm_mail, "REST", 0.01)
    post.ask("a@example.org")
    with post.room.database.write() as connection:
        connection.execute(sa.text("UPDATE signup SET asked_at = :far"), {"far": 1 << 62})
    with confirm_meanwhile(post.room, threading.Event(), Said(json=False, debug=False)) as wake:
        wait_until(lambda: bool(SAID))
        with post.room.database.write() as connection:
            connection.execute(sa.text("UPDATE signup SET asked_at = 0, state = 'given-up'"))
        wake.set()
    assert SAID == ["! confirmation mails do not leave, by a defect (OverflowError)"]
