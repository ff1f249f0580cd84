"""Publishing again renders only what changed; and whatever a rendition depends on is a change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.support.desk import CHANNELS, Desk
from tests.support.ledger import NOW
from veille import __version__, fingerprints
from veille.fingerprints import FILE_NAME
from veille.lines import Line

PICTURE = "image: {src: repas.jpg, alt: Une table.}\npartners: [ccas-bagneux]\n"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path, NOW)
    made.post("a", PICTURE)
    made.post("b")
    made.publish()
    return made


def rendered(desk: Desk) -> list[Line]:
    return [line for line in desk.publish().lines if line.rendition is not None]


def test_nothing_changed_renders_nothing(desk: Desk) -> None:
    before = (desk.root / "outbox" / FILE_NAME).stat().st_mtime_ns
    assert rendered(desk) == []
    assert (desk.root / "outbox" / FILE_NAME).stat().st_mtime_ns == before


def test_one_edit_renders_what_shows_it(desk: Desk) -> None:
    desk.post("b", body="Autre chose.")
    assert {line.owed.source for line in rendered(desk)} == {"b", "edition-2026-11-27"}
    assert rendered(desk) == []


def _picture(desk: Desk) -> None:
    Image.new("RGB", (900, 800), "#12603f").save(desk.root / "content/media/repas.jpg")


def _partner(desk: Desk) -> None:
    path = desk.root / "content/partners/ccas-bagneux.yaml"
    path.write_text(path.read_text().replace("12 34", "12 35"))


def _settings(desk: Desk) -> None:
    desk.settings('[brand]\nname = "Autre"\n' + CHANNELS)


def _template(desk: Desk) -> None:
    (desk.root / "templates" / "web").mkdir(parents=True)
    (desk.root / "templates" / "web" / "post.html.j2").write_text("x")


@pytest.mark.parametrize("change", [_picture, _partner, _settings, _template])
def test_what_a_rendition_depends_on_is_a_change(desk: Desk, change: Callable[[Desk], None]) -> None:
    change(desk)
    assert "a" in {line.owed.source for line in rendered(desk)}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a/web/": 1}', '{"a/web/": ["x", "y"]}'])
def test_a_damaged_memory_only_costs_time(desk: Desk, content: str) -> None:
    (desk.root / "outbox" / FILE_NAME).write_text(content)
    assert len(rendered(desk)) == 8
    assert rendered(desk) == []


def test_an_outbox_that_holds_something_else_is_not_believed(desk: Desk) -> None:
    memory = (desk.root / "outbox" / FILE_NAME).read_text()
    desk.post("b", body="Deuxième version.")
    desk.publish()
    (desk.root / "outbox" / FILE_NAME).write_text(memory)
    desk.post("b")
    assert {str(line.change) for line in rendered(desk)} >= {"updated"}


def test_another_version_renders_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "__version__", __version__ + "+1")
    assert len(rendered(desk)) == 8


def test_publishing_one_file_forgets_nothing_of_the_others(desk: Desk) -> None:
    path = desk.post("b", body="Autre chose.")
    desk.publish(path)
    assert {line.owed.source for line in rendered(desk)} == {"edition-2026-11-27"}  # its posts were kept as stored
    assert rendered(desk) == []
