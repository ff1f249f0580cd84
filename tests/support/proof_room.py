"""A newsroom with templates of its own, in which `publish` looks at what would leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.support.content import newsroom, write
from tests.support.ledger import NOW
from veille import config as settings
from veille import library, proofing
from veille.errors import ContentError, Finding
from veille.outbox.database import open_database
from veille.outbox.queue import Queue
from veille.planning import plan
from veille.publishing import Publisher
from veille.queueing import Prepared, enqueue, prepare
from veille.rendering import Templates
from veille.rendering.templating import shipped
from veille.tokens import Keys
from veille_publishers import http, registry

LETTER, ITEM, PAGE = "newsletter/letter.mjml.j2", "web/feed_item.html.j2", "web/base.html.j2"
FOREIGN = "https://cdn.example.net/x"


class Room:
    """A workspace with templates of its own, and `publish` as the command does it."""

    def __init__(self, root: Path) -> None:
        newsroom(root)
        path = root / "veille.toml"
        head = path.read_text(encoding="utf-8").partition("[newsletter]")[0]
        path.write_text(head + "[newsletter]\n[feed]\n[web]\n[facebook]\n", encoding="utf-8")
        self.root = root
        self.config = settings.load(root, {})
        self.queue = Queue(open_database("sqlite:///outbox/outbox.sqlite3", root))

    def post(self, name: str = "velo", body: str = "Un vélo à 20 euros, samedi.", front: str = "") -> Path:
        """Write a post."""
        return write(self.root, f"title: {name}\n{front}", body, f"posts/{name}.md")

    def template(self, name: str, change: Callable[[str], str]) -> None:
        """The shipped one, changed by somebody."""
        path = self.root / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        before = (shipped() / name).read_text(encoding="utf-8")
        assert change(before) != before
        path.write_text(change(before), encoding="utf-8")

    def prepare(self) -> Prepared:
        """What `publish` does: look, then queue."""
        content, publishers = library.load(self.config), self.publishers()
        made = plan(content, self.config, self.queue.all(), NOW)
        prepared = prepare(made, content, self.config, publishers, self.queue, NOW)
        enqueue(prepared, self.config, publishers, self.queue, NOW)
        return prepared

    def refusal(self) -> tuple[Finding, ...]:
        """Why `publish` queues nothing."""
        with pytest.raises(ContentError) as refused:
            self.prepare()
        assert not self.queue.all(), "nothing is queued"
        return refused.value.findings

    def publishers(self) -> Mapping[str, Publisher]:
        """Of every channel, as the command makes them."""
        context = registry.Context(
            config=self.config,
            templates=Templates(self.config),
            clock=lambda: NOW,
            http=http.session,
            sleep=lambda _seconds: None,
            keys=Keys({"1": b"k" * 32}),
        )
        return {name: registry.load(name, context) for name in self.config.channels}

    def samples(self) -> list[Finding]:
        """What `check` finds in what could leave."""
        return proofing.samples(library.load(self.config), self.config, self.publishers(), NOW)
