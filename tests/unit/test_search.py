"""The index of the search: small, folded, complete where it can be, and silent about sensitive posts."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from tests.support.public_pages import context, post, publication
from veille.rendering import RenderedPost
from veille_publishers.search import Row, cut
from veille_publishers.web import Web


def build(root: Path, *posts: RenderedPost) -> dict[str, bytes]:
    web = Web(context(root))
    standing = [publication(web, one, hours=n) for n, one in enumerate(posts)]
    return {piece.name: piece.make() for piece in web.pieces(standing)}


def test_words_of_title_tags_towns_and_text_are_found(tmp_path: Path) -> None:
    one = post(
        "velo",
        title="À vélo",
        text="Un cœur d’été. https://exemple.example.org/page",
        tags=("Mécanique",),
        towns=("Bagneux",),
    )
    (entry,) = json.loads(build(tmp_path, one)["search.json"])
    assert (entry["p"], entry["t"], entry["l"]) == ("posts/velo/", "À vélo", "Événement · Bagneux")
    assert {"coeur", "ete", "mecanique"} <= set(entry["w"].split())
    assert "exemple" not in entry["w"]
    assert "velo" not in entry["w"].split()  # the title says it already


def test_a_sensitive_post_tells_nothing_but_its_day(tmp_path: Path) -> None:
    secret = post(
        "deux-minutes", title="Violences", summary="Des coups.", text="Des coups.", tags=("violence",), sensitive=True
    )
    files = build(tmp_path, secret, post("velo"))
    entry = next(e for e in json.loads(files["search.json"]) if e["p"] == "posts/deux-minutes/")
    assert entry == {"p": "posts/deux-minutes/", "t": "mardi 24 novembre 2026", "l": "", "s": "", "w": ""}
    for name in ("search.json", "search/index.html"):
        assert b"iolence" not in files[name], name
        assert b"coups" not in files[name], name


def test_two_hundred_posts_stay_under_100_kb_and_the_page_says_what_is_cut() -> None:
    dice = Random(6)
    words = tuple("".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=8)) for _n in range(5000))
    title = "Un titre assez long pour un article de la rédaction"
    rows = [
        Row(f"posts/{n}/", title, "Rendez-vous · Bagneux", "x" * 120, "fr", tuple(dice.sample(words, 250)))
        for n in range(200)
    ]
    index, whole = cut(rows)
    size = len(json.dumps(index, ensure_ascii=False, separators=(",", ":")).encode())
    assert 80_000 < size <= 100_000
    assert not whole
    assert all(set(entry["w"].split()) <= set(row.words) for entry, row in zip(index, rows, strict=True))
    assert cut(rows[:2]) == cut(rows[:2])
    assert cut(rows[:2])[1]  # a small site keeps every word


def test_the_page_lists_every_post_without_script(tmp_path: Path) -> None:
    files = build(tmp_path, post("b", title="Zèbre"), post("a", title="Âne"), post("c", kind="news", kind_label="Actu"))
    page = files["search/index.html"].decode()
    assert page.index("Âne") < page.index("Zèbre")
    assert "posts/c/" in page
    assert "hidden>" in page.split("<form", 1)[1].split("<label", 1)[0]  # no form that does nothing
