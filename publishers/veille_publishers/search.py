"""Search without a server: a list of all posts that works alone, and a small index for the script of the site."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

from veille.folding import fold
from veille.i18n import gettext as _
from veille.rendering import RenderedPost, shorten
from veille_publishers.archive import Item
from veille_publishers.site_parts import Extra, Leaf, Material, Page

PATH = "search/"
FILE = "search.json"
WEIGHT = 480  # bytes of the index for each post: 200 posts stay under 100 kB, what a phone loads in a second
SMALL = 24_000  # bytes that the words of a small site may take however few posts it has
SUMMARY = 120  # characters
_SHORTEST = 3  # letters of a word of the body


@dataclass(frozen=True)
class Row:
    """One post in the list and in the index.

    Args:
        title: of a sensitive post its date: whoever looks at the screen learns nothing.
        words: of title, tags, towns and body, folded, each once, in the order in which they come.
    """

    path: str
    title: str
    label: str = ""
    summary: str = ""
    lang: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Topic:
    """Posts of one kind, by title."""

    name: str
    rows: tuple[Row, ...]


def pages(site: Material) -> Iterator[Leaf | Extra]:
    """The page, and its index."""
    rows = [_known(item) for item in site.archive.items]
    body, whole = cut(rows)
    values = {"topics": tuple(_topics(rows)), "whole": whole, "index": FILE}
    yield Leaf(Page(PATH, _("Search")), "search.html.j2", values)
    yield Extra(FILE, body, partial(_bytes, body))


def cut(rows: Sequence[Row]) -> tuple[list[dict[str, Any]], bool]:
    """The index, and whether every word of every post is in it.

    Title, label and summary of every post always are; what is left of the weight is shared out evenly.
    """
    fixed = [{"p": row.path, "t": row.title, "l": row.label, "s": row.summary, "w": ""} for row in rows]
    room = max(WEIGHT * len(rows), SMALL) - len(_bytes(fixed))
    share = max(room // max(len(rows), 1), 0)
    whole = True
    for entry, row in zip(fixed, rows, strict=True):
        entry["w"] = " ".join(row.words)
        if len(entry["w"].encode()) > share:
            whole = False
            entry["w"] = entry["w"].encode()[:share].decode(errors="ignore").rpartition(" ")[0]
    return [dict(entry) for entry in fixed], whole


def _known(item: Item) -> Row:
    row: Row = item.memo.get(PATH) or item.memo.setdefault(PATH, _row(item))
    return row


def _row(item: Item) -> Row:
    post = item.post
    path = f"posts/{post.slug}/"
    if post.sensitive:
        return Row(path, post.date_words)
    label = " · ".join((post.kind_label, *post.towns))
    return Row(path, post.title, label, shorten(post.summary, SUMMARY), post.lang, tuple(_text(post)))


def _text(post: RenderedPost) -> list[str]:
    """Words that the title, label and summary do not show already, each once."""
    seen = set(_words(" ".join((post.title, post.kind_label, *post.towns, shorten(post.summary, SUMMARY)))))
    told = " ".join((*post.tags, *post.categories, post.where_words, post.when_words, post.summary, post.text))
    told = re.sub(r"https?://\S+", " ", told)
    return [word for word in dict.fromkeys(_words(told)) if word not in seen and len(word) >= _SHORTEST]


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", fold(text))


def _topics(rows: Sequence[Row]) -> Iterator[Topic]:
    """By kind, then by title; posts that tell nothing of themselves come last."""

    def topic(row: Row) -> str:
        return row.label.partition(" · ")[0]

    ordered = sorted(rows, key=lambda row: (not row.label, fold(topic(row)), fold(row.title), row.path))
    for name, members in groupby(ordered, key=topic):
        yield Topic(name or _("Other posts"), tuple(members))


def _bytes(entries: Sequence[Any]) -> bytes:
    return json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
