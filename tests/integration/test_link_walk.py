"""From the links of texts to findings, and the commands that open links."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.support.content import newsroom, write
from tests.support.ledger import NOW
from tests.support.link_site import Site, fetch, link_site, resolver
from veille import library
from veille.config import Config
from veille.errors import Finding, Severity
from veille.linking import Answer, LinkWalk
from veille_cli.application import build

OWN = "title: a\nallow: {link-private: un essai sur cette machine}"

pytestmark = pytest.mark.usefixtures("no_proxy")


@pytest.fixture
def site() -> Iterator[Site]:
    with link_site() as running:
        yield running


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return newsroom(tmp_path)


def findings(config: Config, opener: Callable[..., Iterator[Answer]] | None = None, hours: float = 0) -> list[Finding]:
    walk = LinkWalk(library.load(config), config, NOW + timedelta(hours=hours))
    return walk.findings(opener or fetch())


def test_a_dead_link_is_told_at_every_place_and_asked_once(config: Config, site: Site) -> None:
    dead = site.url("/dead")
    partner = config.root / "content/partners/ccas-bagneux.yaml"
    partner.write_text(f"{partner.read_text()}url: {dead}\n")
    front = f"title: a\nevent: {{start: 2026-12-01, url: '{dead}#top'}}\n{OWN.partition(chr(10))[2]}"
    write(config.root, front, f"[Une page]({dead})", "posts/a.md")
    write(config.root, f"{OWN}\ndraft: true", f"Un.\n\n[Autre page]({dead}#bas), <{site.url('/fine')}>", "posts/b.md")
    found = findings(config)
    assert [(f.file.rsplit("/", 1)[1], f.line, f.code, f.severity) for f in found] == [
        ("ccas-bagneux.yaml", 5, "link-dead", Severity.ERROR),
        ("a.md", 3, "link-dead", Severity.ERROR),
        ("a.md", 7, "link-dead", Severity.ERROR),
        ("b.md", 9, "link-dead", Severity.WARNING),
    ]
    assert "404" in found[0].message
    assert sorted(site.asked) == [("GET", "/dead"), ("HEAD", "/dead"), ("HEAD", "/fine")]


def test_what_each_outcome_is_called(config: Config, site: Site) -> None:
    paths = ("moved", "home/deep", "busy-long", "forbidden", "circle", "found", "fine", "dead")
    write(
        config.root,
        "title: a\nallow: {link-moved: voulu, link-private: voulu}",
        f"[Un]({site.url('/moved/1')})",
        "posts/a.md",
    )
    body = "\n\n".join(f"[Page {path}]({site.url('/' + path)})" for path in paths)
    write(config.root, OWN, body, "posts/b.md")
    assert [(f.line, f.code, f.severity.value) for f in findings(config)] == [
        (6, "link-moved", "warning"),
        (8, "link-moved", "warning"),
        (10, "link-unreachable", "warning"),
        (12, "link-unreachable", "warning"),
        (14, "link-dead", "error"),
        (20, "link-dead", "error"),
    ]


def test_a_second_run_opens_no_connection_until_the_answers_are_old(config: Config, site: Site) -> None:
    write(config.root, OWN, f"[Bonne]({site.url('/fine')}) et [mauvaise]({site.url('/dead')})", "posts/a.md")
    first = findings(config)
    asked = len(site.asked)
    assert findings(config, hours=0.9) == first
    assert len(site.asked) == asked
    assert findings(config, hours=1.1) == first
    assert {path for _method, path in site.asked[asked:]} == {"/dead"}
    asked = len(site.asked)
    assert findings(config, hours=25) == first
    assert {path for _method, path in site.asked[asked:]} == {"/dead", "/fine"}


@pytest.mark.parametrize("kept", ["", "[]", "{", '{"http://x.fr": 1}', '{"a": {"at": "2026-01-01", "outcome": "?"}}'])
def test_a_memory_that_cannot_be_read_is_none(config: Config, site: Site, kept: str) -> None:
    config.outbox_dir.mkdir()
    (config.outbox_dir / "links.json").write_text(kept)
    write(config.root, OWN, f"[Bonne]({site.url('/fine')})", "posts/a.md")
    assert findings(config) == []
    assert len(site.asked) == 1
    assert findings(config) == []
    assert len(site.asked) == 1


def test_no_network_is_one_warning_and_is_not_remembered(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "\n\n".join(f"[Page {n}](https://www.site{n}.fr/)" for n in range(20))
    write(config.root, "title: a", body, "posts/a.md")
    resolver(monkeypatch, socket.EAI_AGAIN)
    (finding,) = findings(config)
    assert (finding.code, finding.severity, finding.file) == ("links-unchecked", Severity.WARNING, "veille.toml")
    assert "20" in finding.message
    resolver(monkeypatch, socket.EAI_NONAME)
    assert [f.code for f in findings(config)] == ["links-unchecked"]
    write(config.root, "title: a", "[Page](https://www.site1.fr/)", "posts/a.md")
    assert [f.code for f in findings(config)] == ["links-unchecked"]
    resolver(monkeypatch, socket.EAI_NONAME, control=True)
    assert [f.code for f in findings(config, hours=2)] == ["link-dead"]


def test_examples_our_own_pages_and_other_schemes_are_not_opened(config: Config) -> None:
    own = config.settings.workspace.base_url
    body = f"[a](/posts/a/) [b]({own}/posts/a/) [c](mailto:a@b.fr) [d](tel:3919) <https://a.example.org> [e](/)"
    write(config.root, "title: a", body, "posts/a.md")

    def nobody(addresses: object) -> Iterator[Answer]:
        raise AssertionError(addresses)

    assert findings(config, nobody) == []


# The commands ----

LIVE = """\
[workspace]
language = "en"
base_url = "https://lettre.ville.fr"
[web]
transport = "folder"
output = "public"
[checks]
link_timeout = "1 s"
"""
ALLOWED = "title: a\nchannels: [web]\nallow: {link-private: un essai sur cette machine, http-link: un essai}"


@pytest.fixture
def command(config: Config, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(config.root)
    return lambda *args: CliRunner().invoke(build(), args)


def _codes(result: Result) -> list[str]:
    return [entry["code"] for entry in json.loads(result.stdout)["errors"]]


def test_check_opens_links_only_when_it_is_asked_to(config: Config, site: Site, command: Callable[..., Result]) -> None:
    write(config.root, ALLOWED, f"[Le programme de mardi]({site.url('/dead')})", "posts/a.md")
    write(config.root, ALLOWED, f"[Le programme de jeudi]({site.url('/gone')})", "posts/b.md")
    assert "link-dead" not in command("check", "--json").stdout
    assert site.asked == []
    result = command("check", "--links", "--json")
    assert result.exit_code == 3
    assert _codes(result).count("link-dead") == 2
    assert _codes(command("check", "--links", "content/posts/b.md", "--json")).count("link-dead") == 1


def test_a_text_that_was_sent_in_opens_nothing_in_our_own_network(
    config: Config, site: Site, command: Callable[..., Result]
) -> None:
    write(config.root, "title: Bonjour", f"[Le programme de mardi]({site.url('/dead')})", "posts/a.md")
    found = _codes(command("check", "--links", "--json"))
    assert ("link-private" in found, "link-dead" in found, site.asked) == (True, False, [])


def test_publish_refuses_a_dead_link_only_where_it_reaches_people(
    config: Config, site: Site, command: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(config.root, ALLOWED, f"[Le programme de mardi]({site.url('/dead')})", "posts/a.md")
    assert command("publish", "--dry-run").exit_code == 0
    assert site.asked == []
    (config.root / "veille.toml").write_text(LIVE)
    write(config.root, ALLOWED, f"Bonjour. [Le programme de jeudi]({site.url('/moved')})", "posts/b.md")
    refused = command("publish", "--yes")
    assert refused.exit_code == 3
    assert "[link-dead]" in refused.output
    assert "veille publish content/posts/b.md" in refused.output
    assert not (config.root / "public").exists()
    moved = command("publish", "--dry-run", "content/posts/b.md")
    assert moved.exit_code == 0, moved.output
    assert "[link-moved]" in moved.output
    monkeypatch.setenv("VEILLE_CHECKS__LINKS", "false")
    unopened = command("publish", "--dry-run")
    assert unopened.exit_code == 0, unopened.output
    assert "[link-" not in unopened.output
