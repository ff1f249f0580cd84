"""Checks of the letter as it leaves: its size, its two parts, and what the list of messages shows.

Gmail cuts a letter at about 102 KB of HTML and hides what is behind, the link for leaving among it; a forwarded letter
grows. So 80 KB is a warning and 100 KB (100,000 bytes of UTF-8) an error (facts read 2026-09: Spam Resource, 12 January
2022). Text part, subject and anchors: the same sheet, sections 7 and 8.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from lxml import etree

from veille.checks.links import rules as links
from veille.checks.markup import document, elements, found, hidden, place
from veille.checks.rules import Check, Context, Rule, Shown, mark
from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.posts import Post

LARGE = 80_000  # bytes
TOO_LARGE = 100_000  # bytes
LONGEST_SUBJECT = 60  # characters
LEAST_TEXT = 0.3  # of the visible text
PERSONAL_LINKS = 2  # leaving, and choosing: proofs show them as "#"

_UNREAD = {"head", "style", "script", "title"}

LETTER_LARGE = Rule(
    code="letter-large",
    title=mark("The letter is large"),
    why=mark("Gmail cuts letters at about 102 KB and hides the rest; a forwarded letter grows."),
    remedy=mark("Shorten the heaviest post, or leave one for the next letter."),
    severity=Severity.WARNING,
    source="Gmail's limit as measured by Spam Resource, 2022-01-12",
)
LETTER_TOO_LARGE = Rule(
    code="letter-too-large",
    title=mark("The letter is too large"),
    why=mark("Gmail would cut it and hide its end, with the help lines and the link for leaving."),
    remedy=mark("Shorten the heaviest post, or make two letters of it."),
    excusable=False,
    source="Gmail's limit as measured by Spam Resource, 2022-01-12",
)
LETTER_NO_TEXT = Rule(
    code="letter-no-text",
    title=mark("The letter has no plain text"),
    why=mark("Readers who chose plain text, and some screen readers, would get an empty letter."),
    remedy=mark("Mend templates/newsletter/letter.txt.j2, or delete it to use the shipped one again."),
    excusable=False,
)
LETTER_SHORT_TEXT = Rule(
    code="letter-short-text",
    title=mark("The plain text says much less than the letter"),
    why=mark("Who reads plain text misses something, and filters take such letters for junk."),
    remedy=mark("Put the same posts and numbers into templates/newsletter/letter.txt.j2."),
    severity=Severity.WARNING,
)
LETTER_NO_LEAVING = Rule(
    code="letter-no-leaving",
    title=mark("The links for leaving and for choosing cannot be seen"),
    why=mark("The law wants leaving to be easy; who cannot find the link reports the letter as junk."),
    remedy=mark("Show {{ unsubscribe }} and {{ preferences }} as two links with words in the footer of the template."),
    wrong='<!-- {{ unsubscribe }} -->',
    right='<a href="{{ unsubscribe }}">Se désinscrire</a>',
    excusable=False,
    source="CPCE, art. L. 34-5 ; RGPD, art. 7(3)",
)  # fmt: skip
SUBJECT_LONG = Rule(
    code="subject-long",
    title=mark("The subject is long"),
    why=mark("A phone shows about 45 characters of it, a computer about 60."),
    remedy=mark("Write a shorter one: newsletter: subject: …"),
    wrong="Samedi prochain, de 14 h à 18 h, la ressourcerie de Bagneux organise une grande bourse aux vélos",
    right="Un vélo à 20 euros, samedi à Bagneux",
    severity=Severity.WARNING,
)
SUBJECT_EMPTY = Rule(
    code="subject-empty",
    title=mark("The letter has no subject"),
    why=mark("Nobody opens a letter without one, and filters take it for junk."),
    remedy=mark("Give the edition a title."),
    excusable=False,
)
PREHEADER_EMPTY = Rule(
    code="preheader-empty",
    title=mark("The letter has no preheader"),
    why=mark("The list of messages then shows the first words of the letter, such as “Read this letter online”."),
    remedy=mark("Write one: newsletter: preheader: …"),
    severity=Severity.WARNING,
)
LETTER_ANCHOR = Rule(
    code="letter-anchor",
    title=mark("A link leads to another place in the letter"),
    why=mark("Orange, laposte.net and SFR drop such links: nothing happens when they are pressed."),
    remedy=mark("Take the table of contents out, or link to the page of the edition."),
    wrong='<a href="#agenda">',
    right='<a href="{{ edition.url }}">',
    severity=Severity.WARNING,
    source="Can I email, html-anchor-links, data of 9 September 2025",
    link="https://www.caniemail.com/features/html-anchor-links/",
)
PICTURE_HTTP = Rule(
    code="picture-http",
    title=mark("A picture is fetched without encryption"),
    why=mark("Mail programs do not show it, or warn of it, and others see what is read."),
    remedy=mark("Begin its address with https://."),
    wrong='<img src="http://…">',
    right='<img src="https://…">',
    severity=Severity.WARNING,
)


def _proof(shown: Shown, context: Context) -> Iterator[Finding]:
    if shown.channel == "newsletter" and shown.proof.html:
        yield from _size(shown, context)
        yield from _text(shown)
        yield from _list_of_messages(shown)
        yield from _links(shown, context)


def _size(shown: Shown, context: Context) -> Iterator[Finding]:
    weight = shown.proof.weight
    if weight > LARGE:
        rule, most = (LETTER_TOO_LARGE, TOO_LARGE) if weight > TOO_LARGE else (LETTER_LARGE, LARGE)
        message = _("the letter has {size} KB of HTML, more than {most}").format(
            size=round(weight / 1000), most=most // 1000
        )
        parts = _heaviest(shown, context.config.settings.workspace.base_url)
        heavy = ", ".join(_("{title}: {size} KB").format(title=p.title, size=round(s / 1000)) for s, p in parts[:3])
        hint = _("what weighs most in it: {posts}").format(posts=heavy) if heavy else _("shorten it")
        gathered = shown.file.startswith("templates/") and parts
        yield found(rule, (parts[0][1].file if gathered else shown.file, None), message, hint)


def _heaviest(shown: Shown, base_url: str) -> list[tuple[int, Post]]:
    """Its posts by weight in bytes: each ends with the link to its page, the next one begins there."""
    html = shown.proof.html
    ends = [(html.rfind(f'{base_url}/posts/{post.slug}/"'), post) for post in shown.posts]
    ends = sorted(((end, post) for end, post in ends if end >= 0), key=lambda pair: pair[0])
    start, parts = html.find("<body"), []
    for end, post in ends:
        parts.append((len(html[start:end].encode()), post))
        start = end
    return sorted(parts, key=lambda pair: -pair[0])


def _text(shown: Shown) -> Iterator[Finding]:
    written = len("".join(shown.proof.text.split()))
    seen = len("".join(_visible(document(shown.proof.html)).split()))
    hint = _("mend templates/newsletter/letter.txt.j2, or delete it to use the shipped one")
    where = ("templates/newsletter/letter.txt.j2", None)
    if not written:
        yield found(LETTER_NO_TEXT, where, _("the plain-text part of the letter is empty"), hint)
    elif written < LEAST_TEXT * seen:
        message = _("the plain-text part is only {share} % as long as what the letter shows")
        yield found(LETTER_SHORT_TEXT, where, message.format(share=round(100 * written / seen)), hint)


def _visible(element: etree._Element) -> str:
    """The text that a reader sees below an element."""
    if not isinstance(element.tag, str) or element.tag in _UNREAD or _own_hidden(element):
        return ""
    inside = "".join(_visible(child) + (child.tail or "") for child in element)
    return (element.text or "") + inside


def _own_hidden(element: etree._Element) -> bool:
    return bool(re.search(r"display\s*:\s*none", element.get("style") or ""))


def _list_of_messages(shown: Shown) -> Iterator[Finding]:
    subject, where = shown.proof.heading.strip(), (shown.file, None)
    if not subject:
        yield found(SUBJECT_EMPTY, where, _("the letter has no subject"), _("give it a title"))
    elif len(subject) > LONGEST_SUBJECT:
        message = _("the subject has {count} characters: “{subject}”").format(count=len(subject), subject=subject)
        hint = _("at most {most}, the important words first: newsletter: subject: …").format(most=LONGEST_SUBJECT)
        yield found(SUBJECT_LONG, where, message, hint)
    if not shown.proof.preheader.strip():
        hint = _("write one: newsletter: preheader: …")
        yield found(PREHEADER_EMPTY, where, _("the letter has no preheader"), hint)


def _links(shown: Shown, context: Context) -> Iterator[Finding]:
    personal, secure = 0, context.config.settings.workspace.base_url.startswith("https://")
    for element in elements(shown.proof.html):
        href, source = element.get("href") or "", element.get("src") or ""
        if element.tag == "a" and href == "#":
            personal += bool(_visible(element).strip()) and not hidden(element)
        elif element.tag == "a" and href.startswith("#"):
            message = _("a link leads to another place in the letter: {href}").format(href=href)
            hint = _("take it out: Orange, laposte.net and SFR drop it")
            yield found(LETTER_ANCHOR, place(shown, context, href), message, hint)
        elif element.tag == "a" and urlsplit(href).scheme == "http":
            yield from _plain_link(href, shown, context)
        if element.tag == "img" and secure and urlsplit(source).scheme == "http":
            message = _("a picture is fetched without encryption: {address}").format(address=source)
            yield found(PICTURE_HTTP, place(shown, context, source), message, _("begin it with https://"))
    if personal < PERSONAL_LINKS:
        where = place(shown, context, "unsubscribe")
        message = _("the links for leaving the letter and for choosing what comes cannot both be seen")
        yield found(LETTER_NO_LEAVING, where, message, _("show both in the footer, with words"))


def _plain_link(href: str, shown: Shown, context: Context) -> Iterator[Finding]:
    """Of a template: what an author wrote is told at its line in the post."""
    where = place(shown, context, href)
    if where[0].startswith("templates/"):
        message = _("this address begins with http://, not https://: {address}").format(address=href)
        hint = _("try {address}, and write it if it works").format(address="https" + href[4:])
        yield found(links.HTTP, where, message, hint)


CHECK = Check(
    rules=(
        LETTER_LARGE,
        LETTER_TOO_LARGE,
        LETTER_NO_TEXT,
        LETTER_SHORT_TEXT,
        LETTER_NO_LEAVING,
        SUBJECT_LONG,
        SUBJECT_EMPTY,
        PREHEADER_EMPTY,
        LETTER_ANCHOR,
        PICTURE_HTTP,
    ),
    proof=_proof,
)
