"""Web addresses: broken, without link, with words that say nothing, tracked, detoured, private."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from urllib.parse import urlunsplit

from veille.checks.links import rules
from veille.checks.links.detours import detour_of
from veille.checks.links.ground import (
    at,
    covers,
    following,
    host_of,
    is_inside,
    is_rehearsal,
    is_reserved,
    is_shown,
    linked,
    parts_of,
    typed,
    without_stop,
)
from veille.checks.lists import lines
from veille.checks.rules import Context
from veille.checks.subjects import Link, Subject, Text
from veille.errors import Finding, Severity
from veille.i18n import gettext as _

_ENDINGS = r"(?:fr|com|org|net|eu|info|paris|bzh)"
_CUTS = (
    # "…/toutes-les-\nactualites": nobody ends an address like this
    re.compile(r"https?://[^\s<>]+[-_=&?%][ \u00a0\n]+(?=[a-z0-9])[a-z0-9][^\s<>]*", re.I),
    # "…fr/\nactualites/detail/": what follows is no word of a sentence
    re.compile(
        r"https?://[^\s<>]+/[ \u00a0\n]+(?=[^\s<>]{10})[a-z0-9]+(?:[-_][a-z0-9]+)*(?:[/][\w.~-]+|-[a-z0-9]+-)\S*"
    ),
    re.compile(r"https?://[^\s<>]+\n[/?&#=][\w-]\S*"),
    re.compile(r"\bwww\.[ \u00a0\n]+[\w-]+\.\S*", re.I),
    re.compile(rf"\b(?:https?://|www\.)[\w.-]*[ \u00a0\n]+\.{_ENDINGS}\b", re.I),
    re.compile(r"\bhttps?(?:[ \u00a0]+:|:[ \u00a0]+)//\s*\S*|\bhttps?://[ \u00a0\n]+\w\S*", re.I),
    re.compile(
        r"\bhttps?(?:://|//|:/(?!/)|;//|:\\\\)(?:https?:?/*)?(?<!\w://)[\w-]+\.\S*|\b(?:htt?ps?|hhttps?|htpps?|htttps?)://\S+",
        re.I,
    ),
)
_WELL_BEGUN = re.compile(r"https?://(?!https?:?/)[^\s]", re.I)
_GLUED = re.compile(r"^https?://(?:https?:?/|www\.https?:)|(?:%20|%C2%A0)$", re.I)
_NO_HOST = re.compile(r"[^\w.\-:\[\]]|\.\.|^[.-]")  # "www.bagneux92,fr": RFC 3986, 3.2.2
_LOOKS_LIKE = re.compile(r"^(?:https?://|www\.)?([\w-]+(?:\.[\w-]+)+)(?:[/?#]\S*)?$", re.I)
_NO_LETTERS = re.compile(r"[\s.,;:!?…»«>→➔➜➡️()\[\]]+$|^[\s>→➔➜➡️«(\[]+")


def web_addresses(subject: Subject, context: Context) -> Iterator[Finding]:
    """Everything that can be said of web addresses without opening one."""
    words = linked(subject)
    for text in subject.texts:
        if "http" in text.content.lower() or "www" in text.content.lower() or "htp" in text.content.lower():
            yield from _in_text(text, words)
    rehearsal = is_rehearsal(context)
    for link in following(subject):
        yield from _of_link(link, rehearsal=rehearsal)
    yield from _same_words(subject)


def _in_text(text: Text, words: list[tuple[Text | None, int, int]]) -> Iterator[Finding]:
    cuts = [(start, end) for start, end in _cut(text) if not _is_linked(text, start, words)]
    for start, end in cuts:
        message = _("this web address is broken in the middle: {address}")
        shown = " ".join(text.content[start:end].split())
        whole = without_stop("".join(text.content[start:end].split()))
        hint = _("write it in one piece: <{address}>").format(address=whole)
        yield rules.BROKEN.at(text, start, end, message.format(address=shown), hint)
    for start, address in typed(text) if is_shown(text) else ():
        if not _is_linked(text, start, words) and not any(first <= start < last for first, last in cuts):
            whole = address if "://" in address else f"https://{address}"
            message = _("readers cannot click on this address: {address}").format(address=address)
            hint = _("write <{address}>, or words that say where it leads: [the words]({address})")
            yield rules.BARE.at(text, start, start + len(address), message, hint.format(address=whole))


def _is_linked(text: Text, offset: int, words: Sequence[tuple[Text | None, int, int]]) -> bool:
    return any(text is piece and first <= offset < last for piece, first, last in words)


def _cut(text: Text) -> Iterator[tuple[int, int]]:
    """Where an address is broken; each place once."""
    last = -1
    spans = sorted((match.start(), match.end(), match[0]) for cut in _CUTS for match in cut.finditer(text.content))
    for start, end, shown in spans:
        sound = _WELL_BEGUN.match(shown) and not re.search(r"[\s\u00a0]", shown)
        if start > last and not sound:
            yield start, end
            last = end


def _of_link(link: Link, *, rehearsal: bool) -> Iterator[Finding]:
    parts = parts_of(link.href)
    if _GLUED.search(link.href) or (parts is not None and _NO_HOST.search(host_of(link.href))):
        yield at(rules.BROKEN, link, _("this is not one address: {address}").format(address=link.href))
    elif parts is not None:
        host = host_of(link.href)
        if parts.scheme == "http":
            yield at(rules.HTTP, link, *_http(link.href))
        if parts.username or parts.password:
            message = _("a user name or password stands in this address of {host}").format(host=host)
            yield at(rules.PASSWORD, link, message, _("delete what stands before the @, and change the password"))
        yield from _host(link, host, rehearsal=rehearsal)
        yield from _marks(link, host)
    if link.text is not None:
        yield from _words(link)


def _http(address: str) -> tuple[str, str]:
    message = _("this address begins with http://, not https://: {address}").format(address=address)
    return message, _("try {address}, and write it if it works").format(address="https" + address[4:])


def _host(link: Link, host: str, *, rehearsal: bool) -> Iterator[Finding]:
    if is_reserved(host):
        if not rehearsal:
            message = _("{host} is an invented address: nobody answers there").format(host=host)
            yield at(rules.EXAMPLE, link, message, _("write the real address, or take it out"))
    elif is_inside(host):
        message = _("only computers of one network can open {host}").format(host=host)
        yield at(rules.PRIVATE, link, message, _("write the public address of the page"))


# Tracking and detours ----


def _marks(link: Link, host: str) -> Iterator[Finding]:
    detour = detour_of(link.href)
    if detour is not None:
        target = untracked(detour.target)
        message = _("this link goes by way of {host}, which counts who clicks").format(host=host)
        hint = _("write where it leads: {address}").format(address=target) if target else None
        yield at(rules.DETOUR, link, message, hint or _("open it once and write the address on which it ends"))
    elif marks := tracking(link.href):
        names = ", ".join(dict.fromkeys(marks))
        message = _("this address tells the other site where its visitors come from: {names}").format(names=names)
        hint = _("write {address}").format(address=untracked(link.href))
        yield at(rules.TRACKING, link, message, hint)


@cache
def _trackers() -> tuple[frozenset[str], tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Names, beginnings of names, and names that are marks on one site only."""
    names, starts, sites = set(), [], []
    for line in lines("trackers.txt"):
        first, *rest = line.split()
        if rest:
            sites.append((first, rest[0]))
        elif first.endswith("*"):
            starts.append(first[:-1])
        else:
            names.add(first)
    return frozenset(names), tuple(starts), tuple(sites)


def tracking(address: str) -> list[str]:
    """The names of the tracking marks of a web address, in order."""
    parts = parts_of(address)
    if parts is None or not (parts.query or "=" in parts.fragment):
        return []
    host = host_of(address)
    pieces = [*parts.query.split("&"), *(parts.fragment.split("&") if "=" in parts.fragment else ())]
    return [piece.partition("=")[0] for piece in pieces if _is_mark(piece, host)]


def untracked(address: str) -> str:
    """The address without its tracking marks."""
    parts = parts_of(address)
    if parts is None:
        return address
    host = host_of(address)
    query, fragment = (
        "&".join(piece for piece in half.split("&") if not _is_mark(piece, host))
        for half in (parts.query, parts.fragment)
    )
    return urlunsplit(parts._replace(query=query, fragment=fragment))


def _is_mark(piece: str, host: str) -> bool:
    name = piece.partition("=")[0].lower().lstrip("?")
    names, starts, sites = _trackers()
    if name in names or name.startswith(starts):
        return True
    return any(
        covers(site, host) and (name == mark or (mark.endswith("*") and name.startswith(mark[:-1])))
        for site, mark in sites
    )


# The words ----


def plain(words: str) -> str:
    """Words of a link as they are compared: small letters, one kind of apostrophe, no arrows or punctuation."""
    shown = " ".join(words.replace("’", "'").casefold().split())
    return _NO_LETTERS.sub("", shown).strip()


@cache
def _empty() -> frozenset[str]:
    return frozenset(lines("empty_link_words.txt"))


def _words(link: Link) -> Iterator[Finding]:
    words = link.words.strip()
    if not words:
        message = _("this link has no words: nobody sees it, and nobody can click on it")
        yield at(
            rules.WORDS,
            link,
            message,
            _("write what is behind it: [the programme]({address})").format(address=link.href),
            Severity.ERROR,
        )
    elif not plain(words) or plain(words) in _empty():
        message = _("“{words}” does not say where this link leads").format(words=words)
        yield at(rules.WORDS, link, message, _("name what is behind it: the page, the form, the programme"))
    elif (shown := _LOOKS_LIKE.match(words)) and parts_of(link.href):
        named, real = shown[1].lower().removeprefix("www."), host_of(link.href).removeprefix("www.")
        if named != real and not covers(named, real) and _is_domain(named):
            message = _("this link shows {shown} and leads to {real}").format(shown=named, real=real)
            yield at(rules.MISMATCH, link, message, _("let both be the same, or write words instead"))


def _is_domain(name: str) -> bool:
    """Whether it is more than two words with a stop and no space: it ends like most sites do."""
    return bool(re.search(rf"\.{_ENDINGS}$|\.(?:de|be|ch|lu|es|it|uk|io|me|tv|gouv\.fr)$", name))


def _same_words(subject: Subject) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for link in subject.links:
        words = plain(link.words) if link.text is not None else ""
        if not words or words in _empty():
            continue
        target = link.href.rstrip("/")
        if seen.setdefault(words, target) != target:
            message = _("“{words}” leads to another page here than above: {address}")
            shown = message.format(words=link.words.strip(), address=seen[words])
            yield at(rules.TWINS, link, shown, _("give each link words of its own"))
