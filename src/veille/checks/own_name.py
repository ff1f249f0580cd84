"""Our own name and accounts, written with a slip: "Kess Kiss Pass", @kess_kiss_pass for "Kess Kis Pass".

Whoever follows the wrong account follows somebody else, and a page under nearly our name may be a trap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from urllib.parse import urlsplit

from veille.checks.rules import Check, Context, Rule, mark
from veille.checks.subjects import Link, Subject, Text
from veille.config import Config
from veille.editions import Edition
from veille.errors import Finding, Severity
from veille.folding import fold
from veille.i18n import gettext as _
from veille.posts import Post

OWN_NAME = Rule(
    "own-name",
    mark("Our own name, or one of our accounts, with a slip in it"),
    mark("Readers look for it as it is written, and find nobody, or somebody else's account."),
    mark("Write it as in veille.toml. An account that is really called so: [checks] handles."),
    wrong="Rejoins Kess Kiss Pass sur Instagram.",
    right="Rejoins Kess Kis Pass sur Instagram.",
    severity=Severity.WARNING,
    source="veille, issue 5, point 5",
)
_LEAST = 8  # letters: shorter names are like too many words
_ALIKE = 0.88  # of 1.0, two names that are the same but for a letter or two
_WORDS = re.compile(r"[^\W_]+")
_HANDLE = re.compile(
    r"(?:(?<![\w.@/])@|(?:instagram|facebook|tiktok|threads|twitter)\.\w+/@?)(?P<name>\w[\w.]{6,40}\w)", re.IGNORECASE
)
_NETWORKS = ("instagram.com", "facebook.com", "fb.com", "tiktok.com", "threads.net", "x.com", "twitter.com")


@dataclass(frozen=True)
class _Ours:
    """What we are called.

    Args:
        name: of the newsroom, as it is printed.
        handles: our accounts, as they are written.
    """

    name: str
    handles: tuple[str, ...]

    @classmethod
    def of(cls, config: Config) -> _Ours:
        """Those of veille.toml."""
        settings = config.settings
        return cls(settings.brand.name or settings.workspace.name, settings.checks.handles)

    def meant_by(self, words: str) -> str:
        """Our name, when these words of a text are nearly but not quite it; else ""."""
        return self.name if _nearly(_bare(words), _bare(self.name)) else ""

    def account_meant_by(self, handle: str) -> str:
        """Our account, or our name where no account is known, when this is nearly but not quite it; else ""."""
        known = [handle.removeprefix("@") for handle in self.handles]
        if any(fold(handle) == fold(one) for one in known):
            return ""
        near = (one for one in known or [self.name] if _nearly(_bare(handle), _bare(one)))
        return next(near, "")


def _bare(text: str) -> str:
    """Letters alone: accounts have points, lines and the number of a département."""
    return re.sub(r"[\W\d_]", "", fold(text))


def _nearly(one: str, other: str) -> bool:
    if one == other or min(len(one), len(other)) < _LEAST or abs(len(one) - len(other)) > 2:
        return False
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= _ALIKE


def _each(subject: Subject, context: Context) -> Iterator[Finding]:
    ours = _Ours.of(context.config)
    if not isinstance(subject.source, Post | Edition) or len(_bare(ours.name)) < _LEAST:
        return
    for text in subject.texts:
        yield from _in_words(text, ours)
        yield from _in_handles(text, ours)
    for link in subject.links:
        yield from _in_link(link, ours)


def _in_words(text: Text, ours: _Ours) -> Iterator[Finding]:
    for found in _beginnings(ours.name).finditer(text.content):
        if name := ours.meant_by(found[0]):
            message = _("“{words}” is nearly our name, {name}").format(words=" ".join(found[0].split()), name=name)
            yield OWN_NAME.at(text, found.start(), found.end(), message, _("write: {word}").format(word=name))


@lru_cache(maxsize=8)
def _beginnings(name: str) -> re.Pattern[str]:
    """As many words as our name has, the first with its two letters: no address, no tag."""
    words = _WORDS.findall(name)
    return re.compile(rf"(?<![\w@#/.]){words[0][:2]}[^\W_]*(?:[\s’'-]+[^\W_]+){{{len(words) - 1}}}", re.IGNORECASE)


def _in_handles(text: Text, ours: _Ours) -> Iterator[Finding]:
    for found in _HANDLE.finditer(text.content) if "@" in text.content or "/" in text.content else ():
        if meant := ours.account_meant_by(found["name"]):
            yield OWN_NAME.at(text, found.start("name"), found.end(), *_of_account(found["name"], meant))


def _in_link(link: Link, ours: _Ours) -> Iterator[Finding]:
    parts = urlsplit(link.href) if link.href.startswith(("http://", "https://")) else None
    if parts is None or not (parts.hostname or "").removeprefix("www.").endswith(_NETWORKS):
        return
    handle = parts.path.strip("/").partition("/")[0].removeprefix("@")
    if handle not in link.words and (meant := ours.account_meant_by(handle)):
        message, hint = _of_account(handle, meant)
        severity, code = OWN_NAME.severity, OWN_NAME.code
        yield Finding(link.file, link.line, link.field, message, hint, code, severity, link.column, link.words)


def _of_account(handle: str, meant: str) -> tuple[str, str]:
    message = _("{handle} is nearly {name}: is it our account?").format(handle=handle, name=meant)
    hint = _('if it is, write it into veille.toml: [checks] handles = ["{handle}"]; if not, correct it')
    return message, hint.format(handle=handle)


CHECK = Check(rules=(OWN_NAME,), each=_each)
