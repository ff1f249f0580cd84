"""Every gate that content passes before it is queued. A new check is one module and one line here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache

from veille import shared_work
from veille.checks import (
    accessibility,
    approvals,
    colours,
    contacts,
    crowded,
    discretion,
    excuses,
    forms,
    french,
    letter_accessibility,
    letters,
    links,
    mail_clients,
    numbers,
    own_name,
    picture_forms,
    privacy,
    size,
    structure,
    third_parties,
    unread_signs,
)
from veille.checks.rules import Check, Context, Rule, Shown, said
from veille.checks.subjects import Subject
from veille.config import Config
from veille.editions import Edition
from veille.errors import Finding, Severity
from veille.fingerprints import stamps
from veille.library import HELPLINES, Library, softened
from veille.posts import Image, Post
from veille.reading import in_order

__all__ = ["CHECKS", "Check", "Checker", "Context", "Rule", "Shown", "Subject", "proofs", "rules", "run", "said"]

CHECKS: tuple[Check, ...] = (
    size.CHECK,
    approvals.CHECK,
    structure.CHECK,
    discretion.CHECK,
    privacy.CHECK,
    contacts.CHECK,
    numbers.CHECK,
    excuses.CHECK,
    forms.CHECK,
    picture_forms.CHECK,
    accessibility.CHECK,
    letter_accessibility.CHECK,
    links.CHECK,
    french.CHECK,
    letters.CHECK,
    third_parties.CHECK,
    own_name.CHECK,
    unread_signs.CHECK,
    mail_clients.CHECK,
    crowded.CHECK,
    colours.CHECK,
)


def run(library: Library, config: Config, now: datetime) -> tuple[Finding, ...]:
    """Run every check once (see `Checker`)."""
    return Checker().run(library, config, now)


class Checker:
    """Runs the checks, again and again, looking only at what changed."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, tuple[Finding, ...]]] = {}

    def run(self, library: Library, config: Config, now: datetime) -> tuple[Finding, ...]:
        """Run every check of content.

        Args:
            now: aware; help lines and hours are held against the day on which a post is shown.

        Returns:
            the findings of reading and of the checks, by file and line. Errors block what they stand in, warnings
            inform; a draft has warnings only, and what a post allows (`allow: {code: reason}`) is left out.
        """
        context = Context(library, config, now)
        around = _digest(config.settings, library.partners, library.helplines, context.today)
        found = [finding for check in CHECKS if check.whole for finding in check.whole(context)]
        known = {name: (key, subject) for name, key, subject in _keyed(subjects(library, config), around)}
        fresh = [name for name, (key, _subject) in known.items() if self._kept.get(name, ("", ()))[0] != key]
        looked = shared_work.each(lambda name: tuple(_looked_at(known[name][1], context)), fresh)
        self._kept |= {name: (known[name][0], seen) for name, seen in zip(fresh, looked, strict=True)}
        self._kept = {name: self._kept[name] for name in known}
        found += [finding for _key, seen in self._kept.values() for finding in seen]
        return tuple(in_order([*library.findings, *softened(passed(found, library, config), library.drafts)]))


def _keyed(looked_at: Iterable[Subject], around: str) -> Iterator[tuple[str, str, Subject]]:
    """Each with its name, and a digest of all that its findings depend on."""
    for subject in looked_at:
        yield f"{subject.file}#{_number(subject)}", _digest(around, subject.source, *_stamps(subject)), subject


def subjects(library: Library, config: Config) -> Iterator[Subject]:
    """Everything in `content/` that checks look at one by one."""
    language = config.settings.workspace.language
    written: list[Post | Edition] = [*library.posts, *library.editions, *library.broken]
    for source in written:
        yield Subject(source, source.path, source.file, language)
    for partner in library.partners.values():
        yield Subject(partner, config.root / partner.file, partner.file, language)
    file = f"content/{HELPLINES}"
    for line in library.helplines.values():
        yield Subject(line, config.root / file, file, language)


def proofs(shown: Shown, context: Context) -> list[Finding]:
    """Look at what one channel will show."""
    found = [finding for check in CHECKS if check.proof for finding in check.proof(shown, context)]
    return passed(found, context.library, context.config) if found else []


@cache
def rules() -> dict[str, Rule]:
    """Every code that a check may report."""
    return {rule.code: rule for check in CHECKS for rule in check.rules}


def passed(found: Iterable[Finding], library: Library, config: Config) -> list[Finding]:
    """The findings that stand: neither allowed by the post, nor unwanted in this newsroom."""
    known = rules()
    written: list[Post | Edition] = [*library.posts, *library.editions, *library.broken]
    allowed = {(source.file, code) for source in written for code in source.allow}
    unwanted = set(config.settings.checks.ignore)

    def stands(finding: Finding) -> bool:
        if (rule := known.get(finding.code)) is None or not rule.excusable:
            return True
        ignored = finding.code in unwanted and finding.severity is Severity.WARNING
        return not ignored and (finding.file, finding.code) not in allowed

    return [finding for finding in found if stands(finding)]


def _looked_at(subject: Subject, context: Context) -> Iterator[Finding]:
    if huge := list(size.too_long(subject, context)):
        yield from huge
        return
    for check in CHECKS:
        if check.each:
            yield from check.each(subject, context)


def _number(subject: Subject) -> str:
    return getattr(subject.source, "number", "")


def _stamps(subject: Subject) -> list[str]:
    """What tells that a picture was put in the place of another."""
    source = subject.source
    images = [getattr(source, "image", None)]
    if isinstance(source, Post):
        images += [*source.images, *source.instagram.images]
    return stamps(image.path for image in images if isinstance(image, Image))


def _digest(*values: object) -> str:
    return hashlib.sha256(repr(values).encode(errors="surrogatepass")).hexdigest()
