"""Bounces in a Maildir, an mbox and from a pipe: nothing lost, nothing counted twice, nothing put away too early."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.support.bounce_desk import ALL, AWAY, DEAD, STATES, Desk
from tests.support.bounce_samples import ADDRESS, KEYS, sample
from tests.support.ledger import Act
from veille import tokens
from veille.bounces import return_path
from veille.outbox import schema
from veille.tokens import Purpose
from veille_publishers import mailboxes
from veille_publishers.mailboxes import Maildir, Mbox


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailboxes, "LOCK_WAIT", 0.2)


@pytest.fixture
def desk(bounce_desk: Desk) -> Desk:
    bounce_desk.forget()
    return bounce_desk


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


def test_who_leaves_by_mail_is_gone_at_once_and_the_message_is_put_away(desk: Desk, tmp_path: Path) -> None:
    (reader,) = [number for number, name in desk.names.items() if name == AWAY]
    token = tokens.make(KEYS, Purpose.UNSUBSCRIBE, reader)
    wish = f"Subject: unsubscribe {token}\r\nFrom: noe@example.org\r\n\r\n".encode()
    root = maildir(tmp_path / "mail", [wish, wish.replace(b"Subject", b"X-Seen: 1\r\nSubject")])
    assert desk.collect(Maildir(root), dry_run=True).kinds == {"leave": 2}
    assert desk.states()[AWAY] == "subscribed"
    assert desk.collect(Maildir(root)).outcomes == {"suppressed": 1, "known": 1}
    assert desk.states()[AWAY] == "unsubscribed"
    assert len(list((root / ".Processed/cur").iterdir())) == 2


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


HOLD = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""


def test_mbox_waits_for_the_mail_server(desk: Desk, tmp_path: Path) -> None:
    path = mbox(tmp_path / "bounces", desk.mails())
    dot = tmp_path / "bounces.lock"
    dot.touch()
    tally = desk.collect(Mbox(path))
    assert (tally.read, tally.problem is not None) == (0, True)
    dot.unlink()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as mail_server:
        assert mail_server.stdout is not None
        assert mail_server.stdout.readline() == b"held\n"
        tally = desk.collect(Mbox(path))
        mail_server.communicate()
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
