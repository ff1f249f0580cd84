"""Links into our own site: to posts and editions that are there, and never to what belongs to one reader."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from veille.checks.links import rules
from veille.checks.links.ground import at, following
from veille.checks.rules import Context
from veille.checks.subjects import Link, Subject
from veille.editions import Edition
from veille.errors import Finding
from veille.i18n import gettext as _
from veille.posts import Post
from veille.reading.wording import did_you_mean

_HINTS = re.compile(r"/(?:posts|editions|[upc])/")
_PERSONAL = re.compile(r"/[upc]/[\w-]{8,}")
_PAGE = re.compile(r"/(posts|editions)/([^/?#]+)/?(?:index\.html)?")


@lru_cache(4096)
def own_path(address: str, base_url: str) -> str | None:
    """The path of an address of our own site, from "/" on; None for any other site."""
    if address.startswith("/") and not address.startswith("//"):
        return urlsplit(address).path
    head, sep, rest = address.partition(base_url.rstrip("/"))
    if not sep or head or (rest and rest[0] not in "/?#"):
        return None
    return urlsplit(rest).path or "/"


def is_kept_by_us(path: str) -> bool:
    """Whether we ourselves write what stands at this path of our site, so that nobody need open it."""
    return path in ("/", "/feed.xml", "/feed.json") or path.startswith(
        ("/posts/", "/editions/", "/media/", "/u/", "/p/", "/c/")
    )


def own_pages(context: Context) -> Iterator[Finding]:
    """Links to pages of ours that do not exist, or that only one reader may open."""
    library, language = context.library, context.config.settings.workspace.language
    base_url = context.config.settings.workspace.base_url
    known: dict[str, dict[str, Post | Edition]] = {
        "posts": {post.slug: post for post in library.posts},
        "editions": {edition.slug: edition for edition in library.editions},
    }
    sources: list[Post | Edition] = [*library.posts, *library.editions]
    for source in sources:
        texts = _texts(source) if isinstance(source, Post) else ()
        event = source.event.url if isinstance(source, Post) and source.event else ""
        if any(_HINTS.search(text) for text in (source.body, event, *texts)):  # parsing all of them again takes long
            for link in following(Subject(source, source.path, source.file, language)):
                path = own_path(link.href, base_url)
                if path and (problem := _problem(path, known)):
                    yield at(rules.OWN, link, *problem)


def _texts(post: Post) -> tuple[str, ...]:
    return post.body, post.facebook.text, post.facebook.comment, post.instagram.caption, post.instagram.comment


def _problem(path: str, known: Mapping[str, Mapping[str, Post | Edition]]) -> tuple[str, str] | None:
    if _PERSONAL.match(path):
        message = _("this link belongs to one reader: whoever clicks on it leaves the letter in that reader's name")
        return message, _("take it out: every letter has its own link for that")
    if not (page := _PAGE.fullmatch(path)):
        return None
    kind, slug = page[1], unquote(page[2])
    target = known[kind].get(slug)
    if target is None:
        message = _("there is no page {path} on our site").format(path=path)
        return message, did_you_mean(slug, list(known[kind])) or _("write the name of a post: /posts/NAME/")
    if target.draft:
        message = _("{path} is a draft: readers would find no page there").format(path=path)
        return message, _("set draft: false in {file}, or take the link out").format(file=target.file)
    if isinstance(target, Post) and target.channels is not None and "web" not in target.channels:
        message = _("{path} is not on the web: readers would find no page there").format(path=path)
        return message, _("add web to the channels in {file}, or take the link out").format(file=target.file)
    return None


def is_ours(link: Link, base_url: str) -> bool:
    """Whether a link leads to something that we write ourselves."""
    path = own_path(link.href, base_url)
    return path is not None and is_kept_by_us(path)
