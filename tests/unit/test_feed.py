"""The feed: what every reader and the validator expect, the same bytes for the same posts."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import feedparser
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from tests.support import feed_rules
from tests.support.public_pages import (
    BASE,
    HELPLINES,
    NOW,
    Ledger,
    context,
    delivery,
    edition,
    picture,
    post,
    publication,
)
from veille.publishing import Publication, Receipt
from veille.rendering import Contact
from veille_publishers.archive import clean
from veille_publishers.feed import Feed

ADDRESS = f"{BASE}/feed.xml"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"


@pytest.fixture
def feed(tmp_path: Path) -> Feed:
    return Feed(context(tmp_path))


def rss(feed: Feed, *standing: Publication) -> bytes:
    return feed.build(standing)["feed.xml"]


def bodies(content: bytes) -> list[str]:
    """What each item holds, as written: feedparser takes out tel: and sms: links."""
    return [item.findtext(CONTENT) for item in etree.fromstring(content).iter("item")]


def checked(feed: Feed, *standing: Publication) -> Any:
    """The feed as a reader sees it, after the validator's rules."""
    content = rss(feed, *standing)
    assert feed_rules.findings(content, address=ADDRESS, now=NOW) == []
    parsed = feedparser.parse(content)
    assert parsed.bozo == 0
    return parsed


def test_a_full_feed(feed: Feed) -> None:
    one = post(
        "un", author="La rédaction", pictures=(picture(),), categories=("Santé", "Santé"), towns=("Bagneux",),
        tags=("vélo",), when_words="mercredi à 14 h", contacts=(Contact("CCAS", "01 99 00 12 34", "tel:+33199001234"),),
    )  # fmt: skip
    parsed = checked(feed, publication(feed, one), publication(feed, post("deux"), hours=3))
    assert parsed.feed.link == f"{BASE}/"
    assert parsed.feed.language == "fr"
    assert [entry.id for entry in parsed.entries] == [f"{BASE}/posts/un/", f"{BASE}/posts/deux/"]
    entry = parsed.entries[0]
    assert entry.author == "La rédaction"
    assert [tag.term for tag in entry.tags] == ["Événement", "Santé", "Bagneux", "vélo"]
    name = one.pictures[0].name
    assert entry.enclosures[0].href == f"{BASE}/media/{name}"
    assert int(entry.enclosures[0].length) == len(one.pictures[0].content)
    body = entry.content[0].value
    for words in ("Viens avec ton vélo", "mercredi à 14 h", "01 99 00 12 34", "Des jeunes dans un atelier vélo"):
        assert words in body


def test_the_picture_lies_beside_the_feed(feed: Feed) -> None:
    one = post(pictures=(picture(),))
    files = feed.build([publication(feed, one)])
    assert files[f"media/{one.pictures[0].name}"] == one.pictures[0].content


def test_json_feed(feed: Feed) -> None:
    one = post("un", author="La rédaction", pictures=(picture(),), updated="2026-11-25T08:30:00+01:00")
    values = json.loads(feed.build([publication(feed, one)])["feed.json"])
    assert values["version"] == "https://jsonfeed.org/version/1.1"
    assert values["feed_url"] == f"{BASE}/feed.json"
    (item,) = values["items"]
    assert item["id"] == item["url"] == f"{BASE}/posts/un/"
    assert item["date_published"] == "2026-11-25T09:00:00+01:00"
    assert item["date_modified"] == "2026-11-25T08:30:00+01:00"
    assert item["authors"] == [{"name": "La rédaction"}]
    assert item["image"].startswith(f"{BASE}/media/")
    assert "repars avec un vélo qui roule" in item["content_html"]
    assert "" not in item.values()


def test_an_empty_feed_is_valid_and_does_not_name_the_moment(feed: Feed) -> None:
    assert checked(feed).entries == []
    assert b"lastBuildDate" not in rss(feed)


def test_the_same_posts_give_the_same_bytes(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    standing = [publication(feed, post(str(n)), hours=n) for n in range(3)]
    first = dict(feed.build(standing))
    later = time.time() + 5000
    monkeypatch.setattr(time, "time", lambda: later)
    time.sleep(1.1)  # feedgen would put in the second at which it runs
    assert dict(feed.build(list(reversed(standing)))) == first


def test_last_build_date_is_that_of_the_newest_change(feed: Feed) -> None:
    old = publication(feed, post("old", updated="2026-11-24T20:00:00+01:00"), hours=90)
    parsed = checked(feed, old, publication(feed, post("new"), hours=48))
    assert parsed.feed.updated == "Tue, 24 Nov 2026 20:00:00 +0100"


def test_limit_order_and_withdrawn(tmp_path: Path) -> None:
    feed = Feed(context(tmp_path, feed={"items": 2}))
    standing = [publication(feed, post(str(n)), hours=n) for n in range(4)]
    standing[1] = replace(standing[1], withdrawn=True)
    parsed = checked(feed, *standing)
    assert [entry.link for entry in parsed.entries] == [f"{BASE}/posts/0/", f"{BASE}/posts/2/"]


def test_an_old_post_brought_in_late_keeps_its_date(feed: Feed) -> None:
    old = publication(feed, post("old", date="2023-05-02T09:00:00+02:00"))
    late = publication(feed, post("late", date="2026-11-20T09:00:00+01:00"))
    parsed = checked(feed, old, late)
    assert [entry.published for entry in parsed.entries] == [
        "Wed, 25 Nov 2026 09:00:00 +0100",
        "Tue, 02 May 2023 09:00:00 +0200",
    ]


def test_a_sensitive_post_ends_with_the_emergency_block(feed: Feed) -> None:
    standing = (publication(feed, post("a", sensitive=True)), publication(feed, post("b"), hours=1))
    checked(feed, *standing)
    sensitive, usual = bodies(rss(feed, *standing))
    assert sensitive.rindex("tel:119") > sensitive.rindex("Comment venir")
    assert "sms:114" in sensitive
    assert "tel:119" not in usual


def test_editions_are_no_items(feed: Feed) -> None:
    assert feed.render(edition(posts=[post()])) is None


def test_the_text_of_other_channels_is_no_edit(feed: Feed) -> None:
    one, other = feed.render(post()), feed.render(post(facebook_text="Autre", hashtags=("velo",), preheader="x"))
    assert one is not None
    assert other is not None
    assert one.digest == other.digest


@pytest.mark.parametrize(
    "title",
    [
        "a < b & c",
        "<script>alert(1)</script>",
        "]]>",
        "&amp;",
        "un\x0bdeux",
        "\ud83d seul",
        "🚲 \U0001f468‍👩‍👧",
        "\ufffe",
    ],
)
def test_odd_titles(feed: Feed, title: str) -> None:
    content = rss(feed, publication(feed, post("a", title=title, summary=title, author=title, tags=(title,))))
    assert feed_rules.findings(content, address=ADDRESS, now=NOW) == []
    assert feedparser.parse(content).bozo == 0
    item = etree.fromstring(content).find("channel/item")
    assert item.findtext("title") == clean(title).strip() or title == "\ufffe"
    assert "<script" not in item.findtext("description")
    assert "<script" not in item.findtext(CONTENT)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(min_size=1, max_size=60), st.text(max_size=60))
def test_any_title_and_summary(feed: Feed, title: str, summary: str) -> None:
    content = feed.build([publication(feed, post("a", title=f"t{title}", summary=summary))])
    assert feed_rules.findings(content["feed.xml"], address=ADDRESS, now=NOW) == []
    assert feedparser.parse(content["feed.xml"]).bozo == 0
    assert json.loads(content["feed.json"])["items"][0]["title"] == clean(f"t{title}").strip()


def test_delivered_once_rewritten_only_when_changed(feed: Feed) -> None:
    standing = [publication(feed, post("a")), publication(feed, post("b"), hours=1)]
    ledger = Ledger(standing)
    feed.deliver([delivery(p) for p in standing], ledger)
    assert {type(outcome) for outcome in ledger.settled.values()} == {Receipt}
    receipt = ledger.settled["d-p-a"]
    assert isinstance(receipt, Receipt)
    assert receipt.url == f"{BASE}/posts/a/"
    written = feed.folder / "feed.xml"
    before = written.stat()
    feed.deliver([delivery(standing[0])], Ledger(standing))
    assert written.stat().st_ino == before.st_ino
    assert written.stat().st_mtime_ns == before.st_mtime_ns


def test_sandbox_lies_in_the_outbox_and_live_in_its_folder(tmp_path: Path) -> None:
    assert Feed(context(tmp_path)).folder == tmp_path / "outbox" / "web"
    live = Feed(context(tmp_path, feed={"transport": "folder", "output": "public"}))
    assert live.live
    assert live.folder == tmp_path / "public"


def test_help_lines_are_those_of_the_newest_rendition(feed: Feed) -> None:
    new = replace(HELPLINES[0], label="3018", href="tel:3018")
    old = publication(feed, post("old", sensitive=True), hours=5)
    sensitive = bodies(rss(feed, old, publication(feed, post("new", helplines=(new,)))))[1]
    assert "tel:3018" in sensitive
    assert "tel:119" not in sensitive


def broken(feed: Feed, change: tuple[str, str]) -> list[str]:
    content = rss(feed, publication(feed, post(pictures=(picture(),)))).decode()
    assert change[0] in content
    return feed_rules.findings(content.replace(*change).encode(), address=ADDRESS, now=NOW)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (('isPermaLink="true"', 'isPermaLink="false"'), "InvalidPermalink"),
        (('rel="self"', 'rel="hub"'), "MissingSelf"),
        ((f"<link>{BASE}/</link>", f"<link>{ADDRESS}</link>"), "SelfLinkInChannelLink"),
        (("<language>fr</language>", ""), "MissingLanguage"),
        (("<description>News", "<description>&lt;b&gt;News"), "ContainsHTML"),
        (("+0100</pubDate>", "CET</pubDate>"), "ProblematicalRFC822Date"),
        (("2026 09:00:00 +0100</pubDate>", "2027 09:00:00 +0100</pubDate>"), "ImplausibleDate"),
        (('length="', 'length="0" was="'), "InvalidIntegerAttribute"),
        (("src=&quot;https:", "src=&quot;"), "ContainsRelRef"),
        (("&lt;p&gt;", "&lt;script&gt;"), "SecurityRisk"),
        (("<ttl>60", "<ttl>an hour"), "InvalidInteger"),
        (("<language>fr<", "<language>French, please<"), "InvalidLanguage"),
        (("<generator>", "<rating>high</rating><generator>"), "UndefinedElement"),
    ],
)
def test_the_rules_bite(feed: Feed, change: tuple[str, str], rule: str) -> None:
    if "&quot;" in change[0]:
        change = (change[0].replace("&quot;", '"'), change[1].replace("&quot;", '"'))
    assert rule in broken(feed, change)


def test_two_publications_on_one_address_appear_once(feed: Feed) -> None:
    first = publication(feed, post("a", title="Ancien"), hours=9)
    second = replace(publication(feed, post("a", title="Nouveau")), id="p-2", due=NOW - timedelta(hours=1))
    for standing in ([first, second], [second, first]):
        assert [entry.title for entry in checked(feed, *standing).entries] == ["Nouveau"]


ODD = (
    "Un \x0b titre \x00 et \x1f rien",
    "🎉👩‍👩‍👧 Fête ]]> & <b>gras</b> &amp; &eacute;",
    "\u202eعنوان باللغة العربية\u202c",
    "שלום " * 3,
    "très long " * 200,
    "   ",
    "\ud800 moitié",
)


def every(files: Any) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name.endswith("feed.xml")}


@pytest.mark.parametrize("hub", ["", "https://hub.example.org/"])
def test_each_feed_holds_the_rules_with_odd_titles_and_when_it_is_empty(tmp_path: Path, hub: str) -> None:
    feed = Feed(context(tmp_path, feed={"hub": hub}))
    shelves = {"towns": ("Bagneux",), "categories": ("Santé & Co",), "audience": ("families",)}
    posts = [post(f"p{n}", title=title, summary=title, author=title, **shelves) for n, title in enumerate(ODD)]
    files = every(feed.build([publication(feed, one, hours=n) for n, one in enumerate(posts)]))
    full = {"feed.xml", "towns/bagneux/feed.xml", "categories/sante-co/feed.xml", "audiences/families/feed.xml"}
    empty = {"towns/bourg-la-reine/feed.xml", "audiences/young/feed.xml", "audiences/professionals/feed.xml"}
    assert files.keys() == full | empty
    for name, content in files.items():
        assert feed_rules.findings(content, address=f"{BASE}/{name}", now=NOW) == [], name
        parsed = feedparser.parse(content)
        assert parsed.bozo == 0, name
        assert len(parsed.entries) == (len(ODD) if name in full else 0)
        assert parsed.feed.link == f"{BASE}/{name.removesuffix('feed.xml')}"
        assert (b'rel="hub"' in content) == bool(hub)


def test_an_expired_post_leaves_every_feed(feed: Feed) -> None:
    standing = [publication(feed, post("a", towns=("Bagneux",), title="Fini")), publication(feed, post("b"), hours=1)]
    assert b"Fini" in feed.build(standing)["towns/bagneux/feed.xml"]
    standing[0] = replace(standing[0], withdrawn=True)
    files = feed.build(standing)
    assert not [name for name, content in files.items() if b"Fini" in content]
    assert json.loads(files["towns/bagneux/feed.json"])["feed_url"] == f"{BASE}/towns/bagneux/feed.json"
