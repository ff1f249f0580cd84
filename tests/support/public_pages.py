"""Posts, editions and a journal for the tests of feed and web, and what such a test wants to know of a page."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NoReturn

from PIL import Image

from veille.config import Config
from veille.i18n import activate
from veille.publishing import Delivery, Journal, Outcome, Publication, Rendition, Source
from veille.rendering import Contact, Picture, RenderedEdition, RenderedPost, Templates
from veille.settings import Settings
from veille_publishers.folder import FolderPublisher
from veille_publishers.registry import Context
from veille_publishers.web import Web

BASE = "https://lettre.example.org"
NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
OWN_SCRIPT = re.compile(r"[./]*site\.[0-9a-f]{10}\.js")
HELPLINES = (
    Contact("Allô enfance en danger", "119", "tel:119", "Enfants et jeunes en danger", "24 h/24, 7 j/7", free=True),
    Contact("Urgence sans parler", "114", "sms:114", "Si tu ne peux pas parler", "24 h/24, 7 j/7", free=True),
)


def config(root: Path, **sections: Any) -> Config:
    """A workspace in French, with three towns and the sections given."""
    workspace = {"name": "Kess Kis Pass", "base_url": BASE, "towns": ("Bagneux", "Bourg-la-Reine")}
    settings = {"workspace": {**workspace, **sections.pop("workspace", {})}, **sections}
    return Config(root=root, settings=Settings.model_validate(settings))


def no_http() -> NoReturn:
    """Feed and web never ask for a session."""
    raise AssertionError("no channel of files needs HTTP")


def context(root: Path, **sections: Any) -> Context:
    """What a publisher is made from; its pages are in the language of the source, whatever ran before."""
    activate("en")
    made = config(root, **sections)
    return Context(config=made, templates=Templates(made), clock=lambda: NOW, http=no_http)


def picture(colour: str = "red", alt: str = "Des jeunes dans un atelier vélo") -> Picture:
    """A small JPEG, named by its bytes."""
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(buffer, "JPEG")
    name = f"{hashlib.sha256(buffer.getvalue()).hexdigest()[:20]}.jpg"
    return Picture(name, 60, 40, alt, content=buffer.getvalue())


def post(slug: str = "bourse-velos", **values: Any) -> RenderedPost:
    """A complete post; any field can be given."""
    whole: dict[str, Any] = {
        "source": slug,
        "slug": slug,
        "title": f"Un titre pour {slug}",
        "summary": "Répare ton vélo avec nous.",
        "html": "<p>Viens avec ton vélo, repars avec un vélo qui roule.</p>\n<h2>Comment venir</h2>\n<p>À pied.</p>",
        "text": "Viens avec ton vélo, repars avec un vélo qui roule.\n\nComment venir\n\nÀ pied.",
        "lang": "fr",
        "kind": "event",
        "kind_label": "Événement",
        "date": "2026-11-24T09:00:00+01:00",
        "date_words": "mardi 24 novembre 2026",
        "url": f"{BASE}/posts/{slug}/",
        "helplines": HELPLINES,
    }
    return RenderedPost(**{**whole, **values})


def edition(slug: str = "2026-11-27", posts: Sequence[RenderedPost] = (), **values: Any) -> RenderedEdition:
    """A complete edition; any field can be given."""
    whole: dict[str, Any] = {
        "source": slug,
        "slug": slug,
        "title": "Le numéro du vendredi",
        "subject": "Le numéro du vendredi",
        "preheader": "Ce qui se passe cette semaine",
        "lang": "fr",
        "date": "2026-11-24T17:00:00+01:00",
        "date_words": "mardi 24 novembre 2026",
        "url": f"{BASE}/editions/{slug}/",
        "intro_html": "<p>Bonjour à toutes et à tous.</p>",
        "intro_text": "Bonjour à toutes et à tous.",
        "posts": tuple(posts),
        "helplines": HELPLINES,
    }
    return RenderedEdition(**{**whole, **values})


def publication(publisher: FolderPublisher, source: Source, hours: float = 0, **values: Any) -> Publication:
    """The source as the ledger would hand it back, due that many hours before `NOW`."""
    made = publisher.render(source)
    assert made is not None
    due = NOW - timedelta(hours=hours)
    return Publication(
        **{
            "id": f"p-{source.slug}",
            "source": source.source,
            "channel": publisher.kind,
            "occurrence": "",
            "title": source.title,
            "slug": source.slug,
            "due": due,
            "first_due": due,
            "generation": 1,
            "rendition": frozen(made),
            **values,
        }
    )


def frozen(rendition: Rendition) -> Rendition:
    """The rendition after a way through JSON, as the ledger stores it."""
    import json

    return replace(rendition, payload=json.loads(json.dumps(rendition.payload)))


def delivery(of: Publication) -> Delivery:
    """A claimed delivery of a publication."""
    return Delivery(id=f"d-{of.id}", publication=of, target="folder", attempt=1, date=of.due)


class Ledger(Journal):
    """A journal in memory, which keeps what it is told."""

    def __init__(self, standing: Sequence[Publication], skip: frozenset[str] = frozenset()) -> None:
        self.publications = standing
        self.skip = skip
        self.intents: list[str] = []
        self.settled: dict[str, Outcome] = {}

    def intent(self, delivery: Delivery) -> bool:
        """Note it; False for what is to be skipped."""
        self.intents.append(delivery.id)
        return delivery.id not in self.skip

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        """Note how it ended, after the intent and once only."""
        assert delivery.id in self.intents
        assert delivery.id not in self.settled
        self.settled[delivery.id] = outcome

    def checkpoint(self, delivery: Delivery, values: Mapping[str, Any]) -> None:
        """Files have no invisible steps."""
        raise AssertionError("nothing to keep")

    def standing(self, channel: str) -> Sequence[Publication]:
        """What was given, newest first."""
        return [p for p in sorted(self.publications, key=lambda p: p.due, reverse=True) if p.channel == channel]


class Read(HTMLParser):
    """What a test wants to know of a page."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.headings: list[int] = []
        self.title = ""
        self._in_title = False
        self.feed(content.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self._in_title = tag == "title"

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every such tag."""
        return [attributes for name, attributes in self.tags if name == tag]


def live(root: Path, **sections: Any) -> Web:
    """The pages of a newsroom that is on line."""
    return Web(context(root, web={"transport": "folder", "output": "public"}, **sections))


def sources() -> list[RenderedPost]:
    """Five posts."""
    contact = Contact("CCAS", "01 99 00 12 34", "tel:+33199001234", url="https://ccas.example.org/", chat="")
    return [
        post("velo", pictures=(picture(),), towns=("Bagneux",), categories=("Mobilité",), related=("radio",)),
        post("grand-froid", kind="service", kind_label="Service", urgent=True, contacts=(contact,)),
        post("radio", kind="initiative", kind_label="Initiative", pictures=(picture("blue", alt=""),)),
        post("deux-minutes", kind="service", kind_label="Service", sensitive=True, summary="Rien ne se dit ici."),
        post("forum", categories=("Mobilité", "🎉"), event_url="https://forum.example.org/", when_words="jeudi"),
    ]


def newsroom(web: Web) -> list[Publication]:
    """Five posts, one edition and a withdrawn post."""
    posts = sources()
    made = [publication(web, one, hours=n) for n, one in enumerate(posts)]
    issue = publication(web, edition(posts=posts[:2]), hours=1.5)
    return [*made, issue, publication(web, post("passe"), hours=50, withdrawn=True)]


def pages(files: Mapping[str, bytes]) -> dict[str, Read]:
    """The pages among these files, read."""
    return {name: Read(content) for name, content in files.items() if name.endswith(".html")}
