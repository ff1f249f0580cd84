"""What a post allows itself (`allow: {CODE: reason}`), and what the newsroom ignores (`[checks] ignore`)."""

from __future__ import annotations

from collections.abc import Iterator

from veille.checks.rules import Check, Context, Rule, mark
from veille.checks.subjects import Subject
from veille.config import FILE_NAME
from veille.editions import Edition
from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.posts import Post
from veille.reading.wording import did_you_mean

UNKNOWN = Rule(
    "allow-unknown",
    mark("A code that does not exist is allowed"),
    mark("The finding that was meant would still stand, or nobody would know what was allowed."),
    mark("Copy the code from the finding: it stands in brackets behind the message."),
    "allow: {phrase-longue: citation}",
    "allow: {long-sentence: citation}",
    excusable=False,
)
REFUSED = Rule(
    "allow-refused",
    mark("Something is allowed that cannot be"),
    mark("What hurts a reader, or cannot be read, does so whatever the reason."),
    mark("Mend what the finding says, and delete the line from allow."),
    excusable=False,
)
REASON = Rule(
    "allow-reason",
    mark("An exception without a reason"),
    mark("Whoever reads the post next year must know why it was let through."),
    mark("Write the reason in a few words."),
    "allow: {long-sentence: x}",
    "allow: {long-sentence: citation d’un arrêté}",
    excusable=False,
)
_SHORT = 4  # letters: less is no reason


def exceptions(subject: Subject, _context: Context) -> Iterator[Finding]:
    """Every exception names a code that can be allowed, and says why."""
    from veille import checks

    known = checks.rules()
    allowed = subject.source.allow if isinstance(subject.source, Post | Edition) else {}
    for code, reason in allowed.items():
        key = f"allow.{code}"
        if code not in known:
            hint = did_you_mean(code, known) or _("`veille check` shows each code in brackets")
            yield UNKNOWN.of(subject, key, _("there is no finding with the code {code}").format(code=code), hint)
        elif not known[code].excusable:
            hint = _("`veille check --explain {code}` says why").format(code=code)
            yield REFUSED.of(subject, key, _("{code} cannot be allowed").format(code=code), hint)
        elif len(reason.strip()) < _SHORT:
            hint = _("write: allow: {{{code}: the reason}}").format(code=code)
            yield REASON.of(subject, key, _("the reason is missing"), hint)


def unwanted(context: Context) -> Iterator[Finding]:
    """Codes of `[checks] ignore` that do not exist, or whose findings cannot be ignored."""
    from veille import checks

    known = checks.rules()
    for code in context.config.settings.checks.ignore:
        if code not in known:
            message = _("there is no finding with the code {code}").format(code=code)
            yield Finding(FILE_NAME, None, "checks.ignore", message, did_you_mean(code, known), UNKNOWN.code)
        elif not known[code].excusable or known[code].severity is Severity.ERROR:
            message = _("{code} cannot be ignored everywhere").format(code=code)
            hint = _("delete it there; a single post may say why: allow: {{{code}: the reason}}").format(code=code)
            yield Finding(FILE_NAME, None, "checks.ignore", message, hint, REFUSED.code, Severity.WARNING)


CHECK = Check(rules=(UNKNOWN, REFUSED, REASON), each=exceptions, whole=unwanted)
