"""`[newsletter] bounces_url`: understood, or refused without repeating it."""

from __future__ import annotations

from pathlib import Path

import pytest

from veille.errors import ConfigError
from veille_publishers import mailbox_servers, mailbox_url
from veille_publishers.mailboxes import open_mailbox


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "imaps://a%40b.org:p%40ss%2F%23@mail.example.org",
            ("imaps", "mail.example.org", 993, "a@b.org", "p@ss/#", "INBOX"),
        ),
        ("imap://u:p@localhost:1143/Retours%20re%C3%A7us", ("imap", "localhost", 1143, "u", "p", "Retours reçus")),
        ("pops://u:p@mail.example.org/", ("pops", "mail.example.org", 995, "u", "p", "INBOX")),
    ],
)
def test_understood(text: str, expected: tuple[object, ...]) -> None:
    parts = mailbox_url.parse_server(text)
    assert (parts.scheme, parts.host, parts.port, parts.user, parts.password, parts.folder) == expected
    assert "p@ss" not in repr(parts)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "imaps://mail.example.org",
        "imaps://user@mail.example.org",
        "imaps://user:secret@",
        "imaps://user:secret@host:notaport",
        "imaps://user:sec#ret@host",
        "imaps://user:secret@host?tls=none",
        "pops://user:secret@host/folder",
        "imaps://us%0Aer:secret@host",
        "https://user:secret@host",
        "maildir:",
        "mbox",
    ],
)
def test_refused_without_repeating_it(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        open_mailbox(text, tmp_path)
    assert "secret" not in f"{caught.value} {caught.value.hint}"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("text", ["maildir:retours", "maildir:./retours", "mbox:retours"])
def test_paths_start_at_the_workspace(text: str, tmp_path: Path) -> None:
    assert open_mailbox(text, tmp_path).name.endswith(f"{tmp_path}/retours")


def test_a_folder_with_accents() -> None:
    assert mailbox_servers._quoted('Reçus & "lus"') == '"Re&AOc-us &- \\"lus\\""'
