"""A desk for tests of the social channels: a workspace, a post with real pictures, a journal in memory."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image

from tests.support.graph_fake import GraphFake
from veille.config import Config, load
from veille.publishing import Delivery, Journal, Outcome, Publication, Publisher, Rendition
from veille.rendering import Contact, Picture, RenderedPost, Templates
from veille_publishers.http import Session, session
from veille_publishers.registry import Context
from veille_publishers.registry import load as load_publisher


def picture(width: int = 400, height: int = 500, alt: str = "Une soupe qui fume", shade: int = 90) -> Picture:
    """A real JPEG, named by its content."""
    stream = io.BytesIO()
    Image.new("RGB", (width, height), (shade, 120, 60)).save(stream, "JPEG")
    content = stream.getvalue()
    name = hashlib.sha256(content).hexdigest()[:20] + ".jpg"
    return Picture(name, width, height, alt, content=content)


def post(pictures: int = 1, **changes: Any) -> RenderedPost:
    """A post about a shared meal."""
    made = tuple(picture(alt=f"Photo {n} : la salle", shade=40 * n) for n in range(1, pictures + 1))
    base = RenderedPost(
        source="repas-partage",
        slug="repas-partage",
        title="Un repas partagé à Bagneux",
        summary="Un repas chaud chaque mardi.",
        html="<p>Un repas chaud chaque mardi.</p>",
        text="Un repas chaud chaque mardi. Viens comme tu es (https://relais.example.org/repas).",
        lang="fr",
        kind="service",
        kind_label="Service",
        date="2026-11-24T09:00:00+01:00",
        date_words="mardi 24 novembre 2026",
        url="https://lettre.example.org/posts/repas-partage/",
        tags=("aide alimentaire", "Bagneux"),
        when_words="mardi 24 novembre 2026 à 19 h",
        where_words="Maison des jeunes, Bagneux",
        contacts=(Contact("Le Relais", "01 99 00 12 34", hours="du lundi au vendredi"),),
        helplines=(Contact("Enfance en danger", "119"),),
        pictures=made,
        instagram_pictures=made or (picture(alt="Carte : Un repas partagé"),),
    )
    return replace(base, **changes)


@dataclass
class Desk:
    """One workspace and its publishers."""

    config: Config
    fake: GraphFake | None = None
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        """The fake's time, so that both agree."""
        return self.fake.world.clock() if self.fake else datetime.now(UTC)

    def _http(self) -> Session:
        return session(self.fake.patience) if self.fake else session()

    def publisher(self, kind: str) -> Publisher:
        """The publisher of a channel, as the registry makes it."""
        return load_publisher(
            kind,
            Context(self.config, Templates(self.config), self.now, self._http, self.slept.append),
        )

    def publication(self, kind: str, source: RenderedPost | None = None) -> Publication:
        """A post on a channel, due now."""
        rendition = self.publisher(kind).render(source or post())
        assert isinstance(rendition, Rendition)
        return Publication("p1", "repas", kind, "", "Un repas", "repas", self.now(), 1, rendition)

    def delivery(self, kind: str, source: RenderedPost | None = None) -> Delivery:
        """Claimed for the first time."""
        publication = self.publication(kind, source)
        self.publisher(kind).show(publication)
        target = self.publisher(kind).targets()[0]
        return Delivery("d1", publication, target, attempt=1, date=self.now())


def desk(root: Path, fake: GraphFake | None = None, **environ: str) -> Desk:
    """A workspace in `root`; with a fake, both social channels are live on it."""
    (root / "veille.toml").write_text('[workspace]\nbase_url = "https://lettre.example.org"\n')
    values = dict(environ)
    if fake:
        common = {"TRANSPORT": "graph", "API_URL": fake.url}
        facebook = common | {"PAGE_ID": fake.page_id, "ACCESS_TOKEN": fake.page_token}
        instagram = common | {"USER_ID": fake.ig_user_id, "ACCESS_TOKEN": fake.ig_token}
        media = root / "outbox" / "media"
        media.mkdir(parents=True, exist_ok=True)
        instagram["MEDIA"] = "outbox/media"
        instagram["MEDIA_BASE_URL"] = fake.media_server_for(media)
        sections = {"FACEBOOK": facebook, "INSTAGRAM": instagram}
        made = {f"VEILLE_{s}__{key}": value for s, keys in sections.items() for key, value in keys.items()}
        values = made | values
    return Desk(load(root, values), fake)


@dataclass
class MemoryJournal(Journal):
    """The journal as dispatch keeps it for one delivery, and the next attempt that follows from it."""

    desk: Desk
    allowed: bool = True
    outcomes: list[Outcome] = field(default_factory=list)
    checkpoints: list[Mapping[str, Any]] = field(default_factory=list)
    intents: list[datetime] = field(default_factory=list)

    def intent(self, delivery: Delivery) -> bool:
        """Say yes, unless the test says no."""
        if self.allowed:
            self.intents.append(self.desk.now())
        return self.allowed

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        """Keep the outcome."""
        self.outcomes.append(outcome)

    def checkpoint(self, delivery: Delivery, values: Mapping[str, Any]) -> None:
        """Keep the ids."""
        self.checkpoints.append(dict(values))

    def standing(self, channel: str) -> Sequence[Publication]:
        """Not for social channels."""
        raise AssertionError(channel)

    def again(self, delivery: Delivery) -> Delivery:
        """The same delivery, claimed once more with what was kept."""
        return replace(
            delivery,
            attempt=delivery.attempt + 1,
            checkpoint=self.checkpoints[-1] if self.checkpoints else delivery.checkpoint,
            intent_at=self.intents[-1] if self.intents else delivery.intent_at,
        )

    @property
    def outcome(self) -> Any:
        """The only outcome: a receipt, an error, or what else `Outcome` names; the test says which."""
        assert len(self.outcomes) == 1, self.outcomes
        return self.outcomes[0]


def instagram_desk(root: Path, fake: GraphFake, **keys: str) -> Desk:
    """The desk with these settings of [instagram], in small letters."""
    return desk(root, fake, **{f"VEILLE_INSTAGRAM__{key}".upper(): value for key, value in keys.items()})


def login_desk(root: Path, fake: GraphFake, **keys: str) -> Desk:
    """The desk of an account without a page (Instagram Login)."""
    own = {"login": "instagram", "api_url": fake.instagram_url, "access_token": fake.ig_login_token}
    return instagram_desk(root, fake, **own, **keys)


def deliver(office: Desk, delivery: Delivery, publisher: Publisher | None = None) -> MemoryJournal:
    """One attempt; what came of it is in the journal.

    Args:
        publisher: one that has seen earlier attempts; None: a new one, as after a start.
    """
    journal = MemoryJournal(office)
    (publisher or office.publisher(delivery.publication.rendition.channel)).deliver([delivery], journal)
    return journal


def edges(fake: GraphFake) -> list[str]:
    """What was asked to be made so far: "photos", "feed", "media", "media_publish"."""
    return [call.edge for call in fake.calls if call.method == "POST"]
