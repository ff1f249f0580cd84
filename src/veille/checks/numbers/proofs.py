"""Numbers in what a channel will show: those of templates, tagline and settings, which stand in no post."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from lxml import html

from veille.checks.numbers import rules as codes
from veille.checks.numbers import verdicts
from veille.checks.numbers.directory import directory
from veille.checks.numbers.finder import find
from veille.checks.numbers.links import dialled
from veille.checks.numbers.places import Place, Scene
from veille.checks.rules import Context, Shown
from veille.checks.subjects import Role, Subject, Text
from veille.editions import Edition
from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.posts import Post

_INLINE = frozenset(
    """
    a abbr b bdi cite code del em font i ins kbd mark q s small span strong sub sup time u wbr
    """.split()  # noqa: SIM905
)
_SILENT = frozenset({"style", "script", "template"})
_SPOKEN = ("alt", "aria-label", "title", "content")
_EDGE = "\u2029"  # between two blocks: no number runs across it


def findings(shown: Shown, context: Context) -> Iterator[Finding]:
    """Numbers that neither a record knows nor an author wrote."""
    scene = Scene(directory(context.library), context, context.today, shown.sensitive)
    told = {*scene.directory.records, *_written(shown, context, scene)}
    for text, dials in _pieces(shown):
        for digits in dials:
            if digits not in told:
                told.add(digits)
                yield _linked(digits, shown, scene)
        for number in find(text, scene.directory.known):
            if number.digits not in told:
                told.add(number.digits)
                yield _typed(Place(number, _text(text, shown), scene), shown)


def _written(shown: Shown, context: Context, scene: Scene) -> set[str]:
    """What the check of each post has looked at already."""
    edition = [source for source in context.library.editions if source.file == shown.file]
    sources: list[Post | Edition] = [*shown.posts, *edition]
    found: set[str] = set()
    for subject in (Subject(source, source.path, source.file) for source in sources):
        for text in subject.texts:
            found |= {number.digits for number in find(text.content, scene.directory.known)}
        found |= {dialled(link.href) for link in subject.links}
    return found


def _typed(place: Place, shown: Shown) -> Finding:
    number = place.number
    worse = verdicts.wrong(place)
    grave = worse is not None or place.near_help or number.short or number.digits.startswith("08")
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


def _pieces(shown: Shown) -> Iterator[tuple[str, list[str]]]:
    """(text, digits that its links dial) of everything that a reader sees or hears."""
    proof = shown.proof
    if proof.html.strip():
        yield from _of_html(proof.html)
    for text in (proof.heading, proof.preheader, *proof.text.split("\n\n"), *proof.alts):
        yield text, []


def _of_html(markup: str) -> Iterator[tuple[str, list[str]]]:
    root = html.document_fromstring(markup.encode(), parser=html.HTMLParser(encoding="utf-8"))
    words: list[str] = []
    dials: list[str] = []
    for element in root.iter(html.etree.Element):
        dials.append(dialled(str(element.get("href") or "")))
        words += [_EDGE + str(element.get(name)) for name in _SPOKEN if element.get(name) and element.tag != "link"]
    said = "".join(_words(root))
    yield from ((piece, []) for piece in said.split(_EDGE) if piece.strip())
    yield from ((word.strip(_EDGE), []) for word in words)
    yield "", [digits for digits in dials if digits]


def _words(element: html.HtmlElement) -> Iterable[str]:
    """The text nodes in order, an edge around every block."""
    if not isinstance(element.tag, str) or element.tag in _SILENT:
        return [element.tail or ""] if element.getparent() is not None else []
    edge = "" if element.tag in _INLINE else _EDGE
    inside = [word for child in element for word in _words(child)]
    tail = element.tail or ""
    return [edge, element.text or "", *inside, edge, tail]
