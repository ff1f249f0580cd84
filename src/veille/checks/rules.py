"""What a check may find: each code with what it means, for the person who wrote the text.

`veille check --explain CODE`, docs/checks.md and SARIF are made from these. A new check is one module with a `CHECK`,
one line in `checks.CHECKS`, and one test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from veille.checks.subjects import Subject, Text
from veille.errors import Finding, Severity
from veille.i18n import gettext
from veille.posts import Post

if TYPE_CHECKING:
    from veille.config import Config
    from veille.library import Library
    from veille.publishing import Proof


def mark(message: str) -> str:
    """A text for people that is translated where it is shown: the catalogue takes it up here."""
    return message


def said(marked: str) -> str:
    """A text that was `mark`ed, in the active language."""
    return gettext(marked)


@dataclass(frozen=True)
class Rule:
    """One code.

    Args:
        code: short, stable, never translated: `number-incomplete`.
        title: what is wrong, in a few words (`mark`ed).
        why: who is hurt by it, and how (`mark`ed).
        remedy: what to do (`mark`ed).
        wrong, right: an example as an author would write it, in French; not translated.
        severity: what it does to publishing unless a finding says otherwise.
        excusable: whether `allow: {CODE: reason}` may let it pass.
        source: law, standard or page that the rule comes from, with the date on which it was read.
        link: its https address.
    """

    code: str
    title: str
    why: str
    remedy: str
    wrong: str = ""
    right: str = ""
    severity: Severity = Severity.ERROR
    excusable: bool = True
    source: str = ""
    link: str = ""

    def at(self, text: Text, start: int, end: int, message: str, hint: str | None = None) -> Finding:
        """The finding for some characters of a text.

        Args:
            start, end: offsets in `text.content`.
        """
        line, column = text.place(start)
        excerpt = text.excerpt(start, end)
        return Finding(text.file, line, text.field, message, hint, self.code, self.severity, column, excerpt, self.link)

    def of(self, subject: Subject, key: str | None, message: str, hint: str | None = None) -> Finding:
        """The finding for a key of the front matter, or for the whole file (None)."""
        line = subject.lines.get(key) if key else None
        return Finding(subject.file, line, key, message, hint, self.code, self.severity, link=self.link)


@dataclass(frozen=True)
class Context:
    """What a check may look at beside its subject.

    A check of one subject may depend on settings, contacts and the day, never on other posts: what it found is kept
    until one of these changes.
    """

    library: Library
    config: Config
    now: datetime

    @cached_property
    def references(self) -> frozenset[str]:
        """What a text may put in: "partner:ccas-bagneux", "helpline:3919"."""
        partners = (f"partner:{key}" for key in self.library.partners)
        return frozenset((*partners, *(f"helpline:{key}" for key in self.library.helplines)))

    @cached_property
    def today(self) -> date:
        """The day in the newsroom's zone."""
        return self.now.astimezone(self.config.zone).date()

    def shown_on(self, subject: Subject) -> date:
        """The day on which readers first see it: its publication date, but not before today."""
        moment = getattr(subject.source, "publish_date", None)
        if isinstance(moment, datetime):
            moment = moment.astimezone(self.config.zone).date()
        return max(moment, self.today) if moment else self.today


@dataclass(frozen=True)
class Shown:
    """A proof with what it was made of.

    Args:
        channel: newsletter, feed, web, facebook or instagram.
        file: where a person mends what is wrong in it: the post, the edition, or the template's name.
        posts: those that it shows.
    """

    channel: str
    file: str
    lang: str
    proof: Proof
    posts: tuple[Post, ...] = ()

    @property
    def sensitive(self) -> bool:
        """Whether one of its posts is sensitive."""
        return any(post.sensitive for post in self.posts)


@dataclass(frozen=True)
class Check:
    """One gate: it changes nothing and opens no connection.

    Args:
        rules: every code that it may report.
        each: looks at one post, edition or contact record.
        whole: looks at how everything fits together.
        proof: looks at what one channel will show.
    """

    rules: tuple[Rule, ...]
    each: Callable[[Subject, Context], Iterable[Finding]] | None = None
    whole: Callable[[Context], Iterable[Finding]] | None = None
    proof: Callable[[Shown, Context], Iterable[Finding]] | None = None
