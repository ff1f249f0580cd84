"""From the cells of one line to one reader: the columns we know, by the names that people give them.

We keep an address, a language, chosen towns and audience, and the consent; no name, no date of birth, no situation
(RGPD article 5.1.c, minimisation). Of the age only the answer to "15 or over?" is kept, which French law asks for
(loi n° 78-17, article 45; CNIL, recommandation 4 of 9 June 2021).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from slugify import slugify

from veille.errors import ContentError, Finding
from veille.i18n import gettext as _
from veille.posts import Audience
from veille.subscribers.addresses import bare, normalise

CHOICES = ("language", "towns", "audience", "text_only")
PROOF = ("consent", "consent_date", "consent_text", "age", "parental_consent")
COLUMNS = ("email", *CHOICES, *PROOF)
REPORT = ("line", "reason")  # columns of our own report of refused lines, when it comes back mended
UNDER_15, FROM_15 = "under-15", "15-or-over"

_LONGEST = 200  # characters of a free text: a word about the consent, not a file about a person
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NAMES = {  # slugs of headers -> our column
    "email": "email e-mail mail mel courriel adresse-email adresse-e-mail adresse-mail adresse-mel adresse-courriel "
    "adresse-electronique adresse-de-messagerie email-address e-mail-address mail-address e-mail-1-value",
    "language": "language langue lang langue-de-lecture preferred-language",
    "towns": "towns town ville villes commune communes city",
    "audience": "audience public publics",
    "text_only": "text-only texte-seul texte-brut texte-seulement sans-html plain-text",
    "consent": "consent consentement consent-how mode-de-consentement consenti-par consentement-par",
    "consent_date": "consent-date consent-at date-de-consentement date-consentement date-du-consentement consenti-le",
    "consent_text": "consent-text texte-de-consentement texte-du-consentement version-du-texte",
    "age": "age tranche-d-age 15-ans-ou-plus j-ai-15-ans-ou-plus 15-ans-et-plus plus-de-15-ans 15-or-over 15-or-older",
    "under": "moins-de-15-ans j-ai-moins-de-15-ans under-15",
    "parental_consent": "parental-consent accord-parental accord-des-parents autorisation-parentale "
    "consentement-parental consentement-des-parents",
    "line": "line",
    "reason": "reason",
}
_KNOWN = {slug: column for column, slugs in _NAMES.items() for slug in slugs.split()}
_BIRTH = re.compile(
    r"(^|-)(naissances?|birth|birthday|birthdate|dob|nee?-le|date-naiss|datenaiss)(-|$)|naissance|birth"
)
_YES, _NO = ("1", "true", "yes", "oui", "o", "y", "vrai", "x"), ("0", "false", "no", "non", "n", "faux")
_AUDIENCES = {"jeune": "young", "jeunes": "young", "famille": "families", "familles": "families"}
_AUDIENCES |= {"professionnel": "professionals", "professionnels": "professionals", "pro": "professionals"}
_BANDS = {"under-15": UNDER_15, "moins-de-15-ans": UNDER_15, "moins-de-15": UNDER_15, "15-or-over": FROM_15}
_BANDS |= {"15-ans-ou-plus": FROM_15, "15-ans-et-plus": FROM_15, "15-or-older": FROM_15, "plus-de-15-ans": FROM_15}
_MOMENTS = ("%d/%m/%Y", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d.%m.%Y", "%d-%m-%Y")


@dataclass(frozen=True, slots=True)
class Row:
    """One reader as a line of a file, or a command, asks for them; valid."""

    email: str = field(repr=False)
    language: str = "fr"
    towns: str = ""
    audience: str = ""
    text_only: bool = False
    consent: str = ""  # how the person agreed; "" = as the import says
    consent_at: datetime | None = None
    consent_text: str = ""  # which version of the words they agreed to
    age: str = ""
    parental_consent: str = ""


@dataclass(frozen=True)
class Rules:
    """What lines are read against.

    Args:
        towns: known towns, slug to name.
        now: a consent of the future is refused.
        zone: of dates without one.
        joint_consent: `[newsletter] minors = "parental_joint_consent"`.
    """

    towns: Mapping[str, str]
    now: datetime
    zone: tzinfo = UTC
    joint_consent: bool = False


@dataclass(frozen=True)
class Header:
    """Which cell of a line is what.

    Args:
        at: our column -> position.
        dropped: headers of columns that are not kept.
    """

    at: Mapping[str, int]
    dropped: tuple[str, ...]


def read_header(names: Sequence[str], file: str, line: int) -> Header:
    """Find our columns in the first line.

    Raises:
        ContentError: there is no address, a column stands twice, or one holds dates of birth.
    """
    at: dict[str, int] = {}
    dropped = []
    for position, name in enumerate(names):
        slug = slugify(name)
        column = _KNOWN.get(slug)
        if _BIRTH.search(slug):
            raise _unfit(file, line, *_words_birth(name), "csv-birth")
        if column in at:
            twice = _("two columns hold the same: {name}").format(name=_shown(name))
            raise _unfit(file, line, twice, _("keep one of them"), "csv-header")
        if column:
            at[column] = position
        elif name.strip():
            dropped.append(_shown(name))
    if "email" not in at:
        known = _("the first line names the columns: {columns}").format(columns=",".join(COLUMNS))
        raise _unfit(file, line, _("no column is called email"), known, "csv-header")
    return Header(at, tuple(dropped))


def _words_birth(name: str) -> tuple[str, str]:
    return (
        _("the column {name} holds dates of birth").format(name=_shown(name)),
        _('take it out of the file: we keep only the answer to "15 or over?", in a column called age'),
    )


def _shown(name: str) -> str:
    """A header in a message: short, and never an address (a file without a header begins with one)."""
    return "…" if "@" in name else " ".join(name.split())[:40]


def _unfit(file: str, line: int | None, message: str, hint: str, code: str) -> ContentError:
    return ContentError([Finding(file, line, None, message, hint, code)])


class Reader:
    """Makes rows of cells. Towns and the like repeat a million times: what they mean is worked out once."""

    def __init__(self, header: Header, rules: Rules) -> None:
        self._at = tuple(header.at.items())
        self._others = tuple(i for column, i in header.at.items() if column not in ("email", *REPORT))
        self._rules = rules
        self._choices: dict[tuple[str, ...], tuple[str, str, str, bool]] = {}

    def row(self, cells: Sequence[str]) -> Row:
        """The reader of one line.

        Raises:
            ValueError: why this line is refused; its words never hold an address.
        """
        if any("@" in cells[i] for i in self._others if i < len(cells)):  # and no message repeats whose address
            raise ValueError(_("an address stands in the wrong column"))
        value = {column: armed(cells[i].strip()) for column, i in self._at if i < len(cells)}
        language, towns, audience, text_only = self._chosen(value)
        age, parental = self._minor(value)
        return Row(
            normalise(bare(value.get("email", ""))),
            language,
            towns,
            audience,
            text_only,
            _short(value, "consent"),
            self._moment(value.get("consent_date", "")),
            _short(value, "consent_text"),
            age,
            parental,
        )

    def _chosen(self, value: Mapping[str, str]) -> tuple[str, str, str, bool]:
        key = tuple(value.get(column, "") for column in CHOICES)
        if key not in self._choices:
            if len(self._choices) > 10_000:  # a file of nonsense fills no memory
                self._choices.clear()
            language, towns, audience, text_only = key
            self._choices[key] = (
                language_code(language or "fr"),
                ",".join(_towns(towns, self._rules.towns)),
                _audience(audience),
                _yes_no(text_only, _("text_only is true or false")),
            )
        return self._choices[key]

    def _minor(self, value: Mapping[str, str]) -> tuple[str, str]:
        age = _age(value.get("age", ""), value.get("under", ""))
        parental = _short(value, "parental_consent")
        if parental.lower() in _NO:
            parental = ""
        check_minor(age, parental, joint_consent=self._rules.joint_consent)
        return age, parental

    def _moment(self, typed: str) -> datetime | None:
        if not typed:
            return None
        moment = _date(typed)
        if moment is None:
            raise ValueError(_("write the date of consent as 2026-11-20 or 20/11/2026"))
        aware = moment if moment.tzinfo else moment.replace(tzinfo=self._rules.zone)
        if not datetime(2000, 1, 1, tzinfo=UTC) <= aware <= self._rules.now:
            raise ValueError(_("the date of consent is in the future, or before the year 2000"))
        return aware.astimezone(UTC)


def check_minor(age: str, parental_consent: str, *, joint_consent: bool) -> None:
    """Under 15, child and parent agree together, unless the service is one of prevention (RGPD recital 38).

    Raises:
        ValueError: the parent's consent is missing, and `[newsletter] minors` asks for it.
    """
    if joint_consent and age == UNDER_15 and not parental_consent:
        raise ValueError(_("under 15, and how a parent agreed is not said (column parental_consent)"))


def language_code(typed: str) -> str:
    """A language as `fr` or `pt-br`.

    Raises:
        ValueError: any other form.
    """
    language = typed.strip().lower()
    if not re.fullmatch("[a-z]{2,3}(-[a-z0-9]{2,8})*", language):
        raise ValueError(_('language is a code like "fr"'))
    return language


def _towns(typed: str, towns: Mapping[str, str]) -> list[str]:
    """Slugs, each once; a person may write the names."""
    chosen = dict.fromkeys(slugify(town) for town in re.split("[,;|\n]", typed) if town.strip())
    if unknown := [town for town in chosen if town not in towns]:
        raise ValueError(
            _("unknown town {town}; there are {known}").format(town=unknown[0][:40], known=", ".join(towns) or "-")
        )
    return list(chosen)


def _audience(typed: str) -> str:
    word = typed.lower()
    audience = _AUDIENCES.get(word, word)
    if audience and audience not in set(Audience):
        raise ValueError(
            _("unknown audience {audience}; there are {known}").format(audience=word[:40], known=", ".join(Audience))
        )
    return audience


def _yes_no(typed: str, otherwise: str) -> bool:
    word = typed.lower()
    if word and word not in _YES + _NO:
        raise ValueError(otherwise)
    return word in _YES


def _age(band: str, under: str) -> str:
    """The answer to "15 or over?". A number is answered for, and not kept."""
    words = _("age is yes (15 or over), no, under-15 or 15-or-over")
    if under:
        return UNDER_15 if _yes_no(under, words) else FROM_15
    if not band:
        return ""
    if band.isdecimal() and len(band) < 4 and 1 < int(band) < 120:
        return UNDER_15 if int(band) < 15 else FROM_15
    known = _BANDS.get(slugify(band))
    return known or (FROM_15 if _yes_no(band, words) else UNDER_15)


def _date(typed: str) -> datetime | None:
    for form in ("", *_MOMENTS):
        try:
            # The zone of a date without one is the workspace's: the caller puts it in.
            return datetime.strptime(typed, form) if form else datetime.fromisoformat(typed)  # noqa: DTZ007
        except ValueError:
            continue
    return None


def _short(value: Mapping[str, str], column: str) -> str:
    text = " ".join(value.get(column, "").split())
    if len(text) > _LONGEST:
        raise ValueError(_("{column} is longer than 200 characters").format(column=column))
    return text


def defused(value: str) -> str:
    """A cell that a spreadsheet does not run as a formula (OWASP, CSV injection). For every CSV that we write."""
    return f"'{value}" if value.startswith(_FORMULA) else value


def armed(value: str) -> str:
    """The cell as it was before `defused`: an export comes back as it went."""
    return value[1:] if value.startswith("'") and value[1:].startswith(_FORMULA) else value
