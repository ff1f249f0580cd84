"""From real mailboxes into a real ledger: nothing lost, nothing counted twice, wherever the connection ends."""

from __future__ import annotations

import fcntl
import multiprocessing
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from tests.support.bounce_samples import ADDRESS, KEYS, sample
from tests.support.ledger import Act, Ledger, Mail
from tests.support.mail_store import PASSWORD, USER, Store, mail_store
from tests.support.smtp_server import certificate
from veille.bounces import return_path
from veille.bounces.collecting import Collector, Mailbox, MailboxError, Tally, unread
from veille.errors import ConfigError, LedgerError
from veille.outbox import schema
from veille_publishers import mailbox_servers, mailboxes
from veille_publishers.mailboxes import Maildir, Mbox, open_mailbox

DEAD, FULL, COMPLAINS, AWAY = "lea", "jules", "ines", "noe"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox_servers, "TIMEOUT", 2.0)
    monkeypatch.setattr(mailboxes, "LOCK_WAIT", 0.2)


@dataclass
class Desk:
    """A ledger with a letter that went to four readers, and what reads bounces into it."""

    ledger: Ledger
    folder: Path
    deliveries: dict[str, str]
    message_ids: dict[str, str]
    names: dict[int, str]  # by the reader's number: the address of who is put away is forgotten

    def collect(self, mailbox: Mailbox, *, dry_run: bool = False, most: int | None = None) -> Tally:
        """One look."""
        return self.collector().collect(mailbox, dry_run=dry_run, most=most)

    def collector(self) -> Collector:
        """As `veille bounces` makes it."""
        return Collector(self.ledger.database, KEYS, self.ledger.subscribers, lambda: self.ledger.now, self.folder)

    def mail(self, name: str, reader: str) -> bytes:
        """A sample about the letter to one reader, as it travels."""
        content = sample(name, self.deliveries[reader], self.message_ids[reader])
        return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

    def mails(self) -> list[bytes]:
        """Five that are understood, and two that are not."""
        return [
            self.mail("postfix-user-unknown", DEAD),
            self.mail("gmail-over-quota", FULL),
            self.mail("no-mark", FULL),
            self.mail("arf-signal-spam", COMPLAINS),
            self.mail("vacation-french", AWAY),
            self.mail("forged-mark", AWAY),
            self.mail("qmail-no-code", FULL),
        ]

    def few(self) -> list[bytes]:
        """The same in three: dead, not understood, an answer of a machine."""
        return [self.mails()[number] for number in (0, 2, 4)]

    def bounces(self) -> list[tuple[str, str, str]]:
        """Who, what and which code, as the ledger has it."""
        b = schema.bounce
        with self.ledger.database.read() as connection:
            rows = connection.execute(sa.select(b.c.subscriber_id, b.c.kind, b.c.code)).all()
        return sorted((self.names[row.subscriber_id], row.kind, row.code) for row in rows)

    def states(self) -> dict[str, str]:
        """Each reader's state."""
        with self.ledger.database.read() as connection:
            rows = connection.execute(sa.select(schema.subscriber.c.id, schema.subscriber.c.state)).all()
        return {self.names[row.id]: row.state for row in rows}

    def forget(self) -> None:
        """Before anything came back."""
        with self.ledger.database.write() as connection:
            connection.execute(sa.delete(schema.bounce))
            connection.execute(sa.delete(schema.suppression))
            for number, name in self.names.items():
                connection.execute(
                    sa.update(schema.subscriber)
                    .where(schema.subscriber.c.id == number)
                    .values(state="subscribed", left_at=None, email=f"{name}@example.org")
                )
        (self.folder / "bounces.json").unlink(missing_ok=True)
        shutil.rmtree(self.folder / "bounces", ignore_errors=True)


ALL = [("ines", "complaint", ""), ("jules", "soft", ""), ("jules", "soft", "4.2.2"), ("lea", "hard", "5.1.1")]
FEW = [("lea", "hard", "5.1.1")]
STATES = {"lea": "bounced", "jules": "subscribed", "ines": "complained", "noe": "subscribed"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    from veille.outbox.database import open_database

    folder = tmp_path_factory.mktemp("desk")
    database = open_database("sqlite:///outbox.sqlite3", folder)
    sa.event.listen(database.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    database.engine.dispose()
    ledger = Ledger(database)
    ledger.readers(DEAD, FULL, COMPLAINS, AWAY)
    ledger.put(ledger.item("newsletter"))
    ledger.pump(Mail("newsletter"))
    d, s = schema.delivery, schema.subscriber
    query = sa.select(d.c.id, d.c.message_id, s.c.email, s.c.id.label("reader")).where(
        d.c.target == sa.cast(s.c.id, sa.Text)
    )
    with database.read() as connection:
        rows = connection.execute(query).all()
    names = {row.email.partition("@")[0]: row for row in rows}
    assert len(names) == 4
    yield Desk(
        ledger,
        folder,
        {name: f"d{row.id}" for name, row in names.items()},
        {name: row.message_id for name, row in names.items()},
        {row.reader: name for name, row in names.items()},
    )
    database.close()


@pytest.fixture
def desk(made: Desk) -> Desk:
    made.forget()
    return made


def url(kind: str, where: str, password: str = "plain") -> str:
    return f"{kind}://{quote(USER, safe='')}:{quote(password, safe='')}@{where}/"


def not_understood(mails: list[bytes]) -> list[bytes]:
    return [mail for mail in mails if b"failure notice" in mail and b"qmail" not in mail]


# ---- wherever the connection ends

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

    def full(*_values: object) -> str:
        raise LedgerError("the disk is full")

    class Broken:
        record_bounce = staticmethod(full)

    collector = Collector(desk.ledger.database, KEYS, Broken(), lambda: desk.ledger.now, desk.folder)
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
    monkeypatch.setattr(mailboxes.ServerUrl, "loopback", False)
    store.heard.clear()
    with mail_store(store, kind) as where:  # in the clear, and STARTTLS is not offered
        tally = desk.collect(open_mailbox(url(kind, where), desk.folder))
    assert tally.problem is not None
    assert not [line for line in store.heard if "plain" in line or "PASS" in line]


def test_nobody_there(desk: Desk) -> None:
    tally = desk.collect(open_mailbox("imap://a:b@127.0.0.1:9", desk.folder))
    assert isinstance(tally.problem, MailboxError)
    assert tally.problem.exit_code == 75


# ---- Maildir and mbox


def maildir(root: Path, mails: list[bytes]) -> Path:
    for name in ("new", "cur", "tmp"):
        (root / name).mkdir(parents=True)
    for number, mail in enumerate(mails):
        place = root / ("cur" if number == 1 else "new") / f"17{number}.M1.host{':2,S' if number == 1 else ''}"
        place.write_bytes(mail)
    return root


def test_maildir(desk: Desk, tmp_path: Path) -> None:
    root = maildir(tmp_path / "mail", desk.mails())
    before = desk.collect(Maildir(root), dry_run=True)
    assert (before.read, desk.bounces(), len(list((root / "new").iterdir()))) == (7, [], 6)
    tally = desk.collect(Maildir(root))
    assert tally.outcomes == {"suppressed": 2, "counted": 2}
    assert desk.bounces() == ALL
    assert desk.states() == STATES
    assert sorted(path.name for path in (root / ".Processed/cur").iterdir()) == [
        f"17{number}.M1.host:2,S" for number in (0, 1, 3, 4, 6)
    ]
    assert sorted(path.name for path in (root / "cur").iterdir()) == ["172.M1.host:2,F", "175.M1.host:2,F"]
    assert not list((root / "new").iterdir())
    again = desk.collect(Maildir(root))
    assert again.read == 0


def test_maildir_killed_between_commit_and_move(desk: Desk, tmp_path: Path) -> None:
    root = maildir(tmp_path / "mail", desk.mails())

    class Killed(Maildir):
        def done(self, key: str) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        desk.collect(Killed(root))
    (desk.folder / "bounces.json").unlink()  # a kill writes nothing
    tally = desk.collect(Maildir(root))
    assert tally.outcomes["known"] == 1
    assert desk.bounces() == ALL


def test_what_a_person_wrote_stays_and_is_not_flagged(desk: Desk, tmp_path: Path) -> None:
    root = maildir(tmp_path / "mail", [desk.mail("a-person-answers", DEAD)])
    tally = desk.collect(Maildir(root))
    assert [entry.reason for entry in tally.unread] == ["mail"]
    assert [path.name for path in (root / "new").iterdir()] == ["170.M1.host"]
    assert desk.collect(Maildir(root)).kept == 1
    assert desk.states()[DEAD] == "subscribed"


def mbox(path: Path, mails: list[bytes]) -> Path:
    lines = [b"From MAILER-DAEMON Fri Nov 20 17:00:05 2026\n" + mail.replace(b"\r\n", b"\n") + b"\n" for mail in mails]
    path.write_bytes(b"".join(lines))
    return path


def test_mbox_is_never_written(desk: Desk, tmp_path: Path) -> None:
    path = mbox(tmp_path / "bounces", desk.mails())
    content = path.read_bytes()
    tally = desk.collect(Mbox(path))
    assert (tally.read, len(tally.unread)) == (7, 2)
    assert desk.bounces() == ALL
    with path.open("ab") as file:
        file.write(b"From MAILER-DAEMON Fri Nov 20 18:00:05 2026\n" + desk.mail("postfix-disabled", AWAY) + b"\n")
    again = desk.collect(Mbox(path))
    assert (again.read, again.kept, dict(again.outcomes), dict(again.kinds)) == (1, 2, {"suppressed": 1}, {"hard": 1})
    assert desk.states()[AWAY] == "bounced"
    assert path.read_bytes().startswith(content)
    assert [entry.name for entry in tmp_path.iterdir()] == ["bounces"]


def _hold(path: Path, held: object, free: object) -> None:
    with path.open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        held.set()  # type: ignore[attr-defined]
        free.wait(10)  # type: ignore[attr-defined]


def test_mbox_waits_for_the_mail_server(desk: Desk, tmp_path: Path) -> None:
    path = mbox(tmp_path / "bounces", desk.mails())
    dot = tmp_path / "bounces.lock"
    dot.touch()
    tally = desk.collect(Mbox(path))
    assert (tally.read, tally.problem is not None) == (0, True)
    dot.unlink()
    context = multiprocessing.get_context("fork")
    held, free = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(path, held, free))
    other.start()
    assert held.wait(10)
    tally = desk.collect(Mbox(path))
    free.set()
    other.join()
    assert (tally.read, tally.problem is not None) == (0, True)
    assert desk.collect(Mbox(path)).read == 7


def test_one_message_after_the_other(desk: Desk, tmp_path: Path) -> None:
    path = mbox(tmp_path / "bounces", desk.mails())
    assert [desk.collect(Mbox(path), most=3).read for _look in range(4)] == [3, 3, 1, 0]
    assert desk.bounces() == ALL


# ---- who it is about


def test_a_letter_that_is_in_no_ledger_is_gone(desk: Desk) -> None:
    tally = desk.collector().take(sample("postfix-user-unknown", "d999999"), "")
    assert tally.outcomes == {"gone": 1}


def test_only_letters_have_readers(desk: Desk) -> None:
    desk.ledger.put(desk.ledger.item("facebook", source="page"))
    desk.ledger.pump(Act("facebook"))
    with desk.ledger.database.read() as connection:
        page = connection.execute(
            sa.select(schema.delivery.c.id).where(schema.delivery.c.channel == "facebook")
        ).scalar()
    assert desk.collector().take(sample("postfix-user-unknown", f"d{page}"), "").outcomes == {"gone": 1}


def test_the_pipe_keeps_what_it_does_not_understand(desk: Desk) -> None:
    raw = sample("no-mark")
    tally = desk.collector().take(raw, "")
    (entry,) = tally.unread
    (file,) = (desk.folder / "bounces").glob("*.eml")
    assert entry.where.endswith(f"bounces/{file.name}")
    assert file.read_bytes() == raw
    assert file.stat().st_mode & 0o777 == 0o600
    desk.collector().take(raw, return_path(KEYS, ADDRESS, desk.deliveries[DEAD]))
    assert desk.states()[DEAD] == "bounced"


# ---- the setting


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "imaps://a%40b.org:p%40ss%2F%23@mail.example.org",
            ("imaps", "mail.example.org", 993, "a@b.org", "p@ss/#", "INBOX"),
        ),
        ("imap://u:p@localhost:1143/Retours%20re%C3%A7us", ("imap", "localhost", 1143, "u", "p", "Retours reçus")),
        ("pops://u:p@mail.example.org/", ("pops", "mail.example.org", 995, "u", "p", "INBOX")),
    ],
)
def test_understood(text: str, expected: tuple[object, ...]) -> None:
    parts = mailboxes.parse_server(text)
    assert (parts.scheme, parts.host, parts.port, parts.user, parts.password, parts.folder) == expected
    assert "p@ss" not in repr(parts)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "imaps://mail.example.org",
        "imaps://user@mail.example.org",
        "imaps://user:secret@",
        "imaps://user:secret@host:notaport",
        "imaps://user:sec#ret@host",
        "imaps://user:secret@host?tls=none",
        "pops://user:secret@host/folder",
        "imaps://us%0Aer:secret@host",
        "https://user:secret@host",
        "maildir:",
        "mbox",
    ],
)
def test_refused_without_repeating_it(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        open_mailbox(text, tmp_path)
    assert "secret" not in f"{caught.value} {caught.value.hint}"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("text", ["maildir:retours", "maildir:./retours", "mbox:retours"])
def test_paths_start_at_the_workspace(text: str, tmp_path: Path) -> None:
    assert open_mailbox(text, tmp_path).name.endswith(f"{tmp_path}/retours")


def test_a_folder_with_accents() -> None:
    assert mailbox_servers._quoted('Reçus & "lus"') == '"Re&AOc-us &- \\"lus\\""'
