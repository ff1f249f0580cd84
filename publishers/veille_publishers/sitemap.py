"""sitemap.xml and robots.txt: what search engines may find, and no word about what they may not.

A private page is not listed, and robots.txt names none: a list of addresses to keep away from is a list of addresses.
Its own `noindex` keeps it out, which an engine reads only where it may look (developers.google.com, "Block Search
indexing with noindex", read November 2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from html import escape
from urllib.parse import quote, urlsplit

from veille_publishers.site_parts import Extra, Material, Page

MOST = 50_000  # addresses in one file (sitemaps.org/protocol.html)
SITEMAP = "sitemap.xml"
PRIVATE = ".veille-private.json"
_SPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
_PERSONAL = ("/c/", "/p/", "/u/")  # confirm, preferences, unsubscribe: a link of a letter that somebody posted

_Entry = tuple[str, str]  # address, when it changed


def files(site: Material, pages: Sequence[Page]) -> Iterator[Extra]:
    """The site map, in several files when it must be, robots.txt, and for `veille serve` the list of private pages.

    Args:
        pages: of the whole site.
    """
    base = site.config.settings.workspace.base_url
    listed = sorted((p.path, p.changed) for p in pages if not p.private)
    entries = [(f"{base}/{quote(path)}", changed) for path, changed in listed]
    yield from _maps(base, entries)
    root = urlsplit(base).path
    yield Extra("robots.txt", (base, root), partial(_robots, base, root))
    private = sorted(page.path for page in pages if page.private and page.path.endswith("/"))
    yield Extra(PRIVATE, private, partial(_private, private))


def _maps(base: str, entries: Sequence[_Entry]) -> Iterator[Extra]:
    groups = [entries[start : start + MOST] for start in range(0, len(entries), MOST)]
    if len(groups) <= 1:
        yield Extra(SITEMAP, entries, partial(_listing, "urlset", "url", entries))
        return
    names = [f"sitemap-{number}.xml" for number in range(1, len(groups) + 1)]
    for name, group in zip(names, groups, strict=True):
        yield Extra(name, group, partial(_listing, "urlset", "url", group))
    parts = [(f"{base}/{name}", max(when for _url, when in g)) for name, g in zip(names, groups, strict=True)]
    yield Extra(SITEMAP, parts, partial(_listing, "sitemapindex", "sitemap", parts))


def _listing(whole: str, one: str, entries: Sequence[_Entry]) -> bytes:
    lines = [f'<?xml version="1.0" encoding="UTF-8"?>\n<{whole} xmlns="{_SPACE}">']
    for address, changed in entries:
        when = f"<lastmod>{escape(changed, quote=False)}</lastmod>" if changed else ""
        lines.append(f"<{one}><loc>{escape(address, quote=False)}</loc>{when}</{one}>")
    return "\n".join([*lines, f"</{whole}>\n"]).encode()


def _robots(base: str, root: str) -> bytes:
    refused = "".join(f"Disallow: {root}{path}\n" for path in _PERSONAL)
    return f"User-agent: *\n{refused}\nSitemap: {base}/{SITEMAP}\n".encode()


def _private(paths: Sequence[str]) -> bytes:
    import json

    return json.dumps(list(paths), indent=0).encode() + b"\n"
