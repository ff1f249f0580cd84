"""What one post or edition looks like on each channel, ready for the page that previews it.

Everything comes from the publishers themselves, made as in the sandbox: no network, no ledger, nothing queued.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

from veille.config import Config
from veille.errors import ContentError, Finding, RenderError
from veille.i18n import gettext as _
from veille.publishing import Publication, Rendition, Source
from veille.rendering import RenderedDirectory, RenderedEdition, Templates, render_directory
from veille_publishers import captions, registry, social
from veille_publishers.letter import SLOTS, letter_of_variant, whole

if TYPE_CHECKING:
    from veille.library import Library
    from veille.timetable import Clock

LETTER_LIMIT = 80  # KB of HTML; Gmail cuts a letter at 102 KB, and forwarding adds to it
FACEBOOK_LIMIT = 63206  # characters; commonly cited, not in the API reference
FACEBOOK_FOLD = 477  # characters before "See more"; indicative: Meta documents none
INSTAGRAM_FOLD = 125  # likewise


Look = Callable[[Rendition, Source, str], Sequence[Finding]]


@dataclass(frozen=True)
class Count:
    """How much of a limit is used."""

    label: str
    number: int
    most: int

    @property
    def over(self) -> bool:
        """More than the limit."""
        return self.number > self.most


@dataclass(frozen=True)
class LetterPanel:
    """The letter: two parts, and what the list of messages shows."""

    subject: str
    preheader: str
    sender: str
    html: str
    text: str
    counts: tuple[Count, ...]


@dataclass(frozen=True)
class FeedPanel:
    """One item of the feed, as JSON Feed holds it (`content_html`, `tags` and so on)."""

    item: Mapping[str, Any]
    html: str


@dataclass(frozen=True)
class SocialPanel:
    """A post on a social channel.

    Args:
        head, rest: the text, split where the service would hide the rest behind "more".
        pictures: file name and alternative text, in order.
        link: the card under a post without photos; "" otherwise.
        requests: the exact requests, as indented JSON.
    """

    head: str
    rest: str
    pictures: tuple[Mapping[str, str], ...]
    link: str
    counts: tuple[Count, ...]
    requests: str


@dataclass(frozen=True)
class Panels:
    """One source on every channel that it is for.

    Args:
        web: what the site is built from; None when it has no page.
        media: picture name to bytes.
        refused: what a channel cannot show, by channel.
        found: what checks found in what the others show.
    """

    letter: LetterPanel | None = None
    feed: FeedPanel | None = None
    facebook: SocialPanel | None = None
    instagram: SocialPanel | None = None
    web: Publication | None = None
    media: Mapping[str, bytes] = field(default_factory=dict)
    refused: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    found: tuple[Finding, ...] = ()


class Desk:
    """The publishers of one newsroom, all in the sandbox, whatever veille.toml says."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self.config = sandboxed(config)
        self.templates = Templates(self.config)
        self._clock = clock
        context = registry.Context(self.config, self.templates, clock, _no_network)
        self.publishers = {name: registry.load(name, context) for name in self.config.channels}

    def panels(self, source: Source, letter: RenderedEdition, channels: Sequence[str], file: str, look: Look) -> Panels:
        """Every channel's view of one source.

        Args:
            source: the post or edition.
            letter: the edition that carries it.
            channels: those that it is for.
            file: where its findings belong.
            look: what checks say of a rendition, its source and the file.
        """
        makers: dict[str, Callable[[Publication], Any]] = {
            "newsletter": self._letter,
            "feed": self._feed,
            "web": lambda publication: publication,
            "facebook": self._facebook,
            "instagram": self._instagram,
        }
        made: dict[str, Any] = {}
        refused: dict[str, tuple[Finding, ...]] = {}
        media: dict[str, bytes] = {}
        found: list[Finding] = []
        for name in (name for name in channels if name in self.publishers):
            try:
                shown = letter if name == "newsletter" else source
                rendition = self.publishers[name].render(shown)
                if rendition is not None:
                    found += look(rendition, shown, file)
                    made[name] = makers[name](self._publication(source, rendition))
                    media |= {item.name: item.content for item in rendition.files}
            except (ContentError, RenderError) as error:
                refused[name] = findings_of(error, file)
        panel = made.pop("newsletter", None)
        return Panels(letter=panel, media=media, refused=refused, found=tuple(found), **made)

    def site(self, publications: Sequence[Publication]) -> Mapping[str, bytes]:
        """The public pages, as if everything had been published.

        Raises:
            RenderError: a template fails.
        """
        from veille_publishers.web import Web

        web = self.publishers.get("web")
        return web.build(publications) if isinstance(web, Web) else {}

    def directory(self, content: Library) -> Publication | None:
        """The directory of partners and help lines, as `publish` would make it today; None without partners."""
        web = self.publishers.get("web")
        if web is None or not content.partners:
            return None
        day = self._clock().astimezone(self.config.zone).date()
        source = render_directory(content, self.config, day=day)
        rendition = web.render(source)
        return self._publication(source, rendition) if rendition else None

    def _publication(self, source: Source, rendition: Rendition) -> Publication:
        """A publication that stands nowhere but in memory; its moment is the post's own date."""
        dated = datetime.fromisoformat(source.date) if not isinstance(source, RenderedDirectory) else self._clock()
        due = min(dated, self._clock())
        return Publication(
            "preview", source.source, rendition.channel, "preview", source.title, source.slug, due, 1, rendition
        )

    def _letter(self, publication: Publication) -> LetterPanel:
        payload = publication.rendition.payload
        letter = letter_of_variant(payload, whole(payload))
        html = self._local(_filled(letter.html, "#"))
        weight = Count(_("size of the letter, in KB"), round(len(letter.html.encode()) / 1000), LETTER_LIMIT)
        subject = Count(
            _("characters in the subject; a phone shows about {most}").format(most=45), len(letter.subject), 60
        )
        sender = self.config.settings.newsletter.sender or self.config.brand.name
        return LetterPanel(
            subject=letter.subject,
            preheader=letter.preheader,
            sender=re.sub(r"\s*<.*", "", sender).strip('" ') or self.config.brand.name,
            html=html,
            text=_filled(letter.text, "…"),
            counts=(subject, weight),
        )

    def _feed(self, publication: Publication) -> FeedPanel:
        from veille_publishers.feed import Feed

        feed = self.publishers["feed"]
        assert isinstance(feed, Feed)
        item = feed.item(publication.rendition)
        body = self._local(item["content_html"])
        return FeedPanel(item, self.templates.render("preview/feed.html.j2", item=item, body=body))

    def _facebook(self, publication: Publication) -> SocialPanel:
        payload = publication.rendition.payload
        head, rest = folded(payload["message"], FACEBOOK_FOLD)
        count = Count(_("characters"), social.units(head + rest), FACEBOOK_LIMIT)
        return SocialPanel(
            head, rest, tuple(payload["photos"]), payload["link"], (count,), self._requests(publication.rendition)
        )

    def _instagram(self, publication: Publication) -> SocialPanel:
        payload = publication.rendition.payload
        caption = payload["caption"]
        counts = (
            Count(
                _("characters"),
                social.units(caption),
                captions.MOST_UNITS,
            ),
            Count(_("hashtags"), len(re.findall(r"#\w+", caption)), captions.MOST_HASHTAGS),
            Count(_("mentions"), len(re.findall(r"(?<![\w.@])@\w+", caption)), captions.MOST_MENTIONS),
            Count(_("pictures"), len(payload["pictures"]), self.config.settings.instagram.carousel_max),
        )
        head, rest = folded(caption, INSTAGRAM_FOLD)
        return SocialPanel(head, rest, tuple(payload["pictures"]), "", counts, self._requests(publication.rendition))

    def _requests(self, rendition: Rendition) -> str:
        requests = self.publishers[rendition.channel].requests(rendition)
        return json.dumps([dict(request) for request in requests], ensure_ascii=False, indent=2)

    def _local(self, html: str) -> str:
        """Pictures from the preview's own folder: nothing is loaded from the newsroom's address."""
        return html.replace(f"{self.config.settings.workspace.base_url}/media/", "../../media/")


def sandboxed(config: Config) -> Config:
    """The same newsroom with every channel in its sandbox."""
    closed = {name: config.channel(name).model_copy(update={"transport": "file"}) for name in config.channels}
    return config.model_copy(update={"settings": config.settings.model_copy(update=closed)})


def findings_of(error: ContentError | RenderError, file: str) -> tuple[Finding, ...]:
    """What an error says, as findings of a file that people know."""
    if isinstance(error, ContentError):
        known = (finding.file.startswith("content/") for finding in error.findings)
        return tuple(f if ok else replace(f, file=file) for f, ok in zip(error.findings, known, strict=True))
    return (Finding(file, None, None, error.message, error.hint, error.code),)


def folded(text: str, fold: int) -> tuple[str, str]:
    """The text before and after the place where a service says "more": between two words, never at the very end."""
    if len(text) <= fold:
        return text, ""
    cut = text.rfind(" ", 0, fold)
    cut = fold if cut < fold // 2 else cut
    return text[:cut], text[cut:]


def _filled(part: str, link: str) -> str:
    """The letter without a reader: its two personal links lead nowhere."""
    for slot in SLOTS:
        part = part.replace(slot, link)
    return part


def _no_network() -> NoReturn:
    raise AssertionError("a preview never calls a service")
