"""The letter against what mail programs drop: caniemail's data, cut down, and a reviewed list of what nobody misses."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from veille.checks import mail_clients
from veille.checks.mail_clients import usage

DATA = Path(mail_clients.__file__).parents[1] / "data"


def slugs(html: str) -> list[str]:
    return [feature.slug for feature, _words in mail_clients.dropped(html)]


def told(html: str) -> list[tuple[str, str]]:
    return [(mail_clients.programs(feature), words) for feature, words in mail_clients.dropped(html)]


@pytest.mark.parametrize(
    ("html", "slug"),
    [
        ('<div style="display:grid">x</div>', "css-display-grid"),
        ('<div style="display: FLEX !important">x</div>', "css-display-flex"),
        ('<p style="position:absolute">x</p>', "css-position"),
        ('<p style="margin:var(--gap)">x</p>', "css-variables"),
        ('<p style="font-size:1.2rem">x</p>', "css-unit-rem"),
        ('<p style="width:calc(100% - 4px)">x</p>', "css-unit-calc"),
        ('<p style="background:linear-gradient(red, blue)">x</p>', "css-linear-gradient"),
        ('<td style="background-image:url(x.png)">x</td>', "css-background-image"),
        ("<style>@font-face { font-family: X; src: url(x) }</style>", "css-at-font-face"),
        ("<style>@import 'x.css';</style>", "css-at-import"),
        ("<style>a:hover { color: red }</style>", "css-pseudo-class-hover"),
        ("<style>.a > .b { color: red }</style>", "css-selector-child"),
        ("<svg></svg>", "html-svg"),
        ('<form><input type="checkbox"></form>', "html-input-checkbox"),
        ("<section>x</section>", "html-semantics"),
        ('<img src="a.webp" alt="">', "image-webp"),
        ('<img src="data:image/png;base64,AA" alt="">', "image-base64"),
        ('<img src="a.jpg" srcset="b.jpg 2x" alt="">', "html-srcset"),
    ],
)
def test_what_some_program_drops_is_found(html: str, slug: str) -> None:
    assert slug in slugs(html)


@pytest.mark.parametrize(
    "html",
    [
        '<table role="presentation" style="color:red;padding:4px 8px"><tr><td align="left">x</td></tr></table>',
        '<p style="border-radius:10px">x</p>',
        "<style>@media (max-width: 480px) { .a > .b { display: grid; position: fixed } }</style>",
        "<!--[if mso]><style>p { position: absolute }</style><![endif]--><p>x</p>",
        "<style>/* a:hover { display: grid } */ p { color: red }</style>",
        '<p style="mso-line-height-rule: exactly; -webkit-text-size-adjust: none">x</p>',
        '<img src="a.jpg" alt=""><a href="mailto:a@example.org">x</a>',
    ],
)
def test_what_is_known_or_harmless_or_for_outlook_alone(html: str) -> None:
    assert slugs(html) == []


def test_a_feature_is_told_once_with_its_programs() -> None:
    html = '<p style="display:grid">x</p>' * 3
    assert told(html) == [
        ("Orange, Gmail (Android, Desktop Webmail, iOS), Outlook (Android, iOS, Windows)", "display: grid")
    ]


def test_what_classic_outlook_does_not_read_is_not_held_against_it() -> None:
    inside = '<p style="background-repeat:no-repeat">x</p>'
    assert told(inside) == [("Outlook (Windows)", "background-repeat")]
    assert told(f"<!--[if !mso]><!-->{inside}<!--<![endif]-->") == []
    assert told(f"<!--[if !mso]><!-->{inside}<!--<![endif]-->{inside}") != []


def test_rules_are_read_as_they_nest() -> None:
    css = "@media (a) { p { x: y } q { z: 1 } } .last{float:left}@import 'x';"
    assert [prelude for prelude, _inside in usage._rules(css)] == ["@media (a)", ".last", "@import 'x'"]
    assert list(usage._rules("p { color: red")) == [("p", " color: red")], "a brace that nobody closed"


def test_the_reviewed_list_names_features_and_reasons() -> None:
    known = json.loads((DATA / "caniemail.json").read_text(encoding="utf-8"))["features"]
    harmless = tomllib.loads((DATA / "mail_clients.toml").read_text(encoding="utf-8"))["harmless"]
    assert set(harmless) <= set(known)
    assert all(len(reason) > 20 for reason in harmless.values())
    assert not set(harmless) & {feature.slug for feature in mail_clients.features()}


def test_the_data_is_small_dated_and_has_its_notice() -> None:
    text = (DATA / "caniemail.json").read_text(encoding="utf-8")
    data, notice = json.loads(text), (DATA / "caniemail.NOTICE.txt").read_text(encoding="utf-8")
    assert len(text.encode()) < 120_000
    assert data["date"] == "2025-09-09"
    assert len(data["features"]) > 200
    assert set(data["families"]) == {"orange", "laposte", "sfr", "free-fr", "gmail", "outlook"}
    for words in ("hteumeuleu/caniemail", "npm package caniemail 1.0.5", "9 September 2025", "MIT License"):
        assert words in notice
