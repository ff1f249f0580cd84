"""The bytes of one copy: read back by the standard library they are what was written, for any words at all."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage, MIMEPart
from email.policy import default
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from veille_publishers.letter import PREFERENCES_SLOT, UNSUBSCRIBE_SLOT
from veille_publishers.mime import Heading, Personal, Template

WHEN = datetime(2026, 11, 27, 16, 0, tzinfo=UTC)
SENDER = Address("Kess Kis", addr_spec="letter@example.org")
HEADING: dict[str, Any] = {
    "sender": SENDER,
    "reply_to": Address("", addr_spec="desk@example.org"),
    "subject": "Bonjour",
    "list_id": "Kess Kis <letter.example.org>",
    "feedback_id": "lettre-1:letter.example.org::exampleorg",
    "language": "fr",
}
ONCE = [
    *("From", "To", "Subject", "Date", "Message-ID", "Reply-To", "List-Id", "List-Unsubscribe"),
    *("List-Unsubscribe-Post", "Feedback-ID", "Precedence", "Content-Language", "MIME-Version", "Content-Type"),
]
WORDS = st.text(st.characters(codec="utf-8"), max_size=400) | st.text("F.rom =é\n\t\r", max_size=200)
LOCAL = st.text("abcdefghijklmnopqrstuvwxyz0123456789.+_-éüж漢", min_size=1, max_size=64).filter(
    lambda text: not re.search(r"^\.|\.\.|\.$", text)
)
TOKEN = st.text("abcXYZ019_-", min_size=20, max_size=40)


def personal(
    token: str = "1u9ix-abc", address: str = "reader@example.org", site: str = "letter.example.org"
) -> Personal:
    return Personal(
        address,
        WHEN,
        "<abc@letter.example.org>",
        f"https://{site}/u/{token}",
        f"https://{site}/p/{token}",
        f"mailto:desk@example.org?subject=unsubscribe%20{token}",
    )


def template(text: str, html: str | None, **changes: Any) -> Template:
    return Template(Heading(**HEADING | changes), text, html)


def with_links(words: str, more: str = "", end: str = "") -> str:
    """Words around both links, without a line end between them and the links."""
    return f"{words}{UNSUBSCRIBE_SLOT}{more}{PREFERENCES_SLOT}{end}"


def lines(text: str) -> str:
    return re.sub(r"\r\n?", "\n", text)


def filled(text: str, reader: Personal) -> str:
    return text.replace(UNSUBSCRIBE_SLOT, reader.unsubscribe).replace(PREFERENCES_SLOT, reader.preferences)


def parsed(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    assert not [part.defects for part in message.walk() if part.defects]
    return message


def body(part: MIMEPart) -> str:
    octets = part.get_payload(decode=True)
    assert isinstance(octets, bytes)
    return lines(octets.decode())


def expect_wire(content: bytes) -> None:
    """What any server may carry: RFC 5322 line ends and lengths, RFC 2045 lines of 76."""
    assert b"\r\n." not in content  # SMTP would double it, and nobody looks for it in each copy
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", content)
    assert content.endswith(b"\r\n")
    head, _sep, rest = content.partition(b"\r\n\r\n")
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert max(map(len, rest.split(b"\r\n"))) <= 76
    assert rest.isascii()
    assert not re.search(rb"(?m)^From ", rest)
    assert not re.search(rb"[ \t]\r\n", rest)
    for name in ONCE:
        assert len(re.findall(rb"(?im)^%b:" % name.encode(), head)) == 1, name


@settings(max_examples=60, deadline=None)
@given(
    text=WORDS, html=WORDS, more=WORDS, end=WORDS, local=LOCAL, token=TOKEN, site=st.sampled_from(["a.fr", "b" * 90])
)
@example(text="x" * 76, html="é" * 40, more="From From a", end="\n.\n..", local="a", token="A" * 40, site="a.fr")
@example(text="x" * 71 + "=ab", html="x" * 72 + "=a", more="", end="", local="a", token="A" * 40, site="a.fr")
@example(text="x" * 73 + "é", html="x" * 72 + "é", more="x" * 75 + "=", end=" ", local="é", token="A" * 40, site="a.fr")
def test_any_words_come_back_as_they_were(
    text: str, html: str, more: str, end: str, local: str, token: str, site: str
) -> None:
    assume(token not in text + html + more + end)
    reader = personal(token, f"{local}@example.org", site)
    text, html = with_links(text, more, end), with_links(html, end, more)
    made = template(text, html)
    content = made.fill(reader)
    expect_wire(content)
    message = parsed(content)
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert [body(part) for part in message.iter_parts()] == [filled(lines(words), reader) for words in (text, html)]
    plain = template(text, None).fill(reader)
    expect_wire(plain)
    assert body(parsed(plain)) == filled(lines(text), reader).rstrip("\n") + "\n"
    other = made.fill(personal("somebody-else", "other@example.org", site))
    assert token.encode() not in other
    assert other.count(b"somebody-else") == 6 or site != "a.fr"


@settings(max_examples=60, deadline=None)
@given(subject=WORDS, name=WORDS)
@example(subject="=?utf-8?q?x?=", name='"Léa, Kess Kis" \\')
@example(subject="x" * 67, name="A. B. <c@example.org>")
@example(subject="👩‍👧" * 60, name="é" * 200)
def test_any_words_in_headers_come_back_as_they_were(subject: str, name: str) -> None:
    clean = [re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", words).strip() for words in (subject, name)]
    sender = Address(re.sub(r"[\r\n]", "", name), addr_spec="letter@example.org")
    content = template(with_links("a"), None, subject=subject, sender=sender).fill(personal())
    head = content.partition(b"\r\n\r\n")[0]
    assert head.isascii()
    for line in head.split(b"\r\n"):
        assert line.strip()
        assert len(line) <= 76 or not line.startswith((b"Subject:", b"From:", b" "))
    expect_wire(content)
    assert decoded(head, b"Subject") == clean[0]
    if clean[1].isascii() and len(clean[1]) < 60:
        (sender,) = parsed(content)["From"].addresses
        assert sender.addr_spec == "letter@example.org"


def decoded(head: bytes, name: bytes) -> str:
    """The value of a header, its encoded words read by the rules of RFC 2047 alone."""
    fields = [line.partition(b": ") for line in head.replace(b"\r\n ", b" ").split(b"\r\n")]
    (value,) = [value.decode() for found, _sep, value in fields if found == name]
    words = re.findall(r"=\?utf-8\?q\?(\S*?)\?=", value)
    if not words:
        return value
    octets = re.sub(r"=(..)", lambda match: chr(int(match[1], 16)), "".join(words).replace("_", " "))
    assert all(len(word) <= 75 - 12 for word in words)
    for word in words:  # no character is split between two words
        re.sub(r"=(..)", lambda match: chr(int(match[1], 16)), word).encode("latin-1").decode()
    return octets.encode("latin-1").decode()


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Kess Kis", b"Kess Kis <letter@example.org>"),
        ("", b"letter@example.org"),
        ('Léa "L." Kiss', b"=?utf-8?q?L=C3=A9a_=22L=2E=22_Kiss?=\r\n <letter@example.org>"),
        ('Lea "L." Kiss', b'"Lea \\"L.\\" Kiss" <letter@example.org>'),
        ("Kess Kis, Bagneux", b'"Kess Kis, Bagneux" <letter@example.org>'),
    ],
)
def test_the_sender_reads_the_same_for_the_standard_library(name: str, written: bytes) -> None:
    content = template(with_links("a"), None, sender=Address(name, addr_spec="letter@example.org")).fill(personal())
    assert b"From: " + written + b"\r\n" in content
    (sender,) = parsed(content)["From"].addresses
    assert (sender.display_name, sender.addr_spec) == (name, "letter@example.org")


def test_an_ampersand_in_a_link_is_written_as_html_wants_it() -> None:
    reader = personal(site="a.fr/x&y=z")
    html = f'<a href="{UNSUBSCRIBE_SLOT}">x</a> <a href="{PREFERENCES_SLOT}">y</a>'
    text, markup = (body(part) for part in parsed(template(with_links("a"), html).fill(reader)).iter_parts())
    assert reader.unsubscribe in text
    assert f'href="{escape(reader.unsubscribe)}"' in markup


def test_an_international_address_is_written_as_it_is() -> None:
    content = template(with_links("a"), None).fill(personal(address="zoé@example.org"))
    assert "\r\nTo: zoé@example.org\r\n".encode() in content


def test_all_headers_are_there_in_a_usual_order() -> None:
    head = template(with_links("a"), with_links("b")).fill(personal()).partition(b"\r\n\r\n")[0].decode()
    names = [line.partition(":")[0] for line in head.split("\r\n")]
    assert names == ONCE
    for line in (
        "List-Id: Kess Kis <letter.example.org>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "Feedback-ID: lettre-1:letter.example.org::exampleorg",
        "Precedence: bulk",
        "Date: Fri, 27 Nov 2026 16:00:00 +0000",
        "MIME-Version: 1.0",
    ):
        assert line in head.split("\r\n")


def test_the_same_moment_keeps_the_zone_it_was_given_in() -> None:
    made = template(with_links("a"), None)
    paris = WHEN.astimezone(ZoneInfo("Europe/Paris"))
    for moment, written in ((WHEN, b"16:00:00 +0000"), (paris, b"17:00:00 +0100")):
        assert b"\r\nDate: Fri, 27 Nov 2026 " + written + b"\r\n" in made.fill(replace(personal(), date=moment))
