"""From mailboxes on real servers into a real ledger: nothing lost, nothing counted twice, wherever they are cut."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from tests.support.bounce_desk import ALL, DEAD, FEW, FULL, Desk
from tests.support.bounce_samples import KEYS
from tests.support.mail_store import PASSWORD, USER, Store, mail_store
from tests.support.smtp_server import certificate
from veille.bounces.collecting import Collector, MailboxError, unread
from veille.errors import ConfigError, LedgerError
from veille.subscribers import Subscribers
from veille_publishers import mailbox_servers, mailbox_url
from veille_publishers.mailboxes import open_mailbox


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox_servers, "TIMEOUT", 2.0)


@pytest.fixture
def desk(bounce_desk: Desk) -> Desk:
    bounce_desk.forget()
    return bounce_desk


def url(kind: str, where: str, password: str = "plain") -> str:
    return f"{kind}://{quote(USER, safe='')}:{quote(password, safe='')}@{where}/"


def not_understood(mails: list[bytes]) -> list[bytes]:
    return [mail for mail in mails if b"failure notice" in mail and b"qmail" not in mail]


IMAP_KINDS = {
    "move": Store(),
    "copy and expunge": Store(capabilities=("UIDPLUS",)),
    "seen only": Store(capabilities=()),
    "no folder": Store(folders_fixed=True),
}


def fresh(like: Store, mails: list[bytes]) -> Store:
    store = Store(capabilities=like.capabilities, folders_fixed=like.folders_fixed, password=like.password)
    for mail in mails:
        store.put(mail)
    return store


def commands_of(desk: Desk, like: Store, kind: str) -> int:
    store = fresh(like, desk.few())
    with mail_store(store, kind) as where:
        assert desk.collect(open_mailbox(url(kind, where), desk.folder)).problem is None
    if kind == "pop" or "Processed" in store.folders:
        assert store.contents() == not_understood(desk.few())
    return len(store.heard)


@pytest.mark.parametrize("way", IMAP_KINDS)
def test_imap_loses_nothing_and_counts_once(desk: Desk, way: str) -> None:
    like, mails = IMAP_KINDS[way], desk.few()
    kept = not_understood(mails)
    assert len(kept) == 1
    for number in range(1, commands_of(desk, like, "imap") + 1):
        for when in ("before", "after"):
            desk.forget()
            store = fresh(like, mails)
            store.drop = (number, when)
            with mail_store(store, "imap") as where:
                first = desk.collect(open_mailbox(url("imap", where), desk.folder))
                if set(store.contents("INBOX")) != set(mails):
                    assert desk.bounces() == FEW, "nothing moves before it is committed"
                store.drop = None
                second = desk.collect(open_mailbox(url("imap", where), desk.folder))
            assert second.problem is None, (number, when)
            assert desk.bounces() == FEW, (number, when, first, second)
            assert {*store.contents(), *store.contents("Processed")} == set(mails), "nothing is ever lost"
            assert set(kept) <= set(store.contents()), "what is not understood stays"
            moved = store.contents("Processed") or store.contents(flag=r"\Seen")
            assert set(moved) == set(mails) - set(kept), (number, when)
            assert store.contents(flag=r"\Flagged") == kept


def test_pop_loses_nothing_and_counts_once(desk: Desk) -> None:
    mails = desk.few()
    for number in range(1, commands_of(desk, Store(), "pop") + 1):
        for when in ("before", "after"):
            desk.forget()
            store = fresh(Store(), mails)
            store.drop = (number, when)
            with mail_store(store, "pop") as where:
                first = desk.collect(open_mailbox(url("pop", where), desk.folder))
                if store.contents() != mails:
                    assert desk.bounces() == FEW, "nothing is deleted before it is committed"
                    assert store.contents() == not_understood(mails)
                store.drop = None
                second = desk.collect(open_mailbox(url("pop", where), desk.folder))
            assert second.problem is None, (number, when)
            assert desk.bounces() == FEW, (number, when, first, second)
            assert store.contents() == not_understood(mails), (number, when)


def test_pop_does_not_read_again_what_it_keeps(desk: Desk) -> None:
    store = fresh(Store(), desk.mails())
    with mail_store(store, "pop") as where:
        mailbox = url("pop", where)
        first = desk.collect(open_mailbox(mailbox, desk.folder))
        store.heard.clear()
        second = desk.collect(open_mailbox(mailbox, desk.folder))
        name = open_mailbox(mailbox, desk.folder).name
    assert (first.read, len(first.unread)) == (7, 2)
    assert (second.read, second.kept) == (0, 2)
    assert not [line for line in store.heard if line.startswith(("RETR", "TOP", "DELE"))]
    assert [entry.reason for entry in unread(desk.folder, name)] == ["unknown-letter", "forged"]


@pytest.mark.parametrize("kind", ["imap", "pop"])
def test_a_ledger_that_refuses_leaves_the_mailbox_as_it_is(desk: Desk, kind: str) -> None:
    store = fresh(Store(), desk.mails())

    class Broken(Subscribers):
        def record_bounce(self, *_values: object) -> str:
            raise LedgerError("the disk is full")

    readers = Broken(desk.ledger.database, b"k" * 32)
    collector = Collector(desk.ledger.database, KEYS, readers, lambda: desk.ledger.now, desk.folder)
    with mail_store(store, kind) as where, pytest.raises(LedgerError):
        collector.collect(open_mailbox(url(kind, where), desk.folder))
    assert store.contents() == desk.mails()
    with mail_store(store, kind) as where:
        desk.collect(open_mailbox(url(kind, where), desk.folder))
    assert desk.bounces() == ALL


@pytest.mark.parametrize("kind", ["imap", "pop"])
def test_a_message_that_the_server_will_not_give_stops_nothing(desk: Desk, kind: str) -> None:
    store = fresh(Store(), desk.mails())
    store.refuses = frozenset({"RETR", "UID_FETCH"})
    with mail_store(store, kind) as where:
        tally = desk.collect(open_mailbox(url(kind, where), desk.folder))
    assert tally.problem is None
    assert tally.kinds == {"unreadable": 7}
    assert len(store.contents()) == 7


def test_a_folder_that_takes_nothing_more(desk: Desk) -> None:
    store = fresh(Store(), desk.mails())
    store.refuses = frozenset({"UID_MOVE"})
    with mail_store(store, "imap") as where:
        first = desk.collect(open_mailbox(url("imap", where), desk.folder))
        second = desk.collect(open_mailbox(url("imap", where), desk.folder))
    assert (first.read, second.read) == (7, 0)
    assert desk.bounces() == ALL
    assert len(store.contents()) == 7


@pytest.mark.parametrize("kind", ["imap", "pop"])
def test_huge_messages_and_endless_lines(desk: Desk, kind: str) -> None:
    store = Store()
    store.put(desk.mail("qmail-no-mailbox", DEAD) + b"y" * 3_000_000)
    store.put(desk.mail("postfix-user-unknown", FULL))
    with mail_store(store, kind) as where:
        tally = desk.collect(open_mailbox(url(kind, where), desk.folder))
    assert tally.kinds == {"hard": 2}


def test_a_password_of_any_letters(desk: Desk) -> None:
    store = Store(capabilities=("AUTH=PLAIN",), password=PASSWORD)
    with mail_store(store, "imap") as where:
        assert desk.collect(open_mailbox(url("imap", where, PASSWORD), desk.folder)).problem is None


@pytest.mark.parametrize("kind", ["imap", "pop"])
def test_a_wrong_password_is_not_repeated(desk: Desk, kind: str) -> None:
    with mail_store(Store(), kind) as where, pytest.raises(ConfigError) as caught:
        desk.collect(open_mailbox(url(kind, where, "wrong-secret"), desk.folder))
    assert "wrong-secret" not in f"{caught.value}{caught.value.hint}{caught.value.__cause__!r}"


@pytest.mark.parametrize("kind", ["imap", "pop"])
def test_a_password_leaves_over_a_trusted_connection_only(
    desk: Desk, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, context = certificate(tmp_path)
    store = fresh(Store(), desk.few())
    with mail_store(store, kind, context) as where:
        tally = desk.collect(open_mailbox(url(f"{kind}s", where), desk.folder))
        assert tally.problem is not None
        assert store.heard == []
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        assert desk.collect(open_mailbox(url(f"{kind}s", where), desk.folder)).read == 3
    monkeypatch.setattr(mailbox_url.ServerUrl, "loopback", False)
    store.heard.clear()
    with mail_store(store, kind) as where:  # in the clear, and STARTTLS is not offered
        tally = desk.collect(open_mailbox(url(kind, where), desk.folder))
    assert tally.problem is not None
    assert not [line for line in store.heard if "plain" in line or "PASS" in line]


def test_nobody_there(desk: Desk) -> None:
    tally = desk.collect(open_mailbox("imap://a:b@127.0.0.1:9", desk.folder))
    assert isinstance(tally.problem, MailboxError)
    assert tally.problem.exit_code == 75
