"""The site in a real Chromium, over HTTP: leaving at once, searching, calling in two taps; with and without script."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import chromium, write_pages
from tests.support.public_pages import context, post, publication
from tests.unit.test_site_pages import directory
from veille.rendering import Contact, Entry
from veille_publishers.web import Web

pytestmark = pytest.mark.browser

SECRET = "posts/secret/"
PAGES = ("contacts/", "contacts/food/", "events/", "search/", "accessibility/", "privacy/", "discreet/")
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'"


class _Strict(SimpleHTTPRequestHandler):
    """Serves as strictly as `veille serve`: nothing inline may run."""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a site with a sensitive post."""
    root = tmp_path_factory.mktemp("site")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Strict, directory=str(root / "pages")))
    address = f"http://127.0.0.1:{server.server_address[1]}"
    (root / "pages").mkdir()
    # "folder": addresses as a server shows them.
    sections = {"transport": "folder", "output": "public", "exit_url": f"{address}/meteo.html"}
    web = Web(context(root, web=sections))
    sources: list[Any] = [
        post("secret", sensitive=True, title="Violences", text="Des coups."),
        post("velo", title="Une bourse aux vélos d’été", text="Un cœur gros comme ça."),
        post("radio", title="La radio", kind="news", kind_label="Actu", towns=("Bagneux",)),
        directory(),
    ]
    pieces = web.pieces([publication(web, source, hours=n) for n, source in enumerate(sources)])
    write_pages(root / "pages", {piece.name: piece.make() for piece in pieces})
    (root / "pages/meteo.html").write_text("<title>Il fait beau</title><h1>Il fait beau</h1>", encoding="utf-8")
    (root / "pages/favicon.ico").write_bytes(b"")  # asked for by a browser on a page that names none
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield address
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def phone(browser: Any) -> Iterator[Any]:
    made = browser.new_context(viewport={"width": 320, "height": 640})
    yield made
    made.close()


@pytest.fixture
def page(phone: Any) -> Iterator[Any]:
    made = phone.new_page()
    errors: list[str] = []
    made.on("pageerror", lambda error: errors.append(str(error)))
    made.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    yield made
    made.close()
    assert errors == []


def test_the_button_stays_in_sight_and_leaves_for_good(page: Any, base: str) -> None:
    page.goto(f"{base}/")
    page.goto(f"{base}/{SECRET}")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    box = page.locator(".exit-button").bounding_box()
    assert 0 <= box["y"] < 64
    assert box["height"] >= 44
    assert page.locator(".exit-button").inner_text().split("\n")[-1].strip().endswith("Leave this site")
    page.click(".exit-button")
    page.wait_for_url("**/meteo.html")
    page.go_back()
    assert page.url == f"{base}/"  # the page is not behind the other one


def test_the_page_is_blank_before_the_other_one_answers(page: Any, base: str) -> None:
    page.route("**/meteo.html", lambda route: route.fulfill(status=204))  # never shows anything
    page.goto(f"{base}/{SECRET}")
    page.click(".exit-button", no_wait_after=True)
    page.wait_for_selector(".exit-cover")
    seen = "[...document.body.children].filter(e => e.getClientRects().length).map(e => e.className)"
    assert page.evaluate(seen) == ["exit-cover"]
    assert page.title() == "Leaving."
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.exit-cover')).backgroundColor") == "rgb(255, 255, 255)"
    )


def test_shift_three_times_leaves(page: Any, base: str) -> None:
    page.goto(f"{base}/{SECRET}")
    said = page.locator(".exit [role=status]")
    page.keyboard.press("Shift")
    assert said.text_content() == "Shift: press 2 more times to leave."
    page.keyboard.press("Shift")
    assert said.text_content() == "Shift: press 1 more time to leave."
    assert page.locator(".exit-dots").text_content() == " ●●○"
    page.keyboard.press("Shift")
    page.wait_for_url("**/meteo.html")


def test_shift_counts_only_alone_and_within_five_seconds(browser: Any, base: str) -> None:
    page = browser.new_page()
    page.clock.install()
    page.goto(f"{base}/{SECRET}")
    said = page.locator(".exit [role=status]")
    page.keyboard.press("Shift+A")
    assert said.text_content() == ""
    page.keyboard.press("Shift")
    page.keyboard.press("Shift")
    page.clock.run_for(5_100)
    assert said.text_content() == "Nothing happened: Shift was not pressed three times."
    page.keyboard.press("Shift")
    assert said.text_content() == "Shift: press 2 more times to leave."
    page.keyboard.press("a")
    page.keyboard.press("Shift")
    page.keyboard.press("Shift")
    assert page.url == f"{base}/{SECRET}"
    page.close()


def test_the_second_link_is_the_second_thing_on_the_page(page: Any, base: str) -> None:
    page.goto(f"{base}/{SECRET}")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Leave this site now"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.keyboard.press("Enter")
    page.wait_for_url("**/meteo.html")


def test_without_script_everything_still_leads_somewhere(browser: Any, base: str) -> None:
    around = browser.new_context(java_script_enabled=False)
    page = around.new_page()
    page.goto(f"{base}/{SECRET}")
    page.click(".exit-button")
    page.wait_for_url("**/meteo.html")
    page.goto(f"{base}/search/")
    assert not page.locator("form").is_visible()
    page.click("text=Une bourse aux vélos")
    assert page.url == f"{base}/posts/velo/"
    around.close()


def test_search_folds_accents_and_finds_beginnings(page: Any, base: str) -> None:
    with page.expect_response("**/search.json"):
        page.goto(f"{base}/search/")
    hrefs = "[...document.querySelectorAll('.results a')].map(link => link.getAttribute('href')).join(' ')"
    said = "document.querySelector('.found').textContent"
    for typed, expected in (("VELO ete", "velo"), ("bagn", "radio"), ("coups", ""), ("coeu", "velo"), ("viol", "")):
        page.fill("#words", typed)
        link = f"../posts/{expected}/" if expected else ""
        words = "1 post found." if expected else "Nothing found. Try another word, or fewer letters."
        page.wait_for_function(
            f"([link, words]) => {hrefs} === link && {said} === words", arg=[link, words], timeout=5000
        )
    assert page.locator(".found").get_attribute("role") == "status"
    assert not page.locator(".everything").is_visible()
    page.fill("#words", "")
    page.wait_for_selector(".everything", state="visible")


@pytest.mark.soak
def test_search_works_in_a_folder_too(browser: Any, tmp_path: Path) -> None:
    web = Web(context(tmp_path))
    pieces = web.pieces([publication(web, post("velo", title="À vélo"))])
    write_pages(tmp_path / "site", {piece.name: piece.make() for piece in pieces})
    page = browser.new_page()
    page.goto((tmp_path / "site/search/index.html").as_uri())
    page.fill("#words", "velo")
    page.click(".results a")
    assert page.title().startswith("À vélo")
    page.close()


def test_a_number_is_two_taps_from_the_front_page(page: Any, base: str) -> None:
    page.goto(f"{base}/")
    page.click("text=Rights and paperwork")
    page.wait_for_url("**/contacts/#rights")
    call = page.locator("#rights a.number")
    assert call.get_attribute("href") == "tel:0199001011"
    box = call.bounding_box()
    assert 0 <= box["y"] < 640  # in sight, nothing to scroll
    assert box["height"] >= 44


@pytest.mark.soak
def test_new_pages_fit_a_small_phone(page: Any, base: str) -> None:
    targets = "main .chips a, main .number, .exit-button, .button, main .plain a, .date-file"
    small = f"""[...document.querySelectorAll('{targets}')].filter(e => e.getClientRects().length
        && e.getBoundingClientRect().height < 43.5).map(e => e.textContent)"""
    for path in PAGES:
        page.goto(f"{base}/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
        assert page.evaluate(small) == [], path


def test_the_list_of_a_town_prints_on_two_sheets(browser: Any, tmp_path: Path) -> None:
    """As many partners as three towns share, every fourth with all that a record may say, and the emergency numbers."""
    full = Contact(
        "Accueil et écoute La Veilleuse", "01\u00a099\u00a000\u00a051\u00a040", "tel:0199005140",
        "Une équipe qui aide à trouver un lit pour la nuit, puis un logement plus stable.",
        "Du lundi au vendredi, de 9 h à 12 h et de 13 h 30 à 17 h", "3 allée de la Maquette, 92220 Bagneux",
        "accueil@laveilleuse.example.org", "https://laveilleuse.example.org", sms="06\u00a039\u00a098\u00a051\u00a040",
        languages="arabe, portugais, langue des signes française", accessible=True,
    )  # fmt: skip
    short = replace(full, sms="", languages="", accessible=None)
    towns = ("Bagneux", "Bourg-la-Reine", "Fontenay-aux-Roses")
    records = [full if n % 4 == 0 else short for n in range(16)]
    partners = [
        Entry(f"partner:{n}", one, "0199005140", town_names=towns, verified_words="mercredi 18 novembre 2026")
        for n, one in enumerate(records)
    ]
    line = Contact("Allô Enfance en danger", "119", "tel:119", "Pour les enfants, les jeunes, et qui s’inquiète.",
                   "24 h/24, 7 j/7", free=True, chat="https://allo.example.org/")  # fmt: skip
    web = Web(context(tmp_path))
    pieces = web.pieces([publication(web, directory(*partners, helplines=(line,) * 8))])
    write_pages(tmp_path, {piece.name: piece.make() for piece in pieces})
    page = browser.new_page()
    page.goto((tmp_path / "contacts/bagneux/index.html").as_uri())
    page.emulate_media(media="print")
    assert page.locator(".cards > li").count() == 16
    assert not page.locator(".subscribe").is_visible()
    assert page.locator('a[href="tel:119"]').first.is_visible()
    assert page.pdf(format="A4").count(b"/Type /Page\n") == 2
    page.close()
