"""Cut caniemail's data down to what `veille.checks.mail_clients` needs: `python -m tests.support.caniemail FILE`.

FILE is data/caniemail.json of the npm package `caniemail` (MIT). What is written stands beside its notice in
src/veille/checks/data. Run it again when a newer version is taken in, and read the differences.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

OUT = Path(__file__).parents[2] / "src/veille/checks/data/caniemail.json"
CLIENTS = ("orange", "laposte", "sfr", "free-fr", "gmail", "outlook")  # what readers in France have most
GONE = {"outlook": ("windows-mail",)}  # Microsoft ended Windows Mail on 31 December 2024

# Features whose title does not say what stands in a letter that uses them.
NAMED: Mapping[str, tuple[str, ...]] = {
    "css-at-media-device-pixel-ratio": ("media:-webkit-device-pixel-ratio", "media:-webkit-min-device-pixel-ratio"),
    "css-at-media-hover": ("media:hover", "media:any-hover"),
    "css-unit-calc": ("function:calc",),
    "css-unit-initial": ("word:initial",),
    "css-unit-percent": (),
    "css-variables": ("function:var",),
    "css-important": ("word:!important",),
    "css-display-flex": ("pair:display:flex", "pair:display:inline-flex"),
    "css-display-grid": ("pair:display:grid", "pair:display:inline-grid"),
    "css-display-none": ("pair:display:none",),
    "css-flex-direction": ("property:flex-direction",),
    "css-flex-wrap": ("property:flex-wrap",),
    "css-grid-template": tuple(f"property:grid-template{end}" for end in ("", "-columns", "-rows", "-areas")),
    "css-column-layout-properties": tuple(f"property:column{end}" for end in ("s", "-width", "-rule", "-span")),
    "css-border-inline-block": ("property:border-inline", "property:border-block"),
    "css-border-inline-block-individual": ("property:border-inline-start", "property:border-block-start"),
    "css-border-inline-block-longhand": ("property:border-inline-color", "property:border-inline-width"),
    "css-border-radius-logical": ("property:border-start-start-radius", "property:border-end-end-radius"),
    "css-scroll-snap": ("property:scroll-snap-type", "property:scroll-snap-align"),
    "css-intrinsic-size": ("word:fit-content", "word:min-content", "word:max-content"),
    "css-sytem-ui": ("word:system-ui", "word:ui-serif", "word:ui-sans-serif", "word:ui-rounded", "word:ui-monospace"),
    "css-selector-adjacent-sibling": ("selector:+",),
    "css-selector-general-sibling": ("selector:~",),
    "css-selector-child": ("selector:>",),
    "css-selector-attribute": ("selector:[",),
    "css-selector-universal": ("selector:*",),
    "html-address": ("element:address",),
    "html-h1-h6": tuple(f"element:h{level}" for level in range(1, 7)),
    "html-image-maps": ("element:map",),
    "html-lists": ("element:ul", "element:ol", "element:dl"),
    "html-meta-color-scheme": ("meta:color-scheme",),
    "html-semantics": tuple(
        f"element:{name}" for name in ("article", "aside", "details", "figcaption", "figure", "footer", "header",
                                       "main", "mark", "nav", "section", "summary", "time")
    ),
    "html-srcset": ("attribute:srcset", "attribute:sizes"),
    "html-svg": ("element:svg",),
    "image-base64": ("image:data",),
    "image-svg": ("image:svg",),
}  # fmt: skip

# What a letter cannot do without, or what another check looks at.
LEFT_OUT = (
    "css-comments",  # nobody sees them
    "css-nesting",  # css-inline takes no nested rules
    "css-selector-chaining",  # what is essential is inlined, so that no selector is read
    "css-selector-class",
    "css-selector-descendant",
    "css-selector-grouping",
    "css-selector-id",
    "css-selector-type",
    "html-anchor-links",  # the rule `letter-anchor`
    "html-body",  # every letter has one
    "html-comments",
    "html-doctype",
    "html-mailto-links",  # the address is readable, too
)


def main() -> None:
    """Read the one and write the other."""
    source = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    names = source["nicenames"]
    found = {feature["slug"]: _reduced(feature) for feature in source["data"] if feature["slug"] not in LEFT_OUT}
    out = {
        "source": "https://www.caniemail.com/, MIT, npm caniemail 1.0.5",
        "date": source["last_update_date"][:10],
        "families": {client: names["family"][client] for client in CLIENTS},
        "platforms": names["platform"],
        "features": {slug: values for slug, values in sorted(found.items()) if values["uses"] and values["dropped"]},
    }
    OUT.write_text(json.dumps(out, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _reduced(feature: Mapping[str, Any]) -> dict[str, Any]:
    dropped = {client: _dropping(client, feature["stats"].get(client, {})) for client in CLIENTS}
    return {
        "title": feature["title"].strip(),
        "tested": feature["last_test_date"],
        "uses": list(_uses(feature)),
        "dropped": {client: platforms for client, platforms in dropped.items() if platforms},
    }


def _dropping(client: str, platforms: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Platforms whose newest version does not know it at all, "*" for all that were tried.

    What one knows in part (a) passes: the notes speak of single values, or of mailboxes of others in Gmail's app.
    """
    newest = {name: _newest(known) for name, known in platforms.items() if known and name not in GONE.get(client, ())}
    dropping = sorted(name for name, value in newest.items() if value.startswith("n"))
    tried = [name for name, value in newest.items() if not value.startswith("u")]
    return ["*"] if dropping and len(dropping) == len(tried) else dropping


def _newest(versions: Mapping[str, str]) -> str:
    return versions[max(versions, key=lambda name: [int(part) for part in re.findall(r"\d+", name)])]


def _uses(feature: Mapping[str, Any]) -> tuple[str, ...]:
    """What stands in a letter that uses the feature, as `usage.uses` names it."""
    slug, title, category = feature["slug"], feature["title"], feature["category"]
    if slug in NAMED:
        return NAMED[slug]
    if category == "css":
        return _of_css(slug, title)
    if category == "image":
        return (f"image:{slug.removeprefix('image-')}",)
    return _of_html(title) if category == "html" else ()


def _of_css(slug: str, title: str) -> tuple[str, ...]:
    for prefix, kind in (
        ("css-at-media-", "media"),
        ("css-at-", "at"),
        ("css-unit-", "unit"),
        ("css-pseudo-class-", "pseudo"),
        ("css-pseudo-element-", "pseudo"),
    ):
        if slug.startswith(prefix):
            return (f"{kind}:{slug.removeprefix(prefix)}",)
    if functions := re.findall(r"([a-z-]+)\(\)", title):
        return tuple(f"function:{name}" for name in functions)
    names = re.findall(r"[a-z]+(?:-[a-z]+)*", re.sub(r"\b(?:property|properties|shorthand|CSS)\b", "", title))
    return tuple(f"property:{name}" for name in names)


def _of_html(title: str) -> tuple[str, ...]:
    if typed := re.match(r'<(\w+) type="(\w+)">', title):
        return (f"{typed[1]}:{typed[2]}",)
    if element := re.match(r"<(\w+)>", title):
        return (f"element:{element[1]}",)
    names = re.findall(r"^([\w-]+) attribute", title)
    return tuple(f"attribute:{name}" for name in names)


if __name__ == "__main__":
    main()
