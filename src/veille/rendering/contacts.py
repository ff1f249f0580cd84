"""Contacts as templates show them, made from the records of partners and help lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from veille.errors import ContentError, Finding
from veille.i18n import gettext as _
from veille.partners import HelpLine, Partner
from veille.posts import Post
from veille.rendering.rendered import Contact
from veille.typography import french

if TYPE_CHECKING:
    from veille.library import Library


def directory(library: Library) -> dict[str, Contact]:
    """Every contact by the reference that puts it in: "partner:ccas-bagneux", "helpline:3919"."""
    partners = {f"partner:{key}": partner_contact(value) for key, value in library.partners.items()}
    lines = {f"helpline:{key}": helpline_contact(value) for key, value in library.helplines.items()}
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
    )


def helpline_contact(line: HelpLine) -> Contact:
    """A national help number as templates show it."""
    return Contact(
        name=french(line.name),
        label=_unbroken(line.label),
        href=line.href,
        detail=french(line.for_whom),
        hours=french(line.hours),
        chat=line.chat,
        free=line.free,
        sms=_unbroken(line.label) if line.sms and line.voice else "",
    )


def help_table(library: Library) -> tuple[Contact, ...]:
    """The help lines of every letter and page: those of the emergency block, else all."""
    lines = list(library.helplines.values())
    return tuple(helpline_contact(line) for line in [x for x in lines if x.emergency] or lines)


def of_post(post: Post, library: Library) -> tuple[Contact, ...]:
    """The contacts that a post's front matter names, partners first.

    Raises:
        ContentError: one of them does not exist.
    """
    known = directory(library)
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
