"""Files of `content/partners/`, and `content/helplines.yaml`, as partners and help lines."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from veille.config import Config
from veille.errors import ContentError, Finding
from veille.i18n import gettext as _
from veille.partners import Confidence, HelpLine, Partner
from veille.reading import examine, file_name, frontmatter, in_order, surroundings_of
from veille.reading.contact_model import HelpLineFields, PartnerFields, help_line_records


def read_partner(path: Path, config: Config, *, text: str | None = None) -> Partner:
    """Read `content/partners/<id>.yaml`.

    Args:
        path: absolute; its name without suffix is the partner's id.
        text: in the place of what the file holds.

    Raises:
        ContentError: every finding of this file at once.
    """
    file = file_name(path, config.root)
    document = frontmatter.parse_yaml(frontmatter.read_text(path, file) if text is None else text, file)
    examined = examine(document, PartnerFields, surroundings_of(path, config))
    if examined.fields is None or examined.findings:
        raise ContentError(examined.findings)
    identity = unicodedata.normalize("NFC", path.stem)
    return Partner(id=identity, file=file, lines=examined.lines, **dict(examined.fields))


def read_helplines(
    path: Path, config: Config, *, text: str | None = None
) -> tuple[tuple[HelpLine, ...], tuple[Finding, ...]]:
    """Read `content/helplines.yaml`: one broken record does not hide the others.

    Args:
        text: in the place of what the file holds.

    Returns:
        the valid help lines, in order, and every finding.

    Raises:
        ContentError: the file cannot be read at all.
    """
    file = file_name(path, config.root)
    document = frontmatter.parse_yaml(frontmatter.read_text(path, file) if text is None else text, file)
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
        lines[fields.number] = _help_line(fields, line)
    return tuple(lines.values()), tuple(in_order(found))


def _help_line(fields: HelpLineFields, line: int) -> HelpLine:
    values = dict(fields)
    *others, lasting = values.pop("hours")
    sure = values.pop("confidence") is Confidence.SURE
    return HelpLine(
        **values, line=line, sure=sure, hours=lasting.words, hours_from=lasting.first, other_hours=tuple(others)
    )
