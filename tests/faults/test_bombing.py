"""Somebody uses the form to pester people, or to bring the site down: nobody gets a second mail, others are served.

`veille serve` in a process of its own, mail through a real server on loopback.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.ledger import Ledger
from tests.support.served import SECRET, Served, served
from tests.support.smtp_server import MailServer, mail_server
from tests.support.workspace import Workspace, mail_only, newsroom, wait_until
from veille import tokens
from veille.rates import Rate
from veille.signup import Answer, Limits, Signups
from veille.subscribers import Row
from veille.tokens import Purpose
from veille_web.site.fields import Stamps

VICTIM = "amel@example.net"
HOST = "letter.example.org"


@dataclass
class Target:
    """A site, and the mail server behind it."""

    served: Served
    mail: MailServer
    workspace: Workspace

    @property
    def stamp(self) -> str:
        """Of a form that was shown a while ago."""
        keys = tokens.load_keys(self.workspace.root / "none", SECRET)
        return Stamps(keys.derive("form"), timedelta(days=1)).make(datetime.now(UTC) - timedelta(seconds=9))

    def ask(self, address: str, client: str = "127.0.0.1") -> int:
        """Ask for the letter. Returns the status."""
        fields = {"email": address, "stamp": self.stamp}
        return self.served.ask("/subscribe/", fields, client=client, host=HOST).status


@contextmanager
def target(root: Path, **limits: str) -> Iterator[Target]:
    """A small newsroom whose mail is live."""
    root.mkdir()
    with ExitStack() as stack:
        mail = stack.enter_context(mail_server())
        workspace = newsroom(root)
        mail_only(workspace, mail.url())
        workspace.env |= {f"VEILLE_SERVE__{name}": value for name, value in limits.items()}
        yield Target(stack.enter_context(served(workspace)), mail, workspace)


def clients(count: int) -> list[str]:
    """Loopback addresses, each a client of its own."""
    return [f"127.0.0.{n}" for n in range(1, count + 1)]


def many(asked: Target, requests: list[tuple[str, str]], at_once: int) -> Counter[int]:
    """Ask for (address, client), so many at a time. Returns how often each status came."""
    with ThreadPoolExecutor(at_once) as pool:
        return Counter(pool.map(lambda pair: asked.ask(*pair), requests))


def test_a_hundred_posts_of_one_address_are_one_mail(tmp_path: Path) -> None:
    with target(tmp_path / "room", PER_CLIENT="1000/h") as site:
        spelt = (VICTIM, VICTIM.upper(), f" {VICTIM} ", VICTIM.replace("net", "NET"))
        requests = [(spelt[n % 4], client) for n, client in enumerate(clients(10) * 10)]
        assert many(site, requests, 20) == {200: 100}
        wait_until(lambda: bool(site.mail.mails))
        assert site.ask("zoe@example.net") == 200  # whatever was still to come for the first one would be sent by now
        wait_until(lambda: site.mail.copies["zoe@example.net"] == 1)
        assert site.mail.copies[VICTIM] == 1
    assert not any("example.net" in line for line in site.served.said)


@pytest.mark.soak
def test_a_thousand_posts_of_one_address_are_one_mail(tmp_path: Path) -> None:
    with target(tmp_path / "room", PER_CLIENT="1000/h") as site:
        requests = [(VICTIM, client) for client in clients(50) * 20]
        assert many(site, requests, 50) == {200: 1000}
        wait_until(lambda: bool(site.mail.mails))
        ran = site.workspace.veille("run", "--once")  # another sender finds nothing to send
        assert ran.code == 0, ran
        assert site.mail.copies == {VICTIM: 1}


@pytest.mark.soak
def test_with_the_limits_as_they_come_one_client_is_stopped_and_its_neighbour_is_not(tmp_path: Path) -> None:
    with target(tmp_path / "room") as site:
        requests = [(f"r{n}@example.net", "127.0.0.1") for n in range(200)]
        assert many(site, requests, 20) == {200: 20, 429: 180}
        assert site.ask("neighbour@example.net", "127.0.0.2") == 200
        wait_until(lambda: len(site.mail.mails) == 21)


@pytest.mark.soak
def test_more_than_an_hour_allows_is_put_off_and_the_operator_is_told_once(tmp_path: Path) -> None:
    with target(tmp_path / "room", PER_CLIENT="1000/h", PER_HOUR="50") as site:
        requests = [(f"r{n}@example.net", client) for n, client in enumerate(clients(50) * 4)]
        found = many(site, requests, 50)
        assert found.keys() == {200, 503}
        assert 50 <= found[200] <= 52  # one more becomes free every 72 seconds
        wait_until(lambda: len(site.mail.mails) == found[200])
        assert set(site.mail.copies.values()) == {1}
        status = site.served.ask("/subscribe/", host=HOST).status  # the page itself is there
        assert status == 200
    told = [line for line in site.served.said if "per_hour" in line]
    assert len(told) == 1, site.served.said


def test_the_limits_hold_between_clients_that_ask_at_the_same_moment(store: Ledger) -> None:
    limits = Limits((Rate(5, 3600),), Rate(12, 3600))
    signups = Signups(store.database, b"k" * 32, b"c" * 32, limits, lambda: store.now)
    found: list[Answer] = []

    def ask(client: int) -> None:
        for n in range(8):
            found.append(signups.ask(Row(f"r{client}.{n}@example.net"), f"192.0.2.{client}").answer)

    threads = [threading.Thread(target=ask, args=(client,)) for client in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counted = Counter(found)
    assert counted[Answer.TAKEN] == 12
    assert counted[Answer.CLIENT_BUSY] >= 4 * 3
    assert sum(counted.values()) == 32


def test_a_flood_from_one_client_waits_for_no_writer_and_lets_none_wait(sqlite_store: Ledger) -> None:
    limits = Limits((Rate(3, 3600),), Rate(100, 3600))
    signups = Signups(sqlite_store.database, b"k" * 32, b"c" * 32, limits, lambda: sqlite_store.now)
    assert [signups.ask(Row(VICTIM), "192.0.2.1").answer for _time in range(4)] == [Answer.TAKEN] * 3 + [
        Answer.CLIENT_BUSY
    ]
    with sqlite_store.database.write():  # of somebody else: a letter is being sent
        begun = time.monotonic()
        assert {signups.ask(Row(VICTIM), "192.0.2.1").answer for _time in range(50)} == {Answer.CLIENT_BUSY}
        assert time.monotonic() - begun < 2
    sqlite_store.now += timedelta(minutes=21)
    assert signups.ask(Row(VICTIM), "192.0.2.1").answer is Answer.TAKEN


@contextmanager
def half_open(port: int, count: int) -> Iterator[list[socket.socket]]:
    """So many lines on which a request begins and does not end."""
    with ExitStack() as stack:
        lines = []
        for n in range(count):
            line = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10, (f"127.0.1.{1 + n % 200}", 0)))
            begun = b"POST /subscribe/ HTTP/1.1\r\nHost: letter.example.org\r\nContent-Length: 500\r\n"
            line.sendall(begun if n % 2 else begun + b"\r\nemail=")
            lines.append(line)
        yield lines


def test_two_hundred_lines_that_are_only_held_stop_nobody(tmp_path: Path) -> None:
    with target(tmp_path / "room") as site, half_open(site.served.port, 200):
        begun = time.monotonic()
        assert site.ask(VICTIM, "127.0.0.9") == 200
        assert [site.served.ask("/subscribe/", host=HOST).status for _page in range(10)] == [200] * 10
        assert time.monotonic() - begun < 5
        wait_until(lambda: site.mail.copies[VICTIM] == 1)


@pytest.mark.soak
def test_lines_that_are_only_held_are_let_go(tmp_path: Path) -> None:
    with target(tmp_path / "room") as site, half_open(site.served.port, 200) as lines:
        end = time.monotonic() + 40
        for line in lines:
            line.settimeout(max(end - time.monotonic(), 0.1))
            while line.recv(4096):
                pass  # perhaps an answer, and then the end


# while a letter leaves


@pytest.mark.soak
@pytest.mark.parametrize(("kind", "readers"), [("sqlite", 2000), ("postgresql", 500)])
def test_leaving_works_at_once_while_a_letter_leaves(
    tmp_path: Path, kind: str, readers: int, request: pytest.FixtureRequest
) -> None:
    """One process serves, another sends; every tenth reader leaves meanwhile, and those who left get nothing after."""
    addresses = [f"r{n}@example.net" for n in range(readers)]
    with mail_server() as mail:
        workspace = newsroom(tmp_path / "room")
        if kind == "postgresql":
            workspace.env["VEILLE_OUTBOX__URL"] = request.getfixturevalue("postgres_server").new_database()
        mail_only(workspace, mail.url())
        workspace.subscribe(*addresses)
        published = workspace.veille("publish", "content/editions/lettre-1.md", "--at", "now", "--yes")
        assert published.code == 0, published
        mail.delay = 0.02
        with served(workspace) as site:
            run = workspace.start("run", "--once")
            wait_until(lambda: len(mail.mails) > 5, 60)
            waits, left = _leave(site, workspace, range(readers, 0, -10))
            out, err = run.communicate(timeout=300)
            assert run.returncode == 0, (out, err)
    late = {reader for reader in left if mail.copies[f"r{reader - 1}@example.net"]}
    assert max(mail.copies.values()) == 1
    assert len(late) < len(left) / 2, "nobody left in time"
    assert sum(mail.copies.values()) == readers - (len(left) - len(late))
    assert max(waits) < 5, max(waits)
    print(f"{kind}: {len(left)} left, {len(late)} of them too late, the longest wait {1000 * max(waits):.0f} ms")


def _leave(site: Served, workspace: Workspace, readers: Iterable[int]) -> tuple[list[float], list[int]]:
    """Their one click, one after the other. Returns how long each took in seconds, and who left."""
    keys = tokens.load_keys(workspace.root / "none", SECRET)
    waits, left = [], []
    for reader in readers:
        begun = time.monotonic()
        path = f"/u/{tokens.make(keys, Purpose.UNSUBSCRIBE, reader)}"
        assert site.ask(path, {"List-Unsubscribe": "One-Click"}, host=HOST).status == 200
        waits.append(time.monotonic() - begun)
        left.append(reader)
    return waits, left
