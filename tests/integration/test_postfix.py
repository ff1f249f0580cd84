"""A letter of the sample edition through a real Postfix, into a mailbox, and read back."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.postfix import missing, postfix
from tests.support.return_path import read_return_path
from tests.support.sample_letter import KEYS, sample_delivery, sample_newsletter, sample_publication, sample_room
from veille import tokens
from veille.publishing import Delivery, Journal, Publication, Receipt, Recipient
from veille.tokens import Purpose

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "it runs")

READERS = [
    Recipient(1, "lectrice@example.org"),
    Recipient(2, "zoé@example.org"),
    Recipient(3, "texte@example.org", text_only=True),
]


class Ledger(Journal):
    """A journal that keeps the answers."""

    def __init__(self) -> None:
        self.settled: dict[str, object] = {}

    def intent(self, delivery: Delivery) -> bool:
        return True

    def settle(self, delivery: Delivery, outcome: object) -> None:
        self.settled[delivery.id] = outcome

    def checkpoint(self, delivery: Delivery, values: Mapping[str, Any]) -> None:
        raise AssertionError

    def standing(self, channel: str) -> Sequence[Publication]:
        raise AssertionError


def test_the_letter_arrives_whole_and_its_signature_holds(tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode()
    public = key.public_key().public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo)
    published = sample_publication(sample_room(tmp_path))
    now = datetime.now(UTC)
    journal = Ledger()
    with postfix() as server:
        settings = {"transport": "smtp", "smtp_url": server.url, "bounce_address": "retours@example.org"}
        settings |= {"dkim_domain": "example.org", "dkim_selector": "s2026", "dkim_key": pem}
        newsletter = sample_newsletter(sample_room(tmp_path, settings))
        newsletter.deliver([sample_delivery(published, reader, now) for reader in READERS], journal)
        newsletter.rest()
        assert all(isinstance(outcome, Receipt) for outcome in journal.settled.values()), journal.settled
        arrived = [content.replace(b"\n", b"\r\n") for content in server.delivered(len(READERS))]

    def dns(name: bytes, timeout: float = 5) -> bytes:
        assert name == b"s2026._domainkey.example.org."
        return b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)

    by_address = {str(message_from_bytes(content, policy=default)["To"]): content for content in arrived}
    assert set(by_address) == {reader.address for reader in READERS}
    for reader in READERS:
        content = by_address[reader.address]
        assert dkim.verify(content, dnsfunc=dns)
        assert not dkim.verify(content.replace(b"/u/", b"/x/", 1), dnsfunc=dns)
        message = message_from_bytes(content, policy=default)
        token = tokens.make(KEYS, Purpose.UNSUBSCRIBE, reader.id)
        assert f"\r\nList-Unsubscribe: <https://kesskispass.example.org/u/{token}>, <mailto:".encode() in content
        assert (
            f"subject=unsubscribe%20{token}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n".encode()
            in content
        )
        assert read_return_path(KEYS, message["Return-Path"]) == f"d{reader.id}"
        assert message["Subject"] == "Trois balades, un vélo à 20\u00a0euros et une radio de quartier"
        assert message.is_multipart() is not reader.text_only
