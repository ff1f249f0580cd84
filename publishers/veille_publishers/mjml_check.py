"""Which MJML tags and attributes a letter template may use.

The engine (mrml 6.0) copies an unknown tag into the letter and accepts any attribute without a word, so a typing
error would only show in somebody's mailbox. Components that work only in few mail clients are left out on purpose.
"""

from __future__ import annotations

import re

_BOX = {"padding", "padding-top", "padding-bottom", "padding-left", "padding-right", "css-class", "mj-class"}
_GROUND = {"background-color", "border", "border-radius", "border-top", "border-bottom", "border-left"}
_TYPE = {"align", "color", "font-family", "font-size", "font-weight", "letter-spacing", "line-height", "height"}

ALLOWED: dict[str, frozenset[str]] = {
    name: frozenset(attributes)
    for name, attributes in {
        "mjml": {"lang", "dir"},
        "mj-head": set(),
        "mj-title": set(),
        "mj-preview": set(),
        "mj-breakpoint": {"width"},
        "mj-attributes": set(),
        "mj-all": _BOX | _TYPE,
        "mj-class": _BOX | _GROUND | _TYPE | {"name"},
        "mj-style": set(),
        "mj-raw": set(),
        "mj-body": {"background-color", "width", "css-class"},
        "mj-wrapper": _BOX | _GROUND | {"full-width", "text-align"},
        "mj-section": _BOX | _GROUND | {"full-width", "direction", "text-align"},
        "mj-column": _BOX | _GROUND | {"width", "vertical-align", "inner-background-color", "inner-border-radius"},
        "mj-group": {"width", "vertical-align", "background-color", "css-class"},
        "mj-text": _BOX | _TYPE | {"container-background-color"},
        "mj-table": _BOX | _TYPE | {"cellpadding", "cellspacing", "width", "table-layout", "role"},
        "mj-image": _BOX | {"src", "alt", "href", "width", "height", "align", "border-radius", "fluid-on-mobile"},
        "mj-button": _BOX | _GROUND | _TYPE | {"href", "inner-padding", "text-decoration", "width"},
        "mj-divider": _BOX | {"border-color", "border-style", "border-width", "width", "align"},
        "mj-spacer": _BOX | {"height"},
    }.items()
}

_TAG = re.compile(r"<(mj[\w-]*)((?:\s+[\w:-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*)\s*/?>")
_OPENING = re.compile(r"<(mj[\w-]*)")
_ATTRIBUTE = re.compile(r"([\w:-]+)\s*=\s*(?:\"[^\"]*\"|'[^']*')")


def unknown(source: str) -> list[tuple[int, str]]:
    """Every MJML tag or attribute that is not allowed, with its line, from 1.

    Args:
        source: MJML, after the template was filled.
    """
    found = []
    for match in _OPENING.finditer(source):
        line = source.count("\n", 0, match.start()) + 1
        whole = _TAG.match(source, match.start())
        allowed = ALLOWED.get(match[1])
        if allowed is None or whole is None:
            found.append((line, f"<{match[1]}>"))
            continue
        names = (attribute[1] for attribute in _ATTRIBUTE.finditer(whole[2]))
        found += [(line, f"<{match[1]} {name}>") for name in names if name not in allowed]
    return found
