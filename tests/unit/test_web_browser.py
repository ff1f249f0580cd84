"""The pages as a browser lays them out: narrow screens, both schemes, large targets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import chromium
from tests.support.public_pages import Ledger, context, delivery, edition, picture, post, publication
from veille.rendering import Contact
from veille_publishers.web import Web

pytestmark = pytest.mark.browser

LONG = "Anticonstitutionnellement-hypopotomonstrosesquippedaliophobie-et-compagnie"
OVERFLOW = "document.documentElement.scrollWidth"
SMALL_TARGETS = """[...document.querySelectorAll('nav a, .button, .number, .bottom a, .brand, .teaser .tag')]
    .map(e => [e.getBoundingClientRect().height + 2 * parseFloat(getComputedStyle(e).marginTop), e.textContent])
    .filter(([height, words]) => height > 0 && height < 43.5)"""
# How far the text starts from its headline: to the right of it, and below it.
GAPS = """[...document.querySelectorAll('.post, .number-item')].filter(e => e.querySelector('.body')).map(e => {
    const [head, body] = ['header, h3', '.body'].map(css => e.querySelector(css).getBoundingClientRect())
    return [body.left - head.left, body.top - head.bottom]})"""
FONT = "document.fonts.ready.then(() => [...document.fonts].filter(f => f.status == 'loaded').map(f => f.family))"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as made:
        yield made


@pytest.fixture
def site(tmp_path: Path) -> Path:
    web = Web(context(tmp_path))
    contact = Contact(LONG, "01 99 00 12 34", "tel:+33199001234", email=f"{LONG.lower()}@example.org")
    long = post("long", title=LONG, summary=LONG, when_words=LONG, where_words=LONG, contacts=(contact,),
                html=f"<p>{LONG}</p><pre>{LONG * 3}</pre><table><tr><td>{LONG}</td><td>{LONG}</td></tr></table>",
                event_url="https://forum.example.org/", pictures=(picture(),), towns=("Bagneux",))  # fmt: skip
    issue = edition(posts=[long, post("b")])
    standing = [publication(web, long), publication(web, post("b"), hours=1), publication(web, issue)]
    web.deliver([delivery(p) for p in standing], Ledger(standing))
    return web.folder


PAGES = ("index.html", "posts/long/index.html", "editions/2026-11-27/index.html", "contacts/index.html", "404.html")


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (320, "light"),
        (1280, "dark"),
        *(
            pytest.param(width, scheme, marks=pytest.mark.soak)
            for width, scheme in ((320, "dark"), (600, "light"), (600, "dark"), (1280, "light"))
        ),
    ],
)
def test_laid_out(browser: Any, site: Path, width: int, scheme: str) -> None:
    page = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme).new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for name in PAGES:
        page.goto((site / name).as_uri())
        assert page.evaluate(OVERFLOW) <= width, name
        assert page.evaluate(SMALL_TARGETS) == [], name
        assert page.evaluate(FONT) == ["Lexend"], name
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 19, 31)"
        assert dark == (scheme == "dark"), name
    assert all(url.startswith("file:") for url in asked)
    page.context.close()


def test_a_text_stands_under_its_headline_with_and_without_anything_beside_it(browser: Any, site: Path) -> None:
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    gaps = []
    for name in ("posts/long/index.html", "posts/b/index.html", "editions/2026-11-27/index.html"):
        page.goto((site / name).as_uri())
        gaps += page.evaluate(GAPS)
    assert len(gaps) == 4
    assert all(right == 0 and below >= 8 for right, below in gaps), gaps
    page.context.close()


def test_the_keyboard_reaches_the_text_first(browser: Any, site: Path) -> None:
    page = browser.new_page()
    page.goto((site / "index.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.close()
