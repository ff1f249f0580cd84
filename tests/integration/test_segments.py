"""One edition for three towns and two languages, published and sent by the real command: who got which post."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from tests.support.content import HELPLINES, PARTNER, write
from tests.support.workspace import Workspace

TOML = """\
[workspace]
name = "Essai"
towns = ["Bagneux", "Fontenay"]
base_url = "https://letter.example.org"

[newsletter]
from = "Essai <letter@example.org>"
"""
READERS = """\
email,language,towns,audience,text_only
bagneux@example.org,fr,bagneux,young,false
fontenay@example.org,fr,fontenay,young,true
english@example.org,en,,young,false
pro@example.org,fr,fontenay,professionals,false
nothing@example.org,fr,fontenay,families,false
"""
NOW, LATER = "2026-11-27T12:00:00+01:00", "2026-11-27T17:01:00+01:00"


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, EmailMessage]:
    """The letters that left, by reader."""
    root = tmp_path_factory.mktemp("segments") / "essai"
    root.mkdir()
    (root / "veille.toml").write_text(TOML, encoding="utf-8")
    (root / "readers.csv").write_text(READERS, encoding="utf-8")
    write(root, "title: Le repas\ntowns: [bagneux]\naudience: [young]", "À table.\n\n{{ partner: ccas }}", "posts/a.md")
    write(root, "title: Le vélo\ntowns: [fontenay]\naudience: [young]\nurgent: true", "En selle.", "posts/b.md")
    write(root, "title: La formation\naudience: [professionals]", "En cercle.", "posts/c.md")
    (root / "content/partners").mkdir()
    (root / "content/partners/ccas.yaml").write_text(PARTNER, encoding="utf-8")
    (root / "content/helplines.yaml").write_text(HELPLINES, encoding="utf-8")
    room = Workspace(root, {"VEILLE_NOW": NOW})
    assert room.veille("subscribers", "import", "readers.csv").code == 0
    published = room.veille("publish")
    assert published.code == 0, published
    ran = room.veille("run", "--once", VEILLE_NOW=LATER)
    assert ran.code == 0, ran
    return _read(root / "outbox/newsletter")


def _read(folder: Path) -> dict[str, EmailMessage]:
    found = [message_from_bytes(path.read_bytes(), policy=default) for path in folder.rglob("*.eml")]
    return {str(message["To"]): message for message in found}


def _text(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("reader", "subject", "posts"),
    [
        ("bagneux", "Le repas", {"Le repas"}),
        ("fontenay", "Le vélo", {"Le vélo"}),
        ("english", "Le vélo", {"Le repas", "Le vélo"}),
        ("pro", "La formation", {"La formation"}),
    ],
)
def test_each_reader_gets_the_posts_for_them(
    letters: dict[str, EmailMessage], reader: str, subject: str, posts: set[str]
) -> None:
    message = letters[f"{reader}@example.org"]
    said = message.as_string()
    assert message["Subject"] == subject
    assert {title for title in ("Le repas", "Le vélo", "La formation") if f"\n{title}\n" in _text(message)} == posts
    assert "-begins" not in said
    assert "-ends" not in said
    assert "39\u00a019" in _text(message)


def test_who_would_get_no_post_gets_no_letter(letters: dict[str, EmailMessage]) -> None:
    assert set(letters) == {f"{name}@example.org" for name in ("bagneux", "fontenay", "english", "pro")}


def test_our_words_are_in_the_language_of_the_reader(letters: dict[str, EmailMessage]) -> None:
    english, french = _text(letters["english@example.org"]), _text(letters["bagneux@example.org"])
    for there, here in (("Who to call?", "Qui appeler"), ("Phone: ", "Téléphone\u00a0: "), ("[News]", "[Actu]")):
        assert there in english
        assert here not in english
        assert here in french
        assert there not in french
    assert "Essai, letter of 27 November 2026" in english
    assert "Essai, lettre du 27\u00a0novembre 2026" in french
    assert "À table." in english
    assert letters["english@example.org"]["Content-Language"] == "fr"
