"""How text looks in a letter, as far as its inline styles tell: every mail program keeps these."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from veille.brand import contrast

_LARGE, _LARGE_BOLD = 24.0, 18.66  # px (WCAG 2.1, 1.4.3)
_HEADINGS = {"h1": 2.0, "h2": 1.5, "h3": 1.17, "h4": 1.0, "h5": 0.83, "h6": 0.67}  # of the size around it
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_SIZE = re.compile(r"([\d.]+)(px|pt|em|rem|%)")
_WEIGHT = re.compile(r"(?<!\S)(bold(?:er)?|normal|[1-9]00)(?!\S)")
_HEX = re.compile(r"#(?:[0-9a-f]{6}|[0-9a-f]{3})(?![0-9a-f])", re.I)
_RGB = re.compile(r"rgb\(\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*\)", re.I)
_NAMED = {"white": "#ffffff", "black": "#000000", "red": "#ff0000", "blue": "#0000ff", "gray": "#808080"}
_NAMED |= {"grey": "#808080", "silver": "#c0c0c0", "yellow": "#ffff00", "green": "#008000", "navy": "#000080"}
_SILENT = {"style", "script", "title", "head", "noscript", "xml"}


@dataclass(frozen=True)
class Look:
    """A run of text.

    Args:
        colour, ground: "#rrggbb"; "" where the styles do not tell (a picture behind the text).
        size: px.
    """

    colour: str = "#000000"
    ground: str = "#ffffff"
    size: float = 16.0
    bold: bool = False
    justified: bool = False
    words: str = ""

    @property
    def contrast(self) -> float | None:
        """1 to 21 (WCAG 2.1); None where it is not known."""
        return _contrast(self.colour, self.ground) if self.colour and self.ground else None

    @property
    def least(self) -> float:
        """The contrast that it needs."""
        large = self.size >= _LARGE or (self.bold and self.size >= _LARGE_BOLD)
        return 3.0 if large else 4.5


_contrast = lru_cache(contrast)


def looks(tree: Any) -> Iterator[Look]:
    """Every run of visible text of a letter, with its look."""
    waiting: list[tuple[Any, Look]] = [(tree, Look())]
    while waiting:
        element, around = waiting.pop()
        if not isinstance(element.tag, str) or element.tag in _SILENT:
            continue
        style = element.get("style") or ""
        if style and _HIDDEN.search(style):
            continue
        look = _changed(around, element, style)
        for text in (element.text, *(child.tail for child in element)):
            if text and (words := " ".join(text.split())):
                yield replace(look, words=words)
        waiting += [(child, look) for child in reversed(element)]


def _changed(around: Look, element: Any, style: str) -> Look:
    """The look inside an element."""
    values = _declared(style)
    look = around
    if element.tag in _HEADINGS:
        look = replace(look, bold=True, size=look.size * _HEADINGS[element.tag])
    if element.tag in {"b", "strong", "th"}:
        look = replace(look, bold=True)
    if element.tag == "a" and element.get("href") and "color" not in values:
        look = replace(look, colour="#0000ee")  # as browsers show a link that has no colour
    if ground := element.get("bgcolor"):
        look = replace(look, ground=_hex(ground))
    return _styled(look, values, around.size) if values else look


def _styled(look: Look, values: dict[str, str], around: float) -> Look:
    for name, value in values.items():
        match name:
            case "color":
                look = replace(look, colour=_hex(value) or (look.colour if value == "inherit" else ""))
            case "background-color":
                look = replace(look, ground=_hex(value) or (look.ground if value in _THROUGH else ""))
            case "background" | "background-image" if value not in {"none", *_THROUGH}:
                look = replace(look, ground="" if "url(" in value or "gradient" in value else _hex(value))
            case "font-size" | "font" if found := _SIZE.search(value):
                look = replace(look, size=_pixels(float(found[1]), found[2], around))
            case "text-align":
                look = replace(look, justified=value == "justify")
        if name in {"font-weight", "font"} and (
            weight := re.search(r"(?<!\S)(bold(?:er)?|normal|[1-9]00)(?!\S)", value)
        ):
            look = replace(look, bold=weight[1] in {"bold", "bolder", "700", "800", "900"})
    return look


_THROUGH = {"transparent", "inherit", ""}


@lru_cache(maxsize=512)
def _cached(style: str) -> tuple[tuple[str, str], ...]:
    parts = (part.partition(":") for part in style.replace("!important", "").split(";") if ":" in part)
    return tuple((name.strip().lower(), value.strip().lower()) for name, _colon, value in parts)


def _declared(style: str) -> dict[str, str]:
    return dict(_cached(style)) if style else {}


def _pixels(number: float, unit: str, around: float) -> float:
    return number * {"px": 1.0, "pt": 4 / 3, "em": around, "rem": 16.0, "%": around / 100}[unit]


def _hex(value: str) -> str:
    """A colour as #rrggbb; "" when it is not understood."""
    value = value.strip().lower()
    if found := _HEX.search(value):
        digits = found[0][1:]
        return "#" + (digits if len(digits) == 6 else "".join(digit * 2 for digit in digits))
    if found := _RGB.search(value):
        return "#" + "".join(f"{min(int(part), 255):02x}" for part in found.groups())
    return _NAMED.get(value, "")
