"""Nothing that axe knows of WCAG is broken: the letter, every kind of public page, and the previews, in Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import NOT_IN_A_LETTER, SCHEME_RULES, chromium, violations, write_pages
from tests.support.public_pages import Ledger, context, delivery, picture, post, publication
from tests.unit.test_site_pages import directory
from veille import config as settings
from veille import i18n
from veille_publishers.web import Web
from veille_web.preview import Preview

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
LETTERS = ("editions/lettre-12/letter.html", "posts/deux-minutes-pour-toi/letter.html")
# A page of text alone (privacy) stands for its like; every page is in the long suite below.
PAGES = (
    LETTERS[0],
    "site/index.html",
    "site/posts/deux-minutes-pour-toi/index.html",  # sensitive
    "site/editions/lettre-12/index.html",
    "site/editions/index.html",
    "site/kinds/service/index.html",
    "gone/contacts/index.html",
    "gone/contacts/bagneux/index.html",
    "site/events/index.html",
    "site/search/index.html",
    "site/privacy/index.html",
    "site/404.html",
    "gone/posts/b/index.html",
    "gone/posts/a/index.html",  # a table, code, several pictures with credits
    "index.html",  # of the preview
    "posts/colis-du-jeudi/feed.html",
)
ESSENTIAL = (LETTERS[0], "site/posts/caravane-des-droits/index.html", "posts/colis-du-jeudi/index.html")
RICH = (
    "<p>Texte.</p><h2>Jours</h2><table><thead><tr><th scope='col'>Jour</th></tr></thead><tbody><tr><td>Mardi</td></tr>"
    "</tbody></table><pre><code>code</code></pre><blockquote><p>Un mot</p><p>Une voisine</p></blockquote><hr>"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample newsroom as the preview builds it, in French, and a site with a page that is no longer current."""
    root = tmp_path_factory.mktemp("axe").resolve()
    shutil.copy(ROOT / "veille.toml", root / "veille.toml")
    shutil.copytree(ROOT / "content", root / "content")
    with i18n.speaking("fr"):
        pages = Preview(lambda: datetime(2026, 11, 25, 8, 0, tzinfo=UTC)).build(settings.load(root, {}))
        write_pages(root / "pages", dict(pages))
        web = Web(context(root / "gone"))
        rich = post("a", html=RICH, pictures=(picture(), picture("blue", "Une cour")), towns=("Bagneux",))
        standing = [publication(web, rich), publication(web, post("b"), hours=1, withdrawn=True)]
        standing.append(publication(web, directory()))
        web.deliver([delivery(one) for one in standing], Ledger(standing))
    shutil.copytree(web.folder, root / "pages/gone")
    return root / "pages"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as made:
        yield made


def opened(browser: Any, width: int, scheme: str) -> Any:
    return browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme).new_page()


def test_no_kind_of_page_breaks_a_rule(browser: Any, folder: Path) -> None:
    page = opened(browser, 320, "light")
    for name in PAGES:
        page.goto((folder / name).as_uri())
        assert violations(page, without=NOT_IN_A_LETTER if name in LETTERS else ()) == [], name
    page.context.close()


def test_colours_hold_in_the_dark(browser: Any, folder: Path) -> None:
    page = opened(browser, 1280, "dark")
    for name in ESSENTIAL:
        page.goto((folder / name).as_uri())
        assert violations(page, only=SCHEME_RULES) == [], name
    page.context.close()


def test_axe_sees_what_is_broken(browser: Any) -> None:
    page = opened(browser, 320, "light")
    page.set_content("<html><body><main><img src='a.jpg'><p style='color:#aaa'>Pâle</p></main></body></html>")
    broken = " ".join(violations(page))
    assert {rule for rule in ("html-has-lang", "image-alt", "color-contrast") if rule in broken} == {
        *("html-has-lang", "image-alt", "color-contrast")
    }
    page.context.close()


@pytest.mark.soak
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_every_page_at_every_width_in_both_schemes(browser: Any, folder: Path, width: int, scheme: str) -> None:
    page = opened(browser, width, scheme)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html"))
    assert len(names) > 80
    for name in names:
        page.goto((folder / name).as_uri())
        without = NOT_IN_A_LETTER if name.endswith("letter.html") else ()
        assert violations(page, without=without, only=SCHEME_RULES if scheme == "dark" else ()) == [], name
    page.context.close()
