"""Nothing follows a reader: read from the bytes of the sample edition, as mailbox providers get them."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pytest

from tests.support.sample_letter import KEYS, ROOT, sample_delivery, sample_newsletter, sample_publication, sample_room
from veille import tokens
from veille.publishing import Recipient
from veille.tokens import Purpose
from veille_publishers.pool import Mail

SITE = "https://kesskispass.example.org"
READERS = {
    "everything": Recipient(4711, "lectrice.unique@example.org"),
    "some towns": Recipient(4712, "lectrice.unique@example.org", towns=("bagneux",), audience="young"),
    "in English": Recipient(4713, "lectrice.unique@example.org", language="en"),
    "only text": Recipient(4714, "lectrice.unique@example.org", text_only=True),
}
LOADING = {"src", "srcset", "background", "poster", "data", "action", "formaction", "cite", "longdesc", "ping", "code"}
TRACKING = re.compile(r"^(utm_\w+|fbclid|gclid|dclid|msclkid|mc_[ce]id|_hs\w+|mkt_tok|pk_\w+|mtm_\w+|xtor|at_\w+|ref)$")


class Elements(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    handle_startendtag = handle_starttag


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Mail]:
    room = sample_room(tmp_path_factory.mktemp("room"), {"bounce_address": "retours@example.org"})
    newsletter, publication = sample_newsletter(room), sample_publication(room)
    return {name: newsletter.compose(sample_delivery(publication, reader)) for name, reader in READERS.items()}


@pytest.fixture(params=list(READERS))
def reader(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def parts(mail: Mail) -> dict[str, str]:
    message = message_from_bytes(mail.content, policy=default)
    return {part.get_content_subtype(): part.get_content() for part in message.walk() if not part.is_multipart()}


def elements(mail: Mail) -> list[tuple[str, dict[str, str]]]:
    return Elements(parts(mail).get("html", "")).elements


def test_nothing_is_loaded_from_anybody_else(letters: dict[str, Mail], reader: str) -> None:
    found = elements(letters[reader])
    assert bool(found) is (reader != "only text")
    loaded = [value for _tag, values in found for name, value in values.items() if name in LOADING]
    html = parts(letters[reader]).get("html", "")
    loaded += re.findall(r"url\(\s*[\"']?([^)\"']*)|@import\s*[\"']?([^;\"']*)", html)
    assert [url for url in loaded if not str(url).startswith(f"{SITE}/media/")] == []
    assert {tag for tag, _values in found} & {"script", "link", "iframe", "object", "embed", "form", "base"} == set()
    assert not re.search(r"http-equiv=[\"']?refresh|javascript:", html, re.IGNORECASE)


def test_no_picture_counts_who_opens_the_letter(letters: dict[str, Mail], reader: str) -> None:
    pictures = [values for tag, values in elements(letters[reader]) if tag == "img"]
    for values in pictures:
        assert int(values["width"]) > 1
        assert int(values["height"]) > 1
        assert re.fullmatch(rf"{SITE}/media/[^/?#]+", values["src"])
    sources = {values["src"] for values in pictures}
    everybody = {values["src"] for tag, values in elements(letters["everything"]) if tag == "img"}
    assert sources <= everybody  # one address for all readers: asking for it says nothing of who asks
    assert everybody


def test_links_go_straight_to_what_they_name(letters: dict[str, Mail], reader: str) -> None:
    files = [path for path in (ROOT / "content").rglob("*.*") if path.suffix in (".md", ".yaml")]
    written = "\n".join(path.read_text(encoding="utf-8") for path in files)
    links = {values["href"] for tag, values in elements(letters[reader]) if tag in ("a", "area")}
    links |= set(re.findall(r"https?://[^\s<>()]+", parts(letters[reader])["plain"]))
    assert links
    for link in links:
        url = urlsplit(link)
        assert url.scheme in ("https", "mailto", "tel", "sms")
        assert not [name for name, _value in parse_qsl(url.query) if TRACKING.match(name)]
        assert "http" not in unquote(link)[5:]  # nobody stands in between
        if url.scheme == "https" and not link.startswith(f"{SITE}/"):
            assert link.rstrip("/.,") in written


def test_only_the_two_links_differ_from_reader_to_reader(letters: dict[str, Mail], reader: str) -> None:
    number = READERS[reader].id
    own = {tokens.make(KEYS, purpose, number) for purpose in (Purpose.UNSUBSCRIBE, Purpose.PREFERENCES)}
    personal = {f"{SITE}/u/{next(t for t in own if t[1] == 'u')}", f"{SITE}/p/{next(t for t in own if t[1] == 'p')}"}
    for part in parts(letters[reader]).values():
        found = [link for link in re.findall(rf"{SITE}/[^\s\"'<>]+", part) if any(token in link for token in own)]
        assert sorted(found) == sorted(personal)
    for other in READERS.values():
        if other.id != number:
            assert tokens.make(KEYS, Purpose.UNSUBSCRIBE, other.id).encode() not in letters[reader].content


def test_both_unsubscribe_headers_are_exact(letters: dict[str, Mail], reader: str) -> None:
    """RFC 8058, 3.1: one https address first, and these very words in the second header."""
    token = tokens.make(KEYS, Purpose.UNSUBSCRIBE, READERS[reader].id)
    head = letters[reader].content.partition(b"\r\n\r\n")[0].decode()
    expected = f"<{SITE}/u/{token}>, <mailto:retours@example.org?subject=unsubscribe%20{token}>"
    assert head.count(f"\r\nList-Unsubscribe: {expected}\r\n") == 1
    assert head.count("\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n") == 1
    assert re.findall(r"(?i)list-unsubscribe(?:-post)?:", head) == ["List-Unsubscribe:", "List-Unsubscribe-Post:"]


def test_the_readers_address_is_in_to_alone(letters: dict[str, Mail], reader: str) -> None:
    mail = letters[reader]
    address = READERS[reader].address
    message = message_from_bytes(mail.content, policy=default)
    assert isinstance(message, EmailMessage)
    assert message["To"] == address
    del message["To"]
    everything = "\n".join([str(message), unquote(str(message)), mail.sender, *parts(mail).values()])
    for form in (address, quote(address), quote(address, safe=""), "lectrice", address.replace("@", "=")):
        assert form not in everything
    assert mail.sender.startswith("retours+")


def test_the_letter_is_whole_and_small(letters: dict[str, Mail]) -> None:
    """Gmail cuts at 102 KB of HTML, and hides the way out with what it cuts."""
    assert len(parts(letters["everything"])["html"].encode()) < 100_000
    words = parts(letters["some towns"])["plain"]
    assert len(words) > 2000
    assert set(parts(letters["only text"])) == {"plain"}
