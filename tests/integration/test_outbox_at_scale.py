"""What people ask about a letter of a million readers: answered from an index, and bounded.

The plans are checked in every run, on a small letter; `pytest -m soak -s -k at_scale` makes a million rows and prints
what each question costs.
"""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.support.ledger import Ledger, Mail
from veille.errors import Unavailable
from veille.outbox import schema
from veille.outbox.database import Database, open_database
from veille.outbox.recipients import reached

MILLION = 1_000_000
Statement = tuple[str, Any]


def letter(store: Ledger, readers: int) -> None:
    """p1: a letter with its readers, half of it sent; p2: a post, sent. Made inside the database."""
    store.put(store.item("newsletter"))
    store.put(store.item("facebook"))
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {readers}) "
    moment = int(store.now.timestamp() * 1000)
    people = "id, email, domain, state, consent_at, consent_how"
    rows = "publication_id, channel, target, lane, state, due_at, attempt, updated_at, sent_at, last_code, remote_id"
    state = f"CASE WHEN i > {readers // 2} THEN 'ready' WHEN i % 100 = 0 THEN 'failed' ELSE 'sent' END"
    left = f"CASE WHEN i <= {readers // 2} THEN {moment} END"
    name = "'reader' || CAST(i AS TEXT) || '@example.org'"
    lane = "CASE i % 10 WHEN 0 THEN 'gmail' WHEN 1 THEN 'orange' ELSE '' END"
    with store.database.write() as connection:
        for statement in (
            f"INSERT INTO subscriber ({people}) {numbers} SELECT i, {name}, 'example.org', 'subscribed', {moment}, '' "
            "FROM n",
            f"INSERT INTO delivery ({rows}) {numbers} SELECT 1, 'newsletter', CAST(i AS TEXT), {lane}, {state}, "
            f"{moment}, 1, {moment}, {left}, '', '2.0.0 Ok: queued as 4F2A31C0B7' FROM n",
            "UPDATE delivery SET state = 'sent', url = 'https://x.example.org/1' WHERE channel = 'facebook'",
            f"UPDATE publication SET candidates = {readers}, expanded_at = {moment}, started_at = {moment}, "
            f"audience_at = {moment} WHERE id = 1",
        ):
            connection.execute(sa.text(statement))
    if not store.database.is_sqlite:  # as autovacuum does after a while: index-only scans need it
        with store.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


@contextmanager
def asked(database: Database) -> Iterator[list[Statement]]:
    """Every statement that reaches the database meanwhile."""
    statements: list[Statement] = []

    def note(_c: Any, _cursor: Any, statement: str, values: Any, _context: Any, _many: bool) -> None:
        statements.append((statement, values))

    sa.event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", note)


def plans(database: Database, statements: Sequence[Statement]) -> list[str]:
    """How the database answers those that read deliveries."""
    explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    found = []
    with database.read() as connection:
        if not database.is_sqlite:  # a small table is read whole, whatever the index is good for
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        for statement, values in statements:
            if "delivery" in statement:
                rows = connection.exec_driver_sql(f"{explain} {statement}", values).all()
                found.append("\n".join(str(row[-1]) for row in rows))
    return found


def test_status_counts_from_the_index_alone(store: Ledger) -> None:
    letter(store, 1_000)
    covering = "COVERING INDEX delivery_of" if store.database.is_sqlite else "Index Only Scan using delivery_of"
    for ask in (store.report.publications, lambda: store.report.publication("p1")):
        with asked(store.database) as statements:
            ask()
        counts, *receipts = plans(store.database, statements)
        assert covering in counts
        assert all("delivery_of" in plan for plan in receipts)
        assert not any("SCAN delivery" in plan or "Seq Scan on delivery" in plan for plan in (counts, *receipts))
    assert receipts == []  # a letter has none: its rows are not read for them


def test_receipts_are_read_of_posts_only(store: Ledger) -> None:
    letter(store, 100)
    with asked(store.database) as statements:
        status = {found.id: found for found in store.report.publications()}
    (values,) = [values for statement, values in statements if "remote_id" in statement]
    numbers = values.values() if isinstance(values, dict) else values
    assert 2 in numbers
    assert 1 not in numbers
    assert (status["p1"].receipts, len(status["p2"].receipts)) == ((), 1)


def test_a_list_of_failures_is_found_by_the_index(store: Ledger) -> None:
    letter(store, 1_000)
    with asked(store.database) as statements:
        assert len(list(reached(store.database, "p1", ["failed"]))) == 5
        assert len(store.report.deliveries("p1", states=["failed"])) == 5
    found = plans(store.database, statements)
    assert not any("SCAN delivery" in plan and "INDEX" not in plan for plan in found)
    if store.database.is_sqlite:
        assert "COVERING INDEX delivery_of" in found[0]
        assert not any("TEMP B-TREE" in plan for plan in found)


def test_a_chunk_of_a_cancellation_is_found_by_the_index(store: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    letter(store, 1_000)
    monkeypatch.setattr("veille.outbox.chunks.CHUNK", 100)
    with asked(store.database) as statements:
        assert store.actions.cancel("p1", store.now) == 500
    selects = [found for found in statements if found[0].startswith("SELECT max(")]
    assert len(selects) == 8  # none claimed; five full chunks and the end of `ready`; none held
    for plan in plans(store.database, selects) if store.database.is_sqlite else ():  # a server sorts the few it finds
        assert "USING INDEX delivery_of (publication_id=? AND state=? AND rowid>?)" in plan
        assert "TEMP B-TREE" not in plan


def test_what_waits_is_counted_and_only_the_first_ten_are_named(store: Ledger) -> None:
    store.readers(*(f"reader{number:02}" for number in range(1, 31)))
    store.put(store.item("newsletter"))
    store.pump(Mail("newsletter", outcomes=[Unavailable("greylisted")] * 25))
    waiting = store.report.waiting()
    assert waiting.counts == {"ready": 25}
    assert [name for name, _state, _next in waiting.first] == [f"d{number}" for number in range(1, 11)]
    assert store.status().waiting == 25


def test_the_pace_of_the_last_minute_by_lane(store: Ledger) -> None:
    """Read from the rows just before the first that waits, in each lane."""
    letter(store, 200)
    now = store.now
    with store.database.write() as connection:
        connection.execute(sa.update(schema.delivery).where(schema.delivery.c.id > 101).values(state="ready"))
        for lane, seconds in (("", 0.5), ("gmail", 10.0)):
            mine = sa.select(schema.delivery.c.id).where(
                schema.delivery.c.publication_id == 1,
                schema.delivery.c.lane == lane,
                schema.delivery.c.state == "sent",
            )
            numbers = list(connection.execute(mine.order_by(schema.delivery.c.id.desc())).scalars())
            for place, number in enumerate(numbers, start=1):
                moment = now.fromtimestamp(now.timestamp() - place * seconds, now.tzinfo)
                connection.execute(
                    sa.update(schema.delivery).where(schema.delivery.c.id == number).values(sent_at=moment)
                )
        connection.execute(sa.update(schema.delivery).where(schema.delivery.c.lane == "orange").values(sent_at=None))
    lanes = {lane.name: lane for lane in store.report.lanes("p1", now)}
    assert {name: round(lane.pace, 2) for name, lane in lanes.items()} == {"": 2.0, "gmail": 0.1, "orange": 0.0}
    assert sum(lane.waiting for lane in lanes.values()) == store.status().counts["ready"]


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_million_readers(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    server = request.getfixturevalue("postgres_server") if kind == "postgresql" else None
    url = server.new_database() if server else "sqlite:///outbox.sqlite3"
    database, other = open_database(url, tmp_path), open_database(url, tmp_path)
    store = Ledger(database)
    took: dict[str, float] = {}

    def timed(name: str, ask: Callable[[], Any]) -> Any:
        begun = time.monotonic()
        answer = ask()
        took[name] = time.monotonic() - begun
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"{kind:10}  {name:34} {took[name]:7.3f} s  {memory} MB", flush=True)
        return answer

    timed("made", lambda: letter(store, MILLION))
    (status, _post) = timed("status", store.report.publications)
    assert status.balanced
    timed("one publication", lambda: store.report.publication("p1"))
    timed("the first fifty", lambda: store.report.deliveries("p1"))
    timed("what waits", store.report.waiting)
    timed("the pace", lambda: store.report.lanes("p1", store.now))
    timed("who failed", lambda: sum(1 for _row in reached(database, "p1", ["failed"])))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert timed("who got it, all", lambda: sum(1 for _row in reached(database, "p1"))) == MILLION
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024
    with _somebody_else(Ledger(other)) as waits:
        assert timed("cancel half a million", lambda: store.actions.cancel("p1", store.now)) == MILLION // 2
    print(f"{kind:10}  the longest that another writer waited: {max(waits):.3f} s in {len(waits)} tries")
    assert took["status"] < took["who got it, all"] / 5  # an index, and not the rows
    assert max(waits) < took["cancel half a million"] / 3  # a chunk, and not the whole
    for opened in (database, other):
        opened.close()


@contextmanager
def _somebody_else(store: Ledger) -> Iterator[list[float]]:
    """A reader subscribes again and again, and notes how long that took."""
    waits: list[float] = []
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.05):
            begun = time.monotonic()
            store.readers(f"late{len(waits)}")
            waits.append(time.monotonic() - begun)

    writer = threading.Thread(target=work)
    writer.start()
    try:
        yield waits
    finally:
        over.set()
        writer.join()
