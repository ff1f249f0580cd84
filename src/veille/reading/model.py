"""The keys of a post's and an edition's front matter: names, synonyms and forms (design section 9).

Hugo's names come first; the synonyms are those of Jekyll, Pelican, Quarto, Astro, Ghost and Buttondown (read in
November 2026) and French. `reading.post` and `reading.edition` make the values that the rest of veille uses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    StrictBool,
    ValidationInfo,
    field_validator,
    model_validator,
)
from slugify import slugify

from veille.i18n import gettext as _
from veille.posts import CHANNELS, Audience, Kind
from veille.reading.fields import (
    Fields,
    Hashtags,
    HelpLineNumbers,
    Line,
    Moment,
    Needed,
    PicturePath,
    Several,
    Towns,
    WebAddress,
    Words,
    choice,
    present,
)
from veille.reading.wording import did_you_mean, squeezed, trouble
from veille.reading.yamltraps import quote

MAX_TITLE = 120  # characters

# Folded spelling (no case, accents, hyphens) to our key. Our own keys are added below.
SYNONYMS = {
    "titre": "title",
    "subject": "title",
    "created": "date",
    "modified": "lastmod",
    "updated": "lastmod",
    "updateddate": "lastmod",
    "datemodified": "lastmod",
    "pubdate": "publishDate",
    "publishedat": "publishDate",
    "unpublishdate": "expiryDate",
    "brouillon": "draft",
    "permalink": "slug",
    "auteur": "author",
    "excerpt": "summary",
    "customexcerpt": "summary",
    "resume": "summary",
    "etiquettes": "tags",
    "cover": "image",
    "heroimage": "image",
    "publics": "audience",
    "audiences": "audience",
    "communes": "towns",
    "villes": "towns",
    "ville": "towns",
    "type": "kind",
    "genre": "kind",
    "nature": "kind",
    "evenement": "event",
    "partenaires": "partners",
    "motscles": "tags",
    "categorie": "categories",
    "publier": "publishDate",
    "expire": "expiryDate",
    "canaux": "channels",
    "langue": "lang",
    "lettre": "newsletter",
    "langues": "languages",
    "verifiepar": "verified_by",
    "verifieepar": "verified_by",
    "valabledepuis": "valid_from",
    "valablejusquau": "valid_until",
    "confiance": "confidence",
    "commentaire": "comment",
}

_KINDS = {
    "actualité": Kind.NEWS,
    "actu": Kind.NEWS,
    "événement": Kind.EVENT,
    "rendez-vous": Kind.EVENT,
    "loisir": Kind.LEISURE,
    "loisirs": Kind.LEISURE,
    "appel à projets": Kind.CALL_FOR_PROJECTS,
    "bon plan": Kind.GOOD_DEAL,
    "formation": Kind.TRAINING,
}
_AUDIENCES = {
    "jeune": Audience.YOUNG,
    "jeunes": Audience.YOUNG,
    "famille": Audience.FAMILIES,
    "familles": Audience.FAMILIES,
    "professionnel": Audience.PROFESSIONALS,
    "professionnels": Audience.PROFESSIONALS,
}
_CHANNEL_WORDS = {"rss": "feed", "lettre": "newsletter"}


def explained() -> dict[str, tuple[str, str]]:
    """Keys that other tools have and we refuse with words of their own: (message, hint)."""
    ours = _("unknown key")
    keep = _("veille does not read it; call it x-{name} to keep it in the file")
    below = _("it belongs under {name}:, indented")
    homes = {"hashtags": "instagram", "caption": "instagram", "alt": "image", "credit": "image", "focus": "image"}
    homes |= {"place": "event", "start": "event", "end": "event", "address": "event", "preheader": "newsletter"}
    kept = ("aliases", "canonical_url", "canonical-url", "status", "timezone", "attachments", "ages", "âges", "params")
    return {
        "published": (
            _("this key means a date to some tools and yes or no to others"),
            _("write publishDate: 2026-12-01 09:00, or draft: true to keep the post back"),
        ),
        "description": (ours, _('did you mean "{name}"?').format(name="summary")),
        "image-alt": (ours, _("the alternative text stands in the picture: {example}").format(example=PICTURE_EXAMPLE)),
        **{name: (ours, below.format(name=home)) for name, home in homes.items()},
        **{name: (ours, keep.format(name=name)) for name in kept},
    }


PICTURE_EXAMPLE = 'image: {src: photo.jpg, alt: "…"}'


def _title(value: str) -> str:
    if len(value) > MAX_TITLE:
        message = _("{length} characters; at most {most}").format(length=len(value), most=MAX_TITLE)
        raise trouble("too-long", message, _("shorten it: a letter's subject shows about 60"))
    return value


def _single(value: str) -> str:
    if "\n" in value.strip():
        raise trouble("wrong-value", _("one line is expected here"), _("keep the first line and move the rest"))
    return value


def _slug(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", value) or len(value) > 100:
        hint = _("write: {slug}").format(slug=slugify(value)[:100].strip("-")) if slugify(value) else None
        raise trouble("slug", _("only small letters without accents, digits and single hyphens"), hint)
    return value


def _id(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", value):
        hint = _("write: {slug}").format(slug=slugify(value)[:100]) if slugify(value) else None
        raise trouble("id", _("only letters without accents, digits, dots, hyphens and underscores"), hint)
    return value


def _language(value: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", value):
        raise trouble("lang", _("this is not a language code"), _("write fr, en, ar…"))
    return value


def _channel(value: object) -> str:
    name = _CHANNEL_WORDS.get(str(value).casefold(), str(value).casefold())
    if name not in CHANNELS:
        known = _("the channels are: {names}").format(names=", ".join(CHANNELS))
        raise trouble("channel", _("unknown channel"), did_you_mean(str(value), CHANNELS) or known)
    return name


def _some(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        raise trouble("channel", _("no channel is named"), _("name one, or delete the line for all of them"))
    return values


def _focus(value: object) -> tuple[float, float]:
    hint = _("two numbers from 0 to 1, from the left and from the top: [0.5, 0.3]")
    try:
        x, y = (float(part) for part in value)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise trouble("focus", _("this is not a point of the picture"), hint) from None
    if isinstance(value, str) or not (0 <= x <= 1 and 0 <= y <= 1):
        raise trouble("focus", _("this is not a point of the picture"), hint)
    return x, y


Title = Annotated[str, AfterValidator(_single), AfterValidator(str.strip), AfterValidator(_title)]
NeededTitle = Annotated[Title, AfterValidator(present)]
Slug = Annotated[Line, AfterValidator(_slug)]
Identity = Annotated[Line, AfterValidator(_id)]
Language = Annotated[Line, AfterValidator(_language)]
Channels = Annotated[tuple[Annotated[str, PlainValidator(_channel)], ...], *Several, AfterValidator(_some)]
KindField = Annotated[Kind, choice(Kind, _KINDS)]
AudienceField = Annotated[tuple[Annotated[Audience, choice(Audience, _AUDIENCES)], ...], *Several]


class ImageFields(Fields):
    """`image {src, alt, credit, focus, decorative, consent}`."""

    src: PicturePath
    decorative: StrictBool = False
    alt: Line = Field("", validate_default=True)
    credit: Line = ""
    focus: Annotated[tuple[float, float], PlainValidator(_focus)] = (0.5, 0.5)
    consent: Line = ""

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, values: Any) -> Any:
        if isinstance(values, str):
            name = values if re.fullmatch(r"[\w ./-]+", values) else quote(values)
            shown = _("what the picture shows")
            example = f'{{src: {name}, alt: "{shown}"}}'
            hint = _("write: {line}").format(line=example)
            raise trouble("alt-missing", _("a picture needs its alternative text"), hint)
        return values

    @field_validator("alt")
    @classmethod
    def _described(cls, value: str, info: ValidationInfo) -> str:
        decorative = info.data.get("decorative", False)
        if not value and not decorative:
            hint = _("say in a sentence what the picture shows, or write decorative: true")
            raise trouble("alt-missing", _("the alternative text is missing"), hint)
        if value and decorative:
            hint = _("keep the text and delete decorative, or delete the text")
            raise trouble("alt-decorative", _("a decorative picture has no alternative text"), hint)
        return value


class EventFields(Fields):
    """`event {start, end, place, address, url}`."""

    start: Moment
    end: Moment | None = None
    place: Line = ""
    address: Line = ""
    url: WebAddress = ""

    @field_validator("end")
    @classmethod
    def _after_start(cls, value: Any, info: ValidationInfo) -> Any:
        start = info.data.get("start")
        if start is not None and value is not None and _before(value, start):
            raise trouble("event-end", _("this is before the start"), _("check the day and the time"))
        return value


def _before(one: Any, other: Any) -> bool:
    both = hasattr(one, "hour"), hasattr(other, "hour")
    if all(both):
        return bool(one < other)
    days = [value.date() if timed else value for value, timed in zip((one, other), both, strict=True)]
    return bool(days[0] < days[1])


class NewsletterFields(Fields):
    """`newsletter {subject, preheader}`."""

    subject: Title = ""
    preheader: Line = ""


class FacebookFields(Fields):
    """`facebook {text, at, comment}`."""

    text: str = ""
    at: Moment | None = None
    comment: str = ""


class InstagramFields(Fields):
    """`instagram {caption, images, at, hashtags, comment}`."""

    caption: str = ""
    images: tuple[ImageFields, ...] = ()
    at: Moment | None = None
    hashtags: Hashtags = ()
    comment: str = ""


class FrontMatter(Fields):
    """The front matter of a post."""

    title: NeededTitle
    id: Identity | None = None
    slug: Slug | None = None
    date: Moment | None = None
    publish_date: Moment | None = Field(None, alias="publishDate")
    expiry_date: Moment | None = Field(None, alias="expiryDate")
    lastmod: Moment | None = None
    deadline: Moment | None = None
    draft: StrictBool = False
    summary: Line = ""
    categories: Words = ()
    tags: Words = ()
    author: Line = ""
    lang: Language | None = None
    image: ImageFields | None = None
    images: tuple[ImageFields, ...] = ()
    channels: Channels | None = None
    towns: Towns = ()
    audience: AudienceField = ()
    kind: KindField = Kind.NEWS
    event: EventFields | None = None
    partners: Words = ()
    helplines: HelpLineNumbers = ()
    urgent: StrictBool = False
    sensitive: StrictBool = False
    origin: Line = Field("", alias="source")
    related: Words = ()
    newsletter: NewsletterFields = NewsletterFields()
    facebook: FacebookFields = FacebookFields()
    instagram: InstagramFields = InstagramFields()
    allow: Mapping[str, Needed] = Field(default_factory=dict)


class EditionFrontMatter(Fields):
    """The front matter of an edition."""

    title: NeededTitle
    posts: Words = ()
    id: Identity | None = None
    slug: Slug | None = None
    date: Moment | None = None
    publish_date: Moment | None = Field(None, alias="publishDate")
    draft: StrictBool = False
    author: Line = ""
    lang: Language | None = None
    image: ImageFields | None = None
    newsletter: NewsletterFields = NewsletterFields()
    allow: Mapping[str, Needed] = Field(default_factory=dict)


def canonical_key(key: str, own: Mapping[str, str]) -> str:
    """Our spelling of a key: `étiquettes` → `tags`, `publish_date` → `publishDate`.

    Args:
        own: folded to exact spelling of the model's own keys.
    """
    folded = squeezed(key)
    name = SYNONYMS.get(folded, own.get(folded, key))
    return name if name in own.values() else key
