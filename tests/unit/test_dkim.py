"""DKIM over the bytes that leave, verified by an implementation that is not ours."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from email.headerregistry import Address
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from veille import config
from veille.errors import ConfigError
from veille.settings import NewsletterSettings
from veille_publishers.dkim_signature import SIGNED, Signer, load_signer
from veille_publishers.letter import PREFERENCES_SLOT, UNSUBSCRIBE_SLOT
from veille_publishers.mime import Heading, Personal, Template

KEY = rsa.generate_private_key(65537, 2048)
CLEAR = form.NoEncryption()
PKCS1 = KEY.private_bytes(form.Encoding.PEM, form.PrivateFormat.TraditionalOpenSSL, CLEAR).decode()
PKCS8 = KEY.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, CLEAR).decode()
LOCKED = KEY.private_bytes(
    form.Encoding.PEM, form.PrivateFormat.PKCS8, form.BestAvailableEncryption(b"secret")
).decode()
CURVE = (
    ec.generate_private_key(ec.SECP256R1())
    .private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    .decode()
)
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo))
GOOD = {"dkim_domain": "example.org", "dkim_selector": "s2026", "dkim_key": PKCS8}
WORDS = f"Bonjour, ça va ?\n\n.\n{UNSUBSCRIBE_SLOT}\n{PREFERENCES_SLOT}\n"
READER = Personal(
    "reader@example.org",
    datetime(2025, 11, 28, 16, 0, 0, 250_000, tzinfo=UTC),
    "<abc@letter.example.org>",
    "https://letter.example.org/u/1u9ix-abc",
    "https://letter.example.org/p/1p9ix-abc",
    "mailto:desk@example.org?subject=unsubscribe%201u9ix-abc",
)


def dns(name: bytes, timeout: float = 5) -> bytes | None:
    return b"v=DKIM1; k=rsa; p=" + PUBLIC if name == b"s2026._domainkey.example.org." else None


def verifies(content: bytes) -> bool:
    return bool(dkim.verify(content, dnsfunc=dns))


def template(subject: str = "Été", *, html: str | None = WORDS, reply_to: bool = True, name: str = "Kess") -> Template:
    heading = Heading(
        sender=Address(name, addr_spec="letter@example.org"),
        reply_to=Address("", addr_spec="desk@example.org") if reply_to else None,
        subject=subject,
        list_id="Kess  Kis <letter.example.org>",
        feedback_id="lettre:letter.example.org::example",
        language="fr",
    )
    return Template(heading, WORDS, html, Signer("example.org", "s2026", KEY))


@settings(max_examples=30, deadline=None)
@given(subject=st.text(st.characters(codec="utf-8"), max_size=300), name=st.text("éa. ", max_size=80))
@example(subject="  deux  espaces  ", name="")
@example(subject="", name="Léa  Kiss")
@example(subject="ASCII of some length that stays on one line; b=x; bh=y", name='"')
@example(subject="👩‍👧" * 60, name="é" * 90)
def test_every_letter_verifies(subject: str, name: str) -> None:
    assert verifies(template(subject, name=name).fill(READER))


@pytest.mark.parametrize("html", [WORDS, None])
@pytest.mark.parametrize("reply_to", [True, False])
@pytest.mark.parametrize("address", ["reader@example.org", "zoé@example.org"])
def test_every_form_verifies(html: str | None, reply_to: bool, address: str) -> None:
    reader = Personal(**{**vars(READER), "address": address})
    assert verifies(template(html=html, reply_to=reply_to).fill(reader))


def test_a_copy_is_the_same_bytes_and_its_lines_are_short() -> None:
    first, second = (template().fill(READER) for _n in range(2))
    assert first == second
    signature = first.partition(b"\r\nFrom:")[0]
    assert signature.startswith(b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=example.org;")
    assert max(map(len, signature.split(b"\r\n"))) <= 78
    assert b"t=1764345600;" in signature


def test_what_mailbox_providers_ask_for_is_signed() -> None:
    """RFC 8058, 4: both headers; From twice, so that no second one can be put before it."""
    signature = template().fill(READER).partition(b"\r\nFrom:")[0]
    (listed,) = re.findall(rb" h=([^;]*);", signature)
    names = re.split(rb"\s*:\s*", listed)
    assert names == [name.lower().encode() for name in SIGNED]
    assert {b"list-unsubscribe", b"list-unsubscribe-post", b"feedback-id", b"content-language"} < set(names)
    assert names.count(b"from") == 2
    assert max(map(len, signature.split(b"\r\n"))) <= 78


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"/u/1u9ix-abc>", b"/u/1u9ix-abd>"),
        (b"/u/1u9ix-abc\r\n", b"/u/1u9ix-abd\r\n"),
        (b"List-Unsubscribe=One-Click", b"List-Unsubscribe=One-click"),
        (b"::example", b"::exampla"),
        (b"To: reader", b"To: raeder"),
        (b"16:00:00", b"16:00:01"),
        (b"From: ", b"From: Other <other@example.org>\r\nFrom: "),
        (b"List-Id:", b"X-List-Id:"),
        (b"Bonjour", b"bonjour"),
    ],
)
def test_a_letter_changed_on_the_way_does_not_verify(old: bytes, new: bytes) -> None:
    content = template().fill(READER)
    assert content.count(old)
    assert verifies(content)
    assert not verifies(content.replace(old, new, 1))


def test_a_reply_to_cannot_be_added_on_the_way() -> None:
    content = template(reply_to=False).fill(READER)
    assert verifies(content)
    assert not verifies(content.replace(b"Subject:", b"Reply-To: other@example.org\r\nSubject:", 1))


def test_a_relay_may_fold_headers_anew_and_add_its_own() -> None:
    content = template().fill(READER)
    folded = content.replace(b">, <mailto", b">,\r\n\t<mailto").replace(b"DKIM-Sig", b"Received: x\r\nDKIM-Sig")
    assert folded != content
    assert verifies(folded)


# ---- settings


def load(folder: Path, **environ: str) -> NewsletterSettings:
    (folder / "veille.toml").write_text("")
    names = {f"VEILLE_NEWSLETTER__{key.upper()}": value for key, value in environ.items()}
    return config.load(folder, names).settings.newsletter


@pytest.mark.parametrize("pem", [PKCS1, PKCS8, PKCS8.replace("\n", "\\n"), PKCS8.replace("\n", "\r\n")])
def test_a_key_of_several_lines_comes_from_the_environment(tmp_path: Path, pem: str) -> None:
    settings = load(tmp_path, **GOOD | {"dkim_key": pem})
    assert "PRIVATE" not in repr(settings)
    assert load_signer(settings, "letter.example.org") is not None


def test_a_key_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "dkim.pem").write_text(PKCS1)
    settings = load(tmp_path, dkim_domain="Example.org", dkim_selector="s2026", dkim_key_file="dkim.pem")
    signer = load_signer(settings, "example.org")
    assert signer is not None
    assert b"d=example.org;" in signer.unsigned(b"", READER.date)


def test_a_key_does_not_belong_in_the_shared_file(tmp_path: Path) -> None:
    (tmp_path / "veille.toml").write_text(f'[newsletter]\ndkim_key = """{PKCS8}"""\n')
    with pytest.raises(ConfigError, match="does not belong") as caught:
        config.load(tmp_path, {})
    assert "PRIVATE KEY" not in str(caught.value)


def test_without_settings_nothing_is_signed(tmp_path: Path) -> None:
    assert load_signer(load(tmp_path), "example.org") is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dkim_key": ""}, "dkim_key is not set"),
        ({"dkim_domain": ""}, "dkim_domain is not set"),
        ({"dkim_selector": ""}, "dkim_selector is not set"),
        ({"dkim_selector": "s 2026; d=x"}, "dkim_selector is not understood"),
        ({"dkim_domain": "org"}, "not the name of a domain"),
        ({"dkim_domain": "example.org; s=x"}, "not the name of a domain"),
        ({"dkim_domain": "other.example.org"}, "does not cover"),
        ({"dkim_domain": "ample.org"}, "does not cover"),
        ({"dkim_key": "dkim.pem"}, "not a private key"),
        ({"dkim_key": PKCS8.replace("M", "N")}, "not a private key"),
        ({"dkim_key": LOCKED}, "not a private key"),
        ({"dkim_key": CURVE}, "not a private key"),
    ],
)
def test_settings_that_cannot_sign(tmp_path: Path, changes: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        load_signer(load(tmp_path, **GOOD | changes), "example.org")
    assert caught.value.hint
    assert "PRIVATE" not in f"{caught.value} {caught.value.__cause__}"


def test_a_key_that_receivers_ignore_is_refused(tmp_path: Path) -> None:
    """Fewer than 1024 bits (RFC 8301, 3.2): made of two Mersenne primes, as no library makes such keys any more."""
    p, q, e = 2**521 - 1, 2**127 - 1, 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(e, p * q))
    pem = numbers.private_key().private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, CLEAR).decode()
    with pytest.raises(ConfigError, match="not a private key"):
        load_signer(load(tmp_path, **GOOD | {"dkim_key": pem}), "example.org")
