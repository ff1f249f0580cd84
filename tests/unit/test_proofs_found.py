"""What is found in a letter or a page before it leaves: what loads from elsewhere, what hides, what is too heavy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.ledger import NOW
from tests.support.proof_room import FOREIGN, LETTER, Room
from veille import checks, library, proofing
from veille.checks import letters, mail_clients, third_parties
from veille.checks.rules import Check, Context, Shown
from veille.errors import Finding, Severity
from veille.publishing import Proof

FOOT = '<p><a href="#">Choisir</a> <a href="#">Se désinscrire</a></p>'


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """A newsroom."""
    return Room(tmp_path)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """A newsroom without content."""
    config = Room(tmp_path_factory.mktemp("context")).config
    return Context(library.load(config), config, NOW)


def look(check: Check, context: Context, html: str, channel: str = "newsletter", **changes: Any) -> list[str]:
    """The codes that one check reports for a letter."""
    proof = Proof(
        heading="Samedi", preheader="Et aussi", html=html, text="Un texte de la lettre.", weight=len(html.encode())
    )
    shown = Shown(channel, "content/posts/velo.md", "fr", replace(proof, **changes))
    assert check.proof
    return [finding.code for finding in check.proof(shown, context)]


# what is loaded, and from where ----


@pytest.mark.parametrize(
    "html",
    [
        f'<img src="{FOREIGN}.png" alt="x">',
        '<img src="//cdn.example.net/x.png" alt="x">',
        f'<img srcset="/a.jpg 1x, {FOREIGN}.jpg 2x" alt="x">',
        f'<table background="{FOREIGN}.png"></table>',
        f"<style>@import '{FOREIGN}.css';</style>",
        f'<style>@font-face {{ src: url("{FOREIGN}.woff2") }}</style>',
        f'<p style="background-image: url({FOREIGN}.png)">x</p>',
        f'<iframe src="{FOREIGN}"></iframe>',
        f'<object data="{FOREIGN}.svg"></object>',
        f'<form action="{FOREIGN}"><input type="image" src="/x.png"></form>',
        f'<meta http-equiv="refresh" content="3; url={FOREIGN}">',
        f'<svg><image xlink:href="{FOREIGN}.png"/></svg>',
        f'<a href="https://example.org" ping="{FOREIGN}">x</a>',
        f'<p>x</p><!--[if mso]><v:fill type="tile" src="{FOREIGN}.png"/><![endif]-->',
    ],
)
def test_everything_that_loads_from_elsewhere_is_found(context: Context, html: str) -> None:
    assert look(third_parties.CHECK, context, html, "web") == ["third-party"]


def test_what_leads_elsewhere_loads_nothing(context: Context) -> None:
    base = context.config.settings.workspace.base_url
    html = (
        f'<head><link rel="canonical" href="{FOREIGN}"><link rel="alternate" href="{FOREIGN}"></head>'
        f'<a href="{FOREIGN}">x</a><img src="{base}/media/x.jpg" width="600" height="200" alt="x">'
        '<img src="../x.jpg" alt=""><blockquote cite="https://example.net">x</blockquote>'
        '<img src="data:image/png;base64,AAAA" alt="" width="20">'
        f'<p style="max-width:100%;width:100%">https://cdn.example.net</p>'
    )
    assert look(third_parties.CHECK, context, html, "web") == []
    assert look(third_parties.CHECK, context, html) == []


@pytest.mark.parametrize(
    "attributes",
    [
        'width="1" height="1"',
        'width="0"',
        'style="width:1px;height:1px"',
        'style="display:none"',
        'style="border:0;opacity:0"',
        "hidden",
    ],
)
def test_pictures_that_nobody_sees(context: Context, attributes: str) -> None:
    base = context.config.settings.workspace.base_url
    assert look(third_parties.CHECK, context, f'<img src="{base}/o.gif" {attributes}>') == ["tracking-pixel"]


def test_pictures_of_one_reader(context: Context) -> None:
    base = context.config.settings.workspace.base_url
    assert look(third_parties.CHECK, context, f'<img src="{base}/o.gif?r=#" alt="x">') == ["reader-picture"]
    assert look(third_parties.CHECK, context, '<td style="background:url(#)">x</td>') == ["reader-picture"]
    assert look(third_parties.CHECK, context, '<td background="#ffd447" style="fill:url(#arrow)">x</td>') == []


def test_a_letter_whose_picture_takes_the_place_of_a_personal_link(room: Room) -> None:
    room.post()
    room.template(
        LETTER, lambda source: source.replace('<a href="{{ preferences }}">', '<img src="{{ preferences }}"><a>')
    )
    codes = {finding.code for finding in room.refusal()}
    assert {"reader-picture", "letter-no-leaving"} <= codes


@pytest.mark.parametrize(
    "href",
    [
        "https://l.facebook.com/l.php?u=https%3A%2F%2Fexample.org",
        "https://www.google.com/url?q=https://example.org",
        "https://eur01.safelinks.protection.outlook.com/?url=x",
        "https://example.us1.list-manage.com/track/click?u=1",
        "https://x1y2.mjt.lu/lnk/abc",
        "https://bit.ly/3xYzAbC",
        "//bit.ly/3xYzAbC",
    ],
)
def test_links_through_a_counter(context: Context, href: str) -> None:
    for channel in ("newsletter", "feed", "web"):
        assert look(third_parties.CHECK, context, f'<a href="{href}">x</a>', channel) == ["link-redirector"]


def test_a_place_of_a_map_may_go_through_a_counter_too(context: Context) -> None:
    html = '<map name="m"><area href="https://x1y2.mjt.lu/lnk/abc" alt="x"></map>'
    assert look(third_parties.CHECK, context, html) == ["link-redirector"]


def test_no_excuse_lets_a_shortener_out(room: Room) -> None:
    room.post(body="[Le programme](https://bit.ly/3xYzAbC)", front="allow: {link-detour: le partenaire y tient}")
    assert {"link-redirector"} == {f.code for f in room.refusal()}
    found = checks.run(library.load(room.config), room.config, NOW)
    assert {"link-detour", "allow-refused"} == {f.code for f in found if f.severity is Severity.ERROR}


@pytest.mark.parametrize(
    "href", ["https://www.google.com/maps", "https://facebook.com/x", "https://notmjt.lu/", "mailto:a@example.org"]
)
def test_links_that_are_what_they_say(context: Context, href: str) -> None:
    assert look(third_parties.CHECK, context, f'<a href="{href}">x</a>') == []


def test_programs_and_files_inside(context: Context) -> None:
    assert look(third_parties.CHECK, context, "<script>x()</script>", "feed") == ["script"]
    assert look(third_parties.CHECK, context, '<a href="javascript:x()">x</a>') == ["script"]
    assert look(third_parties.CHECK, context, "<script>x()</script>", "web") == [], "a page may have its own"
    large = f'<img src="data:image/jpeg;base64,{"A" * 9000}" alt="x">'
    assert look(third_parties.CHECK, context, large) == ["data-content"]
    assert look(third_parties.CHECK, context, '<object data="data:text/html,x"></object>') == ["data-content"]


# the letter ----


def test_a_good_letter(context: Context) -> None:
    assert look(letters.CHECK, context, f"<p>Un texte.</p>{FOOT}") == []


@pytest.mark.parametrize(
    ("weight", "codes"),
    [(80_000, []), (80_001, ["letter-large"]), (100_000, ["letter-large"]), (100_001, ["letter-too-large"])],
)
def test_size(context: Context, weight: int, codes: list[str]) -> None:
    assert look(letters.CHECK, context, FOOT, weight=weight) == codes


def test_text_part(context: Context) -> None:
    letter = f"<style>{'x' * 99}</style><p style='display:none'>{'y' * 99}</p><p>{'mot ' * 100}</p>{FOOT}"
    assert look(letters.CHECK, context, letter, text=" \n") == ["letter-no-text"]
    assert look(letters.CHECK, context, letter, text="mot " * 25) == ["letter-short-text"]
    assert look(letters.CHECK, context, letter, text="mot " * 40) == []


def test_list_of_messages(context: Context) -> None:
    assert look(letters.CHECK, context, FOOT, heading="x" * 60) == []
    assert look(letters.CHECK, context, FOOT, heading="x" * 61) == ["subject-long"]
    assert look(letters.CHECK, context, FOOT, heading=" ") == ["subject-empty"]
    assert look(letters.CHECK, context, FOOT, preheader="") == ["preheader-empty"]


@pytest.mark.parametrize(
    "foot",
    [
        "<p>Rien</p>",
        '<a href="#">Choisir</a><a href="#"> </a>',
        '<a href="#">Choisir</a><!-- <a href="#">Se désinscrire</a> -->',
        '<a href="#">Choisir</a><div style="display: none"><a href="#">Se désinscrire</a></div>',
    ],
)
def test_the_links_for_leaving_are_seen(context: Context, foot: str) -> None:
    assert look(letters.CHECK, context, foot) == ["letter-no-leaving"]


def test_anchors_and_plain_http(context: Context) -> None:
    assert look(letters.CHECK, context, f'<a href="#agenda">Agenda</a>{FOOT}') == ["letter-anchor"]
    assert look(letters.CHECK, context, f'<img src="http://example.org/x.png" alt="">{FOOT}') == ["picture-http"]


def test_a_link_of_a_template_that_is_not_encrypted(room: Room) -> None:
    room.post(body="[Le club](http://club.example.org/)")
    room.template(
        LETTER, lambda source: source.replace("</mj-text>", '<a href="http://ville.example.org/">x</a></mj-text>', 1)
    )
    found = [(f.code, f.file) for f in room.samples()]
    assert found == [("http-link", f"templates/{LETTER}")], "that of the post is told by the check of posts"


def test_letters_only(context: Context) -> None:
    for channel in ("feed", "web"):
        assert look(letters.CHECK, context, "<p>x</p>", channel) == []
        assert look(mail_clients.CHECK, context, '<p style="display:grid">x</p>', channel) == []


# the same finding from several channels ----


def test_once_prefers_the_finding_that_names_its_line() -> None:
    vague = Finding("content/posts/x.md", None, None, "m", None, "c")
    exact, other = replace(vague, line=7), replace(vague, field="image.alt")
    assert proofing.once([vague, exact, other, vague]) == [exact, other]
