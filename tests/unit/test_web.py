"""The web archive: whole, linked, private, readable, and rewritten only where something changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from posixpath import dirname, join, normpath
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.public_pages import (
    BASE,
    OWN_SCRIPT,
    Ledger,
    Read,
    context,
    delivery,
    live,
    newsroom,
    pages,
    picture,
    post,
    publication,
    sources,
)
from veille.errors import RenderError, Unavailable
from veille.publishing import OnUnknown, Publication, Receipt
from veille_publishers.feed import Feed
from veille_publishers.web import Web


@pytest.fixture
def web(tmp_path: Path) -> Web:
    return Web(context(tmp_path))


def resolve(page: str, target: str) -> str:
    """The file that a relative link on a page leads to; a server adds index.html."""
    path = normpath(join("/", dirname(page), unquote(urlsplit(target).path)))
    whole = path.lstrip("/")
    return whole if re.search(r"\.\w+$", whole) else normpath(join(whole, "index.html"))


def test_the_site_has_its_pages(web: Web) -> None:
    files = web.build(newsroom(web))
    for expected in (
        "index.html", "404.html", "contacts/index.html", "posts/index.html", "editions/index.html",
        "posts/velo/index.html", "posts/passe/index.html", "editions/2026-11-27/index.html",
        "kinds/service/index.html", "towns/bagneux/index.html", "categories/mobilite/index.html",
    ):  # fmt: skip
        assert expected in files, expected
    assert {name.partition(".")[0] for name in files if "/" not in name} >= {"site", "lexend", "icon"}


@pytest.mark.parametrize("transport", ["file", "folder"])
def test_every_page_is_well_made(tmp_path: Path, transport: str) -> None:
    web = Web(context(tmp_path)) if transport == "file" else live(tmp_path)
    for name, page in pages(web.build(newsroom(web))).items():
        assert page.headings.count(1) == 1, name
        assert all(b <= a + 1 for a, b in zip([0, *page.headings], page.headings, strict=False)), (name, page.headings)
        assert page.title.strip(), name
        content = re.fullmatch(r"(posts|editions)/[^/]+/index\.html", name) and "no longer current" not in page.title
        assert page.all("html")[0]["lang"] == ("fr" if content else "en"), name  # our own words are English here
        assert len(page.all("main")) == 1, name
        assert page.all("a")[0]["href"] == f"#{page.all('main')[0]['id']}", name
        assert all("alt" in image and image["width"] and image["height"] for image in page.all("img")), name
        assert len(ids := [a["id"] for _tag, a in page.tags if "id" in a]) == len(set(ids)), name


@pytest.mark.parametrize("transport", ["file", "folder"])
def test_every_internal_link_resolves(tmp_path: Path, transport: str) -> None:
    web = Web(context(tmp_path)) if transport == "file" else live(tmp_path)
    files = web.build(newsroom(web))
    feed = Feed(web.context)
    feeds = set(feed.build([publication(feed, one) for one in sources()]))  # written into the same folder
    known = set(files) | feeds | {"subscribe/index.html"}  # which `veille serve` answers
    checked = 0
    for name, page in pages(files).items():
        for tag, attribute in (("a", "href"), ("link", "href"), ("img", "src")):
            for target in (a[attribute] for a in page.all(tag) if attribute in a):
                if target.startswith("#") or urlsplit(target).scheme in ("tel", "sms", "mailto"):
                    continue
                if target.startswith(BASE):
                    target = target.removeprefix(BASE)
                if not urlsplit(target).scheme:
                    where = resolve("index.html" if target.startswith("/") else name, target)
                    assert where in known, (name, target, where)
                    checked += 1
    assert checked > 100
    style = next(name for name in files if name.endswith(".css"))
    assert all(m in files for m in re.findall(r'url\("([^"]+)"\)', files[style].decode()))


def test_the_sandbox_can_be_read_without_a_server(web: Web) -> None:
    deliver(web, newsroom(web))
    page = Read((web.folder / "posts" / "velo" / "index.html").read_bytes())
    targets = [a["href"] for a in page.all("a") if not re.match(r"#|\w+:", a["href"])]
    assert len(targets) > 8
    assert all((web.folder / "posts" / "velo" / target).is_file() for target in targets)


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs(tmp_path: Path) -> None:
    web = live(tmp_path)
    files = web.build(newsroom(web))
    for name, page in pages(files).items():
        assert all(OWN_SCRIPT.fullmatch(script.get("src", "")) for script in page.all("script")), name
        assert not any(attribute.startswith("on") or attribute == "style" for _t, a in page.tags for attribute in a)
        loaded = [a["src"] for _tag, a in page.tags if "src" in a]
        loaded += [a["href"] for a in page.all("link") if a["rel"] not in ("canonical", "alternate")]
        assert loaded
        assert not [address for address in loaded if urlsplit(address).scheme or address.startswith("//")], name
    style = next(content for name, content in files.items() if name.endswith(".css")).decode()
    assert "http" not in re.sub(r'a\[href\^="http"\]', "", style)
    assert "@import" not in style


def test_built_twice_nothing_is_rewritten(web: Web) -> None:
    standing = newsroom(web)
    deliver(web, standing)
    before = {path: path.stat().st_mtime_ns for path in web.folder.rglob("*")}
    deliver(web, standing)
    assert {path: path.stat().st_mtime_ns for path in web.folder.rglob("*")} == before


def deliver(web: Web, standing: list[Publication]) -> Ledger:
    ledger = Ledger(standing)
    web.deliver([delivery(p) for p in standing], ledger)
    return ledger


def changed(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def test_an_edited_text_rewrites_its_page_and_nothing_else(web: Web) -> None:
    standing = newsroom(web)
    before = web.build(standing)
    edited = post("forum", html="<p>Tout neuf.</p>", categories=("Mobilité", "🎉"), when_words="jeudi",
                  event_url="https://forum.example.org/")  # fmt: skip
    standing[4] = publication(web, edited, hours=4)
    assert changed(before, web.build(standing)) == {"posts/forum/index.html"}


def test_an_edited_title_rewrites_what_shows_it(web: Web) -> None:
    standing = newsroom(web)
    before = web.build(standing)
    edited = post(
        "radio", title="Autre titre", kind="initiative", kind_label="Initiative", pictures=(picture("blue", alt=""),)
    )
    standing[2] = publication(web, edited, hours=2)
    after = web.build(standing)
    touched = changed(before, after)
    assert touched == {name for name in after if b"Autre titre" in after[name]}
    assert "posts/velo/index.html" in touched  # names it as related
    assert "posts/grand-froid/index.html" not in touched


def test_a_withdrawn_post_leaves_a_short_page_and_every_list(web: Web) -> None:
    standing = newsroom(web)
    deliver(web, standing)
    blue = picture("blue").name
    assert (web.folder / "media" / blue).exists()
    standing[2] = replace(standing[2], withdrawn=True)
    deliver(web, standing)
    gone = (web.folder / "posts" / "radio" / "index.html").read_text()
    assert "no longer current" in gone
    assert "Un titre pour radio" not in gone
    assert not (web.folder / "media" / blue).exists()
    assert not (web.folder / "kinds" / "initiative").exists()
    shown = [
        p
        for p in web.folder.rglob("*.html")
        if "posts/radio/" in p.read_text() or "Un titre pour radio" in p.read_text()
    ]
    assert shown == []


def test_a_withdrawn_post_leaves_the_edition_that_held_it_but_for_its_title(web: Web) -> None:
    standing = newsroom(web)
    before = web.build(standing)["editions/2026-11-27/index.html"].decode()
    standing[0] = replace(standing[0], withdrawn=True)
    files = web.build(standing)
    page = files["editions/2026-11-27/index.html"].decode()
    red = picture("red").name
    assert red in before
    assert red not in page
    assert f"media/{red}" not in files
    assert "Un titre pour velo" in page
    assert page.count("repars avec un vélo") == before.count("repars avec un vélo") - 1


def test_one_address_claimed_twice(web: Web) -> None:
    old = publication(web, post("a", title="Ancien"), hours=9)
    new = replace(publication(web, post("a", title="Nouveau"), hours=1), id="p-2")
    gone = replace(publication(web, post("a", title="Retiré"), withdrawn=True), id="p-3")
    built = [web.build(order) for order in ([old, new, gone], [gone, new, old], [new, gone, old])]
    assert built[0] == built[1] == built[2]
    assert b"Nouveau" in built[0]["posts/a/index.html"]
    assert b"Ancien" not in built[0]["index.html"]


@pytest.mark.parametrize("slug", ["../../etc", "a/b", "", ".", "a.html", "a b"])
def test_a_slug_that_is_no_address_is_refused(web: Web, slug: str) -> None:
    with pytest.raises(RenderError):
        web.render(post(slug))


def test_read_next_puts_the_editors_choice_first(web: Web) -> None:
    page = web.build(newsroom(web))["posts/velo/index.html"].decode()
    following = re.findall(r'<h3[^>]*><a href="\.\./\.\./posts/(\w[\w-]*)/', page)
    assert following == ["radio", "forum"]


def test_an_empty_site_stands(web: Web) -> None:
    files = web.build([])
    assert "Nothing here yet" in files["index.html"].decode()
    assert "112" in files["contacts/index.html"].decode()


def test_live_pages_link_to_folders_and_the_lost_page_to_the_root(tmp_path: Path) -> None:
    web = live(tmp_path, workspace={"base_url": f"{BASE}/lettre"})
    files = web.build([publication(web, post("a"))])
    assert 'href="../../editions/"' in files["posts/a/index.html"].decode()
    lost = files["404.html"].decode()
    assert 'href="/lettre/posts/"' in lost
    assert re.search(r'href="/lettre/site\.\w+\.css"', lost)


def test_the_style_sheet_changes_its_name_with_its_content(tmp_path: Path) -> None:
    usual = Web(context(tmp_path)).build([])
    other = Web(context(tmp_path, brand={"colours": {"highlight": "#aaff00"}})).build([])
    names = [next(n for n in files if n.endswith(".css")) for files in (usual, other)]
    assert names[0] != names[1]
    assert b"#aaff00" in other[names[1]]


def test_a_newsroom_has_its_own_logo_or_is_told_that_it_is_missing(tmp_path: Path) -> None:
    branded = Web(context(tmp_path, brand={"logo": "content/media/logo.png"}))
    with pytest.raises(RenderError, match=r"content/media/logo\.png"):
        branded.build([])
    standing = [publication(branded, post("a"))]
    outcome = deliver(branded, standing).settled["d-p-a"]
    assert isinstance(outcome, Unavailable)
    assert outcome.about_us
    (tmp_path / "content" / "media").mkdir(parents=True)
    (tmp_path / "content" / "media" / "logo.png").write_bytes(b"png")
    assert b'alt="Kess Kis Pass"' in branded.build([])["index.html"]


def test_delivering_settles_each_and_leaves_out_what_is_skipped(web: Web) -> None:
    standing = newsroom(web)
    ledger = Ledger(standing, skip=frozenset({"d-p-radio"}))
    web.deliver([delivery(p) for p in standing], ledger)
    assert len(ledger.settled) == len(standing) - 1
    receipt = ledger.settled["d-p-velo"]
    assert isinstance(receipt, Receipt)
    assert receipt.url == f"{BASE}/posts/velo/"
    assert web.targets() == ("folder",)
    assert web.on_unknown is OnUnknown.REWRITE
    assert not web.live


def test_an_unwritable_folder_is_said_for_each(web: Web) -> None:
    web.folder.parent.mkdir()
    web.folder.write_text("a file in the way")
    standing = newsroom(web)
    outcomes = deliver(web, standing).settled.values()
    assert len(outcomes) == len(standing)
    assert all(isinstance(o, Unavailable) and o.about_us and str(web.folder) in o.message for o in outcomes)


def test_a_template_of_the_newsroom_wins(tmp_path: Path) -> None:
    own = tmp_path / "templates" / "web"
    own.mkdir(parents=True)
    (own / "gone.html.j2").write_text("<p>À nous.</p>")
    web = Web(context(tmp_path))
    files = web.build([publication(web, post("a"), withdrawn=True)])
    assert files["posts/a/index.html"].decode() == "<p>À nous.</p>"


def test_a_template_that_is_being_edited_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "templates/web").mkdir(parents=True)
    (tmp_path / "templates/web/.#post.html.j2").symlink_to("amel@example.org.4711")  # the lock of an editor
    assert Web(context(tmp_path)).surroundings


def test_the_font_is_small_and_comes_with_its_licence(web: Web) -> None:
    files = web.build([])
    assert 5_000 < len(next(c for n, c in files.items() if n.endswith(".woff2"))) < 60_000
    assert b"SIL OPEN FONT LICENSE" in files["lexend-OFL.txt"]
