"""The newsroom's own colours: every text that veille sets in them can be read (WCAG 2.2, criterion 1.4.3)."""

from __future__ import annotations

from collections.abc import Iterable

from veille.brand import contrast, pairs
from veille.checks.rules import Check, Context, Rule, mark, said
from veille.config import FILE_NAME
from veille.errors import Finding, Severity
from veille.i18n import gettext as _

LEAST = 4.5

CLOSE = Rule(
    code="colours-too-close",
    title=mark("Two colours of the newsroom are too close for text"),
    why=mark(
        "Readers who see little, and everybody in the sun, cannot read it: on pages, in letters and on the cards for "
        "Facebook and Instagram. A card is not drawn in such colours."
    ),
    remedy=mark("Make one of them darker or lighter under [brand] in veille.toml."),
    wrong='action = "#ff8a75"',
    right='action = "#c2372b"',
    severity=Severity.WARNING,
    excusable=False,
    source="WCAG 2.2, 1.4.3 Contrast (Minimum), read 2026-11-22",
    link="https://www.w3.org/TR/WCAG22/#contrast-minimum",
)


def _check(context: Context) -> Iterable[Finding]:
    brand = context.config.brand
    for scheme, palette in (("colours", brand.light), ("dark_colours", brand.dark)):
        for name, text, ground in pairs(palette):
            ratio = contrast(text, ground)
            if ratio < LEAST:
                one, _on, other = name.partition(" on ")
                words = _("{text} on {ground}: the contrast is {ratio:.1f}:1, and text needs 4.5:1")
                message = words.format(text=one, ground=other, ratio=ratio)
                hint, field = said(CLOSE.remedy), f"brand.{scheme}"
                yield Finding(FILE_NAME, None, field, message, hint, CLOSE.code, CLOSE.severity, link=CLOSE.link)


CHECK = Check(rules=(CLOSE,), whole=_check)
