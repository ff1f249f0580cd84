"""A newsroom with help lines and a partner, in whose texts numbers are looked at."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from tests.support.content import newsroom
from tests.support.ledger import NOW
from veille.checks.numbers import CHECK
from veille.checks.rules import Context
from veille.checks.subjects import Subject
from veille.config import Config
from veille.errors import Finding
from veille.library import Library
from veille.posts import Post
from veille.reading.post import read_post

DATA = Path(__file__).parents[1] / "data/numbers"
PARTNER = """\
name: CCAS de Bagneux
needs: [food]
phone: 01 99 00 10 11
sms: 06 39 98 10 11
verified_on: 2026-11-18
"""


def numbers_room(root: Path) -> Config:
    """Make it; nothing in it is wrong."""
    made = newsroom(root)
    (root / "content/helplines.yaml").write_text((DATA / "helplines.yaml").read_text("utf-8"), encoding="utf-8")
    (root / "content/partners/ccas-bagneux.yaml").write_text(PARTNER, encoding="utf-8")
    return made


def post(config: Config, body: str, front: str = "title: Bonjour") -> Post:
    """A post with this text."""
    path = config.root / "content/posts/x.md"
    path.write_text(f"---\n{front}\n---\n\n{body}\n", encoding="utf-8")
    return read_post(path, config)


def look(config: Config, room: Library, body: str, front: str = "title: Bonjour", now: datetime = NOW) -> list[Finding]:
    """What is found about the numbers of a text."""
    made = post(config, body, front)
    assert CHECK.each
    return list(CHECK.each(Subject(made, made.path, made.file), Context(room, config, now)))
