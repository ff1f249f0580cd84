"""Checks of the letter against what the mail programs of readers in France drop (data of caniemail.com).

What is dropped harmlessly is named in data/mail_clients.toml, with the reason: everything else is a warning, once for
each feature. Only a plain "no" of a program's newest version counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from veille.checks.lists import data
from veille.checks.mail_clients.usage import unseen_by_outlook, uses
from veille.checks.markup import found, place
from veille.checks.rules import Check, Context, Rule, Shown, mark
from veille.errors import Finding, Severity
from veille.i18n import gettext as _

_PAGE = "https://www.caniemail.com/features/{slug}/"
_WORD = ("outlook", "windows")  # lays out with Word, and reads `<!--[if mso]>`

MAIL_CLIENT_DROPS = Rule(
    code="mail-client-drops",
    title=mark("Mail programs drop something that the letter uses"),
    why=mark(
        "Readers of these programs get the letter without it: columns fall apart, text or pictures may be missing."
    ),
    remedy=mark("Use what every mail program knows, or see to it that nothing is lost where it is missing."),
    wrong='<div style="display:grid">…</div>',
    right='<table role="presentation"><tr><td>…</td></tr></table>',
    severity=Severity.WARNING,
    source="Can I email, data of 9 September 2025",
    link="https://www.caniemail.com/",
)


@dataclass(frozen=True)
class Feature:
    """Something that not every mail program knows.

    Args:
        slug: of its page on caniemail.com.
        uses: the names under which a letter may use it.
        dropped: family of programs -> platforms that drop it; "*" for all.
    """

    slug: str
    uses: tuple[str, ...]
    dropped: Mapping[str, tuple[str, ...]]


def dropped(html: str) -> list[tuple[Feature, str]]:
    """Features of a letter that a mail program drops, and the words with which each stands there."""
    used, elsewhere = uses(html), unseen_by_outlook(html)
    result = []
    for feature in features():
        names = [name for name in feature.uses if name in used]
        if names and (left := _without_outlook(feature) if elsewhere.issuperset(names) else feature).dropped:
            result.append((left, used[names[0]]))
    return result


@cache
def features() -> tuple[Feature, ...]:
    """Those of the data that are not harmless."""
    return tuple(
        Feature(slug, tuple(one["uses"]), {client: tuple(names) for client, names in one["dropped"].items()})
        for slug, one in data("caniemail.json")["features"].items()
        if slug not in harmless()
    )


@cache
def harmless() -> Mapping[str, str]:
    """Features whose loss harms nobody, and why."""
    entries = data("mail_clients.toml")["harmless"]
    return {str(slug): str(reason) for slug, reason in entries.items()}


@cache
def _names() -> tuple[Mapping[str, str], Mapping[str, str]]:
    known = data("caniemail.json")
    return known["families"], known["platforms"]


def programs(feature: Feature) -> str:
    """ "Orange, Gmail (Android, iOS)"."""
    families, platforms = _names()
    words = []
    for client, names in feature.dropped.items():
        some = ", ".join(platforms[name] for name in names if name != "*")
        words.append(f"{families[client]} ({some})" if some else families[client])
    return ", ".join(words)


def _without_outlook(feature: Feature) -> Feature:
    family, platform = _WORD
    names = feature.dropped.get(family, ())
    kept = tuple(name for name in names if name not in (platform, "*"))
    others = {client: found for client, found in feature.dropped.items() if client != family}
    return replace(feature, dropped={**others, family: kept} if kept else others)


def _proof(shown: Shown, context: Context) -> Iterator[Finding]:
    if shown.channel != "newsletter":
        return
    for feature, words in dropped(shown.proof.html):
        message = _("dropped by {programs}: {words}").format(programs=programs(feature), words=words)
        hint = _("use what every mail program knows, or see to it that nothing is lost without it")
        needles = words, words.replace(": ", ":"), words.partition(":")[0].strip("<>")
        finding = found(MAIL_CLIENT_DROPS, place(shown, context, *needles), message, hint)
        yield replace(finding, link=_PAGE.format(slug=feature.slug))


CHECK = Check(rules=(MAIL_CLIENT_DROPS,), proof=_proof)
