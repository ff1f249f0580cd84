"""The keys of partner files and of helplines.yaml, and the form of what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictBool, model_validator

from veille.errors import ContentError, Finding
from veille.i18n import gettext as _
from veille.partners import Need
from veille.reading import Examined, examine
from veille.reading.fields import Day, Fields, Line, Needed, Several, Surroundings, Towns, WebAddress, choice
from veille.reading.frontmatter import Document
from veille.reading.wording import trouble

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


Phone = Annotated[Needed, AfterValidator(_phone)]
Email = Annotated[Needed, AfterValidator(_email)]
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


class HelpLineFields(Fields):
    """One entry of `helplines:` in `content/helplines.yaml`."""

    number: Annotated[Needed, AfterValidator(_number)]
    label: Line = ""
    name: Needed
    for_whom: Needed
    hours: Needed
    verified_on: Day
    source: Needed
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
    field = f"helplines.{index + 1}.{finding.field}"
    return Finding(finding.file, finding.line or line, field, finding.message, finding.hint, finding.code)
