"""Addresses: where they stand in a text, which host they name, and what it is known for."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from veille.checks.rules import Context, Rule
from veille.checks.subjects import Link, Role, Subject, Text
from veille.errors import Finding, Severity

_TYPED = re.compile(
    r"\bhttps?://[^\s<>\"«»“”|\\^`{}\ufffc]+|\bwww\.[^\s<>\"«»“”|\\^`{}\ufffc]+\.[^\s<>\"«»“”\ufffc]+", re.I
)
_RESERVED = re.compile(r"(?:^|\.)(?:example\.(?:com|net|org)|example|test|invalid)\.?$")  # RFC 2606, RFC 6761
_INSIDE = re.compile(r"(?:^|\.)(?:localhost|local|lan|intranet|intra|internal|home|corp|home\.arpa)\.?$")
_WEB = ("http", "https")


@lru_cache(4096)
def parts_of(address: str) -> SplitResult | None:
    """The parts of a web address; None when it is none."""
    try:
        parts = urlsplit(address)
        return parts if parts.scheme in _WEB and parts.hostname else None
    except ValueError:
        return None


def host_of(address: str) -> str:
    """The host of a web address in small letters; "" without one."""
    parts = parts_of(address)
    return (parts.hostname or "").rstrip(".") if parts else ""


def covers(domain: str, host: str) -> bool:
    """Whether a host is this domain or stands below it."""
    return host == domain or host.endswith("." + domain)


def is_reserved(host: str) -> bool:
    """Whether a host exists in examples only (RFC 2606, RFC 6761): nobody ever answers there."""
    return bool(_RESERVED.search(host))


def is_inside(host: str) -> bool:
    """Whether a host can only be reached from inside a network, or from this computer."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or bool(_INSIDE.search(host))


def is_rehearsal(context: Context) -> bool:
    """Whether nothing of this newsroom reaches people: no live channel, or a site that is an example itself."""
    config = context.config
    site = host_of(config.settings.workspace.base_url)
    return is_reserved(site) or not any(config.live(name) for name in config.channels)


def typed(text: Text) -> Iterator[tuple[int, str]]:
    """The web addresses that can be read in a text, each with its offset."""
    content = text.content
    if "://" not in content and "www." not in content.lower():
        return
    for match in _TYPED.finditer(content):
        yield match.start(), without_stop(match[0])


def without_stop(address: str) -> str:
    """Without the punctuation of the sentence that it ends, and a bracket that was opened before it."""
    while address and (
        address[-1] in ".,;:!?…'’*_" or (address[-1] in ")]" and address.count("(") < address.count(")"))
    ):
        address = address[:-1]
    return address.rstrip("]")


def linked(subject: Subject) -> list[tuple[Text | None, int, int]]:
    """Where the words of links stand."""
    return [(link.text, link.start, link.start + len(link.words)) for link in subject.links]


def following(subject: Subject) -> Iterator[Link]:
    """Every link that a reader may follow: those that were written as such, and addresses typed in a text.

    Apps of social networks make links of typed addresses, and so do many mail programmes.
    """
    yield from subject.links
    words = linked(subject)
    for text in subject.texts:
        for start, address in typed(text):
            if not any(text is piece and first <= start < last for piece, first, last in words):
                line, column = text.place(start)
                href = address if "://" in address else f"https://{address}"
                yield Link(href, address, text.file, line, column, text.field, text, start)


def is_shown(text: Text) -> bool:
    """Whether it is a running text in which a link can stand."""
    return text.role in (Role.BODY, Role.HEADING)


def at(rule: Rule, link: Link, message: str, hint: str | None = None, severity: Severity | None = None) -> Finding:
    """The finding for a link, wherever it was written.

    Args:
        severity: another one than the rule's.
    """
    if link.text is not None:
        found = rule.at(link.text, link.start, link.start + len(link.words), message, hint)
    else:
        found = Finding(
            link.file, link.line, link.field, message, hint, rule.code, rule.severity, link.column, link=rule.link
        )
    return replace(found, severity=severity) if severity else found
