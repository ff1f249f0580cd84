"""Checks of what shows on a locked screen when a letter has a sensitive post: sender, subject and preheader.

What is made from posts by default never betrays them (`rendering.subjects`); these look at what a person wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from email.utils import parseaddr

from veille.checks.rules import Check, Context
from veille.config import FILE_NAME, Config
from veille.discretion import telling_word
from veille.editions import Edition
from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.library import Library
from veille.posts import Post

CODE = "not-discreet"


def sensitive_letters(library: Library, config: Config) -> Iterator[Finding]:
    """Subjects and preheaders that tell what a sensitive post is about.

    `allow: {not-discreet: why}` in that post lets them pass.
    """
    known = {post.source: post for post in library.posts}
    for post in library.posts:
        if _guarded(post):
            yield from _told(post, _own_words(post), [post], config)
    for edition in library.editions:
        members = [known[name] for name in edition.posts if name in known]
        if guarded := [post for post in members if _guarded(post)]:
            alone = len(guarded) == len(members)
            yield from _told(edition, _edition_words(edition, alone=alone), guarded, config)
            yield from _passed_over(edition, members, guarded, config)


def sender(library: Library, config: Config) -> Iterator[Finding]:
    """A sender whose name tells it. A warning: a newsroom may have no other name."""
    guarded = [post for post in library.posts if _guarded(post) and not post.draft]
    settings = config.settings.newsletter
    name = parseaddr(settings.sender)[0] or config.brand.name
    for key, value in (("newsletter.from", name), ("newsletter.list_id", settings.list_id)):
        if guarded and (word := telling_word(value.replace("_", " "))):
            message = _("the sender of the letter tells what a sensitive post is about: “{word}” ({file})")
            hint = _('it shows on a locked screen; write a neutral name: from = "Name <letter@example.org>"')
            where = message.format(word=word, file=guarded[0].file)
            yield Finding(FILE_NAME, None, key, where, hint, CODE, Severity.WARNING)


def _guarded(post: Post) -> bool:
    return post.sensitive and CODE not in post.allow


def _own_words(post: Post) -> list[tuple[str, str]]:
    return [("newsletter.subject", post.newsletter.subject), ("newsletter.preheader", post.newsletter.preheader)]


def _edition_words(edition: Edition, *, alone: bool) -> list[tuple[str, str]]:
    """What stands in the list of messages: its title too, where nothing else is written.

    Args:
        alone: it holds nothing but sensitive posts, whose headlines make no preheader.
    """
    words = [("newsletter.subject", edition.subject), ("newsletter.preheader", edition.preheader)]
    shows_title = not edition.subject or (alone and not edition.preheader)
    return [("title", edition.title), *words] if shows_title else words


def _told(
    source: Post | Edition, words: Sequence[tuple[str, str]], guarded: Sequence[Post], config: Config
) -> Iterator[Finding]:
    for key, text in words:
        if word := _betraying(text, guarded, config):
            message = _("this shows on a locked screen and tells what a sensitive post is about: “{word}”")
            hint = _("choose neutral words here, or write in {file}: allow: {{not-discreet: the reason}}")
            files = ", ".join(post.file for post in guarded)
            line = source.lines.get(key, source.lines.get("title"))
            yield Finding(source.file, line, key, message.format(word=word), hint.format(file=files), CODE)


def _passed_over(
    edition: Edition, members: Sequence[Post], guarded: Sequence[Post], config: Config
) -> Iterator[Finding]:
    """Preheaders of other posts of the letter: left out there, and their authors should know why."""
    for post in members if not edition.preheader else ():
        text = "" if post.sensitive else post.newsletter.preheader
        if word := _betraying(text, guarded, config):
            message = _("{edition} does not take this: it tells what a sensitive post beside it is about: “{word}”")
            hint = _("choose neutral words, or write a preheader in {edition}")
            key, line = "newsletter.preheader", post.lines.get("newsletter.preheader")
            said = message.format(edition=edition.file, word=word)
            yield Finding(post.file, line, key, said, hint.format(edition=edition.file), CODE, Severity.WARNING)


def _betraying(text: str, guarded: Sequence[Post], config: Config) -> str:
    return telling_word(text, [post.title for post in guarded], [*config.towns.values(), config.brand.name])


def _whole(context: Context) -> Iterator[Finding]:
    yield from sensitive_letters(context.library, context.config)
    yield from sender(context.library, context.config)


CHECK = Check(rules=(), whole=_whole)
