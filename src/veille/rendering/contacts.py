"""Contacts as templates show them, made from the records of partners and help lines."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from veille.errors import ContentError, Finding
from veille.i18n import gettext as _
from veille.partners import HelpLine, Partner
from veille.posts import Post
from veille.rendering.rendered import Contact
from veille.typography import french

if TYPE_CHECKING:
    from veille.library import Library


def directory(library: Library, day: date | None = None) -> dict[str, Contact]:
    """Every contact by the reference that puts it in: "partner:ccas-bagneux", "helpline:3919".

    Those that may not be shown are among them: `checks.contacts` refuses what refers to one, in its own words.

    Args:
        day: on which readers see it, in the newsroom's zone; None: hours as they will stay.
    """
    partners = {value.reference: partner_contact(value) for value in library.partners.values()}
    lines = {value.reference: helpline_contact(value, day) for value in library.helplines.values()}
    return {**partners, **lines}


def partner_contact(partner: Partner) -> Contact:
    """A partner as templates show it; a number for text messages stands beside that for calls."""
    return Contact(
        name=french(partner.name),
        label=_unbroken(partner.phone or partner.sms),
        href=_link("tel", partner.phone) if partner.phone else _link("sms", partner.sms),
        detail=french(partner.description),
        hours=french(partner.hours),
        address=french(partner.address),
        email=partner.email,
        url=partner.url,
        sms=_unbroken(partner.sms) if partner.phone else "",
        languages=", ".join(language_name(code) for code in partner.languages),
        accessible=partner.accessible,
    )


def helpline_contact(line: HelpLine, day: date | None = None) -> Contact:
    """A national help number as templates show it on a day."""
    return Contact(
        name=french(line.name),
        label=_unbroken(line.label) if line.href else "",
        href=line.href,
        detail=french(line.for_whom),
        hours=french(line.hours_on(day) if day else line.hours),
        chat=line.chat,
        free=line.free,
        sms=_unbroken(line.label) if line.sms and line.voice else "",
    )


def help_table(library: Library, day: date | None = None) -> tuple[Contact, ...]:
    """The help lines of every letter and page: those of the emergency block, else all that can be relied on."""
    return tuple(helpline_contact(line, day) for line in emergency_lines(library, day))


def emergency_lines(library: Library, day: date | None = None) -> list[HelpLine]:
    """The records behind the emergency block: never one that is uncertain, or that does not answer on that day."""
    usable = [line for line in library.helplines.values() if line.sure and (day is None or line.answers_on(day))]
    return [line for line in usable if line.emergency] or usable


def of_day(library: Library, day: date) -> tuple[tuple[str, str, bool], ...]:
    """What the day changes about help lines: number, hours, whether it answers. () where no day differs.

    Two days with the same answer give the same letter and the same page.
    """
    changing = [line for line in library.helplines.values() if line.periods]
    return tuple((line.number, line.hours_on(day), line.answers_on(day)) for line in changing)


def language_name(code: str) -> str:
    """A language as it is called in French, the language of the records: "arabe"."""
    from babel import Locale

    return _("French Sign Language") if code == "lsf" else Locale("fr").languages.get(code, code)


def of_post(post: Post, library: Library, day: date | None = None) -> tuple[Contact, ...]:
    """The contacts that a post's front matter names, partners first.

    Args:
        day: as for `directory`.

    Raises:
        ContentError: one of them does not exist.
    """
    known = directory(library, day)
    named = [
        *(("partners", "partner", name) for name in post.partners),
        *(("helplines", "helpline", name.replace(" ", "")) for name in post.helplines),
    ]
    missing = [(field_, name) for field_, kind, name in named if f"{kind}:{name}" not in known]
    if missing:
        raise ContentError(
            Finding(
                post.file,
                post.lines.get(field_),
                field_,
                _("no such contact: {reference}").format(reference=name),
                _("see content/partners/ and content/helplines.yaml"),
                "unknown-contact",
            )
            for field_, name in missing
        )
    return tuple(known[f"{kind}:{name}"] for _field, kind, name in named)


def _unbroken(number: str) -> str:
    return number.replace(" ", "\u00a0")


def _link(scheme: str, number: str) -> str:
    return f"{scheme}:{re.sub(r'[^0-9+]', '', number)}" if number else ""
