"""Markdown read once into tokens; HTML and plain text come from the same tokens and say the same thing.

CommonMark with tables. Raw HTML stays text, post text is never a template, and what leaves is cleaned once
more (nh3). `{{ partner: id }}` and `{{ helpline: 3919 }}` put in a checked contact: contacts are referred to,
not retyped.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from typing import Any
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from veille.errors import ContentError, Finding
from veille.i18n import gettext as _
from veille.rendering.rendered import Contact
from veille.typography import french

SCHEMES = frozenset({"https", "http", "mailto", "tel", "sms"})
REFERENCES = ("partner", "helpline")

_REFERENCE = re.compile(r"\{\{\s*([A-Za-z]+)\s*:\s*([^{}\n]+?)\s*\}\}")
_TAGS = {
    *("p", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code", "hr", "br", "div"),
    *("strong", "em", "a", "span", "table", "thead", "tbody", "tr", "th", "td"),
}


@dataclass(frozen=True)
class Document:
    """A parsed text.

    Args:
        tokens: markdown-it block tokens.
        file, line: where the text stands, for findings; `line` is that of its first line, from 1.
        lang: language of the text.
    """

    tokens: tuple[Token, ...]
    file: str = ""
    line: int = 1
    lang: str = "fr"


def parse(text: str, *, file: str = "", line: int = 1, lang: str = "fr") -> Document:
    """Parse Markdown. References stay references until `resolve`."""
    return Document(tuple(_parser().parse(text)), file, line, lang)


def resolve(document: Document, *, contacts: Mapping[str, Contact], base_url: str) -> Document:
    """Put in contacts, make links absolute, shift headings to start at <h2>, set French typography.

    Args:
        contacts: by reference, "partner:ccas-bagneux" and "helpline:3919".
        base_url: the public address of the site, in front of links that start with "/".

    Raises:
        ContentError: every unknown contact, picture and link that a mail cannot follow, with its line.
    """
    if found := tuple(findings(document, contacts, base_url)):
        raise ContentError(found)
    tokens = [_resolved(token, contacts, base_url, document.lang) for token in document.tokens]
    return replace(document, tokens=tuple(_contact_blocks(_shifted(tokens))))


def to_html(document: Document, words_lang: str = "") -> str:
    """Clean HTML of a resolved document: headings from <h2>, absolute links, no class but `contact`.

    Args:
        words_lang: as for `contact_html`.
    """
    markup = _parser().renderer.render(list(document.tokens), _parser().options, {"words_lang": words_lang})
    cleaned = _cleaner().clean(markup)
    return cleaned.strip().replace("&nbsp;", "\u00a0")  # the only name that XML does not know


def to_text(document: Document, width: int = 72) -> str:
    """Plain text with the content of `to_html`: links as `text (url)`, wrapped at `width` characters."""
    from veille.markdown.plaintext import render

    return render(document.tokens, width)


def has_contacts(document: Document) -> bool:
    """Whether a resolved document shows a contact, the only place where a text has words of ours."""
    inline = (child.type for token in document.tokens for child in token.children or ())
    return any(token.type == "contact_block" for token in document.tokens) or "contact" in inline


def first_paragraph(document: Document) -> str:
    """The first paragraph as one line of plain text, for summaries; "" when there is none."""
    from veille.markdown.plaintext import words

    inside = 0
    for position, token in enumerate(document.tokens):
        if token.type == "paragraph_open" and not inside:
            return words(document.tokens[position + 1].children or ())
        inside += token.nesting if token.type.split("_")[0] in {"blockquote", "bullet", "ordered"} else 0
    return ""


def contact_facts(contact: Contact) -> list[tuple[str, str, str]]:
    """What a contact block says under the name: (label, text, link) in reading order; label, link may be "".

    Letter, pages and plain text all show a contact from this list, so that none forgets a line.
    """
    phone = [_("free call")] if contact.free and contact.href.startswith("tel:") else []
    number = f"{contact.label} ({phone[0]})" if phone else contact.label
    rows = [
        ("", contact.detail, ""),
        (_("Text message") if contact.href.startswith("sms:") else _("Phone"), number, contact.href),
        (_("Text message"), contact.sms, f"sms:{digits(contact.sms)}"),
        (_("Hours"), contact.hours, ""),
        (_("Address"), contact.address, ""),
        ("", access_words(contact), ""),
        (_("Languages"), contact.languages, ""),
        (_("E-mail"), contact.email, f"mailto:{contact.email}"),
        (_("Website"), contact.url, contact.url),
        (_("Chat"), contact.chat, contact.chat),
    ]
    return [row for row in rows if row[1]]


def access_words(contact: Contact) -> str:
    """Whether somebody in a wheelchair can come in; "" when nobody knows."""
    if contact.accessible is None:
        return ""
    return _("accessible by wheelchair") if contact.accessible else _("not accessible by wheelchair")


def call_label(href: str, label: str) -> str:
    """What a screen reader says for a number: "Call 39 19", or "Send a text message to 114"."""
    spoken = _("Send a text message to {number}") if href.startswith("sms:") else _("Call {number}")
    return spoken.format(number=label.replace("\u00a0", " "))


def digits(number: str) -> str:
    """A number as dialled: digits and a leading +."""
    return re.sub(r"[^\d+]", "", number)


def contact_html(contact: Contact, words_lang: str = "") -> str:
    """A contact as a block: name, then one line a fact, numbers and addresses as links.

    Args:
        words_lang: the language of our own words, where it is not that of the page.
    """
    said = _lang(words_lang)
    lines = [f"<strong>{escape(contact.name)}</strong>"]
    for label, text, href in contact_facts(contact):
        shown = escape(text)
        if href.startswith(("tel:", "sms:")):
            number = contact.label if href == contact.href else contact.sms
            shown = escape(text).replace(escape(number), _number_link(href, number, said), 1)
        elif href:
            shown = f'<a href="{escape(href)}">{escape(_without_scheme(text))}</a>'
        words = escape(label_with_colon(label))
        lines.append(f"<span{said}>{words}</span>{shown}" if said and words else f"{words}{shown}")
    return f'<div class="contact"><p>{"<br>".join(lines)}</p></div>'


def _without_scheme(address: str) -> str:
    return re.sub(r"^https?://|/$", "", address)


def label_with_colon(label: str) -> str:
    """`Hours: `, with the spacing of the active language; "" stays ""."""
    return _("{label}: ").format(label=label) if label else ""


def _lang(language: str) -> str:
    return f' lang="{escape(language)}"' if language else ""


def _number_link(href: str, label: str, said: str = "") -> str:
    spoken = escape(call_label(href, label))
    return f'<a href="{escape(href)}"{said} aria-label="{spoken}">{escape(label)}</a>'


@cache
def _cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=_TAGS,
        attributes={"a": {"href", "aria-label", "lang"}, "ol": {"start"}, "span": {"lang"}},
        allowed_classes={"div": {"contact"}},
        set_tag_attribute_values={"th": {"scope": "col"}},
        url_schemes=set(SCHEMES),
        link_rel=None,
    )


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "typographer": False}).enable("table")
    parser.disable(["html_block", "html_inline"])  # without `html` they find nothing, and look at every line for it
    parser.core.ruler.at("inline", _inline_rule)
    parser.inline.ruler.before("link", "reference", _reference_rule)
    parser.add_render_rule("reference", _render_reference)
    parser.add_render_rule("contact", _render_inline_contact)
    parser.add_render_rule("contact_block", _render_contact_block)
    return parser


def _inline_rule(state: StateCore) -> None:
    """As markdown-it's own rule; a text without any sign, as in most headings and lists, is one token at once."""
    inline = state.md.inline
    for token in state.tokens:
        if token.type != "inline":
            continue
        token.children = []
        if inline.terminator_re.search(token.content):
            inline.parse(token.content, state.md, state.env, token.children)
        elif token.content:
            token.children.append(Token("text", "", 0, content=token.content))


def _reference_rule(state: StateInline, silent: bool) -> bool:
    match = _REFERENCE.match(state.src, state.pos, state.posMax)
    if not match:
        return False
    if not silent:
        token = state.push("reference", "", 0)
        value = digits(match[2]) if match[1].lower() == "helpline" else match[2].strip()
        token.content, token.meta = match[0], {"kind": match[1].lower(), "key": f"{match[1].lower()}:{value}"}
    state.pos = match.end()
    return True


def _render_reference(_self: Any, tokens: Sequence[Token], index: int, _options: Any, _env: Any) -> str:
    return escape(tokens[index].content)


def _render_inline_contact(_self: Any, tokens: Sequence[Token], index: int, _options: Any, env: Any) -> str:
    contact: Contact = tokens[index].meta["contact"]
    said = _lang(env["words_lang"])
    number = f" ({_number_link(contact.href, contact.label, said)})" if contact.label else ""
    return escape(contact.name) + number


def _render_contact_block(_self: Any, tokens: Sequence[Token], index: int, _options: Any, env: Any) -> str:
    return contact_html(tokens[index].meta["contact"], env["words_lang"]) + "\n"


# What a post may not hold ----


def findings(document: Document, contacts: Collection[str], base_url: str) -> Iterator[Finding]:
    """Every unknown contact, picture and link that a mail cannot follow, with its line.

    Args:
        contacts, base_url: as for `resolve`; of the contacts only their references count.
    """
    for token in document.tokens:
        line = document.line + (token.map[0] if token.map else 0)
        for child in token.children or ():
            if child.type in {"softbreak", "hardbreak"}:
                line += 1
            if problem := _problem(child, contacts, base_url):
                message, hint, code = problem
                yield Finding(document.file, line, None, message, hint, code)


def _problem(token: Token, contacts: Collection[str], base_url: str) -> tuple[str, str, str] | None:
    if token.type == "image":
        return (
            _("a picture cannot stand in the text"),
            _("name it in the front matter, under `image` or `images`, with its alternative text"),
            "picture-in-body",
        )
    if token.type == "reference" and token.meta["key"] not in contacts:
        return _unknown_reference(token, contacts)
    if token.type == "link_open" and absolute(str(token.attrs.get("href", "")), base_url) is None:
        return (
            _("readers of the letter cannot follow this link: {link}").format(link=token.attrs.get("href", "")),
            _('write the whole address ("https://…"), or a path of our own site that starts with "/"'),
            "link",
        )
    return None


def _unknown_reference(token: Token, contacts: Collection[str]) -> tuple[str, str, str]:
    if token.meta["kind"] not in REFERENCES:
        return (
            _("{reference} is not understood").format(reference=token.content),
            _("write {{{{ partner: name-of-file }}}} or {{{{ helpline: 3919 }}}}").format(),
            "unknown-reference",
        )
    # Never another number in the place of a mistyped one: somebody would call it.
    names = [] if token.meta["kind"] == "helpline" else [name for name in contacts if name.startswith("partner:")]
    close = difflib.get_close_matches(token.meta["key"], names, n=1)
    hint = _('did you mean "{name}"?').format(name=close[0].partition(":")[2]) if close else _known_hint(token)
    return _("no such contact: {reference}").format(reference=token.content), hint, "unknown-contact"


def _known_hint(token: Token) -> str:
    if token.meta["kind"] == "helpline":
        return _("see the numbers in content/helplines.yaml")
    return _("see the files in content/partners/, or make one with `veille new partner`")


def absolute(href: str, base_url: str) -> str | None:
    """The address as every reader can follow it; None when there is none (anchors, `page.html`, `ftp:`)."""
    if href.startswith("/") and not href.startswith("//") and base_url:
        return base_url + href
    try:
        parts = urlsplit(href)
    except ValueError:
        return None
    if parts.scheme not in SCHEMES:
        return None
    return href if parts.hostname or (parts.path and parts.scheme in {"mailto", "tel", "sms"}) else None


# Putting things in ----


def _resolved(token: Token, contacts: Mapping[str, Contact], base_url: str, lang: str) -> Token:
    if token.children is None:
        return token
    children = [_resolved_child(child, contacts, base_url) for child in token.children]
    children = _with_typography(children, lang)
    same = all(new is old for new, old in zip(children, token.children, strict=True))
    return token if same else token.copy(children=children)


def _resolved_child(token: Token, contacts: Mapping[str, Contact], base_url: str) -> Token:
    if token.type == "link_open":
        href = absolute(str(token.attrs["href"]), base_url) or ""
        return token if token.attrs == {"href": href} else token.copy(attrs={"href": href})
    if token.type == "reference":
        return token.copy(type="contact", meta={"contact": contacts[token.meta["key"]]})
    return token


def _with_typography(children: Sequence[Token], lang: str) -> list[Token]:
    """Set each text run, reading its neighbours across emphasis and links."""
    if len(children) == 1 and children[0].type == "text":  # most paragraphs
        return [_set(children[0], lang, "", "")]
    shown = [_edge(token) for token in children]
    result = []
    for position, token in enumerate(children):
        if token.type == "text":
            before = next((text[-1] for text in reversed(shown[:position]) if text), "")
            after = next((text[0] for text in shown[position + 1 :] if text), "")
            token = _set(token, lang, before, after)
        result.append(token)
    return result


def _set(token: Token, lang: str, before: str, after: str) -> Token:
    content = french(token.content, lang, before=before, after=after)
    return token if content == token.content else token.copy(content=content)


def _edge(token: Token) -> str:
    """What neighbours see: the text itself, a letter for code and contacts, a break for a line end."""
    if token.type == "text":
        return token.content
    return {"softbreak": "\n", "hardbreak": "\n", "code_inline": "x", "contact": "x"}.get(token.type, "")


def _shifted(tokens: Sequence[Token]) -> list[Token]:
    """The highest heading becomes <h2>, and no level is skipped on the way down."""
    top = min((int(token.tag[1]) for token in tokens if token.type == "heading_open"), default=2)
    result, level = [], 1
    for token in tokens:
        if token.type == "heading_open":
            level = min(int(token.tag[1]) - top + 2, level + 1, 6)
        moved = token.type.startswith("heading_") and token.tag != f"h{level}"
        result.append(token.copy(tag=f"h{level}") if moved else token)
    return result


def _contact_blocks(tokens: Sequence[Token]) -> Iterator[Token]:
    """A paragraph that holds only references becomes contact blocks."""
    skip = 0
    for position, token in enumerate(tokens):
        children = tokens[position + 1].children if token.type == "paragraph_open" else None
        if children and _only_contacts(children):
            skip = 3  # paragraph_open, inline, paragraph_close
            yield from (child.copy(type="contact_block") for child in children if child.type == "contact")
        if not skip:
            yield token
        skip = max(0, skip - 1)


def _only_contacts(children: Sequence[Token]) -> bool:
    kinds = {child.type for child in children if child.type != "text" or child.content.strip()}
    return "contact" in kinds and kinds <= {"contact", "softbreak", "hardbreak"}
