"""The site is rewritten where something changed and nowhere else, and mends itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.support.public_pages import BASE, NOW, Ledger, context, delivery, edition, picture, post, publication
from veille.outbox.renditions import StoredFile
from veille.publishing import Publication, Rendition
from veille_publishers import archive, shelves, sitemap
from veille_publishers.archive import Item
from veille_publishers.files import Piece, lay
from veille_publishers.shelves import Neighbours, Shelf
from veille_publishers.site_parts import Page
from veille_publishers.web import Site, Web

KINDS = ("event", "service", "news")
TOPICS = ("Santé", "Mobilité", "Droits", "Sorties")


class Watched(Web):
    """The real publisher, which notes what it renders."""

    def __init__(self, root: Path, **sections: Any) -> None:
        super().__init__(context(root, **sections))
        self.rendered: list[str] = []

    def fill(self, template: str, /, **values: Any) -> bytes:
        """As it is, and noted."""
        self.rendered.append(values["page"].path if "page" in values else template)
        return super().fill(template, **values)


def many(count: int) -> list[Any]:
    return [
        post(
            f"p{number}",
            kind=KINDS[number % 3],
            kind_label=KINDS[number % 3].title(),
            categories=(TOPICS[number % 4],),
            tags=(f"t{number % 7}",),
        )
        for number in range(count)
    ]


def standing(web: Web, posts: Sequence[Any]) -> list[Publication]:
    return [publication(web, one, hours=200 - number) for number, one in enumerate(reversed(posts))][::-1]


def deliver(web: Web, posts: Sequence[Any]) -> dict[str, float]:
    """Deliver all; the files that have another date than before, or none."""
    before = {path: path.stat().st_mtime_ns for path in web.folder.rglob("*") if path.is_file()}
    made = standing(web, posts)
    web.deliver([delivery(made[0])], Ledger(made))
    after = {path: path.stat().st_mtime_ns for path in web.folder.rglob("*") if path.is_file()}
    touched = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    return {path.relative_to(web.folder).as_posix(): after.get(path, 0) for path in touched}


def pages(names: Any) -> set[str]:
    return {name.removesuffix("index.html") for name in names if name.endswith(".html")}


def test_an_edited_text_renders_one_page_also_in_a_new_process(tmp_path: Path) -> None:
    posts = many(50)
    deliver(Watched(tmp_path), posts)
    posts[20] = replace(posts[20], html="<p>Tout neuf.</p>")
    web = Watched(tmp_path)
    touched = deliver(web, posts)
    assert pages(touched) == {"posts/p20/"}
    assert {path for path in web.rendered if path.startswith("posts/p")} == {"posts/p20/"}
    assert not {path for path in web.rendered if path.startswith(("kinds", "categories", "towns", "editions"))}
    again = Watched(tmp_path)
    assert deliver(again, posts) == {}
    assert [path for path in again.rendered if not path.endswith(".j2")] == []


def test_an_edited_title_renders_what_shows_it_and_nothing_else(tmp_path: Path) -> None:
    posts = many(50)
    deliver(Watched(tmp_path), posts)
    posts[20] = replace(posts[20], title="Un titre tout neuf")
    web = Watched(tmp_path)
    touched = pages(deliver(web, posts))
    shown = {p for p in web.folder.rglob("*.html") if "Un titre tout neuf" in p.read_text(encoding="utf-8")}
    assert touched == pages(p.relative_to(web.folder).as_posix() for p in shown)
    assert {"posts/p20/", "kinds/news/"} <= touched
    assert len(touched) < 20


def test_a_new_post_leaves_old_pages_of_long_lists_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "PER_PAGE", 5)
    posts = [post("sans", kind="leisure", kind_label="Loisirs"), *many(21)]
    deliver(Watched(tmp_path), posts)
    touched = pages(deliver(Watched(tmp_path), [post("neuf", kind="leisure", kind_label="Loisirs"), *posts]))
    lists = {path for path in touched if path.startswith(("posts/", "kinds/")) and not path.startswith("posts/p")}
    assert lists == {"posts/", "posts/neuf/", "posts/sans/", "kinds/leisure/"}
    assert "editions/" not in touched


def test_a_removed_a_damaged_and_a_foreign_template_heal(tmp_path: Path) -> None:
    posts = many(8)
    web = Watched(tmp_path)
    deliver(web, posts)
    good = {path: path.read_bytes() for path in web.folder.rglob("*.html")}
    gone, torn = web.folder / "posts/p1/index.html", web.folder / "posts/p2/index.html"
    gone.unlink()
    torn.write_bytes(torn.read_bytes()[:100])
    assert pages(deliver(Watched(tmp_path), posts)) == {"posts/p1/", "posts/p2/"}
    assert {path: path.read_bytes() for path in web.folder.rglob("*.html")} == good
    own = tmp_path / "templates/web"
    own.mkdir(parents=True)
    (own / "post.html.j2").write_text("<p>À nous : {{ post.title }}</p>", encoding="utf-8")
    assert {f"posts/p{number}/" for number in range(8)} <= pages(deliver(Watched(tmp_path), posts))
    assert (web.folder / "posts/p1/index.html").read_text(encoding="utf-8") == "<p>À nous : Un titre pour p1</p>"


def test_another_name_of_the_newsroom_renders_every_page(tmp_path: Path) -> None:
    posts = many(6)
    deliver(Watched(tmp_path), posts)
    touched = deliver(Watched(tmp_path, workspace={"name": "Autre nom"}), posts)
    assert {f"posts/p{number}/" for number in range(6)} <= pages(touched)


CRASH = """
import sys
from functools import partial
from pathlib import Path
from veille_publishers.files import Piece, lay

def pieces(turn):
    return [Piece(f"p{n}/index.html", f"m{turn if n % 2 else 0}", partial(str.encode, f"{n} {turn if n % 2 else 0}"))
            for n in range(turn, turn + 6)]

lay(Path(sys.argv[1]), pieces(1), "web")
lay(Path(sys.argv[1]), pieces(2), "web")
"""


def test_killed_anywhere_the_next_run_mends_what_was_begun(tmp_path: Path) -> None:
    space: dict[str, Any] = {}
    exec(CRASH.partition("lay(Path")[0], space)
    wanted = {f"p{n}/index.html": f"{n} {2 if n % 2 else 0}" for n in range(2, 8)}
    for turn in range(1, 15, 2):
        for point in ("before", "after"):
            site = tmp_path / f"{turn}{point}"
            environ = {**os.environ, "VEILLE_FAILPOINT": f"files.{point}-rename:{turn}"}
            subprocess.run([sys.executable, "-c", CRASH, str(site)], env=environ, check=False)
            lay(site, space["pieces"](2), "web")
            found = {p.relative_to(site).as_posix(): p.read_text() for p in site.rglob("*.html")}
            assert found == wanted, (turn, point)


def test_what_fails_to_be_made_is_made_by_the_next_run(tmp_path: Path) -> None:
    def broken() -> bytes:
        raise RuntimeError("a template fails")

    lay(tmp_path, [Piece("a", "1", lambda: b"old")], "web")
    with pytest.raises(RuntimeError):
        lay(tmp_path, [Piece("a", "2", broken)], "web")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert lay(tmp_path, [Piece("a", "1", lambda: b"old")], "web") == frozenset()
    assert lay(tmp_path, [Piece("a", "2", lambda: b"new")], "web") == {"a"}


def items(posts: Sequence[Any]) -> list[Item]:
    return [Item(one, NOW - timedelta(hours=number)) for number, one in enumerate(posts)]


def test_long_lists_keep_their_old_pages(tmp_path: Path) -> None:
    every = items(many(260))
    parts = list(shelves.parts(Shelf("posts/", "Tous", tuple(every))))
    assert [item for part in reversed(parts) for item in part.items] == every
    assert [part.path for part in parts] == ["posts/1/", "posts/2/", "posts/3/", "posts/4/", "posts/"]
    newer = list(shelves.parts(Shelf("posts/", "Tous", (*items(many(1)), *every))))
    assert newer[:3] == parts[:3]
    assert [len(part.items) for part in shelves.parts(Shelf("posts/", "Tous", tuple(every[:99])))] == [99]
    assert [len(part.items) for part in shelves.parts(Shelf("posts/", "Tous", tuple(every[:100])))] == [50, 50]
    assert [len(part.items) for part in shelves.parts(Shelf("posts/", "Tous", ()))] == [0]


def test_read_next_counts_tags_and_never_offers_a_sensitive_post_by_itself() -> None:
    reading = post("a", tags=("vélo",), categories=("Mobilité",))
    close = post("b", kind="news", tags=("vélo",), categories=("Mobilité",))
    same_kind = post("c")
    hidden = post("d", tags=("vélo",), categories=("Mobilité",), sensitive=True)
    every = items([same_kind, hidden, reading, close])
    near = Neighbours(every)
    assert [item.post.slug for item in near.of(every[2])] == ["b", "c"]
    chosen = items([same_kind, hidden, replace(reading, related=("d", "a", "unknown")), close])
    assert [item.post.slug for item in Neighbours(chosen).of(chosen[2])] == ["d", "b", "c"]


def test_read_next_compares_few_however_many_there_are() -> None:
    every = items(many(3_000))
    near = Neighbours(every)
    assert max(len(near._close(item)) for item in every[::300]) < 100
    closest = near.of(every[1_500])
    assert len(closest) == 3
    assert all(item.post.categories == every[1_500].post.categories for item in closest)
    assert all(item.post.tags == every[1_500].post.tags for item in closest)


def test_private_pages_are_listed_for_the_server_and_for_nobody_else(tmp_path: Path) -> None:
    web = Watched(tmp_path)
    hidden = post("rien", sensitive=True, title="Un secret")
    made = [publication(web, one) for one in (post("a", pictures=(picture(),)), hidden, edition("e", [hidden]))]
    made.append(publication(web, post("passe"), withdrawn=True))
    files = web.build(made)
    private = json.loads(files[".veille-private.json"])
    assert {"editions/e/", "posts/passe/", "posts/rien/"} <= set(private)
    assert not {"posts/a/", "", "posts/"} & set(private)
    tree = ElementTree.fromstring(files["sitemap.xml"])
    places = [element.text or "" for element in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert f"{BASE}/posts/a/" in places
    assert f"{BASE}/" in places
    assert not [place for place in places if "rien" in place or "passe" in place or "/e/" in place or "404" in place]
    assert b"<lastmod>2026-11-25T08:00:00+00:00</lastmod>" in files["sitemap.xml"]
    robots = files["robots.txt"].decode()
    assert f"Sitemap: {BASE}/sitemap.xml" in robots
    assert "rien" not in robots
    assert "og:image" not in files["posts/rien/index.html"].decode()
    assert f'og:image" content="{BASE}/media/{picture().name}"' in files["posts/a/index.html"].decode()
    assert 'og:image:alt" content="Des jeunes dans un atelier vélo"' in files["posts/a/index.html"].decode()


def test_a_shared_page_without_a_picture_shows_its_card_and_no_list_does(tmp_path: Path) -> None:
    web = Watched(tmp_path)
    card = picture(alt="Un titre")
    shared = post("a", card=card)
    files = web.build([publication(web, shared), publication(web, edition("e", [shared]))])
    page = files["posts/a/index.html"].decode()
    assert f'og:image" content="{BASE}/media/{card.name}"' in page
    assert "<img" not in page, "the title stands there already"
    assert f"media/{card.name}" in files
    others = [
        name
        for name, content in files.items()
        if name.endswith((".html", ".xml", ".json")) and card.name.encode() in content
    ]
    assert others == ["posts/a/index.html"]
    assert archive.rendition("feed", shared).files == ()


def test_an_issue_and_the_front_page_are_shared_with_a_picture_of_the_issue(tmp_path: Path) -> None:
    web = Watched(tmp_path, brand={"tagline": "Près de chez toi"})
    shown, quiet = post("a", pictures=(picture(),)), post("b", pictures=(picture("blue", "Une cour"),), sensitive=True)
    issue = edition("e", [post("c"), shown])
    whole = web.build([publication(web, shown, hours=1), publication(web, post("c")), publication(web, issue)])
    image = f'og:image" content="{BASE}/media/{picture().name}"'
    assert image in whole["editions/e/index.html"].decode()
    assert image in whole["index.html"].decode()
    assert 'og:description" content="Près de chez toi"' in whole["index.html"].decode()
    private = web.build([publication(web, edition("e", [quiet, shown])), publication(web, edition("f", [quiet]))])
    assert "og:" not in private["editions/e/index.html"].decode()
    assert all(picture("blue").name not in private[name].decode() for name in ("index.html", "editions/index.html"))


def test_a_long_site_map_comes_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemap, "MOST", 3)
    web = Watched(tmp_path)
    every = [Page(f"posts/{number}/", "", changed=f"2026-11-0{number + 1}T00:00:00+00:00") for number in range(7)]
    made = {extra.name: extra.make().decode() for extra in sitemap.files(Site(web, web.archive([])), every)}
    assert made["sitemap.xml"].count("<sitemap>") == 3
    assert f"<loc>{BASE}/sitemap-3.xml</loc><lastmod>2026-11-07" in made["sitemap.xml"]
    assert [made[f"sitemap-{number}.xml"].count("<url>") for number in (1, 2, 3)] == [3, 3, 1]


def test_pictures_are_read_from_the_ledger_only_to_be_written(tmp_path: Path) -> None:
    asked: list[str] = []
    content = b"\xff\xd8 a picture"

    def fetch(stored: str) -> bytes:
        asked.append(stored)
        return content

    file = StoredFile("a.jpg", "image/jpeg", "d1", len(content), fetch)
    made = Rendition("web", {"type": "post", "item": {}}, (file,))
    assert made.digest
    assert (file.size, file.digest, asked) == (len(content), "d1", [])
    piece = Piece("media/a.jpg", file.name, lambda: file.content)
    assert lay(tmp_path, [piece], "web") == {"media/a.jpg"}
    assert lay(tmp_path, [piece], "web") == frozenset()
    assert asked == ["d1"]
