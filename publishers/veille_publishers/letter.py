"""The letter: one edition as HTML and as plain text, the same bytes for every reader but for two links.

MJML makes the HTML robust in old mail programs; css-inline then puts every rule where French webmails look for it.
Nothing is loaded from anywhere but the newsroom's own address, and nothing tells who reads.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from veille.errors import RenderError
from veille.i18n import gettext as _
from veille.rendering import RenderedEdition, RenderedPost, Templates
from veille_publishers.mjml_check import unknown

UNSUBSCRIBE_SLOT = "VEILLE-UNSUBSCRIBE-URL"
PREFERENCES_SLOT = "VEILLE-PREFERENCES-URL"
SLOTS = (UNSUBSCRIBE_SLOT, PREFERENCES_SLOT)

HTML_TEMPLATE = "newsletter/letter.mjml.j2"
TEXT_TEMPLATE = "newsletter/letter.txt.j2"

_RESET = re.compile(r'<style type="text/css">\s*#outlook.*?</style>', re.DOTALL)
_OUTLOOK_RESET = (
    "<!--[if mso]><style>table,td{border-collapse:collapse;mso-table-lspace:0;mso-table-rspace:0}</style><![endif]-->"
)
_CONTENT = re.compile(
    r"(<mj-(?:raw|table|text|title|preview)\b[^>]*>)(.*?)(</mj-(?:raw|table|text|title|preview)>)", re.DOTALL
)


@dataclass(frozen=True)
class Letter:
    """One edition as it leaves, with the two slots still open in both parts."""

    subject: str
    preheader: str
    html: str
    text: str


def compose_letter(edition: RenderedEdition, templates: Templates) -> Letter:
    """Fill the templates of the letter.

    Raises:
        RenderError: a template fails, is not MJML, or has lost one of the personal links.
    """
    values = {
        "edition": edition,
        "posts": reading_order(edition.posts),
        "unsubscribe": UNSUBSCRIBE_SLOT,
        "preferences": PREFERENCES_SLOT,
    }
    html = _to_html(templates.render(HTML_TEMPLATE, **values))
    text = templates.render(TEXT_TEMPLATE, **values).strip() + "\n"
    _expect_slots(html, HTML_TEMPLATE)
    _expect_slots(text, TEXT_TEMPLATE)
    return Letter(edition.subject, edition.preheader, html, text)


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


def _to_html(source: str) -> str:
    """MJML to HTML with every essential rule inline; nothing remote is read (facts: mjml links Google Fonts)."""
    from css_inline import CSSInliner, InlineError
    from mjml import mjml2html

    if found := unknown(source):
        names = ", ".join(name for _line, name in found)
        raise RenderError(
            _("{template}: this is not MJML that mail programs understand: {names}").format(
                template=HTML_TEMPLATE, names=names
            ),
            hint=_("use the tags and attributes of the shipped letter; others work in few mail programs"),
        )
    try:
        skeleton, contents = _take_contents(source)
        html = _put_contents(mjml2html(skeleton, disable_comments=True, fonts={}), contents)
        inliner = CSSInliner(keep_at_rules=True, load_remote_stylesheets=False, minify_css=True)
        return _tighten(inliner.inline(_reset_for_outlook(html))).strip() + "\n"
    except (ValueError, InlineError) as error:
        raise RenderError(
            _("{template} cannot be made into a letter: {error}").format(template=HTML_TEMPLATE, error=error),
            hint=_("look for a tag that is not closed in the template"),
        ) from error


def _take_contents(source: str) -> tuple[str, list[str]]:
    """MJML sees only the frame: its engine fails on loose HTML and writes U+00A0 in attributes as `\\u{a0}`."""
    contents: list[str] = []

    def take(match: re.Match[str]) -> str:
        contents.append(match[2])
        return f"{match[1]}VEILLE-CONTENT-{len(contents) - 1}-{match[3]}"

    return _CONTENT.sub(take, source), contents


def _put_contents(html: str, contents: Sequence[str]) -> str:
    return re.sub(r"VEILLE-CONTENT-(\d+)-", lambda match: contents[int(match[1])].strip(), html)


def _reset_for_outlook(html: str) -> str:
    """MJML's reset goes where only Outlook reads it: inlined on every cell it would double the letter."""
    return _RESET.sub(_OUTLOOK_RESET, html, count=1)


def _tighten(html: str) -> str:
    """Without the template's indentation and the long name of U+00A0: Gmail cuts a letter at 102 KB."""
    parts = re.split(r"(<pre\b.*?</pre>)", html.replace("&nbsp;", "\u00a0"), flags=re.DOTALL)
    return "".join(part if part.startswith("<pre") else re.sub(r"\s*\n\s*", "\n", part) for part in parts)


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
