"""Two people, two machines, two copies of a workspace: what one does, the other must not undo or do again."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.support.desk import Desk
from tests.support.ledger import NOW, Act, Ledger
from veille import library
from veille.errors import Busy, LedgerError
from veille.outbox import lock
from veille.outbox.lock import running, scheduler_lock
from veille.queueing import Prepared, enqueue, prepare
from veille.subscribers import Row
from veille.tokens import load_keys


def _prepared(desk: Desk, *paths: Path) -> Prepared:
    """Planned and rendered, not queued yet."""
    content = library.load(desk.config)
    return prepare(desk.plan(*paths), content, desk.config, desk.acts, desk.ledger.queue, NOW)


def _enqueue(desk: Desk, prepared: Prepared) -> None:
    enqueue(prepared, desk.config, desk.acts, desk.ledger.queue, NOW)


def test_two_who_publish_at_once_lose_no_post_of_the_letter_and_no_slot(desk: Desk) -> None:
    desk.settings('[newsletter]\n[facebook]\nslots = ["monday 12:30", "friday 12:30"]\n')
    first, second = desk.post("a"), desk.post("b")
    mine, yours = _prepared(desk, first), _prepared(desk, second)
    _enqueue(desk, mine)
    with pytest.raises(Busy):
        _enqueue(desk, yours)
    assert not [entry for entry in desk.ledger.queue.all() if entry.source == "b"]  # all or nothing
    _enqueue(desk, _prepared(desk, second))
    assert desk.letters() == {"edition-2026-11-27": ["a", "b"]}
    assert desk.due("a", "facebook") != desk.due("b", "facebook")


def test_two_who_publish_the_same_at_once_are_both_done(desk: Desk) -> None:
    desk.post("a")
    mine, yours = _prepared(desk), _prepared(desk)
    _enqueue(desk, mine)
    _enqueue(desk, yours)
    assert desk.letters() == {"edition-2026-11-27": ["a"]}


def test_two_copies_of_a_workspace_do_not_deliver_from_one_ledger(store: Ledger, tmp_path: Path) -> None:
    here, there = tmp_path / "here" / "outbox", tmp_path / "there" / "outbox"
    with scheduler_lock(here, store.database):
        with pytest.raises(Busy), scheduler_lock(there, store.database):
            pass
        assert running(here)
    with scheduler_lock(there, store.database):  # given back
        assert not running(here)


def _lose_lock(store: Ledger, folder: Path) -> None:
    """A server that is started anew forgets it; somebody deletes the file that stands in the way."""
    if store.database.path:
        for path in (folder / "run.lock", *store.database.path.parent.glob("*.run.lock")):
            path.unlink()
        return
    others = sa.text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with store.database.engine.connect() as connection:
        connection.execute(others)


def test_whoever_lost_the_lock_stops_before_the_next_pass(
    store: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "WAITS", (0.0,))
    here = tmp_path / "here" / "outbox"
    there = here if store.database.is_sqlite else tmp_path / "there" / "outbox"
    with scheduler_lock(here, store.database) as alone:
        alone()
        _lose_lock(store, here)
        alone()  # nobody else took it: ours again
        with pytest.raises(Busy), scheduler_lock(there, store.database):
            pass
        _lose_lock(store, here)
        with scheduler_lock(there, store.database) as other:
            for _look in range(2):
                with pytest.raises(Busy):
                    alone()
            other()


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_a_server_that_fails_while_it_is_asked_for_the_lock_gave_none(store: Ledger, tmp_path: Path) -> None:
    def broken(_c: Any, _cursor: Any, statement: str, values: Any, _context: Any, _many: bool) -> tuple[str, Any]:
        return ("SELECT 1/0", {}) if "advisory_lock" in statement else (statement, values)

    here, there = tmp_path / "here/outbox", tmp_path / "there/outbox"
    engine = store.database.engine
    with scheduler_lock(here, store.database) as alone:
        _lose_lock(store, here)
        sa.event.listen(engine, "before_cursor_execute", broken, retval=True)
        with pytest.raises(LedgerError):
            alone()
        sa.event.remove(engine, "before_cursor_execute", broken)
        with scheduler_lock(there, store.database), pytest.raises(Busy):
            alone()


def test_a_pass_begins_only_while_no_other_scheduler_is_at_work(sqlite_store: Ledger) -> None:
    def gone() -> None:
        raise Busy("another")

    sqlite_store.put(sqlite_store.item("web"))
    pump = sqlite_store.make_pump(Act("web"), alone=gone)
    with pytest.raises(Busy):
        pump.round()


def test_a_ledger_that_outlives_its_folder_gets_no_new_key(store: Ledger, tmp_path: Path) -> None:
    path, in_use = tmp_path / "outbox/secret.key", store.report.has_letters
    first = load_keys(path, in_use=in_use)
    store.readers("amel")
    store.put(store.item("newsletter"))
    store.pump(Act("newsletter"))
    path.unlink()
    with pytest.raises(LedgerError):
        load_keys(path, in_use=in_use)
    assert not path.exists()
    assert load_keys(path, "words", in_use=in_use) != first  # a person who lost it for good sets a new one


def test_threads_of_one_process_write_in_turn_and_sleep_on_no_lock(sqlite_store: Ledger) -> None:
    """SQLite makes whoever meets a lock sleep for up to 100 ms at a time, again and again: here nobody may wait so."""
    engine = sqlite_store.database.engine
    sa.event.listen(engine, "connect", lambda made, _record: made.execute("PRAGMA busy_timeout=0").fetchall())
    engine.dispose()
    failed: list[Exception] = []

    def write(name: str) -> None:
        try:
            for n in range(40):
                sqlite_store.subscribers.add([Row(f"{name}{n}@example.org")], how="test", now=sqlite_store.now)
        except LedgerError as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in ("a", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(list(sqlite_store.subscribers.export())) == 120
