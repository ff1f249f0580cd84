"""No text keeps the checks busy for long: what cannot be looked at in a moment is refused, never passed over."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.support.content import newsroom
from tests.support.ledger import NOW
from veille import checks, library
from veille.checks.size import LONGEST
from veille.config import Config

HANGS = 10  # seconds of processor: what hung took a minute, or never ended; what is well takes a tenth of one
ROWS = ("1 ", "0 ", "01 ", "1.", "a.a", "A.", "www.", "http://", "ISBN ", "FR76 ", "12 rue ", "a\n", "e\u0301", "🎉 ")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return newsroom(tmp_path_factory.mktemp("room"))


def look(config: Config, body: str) -> tuple[list[str], float]:
    """The codes found in a post, and the seconds that it took."""
    path = config.root / "content/posts/x.md"
    path.write_text(f"---\ntitle: Bonjour\nsummary: Bonjour\ndate: {NOW:%Y-%m-%d}\n---\n\n{body}\n", encoding="utf-8")
    content = library.load(config)
    start = time.process_time()
    found = checks.run(content, config, NOW)
    path.unlink()
    return [f.code for f in found if f.file.endswith("x.md")], time.process_time() - start


@pytest.mark.parametrize("row", ROWS)
def test_a_huge_paragraph_is_refused_at_once(config: Config, row: str) -> None:
    codes, seconds = look(config, row * (100_000 // len(row)) + "@")
    assert codes == ["text-too-long"]
    assert seconds < HANGS


def test_the_longest_that_is_looked_at_takes_no_time_either(config: Config) -> None:
    took = {row: look(config, (row * LONGEST)[: LONGEST - 1] + "@") for row in ROWS[3:9]}
    assert [row for row, (codes, _seconds) in took.items() if "text-too-long" in codes] == []
    assert {row: seconds for row, (_codes, seconds) in took.items() if seconds > HANGS} == {}


def test_it_cannot_be_allowed(config: Config) -> None:
    path: Path = config.root / "content/posts/x.md"
    front = "title: Bonjour\nallow: {text-too-long: c’est voulu}"
    path.write_text(f"---\n{front}\n---\n\n{'a ' * LONGEST}\n", encoding="utf-8")
    codes = [f.code for f in checks.run(library.load(config), config, NOW) if f.severity == "error"]
    path.unlink()
    assert "text-too-long" in codes
