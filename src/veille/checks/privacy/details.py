"""Details that belong to one person: a mobile, an address, numbers of files, accounts and cars."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache

from veille.checks.lists import lines
from veille.checks.privacy.names import Named, first_names, functions
from veille.checks.rules import Rule, mark
from veille.checks.subjects import Subject, Text
from veille.errors import Finding, Severity
from veille.folding import fold
from veille.i18n import gettext as _

_SOURCE = "RGPD art. 5.1.c (minimisation)"
_LINK = "https://www.cnil.fr/fr/reglement-europeen-protection-donnees/chapitre2"

MOBILE = Rule(
    "personal-mobile",
    mark("Somebody's own mobile number"),
    mark("It is copied by machines within hours, and rings at night for years after the person has left the post."),
    mark(
        "Write the number of the service, or {{ partner: … }}. If it is a telephone of the service, say so in the "
        "text (“téléphone de la permanence”), or allow: {personal-mobile: …}"
    ),
    "Appelle Karim au 06 39 98 12 34.",
    "Appelle la permanence : {{ partner: fabrique-a-projets }}",
    source=_SOURCE,
    link=_LINK,
)
MAIL = Rule(
    "personal-mail",
    mark("Somebody's own mail address"),
    mark("It shows a person's name to everybody, is filled with spam, and nobody reads it when the person is away."),
    mark("Write the address of the service: contact@…, jeunesse@…"),
    "Écris à camille.exemple@gmail.com.",
    "Écris à jeunesse@example.org.",
    source=_SOURCE,
    link=_LINK,
)
HOME = Rule(
    "home-address",
    mark("Somebody's home address"),
    mark("Whoever wants to find this person has only to ring."),
    mark("Write a place that is open to everybody, or “l’adresse est donnée à l’inscription”."),
    "Rendez-vous chez Mme Martin, 12 rue de l’Exemple.",
    "Rendez-vous à la Maison des parents.",
    source=_SOURCE,
    link=_LINK,
)
IDENTITY = Rule(
    "identity-number",
    mark("A social security number"),
    mark("It tells sex, month and place of birth, and is enough to pretend to be somebody."),
    mark("Delete it. A form that asks for it belongs on the administration's own site."),
    excusable=False,
    source="Loi n° 78-17 art. 30 ; décret n° 2019-341",
    link=_LINK,
)
CASE = Rule(
    "case-number",
    mark("The number of somebody's file"),
    mark("Those who work with the file know at once who is meant; others can ask for it in the person's name."),
    mark("Delete it."),
    "Son dossier n° 12345 attend depuis mai.",
    "Son dossier attend depuis mai.",
    source=_SOURCE,
    link=_LINK,
)
ACCOUNT = Rule(
    "bank-account",
    mark("A bank account"),
    mark("An account of a person is private; one of an association is changed by fraudsters in copied posts."),
    mark("Link to the page of the association where gifts are taken, or allow: {bank-account: …}"),
    severity=Severity.WARNING,
    source=_SOURCE,
    link=_LINK,
)
PLATE = Rule(
    "number-plate",
    mark("A number plate"),
    mark("It leads to the owner of the car."),
    mark("Delete it; “la voiture” is enough."),
    "La voiture AB-123-CD",
    "La voiture",
    severity=Severity.WARNING,
    source=_SOURCE,
    link=_LINK,
)
RULES = (MOBILE, MAIL, HOME, IDENTITY, CASE, ACCOUNT, PLATE)

_MOBILE = re.compile(r"(?<![\d+])(?:\+33\s?(?:\(0\)\s?)?|0033\s?|0)[67](?:[\s.-]*\d{2}){4}(?!\d)")
_FIGURES = re.compile(r"\d[\d\s/.-]*\d")  # everything below but mail addresses has two of them
_SERVICE = re.compile(
    r"\b(?:service|permanence|accueil|astreinte|standard|secrétariat|professionnel|équipe|association|bureau|mairie|"
    r"maison|local|atelier)",
    re.IGNORECASE,
)
_WITHIN = (45, 25)  # characters before and after a number in which its owner stands
_MAIL = re.compile(r"(?<![\w.+-])([\w.+-]+)@([\w-]+(?:\.[\w-]+)+)")
_STREET = (
    r"\d{1,4}\s*(?:bis|ter|quater)?\s*,?\s*(?:rue|avenue|av\.|boulevard|bd|allée|place|impasse|quai|square|"
    r"chemin|route|passage|cours|villa|résidence)\b"
)
_NUMBERED = re.compile(_STREET)
_CHEZ = re.compile(r"\bchez\s+(?:elle|lui|eux|[^,.;:!?()]{2,40})\s*[,(]?\s*(?:au\s+)?" + _STREET)
_LIVES = re.compile(
    r"\b(?:(?:elle|il|famille|jeune|victime|mère|maman|père|papa)\s+)?"
    r"(?:habite(?:nt)?|domiciliée?s?|vit|vivent|loge(?:nt)?|domicile)\s*(?:à\s+\S+\s*,?\s*)?"
    r"(?:(?:au\s+\w+\s+étage\s+d)?(?:au|à|u|:)\s*)?(?:l[’']adresse\s*:?\s*)?" + _STREET,
    re.IGNORECASE,
)
_SOMEBODYS = tuple(
    "chez elle|chez lui|chez eux|elle |il |famille |jeune |victime |mère |maman |père |papa ".split("|")  # noqa: SIM905
)
_INSURED = re.compile(
    r"(?<![\d.,])[1278]\s?\d{2}\s?(?:0[1-9]|1[0-2]|[2-9]\d)\s?(?:\d{2}|2[AB])\s?\d{3}\s?\d{3}(?:\s?(?P<key>\d{2}))?(?![\d])"
)
_INSURANCE = re.compile(r"sécurité\s+sociale|\bNIR\b|\bsécu\b|vitale|assuré", re.IGNORECASE)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[\s.-]?[A-Z0-9]{4}){3,7}(?:[\s.-]?[A-Z0-9]{1,3})?\b")
_PLATE = re.compile(r"(?<![\w-])[A-HJ-NP-TV-Z]{2}-\d{3}-[A-HJ-NP-TV-Z]{2}(?![\w-])")
_CASE = re.compile(
    r"\b(?:(?:dossier|affaire|usager|bénéficiaire|étranger|parquet)s?\s*(?:CAF|MDPH|ASE|RSA|RG)?\s*(?:n\s?°|nº|no\.?|numéro)"
    r"|(?:allocataire|matricule|AGDREF)\s*(?:n\s?°|nº|no\.?|numéro|:))\s*:?\s*(?P<number>[A-Z0-9][\w/.-]*)",
    re.IGNORECASE,
)
# Files of people only; a town hall numbers its own notices too.
_OF_PEOPLE = re.compile(
    r"usager|bénéficiaire|étranger|allocataire|matricule|agdref|parquet|\b(?:CAF|MDPH|ASE|RSA)\b", re.IGNORECASE
)
_SOMEBODY = re.compile(
    r"\b(?:son|sa|ses|leurs?|ton|ta|tes|mon|ma|mes|votre|vos|elle|lui|ils?|jeunes?|mineure?s?|élèves?|enfants?|mère|père|"
    r"maman|papa|parents?|familles?|filles?|garçons?|demandeu(?:r|se)s?|monsieur|madame|mme|victimes?)\b|\d\s?ans\b",
    re.IGNORECASE,
)
_BESIDE = 60  # characters around the number of a file in which its owner stands


def details(text: Text, found: list[Named]) -> Iterator[Finding]:
    """What stands in one piece of text. No excerpt: what a finding holds goes into logs."""
    for search in _SEARCHES if _FIGURES.search(text.content) or "@" in text.content else ():
        for finding in search(text, found):
            yield replace(finding, excerpt="")


def _mobiles(text: Text, found: list[Named]) -> Iterator[Finding]:
    before, after = _WITHIN
    for match in _MOBILE.finditer(text.content) if found else ():
        near = [p for p in found if match.start() - before <= p.end <= match.start()]
        near += [p for p in found if match.end() <= p.start <= match.end() + after]
        around = text.content[max(0, match.start() - before) : match.start()]
        if near and not _SERVICE.search(around):
            message = _("a mobile number stands beside somebody's name")
            hint = _("write the number of the service, or allow: {{personal-mobile: …}}").format()
            finding = MOBILE.at(text, match.start(), match.end(), message, hint)
            at_work = functions().search(around)  # "Camille Exemple, référente jeunesse": perhaps the town's telephone
            yield replace(finding, severity=Severity.WARNING) if at_work else finding


def _mails(text: Text, _found: list[Named]) -> Iterator[Finding]:
    for match in _MAIL.finditer(text.content) if "@" in text.content else ():
        if severity := _own(match[1], match[2]):
            yield replace(MAIL.at(text, match.start(), match.end(), *_mail_words()), severity=severity)


def mail_links(subject: Subject) -> Iterator[Finding]:
    """The same for links whose words do not show the address."""
    for link in subject.links:
        match = _MAIL.match(link.href.removeprefix("mailto:")) if link.href.startswith("mailto:") else None
        if match and "@" not in link.words and (severity := _own(match[1], match[2])):
            message, hint = _mail_words()
            yield Finding(
                link.file, link.line, link.field, message, hint, MAIL.code, severity, link.column, "", MAIL.link
            )


def _mail_words() -> tuple[str, str]:
    return _("this is the mail address of one person"), _("write the address of the service")


def _own(local: str, host: str) -> Severity | None:
    """An address of a person: error where it is private, warning where it is that of an agent."""
    parts = [part for part in re.split(r"[._-]", local.split("+")[0].lower()) if part]
    names = [part for part in parts if re.sub(r"\d+$", "", part) in _plain_names()]
    if host.lower() in _freemail():
        return Severity.ERROR if names else None
    both = len(parts) == 2 and (parts[0] in _plain_names() or parts == ["prenom", "nom"])
    return Severity.WARNING if both and "." in local else None


def _homes(text: Text, found: list[Named]) -> Iterator[Finding]:
    if not _NUMBERED.search(text.content):
        return
    for match in (*_CHEZ.finditer(text.content), *_LIVES.finditer(text.content)):
        who = [p for p in found if match.start() - 60 <= p.start < match.end()]
        if who or " chez elle" in match[0] or match[0].lower().startswith(_SOMEBODYS):
            message = _("this is where somebody lives")
            finding = HOME.at(text, match.start(), match.end(), message, _("write a place that is open to everybody"))
            sure = not match[0].startswith("chez") or any(p.title or p.initial for p in who)
            yield finding if sure else replace(finding, severity=Severity.WARNING)


def _insured(text: Text, _found: list[Named]) -> Iterator[Finding]:
    for match in _INSURED.finditer(text.content):
        around = text.content if not match["key"] else text.content[max(0, match.start() - 40) : match.start()]
        if _is_insured(match) or _INSURANCE.search(around):  # where it is called so, a wrong key is a slip of the pen
            message = _("this is a social security number")
            yield IDENTITY.at(text, match.start(), match.end(), message, _("delete it"))


def _is_insured(match: re.Match[str]) -> bool:
    """Its key is right: 97 minus the rest of the 13 signs by 97 (INSEE; 2A counts as 19, 2B as 18)."""
    if not match["key"]:
        return False
    figures = re.sub(r"\s", "", match[0])[:-2].replace("2A", "19").replace("2B", "18")
    return 97 - int(figures) % 97 == int(match["key"])


def _accounts(text: Text, _found: list[Named]) -> Iterator[Finding]:
    for match in _IBAN.finditer(text.content):
        if _is_iban(re.sub(r"[\s.-]", "", match[0])):
            hint = _("link to the page where gifts are taken, or allow: {{bank-account: …}}").format()
            yield ACCOUNT.at(text, match.start(), match.end(), _("this is a bank account"), hint)


def _is_iban(value: str) -> bool:
    """ISO 13616: the first four signs moved to the end, letters as 10 to 35, leave 1 by 97."""
    return int("".join(str(int(sign, 36)) for sign in value[4:] + value[:4])) % 97 == 1


def _plates(text: Text, _found: list[Named]) -> Iterator[Finding]:
    for match in _PLATE.finditer(text.content):
        yield PLATE.at(text, match.start(), match.end(), _("this is a number plate"), _("delete it"))


def _cases(text: Text, found: list[Named]) -> Iterator[Finding]:
    for match in _CASE.finditer(text.content):
        figures = sum(sign.isdigit() for sign in match["number"])
        if figures < 4 or re.fullmatch(r"20\d\d(?:[-/.]\d{1,3})?\W*", match["number"]):
            continue
        if _has_owner(text, match, found):
            message = _("this is the number of somebody's file")
            yield CASE.at(text, match.start(), match.end(), message, _("delete it"))
        else:
            message = _("this is the number of a file: is it somebody's?")
            hint = _("delete it if it is; if it is a reference of the town hall itself, allow: {{case-number: …}}")
            finding = CASE.at(text, match.start(), match.end(), message, hint.format())
            yield replace(finding, severity=Severity.WARNING)


def _has_owner(text: Text, match: re.Match[str], found: list[Named]) -> bool:
    first, last = max(0, match.start() - _BESIDE), match.end() + _BESIDE
    if _OF_PEOPLE.search(match[0]) or any(first <= person.start < last for person in found):
        return True
    return _SOMEBODY.search(text.content, first, last) is not None


_SEARCHES: tuple[Callable[[Text, list[Named]], Iterable[Finding]], ...] = (
    *(_mobiles, _mails, _homes, _insured, _accounts, _plates, _cases),
)


@cache
def _freemail() -> frozenset[str]:
    return frozenset(host for line in lines("freemail.txt") for host in line.split())


@cache
def _plain_names() -> frozenset[str]:
    """First names as they stand in addresses."""
    return frozenset(map(fold, first_names()))
