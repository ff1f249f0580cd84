"""What a page says: no text becomes code, a sensitive page says little, the help block stands everywhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.public_pages import (
    HELPLINES,
    OWN_SCRIPT,
    context,
    edition,
    newsroom,
    pages,
    picture,
    post,
    publication,
)
from veille.rendering import Contact
from veille_publishers.web import Web


@pytest.fixture
def web(tmp_path: Path) -> Web:
    return Web(context(tmp_path))


ATTACKS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus='alert(1)",
    "</title><script>alert(1)</script>",
    "{{ 7*7 }}{% raw %}",
    "</style><script>alert(1)</script>",
    "javascript:alert(1)",
    " JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
)


ODD_TEXTS = (
    "title",
    "summary",
    "kind_label",
    "date_words",
    "author",
    "origin",
    "when_words",
    "where_words",
    "event_url",
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_becomes_code(web: Web, attack: str) -> None:
    texts = ("name", "label", "href", "detail", "hours", "address", "email", "url", "chat", "sms")
    values: dict[str, Any] = dict.fromkeys(texts, attack)
    contact = Contact(**values)
    shown = dict.fromkeys(ODD_TEXTS, attack)
    pictures = (replace(picture(), alt=attack, credit=attack),)
    lists = {"towns": (attack,), "categories": (attack,), "tags": (attack,)}
    odd = post("a", **shown, **lists, contacts=(contact,), helplines=(contact,), pictures=pictures)
    issue = edition("n", [odd], title=attack, preheader=attack, date_words=attack, helplines=(contact,))
    for name, page in pages(web.build([publication(web, odd), publication(web, issue)])).items():
        assert all(OWN_SCRIPT.fullmatch(script.get("src", "")) for script in page.all("script")), name
        assert not any(a.startswith("on") or a == "autofocus" for _tag, attributes in page.tags for a in attributes), (
            name
        )
        links = [a["href"].strip().lower() for a in page.all("a")]
        assert not [link for link in links if link.startswith(("javascript:", "data:"))], name


def test_a_title_is_never_run_as_a_template(web: Web) -> None:
    page = web.build([publication(web, post("a", title="{{ 7*7 }}"))])["posts/a/index.html"].decode()
    assert "{{ 7*7 }}" in page


def test_a_sensitive_page_is_private_and_says_nothing_in_the_history(web: Web) -> None:
    files = pages(web.build(newsroom(web)))
    sensitive, usual = files["posts/deux-minutes/index.html"], files["posts/velo/index.html"]
    meta = {m["name"]: m["content"] for m in sensitive.all("meta") if "name" in m}
    assert meta["robots"] == "noindex, noarchive"
    assert meta["referrer"] == "no-referrer"
    assert "description" not in meta
    assert sensitive.title == "mardi 24 novembre 2026 – Kess Kis Pass"
    assert not [m for m in sensitive.all("meta") if m.get("property", "").startswith("og:")]
    assert "robots" not in {m.get("name") for m in usual.all("meta")}


def test_an_edition_with_a_sensitive_post_is_not_indexed(web: Web) -> None:
    hidden = edition("a", [post("x", sensitive=True)])
    page = pages(web.build([publication(web, hidden)]))["editions/a/index.html"]
    assert "noindex, noarchive" in [m.get("content") for m in page.all("meta")]


def test_the_help_block_stands_on_every_page(web: Web) -> None:
    for name, page in pages(web.build(newsroom(web))).items():
        targets = [a["href"] for a in page.all("a")]
        assert all(line.href in targets for line in HELPLINES), name


def test_the_help_block_is_the_newest_one(web: Web) -> None:
    new = (replace(HELPLINES[0], label="3018", href="tel:3018"),)
    standing = [publication(web, post("old"), hours=3), publication(web, post("new", helplines=new))]
    for name, content in web.build(standing).items():
        assert not name.endswith(".html") or (b"tel:3018" in content and b"tel:119" not in content), name
