"""Checks that a reader is observed by nobody: what leaves loads nothing from elsewhere and counts no click.

CNIL, deliberation 2026-042 of 12 March 2026 on tracking pixels (read 2026-09); promise 5 of the design. Posts cannot
break it, since Markdown holds no foreign picture; templates of a newsroom, and links copied out of a mail, can.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from lxml import etree

from veille.checks.links.detours import detour_of
from veille.checks.markup import elements, found, hidden, line_of, place
from veille.checks.rules import Check, Context, Rule, Shown, mark
from veille.errors import Finding
from veille.i18n import gettext as _

LARGEST_DATA = 8_000  # characters of a picture inside the page: a sign, not a photo

_SOURCE = "CNIL, délibération n° 2026-042 du 12 mars 2026, pixels de suivi ; lu le 2026-09"
_ATTRIBUTES = ("src", "background", "background-url", "poster", "data", "action", "formaction", "ping", "xlink:href")
_LOADING = {"link", "image", "use", "base", "mj-font", "mj-include"}  # elements whose `href` is fetched, or leads all
_NOT_FETCHED = {"canonical", "alternate", "author", "license", "next", "prev", "help", "me", "search", "up"}
_CSS = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""", re.IGNORECASE)
_REFRESH = re.compile(r"url\s*=\s*[\"']?([^\"']+)", re.IGNORECASE)
_ABSOLUTE = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_TINY = re.compile(r"(?:^|;|\s)(?:max-)?(?:width|height)\s*:\s*[01](?:\.\d+)?(?:px|pt|%)?\s*(?:!|;|$)", re.IGNORECASE)
_SCRIPT = re.compile(r"\s*(?:javascript|vbscript)\s*:", re.IGNORECASE)

THIRD_PARTY = Rule(
    code="third-party",
    title=mark("Something is loaded from somebody else's server"),
    why=mark("That server learns who reads, when and where. It needs consent, and a watched reader is in danger."),
    remedy=mark("Put the file into the workspace and serve it from the newsroom's own address, or leave it out."),
    wrong='<img src="https://cdn.example.net/logo.png">',
    right='<img src="{{ base_url }}/media/logo.png">',
    excusable=False,
    source=_SOURCE,
)  # fmt: skip
TRACKING_PIXEL = Rule(
    code="tracking-pixel",
    title=mark("A picture that nobody can see"),
    why=mark("Invisible pictures tell their sender who opened a letter. Without consent the CNIL does not allow it."),
    remedy=mark("Take the picture out of the template."),
    wrong='<img src="{{ base_url }}/o.gif" width="1" height="1">',
    right='<img src="{{ base_url }}/media/logo.png" width="120" height="40" alt="…">',
    excusable=False,
    source=_SOURCE,
)
READER_PICTURE = Rule(
    code="reader-picture",
    title=mark("A picture whose address is another for each reader"),
    why=mark("Fetching it tells who opened the letter, as a hidden picture would."),
    remedy=mark("Use the personal links for links only, and one address for everybody in pictures."),
    wrong='<img src="{{ unsubscribe }}">',
    right='<img src="{{ base_url }}/media/logo.png">',
    excusable=False,
    source=_SOURCE,
)
LINK_REDIRECTOR = Rule(
    code="link-redirector",
    title=mark("A link goes through somebody who counts clicks"),
    why=mark("Whoever stands between learns who followed which link, and the link dies when he closes."),
    remedy=mark("Open the link, then copy the address at which you end up."),
    wrong="https://l.facebook.com/l.php?u=https%3A%2F%2Fexample.org",
    right="https://example.org",
    excusable=False,
    source=_SOURCE,
)
SCRIPT = Rule(
    code="script",
    title=mark("A program in a letter or in the feed"),
    why=mark("Mail programs and feed readers throw it away, or the whole letter with it."),
    remedy=mark("Take it out of the template; a page of the site is the place for it."),
    wrong="<script>…</script>",
    right='<a href="{{ post.url }}">Lire en ligne</a>',
    excusable=False,
)
DATA_CONTENT = Rule(
    code="data-content",
    title=mark("A file is written into the page"),
    why=mark("Gmail, Outlook and laposte.net do not show it, and everybody has to fetch it with every page."),
    remedy=mark("Put the file into the workspace, and name its address."),
    wrong='<img src="data:image/jpeg;base64,…">',
    right='<img src="{{ base_url }}/media/…">',
    excusable=False,
)


def loaded(element: etree._Element) -> Iterator[str]:
    """Addresses that are fetched, or sent to, when this element is shown or used."""
    for name, value in element.attrib.items():
        text = str(value).strip()
        if name in _ATTRIBUTES or name.endswith("}href"):
            yield text
        elif name in ("srcset", "imagesrcset"):
            yield from (part.split()[0] for part in text.split(",") if part.split())
        elif name == "style":
            yield from in_css(text)
        elif name == "href" and element.tag in _LOADING and not _leads_only(element):
            yield text
    if element.tag == "style":
        yield from in_css(element.text or "")
    elif element.tag == "meta" and (element.get("http-equiv") or "").lower() == "refresh":
        yield from _REFRESH.findall(element.get("content") or "")


def in_css(css: str) -> Iterator[str]:
    """Addresses in style rules."""
    for match in _CSS.finditer(css):
        yield (match[1] or match[2]).strip()


def _leads_only(element: etree._Element) -> bool:
    words = (element.get("rel") or "").lower().split()
    return element.tag == "link" and bool(words) and set(words) <= _NOT_FETCHED


def foreign(address: str, base_url: str) -> str:
    """The host of an address that is not the newsroom's; "" for its own, and for places inside the site."""
    if not _ABSOLUTE.match(address):
        return ""
    try:
        host = urlsplit(address).hostname or address
    except ValueError:
        host = address
    return "" if host == urlsplit(base_url).hostname else host


# proofs ----


def _proof(shown: Shown, context: Context) -> Iterator[Finding]:
    base_url = context.config.settings.workspace.base_url
    for element in elements(shown.proof.html):
        yield from _of_addresses(element, shown, context, base_url)
        if element.tag == "img" and _unseen(element):
            where = place(shown, context, element.get("src") or "")
            message = _("this picture cannot be seen: {address}").format(address=element.get("src") or "<img>")
            yield found(TRACKING_PIXEL, where, message, _("take it out: it tells who opened the letter"))
        if shown.channel in ("newsletter", "feed") and (words := _program(element)):
            message = _("there is a program in it: {words}").format(words=words)
            yield found(SCRIPT, place(shown, context, words), message, _("take it out of the template"))
        if element.tag in ("a", "area") and (detour := detour_of(element.get("href") or "")):
            yield _through(detour.host, element.get("href") or "", shown, context)


def _of_addresses(element: etree._Element, shown: Shown, context: Context, base_url: str) -> Iterator[Finding]:
    for address in loaded(element):
        if host := foreign(address, base_url):
            yield _from_elsewhere(place(shown, context, address), host, str(element.tag))
        elif address.lower().startswith("data:") and not _small_picture(address):
            message = _("a file is written into the page: {address}").format(address=f"{address[:40]}…")
            hint = _("put it into the workspace and name its address")
            yield found(DATA_CONTENT, place(shown, context, address[:40]), message, hint)
        elif shown.channel == "newsletter" and _personal(address):
            message = _("the address of a picture is another one for each reader: {address}").format(address=address)
            hint = _("keep the personal links for links: a picture has one address for everybody")
            yield found(READER_PICTURE, place(shown, context, address.partition("#")[0]), message, hint)


def _from_elsewhere(where: tuple[str, int | None], host: str, tag: str) -> Finding:
    message = _("<{tag}> loads something from {host}").format(tag=tag, host=host)
    hint = _("put the file into the workspace: whoever serves it learns who reads")
    return found(THIRD_PARTY, where, message, hint)


def _through(host: str, address: str, shown: Shown, context: Context) -> Finding:
    message = _("a link goes through {host}, which counts who follows it").format(host=host)
    hint = _("open it, and copy the address at which you end up")
    return found(LINK_REDIRECTOR, place(shown, context, address), message, hint)


def _personal(address: str) -> bool:
    """Whether it holds a personal link, which proofs show as "#": no colour (#fff) or part of a drawing (#arrow)."""
    return "#" in address and (address == "#" or not address.startswith(("#", "data:", "DATA:")))


def _small_picture(address: str) -> bool:
    return address.lower().startswith("data:image/") and len(address) <= LARGEST_DATA


def _unseen(element: etree._Element) -> bool:
    sizes = (element.get("width") or "").strip(), (element.get("height") or "").strip()
    tiny = any(re.fullmatch(r"[01](?:px|%)?", size) for size in sizes)
    return tiny or bool(_TINY.search(element.get("style") or "")) or hidden(element)


def _program(element: etree._Element) -> str:
    """ "<script>", "onclick" or "javascript:" when this element holds one."""
    if element.tag == "script":
        return "<script"
    if handlers := [str(name) for name in element.attrib if str(name).startswith("on")]:
        return handlers[0]
    return "javascript:" if any(_SCRIPT.match(str(value)) for value in element.attrib.values()) else ""


# the newsroom's own templates, also those of pages that no post stands on ----


def _whole(context: Context) -> Iterator[Finding]:
    folder = context.config.root / "templates"
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_file() and path.suffixes and set(path.suffixes) & {".html", ".mjml", ".css", ".svg", ".xml"}:
            yield from _of_template(path, context)


def _of_template(path: Path, context: Context) -> Iterator[Finding]:
    try:
        source = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    except (OSError, UnicodeDecodeError):
        return  # rendering says why
    base_url, name = context.config.settings.workspace.base_url, path.relative_to(context.config.root).as_posix()
    sheet = ".css" in path.suffixes
    pairs = (("style", one) for one in in_css(source)) if sheet else _addresses(source)
    for tag, address in pairs:
        if "{" not in address and (host := foreign(address, base_url)):
            yield _from_elsewhere((name, line_of(path, address)), host, tag)


def _addresses(source: str) -> Iterator[tuple[str, str]]:
    for element in elements(source):
        yield from ((str(element.tag), address) for address in loaded(element))
        if element.tag == "mj-style":
            yield from (("style", address) for address in in_css(element.text or ""))


CHECK = Check(
    rules=(THIRD_PARTY, TRACKING_PIXEL, READER_PICTURE, LINK_REDIRECTOR, SCRIPT, DATA_CONTENT),
    whole=_whole,
    proof=_proof,
)
