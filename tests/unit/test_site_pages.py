"""The directory as a publication, its pages and its JSON; the exit button; the pages that the law asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.content import PARTNER
from tests.support.desk import Desk
from tests.support.public_pages import context, edition, post, publication
from veille.blocking import keeping_broken_records
from veille.errors import Finding
from veille.outbox import schema
from veille.outbox.queue import Change
from veille.rendering import Contact, Entry, RenderedDirectory
from veille.signup import signups
from veille_publishers.web import Web

LINE = Entry(
    "helpline:119", Contact("Allô enfance", "119", "tel:119", "Enfants", free=True), phone="119", emergency=True
)
OTHER = Entry("helpline:18", Contact("Pompiers", "18", "tel:18", "Pour un feu."), phone="18")
CCAS = Entry(
    "partner:ccas", Contact("CCAS", "01\u00a099\u00a000\u00a010\u00a011", "tel:0199001011", hours="9 h à 17 h"),
    phone="0199001011", needs=("food", "rights"), towns=("bagneux",), town_names=("Bagneux",), verified_on="2026-11-03",
)  # fmt: skip
EVERYWHERE = Entry(
    "partner:caravane", Contact("Caravane", "01 99 00 94 41", "tel:0199009441"), phone="0199009441", needs=("health",)
)


def directory(*partners: Entry, **values: Any) -> RenderedDirectory:
    return RenderedDirectory(
        **{
            "source": "contacts", "slug": "contacts", "title": "Qui appeler ?", "lang": "fr",
            "url": "https://lettre.example.org/contacts/", "partners": partners or (CCAS, EVERYWHERE),
            "lines": (LINE, OTHER), "helplines": (LINE.contact,), "updated": "2026-11-20",
            "updated_words": "vendredi 20 novembre 2026", **values,
        }
    )  # fmt: skip


def build(root: Path, *sources: Any, **sections: Any) -> dict[str, str]:
    web = Web(context(root, **sections))
    standing = [publication(web, source, hours=n) for n, source in enumerate(sources)]
    files = {piece.name: piece.make() for piece in web.pieces(standing)}
    return {name: made.decode() for name, made in files.items() if not name.endswith((".jpg", ".woff2"))}


# ---- the directory as a publication


NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
RECORD = "content/partners/ccas-bagneux.yaml"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path, NOW)
    yield made
    made.ledger.database.close()


def contacts(desk: Desk, *paths: Path) -> tuple[Change, RenderedDirectory] | None:
    """What `publish` does with the directory, and queues."""
    prepared = desk.publish(*paths, directory=True)
    line = next((one for one in prepared.lines if one.owed.directory), None)
    if line is None:
        return None
    entry = next(one for one in desk.ledger.queue.all() if one.kind == "directory")
    assert (entry.source, entry.channel, entry.occurrence) == ("contacts", "web", "directory")
    return line.change, RenderedDirectory.from_json(desk.ledger.queue.stored(entry.id).payload["item"])


def edit(desk: Desk, old: str, new: str) -> None:
    path = desk.root / RECORD
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_publish_queues_the_directory_once_and_again_when_a_record_changes(desk: Desk) -> None:
    desk.post("a")
    first = contacts(desk)
    assert first is not None
    assert first[0] is Change.NEW
    desk.run()
    again = contacts(desk)
    assert again is not None
    assert again[0] is Change.SAME
    phone = first[1].partners[0].contact.label.replace("\u00a0", " ")
    edit(desk, phone, "01 99 00 77 77")
    corrected = contacts(desk)
    assert corrected is not None
    assert corrected[0] is Change.REWRITE
    assert corrected[1].partners[0].phone == "0199007777"
    assert [entry.generation for entry in desk.ledger.queue.all() if entry.kind == "directory"] == [2]


def test_a_call_that_names_its_post_renews_it_but_does_not_begin_it(desk: Desk) -> None:
    path = desk.post("a")
    assert contacts(desk, path) is None
    contacts(desk)
    desk.run()
    edit(desk, "verified_on: ", "valid_until: 2027-06-30\nverified_on: ")
    renewed = contacts(desk, path)
    assert renewed is not None
    assert renewed[0] is Change.REWRITE


def test_a_broken_record_stays_as_readers_see_it(desk: Desk) -> None:
    desk.post("a")
    first = contacts(desk)
    assert first is not None
    (desk.root / RECORD).write_text("name: [oops", encoding="utf-8")
    (desk.root / "content/partners/neuf.yaml").write_text(PARTNER.replace("CCAS", "Neuf"), encoding="utf-8")
    second = contacts(desk)
    assert second is not None
    assert first[1].partners[0] in second[1].partners
    assert len(second[1].partners) == 2


def test_an_error_in_a_record_keeps_only_that_record_back(desk: Desk) -> None:
    wrong = Finding(RECORD, 3, "phone", "too short")
    made = keeping_broken_records(desk.plan(directory=True), [wrong])
    assert [owed.kept for owed in made.owed if owed.directory] == [frozenset({"ccas-bagneux"})]


def test_it_goes_with_the_last_partner(desk: Desk) -> None:
    desk.post("a")
    contacts(desk)
    desk.run()
    (desk.root / RECORD).unlink()
    desk.publish(directory=True)
    assert [entry.withdrawn for entry in desk.ledger.queue.all() if entry.kind == "directory"] == [True]


def test_the_directory_comes_back_as_it_was() -> None:
    one = directory()
    assert RenderedDirectory.from_json(json.loads(json.dumps(one.to_json()))) == one


def test_a_correction_reaches_every_page(tmp_path: Path) -> None:
    wrong = (Contact("Ancien", "01 99 00 00 00", "tel:0199000000"),)
    old = post("a", helplines=wrong)
    for sources in ((old, directory()), (directory(), old)):
        pages = {name: page for name, page in build(tmp_path, *sources).items() if name.endswith(".html")}
        assert len(pages) > 15
        for name, page in pages.items():
            assert "0199000000" not in page, name
            assert "tel:119" in page, name


# ---- pages


def test_numbers_are_links_and_needs_are_places_on_the_page(tmp_path: Path) -> None:
    files = build(tmp_path, directory(), post("a"))
    page = files["contacts/index.html"]
    assert page.index('href="tel:119"') < page.index('href="tel:0199001011"') < page.index('href="tel:18"')
    anchors = re.findall(r'<a href="#(\w+)">', page)
    assert {"food", "rights", "health"} <= set(anchors)
    assert all(f'id="{anchor}"' in page for anchor in anchors)
    front = files["index.html"]
    assert re.findall(r"contacts/index.html#(\w+)", front) == ["food", "health", "rights"]


def test_a_number_for_text_messages_is_a_link_too(tmp_path: Path) -> None:
    both = replace(CCAS, contact=replace(CCAS.contact, sms="06\u00a039\u00a098.10-11"))
    files = build(tmp_path, directory(both), post("a", contacts=(both.contact,)))
    for name in ("contacts/food/index.html", "contacts/bagneux/index.html", "posts/a/index.html"):
        assert '<a href="sms:0639981011">' in files[name], name


def test_needs_and_towns_have_lists(tmp_path: Path) -> None:
    files = build(tmp_path, directory())
    assert "0199001011" in files["contacts/food/index.html"]
    assert "0199009441" not in files["contacts/food/index.html"]
    assert "0199009441" in files["contacts/bagneux/index.html"]  # without a town: there for all
    assert "0199001011" not in files["contacts/bourg-la-reine/index.html"]


def test_a_record_leaves_the_pages_on_the_day_after_its_last(tmp_path: Path) -> None:
    over, last = replace(CCAS, until="2026-11-24"), replace(EVERYWHERE, until="2026-11-25")
    files = build(tmp_path, directory(over, last))
    for name in ("contacts/index.html", "contacts/bagneux/index.html", "contacts.json"):
        assert "0199001011" not in files[name], name
        assert "0199009441" in files[name], name


def test_the_json_has_the_keys_that_it_promises(tmp_path: Path) -> None:
    data = json.loads(build(tmp_path, directory())["contacts.json"])
    assert list(data) == [
        "veille_contacts",
        "name",
        "url",
        "language",
        "updated",
        "needs",
        "towns",
        "helplines",
        "partners",
    ]
    partner = next(p for p in data["partners"] if p["id"] == "partner:ccas")
    assert list(partner) == [
        "id", "name", "description", "phone", "sms", "printed", "hours", "url", "chat", "verified_on",
        "needs", "towns", "email", "address", "languages", "wheelchair",
    ]  # fmt: skip
    assert (partner["phone"], partner["verified_on"]) == ("0199001011", "2026-11-03")
    assert data["helplines"][0]["emergency"] is True


def test_without_a_directory_the_emergency_block_of_the_posts_stands(tmp_path: Path) -> None:
    files = build(tmp_path, post("a"))
    assert 'href="tel:119"' in files["contacts/index.html"]
    assert "contacts.json" not in files


# ---- leaving at once


def test_only_pages_about_sensitive_things_have_the_button(tmp_path: Path) -> None:
    secret = post("secret", sensitive=True, title="Violences à la maison", summary="Des coups.")
    issue = edition(posts=[post("a"), secret])
    files = build(tmp_path, post("a"), secret, issue, directory(), web={"exit_url": "https://meteo.example.org/"})
    having = {name for name, page in files.items() if name.endswith(".html") and "data-exit" in page}
    assert having == {"posts/secret/index.html", "editions/2026-11-27/index.html", "discreet/index.html"}
    for name in having:
        page = files[name]
        assert page.count('href="https://meteo.example.org/" rel="nofollow noreferrer"') == 2, name
        assert '<span class="unseen">Emergency: </span>Leave this site' in page, name
        assert page.index('class="skip" href="#content"') < page.index("data-exit") < page.index("<header"), name
        assert '<meta name="robots" content="noindex, noarchive">' in page, name
        assert "iolence" not in page.split("<title>")[1].split("</title>")[0], name
        assert "discreet/index.html" in page or name.startswith("discreet"), name
    assert not re.findall(r"<script(?![^>]*\bsrc=)", "".join(files[n] for n in files if n.endswith(".html")))


def test_a_list_of_nothing_but_sensitive_posts_is_as_private_as_they_are(tmp_path: Path) -> None:
    secret = post("secret", sensitive=True, title="Deux minutes", categories=("Violences", "Santé"), kind="news")
    files = build(tmp_path, post("a", categories=("Santé",), kind="event"), secret)
    listed = re.findall(r"<loc>https://lettre\.example\.org/([^<]*)</loc>", files["sitemap.xml"])
    assert "categories/sante/" in listed
    assert not {"posts/secret/", "categories/violences/", "kinds/news/"} & set(listed)
    page = files["categories/violences/index.html"]
    assert '<meta name="robots" content="noindex, noarchive">' in page
    assert "canonical" not in page
    assert "iolence" not in page.partition("</head>")[0]
    assert "<h1>Posts</h1>" in page
    assert "data-exit" in page
    assert "data-exit" not in files["categories/sante/index.html"]
    assert "<h1>Santé</h1>" in files["categories/sante/index.html"]
    private = json.loads(files[".veille-private.json"])
    assert {"categories/violences/", "kinds/news/", "posts/secret/"} <= set(private)


def test_the_feed_of_a_category_is_announced_once_there_is_one(tmp_path: Path) -> None:
    """A post that is not on the feed channel makes a category, and no feed of it."""
    item = post("a", categories=("Santé",), town_slugs=("bagneux",), towns=("Bagneux",))
    address = "https://lettre.example.org/categories/sante/feed.xml"
    assert address not in build(tmp_path, item)["categories/sante/index.html"]
    web = Web(context(tmp_path))
    path = web.folder / "categories/sante/feed.xml"
    path.parent.mkdir(parents=True)
    path.write_text("<rss/>")
    page = build(tmp_path, item)["categories/sante/index.html"]
    assert page.count(f'href="{address}"') == 2
    live = build(tmp_path, item, web={"transport": "folder", "output": "public"})
    assert "feed.xml" not in live["categories/sante/index.html"]  # a feed in the sandbox is not public


# ---- what the law asks for


@pytest.mark.parametrize(
    ("state", "words"), [("none", "not compliant"), ("partial", "partly compliant"), ("full", "fully compliant")]
)
def test_the_statement_says_how_accessible_the_site_is(tmp_path: Path, state: str, words: str) -> None:
    files = build(tmp_path, post("a"), web={"accessibility": state, "accessibility_on": "2026-11-22"})
    statement = files["accessibility/index.html"].split("<main")[1].split("</main>")[0]
    assert words in statement
    assert ("no audit was made yet" in statement) is (state == "none")
    assert ("its audit found" in statement) is (state != "none")
    assert ("What is not accessible" in statement) is (state != "full")
    assert f"Accessibility: {words}" in files["index.html"].split("<footer")[1]
    assert "22 novembre 2026" in files["accessibility/index.html"]


def test_the_statement_lists_what_is_not_accessible_or_says_who_knows(tmp_path: Path) -> None:
    web = {"accessibility": "partial", "privacy_contact": "dpo@example.org"}
    page = "accessibility/index.html"
    assert "The list of what the audit found can be had from: dpo@example.org" in build(tmp_path, web=web)[page]
    own = web | {"accessibility_contact": "acces@example.org"}
    assert "dpo@" not in build(tmp_path, web=own)[page]
    assert build(tmp_path, web=own)[page].count("acces@example.org") == 2
    gaps = tmp_path / "templates/web/accessibility_gaps.html.j2"
    gaps.parent.mkdir(parents=True)
    gaps.write_text("<ul><li>Les vidéos sans sous-titres</li></ul>", encoding="utf-8")
    listed = build(tmp_path, web=own)[page]
    assert "<li>Les vidéos sans sous-titres</li>" in listed
    assert "can be had from" not in listed


PERSONAL = (schema.subscriber, schema.signup, schema.suppression, schema.erasure, schema.bounce)


def test_what_is_kept_is_what_the_privacy_page_says(tmp_path: Path) -> None:
    """RGPD article 13. A new column about a person, or another time limit, changes the page too."""
    assert (signups.ADDRESS_KEPT.days, signups.MOST, signups.COUNT_KEPT.days) == (7, 3, 365)
    about = {table.name: {column.name for column in table.columns} for table in PERSONAL}
    choices = {"id", "email", "language", "towns", "audience", "text_only", "age", "consent_text", "state"}
    assert about == {
        "subscriber": {*choices, "domain", "consent_at", "consent_how", "parental_consent", "left_at"},
        "signup": {*choices, "hash", "asked_at", "mailed_at", "mails"},
        "suppression": {"hash", "reason", "at"},
        "erasure": {"hash", "at"},
        "bounce": {"id", "subscriber_id", "delivery_id", "at", "kind", "code", "text"},
    }
    page = build(tmp_path)["privacy/index.html"]
    for words in ("seven days at most", "no more than three mails", "a year after", "what the mail server answered",
                  "articles 15 to 21", "www.cnil.fr", "Ask Kess Kis Pass."):  # fmt: skip
        assert words in page, words
    assert "This stays as long as the letter exists" in page
    assert "Either of them" not in page
    decided = build(tmp_path, newsletter={"keep_proof": "1825 days"})["privacy/index.html"]
    assert "everything else is deleted 1825 days after you left" in decided
    assert "This stays as long" not in decided
    joint = build(tmp_path, newsletter={"minors": "parental_joint_consent"}, web={"privacy_contact": "dpo@example.org"})
    assert "parental authority. Either of them" in joint["privacy/index.html"]
    assert "dpo@example.org" in joint["privacy/index.html"]


def test_the_newsroom_may_write_its_own(tmp_path: Path) -> None:
    own = tmp_path / "templates/web/privacy.html.j2"
    own.parent.mkdir(parents=True)
    own.write_text(
        '{% extends "web/base.html.j2" %}{% block main %}<h1>Vos données</h1>{% endblock %}', encoding="utf-8"
    )
    assert "<h1>Vos données</h1>" in build(tmp_path, post("a"))["privacy/index.html"]


def test_every_page_leads_to_the_letter(tmp_path: Path) -> None:
    files = build(tmp_path, post("a"), directory())
    pages = [name for name, page in files.items() if name.endswith(".html") and "/subscribe/" not in page]
    assert pages == ["discreet/index.html"]
