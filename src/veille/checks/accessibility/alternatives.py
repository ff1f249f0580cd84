"""Alternative texts: what somebody hears who does not see the picture, or whose mail program does not load it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from veille.checks.rules import Rule, mark
from veille.checks.structure import images_of
from veille.checks.subjects import Role, Subject, Text
from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.posts import Image, Post

LONGEST = 125  # characters: some screen readers cut or pause behind them
_SOURCE = "WCAG 2.1, 1.1.1; RGAA 4.1, 1.2 et 1.3 (11/2026)"
_LINK = "https://www.w3.org/WAI/WCAG21/Understanding/non-text-content.html"

OPENING = Rule(
    "alt-opening",
    mark("The alternative text says that it is a picture"),
    mark("Screen readers announce the picture themselves: their users hear “image, image of…” every time."),
    mark("Begin with what the picture shows."),
    'alt: "Photo de deux jeunes qui réparent un vélo"',
    'alt: "Deux jeunes réparent un vélo"',
    severity=Severity.WARNING,
    source=_SOURCE,
    link=_LINK,
)
USELESS = Rule(
    "alt-useless",
    mark("The alternative text describes nothing"),
    mark("Somebody who does not see the picture hears the name of a file, or “photo”, and learns nothing."),
    mark("Say in one sentence what the picture tells; or write decorative: true if it tells nothing."),
    'alt: "IMG_2043.jpg"',
    'alt: "Deux jeunes réparent un vélo"',
    source="WCAG 2.1, 1.1.1 (F30); RGAA 4.1, 1.3 (11/2026)",
    link=_LINK,
)
LONG = Rule(
    "alt-long",
    mark("The alternative text is long"),
    mark("It is read in one go: nobody can stop in it or go back, and some screen readers cut it."),
    mark("Keep what matters in 125 characters; what else the picture tells belongs in the text."),
    severity=Severity.WARNING,
    source=_SOURCE,
    link=_LINK,
)
REPEATED = Rule(
    "alt-repeated",
    mark("The alternative text repeats what stands beside it"),
    mark("Somebody who listens hears the same words twice, and still does not know what the picture shows."),
    mark("Describe the picture; or write decorative: true if it adds nothing to the text."),
    'title: "Repas partagé", alt: "Repas partagé"',
    'alt: "Une longue table dans la cour, trente personnes y mangent"',
    severity=Severity.WARNING,
    source=_SOURCE,
    link=_LINK,
)
LETTERING = Rule(
    "text-in-picture",
    mark("The picture seems to hold text"),
    mark(
        "Words in a picture cannot be heard, enlarged, translated or copied, and are missing where pictures are not "
        "loaded: the date, the place and the number on a poster never arrive."
    ),
    mark("Write every word of it in the post; better still, use a picture without text."),
    "image: {src: affiche-forum.jpg, …}",
    "image: {src: forum.jpg, …}",
    severity=Severity.WARNING,
    source="WCAG 2.1, 1.4.5; RGAA 4.1, 1.8 (11/2026)",
    link="https://www.w3.org/WAI/WCAG21/Understanding/images-of-text.html",
)
RULES = (OPENING, USELESS, LONG, REPEATED, LETTERING)

_THING = r"(?:image|images|photos?|photographies?|illustrations?|picture|drawing)"
_OPENING = re.compile(
    rf"\s*(?:(?:une?|les?|la|l['’]|des|cette|voici une|an?|the)\s*)?\b{_THING}\s*"
    r"(?::|d['’]|(?:de|du|des|montrant|montre|représentant|représente|qui montre|sur laquelle|of|showing)(?![^\W\d_]))",
    re.I,
)
_FILE = re.compile(r"\S+\.(?:jpe?g|png|gif|webp|svg|heic|tiff?|bmp|avif)\s*", re.I)
_CAMERA = re.compile(r"(?:img|dsc[nf]?|pxl|mvimg|screenshot|whatsapp image|capture)[ _-]?\d[\w .-]*", re.I)
_ALONE = re.compile(
    rf"(?:{_THING}|visuel|logo|img|vignette|bannière|sans titre|untitled|alt|texte alternatif)\s*(?:n°\s*)?\d*\s*[.!]?",
    re.I,
)
_LETTERED = re.compile(
    r"(?<![^\W_])(?:affiches?|affichette|flyers?|visuels?|posters?|infographies?|tracts?|dépliants?|depliants?"
    r"|capture d['’]écran|capture|screenshot)(?![^\W_])",
    re.I,
)
_FIRST_WORDS = 40  # characters: "Affiche du forum: …", not "Deux jeunes collent une affiche"


def find(subject: Subject) -> Iterator[Finding]:
    """What is wrong with the alternative texts of a post or edition."""
    alts = {text.field: text for text in subject.texts if text.role is Role.ALT}
    for key, image in images_of(subject.source):
        if text := alts.get(f"{key}.alt"):
            yield from _of_text(text, image, subject)
        yield from _lettering(subject, key, image, text)


def _of_text(text: Text, image: Image, subject: Subject) -> Iterator[Finding]:
    alt = text.content
    if _FILE.fullmatch(alt.strip()) or _CAMERA.fullmatch(alt.strip()) or _ALONE.fullmatch(alt.strip()):
        message = _("“{alt}” does not say what the picture shows").format(alt=alt.strip())
        yield USELESS.at(text, 0, len(alt), message, _("say it in one sentence: {example}").format(example=_EXAMPLE))
        return
    if opening := _OPENING.match(alt):
        rest = alt[opening.end() :].strip()
        message = _("the alternative text says that it is a picture: “{words}”").format(words=opening[0].strip())
        hint = _("begin with what it shows: {words}").format(words=_cut(rest)) if rest else None
        yield OPENING.at(text, 0, opening.end(), message, hint)
    if len(alt) > LONGEST:
        message = _("the alternative text has {number} characters").format(number=len(alt))
        hint = _("keep what matters in {most} characters, and write the rest in the post").format(most=LONGEST)
        yield LONG.at(text, LONGEST, len(alt), message, hint)
    if problem := _repeated(alt, image, subject):
        yield REPEATED.at(text, 0, len(alt), *problem)


_EXAMPLE = 'alt: "Deux jeunes réparent un vélo"'


def _repeated(alt: str, image: Image, subject: Subject) -> tuple[str, str] | None:
    hint = _("describe the picture, or write decorative: true if it adds nothing")
    if _plain(alt) == _plain(subject.source.title if isinstance(subject.source, Post) else ""):
        return _("the alternative text is the title once more"), hint
    if _plain(alt) == _plain(image.credit):
        return _("the alternative text is the credit once more"), hint
    if isinstance(subject.source, Post) and _plain(alt) == _plain(subject.source.summary):
        return _("the alternative text is the summary once more"), hint
    if _plain(alt) == _plain(image.path.stem):
        return _("the alternative text is the name of the file"), hint
    return None


def _lettering(subject: Subject, key: str, image: Image, text: Text | None) -> Iterator[Finding]:
    message = _("this picture seems to hold text (“{word}”), which nobody can hear or enlarge")
    advice = _("write everything that it says in the post, then: allow: {{text-in-picture: …}}")
    if text and (found := _LETTERED.search(text.content[:_FIRST_WORDS])):
        yield LETTERING.at(text, *found.span(), message.format(word=found[0]), advice.format())
    elif found := _LETTERED.search(image.path.stem):
        line = subject.lines.get(f"{key}.src", subject.lines.get(key))
        finding = LETTERING.of(subject, f"{key}.src", message.format(word=image.path.name), advice.format())
        yield replace(finding, line=line)


def _plain(words: str) -> str:
    """Words as they are compared: without case, punctuation and the signs of file names."""
    return " ".join(re.findall(r"[^\W_]+", words.casefold()))


def _cut(words: str) -> str:
    first = words[:1].upper() + words[1:]
    return first if len(first) <= 60 else first[:60].rsplit(" ", 1)[0] + "…"
