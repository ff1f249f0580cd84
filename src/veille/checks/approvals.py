"""What must be approved by a colleague before it leaves (`[approval]`), and that this can be done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from veille.checks.rules import Check, Context, Rule, mark, said
from veille.checks.subjects import Subject
from veille.config import Config
from veille.editions import Edition
from veille.errors import Finding
from veille.i18n import gettext as _
from veille.posts import Post


@dataclass(frozen=True)
class _SourceRule(Rule):
    """A rule whose findings also come from outside the checks: approvals stand in the outbox."""

    def finding(self, source: Post | Edition, message: str, hint: str | None = None) -> Finding:
        """The finding for a whole post or edition."""
        return Finding(
            source.file, None, None, message, hint or said(self.remedy), self.code, self.severity, link=self.link
        )


NOT_APPROVED = _SourceRule(
    code="not-approved",
    title=mark("Nobody has approved this text yet"),
    why=mark(
        "A text on a difficult subject, or one that leaves in a hurry, is read by a second person before thousands "
        "read it. An approval is of exactly what readers would see: any later change needs a new one."
    ),
    remedy=mark(
        "Ask a colleague who did not write it: `veille approve PATH --ask` sends them what readers would see, and "
        "`veille approve PATH --as NAME` records that they agree."
    ),
    excusable=False,
)
AUTHOR_MISSING = _SourceRule(
    code="author-missing",
    title=mark("A text that needs approval does not say who wrote it"),
    why=mark("Nobody approves a text of their own. Without the author's name, nobody can tell whether that is so."),
    remedy=mark("Write `author: First Last` in the front matter."),
    wrong="sensitive: true",
    right="sensitive: true\nauthor: Camille Exemple",
    excusable=False,
)


def needing(post: Post, config: Config) -> bool:
    """Whether a post must be approved. A draft need not, until it is none."""
    required = config.settings.approval.required
    if post.draft or required == "none":
        return False
    return required == "all" or any(getattr(post, name) for name in required)


def needed(source: Post | Edition, members: Sequence[Post], config: Config) -> bool:
    """Whether a post, or an edition made by hand with these members, must be approved.

    The words of an edition stand beside its members: it needs approval as soon as one of them does.
    """
    if isinstance(source, Post):
        return needing(source, config)
    required = config.settings.approval.required
    if source.draft or required == "none":
        return False
    return required == "all" or any(needing(post, config) for post in members)


def _each(subject: Subject, context: Context) -> Iterator[Finding]:
    source = subject.source
    if isinstance(source, Post) and not source.author and needing(source, context.config):
        yield AUTHOR_MISSING.of(
            subject, None, _("it needs approval, but nobody stands as its author"), said(AUTHOR_MISSING.remedy)
        )


def _whole(context: Context) -> Iterator[Finding]:
    known = {post.source: post for post in context.library.posts}
    for edition in context.library.editions:
        members = [known[name] for name in edition.posts if name in known]
        if not edition.author and needed(edition, members, context.config):
            yield AUTHOR_MISSING.finding(edition, _("it needs approval, but nobody stands as its author"))


CHECK = Check(rules=(NOT_APPROVED, AUTHOR_MISSING), each=_each, whole=_whole)
