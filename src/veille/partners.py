"""Contacts as data: partners and national help lines. Posts refer to them and never retype a number."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from veille.errors import ContentError, Finding
from veille.i18n import gettext as _

if TYPE_CHECKING:
    from veille.config import Config


class Need(StrEnum):
    """What somebody looks for when they look for a partner."""

    FOOD = "food"
    SHELTER = "shelter"
    SCHOOL = "school"
    TRAINING = "training"
    WORK = "work"
    HEALTH = "health"
    RIGHTS = "rights"
    LEISURE = "leisure"
    FAMILY = "family"
    SAFETY = "safety"


@dataclass(frozen=True)
class Partner:
    """One partner organisation: `content/partners/<id>.yaml`."""

    id: str
    file: str
    name: str
    needs: tuple[Need, ...]
    towns: tuple[str, ...]  # slugs; empty: all
    verified_on: date
    description: str = ""  # one sentence
    phone: str = ""  # as printed, French spacing: "01 99 00 12 34"
    sms: str = ""
    email: str = ""
    url: str = ""
    address: str = ""
    hours: str = ""  # in words


@dataclass(frozen=True)
class HelpLine:
    """One national help number: an entry of `content/helplines.yaml`."""

    number: str  # canonical digits without spaces: "3919"
    label: str  # as printed: "39 19"
    name: str
    for_whom: str  # one short sentence
    hours: str  # in words: "24 h/24, 7 j/7"
    verified_on: date
    source: str  # where the record was checked
    free: bool = True
    voice: bool = True  # False: cannot be called by voice (114)
    sms: bool = False
    chat: str = ""  # URL of a chat
    emergency: bool = False  # in the emergency block of every letter and page
    line: int = 0  # in helplines.yaml

    @property
    def href(self) -> str:
        """`tel:` link, or `sms:` where the line cannot be called."""
        return f"tel:{self.number}" if self.voice else f"sms:{self.number}"


def read_partner(path: Path, config: Config) -> Partner:
    """Read `content/partners/<id>.yaml`.

    Args:
        path: absolute; its name without suffix is the partner's id.

    Raises:
        ContentError: every finding of this file at once.
    """
    # Imported here because most commands read no contact (start-up, design section 7).
    from veille import frontmatter
    from veille.contact_model import PartnerFields
    from veille.reading import examine, file_name, surroundings_of

    file = file_name(path, config.root)
    document = frontmatter.parse_yaml(frontmatter.read_text(path, file), file)
    examined = examine(document, PartnerFields, surroundings_of(path, config))
    if examined.fields is None or examined.findings:
        raise ContentError(examined.findings)
    return Partner(id=unicodedata.normalize("NFC", path.stem), file=file, **dict(examined.fields))


def read_helplines(path: Path, config: Config) -> tuple[tuple[HelpLine, ...], tuple[Finding, ...]]:
    """Read `content/helplines.yaml`: one broken record does not hide the others.

    Returns:
        the valid help lines, in order, and every finding.

    Raises:
        ContentError: the file cannot be read at all.
    """
    from veille import frontmatter
    from veille.contact_model import help_line_records
    from veille.reading import file_name, in_order, surroundings_of

    file = file_name(path, config.root)
    document = frontmatter.parse_yaml(frontmatter.read_text(path, file), file)
    lines: dict[str, HelpLine] = {}
    found: list[Finding] = list(document.findings)
    for fields, line, findings in help_line_records(document, surroundings_of(path, config)):
        found += findings
        if fields is None:
            continue
        if fields.number in lines:
            message = _("{number} is here twice").format(number=fields.number)
            found.append(Finding(file, line, "number", message, _("keep one of the two"), "duplicate-number"))
            continue
        lines[fields.number] = HelpLine(**dict(fields), line=line)
    return tuple(lines.values()), tuple(in_order(found))
