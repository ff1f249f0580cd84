"""An edition that left and got another file name: nobody has the letter twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.desk import Desk
from veille.errors import ContentError

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, NOW)
    made.ledger.readers("amel")
    made.post("a")
    made.edition("hiver", ["a"])
    made.publish()
    made.run()
    assert made.mailed() == [["a"]]
    yield made
    made.ledger.database.close()


def _renamed(desk: Desk, front: str = "", title: str = "hiver") -> None:
    folder = desk.root / "content/editions"
    text = (folder / "hiver.md").read_text(encoding="utf-8")
    (folder / "hiver.md").unlink()
    text = text.replace("title: hiver\n", f"title: {title}\n{front}")
    (folder / "noel.md").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("title", ["hiver", "Un autre titre"])
def test_an_edition_with_another_file_name_asks_first(desk: Desk, title: str) -> None:
    _renamed(desk, title=title)
    with pytest.raises(ContentError) as refused:
        desk.publish()
    (finding,) = refused.value.findings
    assert (finding.file, finding.code) == ("content/editions/noel.md", "renamed")
    assert "id: hiver" in (finding.hint or "")


def test_an_intro_with_other_posts_under_the_old_title_asks_too(desk: Desk) -> None:
    desk.post("b")
    _renamed(desk)
    path = desk.root / "content/editions/noel.md"
    path.write_text(path.read_text(encoding="utf-8").replace("- a", "- a\n  - b"), encoding="utf-8")
    with pytest.raises(ContentError):
        desk.publish()


@pytest.mark.parametrize(("chosen", "letters"), [("hiver", 1), ("noel-2", 2)])
def test_its_id_answers_the_question(desk: Desk, chosen: str, letters: int) -> None:
    _renamed(desk, front=f"id: {chosen}\n")
    desk.publish()
    desk.run()
    assert len(desk.mailed()) == letters


def test_an_id_that_a_post_gets_after_it_left_makes_no_second_post(desk: Desk) -> None:
    desk.post("a", "id: autre\n")
    with pytest.raises(ContentError) as refused:
        desk.publish()
    assert "id: a`" in (refused.value.findings[0].hint or "")
    desk.post("a", "id: a\n")
    assert not desk.publish().changes
