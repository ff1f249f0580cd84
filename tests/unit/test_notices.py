"""Mails to colleagues and partners: their bytes, their signature, and what is said when they do not leave."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.smtp_server import mail_server
from tests.support.smtp_sink import nobody_listens
from veille import config
from veille.errors import Unavailable, VeilleError
from veille.publishing import File
from veille_publishers.notices import Notice, Notices

NOW = datetime(2025, 11, 28, 16, 0, tzinfo=UTC)
NAME = "Élodie Exemple, relectrice du service de la prévention spécialisée et de la jeunesse"
NOTICE = Notice(
    name="approval-repas-1",
    to=f'"{NAME}" <elodie@example.org>',
    subject="À relire : « Repas chauds pour les étudiantes et les étudiants », avant vendredi à dix-sept heures",
    text="Bonjour Élodie,\n.\nFrom nous à vous\n" + "é" * 2000,
    html="<!doctype html><html lang='fr'><p>Bonjour Élodie</p></html>",
)
Make = Callable[..., Notices]


@pytest.fixture
def notices(tmp_path: Path) -> Make:
    def make(**settings: str) -> Notices:
        (tmp_path / "veille.toml").write_text(
            '[workspace]\nname = "Kess Kis"\nbase_url = "https://letter.example.org"\n'
        )
        environ = {f"VEILLE_NEWSLETTER__{key.upper()}": value for key, value in settings.items()}
        return Notices(config.load(tmp_path, environ), lambda: NOW)

    return make


def parsed(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def test_sandbox_writes_a_whole_mail_that_only_its_owner_reads(notices: Make, tmp_path: Path) -> None:
    words = notices().send(NOTICE)
    path = tmp_path / "outbox/notices/approval-repas-1.eml"
    assert "outbox/notices/approval-repas-1.eml" in words
    assert path.stat().st_mode & 0o777 == 0o600
    message = parsed(path.read_bytes())
    as_written = str(make_header(decode_header(message_from_bytes(path.read_bytes())["To"])))  # of RFC 2047, 6.2
    assert as_written == f"{NAME} <elodie@example.org>"
    assert message["To"].addresses[0].addr_spec == "elodie@example.org"
    assert message["From"].addresses[0].addr_spec == "newsletter@letter.example.org"
    assert message["Subject"] == NOTICE.subject
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == NOW
    assert not [name for name in message if name.lower().startswith("list-")]
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == NOTICE.text + "\n"
    assert "Bonjour Élodie" in html.get_content()
    assert not message.defects
    assert max(len(line) for line in path.read_bytes().split(b"\r\n")) <= 78


def test_no_name_leaves_the_folder_and_no_subject_makes_a_header(notices: Make, tmp_path: Path) -> None:
    notices().send(Notice("../../x y", "a@example.org", "Un\r\nBcc: b@example.org", "x"))
    (path,) = (tmp_path / "outbox/notices").iterdir()
    assert path.name == "x-y.eml"
    assert parsed(path.read_bytes())["Bcc"] is None


def test_attached_files_come_through(notices: Make, tmp_path: Path) -> None:
    notices().send(Notice("n", "a@example.org", "Objet", "Texte", files=(File("Été.jpg", "image/jpeg", b"\xff\xd8"),)))
    (part,) = parsed((tmp_path / "outbox/notices/n.eml").read_bytes()).iter_attachments()
    assert isinstance(part, EmailMessage)
    assert (part.get_filename(), part.get_content_type(), part.get_content()) == ("Été.jpg", "image/jpeg", b"\xff\xd8")


@pytest.mark.parametrize("html", [NOTICE.html, ""])
def test_mail_leaves_signed_through_the_server_of_the_letters(notices: Make, html: str) -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode()
    public = key.public_key().public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo)
    with mail_server() as server:
        sent = notices(
            transport="smtp",
            smtp_url=server.url(),
            **{"from": "Kess <letter@example.org>", "reply_to": "desk@example.org"},
            dkim_domain="example.org",
            dkim_selector="s2026",
            dkim_key=pem,
        ).send(Notice(NOTICE.name, NOTICE.to, NOTICE.subject, NOTICE.text, html))
    (mail,) = server.mails
    assert sent
    assert (mail.sender, mail.recipient) == ("letter@example.org", "elodie@example.org")
    assert mail.message["Reply-To"] == "Kess Kis <desk@example.org>"
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    assert dkim.verify(mail.content, dnsfunc=lambda name, timeout=5: record)
    forged = mail.content.replace(b"auto-generated", b"auto-generated\r\nReply-To: other@example.org")
    assert not dkim.verify(forged, dnsfunc=lambda name, timeout=5: record)


def test_dead_server_is_said_in_words_with_what_to_do(notices: Make) -> None:
    made = notices(
        transport="smtp", smtp_url=f"smtp://127.0.0.1:{nobody_listens()}?tls=none", **{"from": "a@example.org"}
    )
    with pytest.raises(Unavailable) as caught:
        made.send(NOTICE)
    assert caught.value.hint
    assert "elodie@" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("to", ["", "Élodie Exemple", "Élodie <elodie>", "a@b@c", "Élodie <é@example.org>"])
def test_no_address_is_an_error_that_names_nobodys_address(notices: Make, to: str) -> None:
    with pytest.raises(VeilleError) as caught:
        notices().send(Notice("n", to, "Objet", "Texte"))
    assert caught.value.hint
    assert "@" not in caught.value.message
