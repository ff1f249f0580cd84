"""The directory of partners and help lines, made ready from the records that readers may be shown on a day."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from veille.folding import fold
from veille.i18n import gettext as _
from veille.partners import HelpLine, Hours, Partner
from veille.rendering import contacts
from veille.rendering.rendered import Entry, RenderedDirectory
from veille.timetable import day_in_words

if TYPE_CHECKING:
    from veille.config import Config
    from veille.library import Library

SOURCE = "contacts"
OCCURRENCE = "directory"  # a post may be called "contacts" too
PATH = "contacts/"


def render_directory(
    library: Library, config: Config, *, day: date, kept: Iterable[Entry] = (), without: frozenset[str] = frozenset()
) -> RenderedDirectory:
    """Make the directory ready for every template.

    Args:
        day: on which readers see it; records that do not hold on it are left out, and uncertain lines always.
        kept: partners as readers see them now, of records that cannot be used at this moment.
        without: ids of those records.
    """
    language = config.settings.workspace.language
    usable = [p for p in library.partners.values() if p.id not in without and Hours("", None, p.valid_until).hold(day)]
    partners = sorted([*(_partner(p, language, config.towns) for p in usable), *kept], key=_by_name)
    sure = [line for line in library.helplines.values() if line.sure and line.answers_on(day)]
    first = {line.number for line in contacts.emergency_lines(library, day)}
    lines = [_line(line, day, language, emergency=line.number in first) for line in sure]
    updated = max((entry.verified_on for entry in (*partners, *lines)), default="")
    return RenderedDirectory(
        source=SOURCE,
        slug=SOURCE,
        title=_("Who to call?"),
        lang=language,
        url=f"{config.settings.workspace.base_url}/{PATH}",
        partners=tuple(partners),
        lines=tuple(sorted(lines, key=lambda entry: not entry.emergency)),
        helplines=contacts.help_table(library, day),
        updated=updated,
        updated_words=day_in_words(date.fromisoformat(updated), language) if updated else "",
    )


def _by_name(entry: Entry) -> tuple[str, str]:
    return fold(entry.contact.name), entry.id


def _partner(partner: Partner, language: str, towns: dict[str, str]) -> Entry:
    return Entry(
        id=partner.reference,
        contact=contacts.partner_contact(partner),
        phone=_digits(partner.phone),
        sms=_digits(partner.sms),
        needs=tuple(need.value for need in partner.needs),
        towns=partner.towns,
        town_names=tuple(towns.get(slug, slug) for slug in partner.towns),
        languages=partner.languages,
        verified_on=partner.verified_on.isoformat(),
        verified_words=day_in_words(partner.verified_on, language),
        until=partner.valid_until.isoformat() if partner.valid_until else "",
    )


def _line(line: HelpLine, day: date, language: str, *, emergency: bool) -> Entry:
    return Entry(
        id=line.reference,
        contact=contacts.helpline_contact(line, day),
        phone=line.number if line.voice else "",
        sms=line.number if line.sms else "",
        emergency=emergency,
        verified_on=line.verified_on.isoformat(),
        verified_words=day_in_words(line.verified_on, language),
        until=line.valid_until.isoformat() if line.valid_until else "",
    )


def _digits(number: str) -> str:
    return re.sub(r"[^0-9+]", "", number)
