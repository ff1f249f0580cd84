"""Pages that every site owes its readers: accessibility, privacy, and how to be discreet here.

A newsroom replaces one of them with a template of the same name in its `templates/web/`.
"""

from __future__ import annotations

from collections.abc import Iterator

from veille.i18n import gettext as _
from veille_publishers.site_parts import Extra, Leaf, Material, Page

ACCESSIBILITY = "accessibility/"
PRIVACY = "privacy/"
DISCREET = "discreet/"


def pages(site: Material) -> Iterator[Leaf | Extra]:
    """Settings that these pages show are among what every page is made with."""
    yield Leaf(Page(ACCESSIBILITY, _("Accessibility")), "accessibility.html.j2")
    asks_age = site.config.settings.newsletter.minors == "parental_joint_consent"
    keep = site.config.settings.newsletter.keep_proof
    values = {"asks_age": asks_age, "kept_days": keep.days if keep else 0}
    yield Leaf(Page(PRIVACY, _("Your data")), "privacy.html.j2", values)
    # Its title says nothing: it stays in the history of a phone that somebody may look at.
    yield Leaf(Page(DISCREET, site.name, private=True), "discreet.html.j2")
