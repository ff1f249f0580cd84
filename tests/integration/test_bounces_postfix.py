"""What a real Postfix sends back about letters that were forwarded, read from the Maildir it delivers into."""

from __future__ import annotations

import smtplib
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.support import postfix as server_of
from tests.support.bounce_samples import KEYS
from tests.support.ledger import Ledger, Mail
from veille.bounces import return_path
from veille.bounces.collecting import Collector, Tally
from veille.outbox import schema
from veille_publishers.mailboxes import Maildir

pytestmark = pytest.mark.skipif(bool(server_of.missing()), reason=server_of.missing() or "it runs")

REFUSING = """\
virtual_alias_maps = inline:{
  { dead@example.org = old@dead.example.net }
  { full@example.org = old@full.example.net }
  { policy@example.org = old@policy.example.net } }
transport_maps = inline:{
  { dead.example.net = error:5.1.1 no such reader here }
  { full.example.net = error:5.2.2 mailbox is full }
  { policy.example.net = error:5.7.1 we do not like you } }
"""
LETTER = "From: letter@example.org\r\nSubject: La lettre\r\nMessage-ID: <x@example.org>\r\n\r\nBonjour 550 5.1.1\r\n"


def test_three_letters_come_back(sqlite_store: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_of, "MAIN", server_of.MAIN + REFUSING.replace("{", "{{").replace("}", "}}"))
    sqlite_store.readers("dead", "full", "policy")
    sqlite_store.put(sqlite_store.item("newsletter"))
    sqlite_store.pump(Mail("newsletter"))
    collector = Collector(sqlite_store.database, KEYS, sqlite_store.subscribers, lambda: sqlite_store.now, tmp_path)
    with server_of.postfix() as server:
        with smtplib.SMTP("127.0.0.1", server.port, timeout=20) as smtp:
            for number, name in enumerate(("dead", "full", "policy"), 1):
                sender = return_path(KEYS, "bounces@example.org", f"d{number}")
                smtp.sendmail(sender, [f"{name}@example.org"], LETTER)
        server.delivered(3)
        tally = _collected(collector, server.root / "mail/box")
    assert tally.kinds == {"hard": 1, "soft": 2}, tally
    assert tally.unread == []
    with sqlite_store.database.read() as connection:
        b = schema.bounce
        found = connection.execute(sa.select(b.c.delivery_id, b.c.kind, b.c.code, b.c.text).order_by(b.c.delivery_id))
        rows = [tuple(row) for row in found]
        states = list(
            connection.execute(sa.select(schema.subscriber.c.state).order_by(schema.subscriber.c.id)).scalars()
        )
    assert [row[:3] for row in rows] == [(1, "hard", "5.1.1"), (2, "soft", "5.2.2"), (3, "soft", "5.7.1")]
    assert not [row for row in rows if "@" in row[3]]
    assert states == ["bounced", "subscribed", "subscribed"]


def _collected(collector: Collector, path: Path) -> Tally:
    """Everything that lies there; Postfix makes `cur` with the first message."""
    end = time.monotonic() + 10
    while not (path / "cur").is_dir():
        assert time.monotonic() < end
        time.sleep(0.05)
    return collector.collect(Maildir(path))
