"""The letter of one reader: its headers as bytes, its files, and readers who vanished."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from tests.support.return_path import read_return_path
from veille import config, tokens
from veille.errors import ConfigError, Rejected, Unavailable
from veille.publishing import Delivery, Journal, Outcome, Publication, Receipt, Recipient, Rendition
from veille.tokens import Keys, Purpose
from veille_publishers.letter import PREFERENCES_SLOT, UNSUBSCRIBE_SLOT
from veille_publishers.letter_files import GROUP, write_all
from veille_publishers.newsletter import TEMPLATES, Newsletter
from veille_publishers.pool import Mail
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
    settled: list[Outcome] = field(default_factory=list)
    commits: int = 0
    waiting: list[Sequence[Delivery]] = field(default_factory=list)
    stop_after: int = 10**9  # settled deliveries

    def commit(self, outcomes: Sequence[tuple[Delivery, Outcome]], wanted: Sequence[Delivery]) -> Sequence[bool]:
        self.commits += 1
        return super().commit(outcomes, wanted)

    def more(self) -> Sequence[Delivery]:
        return self.waiting.pop(0) if self.waiting else ()

    def stopping(self) -> bool:
        return len(self.settled) >= self.stop_after

    def intent(self, delivery: Delivery) -> bool:
        self.asked.append(delivery.id)
        return self.consents

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
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
    words = {name: changes.pop(name) for name in WORDS.keys() & changes}
    payload = PAYLOAD | {"letters": {"fr": WORDS | words}}
    publication = Publication("p1", "lettre", "newsletter", "", "Lettre", "lettre", NOW, 1, Rendition("x", payload))
    reader = Recipient(number, f"reader{number}@example.org")
    made = Delivery(f"d{number}", publication, str(number), 1, NOW, "<abc@letter.example.org>", reader)
    return replace(made, **changes)


def header(content: bytes, name: str) -> list[bytes]:
    head = content.partition(b"\r\n\r\n")[0]
    return [line.partition(b": ")[2] for line in head.split(b"\r\n") if line.lower().startswith(name.encode() + b":")]


def parsed(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    return message


# ---- one letter


def test_long_list_headers_survive_byte_for_byte(newsletter: Make) -> None:
    """The standard library would make encoded words of them, which no mail program reads (RFC 2369)."""
    settings = {"reply_to": "une-adresse-de-reponse-tres-longue@lettre-de-la-prevention.example.org"}
    content = newsletter(LONG, **settings).compose(delivery()).content
    token = tokens.make(KEYS, Purpose.UNSUBSCRIBE, 345)
    expected = f"<{LONG}/u/{token}>, <mailto:{settings['reply_to']}?subject=unsubscribe%20{token}>"
    assert len(expected) > 200
    assert header(content, "list-unsubscribe") == [expected.encode()]
    assert header(content, "list-unsubscribe-post") == [b"List-Unsubscribe=One-Click"]
    assert header(content, "message-id") == [b"<abc@letter.example.org>"]


def test_words_in_headers_are_encoded_and_folded(newsletter: Make) -> None:
    subject = "Un très long sujet qui dépasse, et de loin, la longueur d'une ligne : " + "été " * 20
    made = newsletter(**{"from": '"Léa, Kess Kis" <lettre@example.org>'})
    content = made.compose(delivery(subject=subject)).content
    head = content.partition(b"\r\n\r\n")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 200
    assert head.isascii()
    message = parsed(content)
    assert message["Subject"] == subject.strip()
    (sender,) = message["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ("Léa, Kess Kis", "lettre@example.org")


def test_the_defaults_come_from_the_newsroom(newsletter: Make) -> None:
    mail = newsletter().compose(delivery())
    message = parsed(mail.content)
    assert str(message["From"]) == "Kess Kis <newsletter@letter.example.org>"
    assert message["List-Id"] == "<newsletter.letter.example.org>"
    assert message["Reply-To"] is None
    assert message["Content-Language"] == "fr"
    assert message["Precedence"] == "bulk"
    assert message["Date"] == "Fri, 27 Nov 2026 17:00:00 +0100"
    assert (mail.sender, mail.recipient) == ("newsletter@letter.example.org", "reader345@example.org")


def test_complaints_are_counted_by_edition_list_and_sender_and_by_no_reader(newsletter: Make) -> None:
    """Gmail and Orange: at most three free fields, and the sender last with 5 to 15 characters."""
    made = newsletter(**{"from": "a@x.fr", "list_id": "The letter <l.example.org>"})
    one, two = (header(made.compose(delivery(number)).content, "feedback-id") for number in (1, 2))
    assert one == two == [b"lettre:l.example.org::xfr-list"]


@pytest.mark.parametrize(
    ("list_id", "expected"),
    [("letter.example.org", "<letter.example.org>"), ("The letter <l.example.org>", "The letter <l.example.org>")],
)
def test_the_list_id_always_has_its_brackets(newsletter: Make, list_id: str, expected: str) -> None:
    content = newsletter(list_id=list_id).compose(delivery()).content
    assert header(content, "list-id") == [expected.encode()]


@pytest.mark.parametrize("text_only", [True, False])
def test_the_same_delivery_is_the_same_bytes(newsletter: Make, text_only: bool) -> None:
    """A second copy in the unknowable window must look like the first."""
    reader = Recipient(345, "reader@example.org", text_only=text_only)
    first, second = (newsletter().compose(delivery(recipient=reader)).content for _n in range(2))
    assert first == second
    assert (b"text/html" in first) is not text_only
    assert header(first, "content-language") == [b"fr"]


def test_a_reader_of_text_alone_gets_text_alone_whoever_came_before(newsletter: Make) -> None:
    made = newsletter()
    readers = [Recipient(number, "reader@example.org", text_only=number % 2 == 0) for number in range(4)]
    written = [made.compose(delivery(recipient=reader)).content for reader in readers]
    assert [b"text/html" in content for content in written] == [False, True, False, True]


def test_two_readers_share_nothing_personal(newsletter: Make) -> None:
    made = newsletter()
    one, two = (made.compose(delivery(number)).content.decode() for number in (1, 2))
    assert tokens.make(KEYS, Purpose.UNSUBSCRIBE, 1) in one
    assert tokens.make(KEYS, Purpose.UNSUBSCRIBE, 1) not in two
    assert "reader1@" not in two


def test_an_international_address_asks_for_smtputf8(newsletter: Make) -> None:
    mail = newsletter().compose(delivery(recipient=Recipient(1, "zoé@example.org")))
    assert mail.smtputf8
    assert header(mail.content, "to") == ["zoé@example.org".encode()]
    assert not newsletter().compose(delivery()).smtputf8


@pytest.mark.parametrize(
    "address", ["a@example.org\r\nBcc: b@example.org", "a b@example.org", "<a@example.org>", "nobody"]
)
def test_an_address_that_breaks_out_of_its_header_is_refused(newsletter: Make, address: str) -> None:
    with pytest.raises(Rejected) as caught:
        newsletter().compose(delivery(recipient=Recipient(1, address)))
    assert address not in f"{caught.value.message}{caught.value.hint}"


def test_the_return_path_is_marked_and_names_no_reader(newsletter: Make) -> None:
    mail = newsletter(bounce_address="bounces@example.org").compose(delivery())
    assert mail.sender.startswith("bounces+")
    assert mail.sender.endswith("@example.org")
    assert read_return_path(KEYS, mail.sender) == "d345"
    assert mail.sender.encode() not in mail.content
    assert b"<mailto:bounces@example.org?subject=unsubscribe%20" in mail.content  # read where bounces are read
    assert mail.content.count(b"reader345") == 1


def test_few_letters_are_kept_ready(newsletter: Make) -> None:
    made = newsletter()
    for number in range(TEMPLATES + 10):
        one = delivery(number)
        made.compose(replace(one, publication=replace(one.publication, id=f"p{number}")))
    assert len(made._templates) == TEMPLATES


def test_a_new_generation_is_a_new_letter(newsletter: Make) -> None:
    made, old, new = newsletter(), delivery(), delivery(subject="Bonsoir")
    assert b"Subject: Bonjour\r\n" in made.compose(old).content
    again = replace(new, publication=replace(new.publication, generation=2))
    assert b"Subject: Bonsoir\r\n" in made.compose(again).content


def test_a_test_is_the_letter_of_this_moment(newsletter: Make, tmp_path: Path) -> None:
    made = newsletter()
    for subject in ("Bonjour", "Bonsoir"):
        made.send_test(delivery(subject=subject))
        assert f"Subject: {subject}\r\n".encode() in (tmp_path / "outbox/newsletter/lettre/test.eml").read_bytes()


# ---- the sandbox


def test_a_reader_who_was_erased_since_gets_nothing(newsletter: Make, tmp_path: Path) -> None:
    journal = Memory(consents=False)
    newsletter().deliver([delivery(recipient=None)], journal)
    assert journal.asked == ["d345"]  # which records that it is cancelled
    assert journal.settled == []
    assert not (tmp_path / "outbox").exists()


def test_files_are_written_in_groups_and_for_whoever_comes_too(newsletter: Make, tmp_path: Path) -> None:
    journal = Memory(waiting=[[delivery(number)] for number in (901, 902)])
    newsletter().deliver([delivery(number) for number in range(GROUP + 1)], journal)
    written = sorted((tmp_path / "outbox/newsletter/lettre").iterdir())
    assert len(written) == len(journal.settled) == GROUP + 3
    assert all(isinstance(outcome, Receipt) for outcome in journal.settled)
    assert journal.commits == 5  # two groups, two that came later, and the last outcomes
    assert {path.stat().st_mode & 0o777 for path in written} == {0o600}
    assert b"To: reader902@example.org\r\n" in (tmp_path / "outbox/newsletter/lettre/d902.eml").read_bytes()


def test_a_stop_begins_no_further_group(newsletter: Make, tmp_path: Path) -> None:
    journal = Memory(stop_after=1, waiting=[[delivery(901)]])
    newsletter().deliver([delivery(number) for number in range(3 * GROUP)], journal)
    assert len(journal.asked) == len(journal.settled) == 2 * GROUP


def test_a_full_disk_leaves_the_rest_of_the_batch(newsletter: Make, tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("not a folder")
    journal = Memory(waiting=[[delivery(901)]])
    newsletter().deliver([delivery(number) for number in range(GROUP + 1)], journal)
    assert all(isinstance(outcome, Unavailable) and outcome.about_us for outcome in journal.settled)
    assert len(journal.asked) == len(journal.settled) == GROUP  # each that was begun is known not to be out


def test_a_disk_that_took_nothing_is_not_asked_again_for_each_reader(newsletter: Make, tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("not a folder")
    made, composed = newsletter(), list[str]()

    def compose(one: Delivery) -> Mail:
        composed.append(one.id)
        return made.compose(one)

    write_all(tmp_path / "outbox", [delivery(number) for number in range(3)], compose, Memory())
    assert composed == ["d0"]


def test_a_reader_whose_letter_cannot_be_made_stops_nobody(newsletter: Make) -> None:
    journal = Memory()
    newsletter().deliver([delivery(1, recipient=Recipient(1, "a b@example.org")), delivery(2)], journal)
    assert [type(outcome) for outcome in journal.settled] == [Rejected, Receipt]


# ---- settings


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"transport": "smtp", "from": "a@example.org"}, "newsletter.smtp_url"),
        ({"transport": "smtp", "smtp_url": "smtp://h"}, "newsletter.from"),
        ({"from": "not an address"}, "newsletter.from"),
        ({"from": "zoé@example.org"}, "newsletter.from"),
        ({"reply_to": "not an address"}, "newsletter.reply_to"),
        ({"bounce_address": "not an address"}, "newsletter.bounce_address"),
        ({"transport": "smtp", "from": "a@example.org", "smtp_url": "mail.example.org"}, "newsletter.smtp_url"),
        ({"list_id": "Prévention <letter.example.org>"}, "newsletter.list_id"),
        ({"list_id": "our letter"}, "newsletter.list_id"),
        ({"dkim_domain": "example.org"}, "newsletter.dkim_selector is not set"),
        ({"base_url": "https://préventïon.example.org"}, "workspace.base_url"),
        ({"base_url": f"https://example.org/{'x' * 300}"}, "too long"),
        ({"reply_to": f"a@{'x.' * 130}fr"}, "newsletter.reply_to"),
        (
            {"base_url": "http://letter.example.org", "transport": "smtp", "smtp_url": "smtp://127.0.0.1:25?tls=none"},
            "https",
        ),
    ],
)
def test_settings_that_no_letter_can_leave_with(newsletter: Make, settings: dict[str, str], what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        newsletter(**settings)
