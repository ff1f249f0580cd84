"""`[newsletter] smtp_url`: understood, or refused without repeating it."""

from __future__ import annotations

import pytest

from veille.errors import ConfigError
from veille_publishers.smtp import SmtpUrl, parse_url, redact


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.org", SmtpUrl("mail.example.org", 587, "starttls")),
        ("smtp://mail.example.org:465", SmtpUrl("mail.example.org", 465, "implicit")),
        ("smtp://mail.example.org?tls=implicit", SmtpUrl("mail.example.org", 465, "implicit")),
        ("smtp://localhost?tls=none", SmtpUrl("localhost", 25, "none")),
        ("smtp://[::1]:2525?tls=none&connections=4", SmtpUrl("::1", 2525, "none")),
        ("smtp://h?connections=50", SmtpUrl("h", 587, "starttls", connections=50)),
        ("smtp://a%40b.org:p%40ss%2F%23@h:587/", SmtpUrl("h", 587, "starttls", "a@b.org", "p@ss/#")),
    ],
)
def test_understood(url: str, expected: SmtpUrl) -> None:
    assert parse_url(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example.org:587",
        "smtps://user:secret@mail.example.org",
        "smtp://user:secret@",
        "smtp://user:secret@host:notaport",
        "smtp://user:secret@host:99999",
        "smtp://user:sec#ret@host:587",
        "smtp://user:sec/ret@host:587",
        "smtp://user:secret@host?tls=yes",
        "smtp://user:secret@host?tsl=none",
        "smtp://user:secret@host?tls",
        "smtp://user:secret@host?connections=many",
        "smtp://user:secret@host?connections=0",
        "smtp://user:secret@host?connections=501",
        "smtp://user:secret%00@host",
        "smtp://user:secret@a..b",
        f"smtp://user:secret@{'a' * 64}.example.org",
    ],
)
def test_refused_without_repeating_the_password(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_url(url)
    assert "newsletter.smtp_url" in caught.value.message
    assert "secret" not in f"{caught.value} {caught.value.hint}"


def test_the_password_is_in_no_picture_of_the_value() -> None:
    assert "secret" not in repr(parse_url("smtp://user:secret@host"))


def test_addresses_are_taken_out_of_words() -> None:
    words = "550 5.1.1 <léa.b+x@exämple.org>:\r\n mailto:a@b.org, Bob@c.org unknown"
    assert redact(words) == "550 5.1.1 <<address>>: mailto:<address>, <address> unknown"
