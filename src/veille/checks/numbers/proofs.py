"""Numbers in what a channel will show: those of templates, tagline and settings, which stand in no post."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from email.utils import parseaddr
from functools import lru_cache

from lxml import etree

from veille.checks.markup import document
from veille.checks.numbers import rules as codes
from veille.checks.numbers import verdicts
from veille.checks.numbers.directory import directory
from veille.checks.numbers.finder import Number, find
from veille.checks.numbers.links import dialled
from veille.checks.numbers.places import Place, Scene
from veille.checks.numbers.rows import pieces
from veille.checks.rules import Context, Shown
from veille.checks.subjects import Role, Subject, Text
from veille.editions import Edition
from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.posts import Post

_INLINE = "a abbr b bdi cite code del em font i ins kbd mark q s small span strong sub sup time u wbr".split()  # noqa: SIM905
_SILENT = ("style", "script", "template")
_EDGE = "\u2029"  # between two blocks: no number runs across it
# The text nodes in order, an edge around every block. A letter has thousands of elements: libxslt walks them.
_WORDS = etree.XSLT(
    etree.XML(
        f"""<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
          <xsl:output method="text" encoding="UTF-8"/>
          <xsl:template match="*">{_EDGE}<xsl:apply-templates/>{_EDGE}</xsl:template>
          <xsl:template match="{" | ".join(_INLINE)}"><xsl:apply-templates/></xsl:template>
          <xsl:template match="{" | ".join(_SILENT)}"/>
        </xsl:stylesheet>"""
    )
)
_SPOKEN = etree.XPath(
    "//*[not(self::link)]/@*[name() = 'alt' or name() = 'aria-label' or name() = 'title' or name() = 'content']"
)
_ADDRESSES = etree.XPath("//@href")
_Seen = tuple[
    str, Number | None, str
]  # digits, the number, the text in which it stands; only digits: a link dials them


def findings(shown: Shown, context: Context) -> Iterator[Finding]:
    """Numbers that neither a record knows nor an author wrote."""
    scene = Scene(directory(context.library), context, context.today, shown.sensitive)
    seen = [*_seen(shown, scene.directory.known), *_of_sender(shown, context, scene.directory.known)]
    strange = [one for one in seen if one[0] not in scene.directory.records]
    told = _written(shown, context, scene) if strange else set()
    for digits, number, text in strange:
        if digits not in told:
            told.add(digits)
            yield _typed(Place(number, _text(text, shown), scene), shown) if number else _linked(digits, shown, scene)


def _written(shown: Shown, context: Context, scene: Scene) -> set[str]:
    """What the check of each post has looked at already."""
    edition = [source for source in context.library.editions if source.file == shown.file]
    sources: list[Post | Edition] = [*shown.posts, *edition]
    found: set[str] = set()
    for subject in (Subject(source, source.path, source.file) for source in sources):
        for piece in pieces(subject):
            found |= {number.digits for number in _numbers(piece.text.content, scene.directory.known)}
        found |= {dialled(link.href) for link in subject.links}
    return found


def _typed(place: Place, shown: Shown) -> Finding:
    number = place.number
    worse = verdicts.wrong(place)
    grave = worse is not None or place.near_help
    message = _("“{number}” is shown, and no post and no record holds it")
    said = message.format(number=number.written) + (f". {worse.message}" if worse else "")
    return _finding(said, shown, place.text.excerpt(number.start, number.end), grave=grave)


def _linked(digits: str, shown: Shown, scene: Scene) -> Finding:
    message = _("a link dials {number}, and no post and no record holds it")
    said = message.format(number=digits)
    return _finding(said, shown, digits, grave=len(digits) != 10 or digits.startswith("08") or scene.sensitive)


def _finding(message: str, shown: Shown, excerpt: str, *, grave: bool) -> Finding:
    hint = _("look for it in templates/, in the tagline and in veille.toml; let the template show a record")
    severity = Severity.ERROR if grave else Severity.WARNING
    found = Finding(shown.file, None, None, message, hint, codes.TEMPLATE.code, severity, excerpt=excerpt)
    return replace(found, link=codes.TEMPLATE.link)


def _text(content: str, shown: Shown) -> Text:
    return Text(shown.file, None, Role.BODY, content, shown.lang, ((0, 1, None),))


def _seen(shown: Shown, known: frozenset[str]) -> Iterator[_Seen]:
    """Every number that a reader sees, hears or would dial."""
    proof = shown.proof
    if proof.html.strip():
        page = document(proof.html)
        yield from _in(str(_WORDS(page)).split(_EDGE), known)
        yield from _in(map(str, _SPOKEN(page)), known)
        yield from ((digits, None, "") for href in _ADDRESSES(page) if (digits := dialled(str(href))))
    yield from _in((proof.heading, proof.preheader, *proof.text.split("\n\n"), *proof.alts), known)


def _of_sender(shown: Shown, context: Context, known: frozenset[str]) -> Iterator[_Seen]:
    """In the name that a mail program shows before the subject."""
    if shown.channel == "newsletter":
        yield from _in(parseaddr(context.config.settings.newsletter.sender)[:1], known)


def _in(texts: Iterable[str], known: frozenset[str]) -> Iterator[_Seen]:
    for text in texts:
        for number in _numbers(text, known):
            yield number.digits, number, text


@lru_cache(maxsize=4096)
def _numbers(text: str, known: frozenset[str]) -> tuple[Number, ...]:
    """Those of a text, looked for once: one paragraph is shown on several channels, one footer on all pages."""
    return tuple(find(text, known))
