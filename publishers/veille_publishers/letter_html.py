"""MJML to the HTML of a letter: robust in old mail programs, with every rule where French webmails look for it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from veille.errors import RenderError
from veille.i18n import gettext as _
from veille_publishers.mjml_check import unknown

_RESET = re.compile(r'<style type="text/css">\s*#outlook.*?</style>', re.DOTALL)
_OUTLOOK_RESET = (
    "<!--[if mso]><style>table,td{border-collapse:collapse;mso-table-lspace:0;mso-table-rspace:0}</style><![endif]-->"
)
_CONTENT = re.compile(
    r"(<mj-(?:raw|table|text|title|preview)\b[^>]*>)(.*?)(</mj-(?:raw|table|text|title|preview)>)", re.DOTALL
)


def to_html(source: str, template: str) -> str:
    """MJML to HTML with every essential rule inline; nothing remote is read (mjml would link Google Fonts).

    Args:
        source: MJML.
        template: the name of the template that it comes from, for errors.

    Raises:
        RenderError: it is not MJML.
    """
    from css_inline import CSSInliner, InlineError
    from mjml import mjml2html

    if found := unknown(source):
        names = ", ".join(name for _line, name in found)
        raise RenderError(
            _("{template}: this is not MJML that mail programs understand: {names}").format(
                template=template, names=names
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
            _("{template} cannot be made into a letter: {error}").format(template=template, error=error),
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
