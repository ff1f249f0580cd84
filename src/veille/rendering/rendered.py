"""What rendering makes: posts and editions ready for any template, JSON but for the bytes of pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from veille.segments import Segment

Words = Mapping[str, Mapping[str, str]]  # language -> field -> the same in that language


@dataclass(frozen=True)
class Picture:
    """A picture made ready: JPEG bytes named by their hash, the same for all readers.

    Args:
        name: `<first 20 hex digits of SHA-256>.jpg`; its public address is base_url + "/media/" + name.
        width, height: pixels.
    """

    name: str
    width: int
    height: int
    alt: str
    credit: str = ""
    content: bytes = field(default=b"", repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        """Everything but the bytes."""
        return {key: getattr(self, key) for key in ("name", "width", "height", "alt", "credit")}


@dataclass(frozen=True)
class Contact:
    """A partner or help line as templates show it: checked, with links ready."""

    name: str
    label: str = ""  # number as printed
    href: str = ""  # tel: or sms:
    detail: str = ""  # for whom, or what the partner does
    hours: str = ""
    address: str = ""
    email: str = ""
    url: str = ""
    chat: str = ""
    free: bool = False
    sms: str = ""  # a second number, for text messages, as printed
    languages: str = ""  # those spoken there beside French, in words
    accessible: bool | None = None  # by wheelchair; None: nobody knows


@dataclass(frozen=True)
class RenderedPost:
    """A post with Markdown rendered, contacts put in and moments in words; JSON but for picture bytes.

    `html` and `text` say the same thing and come from the same tokens. French typography is applied.
    """

    source: str
    slug: str
    title: str
    summary: str  # plain text; from the first paragraph when the editor wrote none
    html: str  # sanitised body, headings from <h2>, absolute links only
    text: str  # plain-text body, links in parentheses
    lang: str
    kind: str  # Kind value
    kind_label: str  # "Bon plan"
    date: str  # RFC 3339 with offset; the post's date
    date_words: str  # "mercredi 25 novembre 2026"
    url: str  # base_url + /posts/SLUG/
    towns: tuple[str, ...] = ()  # names, not slugs: "Bourg-la-Reine"
    audience: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    author: str = ""
    origin: str = ""
    urgent: bool = False
    sensitive: bool = False
    when_words: str = ""  # event or deadline in plain words
    where_words: str = ""
    event_url: str = ""
    pictures: tuple[Picture, ...] = ()
    contacts: tuple[Contact, ...] = ()  # `partners` and `helplines` of the front matter
    helplines: tuple[Contact, ...] = ()  # the emergency block: the same under every page, whatever the post
    related: tuple[str, ...] = ()
    updated: str = ""  # RFC 3339, when lastmod is given
    subject: str = ""  # newsletter.subject
    preheader: str = ""  # newsletter.preheader
    facebook_text: str = ""
    facebook_comment: str = ""
    instagram_caption: str = ""
    instagram_comment: str = ""
    instagram_pictures: tuple[Picture, ...] = ()  # within 4:5 .. 1.91:1; a generated card when there is none
    hashtags: tuple[str, ...] = ()
    flowing: str = ""  # `text` without line breaks inside paragraphs; "" when no channel wants a caption
    town_slugs: tuple[str, ...] = ()
    words: Words = field(default_factory=dict, hash=False)  # our own words, in the other languages that veille speaks
    starts: str = ""  # of the event: RFC 3339 with offset, or a date for whole days; "" when there is no event
    ends: str = ""  # likewise; the last day is included
    place: str = ""
    address: str = ""
    card: Picture | None = None  # shown beside a link to its page, where it has no picture of its own

    @property
    def segment(self) -> Segment:
        """The readers of the letter whom it is for."""
        return Segment(self.town_slugs, self.audience)

    def in_language(self, language: str) -> RenderedPost:
        """With our own words (kind, moments) in another language; the content stays as it was written."""
        return replace(self, **self.words.get(language, {}))  # type: ignore[arg-type]

    def to_json(self) -> dict[str, Any]:
        """JSON values only; picture bytes stay outside (see `picture_files`)."""
        values: dict[str, Any] = _to_json(self)
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> RenderedPost:
        """The inverse of `to_json`; pictures come back without bytes."""
        post: RenderedPost = _from_json(cls, values)
        return post


@dataclass(frozen=True)
class RenderedEdition:
    """An edition ready for the letter template and for its page.

    Posts are in reading order; templates group them by kind and town.
    """

    source: str
    slug: str
    title: str
    subject: str
    preheader: str
    lang: str
    date: str  # RFC 3339: the moment it is due
    date_words: str
    url: str  # base_url + /editions/SLUG/
    intro_html: str
    intro_text: str
    posts: tuple[RenderedPost, ...]
    helplines: tuple[Contact, ...]  # the table of every letter
    picture: Picture | None = None
    own_subject: str = ""  # the one that does not come from posts, if there is one
    own_preheader: str = ""
    words: Words = field(default_factory=dict, hash=False)  # as in `RenderedPost`

    def in_language(self, language: str) -> RenderedEdition:
        """With our own words in another language, those of its posts too."""
        posts = tuple(post.in_language(language) for post in self.posts)
        return replace(self, posts=posts, **self.words.get(language, {}))  # type: ignore[arg-type]

    def to_json(self) -> dict[str, Any]:
        """JSON values only."""
        values: dict[str, Any] = _to_json(self)
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> RenderedEdition:
        """The inverse of `to_json`."""
        edition: RenderedEdition = _from_json(cls, values)
        return edition


@dataclass(frozen=True)
class Entry:
    """One record of the directory: a partner or a help line, with what lists sort by.

    Args:
        id: stable: "partner:ccas-bagneux", "helpline:3919".
        phone, sms: digits to dial, "0199001011"; "" where there is none.
        towns: slugs; empty: all.
        until: ISO date, the last day on which it holds; "" when it has no end.
    """

    id: str
    contact: Contact
    phone: str = ""
    sms: str = ""
    needs: tuple[str, ...] = ()  # values of `Need`
    towns: tuple[str, ...] = ()
    town_names: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()  # codes
    emergency: bool = False
    verified_on: str = ""  # ISO date
    verified_words: str = ""
    until: str = ""


@dataclass(frozen=True)
class RenderedDirectory:
    """Everybody whom readers may call, as one publication: a corrected number reaches every page with it.

    Args:
        partners: by name.
        lines: help lines, those of the emergency block first.
        helplines: the emergency block of every page.
        updated: ISO date, when a record was last verified.
    """

    source: str
    slug: str
    title: str
    lang: str
    url: str  # base_url + /contacts/
    partners: tuple[Entry, ...]
    lines: tuple[Entry, ...]
    helplines: tuple[Contact, ...]
    updated: str = ""
    updated_words: str = ""

    def to_json(self) -> dict[str, Any]:
        """JSON values only."""
        values: dict[str, Any] = _to_json(self)
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> RenderedDirectory:
        """The inverse of `to_json`."""
        directory: RenderedDirectory = _from_json(cls, values)
        return directory


_NESTED: Mapping[str, type] = {
    "partners": Entry,
    "lines": Entry,
    "contact": Contact,
    "pictures": Picture,
    "instagram_pictures": Picture,
    "picture": Picture,
    "card": Picture,
    "contacts": Contact,
    "helplines": Contact,
    "posts": RenderedPost,
}


def _to_json(value: Any) -> Any:
    if isinstance(value, Picture):
        return value.to_json()
    if hasattr(value, "__dataclass_fields__"):
        return {name: _to_json(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, tuple):
        return [_to_json(item) for item in value]
    return value


def _from_json(cls: type[Any], values: Mapping[str, Any]) -> Any:
    def read(name: str, value: Any) -> Any:
        nested = _NESTED.get(name)
        if isinstance(value, list):
            return tuple(_from_json(nested, item) if nested else item for item in value)
        return _from_json(nested, value) if nested and value is not None else value

    return cls(**{name: read(name, value) for name, value in values.items()})
