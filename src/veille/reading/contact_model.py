"""The keys of partner files and of helplines.yaml, and the form of what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from itertools import pairwise
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, model_validator

from veille.errors import ContentError, Finding
from veille.i18n import gettext as _
from veille.partners import Confidence, Hours, Need
from veille.reading import Examined, examine
from veille.reading.fields import Day, Fields, Line, Needed, Several, Surroundings, Towns, WebAddress, choice
from veille.reading.frontmatter import Document
from veille.reading.wording import squeezed, trouble

_NEEDS = {
    "alimentation": Need.FOOD,
    "aide alimentaire": Need.FOOD,
    "hébergement": Need.SHELTER,
    "logement": Need.SHELTER,
    "école": Need.SCHOOL,
    "scolarité": Need.SCHOOL,
    "formation": Need.TRAINING,
    "emploi": Need.WORK,
    "travail": Need.WORK,
    "santé": Need.HEALTH,
    "droits": Need.RIGHTS,
    "loisirs": Need.LEISURE,
    "famille": Need.FAMILY,
    "sécurité": Need.SAFETY,
    "protection": Need.SAFETY,
}


def _phone(value: str) -> str:
    digits = re.sub(r"[\s.\u00a0\u202f-]", "", value)
    if not re.fullmatch(r"\+\d{8,15}|0\d{9}|[13]\d{1,5}|8\d{2}", digits):
        hint = _('write it as it is printed, for example "01 99 00 12 34"')
        raise trouble("phone", _("this is not a telephone number that can be dialled from France"), hint)
    return value


def _email(value: str) -> str:
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(value, check_deliverability=False).normalized
    except EmailNotValidError:
        raise trouble("email", _("this is not an e-mail address"), _("for example: contact@example.org")) from None


def _number(value: str) -> str:
    digits = re.sub(r"[\s.\u00a0\u202f-]", "", value)
    if not re.fullmatch(r"\d{2,10}", digits):
        raise trouble("phone", _("a help number holds only digits"), _('for example "39 19"'))
    return digits


def _language(value: str) -> str:
    code = {"lsf": "lsf", "langue des signes": "lsf"}.get(value.casefold()) or _codes().get(squeezed(value))
    if code is None:
        hint = _("write its code or its name in French: ar, arabe, pt, portugais, lsf…")
        raise trouble("language", _("this language is not known"), hint)
    return code


@cache
def _codes() -> dict[str, str]:
    """Code of a language by its code and by its French name, folded."""
    from babel import Locale

    names = {code: name for code, name in Locale("fr").languages.items() if re.fullmatch("[a-z]{2,3}", code)}
    return {squeezed(name): code for code, name in names.items()} | {code: code for code in names}


def _periods(values: Sequence[Hours]) -> tuple[Hours, ...]:
    """Periods in order; the last one has no end, so that hours never run out unseen.

    Raises:
        PydanticCustomError: none is open, or one begins before the one above it ends.
    """
    *closed, last = values
    if last.last is not None or any(period.last is None for period in closed):
        hint = _("the last entry, and only the last, has no until: those hours hold until somebody changes them")
        raise trouble("hours", _("one period must be open"), hint)
    for period, following in pairwise(values):
        if following.first is None or period.last is None or following.first <= period.last:
            hint = _("in order of time, each from: later than the until: above it")
            raise trouble("hours", _("these periods do not follow each other"), hint)
    return tuple(values)


def _worded(value: object) -> object:
    """Hours in words are hours of one period without end."""
    return [{"hours": value}] if isinstance(value, str) else value


def _a_period(value: PeriodFields) -> Hours:
    return Hours(value.hours, value.first, value.until)


class PeriodFields(Fields):
    """One entry of `hours:` of a help line whose hours change."""

    hours: Needed
    first: Day | None = Field(default=None, alias="from")
    until: Day | None = None

    @model_validator(mode="before")
    @classmethod
    def _in_french(cls, values: Any) -> Any:
        known = {"horaires": "hours", "du": "from", "depuis": "from", "au": "until", "jusquau": "until"}
        return {known.get(squeezed(key), key): v for key, v in values.items()} if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _forward(self) -> PeriodFields:
        _in_order(self.first, self.until, _("this period ends before it begins"))
        return self


def _in_order(first: date | None, last: date | None, message: str) -> None:
    if first and last and last < first:
        raise trouble("hours", message, _("check the day, month and year of both"))


Phone = Annotated[Needed, AfterValidator(_phone)]
Email = Annotated[Needed, AfterValidator(_email)]
Languages = Annotated[tuple[Annotated[Needed, AfterValidator(_language)], ...], *Several]
Period = Annotated[PeriodFields, AfterValidator(_a_period)]
Periods = Annotated[tuple[Period, ...], BeforeValidator(_worded), Field(min_length=1), AfterValidator(_periods)]
_SURE = {"sûre": Confidence.SURE, "sûr": Confidence.SURE, "incertaine": Confidence.UNCERTAIN}
_SURE |= {"incertain": Confidence.UNCERTAIN}
Needs = Annotated[tuple[Annotated[Need, choice(Need, _NEEDS)], ...], *Several]


class PartnerFields(Fields):
    """`content/partners/<id>.yaml`."""

    name: Needed
    needs: Annotated[Needs, Field(min_length=1)]
    towns: Towns = ()
    verified_on: Day
    description: Line = ""
    phone: Phone = ""
    sms: Phone = ""
    email: Email = ""
    url: WebAddress = ""
    address: Line = ""
    hours: Line = ""
    languages: Languages = ()
    accessible: StrictBool | None = None
    verified_by: Line = ""
    valid_until: Day | None = None


class HelpLineFields(Fields):
    """One entry of `helplines:` in `content/helplines.yaml`."""

    number: Annotated[Needed, AfterValidator(_number)]
    label: Line = ""
    name: Needed
    for_whom: Needed
    hours: Periods
    verified_on: Day
    source: Needed
    verified_by: Line = ""
    valid_from: Day | None = None
    valid_until: Day | None = None
    confidence: Annotated[Confidence, choice(Confidence, _SURE)] = Confidence.SURE
    free: StrictBool = True
    voice: StrictBool = True
    sms: StrictBool = False
    chat: WebAddress = ""
    emergency: StrictBool = False

    @model_validator(mode="before")
    @classmethod
    def _label_as_typed(cls, values: Any) -> Any:
        """What is printed is the number as it was written, unless a label says otherwise."""
        if isinstance(values, dict) and isinstance(values.get("number"), str) and not values.get("label"):
            return {**values, "label": values["number"]}
        return values

    @model_validator(mode="after")
    def _can_be_reached(self) -> HelpLineFields:
        """A line that takes no call must say how one reaches it, and exist for at least a day."""
        if not (self.voice or self.sms or self.chat):
            hint = _("add sms: true, or chat: with its address; a line that takes calls has no voice: false")
            raise trouble("reach", _("nobody can reach this line: no call, no text message, no chat"), hint)
        _in_order(self.valid_from, self.valid_until, _("this line ends before it begins"))
        return self


def help_line_records(
    document: Document, around: Surroundings
) -> Iterator[tuple[HelpLineFields | None, int, tuple[Finding, ...]]]:
    """Each record of the file: its fields (None when invalid), its line and what is wrong with it.

    Raises:
        ContentError: there is no list `helplines:`.
    """
    records = document.values.get("helplines")
    if not isinstance(records, list) or set(document.values) != {"helplines"}:
        hint = _("the file is one list: helplines:, then one record for each number, each starting with “- number:”")
        raise ContentError([Finding(document.file, 1, "helplines", _("there is no list of help lines"), hint)])
    for index, record in enumerate(records):
        part = _part(document, index, record)
        line = document.lines.get(f"helplines.{index}", 1)
        examined: Examined[HelpLineFields] = examine(part, HelpLineFields, around)
        yield examined.fields, line, tuple(_placed(f, index, line) for f in examined.findings)


def _part(document: Document, index: int, record: Any) -> Document:
    prefix = f"helplines.{index}."
    lines = {path.removeprefix(prefix): n for path, n in document.lines.items() if path.startswith(prefix)}
    return Document(document.file, record if isinstance(record, dict) else {}, lines)


def _placed(finding: Finding, index: int, line: int) -> Finding:
    field = f"helplines.{index + 1}.{finding.field}".rstrip(".")
    return Finding(finding.file, finding.line or line, field, finding.message, finding.hint, finding.code)
