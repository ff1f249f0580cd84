"""The letter of one reader: its headers as bytes, its files, and readers who vanished."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from veille import config, tokens
from veille.errors import ConfigError, PublishError, Unavailable
from veille.publishing import Delivery, Journal, Publication, Receipt, Recipient, Rendition
from veille.tokens import Keys, Purpose
from veille_publishers.letter import PREFERENCES_SLOT, UNSUBSCRIBE_SLOT
from veille_publishers.newsletter import Newsletter
from veille_publishers.registry import Context

NOW = datetime(2026, 11, 27, 16, 0, tzinfo=UTC)
KEYS = Keys({"1": b"k" * 32})
LONG = "https://lettre-de-la-prevention-specialisee.jeunesse-et-familles.hauts-de-seine.example.org"
HTML = f'<p>Bonjour <a href="{UNSUBSCRIBE_SLOT}">x</a> <a href="{PREFERENCES_SLOT}">y</a></p>'
TEXT = f"Bonjour\n.\n{UNSUBSCRIBE_SLOT}\n{PREFERENCES_SLOT}\n"
WORDS = {"subject": "Bonjour", "preheader": "", "html": HTML, "text": TEXT}
PAYLOAD = {"letters": {"fr": WORDS}, "language": "fr", "edition": {"lang": "fr"}, "segments": "[]", "mark": ""}


@dataclass
class Memory(Journal):
    """A journal that keeps what it is told."""

    consents: bool = True
    asked: list[str] = field(default_factory=list)
    settled: list[Receipt | PublishError] = field(default_factory=list)

    def intent(self, delivery: Delivery) -> bool:
        self.asked.append(delivery.id)
        return self.consents

    def settle(self, delivery: Delivery, outcome: Receipt | PublishError) -> None:
        self.settled.append(outcome)

    def checkpoint(self, delivery: Delivery, values: Mapping[str, Any]) -> None:
        raise AssertionError

    def standing(self, channel: str) -> Sequence[Publication]:
        raise AssertionError


Make = Callable[..., Newsletter]


@pytest.fixture
def newsletter(tmp_path: Path) -> Make:
    def make(base_url: str = "https://letter.example.org", **settings: str) -> Newsletter:
        (tmp_path / "veille.toml").write_text(f'[workspace]\nname = "Kess Kis"\nbase_url = "{base_url}"\n')
        environ = {f"VEILLE_NEWSLETTER__{key.upper()}": value for key, value in settings.items()}
        made = config.load(tmp_path, environ)
        no_templates: Any = None
        return Newsletter(Context(made, no_templates, lambda: NOW, lambda: pytest.fail("no network"), keys=KEYS))

    return make


def delivery(number: int = 345, **changes: Any) -> Delivery:
    payload = PAYLOAD | changes.pop("payload", {})
    publication = Publication("p1", "lettre", "newsletter", "", "Lettre", "lettre", NOW, 1, Rendition("x", payload))
    reader = Recipient(number, f"reader{number}@example.org")
    made = Delivery(f"d{number}", publication, str(number), 1, NOW, "<abc@letter.example.org>", reader)
    return replace(made, **changes)


def header(content: bytes, name: str) -> list[bytes]:
    head = content.partition(b"\r\n\r\n")[0]
    return [line.partition(b": ")[2] for line in head.split(b"\r\n") if line.lower().startswith(name.encode() + b":")]


def test_long_list_headers_survive_byte_for_byte(newsletter: Make) -> None:
    """The standard policy would make encoded words of them, which no mail program reads (RFC 2369)."""
    settings = {"reply_to": "une-adresse-de-reponse-tres-longue@lettre-de-la-prevention.example.org"}
    content = newsletter(LONG, **settings).message(delivery()).as_bytes()
    token = tokens.make(KEYS, Purpose.UNSUBSCRIBE, 345)
    expected = f"<{LONG}/u/{token}>, <mailto:{settings['reply_to']}?subject=unsubscribe%20{token}>"
    assert len(expected) > 200
    assert header(content, "list-unsubscribe") == [expected.encode()]
    assert header(content, "list-unsubscribe-post") == [b"List-Unsubscribe=One-Click"]
    assert header(content, "message-id") == [b"<abc@letter.example.org>"]


def test_words_in_headers_are_encoded_and_folded(newsletter: Make) -> None:
    subject = "Un très long sujet qui dépasse, et de loin, la longueur d'une ligne : " + "été " * 20
    made = newsletter(**{"from": '"Léa, Kess Kis" <lettre@example.org>'})
    content = made.message(delivery(payload={"letters": {"fr": WORDS | {"subject": subject}}})).as_bytes()
    head = content.partition(b"\r\n\r\n")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 998
    assert head.isascii()
    message = message_from_bytes(content, policy=default)
    assert message["Subject"] == subject.strip() or message["Subject"] == subject
    (sender,) = message["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ("Léa, Kess Kis", "lettre@example.org")


def test_the_defaults_come_from_the_newsroom(newsletter: Make) -> None:
    message = newsletter().message(delivery())
    assert str(message["From"]) == "Kess Kis <newsletter@letter.example.org>"
    assert message["List-Id"] == "<newsletter.letter.example.org>"
    assert message["Reply-To"] is None
    assert message["Content-Language"] == "fr"
    assert message["Date"] == "Fri, 27 Nov 2026 17:00:00 +0100"


@pytest.mark.parametrize(
    ("list_id", "expected"),
    [("letter.example.org", "<letter.example.org>"), ("The letter <l.example.org>", "The letter <l.example.org>")],
)
def test_the_list_id_always_has_its_brackets(newsletter: Make, list_id: str, expected: str) -> None:
    content = newsletter(list_id=list_id).message(delivery()).as_bytes()
    assert header(content, "list-id") == [expected.encode()]


@pytest.mark.parametrize("text_only", [True, False])
def test_the_same_delivery_is_the_same_bytes(newsletter: Make, text_only: bool) -> None:
    """A second copy in the unknowable window must look like the first."""
    reader = Recipient(345, "reader@example.org", text_only=text_only)
    first, second = (newsletter().message(delivery(recipient=reader)).as_bytes() for _n in range(2))
    assert first == second
    assert (b"text/html" in first) is not text_only
    assert header(first, "content-language") == [b"fr"]


def test_two_readers_share_nothing_personal(newsletter: Make) -> None:
    one, two = (newsletter().message(delivery(number)).as_bytes().decode() for number in (1, 2))
    assert tokens.make(KEYS, Purpose.UNSUBSCRIBE, 1) in one
    assert tokens.make(KEYS, Purpose.UNSUBSCRIBE, 1) not in two
    assert "reader1@" not in two


def test_a_reader_who_was_erased_since_gets_nothing(newsletter: Make, tmp_path: Path) -> None:
    journal = Memory(consents=False)
    newsletter().deliver([delivery(recipient=None)], journal)
    assert journal.asked == ["d345"]  # which records that it is cancelled
    assert journal.settled == []
    assert not (tmp_path / "outbox").exists()


def test_a_full_disk_leaves_the_rest_of_the_batch(newsletter: Make, tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("not a folder")
    journal = Memory()
    newsletter().deliver([delivery(1), delivery(2)], journal)
    (outcome,) = journal.settled
    assert isinstance(outcome, Unavailable)
    assert journal.asked == ["d1"]


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"transport": "smtp", "from": "a@example.org"}, "newsletter.smtp_url"),
        ({"transport": "smtp", "smtp_url": "smtp://h"}, "newsletter.from"),
        ({"from": "not an address"}, "newsletter.from"),
        ({"reply_to": "not an address"}, "newsletter.reply_to"),
        ({"transport": "smtp", "from": "a@example.org", "smtp_url": "mail.example.org"}, "newsletter.smtp_url"),
        ({"list_id": "Prévention <letter.example.org>"}, "newsletter.list_id"),
        ({"list_id": "our letter"}, "newsletter.list_id"),
        ({"base_url": "https://préventïon.example.org"}, "workspace.base_url"),
        (
            {"base_url": "http://letter.example.org", "transport": "smtp", "smtp_url": "smtp://127.0.0.1:25?tls=none"},
            "https",
        ),
    ],
)
def test_settings_that_no_letter_can_leave_with(newsletter: Make, settings: dict[str, str], what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        newsletter(**settings)
