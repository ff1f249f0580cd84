"""From what came of opening an address to what the author of a text is told."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from veille.checks.links import rules
from veille.checks.links.ground import at, covers, host_of
from veille.checks.rules import Rule
from veille.checks.subjects import Link
from veille.config import FILE_NAME
from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.i18n import ngettext
from veille.linking.answers import Answer, Outcome

# They let no programme in, whatever it asks for: nothing that they answer tells anything.
WALLS = (
    *("facebook.com", "instagram.com", "linkedin.com", "x.com", "twitter.com", "tiktok.com", "snapchat.com"),
    *("threads.net", "threads.com", "pinterest.com", "pinterest.fr", "whatsapp.com", "wa.me", "discord.com"),
    *("legifrance.gouv.fr", "doctolib.fr", "leboncoin.fr"),
)
_HOME = re.compile(r"/?(?:[a-z]{2}(?:[-_][a-z]{2})?/?)?(?:(?:index|accueil|home|default)(?:\.\w{2,5})?/?)?", re.I)
_NOT_FOUND = re.compile(r"(?:^|[/_.-])(?:404|not-?found|page-?introuvable|erreur-?404|error-?404)(?:$|[/_.-])", re.I)

Verdict = tuple[Rule, str, str | None, Severity | None]


def verdicts(places: Mapping[str, Sequence[Link]], answers: Mapping[str, Answer]) -> Iterator[Finding]:
    """A finding at every place of an address with which something is wrong; one for all where there is no network."""
    if _no_network(answers.values()):
        yield _unchecked(len(answers))
        return
    for address, links in places.items():
        answer = answers.get(address)
        if answer and (verdict := _verdict(answer)):
            rule, message, hint, severity = verdict
            for link in links:
                yield at(rule, link, message, hint, severity)


def _no_network(given: Collection[Answer]) -> bool:
    """Whether nobody answered at all, and that of more than one or two sites which may be down."""
    outcomes = {answer.outcome for answer in given}
    if not outcomes or not outcomes <= {Outcome.OFFLINE, Outcome.SILENT}:
        return False
    return outcomes == {Outcome.OFFLINE} or len({host_of(answer.url) for answer in given}) > 2


def _unchecked(count: int) -> Finding:
    counted = ngettext("{n} link could not be checked", "{n} links could not be checked", count).format(n=count)
    message = _("{links}: this computer reaches no site").format(links=counted)
    hint = _("check again when it is connected: veille check --links")
    return Finding(FILE_NAME, None, None, message, hint, rules.OFFLINE.code, rules.OFFLINE.severity)


def _verdict(answer: Answer) -> Verdict | None:
    host = host_of(answer.url)
    if any(covers(wall, host) for wall in WALLS) and answer.outcome is not Outcome.NO_HOST:
        return None
    match answer.outcome:
        case Outcome.FINE:
            return _forwarded(answer)
        case Outcome.GONE | Outcome.NO_HOST | Outcome.LOOP | Outcome.ASTRAY:
            return rules.DEAD, _why_dead(answer, host), _("look for its new address, or take the link out"), None
        case Outcome.CERTIFICATE | Outcome.CHAIN:
            return _certificate(answer, host)
        case Outcome.REFUSED | Outcome.BUSY | Outcome.SILENT | Outcome.OFFLINE:
            return (
                rules.UNREACHABLE,
                _why_unknown(answer, host),
                _("open it yourself once: {address}").format(address=answer.url),
                None,
            )


def _why_dead(answer: Answer, host: str) -> str:
    match answer.outcome:
        case Outcome.GONE:
            message = _("there is no such page ({status}): {address}")
        case Outcome.NO_HOST:
            message = _("there is no site {host}: {address}")
        case Outcome.LOOP:
            message = _("this address leads in a circle: {address}")
        case _:
            message = _("this address leads to something that is no public page: {address}")
    return message.format(status=answer.status, host=host, address=answer.url)


def _why_unknown(answer: Answer, host: str) -> str:
    match answer.outcome:
        case Outcome.REFUSED:
            message = _("{host} lets no programme look at this page ({status}): {address}")
        case Outcome.BUSY:
            message = _("{host} says that it cannot answer now ({status}): {address}")
        case _:
            message = _("{host} gave no answer: {address}")
    return message.format(host=host, status=answer.status, address=answer.url)


def _certificate(answer: Answer, host: str) -> Verdict:
    """What browsers refuse is an error; a chain that is not complete they often mend themselves."""
    if answer.outcome is Outcome.CHAIN:
        message = _("this computer does not know who signed the certificate of {host} ({detail})")
        severity = Severity.WARNING
    else:
        message = _("browsers warn of {host}: its certificate does not hold ({detail})")
        severity = Severity.ERROR
    hint = _("open it yourself, and tell the owner of the site")
    return rules.CERTIFICATE, message.format(host=host, detail=answer.detail), hint, severity


# Forwarded ----


def _forwarded(answer: Answer) -> Verdict | None:
    """Moved for good, or to a page that is certainly not the one that was meant."""
    if answer.final and _lost(answer.url, answer.final):
        message = _("this link no longer leads to its page, but to {target}").format(target=answer.final)
        return rules.MOVED, message, _("look for the page there, and write its new address"), None
    if answer.permanent and _is_news(answer.url, answer.permanent):
        message = _("this page has moved for good: {address}").format(address=answer.url)
        return rules.MOVED, message, _("write {target}").format(target=answer.permanent), None
    return None


def _lost(url: str, final: str) -> bool:
    """Whether a page of a site was forwarded to the site's front page, or to one that says "not found"."""
    before, after = urlsplit(url), urlsplit(final)
    deep = not _HOME.fullmatch(before.path) or bool(before.query)
    return deep and bool((_HOME.fullmatch(after.path) and not after.query) or _NOT_FOUND.search(after.path))


def _is_news(url: str, target: str) -> bool:
    """Whether an author should hear of it: not of a slash, of "www.", or of the front page of the same site.

    That http:// leads to https:// is said already, by `http-link`.
    """
    if _bare(url) == _bare(target):
        return False
    same_site = _site(url) == _site(target)
    return not (same_site and urlsplit(url).path in ("", "/"))


def _bare(address: str) -> str:
    parts = urlsplit(address)
    return f"{_site(address)}{parts.path.rstrip('/')}?{parts.query}"


def _site(address: str) -> str:
    return host_of(address).removeprefix("www.")
