"""What the W3C feed validator warns about, so far as it can concern an RSS 2.0 feed of ours.

Names follow its classes (github.com/w3c/feedvalidator, read November 2026); the rules are written anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
CREATOR = "{http://purl.org/dc/elements/1.1/}creator"
_DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}")
_TAG = re.compile(r"<[a-zA-Z/!]|&[a-zA-Z]+;|&#")
_ACTIVE = {"script", "style", "iframe", "object", "embed", "form", "link", "meta", "base", "applet", "frame"}

_CHANNEL = {
    *("title", "link", "description", "language", "docs", "generator", "lastBuildDate", "ttl", "image", "item"),
    f"{ATOM}link",
}
_ITEM = {"title", "link", "description", "guid", "pubDate", "category", "enclosure", "author", CREATOR, CONTENT}

Element = Any


def findings(xml: bytes, *, address: str, now: datetime) -> list[str]:
    """The names of all rules that a feed breaks.

    Args:
        xml: the feed's bytes.
        address: where it will be fetched.
        now: aware; dates after it are implausible.
    """
    try:
        xml.decode("utf-8")
    except UnicodeDecodeError:
        return ["NotUTF8"]
    try:
        root = etree.fromstring(xml)
    except etree.XMLSyntaxError:
        return ["SAXError"]
    if root.tag != "rss" or root.get("version") != "2.0" or len(root) != 1:
        return ["UndefinedElement"]
    return [name for rule in _RULES for name in rule(root[0], address, now)]


def _required(channel: Element, address: str, now: datetime) -> Iterator[str]:
    for name in ("title", "link", "description", "language"):
        if not (channel.findtext(name) or "").strip():
            yield f"Missing{name.title()}"
        if len(channel.findall(name)) > 1:
            yield "DuplicateElement"


def _links(channel: Element, address: str, now: datetime) -> Iterator[str]:
    if not _absolute(channel.findtext("link")):
        yield "InvalidFullLink"
    if channel.findtext("link") == address:
        yield "SelfLinkInChannelLink"  # feedgen takes the last link added for the channel's
    own = [link for link in channel.findall(f"{ATOM}link") if link.get("rel") == "self"]
    if len(own) != 1:
        yield "MissingSelf"
    for link in own:
        if not _absolute(link.get("href")):
            yield "RelativeSelf"
        if link.get("href") != address:
            yield "SelfDoesntMatchLocation"
        if link.get("type") != "application/rss+xml":
            yield "UnexpectedContentType"


def _elements(channel: Element, address: str, now: datetime) -> Iterator[str]:
    """Only what RSS 2.0 and the three namespaces that we use know, where it may stand."""
    for element in channel:
        if element.tag not in _CHANNEL or (element.tag == "item" and any(child.tag not in _ITEM for child in element)):
            yield "UndefinedElement"
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", channel.findtext("language") or ""):
        yield "InvalidLanguage"
    if not re.fullmatch(r"[1-9]\d*", channel.findtext("ttl") or "1"):
        yield "InvalidInteger"
    links = [(link.get("rel"), link.get("href"), link.get("type")) for link in channel.findall(f"{ATOM}link")]
    if len(set(links)) != len(links):
        yield "DuplicateAtomLink"
    if any(not _absolute(href) for rel, href, _type in links if rel == "hub"):
        yield "InvalidFullLink"


def _plain(channel: Element, address: str, now: datetime) -> Iterator[str]:
    for name in ("title", "description"):
        if _TAG.search(channel.findtext(name) or ""):
            yield "ContainsHTML"


def _characters(channel: Element, address: str, now: datetime) -> Iterator[str]:
    texts = [text for element in channel.iter() for text in (element.text or "", *element.attrib.values())]
    if any(re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]", text) for text in texts):
        yield "BadCharacters"


def _dates(channel: Element, address: str, now: datetime) -> Iterator[str]:
    for element in (*channel.iter("pubDate"), *channel.iter("lastBuildDate")):
        if not _DATE.fullmatch(element.text or ""):
            yield "ProblematicalRFC822Date"
            continue
        moment = parsedate_to_datetime(element.text)
        if moment < datetime(1990, 1, 1, tzinfo=UTC) or moment > now + timedelta(days=1):
            yield "ImplausibleDate"


def _image(channel: Element, address: str, now: datetime) -> Iterator[str]:
    for image in channel.findall("image"):
        if image.findtext("title") != channel.findtext("title"):
            yield "ImageTitleDoesntMatch"
        if image.findtext("link") != channel.findtext("link"):
            yield "ImageLinkDoesntMatch"


def _items(channel: Element, address: str, now: datetime) -> Iterator[str]:
    items = channel.findall("item")
    for item in items:
        yield from _item(item)
    guids = [item.findtext("guid") for item in items]
    if len(set(guids)) != len(guids):
        yield "DuplicateIds"
    whole = [etree.tostring(item) for item in items]
    if len(set(whole)) != len(whole):
        yield "DuplicateEntries"
    dates = [parsedate_to_datetime(item.findtext("pubDate")) for item in items]
    if dates != sorted(dates, reverse=True):
        yield "NotNewestFirst"


def _item(item: Element) -> Iterator[str]:
    yield from _identity(item)
    tags = [child.tag for child in item]
    if CONTENT in tags and ("description" not in tags or tags.index("description") > tags.index(CONTENT)):
        yield "NeedDescriptionBeforeContent"
    if "author" in tags and CREATOR in tags:
        yield "DuplicateItemSemantics"
    for name in ("title", "link", "description", "guid", "pubDate", CONTENT):
        if tags.count(name) != 1:
            yield "DuplicateElement" if tags.count(name) else f"Missing{name.rpartition('}')[2].title()}"
    yield from _enclosures(item)
    if any(not (category.text or "").strip() for category in item.findall("category")):
        yield "NotBlank"
    yield from _html(item.findtext("description") or "")
    yield from _html(item.findtext(CONTENT) or "")


def _identity(item: Element) -> Iterator[str]:
    guid = item.find("guid")
    if guid is None or not guid.text:
        yield "MissingGuid"
    elif guid.get("isPermaLink") != "true" or not _absolute(guid.text):
        yield "InvalidPermalink"
    if not _absolute(item.findtext("link")):
        yield "InvalidFullLink"


def _enclosures(item: Element) -> Iterator[str]:
    enclosures = item.findall("enclosure")
    if len(enclosures) > 1:
        yield "DuplicateEnclosure"
    for enclosure in enclosures:
        if not _absolute(enclosure.get("url")):
            yield "InvalidFullLink"
        if not re.fullmatch(r"[1-9]\d*", enclosure.get("length", "")):
            yield "InvalidIntegerAttribute"
        if not re.fullmatch(r"\w+/[\w.+-]+", enclosure.get("type", "")):
            yield "InvalidMIMEAttribute"


class _Content(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in _ACTIVE or any(name.startswith("on") for name in values):
            self.found.append("SecurityRisk")
        if "style" in values:
            self.found.append("DangerousStyleAttr")
        for name in ("href", "src"):
            if name in values and urlsplit(values[name] or "").scheme not in ("https", "http", "mailto", "tel", "sms"):
                self.found.append("ContainsRelRef")
        if tag == "img" and "alt" not in values:
            self.found.append("MissingAlt")


def _html(text: str) -> Iterator[str]:
    parser = _Content()
    parser.feed(text)
    parser.close()
    yield from parser.found


def _absolute(url: str | None) -> bool:
    parts = urlsplit(url or "")
    return parts.scheme in ("http", "https") and bool(parts.hostname)


_RULES: tuple[Callable[[Element, str, datetime], Iterator[str]], ...] = (
    _required,
    _elements,
    _links,
    _plain,
    _characters,
    _dates,
    _image,
    _items,
)
