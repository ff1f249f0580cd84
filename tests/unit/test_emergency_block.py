"""The emergency block, read from the bytes of everything that leaves: every number right, none missing, 114 by text."""

from __future__ import annotations

import email
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from lxml import etree, html
from typer.testing import CliRunner

from tests.support.workspace import TOML, Workspace
from veille_cli.application import build

NOW = "2026-11-25T09:00:00+01:00"
LINES = """\
helplines:
  - {number: 112, name: Urgences, for_whom: Pour toute urgence., hours: "24 h/24", emergency: true, %s}
  - {number: 114, name: Urgence par SMS, for_whom: On écrit., hours: "24 h/24", emergency: true, voice: false,
     sms: true, %s}
  - number: 39 19
    name: Violences Femmes Info
    for_whom: Pour les femmes victimes de violences.
    hours:
      - {hours: de 9 h à 19 h, until: 2021-08-29}
      - {hours: 24 h/24 depuis 2021, from: 2021-08-30}
    emergency: true
    verified_on: 2026-11-18
    source: solidaritefemmes.org
  - {number: 0 800 235 236, name: Fil Santé Jeunes, for_whom: Pour toi., hours: de 9 h à 23 h, emergency: true, %s}
  - {number: 0 800 23 13 13, name: Drogues, for_whom: Pour toi., hours: "?", emergency: true, %s, confidence: uncertain}
  - {number: 0 800 05 95 95, name: Ancienne ligne, for_whom: Pour toi., hours: "?", emergency: true,
     %s, valid_until: 2024-01-31}
  - {number: 31 14, name: Suicide, for_whom: Pour toi., hours: 24 h/24, %s}
"""
CHECKED = "verified_on: 2026-11-18, source: service-public.fr"
PARTNER = """\
name: CCAS
needs: [food]
phone: 01 99 00 12 34
sms: 06 39 98 12 34
languages: [ar, lsf]
accessible: true
hours: le lundi
verified_on: 2026-11-18
"""
POST = "---\ntitle: {name}\ndate: 2026-11-25\npartners: [ccas]\n{more}---\n\nViens en parler.\n"
BLOCK = {"tel:112", "sms:114", "tel:3919", "tel:0800235236"}
NUMBERS = {"112", "114", "3919", "0800235236"}
ELSEWHERE = ("web/contacts/index.html", "web/contacts.json")  # all that is sure, not only the block
OWN = {"tel:0199001234", "sms:0639981234"}
SHAPES = re.compile(r"(?<![\w/.:#-])(?:0[\d \u00a0]{8,13}\d|3\d[ \u00a0]?\d\d|11\d|1[5789])(?![\w/])")
LINKS = re.compile(r"\b(?:tel|sms):[+\d]+")


def test_every_number_of_every_channel_is_the_one_on_record(published: Outbox) -> None:
    texts = dict(published.texts())
    assert len(texts) > 20, sorted(texts)
    for name, text in texts.items():
        read = {_digits(found) for found in SHAPES.findall(re.sub(r"\b(November 18|18 [Nn]ovemb)", "", text))}
        read -= {"15"} if "privacy" in name else set()  # years of age
        more = {"3114"} if name in ELSEWHERE else set()
        assert read <= NUMBERS | {"0199001234", "0639981234"} | more, name
    for name, links in published.links().items():
        assert links <= BLOCK | OWN | ({"tel:3114"} if name in ELSEWHERE else set()), name


def test_letters_and_pages_of_every_kind_carry_it(published: Outbox) -> None:
    pages = {name: links for name, links in published.links().items() if name.endswith((".html", ".eml"))}
    kinds = ("index.html", "404.html", "posts/calme/index.html", "posts/froid/index.html", "posts/over/index.html",
             "posts/index.html", "editions/index.html", "contacts/index.html", "letter.html", ".eml")  # fmt: skip
    for kind in kinds:
        assert any(name.endswith(kind) for name in pages), (kind, sorted(pages))
    assert "no longer current" in dict(published.texts())["web/posts/over/index.html"]
    for name, links in pages.items():
        assert links >= BLOCK, name


def test_the_plain_text_of_a_letter_says_them_all(published: Outbox) -> None:
    plain = [(name, text) for name, text in published.texts() if name.endswith((".txt", ".eml#text/plain"))]
    texts = [text for name, text in plain if "robots" not in name]
    assert len(texts) >= 2
    for text in texts:
        assert {_digits(found) for found in SHAPES.findall(text)} >= NUMBERS
        words = text.replace("\u00a0", " ")
        assert "24 h/24 depuis 2021" in words
        assert "19 h" not in words
        assert re.search(r"114 - Urgence par SMS \(by text message\)", text)


@pytest.mark.parametrize("channel", ["feed.xml", "feed.json", "facebook", "instagram"])
def test_only_a_sensitive_item_or_post_carries_it(published: Outbox, channel: str) -> None:
    sensitive, ordinary = published.item(channel, "froid"), published.item(channel, "calme")
    assert {_digits(found) for found in SHAPES.findall(_words(sensitive))} >= NUMBERS
    assert not {_digits(found) for found in SHAPES.findall(_words(ordinary))} & NUMBERS
    assert re.search(r"114\s*\(by text message\)", _words(sensitive))
    if channel.startswith("feed"):
        assert set(LINKS.findall(sensitive)) >= BLOCK
        assert set(LINKS.findall(ordinary)) & BLOCK == set()


def test_neither_an_uncertain_nor_an_abolished_line_leaves(published: Outbox) -> None:
    everything = "".join(text for _name, text in published.texts())
    for gone in ("Drogues", "Ancienne ligne", "23 13 13", "05 95 95"):
        assert gone not in everything.replace("\u00a0", " ")
    assert {name for name, text in published.texts() if "Suicide" in text} == set(ELSEWHERE)
    assert "accessible by wheelchair" in everything
    assert "arabe, French Sign Language" in everything


@dataclass(frozen=True)
class Outbox:
    """What people would receive, as it lies in the folder."""

    root: Path

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Everything but pictures, style, licence and the ledger."""
        for path in sorted(self.root.rglob("*")):
            ours = path.name in ("rendered.json", "lexend-OFL.txt") or path.name.startswith(".")
            if path.suffix in (".html", ".eml", ".txt", ".xml", ".json") and not ours:
                yield path.relative_to(self.root).as_posix(), path.read_bytes()

    def decoded(self) -> Iterator[tuple[str, str]]:
        """Text as it was before transport, part by part."""
        for name, content in self.files():
            if name.endswith(".eml"):
                for part in email.message_from_bytes(content, policy=default).walk():
                    if part.get_content_maintype() == "text":
                        yield f"{name}#{part.get_content_type()}", part.get_content()
            elif name.endswith(".json"):
                yield name, "\n".join(_strings(json.loads(content)))
            else:
                yield name, content.decode()

    def texts(self) -> Iterator[tuple[str, str]]:
        """What a person reads."""
        for name, text in self.decoded():
            yield name, _words(text) if text.lstrip().startswith("<") or "feed." in name else text

    def links(self) -> dict[str, set[str]]:
        """tel: and sms: links by file, both parts of a letter together."""
        found: dict[str, set[str]] = {}
        for name, text in self.decoded():
            found.setdefault(name.partition("#")[0], set()).update(LINKS.findall(text))
        return found

    def item(self, channel: str, post: str) -> str:
        """One post on one channel, with its markup."""
        if channel == "feed.xml":
            items = etree.fromstring((self.root / "web/feed.xml").read_bytes()).iter("item")
            return next("".join(item.itertext()) for item in items if item.findtext("title") == post)
        if channel == "feed.json":
            items = json.loads((self.root / "web/feed.json").read_text(encoding="utf-8"))["items"]
            return next(str(item["content_html"]) for item in items if item["title"] == post)
        return "\n".join(_strings(json.loads((self.root / channel / f"{post}.json").read_text(encoding="utf-8"))))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Outbox:
    """An ordinary post, a sensitive one, and one that was taken down, on all five channels of the sandbox."""
    room = Workspace(tmp_path_factory.mktemp("room"))
    room.write("veille.toml", TOML)
    room.write("content/helplines.yaml", LINES.replace("%s", CHECKED))
    room.write("content/partners/ccas.yaml", PARTNER)
    room.write("content/posts/calme.md", POST.format(name="calme", more=""))
    room.write("content/posts/froid.md", POST.format(name="froid", more="sensitive: true\nurgent: true\n"))
    over = room.write("content/posts/over.md", POST.format(name="over", more="channels: [web, feed]\n"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VEILLE_WORKSPACE", str(room.root))
        patch.setenv("VEILLE_WORKSPACE__SECRET_KEY", "for tests only")
        patch.setenv("VEILLE_NOW", NOW)
        patch.chdir(room.root)
        _run("subscribers", "add", "amel@example.org", "--consent", "paper", "--language", "en")
        _run("publish", *(f"content/posts/{name}.md" for name in ("calme", "froid", "over")), "--at", "now")
        _run("run", "--once")
        over.unlink()
        _run("publish")
        _run("run", "--once")
    return Outbox(room.root / "outbox")


def _run(*args: str) -> None:
    result = CliRunner().invoke(build(), args)
    assert result.exit_code == 0, (args, result.output)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _words(markup: str) -> str:
    """Text alone, entities and tags resolved."""
    if "<" not in markup:
        return markup
    tree = html.fromstring(f"<div>{re.sub(r'<[?!][^>]*>', ' ', markup)}</div>")
    for element in tree.iter("style", "script", "guid", "link"):
        element.text = ""
    return " ".join(" ".join(str(part) for part in tree.itertext()).split(" "))


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number)
