"""The public site as people use it: from the front page to the mailbox, the letter, and out again, in a real browser.

`veille serve` runs in a process of its own behind TLS, mail goes through a real server on loopback.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from tests.support.browser import SCHEME_RULES, chromium, violations
from tests.support.served import BASE, HOST, SECRET, Served, sample_site, served, tls_before
from tests.support.smtp_server import Mail, MailServer, mail_server
from tests.support.workspace import Workspace, wait_until
from veille import tokens
from veille.outbox import schema
from veille.outbox.database import open_database
from veille.tokens import Keys, Purpose
from veille_web.site.fields import Stamps

pytestmark = pytest.mark.browser

EXIT = "https://meteo.example.org/"
SENSITIVE = f"{BASE}/posts/deux-minutes-pour-toi/"
TYPING = 2.1  # seconds: a form that comes back sooner is shown once more
POST = "---\ntitle: Une soupe, {name}\nkind: service\nchannels: [newsletter]\n---\n\nViens comme tu es ({name}).\n"


@dataclass
class Site:
    """Everything that runs."""

    workspace: Workspace
    served: Served
    mail: MailServer
    browser: Any
    asked: list[str] = field(default_factory=list)  # every address that the browser asked for

    def context(self, **options: Any) -> Any:
        """A browser profile of its own, whose every request is written down."""
        made = self.browser.new_context(ignore_https_errors=True, **options)
        made.on("request", lambda request: self.asked.append(request.url))
        made.route(f"{EXIT}**", lambda route: route.fulfill(body="<title>Il fait beau</title>"))
        return made

    def mails(self, address: str) -> list[Mail]:
        return [mail for mail in self.mail.mails if mail.recipient == address]

    def arrived(self, address: str, count: int) -> Mail:
        """The last of so many mails."""
        wait_until(lambda: len(self.mails(address)) >= count)
        assert len(self.mails(address)) == count
        return self.mails(address)[-1]

    def letter(self, name: str) -> None:
        """Publish a post in a letter of its own, which leaves now."""
        self.workspace.write(f"content/posts/{name}.md", POST.format(name=name))
        path = f"content/posts/{name}.md"
        published = self.workspace.veille("publish", path, "--channel", "newsletter", "--at", "now", "--yes")
        assert published.code == 0, published
        ran = self.workspace.veille("run", "--once")
        assert ran.code == 0, ran

    def known(self, address: str) -> int:
        """A reader who is there already."""
        self.workspace.subscribe(address)
        return int(self.reader(address)["id"])

    def reader(self, address: str) -> Any:
        """Who receives the letter under this address; None: nobody."""
        database = open_database("sqlite:///outbox/outbox.sqlite3", self.workspace.root)
        with database.read() as connection:
            mine = schema.subscriber.c.email == address, schema.subscriber.c.state == "subscribed"
            found = connection.execute(sa.select(schema.subscriber).where(*mine)).mappings().one_or_none()
        database.close()
        return found

    def ask(self, address: str) -> int:
        """Ask for the letter, and wait for the mail. Returns the number that its link names."""
        assert self.served.ask("/subscribe/", {"email": address, "stamp": self.stamp}).status == 200
        token = link_in(self.arrived(address, 1), "c").rpartition("/")[2]
        number = tokens.read(self.keys, Purpose.CONFIRM, token)
        assert number
        return number

    @property
    def stamp(self) -> str:
        """Of a form that was shown a while ago."""
        return Stamps(self.keys.derive("form"), timedelta(hours=1)).make(datetime.now(UTC) - timedelta(seconds=9))

    @property
    def keys(self) -> Keys:
        return tokens.load_keys(self.workspace.root / "none", SECRET)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("site")
    with ExitStack() as stack:
        mail = stack.enter_context(mail_server())
        workspace = sample_site(root / "room", VEILLE_WEB__EXIT_URL=EXIT)
        smtp = {"TRANSPORT": "smtp", "SMTP_URL": mail.url(), "SEND_WINDOW": ""}
        workspace.env |= {f"VEILLE_NEWSLETTER__{name}": value for name, value in smtp.items()}
        workspace.env["VEILLE_SERVE__PER_CLIENT"] = "1000/h"
        running = stack.enter_context(served(workspace))
        front = stack.enter_context(tls_before(running.port, root))
        browser = stack.enter_context(chromium(f"--host-resolver-rules=MAP {HOST}:443 127.0.0.1:{front}"))
        made = Site(workspace, running, mail, browser)
        yield made
        # What holds for every test here, whatever it did.
        assert {urlsplit(url).hostname for url in made.asked} <= {HOST, urlsplit(EXIT).hostname}
        assert [url for url in made.asked if "@" in url or "%40" in url] == []
        assert [line for line in running.said if "@" in line] == []


def link_in(mail: Mail, folder: str) -> str:
    """The address of a page in the text of a mail."""
    part = mail.message.get_body(("plain",))
    assert part
    found = set(re.findall(rf"{BASE}/{folder}/\S+", part.get_content()))
    assert len(found) == 1, found
    return str(found.pop())


def one_click(site: Site, mail: Mail) -> int:
    """What the program of a mail provider does (RFC 8058, 3.2): the status."""
    assert mail.header("List-Unsubscribe-Post") == b"List-Unsubscribe=One-Click"
    link = re.match(rb"<(https://[^>]+)>", mail.header("List-Unsubscribe"))
    assert link
    path = link[1].decode().removeprefix(BASE)
    page = site.served.ask(path, {"List-Unsubscribe": "One-Click"}, User_Agent="Mail provider")
    assert "set-cookie" not in page.headers
    return page.status


def subscribed(site: Site, page: Any, address: str) -> None:
    """From the front page to the page that says: you are subscribed."""
    page.goto(f"{BASE}/")
    page.click(f'a[href="{BASE}/subscribe/"] >> nth=0')
    page.fill("input[name=email]", address)
    time.sleep(TYPING)
    page.click("main button")
    assert page.url == f"{BASE}/subscribe/"
    assert address not in page.content()
    page.goto(link_in(site.arrived(address, 1), "c"))
    assert site.reader(address) is None  # opening the link is not pressing the button
    page.click("main button")
    assert site.reader(address) is not None


@pytest.mark.parametrize("script", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_from_the_front_page_to_the_letter_and_out_again(site: Site, script: bool) -> None:
    name = "scripted" if script else "plain"
    address = f"amel.{name}@example.net"
    context = site.context(java_script_enabled=script)
    page = context.new_page()
    subscribed(site, page, address)
    assert page.locator("main a[href*='/p/']").count() == 1
    site.letter(f"premier-{name}")
    first = site.arrived(address, 2)
    page.goto(link_in(first, "u"))  # as a scanner of mail does too: nothing happens
    assert site.reader(address) is not None
    assert [one_click(site, first) for _time in range(2)] == [200, 200]
    site.letter(f"second-{name}")
    assert len(site.mails(address)) == 2
    assert context.cookies() == []
    context.close()


def tab_to(page: Any, selector: str) -> None:
    """Press Tab until this element has the focus."""
    for _press in range(60):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {selector}")


def test_choices_by_keyboard_then_everything_as_a_file_then_nothing_left(site: Site) -> None:
    address = "nour.clavier@example.net"
    reader = site.known(address)
    context = site.context()
    page = context.new_page()
    page.goto(f"{BASE}/p/{tokens.make(site.keys, Purpose.PREFERENCES, reader)}")
    assert address not in page.content()
    for box in ("[name=towns][value=bagneux]", "[name=text_only]"):
        tab_to(page, box)
        page.keyboard.press("Space")
    tab_to(page, "main form:first-of-type button")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=status]")
    assert page.is_checked("[name=towns][value=bagneux]")
    chosen = site.reader(address)
    assert (chosen["towns"], chosen["text_only"]) == ("bagneux", 1)
    tab_to(page, "form[action$='/export'] button")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    held = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert (held["reader"]["email"], held["reader"]["towns"]) == (address, ["bagneux"])
    assert traces(site.workspace, address) != []
    tab_to(page, "form[action$='/erase'] button")
    page.keyboard.press("Enter")
    page.wait_for_selector("input[name=sure]", state="attached")
    assert site.reader(address) is not None
    tab_to(page, "main button")
    page.keyboard.press("Enter")
    page.wait_for_function("() => !document.querySelector('main form')")
    assert traces(site.workspace, address) == []
    assert context.cookies() == []
    context.close()


def traces(workspace: Workspace, address: str) -> list[Path]:
    """Files of the outbox, the database and its log among them, whose bytes hold an address."""
    files = [path for path in (workspace.root / "outbox").rglob("*") if path.is_file()]
    return [path for path in files if address.encode() in path.read_bytes().lower()]


@pytest.mark.parametrize("way", [pytest.param(way, marks=pytest.mark.soak) for way in ("click", "link")] + ["Shift"])
def test_leaving_a_sensitive_page_leaves_nothing_behind(site: Site, way: str) -> None:
    context = site.context(java_script_enabled=way != "link")
    page = context.new_page()
    page.goto(f"{BASE}/")
    page.goto(SENSITIVE)
    referrers: list[str | None] = []
    page.on("request", lambda request: referrers.append(request.headers.get("referer")))
    if way == "Shift":
        for _press in range(3):
            page.keyboard.press("Shift")
    else:
        page.click("[data-exit=main]")
    page.wait_for_url(EXIT)
    assert page.title() == "Il fait beau"
    assert referrers[0] is None
    page.go_back()
    assert page.url == (SENSITIVE if way == "link" else f"{BASE}/")  # without script the history is as it was
    context.close()


# Playwright asks nothing of a page that is about to be left, so the page itself tells what is seen at that moment.
COVERED = """addEventListener('DOMContentLoaded', () => new MutationObserver(() => {
    const cover = document.querySelector('.exit-cover');
    const {x, y, width, height} = cover.getBoundingClientRect();
    const top = document.elementFromPoint(200, 200) === cover;
    console.log(JSON.stringify([x, y, width, height, top, document.title]));
}).observe(document.body, {childList: true}))"""


def test_the_page_is_covered_before_the_other_one_answers(site: Site) -> None:
    context = site.context(viewport={"width": 1000, "height": 700})
    context.unroute(f"{EXIT}**")
    waiting: list[Any] = []
    context.route(f"{EXIT}**", lambda route: waiting.append(route))  # it never answers
    context.add_init_script(COVERED)
    page = context.new_page()
    page.goto(SENSITIVE)
    with page.expect_console_message() as told:
        page.click("[data-exit=main]", no_wait_after=True)
    *seen, title = json.loads(told.value.text)
    assert seen == [0, 0, 1000, 700, True]
    assert "deux minutes" not in title.lower()
    context.close()


def kinds_of_pages(site: Site, address: str) -> dict[str, str]:
    """Every kind of page that answers to GET."""
    reader, keys = site.known(address), site.keys
    own = f"{BASE}/p/{tokens.make(keys, Purpose.PREFERENCES, reader)}"
    confirm = f"{BASE}/c/{tokens.make(keys, Purpose.CONFIRM, site.ask(f'open.{address}'))}"
    return {
        "subscribe": f"{BASE}/subscribe/",
        "preferences": own,
        "confirm": confirm,
        "erase": f"{own}/erase",
        "leave": f"{BASE}/u/{tokens.make(keys, Purpose.UNSUBSCRIBE, reader)}",
        "damaged link": confirm[:-1],
        "nothing here": f"{BASE}/nothing/",
        "sensitive": SENSITIVE,
        "contacts": f"{BASE}/contacts/",
        "search": f"{BASE}/search/",
        "events": f"{BASE}/events/",
        "privacy": f"{BASE}/privacy/",
    }


def press(page: Any, selector: str = "main button") -> None:
    """Press a button, and wait until the next page stands with its style."""
    with page.expect_navigation():
        page.click(selector)


def answers_to_forms(site: Site, page: Any, urls: dict[str, str]) -> Iterator[str]:
    """Every kind of page that comes after a button, one after the other in the page given; says which."""
    page.goto(urls["subscribe"])
    page.fill("input[name=email]", "zoe.vite@example.net")
    press(page)
    yield "too quick"
    for name, address in (("something is missing", "zoe@"), ("asked", "zoe.vite@example.net")):
        page.evaluate("stamp => document.querySelector('[name=stamp]').value = stamp", site.stamp)
        page.evaluate("document.querySelector('form[method=post]').noValidate = true")
        page.fill("input[name=email]", address)
        press(page)
        yield name
    for name in ("confirm", "preferences", "leave", "preferences of whoever left", "erase"):
        page.goto(urls[name.partition(" ")[0]])
        if "whoever left" not in name:
            press(page, "main form >> nth=0 >> button")
        yield f"after {name}"
    page.goto(urls["preferences"])
    yield "erased before"


def unbroken(page: Any, name: str, width: int, scheme: str) -> None:
    """Nothing that axe knows, and nothing to scroll sideways."""
    assert violations(page, only=SCHEME_RULES if scheme == "dark" else ()) == [], name
    assert page.evaluate("document.documentElement.scrollWidth") <= width, name


def test_nothing_that_axe_knows_is_broken_on_the_pages_with_most_fields(site: Site) -> None:
    context = site.context(viewport={"width": 320, "height": 800})
    page = context.new_page()
    for name in ("subscribe", "preferences"):
        reader = site.known("axe@example.net")
        url = f"/p/{tokens.make(site.keys, Purpose.PREFERENCES, reader)}" if name == "preferences" else "/subscribe/"
        page.goto(BASE + url)
        unbroken(page, name, 320, "light")
    context.close()


@pytest.mark.soak
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_that_axe_knows_is_broken_on_any_kind_of_page(site: Site, width: int, scheme: str) -> None:
    context = site.context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    urls = kinds_of_pages(site, f"axe{width}{scheme}@example.net")
    for name, url in urls.items():
        page.goto(url)
        unbroken(page, name, width, scheme)
    for name in answers_to_forms(site, page, urls):
        unbroken(page, name, width, scheme)
    context.close()
