"""Checks of letters and pages as they leave: a newsroom's own templates may break what the shipped ones keep.

What WCAG forbids at level A is an error: with it somebody cannot read at all. The rest are warnings.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from veille.checks.looks import Look, looks
from veille.checks.markup import document, found, place
from veille.checks.rules import Check, Context, Rule, Shown, mark, said
from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.i18n import short

SMALLEST = 14  # px (Orange, Concevoir des mails accessibles)
_TEMPLATE = mark("Mend the template in templates/, or delete yours to use the shipped one again.")
_UNDERSTANDING = "https://www.w3.org/WAI/WCAG21/Understanding/"

LANG = Rule(
    "shown-lang",
    mark("The letter or page does not say its language"),
    mark("A screen reader takes the language of its owner, and reads French with the voice of another."),
    _TEMPLATE,
    "<html>",
    '<html lang="fr">',
    source="WCAG 2.1, 3.1.1 (A); RGAA 4.1, 8.3 (11/2026)",
    link=f"{_UNDERSTANDING}language-of-page.html",
)
TITLE = Rule(
    "shown-title",
    mark("The letter or page has no title"),
    mark("The title is the first that a screen reader says, and the name of the window or tab."),
    _TEMPLATE,
    "<title></title>",
    "<title>La lettre du vendredi</title>",
    source="WCAG 2.1, 2.4.2 (A); RGAA 4.1, 8.5 (11/2026)",
    link=f"{_UNDERSTANDING}page-titled.html",
)
IMAGE = Rule(
    "shown-alt",
    mark("A picture leaves without alternative text"),
    mark("Screen readers read the address of the file instead; mail programs that load no pictures show nothing."),
    mark('Write alt="{{ image.alt }}" in the template, or alt="" for decoration.'),
    '<img src="…">',
    '<img src="…" alt="Deux jeunes réparent un vélo">',
    source="WCAG 2.1, 1.1.1 (A); RGAA 4.1, 1.1 (11/2026)",
    link=f"{_UNDERSTANDING}non-text-content.html",
)
NAME = Rule(
    "shown-link-name",
    mark("A link or button cannot be named"),
    mark(
        "A screen reader says “link” and nothing more. Who controls the telephone by voice says the words on the "
        "screen: they have to be in the name that the link has for machines."
    ),
    mark("Put words into the link; begin or end its aria-label with the words that are seen, or leave it out."),
    '<a href="tel:119" aria-label="Appeler">119</a>',
    '<a href="tel:119" aria-label="Appeler le 119">119</a>',
    source="WCAG 2.1, 2.4.4, 2.5.3 et 4.1.2 (A); RGAA 4.1, 6.1 et 6.2 (11/2026)",
    link=f"{_UNDERSTANDING}label-in-name.html",
)
OUTLINE = Rule(
    "shown-headings",
    mark("The headings of the letter or page do not fit together"),
    mark("People who listen jump from heading to heading, from level 1 down: one level 1, and no level left out."),
    _TEMPLATE,
    severity=Severity.WARNING,
    source="WCAG 2.1, 1.3.1 et 2.4.6; RGAA 4.1, 9.1 (11/2026)",
    link="https://www.w3.org/WAI/tutorials/page-structure/headings/",
)
TABLE = Rule(
    "shown-layout-table",
    mark("A table for layout is announced as a table"),
    mark("A screen reader counts rows and columns aloud in each of them, and the text drowns in it."),
    mark('Write role="presentation" on tables for layout, and <th scope="col"> in tables of data.'),
    "<table><tr><td>Bonjour</td></tr></table>",
    '<table role="presentation"><tr><td>Bonjour</td></tr></table>',
    severity=Severity.WARNING,
    source="RGAA 4.1, 5.3 et 5.8 (11/2026)",
    link="https://www.w3.org/WAI/tutorials/tables/tips/",
)
CONTRAST = Rule(
    "shown-contrast",
    mark("Text and background are too close to each other"),
    mark("Who sees badly, or reads in the sun, cannot make out the words."),
    mark("Choose a darker text or a lighter ground: 4.5 to 1, or 3 to 1 for large text. See [brand] in veille.toml."),
    "color:#9a9a9a on #ffffff",
    "color:#5b586e on #ffffff",
    severity=Severity.WARNING,
    source="WCAG 2.1, 1.4.3 (AA); RGAA 4.1, 3.2 (11/2026)",
    link=f"{_UNDERSTANDING}contrast-minimum.html",
)
SMALL = Rule(
    "shown-small-type",
    mark("The type is small"),
    mark("Many readers have to hold a telephone close, or give up."),
    mark("14 pixels at least; 16 or 17 for running text."),
    "font-size:11px",
    "font-size:14px",
    severity=Severity.WARNING,
    source="Orange, Concevoir des mails accessibles (11/2026)",
    link="https://a11y-guidelines.orange.com/",
)
JUSTIFIED = Rule(
    "shown-justified",
    mark("The text is justified"),
    mark("The gaps between the words have every width: dyslexic readers lose the line."),
    mark("Align it left."),
    "text-align:justify",
    "text-align:left",
    severity=Severity.WARNING,
    source="WCAG 2.1, 1.4.8; FALC (Inclusion Europe, 2009) (11/2026)",
    link=f"{_UNDERSTANDING}visual-presentation.html",
)
WIDTH = Rule(
    "shown-image-width",
    mark("A picture without width"),
    mark("Outlook shows it in its full size, and the letter becomes wider than the screen."),
    mark("Write width and height on every picture of the letter."),
    '<img src="…" alt="…">',
    '<img src="…" alt="…" width="600" height="400">',
    severity=Severity.WARNING,
)
RULES = (LANG, TITLE, IMAGE, NAME, OUTLINE, TABLE, CONTRAST, SMALL, JUSTIFIED, WIDTH)

_Problem = tuple[Rule, str, str]  # the rule, what is wrong, the words or the tag that it is about


def shown(proof: Shown, context: Context) -> Iterator[Finding]:
    """What shuts readers out of a letter, page or item of a feed."""
    html = proof.proof.html
    if not html.strip():
        return
    seen: set[tuple[str, str]] = set()
    for rule, message, excerpt in _problems(document(html), proof, whole="<html" in html[:1000].lower()):
        if (rule.code, message) not in seen:
            seen.add((rule.code, message))
            finding = found(rule, place(proof, context, excerpt), message, said(rule.remedy))
            yield replace(finding, excerpt=excerpt)


def _problems(tree: Any, proof: Shown, *, whole: bool) -> Iterator[_Problem]:
    if whole:
        yield from _document(tree, proof.lang)
    yield from _headings(tree, whole=whole)
    for tag, look in (("img", _image), ("a", _link), ("button", _link)):
        for element in tree.iter(tag):
            yield from look(element)
    if proof.channel == "newsletter":  # pages have their looks from a style sheet: axe sees those
        for element in tree.iter("img"):
            if not element.get("width"):
                yield WIDTH, _("this picture has no width: {tag}").format(tag=_tag(element)), ""
        for element in tree.iter("table"):
            yield from _table(element)
        for look_of in looks(tree):
            yield from _look(look_of)


def _document(tree: Any, lang: str) -> Iterator[_Problem]:
    given = (tree.get("lang") or "").strip()
    if not given:
        yield LANG, _("<html> has no lang"), ""
    elif short(given) != short(lang):
        yield LANG, _("<html> says lang={given}, and the text is in {lang}").format(given=given, lang=lang), ""
    if not (tree.findtext("head/title") or "").strip():
        yield TITLE, _("<title> is missing or empty"), ""


def _headings(tree: Any, *, whole: bool) -> Iterator[_Problem]:
    headings = [(int(element.tag[1]), _words(element)) for element in tree.iter("h1", "h2", "h3", "h4", "h5", "h6")]
    first = sum(level == 1 for level, _words_of in headings)
    if whole and first != 1:
        yield OUTLINE, _("there are {number} headings of level 1, and there should be one").format(number=first), ""
    before = 1
    for position, (level, words) in enumerate(headings):
        if not words:
            yield OUTLINE, _("a heading of level {level} has no words").format(level=level), ""
        if level > before + 1 and (position or whole):
            message = _("“{words}” is of level {level}, and no level {missing} stands above it")
            yield OUTLINE, message.format(words=words, level=level, missing=before + 1), words
        before = level


def _image(element: Any) -> Iterator[_Problem]:
    if element.get("alt") is None and element.get("role") not in {"presentation", "none"}:
        yield IMAGE, _("this picture has no alternative text: {tag}").format(tag=_tag(element)), ""


def _link(element: Any) -> Iterator[_Problem]:
    if element.tag == "a" and element.get("href") is None:
        return
    seen, label = _words(element), " ".join((element.get("aria-label") or "").split())
    heard = label or seen or " ".join(image.get("alt") or "" for image in element.iter("img")).strip()
    if not heard:
        yield NAME, _("this link has no words: {tag}").format(tag=_tag(element)), ""
    elif label and seen and seen.casefold() not in label.casefold():
        message = _("“{seen}” is seen, and “{label}” is what machines call it")
        yield NAME, message.format(seen=seen, label=label), seen


def _table(element: Any) -> Iterator[_Problem]:
    layout = element.get("role") in {"presentation", "none"}
    own = [cell for cell in element.iter("th") if next(cell.iterancestors("table")) is element]
    if layout and own:
        message = _("a table for layout has cells of headings (<th>): {words}")
        yield TABLE, message.format(words=_words(own[0])), _words(own[0])
    elif not layout and not own:
        message = _("a table has neither role=presentation nor cells of headings (<th>): {words}")
        yield TABLE, message.format(words=_words(element)[:60]), ""


def _look(look: Look) -> Iterator[_Problem]:
    if look.contrast is not None and look.contrast < look.least:
        message = _("{colour} on {ground} has a contrast of {ratio:.1f}, and needs {least}")
        told = message.format(colour=look.colour, ground=look.ground, ratio=look.contrast, least=look.least)
        yield CONTRAST, told, look.words[:60]
    if look.size < SMALLEST:
        message = _("type of {size:g} pixels: {words}").format(size=look.size, words=look.words[:40])
        yield SMALL, message, look.words[:60]
    if look.justified:
        yield JUSTIFIED, _("this text is justified: {words}").format(words=look.words[:40]), look.words[:60]


def _words(element: Any) -> str:
    return " ".join("".join(element.itertext(with_tail=False)).split())


def _tag(element: Any) -> str:
    """The element as its template has it, cut."""
    shown = " ".join(f'{name}="{value[:40]}"' for name, value in element.attrib.items() if name in _TELLING)
    return f"<{element.tag} {shown}>"


_TELLING = ("src", "href", "class", "id")

CHECK = Check(rules=RULES, proof=shown)
