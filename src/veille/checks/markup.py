"""The HTML of proofs, read once for every check that looks at it, and where a person mends what is wrong in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, product
from pathlib import Path

from lxml import etree
from lxml import html as lxml_html

from veille.checks.rules import Context, Rule, Shown
from veille.errors import Finding

TEMPLATES = {
    "newsletter": ("newsletter/letter.mjml.j2",),
    "feed": ("web/feed_item.html.j2",),
    "web": ("web/post.html.j2", "web/edition.html.j2", "web/parts.html.j2", "web/base.html.j2"),
    "facebook": ("social/facebook.txt.j2",),
    "instagram": ("social/instagram.txt.j2",),
}
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0+)?\s*(?:;|$)", re.IGNORECASE)
_CONDITION = re.compile(r"\s*\[if[^\]]*\]>(.*)<!\[endif\]", re.DOTALL | re.IGNORECASE)


@lru_cache(maxsize=8)
def document(html: str) -> etree._Element:
    """The tree of a letter, page or item, for reading only: every check gets the same one."""
    return _read(html)


@lru_cache(maxsize=256)
def _conditional(html: str) -> etree._Element:
    """The same for the inside of one comment: a letter has many, of few kinds."""
    return _read(html)


def _read(html: str) -> etree._Element:
    parser = lxml_html.HTMLParser(encoding="utf-8", huge_tree=True)
    try:
        root: etree._Element = lxml_html.document_fromstring(html.encode("utf-8", "replace"), parser=parser)
    except etree.ParserError:  # nothing but closing tags, or nothing at all
        return etree.Element("html")
    return root


def elements(html: str) -> Iterator[etree._Element]:
    """Every element, also those that Outlook alone reads, in comments such as `<!--[if mso]>`."""
    root = document(html)
    for node in chain(root.itersiblings(preceding=True), root.iter(), root.itersiblings()):
        if isinstance(node.tag, str):
            yield node
        elif node.tag is etree.Comment and (found := _CONDITION.match(node.text or "")):
            yield from (inner for inner in _conditional(found[1]).iter() if isinstance(inner.tag, str))


def hidden(element: etree._Element) -> bool:
    """Whether its own style, or that of what it stands in, keeps it from being seen."""
    around = [element, *element.iterancestors()]
    return any(node.get("hidden") is not None or _HIDDEN.search(node.get("style") or "") for node in around)


def place(shown: Shown, context: Context, *needles: str) -> tuple[str, int | None]:
    """The newsroom's own template, or the post, in which some words stand, with their line; else where it is mended.

    Args:
        needles: the words, the surest first.
    """
    folder = context.config.root / "templates"
    files = [folder / name for name in TEMPLATES.get(shown.channel, ())] + [post.path for post in shown.posts]
    for words, file in product(filter(None, needles), files):
        if line := line_of(file, words):
            name = file.relative_to(context.config.root) if file.is_relative_to(context.config.root) else file
            return name.as_posix(), line
    return shown.file, None


def line_of(file: Path, words: str) -> int | None:
    """The first line of a file that holds some words."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    return next((number for number, line in enumerate(lines, 1) if words in line), None)


def found(rule: Rule, where: tuple[str, int | None], message: str, hint: str | None = None) -> Finding:
    """The finding of a rule at a place."""
    file, line = where
    return Finding(file, line, None, message, hint, rule.code, rule.severity, link=rule.link)
