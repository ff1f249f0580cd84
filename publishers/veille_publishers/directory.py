""" "Who to call?": help lines and partners by need and by town, to tap, to print, and as JSON for other sites."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from veille.i18n import gettext as _
from veille.partners import Need
from veille.rendering import Entry, RenderedDirectory
from veille.rendering.directory import PATH
from veille.rendering.labels import need_label
from veille_publishers.site_frame import Way
from veille_publishers.site_parts import Extra, Leaf, Material, Page

FORM = 1  # of contacts.json: raised when a key changes its meaning; new keys may come at any time


@dataclass(frozen=True)
class Group:
    """Partners that belong together: those who help with one need, or those of one town.

    Args:
        path: of their own page, "contacts/food/".
        slug: of the anchor on the main page.
    """

    path: str
    slug: str
    name: str
    partners: tuple[Entry, ...]


@dataclass(frozen=True)
class Guide:
    """Everything that the pages show: what of the directory still holds today."""

    first: tuple[Entry, ...]  # the lines of the emergency block
    lines: tuple[Entry, ...]  # the others
    needs: tuple[Group, ...]
    towns: tuple[Group, ...]
    updated: str  # ISO date
    updated_words: str

    @property
    def partners(self) -> tuple[Entry, ...]:
        """Each partner once."""
        return tuple({p.id: p for group in (*self.needs, *self.towns) for p in group.partners}.values())


def pages(site: Material) -> Iterator[Leaf | Extra]:
    """The main page, one for each need and town, and contacts.json."""
    guide = guide_of(site)
    words = _("In an emergency and for everything else: numbers that were checked.")
    yield Leaf(Page(PATH, _("Who to call?"), words), "contacts.html.j2", {"guide": guide})
    for group in (*guide.needs, *guide.towns):
        title = _("Who to call? {what}").format(what=group.name)
        yield Leaf(Page(group.path, title), "contacts_list.html.j2", {"group": group, "guide": guide})
    if site.archive.directory is not None:
        shown = as_json(site, guide)
        yield Extra("contacts.json", shown, lambda: _bytes(shown))


def guide_of(site: Material) -> Guide:
    """What of the directory holds today, in groups; the emergency block alone where there is no directory."""
    directory = site.archive.directory
    if directory is None:
        block = tuple(
            Entry(contact.href or contact.name, contact, emergency=True) for contact in site.archive.helplines
        )
        return Guide(block, (), (), (), "", "")
    lines = _holding(directory.lines, site.today)
    partners = _holding(directory.partners, site.today)
    return Guide(
        first=tuple(line for line in lines if line.emergency),
        lines=tuple(line for line in lines if not line.emergency),
        needs=tuple(_by_need(partners)),
        towns=tuple(_by_town(partners, site.config.towns)),
        updated=directory.updated,
        updated_words=directory.updated_words,
    )


def needs(site: Material) -> tuple[Way, ...]:
    """What somebody may look for, for the front page: anchors of the main page, so that a number is two taps away."""
    return tuple(Way(group.slug, group.name) for group in guide_of(site).needs)


def _holding(entries: Sequence[Entry], today: date) -> tuple[Entry, ...]:
    """A record that is over leaves the pages on its day, whether or not somebody publishes."""
    return tuple(entry for entry in entries if not entry.until or today <= date.fromisoformat(entry.until))


def _by_need(partners: Sequence[Entry]) -> Iterator[Group]:
    for need in Need:
        members = tuple(entry for entry in partners if need.value in entry.needs)
        if members:
            yield Group(f"{PATH}{need.value}/", need.value, need_label(need), members)


def _by_town(partners: Sequence[Entry], towns: dict[str, str]) -> Iterator[Group]:
    """A partner without a town is there for all. A town that is called like a need stands under another name."""
    taken = {need.value for need in Need}
    for slug, name in towns.items():
        members = tuple(entry for entry in partners if not entry.towns or slug in entry.towns)
        if members:
            own = f"town-{slug}" if slug in taken else slug
            yield Group(f"{PATH}{own}/", own, name, members)


def as_json(site: Material, guide: Guide) -> dict[str, Any]:
    """What contacts.json says; the keys are described in docs/site.md and stay."""
    directory = site.archive.directory
    assert isinstance(directory, RenderedDirectory)
    lines = [*guide.first, *guide.lines]
    return {
        "veille_contacts": FORM,
        "name": site.name,
        "url": directory.url,
        "language": directory.lang,
        "updated": guide.updated,
        "needs": [{"id": group.slug, "name": group.name} for group in guide.needs],
        "towns": [{"id": slug, "name": name} for slug, name in site.config.towns.items()],
        "helplines": [{**_common(entry), "emergency": entry.emergency, "free": entry.contact.free} for entry in lines],
        "partners": [
            {
                **_common(entry),
                "needs": list(entry.needs),
                "towns": list(entry.towns),
                "email": entry.contact.email,
                "address": entry.contact.address,
                "languages": list(entry.languages),
                "wheelchair": entry.contact.accessible,
            }
            for entry in guide.partners
        ],
    }


def _common(entry: Entry) -> dict[str, Any]:
    contact = entry.contact
    return {
        "id": entry.id,
        "name": contact.name,
        "description": contact.detail,
        "phone": entry.phone,
        "sms": entry.sms,
        "printed": contact.label,
        "hours": contact.hours,
        "url": contact.url,
        "chat": contact.chat,
        "verified_on": entry.verified_on,
    }


def _bytes(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"
