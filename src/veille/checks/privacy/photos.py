"""Pictures of people, and what a camera wrote into the file.

Nobody's picture is shown without agreement, and a minor's not without that of the parents (Code civil, art. 9;
droit à l'image). A drawing shows nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from veille.checks.rules import Rule, mark
from veille.checks.subjects import Subject
from veille.editions import Edition
from veille.errors import ContentError, Finding, Severity
from veille.i18n import gettext as _
from veille.pictures.originals import look
from veille.pictures.traces import traces
from veille.posts import Image, Post

CONSENT = Rule(
    "photo-consent",
    mark("A photo of people without a written agreement"),
    mark(
        "Everybody decides who shows their face, and for minors the parents too. A young person who hides from "
        "somebody is found by a photo."
    ),
    mark(
        "Ask for the agreement, keep it, and note it in the picture: consent: “accord écrit du 12 novembre, classeur "
        "images”. For a drawing say so in credit: Dessin …"
    ),
    "image: {src: atelier.jpg, alt: Trois élèves peignent un mur.}",
    "image: {src: atelier.jpg, alt: Trois élèves peignent un mur., consent: accords écrits au classeur images}",
    source="Code civil art. 9 ; RGPD art. 6 (droit à l’image)",
)
LOCATION = Rule(
    "picture-location",
    mark("The photo says where it was taken"),
    mark(
        "veille takes this out of everything that leaves, but whoever receives the file itself can read the place "
        "to a few metres, or whose camera it was."
    ),
    mark(
        "Windows: right click on the file, Properties, Details, “Remove Properties and Personal Information”. Mac: "
        "Preview, Tools, Show Inspector, GPS, “Remove Location Info”. Or save the picture anew without metadata."
    ),
    severity=Severity.WARNING,
    source="RGPD art. 5.1.c (minimisation) ; EXIF 3.0, GPS IFD",
    link="https://www.cnil.fr/fr/reglement-europeen-protection-donnees/chapitre2",
)
RULES = (CONSENT, LOCATION)

_ADULT = r"jeunes?\s+(?:femme|homme|adulte|parent|retraité|couple)s?|personnes?\s+âgées?"
_MINORS = re.compile(
    r"\b(?:enfants?|fill(?:e|ette)s?|garçon(?:net)?s?|ados?|adolescente?s?|élèves?|collégien(?:ne)?s?|lycéen(?:ne)?s?|"
    r"écoli(?:er|ère)s?|bébés?|mineur(?:e)?s?|gamin(?:e)?s?|jeunes?|bambins?|(?:petite?s?\s+)?frères?\s+et\s+sœurs?)\b",
    re.IGNORECASE,
)
_PEOPLE = re.compile(
    r"\b(?:femmes?|hommes?|dames?|messieurs|monsieur|personnes?|gens|équipes?|groupes?|portraits?|selfies?|visages?|"
    r"bénévoles?|habitante?s?|mamans?|mères?|pères?|papas?|parents?|grands-parents|familles?|couples?|participante?s?|"
    r"agente?s?|animat(?:eur|rice)s?|éducat(?:eur|rice)s?|stagiaires?|apprentie?s?|étudiante?s?|public|foule|"
    r"sourire|souriante?s?|joueu(?:r|se)s?|danseu(?:r|se)s?|musicien(?:ne)?s?)\b",
    re.IGNORECASE,
)
_DRAWN = re.compile(
    r"\b(?:dessin|illustr|peint|fresque|affiche|logo|schéma|plan\b|carte\b|infographi|pictogramm|croquis|aquarell|"
    r"gravure|collage|statue|sculptur|mascott|avatar|drawing|icône|pochoir|jouets?|figurines?|bande\s+dessinée)",
    re.IGNORECASE,
)
_HIDDEN = re.compile(r"\bde\s+dos\b|\bsilhouettes?\b|contre-jour|\bflou|visages?\s+cachés?|\bmains?\s+d", re.IGNORECASE)


def photos(subject: Subject) -> Iterator[Finding]:
    """Every picture of a post or edition."""
    for key, image in _images(subject.source):
        if not image.consent and (finding := _people(subject, key, image)):
            yield finding
        yield from _traces(subject, key, image)


def _images(source: object) -> Iterator[tuple[str, Image]]:
    if isinstance(source, Post | Edition) and source.image:
        yield "image", source.image
    if isinstance(source, Post):
        yield from ((f"images.{number}", image) for number, image in enumerate(source.images))
        yield from ((f"instagram.images.{number}", image) for number, image in enumerate(source.instagram.images))


def _people(subject: Subject, key: str, image: Image) -> Finding | None:
    name = re.sub(r"[-_.\d]+", " ", image.path.stem)
    shown = f"{image.alt} {name}"
    if _DRAWN.search(f"{shown} {image.credit}") or _HIDDEN.search(shown):
        return None
    rest = re.sub(_ADULT, "femme", shown, flags=re.IGNORECASE)
    minors = _MINORS.search(rest)
    if not (word := minors or _PEOPLE.search(rest)):
        return None
    message = _("this picture shows people (“{word}”) and nobody says that they agreed").format(word=word[0])
    hint = _("note the agreement: consent: …, or for a drawing: credit: Dessin …")
    finding = CONSENT.of(subject, _known(subject, f"{key}.alt"), message, hint)
    return finding if minors else replace(finding, severity=Severity.WARNING)


def _traces(subject: Subject, key: str, image: Image) -> Iterator[Finding]:
    try:
        found = traces(look(image.path, None))
    except ContentError:
        return  # said where pictures are checked
    hint = _("Windows: right click, Properties, Details, “Remove Properties and Personal Information”")
    if found.place:
        message = _("this file says where the photo was taken; it does not leave, but the file keeps it")
        yield LOCATION.of(subject, _known(subject, f"{key}.src"), message, hint)
    elif found.owner:
        message = _("this file says whose camera it was; it does not leave, but the file keeps it")
        yield LOCATION.of(subject, _known(subject, f"{key}.src"), message, hint)


def _known(subject: Subject, key: str) -> str:
    """The nearest key that has a line."""
    while key not in subject.lines and "." in key:
        key = key.rpartition(".")[0]
    return key
