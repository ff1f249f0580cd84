"""An editor's desk: files on disk, `publish` as the command does it, and a pump; without rendering costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.support.content import newsroom, write
from tests.support.ledger import Act, Files, Ledger, Mail
from veille import config as settings
from veille import library
from veille.outbox.database import open_database
from veille.planning import Plan, plan
from veille.publishing import Rendition, Source
from veille.queueing import Prepared, enqueue, prepare
from veille.rendering import RenderedEdition

CHANNELS = "[newsletter]\n[feed]\n[web]\n[facebook]\n"


class _Words:
    """Renders what a reader reads, so that every edit of the text is an edit of the rendition."""

    channel: str

    def render(self, source: Source) -> Rendition | None:
        if self.channel == "newsletter" and not isinstance(source, RenderedEdition):
            return None
        return Rendition(self.channel, {"edition" if isinstance(source, RenderedEdition) else "item": source.to_json()})


class _Social(_Words, Act):
    pass


class _Mail(_Words, Mail):
    pass


class _Files(_Words, Files):
    pass


class Desk:
    """A newsroom with newsletter (Friday 17:00), feed, web and a Facebook page without slots."""

    def __init__(self, root: Path, now: datetime, extra: str = "") -> None:
        newsroom(root)
        self.root = root
        self.settings(CHANNELS + extra)
        self.ledger = Ledger(open_database("sqlite:///outbox/outbox.sqlite3", root), now)
        self.ledger.readers("amel")
        self.acts: dict[str, Act] = {
            "newsletter": _Mail("newsletter"),
            "feed": _Files("feed"),
            "web": _Files("web"),
            "facebook": _Social("facebook"),
        }

    def settings(self, toml: str) -> None:
        """Change veille.toml, below [workspace]."""
        path = self.root / "veille.toml"
        path.write_text(path.read_text(encoding="utf-8").partition("[newsletter]")[0] + toml, encoding="utf-8")
        self.config = settings.load(self.root, {})

    def post(self, name: str, front: str = "", body: str = "", **more: str) -> Path:
        """Write a post; its title is its name."""
        head = f"title: {more.get('title', name)}\n{front}"
        return write(self.root, head, body or f"Le texte de {name}.", f"posts/{name}.md")

    def edition(self, name: str, posts: Sequence[str], front: str = "") -> Path:
        """Write an edition by hand."""
        lines = "".join(f"\n  - {post}" for post in posts)
        return write(self.root, f"title: {name}\nposts:{lines}\n{front}", "Intro.", f"editions/{name}.md")

    def plan(self, *paths: Path, directory: bool = False, **options: Any) -> Plan:
        """What `publish` would do; without the directory of contacts, because most tests are about posts."""
        content = library.load(self.config)
        selection = [content.find(path) for path in paths] if paths else None
        made = plan(content, self.config, self.ledger.queue.all(), self.ledger.now, selection=selection, **options)
        return made if directory else replace(made, owed=tuple(owed for owed in made.owed if not owed.directory))

    def publish(self, *paths: Path, **options: Any) -> Prepared:
        """Plan, render, queue."""
        made = self.plan(*paths, **options)
        content = library.load(self.config)
        prepared = prepare(made, content, self.config, self.acts, self.ledger.queue, self.ledger.now)
        enqueue(prepared, self.config, self.acts, self.ledger.queue, self.ledger.now)
        return prepared

    def run(self) -> None:
        """One pass of the pump."""
        self.ledger.pump(*self.acts.values())

    def to_friday(self) -> None:
        """What is due today leaves today; then it is the hour of the letter."""
        self.run()
        self.ledger.now = datetime(2026, 11, 27, 16, 0, tzinfo=UTC)

    def letters(self) -> dict[str, list[str]]:
        """Letters that can still leave or left: name -> posts."""
        return {
            entry.source: list(entry.members)
            for entry in self.ledger.queue.all()
            if entry.channel == "newsletter" and not (entry.withdrawn or entry.cancelled)
        }

    def state(self, source: str, channel: str) -> str:
        """Where a publication stands; "" when there is none."""
        found = [s.state for s in self.ledger.report.publications() if (s.source, s.channel) == (source, channel)]
        assert len(found) < 2, found
        return found[0] if found else ""

    def due(self, source: str, channel: str) -> datetime:
        """When it leaves, in the zone of the newsroom."""
        (entry,) = [e for e in self.ledger.queue.all() if (e.source, e.channel) == (source, channel)]
        return entry.due.astimezone(self.config.zone)

    def mailed(self) -> list[list[str]]:
        """The posts of every letter that left, in order."""
        editions = [d.publication.rendition.payload["edition"]["posts"] for d in self.acts["newsletter"].sent]
        return [[post["source"] for post in posts] for posts in editions]
