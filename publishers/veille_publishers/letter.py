"""The letter: one edition as HTML and as plain text, in every language that veille speaks.

It is composed once when it is published. The block of each post that is not for everybody stands between two marks,
so that the letter of any reader is the whole letter without the blocks of posts for others: a *variant*. Readers of
one variant get the same bytes but for two links. Nothing is loaded from anywhere but the newsroom's own address, and
nothing tells who reads.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache
from html import escape
from typing import Any, cast

from veille import i18n
from veille.errors import RenderError
from veille.i18n import gettext as _
from veille.publishing import Recipient
from veille.rendering import RenderedEdition, RenderedPost, Templates, preheader_of, subject_of
from veille.segments import dump, from_json
from veille_publishers.letter_html import to_html

UNSUBSCRIBE_SLOT = "VEILLE-UNSUBSCRIBE-URL"
PREFERENCES_SLOT = "VEILLE-PREFERENCES-URL"
SLOTS = (UNSUBSCRIBE_SLOT, PREFERENCES_SLOT)

HTML_TEMPLATE = "newsletter/letter.mjml.j2"
TEXT_TEMPLATE = "newsletter/letter.txt.j2"

_VARIANTS = 65536  # combinations of towns and audience that are remembered; more are worked out again

Variant = tuple[str, tuple[int, ...]]  # language, and the positions in the edition of the posts that are left out


@dataclass(frozen=True)
class Letter:
    """One edition as a reader gets it, with the two slots still open in both parts.

    Args:
        lang: of the content; our own words may be in another.
    """

    subject: str
    preheader: str
    html: str
    text: str
    lang: str


# composing ----


def letter_payload(edition: RenderedEdition, templates: Templates) -> dict[str, Any]:
    """The payload of the rendition: the letter in every language, and what tells whose it is.

    `letters` holds marks: take a letter out with `letter_of_variant`, never by hand.

    Raises:
        RenderError: a template fails, is not MJML, or has lost one of the personal links, or the marks around posts.
    """
    own = i18n.short(templates.config.settings.workspace.language)
    mark = _mark(edition)
    letters = {}
    for language in [own, *(other for other in i18n.languages() if other != own)]:
        # The newsroom's own words are in the language that is active; whoever publishes has chosen it.
        with nullcontext() if language == own else i18n.speaking(language):
            letters[language] = _composed(edition.in_language(language), templates, mark, language)
    return {
        "letters": letters,
        "language": own,
        "edition": edition.to_json(),
        "segments": dump([post.segment for post in edition.posts]),
        "mark": mark,
    }


def _mark(edition: RenderedEdition) -> str:
    """What no content can hold: it would have to hold its own hash. "" when every post is for everybody."""
    if all(post.segment.everybody for post in edition.posts):
        return ""
    text = json.dumps(edition.to_json(), sort_keys=True, ensure_ascii=False)
    return f"veille-{hashlib.sha256(text.encode()).hexdigest()[:20]}"


def _composed(edition: RenderedEdition, templates: Templates, mark: str, language: str) -> dict[str, str]:
    shown = _with_slots(edition, mark)
    spoken = language if language in i18n.languages() else "en"  # what our own words are in, whatever was asked for
    values = {
        "edition": shown,
        "posts": reading_order(edition.posts),
        "unsubscribe": UNSUBSCRIBE_SLOT,
        "preferences": PREFERENCES_SLOT,
        "words_lang": "" if spoken == i18n.short(edition.lang) else spoken,
    }
    html = to_html(templates.render(HTML_TEMPLATE, **values, **_fences(edition, mark, "<!--{}-->")), HTML_TEMPLATE)
    text = templates.render(TEXT_TEMPLATE, **values, **_fences(edition, mark, "{}")).strip() + "\n"
    for part, template in ((html, HTML_TEMPLATE), (text, TEXT_TEMPLATE)):
        _expect_slots(part, template)
        _expect_fences(part, template, edition, mark)
    return {"subject": edition.subject, "preheader": edition.preheader, "html": html, "text": text}


def _with_slots(edition: RenderedEdition, mark: str) -> RenderedEdition:
    """Subject and preheader that come from posts differ from variant to variant."""
    if not mark:
        return edition
    subject = edition.own_subject or _slot(mark, "subject")
    return replace(edition, subject=subject, preheader=edition.own_preheader or _slot(mark, "preheader"))


def _slot(mark: str, name: str) -> str:
    return f"{mark}-{name}"


def _fences(edition: RenderedEdition, mark: str, form: str) -> dict[str, Callable[[RenderedPost], str]]:
    """`begins(post)` and `ends(post)` of the templates: nothing around a post for everybody."""
    from markupsafe import Markup

    places = {post.source: number for number, post in enumerate(edition.posts) if not post.segment.everybody}

    def fence(end: str) -> Callable[[RenderedPost], str]:
        def make(post: RenderedPost) -> str:
            if post.source not in places:
                return ""
            return Markup(form.format(f"{mark}-{places[post.source]}-{end}"))  # noqa: S704 (digits and hex)

        return make

    return {"begins": fence("begins"), "ends": fence("ends")}


def reading_order(posts: Sequence[RenderedPost]) -> tuple[RenderedPost, ...]:
    """Urgent posts first, then grouped by kind and, within a kind, by town.

    Kinds and towns come in the order in which the editor first named them; otherwise the order stays.
    """
    kinds = list(dict.fromkeys(post.kind for post in posts))
    towns = list(dict.fromkeys(post.towns for post in posts))
    return tuple(
        sorted(
            posts,
            key=lambda post: (
                not post.urgent,
                -1 if post.urgent else kinds.index(post.kind),
                towns.index(post.towns),
            ),
        )
    )


def _expect_slots(part: str, template: str) -> None:
    """Each personal link stands exactly once, so that every reader can leave and no post can fake the link."""
    for slot in SLOTS:
        if (count := part.count(slot)) != 1:
            raise RenderError(
                _("{template}: the personal link {slot} must stand there once, not {count} times").format(
                    template=template, slot=slot, count=count
                ),
                hint=_("put {{{{ unsubscribe }}}} and {{{{ preferences }}}} once each into the footer").format(),
            )


def _expect_fences(part: str, template: str, edition: RenderedEdition, mark: str) -> None:
    """Each post for some readers stands whole between its two marks, in one place."""
    places = {post.source: number for number, post in enumerate(edition.posts)}
    order = [places[post.source] for post in reading_order(edition.posts) if not post.segment.everybody]
    expected = [(str(place), end) for place in order for end in ("begins", "ends")]
    if mark and re.findall(rf"{mark}-(\d+)-(begins|ends)", part) != expected:
        raise RenderError(
            _("{template}: this letter has posts for some readers only, and the template does not mark them").format(
                template=template
            ),
            hint=_(
                "write {{{{ begins(post) }}}} before each post and {{{{ ends(post) }}}} after it, as the shipped "
                "letter does"
            ).format(),
        )


# variants ----


def variant(payload: Mapping[str, Any], recipient: Recipient) -> Hashable:
    """Which letter a reader gets: the same for all readers of one language who get the same posts.

    Cheap, since it is asked for every reader: towns and audience are looked up once for each combination.

    Args:
        payload: of `letter_payload`.
    """
    language = recipient.language
    if language not in payload["letters"]:
        language = i18n.short(language)
        language = language if language in payload["letters"] else payload["language"]
    return language, _left_out(payload["segments"], recipient.towns, recipient.audience)


def whole(payload: Mapping[str, Any]) -> Hashable:
    """The variant with every post, in the newsroom's language: for showing it to whoever makes it."""
    return payload["language"], ()


def wholes(payload: Mapping[str, Any]) -> Sequence[Hashable]:
    """The variant with every post in each language: no reader gets more than the longest of them."""
    return [(language, ()) for language in payload["letters"]]


def letter_of_variant(payload: Mapping[str, Any], variant: Hashable) -> Letter:
    """The letter of one variant: the whole one without the posts that its readers do not get.

    Args:
        payload: of `letter_payload`.
        variant: of `variant` or `whole`, for this payload.
    """
    language, left_out = cast(Variant, variant)
    stored, mark = payload["letters"][language], payload["mark"]
    prefix, lang = payload.get("prefix", ""), payload["edition"]["lang"]
    if not mark:
        subject, preheader = stored["subject"], stored["preheader"]
        return Letter(prefix + subject, preheader, stored["html"], stored["text"], lang)
    edition = RenderedEdition.from_json(payload["edition"]).in_language(language)
    posts = [post for place, post in enumerate(edition.posts) if place not in left_out]
    subject = subject_of(edition, posts)
    preheader = preheader_of(edition, posts, subject)
    html = _cut(stored["html"], rf"\n?<!--{mark}-(\d+)-(?:begins|ends)-->\n?", left_out)
    text = _cut(stored["text"], rf"{mark}-(\d+)-(?:begins|ends)", left_out)
    slots = ((_slot(mark, "subject"), subject), (_slot(mark, "preheader"), preheader))
    for slot, words in slots:
        html, text = html.replace(slot, escape(words)), text.replace(slot, words)
    return Letter(prefix + subject, preheader, html, text, lang)


def marked(payload: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The same letter with a word before its subject: "[Test] "."""
    return {**payload, "prefix": prefix}


@lru_cache(maxsize=_VARIANTS)
def _left_out(segments: str, towns: tuple[str, ...], audience: str) -> tuple[int, ...]:
    return tuple(place for place, one in enumerate(from_json(segments)) if not one.includes(towns, audience))


def _cut(part: str, mark: str, left_out: Sequence[int]) -> str:
    """Without the marks, and without what stands between the marks of posts that are left out."""
    pieces = re.split(mark, part)  # text, place, block, place, text, place, block, …
    kept = [pieces[0]]
    for place, block, after in zip(pieces[1::4], pieces[2::4], pieces[4::4], strict=True):
        kept += [after] if int(place) in left_out else [block, after]
    return "".join(kept)
