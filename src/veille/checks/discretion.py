"""Checks of what shows on a locked screen when a letter has a sensitive post: sender, subject and preheader.

What is made from posts by default never betrays them (`rendering.subjects`); these look at what a person wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from email.utils import parseaddr

from veille.checks.rules import Check, Context, Rule, mark
from veille.checks.subjects import Subject
from veille.config import FILE_NAME, Config
from veille.discretion import telling_word
from veille.editions import Edition
from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.library import Library
from veille.posts import Post

_SOURCE = "techsafety.org (NNEDV): e-mail best practices; GOV.UK Design System: Exit a page quickly (2026-11)"
_LINK = "https://design-system.service.gov.uk/patterns/exit-a-page-quickly/"
LETTER = Rule(
    "not-discreet",
    mark("The locked screen tells what a sensitive post is about"),
    mark(
        "Sender, subject and preheader show on a locked telephone that somebody else may look at. A word is enough "
        "to put a reader in danger at home."
    ),
    mark("Write about the leisure, the plans or the jobs of the same letter, in neutral words."),
    "subject: Violences dans le couple : qui appeler ?",
    "subject: Trois balades et des contacts utiles",
    source=_SOURCE,
    link=_LINK,
)
SLUG = Rule(
    "slug-not-discreet",
    mark("The web address tells what a sensitive post is about"),
    mark("It stays in the history of the browser, and shows in every link that a reader passes on."),
    mark("Give the post a neutral address, slug: deux-minutes-pour-toi, before it is published for the first time."),
    "slug: violences-qui-appeler",
    "slug: deux-minutes-pour-toi",
    source=_SOURCE,
    link=_LINK,
)
TITLE = Rule(
    "title-not-discreet",
    mark("The title tells what a sensitive post is about"),
    mark(
        "Feed readers show it in a list, Facebook beside the link, and everybody behind the reader's back can read "
        "it. In the history of a browser veille writes the date instead."
    ),
    mark("Choose a neutral title; the text itself may call things by their name."),
    "title: Frappée à la maison ?",
    "title: Deux minutes pour toi",
    severity=Severity.WARNING,
    source=_SOURCE,
    link=_LINK,
)
PICTURE = Rule(
    "picture-not-discreet",
    mark("The picture tells what a sensitive post is about"),
    mark("It shows large beside the title, in previews and on the page, for everybody who passes by."),
    mark("Choose a quiet picture: a door, a cup, a path."),
    "alt: Une femme battue se cache le visage.",
    "alt: Une tasse de thé sur une table.",
    severity=Severity.WARNING,
    source=_SOURCE,
    link=_LINK,
)
CODE = LETTER.code


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


def post_itself(subject: Subject, _context: Context) -> Iterator[Finding]:
    """Address, title and pictures of a sensitive post: they stay neutral too."""
    post = subject.source
    if not isinstance(post, Post) or not post.sensitive:
        return
    if word := telling_word(post.slug):
        message = _("the address of this page tells what the post is about: “{word}”")
        hint = _("write a neutral one: slug: deux-minutes-pour-toi")
        yield SLUG.of(subject, "slug", message.format(word=word), hint)
    if word := telling_word(post.title):
        message = _("the title of a sensitive post shows in feeds and previews: “{word}”")
        yield TITLE.of(subject, "title", message.format(word=word), _("choose a neutral title"))
    images = [("image", post.image), *((f"images.{number}", image) for number, image in enumerate(post.images))]
    for key, image in images:
        if image and (word := telling_word(f"{image.path.stem} {image.alt}".replace("_", " "))):
            message = _("the picture of a sensitive post tells what it is about: “{word}”")
            yield PICTURE.of(subject, key, message.format(word=word), _("choose a quiet picture, or none"))


def _whole(context: Context) -> Iterator[Finding]:
    yield from sensitive_letters(context.library, context.config)
    yield from sender(context.library, context.config)


CHECK = Check(rules=(LETTER, SLUG, TITLE, PICTURE), each=post_itself, whole=_whole)
