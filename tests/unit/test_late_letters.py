"""A letter whose time has come while nothing ran, or that is held: it leaves as its files say now, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.desk import Desk
from veille.errors import VeilleError
from veille.outbox.actions import Answer

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
FRIDAY = "edition-2026-11-27"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Two posts in a letter that is held: nothing ran for two days."""
    made = Desk(tmp_path, NOW)
    made.ledger.readers("amel")
    made.post("a")
    made.post("b")
    made.publish()
    made.ledger.now = datetime(2026, 11, 29, 16, 0, tzinfo=UTC)
    made.run()
    assert made.state(FRIDAY, "newsletter") == "held"
    yield made
    made.ledger.database.close()


def _let_go(desk: Desk) -> None:
    (letter,) = [e for e in desk.ledger.queue.all() if (e.source, e.channel) == (FRIDAY, "newsletter")]
    desk.ledger.actions.resolve(f"p{letter.id}", Answer.RETRY, desk.ledger.now)
    desk.run()


def _texts(desk: Desk) -> str:
    return "".join(str(d.publication.rendition.payload["edition"]) for d in desk.acts["newsletter"].sent)


@pytest.mark.parametrize("alone", [False, True])
def test_a_correction_reaches_a_letter_that_is_held(desk: Desk, alone: bool) -> None:
    corrected = desk.post("a", body="Le bon repas.")
    desk.publish(*([corrected] if alone else []))
    assert desk.state(FRIDAY, "newsletter") == "held"  # a person decides, as before
    assert not [line for line in desk.publish().changes if line.owed.channel == "newsletter"]
    _let_go(desk)
    assert desk.mailed() == [["a", "b"]]
    assert "Le bon repas" in _texts(desk)


def test_what_was_taken_out_of_it_does_not_leave(desk: Desk) -> None:
    desk.post("a", "draft: true")
    desk.post("c")
    desk.publish()
    _let_go(desk)
    assert desk.mailed() == [["b"]]  # and what is new waits for the next


def test_a_held_letter_that_lost_everything_is_over(desk: Desk) -> None:
    for name in ("a", "b"):
        (desk.root / f"content/posts/{name}.md").unlink()
    desk.publish()
    assert desk.state(FRIDAY, "newsletter") == "cancelled"


def test_a_cancelled_letter_does_not_come_back_beside_the_one_that_took_its_posts(desk: Desk) -> None:
    (letter,) = [e for e in desk.ledger.queue.all() if (e.source, e.channel) == (FRIDAY, "newsletter")]
    desk.ledger.actions.cancel(f"p{letter.id}", desk.ledger.now)
    desk.publish()
    (other,) = [e for e in desk.ledger.queue.all() if e.channel == "newsletter" and not e.cancelled]
    assert other.members == ("a", "b")
    with pytest.raises(VeilleError):
        desk.ledger.actions.retry(f"p{letter.id}", desk.ledger.now)
    desk.ledger.actions.cancel(f"p{other.id}", desk.ledger.now)
    assert desk.ledger.actions.retry(f"p{letter.id}", desk.ledger.now)
    desk.publish()
    desk.run()
    assert desk.mailed() == [["a", "b"]]
    assert FRIDAY in desk.letters()
    assert len(desk.letters()) == 1
