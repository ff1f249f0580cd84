"""What every publisher of the registry owes to the port, before it has a test of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from veille import config as settings
from veille import library
from veille.errors import ContentError
from veille.planning import expires
from veille.posts import CHANNELS
from veille.proofing import Proofreader
from veille.publishing import (
    Delivery,
    Journal,
    OnUnknown,
    Outcome,
    Publication,
    Publisher,
    Receipt,
    Recipient,
    Rendition,
    Source,
)
from veille.queueing import letter_of
from veille.rendering import Templates, render_post
from veille.tokens import Keys
from veille_publishers import http, registry

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
SECRET = "EAAB-canary-token"  # a secret that must show up nowhere


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> settings.Config:
    """The sample newsroom, in a folder of its own."""
    root = tmp_path_factory.mktemp("room")
    shutil.copytree(ROOT / "content", root / "content")
    shutil.copyfile(ROOT / "veille.toml", root / "veille.toml")
    tokens = {f"VEILLE_{name}__ACCESS_TOKEN": SECRET for name in ("FACEBOOK", "INSTAGRAM")}
    return settings.load(root, tokens)


@pytest.fixture(scope="module")
def sources(room: settings.Config) -> list[Source]:
    """Every post that can go out, and the edition made by hand."""
    shelf = library.load(room)
    posts = [post for post in shelf.posts if not post.draft and (expires(post, room) or NOW) >= NOW]
    return [*(render_post(p, shelf, room, now=NOW) for p in posts), letter_of(shelf.editions[0], shelf, room, NOW)]


@pytest.fixture(params=list(registry.REGISTRY))
def publisher(request: pytest.FixtureRequest, room: settings.Config) -> Publisher:
    """Each publisher in turn, in the sandbox."""
    context = registry.Context(
        config=room,
        templates=Templates(room),
        clock=lambda: NOW,
        http=http.session,
        sleep=lambda _seconds: None,
        keys=Keys({"1": b"k" * 32}),
    )
    return registry.load(request.param, context)


class Notebook(Journal):
    """A journal that writes down what it is asked."""

    def __init__(self, publications: Sequence[Publication], *, willing: bool = True) -> None:
        self.willing = willing
        self.publications = publications
        self.intents: list[str] = []
        self.settled: dict[str, Outcome] = {}

    def intent(self, delivery: Delivery) -> bool:
        self.intents.append(delivery.id)
        return self.willing

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        assert delivery.id not in self.settled, "settled twice"
        assert delivery.id in self.intents, "settled without an intent"
        self.settled[delivery.id] = outcome

    def checkpoint(self, delivery: Delivery, values: Mapping[str, Any]) -> None:
        json.dumps(dict(values))

    def standing(self, channel: str) -> Sequence[Publication]:
        return [p for p in self.publications if p.channel == channel]


def deliveries(publisher: Publisher, renditions: Sequence[Rendition]) -> list[Delivery]:
    return [
        Delivery(
            id=f"d{number}",
            publication=Publication(
                id=f"p{number}",
                source=f"source-{number}",
                channel=publisher.kind,
                occurrence="",
                title="Titre",
                slug=f"source-{number}",
                due=NOW,
                generation=1,
                rendition=rendition,
                first_due=NOW,
            ),
            target=next(iter(publisher.targets()), "1"),
            attempt=1,
            date=NOW,
            message_id="<a@example.org>",
            recipient=Recipient(1, "lecteur@example.org") if publisher.kind == "newsletter" else None,
        )
        for number, rendition in enumerate(renditions)
    ]


def renditions(publisher: Publisher, sources: Sequence[Source]) -> list[Rendition]:
    """A publisher may decline a source (None) or refuse it (ContentError); anything else is a defect."""
    made = []
    for source in sources:
        with suppress(ContentError):
            made.append(publisher.render(source))
    return [rendition for rendition in made if rendition is not None]


def test_the_registry_serves_every_channel() -> None:
    assert tuple(sorted(registry.REGISTRY)) == tuple(sorted(CHANNELS))


def test_rendering_is_pure_frozen_and_json(publisher: Publisher, sources: list[Source]) -> None:
    made = renditions(publisher, sources)
    assert made
    for rendition in made:
        assert rendition.channel == publisher.kind
        assert json.loads(json.dumps(rendition.payload)) == rendition.payload
    assert [r.digest for r in made] == [r.digest for r in renditions(publisher, sources)]


def test_a_proof_is_pure_and_shows_what_leaves(publisher: Publisher, sources: list[Source]) -> None:
    made = renditions(publisher, sources)
    for rendition in made:
        before = rendition.digest
        proof = publisher.proof(rendition)
        assert proof == publisher.proof(rendition), "pure"
        assert rendition.digest == before
        assert proof.text or proof.html
        assert bool(proof.weight) == bool(proof.html)
        assert "VEILLE-" not in proof.html + proof.text + proof.heading, "personal links lead nowhere"
    files = {file.name for rendition in made for file in rendition.files}
    if publisher.kind in ("newsletter", "feed", "web"):
        shown = "".join(publisher.proof(rendition).html for rendition in made)
        assert files
        assert all(name in shown for name in files)
    else:
        assert [len(publisher.proof(r).alts) for r in made] == [len(r.files) for r in made]


def test_the_shipped_templates_pass_the_checks_of_proofs(
    publisher: Publisher, sources: list[Source], room: settings.Config
) -> None:
    reader = Proofreader(library.load(room), room, {publisher.kind: publisher}, NOW)
    for source in sources:
        with suppress(ContentError):
            if rendition := publisher.render(source):
                assert not reader.look(rendition, source, source.source), source.source


def test_the_kind_is_the_name_and_the_sandbox_is_the_default(publisher: Publisher) -> None:
    assert registry.REGISTRY[publisher.kind]
    assert publisher.live is False


def test_looks_come_in_order(publisher: Publisher) -> None:
    delays = list(publisher.read_back_delays())
    assert delays == sorted(delays)
    assert all(delay >= timedelta() for delay in delays)
    assert delays or publisher.on_unknown is OnUnknown.REWRITE


def test_every_delivery_is_settled_once_after_its_intent(publisher: Publisher, sources: list[Source]) -> None:
    batch = deliveries(publisher, renditions(publisher, sources))
    journal = Notebook([d.publication for d in batch])
    publisher.deliver(batch, journal)
    assert set(journal.settled) == {d.id for d in batch}
    assert all(isinstance(outcome, Receipt) for outcome in journal.settled.values())


def test_no_means_no(publisher: Publisher, sources: list[Source], room: settings.Config) -> None:
    shutil.rmtree(room.outbox_dir, ignore_errors=True)
    batch = deliveries(publisher, renditions(publisher, sources)[:2])
    journal = Notebook([d.publication for d in batch], willing=False)
    publisher.deliver(batch, journal)
    assert journal.intents
    assert not journal.settled
    assert not [p for p in room.outbox_dir.rglob("*") if p.suffix in (".eml", ".xml", ".html")]


def test_showing_and_delivering_stay_in_the_outbox_and_are_idempotent(
    publisher: Publisher, sources: list[Source], room: settings.Config
) -> None:
    def files() -> dict[Path, int]:
        return {p: p.stat().st_mtime_ns for p in room.root.rglob("*") if p.is_file()}

    before = {p for p in files() if room.outbox_dir not in p.parents}
    batch = deliveries(publisher, renditions(publisher, sources))
    for _round in range(2):
        for delivery in batch:
            publisher.show(delivery.publication)
        first = files()
    assert {p for p in first if room.outbox_dir not in p.parents} == before
    for delivery in batch:
        publisher.show(delivery.publication)
    assert files() == first


def test_requests_and_words_hold_no_secret(publisher: Publisher, sources: list[Source]) -> None:
    for rendition in renditions(publisher, sources):
        shown = json.dumps(list(publisher.requests(rendition)), default=repr) + repr(publisher) + repr(rendition)
        assert SECRET not in shown


def test_a_reader_is_not_in_what_is_printed(publisher: Publisher, sources: list[Source]) -> None:
    for delivery in deliveries(publisher, renditions(publisher, sources)[:1]):
        assert "lecteur@example.org" not in repr(delivery)
