"""Sixty posts make a letter that Gmail cuts: what is proposed instead can be done as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from tests.support.ledger import NOW
from tests.support.proof_room import Room
from veille import config as settings
from veille import library
from veille.errors import ContentError, Finding
from veille.library import Library
from veille.planning import CADENCED, Plan, plan
from veille.posts import Post
from veille.queueing import Prepared, prepare
from veille_cli import too_large

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from veille.config import Config
    from veille.publishing import Publisher
    from veille_cli.wiring import Newsroom

BODY = "\n\n".join(["Un vélo à vingt euros, samedi, pour tout le monde, avec les amis du quartier." * 3] * 4)


@dataclass
class Desk:
    """What the command has at hand."""

    config: Config
    library: Library
    publishers: Mapping[str, Publisher]
    room: Room

    def plan(self, posts: Sequence[Post] | None = None) -> Plan:
        return plan(self.library, self.config, self.room.queue.all(), NOW, selection=posts)

    def prepare(self, posts: Sequence[Post] | None = None) -> Prepared:
        return prepare(self.plan(posts), self.library, self.config, self.publishers, self.room.queue, NOW)

    def refused(self, posts: Sequence[Post] | None = None) -> tuple[Finding, ...]:
        with pytest.raises(ContentError) as refused:
            self.prepare(posts)
        return refused.value.findings


def desk(root: Path, count: int) -> Desk:
    room = Room(root)
    for number in range(count):
        room.post(f"annonce-{number:02}", BODY)
    toml = root / "veille.toml"
    toml.write_text(toml.read_text("utf-8").replace("[feed]\n[web]\n[facebook]\n", "[web]\n"), encoding="utf-8")
    room.config = settings.load(root, {})
    return Desk(room.config, library.load(room.config), room.publishers(), room)


def test_as_many_posts_as_fit_are_proposed_and_can_be_published(tmp_path: Path) -> None:
    made = desk(tmp_path, 60)
    hint = too_large.way_round(made.plan(), made.refused(), cast("Newsroom", made))
    command = hint.rpartition(": veille publish ")[2].split()
    (letter,) = (owed for owed in made.plan().owed if owed.channel == CADENCED)
    known = {post.source: post for post in made.library.posts}
    members = [known[source] for source in letter.members]
    fits = members[: len(command)]
    assert 5 < len(fits) < 60
    assert command == [post.file for post in fits]
    assert f"publish {len(fits)} new posts now" in hint
    assert "veille new edition" in hint
    assert "channels: [web]" in hint
    assert made.prepare(fits).changed
    assert "letter-too-large" in {finding.code for finding in made.refused(members[: len(fits) + 3])}


def test_one_heavy_post_is_left_out_and_the_others_leave(tmp_path: Path) -> None:
    made = desk(tmp_path, 3)
    made.room.post("annonce-00-longue", "\n\n".join("Un mot de plus. " * 250 for _n in range(30)))
    made.library = library.load(made.config)
    hint = too_large.way_round(made.plan(), made.refused(), cast("Newsroom", made))
    assert "publish 3 new posts now" in hint
    assert "annonce-00-longue" not in hint
