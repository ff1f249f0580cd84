"""From plan to outbox: what blocks, every error at once, and all of it or nothing."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.support.desk import Desk
from tests.support.ledger import NOW
from veille import checks, library
from veille.blocking import blocking
from veille.errors import ContentError, Finding, LedgerError
from veille.outbox import schema
from veille.planning import plan
from veille.publishing import Rendition, Source
from veille.queueing import changing


def _blocking(desk: Desk, *paths: Path) -> list[str]:
    """The files whose errors stop this publish."""
    content = library.load(desk.config)
    selection = [content.find(path) for path in paths] if paths else None
    made = plan(content, desk.config, desk.ledger.queue.all(), NOW, selection=selection)
    findings = checks.run(content, desk.config, NOW)
    return sorted({f.file for f in blocking(made.owed, content, findings, everything=not paths)})


def _changing(desk: Desk) -> list[str]:
    """The files whose errors stop a publish of everything, given what the outbox holds already."""
    content = library.load(desk.config)
    queued = changing(desk.plan(), content, desk.config, desk.acts, desk.ledger.queue, NOW)
    findings = checks.run(content, desk.config, NOW)
    return sorted({f.file for f in blocking(queued, content, findings, everything=True)})


def _partner(desk: Desk, text: str) -> None:
    (desk.root / "content/partners/ccas-bagneux.yaml").write_text(text, encoding="utf-8")


# what blocks


def test_a_broken_post_blocks_the_whole_library_and_no_other_path(desk: Desk) -> None:
    good = desk.post("good")
    desk.post("bad", "unknown-key: 1")
    assert _blocking(desk) == ["content/posts/bad.md"]
    assert _blocking(desk, good) == []
    with pytest.raises(ContentError):
        _blocking(desk, desk.root / "content/posts/bad.md")


@pytest.mark.parametrize("front", ["draft: true\nunknown-key: 1", "draft: true\npartners: [nobody]"])
def test_a_draft_never_blocks(desk: Desk, front: str) -> None:
    desk.post("good")
    desk.post("bad", front)
    assert _blocking(desk) == []


def test_what_is_not_queued_does_not_block(desk: Desk) -> None:
    desk.post("good")
    desk.post("over", "expiryDate: 2026-11-01\npartners: [nobody]")
    assert _blocking(desk) == []


def test_a_broken_partner_blocks_only_who_uses_it(desk: Desk) -> None:
    _partner(desk, "name: CCAS\nphone: not a number\n")
    good = desk.post("good")
    user = desk.post("user", "partners: [ccas-bagneux]")
    both = ["content/partners/ccas-bagneux.yaml", "content/posts/user.md"]
    assert _blocking(desk) == both
    assert _blocking(desk, user) == both
    assert _blocking(desk, good) == []
    user.unlink()
    assert _blocking(desk) == []
    desk.post("in-the-text", body="Appelle {{ partner: ccas-bagneux }}.")
    assert _blocking(desk) == ["content/partners/ccas-bagneux.yaml", "content/posts/in-the-text.md"]


def test_a_wrong_number_in_a_record_blocks_who_shows_it(desk: Desk) -> None:
    _partner(desk, "name: CCAS\nneeds: [food]\nphone: 0800 20 00 00\nverified_on: 2026-11-18\n")
    good = desk.post("good")
    user = desk.post("user", body="Appelle {{ partner: ccas-bagneux }}.")
    assert _blocking(desk, user) == ["content/partners/ccas-bagneux.yaml"]
    assert _blocking(desk, good) == []


def test_what_left_and_is_wrong_today_keeps_no_other_post_back(desk: Desk) -> None:
    record = "name: CCAS\nneeds: [food]\nphone: 01 99 00 12 34\nverified_on: 2026-11-18\nvalid_until: {day}\n"
    front, old = "partners: [ccas-bagneux]\nchannels: [web, facebook]", "Passe au [centre](https://example.org/)."
    _partner(desk, record.format(day="2026-11-30"))
    desk.post("old", front, old)
    assert _changing(desk) == []
    desk.publish()
    desk.run()
    _partner(desk, record.format(day="2026-11-24"))  # it stands out there as it would be rendered again
    desk.post("new")
    assert _changing(desk) == []
    desk.post("old", front, old + " Ou demain.")
    assert _changing(desk) == ["content/posts/old.md"]


def test_broken_help_lines_block_everything_because_every_page_shows_them(desk: Desk) -> None:
    post = desk.post("good")
    (desk.root / "content/helplines.yaml").write_text("helplines:\n  - number: 3919\n", encoding="utf-8")
    assert _blocking(desk) == ["content/helplines.yaml"]
    assert _blocking(desk, post) == ["content/helplines.yaml"]
    post.unlink()
    assert _blocking(desk) == ["content/helplines.yaml"]  # the directory would be queued


# every error at once


def _refuse(desk: Desk, channel: str, *sources: str) -> None:
    """A channel that cannot show these."""
    act = desk.acts[channel]
    render = act.render

    def refusing(source: Source) -> Rendition | None:
        if source.source in sources:
            raise ContentError([Finding(source.source, None, channel, "too long", None, "too-long")])
        return render(source)

    act.render = refusing  # type: ignore[method-assign]


def test_all_that_cannot_be_shown_is_told_at_once_by_file(desk: Desk) -> None:
    for name in ("2026-11-24-a", "b", "c"):
        desk.post(name)
    _refuse(desk, "facebook", "a", "b")
    _refuse(desk, "web", "b")
    with pytest.raises(ContentError) as refused:
        desk.publish()
    assert [(f.file, f.field) for f in refused.value.findings] == [
        ("content/posts/2026-11-24-a.md", "facebook"),
        ("content/posts/b.md", "web"),
        ("content/posts/b.md", "facebook"),
    ]
    assert desk.ledger.queue.all() == []


def test_one_text_that_left_is_told_once_with_its_channels_beside_the_other_errors(desk: Desk) -> None:
    desk.post("a", body="Un texte.")
    desk.publish()
    desk.run()
    desk.post("b", body="Un texte.")
    desk.post("c")
    _refuse(desk, "facebook", "c")
    with pytest.raises(ContentError) as refused:
        desk.publish()
    assert [(f.file, f.code) for f in refused.value.findings] == [
        ("content/posts/c.md", "too-long"),
        ("content/posts/b.md", "renamed"),
    ]
    assert all(channel in refused.value.findings[1].message for channel in ("feed", "web", "facebook"))


# all or nothing


def _everything(desk: Desk) -> dict[str, str]:
    """Every row of every table, and every file but the database, as hashes."""
    with desk.ledger.database.read() as connection:
        tables = {
            table.name: repr(sorted(map(repr, connection.execute(sa.select(table)).all())))
            for table in schema.publication.metadata.sorted_tables
        }
    files = {
        path.relative_to(desk.root).as_posix(): path.read_bytes()
        for path in desk.root.rglob("*")
        if path.is_file() and not path.name.startswith("outbox.sqlite3")
    }
    return {name: hashlib.sha256(str(value).encode()).hexdigest() for name, value in {**tables, **files}.items()}


@pytest.mark.parametrize("statement", range(1, 26, 4))
def test_a_ledger_that_fails_in_the_middle_holds_nothing_of_it(desk: Desk, statement: int) -> None:
    desk.post("a")
    desk.publish()
    desk.post("b")
    desk.post("a", body="Corrigé.")
    before = _everything(desk)
    passed = 0

    def fail(_c: Any, _cursor: Any, text: str, *_rest: Any) -> None:
        nonlocal passed
        passed += text.startswith(("INSERT", "UPDATE"))
        if passed == statement:
            raise sa.exc.OperationalError(text, None, Exception("disk I/O error"))

    sa.event.listen(desk.ledger.database.engine, "before_cursor_execute", fail)
    try:
        with pytest.raises(LedgerError):
            desk.publish()
    finally:
        sa.event.remove(desk.ledger.database.engine, "before_cursor_execute", fail)
    assert _everything(desk) == before
    assert desk.publish().changes


def test_publish_twice_changes_no_row_and_no_byte(desk: Desk) -> None:
    desk.post("a")
    desk.post("b", "publishDate: 2026-11-28\nexpiryDate: 2026-12-24")
    desk.edition("lettre", ["b"], "publishDate: 2026-11-29 18:00")
    desk.publish()
    for _moment in range(3):
        before = _everything(desk)
        assert not desk.publish().changed
        desk.ledger.later(minutes=30)
        assert not desk.publish().changed
        assert _everything(desk) == before
        desk.run()
        desk.ledger.later(days=2)


def test_a_post_without_a_date_keeps_its_first_one_on_every_channel(desk: Desk) -> None:
    desk.post("a")
    desk.publish(channels=["web"])
    desk.ledger.later(days=1)
    (line,) = (line for line in desk.publish().lines if line.owed.channel == "feed")
    assert line.rendition
    assert datetime.fromisoformat(line.rendition.payload["item"]["date"]) == NOW


def test_an_edit_after_it_left_is_told_and_queued_nowhere_but_on_pages(desk: Desk) -> None:
    desk.post("a")
    desk.publish()
    desk.run()
    desk.ledger.now += timedelta(hours=1)
    desk.post("a", body="Corrigé.")
    prepared = desk.publish()
    assert [line.owed.channel for line in prepared.too_late] == ["facebook"]
    assert "facebook" not in {line.owed.channel for line in prepared.changes}
    (facebook,) = [entry for entry in desk.ledger.queue.all() if entry.channel == "facebook"]
    assert facebook.generation == 1


def test_a_post_of_the_second_half_past_two_misses_the_letter_of_the_first(desk: Desk) -> None:
    desk.settings('[newsletter]\ncadence = "sunday 02:30"\n')
    desk.ledger.now = datetime(2026, 10, 20, tzinfo=UTC)
    desk.post("first", "publishDate: 2026-10-25T02:30:00+02:00")
    desk.post("second", "publishDate: 2026-10-25T02:30:00+01:00")
    desk.publish()
    assert desk.letters() == {"edition-2026-10-25": ["first"], "edition-2026-11-01": ["second"]}


# whom it is for, and whether it may leave at night


def _flags(desk: Desk, channel: str = "newsletter") -> list[tuple[int, list[dict[str, list[str]]]]]:
    table = schema.publication
    with desk.ledger.database.read() as connection:
        rows = connection.execute(sa.select(table).where(table.c.channel == channel).order_by(table.c.id)).all()
    return [(row.urgent, json.loads(row.segments or "[]")) for row in rows]


def test_a_letter_says_whom_its_posts_are_for_and_whether_it_is_urgent(desk: Desk) -> None:
    desk.post("here", "towns: [bagneux]\naudience: [young]\nchannels: [newsletter]")
    desk.publish()
    assert _flags(desk) == [(0, [{"towns": ["bagneux"], "audience": ["young"]}])]
    other = desk.post("there", "towns: [bourg-la-reine]\nurgent: true\nchannels: [newsletter]")
    desk.publish(other)  # what is kept from the outbox counts too
    both = [{"towns": ["bagneux"], "audience": ["young"]}, {"towns": ["bourg-la-reine"], "audience": []}]
    assert _flags(desk) == [(1, both)]
    desk.post("there", "channels: [newsletter]")
    desk.publish()
    assert _flags(desk) == [(0, [])]  # one post for everybody: nobody is left out


def test_an_urgent_post_is_urgent_everywhere(desk: Desk) -> None:
    desk.post("here", "towns: [bagneux]\nurgent: true")
    desk.publish()
    for channel in ("facebook", "web"):
        assert {flags for flags, _segments in _flags(desk, channel)} == {1}
        assert {len(segments) for _flags, segments in _flags(desk, channel)} == {0}
