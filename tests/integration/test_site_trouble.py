"""What readers and the operator are told when something is broken: a full disk, a defect of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.support.served import SECRET, served
from tests.support.site_desk import Site, running
from tests.support.workspace import newsroom
from veille import tokens
from veille.errors import LedgerFull
from veille.outbox import database
from veille.subscribers import Row
from veille_web.site.fields import Stamps

NEEDLE = "needle.in.haystack@example.org"
LONG = f"{'x' * 60}.{'x' * 60}.{'x' * 60}.example.net"
HOST = "letter.example.org"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(database, "BUSY_MS", 50)
    with running(tmp_path, {"VEILLE_SERVE__PER_CLIENT": "1000000/h"}) as made:
        yield made


def _fill(site: Site) -> None:
    """The file of the outbox may not grow any more, as on a full disk: SQLite refuses with SQLITE_FULL."""
    engine = site.room.database.engine
    sa.event.listen(engine, "connect", lambda made, _record: made.execute("PRAGMA max_page_count=1").fetchall())
    engine.dispose()
    with suppress(LedgerFull):
        for n in range(1000):
            site.room.signups.ask(Row(f"{n}@{LONG}"), "192.0.2.1")
        pytest.fail("there is always room")


def _statuses(site: Site, times: int) -> set[int]:
    stamp = site.stamp()
    fields = {"email": f"{'y' * 50}@{LONG}", "stamp": stamp}
    return {site.post("/subscribe/", fields).status_code for _time in range(times)}


def test_a_full_disk_is_told_once_an_hour_and_not_at_every_request(site: Site) -> None:
    _fill(site)
    assert _statuses(site, 5) == {503}
    [told] = site.alarms
    assert "no room left" in told
    site.now += timedelta(minutes=59)
    assert _statuses(site, 3) == {503}
    assert len(site.alarms) == 1
    site.now += timedelta(minutes=2)
    assert _statuses(site, 3) == {503}
    assert site.alarms == [told, told]


def test_another_cause_is_told_at_once(site: Site) -> None:
    _fill(site)
    assert _statuses(site, 2) == {503}
    holder = database.driver().connect(site.room.config.outbox_dir / "outbox.sqlite3", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert _statuses(site, 2) == {503}
    holder.execute("ROLLBACK")
    holder.close()
    assert len(site.alarms) == 2
    assert "no room left" in site.alarms[0]
    assert "another program" not in site.alarms[0]
    assert "no room" not in site.alarms[1]


def test_a_page_that_fails_says_so_to_the_operator_and_nothing_of_what_was_typed(tmp_path: Path) -> None:
    """A row that no program of ours could have written: asked for in 148,000 years."""
    workspace = newsroom(tmp_path / "room")
    stamps = Stamps(tokens.load_keys(tmp_path / "none", SECRET).derive("form"), timedelta(hours=1))
    fields = {"email": NEEDLE, "stamp": stamps.make(datetime.now(UTC) - timedelta(seconds=9))}
    with served(workspace) as running_site:
        asked = running_site.ask("/subscribe/", fields, host=HOST)
        assert workspace.change("UPDATE signup SET asked_at = ?, state = 'mailed'", 1 << 62) == 1
        failed = running_site.ask("/subscribe/", fields, host=HOST)
        assert running_site.ask("/subscribe/", host=HOST).status == 200
    assert (asked.status, failed.status) == (200, 500)
    assert failed.headers["content-type"] == "text/html; charset=utf-8"
    same = ("cache-control", "x-robots-tag", "content-security-policy", "strict-transport-security", "x-frame-options")
    assert {name: failed.headers[name] for name in same} == {name: asked.headers[name] for name in same}
    assert "no-store" in failed.headers["cache-control"]
    assert "<h1>Something went wrong</h1>" in failed.text
    assert _look(failed.text) == _look(asked.text) != []
    assert NEEDLE not in failed.text
    said = running_site.said[1:]
    assert [line for line in said if "a page failed: OverflowError in schema.py:" in line] != [], said
    assert [line for line in said if "needle" in line or "Traceback" in line] == []


def _look(page: str) -> list[str]:
    """The style sheets, the icon and the banner of a page."""
    return re.findall(r'<link rel="(?:stylesheet|icon)"[^>]*>', page) + re.findall(r"(?s)<header.*?</header>", page)
